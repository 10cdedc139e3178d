"""Reverse mode through long loops in little memory: binomial checkpointing.

The reverse sweep of n steps s_{i+1} = f(s_i) needs the states in reverse order.  Keeping them all
costs n states; keeping at most c of them at any time, and running again from the nearest one, costs

    t(n, c) = r n - β(c + 1, r - 1) steps,   β(c, r) = C(c + r, c),   β(c, r-1) < n <= β(c, r),

and no schedule needs fewer (Griewank & Walther, Algorithm 799: revolve, ACM TOMS 26, 2000).  With
c proportional to log n the memory and r, the number of times a step is run again, are O(log n).

The derivative of the reversed loop is again a reversed loop, that of the tangent loop
(s, ds) -> (f(s), f'(s) ds): every derivative of higher order is checkpointed too.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taylor.algebra import Algebra
from taylor.arrays import host
from taylor.elementary import Rule
from taylor.errors import ForeignNodeError, OrderMismatch
from taylor.forward_mode import parts
from taylor.memory import fresh
from taylor.series import Series
from taylor.several import argument, lower, pullback, pushforward, series
from taylor.tags import Tag, fresh_tag
from taylor.tape import Node
from taylor.values import is_operand, sample, zeros

Array = Any
Step = Callable[..., Any]


# ------------------------------------------------------------------ the schedule
def _split(n: int, c: int) -> int:
    """Return after how many of n steps the next of c >= 2 snapshots (one is held) is best taken.

    Any m with β(c, r-2) <= m <= β(c, r-1) and β(c-1, r-1) <= n - m <= β(c-1, r) is optimal, where
    β(c, r-1) < n <= β(c, r); this is the largest.
    """
    r = 1
    while math.comb(c + r, c) < n:
        r += 1
    return min(math.comb(c + r - 1, c), n - math.comb(c + r - 2, c - 1))


def schedule(n: int, snapshots: int) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, stop, keep): run from the snapshot at start to stop; keep that state, or else
    reverse step stop -> stop + 1 there.

    The snapshot at 0 is given and counts; a snapshot is forgotten when all steps after it are
    reversed.

    >>> list(schedule(3, 2))
    [(0, 1, True), (1, 2, False), (1, 1, False), (0, 0, False)]
    """
    held, top = [0], n
    while top:
        start, free = held[-1], snapshots - len(held)
        if top - start == 1 or not free:
            top -= 1
            yield start, top, False
            if top == start:
                held.pop()
        else:
            held.append(start + _split(top - start, free + 1))
            yield start, held[-1], True


def count(n: int, snapshots: int) -> int:
    """Return how many steps the reverse sweep runs again, t(n, c) of the module's formula.

    >>> count(100, 5), count(100, 100), count(100, 1)
    (316, 99, 4950)
    """
    return sum(stop - start for start, stop, _ in schedule(n, snapshots))


def _recorded(x: Any) -> bool:
    """Whether x is, or has among its coefficients, a node of a recording."""
    while isinstance(x, Series):
        x = x._coef
    return isinstance(x, Node)


def by_degree(f: Step) -> Step:
    """Return the series rule of f for a sweep: degree k from f of the series cut above degree k."""

    def step(algebra: Algebra, args: Sequence[Any], live: Sequence[bool], y: Any) -> Any:
        def degree(k: int) -> list[Any]:
            cut, tag = lower(algebra, k), fresh_tag()
            xs = [
                series(x[: cut.size], cut, tag) if m else x for x, m in zip(args, live, strict=True)
            ]
            z = f(*xs)
            results = z if isinstance(z, tuple) else (z,)
            return [parts(r, tag, cut.size)[algebra.part(k) if k else 0] for r in results]

        return degree

    return step


# ------------------------------------------------------------------ the loop and its reverse
@dataclass(frozen=True, eq=False)
class Through(Rule):
    """A rule that is one instruction for a recording, and just its value for everything else.

    `tables` is used instead of the value for series that have nodes as coefficients.
    """

    tables: Callable[..., Any] | None = None

    def __call__(self, *args: Any) -> Any:
        args = tuple(argument(x) for x in args)
        owner = host(args)
        if isinstance(owner, Node):
            return _separate(owner._call(self, args), owner.tape.tag)
        if self.tables is not None and any(_recorded(x) for x in args):
            return self.tables(owner, *args)
        return self.value(*args)


def _separate(y: Any, tag: Tag) -> Any:
    """Return y unless its value depends on a variable of the tag behind the rule's back."""
    for z in y if isinstance(y, tuple) else (y,):
        inner = z.tape.values[z.i] if isinstance(z, Node) else z
        while is_operand(inner):
            if (inner.tape.tag if isinstance(inner, Node) else inner.tag) is tag:
                raise ForeignNodeError(
                    "the step of a checkpointed loop uses a differentiated value that is neither "
                    "its state nor a parameter; pass it on: checkpoint(step, n)(state, value)"
                )
            inner = inner.value if isinstance(inner, Node) else inner._coef
    return y


