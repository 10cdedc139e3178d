"""The kind of number that the page on new kinds makes obeys the laws that all numbers obey."""

import doctest
from pathlib import Path

import gmpy2
import mpmath
import numpy as np
import pytest
from gmpy2 import mpfr

import hyperdual
import taylor
from hyperdual import HyperDual
from taylor import Taylor, TaylorN
from taylor.core.algebra import Univariate
from taylor.core.graded import multivariate, squarefree
from taylor.numbers.kinds import Kind

PAGE = Path(__file__).parent.parent / "docs" / "add_a_number.md"
BITS = 200


@pytest.fixture(scope="module", autouse=True)
def kind():
    code = doctest.DocTestParser().get_examples(PAGE.read_text())
    last = next(i for i, e in enumerate(code) if e.source.startswith("register"))
    names = {}
    for example in code[: last + 1]:
        exec(example.source, names)
    with gmpy2.context(gmpy2.get_context(), precision=BITS), mpmath.workprec(BITS):
        yield names["MPFR"]


def same(found, wanted):
    """Whether mpfr numbers agree with those of mpmath to all but some bits."""
    found, wanted = np.asarray(found, dtype=object), np.asarray(wanted, dtype=object)
    assert found.shape == wanted.shape
    assert {type(e) for e in found.flat} <= {type(mpfr(0))}
    for a, b in zip(found.flat, wanted.flat, strict=True):
        assert abs(mpmath.mpf(a) - b) <= abs(b) * mpmath.mpf(2) ** (20 - BITS) + 2.0 ** (20 - BITS)


def scalar(x):
    y = taylor.exp(x / 3) * taylor.sin(x) + taylor.gamma(x) - 2 / (1 + x**2)
    return taylor.sqrt(y * y + taylor.erf(x)) ** 0.3 + taylor.atan2(y, x) + abs(x)


def field(v):
    return np.sum(np.exp(v[:1] / 7) * v[1]) + np.hypot(v[0], v[1]) / (v @ v) + np.mean(v**3)


def system(v):
    a = np.stack([np.stack([v[0] + 2, v[1]]), np.stack([v[1] / 3, v[0] * 0 + 3])])
    return taylor.linalg.solve(a, v)


def by(number, *values):
    return np.array([number(v) for v in values])


DRIVERS = {
    "Taylor": lambda n: scalar(Taylor.variable(n("1.25"), 6)).coef,
    "of an array": lambda n: scalar(Taylor.variable(by(n, "1.25", "2.5"), 4)).coef,
    "TaylorN": lambda n: field(np.stack(TaylorN.variables(by(n, "0.5", "1.5"), 3))).tensor(2),
    "HyperDual": lambda n: scalar(HyperDual(n("0.75"), n(1), n(1), n(0))).eps1eps2,
    "second_partial": lambda n: hyperdual.second_partial(field, by(n, "0.5", "1.5"), 0, 1),
    "derivative": lambda n: taylor.derivative(scalar, n("1.25"), 3),
    "gradient": lambda n: taylor.gradient(field, by(n, "0.5", "1.5")),
    "hessian": lambda n: taylor.hessian(field, by(n, "0.5", "1.5")),
    "vjp": lambda n: taylor.vjp(system, by(n, "0.5", "1.5"), by(n, "1", "2"))[1],
    "solve": lambda n: system(by(n, "0.5", "1.5")),
    "solve, differentiated": lambda n: taylor.jacobian(system, by(n, "0.5", "1.5")),
    "nested": lambda n: taylor.derivative(lambda x: taylor.derivative(scalar, x), n("1.25")),
    "reversion": lambda n: taylor.expm1(Taylor.variable(n(0), 5)).inverse().coef,
    "pade": lambda n: taylor.exp(Taylor.variable(n(0), 4)).pade(2, 2)[1].coef,
}


@pytest.mark.parametrize("name", DRIVERS)
def test_as_mpmath_at_the_same_precision(name):
    same(DRIVERS[name](mpfr), DRIVERS[name](mpmath.mpf))


@pytest.mark.parametrize("algebra", [Univariate(6), multivariate(2, 4), squarefree(3)], ids=str)
def test_the_laws_of_a_ring(algebra):
    rng = np.random.default_rng(0)
    x, y, z = (by(mpfr, *map(int, rng.integers(-9, 10, algebra.size))) / 7 for _ in range(3))
    p = algebra.product
    near = 2.0 ** (10 - BITS)
    for a, b in (
        (p(x, y), p(y, x)),
        (p(p(x, y), z), p(x, p(y, z))),
        (p(x, y + z), p(x, y) + p(x, z)),
        (algebra.degrees * p(x, y), p(x, algebra.degrees * y) + p(algebra.degrees * x, y)),
    ):
        assert max(abs(a - b)) <= near * max(abs(a) + abs(b))


def test_how_it_meets_other_kinds(kind):
    from fractions import Fraction

    x = Taylor.variable(mpfr(2), 1)
    for other in (3, Fraction(1, 3), 0.5, np.float64(0.5), mpmath.mpf(1) / 3, np.array([1, 2])):
        for y in (x + other, other * x, x / other, other - x):
            assert isinstance(Kind.of(y), kind)
    same((Fraction(1, 3) * x).coef[1], mpmath.mpf(1) / 3)
    enclosed = x * mpmath.iv.mpf([1, 2])
    assert Kind.of(enclosed).sets


def test_outside_of_the_domain():
    with pytest.raises(taylor.DomainError):
        taylor.log(Taylor.variable(mpfr(-1), 2))
    assert gmpy2.is_nan(taylor.log(mpfr(-1)))
