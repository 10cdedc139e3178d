"""The laws hold for every algebra, and fail for algebras broken on purpose."""

import numpy as np
import pytest
from laws import LAWS, derivation, grading, interior, ring

from taylor.core.algebra import Univariate
from taylor.core.graded import multivariate, squarefree
from taylor.machine import engine

ALGEBRAS = [
    Univariate(0), Univariate(7), multivariate(1, 4), multivariate(3, 4), multivariate(4, 1),
    multivariate(45, 2), squarefree(1), squarefree(4), squarefree(4, 2),
]  # fmt: skip


@pytest.mark.parametrize("algebra", ALGEBRAS, ids=str)
@pytest.mark.parametrize("law", LAWS, ids=lambda f: f.__name__)
def test_law(algebra, law):
    law(algebra)


@pytest.mark.parametrize("algebra", [Univariate(5), multivariate(2, 3), squarefree(3)], ids=str)
@pytest.mark.parametrize("law", LAWS, ids=lambda f: f.__name__)
def test_law_holds_exactly(algebra, law):
    law(algebra, exact=True)


class Broken:
    """An algebra whose product is spoilt."""

    def __init__(self, spoil):
        inner = Univariate(5)
        self.order, self.size, self.degrees = inner.order, inner.size, inner.degrees
        self.part, self.interior = inner.part, inner.interior
        self.product = lambda x, y: spoil(inner.product(x, y), x, y)


def shifted(z, x, y):
    return np.roll(z, 1)


def lopsided(z, x, y):
    z = z.copy()
    z[3] += x[1] * y[2] - 2 * x[2] * y[1]
    return z


def leaking(z, x, y):
    z = z.copy()
    z[4] += x[1] * y[1]
    return z


@pytest.mark.parametrize(
    "law, spoil",
    [
        (ring, lopsided),
        (grading, shifted),
        (grading, leaking),
        (derivation, leaking),
        (interior, shifted),
    ],
)
def test_a_broken_algebra_is_rejected(law, spoil):
    with pytest.raises(AssertionError):
        law(Broken(spoil))


@pytest.mark.parametrize("n, order", [(50, 12), (10**6, 2), (3, 10**6)])
def test_tables_that_do_not_fit_are_refused_before_allocation(n, order):
    with pytest.raises(ValueError, match=r"monomials.*directional"):
        multivariate(n, order)


def test_too_many_epsilons():
    with pytest.raises(ValueError, match="coefficients"):
        squarefree(40)


def test_position_of_monomials():
    algebra = multivariate(3, 3)
    for i, alpha in enumerate(algebra.exponents):
        assert algebra.index(alpha) == i
    with pytest.raises(ValueError, match="not kept"):
        algebra.index((2, 2, 0))
    with pytest.raises(ValueError, match="multi-index"):
        algebra.index((1, 1))


# ------------------------------------------------------------------ products as machine code
@pytest.mark.parametrize("n, order", [(2, 12), (4, 6), (6, 4), (3, 1)])
def test_compiled_products_are_the_products(n, order, monkeypatch):
    monkeypatch.setattr(engine, "PATIENCE", 0)
    algebra = multivariate(n, order)
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(2, algebra.size))
    for z in (y, x):
        found = engine.run("mul", (True, True), algebra, [x, z])
        np.testing.assert_allclose(found, algebra.product(x, z), rtol=1e-13, atol=1e-13)


def test_a_compiled_product_keeps_infinities_where_they_belong():
    algebra = multivariate(3, 6)
    x, y = np.zeros((2, algebra.size))
    x[0], x[-1], y[0], y[1] = 2.0, np.inf, 3.0, 1.0
    z = algebra.product(x, y)
    assert z[-1] == np.inf and np.isfinite(z[:-1]).all()
