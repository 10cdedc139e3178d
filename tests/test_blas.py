"""With BLAS and LAPACK, wherever they lie, and without: products, equations, factors."""

import sys
from collections import Counter

import numpy as np
import pytest

import taylor
from taylor.core.algebra import Univariate
from taylor.core.graded import multivariate
from taylor.core.program import expand
from taylor.core.rolled import rolled
from taylor.core.sweep import sweep
from taylor.errors import NonAnalyticError
from taylor.kept import STORE
from taylor.llvm import ir
from taylor.llvm.function import Function
from taylor.machine.machine import Machine
from taylor.machine.questions import is_written
from taylor.numbers import blas

PRODUCTS = {
    "plain": (lambda a, b: a @ b, (30, 40), (40, 50)),
    "transposed": (lambda a, b: a.T @ b.T, (40, 30), (50, 40)),
    "left": (lambda a, b: a.T @ b, (40, 30), (40, 50)),
    "batch": (lambda a, b: a @ b, (3, 30, 40), (3, 40, 50)),
    "one for a batch": (lambda a, b: a @ b, (3, 30, 40), (40, 50)),
    "einsum": (lambda a, b: np.einsum("aibj,jkc->kabic", a, b), (5, 6, 7, 8), (8, 9, 10)),
    "parts": (lambda a, b: a[2:32, 1:41] @ b[:, ::2], (40, 50), (40, 100)),
    "reversed": (lambda a, b: a[::-1] @ b[:, ::-1], (40, 50), (50, 60)),
    "repeated": (lambda a, b: np.broadcast_to(a, (30, 40)) @ b, (40,), (40, 50)),
    "a few columns": (lambda a, b: a @ b, (90, 90), (90, 2)),
    "vector": (lambda a, b: a @ b, (130, 140), (140,)),
    "empty": (lambda a, b: a @ b, (30, 0), (0, 50)),
}


@pytest.fixture(params=["numpy", "scipy", "none"])
def route(request, monkeypatch):
    """Every way to find BLAS: code that was made for another one is forgotten."""
    monkeypatch.setenv("TAYLOR_BLAS", request.param)
    STORE.clear()
    yield request.param
    STORE.clear()


def points(name, kinds="rr"):
    rng = np.random.default_rng(0)
    shapes = PRODUCTS[name][1:]
    found = [rng.normal(size=s) + 1j * rng.normal(size=s) for s in shapes]
    return [x if kind == "c" else x.real for x, kind in zip(found, kinds, strict=True)]


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_those_of_numpy(name, route):
    assert blas.route() == route
    f = PRODUCTS[name][0]
    for kinds in ("rr", "rc", "cc"):
        x = points(name, kinds)
        np.testing.assert_allclose(taylor.compile(f)(*x), f(*x), rtol=1e-12, atol=1e-12)
    x = points(name)
    g, compiled = (
        taylor.gradient(h, *x, argnums=(0, 1)) for h in (total(f), taylor.compile(total(f)))
    )
    for mine, theirs in zip(compiled, g, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-11)


def total(f):
    return lambda *x: np.sum(np.sin(f(*x)))


def test_a_constant_matrix_at_many_points(route):
    rng = np.random.default_rng(0)
    w, v, x = rng.normal(size=(20, 24)), rng.normal(size=(12, 20)), rng.normal(size=(70, 24, 3))
    for f in (lambda x: v @ np.tanh(w @ x), lambda x: np.tanh(x.T @ w.T) @ v.T):
        found = taylor.lanes(taylor.compile(f))(x)
        np.testing.assert_allclose(found, [f(p) for p in x], rtol=1e-12, atol=1e-12)


def test_code_on_disk_holds_names(monkeypatch, tmp_path):
    """It serves each library with whole numbers of one length, but not a machine without one."""
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    x, counts = points("plain"), []
    for name in ("numpy", "scipy", "none"):
        monkeypatch.setenv("TAYLOR_BLAS", name)
        STORE.clear()
        found = taylor.compile(lambda a, b: np.tanh(a @ b))(*x)
        np.testing.assert_allclose(found, np.tanh(x[0] @ x[1]), rtol=1e-12)
        objects = [p.read_bytes() for p in tmp_path.rglob("*.object")]
        counts.append([sum((ir.BLAS + "dgemm").encode() in o for o in objects), len(objects)])
    STORE.clear()
    assert counts == [[1, 1], [2, 2], [2, 3]]


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("shape", [(5,), (40,), (300, 6), (2, 40)])
def test_triangular_equations(route, upper, shape):
    """Of the matrix one triangle is read, in whatever order it lies in memory."""
    rng = np.random.default_rng(0)
    n = shape[-1]
    t = rng.normal(size=(*shape, n)) + 4 * n**0.5 * np.eye(n)
    read = np.triu(t) if upper else np.tril(t)
    for kind, tol in ((np.float64, 1e-13), (np.complex128, 1e-13), (np.float32, 1e-5)):
        b = (rng.normal(size=(*shape, 3)) * (1 + 1j if kind is np.complex128 else 1)).astype(kind)
        for order in (t, np.swapaxes(np.swapaxes(t, -1, -2).copy(), -1, -2)):
            x = blas.solve_triangular(order.astype(b.real.dtype), b, upper)
            assert x.dtype == kind and b.shape == x.shape
            np.testing.assert_allclose(read @ x, b, atol=tol)
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        blas.solve_triangular(t * (1 - np.eye(n)), b, upper)


