"""Sums of products of rows as one instruction: what NumPy makes of the dense array of constants."""

import functools
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import taylor
from taylor import operators as op
from taylor.core.bilinear import Bilinear
from taylor.core.products import sorted_pairs
from taylor.drivers.sparse import jacobian_pattern
from taylor.machine.machine import Machine
from taylor.verified import Interval

TAILS = [(), (3,), (8,), (2, 17)]
RNG = np.random.default_rng(0)


@functools.cache
def constants(weighted, n=6, nx=5, ny=4):
    """Return an instruction, the second row of which is empty, and the dense array of it."""
    c = RNG.integers(1, 4, (n, nx, ny)) * (RNG.random((n, nx, ny)) < 0.4)
    c[1], c[2] = 0, 1
    c = c if weighted else np.sign(c)
    o, p, q = np.nonzero(c)
    return Bilinear(
        sorted_pairs(o, p, q, c[o, p, q].astype(object) if weighted else None), (n, nx, ny)
    ), c


def factors(tail, kind=float):
    return [RNG.normal(size=(n, *tail)).astype(kind) for n in (5, 4)]


def written(c, x, y):
    """Return the same, product by product."""
    terms = (x[p] * y[q] * int(c[k, p, q]) for k, p, q in zip(*np.nonzero(c), strict=True))
    rows = [0 * x[0] * y[0]] * len(c)
    for k, term in zip(np.nonzero(c)[0], terms, strict=True):
        rows[k] = rows[k] + term
    return np.stack(rows)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("tail", TAILS, ids=str)
def test_values_and_derivatives(tail, weighted):
    b, c = constants(weighted)
    x, y = factors(tail)

    def f(x, y):
        return np.sum(np.sin(b.value([x, y], float)) * np.sum(x * x, 0))

    def g(x, y):
        return np.sum(np.sin(written(c, x, y)) * np.sum(x * x, 0))

    code = taylor.compile(f, strict=True) if weighted and len(tail) == 1 else f
    drivers = {
        "value": lambda f: f(x, y),
        "gradient": lambda f: taylor.gradient(f, x, y, argnums=(0, 1)),
        "H v": lambda f: taylor.hvp(f, (x, y), (x + 1, y * 2)),
        "Hessian": lambda f: taylor.hessian(lambda y: f(x, y), y),
        "series": lambda f: taylor.taylor_coefficients(lambda t: f(x + t, y * t), 0.5, 4),
        "gradient of gradient": lambda f: taylor.gradient(
            lambda x: np.sum(taylor.gradient(lambda y: f(x, y), y) ** 2), x
        ),
    }
    for name, driver in drivers.items():
        want = driver(g)
        for h in (f, code, lambda x, y: taylor.record(f, x, y)(x, y)):
            found = driver(h)
            pairs = zip(found, want, strict=True) if isinstance(want, tuple) else [(found, want)]
            assert all(np.allclose(a, b, rtol=1e-11, atol=1e-11) for a, b in pairs), name


def test_broadcast_factors():
    b, c = constants(True)
    x, y = RNG.normal(size=(5, 1)), RNG.normal(size=(4, 7))
    f, g = (lambda x: np.sum(b.value([x, y], float) ** 2)), lambda x: np.sum(written(c, x, y) ** 2)
    assert np.allclose(taylor.gradient(f, x), taylor.gradient(g, x), rtol=1e-13)


KINDS = {
    "float32": np.float32, "complex": lambda v: v * (1 + 2j), "Fraction": Fraction,
    "mpmath": mpmath.mpf, "Interval": Interval,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_number(kind):
    b, c = constants(True)
    x, y = (np.vectorize(KINDS[kind], otypes="O")(v) for v in factors((3,)))
    if kind in ("float32", "complex"):
        x, y = (v.astype(np.float32 if kind == "float32" else complex) for v in (x, y))
    if kind == "Interval":
        x, y = (np.stack([np.stack(list(row)) for row in v]) for v in (x, y))
    found, want = taylor.record(lambda x, y: b.value([x, y], float), x, y)(x, y), written(c, x, y)
    if kind == "Interval":
        assert np.all((found.lo <= want.hi) & (want.lo <= found.hi))
    else:
        assert found.dtype == want.dtype
        assert np.max(abs(found - want)) <= (1e-5 if kind == "float32" else 1e-13)
    if kind == "complex":
        assert np.allclose(
            taylor.compile(lambda x, y: b.value([x, y], float), strict=True)(x, y), want
        )


def test_tiles_of_points():
    b, c = constants(True)
    x, y = RNG.normal(size=(50, 5)), RNG.normal(size=4)
    f = taylor.compile(lambda x: np.sum(b.value([x, y], float) ** 3), strict=True)
    want = [taylor.gradient(lambda x: np.sum(written(c, x, y) ** 3), row) for row in x]
    assert np.allclose(taylor.lanes(lambda x: taylor.gradient(f, x))(x), want, rtol=1e-12)


def test_its_pattern():
    b, c = constants(False)
    y = np.ones((4, 3))
    program = taylor.record(lambda x: b.value([x, y], float), np.ones((5, 3)))
    rows, cols = jacobian_pattern(program)
    found = np.zeros((18, 15), bool)
    found[rows, cols] = True
    assert np.array_equal(found, np.kron(np.any(c, 2), np.eye(3)).astype(bool))


# ------------------------------------------------------------------ what it is for
@pytest.mark.parametrize("n, most", [(5, 1.06), (10, 1.0)])
def test_the_memory_of_a_recorded_operator_is_that_of_its_coefficients(n, most):
    a, b, x = RNG.normal(size=(n, 64)), RNG.normal(size=(64, 64)), np.ones(n)

    def f(x):
        return np.sum(np.tanh(np.tanh(x @ a) @ b))

    own, whole = (Machine(taylor.record(g, x)).size for g in (f, lambda x: op.biharmonic(f, x)))
    d = op.partials(n)
    assert whole <= most * op.operator((d @ d) ** 2).size * own


@pytest.mark.parametrize("n", [3, 5])
def test_recorded_operators(n):
    a = RNG.normal(size=(n, 4))

    def f(x):
        return np.sum(np.tanh(x @ a) ** 3)

    def by_tensor(x):
        return np.einsum("iijj", taylor.tensor(f, x, 4))

    x = RNG.normal(size=n)
    g = taylor.compile(lambda x: op.biharmonic(f, x) * 2.0, strict=True)
    assert np.isclose(g(x), 2 * by_tensor(x), rtol=1e-11)
    _, slope = taylor.jvp(by_tensor, x, x)
    assert np.isclose(2 * slope, x @ taylor.gradient(g, x), rtol=1e-10)
