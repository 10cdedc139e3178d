"""This package on two threads: many points."""

from __future__ import annotations

from benchmarks.peers import Prepared, compiled
from benchmarks.workloads import Task


def prepare(task: Task) -> Prepared:
    """Return (call, read) of a task."""
    return compiled.prepare(task, threads=2) if task.workload == "W2" else None
