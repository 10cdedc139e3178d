"""Designs of filters of scipy.signal in their frequencies and ripples, and what is derived of them.

Prototypes, zeros and poles of analogue filters, are moved to the frequencies asked for and to
discrete time; their formulas are those of A. V. Oppenheim, R. W. Schafer, Discrete-Time Signal
Processing (2009), appendix B.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.signal

from taylor.linalg import solve
from taylor.scipy.given import floats
from taylor.scipy.systems import normalize, zpk2tf
from taylor.scipy.theirs import varies

__all__ = [
    "bessel", "bilinear_zpk", "butter", "cheb1ap", "cheb2ap", "cheby1", "cheby2", "ellip", "firwin",
    "iirnotch", "iirpeak", "lfilter_zi", "lfiltic", "lp2bp_zpk", "lp2bs_zpk", "lp2hp", "lp2hp_zpk",
    "lp2lp", "lp2lp_zpk",
]  # fmt: skip
BANDS = {
    **dict.fromkeys(("lowpass", "low", "lp", "l"), "low"),
    **dict.fromkeys(("highpass", "high", "hp", "h"), "high"),
    **dict.fromkeys(("bandpass", "pass", "bp", "band"), "pass"),
    **dict.fromkeys(("bandstop", "stop", "bs", "bands"), "stop"),
}
ZERO_PASSES = {"lowpass": True, "bandstop": True, "highpass": False, "bandpass": False}


# ------------------------------------------------------------------ zeros, poles, gain
def _gain(z: Any, p: Any) -> Any:
    """Return Π(-z)/Π(-p), which is real."""
    return np.real(np.prod(-floats(z)) / np.prod(-floats(p)))


def _with(x: Any, more: Any, count: int) -> Any:
    """Return roots and some more, all of them the same."""
    return np.concatenate([x, more * np.ones(count)]) if count else x


def _degree(z: Any, p: Any) -> int:
    return int(np.size(p) - np.size(z))


def lp2lp_zpk(z: Any, p: Any, k: Any, wo: Any = 1.0) -> tuple[Any, Any, Any]:
    """Return (z, p, k) of a low-pass prototype with the cutoff wo: s -> s/wo."""
    z, p = floats(z), floats(p)
    return z * wo, p * wo, k * wo ** _degree(z, p)


def lp2hp_zpk(z: Any, p: Any, k: Any, wo: Any = 1.0) -> tuple[Any, Any, Any]:
    """Return (z, p, k) as a high pass: s -> wo/s."""
    z, p = floats(z), floats(p)
    return _with(wo / z, 0.0, _degree(z, p)), wo / p, k * _gain(z, p)


def _pair(x: Any, wo: Any) -> Any:
    """Return the solutions of s² - 2xs + wo² = 0."""
    root = np.sqrt(x * x - wo * wo + 0j)
    return np.concatenate([x + root, x - root])


def lp2bp_zpk(z: Any, p: Any, k: Any, wo: Any = 1.0, bw: Any = 1.0) -> tuple[Any, Any, Any]:
    """Return (z, p, k) as a band pass: s -> (s² + wo²)/(s bw)."""
    z, p = floats(z), floats(p)
    n = _degree(z, p)
    return _with(_pair(z * (bw / 2), wo), 0.0, n), _pair(p * (bw / 2), wo), k * bw**n


def lp2bs_zpk(z: Any, p: Any, k: Any, wo: Any = 1.0, bw: Any = 1.0) -> tuple[Any, Any, Any]:
    """Return (z, p, k) as a band stop: s -> s bw/(s² + wo²)."""
    z, p = floats(z), floats(p)
    n = _degree(z, p)
    zeros = _with(_with(_pair((bw / 2) / z, wo), 1j * wo, n), -1j * wo, n)
    return zeros, _pair((bw / 2) / p, wo), k * _gain(z, p)


def bilinear_zpk(z: Any, p: Any, k: Any, fs: Any) -> tuple[Any, Any, Any]:
    """Return (z, p, k) in discrete time, with s = 2 fs (z - 1)/(z + 1)."""
    z, p, twice = floats(z), floats(p), 2.0 * fs
    zeros = _with((twice + z) / (twice - z), -1.0, _degree(z, p))
    gain = np.real(np.prod(twice - z) / np.prod(twice - p))
    return zeros, (twice + p) / (twice - p), k * gain


def lp2lp(b: Any, a: Any, wo: Any = 1.0) -> tuple[Any, Any]:
    """Return (b, a) of a low-pass prototype with the cutoff wo: s -> s/wo."""
    b, a = np.atleast_1d(floats(b)), np.atleast_1d(floats(a))
    return normalize(*(c * wo ** -np.arange(np.size(c) - 1.0, -1, -1) for c in (b, a)))


def lp2hp(b: Any, a: Any, wo: Any = 1.0) -> tuple[Any, Any]:
    """Return (b, a) as a high pass: s -> wo/s."""
    n = max(np.size(b), np.size(a))
    padded = (np.concatenate([np.zeros(n - np.size(c)), np.atleast_1d(floats(c))]) for c in (b, a))
    return normalize(*((c * wo ** np.arange(n - 1.0, -1, -1))[::-1] for c in padded))


# ------------------------------------------------------------------ prototypes
def _angles(n: int) -> Any:
    return math.pi * np.arange(-n + 1, n, 2) / (2 * n)


def cheb1ap(N: int, rp: Any) -> tuple[Any, Any, Any]:
    """Return (z, p, k) of the Chebyshev filter with rp decibels of ripple in the pass band."""
    if not varies(rp):
        found: tuple[Any, Any, Any] = scipy.signal.cheb1ap(N, rp)
        return found
    ripple = np.sqrt(10 ** (0.1 * rp) - 1.0)
    mu = np.arcsinh(1.0 / ripple) / N
    p = -np.sinh(mu + 1j * _angles(N))
    k = np.real(np.prod(-p))
    return np.zeros(0), p, k if N % 2 else k / np.sqrt(1 + ripple * ripple)


def cheb2ap(N: int, rs: Any) -> tuple[Any, Any, Any]:
    """Return (z, p, k) of the inverse Chebyshev filter, rs decibels down in the stop band."""
    if not varies(rs):
        found: tuple[Any, Any, Any] = scipy.signal.cheb2ap(N, rs)
        return found
    mu = np.arcsinh(np.sqrt(10 ** (0.1 * rs) - 1.0)) / N
    z, _, _ = scipy.signal.cheb2ap(N, 20.0)
    at = -np.exp(1j * _angles(N))
    p = 1.0 / (np.sinh(mu) * at.real + 1j * np.cosh(mu) * at.imag)
    return z, p, _gain(p, z)


# ------------------------------------------------------------------ designs
def _designed(name: str, given: str, prototype: Callable[..., Any]) -> Callable[..., Any]:
    """Return a design of SciPy: f(N, *ripples, Wn, btype, analog, output, fs)."""
    theirs, before = getattr(scipy.signal, name), given.split()

    def design(N: int, *args: Any, **named: Any) -> Any:
        if not varies([*args, *named.values()]):
            return theirs(N, *args, **named)
        names = (*before, "Wn", "btype", "analog", "output", *named)
        known = {"btype": "low", "analog": False, "output": "ba", "fs": None, "norm": "phase"}
        known.update(zip(names, args, strict=False))
        known.update(named)
        output, ripples = known["output"], [known[key] for key in before]
        if output not in ("ba", "zpk"):
            raise TypeError(f"{name} of what varies has output='ba' or 'zpk', not {output!r}")
        more = [known["norm"]] if name == "bessel" else []
        zpk = _moved(prototype(N, *ripples, *more), known)
        return zpk if output == "zpk" else tuple(map(np.real, zpk2tf(*zpk)))

    design.__name__ = design.__qualname__ = name
    design.__doc__ = f"Return scipy.signal.{name}, in its frequencies and ripples (as ba or zpk)."
    return design


def _moved(zpk: tuple[Any, Any, Any], known: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return a prototype at the frequencies asked for."""
    w, band, analog = floats(known["Wn"]), BANDS[known["btype"]], known["analog"]
    if known["fs"] is not None:
        w = 2 * w / known["fs"]
    w = np.reshape(w if analog else 4.0 * np.tan(math.pi * w / 2), -1)
    if band in ("low", "high"):
        zpk = (lp2lp_zpk if band == "low" else lp2hp_zpk)(*zpk, w[0])
    else:
        move = lp2bp_zpk if band == "pass" else lp2bs_zpk
        zpk = move(*zpk, np.sqrt(w[0] * w[1]), w[1] - w[0])
    return zpk if analog else bilinear_zpk(*zpk, 2.0)


