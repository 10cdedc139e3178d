"""Expressions of sympy as functions, series as expressions, and polynomials of NumPy, both ways."""

from fractions import Fraction

import mpmath
import numpy as np
import numpy.polynomial as npp
import pytest
import sympy as sp

import taylor
from taylor import Taylor, TaylorN, from_sympy, gradient, jacfwd, jacrev

x, y, t = sp.symbols("x y t")
P = np.array([1.3, 0.7])
THIRD = sp.Rational(1, 3)
EXPRESSIONS = {
    "arithmetic": x**3 * y / 7 - THIRD / (x * y**2) + 2 * x - 1,
    "constants": sp.pi * x + sp.E * y + sp.sqrt(2) * sp.log(2) + sp.EulerGamma * x * y,
    "powers": sp.sqrt(x * y) + x**THIRD + x ** sp.Rational(-3, 2) + 2**x + x**y + y**1.5,
    "exp and log": sp.exp(sp.sin(x)) + sp.log(x, 2) + sp.log(y),
    "trigonometric": sp.tan(x) + sp.cot(x) * sp.sec(y) + sp.csc(y) + sp.atan2(y, x) + sp.sinc(x),
    "inverse": sp.asin(x / 4) + sp.acos(y / 4) * sp.atan(x) + sp.asinh(y) + sp.atanh(x / 4),
    "inverse of reciprocals": sp.acot(y) + sp.asec(x) + sp.acsc(x) + sp.asech(y) + sp.acsch(y),
    "hyperbolic": sp.sinh(x) * sp.cosh(y) + sp.tanh(x) + sp.coth(y) + sp.acosh(x) + sp.sech(x),
    "gamma": sp.gamma(x) + sp.loggamma(y) * sp.digamma(x) + sp.polygamma(2, x) + sp.factorial(y),
    "two arguments": sp.beta(x, y) + sp.binomial(x, 2) + sp.lowergamma(2, x),
    "error functions": sp.erf(x) + sp.erfc(y) + sp.erfi(x / 3) + sp.erfinv(y / 3),
    "bessel": sp.besselj(0, x) + sp.bessely(1, y) + sp.besseli(2, x) * sp.besselk(1, y),
    "airy": sp.airyai(x) + sp.airybi(y) * sp.airyaiprime(y) + sp.airybiprime(x),
    "integrals": sp.Ei(x) + sp.expint(2, y) + sp.Si(x) + sp.Ci(y) + sp.fresnels(x) + sp.Shi(y),
    "others": sp.LambertW(x) + sp.elliptic_k(y / 9) + sp.legendre(3, x) + sp.chebyshevt(4, y),
    "pieces": sp.Piecewise((x**2, x < 1), (sp.sin(x) * y, sp.And(x > 1, y < 2)), (0, True)),
    "maximum": sp.Max(x**2, y, sp.Rational(1, 2)) + sp.Min(x, y) ** 2,
    "closed forms": sp.Integral(t**2 * x, (t, 0, y)) * sp.Sum(x**t, (t, 0, 3)) + sp.diff(x**4),
}  # fmt: skip
KINKS = {
    "Abs": (sp.Abs(y - x) ** 3, [3 * 0.36, -3 * 0.36]),
    "sign": (sp.sign(x) * y, [0, 1]),
    "Heaviside": (sp.Heaviside(x - y) * x, [1, 0]),
    "floor": (sp.floor(x) + sp.ceiling(y) * x + sp.frac(x), [2, 0]),
    "Mod": (sp.Mod(x, y), [1, -1]),
    "complex": (sp.re((x + sp.I * y) ** 2) + sp.im(sp.exp(sp.I * x)), [2.6 + np.cos(1.3), -1.4]),
    "a constant": (sp.Integer(3), [0, 0]),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_is_a_function_in_all_modes(name):
    e = EXPRESSIONS[name]
    f = from_sympy(e, (x, y))
    at = {x: sp.Float(P[0], 30), y: sp.Float(P[1], 30)}
    e = e.doit()
    wanted = [float(sp.re(sp.diff(e, s).subs(at).evalf(20))) for s in (x, y)]
    assert float(f(*P)) == pytest.approx(float(e.subs(at).evalf(20)), rel=1e-13)
    for drive in (jacfwd, jacrev, lambda g, p: gradient(taylor.compile(g), p)):
        assert drive(lambda p: f(p[0], p[1]), P) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("name", KINKS)
def test_kinks_jumps_and_complex_parts(name):
    e, wanted = KINKS[name]
    f = from_sympy(e, (x, y))
    for drive in (jacfwd, jacrev):
        assert drive(lambda p: f(p[0], p[1]) + 0 * p[0], P) == pytest.approx(wanted)


def test_rationals_stay_exact_and_constants_are_as_precise_as_the_arguments():
    assert from_sympy(x**2 / 3 + 1 / (7 * x), x)(Fraction(1, 2)) == Fraction(31, 84)
    assert from_sympy(1 / (3 * x**2), x)(2) == Fraction(1, 12)
    series = from_sympy(x / 3 + 1 / x, x)(Taylor.variable(Fraction(1, 2), 2))
    assert series.coef.tolist() == [Fraction(13, 6), Fraction(-11, 3), 8]
    f = from_sympy(sp.pi * x + sp.sqrt(2) * sp.log(2) / 3, x)
    assert f(np.float32(1)).dtype == np.float32
    assert gradient(f, np.float32(1)).dtype == np.float32
    with mpmath.workdps(50):
        wanted = mpmath.pi + mpmath.sqrt(2) * mpmath.log(2) / 3
        assert abs(f(mpmath.mpf(1)) - wanted) < mpmath.mpf(10) ** -48
    assert from_sympy(sp.Float("0.1", 40) * x, x)(mpmath.mpf(1)) == pytest.approx(0.1)


def test_arrays_matrices_and_functions_of_ones_own():
    f = from_sympy(EXPRESSIONS["pieces"], (x, y))
    points = np.array([0.5, 1.5, 2.5])
    assert f(points, 0.7).tolist() == [f(p, 0.7) for p in points]
    assert jacrev(lambda p: f(p, 0.7), points).diagonal().tolist() == pytest.approx(
        [1.0, 0.7 * np.cos(1.5), 0.7 * np.cos(2.5)]
    )
    g = from_sympy(sp.Matrix([[x, 1], [y, x * y]]), (x, y))
    assert g(2.0, 3.0).tolist() == [[2, 1], [3, 6]] and g(points, 3.0).shape == (2, 2, 3)
    assert gradient(lambda p: np.linalg.det(g(p[0], p[1])), P) == pytest.approx(
        [2 * P[0] * P[1], P[0] ** 2 - 1]
    )
    assert from_sympy([x, x * y], [x, y])(2, 3).tolist() == [2, 6]
    own = from_sympy(sp.Function("own")(x) * x, x, functions={"own": np.sin})
    assert float(taylor.derivative(own, 1.0, 2)) == pytest.approx(2 * np.cos(1) - np.sin(1))


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        (sp.Function("g")(x), "g"),
        (sp.Sum(x ** (t**2), (t, 1, sp.oo)), "Sum"),
        (sp.hyper([1, 2], [3], x), "hyper"),
        (sp.DiracDelta(x), "DiracDelta"),
    ],
)
def test_what_has_no_counterpart_is_named(expression, name):
    with pytest.raises(TypeError, match=rf"no counterpart of .*{name}"):
        from_sympy(expression, x)
    with pytest.raises(ValueError, match="no argument stands for y"):
        from_sympy(x * y, x)
    with pytest.raises(TypeError, match="2 arguments"):
        from_sympy(x * y, (x, y))(1.0)


