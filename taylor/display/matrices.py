"""Patterns of sparse matrices as SVG, their entries coloured by groups of columns or rows."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

CELL, LARGEST = 10, 320  # pixels of an entry where there is room, and of the picture
# Okabe and Ito's palette, which can be told apart by (nearly) all
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#888888")
MOST = 4000  # entries that are drawn


def colour(group: int) -> str:
    """Return the colour of a group; there are seven."""
    return COLOURS[int(group) % len(COLOURS)]


def svg(
    shape: tuple[int, int],
    rows: Sequence[int],
    cols: Sequence[int],
    groups: Sequence[int],
    title: str,
) -> str:
    """Return the pattern of a matrix; of more entries than MOST, each so manieth is drawn.

    >>> svg((2, 2), [0, 1], [0, 1], [0, 0], "a diagonal").count("h1v1h-1z")
    2
    """
    (m, n), every = shape, -(-len(rows) // MOST) or 1
    squares: dict[int, list[str]] = {}
    for i, j, group in zip(rows[::every], cols[::every], groups[::every], strict=True):
        squares.setdefault(int(group), []).append(f"M{j} {i}h1v1h-1z")
    scale = min(CELL, LARGEST / max(m, n, 1))
    drawn = "".join(f'<path d="{"".join(s)}" fill="{colour(g)}"/>' for g, s in squares.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {n} {m}"'
        f' width="{n * scale:.0f}" height="{m * scale:.0f}"><title>{escape(title)}</title>{drawn}'
        f'<rect width="{n}" height="{m}" fill="none" stroke="currentColor"'
        ' stroke-width="1" vector-effect="non-scaling-stroke"/></svg>'
    )
