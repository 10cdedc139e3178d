"""Tables in programs: interpolants of SciPy and solutions as functions of time and of the state."""

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate

import taylor
from taylor.core.lookups import lookup
from taylor.ode import TaylorSolver, solve_ensemble, solve_ivp
from taylor.scipy import interpolate

RNG = np.random.default_rng(5)
X = np.array([0.0, 0.3, 0.7, 1.2, 1.4, 2.1, 2.2, 3.0])
Y = RNG.normal(size=8)
TWO = RNG.normal(size=(2, 8))
IN = np.array([0.1, 0.3, 1.3, 2.95])
MADE = {
    "spline": scipy.interpolate.CubicSpline(X, Y),
    "natural": scipy.interpolate.CubicSpline(X, Y, bc_type="natural", extrapolate=False),
    "slopes": scipy.interpolate.CubicSpline(X, Y, bc_type=((1, 0.5), (2, 0.0))),
    "periodic": scipy.interpolate.CubicSpline(X, np.append(Y[:-1], Y[0]), bc_type="periodic"),
    "axis": scipy.interpolate.CubicSpline(X, TWO, axis=1),
    "pchip": scipy.interpolate.PchipInterpolator(X, Y),
    "pchip axis": scipy.interpolate.PchipInterpolator(X, TWO, axis=1),
    "akima": scipy.interpolate.Akima1DInterpolator(X, Y),
    "hermite": scipy.interpolate.CubicHermiteSpline(X, Y, Y[::-1]),
    "ppoly": scipy.interpolate.PPoly(RNG.normal(size=(3, 7)), X),
    "bernstein": scipy.interpolate.BPoly(RNG.normal(size=(3, 7)), X),
    "bspline": scipy.interpolate.make_interp_spline(X, Y, 5),
    "bspline axis": scipy.interpolate.make_interp_spline(X, TWO, 3, axis=1),
    "smoothing": scipy.interpolate.UnivariateSpline(X, Y, s=0.1),
    **{
        kind: scipy.interpolate.interp1d(X, Y, kind)
        for kind in ("linear", "quadratic", "cubic", "nearest", "nearest-up", "previous", "next",
                     "zero", "slinear")
    },
    "fill": scipy.interpolate.interp1d(X, Y, bounds_error=False, fill_value=(1.0, 2.0)),
    "extrapolated": scipy.interpolate.interp1d(X, Y, fill_value="extrapolate"),
    "beyond": scipy.interpolate.interp1d(X, Y, "previous", fill_value="extrapolate"),
    "interp1d axis": scipy.interpolate.interp1d(X, TWO, "cubic"),
}  # fmt: skip
AFAR = ("spline", "natural", "periodic", "akima", "bspline", "fill", "extrapolated", "beyond")


@pytest.mark.parametrize("name", MADE)
def test_objects_of_scipy(name):
    """from_scipy(obj) has the values of obj, also at series, and its derivatives."""
    made, ours = MADE[name], interpolate.from_scipy(MADE[name])
    points = np.append(IN, [-0.4, 3.6]) if name in AFAR else IN
    assert ours(points) == pytest.approx(made(points), rel=1e-12, abs=1e-12, nan_ok=True)
    assert np.shape(ours(0.5)) == np.shape(made(0.5))
    series = ours(taylor.Taylor.variable(IN[2], 2))
    assert series.value == pytest.approx(made(IN[2]))
    if hasattr(made, "derivative"):
        slopes = [made.derivative(n)(IN[2]) for n in (1, 2)]
        assert np.stack([series.derivative(n) for n in (1, 2)]) == pytest.approx(np.stack(slopes))
        compiled = taylor.compile(lambda x: ours(x), strict=True)
        assert taylor.derivative(compiled, IN[2]) == pytest.approx(slopes[0])


def test_what_has_no_derivatives_is_named():
    with pytest.raises(TypeError, match="LinearNDInterpolator has no derivatives here"):
        interpolate.from_scipy(
            scipy.interpolate.LinearNDInterpolator(RNG.normal(size=(9, 2)), IN[[0] * 9])
        )
    made = scipy.interpolate.SmoothBivariateSpline(*RNG.normal(size=(3, 30)))
    with pytest.raises(ValueError) as error:
        solve_ivp(lambda t, y: made(t, y[0])[0], (0.0, 1.0), [0.0])
    assert any("from_scipy" in note for note in error.value.__notes__)


