"""The first coefficients of a solution at a point, with more digits than floats have.

They make most of what a step adds to a state.  In floats their rounding errors would be most of
what the bounds of a point grow by; balls of FLINT keep it out, where python-flint is installed.
"""

from __future__ import annotations

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.program import Program
from taylor.core.sweep import Sweep
from taylor.numbers.ball_values import at
from taylor.numbers.kinds import Array
from taylor.verified.interval import Interval

BITS, FIRST = 128, 3


def first(program: Program, t: float, y: Array) -> Array | None:
    """Return the coefficients up to FIRST, (FIRST + 1, states), as balls.

    `program` is an expanded one of f(t, y).  None without flint, or if its constants are sets.
    """
    if any(isinstance(i.op.constant, Interval) for i in program.code):
        return None
    try:
        import flint
    except ImportError:
        return None
    zero = flint.arb(0)
    with at(BITS):
        time, table = np.full(FIRST + 1, zero), np.full((FIRST + 1, len(y)), zero)
        time[:2] = flint.arb(t), flint.arb(1)
        table[0] = [flint.arb(x) for x in y.tolist()]
        sweep = Sweep(program, Univariate(FIRST), [time, table], (), [1, FIRST])
        for k in range(FIRST):
            for step in sweep.steps:
                step(k)
            table[k + 1] = sweep.at(program.outputs[0], k) / (k + 1)
    return table


def risen(table: Array, h: Interval) -> tuple[Array, Interval]:
    """Return floats near Σ_{0<k<=FIRST} c_k h^k, and bounds of the rest."""
    with at(BITS):
        ball = type(table[0, 0])
        low, high = ball(float(h.lo)), ball(float(h.hi))
        step = low.union(high)
        total = table[-1]
        for row in table[-2:0:-1]:
            total = total * step + row
        total = total * step
        near = np.array([float(x.mid()) for x in total])
        rest = [x - ball(m) for x, m in zip(total, near.tolist(), strict=True)]
        return near, Interval(np.array(rest, dtype=object))
