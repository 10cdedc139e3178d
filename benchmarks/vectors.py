"""Prints for each function of vectors its largest error at random points and its time.

In units in the last place, against mpmath; in nanoseconds an element, summed over 1000 of them.
The number of points, and names, as arguments: 1,000,000 points take half an hour.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from test_vector import RANGES, by_code, points, worst

import taylor

SIZE, CALLS, REPEATS = 1000, 50, 15


def elapsed(name: str) -> float:
    """Return the time of a value in nanoseconds of CPU time, with that of adding it up."""
    row, x = by_code(name), points(name, 2 * SIZE)
    x = tuple(np.ascontiguousarray(v[:SIZE]) for v in x)
    f, found = taylor.compile(lambda *x: np.sum(row(*x)), strict=True), []
    with np.errstate(all="ignore"):
        f(*x)
        for _ in range(REPEATS):
            start = time.process_time()
            for _ in range(CALLS):
                f(*x)
            found.append((time.process_time() - start) / CALLS / SIZE)
    return 1e9 * min(found)


def main() -> None:
    """Print one line for each function."""
    count, *names = sys.argv[1:] or ["3000"]
    for name in names or RANGES:
        error, *where = worst(name, *points(name, int(count), seed=2))
        place = ", ".join(f"{v:.17g}" for v in where)
        print(f"{name:9s}{error:7.3f} ulp at {place:45s}{elapsed(name):7.2f} ns", flush=True)


if __name__ == "__main__":
    main()
