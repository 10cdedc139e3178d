"""NumPy's protocols: what np.exp(x), x @ A, x[1:], np.where(...) mean for a value of the package.

Every shape operation is a gather (indexing, transposing, stacking: NumPy itself is run on an array
of positions), a sum, or an einsum; a class that supplies the primitives listed in `Operand` gets
the rest of NumPy from here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from taylor import elementary, linalg, memory
from taylor.elementary import TABLE, Elementary
from taylor.errors import ShapeMismatch
from taylor.values import Handled, is_operand

Array = Any


class Operand(Handled):
    """An array-like value with operators and NumPy's protocols, built on a few primitives.

    A subclass supplies: `shape`, `value`, `tag`, the operators, `_elementary(row, args)`,
    `_gather(sources, index)`, `_sum(axes)`, `_cumsum(axis)`, `_reduceat(starts, axis)`,
    `_einsum(subscripts, x, y)`,
    `_choose(lhs, rhs, a, b, mode)`, `_compare(op, other)`, `_assign(index, value)`, `_ones()`,
    `_scatter(index, shape)`, `_call(rule, args)`, `_truth()`, `_viewed(f)`: what f makes of it,
    views where NumPy's f makes views, and `_hosts(other)`: whether other is a value of an outer
    differentiation, which the operand holds as a constant or as coefficients.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 1000.0

    shape: Any
    value: Any
    tag: Any  # which differentiation the value belongs to
    _elementary: Callable[..., Any]
    _gather: Callable[..., Any]
    _sum: Callable[..., Any]
    _cumsum: Callable[..., Any]
    _reduceat: Callable[..., Any]
    _einsum: Callable[..., Any]
    _choose: Callable[..., Any]
    _compare: Callable[..., Any]
    _assign: Callable[..., Any]
    _ones: Callable[..., Any]
    _scatter: Callable[..., Any]
    _call: Callable[..., Any]
    _hosts: Callable[..., bool]
    _truth: Callable[..., Any]

    # -------------------------------------------------------------- array attributes and methods
    @property
    def ndim(self) -> int:
        """Number of array axes (coefficients not counted)."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements (coefficients not counted)."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def T(self) -> Any:
        """The transpose."""
        return np.transpose(self)  # type: ignore[call-overload]

    def copy(self) -> Any:
        """Return a copy."""
        return rearrange([self], lambda i: i)

    def flatten(self) -> Any:
        """Return a copy of the elements along one axis."""
        return rearrange([self], lambda i: i.ravel())

    def take(self, indices: Any, axis: Any = None) -> Any:
        """Return np.take(self, indices, axis)."""
        return rearrange([self], lambda i: i.take(indices, axis))

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        """Return np.repeat(self, repeats, axis)."""
        return rearrange([self], lambda i: i.repeat(repeats, axis))

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """Return the elements of a diagonal."""
        return self._viewed(lambda i: i.diagonal(offset, axis1, axis2))

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """Return the sum along a diagonal."""
        return self.diagonal(offset, axis1, axis2).sum(-1)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False, **ignored: Any) -> Any:
        """Return the variance over some axes."""
        centred = self - self.mean(axis, keepdims=True)
        count = int(np.prod([self.shape[i] for i in _axes(axis, self.ndim)], dtype=int)) - ddof
        return (centred * centred).sum(axis, keepdims) / count

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False, **ignored: Any) -> Any:
        """Return the standard deviation over some axes."""
        return elementary.sqrt(self.var(axis, ddof, keepdims))

    def argmax(self, axis: Any = None) -> Any:
        """Return the position of the largest value."""
        return _by_value(np.argmax)(self, axis)

    def argmin(self, axis: Any = None) -> Any:
        """Return the position of the smallest value."""
        return _by_value(np.argmin)(self, axis)

    @property
    def flat(self) -> memory.Flat:
        """The elements in C order: x.flat[2], x.flat[:] = 0, for e in x.flat."""
        return memory.Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        memory.Flat(self)[:] = value

    def fill(self, value: Any) -> None:
        """Write one number into every element."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Do np.put(self, indices, values, mode)."""
        memory.put(self, indices, values, mode)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar series has no len(); its coefficients are in .coef")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        index = _plain_index(index)
        return self._viewed(lambda i: i[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._assign(_plain_index(index), value)

    def _viewed(self, f: Callable[..., Any]) -> Any:
        return rearrange([self], f)

    def _is_array(self) -> bool:
        """Whether it has a place in memory: NumPy's numbers have none, its 0-d views have."""
        return bool(self.shape)

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        """Return the same elements in another shape."""
        target = shape[0] if len(shape) == 1 else shape
        return self._viewed(lambda i: i.reshape(target, order=order))

    def ravel(self, order: Any = "C") -> Any:
        """Return the elements along one axis."""
        return self._viewed(lambda i: i.ravel(order))

    def transpose(self, *axes: Any) -> Any:
        """Return the array with its axes permuted."""
        return self._viewed(lambda i: i.transpose(*axes))

    def squeeze(self, axis: Any = None) -> Any:
        """Return the array without its axes of length one."""
        return self._viewed(lambda i: i.squeeze(axis))

    def swapaxes(self, a: int, b: int) -> Any:
        """Return the array with two axes exchanged."""
        return self._viewed(lambda i: i.swapaxes(a, b))

    def sum(self, axis: Any = None, keepdims: bool = False, **ignored: Any) -> Any:
        """Return the sum over some axes."""
        axes = _axes(axis, self.ndim)
        total = self._sum(axes) if axes else self.copy()
        if keepdims:
            total = total.reshape(tuple(1 if i in axes else n for i, n in enumerate(self.shape)))
        return total

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the mean over some axes."""
        count = int(np.prod([self.shape[i] for i in _axes(axis, self.ndim)], dtype=int))
        return self.sum(axis, keepdims) / count

    def prod(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the product over some axes."""
        return _fold(operator.mul, self, axis, keepdims, empty=1)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the maximum over some axes; a tie raises NonAnalyticError."""
        return _fold(elementary.maximum, self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the minimum over some axes; a tie raises NonAnalyticError."""
        return _fold(elementary.minimum, self, axis, keepdims)

    def cumsum(self, axis: Any = None) -> Any:
        """Return the running sum along an axis."""
        return self.ravel()._cumsum(0) if axis is None else self._cumsum(_axes(axis, self.ndim)[0])

    def dot(self, other: Any) -> Any:
        """Return np.dot(self, other)."""
        return dot(self, other)

    def conjugate(self) -> Any:
        """Return the complex conjugate of a real value: a copy."""
        return +real(self, "conjugate")

    conj = conjugate

    @property
    def real(self) -> Any:
        """The real part of a real value: itself."""
        return real(self, "the real part")

    @property
    def imag(self) -> Any:
        """The imaginary part of a real value: zero."""
        return real(self, "the imaginary part") * 0

    def clip(self, low: Any = None, high: Any = None) -> Any:
        """Return the values limited to [low, high]."""
        return elementary.clip(self, low, high)

    # -------------------------------------------------------------- operators
    def __pos__(self) -> Any:
        return self.copy()

    def __abs__(self) -> Any:
        return elementary.absolute(self)

    def __pow__(self, r: Any, mod: Any = None) -> Any:
        if mod is not None:
            return NotImplemented
        return elementary.power(self, r) if _fits(r) else NotImplemented

    def __rpow__(self, base: Any) -> Any:
        return elementary.power(base, self) if _fits(base) else NotImplemented

    def __mod__(self, b: Any) -> Any:
        return elementary.mod(self, b) if _fits(b) else NotImplemented

    def __rmod__(self, a: Any) -> Any:
        return elementary.mod(a, self) if _fits(a) else NotImplemented

    def __floordiv__(self, b: Any) -> Any:
        return elementary.floor(self / b) if _fits(b) else NotImplemented

    def __rfloordiv__(self, a: Any) -> Any:
        return elementary.floor(a / self) if _fits(a) else NotImplemented

    def __divmod__(self, b: Any) -> Any:
        return self // b, self % b

    def __matmul__(self, other: Any) -> Any:
        return matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return matmul(other, self)

    def _in_place(self, op: Callable[[Any, Any], Any], other: Any) -> Any:
        """Do self = op(self, other): into the memory of an array; a number is another one then."""
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

    def __iadd__(self, other: Any) -> Any:
        return self._in_place(operator.add, other)

    def __isub__(self, other: Any) -> Any:
        return self._in_place(operator.sub, other)

    def __imul__(self, other: Any) -> Any:
        return self._in_place(operator.mul, other)

    def __itruediv__(self, other: Any) -> Any:
        return self._in_place(operator.truediv, other)

    def __ifloordiv__(self, other: Any) -> Any:
        return self._in_place(operator.floordiv, other)

    def __imod__(self, other: Any) -> Any:
        return self._in_place(operator.mod, other)

    def __ipow__(self, other: Any) -> Any:
        return self._in_place(operator.pow, other)

    def __imatmul__(self, other: Any) -> Any:
        return self._in_place(operator.matmul, other)

    def __lt__(self, other: Any) -> Any:
        return self._compare(operator.lt, other)

    def __le__(self, other: Any) -> Any:
        return self._compare(operator.le, other)

    def __gt__(self, other: Any) -> Any:
        return self._compare(operator.gt, other)

    def __ge__(self, other: Any) -> Any:
        return self._compare(operator.ge, other)

    def __floor__(self) -> Any:
        return elementary.floor(self)

    def __ceil__(self) -> Any:
        return elementary.ceil(self)

    def __trunc__(self) -> Any:
        return elementary.trunc(self)

    def __round__(self, digits: int | None = None) -> Any:
        if digits:
            raise TypeError("round(x, digits) has no derivative worth the name; use round(x.value)")
        return elementary.rint(self)

    # -------------------------------------------------------------- NumPy's protocols
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        inputs = tuple(lift(x) for x in inputs)
        if method == "__call__":
            handler = ufunc_handler(ufunc)
            kwargs.pop("dtype", None)
            result = NotImplemented if handler is None or kwargs else handler(*inputs)
        elif (
            method == "reduce" and ufunc in REDUCE and set(kwargs) <= {"axis", "keepdims", "dtype"}
        ):
            kwargs.pop("dtype", None)
            result = REDUCE[ufunc](inputs[0], kwargs.pop("axis", 0), **kwargs)
        elif method == "reduceat" and ufunc is np.add:
            result = inputs[0]._reduceat(inputs[1], kwargs.get("axis", 0))
        elif method == "accumulate" and ufunc is np.add:
            result = inputs[0].cumsum(kwargs.get("axis", 0))
        elif method == "outer":
            handler = ufunc_handler(ufunc)
            a, b = inputs
            result = NotImplemented if handler is None else handler(_append_axes(a, np.ndim(b)), b)
        else:
            result = NotImplemented
        if out is None or result is NotImplemented:
            return result
        if not isinstance(out[0], Operand):
            raise TypeError("a series cannot be written into a plain array; use out=None")
        out[0][...] = result
        return out[0]

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        handler = FUNCTIONS.get(func)
        return NotImplemented if handler is None else handler(*args, **kwargs)


# ------------------------------------------------------------------ helpers
def host(args: Sequence[Any]) -> Any:
    """Return the operand that an operation on these values belongs to: the innermost one."""
    owner: Any = None
    for x in args:
        if isinstance(x, Operand) and (owner is None or x._hosts(owner)):
            owner = x
    return owner


def _fits(x: Any) -> bool:
    """Whether x can be the other operand of an operator (strings and None cannot)."""
    return is_operand(x) or not (x is None or isinstance(x, (str, bytes, dict, set)))


def _plain_index(index: Any) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(i, Operand) for i in parts):
        raise TypeError("a series cannot be an index; use int(x.value)")
    parts = tuple(i.mask() if hasattr(i, "_where") else i for i in parts)
    return parts if isinstance(index, tuple) else parts[0]


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    for i in axes:
        if not -ndim <= i < ndim:
            raise np.exceptions.AxisError(i, ndim)
    return tuple(i % ndim for i in axes)


def _append_axes(a: Any, n: int) -> Any:
    return np.reshape(a, tuple(np.shape(a)) + (1,) * n)


def lift(x: Any) -> Any:
    """Return an object array (or list) that holds series as one array of series; else x itself."""
    if isinstance(x, (list, tuple)) and any(
        isinstance(e, (Operand, list, tuple, np.ndarray)) for e in x
    ):
        return np.stack([lift(e) for e in x]) if _holds_operands(x) else x
    if isinstance(x, np.ndarray) and x.dtype == object:
        first = next((e for e in x.reshape(-1) if isinstance(e, Operand)), None)
        if first is not None:
            return stack(list(x.reshape(-1))).reshape(x.shape)
    return x


def _holds_operands(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(_holds_operands(e) for e in x)
    if isinstance(x, np.ndarray) and x.dtype == object:
        return any(isinstance(e, Operand) for e in x.reshape(-1))
    return isinstance(x, Operand)


def rearrange(sources: Sequence[Any], f: Callable[..., Any]) -> Any:
    """Return what f makes of arrays of positions, read as elements of the sources.

    Position 0 stands for a zero (np.tril, np.diag and np.pad put zeros), so any NumPy function that
    only moves elements works on series through this one line.
    """
    positions, start = [], 1
    for x in sources:
        size = int(np.prod(np.shape(x), dtype=int))
        positions.append(np.arange(start, start + size).reshape(np.shape(x)))
        start += size
    moved = f(*positions)
    owner = next(x for x in sources if isinstance(x, Operand))
    if isinstance(moved, (list, tuple)):
        return type(moved)(owner._gather(sources, np.asarray(i) - 1) for i in moved)
    return owner._gather(sources, np.asarray(moved) - 1)


def stack(elements: Sequence[Any], axis: int = 0) -> Any:
    """Return np.stack of series and numbers."""
    return rearrange(elements, lambda *i: np.stack(i, axis))


def _fold(
    op: Callable[[Any, Any], Any], x: Any, axis: Any, keepdims: bool, empty: Any = None
) -> Any:
    """Return the reduction of x by an associative operation, in a balanced tree."""
    axes = _axes(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    kept = tuple(x.shape[i] for i in rest)
    y = x.transpose([*axes, *rest]).reshape(
        (int(np.prod([x.shape[i] for i in axes], dtype=int)), *kept)
    )
    if len(y) == 0:
        if empty is None:
            raise ValueError("the reduction of an empty array has no identity")
        return y.sum(0) + empty
    while len(y) > 2:
        half = len(y) // 2
        folded = op(y[:half], y[half : 2 * half])
        y = np.concatenate([folded, y[2 * half :]]) if len(y) % 2 else folded
    y = op(y[0], y[1]) if len(y) == 2 else y[0].copy()
    return y.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape))) if keepdims else y


