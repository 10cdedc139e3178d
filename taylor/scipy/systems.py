"""Linear systems of scipy.signal: responses, forms of filters, discrete time, simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.signal

from taylor.errors import ShapeMismatch
from taylor.linalg import expm, solve
from taylor.numbers.kinds import base, is_operand
from taylor.scipy.filters import convolve, lfilter, sections
from taylor.scipy.given import floats
from taylor.scipy.theirs import varies

__all__ = [
    "bilinear", "cont2discrete", "deconvolve", "freqs", "freqs_zpk", "freqz", "freqz_sos",
    "freqz_zpk", "lsim", "normalize", "sos2tf", "sosfreqz", "ss2tf", "tf2ss", "zpk2ss", "zpk2tf",
]  # fmt: skip


# ------------------------------------------------------------------ responses
def _frequencies(worN: Any, whole: bool, fs: float) -> Any:
    """Return angles on the unit circle."""
    if isinstance(worN, int):
        return np.linspace(0, 2 * math.pi if whole else math.pi, worN, endpoint=False)
    return np.asarray(worN, dtype=float) * (2 * math.pi / fs)


def freqz(
    b: Any, a: Any = 1, worN: Any = 512, whole: bool = False, *, fs: float = 2 * math.pi
) -> tuple[Any, Any]:
    """Return (frequencies, the response Σ b_k e^(-ikw)/Σ a_k e^(-ikw)) of a filter."""
    b, a = (np.reshape(floats(v), -1) for v in (b, a))
    w = _frequencies(worN, whole, fs)

    def value(c: Any) -> Any:
        angles = np.outer(w, np.arange(np.size(c)))
        return np.matmul(np.cos(angles), c) - 1j * np.matmul(np.sin(angles), c)

    return w * (fs / (2 * math.pi)), value(b) / value(a)


def freqz_sos(
    sos: Any, worN: Any = 512, whole: bool = False, *, fs: float = 2 * math.pi
) -> tuple[Any, Any]:
    """Return (frequencies, the response) of sections of second order: the product of theirs."""
    found = [freqz(row[:3], row[3:], worN, whole, fs=fs) for row in sections(sos)]
    return found[0][0], math.prod(h for _, h in found)


sosfreqz = freqz_sos


def freqz_zpk(
    z: Any, p: Any, k: Any, worN: Any = 512, whole: bool = False, *, fs: float = 2 * math.pi
) -> tuple[Any, Any]:
    """Return (frequencies, the response k Π(e^(iw) - z)/Π(e^(iw) - p)) of zeros and poles."""
    w = _frequencies(worN, whole, fs)
    return w * (fs / (2 * math.pi)), _of_roots(np.exp(1j * w), z, p, k)


def _of_roots(at: Any, z: Any, p: Any, k: Any) -> Any:
    up, down = (np.prod(at[:, None] - np.reshape(floats(v), (1, -1)), axis=-1) for v in (z, p))
    return floats(k) * up / down


def freqs(b: Any, a: Any, worN: Any = 200) -> tuple[Any, Any]:
    """Return (angular frequencies, the response b(iw)/a(iw)) of a filter in continuous time.

    >>> freqs([1.0], [1.0, 1.0], [1.0])[1]
    array([0.5-0.5j])
    """
    b, a = (np.reshape(floats(v), -1) for v in (b, a))
    if isinstance(worN, int):
        worN = scipy.signal.findfreqs(np.asarray(base(b)), np.asarray(base(a)), worN)
    w = np.atleast_1d(np.asarray(worN, dtype=float))

    def value(c: Any) -> Any:
        powers = np.arange(np.size(c))[::-1]
        turned = w[:, None] ** powers * np.array([1, 1j, -1, -1j])[powers % 4]
        return np.matmul(turned.real, c) + 1j * np.matmul(turned.imag, c)

    return w, value(b) / value(a)


def freqs_zpk(z: Any, p: Any, k: Any, worN: Any) -> tuple[Any, Any]:
    """Return (angular frequencies, the response k Π(iw - z)/Π(iw - p)) of zeros and poles."""
    w = np.atleast_1d(np.asarray(worN, dtype=float))
    return w, _of_roots(1j * w, z, p, k)


# ------------------------------------------------------------------ forms of filters
def zpk2tf(z: Any, p: Any, k: Any) -> tuple[Any, Any]:
    """Return the coefficients of k Π(x - z) and of Π(x - p).

    >>> zpk2tf([1.0], [0.5, 0.2], 2.0)
    (array([ 2., -2.]), array([ 1. , -0.7,  0.1]))
    """
    return floats(k) * _polynomial(z), _polynomial(p)


def _polynomial(roots: Any) -> Any:
    roots = np.reshape(floats(roots), -1)
    if not is_operand(roots):
        return np.atleast_1d(np.poly(roots))
    c: Any = np.ones(1)
    for i in range(np.size(roots)):
        c = np.concatenate([c, np.zeros(1)]) - roots[i] * np.concatenate([np.zeros(1), c])
    return c


def bilinear(b: Any, a: Any, fs: float = 1.0) -> tuple[Any, Any]:
    """Return the filter in discrete time with s = 2 fs (z - 1)/(z + 1), a_0 = 1.

    >>> bilinear([1.0], [1.0, 1.0], 0.5)[0]
    array([0.5, 0.5])
    """
    b, a = (np.reshape(floats(v), -1) for v in (b, a))
    n = max(np.size(a), np.size(b)) - 1
    up = np.array([np.poly(np.r_[np.ones(m), -np.ones(n - m)]) for m in range(n + 1)])
    of_powers = up * (2.0 * fs) ** np.arange(n + 1)[:, None]
    b, a = (np.matmul(c[::-1], of_powers[: np.size(c)]) for c in (b, a))
    return b / a[0], a / a[0]


def normalize(b: Any, a: Any) -> tuple[Any, Any]:
    """Return b/a_0 and a/a_0; of plain numbers without leading zeros."""
    if not varies([b, a]):
        found: tuple[Any, Any] = scipy.signal.normalize(b, a)
        return found
    b, a = np.atleast_1d(floats(b)), np.atleast_1d(floats(a))
    return b / a[0], a / a[0]


def sos2tf(sos: Any) -> tuple[Any, Any]:
    """Return the numerator and denominator of sections of second order, their products."""
    rows = sections(sos)
    b, a = rows[0][:3], rows[0][3:]
    for row in rows[1:]:
        b, a = convolve(b, row[:3]), convolve(a, row[3:])
    return b, a


def ss2tf(A: Any, B: Any, C: Any, D: Any, input: int = 0) -> tuple[Any, Any]:
    """Return the numerators and det(s - A) of the transfer function of an input to all outputs.

    >>> ss2tf([[-2.0]], [[1.0]], [[3.0]], [[0.0]])
    (array([[0., 3.]]), array([1., 2.]))
    """
    a, b, c, d = (np.atleast_2d(floats(v)) for v in (A, B, C, D))
    b, d, den = b[:, input : input + 1], d[:, input], np.poly(a)
    rows = [np.poly(a - b * c[k]) + (d[k] - 1) * den for k in range(np.shape(c)[0])]
    return np.stack(rows), den


def tf2ss(num: Any, den: Any) -> tuple[Any, Any, Any, Any]:
    """Return (A, B, C, D) of a transfer function, in the form of a controller.

    >>> tf2ss([1.0], [1.0, 2.0])
    (array([[-2.]]), array([[1.]]), array([[1.]]), array([[0.]]))
    """
    num, den = normalize(num, den)
    num = np.atleast_2d(num)
    n = np.size(den) - 1
    if np.shape(num)[1] > n + 1:
        raise ValueError("Improper transfer function. `num` is longer than `den`.")
    num = np.concatenate([np.zeros((np.shape(num)[0], n + 1 - np.shape(num)[1])), num], axis=1)
    first = num[:, :1]
    a = np.concatenate([-np.reshape(den[1:], (1, n)), np.eye(max(n - 1, 0), n)])[:n]
    return a, np.eye(n, 1), num[:, 1:] - first * den[1:], first


def zpk2ss(z: Any, p: Any, k: Any) -> tuple[Any, Any, Any, Any]:
    """Return (A, B, C, D) of zeros, poles and the gain."""
    return tf2ss(*zpk2tf(z, p, k))


def deconvolve(signal: Any, divisor: Any) -> tuple[Any, Any]:
    """Return (quotient, remainder) of the division of polynomials.

    >>> deconvolve([1.0, 3.0, 2.0], [1.0, 1.0])
    (array([1., 2.]), array([0., 0., 0.]))
    """
    num, den = (np.reshape(floats(v), -1) for v in (signal, divisor))
    count = np.size(num) - np.size(den) + 1
    if count < 1:
        return np.zeros(0), num
    quotient = lfilter(num, den, np.eye(1, count)[0])
    return quotient, num - convolve(den, quotient)


# ------------------------------------------------------------------ in time
def matrices(name: str, system: Any) -> list[Any]:
    """Return the matrices of x' = A x + B u, y = C x + D u."""
    if isinstance(system, Sequence) and len(system) in (2, 3):
        system = (tf2ss if len(system) == 2 else zpk2ss)(*system)
    if not (isinstance(system, Sequence) and len(system) == 4):
        raise TypeError(
            f"{name} takes a system as (num, den), (z, p, k) or its matrices (A, B, C, D) here"
        )
    return [np.atleast_2d(floats(v)) for v in system]


