"""scipy.signal.windows in their parameters; those without any are SciPy's own.

A window of M points is taken at n = 0, ..., M - 1; one that is not symmetric is that of M + 1
points without the last (F. J. Harris, Proc. IEEE 66 (1978) 51).

>>> import taylor
>>> taylor.jacobian(lambda beta: kaiser(3, beta), 2.0).round(6) + 0.0
array([-0.306097,  0.      , -0.306097])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.signal

from taylor.core import functions as fn
from taylor.core.operand import as_array
from taylor.scipy import special
from taylor.scipy.theirs import of_plain, varies

__all__ = [
    "exponential", "gaussian", "general_cosine", "general_gaussian", "general_hamming",
    "get_window", "kaiser", "tukey",
]  # fmt: skip


def _window(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Return the window of formula(n - (M - 1)/2, (M - 1)/2, ...); of plain numbers SciPy's."""
    theirs = getattr(scipy.signal.windows, formula.__name__)

    def window(M: int, *args: Any, sym: bool = True, **kwargs: Any) -> Any:
        if not any(map(varies, (*args, *kwargs.values()))) or M < 2:
            return theirs(M, *args, sym=sym, **kwargs)
        last = M - sym
        return formula(np.arange(M) - last / 2, last / 2, *args, **kwargs)

    window.__name__ = window.__qualname__ = formula.__name__
    window.__doc__ = formula.__doc__
    return window


@_window
def kaiser(n: Any, half: float, beta: Any) -> Any:
    """Return kaiser(M, beta, *, sym=True): I₀(beta √(1 - (n/half)²))/I₀(beta)."""
    root = np.sqrt(np.clip(1 - (n / half) ** 2, 0.0, 1.0))
    beta = as_array(beta)
    return special.i0e(beta * root) / special.i0e(beta) * fn.exp(abs(beta) * (root - 1))


@_window
def gaussian(n: Any, half: float, std: Any) -> Any:
    """Return gaussian(M, std, *, sym=True): exp(-½ (n/std)²)."""
    return fn.exp(-0.5 * (n / as_array(std)) ** 2)


@_window
def general_gaussian(n: Any, half: float, p: Any, sig: Any) -> Any:
    """Return general_gaussian(M, p, sig, *, sym=True): exp(-½ |n/sig|^(2p))."""
    ratio = abs(np.where(n == 0, 1.0, n) / as_array(sig))
    return np.where(n == 0, 1.0, fn.exp(-0.5 * ratio ** (2 * as_array(p))))


@_window
def exponential(n: Any, half: float, center: Any = None, tau: Any = 1.0) -> Any:
    """Return exponential(M, center=None, tau=1.0, *, sym=True): exp(-|n - center|/tau)."""
    return fn.exp(-abs(n if center is None else n + half - as_array(center)) / as_array(tau))


@_window
def general_cosine(n: Any, half: float, a: Any) -> Any:
    """Return general_cosine(M, a, *, sym=True): Σ_k a_k cos(π k n/half)."""
    a = as_array(a)
    return np.cos(np.outer(n, np.arange(len(a))) * (math.pi / half)) @ a


@_window
def general_hamming(n: Any, half: float, alpha: Any) -> Any:
    """Return general_hamming(M, alpha, *, sym=True): alpha + (1 - alpha) cos(π n/half)."""
    return as_array(alpha) + (1 - as_array(alpha)) * np.cos(n * (math.pi / half))


@_window
def tukey(n: Any, half: float, alpha: Any = 0.5) -> Any:
    """Return tukey(M, alpha=0.5, *, sym=True): flat, with cosines over that part of it."""
    alpha = as_array(alpha)
    into = (half - abs(n)) / (half * alpha)  # 1 where it is flat
    edge = into < 1
    return np.where(edge, 0.5 - 0.5 * fn.cos(math.pi * np.where(edge, into, 0.5)), 1.0)


def get_window(window: Any, Nx: int, fftbins: bool = True) -> Any:
    """Return the window of a name, of (name, parameters ...), or a number: Kaiser's beta."""
    if not varies(window):
        return scipy.signal.windows.get_window(window, Nx, fftbins)
    name, *args = window if isinstance(window, (tuple, list)) else ("kaiser", window)
    found = globals().get(name) if name in __all__ else None
    if found is None:
        raise TypeError(f"the window {name!r} has no parameter that may vary")
    return found(Nx, *args, sym=not fftbins)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        return of_plain(getattr(scipy.signal.windows, name), f"taylor.scipy.signal.windows.{name}")