def real(x: Any, what: str) -> Any:
    """Return x if it is real; the complex conjugate and its kin are not holomorphic."""
    if np.iscomplexobj(x.value) or any(isinstance(e, complex) for e in np.ravel(x.value)[:1]):
        raise TypeError(
            f"{what} of a complex series is not holomorphic and has no Taylor series; "
            "work with real and imaginary parts as two real variables"
        )
    return x


# ------------------------------------------------------------------ products
def _letters(n: int, start: int = 0) -> str:
    return "".join(chr(97 + start + i) for i in range(n))


def einsum(subscripts: str, *operands: Any, **ignored: Any) -> Any:
    """Return np.einsum for arrays of which some are series (no ellipsis)."""
    if not isinstance(subscripts, str) or "." in subscripts:
        raise TypeError("einsum of series needs a subscript string without '...'")
    spec = subscripts.replace(" ", "")
    left, arrow, out = spec.partition("->")
    terms = left.split(",")
    if not arrow:
        out = "".join(c for c in sorted(set(left) - {","}) if left.count(c) == 1)
    xs = [lift(x) for x in operands]
    if len(terms) != len(xs):
        raise ValueError(f"einsum got {len(xs)} operands for {len(terms)} terms in {subscripts!r}")
    sizes: dict[str, int] = {}
    for term, x in zip(terms, xs, strict=True):
        if len(term) == np.ndim(x):
            clash = [
                c for c, n in zip(term, np.shape(x), strict=True) if sizes.setdefault(c, n) != n
            ]
            if clash:
                raise ShapeMismatch(f"einsum: the axes {clash} differ in size in {subscripts!r}")
        if len(term) != np.ndim(x):
            raise ShapeMismatch(
                f"einsum term {term!r} does not fit an operand of shape {np.shape(x)}"
            )
    term, x = terms[0], xs[0]
    if len(xs) == 1 and set(out) == set(term) and isinstance(x, Operand):  # NumPy makes a view
        return x._viewed(lambda i: np.einsum(f"{term}->{out}", i))
    for i in range(1, len(xs)):
        needed = set(out).union(*terms[i + 1 :])
        target = "".join(c for c in dict.fromkeys(term + terms[i]) if c in needed)
        target = out if i == len(xs) - 1 else target
        x, term = _einsum2(f"{term},{terms[i]}->{target}", x, xs[i]), target
    if len(xs) == 1:
        x = _einsum2(f"{term},->{out}", x, np.ones(()) if isinstance(x, Operand) else 1)
    return x