def model(n):
    """Return a function of a vector that takes the steps of a Gaussian process."""
    rng = np.random.default_rng(n)
    s, w = rng.normal(size=(n, n)) / n**0.5, rng.normal(size=(n, n)) / n

    def f(p):
        a = s @ s.T + p[0] ** 2 * np.eye(n) + p[1] * np.diag(np.linspace(0.0, 1.0, n))
        low = np.linalg.cholesky(a)
        return np.sum(w * low**2) + np.sum(np.linalg.solve(low, w[0]) ** 2) * p[2]

    return f


@pytest.mark.parametrize("n", [7, 60])
def test_derivatives_of_cholesky(route, n):
    """Of a matrix in one block and in several; all ways to derivatives agree."""
    f, p, v = model(n), np.array([1.5, 0.3, 0.7]), np.array([0.3, -0.2, 0.5])
    series = taylor.taylor_coefficients(lambda t: f(p + t * v), 0.0, 2)
    for g in (f, taylor.compile(f)):
        assert g(p) == pytest.approx(series[0], rel=1e-12)
        assert taylor.gradient(g, p) @ v == pytest.approx(series[1], rel=1e-10)
        assert taylor.hvp(g, p, v) @ v == pytest.approx(2 * series[2], rel=1e-9)
        assert v @ taylor.hessian(g, p) @ v == pytest.approx(2 * series[2], rel=1e-9)
    twice = taylor.gradient(lambda q: taylor.gradient(f, q) @ v, p)
    assert twice @ v == pytest.approx(2 * series[2], rel=1e-9)


def test_what_is_no_library_is_passed_over(monkeypatch, tmp_path):
    """Without NumPy's library SciPy's is used, and none without SciPy."""
    (tmp_path / "numpy.libs").mkdir()
    (tmp_path / "numpy.libs" / "libopenblas.so").write_text("no library")
    monkeypatch.delenv("TAYLOR_BLAS", raising=False)
    monkeypatch.setattr(blas.np, "__file__", str(tmp_path / "numpy" / "__init__.py"))
    for cached in (blas._of_numpy, blas._route):
        cached.cache_clear()
    try:
        assert blas.route() == "scipy" and set(blas.addresses()) == set(blas.NAMES)
        monkeypatch.setitem(sys.modules, "scipy", None)
        blas._route.cache_clear()
        assert blas.route() == "none" and not blas.addresses()
    finally:
        monkeypatch.undo()
        for cached in (blas._of_numpy, blas._route):
            cached.cache_clear()


def test_an_unknown_library_is_an_error(monkeypatch):
    monkeypatch.setenv("TAYLOR_BLAS", "mkl")
    with pytest.raises(ValueError, match="numpy, scipy, none, not 'mkl'"):
        blas.route()


# ------------------------------------------------------------------ factors
def t(x):
    return np.swapaxes(x, -1, -2)


