"""The functions of the standard: their parameters, and NumPy's function that each one is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.array_api.array import CPU, Array, astype, equal, held, not_equal, of_arrays
from taylor.core.operand import Operand

Function = Callable[..., Any]
ONE = [
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "bitwise_invert", "ceil", "conj",
    "cos", "cosh", "exp", "expm1", "floor", "imag", "isfinite", "isinf", "isnan", "log", "log1p",
    "log2", "log10", "logical_not", "negative", "positive", "real", "reciprocal", "round", "sign",
    "signbit", "sin", "sinh", "square", "sqrt", "tan", "tanh", "trunc",
]  # fmt: skip
TWO = [
    "add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "copysign", "divide", "floor_divide", "greater", "greater_equal", "hypot",
    "less", "less_equal", "logaddexp", "logical_and", "logical_or", "logical_xor", "maximum",
    "minimum", "multiply", "nextafter", "pow", "remainder", "subtract",
]  # fmt: skip


def _of_one(f: Function) -> Function:
    return lambda x, /: f(x)


def _of_two(f: Function) -> Function:
    return lambda x1, x2, /: f(x1, x2)


# ------------------------------------------------------------------ what NumPy has otherwise
def _asarray(obj: Any, dtype: Any, copy: bool | None) -> Any:
    """Return lists of numbers, Arrays and values of the package as one array."""
    x = Array(held(obj)).held
    if dtype is not None and x.dtype != dtype:
        if copy is False:
            raise ValueError(f"an array of {x.dtype} cannot be one of {dtype} without a copy")
        return astype(x, dtype)
    if copy is False and not isinstance(obj, (Array, np.ndarray, Operand)):
        raise ValueError("only an array can be used without a copy")
    return x.copy() if copy else x


def _clip(x: Any, low: Any, high: Any) -> Any:
    kind = x.dtype
    for bound, f in ((low, np.maximum), (high, np.minimum)):
        x = x if bound is None else f(x, bound)
    return x if isinstance(x, Operand) else np.asarray(x, dtype=kind)


def _ordered(f: Function, x: Any, axis: int, descending: bool, stable: bool) -> Any:
    """Return np.sort or np.argsort; descending, equal elements keep their order, too."""
    if not descending:
        return f(x, axis=axis, stable=stable or None)
    found = np.flip(f(np.flip(x, axis=axis), axis=axis, stable=True), axis=axis)
    return found if f is np.sort else x.shape[axis] - 1 - found


def _reshape(x: Any, shape: Any, copy: bool | None) -> Any:
    return np.reshape(x, shape, copy=copy) if isinstance(x, np.ndarray) else np.reshape(x, shape)


def _scan(f: Function, x: Any, axis: int | None, dtype: Any, initial: bool) -> Any:
    return f(x, axis=axis, dtype=dtype, include_initial=initial)


def _on(device: Any) -> Any:
    """Raise ValueError unless the device is the only one there is."""
    if device not in (None, CPU):
        raise ValueError(f"the only device is {CPU!r}, not {device!r}")
    return None


class Finfo:
    """The limits of a type of floats, as Python's floats."""

    def __init__(self, found: np.finfo[Any]) -> None:
        self.bits, self.dtype = int(found.bits), found.dtype
        self.eps, self.max, self.min = float(found.eps), float(found.max), float(found.min)
        self.smallest_normal = float(found.smallest_normal)