def _einsum2(spec: str, x: Any, y: Any) -> Any:
    owner = x if isinstance(x, Operand) else y
    return owner._einsum(spec, x, y) if isinstance(owner, Operand) else np.einsum(spec, x, y)


def matmul(a: Any, b: Any) -> Any:
    """Return np.matmul(a, b) where a or b is a series."""
    a, b = lift(a), lift(b)
    m, n = np.ndim(a), np.ndim(b)
    if not (m and n):
        raise ShapeMismatch("matmul does not take scalars; use * instead")
    if np.shape(a)[-1] != np.shape(b)[max(n - 2, 0)]:
        raise ShapeMismatch(f"matmul: shapes {np.shape(a)} and {np.shape(b)} do not fit")
    batch = max(m, n) - 2 if max(m, n) > 2 else 0
    z = _letters(batch)
    left = z[batch - max(m - 2, 0) :] + ("x" if m > 1 else "") + "y"
    right = z[batch - max(n - 2, 0) :] + "y" + ("w" if n > 1 else "")
    return _einsum2(f"{left},{right}->{z}{'x' * (m > 1)}{'w' * (n > 1)}", a, b)


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """Return np.dot(a, b) where a or b is a series."""
    a, b = lift(a), lift(b)
    if not (np.ndim(a) and np.ndim(b)):
        return a * b
    return tensordot(a, b, axes=([np.ndim(a) - 1], [max(np.ndim(b) - 2, 0)]))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Return np.tensordot(a, b, axes) where a or b is a series."""
    a, b = lift(a), lift(b)
    m, n = np.ndim(a), np.ndim(b)
    if isinstance(axes, (int, np.integer)):
        axes = (list(range(m - int(axes), m)), list(range(int(axes))))
    ia, ib = ([x] if isinstance(x, int) else list(x) for x in axes)
    left, right = list(_letters(m)), list(_letters(n, m))
    for i, j in zip(ia, ib, strict=True):
        if np.shape(a)[i] != np.shape(b)[j]:
            raise ShapeMismatch(f"tensordot: shapes {np.shape(a)} and {np.shape(b)} do not fit")
        right[j] = left[i]
    out = [c for i, c in enumerate(left) if i not in [k % m for k in ia]]
    out += [c for j, c in enumerate(right) if j not in [k % n for k in ib]]
    return _einsum2(f"{''.join(left)},{''.join(right)}->{''.join(out)}", a, b)


def _inner(a: Any, b: Any) -> Any:
    return (
        a * b
        if not (np.ndim(a) and np.ndim(b))
        else tensordot(a, b, axes=([np.ndim(a) - 1], [np.ndim(b) - 1]))
    )


def _outer(a: Any, b: Any, out: Any = None) -> Any:
    return _einsum2("a,b->ab", np.ravel(lift(a)), np.ravel(lift(b)))


def _kron(a: Any, b: Any) -> Any:
    n = max(np.ndim(a), np.ndim(b))
    a, b = (np.reshape(x, (1,) * (n - np.ndim(x)) + tuple(np.shape(x))) for x in (a, b))
    product = tensordot(a, b, axes=0).transpose([i + j * n for i in range(n) for j in (0, 1)])
    return product.reshape(tuple(p * q for p, q in zip(np.shape(a), np.shape(b), strict=True)))


def _cross(a: Any, b: Any, axis: int = -1) -> Any:
    a, b = (np.moveaxis(x, axis, 0) for x in (a, b))
    if len(a) != 3 or len(b) != 3:
        raise ShapeMismatch("np.cross of series needs vectors of length 3")
    parts = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    return stack(parts, axis=axis)


def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    n, m = np.shape(a)[0], np.shape(v)[0]
    if mode != "full":
        raise TypeError("np.convolve of series knows mode='full' only; cut the result yourself")
    i, j = np.arange(n), np.arange(m)
    shift = (i[:, None] + j == np.arange(n + m - 1)[:, None, None]).astype(float)
    return einsum("kij,i,j->k", shift, a, v)


# ------------------------------------------------------------------ NumPy functions by name
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if ord not in (None, 2, "fro") or (ord == 2 and axis is None and x.ndim > 1):
        raise TypeError("the norm of a series is the 2-norm or Frobenius norm; write others out")
    return elementary.sqrt((x * x).sum(axis, keepdims))


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    ends = [x for x in (prepend, a, append) if x is not None]
    if len(ends) > 1:
        edge = tuple(1 if i == axis % a.ndim else m for i, m in enumerate(a.shape))
        full = [np.broadcast_to(x, edge) if np.ndim(x) == 0 else x for x in ends]
        a = np.concatenate(full, axis=axis)
    for _ in range(n):
        m = a.shape[axis]
        a = np.take(a, range(1, m), axis=axis) - np.take(a, range(m - 1), axis=axis)
    return a


def _trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    y = np.swapaxes(y, axis, -1)
    width = dx if x is None else np.diff(x)
    return (width * (y[..., 1:] + y[..., :-1]) / 2).sum(-1)


def _polyval(p: Any, x: Any) -> Any:
    result = x * 0
    for c in p:
        result = result * x + c
    return result


def _where(condition: Any, *branches: Any) -> Any:
    if not branches:
        return np.nonzero(condition)
    if hasattr(condition, "_where"):
        return condition._where(*branches)
    if isinstance(condition, Operand):
        return np.where(condition._truth(), *branches)
    return rearrange([lift(x) for x in branches], lambda a, b: np.where(condition, a, b))


def _cumprod(a: Any, axis: Any = None) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    rows = [np.take(a, 0, axis=axis)]
    for i in range(1, a.shape[axis]):
        rows.append(rows[-1] * np.take(a, i, axis=axis))
    return np.stack(rows, axis)


def _median(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    a, n = _sort(a, axis), a.shape[axis]
    middle: Any = np.take(a, [(n - 1) // 2, n // 2], axis=axis)
    return middle.mean(axis, keepdims)


def _sort(a: Any, axis: int = -1, **ignored: Any) -> Any:
    order = _by_value(np.argsort)(a, axis, "stable")
    return rearrange([a], lambda i: np.take_along_axis(i, order, axis))


def _full_like(a: Any, fill: Any, **kwargs: Any) -> Any:
    shape = kwargs.get("shape")
    base = a if shape is None else np.broadcast_to(a.ravel()[0], shape)
    return base * 0 + fill


def _one(func: Any) -> Callable[..., Any]:
    return lambda x, *args, **kwargs: rearrange([x], lambda i: func(i, *args, **kwargs))


def viewing(func: Any) -> Callable[..., Any]:
    """A function whose result is a view of its argument where NumPy's is."""
    return lambda x, *args, **kwargs: lift(x)._viewed(lambda i: func(i, *args, **kwargs))


