"""Directed graphs as SVG, in layers from left to right.

A box stands one layer behind the last of those it depends on; within layers boxes go to the mean
place of their neighbours (the barycentre heuristic of Sugiyama, Tagawa and Toda, IEEE Trans. SMC
11, 1981), and an edge over several layers passes each of them at a place of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

COLOURS = {"input": "#2A8FD0", "output": "#D55E00", "": "currentColor"}  # told apart by all
CHARACTER, LINE, GAP, ASIDE = 7.3, 16, 14, 46  # widths and heights in pixels
SWEEPS = 8  # over the layers


class Box(NamedTuple):
    """A box: lines of text, the boxes it depends on (which stand before it), and its kind."""

    lines: tuple[str, ...]
    sources: tuple[int, ...] = ()
    kind: str = ""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        return CHARACTER * max(map(len, self.lines)) + 16, LINE * len(self.lines) + 8


Place = tuple[float, float, float]  # of the middle, and half the width
PASSING = Box(("",))  # where an edge passes a layer


def svg(boxes: Sequence[Box], title: str) -> str:
    """Return the drawing; `title` says for those who cannot see it what it shows.

    >>> svg([Box(("x",)), Box(("x²",), (0,))], "a square").count("<rect")
    2
    """
    boxes, paths, layers = _layered(boxes)
    _ordered(layers, paths, len(boxes))
    place, width, height = _placed(boxes, layers)
    drawn = [_edge([place[i] for i in path]) for path in paths]
    drawn += [_box(place[i], b) for i, b in enumerate(boxes) if b is not PASSING]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}" font-family="monospace" font-size="12"'
        f' text-anchor="middle"><title>{escape(title)}</title>'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7"'
        ' markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor"/></marker>'
        f"</defs>{''.join(drawn)}</svg>"
    )


def _layered(boxes: Sequence[Box]) -> tuple[list[Box], list[list[int]], list[list[int]]]:
    """Return the boxes and where edges pass, the way of each edge, and what is in each layer."""
    every, depth, paths = list(boxes), [0] * len(boxes), []
    for i, box in enumerate(boxes):
        depth[i] = max((depth[s] + 1 for s in box.sources), default=0)
    for i, box in enumerate(boxes):
        if not box.sources and any(i in b.sources for b in boxes) and box.kind != "input":
            depth[i] = min(depth[k] for k, b in enumerate(boxes) if i in b.sources) - 1
    for i, box in enumerate(boxes):
        for s in dict.fromkeys(box.sources):
            passed = list(range(len(every), len(every) + depth[i] - depth[s] - 1))
            depth += range(depth[s] + 1, depth[i])
            every += [PASSING] * len(passed)
            paths.append([s, *passed, i])
    layers: list[list[int]] = [[] for _ in range(max(depth, default=0) + 1)]
    for i, layer in enumerate(depth):
        layers[layer].append(i)
    return every, paths, layers


def _ordered(layers: list[list[int]], paths: Sequence[Sequence[int]], count: int) -> None:
    """Sort each layer by the mean places of the neighbours in the layer before, then after."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for path in paths:
        for a, b in pairwise(path):
            after[a].append(b)
            before[b].append(a)
    for sweep in range(SWEEPS):
        near, way = (after, layers[::-1]) if sweep % 2 else (before, layers)
        for fixed, moved in pairwise(way):
            at = {i: (n + 0.5) / len(fixed) for n, i in enumerate(fixed)}
            own = {i: (n + 0.5) / len(moved) for n, i in enumerate(moved)}
            mean = {i: sum(at[k] for k in near[i]) / len(near[i]) for i in moved if near[i]}
            moved.sort(key=lambda i, mean=mean, own=own: mean.get(i, own[i]))  # type: ignore[misc]


def _placed(
    boxes: Sequence[Box], layers: Sequence[Sequence[int]]
) -> tuple[dict[int, Place], float, float]:
    """Return the place of each box, and the size of the drawing."""
    heights = [sum(boxes[i].size[1] + GAP for i in layer) for layer in layers]
    tallest = max(heights) + GAP
    place, x = {}, GAP / 2
    for layer, high in zip(layers, heights, strict=True):
        wide = max(boxes[i].size[0] for i in layer)
        y = (tallest - high + GAP) / 2
        for i in layer:
            width, height = boxes[i].size
            across = wide if boxes[i] is PASSING else width
            place[i] = (x + wide / 2, y + height / 2, across / 2)
            y += height + GAP
        x += wide + ASIDE
    return place, x - ASIDE + GAP / 2, tallest


def _box(place: Place, box: Box) -> str:
    (x, y, half), height, colour = place, box.size[1], COLOURS[box.kind]
    lines = "".join(
        f'<text x="{x:.1f}" y="{y - height / 2 + LINE * (n + 1):.1f}" fill="currentColor">'
        f"{escape(line)}</text>"
        for n, line in enumerate(box.lines)
    )
    return (
        f'<rect x="{x - half:.1f}" y="{y - height / 2:.1f}" width="{2 * half:.1f}" rx="6"'
        f' height="{height}" fill="none" stroke="{colour}" stroke-width="1.5"/>{lines}'
    )


def _edge(path: Sequence[Place]) -> str:
    """Return a curve from the right of a box over places that it crosses to the left of another."""
    (x, y, half), *after = path
    curve, x = f"M{x + half:.1f} {y:.1f}", x + half
    for n, (u, v, half) in enumerate(after, 1):
        middle = (x + u - half) / 2
        curve += f"C{middle:.1f} {y:.1f} {middle:.1f} {v:.1f} {u - half:.1f} {v:.1f}"
        x, y = u + half, v
        if n < len(after):
            curve += f"H{x:.1f}"
    return f'<path d="{curve}" fill="none" stroke="currentColor" marker-end="url(#arrow)"/>'
