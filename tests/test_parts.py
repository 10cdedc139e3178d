"""Real functions through complex numbers: parts, moduli, angles, conjugates, in every mode."""

import mpmath
import numpy as np
import pytest

import hyperdual
import taylor

X = np.array([0.3, -0.7, 1.1])
D = np.array([1.0, 0.5, -0.3])
CASES = {
    "abs": lambda x: np.sum(np.abs(np.exp(1j * x) * x + 2)),
    "abs squared": lambda x: np.sum(np.abs(x * (1 + 2j) + np.sin(x)) ** 2),
    "real": lambda x: np.sum(np.real(np.exp((1 + 1j) * x))),
    "imag": lambda x: np.sum(((x + 1j * x**2) ** 3).imag),
    "conj": lambda x: np.sum((x + 1j * x**2) * np.conj(np.exp(1j * x))).real,
    "angle": lambda x: np.sum(np.angle(x + 1j * x**2)),
    "degrees": lambda x: np.angle(np.sum(np.exp(1j * x)), deg=True),
    "norm": lambda x: np.linalg.norm(x * np.exp(1j * x)),
    "var": lambda x: np.var(x * np.exp(1j * x)),
    "nested": lambda x: abs(np.prod(x + 1j * np.abs(np.exp(2j * x) + x))),
    "matrix": lambda x: np.abs(np.linalg.det(np.outer(x, x) * 1j + np.eye(3))),
    "vector": lambda x: np.abs(x + 1j) * np.cumsum(np.exp(1j * x)).imag,
}
COMPLEX = {
    "conj": lambda x: np.conj(np.exp(1j * x) * x) * x,
    "sign": lambda x: np.sign(x * np.exp(1j * x) + 1),
    "mixed": lambda x: np.abs(x + 1j) * np.exp(1j * x),
}
MODES = [pytest.param(lambda f: f, id="eager"), pytest.param(taylor.compile, id="compiled")]


def along(f, order):
    """The derivative of that order of t -> f(X + t·D) by differences of mpmath's precision."""
    h = 1e-2
    t = h * np.arange(-8, 9)
    values = np.array([f(X + s * D) for s in t])
    c = np.polynomial.polynomial.polyfit(t / h, values, 14)
    return c[order] * h**-order * np.prod(np.arange(1, order + 1))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", [*CASES, *(f"complex {c}" for c in COMPLEX)])