@pytest.mark.parametrize("method", ["linear", "nearest"])
def test_grids(method):
    grid, values = (X, X[:4]), RNG.normal(size=(8, 4, 2))
    made = scipy.interpolate.RegularGridInterpolator(
        grid, values, method=method, bounds_error=False, fill_value=-1.0
    )
    ours = interpolate.from_scipy(made)
    for xi in ([[0.45, 0.4], [2.5, 1.0], [9.0, 0.0], [0.3, -1.0]], [0.4, 0.6], (0.4, 0.6),
               (IN + 0.01, 0.6)):  # fmt: skip
        assert ours(xi) == pytest.approx(made(xi))
        assert np.shape(ours(xi)) == np.shape(made(xi))
    slope = taylor.jacobian(lambda x: ours((x[0], x[1])), [0.45, 0.4])
    far = made((0.45 + 1e-3, 0.4)) - made((0.45, 0.4))
    assert slope[:, 0] == pytest.approx(far / 1e-3, abs=1e-9)


# ------------------------------------------------------------------ rows of tables
KNOTS, TABLE = X[1:-1], RNG.normal(size=(7, 2))
POINTS = np.array([-1.0, 0.3, 0.5, 2.2, 9.0])


def by_rows(x, table=TABLE, side="right"):
    row = lookup(x, KNOTS, table, side)
    return row[..., 0] * x + row[..., 1] * x**3


def slope(x, side="right"):
    row = TABLE[np.searchsorted(KNOTS, x, side)]
    return row[..., 0] + 3 * row[..., 1] * x**2


@pytest.mark.parametrize("side", ["right", "left"])
def test_rows_of_tables_in_all_modes(side):
    def f(x, table=TABLE):
        return by_rows(x, table, side)

    compiled = taylor.compile(f, strict=True)
    want = slope(POINTS, side)
    assert f(POINTS) == pytest.approx(compiled(POINTS))
    assert [taylor.derivative(f, x) for x in POINTS] == pytest.approx(want)
    assert [taylor.derivative(compiled, x) for x in POINTS] == pytest.approx(want)
    assert taylor.gradient(lambda x: np.sum(f(x)), POINTS) == pytest.approx(want)
    assert taylor.lanes(lambda x: taylor.derivative(f, x))(POINTS) == pytest.approx(want)
    assert taylor.lanes(taylor.compile(lambda x: taylor.derivative(f, x)))(POINTS) == pytest.approx(
        want
    )
    rows = np.searchsorted(KNOTS, POINTS, side)
    exact = np.zeros((5, 7, 2))
    exact[np.arange(5), rows] = np.stack([POINTS, POINTS**3], axis=1)
    for g in (f, compiled):
        assert taylor.jacobian(lambda table, g=g: g(POINTS, table), TABLE) == pytest.approx(exact)
    inner = taylor.compile(lambda x, t: taylor.gradient(lambda t: np.sum(f(x, t) ** 2), t))
    assert inner(POINTS, TABLE) == pytest.approx(
        2 * np.einsum("p,pij->ij", f(POINTS), exact), abs=1e-12
    )
    pattern = taylor.sparse_jacobian(lambda t: lookup(POINTS, KNOTS, t, side)[:, 0], TABLE)
    assert pattern.toarray() == pytest.approx((exact != 0).reshape(5, 14) * ([1.0, 0.0] * 7))


def test_complex_points_lie_in_no_interval():
    with pytest.raises(TypeError, match="no order"):
        lookup(1j, KNOTS, TABLE)


# ------------------------------------------------------------------ in right-hand sides
TIMED = ("spline", "periodic", "pchip", "akima", "bspline", "linear", "cubic", "nearest",
         "previous", "next", "fill")  # fmt: skip


def exact_integral(f, stop):
    """Return ∫ f from 0 to stop, polynomial by polynomial, with Gauss's rule."""
    ends = np.unique([*X, *(X[1:] + X[:-1]) / 2, stop])
    ends = ends[ends <= stop]
    nodes, weights = np.polynomial.legendre.leggauss(8)
    h, mid = np.diff(ends) / 2, (ends[1:] + ends[:-1]) / 2
    return np.sum(h[:, None] * weights * f(mid[:, None] + h[:, None] * nodes))