butter = _designed("butter", "", scipy.signal.buttap)
cheby1 = _designed("cheby1", "rp", cheb1ap)
cheby2 = _designed("cheby2", "rs", cheb2ap)
ellip = _designed("ellip", "rp rs", scipy.signal.ellipap)
bessel = _designed("bessel", "", scipy.signal.besselap)


def firwin(
    numtaps: int, cutoff: Any, *, width: Any = None, window: Any = "hamming",
    pass_zero: Any = True, scale: bool = True, fs: Any = None,
) -> Any:  # fmt: skip
    """Return the coefficients of a filter of finite response in its cutoff frequencies."""
    if not varies([cutoff, width, fs]):
        return scipy.signal.firwin(
            numtaps, cutoff, width=width, window=window, pass_zero=pass_zero, scale=scale, fs=fs
        )
    if width is not None:
        raise TypeError("firwin with cutoffs that vary takes window=('kaiser', beta), no width")
    edges = np.reshape(floats(cutoff), -1) * (2.0 / (2.0 if fs is None else fs))
    zero = ZERO_PASSES.get(pass_zero, pass_zero)
    last = bool(np.size(edges) % 2) ^ bool(zero)
    edges = np.concatenate([np.zeros(int(zero)), edges, np.ones(int(last))])
    m = np.arange(numtaps) - 0.5 * (numtaps - 1)
    ends = np.reshape(edges, (-1, 2))
    h: Any = sum(b * np.sinc(b * m) - a * np.sinc(a * m) for a, b in ends)
    h = h * scipy.signal.get_window(window, numtaps, fftbins=False)
    if not scale:
        return h
    at = 0.0 if zero else 1.0 if len(ends) == 1 and last else 0.5 * (ends[0, 0] + ends[0, 1])
    return h / np.sum(h * np.cos(math.pi * m * at))


