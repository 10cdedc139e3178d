"""Quotients near the points where both sides vanish: derivatives as good as anywhere else."""

import functools

import mpmath
import numpy as np
import pytest

import hyperdual
import taylor

QUOTIENTS = {
    "bernoulli": lambda n, x: x / (1 - n.exp(-x)),
    "expm1": lambda n, x: x / n.expm1(x),
    "scaled": lambda n, x: 0.1 * (x + 0.0) / (n.exp(x / 8) - 1),
    "sin": lambda n, x: n.sin(x) / x,
    "log1p": lambda n, x: n.log1p(x) / x,
    "cos": lambda n, x: (1 - n.cos(x)) / x**2,
    "tanh": lambda n, x: n.tanh(x) / x,
    "sinh": lambda n, x: n.sinh(x) / x,
    "tan": lambda n, x: x / n.tan(x),
    "both": lambda n, x: n.sin(2 * x) / n.tanh(4 * x),
    "cosh": lambda n, x: (n.cosh(x) - 1) / (x * n.sin(x)),
    "sqrt": lambda n, x: (n.sqrt(1 + x) - 1) / x,
    "exponentials": lambda n, x: (n.exp(x) - n.exp(-x)) / x,
    "nested": lambda n, x: (n.exp(n.sin(x)) - 1) / x,
    "product": lambda n, x: 3 * x * (1 / n.expm1(2 * x)),
    "square": lambda n, x: n.sin(x) ** 2 / (x * x),
    "rate": lambda n, x: (1 - n.exp(-x * 7.0)) / x,
    "pole": lambda n, x: x * (1 - n.cos(x)) / (x**2 * n.expm1(x)),
}
DISTANCES = (0.1, -1e-2, 1e-4, -1e-6, 1e-9, 1e-12, -1e-14, 1e-16, 0.0)


class Exact:
    """The functions of mpmath under NumPy's names."""

    log1p = staticmethod(lambda x: mpmath.log(1 + x))

    def __getattr__(self, name):
        return getattr(mpmath, name)


@functools.cache
def wanted(f, x, order=3):
    """Return the derivatives 0..order at 400 digits, a little beside the point."""
    with mpmath.workdps(400):
        c = mpmath.taylor(lambda s: f(Exact(), mpmath.mpf(x) + s), mpmath.mpf(10) ** -60, order)
        return [float(v * mpmath.factorial(k)) for k, v in enumerate(c)]


def seeded(f, x, order=3):
    return f(taylor.Taylor.variable(x, order))


MODES = {
    "gradient": (1, lambda f, x: taylor.gradient(f, x)),
    "hessian": (2, lambda f, x: taylor.hessian(f, x)),
    "hvp": (2, lambda f, x: taylor.hvp(f, x, 1.0)),
    "third": (3, lambda f, x: taylor.derivative(f, x, 3)),
    "jvp": (1, lambda f, x: taylor.jvp(f, x, 1.0)[1]),
    "jvp of gradient": (2, lambda f, x: taylor.jvp(lambda z: taylor.gradient(f, z), x, 1.0)[1]),
    "series": (2, lambda f, x: 2 * seeded(f, x).coef[2]),
    "array of series": (2, lambda f, x: 2 * seeded(f, np.array([0.3, x])).coef[2, 1]),
    "lanes": (1, lambda f, x: taylor.lanes(lambda z: taylor.gradient(f, z))(np.array([0.3, x]))[1]),
    "array": (1, lambda f, x: taylor.gradient(lambda v: np.sum(f(v)), np.array([0.3, x]))[1]),
    "code": (2, lambda f, x: taylor.compile(lambda z: taylor.derivative(f, z, 2))(x)),
    "complex": (2, lambda f, x: taylor.derivative(f, complex(x), 2).real),
    "several variables": (
        2,
        lambda f, x: f(taylor.TaylorN.variables([x, 2.0], 2)[0]).partial((2, 0)),
    ),
    "hyperdual": (2, lambda f, x: hyperdual.second_partial(lambda z: f(z[0]), [x, 1.0], 0, 0)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", QUOTIENTS)
def test_derivatives_near_a_removable_point(name, mode):
    f, (k, found) = QUOTIENTS[name], MODES[mode]
    for x in DISTANCES:
        if name == "product" and x == 0 and "se" in mode:
            continue  # 1/expm1(2x) is asked for by itself
        exact = wanted(f, x)[k]
        assert abs(found(lambda z: f(np, z), x) - exact) <= 1e-12 * max(abs(exact), 0.1), x


def test_in_float32_and_mpmath():
    f = QUOTIENTS["bernoulli"]
    for x in DISTANCES:
        exact = wanted(f, x)
        found = taylor.gradient(lambda z: f(np, z), np.float32(x))
        assert found.dtype == np.float32 and found == pytest.approx(exact[1], rel=1e-6)
    with mpmath.workdps(40):
        x = mpmath.mpf("1e-25")
        found = taylor.derivative(lambda z: f(taylor, z), x, 2)
        assert abs(found - (mpmath.mpf(1) / 6 - x**2 / 60)) < 1e-38


def test_what_was_written_into_is_another_number():
    def f(x):
        y = np.exp(x)
        y[0] = 3.0
        return (y - 1) / x

    x = taylor.Taylor.variable(np.array([0.5, 0.25]), 3)
    assert f(x).coef[0] == pytest.approx([4.0, np.expm1(0.25) / 0.25])

    def g(x):
        x = 1.0 * x
        y = np.exp(x)
        x[0] = x[0] + 1.0
        return (y - 1) / x

    assert g(x).coef[0] == pytest.approx([np.expm1(0.5) / 1.5, np.expm1(0.25) / 0.25])
    assert g(np.array([0.5, 0.25])) == pytest.approx(g(x).coef[0])


def test_a_pole_stays_one():
    with pytest.raises(taylor.PoleError):
        taylor.gradient(lambda x: np.sin(x) / x**2, 0.0)
    assert taylor.gradient(lambda x: (1 + np.sin(x)) / x, 0.5) == pytest.approx(
        np.cos(0.5) / 0.5 - (1 + np.sin(0.5)) / 0.25
    )


def test_memory_of_a_loop_stays_small():
    """What made a series is kept for some steps, not for all that there were."""
    y = x = taylor.Taylor.variable(0.3, 2)
    for _ in range(1000):
        y = 0.5 * np.sin(y) + x

    def depth(y):
        return 0 if getattr(y, "_made", None) is None else 1 + max(map(depth, y._made[1]))

    assert depth(y) < 30
