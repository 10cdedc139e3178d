"""What users mix with differentiated values: conditions, integers, masks, complex arrays.

A condition is an array of zeros and ones; integers and booleans are floats beside floats; a masked
array is honoured or refused; |z|² of complex values has no Taylor series.
"""

import functools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.special

import taylor
import taylor.scipy
from taylor import Taylor, gradient, hessian, jacobian, jvp, vjp

X = np.array([0.3, 1.4, -0.5, 2.2])
MASK = np.array([True, False, True, True])
COUNTS = np.array([1, 0, 3, 2])


def assigned(x):
    z = x * 1.0
    z[x > 1] = 0.0
    return np.sum(z**2)


def in_place(x):
    m = x > -0.4
    m &= x < 2
    return np.sum(np.where(m, x**2, 0))


METHODS = {
    "max": (), "min": (), "prod": (), "var": (), "std": (), "cumsum": (), "cumprod": (),
    "argmax": (), "argmin": (), "argsort": (), "squeeze": (), "flatten": (), "transpose": (),
    "dot": ([1.0, 2.0, 4.0, 8.0],), "swapaxes": (0, 0), "take": ([2],), "repeat": (2,),
    "item": (1,),
}  # fmt: skip
CONDITIONS = {
    "product": lambda x: np.sum((x > 1) * x**2),
    "product from the right": lambda x: np.sum(x**2 * (x >= 1)),
    "number": lambda x: np.sum((2.0 - (x < 1)) * x**2 + 3 * (x > 1)),
    "power": lambda x: np.sum(x ** (1 + (x > 1))),
    "astype": lambda x: ((x > 1).astype(float) * x**2).sum(),
    "truth": lambda x: (x.astype(bool) * x**2).sum(),
    "sum": lambda x: (x > 1).sum() * np.sum(x**2),
    "np.sum": lambda x: np.sum(x > 1) * np.sum(x**2),
    "methods": lambda x: sum(
        np.sum(1.0 * getattr(x > 0, name)(*a)) * x[i % 4] ** 2
        for i, (name, a) in enumerate(METHODS.items())
    ),
    "if max": lambda x: np.sum(x**2) if (x > 2).max() and not (x > 0).min() else x[0],
    "near": lambda x: np.sum(x[np.isclose(x * (1 + 2j), [0.2 + 0.4j, 7, 1j, 2])] ** 2),
    "far": lambda x: 0.0 if np.allclose(1j * x, 1j) else np.sum(x**2),
    "mean": lambda x: (x > 0).mean() * x[0] ** 2 + np.mean(x > 0, keepdims=True)[0] * x[1],
    "count_nonzero": lambda x: np.count_nonzero(x > 0) * x[1] ** 2,
    "@": lambda x: (x > 0) @ x**2 + x**2 @ (x > 1),
    "dot": lambda x: np.dot(x > 0, x**2) + np.einsum("i,i", x > 0, x),
    "stack": lambda x: np.sum(np.stack([x > 0, x**2]) ** 2),
    "cumsum": lambda x: np.sum(np.cumsum(x > 0) * x**2),
    "part": lambda x: np.sum((x > 0)[1:] * x[:-1] ** 2),
    "reshape": lambda x: np.sum((x > 0).reshape(2, 2) * x.reshape(2, 2) ** 2),
    "sum where": lambda x: np.sum(x**2, where=x > 0) + np.mean(x**2, where=x > 1),
    "sum of numbers where": lambda x: np.sum(COUNTS, where=x > 0) * x[0] ** 2,
    "ufunc where": lambda x: np.sum(np.exp(x, where=x > 0, out=np.zeros_like(x))),
    "clip of it": lambda x: np.sum(np.maximum(x > 0, 0.5) * x**2),
    "np.where of it": lambda x: np.sum(np.where(MASK, x > 0, 2.0) * x**2),
    "nonzero": lambda x: np.sum(x[np.nonzero(x > 1)] ** 2),
    "flatnonzero": lambda x: np.sum(x[np.flatnonzero(x > 0)] ** 2),
    "index": lambda x: np.sum(x[x > 0] ** 3),
    "compress": lambda x: np.sum(np.compress(x > 0, x) ** 3) + np.sum(np.extract(x > 0, x)),
    "choose": lambda x: np.sum(np.choose(x > 0, [x, x**2]) + np.choose((x > 1) * 1, [x**3, x])),
    "take_along_axis": lambda x: np.sum(
        np.take_along_axis(np.stack([x, x**2]), ((x > 0) * 1)[None], axis=0)
    ),
    "delete": lambda x: np.sum(np.delete(x**2, (x[0] > 0) * 1) + np.delete(x**3, x == x[0])),
    "insert": lambda x: np.prod(np.insert(x**2, (x[0] > 0) * 1, x[1] ** 3)[:2]),
    "logical_and": lambda x: np.sum(np.where(np.logical_and(x > 0, x < 2), x**2, 0)),
    "logical_not": lambda x: np.sum(np.where(np.logical_not(x > 0), x**2, 0)),
    "& | ~": lambda x: np.sum(np.where((x > 0) & (x < 2) | ~(x < -0.4), x**3, x)),
    "mask & it": lambda x: np.sum(np.where(MASK & (x > 0), x**3, x)),
    "&=": in_place,
    "if any": lambda x: np.sum(x**2) if np.any(x > 2) else x[0],
    "if all": lambda x: x[0] if (x > 0).all() else np.sum(x**2),
    "any axis": lambda x: np.sum(np.any(x.reshape(2, 2) > 1, axis=0) * x[:2] ** 2),
    "assignment": assigned,
    "Poisson": lambda b: np.sum(np.exp(b) - COUNTS * b),
    "booleans": lambda b: np.sum(MASK * b**2),
    "one-hot": lambda b: np.sum(np.eye(4, dtype=int) @ b * b),
    "where": lambda b: np.sum(np.where(MASK, b**2, 0)),
    "int8": lambda b: np.sum(np.array([100, 100, 100, 100], np.int8) * b**2 * np.int8(100)),
    "concatenate": lambda b: np.sum(np.concatenate([b, COUNTS, MASK]) ** 2),
    "list": lambda b: np.sum(np.hstack([b, [1, 2]]) ** 2) + np.stack([b[0], 2, True])[0] ** 2,
}


