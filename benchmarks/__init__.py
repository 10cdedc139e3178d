"""Benchmarks: `python -m benchmarks` compares packages, the other modules look at this one."""
