"""The drivers of both packages against sympy, at points of every number type and shape."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy

import hyperdual
import taylor
from taylor import PoleError, ShapeMismatch, Taylor
from taylor.drivers.interpolation import compositions, weights

A, B, C = sympy.symbols("a b c")


# ------------------------------------------------------------------ functions as people write them
def horner(x):
    y = 0
    for c in (3, -1, 2, 5):
        y = y * x + c
    return y


def branch(x):
    if x > 1:
        return x**3
    if x < 0:
        return np.exp(x)
    return np.sin(x) * x


def collatz_like(x, depth=0):
    return x if depth == 4 else collatz_like(x * x / 2 + 1 if depth % 2 else 3 * x - 1, depth + 1)


def newton_sqrt(x):
    y = 1.0
    for _ in range(12):
        y = (y + x / y) / 2
    return y


def while_loop(x):
    term, total, k = 1.0, 0.0, 0
    while abs(float(getattr(term, "value", term))) > 1e-18 or k < 40:
        total = total + term
        k += 1
        term = term * x / k
    return total


SCALAR = [
    ("horner", horner, 3 * A**3 - A**2 + 2 * A + 5, 1.5),
    ("branch >", branch, A**3, 2.5),
    ("branch <", branch, sympy.exp(A), -0.5),
    ("branch else", branch, sympy.sin(A) * A, 0.5),
    ("recursion", collatz_like, collatz_like(A), 0.25),
    ("newton", newton_sqrt, sympy.sqrt(A), 2.0),
    ("while", while_loop, sympy.exp(A), 0.7),
    ("mixed", lambda x: np.log(x) / (1 + x**2), sympy.log(A) / (1 + A**2), 0.8),
    ("constant", lambda x: 4.0, sympy.Integer(4), 0.8),
    ("identity", lambda x: x, A, 0.8),
]


@pytest.mark.parametrize("name, f, expression, x", SCALAR, ids=[row[0] for row in SCALAR])
def test_one_variable_against_sympy(name, f, expression, x):
    order = 5
    at = sympy.Rational(x)
    expected = [float(sympy.diff(expression, A, k).subs(A, at).evalf(30)) for k in range(order + 1)]
    approx = pytest.approx(expected, rel=1e-11, abs=1e-12)
    assert taylor.derivatives(f, x, order) == approx
    assert [taylor.derivative(f, x, k) for k in range(order + 1)] == approx
    scaled = [d / math.factorial(k) for k, d in enumerate(expected)]
    assert taylor.taylor_coefficients(f, x, order) == pytest.approx(scaled, rel=1e-11, abs=1e-12)
    assert taylor.directional(f, x, 2.0, 3) == pytest.approx(8 * expected[3], rel=1e-11, abs=1e-12)
    assert taylor.jvp(f, x, 0.5) == pytest.approx((expected[0], expected[1] / 2), abs=1e-12)
    assert taylor.partial(f, x, (3,)) == pytest.approx(expected[3], rel=1e-11, abs=1e-12)
    assert taylor.gradient(f, x) == pytest.approx(expected[1], rel=1e-11, abs=1e-12)
    assert taylor.hessian(f, x) == pytest.approx(expected[2], rel=1e-11, abs=1e-12)
    assert hyperdual.gradient(f, x) == pytest.approx(expected[1], rel=1e-11, abs=1e-12)
    assert hyperdual.hessian(f, x) == pytest.approx(expected[2], rel=1e-11, abs=1e-12)
    assert hyperdual.second_partial(f, x, 0, 0) == pytest.approx(expected[2], rel=1e-11, abs=1e-12)
    third = hyperdual.third_partial(f, x, 0, 0, 0)
    assert third == pytest.approx(expected[3], rel=1e-11, abs=1e-12)


def several(v):
    total = 0.0
    for i in range(3):
        total = total + v[i] * np.sin(v[i - 1]) if i else total + np.exp(v[0] * v[1])
    return total + v[0] * v[1] * v[2] ** 2 if v[0] > 0 else total


SEVERAL = (
    sympy.exp(A * B) + B * sympy.sin(A) + C * sympy.sin(B) + A * B * C**2,
    np.array([0.5, -0.75, 1.25]),
)


def expected_tensor(order):
    expression, x = SEVERAL
    at = dict(zip((A, B, C), map(sympy.Rational, x), strict=True))
    out = np.zeros((3,) * order)
    for index in np.ndindex(*out.shape):
        d = expression
        for i in index:
            d = sympy.diff(d, (A, B, C)[i])
        out[index] = float(d.subs(at).evalf(30))
    return out


def test_several_variables_against_sympy():
    x = SEVERAL[1]
    tensors = [expected_tensor(k) for k in range(4)]
    for k, expected in enumerate(tensors):
        assert taylor.tensor(several, x, k) == pytest.approx(expected, rel=1e-12, abs=1e-13)
    assert taylor.gradient(several, x) == pytest.approx(tensors[1], rel=1e-13)
    assert taylor.jacobian(several, x) == pytest.approx(tensors[1], rel=1e-13)
    assert taylor.hessian(several, x) == pytest.approx(tensors[2], rel=1e-13, abs=1e-14)
    assert hyperdual.gradient(several, x) == pytest.approx(tensors[1], rel=1e-13)
    assert hyperdual.hessian(several, x) == pytest.approx(tensors[2], rel=1e-13, abs=1e-14)
    v = np.array([1.0, -2.0, 0.5])
    value, along = taylor.jvp(several, x, v)
    assert [value, along] == pytest.approx([several(x), tensors[1] @ v], rel=1e-13)
    assert taylor.directional(several, x, v, 2) == pytest.approx(v @ tensors[2] @ v, rel=1e-12)
    assert taylor.directional(several, x, v, 3) == pytest.approx(
        np.einsum("ijk,i,j,k", tensors[3], v, v, v), rel=1e-12
    )
    for i in range(3):
        for j in range(3):
            found = hyperdual.second_partial(several, x, i, j)
            assert found == pytest.approx(tensors[2][i, j], rel=1e-13, abs=1e-14)
            third = hyperdual.third_partial(several, x, i, j, 2)
            assert third == pytest.approx(tensors[3][i, j, 2], rel=1e-12, abs=1e-13)
    assert hyperdual.second_partial(several, x, -1, 0) == pytest.approx(tensors[2][2, 0])
    assert taylor.partial(several, x, (1, 0, 2)) == pytest.approx(tensors[3][0, 2, 2])
    assert taylor.partial(several, x, (0, 0, 0)) == several(x)


# ------------------------------------------------------------------ shapes
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (1, 1)])
def test_elementwise_derivatives_keep_the_shape(shape):
    x = np.full(shape, 0.5)
    assert np.shape(taylor.derivative(np.sin, x, 2)) == shape
    assert taylor.derivatives(np.sin, x, 3).shape == (4, *shape)
    assert taylor.taylor_coefficients(np.sin, x, 3).shape == (4, *shape)
    assert np.allclose(taylor.derivative(np.sin, x, 2), -np.sin(x))


@pytest.mark.parametrize("shape_x", [(), (3,), (2, 2), (0,)])
@pytest.mark.parametrize("shape_f", [(), (2,), (2, 0)])
def test_tensors_have_the_shape_of_f_and_then_of_x(shape_x, shape_f):
    def f(x):
        return np.ones(shape_f) * np.sum(x * x)

    x = np.ones(shape_x)
    for order in range(3):
        assert np.shape(taylor.tensor(f, x, order)) == shape_f + shape_x * order
    assert np.shape(taylor.jacobian(f, x)) == shape_f + shape_x
    value, along = taylor.jvp(f, x, x)
    assert np.shape(value) == np.shape(along) == shape_f
    if shape_f == ():
        assert np.shape(taylor.gradient(f, x)) == shape_x
        assert np.shape(taylor.hessian(f, x)) == shape_x * 2
        assert np.shape(hyperdual.gradient(f, x)) == shape_x
        assert np.shape(hyperdual.hessian(f, x)) == shape_x * 2


def test_jacobian_of_arrays():
    m = np.array([[1.0, 2.0], [3.0, 4.0]])
    j = taylor.jacobian(lambda x: x @ x, m)
    expected = np.einsum("ik,lj->ijkl", np.eye(2), m) + np.einsum("ik,jl->ijkl", m, np.eye(2))
    assert j.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: [x[0] * x[1], x[0] + 1, 5.0],
        lambda x: (x[0] * x[1], x[0] + 1, 5.0),
        lambda x: np.array([x[0] * x[1], x[0] + 1, 5.0]),
        lambda x: np.stack([x[0] * x[1], x[0] + 1, 5.0]),
    ],
)
def test_lists_tuples_and_arrays_are_results(f):
    assert taylor.jacobian(f, [2.0, 3.0]).tolist() == [[3, 2], [1, 0], [0, 0]]
    assert taylor.jvp(f, [2.0, 3.0], [1.0, 0.0])[1].tolist() == [3, 1, 0]


def test_a_constant_function():
    x = np.array([1.0, 2.0])
    assert taylor.gradient(lambda x: 5.0, x).tolist() == [0, 0]
    assert taylor.hessian(lambda x: 5, x).tolist() == [[0, 0], [0, 0]]
    assert taylor.jacobian(lambda x: np.ones(3), x).tolist() == [[0, 0]] * 3
    assert hyperdual.hessian(lambda x: 5.0, x).tolist() == [[0, 0], [0, 0]]
    assert taylor.derivative(lambda x: 5.0, 1.0) == 0
    assert taylor.derivatives(lambda x: 5.0, 1.0, 2).tolist() == [5, 0, 0]


def test_the_function_runs_once():
    calls = []

    def f(x):
        calls.append(x)
        return np.sum(x * x)

    taylor.hessian(f, np.ones(4))
    taylor.derivatives(f, 0.5, 10)
    taylor.directional(f, np.ones(4), np.ones(4), 6)
    assert len(calls) == 3


def test_the_point_is_left_alone():
    x = np.array([1.0, 2.0])

    def f(v):
        v[0] = v[1] * 3
        return v[0] * v[1]

    assert taylor.gradient(f, x).tolist() == [0, 12]
    assert x.tolist() == [1, 2]


# ------------------------------------------------------------------ number types
def poly(x):
    return x**3 - 2 * x + 1


@pytest.mark.parametrize(
    "x, kind",
    [
        (2, int),
        (True, int),
        (np.int32(2), int),
        (Fraction(2, 3), Fraction),
        (2.0, float),
        (np.float32(2), np.float32),
        (2 + 1j, complex),
        (mpmath.mpf(2), mpmath.mpf),
        (mpmath.mpc(2, 1), (mpmath.mpc, mpmath.mpf)),
    ],
)
def test_the_number_type_of_the_point_is_that_of_the_result(x, kind):
    plain = int(x) if isinstance(x, (bool, np.integer)) else x
    d = taylor.derivative(poly, x)
    assert isinstance(d, kind)
    assert d == 3 * plain**2 - 2
    assert taylor.derivatives(poly, x, 3).tolist() == [poly(plain), d, 6 * plain, 6]
    assert taylor.gradient(poly, x) == d
    assert taylor.hessian(poly, x) == 6 * plain
    assert hyperdual.hessian(poly, x) == 6 * plain
    assert hyperdual.second_partial(poly, x, 0, 0) == 6 * plain


@pytest.mark.parametrize(
    "x",
    [
        [2, 3],
        (2, 3),
        np.array([2, 3]),
        np.array([2, 3], dtype=np.int8),
        np.array([2.0, 3.0]),
        np.array([2.0, 3.0], dtype=np.float32),
        [Fraction(2), Fraction(3)],
        [mpmath.mpf(2), mpmath.mpf(3)],
        np.array([2 + 0j, 3]),
        [2.0, 3],
    ],
    ids=str,
)
def test_points_of_several_variables(x):
    def f(v):
        return v[0] ** 2 * v[1] + v[1] ** 3

    assert taylor.gradient(f, x).tolist() == [12, 31]
    assert taylor.hessian(f, x).tolist() == [[6, 4], [4, 18]]
    assert taylor.tensor(f, x, 3)[1, 1, 1] == 6
    assert taylor.jacobian(lambda v: v * v[0], x).tolist() == [[4, 0], [3, 2]]
    assert taylor.partial(f, x, (2, 1)) == 2
    assert taylor.directional(f, x, [1, 1], 2) == 6 + 8 + 18
    assert taylor.jvp(f, x, [1, 0]) == (39, 12)
    assert hyperdual.gradient(f, x).tolist() == [12, 31]
    assert hyperdual.hessian(f, x).tolist() == [[6, 4], [4, 18]]


def test_fractions_stay_fractions():
    x = [Fraction(1, 3), Fraction(2, 7)]

    def f(v):
        return v[0] / v[1]

    assert taylor.gradient(f, x).tolist() == [Fraction(7, 2), Fraction(-49, 12)]
    assert taylor.hessian(f, x)[1, 1] == 2 * x[0] / x[1] ** 3
    assert hyperdual.hessian(f, x)[1, 1] == 2 * x[0] / x[1] ** 3
    assert all(isinstance(c, (int, Fraction)) for c in taylor.hessian(f, x).ravel())


def test_high_precision():
    with mpmath.workdps(50):
        x = mpmath.mpf(1) / 3
        d = taylor.derivatives(lambda x: np.exp(np.sin(x)), x, 4)
        expected = mpmath.taylor(lambda x: mpmath.exp(mpmath.sin(x)), x, 4)
        for k in range(5):
            assert abs(d[k] - expected[k] * mpmath.factorial(k)) < mpmath.mpf(10) ** -25
        h = taylor.hessian(lambda v: np.exp(v[0] * v[1]), [x, 2 * x])
        assert abs(h[0, 1] - (1 + 2 * x * x) * mpmath.exp(2 * x * x)) < mpmath.mpf(10) ** -48


def test_complex_points():
    z = 0.5 + 0.25j
    assert taylor.derivative(np.exp, z, 5) == pytest.approx(np.exp(z), rel=1e-15)
    assert taylor.gradient(lambda v: v[0] * np.sin(v[1]), np.array([z, 2 * z])) == pytest.approx(
        [np.sin(2 * z), z * np.cos(2 * z)]
    )


def test_complex_directions_at_a_real_point():
    assert taylor.directional(lambda x: x[0] * x[1], [2.0, 3.0], [1j, 1.0]) == 2 + 3j


# ------------------------------------------------------------------ removable singularities
def test_degrees_lost_to_a_removable_singularity_are_made_up():
    assert taylor.derivative(lambda x: np.sin(x) / x, 0.0, 2) == pytest.approx(-1 / 3)
    assert taylor.derivative(lambda x: (1 - np.cos(x)) / x**2, 0.0, 2) == pytest.approx(-1 / 12)
    assert taylor.derivative(lambda x: x**12 / x**12, 0.0, 0) == 1
    with pytest.raises(PoleError):
        taylor.derivative(lambda x: np.cos(x) / x, 0.0)


# ------------------------------------------------------------------ errors
ONE = [1.0, 2.0]


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: taylor.gradient(lambda x: x, ONE), ShapeMismatch, ["(2,)", "jacobian"]),
        (lambda: taylor.hessian(lambda x: x, ONE), ShapeMismatch, ["(2,)", "tensor"]),
        (lambda: hyperdual.gradient(lambda x: x, ONE), ShapeMismatch, ["(2,)", "jacobian"]),
        (lambda: hyperdual.hessian(lambda x: x, ONE), ShapeMismatch, ["(2,)", "tensor"]),
        (lambda: taylor.jvp(np.sum, ONE, [1.0]), ShapeMismatch, ["(1,)", "(2,)"]),
        (
            lambda: taylor.directional(np.sum, ONE, np.ones((2, 1))),
            ShapeMismatch,
            ["(2, 1)", "(2,)"],
        ),
        (lambda: taylor.partial(np.sum, ONE, (1,)), ShapeMismatch, ["1", "2"]),
        (lambda: taylor.partial(np.sum, ONE, (1, -1)), ValueError, [">= 0"]),
        (lambda: taylor.partial(np.sum, ONE, (1, 0.5)), TypeError, ["integer"]),
        (lambda: hyperdual.second_partial(np.sum, ONE, 0, 2), IndexError, ["2"]),
        (lambda: hyperdual.third_partial(np.sum, ONE, 0, 0, -3), IndexError, ["-3"]),
        (lambda: taylor.gradient(3.0, ONE), TypeError, ["function"]),
        (lambda: hyperdual.hessian("f", ONE), TypeError, ["function"]),
        (lambda: taylor.gradient(np.sum, ["a"]), TypeError, []),
        (lambda: taylor.gradient(np.sum, None), TypeError, ["number"]),
        (lambda: taylor.derivative(lambda x: {}, 1.0), TypeError, ["dict"]),
        (lambda: taylor.derivative(lambda x: [x, "a"], 1.0), TypeError, []),
        (lambda: taylor.gradient(np.sum, [[1.0], [1.0, 2.0]]), ValueError, []),
    ],
)
def test_errors_name_both_sides_and_the_remedy(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_errors_of_the_function_pass_through():
    def f(x):
        raise KeyError("mine")

    for driver in (taylor.derivative, taylor.gradient, taylor.hessian, hyperdual.hessian):
        with pytest.raises(KeyError, match="mine"):
            driver(f, 1.0)


def test_drivers_take_a_function_of_a_series_point():
    x = Taylor.variable(2.0, 2)
    d = taylor.derivative(poly, x)
    assert d.coef.tolist() == [10, 12, 3]
    assert np.shape(taylor.gradient(lambda v: v @ v, np.stack([x, 2 * x]))) == (2,)


@pytest.mark.parametrize(
    "kink, at_zero", [("subgradient", 0.0), ("right", 1.0), ("left", -1.0)], ids=str
)
def test_a_gradient_at_a_kink_for_optimisers(kink, at_zero):
    def f(x):
        return np.sum(np.abs(x) * np.array([1.0, 2.0, 3.0]))

    with pytest.raises(taylor.NonAnalyticError):
        taylor.derivative(abs, 0.0)
    with taylor.policy(kink=kink):
        assert taylor.derivative(abs, 0.0) == at_zero
        assert taylor.gradient(f, [1.0, 0.0, -2.0]).tolist() == [1.0, 2 * at_zero, -3.0]
        assert taylor.derivative(lambda x: np.maximum(x, 0), 0.0) == max(at_zero, 0)
    with pytest.raises(taylor.NonAnalyticError):
        taylor.gradient(f, [1.0, 0.0, -2.0])


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_interpolated_entries_lose_as_many_roundings_as_documented(m):
    # m^m/m!·Σ|γ| = C(2m - 1, m) where all variables differ, and less elsewhere
    def condition(i):
        return m**m / math.factorial(m) * sum(abs(w) for _, w in weights(i))

    assert condition((1,) * m) == pytest.approx(math.comb(2 * m - 1, m))
    for i in compositions(m, m):
        assert condition(tuple(n for n in i if n)) <= math.comb(2 * m - 1, m) * (1 + 1e-12)


@pytest.mark.parametrize("way", ["eager", "compiled", "hyperdual", "tensor", "sparse"])
def test_hessians_are_symmetric_to_the_bit(way):
    matrix = np.random.default_rng(0).normal(size=(6, 6))
    f = lambda x: np.sum(np.exp(np.sin(matrix @ x))) * np.prod(np.cos(x)) / (1 + x @ x)
    found = {
        "eager": lambda x: taylor.hessian(f, x),
        "compiled": lambda x: taylor.hessian(taylor.compile(f), x),
        "hyperdual": lambda x: hyperdual.hessian(f, x),
        "tensor": lambda x: taylor.tensor(f, x, 2),
        "sparse": lambda x: taylor.sparse_hessian(f, x).toarray(),
    }[way](matrix[0])
    assert np.array_equal(found, found.T)
    assert found == pytest.approx(taylor.tensor(f, matrix[0], 2), rel=1e-10)


OF_THE_POINT = {
    "gradient": lambda f, x: taylor.gradient(f, x),
    "value_and_gradient": lambda f, x: taylor.value_and_gradient(f, x)[1],
    "vjp": lambda f, x: taylor.vjp(f, x, 1.0)[1],
    "jacobian": lambda f, x: taylor.jacobian(f, x),
    "jacrev": lambda f, x: taylor.jacrev(f, x),
    "hvp": lambda f, x: taylor.hvp(f, x, x),
    "hessian": lambda f, x: taylor.hessian(f, x),
    "third": lambda f, x: taylor.third(f, x, x, x),
    "tensor": lambda f, x: taylor.tensor(f, x, 3),
    "argnums": lambda f, x: taylor.gradient(lambda a, b: f(a) * b, x, 2.0, argnums=(0,))[0],
    "has_aux": lambda f, x: taylor.gradient(lambda a: (f(a), a), x, has_aux=True)[0],
    "tree": lambda f, x: taylor.gradient(lambda t: f(t["a"]), {"a": x})["a"],
}


@pytest.mark.parametrize("mode", [lambda f: f, taylor.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("driver", OF_THE_POINT)
def test_what_has_the_form_of_the_point_has_its_precision(driver, mode):
    wide, x = np.array([1.0, 2.0]), np.array([0.5, 1.5], np.float32)
    found = OF_THE_POINT[driver](mode(lambda x: np.sum(np.sin(x) * x * wide)), x)
    assert found.dtype == np.float32
    found = OF_THE_POINT[driver](mode(lambda x: np.sum(np.exp(1j * x) * wide)), x)
    assert found.dtype == np.complex64
    assert taylor.jvp(mode(lambda x: np.sum(x * wide)), x, x)[1].dtype == np.float64


@pytest.mark.parametrize("mode", [lambda f: f, taylor.compile], ids=["eager", "compiled"])
def test_slopes_of_jumps_are_as_precise_as_the_point(mode):
    for f in (lambda x: x % 3, lambda x: np.fmod(x, 3), lambda x: x // 3 + x):
        for x in (7, 7.0, np.float64(7)):
            assert {type(d(mode(f), x)) for d in (taylor.gradient, taylor.derivative)} == {
                np.float64
            }
        assert taylor.gradient(mode(f), np.float32(7)).dtype == np.float32
    f = taylor.compile(lambda x: np.fmod(x, 3) * x, strict=True)
    assert taylor.gradient(f, 7.0) == 8.0


@pytest.mark.parametrize("mode", [lambda f: f, taylor.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("f", [np.remainder, np.fmod, lambda a, b: np.divmod(a, b)[1]])
def test_remainders_of_infinite_divisors(f, mode):
    x = np.array([1.5, -1.5, 2.0])
    for b in (np.inf, -np.inf, np.array([np.inf, -np.inf, 1.5])):
        g = mode(lambda x, b=b: f(x, b))
        assert np.array_equal(g(x), f(x, b))
        assert np.array_equal(taylor.jacobian(g, x), np.eye(3))
        assert np.array_equal(taylor.jvp(g, x, x)[1], x)
        assert np.array_equal(taylor.vjp(g, x, x)[1], x)


def test_a_compiled_function_of_flags_alone_is_the_function():
    f = taylor.compile(lambda a, b=True: a & b)
    assert f(True) is True and f(False) is False and f(np.bool_(True)) == np.True_
    assert taylor.compile(lambda a=True: a)() is True
