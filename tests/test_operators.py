"""Differential operators: one law, P(∂)f as from all partial derivatives, on every route."""

import itertools
import math
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from laws import LAWS

import taylor
from taylor import operators as op
from taylor.core.loops import Loop
from taylor.core.reads import Reads
from taylor.machine.machine import Machine
from taylor.operators import points
from taylor.operators.operator import Operator
from taylor.operators.symbol import factorial

RNG = np.random.default_rng(7)
W, C = RNG.normal(size=(8, 6)) / 2, RNG.normal(size=8)


def f(x):
    n = np.shape(x)[-1]
    net = np.sum(C * np.tanh(x @ W[:, :n].T), axis=-1)
    return net + np.exp(-np.sum(x * x, axis=-1)) * np.sin(x[..., 0] * x[..., -1])


def by_tensors(P, f, x):
    """Return P(∂)f from the tensors of all partial derivatives."""
    found = P.terms.get((), 0) * f(x)
    for m, c in P.terms.items():
        if m:
            found = found + c * taylor.tensor(f, x, len(m))[m]
    return found


def random_symbol(d, order, terms, rng):
    P = 0
    for _ in range(terms):
        m = rng.integers(0, len(d), rng.integers(0, order + 1))
        P = P + int(rng.integers(-3, 4)) * math.prod((d[i] for i in m), start=1)
    return P + d[0]


# ------------------------------------------------------------------ symbols
def test_symbols_are_polynomials():
    d = op.partials("t", x=2)
    assert (d.t + d.x[0]) ** 2 == d.t**2 + 2 * d.x[0] * d.t + d.x[0] ** 2
    assert d.x @ d.x == d.x[0] * d.x[0] + d.x[1] ** 2
    assert len(d) == 3
    assert 0.5 * d.x @ d.x == (d.x / 2) @ d.x == -d.x @ d.x / -2 == (d.x - 3 * d.x) @ d.x / -4
    assert tuple(-op.partials(2) * 2) == tuple(-v * 2 for v in op.partials(2))
    a = np.array([[1, 2], [3, 4]])
    assert d.x @ a @ d.x == d.x[0] ** 2 + 5 * d.x[0] * d.x[1] + 4 * d.x[1] ** 2
    assert (a @ d.x)[1] == 3 * d.x[0] + 4 * d.x[1] == (d.x @ a.T)[1]
    assert repr(3 * d.t**2 - d.x[1] / 2 - 1) == "3 d.t² - 1/2 d.x[1] - 1"
    assert repr(d.t - d.t) == "0" and (d.t**0).order == 0 and (d.t * d.x[0] ** 3).order == 4
    assert [*op.partials(3)] == [op.partials(3)[i] for i in range(3)]
    assert hash(d.t * 2) == hash(2 * op.partials("t", x=2).t)


def test_coefficients_stand_on_the_left():
    d = op.partials(2)
    a = lambda x: x[0]
    P = a * d[0] * d[1] + 2 * (a * d[1]) - a
    found = op.apply(P, f, np.array([0.3, 0.7]))
    g, h = (driver(f, np.array([0.3, 0.7])) for driver in (taylor.gradient, taylor.hessian))
    assert found == pytest.approx(0.3 * (h[0, 1] + 2 * g[1] - f(np.array([0.3, 0.7]))))
    with pytest.raises(TypeError, match="left of all derivatives"):
        d[0] * (a * d[1])
    with pytest.raises(TypeError, match="left of all derivatives"):
        d[0] * a


