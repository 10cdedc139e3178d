"""Runs all benchmarks, one after the other."""

import subprocess
import sys

for name in (
    "accuracy",
    "eager",
    "memory",
    "reverse",
    "sparse",
    "compiled",
    "ode_variational",
    "peers",
):
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
