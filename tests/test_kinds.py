"""One law for every kind of number: exact stays exact, mpmath at its precision, intervals enclose.

Programs are written once and run by every driver and by sympy, which is the oracle.
"""

import operator
import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import iv, mp, mpf

import hyperdual
import taylor
from taylor import Taylor, TaylorN
from taylor.expand import expand
from taylor.sweep import sweep

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def _loop(step, n, x):
    for _ in range(n):
        x = step(x)
    return x


# name -> (program of a vector of two numbers, of a module with exp and sqrt; whether it is rational)
PROGRAMS = {
    "quotients": (lambda v, m: v[0] / 7 + v[1] * v[0] / 3 - 2 / v[1], True),
    "contraction": (lambda v, m: (v * v) @ (v * v), True),
    "mean": (lambda v, m: np.mean(v * v * v), True),
    "variance": (lambda v, m: np.var(v * v), True),
    "integer data": (lambda v, m: np.sum(np.array([1, 2]) * v * v[0] / np.array([3, 7])), True),
    "boolean data": (lambda v, m: np.sum(m.mask * v * v) / 3, True),
    "einsum": (lambda v, m: (v @ np.array([[1, 2], [3, 4]]) @ v) / 3, True),
    "joined": (lambda v, m: np.mean(np.concatenate([v, m.pair, v[:1] * v[1:]]) / 7), True),
    "powers": (lambda v, m: (v[0] ** 3 / 3 + v[1] ** -2) / 7, True),
    "choice": (lambda v, m: m.where(v > 0, v * v / 7, v).sum() / 3, True),
    "padded": (lambda v, m: (np.triu(m.outer(v, v)) / 3).sum() / 7, True),
    "loop": (lambda v, m: m.loop(lambda s: s * s / 3 + 1, 3, v[0]) * v[1], True),
    "root": (lambda v, m: m.root(v[0] * v[1] / 3), False),
    "determinant": (lambda v, m: m.det(v) / 3, True),
    "solution": (lambda v, m: m.first(v) / 3, True),
    "exp": (lambda v, m: m.exp(v[0] / 7) * v[1] / 3, False),
    "sqrt of a mean": (lambda v, m: m.sqrt(np.mean(v * v)), False),
    "running sums": (lambda v, m: m.exp(np.cumsum(v)[-1] / 3) / 7, False),
}


class Ours:
    """What the programs need, for numbers of the package."""

    exp, sqrt, mask = taylor.exp, taylor.sqrt, np.array([True, False])
    pair = (1, 2)
    where = staticmethod(np.where)
    outer = staticmethod(np.outer)
    root = staticmethod(taylor.implicit_root(lambda x, t: x**2 - t, 1))

    @staticmethod
    def loop(step, n, x):
        return taylor.checkpoint(step, n)(x)

    @staticmethod
    def matrix(v):
        return np.stack([np.stack([v[0] + 2, v[1]]), np.stack([v[1] / 3, v[0] * 0 + 3])])

    @staticmethod
    def det(v):
        return taylor.linalg.det(Ours.matrix(v))

    @staticmethod
    def first(v):
        return taylor.linalg.solve(Ours.matrix(v), v)[0]


class Theirs:
    """The same for sympy."""

    exp, sqrt, root, mask = sympy.exp, sympy.sqrt, sympy.sqrt, np.array([1, 0])
    pair = (sympy.Integer(1), sympy.Integer(2))
    loop = staticmethod(_loop)
    outer = staticmethod(np.multiply.outer)

    @staticmethod
    def where(condition, a, b):
        return a  # the points are positive

    @staticmethod
    def det(v):
        return (v[0] + 2) * 3 - v[1] * v[1] / 3

    @staticmethod
    def first(v):
        return (v[0] * 3 - v[1] * v[1]) / Theirs.det(v)


X, Y = sympy.symbols("x y", positive=True)


def truth(name):
    """Return value, gradient, Hessian and third derivatives of a program as sympy expressions."""
    v = np.array([X, Y], dtype=object)
    f = PROGRAMS[name][0]
    value = f(v, Theirs)
    grad = [sympy.diff(value, s) for s in (X, Y)]
    hess = [[sympy.diff(g, s) for s in (X, Y)] for g in grad]
    third = [[[sympy.diff(h, s) for s in (X, Y)] for h in row] for row in hess]
    return [np.array(e, dtype=object) for e in (value, grad, hess, third)]


TRUTH = {name: truth(name) for name in PROGRAMS}
DIRECTION = [2, 3]


def _swept(f, x):
    tables = [t for t in TaylorN.variables(list(x), 2)]
    joined = np.stack(tables)
    algebra = joined.algebra
    program = expand(taylor.record(f, x))
    table = sweep(program, algebra, [joined.coef])[0]
    return TaylorN._make(table, algebra, joined.tag).gradient()