L: Any = np.linalg  # whose types know no values of the package
# fmt: off
PLAIN: dict[str, Function] = {
    # creation
    "arange": lambda start, /, stop=None, step=1, *, dtype=None, device=None:
        np.arange(start, stop, step, dtype=dtype, device=device),
    "asarray": lambda obj, /, *, dtype=None, device=None, copy=None:
        _on(device) or _asarray(obj, dtype, copy),
    "empty": lambda shape, *, dtype=None, device=None: np.empty(shape, dtype, device=device),
    "empty_like": lambda x, /, *, dtype=None, device=None: np.empty_like(x, dtype, device=device),
    "eye": lambda n_rows, n_cols=None, /, *, k=0, dtype=None, device=None:
        np.eye(n_rows, n_cols, k, dtype or float, device=device),
    "from_dlpack": lambda x, /, *, device=None, copy=None:
        _on(device) or (_asarray(x, None, copy) if isinstance(x, Operand)
                        else np.from_dlpack(x, device=device, copy=copy)),
    "full": lambda shape, fill_value, *, dtype=None, device=None:
        np.full(shape, fill_value, dtype, device=device) if not isinstance(fill_value, Operand)
        else np.zeros_like(fill_value, dtype, shape=shape) + fill_value,
    "full_like": lambda x, /, fill_value, *, dtype=None, device=None:
        np.full_like(x, fill_value, dtype, device=device),
    "linspace": lambda start, stop, /, num, *, dtype=None, device=None, endpoint=True:
        _on(device) or np.linspace(start, stop, num, endpoint=endpoint, dtype=dtype),
    "meshgrid": lambda *arrays, indexing="xy": list(np.meshgrid(*arrays, indexing=indexing)),
    "ones": lambda shape, *, dtype=None, device=None: np.ones(shape, dtype, device=device),
    "ones_like": lambda x, /, *, dtype=None, device=None: np.ones_like(x, dtype, device=device),
    "tril": lambda x, /, *, k=0: np.tril(x, k),
    "triu": lambda x, /, *, k=0: np.triu(x, k),
    "zeros": lambda shape, *, dtype=None, device=None:
        np.zeros(shape, dtype or float, device=device),
    "zeros_like": lambda x, /, *, dtype=None, device=None: np.zeros_like(x, dtype, device=device),
    # types
    "astype": lambda x, dtype, /, *, copy=True, device=None: _on(device) or astype(x, dtype, copy),
    "can_cast": lambda from_, to, /: np.can_cast(np.dtype(getattr(from_, "dtype", from_)), to),
    "finfo": lambda type, /: Finfo(np.finfo(getattr(type, "dtype", type))),
    "iinfo": lambda type, /: np.iinfo(getattr(type, "dtype", type)),
    "isdtype": lambda dtype, kind: np.isdtype(dtype, kind),
    "result_type": lambda *arrays_and_dtypes:
        np.result_type(*(getattr(x, "dtype", x) for x in arrays_and_dtypes)),
    # elements
    "clip": lambda x, /, min=None, max=None: _clip(x, min, max),
    "equal": lambda x1, x2, /: equal(x1, x2),
    "not_equal": lambda x1, x2, /: not_equal(x1, x2),
    "take": lambda x, indices, /, *, axis=None: np.take(x, indices, axis=axis),
    "take_along_axis": lambda x, indices, /, *, axis=-1: np.take_along_axis(x, indices, axis=axis),
    "argmax": lambda x, /, *, axis=None, keepdims=False: np.argmax(x, axis, keepdims=keepdims),
    "argmin": lambda x, /, *, axis=None, keepdims=False: np.argmin(x, axis, keepdims=keepdims),
    "count_nonzero": lambda x, /, *, axis=None, keepdims=False:
        np.sum(astype(x, bool), axis=axis, keepdims=keepdims),
    "nonzero": lambda x, /: np.nonzero(astype(x, bool) if isinstance(x, Operand) else x),
    "searchsorted": lambda x1, x2, /, *, side="left", sorter=None:
        np.searchsorted(x1, x2, side=side, sorter=sorter),
    "where": lambda condition, x1, x2, /: np.where(condition, x1, x2),
    "argsort": lambda x, /, *, axis=-1, descending=False, stable=True:
        _ordered(np.argsort, x, axis, descending, stable),
    "sort": lambda x, /, *, axis=-1, descending=False, stable=True:
        _ordered(np.sort, x, axis, descending, stable),
    "unique_all": lambda x, /: np.unique_all(x),
    "unique_counts": lambda x, /: np.unique_counts(x),
    "unique_inverse": lambda x, /: np.unique_inverse(x),
    "unique_values": lambda x, /: np.unique_values(x),
    # shapes
    "broadcast_arrays": lambda *arrays: list(np.broadcast_arrays(*arrays)),
    "broadcast_to": lambda x, /, shape: np.broadcast_to(x, shape),
    "concat": lambda arrays, /, *, axis=0: np.concatenate(arrays, axis=axis),
    "expand_dims": lambda x, /, axis: np.expand_dims(x, axis),
    "flip": lambda x, /, *, axis=None: np.flip(x, axis),
    "matrix_transpose": lambda x, /: np.matrix_transpose(x),
    "moveaxis": lambda x, source, destination, /: np.moveaxis(x, source, destination),
    "permute_dims": lambda x, /, axes: np.transpose(x, axes),
    "repeat": lambda x, repeats, /, *, axis=None: np.repeat(x, repeats, axis=axis),
    "reshape": lambda x, /, shape, *, copy=None: _reshape(x, shape, copy),
    "roll": lambda x, /, shift, *, axis=None: np.roll(x, shift, axis),
    "squeeze": lambda x, /, axis: np.squeeze(x, axis),
    "stack": lambda arrays, /, *, axis=0: np.stack(arrays, axis=axis),
    "tile": lambda x, repetitions, /: np.tile(x, repetitions),
    "unstack": lambda x, /, *, axis=0: tuple(np.unstack(x, axis=axis)),
    # sums
    "all": lambda x, /, *, axis=None, keepdims=False: np.all(x, axis=axis, keepdims=keepdims),
    "any": lambda x, /, *, axis=None, keepdims=False: np.any(x, axis=axis, keepdims=keepdims),
    "cumulative_prod": lambda x, /, *, axis=None, dtype=None, include_initial=False:
        _scan(np.cumulative_prod, x, axis, dtype, include_initial),
    "cumulative_sum": lambda x, /, *, axis=None, dtype=None, include_initial=False:
        _scan(np.cumulative_sum, x, axis, dtype, include_initial),
    "diff": lambda x, /, *, axis=-1, n=1, prepend=None, append=None: np.diff(x, n, axis, **{
        k: v for k, v in {"prepend": prepend, "append": append}.items() if v is not None}),
    "max": lambda x, /, *, axis=None, keepdims=False: np.max(x, axis=axis, keepdims=keepdims),
    "mean": lambda x, /, *, axis=None, keepdims=False: np.mean(x, axis=axis, keepdims=keepdims),
    "min": lambda x, /, *, axis=None, keepdims=False: np.min(x, axis=axis, keepdims=keepdims),
    "prod": lambda x, /, *, axis=None, dtype=None, keepdims=False:
        np.prod(x, axis=axis, dtype=dtype, keepdims=keepdims),
    "std": lambda x, /, *, axis=None, correction=0.0, keepdims=False:
        np.std(x, axis=axis, ddof=correction, keepdims=keepdims),
    "sum": lambda x, /, *, axis=None, dtype=None, keepdims=False:
        np.sum(x, axis=axis, dtype=dtype, keepdims=keepdims),
    "var": lambda x, /, *, axis=None, correction=0.0, keepdims=False:
        np.var(x, axis=axis, ddof=correction, keepdims=keepdims),
    # products
    "matmul": lambda x1, x2, /: np.matmul(x1, x2),
    "tensordot": lambda x1, x2, /, *, axes=2: np.tensordot(x1, x2, axes=axes),
    "vecdot": lambda x1, x2, /, *, axis=-1: L.vecdot(x1, x2, axis=axis),
}
LINALG: dict[str, Function] = {
    "cholesky": lambda x, /, *, upper=False: L.cholesky(x, upper=upper),
    "cross": lambda x1, x2, /, *, axis=-1: L.cross(x1, x2, axis=axis),
    "det": lambda x, /: L.det(x),
    "diagonal": lambda x, /, *, offset=0: L.diagonal(x, offset=offset),
    "eigh": lambda x, /: L.eigh(x),
    "eigvalsh": lambda x, /: L.eigvalsh(x),
    "inv": lambda x, /: L.inv(x),
    "matmul": PLAIN["matmul"],
    "matrix_norm": lambda x, /, *, keepdims=False, ord="fro":
        L.matrix_norm(x, keepdims=keepdims, ord=ord),
    "matrix_power": lambda x, n, /: L.matrix_power(x, n),
    "matrix_rank": lambda x, /, *, rtol=None: L.matrix_rank(x, rtol=rtol),
    "matrix_transpose": PLAIN["matrix_transpose"],
    "outer": lambda x1, x2, /: L.outer(x1, x2),
    "pinv": lambda x, /, *, rtol=None: L.pinv(x, rtol=rtol),
    "qr": lambda x, /, *, mode="reduced": L.qr(x, mode=mode),
    "slogdet": lambda x, /: L.slogdet(x),
    "solve": lambda x1, x2, /: L.solve(x1, x2),
    "svd": lambda x, /, *, full_matrices=True: L.svd(x, full_matrices=full_matrices),
    "svdvals": lambda x, /: L.svdvals(x),
    "tensordot": PLAIN["tensordot"],
    "trace": lambda x, /, *, offset=0, dtype=None: L.trace(x, offset=offset, dtype=dtype),
    "vecdot": PLAIN["vecdot"],
    "vector_norm": lambda x, /, *, axis=None, keepdims=False, ord=2:
        L.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord),
}
# fmt: on


