"""Filters of scipy.signal: convolution, recursive filters, smoothing, resampling.

Everything here is linear in the signal: sums over windows, products of Fourier transforms, and the
recursive filter, which is its own transpose with time reversed.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import scipy.signal
from numpy.lib.stride_tricks import sliding_window_view

from taylor.core.operand import is_complex
from taylor.core.table import rule
from taylor.errors import ShapeMismatch
from taylor.scipy import ndimage
from taylor.scipy.given import floats

__all__ = [
    "convolve", "convolve2d", "correlate", "correlate2d", "decimate", "detrend", "fftconvolve",
    "filtfilt", "hilbert", "hilbert2", "lfilter", "medfilt", "medfilt2d", "oaconvolve", "resample",
    "resample_poly", "savgol_filter", "sosfilt", "sosfiltfilt", "upfirdn", "wiener",
]  # fmt: skip

MODES = ("full", "valid", "same")
SMALL = 4096  # elements of a kernel that is applied directly


# ------------------------------------------------------------------ convolution
def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Return the convolution of two arrays of as many axes: Σ_j x_j y_{k-j}.

    >>> convolve([1.0, 2.0], [3.0, 4.0])
    array([ 3., 10.,  8.])
    """
    x, y = _alike("convolve", in1, in2)
    if method not in ("auto", "direct", "fft"):
        raise ValueError(f"method is 'auto', 'direct' or 'fft', not {method!r}")
    if method == "fft" or (method == "auto" and min(np.size(x), np.size(y)) > SMALL):
        return fftconvolve(x, y, mode)
    if np.ndim(x) == 1:
        return _part(np.convolve(x, y), x, y, mode)
    a, b = (x, y) if np.size(x) >= np.size(y) else (y, x)
    wide = np.pad(a, [(n - 1, n - 1) for n in np.shape(b)])
    axes = tuple(range(-np.ndim(b), 0))
    windows = sliding_window_view(wide, np.shape(b))
    whole = np.tensordot(windows, np.flip(b), (axes, tuple(range(np.ndim(b)))))
    return _part(whole, x, y, mode)


def _part(whole: Any, x: Any, y: Any, mode: str) -> Any:
    """Return the part of a full convolution that a mode means."""
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    for axis, (m, n) in enumerate(zip(np.shape(x), np.shape(y), strict=True)):
        start, count = 0, m + n - 1
        if mode == "valid":
            start, count = min(m, n) - 1, abs(m - n) + 1
        elif mode == "same":  # as long as the first, in the middle
            start, count = (n - 1) // 2, m
        whole = whole[(slice(None),) * axis + (slice(start, start + count),)]
    return whole


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """Return the convolution by Fourier transforms."""
    if axes is not None:
        raise TypeError("fftconvolve takes no axes here: it runs over all of them")
    x, y = _alike("fftconvolve", in1, in2)
    sizes = [m + n - 1 for m, n in zip(np.shape(x), np.shape(y), strict=True)]
    axes = tuple(range(len(sizes)))
    whole: Any
    if is_complex(x) or is_complex(y):
        whole = np.fft.ifftn(np.fft.fftn(x, sizes, axes) * np.fft.fftn(y, sizes, axes), sizes, axes)
    else:
        product = np.fft.rfftn(x, sizes, axes) * np.fft.rfftn(y, sizes, axes)
        whole = np.fft.irfftn(product, sizes, axes)
    return _part(whole, x, y, mode)


def oaconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """Return the convolution by Fourier transforms, of the whole at once."""
    return fftconvolve(in1, in2, mode, axes)