def _many(func: Any) -> Callable[..., Any]:
    def handler(xs: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("dtype", None)
        return rearrange([lift(x) for x in xs], lambda *i: func(i, *args, **kwargs))

    return handler


def _broadcast_arrays(*xs: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, xs))
    return tuple(np.broadcast_to(lift(x), shape) for x in xs)


def _each(func: Any) -> Callable[..., Any]:
    return lambda *xs: rearrange([lift(x) for x in xs], lambda *i: func(*i))


def _block(tree: Any) -> Any:
    leaves: list[Any] = []

    def collect(node: Any) -> Any:
        if isinstance(node, list):
            return [collect(child) for child in node]
        leaves.append(lift(node))
        return len(leaves) - 1

    shape = collect(tree)

    def build(node: Any, positions: Any) -> Any:
        return [build(c, positions) for c in node] if isinstance(node, list) else positions[node]

    return rearrange(leaves, lambda *i: np.block(build(shape, i)))


def _by_value(func: Any) -> Callable[..., Any]:
    """A function of the values alone, such as argmax or isfinite."""

    def handler(x: Any, *args: Any, **kwargs: Any) -> Any:
        if hasattr(x, "_decided"):
            return x._decided(func.__name__, (*args, *kwargs.values()))
        return func(x.value, *args, **kwargs)

    return handler