LAW = {  # functions of a matrix and right-hand sides
    "solve": np.linalg.solve,
    "transposed": lambda a, b: np.linalg.solve(t(a), b),
    "inv": lambda a, b: np.linalg.inv(a) @ b,
    "det": lambda a, b: np.linalg.det(a / 3.0) * b,
    "slogdet": lambda a, b: np.linalg.slogdet(a)[1] * np.sum(b),
    "sign": lambda a, b: np.linalg.slogdet(-a)[0] * np.sum(b),
    "lower": lambda a, b: taylor.linalg.solve_triangular(a, b, lower=True),
    "upper": lambda a, b: taylor.linalg.solve_triangular(t(a)[..., ::-1, ::-1], b),
    "qr": lambda a, b: np.linalg.qr(a)[0] @ b + np.linalg.qr(a)[1] @ b,
    "eigh": lambda a, b: np.linalg.eigh(a)[1] @ b + np.linalg.eigh(a)[0][..., None],
    "eigh, upper": lambda a, b: np.linalg.eigh(a, UPLO="U")[1] @ b,
    "eigvalsh": lambda a, b: np.linalg.eigvalsh(a)[..., None] * b,
    "svd": lambda a, b: np.linalg.svd(np.concatenate([a, b], -1), False)[2],
    "svd, tall": lambda a, b: np.linalg.svd(np.concatenate([a, t(b)], -2), False)[0] @ b,
    "svdvals": lambda a, b: np.linalg.svd(a, compute_uv=False)[..., None] * b,
    "cholesky": lambda a, b: np.linalg.cholesky(a @ t(a)) @ b,
    "cholesky, upper": lambda a, b: np.linalg.cholesky(a @ t(a) + np.triu(a, 1), upper=True) @ b,
}


def matrix(*shape):
    rng = np.random.default_rng(0)
    return rng.normal(size=shape) + 2 * shape[-1] ** 0.5 * np.eye(shape[-1])


@pytest.fixture
def asked(monkeypatch):
    """What the machine code that is written asks Python for."""
    found, write = [], Machine._write

    def written(self, *given):
        write(self, *given)
        found.extend(self.asks[0])

    monkeypatch.setattr(Machine, "_write", written)
    monkeypatch.setenv("TAYLOR_CACHE", "")
    STORE.clear()
    return found


@pytest.mark.parametrize("name", LAW)
@pytest.mark.parametrize("shape", [(1,), (13,), (2, 1, 5)], ids=str)
def test_factors_in_programs_are_those_of_numpy(name, shape, asked):
    """In all derivatives, and without asking Python: but for cofactors, which may be singular."""
    a, f = matrix(*shape, shape[-1]) + np.diag(np.arange(shape[-1])), LAW[name]
    b = np.sin(np.arange(2.0 * a[..., 0].size)).reshape(*shape, 2)
    f = f if name not in ("det",) or a.ndim == 2 else lambda a, b: np.linalg.det(a / 3.0)
    g = total(f)
    np.testing.assert_allclose(taylor.compile(f)(a, b), f(a, b), rtol=1e-12, atol=1e-12)
    found, known = (taylor.gradient(h, a, b, argnums=(0, 1)) for h in (taylor.compile(g), g))
    for mine, theirs in zip(found, known, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-10)
    v = np.cos(np.arange(float(a.size))).reshape(a.shape)
    h, k = (taylor.hvp(lambda a, f=f: f(a, b), a, v) for f in (taylor.compile(g), g))
    np.testing.assert_allclose(h, k, rtol=1e-9, atol=1e-9)
    assert name == "det" or not asked


@pytest.mark.parametrize("name", LAW)
def test_factors_by_every_library(name, route):
    a, b, f = matrix(7, 7), np.ones((7, 2)), LAW[name]
    np.testing.assert_allclose(taylor.compile(f)(a, b), f(a, b), rtol=1e-12)


def test_a_matrix_is_factored_once(monkeypatch):
    """By all that is solved with it or its transpose, by determinants, in derivatives."""
    calls, blas_of = Counter(), Function.blas

    def counted(self, name, *given):
        calls[name] += 1
        blas_of(self, name, *given)

    monkeypatch.setattr(Function, "blas", counted)
    monkeypatch.setenv("TAYLOR_CACHE", "")
    STORE.clear()
    a, b = matrix(6, 6), np.arange(6.0)

    def f(a):
        y = np.linalg.solve(a.T, np.linalg.solve(a, b))
        return y @ np.linalg.inv(a) @ y + np.linalg.slogdet(a)[1] * np.linalg.slogdet(a.T)[1]

    found, known = (taylor.gradient(g, a) for g in (taylor.compile(f), f))
    np.testing.assert_allclose(found, known, rtol=1e-11)
    assert calls["dgetrf"] == 1


