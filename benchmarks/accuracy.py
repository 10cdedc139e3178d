"""Prints the error of every row at its samples, order 20, in ulp of the local envelope."""

from __future__ import annotations

import statistics
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from oracle import ulp_error
from test_elementary import CASES, reference, run

from taylor import Taylor


def main() -> None:
    """Print one line for each row (worst sample), then the largest and the median error."""
    worst: dict[str, tuple[float, object]] = {}
    every = []
    for name, sample, position in CASES:
        want, order = reference(name, sample, position)
        got = run(name, sample, position, lambda x, k=order: Taylor.variable(float(x), k))
        error = ulp_error(got.coef, want, first=1)
        every.append(error)
        worst[name] = max(worst.get(name, (0.0, sample)), (error, sample), key=lambda p: p[0])
    for name, (error, sample) in worst.items():
        print(f"{name:12s} {error:8.2f} ulp at {sample}")
    print(f"\nlargest {max(every):.1f} ulp, median {statistics.median(every):.2f} ulp")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
