"""Prints the peak memory of batches as a multiple of the size of their result."""

from __future__ import annotations

import tracemalloc

import numpy as np

from taylor import Taylor


def main() -> None:
    """Print one line for each operation on 100,000 points of order 10."""
    u = np.sin(Taylor.variable(np.linspace(0.1, 0.6, 100_000), 10))
    for name, f in (
        ("u * u", lambda: u * u),
        ("u / (1 + u)", lambda: u / (1 + u)),
        ("u ** 2.5", lambda: u**2.5),
        ("exp", lambda: np.exp(u)),
        ("sin", lambda: np.sin(u)),
        ("tanh", lambda: np.tanh(u)),
        ("arcsin", lambda: np.arcsin(u)),
        ("sinc", lambda: np.sinc(u)),
    ):
        tracemalloc.start()
        f()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{name:12s} peak / result {peak / u.coef.nbytes:5.2f}")


if __name__ == "__main__":
    main()
