"""Functions at many points: in lanes of machine code, in turn, by executors and blocks."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import taylor

RNG = np.random.default_rng(3)
X = RNG.normal(size=(57, 4))
A = RNG.normal(size=(4, 4))
MADE = [pytest.param(taylor.lanes, id="lanes"), pytest.param(taylor.map, id="map")]


def energy(x, a):
    return np.sum(np.tanh(a @ x) ** 2) * np.exp(-x[0])


def branches(x):
    s = 0.0
    for e in x:
        s = s + (e**2 if e > 0 else -3.0 * e)
    return s if s < 4.0 else np.sqrt(s)


def tree(x):
    return {"first": x[0], "rest": (x[1:] ** 2, np.sum(x))}


CASES = {
    "scalar": branches,
    "vector": lambda x: np.cumsum(np.sin(x)),
    "sorted": lambda x: np.sort(x)[1:] * x[0],
    "constant": lambda x: 3.0,
    "complex": lambda x: np.exp(1j * x),
    "gradient": lambda x: taylor.gradient(branches, x),
    "hessian": lambda x: taylor.hessian(lambda y: energy(y, A), x),
    "linalg": lambda x: np.linalg.solve(A + np.diag(x**2), x),
}


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("case", CASES)
def test_they_are_the_function_at_each_point(case, make):
    f = CASES[case]
    g = make(f)
    expected = np.array([f(x) for x in X])
    for count in (57, 57, 1, 3):
        found = g(X[:count])
        assert found.shape == expected[:count].shape
        np.testing.assert_allclose(found, expected[:count], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("make", MADE)
def test_axes_of_points(make):
    expected = np.array([energy(x, A) for x in X])
    np.testing.assert_allclose(make(energy, (0, None))(X, A), expected, rtol=1e-12)
    np.testing.assert_allclose(make(energy, (-1, None))(X.T, A), expected, rtol=1e-12)
    both = make(lambda x, y: x @ y)(X, X[::-1].copy())
    np.testing.assert_allclose(both, np.sum(X * X[::-1], 1), rtol=1e-12)
    keyword = make(lambda x, scale=1.0, square=False: scale * (x[0] ** 2 if square else x[0]))
    np.testing.assert_allclose(keyword(X, scale=3.0), 3 * X[:, 0])
    np.testing.assert_allclose(keyword(X, square=True), X[:, 0] ** 2)


@pytest.mark.parametrize("make", MADE)
def test_axes_that_are_trees_like_the_arguments(make):
    f = lambda p, s: np.sum(p["w"] * s) * p["b"][0]["k"]
    point = {"w": A[: X.shape[1]], "b": [{"k": X[:, 0]}]}
    expected = np.sum(point["w"] * 2.0) * X[:, 0]
    for axes in (({"b": 0, "w": None}, None), ({"w": None, "b": [{"k": 0}]}, None)):
        np.testing.assert_allclose(make(f, axes)(point, 2.0), expected, rtol=1e-13)
    power = make(lambda p: sum(p["x"] for _ in range(p["n"])), {"n": None, "x": -1})
    np.testing.assert_allclose(power({"n": 3, "x": X.T}), 3 * X)  # n stays a whole number
    for axes in (({"w": None}, None), ({"w": None, "b": [0, 0]}, None), ({"w": [0], "b": 0}, None)):
        with pytest.raises(TypeError, match=r"axes must be like the argument|that is one"):
            make(f, axes)(point, 2.0)


@pytest.mark.parametrize("make", MADE)
def test_trees(make):
    found = make(tree)(X)
    np.testing.assert_array_equal(found["first"], X[:, 0])
    np.testing.assert_allclose(found["rest"][0], X[:, 1:] ** 2)
    np.testing.assert_allclose(found["rest"][1], X.sum(1))
    assert make(lambda p: p["a"] * p["b"])({"a": X, "b": X[:, :1]}).shape == X.shape


@pytest.mark.parametrize("make", MADE)
def test_points_that_are_not_finite(make):
    x = X.copy()
    x[3, 0], x[5, 1] = np.nan, np.inf
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(make(branches)(x), [branches(e) for e in x])
        np.testing.assert_allclose(make(np.log)(np.array([1.0, -1.0])), [0.0, np.nan])


@pytest.mark.parametrize("make", MADE)
def test_they_are_differentiable(make):
    def mean(a):
        return np.mean(make(energy, (0, None))(X[:5], a))

    def plain(a):
        return sum(energy(x, a) for x in X[:5]) / 5

    np.testing.assert_allclose(taylor.gradient(mean, A), taylor.gradient(plain, A), rtol=1e-12)
    line = make(lambda t, s: np.sin(t * s), (0, None))
    np.testing.assert_allclose(
        taylor.derivative(lambda s: line(X[:, 0], s), 2.0), X[:, 0] * np.cos(2 * X[:, 0])
    )


@pytest.mark.parametrize("make", MADE)
def test_executors(make):
    with ThreadPoolExecutor(2) as pool:
        found = make(branches, executor=pool)(X)
        found_tree = make(tree, executor=pool)(X)
    np.testing.assert_allclose(found, [branches(x) for x in X], rtol=1e-12)
    np.testing.assert_allclose(found_tree["rest"][1], X.sum(1))


@pytest.mark.parametrize("make", MADE)
def test_blocks_of_dask(make):
    array = pytest.importorskip("dask.array")
    x = array.from_array(X, chunks=(10, 4))
    found = make(energy, (0, None))(x, A)
    assert found.chunks[0] == x.chunks[0]
    np.testing.assert_allclose(found.compute(), [energy(e, A) for e in X], rtol=1e-12)
    batch = make(energy, (0, None))
    copy = pickle.loads(pickle.dumps(batch)), batch(X, A), pickle.loads(pickle.dumps(batch))
    np.testing.assert_array_equal(copy[0](X, A), copy[2](X, A))
    slopes = make(lambda x: taylor.gradient(branches, x))(x)
    np.testing.assert_allclose(slopes.compute(), [taylor.gradient(branches, e) for e in X])


def test_what_has_no_code_is_said_once():
    f = taylor.lanes(lambda x: float(x[0]) * x)
    with pytest.warns(taylor.PerformanceWarning, match="in lanes"):
        found = f(X)
    np.testing.assert_allclose(found, X[:, :1] * X)
    assert f.reason
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(X)


@pytest.mark.parametrize("make", MADE)
def test_tuples_stay_tuples(make):
    x = np.array([1.0, 2.0])
    for _ in range(2):
        v, g = make(lambda x: taylor.value_and_gradient(lambda y: y**3, x))(x)
        np.testing.assert_allclose([v, g], [[1, 8], [3, 12]])
    with ThreadPoolExecutor(2) as pool:
        assert len(make(lambda x: (x, (x, 2 * x)), executor=pool)(X[:, 0])) == 2


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
@pytest.mark.parametrize("make", MADE)
def test_whole_numbers_and_flags(make):
    np.testing.assert_array_equal(make(lambda x, n=1: np.sum(x[:n]))(X, n=2), X[:, :2].sum(1))
    y, i = np.arange(3.0), np.array([2, 0])
    np.testing.assert_array_equal(make(lambda i, y: y[i], (0, None))(i, y), y[i])
    for f in (lambda x: x[0] > 0, lambda x: x > 0, lambda x: bool(x[0] > 0)):
        found = make(f)(X)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, [f(x) for x in X])
    np.testing.assert_array_equal(make(lambda m, x: np.sum(x[~m]))(X > 0, X), [
        np.sum(x[x <= 0]) for x in X
    ])  # fmt: skip
    assert make(lambda x: x * 2)(np.zeros((0, 3))).shape == (0, 3)
    assert taylor.lanes(lambda x: taylor.gradient(lambda x: np.sum(np.minimum(x, x**2)), x))(
        np.zeros((0, 3))
    ).shape == (0, 3)


@pytest.mark.parametrize("make", MADE)
def test_tables_stay_tables(make):
    table = pytest.importorskip("pandas").DataFrame({"x": [1.0, 2.0]})
    found = make(lambda a, d: a * np.sum(d["x"].to_numpy()), (0, None))(X[:, 0], table)
    np.testing.assert_allclose(found, 3 * X[:, 0])


@pytest.mark.parametrize("make", MADE)
def test_results_of_different_shape(make):
    with pytest.raises(taylor.ShapeMismatch, match="different shape"):
        make(lambda x: x[:2] if x[0] > 0 else x)(X)
    for wrong in ("a", 1.0, True):
        with pytest.raises(TypeError, match="axes must be"):
            make(branches, wrong)
    with pytest.raises(TypeError, match="executor"):
        make(branches, executor=3)


def test_mistakes():
    with pytest.raises(taylor.ShapeMismatch, match="different numbers of points"):
        taylor.lanes(lambda x, y: x @ y)(X, X[:3])
    with pytest.raises(taylor.ShapeMismatch, match="axis 2 of an argument"):
        taylor.lanes(branches, 2)(X)
    with pytest.raises(taylor.ShapeMismatch, match="no argument has"):
        taylor.lanes(branches, None)(X)
    with pytest.raises(TypeError, match="2 entries for 1"):
        taylor.lanes(branches, (0, 0))(X)
    with pytest.raises(TypeError, match="must be a function"):
        taylor.lanes(3)
    with pytest.raises(TypeError, match="different form"):
        taylor.map(lambda x: x if x[0] > 0 else [x, x])(X)


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
@pytest.mark.parametrize("driver", [taylor.gradient, taylor.jacfwd, taylor.hessian])
def test_what_varies_may_come_from_outside(driver):
    def f(a, make=taylor.lanes):
        return (make(lambda t: np.stack([t * a**2, 1.0]))(np.array([1.0, 2.0])) ** 2).sum()

    for g in (f, taylor.compile(f)):
        assert driver(g, 1.5) == pytest.approx(driver(lambda a: f(a, taylor.map), 1.5), rel=1e-13)


def _hinge(z):
    return np.maximum(0, z) ** 2


def _jump_times(z):
    return np.floor(z) * z


KINKED = [
    lambda x: taylor.hessian(np.abs, x),
    lambda x: taylor.hvp(np.abs, x, 1.0),
    lambda x: taylor.third(np.abs, x, 1.0, 1.0),
    lambda x: taylor.derivative(np.abs, x, 2),
    lambda x: taylor.derivative(lambda y: taylor.gradient(lambda z: abs(z) * z, y), x, 2),
    lambda x: taylor.derivative(lambda y: taylor.gradient(_hinge, y), x, 2),
    lambda x: taylor.derivatives(lambda z: np.sign(z) * z, x, 1)[1],
    lambda x: taylor.hessian(lambda z: np.clip(z, 0.0, 5.0), x),
    lambda x: taylor.hessian(lambda z: 2 * np.maximum(z, 0.0) + z * z, x),
    lambda x: taylor.derivative(_jump_times, x, 2),
    lambda x: taylor.jvp(_jump_times, x, 1.0)[1],
    lambda x: taylor.gradient(lambda y: taylor.jvp(np.abs, y, 1.0)[1], x),
]  # fmt: skip


@pytest.mark.parametrize("driver", KINKED)
@pytest.mark.parametrize("points", [[0.3, 0.0], [0.0, 0.3]])
def test_where_a_driver_alone_has_no_derivative_lanes_have_none(driver, points):
    """Also where the derivatives next to the point are zero by the structure of the program."""
    with pytest.raises(taylor.NonAnalyticError):
        driver(0.0)
    with pytest.raises(taylor.NonAnalyticError):
        taylor.lanes(driver)(np.array(points))
    code = taylor.compile(driver)
    for x in points:
        if x:
            assert code(x) == driver(x)
        else:
            with pytest.raises(taylor.NonAnalyticError):
                code(x)


def _pair(z):
    return np.stack([np.stack([z[0], z[1]]), np.stack([z[1], z[0]])])


EQUAL = {  # at (0.5, 0) two values are equal
    "eigenvalue": lambda z: np.linalg.eigvalsh(_pair(z))[0],
    "singular value": lambda z: np.linalg.svd(_pair(z))[1][0],
}
FIRST = [
    taylor.gradient,
    taylor.jacobian,
    taylor.jacfwd,
    taylor.jacrev,
    lambda f, x: taylor.jvp(f, x, np.array([0.0, 1.0]))[1],
    lambda f, x: taylor.derivative(lambda t: f(x + t), 0.0),
]


@pytest.mark.parametrize("driver", FIRST)
@pytest.mark.parametrize("name", EQUAL)
def test_equal_values_of_a_matrix_have_no_derivatives_in_lanes(name, driver):
    f, points = EQUAL[name], np.array([[0.37, 0.81], [0.5, 0.0], [0.9, -0.2]])
    g = lambda x: driver(f, x)
    np.testing.assert_allclose(taylor.lanes(g)(points[::2])[1], g(points[2]), rtol=1e-12)
    code = taylor.compile(g)
    np.testing.assert_allclose(code(points[0]), g(points[0]), rtol=1e-12)
    for h in (g, code, lambda x: taylor.lanes(g)(points)):
        with pytest.raises(taylor.NonAnalyticError):
            h(points[1])


def test_operators_of_products_with_parts_of_constants():
    x = np.array([[0.7, -1.3, 0.45, 2.1], [0.2, 0.9, -0.4, 1.1]])
    f = lambda x: np.einsum("i,j,k->", x, x**2, x**3)
    sums = [np.sum(x**k, axis=1) for k in range(5)]
    second = 6 * sums[1] ** 2 * sums[2] + 2 * 4 * sums[1] * sums[3]  # f = Σx · Σx² · Σx³
    second += 2 * (2 * sums[1] * sums[3] + 3 * sums[2] ** 2 + 6 * sums[3] * sums[1])
    np.testing.assert_allclose(taylor.lanes(lambda x: taylor.laplacian(f, x))(x), second)
    np.testing.assert_allclose([taylor.laplacian(f, y) for y in x], second)