def _by_truth(func: Any) -> Callable[..., Any]:
    """A function of where a value is other than zero, as x != 0 says: np.any, np.nonzero."""

    def handler(x: Any, *args: Any, **kwargs: Any) -> Any:
        return func(x._truth() if isinstance(x, Operand) else x, *args, **kwargs)

    return handler


def _logical(func: Any) -> Callable[..., Any]:
    return lambda *xs: func(*(x._truth() if isinstance(x, Operand) else x for x in xs))


def _method(name: str) -> Callable[..., Any]:
    return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, **kwargs: Any) -> Any:
    return elementary.clip(a, kwargs.get("min", a_min), kwargs.get("max", a_max))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{
        f: viewing(f)
        for f in (
            np.transpose, np.reshape, np.ravel, np.squeeze, np.expand_dims, np.swapaxes,
            np.moveaxis, np.rollaxis, np.flip, np.fliplr, np.flipud, np.rot90, np.broadcast_to,
            np.diagonal, np.diag, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit,
            np.atleast_1d, np.atleast_2d, np.atleast_3d, np.matrix_transpose, np.unstack,
        )
    },
    **{
        f: _one(f)
        for f in (
            np.roll, np.take, np.repeat, np.tile, np.diagflat, np.tril, np.triu, np.delete,
            np.take_along_axis, np.copy, np.resize, np.pad,
        )
    },
    **{
        f: _many(f)
        for f in (np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack)
    },
    np.broadcast_arrays: _broadcast_arrays,
    **memory.FUNCTIONS,
    np.meshgrid: _each(np.meshgrid),
    np.append: lambda a, b, axis=None: rearrange(
        [lift(a), lift(b)], lambda i, j: np.append(i, j, axis)
    ),
    np.compress: lambda c, a, axis=None: rearrange([a], lambda i: np.compress(c, i, axis)),
    np.extract: lambda c, a: rearrange([a], lambda i: np.extract(c, i)),
    np.block: _block,
    np.where: _where,
    np.sort: _sort,
    **{f: _by_value(f) for f in (np.argmax, np.argmin, np.argsort)},
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
    **{f: _by_value(f) for f in (np.iscomplexobj, np.isrealobj)},
    **{f: _by_truth(f) for f in (np.any, np.all, np.nonzero, np.flatnonzero, np.count_nonzero)},
    np.array_equal: lambda a, b: np.shape(a) == np.shape(b) and bool(np.all(a == b)),
    np.sum: _method("sum"),
    np.mean: _method("mean"),
    np.average: lambda a, axis=None, weights=None: (
        a.mean(axis) if weights is None else (a * weights).sum(axis) / np.sum(weights, axis)
    ),
    np.prod: _method("prod"),
    np.max: _method("max"),
    np.min: _method("min"),
    np.cumsum: _method("cumsum"),
    np.cumprod: _cumprod,
    np.var: _method("var"),
    np.std: _method("std"),
    np.median: _median,
    np.ptp: lambda a, axis=None: a.max(axis) - a.min(axis),
    np.real: lambda a: a.real,
    np.imag: lambda a: a.imag,
    np.clip: _clip,
    np.sinc: elementary.sinc,
    np.i0: elementary.i0,
    np.dot: dot,
    np.inner: _inner,
    np.vdot: lambda a, b: dot(np.ravel(np.conj(a)), np.ravel(b)),
    np.outer: _outer,
    np.kron: _kron,
    np.cross: _cross,
    np.tensordot: tensordot,
    np.einsum: einsum,
    np.convolve: _convolve,
    np.trace: _method("trace"),
    np.diff: _diff,
    np.ediff1d: lambda a: _diff(np.ravel(a)),
    np.trapezoid: _trapezoid,
    np.polyval: _polyval,
    np.linalg.norm: _norm,
    np.linalg.matmul: matmul,
    np.linalg.outer: _outer,
    np.linalg.trace: lambda a, offset=0: a.trace(offset, -2, -1),
    np.linalg.diagonal: lambda a, offset=0: a.diagonal(offset, -2, -1),
    **linalg.FUNCTIONS,
    np.linalg.cross: _cross,
    np.linalg.tensordot: tensordot,
    np.zeros_like: lambda a, **kwargs: _full_like(a, 0, **kwargs),
    np.ones_like: lambda a, **kwargs: _full_like(a, 1, **kwargs),
    np.empty_like: lambda a, **kwargs: _full_like(a, 0, **kwargs),
    np.full_like: lambda a, fill_value, **kwargs: _full_like(a, fill_value, **kwargs),
}  # fmt: skip

