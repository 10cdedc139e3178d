"""Benchmarks, as ratios in one run: `python -m benchmarks.accuracy`, `.eager`, `.memory`."""
