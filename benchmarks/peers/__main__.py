"""The child process of one package: reads tasks as JSON, writes one line for each."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.peers import PEERS, Peer, best, environment, on_one_core, used
from benchmarks.workloads import Task

AGAIN, SHORT = 7, 0.1  # calls, after a first one of less than so many seconds
FIRST = Task("W1", "16", (10,), "")
IMPORT = "import time, numpy; t = time.process_time(); import {}; print(time.process_time() - t)"


def measure(prepare: Any, task: Task) -> dict[str, Any]:
    """Return the figures of a task, or nothing where the package does not do it."""
    start = used()
    prepared = prepare(task)
    if prepared is None:
        return {}
    call, read = prepared
    first = call()
    took = used() - start
    values = read(first)
    for _ in range(AGAIN if took < SHORT else 0):  # until code is made that a first call does not
        call()
    return {
        "us": best(call, bool(os.environ["BENCHMARK_SINGLE"])),
        "compile": took,
        "values": values,
    }


def starting(name: str, peer: Peer, prepare: Any, task: Task) -> dict[str, Any]:
    """Return the figures of a task of W0."""
    if task.function == "import":
        code = [sys.executable, "-c", IMPORT.format(peer.imports)]
        took = min(float(subprocess.check_output(code, text=True)) for _ in range(5))
        return {"us": took * 1e6}
    if task.function == "x + 1":
        return measure(prepare, task)
    if prepare(FIRST) is None:
        return {}
    with tempfile.TemporaryDirectory() as home:  # once cold, then from what that left on disk
        code = [sys.executable, "-m", "benchmarks.peers", name, "first"]
        env = environment(home, True, cached=True)
        cold, again = (float(subprocess.check_output(code, text=True, env=env)) for _ in range(2))
    return {"us": cold * 1e6, "again": again * 1e6}


def main() -> None:
    """Run the tasks of the standard input by the package named as the first argument."""
    name, peer = sys.argv[1], PEERS[sys.argv[1]]
    if os.environ["BENCHMARK_SINGLE"]:
        on_one_core()
    start = used()
    prepare = importlib.import_module(f"benchmarks.peers.{peer.module}").prepare
    if sys.argv[2:] == ["first"]:
        call, _ = prepare(FIRST)
        call()
        print(used() - start)
        return
    for given in json.load(sys.stdin):
        task = Task(given[0], given[1], tuple(given[2]), given[3])
        if task.workload == "W0":
            result = starting(name, peer, prepare, task)
        else:
            result = measure(prepare, task)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