# ------------------------------------------------------------------ algebras
NAMED = {
    "power": (lambda d: d[0] ** 5, 4, [1, 1, 1, 1, 1, 1]),
    "square-free": (lambda d: d[0] * d[1] * d[2], 4, [1, 3, 3, 1]),
    "Laplacian": (lambda d: d @ d, 5, [1, 5, 1]),
    "wave": (lambda d: d[0] ** 2 - 9 * (d[1] ** 2 + d[2] ** 2), 3, [1, 3, 1]),
    "biharmonic": (lambda d: (d @ d) ** 2, 6, [1, 6, 21, 6, 1]),
    "triharmonic": (lambda d: (d @ d) ** 3, 3, [1, 3, 6, 10, 6, 3, 1]),
    "square of one direction": (lambda d: (d[0] + 2 * d[1] - d[2]) ** 2, 3, [1, 1, 1]),
    "Waring": (lambda d: d[0] ** 4 + d[1] ** 4 + (d[0] + d[1]) ** 4, 2, [1, 2, 3, 2, 1]),
    "first": (lambda d: d[0] + 3 * d[1], 2, [1, 1]),
    "number": (lambda d: 0 * d[0] + 2, 2, [1]),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_dimensions(name):
    make, n, dims = NAMED[name]
    P = Operator(make(op.partials(n)))
    assert P.dimensions == tuple(dims) and P.size == sum(dims)
    x = np.linspace(0.2, 0.9, n)
    assert P(f, x) == pytest.approx(by_tensors(make(op.partials(n)), f, x), rel=1e-12)


def test_operators_together_share_one_algebra():
    d = op.partials("t", x=5)
    L = d.x @ d.x
    P = Operator([d.t, L, L**2])
    assert P.dimensions == (1, 6, 15, 5, 1) and P.size == 28
    g = lambda t, x: f(np.concatenate([np.reshape(t, (1,)), x]))
    x = np.linspace(0.1, 0.8, 6)
    found = P(g, x[0], x[1:])
    d = op.partials(6)
    L = sum(d[i] ** 2 for i in range(1, 6))
    assert found == pytest.approx([by_tensors(p, f, x) for p in (d[0], L, L**2)], rel=1e-12)


@pytest.mark.parametrize("law", LAWS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", ["biharmonic", "Waring", "triharmonic"])
def test_laws_of_algebras(name, law):
    make, n, _ = NAMED[name]
    law(Operator(make(op.partials(min(n, 3))))._apolar.algebra, True)


def test_the_algebra_is_the_smallest():
    """Its top degree pairs without a kernel: a smaller quotient would lose a derivative."""
    d = op.partials(3)
    P = (d @ d) ** 2 + d[0] * d[1] ** 3
    algebra, top = (a := Operator(P)._apolar).algebra, a.algebra.size - 1
    for k in range(1, 4):
        left, right = (range(*a.algebra.part(j).indices(99)) for j in (k, 4 - k))
        pairing = np.zeros((len(left), len(right)))
        for (i, u), (j, v) in itertools.product(enumerate(left), enumerate(right)):
            e = np.eye(algebra.size)
            pairing[i, j] = algebra.product(e[u], e[v])[top]
        assert np.linalg.matrix_rank(pairing) == len(left) == len(right)


# ------------------------------------------------------------------ values
def random_program(rng):
    """Return a function of a few points along the last axis: sums and products of rows."""
    rows = [np.sin, np.tanh, np.exp, np.arctan, lambda y: 1 / (2 + y * y), lambda y: np.sqrt(3 + y)]
    picked = [rows[i] for i in rng.integers(0, len(rows), 3)]
    w = rng.uniform(-1, 1, (3, 4))

    def program(x):
        y = x[..., 0]
        for row, c in zip(picked, w, strict=True):
            inner = sum(c[i % 4] * x[..., i] for i in range(np.shape(x)[-1]))
            y = row(inner * y / 2) + y * inner / 3
        return y

    return program


@pytest.mark.parametrize("block", range(4))
def test_a_hundred_random_operators_of_random_programs(block):
    """They are Σ c_α ∂^α of the series of all monomials."""
    for seed in range(25 * block, 25 * block + 25):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 4))
        P, g, x = (
            random_symbol(op.partials(n), 4, 4, rng),
            random_program(rng),
            rng.uniform(-1, 1, n),
        )
        y = g(np.stack(taylor.TaylorN.variables(x, 4)))
        powers = {m: tuple(m.count(i) for i in range(n)) for m in P.terms}
        want = sum(c * y.partial(powers[m]) for m, c in P.terms.items())
        assert op.apply(P, g, x) == pytest.approx(want, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("seed", range(10))
def test_random_operators(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    symbols = [random_symbol(op.partials(n), 4, 4, rng) for _ in range(int(rng.integers(1, 4)))]
    x = rng.uniform(-1, 1, n)
    want = [by_tensors(P, f, x) for P in symbols]
    assert op.apply(symbols, f, x) == pytest.approx(want, rel=1e-11, abs=1e-11)
    points = rng.uniform(-1, 1, (3, n))
    many = op.apply(symbols, f, points)
    for i, y in enumerate(points):
        one = [by_tensors(P, f, y) for P in symbols]
        assert [z[i] for z in many] == pytest.approx(one, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("power", [1, 2, 3])
@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1, 1), (1, 1, 0)])
def test_powers_of_a_matrix_go_along_its_axes(power, signs):
    d, w = op.partials(3), np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    A = w @ np.diag([2.0, 0.5, 1.0] * np.array(signs)) @ w.T
    P = (d @ A @ d) ** power
    L = sum(d[i] ** 2 for i in range(np.count_nonzero(signs))) ** power
    assert Operator(P).dimensions[1] == np.count_nonzero(signs)
    assert Operator(P).products == Operator(L).products
    x = RNG.uniform(-0.5, 0.5, (2, 3))
    want = [by_tensors(P, f, y) for y in x]
    assert op.apply(P, f, x) == pytest.approx(want, rel=1e-11)
    assert op.apply(P, taylor.compile(f), x[0]) == pytest.approx(want[0], rel=1e-11)
    assert taylor.record(lambda x: op.apply(P, f, x), x)(x) == pytest.approx(want, rel=1e-11)
    both = op.apply([P, 2 * (d @ A @ d) + 1], f, x[0])
    assert both == pytest.approx([want[0], 2 * np.sum(A * taylor.hessian(f, x[0])) + f(x[0])])


