"""Collocation at the points of Radau, of high order: implicit steps for stiff problems.

With s points c_i (c_s = 1), and A_ij the integral of Lagrange polynomial j up to c_i, the stages
y + Z_i of a step h are

    Z = h A f(t + c h, y + Z),        y(t + h) = y + Z_s,

of order 2s - 1 at the end and s + 1 in between, L-stable for every s.  With A = T diag(μ) T⁻¹ a
Newton correction of Z is T (1 - h μ_i J)⁻¹ T⁻¹ of the residual: one matrix of the size of y for
each μ_i, of a pair of them for one.  A step is judged by the error of a formula of order s,
(1 - h μ_0 J)⁻¹ (μ_0 h f(t, y) + e·Z) with the real μ_0, which is about that of the polynomial
through the stages; at the end it is much smaller.  (Hairer & Wanner, Solving Ordinary Differential
Equations II, 1996, section IV.8, and Stiff differential equations solved by Radau methods, J.
Comput. Appl. Math. 111, 1999.)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.patterns import matrices
from taylor.numbers.kinds import private

Array = NDArray[Any]
Jacobian = Callable[[float, Array], Any]
EPS = 2.0**-52
BITS = 170  # with which the numbers of the method are made
POINTS = ((1e-7, 5), (1e-11, 7), (0.0, 9))  # for relative tolerances from there on
EXACT = 1e-3  # of the tolerance: the error that Newton's iteration may leave
SLOW, LONGER = 1e-3, 1.2  # its rate with which J is made anew; growth of a step worth new factors
LEAST, MOST, SAFE = 0.2, 8.0, 0.9  # factors of steps
# numbers multiplied, and columns of SuperLU, at a time: for more BLAS would wake its threads
WORK, COLUMNS = 1 << 16, 8


def by_columns(f: Callable[[Array], Array], b: Array, count: int) -> Array:
    """Return f of a matrix, or of some, taken so many columns at a time."""
    parts = [f(b[..., i : i + count]) for i in range(0, max(1, b.shape[-1]), count)]
    return np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def times(a: Array, b: Array) -> Array:
    """Return the product of two matrices."""
    count = max(1, WORK // max(1, a.shape[-1] * a.shape[-2]))
    return a @ b if b.shape[-1] <= count else by_columns(a.__matmul__, b, count)


# ------------------------------------------------------------------ the method with s points
class Tableau(NamedTuple):
    """The numbers of the method with s points, and of each pair of eigenvalues of A one."""

    c: Array
    a: Array
    mu: Array  # eigenvalues of A, the real one first
    into: Array  # rows of T⁻¹
    back: Array  # columns of T, those of pairs twice
    error: Array  # e
    powers: Array  # takes Z to the coefficients 1, ..., s of the polynomial through them


@functools.cache
def tableau(s: int) -> Tableau:
    """Return the numbers of the method with s points, s odd.

    >>> tableau(3).c.round(6), tableau(3).mu[0].real.round(6)
    (array([0.155051, 0.644949, 1.      ]), np.float64(0.274889))
    """
    mp = private(BITS)  # another thread may be at work with mpmath's own, or use it later
    left, right = (mp.taylor(lambda x, n=n: mp.legendre(n, 2 * x - 1), 0, s) for n in (s, s - 1))
    coefs = [a - b for a, b in zip(left, right, strict=True)][::-1]
    found = mp.polyroots(coefs, maxsteps=500, extraprec=2 * BITS)
    c = sorted(mp.re(r) for r in found)
    powers = mp.matrix([[x**k for k in range(1, s + 1)] for x in c])
    slopes = mp.matrix([[k * x ** (k - 1) for k in range(1, s + 1)] for x in c])
    a = powers * slopes**-1
    mu, t = mp.eig(a)
    order = sorted(range(s), key=lambda i: abs(mp.im(mu[i])))
    kept = [order[0], *(i for i in order[1:] if mp.im(mu[i]) > 0)]
    # weights beside μ_0 at 0 that are right for 1, x, ..., x^(s-1)
    moments = mp.matrix([mp.mpf(1) / k for k in range(1, s + 1)])
    moments[0] -= mp.re(mu[kept[0]])
    values = mp.matrix([[x**k for k in range(s)] for x in c])
    weights = values.T**-1 * moments - a[s - 1, :].T
    back, into = _numbers(t)[:, kept], _numbers(t**-1)[kept]
    back[:, 1:] *= 2
    eigenvalues = np.array([complex(mu[i]) for i in kept])
    error, inverse = (_numbers(x).real for x in (a.T**-1 * weights, powers**-1))
    return Tableau(
        np.array(c, float), _numbers(a).real, eigenvalues, into, back, error[:, 0], inverse
    )


def _numbers(m: Any) -> Array:
    return np.array(m.tolist(), dtype=complex)


# ------------------------------------------------------------------ steps
class Collocation:
    """Steps of y' = fun(t, y) from t to t_bound, with the interface of SciPy's solvers.

    `jac(t, y)` is the matrix of each block of the state; a column of `places` holds the places of
    a block in it, the first those of y (see `methods.Blocks`; without it y is all there is).  Rates
    of what is in no block do not depend on itself.
    """

    def __init__(
        self,
        fun: Callable[[float, Array], Array],
        t: float,
        y: Array,
        t_bound: float,
        *,
        rtol: Any,
        atol: Any,
        jac: Jacobian,
        places: Array | None = None,
        max_step: float = math.inf,
        first_step: float | None = None,
    ) -> None:
        if y.dtype.kind == "c":
            raise TypeError("a complex state by an implicit method: give its parts in y0")
        self.fun, self.jac, self.max_step = fun, jac, max_step
        self.t, self.y, self.t_bound, self.t_old = t, y, t_bound, t
        self.rtol, self.atol = np.maximum(rtol, 100 * EPS), atol
        self.places = np.arange(y.size)[:, None] if places is None else places
        self.s = next(s for least, s in POINTS if np.min(self.rtol) >= least)
        self.table = tableau(self.s)
        self.exact = max(10 * EPS / float(np.min(self.rtol)), EXACT)
        self.most = 2 * self.s + 1  # iterations
        self.nfev = self.njev = self.nlu = 0
        self.status = "finished" if t == t_bound else "running"
        self.direction = 1.0 if t_bound >= t else -1.0
        self.coef: Array | None = None  # of the last step: those of (time - t_old)/h
        self.h, self.error = 0.0, 1.0  # of the last step, in tolerances
        self.apart = 0.0  # and the largest error of a component
        self.theta = 1.0  # the rate of its Newton iteration
        self.factors: Any = None
        self.factors_of = 0.0  # their step; 0 if there are none
        self._at(t, y)
        self._linearize()
        self.next = self.direction * (self._first() if first_step is None else first_step)

    def _rate(self, t: float, y: Array) -> Array:
        self.nfev += 1
        return self.fun(t, y)

    def _at(self, t: float, y: Array) -> None:
        self.t, self.y, self.f, self.fresh = t, y, self._rate(t, y), False
        self.large = np.abs(y)

    def _linearize(self) -> None:
        """Take the Jacobian of the present place."""
        self.njev += 1
        self.matrix, self.fresh = self.jac(self.t, self.y[self.places[:, 0]]), True
        self.factors_of = 0.0

    def _size(self, x: Array, y: Array) -> float:
        """Return how large x, or the largest row of it, is in tolerances."""
        scaled = x / (self.atol + self.rtol * np.maximum(self.large, np.abs(y)))
        return math.sqrt(np.vecdot(scaled, scaled).max() / x.shape[-1]) if x.size else 0.0

    def _first(self) -> float:
        """Return a first step, short enough for one of order s to have an error of tolerance.

        (Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, section II.4.)
        """
        y, slope = self._size(self.y, self.y), self._size(self.f, self.y)
        h = 1e-6 if y < 1e-5 or slope < 1e-5 else 0.01 * y / slope
        h = min(h, abs(self.t_bound - self.t), self.max_step) or 1.0
        there = self._rate(self.t + self.direction * h, self.y + self.direction * h * self.f)
        largest = max(slope, self._size(there - self.f, self.y) / h)
        other = (0.01 / largest) ** (1 / (self.s + 1)) if largest > 1e-15 else max(1e-6, h * 1e-3)
        return min(100 * h, other)

    def _factorize(self, h: float) -> None:
        """Invert the matrices 1 - h μ J."""
        self.nlu += 1
        n, mu = len(self.places), h * self.table.mu
        if hasattr(self.matrix, "toarray"):
            from scipy.sparse.linalg import splu

            one, matrix = matrices().eye_array(n), matrices().csc_array(self.matrix)
            self.factors = [splu(matrices().csc_array(one - m * matrix)) for m in mu]
        else:
            self.factors = np.linalg.inv(np.eye(n) - mu[:, None, None] * self.matrix)
        self.factors_of = h

    def _solved(self, b: Array) -> Array:
        """Return what 1 - h μ_i J takes to row i of b, of the first rows."""
        found = b.astype(complex)
        blocks = found[:, self.places]
        if isinstance(self.factors, np.ndarray):
            found[:, self.places] = times(self.factors[: len(b)], blocks)
        else:
            for i, x in enumerate(blocks):
                found[i, self.places] = by_columns(self.factors[i].solve, x, COLUMNS)
        return found

    def _begun(self, h: float) -> Array:
        """Return the stages as the polynomial of the last step goes on."""
        if self.coef is None:
            return np.zeros((self.s, self.y.size))
        x = 1 + self.table.c * (h / self.h)
        return times(x[:, None] ** np.arange(1, self.s + 1) - 1, self.coef)

    def _newton(self, h: float) -> tuple[Array | None, int]:
        """Return the stages, if the iteration converges, and the number of its steps."""
        if self.factors_of != h:
            self._factorize(h)
        table, z, before = self.table, self._begun(h), 0.0
        at = (self.t + table.c * h).tolist()
        for n in range(1, self.most + 1):
            rates = np.array([self._rate(t, y) for t, y in zip(at, self.y + z, strict=True)])
            if not np.isfinite(rates).all():
                return None, n
            residual = h * times(table.a, rates) - z
            change = times(table.back, self._solved(times(table.into, residual))).real
            z, size = z + change, self._size(change, self.y + z[-1])
            theta = size / before if before else 0.0
            if size == 0 or (theta < 1 and before and theta / (1 - theta) * size <= self.exact):
                self.theta = theta
                return z, n
            left = theta ** (self.most - n) / (1 - theta) * size if theta < 1 else math.inf
            if before and left > self.exact:
                return None, n
            before = size
        return None, self.most

    def _error(self, h: float, z: Array, again: bool) -> float:
        """Return the error of a step in tolerances."""
        last, mu = self.y + z[-1], h * self.table.mu[0].real
        stages = self.table.error @ z
        error = self._solved((stages + mu * self.f)[None])[0].real
        if again and self._size(error, last) > 1:  # its stiff part may be too large
            f = self._rate(self.t, self.y + error)
            error = self._solved((stages + mu * f)[None])[0].real
        # where rates are stiff the polynomial is worse: about as its part in Legendre's of degree s
        top = self.table.powers[-1] @ z / math.comb(2 * self.s, self.s)
        self.apart = float(np.max(np.maximum(np.abs(error), np.abs(top)), initial=0.0))
        return max(self._size(error, last), self._size(top, last))

    def _within(self, h: float) -> float:
        """Return a step that does not go beyond the end, nor leaves a very short one to it."""
        left, length = abs(self.t_bound - self.t), min(abs(h), self.max_step)
        if length < left < 2 * length:
            length = left / 2
        return self.direction * min(length, left)

    def step(self) -> str | None:
        """Take a step; return why there is none."""
        h, again = self._within(self.next), self.coef is None
        while abs(h) > 10 * np.spacing(abs(self.t)) or self.t + h == self.t_bound:
            z, count = self._newton(h)
            if z is None:
                if self.fresh:
                    h = h / 2
                else:
                    self._linearize()
                continue
            error = max(self._error(h, z, again), EPS)
            growth = SAFE * (2 * self.most + 1) / (2 * self.most + count)
            growth *= error ** (-1 / (self.s + 1)) * self._trend(h, error)
            if error <= 1:
                self._accept(h, z, error, min(growth, MOST), count)
                return None
            h, again = self._within(h * max(growth, LEAST)), True
        self.status = "failed"
        return "steps have become as short as times can be told apart"

    def _trend(self, h: float, error: float) -> float:
        """Return by how much errors grow beyond what is due to the step (Gustafsson)."""
        if self.coef is None:
            return 1.0
        return min(1.0, float(h / self.h * (self.error / error) ** (1 / (self.s + 1))))

    def _accept(self, h: float, z: Array, error: float, growth: float, count: int) -> None:
        end = self.t_bound if h == self.t_bound - self.t else self.t + h
        self.coef, self.t_old, self.h, self.error = times(self.table.powers, z), self.t, h, error
        self._at(end, self.y + z[-1])
        if end == self.t_bound:
            self.status = "finished"
        elif self.theta > SLOW and count > 2:
            self._linearize()
        same = self.factors_of == h and 1 <= growth <= LONGER
        self.next = h if same else h * growth

    def dense_output(self) -> Array:
        """Return the coefficients of the last step about its start, all but that of degree 0."""
        assert self.coef is not None
        return np.asarray(self.coef / self.h ** np.arange(1, self.s + 1)[:, None])
