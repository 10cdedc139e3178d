"""Prints the error of every row at its samples and at random points, order 40, in ulp.

Of the local envelope of the coefficients; for one number (machine code where there is some).
"""

from __future__ import annotations

import statistics
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from oracle import ulp_error
from test_accuracy import ORDER, RANGES, drawn, exact, positions
from test_elementary import run

from taylor import Taylor
from taylor.core.table import TABLE


def error(name: str, point: object, position: int) -> float:
    """Return the error of a row at a point in one of its arguments."""
    got = run(name, point, position, lambda x: Taylor.variable(float(x), ORDER))
    return float(ulp_error(got.coef, exact(name, point, position), first=1))


def main() -> None:
    """Print one line for each row (its worst points), then the largest error and the shares."""
    found: dict[str, list[float]] = {"samples": [], "random points": []}
    for name in RANGES:
        line = f"{name:12s}"
        for kind, points in (("samples", TABLE[name].samples), ("random points", drawn(name, 12))):
            errors = {(error(name, p, i), p): p for p in points for i in positions(name)}
            worst, place = max(errors)
            found[kind] += [e for e, _ in errors]
            line += f"{worst:8.2f} at {place!s:24.24s}"
        print(line, flush=True)
    for kind, every in found.items():
        shares = [100 * sum(e < bound for e in every) / len(every) for bound in (8, 16)]
        print(
            f"\n{len(every)} {kind}: largest {max(every):.1f} ulp, median "
            f"{statistics.median(every):.2f}; below 8: {shares[0]:.1f} %, below 16: "
            f"{shares[1]:.1f} %"
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
