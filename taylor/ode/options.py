"""What an integration is given, checked once: time and state in one kind of number, and options."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from taylor.core.advice import no_argument
from taylor.core.operand import lift
from taylor.drivers.labelled import rule_of
from taylor.errors import ShapeMismatch
from taylor.numbers.balls import Balls
from taylor.numbers.contexts import is_interval
from taylor.numbers.kinds import Kind, ValueSet, base, is_operand
from taylor.numbers.values import as_array
from taylor.ode.control import LEAST, NONE, finite, log2, order_of, unit

Array = NDArray[Any]
# options of solve_ivp by other methods than series
FOREIGN = ("first_step", "min_step", "jac", "jac_sparsity", "lband", "uband")
ALLOWED = 2.0**7  # of tolerances: an estimate of the error of a step that is accepted


def check_time(t: Any, finite: bool = True) -> None:
    """Raise an error unless t is a real number, and a finite one if it has to be."""
    if not isinstance(t, (int, float)):
        if is_interval(t):
            check_kind(Kind.of(t))
            return
        check_real(t, "times")
    if t != t or (finite and not abs(float(t)) < math.inf):
        raise ValueError(f"times are finite numbers, not {t}")


def check_kind(kind: Kind) -> None:
    """Raise TypeError for balls of flint, which the error of a step would not be part of."""
    if isinstance(kind, Balls):
        raise TypeError("taylor.ode takes no balls of flint; give mpmath.mpf or mpmath.iv")


def check_real(x: Any, name: str) -> None:
    """Raise TypeError, which names it, unless x is a real number."""
    with contextlib.suppress(TypeError, ValueError):
        if not np.ndim(x) and not isinstance(x, (str, bytes, np.datetime64, np.timedelta64)):
            float(x)
            return
    dates = hasattr(x, "year") or isinstance(x, (np.datetime64, np.timedelta64))
    instead = (
        "; of dates the time since a start: (t - start) / np.timedelta64(1, 'h')" if dates else ""
    )
    raise TypeError(f"{name} are real numbers, not {x!r}{instead}")


def numbers_of(x: Any, name: str) -> Any:
    """Return what is given for an argument of that name as an array or a series."""
    try:
        x = lift(x)
        if is_operand(x):
            return x
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "iubfc":
            as_array(x)
        return np.asarray(x)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} holds numbers: {error}") from error


def check_span(t_span: Any, endless: bool = False) -> None:
    """Raise an error unless t_span is (t0, t1); an `endless` one may have no finite t1."""
    if isinstance(t_span, (str, bytes, dict)) or np.ndim(t_span) != 1 or len(t_span) != 2:
        raise ValueError(f"t_span is (t0, t1), not {t_span}")
    check_time(t_span[0])
    try:
        check_time(t_span[1], finite=not endless)
    except ValueError as error:
        raise ValueError(
            f"{error}; t_span may end at inf if a terminal event or max_steps ends the integration"
        ) from None


def check_double(y: Any) -> None:
    """Raise TypeError for states in single precision."""
    if isinstance(y, np.ndarray) and y.dtype in (np.float32, np.complex64):
        wide = np.result_type(y, float)
        raise TypeError(f"y0 is of type {y.dtype}: give it in {wide}, which steps are taken in")


def in_one_kind(t0: Any, y0: Any) -> tuple[Any, Array]:
    """Return time and state in one kind of number; raise ValueError where they are not finite."""
    y0 = numbers_of(y0, "y0") if isinstance(y0, (list, tuple)) else y0
    if isinstance(base(y0), ValueSet) or isinstance(base(t0), ValueSet):
        raise TypeError(
            "taylor.ode does not bound the errors of its steps; sets of numbers are integrated by "
            "taylor.verified.solve_ivp"
        )
    if is_operand(y0) or is_operand(t0):
        raise TypeError(
            "a state of series is integrated by taylor.ode.solve_ivp, which makes an ordinary "
            "system of its coefficients"
        )
    y = as_array(numbers_of(y0, "y0"))
    if y.dtype.kind not in "iubfcO":
        raise TypeError(f"y0 holds numbers, not {y.dtype}")
    check_double(y)
    kind = Kind.of(y)
    check_kind(kind)
    y = y.astype(float) if kind.exact or y.dtype == np.float16 else y.copy()
    check_time(t0)
    if not finite(y):
        raise ValueError(f"y0 is not finite: {y}")
    if y.dtype != object:
        return np.float64(t0), y
    return t0 if kind.sets else kind.number(t0), y


def check_names(named: dict[str, Any], known: Collection[str], method: Any = None) -> None:
    """Raise TypeError for what no argument is called, nor an option of `method` may, if a class."""
    if not isinstance(method, type):
        for name in named:
            if name not in known:
                raise no_argument(name, known)


def as_args(args: Any) -> tuple[Any, ...]:
    """Return the further arguments of fun as a tuple."""
    one = isinstance(args, (str, bytes, dict, set)) or not hasattr(args, "__len__")
    if args is not None and one:
        raise TypeError(f"args is a tuple: did you mean args=({args!r},)?")
    return () if args is None else tuple(args)


def members_args(args: Any) -> Any:
    """Return the further arguments of the members of an ensemble: a tuple for all, or a list with
    one for each.
    """
    if not isinstance(args, list):
        return as_args(args)
    if not all(isinstance(a, tuple) for a in args):
        raise TypeError("args is a tuple for all members, or a list with one tuple for each")
    return args


def argument(x: Any) -> Any:
    """Return an argument of fun as an array or series; what is labelled stays as it is, and so does
    what has named fields.
    """
    if hasattr(x, "_fields"):
        return x
    if rule_of(type(x)) is None:
        return lift(x)
    if is_operand(lift(x)):
        raise TypeError(
            f"a differentiated {type(x).__name__} as one of args: give its values, x.to_numpy()"
        )
    return x


def positive(x: Any, name: str, whole: bool = False) -> None:
    """Raise an error that names an option, unless it is a positive number."""
    real = isinstance(x, (int, float))
    if not real and (x is None or isinstance(x, (str, bytes)) or np.ndim(x) or np.iscomplexobj(x)):
        raise TypeError(f"{name} is a positive number, not {x!r}")
    if not x > 0 or (whole and int(x) != x):
        raise ValueError(f"{name} is a positive {'integer' if whole else 'number'}, not {x}")


def number_of_steps(max_steps: Any) -> float:
    """Return how many steps may be taken; None is any number of them."""
    if max_steps is None or (np.ndim(max_steps) == 0 and max_steps == math.inf):
        return math.inf
    positive(max_steps, "max_steps", whole=True)
    return int(max_steps)


def tolerance_of(tol: Any, rtol: Any) -> Any:
    """Return the relative tolerance, which has two names."""
    if tol is not None and rtol is not None:
        raise TypeError(f"tol and rtol are one tolerance: give one of tol={tol}, rtol={rtol}")
    return rtol if tol is None else tol


def _least(tolerances: Any) -> Any:
    """Return the least of several tolerances: errors are relative to the largest component of y."""
    return np.min(tolerances) if np.ndim(tolerances) else tolerances


@dataclass(frozen=True)
class Options:
    """How steps are chosen, as a user says it; the names are those of `solve_ivp`."""

    tol: Any = None
    order: int | None = None
    max_step: Any = math.inf
    atol: Any = None
    strict: bool = False

    def __post_init__(self) -> None:
        tol, order, atol = self.tol, self.order, self.atol
        if np.asarray(tol).dtype.kind in "USc":
            raise TypeError(f"the tolerance is a number between 0 and 1, not {tol!r}")
        if tol is not None and (is_interval(tol) or not 0 < _least(tol) <= np.max(tol) < 1):
            raise ValueError(f"the tolerance is a number between 0 and 1, not {tol}")
        if order is not None and (
            isinstance(order, (str, bytes)) or int(order) != order or order < LEAST
        ):
            raise ValueError(f"the order is an integer of at least {LEAST}, not {order!r}")
        positive(self.max_step, "max_step")
        if np.asarray(atol).dtype.kind in "USc":
            raise TypeError(f"atol is a number, or one for each component of y, not {atol!r}")
        if atol is not None and not _least(atol) >= 0:
            raise ValueError(f"atol is a number of at least 0, not {atol}")

    @classmethod
    def of(cls, tol: Any, rtol: Any, *rest: Any) -> Options:
        """Return options with the tolerance by one of its two names."""
        return cls(tolerance_of(tol, rtol), *rest)

    def fitting(self, y0: Any) -> Self:
        """Return these, if tolerances are one number, or have the shape of y0."""
        y0 = numbers_of(y0, "y0")
        check_double(y0)
        shape = np.shape(y0)
        for name, x in (("rtol", self.tol), ("atol", self.atol)):
            if np.shape(x) not in ((), shape):
                raise ShapeMismatch(
                    f"{name} has the shape {np.shape(x)}, y0 {shape}: give one number, or "
                    "one for each component"
                )
        return self

    def of_series(self) -> Options:
        """Return these as options of Taylor series."""
        return self

    def control(self, y: Array) -> Control:
        """Return what the steps of states like y need."""
        tol = self._tolerance(y)
        order = order_of(float(tol)) if self.order is None else int(self.order)
        decay = 2.0 if self.order is None else -math.log(float(tol)) / (order - 1)
        factor = -(decay + 0.7 / (order - 1)) / math.log(2)
        # errors below atol do not count
        atol = 0.0 if self.atol is None else float(_least(self.atol))
        floor = log2(atol / float(tol)) if atol else NONE
        allowed = log2(ALLOWED * max(float(tol), float(unit(y))))
        return Control(tol, order, factor, self.max_step, floor, allowed)

    def _tolerance(self, y: Array) -> Any:
        kind = Kind.of(y)
        # what is exact is within the tolerance of each component
        if self.tol is not None and not np.ndim(self.tol) and not np.ndim(self.atol):
            return self.tol if y.dtype == object else max(float(self.tol), 2.0**-53)
        if kind.sets:
            return 2.0**-52
        context = getattr(kind, "context", None)
        return kind.spacing(kind.one) if context is None else context.mpf(10) ** -context.dps


@dataclass(frozen=True)
class Control:
    """What the steps need: `factor` is log2 of h/ρ, `floor` that of the least size of a state,
    `allowed` that of the estimate of the error of a step, relative to the state.
    """

    tol: Any
    order: int
    factor: float
    max_step: Any
    floor: float
    allowed: float