def _line(f: Function) -> Function:
    return lambda x, /, *, n=None, axis=-1, norm="backward": f(x, n=n, axis=axis, norm=norm)


def _space(f: Function) -> Function:
    return lambda x, /, *, s=None, axes=None, norm="backward": f(
        x, s=s, axes=range(-len(s), 0) if axes is None and s is not None else axes, norm=norm
    )


def _shift(f: Function) -> Function:
    return lambda x, /, *, axes=None: f(x, axes)


def _frequencies(f: Function) -> Function:
    return lambda n, /, *, d=1.0, dtype=None, device=None: f(n, d, device=device).astype(
        dtype or float
    )


FORMS: dict[Function, tuple[str, ...]] = {
    _line: ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"),
    _space: ("fftn", "ifftn", "rfftn", "irfftn"),
    _shift: ("fftshift", "ifftshift"),
    _frequencies: ("fftfreq", "rfftfreq"),
}
FFT = {name: form(getattr(np.fft, name)) for form, names in FORMS.items() for name in names}
BESIDE: dict[str, Function] = {  # functions of NumPy that xarray asks of every namespace
    "gradient": lambda f, *spacing, axis=None, edge_order=1: np.gradient(
        f, *spacing, axis=axis, edge_order=edge_order
    ),
    "cumprod": lambda x, axis=None: np.cumprod(x, axis),
    "cumsum": lambda x, axis=None: np.cumsum(x, axis),
    "isin": lambda element, test_elements: np.isin(element, test_elements),
    "pad": lambda x, pad_width, mode="constant", **named: np.pad(x, pad_width, mode, **named),
}
WINDOWS: dict[str, Function] = {  # those of NumPy's lib.stride_tricks
    "sliding_window_view": lambda x, window_shape, axis=None, **layout: (
        np.lib.stride_tricks.sliding_window_view(x, window_shape, axis=axis)
    ),
}
PLAIN |= {name: _of_one(getattr(np, name)) for name in ONE}
PLAIN |= {name: _of_two(getattr(np, name)) for name in TWO}


def standard(functions: dict[str, Function]) -> dict[str, Function]:
    """Return functions of arrays as functions of Arrays, with their names."""
    found = {}
    for name, f in functions.items():
        f.__name__ = f.__qualname__ = name
        f.__doc__ = f"Do {name} of the array-API standard."
        found[name] = of_arrays(f)
    return found
