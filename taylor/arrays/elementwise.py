"""Functions and ufuncs of NumPy element by element: what each means for values of the package."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.arrays.reductions import axes_of, by_value
from taylor.core import functions
from taylor.core.binding import SCIPY, UFUNCS, family
from taylor.core.conditions import mask
from taylor.core.operand import Operand, as_array, define, implements, is_complex, modulus
from taylor.core.table import TABLE, lookup
from taylor.errors import NonAnalyticError
from taylor.numbers.formulas import DEGREE, RADIAN
from taylor.numbers.kinds import base_array, is_operand

NARROW = (np.float16, np.float32, np.complex64)  # whose powers by np.float_power are wider

LOG2, LOG10 = float(np.log(2.0)), float(np.log(10.0))


# ------------------------------------------------------------------ functions
@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Any:
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("np.clip: give a_min and a_max, or min and max")
    low, high = (a_min, a_max) if min is None and max is None else (min, max)
    return functions.clip(a, low, high)


@implements(np.round)
def round_(a: Any, decimals: int = 0) -> Any:
    """Return np.round(a, decimals), which is constant between jumps."""
    decimals = operator.index(decimals)
    scale = 10.0 ** abs(decimals)
    if decimals == 0:
        return functions.rint(a)
    return functions.rint(a * scale) / scale if decimals > 0 else functions.rint(a / scale) * scale


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Return np.nan_to_num(x, ...): what is replaced is constant."""
    replaced = {
        np.isnan: nan,
        np.isposinf: np.finfo(float).max if posinf is None else posinf,
        np.isneginf: np.finfo(float).min if neginf is None else neginf,
    }
    found: Any = +x
    for test, number in replaced.items():
        lost = by_value(test)(x)
        found = np.where(lost, number, found) if np.any(lost) else found
    if copy:
        return found
    x[...] = found
    return x


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """Return np.isclose(a, b, ...) of the values."""
    a, b = as_array(a), as_array(b)
    both_nan = np.isnan(a) & np.isnan(b) if equal_nan else False
    if is_complex(a) or is_complex(b):
        a, b = _bare(a), _bare(b)
        near = mask(abs(a - b) <= atol + rtol * abs(b)) & np.isfinite(b)
        return near | _same(a.real, b.real) & _same(a.imag, b.imag) | both_nan
    size = b * np.where(mask(b >= 0), 1, -1)
    far, tol = a - b, atol + rtol * size
    near = mask(far <= tol) & mask(far >= -tol) & np.isfinite(b)
    return near | _same(a, b) | both_nan


def _same(a: Any, b: Any) -> Any:
    return mask(a <= b) & mask(a >= b)


def _bare(z: Any) -> Any:
    """Return the value of a series; of a recording what is recorded, since it may decide."""
    while is_operand(z) and not hasattr(z, "tape"):
        z = z.value
    return z


def _real_if_close(a: Any, tol: Any) -> Any:
    """Return the real part where all imaginary parts of the value are next to nothing."""
    if not is_complex(a):
        return a.real
    if not hasattr(a, "tape"):
        return a if np.iscomplexobj(np.real_if_close(a.value, tol)) else a.real
    most = tol * np.finfo(a.dtype).eps if tol > 1 else tol
    return a.real if np.all(abs(a.imag) < most) else a


def _complex_unless(good: Any, x: Any) -> Any:
    """Return x as a complex array, unless all its elements are in the domain of real ones."""
    return x if not is_complex(x) and np.all(good) else x * (1 + 0j)


def _double(x: Any) -> Any:
    """Return an operand with numbers of double precision at least."""
    narrow = is_operand(x) and base_array(x).dtype in NARROW
    return x * np.float64(1) if narrow else x


define({
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: (
        int(np.prod([a.shape[i] for i in axes_of(axis, a.ndim)], dtype=int))
    ),
    np.allclose: lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: (
        bool(np.all(isclose(a, b, rtol, atol, equal_nan)))
    ),
    np.array_equal: lambda a1, a2: np.shape(a1) == np.shape(a2) and bool(np.all(a1 == a2)),
    np.real: lambda val: val.real,
    np.imag: lambda val: val.imag,
    np.angle: lambda z, deg=False: np.arctan2(z.imag, z.real) * (RADIAN if deg else 1.0),
    np.real_if_close: lambda a, tol=100: _real_if_close(a, tol),
    np.astype: lambda x, dtype, copy=True: x.astype(dtype, copy=copy),
    np.emath.sqrt: lambda x: np.sqrt(_complex_unless(x >= 0, x)),
    np.emath.log: lambda x: np.log(_complex_unless(x >= 0, x)),
    np.emath.log2: lambda x: np.log(_complex_unless(x >= 0, x)) / LOG2,
    np.emath.log10: lambda x: np.log(_complex_unless(x >= 0, x)) / LOG10,
    np.emath.power: lambda x, p: np.power(_complex_unless(x >= 0, x), p),
    np.emath.arccos: lambda x: np.arccos(_complex_unless(x * x <= 1, x)),
    np.emath.arcsin: lambda x: np.arcsin(_complex_unless(x * x <= 1, x)),
    np.emath.arctanh: lambda x: np.arctanh(_complex_unless(x * x <= 1, x)),
    np.sinc: lambda x: functions.sinc(x),
    np.i0: lambda x: functions.i0(x),
    np.fix: lambda x: functions.trunc(x),
})  # fmt: skip
family(
    np.result_type, lambda *given: np.result_type(*(x.dtype if is_operand(x) else x for x in given))
)
for _alias, _name in (("around", "round"), ("amax", "max"), ("amin", "min")):
    family(getattr(np, _alias), functools.partial(getattr(np, _name)))