def differences(f, x):
    return np.array([(f(x + 1e-6 * e) - f(x - 1e-6 * e)) / 2e-6 for e in np.eye(len(x))])


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_integers_and_masks_are_numbers(name):
    f = CONDITIONS[name]
    plain, slopes = f(X), differences(f, X)
    curvature = differences(lambda x: gradient(f, x), X)
    for found, wanted in (
        (gradient(f, X), slopes),
        (jacobian(f, X), slopes),
        (vjp(f, X, 1.0)[1], slopes),
        (jvp(f, X, X)[1], slopes @ X),
        (jvp(f, X, X)[0], plain),
        (taylor.value_and_gradient(f, X)[0], plain),
        (hessian(f, X), curvature),
    ):
        assert np.asarray(found).dtype == float
        assert np.asarray(found) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ["product", "sum", "astype", "@", "stack", "part", "sum where"])
def test_a_condition_as_a_number_needs_no_guard(name):
    f = CONDITIONS[name]
    program = taylor.record(f, X)
    assert not program.guards
    assert float(program(X[::-1])) == pytest.approx(float(f(X[::-1])), rel=1e-14)


def test_a_condition_of_float32_leaves_it():
    x = X.astype(np.float32)
    assert gradient(CONDITIONS["product"], x).dtype == np.float32
    assert gradient(CONDITIONS["booleans"], x).dtype == np.float32


