"""Spectra of scipy.signal: periodograms, cross spectra, Fourier transforms of windows of data."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal
from numpy.lib.stride_tricks import sliding_window_view

from taylor.core.operand import is_complex
from taylor.errors import ShapeMismatch
from taylor.scipy.filters import by_points
from taylor.scipy.filters import detrend as without_trend
from taylor.scipy.given import floats

__all__ = [
    "coherence", "csd", "istft", "lombscargle", "periodogram", "spectrogram", "stft", "welch",
]  # fmt: skip

PADS: dict[Any, Any] = {
    "zeros": "constant", "constant": "edge", "even": "reflect", "odd": "odd",
}  # fmt: skip


def _taper(window: Any, n: int) -> Any:
    return np.asarray(
        scipy.signal.get_window(window, n) if isinstance(window, (str, tuple)) else window
    )


def _power(taper: Any, fs: float, scaling: str) -> Any:
    """Return what the squares of Fourier transforms are divided by."""
    scales = {"density": fs * (taper**2).sum(), "spectrum": taper.sum() ** 2}
    if scaling not in scales:
        raise ValueError(f"scaling is 'density' or 'spectrum', not {scaling!r}")
    return scales[scaling]


def _sides(n: int) -> Any:
    """Return how many frequencies, of both signs, each of the non-negative ones stands for."""
    sides = np.full(n // 2 + 1, 2.0)
    sides[0] = 1.0
    if n % 2 == 0:
        sides[-1] = 1.0
    return sides


def _transforms(x: Any, taper: Any, trend: Any) -> Any:
    """Return the Fourier transforms of tapered segments, which lie along the last axis."""
    if is_complex(x):
        raise TypeError("spectra are of real data here; take np.fft.fft of complex data")
    return np.fft.rfft((without_trend(x, type=trend) if trend else x) * taper)


def _segments(x: Any, nperseg: int | None, noverlap: int | None, axis: int, part: int = 2) -> Any:
    """Return overlapping segments along the last axis, in the one before; their length, the step.

    They have nperseg//part in common if noverlap is left out.
    """
    x = np.moveaxis(floats(x), axis, -1)
    size = min(256 if nperseg is None else nperseg, np.shape(x)[-1])
    step = size - (size // part if noverlap is None else noverlap)
    if step < 1:
        raise ValueError("noverlap must be less than nperseg.")
    return sliding_window_view(x, size, axis=-1)[..., ::step, :], size, step


def welch(
    x: Any, fs: float = 1.0, window: Any = "hann", nperseg: int | None = None,
    noverlap: int | None = None, *, detrend: Any = "constant", scaling: str = "density",
    axis: int = -1,
) -> tuple[Any, Any]:  # fmt: skip
    """Return (frequencies, the mean of the periodograms of overlapping segments) of real data."""
    return csd(x, x, fs, window, nperseg, noverlap, detrend=detrend, scaling=scaling, axis=axis)


def periodogram(
    x: Any, fs: float = 1.0, window: Any = "boxcar", *, detrend: Any = "constant",
    scaling: str = "density", axis: int = -1,
) -> tuple[Any, Any]:  # fmt: skip
    """Return (frequencies, the power of each) of real data."""
    n = np.shape(floats(x))[axis]
    return welch(x, fs, window, n, 0, detrend=detrend, scaling=scaling, axis=axis)


def csd(
    x: Any, y: Any, fs: float = 1.0, window: Any = "hann", nperseg: int | None = None,
    noverlap: int | None = None, *, detrend: Any = "constant", scaling: str = "density",
    axis: int = -1,
) -> tuple[Any, Any]:  # fmt: skip
    """Return (frequencies, the mean of conj(X) Y of segments) of real data of one length."""
    segments, size, _ = _segments(x, nperseg, noverlap, axis)
    taper = _taper(window, size)
    a = _transforms(segments, taper, detrend)
    if y is x:
        product = a.real**2 + a.imag**2
    else:
        segments, other, _ = _segments(y, nperseg, noverlap, axis)
        if other != size or np.shape(segments)[-2] != np.shape(a)[-2]:
            raise ShapeMismatch(f"csd of data of shapes {np.shape(x)} and {np.shape(y)}")
        product = np.conj(a) * _transforms(segments, taper, detrend)
    power = np.mean(product, axis=-2) * (_sides(size) / _power(taper, fs, scaling))
    return np.fft.rfftfreq(size, 1 / fs), np.moveaxis(power, -1, axis)


def coherence(
    x: Any, y: Any, fs: float = 1.0, window: Any = "hann", nperseg: int | None = None,
    noverlap: int | None = None, *, detrend: Any = "constant", axis: int = -1,
) -> tuple[Any, Any]:  # fmt: skip
    """Return (frequencies, |P_xy|²/(P_xx P_yy)) of real data, P as of `csd`."""
    how: tuple[Any, ...] = (fs, window, nperseg, noverlap)
    more: dict[str, Any] = dict(detrend=detrend, axis=axis)
    w, cross = csd(x, y, *how, **more)
    both = welch(x, *how, **more)[1] * welch(y, *how, **more)[1]
    return w, (cross.real**2 + cross.imag**2) / both


def spectrogram(
    x: Any, fs: float = 1.0, window: Any = ("tukey", 0.25), nperseg: int | None = None,
    noverlap: int | None = None, *, detrend: Any = "constant", scaling: str = "density",
    axis: int = -1, mode: str = "psd",
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return (frequencies, times, the powers of segments of real data, at these along the last).

    mode: "psd", or "complex" for the transforms, "magnitude" for their absolute values.
    """
    if mode not in ("psd", "complex", "magnitude"):
        raise ValueError(f"mode is 'psd', 'complex' or 'magnitude' here, not {mode!r}")
    segments, size, step = _segments(x, nperseg, noverlap, axis, 8)
    taper = _taper(window, size)
    z, power = _transforms(segments, taper, detrend), _power(taper, fs, scaling)
    if mode == "psd":
        found = (z.real**2 + z.imag**2) * (_sides(size) / power)
    else:
        found = (z if mode == "complex" else np.abs(z)) / np.sqrt(power)
    times = (size / 2 + step * np.arange(np.shape(z)[-2])) / fs
    return np.fft.rfftfreq(size, 1 / fs), times, _frequencies_at(found, axis)


