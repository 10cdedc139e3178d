"""scipy.fft: Fourier transforms, those of NumPy, and cosine and sine transforms as linear maps.

A transform of the last axis is linear, so that each coefficient of a series is transformed; the
adjoint is the transposed transform, which is another one of the same family with the weight of the
first or last element changed.

>>> import taylor
>>> taylor.gradient(lambda x: dct(x)[1], [1.0, 2.0]).round(6)
array([ 1.414214, -1.414214])
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from taylor.arrays.fourier import linear, sized
from taylor.core.operand import as_array, is_complex
from taylor.core.table import Rule
from taylor.scipy.theirs import names_of

__all__ = [
    "dct", "dctn", "dst", "dstn", "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "idct",
    "idctn", "idst", "idstn", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft", "irfft2",
    "irfftn", "next_fast_len", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip
Function = Callable[..., Any]
fftfreq, rfftfreq = scipy.fft.fftfreq, scipy.fft.rfftfreq
next_fast_len = scipy.fft.next_fast_len
LINES = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")


def _line(name: str) -> Function:
    numpy = getattr(np.fft, name)

    def transform(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
        return numpy(as_array(x), n, axis, norm)

    return _named(transform, name)


def _space(name: str, axes: tuple[int, ...] | None = None) -> Function:
    numpy = getattr(np.fft, name)

    def transform(x: Any, s: Any = None, axes: Any = axes, norm: str | None = None) -> Any:
        if axes is None and s is not None:
            axes = tuple(range(-len(s), 0))
        return numpy(as_array(x), s, axes, norm)

    return _named(transform, name)


def _shift(name: str) -> Function:
    numpy = getattr(np.fft, name)
    return _named(lambda x, axes=None: numpy(as_array(x), axes), name)


def _named(f: Function, name: str) -> Function:
    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"Return scipy.fft.{name} of numbers, arrays or values of the package."
    return f


fft, ifft, rfft, irfft, hfft, ihfft = map(_line, LINES)
fftn, ifftn, rfftn, irfftn = (_space(f"{n}n") for n in LINES[:4])
fft2, ifft2, rfft2, irfft2 = (_space(f"{n}n", (-2, -1)) for n in LINES[:4])
fftshift, ifftshift = map(_shift, ("fftshift", "ifftshift"))


# ------------------------------------------------------------------ cosine and sine transforms
@functools.cache
def _rule(name: str, kind: int) -> Rule:
    """Return the transform without a norm; transposed it is that of the transposed kind.

    Type 1 of cosines doubles all elements but the ends; types 2 and 3 differ in one of them.
    """
    function = getattr(scipy.fft, name)
    end = 0 if name == "dct" else -1

    def transposed(w: Any) -> Any:
        w = np.array(w, dtype=np.result_type(w, np.float32))
        if name == "dct" and kind == 1:
            y = function(_with(w, [0, -1], 2.0), 1)
            return _with(y, [0, -1], 0.5)
        if kind == 2:  # the other way round the weight of one element is 2
            return function(_with(w, [end], 2.0), 3)
        return _with(function(w, 2), [end], 0.5) if kind == 3 else function(w, kind)

    return linear(f"{name} of type {kind}", lambda x: function(x, kind), transposed)


def _with(x: Any, places: list[int], factor: float) -> Any:
    """Return a copy in which some elements of the last axis are multiplied."""
    y = np.array(x)
    y[..., places] *= factor
    return y


def _weights(name: str, kind: int, n: int, norm: str, back: bool) -> tuple[Any, Any]:
    """Return the factors before and after the transform that a norm means."""
    size = 2 * (n - 1 if (name, kind) == ("dct", 1) else n + 1 if kind == 1 else n)
    before, after = np.ones(n), np.ones(n)
    if norm == "ortho":
        after /= np.sqrt(size)
        end = 0 if name == "dct" else -1
        if (name, kind) == ("dct", 1):
            before[[0, -1]], after[[0, -1]] = np.sqrt(2.0), after[[0, -1]] / np.sqrt(2.0)
        elif kind == 2:
            after[end] /= np.sqrt(2.0)
        elif kind == 3:
            before[end] = np.sqrt(2.0)
    elif norm not in ("backward", "forward"):
        raise ValueError(f"norm is 'backward', 'ortho' or 'forward', not {norm!r}")
    elif back == (norm == "backward"):
        after /= size
    return before, after


def _cosines(name: str, back: bool) -> Function:
    """Return a transform, or the inverse one: that of type 3 for type 2, divided by the size."""

    def transform(
        x: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None
    ) -> Any:
        if type not in (1, 2, 3, 4):
            raise ValueError(f"type is 1, 2, 3 or 4, not {type!r}")
        x = sized(x, n, axis)
        if is_complex(x):
            raise TypeError(f"{name} takes real values; transform .real and .imag")
        kind = {2: 3, 3: 2}.get(type, type) if back else type
        before, after = _weights(name, kind, np.shape(x)[-1], norm or "backward", back)
        y = _rule(name, kind)(x * before) * after
        return np.moveaxis(y, -1, axis)

    return _named(transform, f"i{name}" if back else name)


def _many(one: Function) -> Function:
    def transform(
        x: Any, type: int = 2, s: Any = None, axes: Any = None, norm: str | None = None
    ) -> Any:
        x = as_array(x)
        if axes is None:
            axes = range(-len(s), 0) if s is not None else range(np.ndim(x))
        axes = [axes] if isinstance(axes, int) else list(axes)
        for axis, n in zip(axes, [None] * len(axes) if s is None else s, strict=True):
            x = one(x, type, n, axis, norm)
        return x

    return _named(transform, f"{one.__name__}n")


dct, idct, dst, idst = (_cosines(n, b) for n in ("dct", "dst") for b in (False, True))
dctn, idctn, dstn, idstn = map(_many, (dct, idct, dst, idst))

if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
