"""Laws that every algebra of truncated series obeys, as functions of an algebra and its tables."""

from fractions import Fraction

import numpy as np


def tables(algebra, count, seed=0, exact=False):
    """Return random tables: floats, or Fractions for laws that must hold exactly."""
    rng = np.random.default_rng(seed)
    if not exact:
        return [rng.uniform(-1, 1, algebra.size) for _ in range(count)]
    numbers = rng.integers(-9, 10, (count, algebra.size))
    return [np.array([Fraction(int(n), 7) for n in row], dtype=object) for row in numbers]


def same(x, y, exact):
    return np.array_equal(x, y) if exact else np.allclose(x, y, rtol=0, atol=1e-12)


def ring(algebra, exact=False):
    """Commutativity, associativity, distributivity, unit."""
    x, y, z = tables(algebra, 3, exact=exact)
    one = x * 0
    one[0] = 1
    p = algebra.product
    assert same(p(x, y), p(y, x), exact), "commutative"
    assert same(p(p(x, y), z), p(x, p(y, z)), exact), "associative"
    assert same(p(x, y + z), p(x, y) + p(x, z), exact), "distributive"
    assert same(p(x, one), x, exact), "unit"


def grading(algebra, exact=False):
    """The part of degree k of a product comes from parts i and j with i + j = k only."""
    x, y = tables(algebra, 2, exact=exact)
    for i in range(algebra.order + 1):
        for j in range(algebra.order + 1):
            left, right = x * (algebra.degrees == i), y * (algebra.degrees == j)
            product = algebra.product(left, right)
            assert same(product * (algebra.degrees != i + j), x * 0, exact), f"degrees {i} and {j}"


def derivation(algebra, exact=False):
    """D(xy) = x·Dy + Dx·y for D = multiplication by the degree: what all step rules rest on."""
    x, y = tables(algebra, 2, exact=exact)
    d = algebra.degrees.astype(object if exact else float)
    p = algebra.product
    assert same(d * p(x, y), p(x, d * y) + p(d * x, y), exact), "derivation"


def interior(algebra, exact=False):
    """Part k of a product is x_0 y_k + x_k y_0 + interior(k, x, y)."""
    x, y = tables(algebra, 2, exact=exact)
    z = algebra.product(x, y)
    for k in range(1, algebra.order + 1):
        part = algebra.part(k)
        inner = algebra.interior(k, x, y, k, k)
        expected = x[0] * y[part] + x[part] * y[0] + (0 if inner is None else inner)
        assert same(z[part], expected, exact), f"interior of degree {k}"


LAWS = [ring, grading, derivation, interior]