# ------------------------------------------------------------------ integers
BYTES = np.array([200, 100, 5, 7], np.uint8)
KNOTS = np.arange(-1.0, 3.0)
OF_BYTES = {
    "less": lambda x, u: (x - u) ** 2,
    "less one": lambda x, u: x - u[0],
    "less a list": lambda x, u: x - list(u),
    "less flags": lambda x, u: x - (u > 6),
    "in place": lambda x, u: np.subtract(x, u, out=x * 1.0),
    "hypot": lambda x, u: np.hypot(x, u),
    "arctan2": lambda x, u: np.arctan2(u, x),
    "a base": lambda x, u: u**x,
    "logaddexp": lambda x, u: np.logaddexp(x, u),
    "interp": lambda x, u: np.interp(x, KNOTS, u),
    "knots": lambda x, u: np.interp(60.0, np.sort(u), x),
    "gammainc": lambda x, u: scipy.special.gammainc(u, x**2 + 5),
    "a list of orders": lambda x, u: scipy.special.jv([2, 1, 0, 3], x) * u[0],
    "pchip": lambda x, u: taylor.scipy.interpolate.PchipInterpolator(KNOTS, u)(x),
    "cosine": lambda x, u: taylor.scipy.spatial.distance.cosine(x, u),
}


def derived(g):
    y, dy = jvp(g, X, X)
    total, slopes = taylor.value_and_gradient(lambda x: np.sum(g(x)), X)
    found = y, dy, total, slopes, taylor.compile(g, strict=True)(X)
    assert all(np.asarray(part).dtype == float for part in found)
    return np.concatenate([np.ravel(part) for part in found])


@pytest.mark.parametrize("name", OF_BYTES)
def test_integers_of_few_bits_do_not_wrap_around(name):
    given = lambda u: functools.partial(OF_BYTES[name], u=u)
    wanted = derived(given(BYTES * 1.0))
    for bits in (np.uint8, np.uint64):
        assert derived(given(BYTES.astype(bits))) == pytest.approx(wanted, rel=1e-14, abs=1e-14)


def test_integers_of_few_bits_stay_exact_beside_fractions():
    x = [Fraction(1, 3), Fraction(2), Fraction(3), Fraction(4)]
    assert gradient(lambda v: np.sum((v - BYTES) * v), x)[0] == Fraction(-598, 3)
    line = lambda t: np.interp(t, np.array([0, 7], np.uint8), np.array([3, 0], np.uint8))
    assert taylor.derivative(line, Fraction(1)) == Fraction(-3, 7)


@pytest.mark.parametrize(
    "f", [lambda x: 3, lambda x: np.argmax(x), lambda x: np.array([1, 2]), lambda x: x > 1]
)
def test_results_that_are_integers_are_floats_beside_floats(f):
    w = np.ones(np.shape(f(X)))
    for found in (*vjp(f, X, w), *jvp(f, X, X), jacobian(f, X), *taylor.derivatives(f, X, 2)):
        assert np.asarray(found).dtype == float


def test_exact_seeds_stay_exact():
    assert taylor.derivatives(lambda x: x * x * 3, 2, 2).tolist() == [12, 12, 6]
    half = np.array([Fraction(1, 2), Fraction(3, 4)], dtype=object)
    y, bar = vjp(lambda x: np.sum(np.array([2, 1]) * x * (x > 0)), half, 1)
    assert (y, bar.tolist()) == (Fraction(7, 4), [2, 1])
    assert all(isinstance(e, (int, Fraction)) for e in (y, *bar))


def test_mpmath_keeps_its_precision_beside_integers():
    with mpmath.workdps(40):
        x = np.array([mpmath.mpf(1) / 3, mpmath.mpf(2)], dtype=object)
        g = gradient(lambda x: np.sum(np.array([2, 1]) * x * x * (x > 1)), x)
        assert g[1] == 4 and isinstance(g[1], mpmath.mpf)


def test_integer_arrays_reach_a_rule_as_integers():
    seen = []

    def value(x, i):
        seen.append(i.dtype)
        return x[i]

    def pulled(ybar, y, x, i):
        return np.stack([np.sum(ybar[i == k]) for k in range(len(x))]), None

    take = taylor.rule(value, vjp=pulled)
    index = np.array([1, 0, 1])
    assert gradient(lambda x: np.sum(take(x, index)) * x[0], X[:2]) == pytest.approx(
        [2 * X[0] + 2 * X[1], 2 * X[0]]
    )
    assert all(t.kind == "i" for t in seen)


def test_an_integer_result_of_a_rule_is_a_float():
    step = taylor.rule(lambda x: (x > 1).astype(int), vjp=lambda ybar, y, x: (0 * ybar,))
    y, bar = vjp(lambda x: step(x) * x, X, np.ones(4))
    assert y.dtype == float and bar.dtype == float
    assert bar.tolist() == [0, 1, 0, 1]


