"""What a program looks like: a table of its traces, a graph; imported when one is shown.

The layout of the tables is that of Griewank & Walther, Evaluating Derivatives, Table 2.2, and of
Baydin et al., Automatic Differentiation in Machine Learning: a Survey, JMLR 18 (2018), Tables 2 and
3; that of the graph is their Figure 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.instructions import Const, Input, full, short
from taylor.core.rules import adjoints, tangents
from taylor.display import graph, tables

MOST = 40  # instructions in a graph
WIDTH = 24  # characters in a box


def columns(program: Any, x: Sequence[Any], tangent: Any, adjoint: Any) -> dict[str, list[Any]]:
    """Return the values of all instructions at x, their tangents, and adjoints if asked for."""
    seeds = [np.ones(np.shape(v)) for v in x] if tangent is None else list(tangent)
    with np.errstate(all="ignore"):
        v = program.trace(x)
    t = tangents(program.code, v, [np.asarray(d, dtype=float)[()] for d in seeds])
    shapes = [i.shape for i in program.code]
    found = {"value": v, "tangent": [full(d, s) for d, s in zip(t, shapes, strict=True)]}
    if adjoint is not None:
        bars = np.atleast_1d(np.asarray(adjoint, dtype=object)) if program.single else adjoint
        given: dict[int, Any] = {}
        for i, bar in zip(program.outputs, bars, strict=True):
            given[i] = given[i] + bar if i in given else bar
        every: dict[int, Any] = {}
        inputs = adjoints(program.code, v, given, (), every)
        every.update(zip(program.inputs, inputs, strict=True))
        found["adjoint"] = [full(every.get(i), s) for i, s in enumerate(shapes)]
    return found


def text(program: Any, found: dict[str, list[Any]]) -> str:
    """Return the table as text."""
    rows = [["v", "expression", *found]]
    rows += [_row(program, found, i) for i in range(len(program.code))]
    rows += _results(program, found)
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    return "\n".join(
        "".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)).rstrip() for r in rows
    )


def html(program: Any) -> str:
    """Return the graph and the table at the point of the recording, for notebooks.

    Tangents are those in the direction of ones, adjoints those of the sum of the results.
    """
    found = _at_its_point(program)
    rows = tables.long(len(program.code), lambda i: _row(program, found, i))
    rows += _results(program, found)
    caption = f"{len(program.code)} instructions, {len(program.guards)} guards"
    if len(program.code) > MOST:
        caption += f"; the first {MOST} are drawn"
    drawn = f'<div style="overflow-x:auto">{svg(program)}</div>'
    return drawn + tables.html(["v", "expression", *found], rows, caption)


def svg(program: Any) -> str:
    """Return the graph with the values at the point of the recording."""
    count = len(program.code)
    v = program.trace(program.point) if program.point else None
    boxes = []
    for i, (op, args, _) in enumerate(program.code[:MOST]):
        kind = "input" if type(op) is Input else "output" if i in program.outputs else ""
        lines = [f"v{i} = {program.expression(i)}"]
        if v is not None and type(op) is not Const:
            lines.append(short(v[i]))
        boxes.append(graph.Box(tuple(map(_cut, lines)), tuple(a for a in args if a < i), kind))
    title = f"graph of a program of {count} instructions"
    title += f", the first {MOST} of them" if count > MOST else ""
    return graph.svg(boxes, title)


def dot(program: Any) -> str:
    """Return the graph in the DOT language."""
    lines = ["digraph program {"]
    for i, (op, args, _) in enumerate(program.code):
        inner = "box" if type(op) is Input else "ellipse"
        shape = "doublecircle" if i in program.outputs else inner
        label = f"v{i} = {program.expression(i)}".replace('"', '\\"')
        lines.append(f'  v{i} [label="{label}", shape={shape}];')
        lines += [f"  v{a} -> v{i};" for a in args]
    return "\n".join([*lines, "}"])


def _at_its_point(program: Any) -> dict[str, list[Any]]:
    if not program.point:
        return {}
    ones = [np.ones(program.code[i].shape)[()] for i in program.outputs]
    return columns(program, program.point, None, ones if not program.single else ones[0])


def _row(program: Any, found: dict[str, list[Any]], i: int) -> list[str]:
    values = (short(column[i]) for column in found.values())
    return [f"v{i}", program.expression(i), *values]


def _results(program: Any, found: dict[str, list[Any]]) -> list[list[str]]:
    return [
        [f"y{j}", f"v{i}", *(short(column[i]) for column in found.values())]
        for j, i in enumerate(program.outputs)
    ]


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