# name -> (driver, what it gives from value, gradient, Hessian, third derivatives)
DRIVERS = {
    "gradient": (lambda f, x: taylor.gradient(f, x), lambda y, g, h, t: g),
    "value_and_gradient": (lambda f, x: taylor.value_and_gradient(f, x)[0], lambda y, g, h, t: y),
    "jacobian": (lambda f, x: taylor.jacobian(lambda v: f(v) * v, x)[0],
                 lambda y, g, h, t: np.array([g[0] * X + y, g[1] * X])),
    "hessian": (lambda f, x: taylor.hessian(f, x), lambda y, g, h, t: h),
    "tensor": (lambda f, x: taylor.tensor(f, x, 3), lambda y, g, h, t: t),
    "partial": (lambda f, x: taylor.partial(f, x, (2, 1)), lambda y, g, h, t: t[0, 0, 1]),
    "jvp": (lambda f, x: taylor.jvp(f, x, DIRECTION)[1], lambda y, g, h, t: g @ DIRECTION),
    "vjp": (lambda f, x: taylor.vjp(f, x, 5)[1], lambda y, g, h, t: 5 * g),
    "hvp": (lambda f, x: taylor.hvp(f, x, DIRECTION), lambda y, g, h, t: h @ DIRECTION),
    "third": (lambda f, x: taylor.third(f, x, DIRECTION, [1, 0]),
              lambda y, g, h, t: (t @ DIRECTION)[0]),
    "directional": (lambda f, x: taylor.directional(f, x, DIRECTION, 2),
                    lambda y, g, h, t: h @ DIRECTION @ DIRECTION),
    "nested": (lambda f, x: taylor.gradient(lambda v: taylor.jvp(f, v, DIRECTION)[1], x),
               lambda y, g, h, t: h @ DIRECTION),
    "nested forward": (lambda f, x: taylor.jvp(lambda v: taylor.jvp(f, v, DIRECTION)[1], x, [1, 0])[1],
                       lambda y, g, h, t: (h @ DIRECTION)[0]),
    "TaylorN": (lambda f, x: f(np.stack(TaylorN.variables(x, 2))).hessian(), lambda y, g, h, t: h),
    "Taylor": (lambda f, x: f(np.stack([Taylor.variable(x[0], 3), Taylor.constant(x[1], 3)])).derivative(3),
               lambda y, g, h, t: t[0, 0, 0]),
    "hyperdual": (lambda f, x: hyperdual.hessian(f, x), lambda y, g, h, t: h),
    "recorded": (lambda f, x: taylor.record(f, x)(x), lambda y, g, h, t: y),
    "reversed": (lambda f, x: taylor.reverse(taylor.record(f, x))(x, 1)[1], lambda y, g, h, t: g),
    "forwarded": (lambda f, x: taylor.forward(taylor.record(f, x))(x, DIRECTION)[1],
                  lambda y, g, h, t: g @ DIRECTION),
    "swept": (_swept, lambda y, g, h, t: g),
}  # fmt: skip


def run(name, driver, x):
    f = PROGRAMS[name][0]
    found = DRIVERS[driver][0](lambda v: f(v, Ours), x)
    return np.asarray(found, dtype=object).reshape(-1)


def expected(name, driver, point):
    """Return what sympy gives at a point of rational numbers."""
    wanted = np.asarray(DRIVERS[driver][1](*TRUTH[name]), dtype=object).reshape(-1)
    at = {s: sympy.Rational(p.numerator, p.denominator) for s, p in zip((X, Y), point, strict=True)}
    return [sympy.sympify(e).subs(at) for e in wanted]


CASES = [(name, driver) for name in PROGRAMS for driver in DRIVERS]
POINT = (HALF, Fraction(3, 4))


@pytest.mark.parametrize("name, driver", [c for c in CASES if PROGRAMS[c[0]][1]])
def test_exact_stays_exact(name, driver):
    found = run(name, driver, np.array(POINT))
    assert [type(e) for e in found] == [Fraction] * len(found)
    assert [sympy.Rational(e.numerator, e.denominator) for e in found] == expected(
        name, driver, POINT
    )


@pytest.mark.parametrize("name, driver", CASES)
def test_mpmath_stays_at_its_precision(name, driver):
    with mp.workdps(50):
        found = run(name, driver, np.array([mpf(1) / 3, mpf(3) / 4]))
    wanted = expected(name, driver, (THIRD, Fraction(3, 4)))
    assert all(type(e) is mpf for e in found)
    with mp.workdps(60):
        for e, w in zip(found, wanted, strict=True):
            exact = mpf(str(sympy.N(w, 60)))
            assert abs(e - exact) <= mpf(10) ** -45 * (1 + abs(exact))


@pytest.mark.parametrize("name, driver", CASES)
def test_intervals_enclose(name, driver):
    if name == "root":
        return
    wide = iv.mpf([0.5, 0.5625]), iv.mpf([0.75, 0.8125])
    found = run(name, driver, np.array(wide, dtype=object))
    rng = random.Random(0)
    for _ in range(3):
        point = [
            Fraction(0.5) + Fraction(rng.random()) / 16,
            Fraction(0.75) + Fraction(rng.random()) / 16,
        ]
        for e, w in zip(found, expected(name, driver, point), strict=True):
            value = mpf(str(sympy.N(w, 40)))
            assert e.a - mpf(10) ** -38 <= value <= e.b + mpf(10) ** -38