REDUCE: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _method("sum"),
    np.multiply: _method("prod"),
    np.maximum: _method("max"),
    np.minimum: _method("min"),
    np.logaddexp: lambda x, axis=0, keepdims=False: _fold(elementary.logaddexp, x, axis, keepdims),
}


def _binary(name: str) -> Callable[[Any, Any], Any]:
    """Return the operator as a function that never asks a plain left operand first."""

    def call(x: Any, y: Any) -> Any:
        return (
            getattr(x, f"__{name}__")(y)
            if isinstance(x, Operand)
            else getattr(y, f"__r{name}__")(x)
        )

    return call


def _comparison(op: Any, mirrored: Any) -> Callable[[Any, Any], Any]:
    return lambda x, y: op(x, y) if isinstance(x, Operand) else mirrored(y, x)


UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _binary("add"),
    np.subtract: _binary("sub"),
    np.multiply: _binary("mul"),
    np.divide: _binary("truediv"),
    np.floor_divide: _binary("floordiv"),
    np.divmod: lambda x, y: (elementary.floor(x / y), elementary.mod(x, y)),
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.conjugate: lambda x: x.conjugate(),
    np.matmul: matmul,
    np.vecdot: lambda a, b: (np.conj(a) * b).sum(-1),
    np.less: _comparison(operator.lt, operator.gt),
    np.less_equal: _comparison(operator.le, operator.ge),
    np.greater: _comparison(operator.gt, operator.lt),
    np.greater_equal: _comparison(operator.ge, operator.le),
    np.equal: _comparison(operator.eq, operator.eq),
    np.not_equal: _comparison(operator.ne, operator.ne),
    **{f: _by_value(f) for f in (np.isfinite, np.isnan, np.isinf, np.signbit)},
    **{
        f: _logical(f) for f in (np.logical_not, np.logical_and, np.logical_or, np.logical_xor)
    },
    np.fabs: elementary.absolute,
    np.fmax: elementary.maximum,
    np.fmin: elementary.minimum,
    np.degrees: lambda x: x * (180 / np.pi),
    np.rad2deg: lambda x: x * (180 / np.pi),
    np.radians: lambda x: x * (np.pi / 180),
    np.deg2rad: lambda x: x * (np.pi / 180),
    **{row.ufunc: row for row in TABLE.values() if row.ufunc is not None},
}

