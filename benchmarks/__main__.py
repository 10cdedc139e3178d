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
    "peers",
    "ode_ensemble",
):
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