BY_NAME = {
    "laplacian": (op.laplacian, lambda t: np.einsum("ii", t(2))),
    "biharmonic": (op.biharmonic, lambda t: np.einsum("iijj", t(4))),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_every_route_gives_the_same(name):
    driver, of_tensors = BY_NAME[name]
    x = np.array([0.3, -0.6, 0.8])
    want = pytest.approx(of_tensors(lambda k: taylor.tensor(f, x, k)), rel=1e-11)
    compiled = taylor.compile(f, strict=True)
    assert driver(f, x) == want
    assert driver(taylor.record(f, x), x) == want
    assert [driver(compiled, x) for _ in range(3)] == [want] * 3
    assert taylor.compile(lambda x: driver(f, x), strict=True)(x) == want
    assert taylor.lanes(lambda x: driver(f, x))(np.stack([x, 2 * x]))[0] == want
    assert driver(lambda p: f(np.stack([p["a"], *p["b"]])), {"a": x[0], "b": x[1:]}) == want
    assert driver(lambda a, b: f(np.stack([a, b, 0.8])), 0.3, -0.6, argnums=(0, 1)) == (
        pytest.approx(driver(lambda y: f(np.concatenate([y, x[2:]])), x[:2]), rel=1e-11)
    )
    assert driver(f, x.astype(np.float32)) == pytest.approx(want.expected, rel=2e-4)


@pytest.mark.parametrize("driver", [op.laplacian, op.biharmonic], ids=lambda g: g.__name__)
@pytest.mark.usefixtures("optimised")
def test_drivers_go_to_the_code_of_their_operator_at_once(driver):
    g = taylor.compile(lambda x: np.sum(np.sin(x)) * x[0])
    for n in (3, 3, 3, 4, 4, 3, 4, 4):
        x = np.linspace(0.1, 1, n)
        assert driver(g, x) == pytest.approx(driver(g.f, x), rel=1e-13)
    assert g.at_once(driver.__wrapped__, [x]) == driver(g, x)


@pytest.mark.parametrize("n", [1, 3, 11])  # elements: fewer than a vector of code has, and more
def test_functions_of_arrays_by_the_code_of_series(n):
    w, x = np.cos(np.arange(3.0 * n)).reshape(3, n), np.array([0.3, -0.6, 0.8])
    g = lambda x: np.exp(np.tanh(x @ w)) / np.sqrt(2 + x[..., :1] * np.sin(x @ w))
    d = op.partials(3)
    P = op.Operator({"biharmonic": (d @ d) ** 2, "third": 2 * d[0] ** 2 * d[1] + d[2] - 1})
    compiled, want = taylor.compile(g), P(g, x)
    for found in [P(compiled, x) for _ in range(3)] + [P(g, np.stack([x, x]))]:
        for name, value in want.items():
            np.testing.assert_allclose(np.reshape(found[name], (-1, n))[0], value, rtol=1e-11)


def test_derivatives_of_operators():
    x = np.array([0.3, -0.6, 0.8])
    third = np.einsum("iij", taylor.tensor(f, x, 3))
    d = op.partials(3)
    for g in (lambda x: op.laplacian(f, x), lambda x: op.apply(d @ d, f, x)):
        assert taylor.gradient(g, x) == pytest.approx(third, rel=1e-11)
        assert taylor.jvp(g, x, third)[1] == pytest.approx(third @ third, rel=1e-11)
    fourth = np.einsum("iijj", taylor.tensor(f, x, 4))
    assert op.laplacian(lambda x: op.laplacian(f, x), x) == pytest.approx(fourth, rel=1e-11)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_gradient_of_a_residual(compiled):
    points = np.random.default_rng(0).uniform(-1, 1, (7, 2))

    def loss(w):
        u = lambda t, x: np.sum(np.tanh(t[..., None] * w[0] + x[..., None] * w[1]), -1)
        d = op.partials("t", "x")
        found = op.apply({"t": d.t, "xx": d.x**2}, u, points[:, 0], points[:, 1])
        return np.mean((found["t"] - found["xx"]) ** 2)

    w, v = np.random.default_rng(1).normal(size=(2, 2, 5))
    g = taylor.compile(lambda w: taylor.gradient(loss, w)) if compiled else None
    found = g(w) if compiled else taylor.gradient(loss, w)
    h = 1e-5
    along = (loss(w + h * v) - loss(w - h * v)) / (2 * h)
    assert np.sum(found * v) == pytest.approx(along, rel=1e-8)


def test_fields_of_numbers():
    d = op.partials(3)
    g = lambda x: x[0] ** 4 * x[1] ** 2 / (1 + x[2])
    x = [Fraction(1), Fraction(1, 2), Fraction(2)]
    assert op.apply((d @ d) ** 2, g, x) == Fraction(1520, 81)
    assert op.apply(d[0] ** 2 / 3, g, x) == Fraction(1, 3)
    with mpmath.workdps(40):
        y = np.array([mpmath.mpf(1) / 3, mpmath.mpf(2), mpmath.mpf(1) / 7])
        want = sum(taylor.partial(g, y, m) for m in np.diag([2, 2, 2]).tolist())
        assert abs(op.laplacian(g, y) / want - 1) < mpmath.mpf(10) ** -37
        for third in (mpmath.mpf(1) / 3, mpmath.mpc(1, 1) / 3, mpmath.pi):
            P, want = third * d[0] ** 2, third * 12 * y[0] ** 2 * y[1] ** 2 / (1 + y[2])
            sample = op.estimate(P, g, y, samples=2, seed=0).value
            assert (
                max(abs(v / want - 1) for v in (op.apply(P, g, y), sample)) < mpmath.mpf(10) ** -37
            )
            assert repr(P).endswith("d[0]²") and (P / third).terms.keys() == P.terms.keys()
    y, P = np.array([0.3, 0.2, 0.7]), (1 + 2j) * d[0] ** 3 * d[1] + 1j * d[2] - 3j
    h = taylor.compile(g)
    for found in (op.apply(P, g, y), *[op.apply(P, h, y) for _ in range(3)]):
        assert found == pytest.approx(by_tensors(P, g, y), rel=1e-12)
    rough = op.estimate(P, g, y, samples=100, seed=0)
    assert abs(rough.value - found) < 4 * rough.error
    z = np.array([0.3 + 0.1j, 0.2, 1j])
    assert op.laplacian(g, z) == pytest.approx(np.trace(taylor.hessian(g, z)), rel=1e-12)


def test_what_is_kept_of_an_operator_is_not_for_other_types_of_coefficients():
    g = lambda x: x[0] ** 3 * x[1]
    fractions, floats = [Fraction(1), Fraction(2)], np.array([1.0, 2.0])
    for kind, x, of in ((float, fractions, float), (int, fractions, Fraction),
                        (mpmath.mpf, floats, mpmath.mpf), (float, floats, np.float64)):  # fmt: skip
        p = op.partials(2)
        found = op.apply([kind(7) * p[0] ** 2, kind(7) * p[0] ** 2 * p[1]], g, x)
        found += [op.apply(kind(7) * p[0] ** 2, g, x)]
        assert found == [84, 42, 84] and {type(y) for y in found} == {of}


WITH_A_PARAMETER = [  # and what it is at f
    (lambda d, c: c * (d @ d), lambda c: 26 * c),
    (lambda d, c: (d @ d) * c, lambda c: 26 * c),
    (lambda d, c: d[0] - c * (d @ d) / 2 + c, lambda c: 12 - 9 * c),
    (lambda d, c: (d @ d) / c - c, lambda c: 26 / c - 4 * c),
    (lambda d, c: (c * d[0] + 1) ** 2, lambda c: 24 * c**2 + 24 * c + 4),
    (lambda d, c: d[1] * (c * d[0] + d[1]) * d[0], lambda c: 24 * c + 6),
    (lambda d, c: d @ np.array([[c, 1], [0, c * c]]) @ d, lambda c: 24 * c + 12 + 2 * c * c),
]


@pytest.mark.parametrize(("symbol", "want"), WITH_A_PARAMETER)
def test_a_parameter_is_a_coefficient(symbol, want):
    g, x, d = (lambda x: x[..., 0] ** 3 * x[..., 1] ** 2), np.array([1.0, 2.0]), op.partials(2)
    P = lambda c: op.apply(symbol(d, c), g, x)
    for f in (P, taylor.compile(P), taylor.compile(P, strict=True)):
        for c in (0.5, 2.0):
            assert f(c) == pytest.approx(want(c), rel=1e-13)
            assert taylor.gradient(f, c) == pytest.approx(taylor.derivative(want, c), rel=1e-13)
            assert taylor.derivative(f, c, 2) == pytest.approx(taylor.derivative(want, c, 2))
    np.testing.assert_allclose(taylor.lanes(P)(np.array([1.0, 3.0])), [want(1.0), want(3.0)])
    t = taylor.Taylor.variable(0.5, order=3)
    np.testing.assert_allclose(P(t).coef, np.broadcast_to(want(t).coef, 4), atol=1e-12)
    found = P(taylor.verified.Interval(0.5, 0.625))
    assert want(0.5) in found and want(0.625) in found


def test_functions_of_the_point_are_given_arrays():
    P = (lambda x: x[..., 0]) * op.partials(2)[0]
    g = lambda x: x[..., 0] ** 2 * x[..., 1]
    assert op.apply(P, g, [3.0, 2.0]) == 36.0
    assert op.apply(P, g, [Fraction(3), Fraction(2)]) == 36
    d, at = op.partials("t", x=1), ([1.0, 2.0], [[3.0], [4.0]])
    found = op.apply((lambda t, x: t * x[..., 0]) * d.t, lambda t, x: t**2 * x[..., 0], *at)
    assert found.tolist() == [18.0, 128.0]


def test_derivatives_along_a_vector():
    a, A = np.array([1, -2]), np.array([[1, 2], [0, 3]])
    d, v = op.partials(2), op.partials(x=2).x
    assert d @ a == a @ d == d @ a.tolist() == d[0] - 2 * d[1]
    assert (
        v @ a == a @ v and d @ (A @ d) == d @ A @ d == d[0] ** 2 + 2 * d[0] * d[1] + 3 * d[1] ** 2
    )
    assert type(A @ d) is type(A @ v)
    x = [Fraction(1), Fraction(2)]
    assert op.hessian_trace(lambda x: x[0] * x[1], x, [[1, 2], [5, 4]]) == 7


def test_long_symbols_are_shown_in_part():
    d = op.partials(100)
    assert len(repr((d @ d) ** 2)) < 300 and "(5050 terms)" in repr((d @ d) ** 2)
    d = op.partials(3000)
    with pytest.raises(MemoryError, match="estimate_laplacian"):
        (d @ d) ** 2


def test_vector_fields():
    F = lambda x: np.stack([f(x), x[..., 0] * x[..., 1], np.sin(x[..., 2])], -1)
    points = np.random.default_rng(2).uniform(-1, 1, (4, 3))
    J = np.stack([taylor.jacobian(F, x) for x in points])
    assert op.divergence(F, points) == pytest.approx(np.einsum("pii->p", J))
    rows = np.stack([J[:, 2, 1] - J[:, 1, 2], J[:, 0, 2] - J[:, 2, 0], J[:, 1, 0] - J[:, 0, 1]], -1)
    assert op.curl(F, points) == pytest.approx(rows)
    assert op.curl(lambda x: np.stack([-x[1], x[0]]), [1.0, 2.0]) == 2.0
    laplacians = op.laplacian(F, points)
    assert laplacians.shape == (4, 3)
    assert laplacians[:, 0] == pytest.approx(op.laplacian(f, points), rel=1e-12)


@pytest.mark.parametrize("many", [False, True])
def test_traces_with_a_matrix(many):
    x = np.random.default_rng(3).uniform(-1, 1, (5, 3) if many else 3)
    A = np.random.default_rng(4).normal(size=(*x.shape, 3))
    H = np.stack([taylor.hessian(f, y) for y in x]) if many else taylor.hessian(f, x)
    assert op.hessian_trace(f, x, A) == pytest.approx(np.sum(A * H, (-2, -1)), rel=1e-11)
    assert op.hessian_trace(taylor.compile(f), x, A) == pytest.approx(np.sum(A * H, (-2, -1)))
    of_A = taylor.gradient(lambda A: np.sum(op.hessian_trace(f, x, A)), A)
    assert of_A == pytest.approx(H, rel=1e-11)
    q, ones = np.array([Fraction(1, 3), Fraction(2)]), np.full((2, 2), Fraction(1, 7))
    assert op.hessian_trace(lambda x: x[0] ** 2 * x[1], q, ones) == Fraction(16, 21)


def test_rules_of_which_only_the_tangent_is_known():
    rule = taylor.rule(jvp=lambda d, y, x: 2 * np.sum(x * d[0], -1))(lambda x: np.sum(x * x, -1))
    cases = {
        lambda x: rule(x) * x[..., 0] ** 2: lambda x: 2 * np.sum(x * x) + 16 * x[0] ** 2,
        lambda x: np.sum(np.linalg.eigvals(x.reshape(2, 2)) ** 3).real: lambda x: 6 * (x[0] + x[3]),
    }
    x = np.array([0.7, -1.3, 0.45, 2.1])
    for g, want in cases.items():
        slopes = taylor.gradient(lambda x, want=want: want(x), x)
        for f in g, taylor.compile(g):
            assert op.laplacian(f, x) == pytest.approx(want(x))
            assert taylor.gradient(lambda x, f=f: op.laplacian(f, x), x) == pytest.approx(slopes)
    g, want = next(iter(cases.items()))
    assert op.laplacian(g, np.stack([x, x + 1])) == pytest.approx([want(x), want(x + 1)])
    assert op.biharmonic(g, x) == pytest.approx(48)


def test_kinks_and_singular_points():
    assert op.laplacian(lambda x: abs(x[0]) ** 3 * x[1], [0.0, 1.0]) == 0
    with pytest.raises(taylor.errors.NonAnalyticError, match="kink"):
        op.laplacian(lambda x: abs(x[0]) * x[1], [0.0, 1.0])
    lanes = op.laplacian(lambda x: abs(x[..., 0]) * x[..., 1] ** 2, [[0.0, 1.0], [2.0, 1.0]])
    assert np.isnan(lanes[0]) and lanes[1] == 4.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda d: op.apply(3, f, [1.0]), TypeError, "made of symbols"),
        (lambda d: op.apply([], f, [1.0]), TypeError, "needs a symbol"),
        (lambda d: d * d, TypeError, "v @ w"),
        (lambda d: d[:2] + d[:1], ValueError, "vectors of 2 and 1"),
        (lambda d: d[:2] + 1, TypeError, "take its elements"),
        (lambda d: (2 * d) @ op.partials(2), ValueError, "vectors of 3 and 2"),
        (lambda d: math.nan * d[0], ValueError, "nan"),
        (lambda d: math.inf * d[0], ValueError, "inf"),
        (lambda d: d @ [1, 2], ValueError, "vector of 3"),
        (lambda d: op.estimate_laplacian(f, np.ones(3), samples=2, seed=0, power=0),
         ValueError, "1, 2, ..., not 0"),
        (lambda d: d.x, AttributeError, r"d\[0\], d\[1\], \.\.\."),
        (lambda d: op.apply(d[0], f, [1.0]), taylor.errors.ShapeMismatch, "3 elements"),
        (lambda d: op.apply(d[0], f), TypeError, "call it as"),
        (lambda d: op.laplacian(np.sum, np.ones((2, 3))), taylor.errors.ShapeMismatch, "x[..., 0]"),
        (lambda d: op.curl(lambda x: x, np.ones(4)), taylor.errors.ShapeMismatch, "2 or 3"),
        (lambda d: op.divergence(f, np.ones(2)), taylor.errors.ShapeMismatch, "vector field"),
        (lambda d: op.hessian_trace(f, np.ones(2), np.eye(3)), taylor.errors.ShapeMismatch, "A"),
        (lambda d: d[0] + op.partials("x").x, ValueError, "different variables"),
        (lambda d: d[0] ** -1, ValueError, "power"),
        (lambda d: d**2, TypeError, "v @ v"),
        (lambda d: d[:2][2], IndexError, "no element 2 in a vector of 2"),
        (lambda d: 1 / d[0], TypeError, "divides nothing"),
        (lambda d: np.ones(3) * d[0], TypeError, "a function of the point"),
        (lambda d: d[0] * np.ones(3), TypeError, "d @ A @ d"),
        (lambda d: d[3], IndexError, r"no variable 3; there are d\[0\]"),
        (lambda d: op.estimate([d[0]], f, np.ones(3), samples=2, seed=0), TypeError, "one symbol"),
        (lambda d: op.estimate(d @ d, f, np.ones(3), samples=2.5, seed=0), TypeError, "integer"),
        (lambda d: op.apply(op.partials("t", "x").t, f, np.ones(3), np.ones(4)),
         taylor.errors.ShapeMismatch, r"t \(3,\), x \(4,\)"),
        (lambda d: op.partials("x", "x"), ValueError, "twice"),
        (lambda d: op.partials(0), ValueError, "at least one"),
        (lambda d: d.x, AttributeError, "no variable"),
        (lambda d: d @ np.eye(2) @ d, ValueError, "3 rows"),
        (lambda d: op.operator(math.prod(e**45 for e in op.partials(4))), MemoryError, "estimate"),
        (lambda d: op.operator((op.partials(1000) @ op.partials(1000)) ** 2), MemoryError,
         r"502502 coefficients \(1, 1000, 500500, 1000, 1\).*estimate"),
        (lambda d: (op.partials(1000) @ op.partials(1000)) ** 3, MemoryError,
         r"\(1, 1000, 500500, 167167000, 500500, 1000, 1\).*estimate_laplacian"),
    ],
)  # fmt: skip
def test_mistakes(call, error, words):
    with pytest.raises(error, match=words):
        call(op.partials(3))


