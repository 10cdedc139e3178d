"""Estimates of operators: unbiased, with their variance, in the numbers of the point."""

from fractions import Fraction

import numpy as np
import pytest
from test_operators import RNG, by_tensors, f

from taylor import operators as op


@pytest.mark.parametrize("power", [1, 2])
def test_estimates_are_unbiased(power):
    x, d = np.array([0.2, -0.4, 0.3, 0.1]), op.partials(4)
    P = (d @ d) ** power + (3 * d[0] - 2 if power == 2 else 0)
    for want, one in (
        (by_tensors(P, f, x), lambda s: op.estimate(P, f, x, samples=6, seed=s)),
        (by_tensors((d @ d) ** power, f, x),
         lambda s: op.estimate_laplacian(f, x, samples=6, seed=s, power=power)),
    ):  # fmt: skip
        found = [one(s) for s in range(60)]
        values, variances = ([getattr(e, k) for e in found] for k in ("value", "variance"))
        assert abs(np.mean(values) - want) < 4 * np.std(values) / np.sqrt(60)
        assert np.mean(variances) == pytest.approx(np.var(values), rel=0.6)
        assert one(3).value == one(3).value and found[0].error == found[0].variance ** 0.5


def test_estimates_with_a_factor_and_many_points():
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 4))
    sigma = np.random.default_rng(1).normal(size=(4, 2))
    found = [op.estimate_laplacian(f, x, samples=4, seed=s, factor=sigma) for s in range(60)]
    want = op.hessian_trace(f, x, sigma @ sigma.T)
    values = np.array([e.value for e in found])
    assert (abs(values.mean(0) - want) < 4 * values.std(0) / np.sqrt(60)).all()
    with pytest.raises(ValueError, match="2 samples"):
        op.estimate_laplacian(f, x, samples=1, seed=0)


@pytest.mark.parametrize("factor", [None, RNG.normal(size=(4, 3))])
def test_variance_of_random_directions(factor):
    """It is 2 Σ_{i≠j} K_ij², K = σᵀHσ."""
    h = np.array([[1, 2, 0, -1], [2, -3, 1, 0], [0, 1, 2, 4], [-1, 0, 4, 5.0]])
    K = h if factor is None else factor.T @ h @ factor
    found = op.estimate_laplacian(
        lambda x: np.sum(x @ h * x, -1) / 2, np.zeros((300, 4)), samples=4, seed=0, factor=factor
    )
    want = 2 * np.sum((K - np.diag(np.diag(K))) ** 2) / 4
    assert np.mean(found.variance) == pytest.approx(want, rel=0.2)
    assert np.var(found.value) == pytest.approx(want, rel=0.3)


def test_variance_of_random_terms():
    """It is Σ|c| Σ|c|(∂^α f)² - (Pf)²."""
    d, x = op.partials(3), np.array([0.2, -0.4, 0.3])
    P = 3 * d[0] ** 2 - 2 * d[0] * d[1] * d[2] + d[2]
    each = {m: by_tensors(op.Symbol(d, {m: 1}), f, x) for m in P.terms}
    size = sum(map(abs, P.terms.values()))
    want = size * sum(abs(c) * each[m] ** 2 for m, c in P.terms.items()) - op.apply(P, f, x) ** 2
    found = op.estimate(P, f, x, samples=2000, seed=0)
    assert found.variance * 2000 == pytest.approx(want, rel=0.1)


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


@pytest.mark.parametrize("call", [
    lambda f: op.estimate(op.partials(3) @ op.partials(3), f, np.ones(3), samples=4, seed=None),
    lambda f: op.estimate_laplacian(f, np.ones(3), samples=4, seed=None),
])  # fmt: skip
def test_estimates_need_a_seed(call):
    with pytest.raises(TypeError, match="seed=0"):
        call(lambda x: np.sum(x**2))


def test_powers_of_symbols_are_whole():
    for wrong in (0.5, 2.0, "2"):
        with pytest.raises(TypeError, match="a power of a symbol"):
            op.partials(2)[0] ** wrong


def test_estimates_stay_in_their_field():
    g = lambda x: x[..., 0] ** 3 * x[..., 1] ** 2
    x, d = [Fraction(1), Fraction(2)], op.partials(2)
    for found in (op.estimate(d[0] ** 2 / 3 - 2 * d[1], g, x, samples=3, seed=1),
                  op.estimate_laplacian(g, x, samples=3, seed=1)):  # fmt: skip
        assert type(found.value) is type(found.variance) is Fraction
        assert found.error == pytest.approx(float(found.variance) ** 0.5)
    y = np.array([1, 2], np.float32)
    assert op.estimate(d @ d, g, y, samples=3, seed=1).value.dtype == np.float32
    assert op.estimate_laplacian(g, y, samples=3, seed=1).value.dtype == np.float32


@pytest.mark.parametrize("call", [
    lambda f: op.estimate(op.partials(3) @ op.partials(3), f, np.ones(3), samples=4, seed=None),
    lambda f: op.estimate_laplacian(f, np.ones(3), samples=4, seed=None),
])  # fmt: skip
def test_estimates_need_a_seed(call):
    with pytest.raises(TypeError, match="seed=0"):
        call(lambda x: np.sum(x**2))
