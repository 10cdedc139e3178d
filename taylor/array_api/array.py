"""Array: the one class of arrays of the standard; it holds a NumPy array or a value of the package.

Operators and functions are NumPy's, which know the values of the package; their results are Arrays.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from taylor.core.conditions import Condition
from taylor.core.operand import Operand, as_array, lift
from taylor.numbers.kinds import base, is_operand
from taylor.numbers.policy import current_policy, policy

HELD = (np.ndarray, np.generic, Operand, Condition)  # as they are, numbers as arrays of no axes
SCALARS = (bool, int, float, complex)
CPU = "cpu"
VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


def wrapped(x: Any) -> Any:
    """Return arrays and values of the package, also in tuples and lists, as Arrays.

    >>> wrapped((np.float64(2.0), "text"))
    (Array(2., dtype=float64), 'text')
    """
    if isinstance(x, HELD):
        return Array(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(wrapped, x))
    return type(x)(map(wrapped, x)) if type(x) in (tuple, list) else x


def held(x: Any) -> Any:
    """Return what Arrays hold, also in tuples and lists; else x itself.

    >>> held([Array(np.ones(1)), 2.0])
    [array([1.]), 2.0]
    """
    if isinstance(x, Array):
        return x.held
    if type(x) in (tuple, list):
        return type(x)(map(held, x))
    return slice(*map(held, (x.start, x.stop, x.step))) if isinstance(x, slice) else x


def of_arrays(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of what Arrays hold as one of Arrays, or values of the package.

    An Array of no axes is an array: where it has no derivative, that is nan, as in a lane.
    """

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        given, named = [held(x) for x in args], {k: held(v) for k, v in kwargs.items()}
        if not any(map(is_operand, given)):
            return wrapped(f(*given, **named))
        with policy(singular="propagate", kink=current_policy().kink):
            return wrapped(f(*given, **named))

    return call


def equal(a: Any, b: Any) -> Any:
    """Return where the values are equal; derivatives are not compared, as they are by ==.

    >>> import taylor
    >>> equal(taylor.Taylor.variable(2.0, 1), 2.0)
    np.True_
    """
    if not any(isinstance(x, Operand) for x in (a, b)):
        return np.equal(a, b)
    a, b = (x if isinstance(x, Operand) else as_array(x) for x in (a, b))
    return (a >= b) & (a <= b)


def not_equal(a: Any, b: Any) -> Any:
    """Return where the values are not equal."""
    return np.logical_not(equal(a, b))


def astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    """Return x with numbers of another type; of a value of the package integers have no slope."""
    kind = np.dtype(dtype).kind
    if isinstance(x, Operand) and kind == "b":
        return not_equal(x, 0)
    if isinstance(x, Operand) and kind in "iu" and hasattr(x, "coef"):
        return np.asarray(base(x)).astype(dtype)  # constant, but at a jump
    return x.astype(dtype, copy=copy) if copy or x.dtype != dtype else x


