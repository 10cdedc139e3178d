"""Waveforms of scipy.signal as functions of time and of their frequencies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from taylor.core.functions import log1prel
from taylor.core.operand import as_array

__all__ = ["chirp", "gauss_spline", "gausspulse", "sawtooth", "sweep_poly"]


def sawtooth(t: Any, width: Any = 1.0) -> Any:
    """Return a wave of period 2π that rises from -1 to 1 in that part of it, and falls again.

    >>> sawtooth(np.pi / 2).round(12)
    np.float64(-0.5)
    """
    width = as_array(width)
    t = np.mod(as_array(t), 2 * math.pi) / (2 * math.pi)
    rising = t < width
    up = 2 * t / np.where(rising, width, 1.0) - 1
    down = (width + 1 - 2 * t) / (1 - np.where(rising, 0.0, width))
    within = width * (1 - width) >= 0
    return np.where(within, np.where(rising, up, down), math.nan)[()]


def sweep_poly(t: Any, poly: Any, phi: Any = 0) -> Any:
    """Return the cosine whose frequency is a polynomial of time; phi is in degrees."""
    c = as_array(getattr(poly, "coeffs", poly))
    return np.cos(2 * math.pi * np.polyval(np.polyint(c), as_array(t)) + phi * (math.pi / 180))


def gauss_spline(x: Any, n: int) -> Any:
    """Return the Gaussian that is near to the B-spline of order n."""
    spread = (n + 1) / 12.0
    return np.exp(-(as_array(x) ** 2) / (2 * spread)) / math.sqrt(2 * math.pi * spread)


def chirp(
    t: Any, f0: Any, t1: Any, f1: Any, method: str = "linear", phi: Any = 0.0,
    vertex_zero: bool = True,
) -> Any:  # fmt: skip
    """Return a cosine with the frequency f0 at time 0, f1 at t1, and phi degrees at time 0.

    method: "linear", "quadratic" (with its vertex at time 0, or at t1), "logarithmic" or
    "hyperbolic".

    >>> chirp(0.0, 1.0, 2.0, 3.0)
    np.float64(1.0)
    """
    t, f0, t1, f1 = (as_array(v) * 1.0 for v in (t, f0, t1, f1))
    if method in ("linear", "lin", "li"):
        turns = f0 * t + 0.5 * (f1 - f0) / t1 * (t * t)
    elif method in ("quadratic", "quad", "q"):
        rate = (f1 - f0) / t1**2 / 3
        turns = f0 * t + rate * t**3 if vertex_zero else f1 * t + rate * ((t1 - t) ** 3 - t1**3)
    elif method in ("logarithmic", "log", "lo"):
        turns = f0 * t / log1prel(np.expm1(np.log(f1 / f0) / t1 * t))
    elif method in ("hyperbolic", "hyp"):
        turns = f0 * t * log1prel((f0 - f1) / (f1 * t1) * t)
    else:
        raise ValueError(
            f"method is 'linear', 'quadratic', 'logarithmic' or 'hyperbolic', not {method!r}"
        )
    return np.cos(2 * math.pi * turns + math.pi / 180 * phi)


def gausspulse(
    t: Any, fc: Any = 1000.0, bw: Any = 0.5, bwr: Any = -6.0, *, retquad: bool = False,
    retenv: bool = False,
) -> Any:  # fmt: skip
    """Return exp(-a t²) cos(2π fc t), of the bandwidth fc·bw at bwr decibels.

    With retquad or retenv also its quadrature, or its envelope.

    >>> gausspulse(0.0)
    np.float64(1.0)
    """
    t, fc, bw, bwr = (as_array(v) * 1.0 for v in (t, fc, bw, bwr))
    if not (np.all(fc >= 0) and np.all(bw > 0) and np.all(bwr < 0)):
        raise ValueError("gausspulse takes fc >= 0, bw > 0, bwr < 0")
    rate = (math.pi * fc * bw) ** 2 / (bwr * (math.log(10.0) / 5))
    envelope, angle = np.exp(rate * (t * t)), 2 * math.pi * fc * t
    found = [envelope * np.cos(angle)]
    found += [envelope * np.sin(angle)] if retquad else []
    found += [envelope] if retenv else []
    return tuple(found) if len(found) > 1 else found[0]
