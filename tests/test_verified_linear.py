"""Linear systems over intervals hold the solutions of all members."""

import random
from fractions import Fraction

import numpy as np
import pytest

import taylor
from taylor import Taylor
from taylor.verified import Interval


def members(a, rng, count=6):
    """Yield matrices of fractions inside of a, the ends among them."""
    for _ in range(count):
        pick = [
            Fraction(low) + (Fraction(high) - Fraction(low)) * rng.choice([0, 1, Fraction(1, 3)])
            for low, high in zip(a.lo.ravel().tolist(), a.hi.ravel().tolist(), strict=True)
        ]
        yield np.array(pick, dtype=object).reshape(a.shape)


def all_hold(x, exact):
    pairs = zip(x.lo.ravel(), x.hi.ravel(), np.ravel(exact), strict=True)
    return all(Fraction(low) <= e <= Fraction(high) for low, high, e in pairs)


def boxes(n, width, seed=0):
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(n, n)) + 2 * np.eye(n)
    return Interval(middle, middle + width * rng.uniform(0, 1, (n, n)))


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("width", [0.0, 1e-10, 1e-2])
def test_solutions_inverses_and_determinants_hold(n, width):
    a, b = boxes(n, width), boxes(n, width, 1)
    rng = random.Random(2)
    x, y, inverse, det = (
        np.linalg.solve(a, b), np.linalg.solve(a, b[0]), np.linalg.inv(a), np.linalg.det(a)
    )  # fmt: skip
    for m, right in zip(members(a, rng), members(b, rng), strict=True):
        assert all_hold(x, taylor.linalg.solve(m, right))
        assert all_hold(y, taylor.linalg.solve(m, right[0]))
        assert all_hold(inverse, taylor.linalg.inv(m))
        exact = taylor.linalg.det(m)
        assert Fraction(det.lo) <= exact <= Fraction(det.hi)
    assert width or (x.width.max() < 1e-12 and inverse.width.max() < 1e-12 and det.width < 1e-12)


def test_a_batch_and_plain_sides():
    a = np.stack([boxes(3, 1e-6), boxes(3, 1e-6, 5)])
    x = np.linalg.solve(a, np.ones((2, 3, 1)))
    assert x.shape == (2, 3, 1)
    assert np.all(x[1].overlaps(np.linalg.solve(a[1], np.ones((3, 1)))))
    assert np.all(np.isfinite(np.linalg.solve(a[0].mid, Interval([1.0, 2, 3], [1.0, 2, 4])).mag))
    assert np.linalg.det(a).shape == (2,)


def test_members_without_inverses_are_told():
    a = Interval([[1.0, 1.0], [1.0, 1.0]], [[1.1, 1.0], [1.0, 1.1]])
    with pytest.raises(taylor.DomainError, match=r"may have no inverse: the norm"):
        np.linalg.solve(a, np.ones(2))
    with pytest.raises(taylor.DomainError, match=r"matrix \(1,\) of the batch"):
        np.linalg.inv(np.stack([boxes(2, 0.0), a]))
    assert 0 in np.linalg.det(a) and np.linalg.det(a).hi >= 0.21
    with pytest.raises(taylor.DomainError, match="no inverse"):
        np.linalg.inv(Interval(np.zeros((2, 2))))
    for f in (np.linalg.eigh, np.linalg.qr, np.linalg.pinv):
        with pytest.raises(TypeError, match="no verified method"):
            f(boxes(2, 0.0))


def test_series_and_gradients_of_solutions_hold():
    def f(t):
        a = np.stack([np.stack([t + 2, t * t]), np.stack([1 - t, t + 3])])
        return np.linalg.solve(a, np.stack([t, t + 1]))[0] * np.linalg.det(a)

    x = Interval(0.25, 0.26)
    found = f(Taylor.variable(x, 4)).coef
    slope = taylor.gradient(lambda v: f(v[0]), Interval([0.25], [0.26]))
    for t in (Fraction(1, 4), Fraction(0.26), Fraction(51, 200)):
        exact = f(Taylor.variable(t, 4)).coef
        assert all_hold(found, exact)
        assert Fraction(slope.lo[0]) <= exact[1] <= Fraction(slope.hi[0])


SPECTRA = {
    "eigvalsh": np.linalg.eigvalsh, "singular values": lambda a: np.linalg.svd(a, compute_uv=False),
    "cholesky": lambda a: np.linalg.cholesky(a @ a.mT + 9 * np.eye(a.shape[-1])),
    "logdet": lambda a: np.linalg.slogdet(a).logabsdet,
}  # fmt: skip


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("width", [0.0, 1e-10, 1e-2])
def test_spectra_and_factors_hold_those_of_members(name, width):
    rng, f = np.random.default_rng(3), SPECTRA[name]
    a = np.stack([boxes(4, width, seed) for seed in range(3)])
    a = a + np.swapaxes(a, -1, -2)
    found, seen = f(a), []
    for share in (0, 1, *rng.uniform(size=(6, 3, 4, 4))):
        share = (
            np.tril(share) + np.swapaxes(np.tril(share, -1), -1, -2) if np.ndim(share) else share
        )
        y = f(a.lo + (a.hi - a.lo) * share)
        seen.append(y)
        assert np.all((found.lo - 1e-13 <= y) & (y <= found.hi + 1e-13))
    spread = np.max(seen, 0) - np.min(seen, 0)
    assert np.all(found.width <= 40 * spread.max() + 3e-13)


def test_known_spectra_are_proved():
    a = Interval(np.array([[2.0, 1.0], [1.0, 2.0]]))
    assert [v in e for v, e in zip((1, 3), np.linalg.eigvalsh(a), strict=True)] == [True, True]
    values = np.linalg.svd(Interval(np.array([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]])), compute_uv=False)
    assert 4 in values[0] and 3 in values[1] and values.width.max() < 4e-14
    for f in (np.linalg.cholesky, np.linalg.slogdet):
        with pytest.raises(taylor.DomainError, match="narrower"):
            f(Interval(np.zeros((2, 2)), np.ones((2, 2))))


@pytest.mark.parametrize("width", [0.0, 1e-3])
def test_derivatives_of_the_logarithm_of_a_determinant_hold_those_of_members(width):
    """log det(1 + x·xᵀ) = log(1 + xᵀx), with the gradient 2x/(1 + xᵀx), in fractions."""
    lo = np.array([0.25, -0.5, 0.75, 0.125])
    box = Interval(lo, lo + width)

    def f(x):
        return np.linalg.slogdet(np.outer(x, x) + np.eye(4))[1]

    for g in (f, taylor.compile(f)):
        found, second = taylor.gradient(g, box), taylor.hessian(g, box)
        for point in (lo, box.hi, box.mid):
            x = [Fraction(float(v)) for v in point]
            size = 1 + sum(v * v for v in x)
            for i in range(4):
                assert Fraction(found.lo[i]) <= 2 * x[i] / size <= Fraction(found.hi[i])
                for j in range(4):
                    entry = 2 * (i == j) / size - 4 * x[i] * x[j] / size**2
                    assert Fraction(second.lo[i, j]) <= entry <= Fraction(second.hi[i, j])
        assert found.width.max() < 8 * width + 1e-13