def lombscargle(
    x: Any, y: Any, freqs: Any, *, normalize: bool | str = False, weights: Any = None,
    floating_mean: bool = False,
) -> Any:  # fmt: skip
    """Return the power (or amplitude) at angular frequencies of real data y at any times x.

    That of the sum of a cosine and a sine fitted by least squares: M. Zechmeister and M. Kürster,
    Astronomy & Astrophysics 496 (2009), equations 7-20.  normalize: "power", "normalize"
    (or True) for a part of the whole, "amplitude" for that of the fit, a complex number.

    >>> lombscargle([0.0, 1.0, 2.5], [0.0, 1.0, -0.5], [1.0]).round(6)
    array([0.373019])
    """
    x, y, w = floats(x), floats(y), floats(freqs)
    if np.ndim(x) != 1 or np.shape(x) != np.shape(y) or np.ndim(w) != 1:
        raise ShapeMismatch("lombscargle takes times and data of one length, and frequencies")
    kind = ("power", "normalize")[normalize] if isinstance(normalize, bool) else normalize
    if kind not in ("power", "normalize", "amplitude"):
        raise ValueError(f"normalize is 'power', 'normalize' or 'amplitude', not {normalize!r}")
    weight = np.ones(np.shape(y)) if weights is None else floats(weights)
    weight = weight / np.sum(weight)

    def free(v: Any) -> Any:
        return v - np.sum(weight * v, axis=-1, keepdims=True) if floating_mean else v

    def of(a: Any, b: Any) -> Any:
        return np.sum(weight * a * b, axis=-1)

    c, s, y = free(np.cos(w[:, None] * x)), free(np.sin(w[:, None] * x)), free(y)
    late = np.arctan2(2 * of(c, s), of(c, c) - of(s, s)) / 2
    at = w[:, None] * x - late[:, None]
    c, s = free(np.cos(at)), free(np.sin(at))
    a, b = of(c, y) / of(c, c), of(s, y) / of(s, s)
    if kind == "amplitude":
        return (a + 1j * b) * np.exp(1j * late)
    power = a * of(c, y) + b * of(s, y)
    return power / of(y, y) if kind == "normalize" else power * (np.size(y) / 2)


