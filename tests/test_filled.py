"""Whatever takes a series or a node takes an array that was filled with it, to the same result."""

import numpy
import pytest
import scipy.sparse
import scipy.special

import taylor
import taylor.numpy as np
from taylor.ode import solve_ivp
from taylor.scipy import integrate, interpolate, linalg, signal, sparse, special, stats

T = numpy.array([0.7, 0.2, 0.5])


def filled(t):
    y = np.zeros(numpy.shape(t))
    y[...] = t
    return y


def matrix(t):
    y = np.eye(3) * 2
    y[0] = y[0] + t
    y[:, 0] = y[:, 0] + t
    y[0, 0] = 4.0
    return y


SPARSE = scipy.sparse.csr_array(numpy.eye(3) * 2)
with_vjp = taylor.rule(
    lambda a, b: filled(a * b), vjp=lambda w, y, a, b: (filled(w * b), filled(w * a))
)
with_jvp = taylor.rule(
    lambda a, b: filled(a * b), jvp=lambda d, y, a, b: filled((0 if d[0] is None else d[0] * b)
                                                            + (0 if d[1] is None else d[1] * a))
)  # fmt: skip

# of a vector v and a matrix m: functions, and what is given functions that fill arrays
CASES = {
    "rows": lambda v, m: taylor.sin(v) + taylor.atan2(v, 1.0) + taylor.atan2(1.0, v),
    "stop_gradient": lambda v, m: taylor.stop_gradient(v) * v,
    "special": lambda v, m: scipy.special.expit(v) + special.gammaln(v) + special.jv(1.5, v),
    "softmax": lambda v, m: special.softmax(v) + taylor.logsumexp(v),
    "solve": lambda v, m: linalg.solve(m, v) + numpy.linalg.solve(m, v),
    "expm": lambda v, m: taylor.linalg.expm(m) + linalg.sqrtm(m),
    "factors": lambda v, m: linalg.cho_solve(linalg.cho_factor(m), v),
    "eigh": lambda v, m: linalg.eigh(m)[0],
    "blocks": lambda v, m: linalg.block_diag(m, v[None]) * linalg.toeplitz(v)[0, 1],
    "logpdf": lambda v, m: stats.norm.logpdf(v, loc=v * 0.5, scale=v + 1),
    "spline": lambda v, m: interpolate.CubicSpline([0.0, 1.0, 2.0], v)(v),
    "lfilter": lambda v, m: signal.lfilter(v, [1.0, 0.5], [1.0, 2.0]) * signal.convolve(v, v)[0],
    "sparse": lambda v, m: sparse.matmul(SPARSE, v),
    "arithmetic": lambda v, m: T * v + v * numpy.float64(2) - numpy.float32(2) / v ** numpy.ones(3),
    "comparisons": lambda v, m: np.where(m[0] * 1.0 > v, m[0], v) + np.where(v < T * 1.1, T, v),
    "choices": lambda v, m: numpy.maximum(m[0] * 1.0, v) + np.select([v > 0.3], [v], 0.0),
    "lists": lambda v, m: numpy.stack([v, [1.0, 2.0, 3.0], v * 2]),
    "joined": lambda v, m: numpy.block([[m, v[:, None]]]),
    "einsum": lambda v, m: numpy.einsum("ij,j", m, v) + m @ v + numpy.dot(m, v) + v.dot(m),
    "insert": lambda v, m: numpy.append(numpy.insert(v, 1, v[0]), m),
    "pad": lambda v, m: numpy.pad(v, 1, constant_values=v[0]),
    "interp": lambda v, m: numpy.interp(v, [0.0, 1.0], [0.0, 2.0]) + numpy.polyval(v, 1.5),
    "statistics": lambda v, m: numpy.cov(m) + numpy.median(v) + numpy.quantile(v, 0.3),
    "ufuncs": lambda v, m: numpy.add.outer(v, v) + numpy.multiply.reduce(v),
    "scans": lambda v, m: numpy.add.accumulate(v) + numpy.maximum.accumulate(v),
    "piecewise": lambda v, m: numpy.piecewise(v, [v > 0.3], [lambda a: a * 2, 0.0]),
    "series": lambda v, m: np.exp(taylor.Taylor.variable(0.0, 4))(v),
    "implicit_root": lambda v, m: taylor.implicit_root(
        lambda z, p: filled(z**3 + z - p), numpy.ones(3)
    )(v),
    "fixed_point": lambda v, m: taylor.fixed_point(
        lambda z, p: filled(np.cos(z) * p), numpy.ones(3)
    )(v),
    "checkpoint": lambda v, m: taylor.checkpoint(lambda s, p: filled(np.sin(s) * p), 3)(v, v),
    "rule_vjp": lambda v, m: with_vjp(v, v),
    "rule_jvp": lambda v, m: with_jvp(v, v),
    "quad": lambda v, m: integrate.quad(lambda x, p: filled(np.sin(x * p)), 0.0, v[0], (v,))[0],
    "vjp": lambda v, m: taylor.vjp(lambda z: filled(z**2), v, filled(v))[1],
    "jvp": lambda v, m: taylor.jvp(lambda z: filled(z**2), v, filled(v))[1],
    "hvp": lambda v, m: taylor.hvp(lambda z: np.sum(filled(z) ** 3), v, filled(v)),
    "directional": lambda v, m: taylor.directional(lambda z: filled(z)[0] ** 3, v, filled(v), 2),
    "coefficients": lambda v, m: taylor.taylor_coefficients(lambda z: filled(np.sin(z)), v, 3),
    "aux": lambda v, m: taylor.gradient(
        lambda z: (np.sum(filled(z) ** 2), filled(z)), v, has_aux=True
    )[1],
    "tree": lambda v, m: taylor.gradient(
        lambda z: np.sum(filled(z["a"]) ** 2 * z["b"]), {"a": v, "b": filled(v)}
    )["b"],
    "lanes": lambda v, m: taylor.lanes(lambda z: filled(z) ** 2)(m),
    "map": lambda v, m: taylor.map(lambda z: filled(z) ** 2)(m),
    "solve_ivp": lambda v, m: solve_ivp(
        lambda t, y, p: filled(-y * p), (0.0, 1.0), v, args=(filled(v),)
    ).y[:, -1],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::taylor.errors.PerformanceWarning")
@pytest.mark.parametrize("driver", [taylor.jacfwd, taylor.jacrev])
@pytest.mark.parametrize("name", CASES)
def test_a_filled_array_is_what_it_holds(name, driver):
    f = CASES[name]
    found = driver(lambda t: f(filled(t), matrix(t)), T)
    expected = driver(lambda t: f(numpy.stack(list(t)), matrix(t).copy()), T)
    assert numpy.isfinite(found).all() and numpy.any(found)
    numpy.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_it_is_never_an_array_of_plain_numbers():
    y = filled(taylor.Taylor.variable(T, 1))
    with pytest.raises(TypeError, match="is no array of numbers"):
        taylor.numbers.values.as_array(y)


def test_its_elements_are_enumerated():
    found = taylor.gradient(
        lambda t: sum((i + 1) * v**2 for (i,), v in np.ndenumerate(filled(t))), T
    )
    numpy.testing.assert_allclose(found, 2 * T * numpy.arange(1, T.size + 1))
    assert [i for i, _ in np.ndenumerate(numpy.ones((1, 2)))] == [(0, 0), (0, 1)]


@pytest.mark.parametrize("same", [np.ascontiguousarray, np.require])
def test_what_is_contiguous_is_not_copied(same):
    def f(t):
        y = filled(t)
        same(y)[0] = 3 * t[0]
        return np.sum(y**2)

    numpy.testing.assert_allclose(taylor.gradient(f, T), 2 * T * ([9.0] + [1.0] * (T.size - 1)))
