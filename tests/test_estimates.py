"""Estimates of operators: unbiased, with their variance, in the numbers of the point."""

from fractions import Fraction

import numpy as np
import pytest
from test_operators import RNG, by_tensors, f

import taylor
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


def test_parameters_of_estimates():
    """Every draw is that of the numbers; the parameters, at zero too, multiply what is drawn."""
    d, x = op.partials(4), np.array([0.2, -0.4, 0.3, 0.1])

    def one(c, seed, samples=6):
        P = c[0] * (d @ d) - c[1] * d[0] * d[1] + 2 * d[2] + c[0] * c[1]
        return op.estimate(P, f, x, samples=samples, seed=seed).value

    c = np.array([0.7, 0.0])
    slopes = np.array([taylor.gradient(lambda c, s=s: one(c, s), c) for s in range(120)])
    parts = op.apply([d @ d, -d[0] * d[1]], f, x)
    want = np.array([parts[0], parts[1] + c[0] * f(x)])
    assert (abs(slopes.mean(0) - want) < 4 * slopes.std(0) / np.sqrt(120)).all()
    compiled = taylor.compile(lambda c: one(c, 3))
    for here in (c, np.array([-0.3, 2.0])):
        value = taylor.value_and_gradient(lambda c: one(c, 3), here)[0]
        assert compiled(here) == pytest.approx(value, rel=1e-13)
    alone = op.estimate(d @ d, f, x, samples=5, seed=2).value
    whole = taylor.derivative(
        lambda c: op.estimate(c * (d @ d), f, x, samples=5, seed=2).value, 3.0, 1
    )
    assert whole == pytest.approx(alone, rel=1e-14)


@pytest.mark.parametrize("call", [
    lambda f: op.estimate(op.partials(3) @ op.partials(3), f, np.ones(3), samples=4, seed=None),
    lambda f: op.estimate_laplacian(f, np.ones(3), samples=4, seed=None),
])  # fmt: skip
def test_estimates_need_a_seed(call):
    with pytest.raises(TypeError, match="seed=0"):
        call(lambda x: np.sum(x**2))