ODD = {  # matrices with no factors, some of which NumPy refuses, and those that are not real
    "singular": [[1.0, 2.0], [2.0, 4.0]],
    "singular but for rounding": np.arange(1.0, 10.0).reshape(3, 3),
    "zero": np.zeros((3, 3)),
    "one number": [[0.0]],
    "not positive": -np.eye(3),
    "semidefinite": np.ones((2, 2)),
    "singular in a batch": [np.eye(2), np.ones((2, 2))],
    "nan": [[1.0, np.nan], [3.0, 1.0]],
    "nan first": [[np.nan, 2.0], [2.0, 1.0]],
    "inf": [[np.inf, 1.0], [1.0, 1.0]],
    "complex": [[1 + 1j, 2.0], [0.5, 1 - 1j]],
    "integers": [[2, 1], [1, 5]],
    "float32": np.array([[2, 1], [1, 5]], np.float32),
    "empty": np.zeros((0, 0)),
    "empty batch": np.zeros((0, 2, 2)),
}
OF_ONE = {
    "solve": lambda a: np.linalg.solve(a, np.ones((a.shape[-1], 1))),
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "slogdet": lambda a: np.linalg.slogdet(a)[1],
    "sign": lambda a: np.linalg.slogdet(a)[0],
    "cholesky": np.linalg.cholesky,
    "upper": lambda a: np.linalg.cholesky(a, upper=True),
    "qr": lambda a: np.linalg.qr(a)[0],
    "eigh": lambda a: np.linalg.eigh(a)[1],
    "eigvalsh": np.linalg.eigvalsh,
    "one eigenvalue": lambda a: np.linalg.eigvalsh(a)[..., :1],
    "svd": lambda a: np.linalg.svd(a)[0],
    "svdvals": lambda a: np.linalg.svd(a, compute_uv=False),
    "triangular": lambda a: taylor.linalg.solve_triangular(a, np.ones((*a.shape[:-1], 1))),
}


def told(f, x):
    """Return a result, or the error."""
    try:
        return f(x)
    except (np.linalg.LinAlgError, NonAnalyticError) as error:
        return str(error)


@pytest.mark.filterwarnings("ignore")  # of numbers that are not finite, and of the slow way
@pytest.mark.parametrize("name", OF_ONE)
@pytest.mark.parametrize("odd", ODD)
def test_odd_matrices_have_the_results_and_errors_of_numpy(name, odd):
    f, a = OF_ONE[name], np.asarray(ODD[odd])
    ways = [lambda f: f]
    if a.dtype.kind != "c":
        ways.append(lambda f: lambda x: taylor.gradient(lambda a: np.sum(f(a)), x))
    for way in ways:
        found, known = told(way(taylor.compile(f)), a), told(way(f), a)
        if isinstance(known, str):
            assert found == known
        else:
            np.testing.assert_allclose(found, known, rtol=1e-6 if odd == "float32" else 1e-12)


def likelihood(p, scan=taylor.scan, n=12):
    """Return the likelihood of a Kalman filter."""
    f, h, seen = np.eye(2) + np.eye(2, k=1) / 8, np.array([[1.0, 0.5]]), np.sin(np.arange(1.0 * n))

    def step(state, y):
        x, cov, total = state
        x, cov = f @ x, f @ cov @ f.T + p[0] * np.eye(2)
        s, off = h @ cov @ h.T + p[1] * np.eye(1), y - h @ x
        gain = np.linalg.solve(s, h @ cov).T
        new = total + np.linalg.slogdet(s)[1] + off @ np.linalg.solve(s, off)
        return x + gain @ off, cov - gain @ h @ cov, new

    return scan(step, (np.zeros(2), np.eye(2), 0.0), xs=seen)[2]


def written_out(step, state, xs):
    for x in xs:
        state = step(state, x)
    return state


def test_equations_in_the_steps_of_a_loop():
    """The loop is one instruction of the compiled function; its derivatives have machine code."""
    p, v, f = np.array([0.5, 0.8]), np.array([1.0, -0.4]), taylor.compile(likelihood, strict=True)
    assert f(p) == pytest.approx(likelihood(p), rel=1e-12)
    for way in (taylor.gradient, lambda f, p: taylor.hvp(f, p, v), taylor.hessian):
        np.testing.assert_allclose(way(f, p), way(likelihood, p), rtol=1e-10)
    series = taylor.taylor_coefficients(lambda t: likelihood(p + t * v), 0.0, 3)
    g = taylor.compile(likelihood)
    with pytest.warns(taylor.errors.PerformanceWarning, match="a step of a loop"):
        found = taylor.taylor_coefficients(lambda t: g(p + t * v), 0.0, 3)
    np.testing.assert_allclose(found, series, rtol=1e-12)


def test_equations_in_a_loop_that_was_written_out():
    """It is rolled up again: code is made as fast as of the scan."""
    p, n = np.array([0.5, 0.8]), 50

    def f(p):
        return likelihood(p, written_out, n)

    long, code = taylor.record(f, p), taylor.compile(f, strict=True)
    assert len(long) > 1000 > 5 * len(rolled(long, is_written))
    exact = taylor.hessian(lambda p: likelihood(p, n=n), p)
    np.testing.assert_allclose(taylor.hessian(code, p), exact, rtol=1e-10)