def _frequencies_at(z: Any, axis: int) -> Any:
    """Return (..., time, frequency) with the frequencies in the place of the data, time last."""
    return np.moveaxis(np.swapaxes(z, -1, -2), -2, axis - 1 if axis < 0 else axis)


def stft(
    x: Any, fs: float = 1.0, window: Any = "hann", nperseg: int = 256, noverlap: int | None = None,
    *, boundary: str | None = "zeros", padded: bool = True, axis: int = -1,
    scaling: str = "spectrum",
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return (frequencies, times, the Fourier transforms of segments of real data).

    The data go on by half a segment at both ends as `boundary` says: "zeros", "even", "odd",
    "constant", or not, None; and then, if padded, by zeros until the last segment is full.
    """
    x = np.moveaxis(floats(x), axis, -1)
    n = min(nperseg, np.shape(x)[-1])
    taper, before = _taper(window, n), [(0, 0)] * (np.ndim(x) - 1)
    step = n - (n // 2 if noverlap is None else noverlap)
    if boundary is not None:
        if boundary not in PADS:
            raise ValueError(f"boundary is None or one of {', '.join(PADS)}, not {boundary!r}")
        room = [*before, (n // 2, n // 2)]
        x = by_points(x, n // 2) if boundary == "odd" else np.pad(x, room, PADS[boundary])
    if padded:
        x = np.pad(x, [*before, (0, (n - np.shape(x)[-1]) % step)])
    z = _transforms(_segments(x, n, n - step, -1)[0], taper, None)
    z = z / np.sqrt(_power(taper, fs, "density" if scaling == "psd" else scaling))
    start = 0.0 if boundary is not None else n / 2
    times = (start + step * np.arange(np.shape(z)[-2])) / fs
    return np.fft.rfftfreq(n, 1 / fs), times, _frequencies_at(z, axis)


def istft(
    Zxx: Any, fs: float = 1.0, window: Any = "hann", nperseg: int | None = None,
    noverlap: int | None = None, *, boundary: bool = True, scaling: str = "spectrum",
) -> tuple[Any, Any]:  # fmt: skip
    """Return (times, the real data of `stft`): the least-squares overlap of its segments."""
    n = 2 * (np.shape(Zxx)[-2] - 1) if nperseg is None else nperseg
    taper = _taper(window, n)
    step = n - (n // 2 if noverlap is None else noverlap)
    size = _power(taper, fs, "density" if scaling == "psd" else scaling) ** 0.5
    y = np.fft.irfft(np.swapaxes(floats(Zxx), -1, -2), n) * (taper * size)
    weights = _overlapped(np.broadcast_to(taper**2, np.shape(y)[-2:]), step)
    x = _overlapped(y, step) / np.where(weights > 1e-10, weights, 1.0)
    x = x[..., n // 2 : np.shape(x)[-1] - n // 2] if boundary else x
    return np.arange(np.shape(x)[-1]) / fs, x


def _overlapped(y: Any, step: int) -> Any:
    """Return the sum of segments, each of which begins that many steps after the one before."""
    count, n = np.shape(y)[-2:]
    parts, front = -(-n // step), [(0, 0)] * (np.ndim(y) - 2)
    wide = np.pad(y, [*front, (0, 0), (0, parts * step - n)])
    total: Any = 0.0
    for j in range(parts):
        part = wide[..., j * step : (j + 1) * step]
        total = total + np.pad(part, [*front, (j, parts - 1 - j), (0, 0)])
    return np.reshape(total, (*np.shape(y)[:-2], -1))[..., : (count - 1) * step + n]
