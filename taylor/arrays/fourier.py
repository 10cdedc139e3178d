"""NumPy's Fourier transforms: linear maps of the last axis, each its own transpose.

All are made of two rules, y_j = Σ_k exp(∓2πi·jk/n)·x_k, whose matrices are symmetric; what real
transforms leave out is put back by symmetry.  np.fft itself computes values, adjoints and series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.operand import as_array, define, is_complex
from taylor.core.table import Rule
from taylor.linalg.degrees import Named

Function = Callable[..., Any]


def linear(
    name: str,
    f: Function,
    transposed: Function | None = None,
    kind: type[Rule] = Rule,
    complex_valued: bool = False,
) -> Rule:
    """Return a linear map of the last axis as a rule; left out, its transpose is itself.

    `complex_valued`: of real arguments, too, as adjoints of real parts are.
    """

    def made(name: str, f: Function, other: Callable[[], Rule]) -> Rule:
        def step(algebra: Any, given: Sequence[Any], live: Sequence[bool], y: Any) -> Any:
            return lambda k: [rule(given[0][algebra.part(k) if k else 0])]

        back, along = lambda bar, y, x: (other()(bar),), lambda d, y, x: rule(d[0])
        rule: Rule = kind(name, f, back, along, step, complex_valued)
        return rule

    there = made(name, f, lambda: back)
    back = made(f"{name} transposed", transposed, lambda: there) if transposed else there
    return there


def _floats(x: Any) -> Any:
    """Return numbers that np.fft takes."""
    if isinstance(x, np.ndarray) and x.dtype == object:
        raise TypeError("np.fft works in floating point only; convert with .astype(float)")
    return x


FORWARD = linear("fft", lambda x: np.fft.fft(_floats(x)), None, Named, True)
BACKWARD = linear("ifft", lambda x: np.fft.ifft(_floats(x), norm="forward"), None, Named, True)


def sized(x: Any, n: Any, axis: int) -> Any:
    """Return x with the axis moved to the end, cut or filled with zeros to length n."""
    x = np.moveaxis(as_array(x), axis, -1)
    if n is None or n == x.shape[-1]:
        return x
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
    if n < x.shape[-1]:
        return x[..., :n]
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, n - x.shape[-1])])


def _scale(norm: Any, n: int, back: bool) -> float:
    """Return the factor that a norm gives to a transform of length n."""
    if norm not in (None, "backward", "ortho", "forward"):
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    if norm == "ortho":
        return 1 / math.sqrt(n)
    return 1 / n if back == (norm in (None, "backward")) else 1.0


def _transformed(x: Any, n: int, norm: Any, back: bool) -> Any:
    """Return the transform of the last axis."""
    rule, c = (BACKWARD if back else FORWARD), _scale(norm, n, back)
    y = rule(x * (1 + 0j))
    return y if c == 1.0 else y * c


def _whole(back: bool) -> Callable[..., Any]:
    def transform(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
        x = sized(a, n, axis)
        return np.moveaxis(_transformed(x, x.shape[-1], norm, back), -1, axis)

    return transform


fft, ifft = _whole(False), _whole(True)


def _half(name: str, a: Any, n: Any, axis: int, norm: Any, back: bool) -> Any:
    """Return the first half of the transform of real values."""
    x = sized(a, n, axis)
    if is_complex(x):
        raise TypeError(f"np.fft.{name} takes real values; use np.fft.fft")
    length = x.shape[-1]
    y = _transformed(x, length, norm, back)[..., : length // 2 + 1]
    return np.moveaxis(y, -1, axis)


def rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _half("rfft", a, n, axis, norm, False)


def irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    n = 2 * (np.shape(a)[axis] - 1) if n is None else n
    x = sized(a, n // 2 + 1, axis)
    mirrored = np.conj(x[..., 1 : (n + 1) // 2])[..., ::-1]
    y = _transformed(np.concatenate([x, mirrored], axis=-1), n, norm, True)
    return np.moveaxis(y.real, -1, axis)


SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return irfft(np.conj(a), n, axis, SWAPPED.get(norm, norm))


def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _half("ihfft", a, n, axis, norm, True)  # the conjugate of rfft


def _along(one: Callable[..., Any], first: Callable[..., Any] | None, last: bool) -> Any:
    """Return a transform along several axes: `first` along the last one of them, or at the end."""

    def transform(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        a = as_array(a)
        if axes is None:
            axes = range(-len(s), 0) if s is not None else range(-a.ndim, 0)
        sizes = [None] * len(axes) if s is None else [None if n == -1 else n for n in s]
        if len(sizes) != len(axes):
            raise ValueError("Shape and axes have different lengths.")
        order = list(zip(sizes, axes, strict=True))[::-1]
        for k, (n, axis) in enumerate(order if not last else order[::-1]):
            special = first is not None and k == (len(order) - 1 if last else 0)
            a = (first if special and first is not None else one)(a, n, axis, norm)
        return a

    return transform


def _two(many: Callable[..., Any]) -> Any:
    return lambda a, s=None, axes=(-2, -1), norm=None: many(a, s, axes, norm)


fftn, ifftn = _along(fft, None, False), _along(ifft, None, False)
rfftn, irfftn = _along(fft, rfft, False), _along(ifft, irfft, True)


def _shifted(sign: int) -> Callable[..., Any]:
    def shift(x: Any, axes: Any = None) -> Any:
        x = as_array(x)
        axes = range(x.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
        by = [x.shape[a] // 2 if sign > 0 else -(x.shape[a] // 2) for a in axes]
        return np.roll(x, by, tuple(axes))

    return shift


define({
    np.fft.fft: lambda a, n=None, axis=-1, norm=None: fft(a, n, axis, norm),
    np.fft.ifft: lambda a, n=None, axis=-1, norm=None: ifft(a, n, axis, norm),
    np.fft.rfft: rfft, np.fft.irfft: irfft, np.fft.hfft: hfft, np.fft.ihfft: ihfft,
    np.fft.fftn: lambda a, s=None, axes=None, norm=None: fftn(a, s, axes, norm),
    np.fft.ifftn: lambda a, s=None, axes=None, norm=None: ifftn(a, s, axes, norm),
    np.fft.rfftn: lambda a, s=None, axes=None, norm=None: rfftn(a, s, axes, norm),
    np.fft.irfftn: lambda a, s=None, axes=None, norm=None: irfftn(a, s, axes, norm),
    np.fft.fft2: _two(fftn), np.fft.ifft2: _two(ifftn),
    np.fft.rfft2: _two(rfftn), np.fft.irfft2: _two(irfftn),
    np.fft.fftshift: _shifted(1), np.fft.ifftshift: _shifted(-1),
})  # fmt: skip