@pytest.mark.parametrize("modules", ["numpy", ["scipy", "numpy"], taylor.elementary])
def test_functions_of_lambdify_are_numpy_code(modules):
    e = sp.exp(sp.sin(x)) * sp.sqrt(y) + sp.Piecewise((x, x > 1), (y, True)) + sp.Max(x, y)
    if modules is taylor.elementary:
        e = sp.exp(sp.sin(x)) * sp.sqrt(y)
    f = sp.lambdify((x, y), e, modules)
    wanted = [float(sp.diff(e, s).subs({x: P[0], y: P[1]})) for s in (x, y)]
    for drive in (jacfwd, jacrev):
        assert drive(lambda p: f(p[0], p[1]), P) == pytest.approx(wanted)


# ------------------------------------------------------------------ series as expressions
def test_series_are_expressions():
    third = Fraction(1, 3)
    e = (Taylor.variable(third, 2) ** 2).to_sympy(t)
    assert sp.expand(e - (t + sp.Rational(1, 3)) ** 2) == 0
    s = np.exp(Taylor.variable(0.0, 3)).to_sympy(t, remainder=True)
    assert s.getO() == sp.O(t**4) and s.removeO().subs(t, 1) == pytest.approx(8 / 3)
    with mpmath.workdps(40):
        c = Taylor.variable(mpmath.mpf(1) / 3, 1).to_sympy(t).subs(t, 0)
        assert abs(c - sp.Rational(1, 3)) < 1e-39
    assert Taylor.variable(2 + 1j, 1).to_sympy(t).subs(t, 0) == 2.0 + 1.0 * sp.I
    assert Taylor([[1, 2], [3, 4]]).to_sympy(t) == sp.Array([1 + 3 * t, 2 + 4 * t])
    assert Taylor(np.ones((2, 2, 1))).to_sympy(t).shape == (2, 1)
    a, b = TaylorN.variables([Fraction(1, 2), 2], 2)
    assert sp.expand((a * b).to_sympy(x, y) - (x + sp.Rational(1, 2)) * (y + 2)) == 0
    with pytest.raises(TypeError, match="2 variables"):
        a.to_sympy(x)
    with pytest.raises(TypeError, match="series themselves"):
        Taylor.variable(Taylor.variable(1.0, 1), 1).to_sympy(t)


