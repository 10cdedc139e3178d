"""What a driver is: a function of a function and of numbers, and what all of them are made of.

A driver seeds variables with a tag of its own, runs the function once and reads the coefficients
of that tag, so that nested drivers cannot confuse their perturbations.  It is written once: for a
compiled function it is itself recorded, and its recording compiled.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from taylor.core.advice import PAGE, called
from taylor.core.algebra import Algebra
from taylor.core.memory import fresh
from taylor.core.operand import is_complex, lift
from taylor.core.program import recording
from taylor.core.singular import finite_in, is_finite, nans
from taylor.core.tags import Tag
from taylor.core.tape import Tape
from taylor.drivers.arguments import Form, is_plain, several
from taylor.drivers.complexes import by_parts
from taylor.drivers.derivable import Derivable
from taylor.drivers.overflown import limited
from taylor.drivers.plans import at_once
from taylor.drivers.results import Options, by_code, in_form
from taylor.drivers.taken import only_taken
from taylor.errors import (
    DomainError,
    ForeignNodeError,
    NonAnalyticError,
    NotHolomorphic,
    ShapeMismatch,
)
from taylor.numbers.data import unlabelled
from taylor.numbers.kinds import (
    Floats,
    Kind,
    ValueSet,
    base,
    base_array,
    content,
    is_nested,
    is_operand,
)
from taylor.numbers.values import as_array, as_data, integers, shape_of, together, zeros
from taylor.series.coefficients import UNKNOWN
from taylor.series.series import Series

Array = Any
Function = Callable[..., Any]
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
NUMBERS = (float, np.float64)
FLOAT = np.dtype(float)
NO_NUMBERS = (str, bytes, bytearray, Mapping, Set, Iterator)


def driver(
    axes: Sequence[int | str] | None = (0,),
    along: Sequence[str] = (),
    recorded: bool = True,
    before: Mapping[str, str] = MappingProxyType({}),
    results: Sequence[int | None] = (),
    seed: str | None = None,
    parts: bool = False,
) -> Callable[[Callable[P, R]], Callable[..., R]]:
    """Return the decorator that makes g(f, x, *own), written for one array x, a driver.

    It then takes several arguments of f and trees of them (`arguments`): `axes` says how many of
    the last axes of each result run over x (or the parameter that is this number; None: x is one
    number or array), `along` which parameters have the form of x.  For a compiled f it is recorded,
    once for each shape of x, and is machine code as f is; unless its parameters are no arrays.
    `before` holds the deprecated names of parameters.  `results` and `seed` say where those of f
    stand, which may be trees.  With `parts` it goes by real and imaginary parts (`complexes`) where
    f is not holomorphic.
    """

    def decorated(g: Callable[P, R]) -> Callable[..., R]:
        form = Form(g, axes, along, recorded, before, results, seed, parts)
        most = 1 + len(form.own)
        fewest = most - sum(p.default is not p.empty for p in form.own)

        @functools.wraps(g)
        def run(
            f: Any = None,
            /,
            *given: Any,
            argnums: int | Sequence[int] | None = None,
            has_aux: bool = False,
            **named: Any,
        ) -> R:
            if f is None and "f" in named:
                f = named.pop("f")
            simple = argnums is None and not (named or has_aux)
            if not has_aux and isinstance(f, Derivable):
                made: R | None = f.at_once(g, given) if simple else None
                if made is None:
                    made = at_once(f, form, argnums, given, named)
                if made is not None:
                    return made
            plain = simple and fewest <= len(given) <= most and is_plain(given[0])
            plain = plain and (most == 1 or type(given[0]) is not tuple)
            options: Options = plain, argnums, bool(has_aux)
            found: R = _driven(form, run, f, given, named, options)
            return found

        run.__signature__ = form.signature()  # type: ignore[attr-defined]
        return run

    return decorated


def _driven(
    form: Form, run: Function, f: Any, given: Any, named: dict[str, Any], options: Options
) -> Any:
    """Return what a driver gives, by real and imaginary parts where f is not holomorphic."""

    def plainly(f: Any, given: Any, named: Any, options: Options) -> Any:
        if options[0]:
            return form.one(f, *given)
        return several(form, f, given, {**named}, *options[1:])

    try:
        if not form.results or not callable(f):
            return plainly(f, given, named, options)
        if not isinstance(f, Derivable):
            return in_form(form, plainly, f, given, named, options)
        return by_code(form, plainly, run, f, given, named, options)
    except NotHolomorphic as error:
        return by_parts(form, run, f, given, named, options, error)


def point(x: Any) -> Any:
    """Return the point of a driver as an array or a series; arrays of integers become floats."""
    if type(x) in NUMBERS or (type(x) is np.ndarray and x.dtype.kind == "f"):  # the shortest way
        return np.array(x)
    x = lift(unlabelled(x, "this driver"))
    if is_operand(x):
        return x
    array = as_array(x)
    return array.astype(float) if array.ndim and integers(array) else array


def seed(kind: type[Series], x: Any, algebra: Algebra, directions: Array, tag: Tag) -> Any:
    """Return x + Σ_i directions[i]·(variable i of the tag)."""
    if _is_float(x) and _is_float(directions) and directions.shape[1:] == x.shape:
        tag.real = True
        floats = np.zeros((algebra.size, *x.shape))
        if algebra.order:
            floats[1 : 1 + len(directions)] = directions
        floats[0] = x
        return kind._make(floats, algebra, tag, 1)
    shape = np.shape(x)
    if directions.shape[1:] != shape:
        shape = np.broadcast_shapes(shape, directions.shape[1:])
    directions = together(directions, x)[0]
    tag.real = not (is_complex(x) or is_complex(directions))
    table = zeros((algebra.size, *shape), directions)
    if not (is_operand(table) or is_operand(x)):
        x = together(x, directions)[0]
        table = table.astype(np.result_type(table, x), copy=False)
    if algebra.order:
        table[1 : 1 + len(directions)] = directions
    if is_operand(x) and not isinstance(x, ValueSet):
        return x + of_table(table, algebra, tag, kind, 1)
    table[0] = x if is_operand(x) else x[()]
    return of_table(table, algebra, tag, kind, 1)


def of_table(
    table: Any, algebra: Algebra, tag: Tag, kind: type[Series], reach: float = UNKNOWN
) -> Any:
    """Return the series with that table; a table made by hand keeps its place outside."""
    if isinstance(table, Series) and table.tag.level > tag.level:
        return table._new(of_table(np.swapaxes(table._coef, 0, 1), algebra, tag, kind, reach))
    return kind._make(table, algebra, tag, reach)


def _is_float(x: Any) -> bool:
    return type(x) is np.ndarray and x.dtype is FLOAT


def direction(x: Any, v: Any) -> tuple[Any, Any]:
    """Return the point and the direction of a driver as arrays or series of one shape."""
    x = point(x)
    if _is_float(x) and type(v) is int:
        return x, np.full(x.shape, v, float)
    if v is None or isinstance(v, NO_NUMBERS):
        raise TypeError(
            f"the direction must be numbers in the shape of the point, {np.shape(x)}, not "
            f"{type(v).__name__} ({PAGE})"
        )
    v = lift(v)
    kind = Kind.of(x)
    if type(v) in (int, float) and isinstance(kind, Floats):
        v = np.asarray(v, dtype=np.result_type(kind.dtype, v))  # as NumPy promotes it
    else:
        v = together(v if is_operand(v) else as_array(v), x)[0]
    if np.shape(v) == () != np.shape(x):
        v = np.broadcast_to(v, np.shape(x))
    if np.shape(v) != np.shape(x):
        raise ShapeMismatch(f"the direction has shape {np.shape(v)}, the point {np.shape(x)}")
    return x, v


def call(f: Function, x: Any, tag: Tag) -> Any:
    """Return f(x) and finish the differentiation of that tag, whatever happens.

    NonAnalyticError: f has a value of its own at x, where == holds, and no derivatives.
    """
    try:
        y = _what_is_taken(f, x, tag)
    except Exception:
        if tag.isolated:
            _check_isolated(f, x, None)
        raise
    finally:
        tag.closed = True
    if tag.isolated:
        _check_isolated(f, x, y)
    return y


def _what_is_taken(f: Function, x: Any, tag: Tag) -> Any:
    """Return f(x); where that has no series, without the sides of np.where that are not taken.

    Where both sides of a quotient vanish nearby, by the program of f, which knows their zeros.
    """
    try:
        y = result(f, x)
    except DomainError as error:
        if tag.isolated:
            raise
        try:
            recorded = recording(f, fresh(x.value))
            taken = only_taken(*recorded, x)
        except Exception:
            raise error from None  # what cannot be recorded has no other form
        if taken is None and not tag.near:
            raise
        return result(taken or recorded[0], x)
    lost = _is_lost(y)
    if tag.isolated or not (tag.near or lost):
        return y
    tape = Tape()
    try:
        program, v = recording(f, fresh(x.value), tape=tape)
    except Exception:
        return y
    if tape.shortened:
        y = result(program, x)
    g = limited(program.code, v, program.outputs) if lost and _is_lost(y) else None
    return y if g is None else result(g, x)


def _is_lost(y: Any) -> bool:
    """Whether a series of a finite value has coefficients that are not numbers."""
    if not isinstance(y, Series):
        return False
    last = y._coef[-1]
    if type(last) is np.float64:
        return last != last and math.isfinite(y._coef[0])
    return has_nan(last) and bool(np.any(nans(base_array(last)) & finite(y.value)))


def _check_isolated(f: Function, x: Any, y: Any) -> None:
    """Raise NonAnalyticError if f(x), with y as its series, has another value by itself."""
    here = np.asarray(base(result(f, fresh(x.value))))
    near = None if y is None else np.asarray(base(y))
    if near is None or not np.allclose(here, near, 1e-9, 1e-300, equal_nan=True):
        beside = "" if near is None else f", but {near} as a series in x"
        raise NonAnalyticError(
            f"f(x) is {here} here{beside}: a comparison x == c, or the truth of x, holds at this "
            "point only. Compare with < or >, move the point, or compare "
            f"taylor.stop_gradient(x) == c to differentiate what f does here ({PAGE})"
        )


def is_one(shape: tuple[int, ...]) -> bool:
    """Return whether arrays of that shape have axes and one element."""
    return shape != () and math.prod(shape) == 1


def alone(f: Function) -> Function:
    """Return f with the number in place of an array of one element."""

    def number(x: Any) -> Any:
        found = result(f, x)
        shape = shape_of(found)
        return found[(0,) * len(shape)] if is_one(shape) else found

    return number


def result(f: Function, x: Any) -> Any:
    """Return f(x) as a number, an array or one operand; raise TypeError for anything else."""
    if not callable(f):
        raise TypeError(
            f"the first argument must be a function, not {type(f).__name__}: gradient(f, x), not "
            f"gradient(f(x), x) ({PAGE})"
        )
    y = called(f, x)
    if is_operand(y):
        return y
    if isinstance(y, (tuple, list)):
        y = _one_array(list(y))
    if y is None:
        raise TypeError(f"f returned None: is a return missing? ({PAGE})")
    if not hasattr(y, "__array__") and (callable(y) or isinstance(y, NO_NUMBERS)):
        raise TypeError(f"f must return a number or an array, not {type(y).__name__} ({PAGE})")
    return as_data(lift(y), x)


def _one_array(y: list[Any]) -> Any:
    try:
        return lift(y) if y else np.zeros(0)
    except ValueError:
        shapes = list(map(str, dict.fromkeys(map(np.shape, y))))
        if len(shapes) < 2:
            raise
        raise ShapeMismatch(
            f"f returned a list of arrays of different shapes, {' and '.join(shapes)}: return one "
            f"array, such as np.concatenate of them ({PAGE})"
        ) from None


def parts(y: Any, tag: Tag, size: int) -> Any:
    """Return the coefficients of y in the variables of the tag, along a new first axis."""
    y = content(y)
    if is_operand(y):
        if y.tag is tag:
            _refuse_finished(y._coef)
            return y._coef
        _refuse_finished(y, tag)
        if isinstance(y, Series) and is_operand(y._coef):
            inner = parts(y._coef, tag, size)
            return y._new(inner.swapaxes(0, 1))
        table = y._zeros((size, *y.shape))
        table[0] = y
        return table
    array = as_array(y)
    table = zeros((size, *array.shape), array)
    table[0] = array[()]
    return table


def _refuse_finished(y: Any, but: Tag | None = None) -> None:
    """Raise if y is, or has as coefficients, a perturbation of another finished differentiation."""
    while is_nested(y):
        if y.tag.closed and y.tag is not but:
            raise ForeignNodeError(
                "f returned a perturbation of another, finished differentiation (a value kept from "
                "inside a differentiated function); return its .value instead"
            )
        if not isinstance(y, Series):
            return
        y = y._coef


def has_nan(c: Any) -> bool:
    """Whether some coefficient is not a number."""
    while is_nested(c):
        c = c._coef if isinstance(c, Series) else c.value
    return bool(nans(base_array(c)).any())


def all_finite(x: Any) -> bool:
    """Return whether reverse mode has found numbers everywhere."""
    if type(x) is np.ndarray and x.dtype.kind == "f":
        return bool(np.logical_and.reduce(np.isfinite(x), axis=None))
    if type(x) is np.float64:
        return math.isfinite(x)
    return bool(finite(x).all())


def wholly_finite(x: Any) -> Any:
    """Return, element by element, whether all coefficients are finite; of a recorded one: no."""
    shape = np.shape(x)
    while isinstance(x, Series):
        x = x._coef
    return False if is_operand(x) else finite(x).reshape(-1, *shape).all(0)


def finite(x: Any) -> Any:
    """Return, element by element, whether reverse mode has found a number."""
    plain = base(x)
    if isinstance(plain, np.ndarray):
        return finite_in(plain)
    if isinstance(plain, (np.generic, float, complex)):
        return np.isfinite(plain)
    return np.bool_(is_finite(plain))
