"""Write the pages on the table of rows and on NumPy's functions: python -m docs.generate"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from taylor.core.calls import Row
from taylor.core.functions import sqrt
from taylor.core.instructions import ADD, MUL, Const, Input, Scale
from taylor.core.program import Program, of_row
from taylor.core.sides import Choose
from taylor.core.table import TABLE, Elementary

HEAD = """\
# Functions

Generated from the table in `taylor/core/functions.py` by `python -m docs.generate`.

Every row is a function y = f(a), or f(a, b), and its differential equation p·y' = q·a' (with
several arguments p·y' = q·a' + r·b' + ..., written (q, r), p). The step rule uses that equation, or
an equivalent one that rounding harms less; a function without an equation has a local series
f⁽ᵐ⁾(x)/m! instead, is composed of other rows, or is piecewise constant. "Domain" is where a Taylor
expansion exists.

Each name is in `taylor` (where it is public) and, if NumPy has a ufunc for it, under NumPy's name
too: `np.arcsin(x)` and `taylor.asin(x)` are the same row. The last column says where machine code
has the value from: a function of the C library, the processor or, where it works on whole vectors,
the package (each of these to a unit in the last place), a formula in other rows, or Python, which
it asks (of real, then of complex numbers, where these have code of their own); q, p and all series
are compiled in any case.

| function | NumPy | q, p | domain | value in machine code |
|---|---|---|---|---|
"""

TAIL = """
Bessel functions of any integer order n are rows made when asked for: `taylor.jv(n, x)`,
`taylor.yv(n, x)`, `taylor.iv(n, x)`.

```python
>>> import taylor
>>> [round(float(d), 6) for d in taylor.derivatives(lambda x: taylor.jv(2, x), 1.0, 2)]
[0.114903, 0.210244, 0.134467]

```

Also there: `taylor.where`, `taylor.logsumexp`, `taylor.formal_sqrt`. A function of your own is one
row more: see [add a function](add_a_function.md).
"""


def arity(row: Elementary) -> int:
    """Return the number of arguments of a row, from its sample points."""
    first = row.samples[0] if row.samples else None
    return len(first) if isinstance(first, tuple) else 1


def expression(program: Program, i: int, y: int, within: int = 0) -> str:
    """Return instruction i in mathematical notation; `within` is the precedence around it."""
    op, args, _ = program.code[i]

    def part(j: int, level: int) -> str:
        return expression(program, args[j], y, level)

    if i == y:
        return "y"
    if isinstance(op, Input):
        return "abc"[op.n]
    if isinstance(op, Const):
        return str(op.c)
    if isinstance(op, Row):
        return f"{op.name}({', '.join(part(j, 0) for j in range(len(op.reads(args))))})"
    if isinstance(op, Choose):
        return f"({part(2, 0)} where {part(0, 1)} ≥ {part(1, 1)} else {part(3, 0)})"
    level = 1 if op == ADD else 2
    if op == Scale(-1):
        text = f"-{part(0, 2)}"
    elif isinstance(op, Scale):
        scale = str(op.c)
        text = f"{f'({scale})' if '/' in scale else scale}·{part(0, 2)}"
    elif op == ADD:
        text = f"{part(0, 1)} + {part(1, 1)}".replace("+ -", "- ")
    elif op == MUL:
        text = f"{part(0, 2)}·{part(1, 2)}" if args[0] != args[1] else f"{part(0, 3)}²"
    else:
        text = f"{part(0, 2)}/{part(1, 3)}"
    return f"({text})" if within > level else text


def equation(row: Elementary) -> str:
    """Return q and p of a row, or what it has instead."""
    if row.jumps is not None:
        return "piecewise constant"
    if row.compose is not None:
        return "composed of other rows"
    if row.local is not None:
        return "local series"
    program = of_row(row, (True,) * arity(row), exact=row is not sqrt)
    (y,) = program.outputs
    *indices, p = program.code[y].args
    quotients = [expression(program, i, y) for i in indices[arity(row) :]]
    q = quotients[0] if len(quotients) == 1 else f"({', '.join(quotients)})"
    return f"{q}, {expression(program, p, y)}"


def source(code: Any, row: Elementary) -> str:
    """Return where machine code has a value from."""
    if code is None:
        return "other rows" if row.compose is not None else "Python"
    return f"`{code}`" if isinstance(code, str) else "formula"


def value(row: Elementary) -> str:
    """Return where machine code has the values of a row from, for real and complex numbers."""
    real, complex = source(row.code, row), source(row.complex_code, row)
    return real if complex in (real, "Python", "other rows") else f"{real}, {complex}"


def page() -> str:
    """Return the whole page."""
    lines: list[Any] = []
    for name, row in TABLE.items():
        names = f"`np.{row.ufunc.__name__}`" if row.ufunc is not None else ""
        arguments = ", ".join("abc"[: arity(row)])
        lines.append(
            f"| `{name}({arguments})` | {names} | {equation(row)} | {row.domain} | {value(row)} |\n"
        )
    return HEAD + "".join(lines) + TAIL


if __name__ == "__main__":
    from docs import numpy_index

    for name, text in (("functions.md", page()), ("numpy_functions.md", numpy_index.page())):
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")