def _held(a: Any, b: Any, dt: Any) -> tuple[Any, Any]:
    """Return the parts of exp [[a, b], [0, 0]] dt: the state after an input that stays."""
    n, m = np.shape(b)
    whole = np.concatenate([np.concatenate([a, b], axis=1), np.zeros((m, n + m))])
    made = expm(whole * dt)
    return made[:n, :n], made[:n, n:]


def _ramped(a: Any, b: Any, dt: Any) -> tuple[Any, Any, Any]:
    """Return the state after an input that grows, as parts of its state, start and growth."""
    n, m = np.shape(b)
    rows = [
        np.concatenate([a * dt, b * dt, np.zeros((n, m))], axis=1),
        np.concatenate([np.zeros((m, n + m)), np.eye(m)], axis=1), np.zeros((m, n + 2 * m)),
    ]  # fmt: skip
    made = expm(np.concatenate(rows))
    return made[:n, :n], made[:n, n : n + m], made[:n, n + m :]


SHARES = {"bilinear": 0.5, "tustin": 0.5, "euler": 0.0, "forward_diff": 0.0, "backward_diff": 1.0}


def cont2discrete(
    system: Any, dt: Any, method: str = "zoh", alpha: float | None = None
) -> tuple[Any, ...]:
    """Return (A, B, C, D, dt) in discrete time of the matrices (A, B, C, D) of a system.

    method: "zoh", "foh", "impulse", "gbt" with alpha, or one of those of its values of alpha.

    >>> cont2discrete(([[0.0]], [[1.0]], [[1.0]], [[0.0]]), 0.5)[1]
    array([[0.5]])
    """
    a, b, c, d = matrices("cont2discrete", system)
    dt, share = floats(dt), SHARES.get(method, alpha)
    if method in (*SHARES, "gbt") and share is not None and 0 <= share <= 1:
        one = np.eye(np.shape(a)[0])
        implicit = one - share * dt * a
        made, given = solve(implicit, one + (1 - share) * dt * a), solve(implicit, dt * b)
        turned = np.transpose(solve(np.transpose(implicit), np.transpose(c)))
        return made, given, turned, d + share * c @ given, dt
    if method == "zoh":
        return *_held(a, b, dt), c, d, dt
    if method == "foh":
        made, start, growth = _ramped(a, b, dt)
        return made, start - growth + made @ growth, c, d + c @ growth, dt
    if method == "impulse":
        made = expm(a * dt)
        return made, made @ b * dt, c, c @ b * dt, dt
    raise ValueError(
        f"method is 'zoh', 'foh', 'impulse', {', '.join(map(repr, SHARES))} or 'gbt' with alpha "
        f"in [0, 1], not {method!r}"
    )