def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0
) -> Any:
    """Return the convolution of two matrices, the first of which goes on as `boundary` says."""
    x, y = _alike("convolve2d", in1, in2)
    if np.ndim(x) != 2:
        raise ShapeMismatch("convolve2d takes matrices")
    pads: dict[str, Any] = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}
    if boundary not in pads:
        raise ValueError(f"boundary is one of {', '.join(pads)}, not {boundary!r}")
    if mode == "valid" or (boundary == "fill" and fillvalue == 0):
        return convolve(x, y, mode, "direct")
    constant = {"constant_values": fillvalue} if boundary == "fill" else {}
    wide = np.pad(x, [(n - 1, n - 1) for n in np.shape(y)], mode=pads[boundary], **constant)
    return _part(convolve(wide, y, "valid", "direct"), x, y, mode)


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Return the correlation: the convolution with the second reversed, and conjugate.

    >>> correlate([1.0, 2.0], [3.0, 4.0])
    array([ 4., 11.,  6.])
    """
    x, y = _alike("correlate", in1, in2)
    return convolve(x, np.conj(np.flip(y)), mode, method)


def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0
) -> Any:
    """Return the correlation of two matrices: `convolve2d` with the second reversed, conjugate."""
    x, y = _alike("correlate2d", in1, in2)
    full = "full" if mode == "same" else mode
    whole = convolve2d(x, np.conj(np.flip(y)), full, boundary, fillvalue)
    if mode != "same":
        return whole
    (m, n), (i, j) = np.shape(x), (size // 2 for size in np.shape(y))
    return whole[i : i + m, j : j + n]


def _alike(name: str, *arrays: Any) -> list[Any]:
    found = [floats(x) for x in arrays]
    if len({np.ndim(x) for x in found}) > 1 or not all(np.ndim(x) and np.size(x) for x in found):
        shapes = ", ".join(str(np.shape(x)) for x in found)
        raise ShapeMismatch(f"{name} takes arrays of as many axes, not of shapes {shapes}")
    return found


# ------------------------------------------------------------------ recursive filters
def _poles(a: Any, x: Any) -> Any:
    if not (a.dtype.hasobject or x.dtype.hasobject):
        return scipy.signal.lfilter([1.0], np.concatenate([[1.0], a[1:]]), x)
    y = x * (a[0] / a[0])  # numbers that SciPy does not know
    for n in range(1, np.shape(y)[-1]):
        for j in range(1, min(len(a), n + 1)):
            y[..., n] = y[..., n] - a[j] * y[..., n - j]
    return y


def _poles_jvp(dargs: Any, y: Any, a: Any, x: Any) -> Any:
    da, dx = dargs
    right = 0 * y if dx is None else dx
    if da is not None:  # a_0 = 1
        right = right - _after(np.concatenate([[0.0], da[1:]]), y)
    return POLES(a, right)


def _poles_vjp(bar: Any, y: Any, a: Any, x: Any) -> tuple[Any, Any]:
    z = POLES(a, bar[..., ::-1])[..., ::-1]
    length = np.shape(z)[-1]
    down = [
        -np.sum(z[..., j:] * y[..., : max(length - j, 0)]) if j else 0.0 for j in range(np.size(a))
    ]
    return np.stack(down), z


# y_n + Σ_{j >= 1} a_j y_{n-j} = x_n along the last axis, from rest; the tangent is the same filter
# of dx - Σ da_j y_{n-j}
POLES = rule(
    _poles,
    jvp=_poles_jvp,
    vjp=_poles_vjp,
    name="lfilter",
)


def _after(c: Any, x: Any) -> Any:
    """Return Σ_j c_j x_{n-j} along the last axis, as long as x."""
    n = np.shape(x)[-1]
    if np.ndim(x) == 1:
        return np.convolve(c, x)[:n]
    wide = np.pad(x, [(0, 0)] * (np.ndim(x) - 1) + [(np.size(c) - 1, 0)])
    return np.matmul(sliding_window_view(wide, np.size(c), axis=-1), c[::-1])


def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Return y with Σ_j a_j y_{n-j} = Σ_j b_j x_{n-j} along an axis.

    It starts from rest, or from the state zi; then (y, the state at the end) is returned.

    >>> lfilter([1.0], [1.0, -0.5], [1.0, 0.0, 0.0])
    array([1.  , 0.5 , 0.25])
    """
    b, a, x = (floats(v) for v in (b, a, x))
    if np.ndim(b) != 1 or np.ndim(a) != 1 or not np.ndim(x):
        raise ShapeMismatch(f"lfilter: b of shape {np.shape(b)}, a of shape {np.shape(a)}")
    x = np.moveaxis(x, axis, -1)
    first = a[0]
    b, a = b / first, a / first
    right = _after(b, x)
    if zi is not None:
        state = np.moveaxis(floats(zi), axis, -1)
        count = min(np.shape(state)[-1], np.shape(x)[-1])
        room = [(0, 0)] * (np.ndim(x) - 1) + [(0, np.shape(x)[-1] - count)]
        state = np.broadcast_to(state, (*np.shape(x)[:-1], np.shape(state)[-1]))
        right = right + np.pad(state[..., :count], room)
    y = right if np.size(a) == 1 else POLES(a, right)
    if zi is None:
        return np.moveaxis(y, -1, axis)
    return np.moveaxis(y, -1, axis), np.moveaxis(_state(b, a, x, y, state), -1, axis)