# ------------------------------------------------------------------ masked arrays, pandas
MASKED = np.ma.array([1.0, 2.0, 3.0, 4.0], mask=[True, False, False, False])
STRIPPED = {
    "times": lambda x: np.sum(x * MASKED),
    "multiply": lambda x: np.sum(np.multiply(MASKED, x)),
    "where": lambda x: np.sum(np.where(MASKED > 1, x, 0)),
    "index": lambda x: np.sum(x[MASKED > 1]),
    "sum where": lambda x: np.sum(x, where=MASKED > 1),
    "dot": lambda x: np.dot(x, MASKED),
    "concatenate": lambda x: np.sum(np.concatenate([x, MASKED])),
    "result": lambda x: MASKED * x,
    "result plain": lambda x: MASKED,
}


@pytest.mark.parametrize("name", STRIPPED)
def test_a_masked_array_never_loses_its_mask(name):
    for drive in (lambda f: jvp(f, X, X), lambda f: vjp(f, X, np.ones(np.shape(f(X))))):
        with pytest.raises(TypeError, match="mask"):
            drive(STRIPPED[name])


def test_a_masked_array_is_honoured_on_the_left():
    assert gradient(lambda x: np.sum(MASKED * x), X).tolist() == [0, 2, 3, 4]
    unmasked = np.ma.array([1.0, 2.0, 3.0, 4.0])
    assert gradient(lambda x: np.sum(x * unmasked), X).tolist() == [1, 2, 3, 4]