# ------------------------------------------------------------------ ufuncs
def _binary(name: str) -> Callable[[Any, Any], Any]:
    """Return the operator as a function that never asks a plain left operand first."""
    left, right = f"__{name}__", f"__r{name}__"

    def operate(x: Any, y: Any) -> Any:
        found = getattr(x, left)(y) if isinstance(x, Operand) else NotImplemented
        if found is NotImplemented and isinstance(y, Operand):
            return getattr(y, right)(x)
        return found

    return operate


def _comparison(op: Any, mirrored: Any) -> Callable[[Any, Any], Any]:
    return lambda x, y: op(x, y) if isinstance(x, Operand) else mirrored(y, x)


def _logical(func: Any) -> Callable[..., Any]:
    return lambda *xs: func(*(x._truth() if isinstance(x, Operand) else x for x in xs))


def _of_value(func: Any) -> Callable[[Any], Any]:
    handler = by_value(func)
    return lambda x: handler(x)


def _ignoring_nan(join: Any) -> Callable[[Any, Any], Any]:
    """Return np.fmax or np.fmin: that one of two values which is no nan."""

    def lost(x: Any) -> Any:  # where x is nan: machine code can check the guard of a comparison
        return ~np.asarray(mask(np.less_equal(x, x)), dtype=bool)

    def handler(x: Any, y: Any) -> Any:
        left, right = lost(x), lost(y)
        either = left | right
        if not np.any(either):
            return join(x, y)
        # there must be no tie in lanes that are not looked at
        found = join(np.where(either, 0, x), np.where(either, 1, y))
        return np.where(left, y, np.where(right, x, found))

    return handler


def _copysign(x: Any, y: Any) -> Any:
    """Return |x| with the sign of y, which jumps where y is zero."""
    return functions.absolute(x) * lookup("copysign")(y)


def _sign(x: Any) -> Any:
    """Return the sign, of a complex number x/|x|."""
    if not is_complex(x):
        return functions.sign(x)
    size = modulus(x)
    if x.ndim == 0 and not size.value > 0:
        raise NonAnalyticError("np.sign of a complex number has no derivative at 0; move the point")
    return x / size


def _ldexp(x: Any, exponent: Any) -> Any:
    if isinstance(exponent, Operand):
        raise TypeError("np.ldexp: the exponent are plain integers")
    one = x.dtype.type(1) if x.dtype.kind == "f" else 1.0
    return x * np.ldexp(one, exponent)


_LOGICAL: tuple[Any, ...] = (np.logical_not, np.logical_and, np.logical_or, np.logical_xor)
_ufuncs: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _binary("add"),
    np.subtract: _binary("sub"),
    np.multiply: _binary("mul"),
    np.divide: _binary("truediv"),
    np.floor_divide: _binary("floordiv"),
    np.divmod: lambda x, y: (functions.floor_divide(x, y), functions.remainder(x, y)),
    np.fmod: functions.fractional,
    np.modf: lambda x: (x - (whole := functions.trunc(x)), whole),
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.conjugate: lambda x: x.conjugate() if is_complex(x) else +x,
    np.less: _comparison(operator.lt, operator.gt),
    np.less_equal: _comparison(operator.le, operator.ge),
    np.greater: _comparison(operator.gt, operator.lt),
    np.greater_equal: _comparison(operator.ge, operator.le),
    np.equal: _comparison(operator.eq, operator.eq),
    np.not_equal: _comparison(operator.ne, operator.ne),
    **{f: _of_value(f) for f in (np.isfinite, np.isnan, np.isinf, np.signbit)},
    **{f: _logical(f) for f in _LOGICAL},
    np.fabs: functions.absolute,
    np.float_power: lambda x, y: functions.power(_double(x), _double(y)),
    np.copysign: _copysign,
    np.fmax: _ignoring_nan(functions.maximum),
    np.fmin: _ignoring_nan(functions.minimum),
    np.degrees: lambda x: x * RADIAN,
    np.rad2deg: lambda x: x * RADIAN,
    np.radians: lambda x: x * DEGREE,
    np.deg2rad: lambda x: x * DEGREE,
    np.ldexp: _ldexp,
    np.logaddexp2: lambda x, y: functions.logaddexp(x * LOG2, y * LOG2) / LOG2,
    **{row.ufunc: row for row in TABLE.values() if row.ufunc is not None},
    np.absolute: modulus,
    np.sign: _sign,
    np.remainder: functions.remainder,
}  # fmt: skip
UFUNCS.update(_ufuncs)

SCIPY.update({
    **TABLE,
    "expit": functions.sigmoid,
    "gammaln": functions.lgamma,
    "psi": functions.digamma,
})  # fmt: skip


# ------------------------------------------------------------------ functions for any number type
def where(condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition holds and b elsewhere, lane by lane, for any number type.

    The branch that is not taken never raises later and never poisons a value or a derivative.

    >>> where(True, 1, 2)
    1
    """
    if isinstance(condition, (bool, np.bool_)):
        return a if condition else b
    return np.where(condition, a, b)