def _state(b: Any, a: Any, x: Any, y: Any, start: Any) -> Any:
    """Return the state at the end: z_i = Σ_j b_{i+1+j} x_{N-1-j} - a_{i+1+j} y_{N-1-j}."""
    size, n = max(np.size(b), np.size(a)) - 1, np.shape(x)[-1]
    state = []
    for i in range(size):
        z: Any = start[..., i + n] if i + n < size else 0.0
        for c, v in ((b, x), (-a, y)):
            for k in range(i + 1, min(np.size(c), i + 1 + n)):
                z = z + c[k] * v[..., n + i - k]
        state.append(z)
    return np.stack(state, axis=-1)


def by_points(x: Any, edge: int) -> Any:
    """Return a signal continued at both ends of the last axis by its point reflections."""
    n = np.shape(x)[-1]
    if not 0 <= edge < n:
        raise ValueError(f"the signal, of length {n}, must be longer than the padding, {edge}")
    left, right = x[..., edge:0:-1], x[..., n - 2 : n - 2 - edge : -1] if edge else x[..., :0]
    return np.concatenate([2 * x[..., :1] - left, x, 2 * x[..., -1:] - right], axis=-1)


def _both_ways(once: Any, x: Any, edge: int, padtype: Any) -> Any:
    """Return what a filter makes of a signal, run forwards and then backwards.

    once(x, x_0) runs it from the steady state for a signal that is x_0 for ever.
    """
    if padtype not in ("odd", None):
        raise ValueError(f"padtype is 'odd' or None here, not {padtype!r}")
    edge = edge if padtype is not None else 0
    wide = by_points(x, edge) if edge else x
    y = once(wide, wide[..., :1])
    y = once(y[..., ::-1], y[..., -1:])[..., ::-1]
    return y[..., edge : edge + np.shape(x)[-1]]


def filtfilt(
    b: Any, a: Any, x: Any, axis: int = -1, padtype: str | None = "odd", padlen: int | None = None
) -> Any:
    """Return the signal filtered forwards and backwards, without a phase; b and a are plain."""
    b, a = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (b, a))
    x = np.moveaxis(floats(x), axis, -1)
    size = max(len(a), len(b))
    rest = scipy.signal.lfilter_zi(b, a) if size > 1 else np.zeros(0)

    def once(x: Any, x0: Any) -> Any:
        return lfilter(b, a, x, zi=rest * x0)[0] if size > 1 else b[0] / a[0] * x

    y = _both_ways(once, x, 3 * size if padlen is None else padlen, padtype)
    return np.moveaxis(y, -1, axis)