def test_derivatives_are_those_of_real_variables(case, mode):
    plain = CASES[case] if case in CASES else COMPLEX[case.removeprefix("complex ")]
    f = mode(plain)
    first = along(plain, 1)
    y, dy = taylor.jvp(f, X, D)
    assert y.dtype == plain(X).dtype
    np.testing.assert_allclose(dy, first, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(taylor.jacobian(f, X) @ D, first, rtol=1e-8, atol=1e-10)
    w = np.linspace(1, 2, np.size(y)).reshape(np.shape(y))
    w = w * (1 - 0.5j) if np.iscomplexobj(y) else w
    xbar = taylor.vjp(f, X, w)[1]
    assert xbar.dtype == w.dtype
    np.testing.assert_allclose(xbar @ D, np.sum(w * first), rtol=1e-8)
    np.testing.assert_allclose(
        taylor.directional(f, X, D, 3), along(plain, 3), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", [c for c in CASES if c != "vector"])
def test_second_derivatives(case, mode):
    f = mode(CASES[case])
    h = taylor.hessian(f, X)
    assert h.dtype == float
    np.testing.assert_allclose(h, taylor.tensor(CASES[case], X, 2), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(D @ h @ D, along(CASES[case], 2), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(taylor.hvp(f, X, D), h @ D, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("driver", [taylor.derivative, taylor.hessian])
@pytest.mark.parametrize("f", [np.abs, np.real, np.conj, np.angle, lambda z: z.imag])
def test_a_complex_variable_has_none(f, driver, mode):
    with pytest.raises(TypeError, match="not holomorphic"):
        driver(mode(lambda z: f(z) * 1.0), 1.0 + 2.0j)


Z, DZ = np.array([1.0 + 2.0j, 3.0j - 0.5]), np.array([1j, 2.0 - 1.0j])
REAL = {
    "abs": lambda z: np.sum(np.abs(z) ** 3),
    "real": lambda z: np.real(z[0] * np.exp(z[1])),
    "angle": lambda z: np.angle(z[0]) * z[1].imag,
    "conj": lambda z: (z[0] * np.conj(z[1] ** 2)).real,
    "norm": lambda z: np.linalg.norm(z),
    "var": lambda z: np.var(z * z),
}


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")  # of code for complex numbers
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", REAL)
def test_a_real_function_of_complex_variables_goes_by_their_parts(case, mode):
    """du = Re(g·dz) of the gradient g, and of what is derived from it."""
    plain, f = REAL[case], mode(REAL[case])
    of_parts = lambda x: plain(x[:2] + 1j * x[2:])
    x, d = np.concatenate([Z.real, Z.imag]), np.concatenate([DZ.real, DZ.imag])
    real, rate = taylor.gradient(of_parts, x), taylor.hvp(of_parts, x, d)
    g = real[:2] - 1j * real[2:]
    same = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12)
    same(taylor.gradient(f, Z), g)
    value, slope = taylor.value_and_gradient(f, Z)
    same(slope, g)
    same(value, plain(Z))
    same(taylor.jvp(f, Z, DZ), (value, np.sum(g * DZ).real))
    same(taylor.vjp(f, Z, 2.0)[1], 2 * g)
    same(taylor.hvp(f, Z, DZ), rate[:2] - 1j * rate[2:])
    same(taylor.jacobian(lambda z: np.stack([f(z), 2 * f(z)]), Z), [g, 2 * g])


def test_arguments_some_of_which_are_complex():
    f = lambda a, p: (np.real(a * p["b"]) * a, p)
    (slope, by_p), aux = taylor.gradient(f, 2.0, {"b": Z[0]}, argnums=(0, 1), has_aux=True)
    assert (slope, by_p, aux) == (4.0, {"b": 4.0 + 0.0j}, {"b": Z[0]})
    assert isinstance(slope, float)
    outer = lambda z: np.real(np.conj(z) * taylor.gradient(lambda w: np.abs(w) ** 4, z))
    assert taylor.gradient(outer, Z[0]) == pytest.approx(16 + 128j)  # of 4|z|²(x² - y²)
    assert taylor.gradient(lambda z: np.sum(np.abs(z)), Z.astype(np.complex64)).dtype == "c8"
    np.testing.assert_allclose(taylor.vjp(lambda z: np.conj(z) * z, Z, Z)[1], 2 * Z.real * Z.conj())
    with pytest.raises(TypeError, match="not holomorphic"):
        taylor.gradient(np.conj, Z[0])  # its value is complex


def test_numbers_of_mpmath():
    x = mpmath.mpf("0.3")
    found = taylor.derivative(lambda t: abs(np.exp(mpmath.mpc(1, 2) * t) + t), x, 2)
    expected = mpmath.diff(lambda t: abs(mpmath.exp(mpmath.mpc(1, 2) * t) + t), x, 2)
    assert abs(found - expected) < 1e-10
    with pytest.raises(TypeError, match="not holomorphic"):
        taylor.derivative(lambda t: t.conjugate() * t, mpmath.mpc(1, 2))


def test_the_modulus_has_a_kink_at_zero():
    def f(x):
        return np.sum(np.abs(x * (1 + 1j)))

    with pytest.raises(taylor.NonAnalyticError):
        taylor.derivative(f, 0.0)
    at = np.array([0.0, 1.0])
    np.testing.assert_allclose(taylor.gradient(f, at), [np.nan, np.sqrt(2)])
    np.testing.assert_array_equal(taylor.hessian(f, at), [[np.nan, np.nan], [np.nan, 0.0]])
    squared = taylor.gradient(lambda x: np.sum((x * (1 + 1j) * np.conj(x * (1 + 1j))).real), at)
    np.testing.assert_allclose(squared, [0.0, 4.0])


def test_a_part_next_to_nothing_is_so_at_the_point_only():
    f = lambda x: np.real_if_close(x[0] + 1j * np.maximum(x[1], 0))
    program, compiled = taylor.record(f, np.array([0.3, -0.7])), taylor.compile(f)
    for x in ([0.3, -0.7], [0.3, 0.7], [0.3, 1e-15]):
        found = compiled(np.array(x))
        assert found == f(np.array(x)) and np.iscomplexobj(found) == np.iscomplexobj(f(np.array(x)))
    with pytest.raises(taylor.GuardError):
        program(np.array([0.3, 0.7]))


def test_hyperdual_numbers_and_programs():
    f = CASES["abs"]
    np.testing.assert_allclose(hyperdual.hessian(f, X), taylor.hessian(f, X), rtol=1e-12)
    program = taylor.record(f, X)
    np.testing.assert_allclose(program(2 * X), f(2 * X))
    np.testing.assert_allclose(taylor.gradient(program, 2 * X), taylor.gradient(f, 2 * X))


def test_an_equation_through_complex_numbers():
    """|z| of z = exp(i·t)·y is y."""
    found = taylor.ode.solve_ivp(lambda t, y: -np.abs(np.exp(1j * t) * y), (0.0, 1.0), [1.0])
    np.testing.assert_allclose(found.y[0, -1], np.exp(-1.0), rtol=1e-12)