class Frame:
    """A column as pandas has it: an array-like with methods of its own, `where` and `mask` too."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)

    def _where(self, *args):
        raise AssertionError

    mask = _where


def test_columns_of_a_frame_are_arrays():
    column, chosen = Frame([1.0, 2.0, 3.0, 4.0]), Frame([True, False, True, True])
    for f, wanted in (
        (lambda x: np.sum(x[0] * column), [10, 0, 0, 0]),
        (lambda x: np.sum(x * column), [1, 2, 3, 4]),
        (lambda x: np.sum(x[chosen]), [1, 0, 1, 1]),
        (lambda x: np.sum(np.where(chosen, x, 0)), [1, 0, 1, 1]),
    ):
        assert gradient(f, X).tolist() == wanted
        assert jvp(f, X, np.ones(4))[1] == sum(wanted)


# ------------------------------------------------------------------ complex, nan
Z = np.array([[1 + 2j, 3 - 1j], [0.5j, 2.0]])


@pytest.mark.parametrize("f", [np.linalg.norm, np.var, np.std], ids=["norm", "var", "std"])
def test_the_modulus_of_complex_values_is_not_holomorphic(f):
    plain = f(Z, axis=0)
    for x in (Taylor.variable(Z, 0), 0 * Taylor.variable(Z, 2) + Z):
        assert f(x, axis=0).value.tolist() == plain.tolist()
    with pytest.raises(TypeError, match="not holomorphic"):
        f(Taylor.variable(Z, 1) ** 2)


def test_the_median_of_nan_is_nan_and_fmax_ignores_it():
    x = np.array([[1.0, np.nan, 3.0, 5.0], [7.0, 2.0, 5.0, 4.0]])
    for drive in (lambda f: jvp(f, x, np.ones(x.shape)), lambda f: vjp(f, x, np.ones(2))):
        y, dot = drive(lambda x: np.median(x, axis=1))
        assert np.array_equal(y, [np.nan, 4.5], equal_nan=True)
    assert dot[1].tolist() == [0, 0, 0.5, 0.5]
    other = np.array([2.0, 2.5, np.nan, np.nan])
    for f in (np.fmax, np.fmin):
        y, bar = vjp(lambda x, f=f: f(x, other), x[0], np.ones(4))
        assert y.tolist() == f(x[0], other).tolist()
        assert bar.tolist() == (y == x[0]).tolist()
        assert jvp(lambda x, f=f: f(x, other), x[0], np.ones(4))[1].tolist() == bar.tolist()


def test_a_mask_of_the_caller_is_not_written_into():
    mask, table = np.array([True, True, False]), np.array([[1.0, 0, 2], [0, 0, 3]])

    def f(x):
        assert np.any(x, axis=0, where=mask).tolist() == [True, False, False]
        return np.sum(x) * np.sum(np.all(x, axis=1, where=mask))

    vjp(f, table, 1.0)
    assert mask.tolist() == [True, True, False]


def test_astype_takes_what_it_names():
    x = taylor.Taylor.variable(np.ones(2), 1)
    assert x.astype(float, copy=False) is x and x.astype(float) is not x
    with pytest.raises(TypeError, match="nonsense"):
        x.astype(float, nonsense=1)
    with pytest.raises(TypeError, match="nonsense"):
        taylor.record(lambda v: v.astype(float, nonsense=1), np.ones(2))


# ------------------------------------------------------------------ numpy.polynomial
BASES = (
    np.polynomial.Polynomial, np.polynomial.Chebyshev, np.polynomial.Legendre,
    np.polynomial.Laguerre, np.polynomial.Hermite, np.polynomial.HermiteE,
)  # fmt: skip
OF_POLYNOMIALS = {
    "product": lambda p, v: (p(v) * p(v[::-1])).coef,
    "sum": lambda p, v: (p(v) + p(v[:2])).coef,
    "difference": lambda p, v: (p(v) - 2).coef,
    "power": lambda p, v: (p(v) ** 3).coef,
    "slope": lambda p, v: p(v).deriv().coef,
    "value": lambda p, v: (p(v) * p(v))(v),
}


@pytest.mark.parametrize("mode", [lambda f: f, taylor.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", OF_POLYNOMIALS)
def test_arithmetic_of_polynomials(name, mode):
    v = np.array([0.3, 0.7, 1.1])
    for basis in BASES:
        f = lambda v, basis=basis: OF_POLYNOMIALS[name](basis, v)
        slopes = np.array([f(v + 1e-30j * e).imag / 1e-30 for e in np.eye(3)]).T
        y, _ = taylor.vjp(mode(f), v, np.ones(np.shape(f(v))))
        np.testing.assert_allclose(y, f(v), rtol=1e-14)
        for driver in (taylor.jacfwd, taylor.jacrev):
            np.testing.assert_allclose(driver(mode(f), v), slopes, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("value", ["polyval", "chebval", "legval", "lagval", "hermval", "hermeval"])
def test_coefficients_of_several_axes(value):
    c, v = np.outer([1.0, 2.0, 0.5], [1.0, -1.0]), np.array([0.3, 0.7, 1.1])
    module = {
        "polyval": "polynomial", "chebval": "chebyshev", "legval": "legendre",
        "lagval": "laguerre", "hermval": "hermite", "hermeval": "hermite_e",
    }[value]  # fmt: skip
    f = getattr(getattr(np.polynomial, module), value)
    asked = c.reshape(*c.shape, 1)
    for driver in (taylor.jacfwd, taylor.jacrev):
        with pytest.raises(TypeError, match=r"tensor=False"):
            driver(lambda v: f(v, c), v)
        with pytest.raises(TypeError, match=r"tensor=False"):
            driver(lambda v: f(v, v[:, None] * c[0]), v)
        found = driver(lambda v: f(v, asked, tensor=False), v)
        step = (f(v + 1e-6, c) - f(v - 1e-6, c)) / 2e-6
        np.testing.assert_allclose(found.sum(-1), step, rtol=1e-7)
    assert np.array_equal(f(v, asked, tensor=False), f(v, c))


def test_equality_of_recorded_values_is_known_where_values_differ():
    f = lambda x: x[0] * (2.0 if x[0] == 5 else 3.0) + np.sum(np.where(x != 9.0, x, 0.0))
    for mode in (lambda f: f, taylor.compile):
        assert taylor.gradient(mode(f), np.array([1.0, 2.0])).tolist() == [4.0, 1.0]
    g = taylor.record(f, np.array([1.0, 2.0]))
    with pytest.raises(taylor.GuardError):
        g(np.array([5.0, 2.0]))
    with pytest.raises(taylor.TraceError, match="== of two with one value"):
        taylor.record(f, np.array([5.0, 2.0]))
