"""The packages, each run in a process of its own: tasks go in, times and values come out as JSON.

A module here has one function, prepare(task), which returns None for what the package does not do,
else (call, read): call() is what is timed, and read(call()) its series as lists of floats.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.workloads import Task

LONG = 2e-3  # seconds that a call is rarely left alone
Prepared = tuple[Callable[[], Any], Callable[[Any], list[list[float]]]] | None


class Peer(NamedTuple):
    """A way to run the tasks: its module here, what it imports, what pip calls that."""

    module: str
    imports: str
    install: str


PEERS = {
    "taylor": Peer("compiled", "taylor", "taylor-arithmetic"),
    "taylor, 2 threads": Peer("two_threads", "taylor", "taylor-arithmetic"),
    "taylor, eager": Peer("eager", "taylor", "taylor-arithmetic"),
    "heyoka": Peer("heyoka", "heyoka", "heyoka"),
    "jax": Peer("jax", "jax", "jax"),
    "casadi": Peer("casadi", "casadi", "casadi"),
    "dace": Peer("dace", "daceypy", "daceypy"),
    "gtpsa": Peer("gtpsa", "madng_tpsa", "madng-tpsa"),
    "flint": Peer("flint", "flint", "python-flint"),
    "algopy": Peer("algopy", "algopy", "algopy"),
    "autograd": Peer("autograd", "autograd", "autograd"),
    "num-dual": Peer("num_dual", "num_dual", "num-dual"),
    "numdifftools": Peer("numdifftools", "numdifftools", "numdifftools"),
}


def missing(name: str) -> str | None:
    """Return what to do where a package is not installed."""
    peer = PEERS[name]
    if importlib.util.find_spec(peer.imports) is None:
        return f"{name} skipped: not installed (pip install {peer.install})"
    return None


def run(name: str, tasks: list[Task], limit: float) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Yield tasks with their results; what is not done within the limit is left out.

    A result has the keys us (time of a call), compile (seconds to the first result) and values; it
    is empty where the package does not do the task.
    """
    single = "2 threads" not in name
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=home,  # some packages leave files where they run
            env=environment(home, single),
        )
        assert process.stdin is not None and process.stdout is not None
        timer = threading.Timer(limit, process.kill)
        timer.start()
        process.stdin.write(json.dumps(tasks))
        process.stdin.close()
        for task, line in zip(tasks, process.stdout, strict=False):
            yield task, json.loads(line)
        late = not timer.is_alive()
        timer.cancel()
        if process.wait() and not late:
            errors.seek(0)
            print(f"{name} stopped: {(errors.read().strip().splitlines() or ['?'])[-1][:150]}")


def environment(home: str, single: bool, cached: bool = False) -> dict[str, str]:
    """Return the variables of a child: one thread, and no cache on disk but in a folder `home`."""
    return os.environ | {
        "HOME": home,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TAYLOR_CACHE": os.path.join(home, "taylor") if cached else "",
        "JAX_COMPILATION_CACHE_DIR": os.path.join(home, "jax") if cached else "",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PLATFORMS": "cpu",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "BENCHMARK_SINGLE": "1" if single else "",
    }


def on_one_core() -> None:
    """Have all threads of this process run on one core, where the system has a call for that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def used() -> float:
    """Return the seconds of the processor used by this process and by compilers it has called."""
    return time.process_time() + sum(os.times()[2:4])


def best(f: Callable[[], Any], shared: bool = False, patience: float = 0.2) -> float:
    """Return the least time of f in microseconds, of `patience` seconds and three calls.

    `shared` tells that other processes use the core too: then long calls, which they interrupt, are
    measured in time of the processor; short ones fit between the interruptions.
    """
    start = time.perf_counter()
    f()
    once = time.perf_counter() - start
    clock = time.process_time if shared and once > LONG else time.perf_counter
    number, least, calls, end = (
        max(1, int(1e-4 / once)),
        math.inf,
        0,
        time.perf_counter() + patience,
    )
    while time.perf_counter() < end or (calls < 3 and once < 1.0) or not calls:
        start = clock()
        for _ in range(number):
            f()
        least = min(least, (clock() - start) / number)
        calls += 1
    return least * 1e6
