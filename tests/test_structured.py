"""Any graded commutative algebra by its structure constants, and two that are worth having."""

import copy
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from laws import LAWS

import taylor
from taylor import TaylorN
from taylor.core.algebra import Univariate
from taylor.core.graded import multivariate
from taylor.core.structured import Structured
from taylor.machine.machine import Machine
from taylor.series.series import Series


def laplacian(n):
    """Return 1, e_1 .. e_n and s = e_i²: f(x + e) = f + Σ f_i e_i + s·Δf/2."""
    constants = [(i, i, n + 1, 1) for i in range(1, n + 1)]
    return Structured("Laplacian", [0, *[1] * n, 2], constants)


def powers(order):
    """Return the univariate algebra in the basis t^k/k!, whose constants are binomial."""
    c = [1]
    for k in range(1, order + 1):
        c.append(c[-1] * k)
    rows = [(i, j, i + j, c[i + j] // (c[i] * c[j]))
            for i in range(1, order + 1) for j in range(i, order + 1 - i)]  # fmt: skip
    return Structured("derivatives", range(order + 1), rows)


# 1, a, b | a², b² with ab = 0 | a³ = 2b³, and an element of degree 2 that is no product
GAPS = Structured(
    "gaps", [0, 1, 1, 2, 2, 2, 3],
    [(1, 1, 3, 1), (2, 2, 4, 1), (1, 3, 6, 2), (2, 4, 6, 1)],
)  # fmt: skip
ALGEBRAS = [laplacian(1), laplacian(4), powers(5), GAPS]


class Number(Series):
    """A series in an algebra by structure constants."""

    __slots__ = ()

    @classmethod
    def variables(cls, values, algebra):
        return cls._variables(values, algebra)


def f(x):
    y = np.exp(np.sin(x[0] * x[1])) / (1 + np.sum(x * x, axis=0)) + np.hypot(x[0], x[1]) ** 1.5
    return y + np.log(np.sum(np.cosh(x), axis=0)) * np.arctan(x[1]) + np.sqrt(x[0] + 3) * x[1] ** 3


def of(f, x):
    """Return Δf from the algebra of the Laplacian."""
    return 2 * f(np.stack(Number.variables(x, laplacian(len(x))))).coef[-1]


@pytest.mark.parametrize("algebra", ALGEBRAS, ids=str)
@pytest.mark.parametrize("law", LAWS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("exact", [False, True])
def test_laws(algebra, law, exact):
    law(algebra, exact)


@pytest.mark.parametrize("n", [2, 5])
def test_the_laplacian_of_a_program(n):
    x = np.linspace(0.3, 1.1, n)
    want = np.trace(taylor.hessian(f, x))
    assert of(f, x) == pytest.approx(want, rel=1e-13)
    g = taylor.compile(f)
    for _ in range(30):
        assert of(g, x) == pytest.approx(want, rel=1e-13)


def test_the_laplacian_is_exact_over_fractions():
    x = [Fraction(1, 3), Fraction(2), Fraction(-5, 7)]
    g = lambda x: x[0] ** 3 * x[1] / (x[2] * x[2] + 1) + x[2] ** 4
    x1, x2, x3 = x
    u = 1 / (x3**2 + 1)
    second = x1**3 * x2 * (8 * x3**2 * u**3 - 2 * u**2) + 12 * x3**2
    assert of(g, x) == 6 * x1 * x2 * u + second


def test_over_mpmath_and_nested():
    with mpmath.mp.workdps(30):
        x = [mpmath.mpf(1) / 3, mpmath.mpf(2) / 3]
        assert abs(of(f, x) - np.trace(taylor.hessian(f, np.array(x, dtype=object)))) < 1e-27
    point = np.array([0.4, 0.7])
    third = taylor.gradient(lambda x: of(f, list(x)), point)
    assert third == pytest.approx(np.einsum("iij->j", taylor.tensor(f, point, 3)), rel=1e-12)


@pytest.mark.parametrize("lanes", [3, 100])
def test_lanes(lanes):
    x = np.random.default_rng(0).uniform(0.2, 1.5, (2, lanes))
    for _ in range(10):  # as NumPy does it, then as machine code
        found = of(f, list(x))
    one = [np.trace(taylor.hessian(f, x[:, i])) for i in range(lanes)]
    assert found == pytest.approx(one, rel=1e-12)


@pytest.mark.parametrize("point", [0.7, 0.7 + 0.2j, np.linspace(0.2, 0.9, 40), np.array([0.3, 1])])
def test_products_with_weights_are_those_of_another_basis(point):
    scale = np.cumprod([1, 1, 2, 3, 4, 5]).reshape((-1,) + (1,) * np.ndim(point))
    g = lambda x: np.exp(x) / (x * x + 1) + np.sin(x) ** 2.5
    t = taylor.Taylor.variable(point, 5)
    for h in (g, taylor.compile(g)):
        for _ in range(12):  # as NumPy does it, then as machine code
            found = h(Number.variables([point], powers(5))[0]).coef
            np.testing.assert_allclose(found, g(t).coef * scale, rtol=1e-12)


def test_weights_in_machine_code():
    program = taylor.record(lambda x: np.exp(x) * x, 0.5)
    machine = Machine(program, powers(4), [1])
    status, (y,) = machine(np.array([0.7, 1.0]))
    assert status == 0
    assert y == pytest.approx(np.exp(0.7) * (0.7 + np.arange(5)), rel=1e-13)


def test_matrices_of_series():
    x, y = Number.variables([0.3, 0.4], laplacian(2))
    a = np.stack([np.stack([2 + x, y]), np.stack([x * y, 3 - y])])
    s, t = TaylorN.variables([0.3, 0.4], 2)
    b = np.stack([np.stack([2 + s, t]), np.stack([s * t, 3 - t])])
    for g in (np.linalg.inv, np.linalg.det, lambda a: a @ a):
        d = [2 * g(b)._coef[multivariate(2, 2).index(e)] for e in ((2, 0), (0, 2))]
        assert 2 * g(a).coef[-1] == pytest.approx(d[0] + d[1], rel=1e-12, abs=1e-14)


def test_equal_algebras_are_one():
    a, b = laplacian(2), pickle.loads(pickle.dumps(laplacian(2)))
    assert a == b and hash(a) == hash(b) and copy.deepcopy(a) == a and a != laplacian(3)
    assert a.truncated(1) == Structured("Laplacian", [0, 1, 1], [])
    assert a != Univariate(2)
    before = b"ctaylor.core.algebra\nmultivariate\n(I2\nI3\ntR."  # where it stood in 0.1
    assert pickle.loads(before) is multivariate(2, 3)
    x, y = Number.variables([1.0, 2.0], a)
    assert repr(x * y + x * x) == "3 + 4 e1 + e2 + e3"


@pytest.mark.parametrize(
    ("degrees", "constants", "message"),
    [
        ([0, 1, 2], [(1, 1, 1, 1)], "degree"),
        ([0, 1, 2], [(1, 1, 2, 1), (1, 1, 2, 3)], "twice"),
        ([0, 1, 1, 2], [(2, 1, 3, 1)], "i <= j"),
        ([1, 2], [], "ascend"),
        ([0, 1, 1, 2, 3], [(1, 1, 3, 1), (2, 3, 4, 1)], "associative"),
    ],
)
def test_what_is_no_algebra(degrees, constants, message):
    with pytest.raises(ValueError, match=message):
        Structured("wrong", degrees, constants)
