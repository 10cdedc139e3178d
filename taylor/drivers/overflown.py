"""What f does where something in it has overflowed though f has not: 1/(1 + exp(-x)) at -800.

exp(800) is infinite, so are its slopes, and 1/inf is 0: 0·inf is no number.  But b = exp(a) may
stand as a constant if all that comes of it grows with it until something is finite there: c/b,
exp(-b), arctan(b).  With slopes of log b and numbers c of usual size derivatives of that are below
the floats, as 1/b is.  Not so where a logarithm or root stands between, which may be of usual size
itself, nor at poles and beside them: 1/(1/x) at 0, 1/x**-2 at 1e-200.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from taylor.core.calls import Row
from taylor.core.choices import choose
from taylor.core.functions import power, square
from taylor.core.instructions import ADD, DIV, MUL, Input, Instruction, Op, Scale
from taylor.core.maps import Map
from taylor.core.node import Node
from taylor.core.rules import adjoints, numbers
from taylor.numbers.kinds import base, is_nested

Code = Sequence[Instruction]
SHARE = 16  # of the largest exponent, up to which slopes and numerators are of usual size: 2^64


class Unknown(Exception):
    """What may depend on how far something has overflowed."""


@dataclass
class Overflow:
    """Whether variables overflow, where they are infinite from there on, and where constant.

    `usual` is the size beside which 1/b is nothing; `slopes` holds by what the logarithms of those
    vary: the sizes of their slopes by variables.
    """

    values: list[Any]  # plain
    overflows: bool = False
    usual: float = math.inf
    far: dict[int, Any] = field(default_factory=dict)
    fixed: dict[int, Any] = field(default_factory=dict)
    slopes: dict[int, Any] = field(default_factory=dict)

    def enter(self, i: int, op: Op, args: tuple[int, ...]) -> None:
        """Follow one instruction; raises Unknown."""
        y, given = self.values[i], [self.far[a] for a in args if a in self.far]
        large = np.isinf(y) if y.dtype.kind == "f" else np.zeros(y.shape, dtype=bool)
        if not (args and (given or large.any())):
            return
        if isinstance(op, Map):
            if given:
                self.far[i] = large
            return
        if not op.by_element or y.dtype.kind != "f":
            raise Unknown
        self.usual = min(self.usual, 2.0 ** (np.finfo(y.dtype).maxexp // SHARE))
        x = [self.values[a] for a in args]
        reached = _each(np.logical_or, given, y.shape)
        first = large & _each(np.logical_and, [np.isfinite(e) for e in x], y.shape)
        found = _logarithmic(op, x, y)
        ended = reached & np.isfinite(y)
        if op is DIV and np.any(ended & ~(np.abs(x[0]) <= self.usual)):
            raise Unknown
        if op is DIV or (isinstance(op, Row) and len(args) == 1):
            self.fixed[i] = ended
        if found is None:
            if np.any(reached & large):
                raise Unknown
            return
        here = (reached & large) | first
        self.overflows = self.overflows or bool(first.any())
        self.far[i] = here
        self.fixed[i] = here | ended
        for a, slope in zip(args, found, strict=True):
            varies = here & np.isfinite(self.values[a])
            if varies.any():
                self._add(a, np.where(varies, np.abs(slope), 0.0))

    def _add(self, i: int, slope: Any) -> None:
        own = self.values[i].shape
        most = slope if slope.shape == own else np.full(own, np.max(slope, initial=0.0))
        self.slopes[i] = np.maximum(self.slopes.get(i, 0.0), most)


def limited(code: Code, v: Sequence[Any], outputs: Sequence[int]) -> Callable[..., Any] | None:
    """Return the function of a code with constants for what has overflowed at its values v.

    None if nothing has, or not only on the way to finite results, or if v is recorded for others.

    >>> import taylor
    >>> from taylor.core.program import recording
    >>> program, v = recording(lambda x: np.exp(-np.exp(x)), 800.0)
    >>> f = limited(program.code, v, program.outputs)
    >>> float(taylor.derivative(f, 800.0))
    0.0
    """
    if any(_is_for_others(x) for x in v):
        return None
    found = Overflow([np.asarray(base(x)) for x in v])
    try:
        with np.errstate(all="ignore"):
            for i, (op, args, _) in enumerate(code):
                found.enter(i, op, args)
    except Unknown:
        return None
    ends = any(np.any(found.far.get(i, False)) for i in outputs)
    if not found.overflows or ends or not _is_slow(code, found):
        return None

    def f(*x: Any) -> Any:
        number, w = numbers(x), list[Any]()
        for i, (op, args, _) in enumerate(code):
            y = x[op.n] if isinstance(op, Input) else op.value([w[a] for a in args], number)
            here = found.fixed.get(i)
            if here is not None and here.any():
                end = found.values[i][()]
                # np.where would be recorded as moves, which pass 0·inf on
                y = end if here.all() else choose(here.astype(end.dtype), 0.5, end, y, "where")
            w.append(y)
        return w[outputs[0]] if len(outputs) == 1 else [w[i] for i in outputs]

    return f


def _is_for_others(x: Any) -> bool:
    """Whether a value belongs to a recording that is run at other points, too."""
    while is_nested(x):
        if isinstance(x, Node) and not x.tape.passing:
            return True
        x = getattr(x, "_coef", None) if not isinstance(x, Node) else x.tape.values[x.i]
    return False


def _each(both: np.ufunc, masks: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Return masks joined, in the shape of a result."""
    found = np.full(shape, both is np.logical_and and bool(masks))
    for mask in masks:
        found = both(found, mask)
    return found


def _logarithmic(op: Op, x: Sequence[Any], y: Any) -> list[Any] | None:
    """Return slopes of log|y| by the arguments where y is large; None if it is no growing y."""
    if op is MUL or op is DIV:
        return [1 / x[0], 1 / x[1]]
    if op is ADD:
        return [
            np.where(np.isfinite(x[1]), 1 / x[0], 0.0),
            np.where(np.isfinite(x[0]), 1 / x[1], 0),
        ]
    if isinstance(op, Scale):
        return [1 / x[0]]
    if not isinstance(op, Row):
        return None
    if op.row is square:
        return [2 / x[0]]
    if op.row is power and np.all((x[1] >= 1) | ~np.isinf(y)):
        return [x[1] / x[0], np.log(np.abs(x[0]))]
    return [np.ones(np.shape(y))] if op.row.overflows else None


def _is_slow(code: Code, found: Overflow) -> bool:
    """Whether the logarithms of what has overflowed have slopes of usual size by all variables.

    Not only by the inputs: these may be in small units.
    """
    slopes: dict[int, Any] = {}
    inputs = adjoints(code, [x[()] for x in found.values], found.slopes, every=slopes)
    given = [bar for bar in (*inputs, *slopes.values()) if bar is not None]
    return all(bool(np.all(np.abs(bar) <= found.usual)) for bar in given)