def test_there_and_back():
    f = from_sympy(sp.exp(x) / (1 + x), x)
    e = f(Taylor.variable(0.0, 5)).to_sympy(x)
    wanted = sp.series(sp.exp(x) / (1 + x), x, 0, 6).removeO()
    assert [float(e.coeff(x, k)) for k in range(6)] == pytest.approx(
        [float(wanted.coeff(x, k)) for k in range(6)]
    )


# ------------------------------------------------------------------ numpy.polynomial
BASES = [npp.Polynomial, npp.Chebyshev, npp.Legendre, npp.Hermite, npp.HermiteE, npp.Laguerre]
COEFFICIENTS = np.array([1.0, 2.0, -3.0, 0.5])


@pytest.mark.parametrize("basis", BASES, ids=lambda b: b.__name__)
def test_polynomials_of_numpy_take_and_hold_series(basis):
    for p in (basis(COEFFICIENTS), basis(COEFFICIENTS, domain=[0, 2])):
        c = p(Taylor.variable(0.7, 2)).coef
        assert c == pytest.approx([p(0.7), p.deriv()(0.7), p.deriv(2)(0.7) / 2])
        assert gradient(lambda v, p=p: np.sum(p(v)), P) == pytest.approx(p.deriv()(P))
        series = Taylor.from_polynomial(p)
        assert series(0.3) == pytest.approx(p(0.3))
        assert series.to_polynomial()(0.3) == pytest.approx(p(0.3))
    units = [basis(e)(0.7) for e in np.eye(4)]
    for drive in (jacfwd, jacrev):
        assert drive(lambda c: basis(c)(0.7), COEFFICIENTS) == pytest.approx(units)


def test_poly1d_is_in_falling_powers():
    p = np.poly1d(COEFFICIENTS)
    assert p(Taylor.variable(0.7, 1)).coef == pytest.approx([p(0.7), p.deriv()(0.7)])
    assert Taylor.from_polynomial(p)(0.7) == pytest.approx(p(0.7))
    powers = 0.7 ** np.arange(3, -1, -1)
    assert gradient(lambda c: np.poly1d(c)(0.7), COEFFICIENTS) == pytest.approx(powers)


def test_a_text_is_no_expression():
    with pytest.raises(TypeError, match=r"sympy.sympify\('x\*\*2'\)"):
        from_sympy("x**2", "x")