# scipy.special's ufuncs reach the rows through their names
BY_NAME: dict[str, Callable[..., Any]] = {
    "expit": elementary.sigmoid,
    "gammaln": elementary.lgamma,
    "psi": elementary.digamma,
    "jv": elementary.jv,
    "yv": elementary.yv,
    "iv": elementary.iv,
    "xlogy": lambda x, y: x * elementary.log(y),
}


def ufunc_handler(ufunc: np.ufunc) -> Callable[..., Any] | None:
    """Return what a NumPy or SciPy ufunc means for series, or None."""
    if ufunc in UFUNCS:
        return UFUNCS[ufunc]
    return BY_NAME.get(ufunc.__name__, TABLE.get(ufunc.__name__))


def _element_method(row: Elementary) -> Callable[..., Any]:
    return lambda self, *args: row(self, *args)


# np.exp of an object array calls the method .exp() of its elements
for _row in TABLE.values():
    if _row.ufunc is not None:
        setattr(Operand, _row.ufunc.__name__, _element_method(_row))


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition holds and b elsewhere, lane by lane, for any number type.

    The branch that is not taken never raises later and never poisons a value or a derivative.

    >>> where(True, 1, 2)
    1
    """
    if isinstance(condition, (bool, np.bool_)):
        return a if condition else b
    return np.where(condition, a, b)


def logsumexp(x: Any, axis: Any = None) -> Any:
    """Return log(sum(exp(x))) over some axes, without overflow.

    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    if isinstance(x, (list, tuple)):
        x = lift(x) if _holds_operands(x) else np.asarray(x)
    top = np.max(x.value if isinstance(x, Operand) else x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = elementary.log(np.sum(elementary.exp(x - top), axis=axis))
    return total + np.squeeze(top, axis if axis is not None else None)