def _loop(f: Step, n: int, snapshots: int) -> Through:
    """Return the loop of n steps f(i, state, *parameters) as a rule."""

    def value(state: Any, *p: Any) -> Any:
        for i in range(n):
            state = f(i, state, *p)
        return state

    def backward(ybar: Any, y: Any, *args: Any) -> Any:
        return _reverse(f, n, snapshots)(ybar, *args)

    def forward(dargs: Any, y: Any, *args: Any) -> Any:
        state, *p = args
        full = _seeds(dargs, args)
        tangent = _loop(_tangent(f), n, snapshots)
        return tangent(np.stack([state, full[0]]), *p, *full[1:])[1]

    def tables(owner: Series, *args: Any) -> Any:
        """Return the loop of series as a loop of their tables, which are ordinary arrays."""
        mine = [isinstance(x, Series) and x.tag is owner.tag for x in args]

        def on_tables(i: int, *xs: Any) -> Any:
            tag = fresh_tag()
            y = f(i, *(series(x, owner.algebra, tag, type(owner)) if m else x
                       for x, m in zip(xs, mine, strict=True)))  # fmt: skip
            table = parts(y, tag, owner.algebra.size)
            if len(table) != owner.algebra.size:
                raise OrderMismatch(
                    f"a step returns a series of order {len(table) - 1} for one of order "
                    f"{owner.order}: a removable singularity; raise the order or move the point"
                )
            return table

        if not mine[0]:
            args, mine[0] = (owner._constant(args[0]), *args[1:]), True
        whole = _loop(on_tables, n, snapshots)
        y = whole(*(x._coef if m else x for x, m in zip(args, mine, strict=True)))
        return owner._new(_separate(y, owner.tag))

    return Through(f"loop of {n} steps", value, backward, forward, by_degree(value), tables=tables)


def _reverse(f: Step, n: int, snapshots: int) -> Through:
    """Return the reverse sweep of the loop as a rule: (ybar, state, *parameters) -> adjoints."""

    def value(w: Any, state: Any, *p: Any) -> Any:
        held = [state]
        total: list[Any] = []
        for start, stop, keep in schedule(n, snapshots):
            s = held[-1]
            for i in range(start, stop):
                s = f(i, s, *p)
            if keep:
                held.append(s)
                continue
            if stop == start:
                held.pop()
            w, *total = pullback(functools.partial(f, stop), (s, *p), w, (None, *total))
        return (w, *total)

    def through_tangent(w: Any, state: Any, ds: Any, p: Any, dp: Any) -> Any:
        pair = np.stack([state, ds])
        out, *rest = _reverse(_tangent(f), n, snapshots)(w, pair, *p, *dp)
        return (out[0], *rest[: len(p)])

    def backward(zs: Any, y: Any, w: Any, *args: Any) -> Any:
        # z·(Jᵀw) = w·(J z): the reverse of the tangent loop in the direction z, seeded with w
        state, *p = args
        ds, *dp = _seeds(zs, args)
        tangent = _loop(_tangent(f), n, snapshots)
        wbar = tangent(np.stack([state, ds]), *p, *dp)[1]
        return (wbar, *through_tangent(np.stack([np.zeros_like(w), w]), state, ds, p, dp))

    def forward(dargs: Any, y: Any, w: Any, *args: Any) -> Any:
        # d(Jᵀw) = Jᵀdw + (dJ)ᵀw, again the reverse of the tangent loop: second derivatives commute
        state, *p = args
        dw, ds, *dp = _seeds(dargs, (w, *args))
        return through_tangent(np.stack([dw, w]), state, ds, p, dp)

    return Through(f"reverse of {n} steps", value, backward, forward, by_degree(value))


def _seeds(dargs: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    """Return the tangents of all arguments; None is zero."""
    return [
        zeros(np.shape(x), sample(x)) if d is None else d for d, x in zip(dargs, args, strict=True)
    ]


def _tangent(f: Step) -> Step:
    """Return the step (s, ds), p..., dp... -> (f, df)."""

    def step(i: int, pair: Any, *ps: Any) -> Any:
        p, dp = ps[: len(ps) // 2], ps[len(ps) // 2 :]
        args, dargs = (pair[0], *p), (pair[1], *dp)
        return np.stack(pushforward(functools.partial(f, i), args, dargs))

    return step


def checkpoint(step: Step, n: int, *, numbered: bool = False, snapshots: int | None = None) -> Step:
    """Return the function (state, *parameters) -> state after n steps, cheap to differentiate.

    `step(state, *parameters)` returns the next state; if `numbered`, it is called as
    `step(state, i, *parameters)` with the number i = 0..n-1 of the step.  State and parameters are
    numbers or arrays (pack several into one), and derivatives flow to all of them.  A step is run
    several times, so it must return the same for the same arguments.

    The value is that of the plain loop, and so are the derivatives; but reverse mode keeps at most
    `snapshots` states (default 2 log2 n) and the record of one step, and runs each step again
    about log n times.  Forward mode runs the plain loop.

    >>> import taylor
    >>> f = checkpoint(lambda x, r: r * x * (1 - x), 1000)
    >>> round(float(taylor.gradient(lambda r: f(0.3, r), 2.5)), 12)  # 1 - 1/r: 1/r²
    0.16
    """
    count_ = _count("n", n, 0)
    kept = 2 * count_.bit_length() if snapshots is None else _count("snapshots", snapshots, 1)
    if not callable(step):
        raise TypeError(f"the step must be a function, not {type(step).__name__}")

    def plain(i: int, state: Any, *p: Any) -> Any:
        return step(fresh(state), *map(fresh, p))

    def with_number(i: int, state: Any, *p: Any) -> Any:
        return step(fresh(state), i, *map(fresh, p))

    rule = _loop(with_number if numbered else plain, count_, kept)

    def loop(state: Any, *parameters: Any) -> Any:
        return rule(state, *parameters) if count_ else state

    return loop


def _count(name: str, n: Any, least: int) -> int:
    try:
        k = operator.index(n)
    except TypeError:
        raise TypeError(f"{name} must be an integer >= {least}, not {n!r}") from None
    if k < least:
        raise ValueError(f"{name} must be >= {least}, not {k}")
    return k
