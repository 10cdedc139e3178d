"""taylor.scipy.linalg, integrate, interpolate, signal, sparse: values are SciPy's, in all modes."""

import importlib
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.signal
import scipy.sparse

import taylor
from taylor import Taylor
from taylor.errors import ShapeMismatch
from taylor.scipy import fft, integrate, interpolate, linalg, optimize, signal, sparse, special

RNG = np.random.default_rng(7)
A = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
B = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
S = A @ A.T
V, X = RNG.normal(size=3), RNG.normal(size=8)
K = np.array([0.0, 0.7, 1.1, 2.0, 3.2, 4.0, 4.5, 6.0])
GRID = ([0.0, 1.0, 2.5], [0.0, 0.5, 2.0])
LONG = ([0.0, 1.0, 2.5, 3.0, 4.5, 5.0], [0.0, 0.5, 2.0, 2.5, 3.1, 4.0])


def exactly(m, way):
    """What makes SciPy solve for the splines of a grid to more than six digits."""
    given = m is scipy and way in ("cubic", "quintic")
    return {"solver": scipy.sparse.linalg.spsolve} if given else {}


POINTS = np.array([[[0.3, 0.2], [1.2, 1.9]], [[2.6, 3.3], [4.9, 0.1]]])


def spline(name, **kwargs):
    return lambda m: (
        lambda y: getattr(m.interpolate, name)(K, y, **kwargs)(np.array([0.3, 1.1, 5.0]))
    )


class Mine:
    linalg, signal, interpolate, integrate = linalg, signal, interpolate, integrate


