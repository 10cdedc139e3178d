"""NumPy's protocols: what np.exp(x), x @ A, x[1:], np.where(...) mean for a value of the package.

Every shape operation is a gather (indexing, transposing, stacking: NumPy itself is run on an array
of positions), a sum, or an einsum; a class that supplies the primitives listed in `Operand` gets
the rest of NumPy from here.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np

from taylor.core import advice, binding, functions, maps, memory, places, table
from taylor.core.advice import ATTRIBUTES, PAGE, WANTED, asked_by, no_attribute
from taylor.core.applied import Call
from taylor.core.binding import UFUNCS, Handler, Method, call, call_ufunc, holds, method
from taylor.core.calls import Row
from taylor.core.conditions import Condition
from taylor.core.instructions import MUL, Arithmetic, Op
from taylor.core.maps import Gather, Scatter
from taylor.core.maps import host as host
from taylor.core.memory import rearrange
from taylor.core.parts import Part
from taylor.core.places import stack as stack
from taylor.core.sides import Choose
from taylor.core.table import Elementary, Rule
from taylor.numbers.data import has_own_operators, held, is_array_like, is_sparse, plain_array
from taylor.numbers.kinds import Array, Fillable, Handled, is_operand
from taylor.numbers.values import is_complex as is_complex

Shape = tuple[int, ...]
NUMBERS = (float, int, complex, np.float64)
SIMPLE = frozenset((*NUMBERS, bool, str, NoneType))  # what stands for itself
asked: Any = method  # for what is no value of the class


def _in_place(op: Callable[[Any, Any], Any]) -> Method:
    """Do x = op(x, other): into the memory of an array; a number is another one then."""

    def assigned(self: Any, other: Any) -> Any:
        result = op(self, other)
        if not self._is_array():
            return result
        if np.shape(result) != self.shape:
            raise ValueError(
                f"non-broadcastable output operand with shape {self.shape} doesn't match the "
                f"broadcast shape {np.shape(result)}"
            )
        self._assign(Ellipsis, result)
        return self

    return assigned


def _compared(op: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: self._compare(op, other) if fits(other) else NotImplemented


def _left(f: Callable[[Any, Any], Any]) -> Method:
    return lambda self, other: f(self, other) if fits(other) else NotImplemented


def _right(f: Callable[[Any, Any], Any]) -> Method:
    return lambda self, other: f(other, self) if fits(other) else NotImplemented


def binary(op: Arithmetic, home: str = "tag") -> tuple[Method, Method]:
    """Return an operator and that of the other side; values of one `home` belong together."""
    where = operator.attrgetter(home)

    def left(self: Any, other: Any) -> Any:
        if (kind := type(other)) is type(self) and where(other) is where(self):
            return self.process(op, (self, other))
        if kind in NUMBERS or (kind is np.ndarray and not other.dtype.hasobject):
            return self.process(op, (self, other))
        return bind(op, self, other) if fits(other) else NotImplemented

    def right(self: Any, other: Any) -> Any:
        number = type(other) in NUMBERS
        if op is MUL and not number and is_sparse(other):  # of a matrix, no array, the product
            return _product(other, self)
        return bind(op, other, self) if number or fits(other) else NotImplemented

    return left, right


def _alone(f: Callable[[Any], Any]) -> Method:
    return lambda self: f(self)


def _converted(f: Callable[[Any], Any], what: str) -> Any:
    return lambda self: f(self._inactive(what))


def _product(a: Any, b: Any) -> Any:
    if is_sparse(a):
        return maps.sparse_product(a, b)
    if is_sparse(b):
        return maps.sparse_product(b.T, a.T).T
    return UFUNCS[np.matmul](lift(a), lift(b))


class Operand(Handled):
    """An array-like value with operators and NumPy's protocols, built on a few primitives.

    A subclass supplies the operators and the primitives declared here; `_viewed(f)` if its memory
    can be shared: what f makes of it, views where NumPy's f makes views.
    """

    __slots__ = ()
    __array_priority__ = 1000.0
    __pandas_priority__ = 5000  # above those of its own classes: they leave operators to us

    namespace: ClassVar[Callable[[str | None], Any]]  # the functions of the array-API standard
    takes_all: ClassVar[bool] = False  # whether `process` takes instructions that it does not know
    shape: Any
    value: Any
    tag: Any  # which differentiation the value belongs to
    process: Callable[[Op, Sequence[Any]], Any]  # op(*args), of which it is the innermost operand
    _hosts: Callable[[Operand], bool]  # whether another is held as constant or coefficient
    _compare: Callable[[Callable[[Any, Any], Any], Any], Any]
    _assign: Callable[[Any, Any], None]
    _constant: Callable[[Any], Any]
    _zeros: Callable[[Shape], Any]
    _ones: Callable[[], Any]
    _truth: Callable[[], Any]
    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    # -------------------------------------------------------------- instructions
    def _bound(self, op: Op, args: Sequence[Any]) -> Any:
        """Return op(*args) of arguments of which it is one."""
        given = [lift(x) for x in args]
        return host(given).process(op, given)

    def _elementary(self, row: Elementary, args: Sequence[Any]) -> Any:
        return self.process(Row(row), args) if len(args) == 1 else bind(Row(row), *args)

    def _call(self, rule: Rule, args: Sequence[Any]) -> Any:
        return bind(Call(rule), *args)

    def _choose(self, lhs: Any, rhs: Any, a: Any, b: Any, mode: str) -> Any:
        return bind(Choose(mode), lhs, rhs, a, b)

    def _gather(self, sources: Sequence[Any], index: Array) -> Any:
        return host(sources).process(Gather(index), sources)

    def _scatter(self, index: Array, shape: Shape) -> Any:
        return self.process(Scatter(index, shape), (self,))

    # -------------------------------------------------------------- array attributes and methods
    @property
    def ndim(self) -> int:
        """Number of array axes (coefficients not counted)."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements (coefficients not counted)."""
        return math.prod(self.shape)

    @property
    def T(self) -> Self:
        """The transpose."""
        return self.transpose()

    @property
    def mT(self) -> Self:
        """The transposes of the matrices in the last two axes."""
        return cast(Self, np.matrix_transpose(self))

    def copy(self, order: Any = "C") -> Self:
        """Return a copy, its axes in that order in memory."""
        return cast(Self, rearrange([self], lambda i: i.copy(order)))

    __copy__ = _alone(lambda x: x.copy("K"))

    def view(self, *kind: Any) -> Self:
        """Return the same elements in the same memory; as another kind there are none."""
        if kind:
            raise no_attribute(self._title(), "view")
        return self[...]

    def flatten(self, order: Any = "C") -> Self:
        """Return a copy of the elements along one axis."""
        return cast(Self, rearrange([self], lambda i: i.flatten(order)))

    @property
    def flat(self) -> memory.Flat:
        """The elements in C order: x.flat[2], x.flat[:] = 0, for e in x.flat."""
        return memory.Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        memory.Flat(self)[:] = value

    def item(self, *index: Any) -> Self:
        """Return one element as a number."""
        if len(index) == 1:
            return self[index[0]] if isinstance(index[0], tuple) else self.reshape(-1)[index[0]]
        return self[index] if index else self.reshape(()).copy()

    def fill(self, value: Any) -> None:
        """Write one number into every element."""
        self[...] = value

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None) -> None:
        """Sort the elements in place."""
        self[...] = np.sort(self, axis, kind, order)

    def partition(self, kth: Any, axis: int = -1) -> None:
        """Do np.partition in place."""
        self[...] = np.partition(self, kth, axis)

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Do np.put(self, indices, values, mode)."""
        call(np.put, (self, indices, values, mode), {})

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in ATTRIBUTES]

    def _title(self) -> str:
        """What error messages call it."""
        return f"a {type(self).__name__}"

    def _refused(self, what: str) -> TypeError:
        """Return the error for what would make a plain number of it."""
        return TypeError(
            f"{what} of {self._title()} would drop its derivatives; {WANTED[what]}; x.value is "
            f"the plain value ({PAGE})"
        )

    def _objects(self, copy: Any) -> Array:
        """Return the elements as an array of objects."""
        by = asked_by(sys._getframe(2))
        if by == "masked":
            raise self._refused("a masked array")
        if by == "missing":
            return np.where(np.asarray(np.isnan(self), dtype=bool), np.nan, 0.0)
        return memory.elements(self, () if by == "sparse" else self.shape, bool(copy))

    def _inactive(self, what: str) -> Any:
        """Return the plain value, if nothing is lost."""
        raise self._refused(what)

    def _constant_index(self) -> Any:
        """Return the integers to take as an index, if nothing is lost."""
        raise TypeError(advice.NO_INDEX)

    __float__, __int__ = _converted(float, "float()"), _converted(int, "int()")
    __complex__ = _converted(complex, "complex()")
    __index__ = _converted(operator.index, "an index made")

    def __hash__(self) -> int:
        raise TypeError(
            f"{self._title()} is unhashable, since == compares all its coefficients; use x.value, "
            f"a constant, as the key ({PAGE})"
        )

    def __delitem__(self, index: Any) -> None:
        raise ValueError("elements of an array cannot be deleted; write np.delete(x, index)")

    def _mpmath_(self, *_: Any) -> Any:
        raise self._refused("a function of mpmath")

    def _sympy_(self) -> Any:
        raise self._refused("an expression of sympy")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"len() of {self._title()} without axes; .coef holds coefficients")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Self:
        index = index if type(index) is slice else plain_index(index)
        return cast(Self, self._viewed(lambda i: i[index]))

    def __setitem__(self, index: Any, value: Any) -> None:
        index = plain_index(index)
        try:
            self._assign(index, value)
        except IndexError:
            self[index]  # says which axis, without that of coefficients
            raise

    def _viewed(self, f: Callable[..., Any]) -> Any:
        return rearrange([self], f)

    def _in_shape(self, shape: Shape) -> Any:
        """Return it, which is a result that nobody else sees, in another shape."""
        return self.reshape(shape)

    def _rearranged(self, f: Callable[..., Any]) -> Any:
        """Return a copy of what f makes of it."""
        return rearrange([self], f)

    def _of_tables(self, f: Callable[..., Any], sources: Sequence[Any]) -> Any:
        """Return f of tables alike, whose first axis is that of coefficients; None: no such."""

    def _memory(self) -> Any:
        """What it shares with views of it; None as long as there are none."""
        return None

    def _in_memory(self) -> Array:
        """Return an array that lies in memory as this one does; its content means nothing."""
        return np.empty(self.shape, dtype=bool)

    @property
    def flags(self) -> Any:
        """How it lies in memory."""
        return memory.in_memory(self).flags

    def _is_array(self) -> bool:
        """Whether it has a place in memory: NumPy's numbers have none, its 0-d views have."""
        return bool(self.shape) or self._memory() is not None

    def reshape(self, *shape: Any, order: Any = "C") -> Self:
        """Return the same elements in another shape."""
        target = shape[0] if len(shape) == 1 else shape
        return cast(Self, self._viewed(places.reshaping(target, order)))

    def transpose(self, *axes: Any) -> Self:
        """Return the array with its axes permuted."""
        return cast(Self, self._viewed(places.transposing(axes)))

    def conjugate(self) -> Self:
        """Return the complex conjugate, a copy; of a real value itself."""
        return cast(Self, bind(Part("conj"), self)) if is_complex(self) else self

    conj = conjugate

    @property
    def real(self) -> Self:
        """The real part, a view; of a real value itself."""
        return cast(Self, self._part("real")) if is_complex(self) else self

    @real.setter
    def real(self, value: Any) -> None:
        self.real._filled(value)

    @property
    def imag(self) -> Self:
        """The imaginary part, a view; of a real value zero, read-only."""
        zero = None if is_complex(self) else self._zeros(self.shape)
        return cast(Self, self._part("imag") if zero is None else zero._fixed())

    @imag.setter
    def imag(self, value: Any) -> None:
        if not is_complex(self):
            raise TypeError("a real array has no imaginary part to set; make it x + 0j first")
        self.imag._filled(value)

    def _part(self, kind: str) -> Any:
        """Return a part of a complex value: a view, if it can be shared."""
        return bind(Part(kind), self)

    def _filled(self, value: Any) -> None:
        """Write into a part of an array."""
        if not self._is_array():
            raise AttributeError("the parts of a number cannot be set; write z = a + 1j * b")
        self[...] = value

    def _fixed(self) -> Any:
        """Return it as an array that cannot be written into."""
        return self

    # methods that are NumPy's functions, with all their arguments
    sum, prod, mean = method(np.sum), method(np.prod), method(np.mean)
    var, std = method(np.var), method(np.std)
    max, min = method(np.max), method(np.min)
    cumsum, cumprod = method(np.cumsum), method(np.cumprod)
    argmax, argmin, argsort = asked(np.argmax), asked(np.argmin), asked(np.argsort)
    argpartition, searchsorted = asked(np.argpartition), asked(np.searchsorted)
    any, all, nonzero = asked(np.any), asked(np.all), asked(np.nonzero)
    take, repeat = method(np.take), method(np.repeat)
    clip, round = method(np.clip), method(np.round)
    dot, trace, diagonal = method(np.dot), method(np.trace), method(np.diagonal)
    ravel, squeeze, swapaxes = method(np.ravel), method(np.squeeze), method(np.swapaxes)

    def compress(self, condition: Any, *args: Any, **kwargs: Any) -> Any:
        """Return np.compress(condition, self, axis, out)."""
        return call(np.compress, (condition, self, *args), kwargs)

    def tolist(self) -> Any:
        """Return the elements as a list, nested as the axes are."""
        return [e.tolist() for e in self] if self.ndim else self

    # -------------------------------------------------------------- operators
    def __pos__(self) -> Self:
        return self.copy("K")

    def __pow__(self, r: Any, mod: Any = None) -> Self:
        if mod is not None:
            return NotImplemented
        return cast(Self, functions.power(self, r) if fits(r) else NotImplemented)

    def __divmod__(self, b: Any) -> tuple[Self, Self]:
        return self // b, self % b

    __rpow__ = _right(functions.power)
    __mod__, __rmod__ = _left(functions.remainder), _right(functions.remainder)
    __floordiv__ = _left(functions.floor_divide)
    __rfloordiv__ = _right(functions.floor_divide)
    __matmul__, __rmatmul__ = _left(_product), _right(_product)
    __iadd__, __isub__ = _in_place(operator.add), _in_place(operator.sub)
    __imul__, __itruediv__ = _in_place(operator.mul), _in_place(operator.truediv)
    __imod__, __ifloordiv__ = _in_place(operator.mod), _in_place(operator.floordiv)
    __ipow__, __imatmul__ = _in_place(operator.pow), _in_place(operator.matmul)
    __lt__, __le__ = _compared(operator.lt), _compared(operator.le)
    __gt__, __ge__ = _compared(operator.gt), _compared(operator.ge)

    __abs__, __floor__ = _alone(lambda x: modulus(x)), _alone(functions.floor)
    __ceil__, __trunc__ = _alone(functions.ceil), _alone(functions.trunc)

    def __round__(self, digits: int | None = None) -> Self:
        return cast(Self, np.round(self, digits or 0))

    # -------------------------------------------------------------- NumPy's protocols
    def __array_ufunc__(self, ufunc: np.ufunc, kind: str, *inputs: Any, **kwargs: Any) -> Any:
        row = UFUNCS.get(ufunc) if kind == "__call__" and not kwargs else None
        if type(row) is Elementary and (len(inputs) == 1 or list not in map(type, inputs)):
            return self._elementary(row, inputs)  # the shortest way
        if len(inputs) == 1 and inputs[0] is self:
            return call_ufunc(ufunc, kind, inputs, kwargs)
        given = [np.asarray(x) if type(x) is list else x for x in map(lift, inputs)]
        if type(inputs[0]) is np.ndarray:
            advice.check_polynomial(sys._getframe(1), inputs[0])
        if kind == "at":
            given[0] = inputs[0]  # into which is written
        return call_ufunc(ufunc, kind, given, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if len(types) > 1 and any([issubclass(kind, Fillable) for kind in types]):
            args, kwargs = contents(func, args, kwargs)
        return call(func, args, kwargs)

    def __dlpack__(self, **kwargs: Any) -> Any:
        raise BufferError(
            "an array of another library would hold no derivatives; pass x.value where none is "
            "wanted, or give the function its derivative with taylor.rule"
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        """Return `taylor.array_api`, the functions of the array-API standard."""
        return Operand.namespace(api_version)


def _missing(name: str) -> Any:
    def get(x: Operand) -> Any:
        raise no_attribute(x._title(), name)

    return property(get)


# not by __getattr__, with which every access to an attribute takes longer
for _name in ATTRIBUTES.keys() - vars(Operand).keys():
    setattr(Operand, _name, _missing(_name))


# ------------------------------------------------------------------ the verb
def bind(op: Op, *args: Any) -> Any:
    """Return what op makes of the arguments: the innermost operand among them does it."""
    if len(args) == 1 and isinstance(args[0], Operand):  # the shortest way
        return args[0].process(op, args)
    for x in args:
        if isinstance(x, Operand):
            return x._bound(op, args)
    given = [lift(x) for x in args]
    owner = host(given)
    return op.value(given, lambda c: c) if owner is None else owner.process(op, given)


# ------------------------------------------------------------------ helpers
def fits(x: Any) -> bool:
    """Whether x can be the other operand of an operator: no string, nor what has its own."""
    own = getattr(x, "__array_ufunc__", True) is None or has_own_operators(x)
    odd = x is None or own or isinstance(x, (str, bytes, dict, set))
    return is_operand(x) or not odd or is_sparse(x)


def plain_index(index: Any) -> Any:
    """Return an index with the masks of conditions and the arrays of what is array-like."""
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if isinstance(index, Operand):
        return index._constant_index()
    if isinstance(index, Condition):
        return index.mask()
    if isinstance(index, str):
        raise advice.no_entry(index)
    return lift(index) if is_array_like(index) else index


def lift(x: Any) -> Any:
    """Return an array-like as one array, a series or node where it holds such, else x itself.

    A list or object array of series is stacked, a condition is its zeros and ones, what is
    array-like its array (see `data`).
    """
    if type(x) is np.ndarray:
        return _lifted_array(x) if x.dtype.hasobject else x
    if type(x) in SIMPLE or isinstance(x, (Operand, type)):
        return x
    if isinstance(x, (list, tuple)) and not SIMPLE.issuperset(map(type, x)) and holds_operands(x):
        return stack([lift(e) for e in x])
    if type(x) in (list, tuple):
        return x
    if isinstance(x, Fillable):
        return x.content()
    if isinstance(x, Condition):
        return x.number()
    if hasattr(x, "__taylor_value__"):  # of an array that is of another class and holds one of ours
        return lift(x.__taylor_value__())
    if isinstance(x, np.generic) or not is_array_like(x):
        return x
    if (inner := held(x)) is not None:
        return lift(inner)
    return _lifted_array(plain_array(x))


def as_array(x: Any) -> Any:
    """Return an operand as it is, all else as an array."""
    x = lift(x)
    return x if isinstance(x, Operand) else np.asarray(x)


def contents(func: Any, args: Any, kwargs: Any) -> tuple[Any, dict[str, Any]]:
    """Return the arguments of a NumPy function with what fillable arrays among them hold.

    Those that the function writes into stay what they are.
    """
    kept = 1 if func in memory.FUNCTIONS else 0
    named = {k: v if k == "out" else _content(v) for k, v in kwargs.items()}
    return (*args[:kept], *map(_content, args[kept:])), named


def _content(x: Any) -> Any:
    if type(x) in (list, tuple):
        return type(x)(map(_content, x))
    return x.content() if isinstance(x, Fillable) else x


def _lifted_array(x: Any) -> Any:
    if x.dtype == object and holds_operands(x):
        return stack([lift(e) for e in x.reshape(-1)]).reshape(x.shape)
    return x


def holds_operands(x: Any) -> bool:
    """Whether an argument is, or contains, a value of the package or a condition."""
    return holds(x, (Operand, Condition))


def modulus(x: Any) -> Any:
    """Return |x| of an operand; of a complex one as a function of its parts."""
    return functions.hypot(x.real, x.imag) if is_complex(x) else functions.absolute(x)


# ------------------------------------------------------------------ what NumPy's functions mean
def implements(function: Any) -> Callable[[Handler], Handler]:
    """Return a decorator: what a function of NumPy means for values of the package.

    Its parameters, named as NumPy's, are the arguments it takes; they come lifted.
    """

    def register(handler: Handler) -> Handler:
        binding.FUNCTIONS[function] = binding.Binding(function, handler, lift)
        return handler

    return register


def define(table: dict[Any, Handler], lifted: bool = True) -> None:
    """Register what functions of NumPy mean, as `implements` does."""
    for function, handler in table.items():
        binding.FUNCTIONS[function] = binding.Binding(function, handler, lift if lifted else None)


# ------------------------------------------------------------------ elements of object arrays
# np.exp of an object array calls the method .exp() of its elements
for _row in table.TABLE.values():
    if _row.ufunc is not None:
        setattr(Operand, _row.ufunc.__name__, lambda self, *args, row=_row: row(self, *args))