@pytest.mark.parametrize("name", TIMED)
def test_forcing_by_a_table(name):
    """The knots are surfaces at which steps end: the integral is exact."""
    made = MADE[name]
    ours = interpolate.from_scipy(made)
    r = solve_ivp(lambda t, y: [ours(t)], (0.0, 2.9), [0.0])
    assert r.y[0, -1] == pytest.approx(exact_integral(made, 2.9), abs=3e-14)
    back = solve_ivp(lambda t, y: [ours(t)], (2.9, 0.0), [0.0])
    assert back.y[0, -1] == pytest.approx(-exact_integral(made, 2.9), abs=3e-14)


def test_steps_do_not_grow_with_the_table():
    steps = []
    for n in (1000, 10_000):
        x = np.linspace(0.0, n / 1000, n + 1)
        table = interpolate.CubicSpline(x, np.sin(x))
        r = solve_ivp(lambda t, y, table=table: [table(t) - y[0]], (0.0, 0.02), [0.0])
        steps.append(r.nfev)
    assert steps[0] == steps[1] <= 25


STATE = {
    "np.interp": (lambda y: np.interp(y, X - 1.5, Y),) * 2,
    "linear": [m.interp1d(X - 1.5, Y) for m in (interpolate, scipy.interpolate)],
    "pchip": [m.PchipInterpolator(X - 1.5, Y) for m in (interpolate, scipy.interpolate)],
}


@pytest.mark.parametrize("name", STATE)
def test_tables_of_the_state(name):
    """Where a trajectory meets the knots is found, upwards and downwards."""
    ours, made = STATE[name]
    r = solve_ivp(lambda t, y: np.cos(3 * t) - ours(y), (0.0, 3.0), [0.3])
    peer = scipy.integrate.solve_ivp(
        lambda t, y: np.cos(3 * t) - made(y), (0.0, 3.0), [0.3], "DOP853", rtol=1e-12, atol=1e-12,
        max_step=3e-3,
    )  # fmt: skip
    assert r.y[:, -1] == pytest.approx(peer.y[:, -1], abs=1e-8)


def test_tables_in_every_integrator():
    table = interpolate.CubicSpline(X, Y)

    def f(t, y):
        return table(t) - y

    want = solve_ivp(f, (0.0, 3.0), [0.3]).y[:, -1]
    for r in (
        scipy.integrate.solve_ivp(f, (0.0, 3.0), [0.3], method=TaylorSolver),
        solve_ivp(f, (0.0, 3.0), [0.3], method="Radau", rtol=1e-10, atol=1e-10),
    ):
        assert r.y[:, -1] == pytest.approx(want, rel=1e-8)
    many = solve_ensemble(f, (0.0, 3.0), np.array([[0.3], [0.5]]))
    assert many.y[0, :, -1] == pytest.approx(want, rel=1e-12)


def test_sensitivities_in_the_data_of_a_table():
    """y' = s(t; data) - y is linear in the data: its derivatives are solutions for unit data."""

    def end(data):
        return solve_ivp(lambda t, y, d: interpolate.CubicSpline(X, d)(t) - y, (0.0, 3.0), [0.0],
                         args=(data,)).y[0, -1]  # fmt: skip

    unit = [float(end(e)) for e in np.eye(8)[:3]]
    assert taylor.gradient(end, Y)[:3] == pytest.approx(unit, abs=1e-12)
    assert taylor.jacobian(end, Y)[:3] == pytest.approx(unit, abs=1e-12)


# ------------------------------------------------------------------ solutions
def test_solutions_in_right_hand_sides():
    """The integral of sol'(t) is sol; of (sol(t), sol'(t)) any order of derivatives follows."""
    for span in ((0.0, 6.0), (6.0, 0.0)):
        sol = solve_ivp(lambda t, y: [y[1], -np.sin(y[0])], span, [1.0, 0.3], dense_output=True).sol
        r = solve_ivp(lambda t, y, sol=sol: sol.derivative(t), (0.0, 6.0), sol(0.0))
        assert r.y[:, -1] == pytest.approx(sol(6.0), rel=1e-13)
        for t in (0.5, 3.3):
            jet = taylor.taylor_coefficients(sol, t, 3)
            want = [sol.derivative(t, n) / [1, 1, 2, 6][n] for n in range(4)]
            assert jet == pytest.approx(np.stack(want), rel=1e-9)
            compiled = taylor.compile(lambda t, sol=sol: sol(t)[0] ** 2, strict=True)
            assert taylor.derivative(compiled, t) == pytest.approx(2 * sol(t)[0] * sol(t)[1])
        assert sol(taylor.Taylor.variable(IN, 1)).value == pytest.approx(sol(IN))
