"""Conditions: what a comparison of recorded values is, a mask or an array of zeros and ones.

In arithmetic, sums and products a condition is an array of 0 and 1, recorded as a choice; it needs
no guard.  Where its truth decides what is done (bool, any, all, nonzero, an index, & | ~) the mask
at the point of the recording is taken, and that leaves a guard.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from taylor.core.advice import PAGE
from taylor.core.binding import call, call_ufunc
from taylor.errors import NonAnalyticError, TraceError
from taylor.numbers.kinds import base, base_array, is_nested
from taylor.numbers.values import decided, of_value

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip

SIGNS = {f: sign for sign, f in COMPARISONS.items()}
MIRRORED = {"<": operator.gt, "<=": operator.ge, ">": operator.lt, ">=": operator.le}

LOGIC = {
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert,
}  # fmt: skip

BY_MASK = {
    np.any, np.all, np.nonzero, np.flatnonzero, np.argwhere, np.argmax, np.argmin, np.argsort,
    np.array_equal, np.unique, np.compress, np.extract, np.select, np.piecewise, np.isin,
}  # fmt: skip

MOVES = {
    np.broadcast_to, np.expand_dims, np.flip, np.matrix_transpose, np.moveaxis, np.ravel, np.repeat,
    np.reshape, np.roll, np.squeeze, np.swapaxes, np.take, np.take_along_axis, np.tile,
    np.transpose,
}  # fmt: skip


def _by(view: str, name: str) -> Callable[..., Any]:
    """Return a method of arrays: that of the mask, which leaves a guard, or of the number."""

    def method(self: Condition, *args: Any, **kwargs: Any) -> Any:
        return getattr(getattr(self, view)(), name)(*args, **kwargs)

    return method


def _function(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of arrays that is a function of NumPy."""
    return lambda self, *args, **kwargs: f(self, *args, **kwargs)


class Guard(NamedTuple):
    """What a decision of the recording rested on: the outcome of v_a (op) v_b.

    With b = -1 the decision was np.op(v_a, *extra[0], **dict(extra[1])), for example an argsort.
    """

    op: str
    a: int
    b: int
    outcome: Any
    extra: tuple[Any, Any] = ((), ())

    def holds(self, value: Callable[[int], Any]) -> bool:
        """Whether the decision is the same for the plain values `value(i)`."""
        if self.b < 0:
            args, named = self.extra
            found = of_value(self.op, value(self.a), *args, **dict(named))
            return np.array_equal(found, self.outcome)
        found = decided(COMPARISONS[self.op], value(self.a), value(self.b))
        return np.array_equal(found, self.outcome)

    def moved(self, new: Callable[[int], int]) -> Guard:
        """Return the guard of the variables new(a) and new(b)."""
        return self._replace(a=new(self.a), b=new(self.b) if self.b >= 0 else -1)

    def __str__(self) -> str:
        right = f"np.{self.op}(v{self.a})" if self.b < 0 else f"v{self.a} {self.op} v{self.b}"
        return f"the decision {right} was {self.outcome} when the program was recorded"


def stays_number(v: Any) -> None:
    """See to it that a value is a number at other points, too, in all recordings it is of."""
    plain = base_array(v)
    while is_nested(v) and plain.dtype.kind == "f":
        if hasattr(v, "tape"):
            v.tape.guards.append(Guard(">=", v.i, v.i, (plain == plain)[()]))
        v = v.tape.values[v.i] if hasattr(v, "tape") else v._coef[0]