def lsim(system: Any, U: Any, T: Any, X0: Any = None, interp: bool = True) -> tuple[Any, Any, Any]:
    """Return (T, outputs, states) of (A, B, C, D) with the inputs U at plain equidistant times T.

    Between times the inputs are linear, or constant without interp.
    """
    a, b, c, d = matrices("lsim", system)
    times, (n, m) = np.asarray(T, dtype=float), np.shape(b)
    steps = np.diff(times)
    if times.ndim != 1 or times[0] < 0 or not np.allclose(steps, steps[:1]):
        raise ValueError("lsim takes a vector of equidistant times that are not negative")
    u = np.zeros((len(times), m)) if U is None else np.reshape(floats(U), (-1, m))
    if np.shape(u)[0] != len(times):
        raise ShapeMismatch(f"lsim: inputs of shape {np.shape(U)} for {len(times)} times")
    dt = steps[0] if len(steps) else 0.0
    made, start, growth = _ramped(a, b, dt) if interp else (*_held(a, b, dt), np.zeros((n, m)))
    moved = u[:-1] @ np.transpose(start) + (u[1:] - u[:-1]) @ np.transpose(growth)
    x = np.zeros(n) if X0 is None else np.reshape(floats(X0), n)
    states = [expm(a * times[0]) @ x if times[0] else x]
    for i in range(len(steps)):
        states.append(made @ states[-1] + moved[i])
    x = np.stack(states)
    y = x @ np.transpose(c) + u @ np.transpose(d)
    return times, np.squeeze(y), np.squeeze(x)
