"""Maps of several variables by machine code: composition, inversion, values at many points."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from taylor import TaylorN, inverse_map
from taylor.core.graded import multivariate
from taylor.machine import substitution

SIZES = [(1, 4, 1, 4), (2, 5, 2, 5), (3, 4, 2, 6), (2, 3, 4, 2), (4, 3, 3, 5), (6, 2, 6, 3)]


def integers(shape, seed=0):
    return np.random.default_rng(seed).integers(-3, 4, shape)


def series(tables, n, order, kind):
    """Return series with these coefficients, floats or exact."""
    (x, *_) = TaylorN.variables([kind(0)] * n, order)
    convert = np.vectorize(kind, otypes=[float if kind is float else object])
    return [x._new(convert(table)) for table in tables]


def exact(coefficients, exponents, inner, order):
    """Return Σ c_α g^α of polynomials {exponents: coefficient} by its definition."""
    total = {}
    for c, alpha in zip(coefficients, exponents, strict=True):
        term = {(0,) * len(next(iter(inner[0]))): int(c)}
        for i in itertools.chain.from_iterable([i] * a for i, a in enumerate(alpha)):
            product = {}
            for (a, u), (b, v) in itertools.product(term.items(), inner[i].items()):
                e = tuple(p + q for p, q in zip(a, b, strict=True))
                if sum(e) <= order:
                    product[e] = product.get(e, 0) + u * v
            term = product
        for e, u in term.items():
            total[e] = total.get(e, 0) + u
    return total


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(substitution, "WORK", 0)


@pytest.mark.parametrize("constant", [0, 2])
@pytest.mark.parametrize("n, order, inner, top", SIZES)
def test_composition_by_its_definition(n, order, inner, top, constant):
    outer, algebra = multivariate(n, order), multivariate(inner, top)
    c, g = integers(outer.size), integers((n, algebra.size), 1)
    g[:, 0] = constant
    keys = [tuple(e) for e in algebra.exponents.tolist()]
    wanted = exact(c, outer.exponents.tolist(), [dict(zip(keys, t, strict=True)) for t in g], top)
    (f,), inside = series([c], n, order, float), series(g, inner, top, float)
    found = substitution.composed(
        outer, f.coef[:, None], algebra, np.stack([h.coef for h in inside])
    )
    assert found[0].tolist() == [wanted.get(k, 0) for k in keys]
    assert f(inside).coef.tolist() == found[0].tolist()


@pytest.mark.parametrize("n, order, inner, top", SIZES)
def test_polynomials_of_few_monomials(n, order, inner, top):
    # what lies below no monomial is left out
    algebra = multivariate(inner, top)
    c = np.zeros(multivariate(n, order).size)
    g = integers((n, algebra.size), 2)
    for k in range(0, len(c), 3):
        c[:] = 0
        c[k] = 2
        floats, whole = (
            series([c], n, order, kind)[0](series(g, inner, top, kind)) for kind in (float, int)
        )
        assert floats.coef.tolist() == whole.coef.tolist()


def test_maps_with_numbers_among_their_arguments():
    x, y = TaylorN.variables([0.0, 0.0], 4)
    f = 1 + x * y + y**3 + x**4
    assert f.subs(1, 2.0) == 9 + 2 * x + x**4
    assert f([x, 3.0]) == 28 + 3 * x + x**4
    assert f([x + y, x]) == 1 + (x + y) * x + x**3 + (x + y) ** 4


def test_an_array_of_maps_at_once():
    x, y = TaylorN.variables([0.0, 0.0], 5)
    maps = np.stack([x + y * y, y - x * y, np.sin(x + y), x**0]).reshape(2, 2)
    inner = [np.sin(x) + y * y, y - x]
    both = maps.compose(inner)
    for i in np.ndindex(2, 2):
        assert both[i].coef == pytest.approx(maps[i].compose(inner).coef, abs=1e-15)


@pytest.mark.parametrize("n, order", [(1, 9), (2, 6), (3, 5), (6, 4)])
def test_inverses_are_inverses(n, order):
    v = TaylorN.variables([0.0] * n, order)
    f = [(i + 1.5) * x + np.sin(0.3 * sum(v)) ** 2 + 0.2 * x * v[0] for i, x in enumerate(v)]
    g = inverse_map(f)
    for back in (np.stack(f).compose(g), np.stack(g).compose(f)):
        assert back.coef == pytest.approx(np.stack(v).coef, abs=1e-13)


def test_slopes_that_are_not_known_have_no_inverse():
    with pytest.raises(ValueError, match="order 0"):
        inverse_map(TaylorN.variables([1.0, 2.0], 0))


def test_inverses_in_floats_are_those_in_fractions():
    def inverse(kind):
        x, y, z = TaylorN.variables([kind(0)] * 3, 4)
        return inverse_map([x + y * z + x * x, 2 * y - x * y, z + x + y**3])

    for a, b in zip(inverse(float), inverse(Fraction), strict=True):
        assert a.coef == pytest.approx(b.coef.astype(float), abs=1e-14)


@pytest.mark.parametrize("n, order", [(1, 7), (2, 5), (3, 3), (6, 3), (2, 0)])
@pytest.mark.parametrize("points", [(), (1,), (31,), (32,), (5, 13)])
def test_values_at_many_points(n, order, points):
    rng = np.random.default_rng(n)
    size = multivariate(n, order).size
    (f,) = series([integers(size, 3)], n, order, float)
    x = rng.integers(-2, 3, (n, *points)).astype(float)
    powers = np.prod(x[None] ** f.algebra.exponents[(..., *(None for _ in points))], axis=1)
    found = f(list(x))
    assert np.array_equal(found, np.tensordot(f.coef, powers, 1))
    assert np.shape(found) == points
    several = np.stack([f, 2 * f, f * 0]).reshape((3, *(1 for _ in points)))
    assert np.array_equal(several(list(x)), np.stack([found, 2 * found, 0 * found]))


def test_values_that_are_not_finite():
    x, y = TaylorN.variables([1.0, 2.0], 3)
    f = x * x * y
    with np.errstate(all="ignore"):
        found = f([np.array([0.5, np.inf, np.nan]), np.array([0.25, 1.0, 1.0])])
    assert found[0] == 1.5**2 * 2.25
    assert not np.isfinite(found[1:]).any()


def test_values_at_points_that_meet_each_other():
    x, y = TaylorN.variables([0.0, 0.0], 2)
    rows, columns = np.arange(3.0)[:, None], np.arange(4.0)
    assert np.array_equal((x * y + x)([rows, columns]), rows * columns + rows)
    assert np.array_equal((x * y)[None]([rows, columns]), rows * columns)
    pair = np.stack([x * y, x + y])
    assert np.array_equal(pair([np.array([1.0, 2.0]), 3.0]), [3.0, 5.0])
