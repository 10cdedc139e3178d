"""Responses of linear systems of scipy.signal: in frequencies, to impulses and steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.signal

from taylor.numbers.kinds import base
from taylor.scipy.filters import convolve
from taylor.scipy.given import floats
from taylor.scipy.systems import freqs, freqs_zpk, lsim, matrices, ss2tf
from taylor.scipy.theirs import varies

__all__ = [
    "bode", "czt", "dimpulse", "dlsim", "dstep", "freqresp", "group_delay", "impulse", "step",
    "vectorstrength", "zoom_fft",
]  # fmt: skip


# ------------------------------------------------------------------ in frequencies
def freqresp(system: Any, w: Any = None, n: int = 10000) -> tuple[Any, Any]:
    """Return (angular frequencies, the response) of (num, den), (z, p, k) or (A, B, C, D)."""
    if not varies(list(system) if isinstance(system, Sequence) else [system]):
        found: tuple[Any, Any] = scipy.signal.freqresp(system, w, n)
        return found
    at = n if w is None else w
    if len(system) == 3:
        z, p, k = map(floats, system)
        if w is None:
            w = scipy.signal.freqs_zpk(*(np.asarray(base(v)) for v in (z, p, k)), n)[0]
        return freqs_zpk(z, p, k, w)
    num, den = system if len(system) == 2 else ss2tf(*system)
    return freqs(np.reshape(floats(num), -1), den, at)


def bode(system: Any, w: Any = None, n: int = 100) -> tuple[Any, Any, Any]:
    """Return (angular frequencies, decibels, degrees) of the response of a system.

    >>> bode(([1.0], [1.0, 1.0]), [1.0])[1:]
    (array([-3.01029996]), array([-45.]))
    """
    w, h = freqresp(system, w, n)
    decibels = 10.0 / math.log(10.0) * np.log(h.real * h.real + h.imag * h.imag)
    return w, decibels, np.unwrap(np.arctan2(h.imag, h.real)) * (180.0 / math.pi)


def group_delay(
    system: tuple[Any, Any], w: Any = 512, whole: bool = False, fs: float = 2 * math.pi
) -> tuple[Any, Any]:
    """Return (frequencies, -dphase/dw) of a filter (b, a), which is not plain, without poles there.

    J. O. Smith, Introduction to Digital Filters: numerical computation of group delay.
    """
    if not varies(list(system)):
        found: tuple[Any, Any] = scipy.signal.group_delay(system, w, whole, fs)
        return found
    b, a = (np.atleast_1d(floats(v)) for v in system)
    if isinstance(w, int):
        w = np.linspace(0, (2 if whole else 1) * math.pi, w, endpoint=False)
    else:
        w = np.atleast_1d(np.asarray(w, dtype=float)) * (2 * math.pi / fs)
    c = convolve(b, np.conj(a[::-1]))
    turns = np.exp(-1j * np.outer(w, np.arange(np.size(c))))
    delays = np.real((turns @ (c * np.arange(np.size(c)))) / (turns @ c)) - np.size(a) + 1
    return w * (fs / (2 * math.pi)), delays


def czt(x: Any, m: Any = None, w: Any = None, a: Any = 1 + 0j, *, axis: int = -1) -> Any:
    """Return Σ x_n (a w^-k)^-n, k = 0..m-1: the z-transform along a spiral."""
    x = np.moveaxis(floats(x), axis, -1)
    m = np.shape(x)[-1] if m is None else m
    w = np.exp(-2j * math.pi / m) if w is None else w
    k, n = np.arange(m)[:, None], np.arange(np.shape(x)[-1])
    return np.moveaxis(x @ np.transpose(a ** -(1.0 * n) * w ** (1.0 * k * n)), -1, axis)


def zoom_fft(
    x: Any, fn: Any, m: Any = None, *, fs: float = 2, endpoint: bool = False, axis: int = -1
) -> Any:
    """Return the Fourier transform at m frequencies between those of fn (from zero to it)."""
    low, high = (0.0, fn) if np.ndim(fn) == 0 else fn
    m = np.shape(x)[axis] if m is None else m
    step = (high - low) / (m - 1 if endpoint else m) / fs
    turn = np.exp(-2j * math.pi * step)
    return czt(x, m, turn, np.exp(2j * math.pi * low / fs), axis=axis)


def vectorstrength(events: Any, period: Any) -> tuple[Any, Any]:
    """Return the modulus and the angle of the mean of e^(2πi events/period)."""
    turns = 2j * math.pi * floats(events)
    if np.ndim(period) == 0:
        mean = np.mean(np.exp(turns / period))
    else:
        mean = np.mean(np.exp(turns / np.expand_dims(floats(period), -1)), axis=-1)
    return np.abs(mean), np.angle(mean)


# ------------------------------------------------------------------ in time
def _times(name: str, system: Any, T: Any, N: Any) -> Any:
    if T is not None:
        return np.asarray(T, dtype=float)
    plain = tuple(np.asarray(base(floats(v))) for v in system)
    return getattr(scipy.signal, name)(plain, N=N)[0]


def impulse(system: Any, X0: Any = None, T: Any = None, N: Any = None) -> tuple[Any, Any]:
    """Return (times, the response to an impulse) of a system with one input."""
    a, b, c, d = matrices("impulse", system)
    times = _times("impulse", system, T, N)
    start = np.reshape(b, -1) if X0 is None else np.reshape(b, -1) + floats(X0)
    return times, lsim((a, b, c, d), None, times, start, interp=False)[1]


def step(system: Any, X0: Any = None, T: Any = None, N: Any = None) -> tuple[Any, Any]:
    """Return (times, the response to an input of one) of a system with one input."""
    times = _times("step", system, T, N)
    found = lsim(matrices("step", system), np.ones(len(times)), times, X0, interp=False)
    return times, found[1]


def dlsim(system: Any, u: Any, t: Any = None, x0: Any = None) -> tuple[Any, ...]:
    """Return (times, outputs) and, of (A, B, C, D, dt), states for inputs u at all steps."""
    if t is not None:
        raise TypeError("dlsim of what varies takes inputs at all steps, no times")
    *form, dt = system
    a, b, c, d = matrices("dlsim", tuple(form))
    u = floats(u)
    u = np.reshape(u, (-1, 1)) if np.ndim(u) == 1 else u
    n = np.shape(u)[0]
    states: list[Any] = [np.zeros(np.shape(a)[0]) if x0 is None else floats(x0)]
    for k in range(n - 1):
        states.append(a @ states[-1] + b @ u[k])
    x = np.stack(states[: max(n, 1)])
    found = np.arange(n) * float(dt), x @ np.transpose(c) + u @ np.transpose(d)
    return (*found, x) if len(form) == 4 else found


def _inputs(system: Any, n: Any, x0: Any, make: Any) -> tuple[Any, tuple[Any, ...]]:
    count = np.shape(matrices("dlsim", tuple(system[:-1]))[1])[1]
    runs = [
        dlsim(system, np.outer(make(100 if n is None else n), np.eye(count)[i]), x0=x0)
        for i in range(count)
    ]
    return runs[0][0], tuple(run[1] for run in runs)


def dimpulse(system: Any, x0: Any = None, t: Any = None, n: Any = None) -> tuple[Any, Any]:
    """Return (times, the outputs after an impulse in each input)."""
    return _inputs(system, n if t is None else len(t), x0, lambda n: np.eye(1, n)[0])


def dstep(system: Any, x0: Any = None, t: Any = None, n: Any = None) -> tuple[Any, Any]:
    """Return (times, the outputs for a step in each input)."""
    return _inputs(system, n if t is None else len(t), x0, np.ones)