# ------------------------------------------------------------------ cost, and what is kept
def test_cost_grows_with_the_dimensions():
    products = [Operator(op.partials(n) @ op.partials(n)).products for n in (10, 100)]
    assert products == [3 * n + 3 for n in (10, 100)]
    assert factorial((0, 0, 1)) == 2


def test_programs_do_not_grow_with_the_points(monkeypatch):
    x, sizes = np.random.default_rng(2).normal(size=(200, 2)), set()
    g = lambda x: np.stack([np.sin(x[..., 0] * x[..., 1]), np.log(x[..., 0] + 9)], -1)
    loss = lambda w, x: np.sum(op.laplacian(lambda x: g(w * x), x.reshape(25, 4, 2)))
    slopes = lambda: taylor.gradient(loss, 0.7, x[:100], argnums=(0, 1))
    want = slopes()
    monkeypatch.setattr(points, "LEAST", 0)
    for found, wanted in zip(slopes(), want, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10)
    A = np.array([[2.0, 0.3], [0.3, 1.0]])
    for driver in (
        op.laplacian,
        lambda g, x: op.hessian_trace(g, x, A),
        lambda g, x: op.hessian_trace(g, x, A * x[:, :1, None]),
    ):
        sizes.clear()
        for n in (137, 200):
            program = taylor.record(lambda x, d=driver: d(g, x), x[:n])
            sizes.add((len(program), any(isinstance(i.op, Loop) for i in program.code)))
            np.testing.assert_allclose(program(x[-n:]), driver(g, x[-n:]), rtol=1e-12)
        assert {looped for _, looped in sizes} == {True} and np.ptp([n for n, _ in sizes]) < 20
    by_place = lambda x: np.arange(len(x))[:, None] * g(x)  # of some points another one
    program = taylor.record(lambda x: op.laplacian(by_place, x), x)
    np.testing.assert_allclose(program(x), np.arange(200)[:, None] * op.laplacian(g, x), rtol=1e-12)
    z = np.concatenate
    for of_all in (  # f of some points is an error, or one of all
        lambda w: np.sum(op.hessian_trace(lambda x: g(w * x), x, A)),
        lambda w: np.sum(op.laplacian(lambda y: g(w * z([y, x], -1)[..., 1:3]), x)),
    ):
        slope = (of_all(0.7 + 1e-5) - of_all(0.7 - 1e-5)) / 2e-5
        assert taylor.gradient(of_all, 0.7) == pytest.approx(slope, rel=1e-8)
    hidden = lambda w: np.sum(op.laplacian(lambda x: w * w * by_place(x), x[:100]))  # here it is 0
    assert taylor.derivative(taylor.compile(hidden), 0.0, 2) == pytest.approx(2 * hidden(1.0))
    assert taylor.hessian(hidden, 0.0) == pytest.approx(2 * hidden(1.0))
    compiled, of_compiled, P = (
        taylor.compile(lambda x: op.laplacian(g, x)),
        taylor.compile(g),
        op.operator(op.partials(2) @ op.partials(2)),
    )
    for first in (-8.0, -10.0):  # a finite derivative where the function has no value
        x[7, 0] = first
        with np.errstate(invalid="ignore"):
            want = op.laplacian(g, x)
            np.testing.assert_allclose(compiled(x), want, rtol=1e-12)
            np.testing.assert_allclose(P(of_compiled, x), want, rtol=1e-12)
    assert any(of_compiled.under(P.applied).machines.values())  # as the driver compiled