def _binary(f: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return an operator and the one of the other side, as methods."""
    of = of_arrays(f)

    def left(self: Array, other: Any) -> Any:
        return of(self, other) if _fits(other) else NotImplemented

    def right(self: Array, other: Any) -> Any:
        return of(other, self) if _fits(other) else NotImplemented

    return left, right


def _unary(f: Callable[[Any], Any]) -> Callable[[Array], Array]:
    of = of_arrays(f)
    return lambda self: of(self)


def _in_place(name: str) -> Callable[..., Any]:
    """Return the operator that writes into memory, unless plain numbers become derivatives."""
    plain, written = (
        of_arrays(getattr(operator, name)),
        of_arrays(getattr(operator, "i" + name.rstrip("_"))),
    )

    def assigned(self: Array, other: Any) -> Any:
        if not _fits(other):
            return NotImplemented
        if isinstance(self.held, np.ndarray) and is_operand(lift(other)):
            self.check_unshared()  # before a recording holds the memory as a constant
            new = plain(self, other).held
            self.held = np.zeros_like(new, shape=self.shape)
            self.held[...] = new
        else:
            self.held = written(self, other).held
        return self

    return assigned


def _fits(x: Any) -> bool:
    return isinstance(x, (Array, *SCALARS, *HELD))


def _number(kind: Callable[[Any], Any]) -> Callable[[Array], Any]:
    return lambda self: kind(self.held)  # raises TypeError where derivatives would be lost


class Array:
    """An array of the array-API standard: see `taylor.array_api`.

    >>> import taylor
    >>> x = Array(taylor.Taylor.variable(2.0, order=1))
    >>> (x * x + 1).held
    5 + 4 t + O(t²)
    """

    __slots__ = ("held",)
    __array_priority__ = 3000.0

    def __init__(self, x: Any) -> None:
        x = x if isinstance(x, Condition) else lift(x)
        self.held: Any = x if isinstance(x, (Condition, Operand)) else np.asarray(x)

    # -------------------------------------------------------------- attributes
    shape: Any = property(lambda self: tuple(self.held.shape))
    ndim: Any = property(lambda self: self.held.ndim)
    size: Any = property(lambda self: self.held.size)
    dtype: Any = property(lambda self: self.held.dtype)
    device: Any = property(lambda self: CPU)

    @property
    def T(self) -> Array:
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ValueError(f"x.T is of matrices; of shape {self.shape} take x.mT")
        return self.mT

    @property
    def mT(self) -> Array:
        """The transposes of the matrices in the last two axes."""
        return Array(np.matrix_transpose(self.held))

    def __taylor_value__(self) -> Any:
        """Return the array or the value of the package that this one holds."""
        return self.held

    def __repr__(self) -> str:
        shown = repr(self.held)
        if isinstance(self.held, np.ndarray):
            shown = f"{np.array2string(self.held, separator=', ', prefix='Array(')}"
            shown += f", dtype={self.dtype}"
        return f"Array({shown})"

    def item(self) -> Any:
        """Return the number of an array of one element, as `numpy.ndarray.item` (for xarray)."""
        return self.held.item()

    def conj(self) -> Array:
        """Return the complex conjugate, as `numpy.ndarray.conj` (for xarray)."""
        return Array(np.conj(self.held))

    # -------------------------------------------------------------- protocols
    def __array_namespace__(self, /, *, api_version: str | None = None) -> ModuleType:
        """Return `taylor.array_api`."""
        return namespace(api_version)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if isinstance(self.held, Operand):
            raise TypeError(
                "NumPy or compiled code of SciPy took an Array with derivatives for plain numbers; "
                "use the function of that name in taylor.scipy or taylor.array_api"
            )
        return np.array(self.held, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, kind: str, *inputs: Any, **kwargs: Any) -> Any:
        return of_arrays(getattr(ufunc, kind))(*inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return of_arrays(func)(*args, **kwargs)

    def __dlpack__(
        self, /, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:  # fmt: skip
        """Return plain numbers as a DLPack capsule; derivatives have none: BufferError."""
        if not isinstance(self.held, np.ndarray):
            raise BufferError("an Array of derivatives has no DLPack form; pass its plain value")
        return self.held.__dlpack__(
            stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the processor

    def to_device(self, device: Any, /, *, stream: Any = None) -> Array:
        """Return the array itself: there is one device, "cpu"."""
        if device != CPU or stream is not None:
            raise ValueError(f"the only device is {CPU!r}, and it has no streams")
        return self

    # -------------------------------------------------------------- elements
    def __getitem__(self, key: Any) -> Array:
        return Array(self.held[held(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        key, value = held(key), lift(held(value))
        if isinstance(self.held, np.ndarray) and is_operand(value):
            self.check_unshared()
            self.held = np.zeros_like(value, shape=self.shape) + self.held
        self.held[key] = value

    def check_unshared(self) -> None:
        """Raise TypeError if another array may share the memory."""
        if self.held.base is not None or sys.getrefcount(self.held) > 2:
            raise TypeError(
                "a value with derivatives is written into plain numbers that another array "
                "shares: take views of an Array after it is filled, or copy what it is made of"
            )

    def __len__(self) -> int:
        return len(self.held)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError("the truth of an array of more than one element is ambiguous")
        return bool(astype(self.held, bool))

    __int__, __index__ = _number(int), _number(operator.index)
    __float__, __complex__ = _number(float), _number(complex)

    # -------------------------------------------------------------- operators
    __add__, __radd__ = _binary(operator.add)
    __sub__, __rsub__ = _binary(operator.sub)
    __mul__, __rmul__ = _binary(operator.mul)
    __truediv__, __rtruediv__ = _binary(operator.truediv)
    __floordiv__, __rfloordiv__ = _binary(operator.floordiv)
    __mod__, __rmod__ = _binary(operator.mod)
    __pow__, __rpow__ = _binary(operator.pow)
    __matmul__, __rmatmul__ = _binary(operator.matmul)
    __and__, __rand__ = _binary(operator.and_)
    __or__, __ror__ = _binary(operator.or_)
    __xor__, __rxor__ = _binary(operator.xor)
    __lshift__, __rlshift__ = _binary(operator.lshift)
    __rshift__, __rrshift__ = _binary(operator.rshift)
    __lt__, __gt__ = _binary(operator.lt)
    __le__, __ge__ = _binary(operator.le)
    __eq__, __ne__ = _binary(equal)[0], _binary(not_equal)[0]
    __hash__ = None  # type: ignore[assignment]

    __iadd__, __isub__, __imul__ = map(_in_place, ("add", "sub", "mul"))
    __itruediv__, __ifloordiv__ = _in_place("truediv"), _in_place("floordiv")
    __imod__, __ipow__, __imatmul__ = map(_in_place, ("mod", "pow", "matmul"))
    __iand__, __ior__, __ixor__ = map(_in_place, ("and_", "or_", "xor"))
    __ilshift__, __irshift__ = _in_place("lshift"), _in_place("rshift")

    __neg__, __pos__ = _unary(operator.neg), _unary(operator.pos)
    __abs__, __invert__ = _unary(np.abs), _unary(np.invert)


def namespace(api_version: str | None = None) -> ModuleType:
    """Return `taylor.array_api`; raise ValueError for a version that it does not have."""
    if api_version not in (None, *VERSIONS):
        raise ValueError(f"taylor.array_api has the versions {', '.join(VERSIONS)}")
    return sys.modules[__package__]