def _resonance(w0: Any, Q: Any, fs: Any) -> tuple[Any, Any, Any]:
    """Return cos w0, the gain and the denominator of a filter of second order."""
    w = floats(w0) * (2 * math.pi / fs)
    gain = 1.0 / (1.0 + np.tan(w / Q / 2.0))
    return np.cos(w), gain, np.stack([1.0 + 0 * gain, -2.0 * gain * np.cos(w), 2.0 * gain - 1.0])


def iirnotch(w0: Any, Q: Any, fs: Any = 2.0) -> tuple[Any, Any]:
    """Return (b, a) of the filter that stops the frequency w0, with the quality factor Q."""
    c, gain, a = _resonance(w0, Q, fs)
    return gain * np.stack([1.0 + 0 * c, -2.0 * c, 1.0 + 0 * c]), a


def iirpeak(w0: Any, Q: Any, fs: Any = 2.0) -> tuple[Any, Any]:
    """Return (b, a) of the filter that passes the frequency w0, with the quality factor Q."""
    _, gain, a = _resonance(w0, Q, fs)
    return (1.0 - gain) * np.array([1.0, 0.0, -1.0]), a


# ------------------------------------------------------------------ states of filters
def _padded(*c: Any) -> list[Any]:
    size = max(map(np.size, c))
    return [np.concatenate([floats(v), np.zeros(size - np.size(v))]) for v in c]


def lfilter_zi(b: Any, a: Any) -> Any:
    """Return the state of lfilter in which a step stays one: that of the steady response.

    >>> lfilter_zi([1.0], [1.0, -0.5])
    array([1.])
    """
    b, a = _padded(np.atleast_1d(b), np.atleast_1d(a))
    b, a = b / a[0], a / a[0]
    n = np.size(a) - 1
    moved = np.eye(n) - np.eye(n, k=1)
    first = np.concatenate([np.reshape(a[1:], (n, 1)), np.zeros((n, max(n - 1, 0)))], axis=1)
    return solve(moved + first, b[1:] - a[1:] * b[0])


def lfiltic(b: Any, a: Any, y: Any, x: Any = None) -> Any:
    """Return the state of lfilter after the outputs y and inputs x, the last ones first."""
    b, a = np.atleast_1d(floats(b)), np.atleast_1d(floats(a))
    b, a = b / a[0], a / a[0]
    count = max(np.size(a), np.size(b)) - 1

    def sums(c: Any, given: Any) -> Any:
        n = np.size(c) - 1
        v = np.atleast_1d(floats(np.zeros(0) if given is None else given))[:n]
        v = np.concatenate([v, np.zeros(n - np.size(v))])
        rows = [np.sum(c[m + 1 :] * v[: n - m]) for m in range(n)]
        return np.stack([*rows, *[0.0 * np.sum(v)] * (count - n)]) if count else np.zeros(0)

    return sums(b, x) - sums(a, y)