def test_memory_is_at_most_that_of_f_for_every_coefficient():
    w, x, P = np.ones((10, 64)), np.ones(10), Operator(op.partials(10) @ op.partials(10))
    program = taylor.record(lambda x: np.tanh(np.tanh(x @ w) @ np.ones((64, 64))) @ np.ones(64), x)
    sizes = Machine(program, P._apolar.algebra).size, Machine(program).size
    assert sizes[0] <= P.size * sizes[1]
    program = taylor.record(lambda x: P(lambda x: np.tanh(x @ w), x), x)
    assert (11, 64) in [i.shape for i in program.code]  # without the zeros of higher degree


def test_operators_are_values():
    P = op.operator(op.partials(3) @ op.partials(3))
    assert P is op.operator(op.partials(3) @ op.partials(3)) and Operator(P.symbols[0]) == P
    assert op.operator(list(op.partials(3))) is op.operator(op.partials(3))
    assert P != Operator([P.symbols[0]]) != Operator({"a": P.symbols[0]})
    assert not Reads(lambda x: P(f, x)).inside  # nothing of it changes
    again = pickle.loads(pickle.dumps(P))
    assert again(f, np.ones(3)) == pytest.approx(P(f, np.ones(3)), rel=1e-13)


@pytest.mark.parametrize("n", [1, 5, 26, 40])
def test_a_high_power_of_one_variable(n):
    t = op.partials(1)[0]
    value = op.Operator(t**n)(lambda x: np.exp(x[0] / 2), np.zeros(1))
    assert float(value) == pytest.approx(0.5**n, rel=1e-12)


def test_a_monomial_of_many_repetitions():
    x, y = op.partials(2)
    value = op.Operator(x**13 * y**14)(lambda z: np.exp(z[0] / 2 - z[1]), np.zeros(2))
    assert float(value) == pytest.approx(0.5**13, rel=1e-12)


def test_powers_of_symbols_are_whole():
    for wrong in (0.5, 2.0, "2"):
        with pytest.raises(TypeError, match="a power of a symbol"):
            op.partials(2)[0] ** wrong