class Condition(np.lib.mixins.NDArrayOperatorsMixin):
    """The outcome of lhs (op) rhs: see the module."""

    __array_priority__ = 2000.0
    dtype = np.dtype(bool)

    def __init__(self, op: str, lhs: Any, rhs: Any) -> None:
        self.op, self.lhs, self.rhs = op, lhs, rhs

    def mask(self) -> Any:
        """Return the outcome at the recorded point, leaving a guard for it."""
        tape, a, b = self.lhs.tape, self.lhs.i, self.rhs.i
        outcome = tape.foretold(self.op, a, b)
        if outcome is None:
            outcome = mask(decided(COMPARISONS[self.op], self.lhs.value, self.rhs.value))
        tape.guards.append(Guard(self.op, a, b, own(outcome)))
        return outcome

    def number(self) -> Any:
        """Return the condition as an array of recorded zeros and ones."""
        one: Any = 1
        for side in (base(self.rhs), base(self.lhs)):
            if isinstance(side, float) or getattr(side, "dtype", self.dtype).kind in "fc":
                one = 1.0 if type(side) is float else np.real(side).dtype.type(1)
        return self.where(one, 0 * one)

    def where(self, a: Any, b: Any) -> Any:
        """Return a where the condition holds and b elsewhere."""
        lhs, rhs = (self.lhs, self.rhs) if self.op in (">=", "<") else (self.rhs, self.lhs)
        a, b = (a, b) if self.op in (">=", "<=") else (b, a)  # a choice is made by lhs >= rhs
        return self.lhs._choose(lhs, rhs, a, b, "where")

    # -------------------------------------------------------------- as an array
    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return np.broadcast_shapes(self.lhs.shape, self.rhs.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=int))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a condition without axes has no len()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def _moved(self, f: Callable[[Any], Any]) -> Condition:
        """Return the condition of the elements that f takes from both sides."""
        return Condition(
            self.op, *(f(np.broadcast_to(x, self.shape)) for x in (self.lhs, self.rhs))
        )

    def __getitem__(self, index: Any) -> Condition:
        return self._moved(lambda x: x[index])

    def reshape(self, *shape: Any) -> Condition:
        """Return the condition in another shape."""
        return self._moved(lambda x: x.reshape(*shape))

    @property
    def T(self) -> Condition:
        """The transposed condition."""
        return self._moved(lambda x: x.T)

    def ravel(self) -> Condition:
        """Return the condition along one axis."""
        return self.reshape(-1)

    flatten = ravel

    def transpose(self, *axes: Any) -> Condition:
        """Return the condition with its axes in another order."""
        return self._moved(lambda x: x.transpose(*axes))

    def copy(self) -> Condition:
        """Return the same condition."""
        return Condition(self.op, self.lhs, self.rhs)

    def __bool__(self) -> bool:
        if self.shape != ():
            raise TraceError(
                f"the truth of an array-valued comparison of shapes {self.lhs.shape} {self.op} "
                f"{self.rhs.shape} is ambiguous; use np.where(x {self.op} y, ...), .any() or "
                f".all() ({PAGE})"
            )
        return bool(self.mask())

    def __float__(self) -> float:
        return float(bool(self))

    def __int__(self) -> int:
        return int(bool(self))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.mask(), dtype=dtype)

    any, all, nonzero = (_by("mask", name) for name in ("any", "all", "nonzero"))
    tolist, item = _by("mask", "tolist"), _by("mask", "item")
    sum, mean = (_by("number", name) for name in ("sum", "mean"))
    max, min, prod, var, std = (_function(f) for f in (np.max, np.min, np.prod, np.var, np.std))
    cumsum, cumprod, dot = _function(np.cumsum), _function(np.cumprod), _function(np.dot)
    argmax, argmin, argsort = _function(np.argmax), _function(np.argmin), _function(np.argsort)
    squeeze, swapaxes = _function(np.squeeze), _function(np.swapaxes)
    take, repeat = _function(np.take), _function(np.repeat)

    def astype(self, dtype: Any, **layout: Any) -> Any:
        """Return zeros and ones, recorded if they are floats, else plain (leaving a guard)."""
        if np.dtype(dtype).kind in "fc":
            return self.number().astype(dtype)
        return np.asarray(self.mask()).astype(dtype)

    # -------------------------------------------------------------- NumPy's protocols
    def __array_ufunc__(self, ufunc: np.ufunc, kind: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Condition) for x in kwargs.get("out", ())):
            del kwargs["out"]  # of m &= x > 0: a condition is never written into, m is bound anew
        if ufunc in LOGIC:
            return getattr(ufunc, kind)(*(mask(x) for x in inputs), **_masks(kwargs))
        found = [number(x) for x in inputs]
        if ufunc is np.add and all(getattr(x, "dtype", None) == Condition.dtype for x in inputs):
            found[1] = found[1] - found[0] * found[1]  # True + True is True
        return call_ufunc(ufunc, kind, found, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.where and len(args) == 3:
            if isinstance(args[0], Condition):
                return args[0].where(*(number(x) for x in args[1:]))
            return call(func, [args[0], *(number(x) for x in args[1:])], kwargs)
        if func in MOVES and args and args[0] is self:
            return self._moved(lambda x: func(x, *args[1:], **kwargs))
        if func in (np.ndim, np.shape, np.size):
            return func(np.empty(self.shape, dtype=bool), *args[1:], **kwargs)
        if func is np.count_nonzero:
            func = np.sum
        elif func in BY_MASK or func is np.where:
            return func(*(mask(x) for x in args), **_masks(kwargs))
        named = {k: v if k == "where" else number(v) for k, v in kwargs.items()}
        return func(*(number(x) for x in args), **named)


def mask(x: Any) -> Any:
    """Return a condition, or those in a list, as plain masks, leaving guards; else x itself."""
    if isinstance(x, list):
        return [mask(e) for e in x]
    return x.mask() if isinstance(x, Condition) else x


def number(x: Any) -> Any:
    """Return a condition, or those in a list, as recorded zeros and ones; else x itself."""
    if isinstance(x, (list, tuple)) and any(isinstance(e, (Condition, list, tuple)) for e in x):
        return type(x)(number(e) for e in x)
    return x.number() if isinstance(x, Condition) else x


def _masks(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {k: mask(v) for k, v in kwargs.items()}


def own(x: Any) -> Any:
    """Return a copy of what the recorded function may write into."""
    return copy.deepcopy(x) if type(x) in (np.ndarray, tuple, list) else x


def held_integer(x: Any) -> int:
    """Return int(x) of a recorded number, leaving guards for where it stays the same."""
    n = int(base(x.value))
    held = (x >= n if n > 0 else x > n - 1), (x < n + 1 if n >= 0 else x <= n)
    return n if all([bool(h) for h in held]) else 0


def jump_in(what: str) -> NonAnalyticError:
    """Return the error for an integer made where it jumps."""
    return NonAnalyticError(
        f"{what} of floor or its kin where it jumps: no derivatives there; move the point"
    )


def held_step(x: Any) -> Any:
    """Return the numbers that a recorded step is, leaving guards for where it is others.

    Of complex ones it is the real part, as whole numbers are when they are joined with others.
    """
    n = np.asarray(base(x.value))
    if n.dtype.kind != "c":
        for held in (x >= n, x <= n):
            mask(held)
        return n
    n = n.real.copy()
    while is_nested(x):
        if hasattr(x, "tape"):
            x.tape.guards.append(Guard("real", x.i, -1, n))
        x = x.value
    return n