def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Return the signal filtered by sections of second order, one after the other.

    They start from rest, or from their states zi; then (y, the states at the end) is returned.

    >>> y, z = sosfilt([[1.0, 0.0, 0.0, 1.0, -0.5, 0.0]], [1.0, 0.0], zi=[[1.0, 0.0]])
    >>> y, z
    (array([2., 1.]), array([[0.5, 0. ]]))
    """
    sos = sections(sos)
    if zi is None:
        for row in sos:
            x = lfilter(row[:3], row[3:], x, axis)
        return x
    if np.shape(zi := floats(zi))[:1] != np.shape(sos)[:1]:
        raise ShapeMismatch(f"zi of shape {np.shape(zi)} for {np.shape(sos)[0]} sections")
    ends = []
    for row, z in zip(sos, zi, strict=True):
        x, end = lfilter(row[:3], row[3:], x, axis, z)
        ends.append(end)
    return x, np.stack(ends)


def sections(sos: Any) -> Any:
    """Return the rows of sections of second order."""
    sos = floats(sos)
    if np.ndim(sos) != 2 or np.shape(sos)[1] != 6:
        raise ShapeMismatch(f"sos array must be shape (nsections, 6), not {np.shape(sos)}")
    return sos


def sosfiltfilt(
    sos: Any, x: Any, axis: int = -1, padtype: str | None = "odd", padlen: int | None = None
) -> Any:
    """Return the signal filtered forwards and backwards by plain sections of second order."""
    sos = np.asarray(sections(sos))
    x, rest = np.moveaxis(floats(x), axis, -1), scipy.signal.sosfilt_zi(sos)
    taps = 2 * len(sos) + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())

    def once(x: Any, x0: Any) -> Any:
        for row, z in zip(sos, rest, strict=True):
            x = lfilter(row[:3], row[3:], x, zi=z * x0)[0]
        return x

    y = _both_ways(once, x, 3 * int(taps) if padlen is None else padlen, padtype)
    return np.moveaxis(y, -1, axis)


# ------------------------------------------------------------------ smoothing
def savgol_filter(
    x: Any, window_length: int, polyorder: int, deriv: int = 0, delta: float = 1.0, axis: int = -1,
    mode: str = "interp", cval: float = 0.0,
) -> Any:  # fmt: skip
    """Return the values, or derivatives, of polynomials fitted to windows."""
    own = dict(polyorder=polyorder, deriv=deriv, delta=delta)
    x = np.moveaxis(floats(x), axis, -1)
    weights = scipy.signal.savgol_coeffs(window_length, **own)[::-1]
    if mode != "interp":
        y = ndimage.correlate1d(x, weights, -1, mode=mode, cval=cval)
        return np.moveaxis(y, -1, axis)
    if window_length > np.shape(x)[-1]:
        raise ValueError("window_length must not be longer than the signal")
    fit = scipy.signal.savgol_filter(np.eye(window_length), window_length, axis=0, **own)
    half = window_length // 2
    inner = np.matmul(sliding_window_view(x, window_length, axis=-1), weights)
    start = np.matmul(x[..., :window_length], fit[:half].T)
    end = np.matmul(x[..., -window_length:], fit[window_length - half :].T)
    return np.moveaxis(np.concatenate([start, inner, end], axis=-1), -1, axis)


def detrend(data: Any, axis: int = -1, type: str = "linear", bp: Any = 0) -> Any:
    """Return the data without their mean, or without the lines fitted between breakpoints."""
    x = np.moveaxis(floats(data), axis, -1)
    if type in ("constant", "c"):
        return np.moveaxis(x - np.mean(x, axis=-1, keepdims=True), -1, axis)
    if type not in ("linear", "l"):
        raise ValueError("Trend type must be 'linear' or 'constant'.")
    n = np.shape(x)[-1]
    ends, parts = np.unique(np.r_[0, bp, n]), []
    for i, j in itertools.pairwise(ends):
        q = np.linalg.qr(np.vander(np.arange(j - i) / (j - i), 2))[0]
        part = x[..., i:j]
        parts.append(part - np.matmul(np.matmul(part, q), q.T))
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, axis)


def wiener(im: Any, mysize: Any = None, noise: Any = None) -> Any:
    """Return the local mean plus the part of the deviation that is no noise."""
    x = floats(im)
    size = [3 if mysize is None else mysize] if np.ndim(mysize) == 0 else list(mysize)
    size = size * np.ndim(x) if len(size) == 1 else size

    def local(x: Any) -> Any:
        return convolve(x, np.full(size, 1 / math.prod(size)), "same", "direct")

    mean = local(x)
    spread = local(x * x) - mean * mean
    noise = np.mean(spread) if noise is None else noise
    below = np.asarray(spread < noise)
    return mean + np.where(below, 0.0, (x - mean) * (1 - noise / np.where(below, 1.0, spread)))


def medfilt(volume: Any, kernel_size: Any = None) -> Any:
    """Return the medians of windows, with zeros outside."""
    size = 3 if kernel_size is None else kernel_size
    return ndimage.median_filter(volume, size, mode="constant")


def medfilt2d(input: Any, kernel_size: Any = 3) -> Any:
    """Return the medians of the neighbours in a picture, zeros beyond its edges."""
    return medfilt(input, kernel_size)


# ------------------------------------------------------------------ analytic signals, resampling
def _one_sided(n: int, last: float = 1.0) -> Any:
    """Return 2 for positive frequencies, 1 for zero, `last` for the one without a sign, else 0."""
    gain = np.zeros(n)
    gain[0] = 1.0
    gain[1 : (n + 1) // 2] = 2.0
    if n % 2 == 0:
        gain[n // 2] = last
    return gain


def hilbert(x: Any, N: int | None = None, axis: int = -1) -> Any:
    """Return the analytic signal: without the negative frequencies of the transform."""
    x = floats(x)
    n = np.shape(x)[axis] if N is None else N
    spectrum = np.moveaxis(np.fft.fft(x, n, axis), axis, -1) * _one_sided(n)
    return np.moveaxis(np.fft.ifft(spectrum), -1, axis)


def hilbert2(x: Any, N: int | tuple[int, int] | None = None) -> Any:
    """Return the analytic signal of a matrix, by the positive frequencies of both axes.

    The highest frequency of an even size counts for none, as in SciPy 1.17.
    """
    x = floats(x)
    if np.ndim(x) != 2:
        raise ShapeMismatch(f"hilbert2 takes a matrix, not shape {np.shape(x)}")
    sizes = np.shape(x) if N is None else (N, N) if isinstance(N, int) else N
    m, n = sizes
    return np.fft.ifft2(np.fft.fft2(x, sizes) * (_one_sided(m, 0.0)[:, None] * _one_sided(n, 0.0)))


def resample(x: Any, num: int, axis: int = -1) -> Any:
    """Return real samples at `num` places of the trigonometric polynomial through samples."""
    x = np.moveaxis(floats(x), axis, -1)
    n, low = np.shape(x)[-1], min(num, np.shape(x)[-1])
    spectrum = np.fft.rfft(x)[..., : low // 2 + 1]
    weights = np.ones(low // 2 + 1)
    if low % 2 == 0 and num != n:  # the highest frequency stands for two
        weights[-1] = 2.0 if num < n else 0.5
    y = np.fft.irfft(spectrum * weights, num) * (num / n)
    return np.moveaxis(y, -1, axis)


def upfirdn(h: Any, x: Any, up: int = 1, down: int = 1, axis: int = -1) -> Any:
    """Return every down-th element of the convolution of h with x, spread out by zeros."""
    h, x = floats(h), np.moveaxis(floats(x), axis, -1)
    n = (np.shape(x)[-1] - 1) * up + 1
    place = np.arange(n)
    spread = np.where(place % up == 0, x[..., place // up], 0.0)
    wide = np.pad(spread, [(0, 0)] * (np.ndim(x) - 1) + [(0, np.size(h) - 1)])
    return np.moveaxis(_after(h, wide)[..., ::down], -1, axis)


def resample_poly(x: Any, up: int, down: int, axis: int = -1, window: Any = ("kaiser", 5.0)) -> Any:
    """Return up/down as many samples, by `upfirdn` with a low-pass filter without a phase."""
    x = np.moveaxis(floats(x), axis, -1)
    common = math.gcd(up, down)
    up, down = up // common, down // common
    if up == down == 1:
        return np.moveaxis(x, -1, axis)
    n, most = np.shape(x)[-1], max(up, down)
    count = -(-n * up // down)
    if isinstance(window, (list, np.ndarray)):
        h = np.array(window, dtype=float)
    else:
        h = scipy.signal.firwin(20 * most + 1, 1 / most, window=window)
    half = (len(h) - 1) // 2
    before = down - half % down
    skipped = (half + before) // down
    after = 0
    while -(-((n - 1) * up + len(h) + before + after) // down) < count + skipped:
        after += 1
    y = upfirdn(np.r_[np.zeros(before), h * up, np.zeros(after)], x, up, down)
    return np.moveaxis(y[..., skipped : skipped + count], -1, axis)


def decimate(
    x: Any,
    q: int,
    n: int | None = None,
    ftype: str = "iir",
    axis: int = -1,
    zero_phase: bool = True,
) -> Any:
    """Return every q-th sample after a low-pass filter, without a phase."""
    if ftype not in ("iir", "fir") or not zero_phase:
        raise ValueError("decimate takes ftype 'iir' or 'fir', with zero_phase=True")
    if ftype == "fir":
        window = scipy.signal.firwin((20 * q if n is None else n) + 1, 1 / q, window="hamming")
        return resample_poly(x, 1, q, axis, window)
    sos = scipy.signal.cheby1(8 if n is None else n, 0.05, 0.8 / q, output="sos")
    y = np.moveaxis(sosfiltfilt(sos, x, axis), axis, -1)[..., ::q]
    return np.moveaxis(y, -1, axis)