# ------------------------------------------------------------------ series
RNG = np.random.default_rng(3)
C = RNG.normal(size=(4, 21, 21)) / 5  # just large enough for one instruction
MATRICES = {  # products of polynomials and of series that do not end
    "polynomials": lambda t: (C[0] + t * C[1] + t * t * C[3]) @ (C[1] + t * C[2]),
    "a series and a polynomial": lambda t: np.exp(t * C[0]) @ (C[1] + t * C[2] + t * t * C[3]),
    "a polynomial and a series": lambda t: (C[1] + t * C[2]) @ np.sin(t * C[0]),
    "two series, transposed": lambda t: np.exp(t * C[0]).T @ (C[1] + np.exp(t) * C[2]).T,
    "a square of a square": lambda t: square(square(C[0] + t * C[1])),
    "a batch": lambda t: np.stack([np.exp(t) * C[0], t * C[1]]) @ np.stack([t * C[2], C[3]]),
    "more axes": lambda t: np.einsum("iaj,jkb->abik", np.exp(t * C[:, :2, :4]), t + C[:, :, :3]),
}


def square(x):
    return x @ x


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("order", [1, 2, 3, 9])
def test_products_of_matrices_of_series(name, order):
    """Machine code, the sweep of a program and series themselves agree."""
    f = MATRICES[name]
    series = taylor.taylor_coefficients(f, 0.3, order)
    code = taylor.taylor_coefficients(taylor.compile(f, strict=True), 0.3, order)
    x = taylor.Taylor.variable(0.3, order=order)
    (swept,) = sweep(expand(taylor.record(f, 0.3)), Univariate(order), [x.coef])
    scale = np.max(np.abs(series))
    for found in (code, swept):
        np.testing.assert_allclose(found, series, rtol=0, atol=1e-14 * scale)


def test_products_of_matrices_of_series_in_several_variables():
    def f(p):
        return np.sum((C[0] + p[0] * C[1]) @ np.exp(p[1] * C[2]))

    p = np.array([0.3, 0.2])
    found = taylor.tensor(taylor.compile(f), p, 3)
    np.testing.assert_allclose(found, taylor.tensor(f, p, 3), rtol=1e-10)
    x = np.stack(taylor.TaylorN.variables(p, order=3))
    (swept,) = sweep(expand(taylor.record(f, p)), multivariate(2, 3), [x.coef])
    np.testing.assert_allclose(swept, f(x).coef, rtol=1e-12)


def test_an_equation_of_large_matrices():
    """Of Y' = a(t) Y the logarithm of det Y is the integral of the trace of a (Liouville)."""
    n = len(C[0])

    def rate(t, y):
        return ((C[0] + t * C[1]) @ np.reshape(y, (n, n))).reshape(-1)

    found = taylor.ode.solve_ivp(rate, (0.0, 1.0), np.eye(n).reshape(-1), tol=1e-12).y[:, -1]
    sign, size = np.linalg.slogdet(found.reshape(n, n))
    assert sign == 1 and size == pytest.approx(np.trace(C[0]) + np.trace(C[1]) / 2, rel=1e-9)


BLOCKS = {  # parts of arrays that are no run of elements, moved in nests of loops
    "joined": lambda a, b: np.concatenate([a, b[:9]], axis=1) ** 2,
    "block": lambda a, b: np.block([[a, a[:, ::-1]], [b, b[:, :7]]])[:, 2:],
    "stacked": lambda a, b: np.stack([a.T, b[:9].T * 2], axis=-1),
    "padded": lambda a, b: np.pad(a, ((8, 7), (1, 9))) ** 2,
    "a part of a part": lambda a, b: np.sin(b[1:12:2, 1:].reshape(3, 2, -1)[:, ::-1, ::3]),
    "rolled": lambda a, b: np.roll(a, (3, 2), (0, 1)) * a,
}


@pytest.mark.parametrize("name", BLOCKS)
def test_parts_of_arrays(name):
    """And their adjoints, which are sums into parts."""
    a, b, f = np.sin(np.arange(63.0)).reshape(9, 7), np.cos(np.arange(91.0)).reshape(13, 7), None
    f, weights = BLOCKS[name], np.cos(np.arange(1000.0))
    g = lambda a, b: np.sum(weights[: f(a, b).size] * np.ravel(f(a, b)))
    np.testing.assert_array_equal(taylor.compile(f)(a, b), f(a, b))
    found, known = (taylor.gradient(h, a, b, argnums=(0, 1)) for h in (taylor.compile(g), g))
    for mine, theirs in zip(found, known, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-14, atol=1e-15)