CASES = {  # module -> function of one array, and the array
    "solve": (lambda m: lambda a: m.linalg.solve(a, V), A),
    "solve b": (lambda m: lambda b: m.linalg.solve(A, b, transposed=True), V),
    "solve_triangular": (lambda m: lambda a: m.linalg.solve_triangular(a, V, lower=True), A),
    "unit": (lambda m: lambda a: m.linalg.solve_triangular(a, V, trans="T", unit_diagonal=True), A),
    "cholesky": (lambda m: lambda a: m.linalg.cholesky(a + a.T, lower=True), S),
    "cho": (lambda m: lambda a: m.linalg.cho_solve(m.linalg.cho_factor(a + a.T), V), S),
    "cho low": (lambda m: lambda a: m.linalg.cho_solve(m.linalg.cho_factor(a + a.T, True), V), S),
    "banded": (lambda m:
        lambda a: m.linalg.solve_banded((1, 1), a, V), A + np.eye(3)[[1, 0, 2]] * 5),
    "sylvester a": (lambda m: lambda a: m.linalg.solve_sylvester(a, B, S), A),
    "sylvester b": (lambda m: lambda b: m.linalg.solve_sylvester(A, b, S), B),
    "sylvester q": (lambda m: lambda q: m.linalg.solve_sylvester(A, B, q), S),
    "expm": (lambda m: m.linalg.expm, A / 3),
    "sqrtm": (lambda m: m.linalg.sqrtm, S),
    "logm": (lambda m: m.linalg.logm, S),
    "eigvalsh": (lambda m: lambda a: m.linalg.eigvalsh(a + a.T), A),
    "eigh": (lambda m: lambda a: m.linalg.eigh(a + a.T, S)[1] ** 2, A),
    "eigh b": (lambda m: lambda b: m.linalg.eigh(A + A.T, b + b.T)[0], S),
    **{
        f"eigh type {n}": (lambda m, n=n: lambda a: m.linalg.eigh(a + a.T, S, type=n)[1] ** 2, A)
        for n in (2, 3)
    },
    "eigh by index": (lambda m:
        lambda a: m.linalg.eigh(a + a.T, subset_by_index=[1, 2])[1] ** 2, A),
    "eigh by value": (lambda m:
        lambda a: m.linalg.eigh(a + a.T, S, subset_by_value=[0.0, 9.0])[0], A),
    "eigvalsh by index": (lambda m:
        lambda a: m.linalg.eigvalsh(a + a.T, S, type=2, subset_by_index=[0, 1]), A),
    "eigvalsh upper": (lambda m: lambda a: m.linalg.eigvalsh(a + a.T, S + A + A.T, lower=False), A),
    "norm": (lambda m: m.linalg.norm, A),
    "block_diag": (lambda m: lambda a: m.linalg.block_diag(a, V, 2 * a), A),
    "toeplitz": (lambda m: lambda c: m.linalg.toeplitz(c, V), X[:4]),
    "toeplitz r": (lambda m: lambda r: m.linalg.toeplitz(V, r), X[:4]),
    "toeplitz c": (lambda m: m.linalg.toeplitz, X[:4]),
    "hankel": (lambda m: lambda c: m.linalg.hankel(c, c[::-1]), X[:4]),
    "circulant": (lambda m: m.linalg.circulant, X[:4]),
    **{f"convolve {k}": (lambda m, k=k: lambda x: m.signal.convolve(x, V, k), X)
        for k in signal.MODES},
    **{f"correlate {k}": (lambda m, k=k: lambda x: m.signal.correlate(x, V, k), X)
        for k in signal.MODES},
    "convolve short": (lambda m: lambda v: m.signal.convolve(v, X, "same"), V),
    "correlate short": (lambda m: lambda v: m.signal.correlate(v, X, "valid"), V),
    "lfilter x": (lambda m: lambda x: m.signal.lfilter([1.0, 0.5], [2.0, -0.4, 0.3], x), X),
    "lfilter b": (lambda m: lambda b: m.signal.lfilter(b, [2.0, -0.4, 0.3], X), V),
    "lfilter a": (lambda m:
        lambda a: m.signal.lfilter([1.0, 0.5], a, X), np.array([2.0, -0.4, 0.3])),
    "fir": (lambda m: lambda x: m.signal.lfilter(V, [2.0], x), X),
    **{f"cubic {b}": (spline("CubicSpline", bc_type=b), X)
        for b in ("not-a-knot", "natural", "clamped")},
    "pchip": (spline("PchipInterpolator"), X),
    "pchip monotone": (spline("PchipInterpolator"), np.cumsum(abs(X))),
    **{f"interp1d {k}": (spline("interp1d", kind=k), X)
       for k in ("linear", "quadratic", "cubic", "previous", "next", "nearest")},
    "make_interp_spline": (spline("make_interp_spline", k=5), X),
    "BSpline": (lambda m:
        lambda c: m.interpolate.BSpline(K, c, 2)(np.array([1.2, 3.9, 4.2])), X[:5]),
    "grid": (lambda m: lambda v: m.interpolate.RegularGridInterpolator(GRID, v)(
        np.array([[0.3, 0.2], [1.0, 1.9]])), B),
    **{
        f"grid {way}": (lambda m, way=way: lambda v: m.interpolate.RegularGridInterpolator(
            LONG, np.outer(v, v)[:, :, None] * [1.0, 2.0], way, **exactly(m, way))(POINTS), X[:6])
        for way in ("nearest", "cubic", "quintic")
    },
    **{
        f"points {way}": (lambda m, way=way: lambda p: m.interpolate.RegularGridInterpolator(
            LONG, np.cos(np.outer(X[:6], X[:6])), way, True, None, **exactly(m, way))(p), POINTS)
        for way in ("linear", "cubic", "quintic")
    },
    "trapezoid": (lambda m: lambda y: m.integrate.trapezoid(y, K), X),
    "simpson": (lambda m: lambda y: m.integrate.simpson(y, x=K), X),
    "cumulative": (lambda m: lambda y: m.integrate.cumulative_trapezoid(y, K, initial=0), X),
    "fixed_quad": (lambda m: lambda p: m.integrate.fixed_quad(
        lambda x, p: np.exp(-p * x), 0.0, p, (p,))[0], np.array(0.7)),
    "quad": (lambda m: lambda p: m.integrate.quad(
        lambda x, p: np.sin(p * x) * x, p, 2.0, (p,))[0], np.array(0.7)),
    "quad infinite": (lambda m: lambda p: m.integrate.quad(
        lambda x, p: np.exp(-p * x * x), 0.0, np.inf, (p,))[0], np.array(0.7)),
    "quad root": (lambda m: lambda p: m.integrate.quad(
        lambda x, p: p * x**0.5, 0.0, p, (p,))[0], np.array(0.7)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_derivatives_and_modes(name):
    make, x = CASES[name]
    f, plain = make(Mine), make(scipy)
    assert f(x) == pytest.approx(plain(x), rel=1e-12, abs=1e-13)
    d = np.asarray(np.random.default_rng(0).normal(size=np.shape(x)))  # in any order of the tests
    h = 1e-3
    at = [np.asarray(plain(x + k * h * d)) for k in (-2, -1, 0, 1, 2)]
    slope = (at[0] - 8 * at[1] + 8 * at[3] - at[4]) / (12 * h)
    bend = (-at[0] + 16 * at[1] - 30 * at[2] + 16 * at[3] - at[4]) / (12 * h * h)
    y, tangent = taylor.jvp(f, x, d)
    scale = 1 + abs(slope).max()
    assert tangent == pytest.approx(slope, rel=1e-7, abs=1e-7 * scale)
    series = f(x + d * Taylor.variable(0.0, 2))
    coef = np.asarray(series.coef) if isinstance(series, Taylor) else None
    assert coef[1] == pytest.approx(tangent, rel=1e-10, abs=1e-12 * scale)
    assert 2 * coef[2] == pytest.approx(bend, rel=1e-3, abs=1e-3 * (1 + abs(bend).max()))
    w = np.asarray(RNG.normal(size=np.shape(y)))
    _, adjoint = taylor.vjp(f, x, w)
    assert np.sum(adjoint * d) == pytest.approx(np.sum(w * tangent), rel=1e-9, abs=1e-10)


@pytest.mark.parametrize(
    "name", [n for n in CASES if n.split()[0] not in ("logm", "interp1d", "quad")]
)
def test_compiled(name):
    make, x = CASES[name]

    def loss(v):
        return np.sum(np.sin(make(Mine)(v)))

    compiled = taylor.compile(loss, strict=True)
    assert compiled(x) == pytest.approx(loss(x), rel=1e-13)
    assert taylor.gradient(compiled, x) == pytest.approx(
        taylor.gradient(loss, x), rel=1e-10, abs=1e-11
    )


def test_splines_in_their_points():
    y = np.sin(K)
    for make in (
        lambda m: m.interpolate.CubicSpline(K, y), lambda m: m.interpolate.PchipInterpolator(K, y),
        lambda m: m.interpolate.make_interp_spline(K, y, 4),
    ):  # fmt: skip
        mine, peer = make(Mine), make(scipy)
        for x in (-0.4, 0.3, 1.1, 5.9, 7.0):
            found = taylor.derivatives(mine, x, 3)
            want = [float(peer(x, nu=k) if k else peer(x)) for k in range(4)]
            assert found == pytest.approx(want, rel=1e-9, abs=1e-10)
            assert mine(x, 2) == pytest.approx(want[2], rel=1e-9, abs=1e-10)
    s = interpolate.CubicSpline(K, y)
    peer = scipy.interpolate.CubicSpline(K, y)
    assert s.integrate(0.3, 5.0) == pytest.approx(float(peer.integrate(0.3, 5.0)), rel=1e-12)
    assert taylor.derivative(lambda b: s.integrate(0.3, b), 5.0) == pytest.approx(s(5.0))
    compiled = taylor.compile(lambda x: s(x) * x, strict=True)
    for x in (0.3, 5.0, 1.5):
        assert compiled(x) == pytest.approx(s(x) * x)
        assert taylor.derivative(compiled, x, 2) == pytest.approx(
            taylor.derivative(lambda x: s(x) * x, x, 2)
        )
    two = interpolate.CubicSpline(K, np.stack([y, y**2], axis=1))
    assert two(np.array([0.3, 0.4])).shape == (2, 2)


def test_grid_in_its_points():
    g = interpolate.RegularGridInterpolator(GRID, B, bounds_error=False)
    xi = np.array([0.3, 1.2])
    gradient = taylor.gradient(lambda x: g(x.reshape(1, 2))[0], xi)
    peer = scipy.interpolate.RegularGridInterpolator(GRID, B)
    h = 1e-4
    assert gradient == pytest.approx(
        [(peer(xi + h * e) - peer(xi - h * e))[0] / (2 * h) for e in np.eye(2)], rel=1e-8
    )
    assert np.isnan(g(np.array([[9.0, 0.0]]))[0])


def test_integrals_of_high_order_and_of_several_parameters():
    def f(p):
        return integrate.quad(lambda x, p: np.exp(-p * x), 0.0, np.inf, (p,))[0]

    want = [1 / 0.7, -1 / 0.7**2, 2 / 0.7**3, -6 / 0.7**4, 24 / 0.7**5]
    assert taylor.derivatives(f, 0.7, 4) == pytest.approx(want, rel=1e-8)

    def limits(v):
        return integrate.quad(lambda x, p: np.cos(p * x), v[0], v[1] ** 2, (v[2],))[0]

    def exact(v):
        return (np.sin(v[2] * v[1] ** 2) - np.sin(v[2] * v[0])) / v[2]

    at = np.array([0.3, 1.2, 0.9])
    assert taylor.gradient(limits, at) == pytest.approx(taylor.gradient(exact, at), rel=1e-9)
    assert taylor.hessian(limits, at) == pytest.approx(taylor.hessian(exact, at), rel=1e-8)
    compiled = taylor.compile(limits, strict=True)
    assert taylor.gradient(compiled, at) == pytest.approx(taylor.gradient(exact, at), rel=1e-9)

    def vector(p):
        return integrate.quad(lambda x, q: np.sum(q * x ** np.arange(3)), 0.0, 1.0, (p,))[0]

    assert taylor.gradient(vector, np.ones(3)) == pytest.approx([1, 1 / 2, 1 / 3], rel=1e-12)


def test_zeros_and_poles_respond_as_their_polynomials():
    by_roots = lambda v: signal.freqz_zpk(v[:4], v[4:7] / 3, v[7], worN=5)[1]
    by_polynomials = lambda v: signal.freqz(*signal.zpk2tf(v[:4], v[4:7] / 3, v[7]), worN=5)[1]
    peer = scipy.signal.freqz_zpk(X[:4], X[4:7] / 3, X[7], worN=5)[1]
    phase = np.exp(-1j * np.pi / 5 * np.arange(5))  # one zero more than there are poles
    assert by_roots(X) == pytest.approx(peer, rel=1e-13)
    for part in (np.real, np.imag):
        one = taylor.jacobian(lambda v, part=part: part(by_roots(v) * phase), X)
        other = taylor.jacobian(lambda v, part=part: part(by_polynomials(v)), X)
        assert one == pytest.approx(other, rel=1e-11, abs=1e-12)


def test_integrands_have_parameters_of_the_function_around_them():
    def limits(v):
        return integrate.quad(lambda x: np.cos(v[2] * x), v[0], v[1] ** 2)[0]

    def in_args(v):
        return integrate.quad(lambda x, p: np.cos(p * x), v[0], v[1] ** 2, (v[2],))[0]

    def both(p):
        return integrate.quad(lambda x, q: p * q * x, 0.0, 1.0, (p,))[0]

    def within(p):
        return integrate.quad(lambda x, q, f=[p]: q * f[0] * x, 0.0, 1.0, (p,))[0]

    def double(p):
        return integrate.dblquad(lambda y, x, q: p * q * x * y, 0, 2, 0, lambda x: x, (p,))[0]

    at = np.array([0.3, 1.2, 0.9])
    for driver in (taylor.gradient, taylor.hessian):
        np.testing.assert_allclose(driver(limits, at), driver(in_args, at), rtol=1e-12)
    single = taylor.gradient(limits, at.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, taylor.gradient(limits, at), rtol=1e-5)
    for f in (both, within):
        assert taylor.derivative(f, 3.0, 2) == pytest.approx(1.0, rel=1e-12)
    assert taylor.derivative(double, 1.0) == pytest.approx(4.0, rel=1e-8)


def test_functions_of_matrices_of_high_order():
    t = Taylor.variable(0.0, 5)
    a = S + t * (A + A.T)
    assert (linalg.sqrtm(a) @ linalg.sqrtm(a) - a).coef == pytest.approx(0, abs=1e-10)
    assert (linalg.expm(linalg.logm(a)) - a).coef == pytest.approx(0, abs=1e-9)
    x = linalg.solve_continuous_are(a, B, S, S)
    assert (a.T @ x + x @ a - x @ B @ linalg.solve(S, B.T @ x) + S).coef == pytest.approx(
        0, abs=1e-8
    )
    w, v = linalg.eigh(a, B @ B.T)
    assert (a @ v - B @ B.T @ v * w).coef == pytest.approx(0, abs=1e-9)


FORMATS = ("csr", "csc", "coo", "dia", "bsr", "lil", "dok")


def test_equations_and_filters_have_all_digits_of_mpmath():
    with mpmath.workdps(40):
        m, one = np.vectorize(mpmath.mpf, otypes=[object])(A / 4), np.eye(3)
        x = linalg.solve_continuous_are(m, one, one, one)
        rests = [m.T @ x + x @ m - x @ x + one]
        x = linalg.solve_discrete_are(m, one, one, one)
        rests += [m.T @ x @ m - x - m.T @ x @ linalg.solve(one + x, x @ m) + one]
        x = linalg.solve_sylvester(m, m.T @ m, m)
        rests += [m @ x + x @ m.T @ m - m]
        y = signal.lfilter([1, m[0, 0]], [2, 0, m[0, 1]], m[0])
        rests += [2 * y[2] + m[0, 1] * y[0] - m[0, 2] - m[0, 0] * m[0, 1]]
        assert max(np.max(np.abs(rest)) for rest in rests) < 1e-37


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_operators_of_sparse_matrices(form, kind):
    """A @ x, A.dot(x), x @ A and A * x are those of the matrix, in all modes."""
    dense = scipy.sparse.random_array((6, 8), density=0.3, random_state=3).toarray()
    m = getattr(scipy.sparse, f"{form}_{kind}")(dense)
    products = [lambda x: m @ x, lambda x: m.dot(x), lambda x: x @ m.T]
    if kind == "matrix":
        products.append(lambda x: m * x)
    for f in products:
        assert taylor.jacobian(f, X) == pytest.approx(dense)
        assert taylor.jacobian(taylor.compile(f), X) == pytest.approx(dense)
        assert taylor.gradient(lambda x, f=f: np.sum(f(x) ** 2), X) == pytest.approx(
            2 * dense.T @ dense @ X
        )
        two = f(Taylor.variable(np.stack([X, X**2], axis=1), 2)) if f is products[0] else None
        assert two is None or two.coef[0] == pytest.approx(dense @ np.stack([X, X**2], axis=1))
    y = m.toarray() @ (X + 1j * X)
    assert taylor.derivative(lambda t: m @ (t * (X + 1j * X)), 0.5) == pytest.approx(y)


def test_sparse_products_of_wrong_shapes():
    m = scipy.sparse.eye_array(3, 5, format="csr")
    with pytest.raises(ShapeMismatch, match=r"\(3, 5\) has no product with \(8,\)"):
        taylor.jacobian(lambda x: m @ x, X)


def test_sparse_matrices():
    m = scipy.sparse.random_array((6, 8), density=0.3, random_state=3, format="csr")
    for kind in (m, scipy.sparse.csr_matrix(m), m.tocsc(), m.tocoo()):
        assert taylor.jacobian(lambda x, kind=kind: sparse.matmul(kind, x), X) == pytest.approx(
            m.toarray()
        )
        y = sparse.matmul(kind, Taylor.variable(np.stack([X, X**2], axis=1), 2))
        assert y.value == pytest.approx(m @ np.stack([X, X**2], axis=1))
    compiled = taylor.compile(lambda x: np.sum(sparse.matmul(m, x) ** 2), strict=True)
    assert taylor.gradient(compiled, X) == pytest.approx(2 * m.T @ (m @ X))
    assert sparse.matmul(m, X) == pytest.approx(m @ X)
    with pytest.raises(ValueError, match=r"shape \(6, 8\) has no product with \(3,\)"):
        sparse.matmul(m, V)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linalg.solve_triangular(A, V, trans=2), ValueError, "trans is 0, 1"),
        (lambda: linalg.null_space(Taylor.variable(A, 1)), TypeError, "turns freely"),
        (lambda: linalg.solve_discrete_are(A, 1j * A, S, Taylor.variable(S, 1)), TypeError, "real"),
        (lambda: linalg.eigh_tridiagonal(V, V[:2], select="x"), ValueError, "select is 'a', 'i'"),
        (lambda: linalg.leslie(V, V), ValueError, "3 fecundities with 3 survivals"),
        (lambda: signal.lsim([1.0], X, K), TypeError, r"matrices \(A, B, C, D\)"),
        (lambda: signal.cont2discrete((A, A, A, A), 0.1, "gbt"), ValueError, "or 'gbt' with alpha"),
        (lambda: signal.csd(X, X[:5]), ValueError, r"csd of data of shapes \(8,\) and \(5,\)"),
        (lambda: signal.stft(X, nperseg=4, boundary="x"), ValueError, "boundary is None or one of"),
        (lambda: interpolate.splrep(K, Taylor.variable(X, 1), s=1.0), TypeError, "with s > 0"),
        (lambda: interpolate.UnivariateSpline(K, X, s=0, ext=2), ValueError, "ext is 0"),
        (lambda: interpolate.griddata(A, V, A, "cubic"), ValueError, "'linear' or 'nearest'"),
        (lambda: interpolate.PPoly(A, K), ValueError, r"shape \(3, 3\) for 8 knots"),
        (lambda: integrate.cubature(np.cos, Taylor.variable(0.0, 1), 1.0), TypeError, "use nquad"),
        (lambda: signal.find_peaks(Taylor.variable(X, 1)), TypeError, "places are whole numbers"),
        (lambda: linalg.solve_banded((1, 0), A, V), ValueError, "3 rows for l \\+ u \\+ 1 = 2"),
        (lambda: signal.convolve(A, V), ValueError, r"as many axes, not of shapes \(3, 3\)"),
        (lambda: signal.convolve(X, V, "most"), ValueError, "mode is one of full, valid, same"),
        (lambda: interpolate.CubicSpline([1.0, 0.0], V[:2]), ValueError, "increasing"),
        (lambda: interpolate.CubicSpline(K, V), ValueError, "do not fit 8 knots"),
        (lambda: interpolate.CubicSpline(K, X, bc_type="x"), ValueError, "bc_type is"),
        (lambda: interpolate.CubicSpline(Taylor.variable(K, 1), X), TypeError, "knots are plain"),
        (lambda: interpolate.interp1d(K, X)(9.0), ValueError, "outside of the data"),
        (lambda: interpolate.interp1d(K, X, "best")(1.0), ValueError, "knows no kind 'best'"),
        (lambda: interpolate.RegularGridInterpolator(GRID, X), ValueError, "on a grid"),
        (lambda: interpolate.RegularGridInterpolator(GRID, B, "pchip"), ValueError, "not 'pchip'"),
        (lambda: linalg.eigh(S, S, type=4), ValueError, "type is 1, 2 or 3"),
        (lambda: linalg.eigh(S, subset_by_index=[1, 3]), ValueError, "of 3 eigenvalues"),
        (lambda: interpolate.RegularGridInterpolator(GRID, B)([[9.0, 0.0]]), ValueError, "outside"),
        (lambda: integrate.cumulative_trapezoid(X, initial=1), ValueError, "initial is None or 0"),
    ],
)  # fmt: skip
def test_mistakes(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_outside_of_the_data():
    f = interpolate.interp1d(K, X, bounds_error=False, fill_value=0.0)
    y = f(Taylor.variable(np.array([-1.0, 0.3]), 1))
    assert y.value[0] == 0 and y.coef[1, 0] == 0
    g = interpolate.interp1d(K, X, fill_value="extrapolate")
    peer = scipy.interpolate.interp1d(K, X, fill_value="extrapolate")
    assert g(np.array([-1.0, 9.0])) == pytest.approx(peer([-1.0, 9.0]))
    s = interpolate.CubicSpline(K, X, extrapolate=False)
    assert np.isnan(s(-1.0)) and np.isfinite(s(0.3))


JUMPING = {  # integrands of x and p that jump at an x that moves with p, from ... to
    "if": (lambda x, p: p * x if x < 0.3 * p else (x - p) ** 2, 0.0, 1.0, 0.7),
    "where": (lambda x, p: np.where(x < 0.3 * p, p * x, (x - p) ** 2), 0.0, 1.0, 0.7),
    "floor": (lambda x, p: np.floor(4 * x * p), 0.0, 1.0, 0.7),
    "all": (lambda x, p: np.where(x > p, 1.0, 0.0) * np.exp(-x * x), -np.inf, np.inf, 0.0),
    "half": (lambda x, p: np.where(x > p, 1.0, 0.0) * np.exp(-x), 0.0, np.inf, 0.3),
    "small": (lambda x, p: np.where(x < p, 1e-9, 0.0), 0.0, 1.0, 0.3),
    "near an end": (lambda x, p: np.where(x < p, 1.0, 0.0), 0.0, 1.0, 0.9995),
    "within": (lambda x, p: integrate.quad(lambda y: x * (y < p), 0.0, 1.0)[0], 0.0, 1.0, 0.3),
    "within, of both": (
        lambda x, p: integrate.quad(lambda y: np.where(y < p * x, p, 0.0), 0.0, 1.0)[0],
        0.0, 1.0, 0.3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", JUMPING)
def test_integrals_of_what_jumps_where_it_moves_have_no_derivatives(name):
    f, a, b, p = JUMPING[name]
    y = lambda p: integrate.quad(lambda x: f(x, p), a, b)[0]
    driver = taylor.gradient if name in ("where", "half", "within") else taylor.derivative
    with pytest.raises(taylor.errors.NonAnalyticError, match="integrate each side apart"):
        driver(y, p)
    if name == "all":
        with taylor.policy(kink="subgradient"):  # what is left without the term of the jump
            assert driver(y, p) == 0.0


@pytest.mark.parametrize("p", [Fraction(1, 2), mpmath.mpf("0.7"), 1, np.float32(0.7)])
def test_jumps_of_integrals_are_found_at_all_kinds_of_numbers(p):
    y = lambda p: integrate.quad(lambda x: p * x if x < 0.3 * p else p * p, 0.0, 1.0)[0]
    with pytest.raises(taylor.errors.NonAnalyticError, match="integrate each side apart"):
        taylor.derivative(y, p)


def test_jumps_within_integrals_that_stay_are_places_to_divide_at():
    f = lambda p: integrate.dblquad(lambda y, x: p**2 * x * (y < x), 0.0, 1.0, 0.0, 1.0)[0]
    assert taylor.derivatives(f, 0.7, 1) == pytest.approx([0.49 / 3, 1.4 / 3], rel=1e-12)
    assert taylor.gradient(f, 0.7) == pytest.approx(1.4 / 3, rel=1e-12)


def test_integrals_with_an_account():
    f = lambda p: integrate.quad(lambda x: p * x, 0.0, 1.0, full_output=True)
    assert f(2.0)[0] == 1.0 and f(2.0)[2]["neval"] == 21
    assert taylor.derivative(lambda p: f(p)[0], 2.0) == 0.5


@pytest.mark.parametrize("n", [2, 3, 4, 7, 8])
def test_integrals_up_to_samples_at_places_that_vary(n):
    x, y, v = np.cumsum(np.arange(1.0, n + 1)), np.sin(np.arange(n)), np.cos(np.arange(n))
    f = lambda x: integrate.cumulative_simpson(y, x=x, initial=0.5)
    plain = lambda x: scipy.integrate.cumulative_simpson(y, x=x, initial=0.5)
    slope = (plain(x + 1e-5 * v) - plain(x - 1e-5 * v)) / 2e-5
    value, tangent = taylor.jvp(f, x, v)
    assert value == pytest.approx(plain(x), rel=1e-12)
    assert tangent == pytest.approx(slope, rel=1e-7, abs=1e-8)
    assert taylor.jacobian(f, x) @ v == pytest.approx(tangent, rel=1e-12, abs=1e-14)


def test_an_integrand_that_raises_is_heard():
    def f(x):
        if x > 0.5:
            raise RuntimeError("nothing is known there")
        return x

    with pytest.raises(RuntimeError, match="nothing is known there"):
        taylor.derivative(lambda p: integrate.quad(lambda x: p * f(x), 0.0, 1.0)[0], 0.3)


def test_integrals_over_kinks_that_move_have_first_derivatives():
    kinked = lambda p: integrate.quad(lambda x: np.maximum(x - p, 0.0), 0.0, 1.0)[0]  # (1-p)²/2
    still = lambda p: integrate.quad(lambda x: p * x if x < 0.3 else p * p, 0.0, 1.0)[0]
    apart = lambda p: (integrate.quad(lambda x: p * x, 0.0, p / 3)[0]
                       + integrate.quad(lambda x: p**2, p / 3, 1.0)[0])  # fmt: skip
    for driver in (taylor.derivative, taylor.gradient):
        assert driver(kinked, 0.3) == pytest.approx(-0.7, rel=1e-7)
        assert driver(kinked, 0.5) == pytest.approx(-0.5, rel=1e-7)  # a node of the rule
        assert driver(still, 0.7) == pytest.approx(0.045 + 1.4 * 0.7, rel=1e-7)
        assert driver(apart, 0.7) == pytest.approx(2 * 0.7 - 0.7**2 * 5 / 6, rel=1e-12)
    assert taylor.hessian(still, 0.7) == pytest.approx(1.4, rel=1e-7)
    assert taylor.derivatives(still, 1, 1) == pytest.approx([0.745, 1.445], rel=1e-7)
    with pytest.raises(taylor.errors.NonAnalyticError, match="jumps at x"):
        taylor.derivative(kinked, 0.3, 2)


def test_integrals_of_complex_integrals():
    f = lambda p: integrate.quad(
        lambda x: integrate.quad(lambda y: np.exp(-y) * p * p * x, 0.0, np.inf)[0], 0.0, 1.0
    )[0]
    assert taylor.derivative(f, 0.7 + 0.1j) == pytest.approx(0.7 + 0.1j, rel=1e-9)
    y = integrate.quad(lambda x: np.exp(1j * x), 0.0, 1.0, complex_func=True)[0]
    assert y == pytest.approx((np.exp(1j) - 1) / 1j, rel=1e-12)


def test_integrals_of_arrays_made_of_lists():
    def f(a):
        return integrate.quad_vec(lambda x, a: np.array([x * a, x**2]), 0, 1, args=(a,))[0]

    np.testing.assert_allclose(f(3.0), [1.5, 1 / 3])
    for slope in (taylor.jacfwd(f, 3.0), taylor.jacrev(f, 3.0), taylor.jvp(f, 3.0, 1.0)[1]):
        np.testing.assert_allclose(slope, [0.5, 0.0], atol=1e-15)


@pytest.mark.parametrize("name", [*taylor.scipy.MODULES, "sparse.linalg", "spatial.distance"])
def test_every_name_of_scipys_is_there(name):
    ours, theirs = (importlib.import_module(f"{m}.{name}") for m in ("taylor.scipy", "scipy"))
    assert [n for n in theirs.__all__ if not hasattr(ours, n)] == []


def test_what_is_scipys_takes_plain_numbers():
    f = lambda y: linalg.diagsvd(y, 3, 3)
    assert f([0.0, 1.0, 4.0]) == pytest.approx(np.diag([0.0, 1.0, 4.0]))
    with pytest.raises(TypeError, match=r"diagsvd is SciPy's.*taylor\.rule"):
        taylor.gradient(f, [0.0, 1.0, 4.0])
    for call in (lambda x: special.legendre_p(2, x), lambda x: fft.fht(x, 0.1, 0.5)):
        with pytest.raises(TypeError, match=r"(legendre_p|fht) is SciPy's.*taylor\.rule"):
            call(Taylor.variable(X, 1))
    with pytest.raises(TypeError, match=r"odeint is SciPy's.*taylor\.ode\.solve_ivp"):
        taylor.gradient(lambda y: integrate.odeint(lambda y, t: -y, y, [0.0, 1.0])[-1], 1.0)


# ------------------------------------------------------------------ parameters from outside
SQUARE = np.array([[2.0, 0.3], [0.3, 1.0]])
CUBE = lambda x, p: x**3 + x - p
PLANE = lambda x, p: np.matmul(SQUARE, x) + 0.1 * x**3 - p
BOWL = lambda x, p: np.sum(x * np.matmul(SQUARE, x)) / 2 + np.sum(x**4) / 40 - np.sum(p * x)
WELL = lambda x, p: x**4 / 4 + x**2 / 2 - p * x
SOLVED = {
    **{
        name: lambda p, name=name: getattr(optimize, name)(
            lambda x: CUBE(x, p[0]), 0.0, 3.0, xtol=1e-14, rtol=1e-14
        )
        for name in ("bisect", "brenth", "brentq", "ridder", "toms748")
    },
    "newton": lambda p: optimize.newton(lambda x: CUBE(x, p[0]), 1.0),
    "newton fprime": lambda p: optimize.newton(
        lambda x: CUBE(x, p[0]), 1.0, fprime=lambda x: 3 * x**2 + 1 + 0 * p[0]
    ),
    "root_scalar": lambda p: optimize.root_scalar(lambda x: CUBE(x, p[0]), bracket=(0, 3)).root,
    "minimize_scalar": lambda p: optimize.minimize_scalar(lambda x: WELL(x, p[0]), tol=1e-12).x,
    "root": lambda p: optimize.root(lambda x: PLANE(x, p), [1.0, 1.0], tol=1e-13).x,
    "root jac": lambda p: optimize.root(
        lambda x, q: PLANE(x, p * q), [1.0, 1.0], args=(1.0,),
        jac=lambda x, q: SQUARE + np.diag(0.3 * x**2) + 0 * p * q, tol=1e-13,
    ).x,
    "fsolve": lambda p: optimize.fsolve(lambda x: PLANE(x, p), [1.0, 1.0], xtol=1e-13),
    "minimize": lambda p: optimize.minimize(
        lambda x: BOWL(x, p), [1.0, 1.0], jac=lambda x: PLANE(x, p), tol=1e-11
    ).x,
    "root_scalar pair": lambda p: optimize.root_scalar(
        lambda x: (CUBE(x, p[0]), 3 * x**2 + 1 + 0 * p[0]), x0=1.0, fprime=True
    ).root,
    "fixed_point": lambda p: optimize.fixed_point(
        lambda x: (p[0] + 2 * x - x**3) / 3, 0.9, xtol=1e-12
    ),
    "minimize pair": lambda p: optimize.minimize(
        lambda x: (BOWL(x, p), PLANE(x, p)), [1.0, 1.0], jac=True, tol=1e-11
    ).x,
    "minimize_scalar between": lambda p: optimize.minimize_scalar(
        lambda x: WELL(x, p[0]), bounds=(0, 3), method="bounded", options={"xatol": 1e-9}
    ).x,
    "fmin_bfgs": lambda p: optimize.fmin_bfgs(
        lambda x: BOWL(x, p), [1.0, 1.0], lambda x: PLANE(x, p), gtol=1e-9, disp=False
    ),
    "fminbound": lambda p: optimize.fminbound(lambda x: WELL(x, p[0]), 0, 3, xtol=1e-9),
    "leastsq": lambda p: optimize.leastsq(lambda x: PLANE(x, p), [1.0, 1.0], xtol=1e-12)[0],
}  # fmt: skip


@pytest.mark.parametrize("name", SOLVED)
def test_roots_and_minima_have_derivatives_in_what_functions_hold(name):
    f, p, d = SOLVED[name], np.array([1.7, 1.2]), np.array([0.6, -0.8])
    x = f(p)
    if np.ndim(x):  # dx = (A + .3 diag x²)⁻¹ dp
        slope = np.linalg.inv(SQUARE + np.diag(0.3 * x**2))
        want = slope @ d
        bend = -slope @ (0.6 * x * want**2)
    else:
        slope = np.array([1 / (3 * x**2 + 1), 0.0])
        want = slope @ d
        bend = -6 * x * want**2 * slope[0]
    assert np.allclose(taylor.jvp(f, p, d)[1], want, rtol=1e-6)
    assert np.allclose(taylor.jacrev(f, p), slope, rtol=1e-6, atol=1e-12)
    second = taylor.derivative(lambda t: f(p + t * d), 0.0, 2)
    assert np.allclose(second, bend, rtol=1e-5)
    w = np.ones(np.shape(x))
    assert np.allclose(taylor.hvp(lambda p: np.sum(w * f(p)), p, d) @ d, np.sum(second), rtol=1e-5)


def test_a_minimum_at_a_bound_moves_with_the_bound_alone():
    def f(p):
        return optimize.minimize(
            lambda x: BOWL(x, p[:2]), [0.1, 0.1], bounds=[(None, p[2]), (0, 5)],
            jac=lambda x: PLANE(x, p[:2]), options={"ftol": 1e-16, "gtol": 1e-11},
        ).x  # fmt: skip

    code = taylor.compile(f)
    for p in (np.array([1.7, 1.2, 0.2]), np.array([1.7, 1.2, 4.0])):  # at the bound, and not
        x = f(p)
        s = np.linalg.inv(SQUARE + np.diag(0.3 * x**2))
        one = 1 / (1 + 0.3 * x[1] ** 2)
        held = [[0, 0, 1], [0, one, -0.3 * one]]
        want = held if p[2] < 1 else np.column_stack([s, [0, 0]])
        for found in (taylor.jacrev(f, p), taylor.jacobian(code, p)):
            assert np.allclose(found, want, rtol=1e-6, atol=1e-9)
    with pytest.raises(TypeError, match="no constraints but bounds"):
        taylor.jacobian(
            lambda p: (
                optimize.minimize(
                    lambda x: BOWL(x, p), [1.0, 1.0], constraints={"type": "eq", "fun": np.sum}
                ).x
            ),
            p[:2],
        )
    plain = optimize.minimize(np.sum, [1.0, 2.0], constraints={"type": "eq", "fun": np.sum})
    assert plain.success
    with pytest.raises(TypeError, match="fsolve with parameters that vary returns the solution"):
        taylor.derivative(lambda p: optimize.fsolve(lambda x: x - p, 0.0, full_output=True)[0], 1.0)
