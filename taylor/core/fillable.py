"""Arrays that values of the package can be written into: NumPy's own until the first one comes.

A `Plain` array is an ndarray that looks only at what is written into it.  The first series or node
that is written into it, or into a view of it, makes all of them `Filled`: the content moves into
one operand for the whole memory, and each of them is a view of that, by its place in the memory.
The memory of NumPy holds nan from then on, so that C code which looks there finds no old numbers.
"""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from taylor.core.binding import call, call_ufunc
from taylor.core.memory import Flat, Views
from taylor.core.operand import (
    NUMBERS,
    Operand,
    contents,
    holds_operands,
    is_complex,
    lift,
    plain_index,
)
from taylor.errors import AlgebraMismatch, ForeignNodeError
from taylor.numbers.kinds import Array, Fillable

ARRAY = np.ndarray
SHAPE: Any = np.ndarray.shape
REAL: Any = np.ndarray.real
IMAG: Any = np.ndarray.imag
WRITE, TYPE = np.ndarray.__setitem__, np.ndarray.dtype.__get__
NUMBERS_OF = "iufc"  # kinds of arrays
SCALARS = frozenset(NUMBERS)


class Plain(np.ndarray, Fillable):
    """A NumPy array of floats, into which series and nodes can be written."""

    _views: Views | None = None  # of its memory, where it is the first array there
    _held: Any = None  # there: the operand that the memory has become
    _now: Any = None  # the part of it that is this array

    def __array_finalize__(self, _: Any) -> None:
        first = self.base
        if first is not None and type(first) is not ARRAY and isinstance(first, Plain):
            if first._views is None:
                first._views = Views()
            first._views.add(self)

    def __array_wrap__(self, x: Any, context: Any = None, return_scalar: bool = False) -> Any:
        if return_scalar:
            return x[()]
        return x.view(Plain) if x.base is None and x.dtype.kind in NUMBERS_OF else fillable(x)

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(value) in SCALARS or not holds_operands(value):
            WRITE(self, index, value)
        else:
            self._write(plain_index(index), lift(value))

    def fill(self, value: Any) -> None:
        """Write one number into every element."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        """Do np.put(self, indices, values, mode)."""
        if holds_operands(values):
            call(np.put, (self, indices, lift(values), mode), {})
        else:
            super().put(indices, values, mode)

    @property
    def flat(self) -> Any:
        """The elements in C order: x.flat[2], x.flat[:] = 0, for e in x.flat."""
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))

    def content(self) -> Any:
        """Return what it holds: a plain array that shares its memory."""
        return self.view(np.ndarray)

    # -------------------------------------------------------------- the memory
    def _first(self) -> Plain:
        """Return the first array in this memory, of which the others are views."""
        return self.base if isinstance(self.base, Plain) else self

    def _all(self) -> list[Plain]:
        """Return the arrays in the memory that are in use."""
        first = self._first()
        return [first, *(x for x, _ in first._views or ())]

    def _taken(self, memory: Array) -> Array:
        """Return the elements of a memory of one axis that are those of this array: a view."""
        first = self._first()
        own, whole, size = TYPE(self), TYPE(first), first.itemsize
        if own != whole and not (own == _real(whole) and all(s % size == 0 for s in self.strides)):
            raise TypeError(f"an array of {own} that is a view of {whole} cannot hold derivatives")
        if not self.size:
            return memory[:0].reshape(self.shape)
        start = (self.ctypes.data - first.ctypes.data) // size
        strides = [s // size * memory.strides[0] for s in self.strides]
        return as_strided(memory[start:], self.shape, strides, writeable=self.flags.writeable)

    def viewed_as(self, x: Array) -> Any:
        """Return a view of this memory like a plain one, which NumPy has made without telling."""
        first = self._first()
        start = x.ctypes.data - first.ctypes.data
        found = ARRAY.__new__(type(self), x.shape, x.dtype, first, start, x.strides)
        found.flags.writeable = x.flags.writeable
        return found

    def _view_of(self, held: Any) -> Any:
        """Return the view of what the memory holds that is this array."""
        found, first = held._viewed(self._taken), self._first()
        if TYPE(self) == TYPE(first):
            return found
        return found.imag if (self.ctypes.data - first.ctypes.data) % first.itemsize else found.real

    @property
    def real(self) -> Any:
        """The real part: a view."""
        return REAL.__get__(self)

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Any:
        """The imaginary part: a view."""
        return IMAG.__get__(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        self.imag[...] = value

    def _write(self, index: Any, value: Operand) -> None:
        """Write an operand: the memory becomes one that can hold it."""
        if self.dtype.kind in "iu":
            raise TypeError(
                f"an array of {self.dtype} cannot hold derivatives; make it with dtype=float"
            )
        if self.dtype.kind == "f" and is_complex(value):
            raise TypeError(
                "a complex value does not fit into an array of real numbers; make it with "
                "dtype=complex"
            )
        content: Any = self._first().content().ravel("K").copy()
        self._become(value._constant(content), index, value)

    def _become(self, held: Any, index: Any, value: Any) -> None:
        """Let the memory be an operand, into which the value is written."""
        if not self.flags.writeable:
            raise ValueError("assignment destination is read-only")
        self._view_of(held)[index] = value
        for x in self._all():
            x.__class__, x._now = Filled, None
        first = self._first()
        first._held = held
        WRITE(first, ..., np.nan)


def _real(dtype: Any) -> Any:
    return np.empty(0, dtype).real.dtype


def _alone(f: Callable[..., Any]) -> Any:
    return lambda self, *args, **named: f(self.content(), *args, **named)


def _left(f: Callable[[Any, Any], Any]) -> Any:
    return lambda self, other: f(self.content(), lift(other))


def _right(f: Callable[[Any, Any], Any]) -> Any:
    return lambda self, other: f(lift(other), self.content())


def _in_place(f: Callable[[Any, Any], Any]) -> Any:
    def assigned(self: Filled, other: Any) -> Filled:
        found = f(self.content(), lift(other))
        if np.shape(found) != self.shape:
            raise ValueError(
                f"non-broadcastable output operand with shape {self.shape} doesn't match the "
                f"broadcast shape {np.shape(found)}"
            )
        self[...] = found
        return self

    return assigned


class Filled(Plain):
    """A view of an operand that was written into a plain array: all it does, that does."""

    filled = True
    strides = property(np.ndarray.strides.__get__)  # fixed

    @property
    def shape(self) -> Any:
        """The shape; y.shape = (2, 3) gives it another one."""
        return SHAPE.__get__(self)

    @shape.setter
    def shape(self, shape: Any) -> None:
        SHAPE.__set__(self, shape)
        self._now = None

    def content(self) -> Any:
        """Return what it holds: an operand that shares its memory."""
        if self._now is None:
            held = self._first()._held
            if held is None:
                raise TypeError(
                    "NumPy has copied the memory of an array that was filled with derivatives, "
                    "which are not there; use x.copy()"
                )
            self._now = self._view_of(held)
        return self._now

    def __setitem__(self, index: Any, value: Any) -> None:
        index, value, held = plain_index(index), lift(value), self._first()._held
        if held is not None and held.tag.closed:
            self._begin_again(index, value)
        elif isinstance(value, Operand) and value._hosts(held):
            self._move_in(index, value)
        else:
            self.content()[index] = value

    def _move_in(self, index: Any, value: Any) -> None:
        """Write a value of an inner differentiation: let the memory be one of those."""
        held = self._first()._held
        own = {id(held), *(id(x._now) for x in self._all())}
        if any(id(x) not in own for x, _ in held._memory().views):
            raise AlgebraMismatch(
                "a value of an inner differentiation does not fit into an array of values of an "
                "outer one while views of it (y[1:], y.T) are in use; write it before they are "
                "made, or make a new array"
            )
        self._become(value._constant(held), index, value)

    def _begin_again(self, index: Any, value: Any) -> None:
        """Write over all of what a finished differentiation has left: the array is plain again."""
        written = np.zeros(self._first().size, dtype=bool)
        self._taken(written)[index] = True
        if not written.all():
            raise ForeignNodeError(
                "an array holds derivatives of a finished differentiation; make it inside the "
                "function, or begin with y[...] = 0"
            )
        for x in self._all():
            x.__class__, x._now, x._held = Plain, None, None
        WRITE(self._first(), ..., 0.0)
        self[index] = value

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **kwargs: Any) -> Any:
        return call_ufunc(ufunc, method, [lift(x) for x in inputs], kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return call(func, *contents(func, args, kwargs))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.content(), name)

    def __len__(self) -> int:
        return len(self.content())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.content())

    def __contains__(self, x: Any) -> bool:
        return x in self.content()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return operator.pos, (self.content(),)


IN_MEMORY = {  # what a filled array knows itself
    "base", "content", "ctypes", "data", "device", "filled", "fill", "flags", "flat", "itemsize",
    "imag", "nbytes", "ndim", "put", "real", "setflags", "shape", "size", "strides",
}  # fmt: skip
ALONE: dict[str, Callable[..., Any]] = {
    "neg": operator.neg, "abs": abs, "float": float, "int": int, "complex": complex,
    "index": operator.index, "bool": bool, "repr": repr, "str": str, "format": format,
    "round": round, "floor": math.floor, "ceil": math.ceil, "trunc": math.trunc,
    "pos": operator.pos, "copy": copy.copy, "deepcopy": copy.deepcopy, "getitem": operator.getitem,
    "dlpack": lambda x, **named: x.__dlpack__(**named),
}  # fmt: skip
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "pow": operator.pow,
    "matmul": operator.matmul, "divmod": divmod,
}  # fmt: skip
COMPARED = ("lt", "le", "gt", "ge", "eq", "ne")
for _name, _f in ALONE.items():
    setattr(Filled, f"__{_name}__", _alone(_f))
for _name, _f in ARITHMETIC.items():
    setattr(Filled, f"__{_name}__", _left(_f))
    setattr(Filled, f"__r{_name}__", _right(_f))
    setattr(Filled, f"__i{_name}__", _in_place(_f))
for _name in COMPARED:
    setattr(Filled, f"__{_name}__", _left(getattr(operator, _name)))
for _name in set(dir(np.ndarray)) - IN_MEMORY:
    if not _name.startswith("__"):
        setattr(Filled, _name, property(_alone(operator.attrgetter(_name))))


def fillable(x: Any) -> Any:
    """Return a new array of numbers as one that operands can be written into; all else as it is.

    Into one of integers they cannot, but into what is computed of it, such as y/2.

    >>> type(fillable(np.zeros(3))), type(fillable(np.zeros(3, dtype=bool)))
    (<class 'taylor.core.fillable.Plain'>, <class 'numpy.ndarray'>)
    """
    if type(x) is not np.ndarray or x.dtype.kind not in NUMBERS_OF:
        return x
    return (x if x.base is None or isinstance(x.base, Plain) else x.copy()).view(Plain)
