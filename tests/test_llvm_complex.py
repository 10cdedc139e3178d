"""Machine code for complex numbers: against mpmath, and against the same program through NumPy."""

import pickle

import mpmath
import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from test_numpy import ELEMENTWISE, LINEAR, POLYNOMIAL, data

import taylor
from hyperdual import HyperDual
from taylor import DomainError, Taylor, record
from taylor.core.table import TABLE
from taylor.drivers.recorded import derived
from taylor.kept import STORE
from taylor.machine import engine, planar
from taylor.machine.machine import INFINITE, OK, Machine

ORDER = 20
CODED = {name for name, row in TABLE.items() if row.complex_code is not None}
ROWS = sorted({"square", "reciprocal"} | CODED - {"asinh", "real_power", "exponential"})
SAMPLES = [0.4 + 0.3j, -1.2 + 0.7j, 1e-9 + 0.5j, 0.3 - 1e-9j, -3 - 2j]


@pytest.fixture
def through_numpy(monkeypatch):
    """Switch compiled rows off, so that eager arithmetic is NumPy's."""
    monkeypatch.setattr(engine, "run", lambda *a: None)


def scaled_error(got, wanted):
    """Return the largest error of a table, each degree measured by its largest coefficient."""
    size = np.abs(wanted).reshape(len(wanted), -1).max(1)
    radius = max((size[k] / size[0]) ** (1 / k) for k in range(1, len(size))) or 1.0
    envelope = max(size / radius ** np.arange(len(size))) * radius ** np.arange(len(size))
    return float(np.max(np.abs(got - wanted).reshape(len(wanted), -1).max(1) / envelope))


# ------------------------------------------------------------------ elementary rows
@pytest.mark.parametrize("name", ROWS)
def test_rows_against_mpmath(name):
    row = TABLE[name]
    f = (lambda x: mp.power(x, mp.mpf(1) / 3)) if name == "cbrt" else oracle.formula(name)
    program = record(row, SAMPLES[0])
    one = Machine(program, ORDER, complex=[True])
    tiles = Machine(program, ORDER, unit=32, complex=[True])
    array = Machine(record(row, np.array(SAMPLES)), ORDER, complex=[True])
    seeds = np.stack([SAMPLES, np.ones(len(SAMPLES))])
    batch, together = tiles.batch(seeds), array(seeds)
    assert batch[0] == together[0] == OK
    for i, z in enumerate(SAMPLES):
        with mp.workdps(oracle.DIGITS):
            wanted = mpmath.taylor(f, mp.mpc(z), ORDER)
            size = oracle.envelope(wanted)
            for c in (one(seeds[:, i])[1][0], batch[1][0][:, i], together[1][0][:, i]):
                errors = (abs(mp.mpc(g) - w) / e for g, w, e in zip(c, wanted, size, strict=True))
                assert max(errors) < 200 * 2.0**-52


@pytest.mark.parametrize("name", ROWS)
def test_rows_on_series_against_the_numpy_sweep(name, through_numpy):
    def f(z):
        u = z + 0.3 * z * z * (1 + 0.5j) / (2.0 - z)
        return TABLE[name](u * u - 1j * u)

    z = 0.4 + 0.3j
    for order in (3, 25):
        status, (c,) = Machine(record(f, z), order, complex=[True])(np.array([z, 1.0]))
        assert status == OK
        assert scaled_error(c, f(Taylor.variable(z, order)).coef) < 1e-13
    points = z * np.linspace(0.8, 1.2, 11)
    seeds, wanted = np.stack([points, np.ones(11)]), f(Taylor.variable(points, 12)).coef
    array = Machine(record(f, points), 12, complex=[True])
    tiles = Machine(record(f, z), 12, unit=32, complex=[True])
    for _, (c,) in (array(seeds), tiles.batch(seeds)):
        assert scaled_error(c, wanted) < 1e-13


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("shape", [(), (5, 8)])
def test_eager_rows_are_compiled_and_the_same(name, shape, monkeypatch):
    z = (0.4 + 0.3j) * np.linspace(0.8, 1.2, int(np.prod(shape, dtype=int))).reshape(shape)[()]
    t = Taylor.variable(z, ORDER)
    u, taken = t + 0.1 * t * t, []
    monkeypatch.setattr(engine, "PATIENCE", 0)
    for call in ("__call__", "batch"):
        real = getattr(Machine, call)
        monkeypatch.setattr(
            Machine, call, lambda m, *a, f=real: taken.append(tuple(m.complex)) or f(m, *a)
        )
    got = TABLE[name](u)
    assert name == "square" or (True,) in taken or (True, True) in taken or (True, False) in taken
    monkeypatch.setattr(engine, "run", lambda *a: None)
    wanted = TABLE[name](u)
    assert got.dtype == complex and np.array_equal(got.coef[0], wanted.coef[0])
    assert scaled_error(got.coef, wanted.coef) < 1e-14


def test_eager_products_quotients_and_powers_are_the_same(monkeypatch):
    monkeypatch.setattr(engine, "PATIENCE", 0)
    x = np.linspace(0.3, 1.2, 50)
    for z in (0.4 + 0.3j, x + 0.5j):
        t = Taylor.variable(z, ORDER)
        u = 1.5 + t - 0.1 * t * t
        r = Taylor(np.real(u.coef))
        found = []
        for _ in range(2):
            q = [
                u * t,
                u / t,
                2.0 / u,
                1j / u,
                u**1.5,
                u ** (1 + 1j),
                2.0**u,
                r ** (1 + 1j),
                1j / r,
            ]
            found.append([y.coef for y in q])
            monkeypatch.setattr(engine, "run", lambda *a: None)
        monkeypatch.undo()
        for got, wanted in zip(*found, strict=True):
            assert got.dtype == wanted.dtype == complex
            assert scaled_error(got, wanted) < 1e-14
        assert np.array_equal(
            (u * t).coef[0], u.coef[0] * t.coef[0]
        )  # order 0 is the plain function
        assert np.array_equal((u / t).coef[0], u.coef[0] / t.coef[0])


# ------------------------------------------------------------------ cuts, zeros, magnitudes
CUTS = ["log", "log2", "log10", "log1p", "sqrt", "asin", "acos", "atan", "acosh", "atanh"]
AXIS = [-2.5, -1.0, -0.5, 0.25, 1.0, 3.0]


def same(got, wanted):
    """Whether two complex numbers are equal, the signs of their zeros too."""
    pairs = ((got.real, wanted.real), (got.imag, wanted.imag))
    return all(g == w and np.signbit(g) == np.signbit(w) for g, w in pairs)


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("name", [*CUTS, "asinh"])
def test_values_on_both_sides_of_a_cut(name, zero):
    g = getattr(np, {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "acosh": "arccosh",
                     "atanh": "arctanh", "asinh": "arcsinh"}.get(name, name))  # fmt: skip
    one, several = taylor.compile(lambda z: g(z)), taylor.compile(lambda z: g(z))
    turned, shifted = taylor.compile(lambda z: g(-z)), taylor.compile(lambda z: g(z * z - 2.0))
    with np.errstate(all="ignore"):
        for x in AXIS:
            for z in (complex(x, zero), complex(zero, x)):
                for f in (one, turned, shifted):
                    assert same(f(z), f.f(np.complex128(z))), (z, f(z), f.f(np.complex128(z)))
        points = np.array([complex(x, zero) for x in AXIS])
        assert all(map(same, several(points), g(points)))


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("name", CUTS)
def test_series_continue_from_the_upper_side_of_a_cut(name, zero, through_numpy):
    row = TABLE[name]
    f = taylor.compile(lambda z: row(z))
    for x in AXIS:
        for z in (complex(x, zero), complex(zero, x)):
            try:
                wanted = taylor.taylor_coefficients(row, z, 6)
            except DomainError:
                with pytest.raises(DomainError):
                    taylor.taylor_coefficients(f, z, 6)
                continue
            got = taylor.taylor_coefficients(f, z, 6)
            np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-15)
            np.testing.assert_allclose(taylor.gradient(f, z), wanted[1], rtol=1e-13)
            many = taylor.taylor_coefficients(f, np.full(70, z), 6)
            np.testing.assert_allclose(many[:, 5], wanted, rtol=1e-13, atol=1e-15)


@given(*[st.complex_numbers(min_magnitude=1e-150, max_magnitude=1e150)] * 2)
@settings(max_examples=100, deadline=None)
def test_quotients_are_those_of_numpy(a, b):
    with np.errstate(all="ignore"):
        wanted = np.complex128(a) / np.complex128(b)
    assert QUOTIENT(a, b) == wanted or not np.isfinite(wanted)


QUOTIENT = taylor.compile(lambda a, b: a / b)


def test_what_is_not_finite_takes_the_ordinary_way():
    f = taylor.compile(lambda z: np.log(z) + 1j)
    with pytest.raises(DomainError):
        taylor.derivative(f, 0j)
    with np.errstate(all="ignore"):
        assert np.isneginf(f(0j).real) and f.reasons == {}
    program = record(lambda z: np.exp(z), 1j)
    assert Machine(program, complex=[True])(1e4 + 1j)[0] == INFINITE


# ------------------------------------------------------------------ arrays
CASES = {
    **{f"linear {k}": v for k, v in LINEAR.items()},
    **{f"polynomial {k}": v for k, v in POLYNOMIAL.items()},
    **{f"elementwise {k}": v for k, v in ELEMENTWISE.items()},
}


def holomorphic(name):
    """Return the case at a complex point; its direction; or None if it has no complex series."""
    f, shape = CASES[name][0], CASES[name][-1]
    x, v = data(shape)
    z = x * (0.6 + 0.2j) + 0.1j
    try:
        program = taylor.reverse(record(f, z))
    except TypeError:  # abs and its kin, and what NumPy has for real numbers only
        return None
    return None if any(g.b >= 0 for g in program.guards) else (f, z, v * (1 - 0.5j))


HOLOMORPHIC = [name for name in CASES if holomorphic(name) is not None]


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_arrays(name):
    f, z, v = holomorphic(name)
    program = record(f, z)
    value, series = Machine(program, complex=[True]), Machine(program, 4, complex=[True])
    for _ in range(2):  # twice: nothing is left over from the first call
        plain = np.asarray(program(z), complex)
        np.testing.assert_allclose(value(z)[1][0], plain, rtol=1e-13, atol=1e-13)
        y = program(Taylor.variable(z, 4, direction=v))
        table = y.coef if isinstance(y, Taylor) else np.stack([y, *[0 * y] * 4])
        scale = np.max(np.abs(table), initial=1.0)
        found = series(np.stack([z, v]))[1][0]
        np.testing.assert_allclose(found, table.astype(complex), rtol=1e-11, atol=1e-13 * scale)


def test_most_cases_are_holomorphic():
    assert len(HOLOMORPHIC) > 0.6 * len(CASES)


# ------------------------------------------------------------------ the callable
RNG = np.random.default_rng(0)
M = RNG.normal(size=(4, 4)) + 1j * RNG.normal(size=(4, 4))
POINT, V = RNG.normal(size=4) + 1j * RNG.normal(size=4), RNG.normal(size=4) - 0.5j
FUNCTIONS = {
    "polynomial": lambda z: np.sum(z**3 * M[0] + 2 * z),
    "linear": lambda z: np.sum(M @ z),
    "quadratic": lambda z: z @ M @ z + (M.real @ z) @ z,
    "real matrix": lambda z: np.sum(M.real @ z),
    "quotient": lambda z: np.sum(np.exp(1j * z) * np.sin(z)) / (2 + z[0] * z[1]),
    "roots": lambda z: np.sum(np.sqrt(z + 2.0) * np.log(3 + 1j * z)),
    "outer": lambda z: np.sum(np.outer(z, np.exp(z)) * M),
    "powers": lambda z: np.sum((z + 3.0) ** 2.5 + 2.0**z + (z + 4.0) ** (1 + 1j)),
    "cumsum": lambda z: np.cumsum(z * z)[2] / np.prod(z + 5.0),
}
DRIVERS = {
    "value": lambda f, x: f(x),
    "gradient": lambda f, x: taylor.gradient(f, x),
    "value_and_gradient": lambda f, x: taylor.value_and_gradient(f, x)[0],
    "vjp": lambda f, x: taylor.vjp(f, x, 2.0)[1],
    "jvp": lambda f, x: taylor.jvp(f, x, V)[1],
    "hvp": lambda f, x: taylor.hvp(f, x, V.real),
    "hessian": lambda f, x: taylor.hessian(f, x),
    "jacobian": lambda f, x: taylor.jacobian(f, x),
    "directional": lambda f, x: taylor.directional(f, x, V, 5),
    "real direction": lambda f, x: taylor.directional(f, x, V.real, 3),
    "third": lambda f, x: taylor.third(f, x, V.real, V.real),
    "tensor": lambda f, x: taylor.tensor(f, x, 3),
}


@pytest.mark.parametrize("point", ["complex", "real"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_driver(name, point):
    f, x = FUNCTIONS[name], POINT if point == "complex" else POINT.real
    g = taylor.compile(f)
    for driver in DRIVERS.values():
        wanted = driver(f, x)
        for _ in range(2):
            found = driver(g, x)
            assert np.shape(found) == np.shape(wanted)
            assert np.iscomplexobj(found) or not np.iscomplexobj(wanted)
            scale = np.max(np.abs(wanted), initial=1.0)
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13 * scale)
    assert g.reasons == {}


def test_a_complex_seed():
    f = FUNCTIONS["quotient"]
    g = taylor.compile(f)
    np.testing.assert_allclose(taylor.vjp(g, POINT, 2 + 1j)[1], taylor.vjp(f, POINT, 2 + 1j)[1])
    real = taylor.compile(lambda x: np.sum(x * x))
    x = POINT.real
    np.testing.assert_allclose(taylor.vjp(real, x, 2 + 1j)[1], (2 + 1j) * 2 * x)


def test_real_and_complex_arguments_together():
    @taylor.compile
    def f(a, b, z):
        scale = 2.0 if b > 0 else 3.0
        return np.sqrt(a) * scale, np.where(a > 1.0, z, 1j * z), a**z, np.exp(z) @ a, z @ z

    a, z = np.array([0.5, 1.5]), np.array([1 + 1j, -0.3 + 0.2j])
    for b in (1.0, -1.0, 2.0):
        for got, wanted in zip(f(a, b, z), f.f(a, b, z), strict=True):
            assert np.asarray(got).dtype == np.asarray(wanted).dtype
            np.testing.assert_allclose(got, wanted, rtol=1e-14)
    assert f.reasons == {} and len(f.machines) == 1
    assert len(next(iter(f.machines.values()))) == 2  # one for each branch


def test_real_roots_stay_real_beside_complex_constants():
    f = taylor.compile(lambda x: np.sqrt(x) + 1j)
    got = taylor.taylor_coefficients(f, 4.0, 3)
    np.testing.assert_allclose(got, taylor.taylor_coefficients(f.f, 4.0, 3))
    with pytest.raises(DomainError):
        taylor.derivative(f, -4.0)
    assert taylor.derivative(f, -4.0 + 0j) == pytest.approx(-0.25j)


def test_many_points_run_in_tiles():
    f = taylor.compile(lambda z: np.exp(np.sin(z)) * np.sqrt(3 + z) / (2j + np.cos(z)), threads=2)
    z = np.linspace(0, 1, 1000).reshape(10, 100) + 0.2j
    found = taylor.taylor_coefficients(f, z, 8)
    assert "points" in {where[0] for where in f.machines}
    np.testing.assert_allclose(found, taylor.taylor_coefficients(f.f, z, 8), rtol=1e-11, atol=1e-14)
    real = taylor.taylor_coefficients(f, z.real, 8)  # complex constants at real points
    np.testing.assert_allclose(
        real, taylor.taylor_coefficients(f.f, z.real, 8), rtol=1e-11, atol=1e-14
    )
    blocks = list(f.stream(z.ravel(), 8, chunk=300))
    np.testing.assert_allclose(np.concatenate(blocks, 1), found.reshape(9, -1), rtol=1e-12)
    assert f.reasons == {}
    few = Machine(record(f.f, 0.7 + 0.1j), 8, unit=32, complex=[True])
    assert few.batch(np.stack([z[0, :5], np.ones(5)]))[1][0].shape == (9, 5)


# ------------------------------------------------------------------ random programs
MATRIX = RNG.normal(size=(9, 9)) - 0.5j
BINARY = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (b + 3.0)]
UNARY = [
    np.sin, np.exp, np.cos, lambda a: np.sqrt(a * a + 4.0), lambda a: -a, lambda a: a**3,
    lambda a: 1.5j * a, lambda a: a / (2 - 1j), lambda a: (1 + 2j) / (a + 4.0), lambda a: a - 0.5j,
    lambda a: np.tanh(a / 4.0), lambda a: 0.5 * a * a, lambda a: np.log(a + 6.0),
]  # fmt: skip


def random_function(seed, shape):
    """Return a function of one argument made of random operations."""

    def f(z):
        rng = np.random.default_rng(seed)
        known = [z, z * (0.5 + 0.1j * (shape != ()))]
        for _ in range(8):
            a, b = (known[i] for i in rng.integers(len(known), size=2))
            known.append(BINARY[rng.integers(len(BINARY))](a, b))
            known.append(UNARY[rng.integers(len(UNARY))](known[-1]) * 0.5)
            if shape and rng.integers(3) == 0:
                known.append(known[-1][::-1] + np.sum(known[-1]) * 0.1)
            if shape and rng.integers(4) == 0:
                known.append(0.2 * MATRIX[: len(z), : len(z)] @ known[-1])
        return np.sum(known[-1] + known[-3])

    return f


@pytest.mark.parametrize("shape", [(), (9,)])
@pytest.mark.parametrize("seed", range(6))
def test_random_programs(seed, shape, through_numpy):
    f = random_function(seed, shape)
    z = 0.4 * np.resize(POINT, shape)[()]
    v = np.resize(V, shape)[()]
    g = taylor.compile(f)
    wanted = Taylor.variable(z, 10, direction=v)
    wanted = f(wanted).coef
    got = taylor.drivers.forward_mode.along(g, z, v, 10)
    while g.waiting:  # long code is made at a later call
        got = taylor.drivers.forward_mode.along(g, z, v, 10)
    assert scaled_error(got, wanted) < 1e-12
    assert g(z) == pytest.approx(wanted[0], rel=1e-13)
    gradient = taylor.gradient(f, z)
    np.testing.assert_allclose(taylor.gradient(g, z), gradient, rtol=1e-10, atol=1e-12)
    assert g.reasons == {}


# ------------------------------------------------------------------ what is left to NumPy
@taylor.compile
def by_name(z):
    return np.sin(z) * 2j


def test_pickling_and_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    f = pickle.loads(pickle.dumps(by_name))
    assert f is by_name and f(POINT) == pytest.approx(np.sin(POINT) * 2j)
    g = pickle.loads(pickle.dumps(taylor.compile(np.sum)))
    assert g(POINT) == pytest.approx(np.sum(POINT), rel=1e-15)
    program = record(np.sin, POINT)
    first = Machine(program, complex=[True])(POINT)[1][0]
    STORE.clear()
    assert np.array_equal(Machine(program, complex=[True])(POINT)[1][0], first)  # from the disk
    assert np.isrealobj(Machine(program)(POINT.real)[1][0])  # another one


def test_what_has_no_machine_code_says_why_and_works():
    g = taylor.compile(lambda z: abs(z) + z.real)
    with pytest.warns(taylor.PerformanceWarning, match="holomorphic"):
        assert g(3 + 4j) == 8.0
    assert "holomorphic" in next(iter(g.reasons.values()))
    with pytest.raises(TypeError, match="holomorphic"):
        taylor.derivative(g, 3 + 4j)
    h = taylor.compile(lambda z: z if z[0] > z[1] else -z)
    with pytest.warns(taylor.PerformanceWarning, match=planar.UNORDERED):
        assert np.array_equal(h(POINT), h.f(POINT))
    assert all(reason.startswith(planar.UNORDERED) for reason in h.reasons.values()) and h.reasons
    narrow = taylor.compile(lambda z: z * 2)
    assert narrow(np.ones(3, np.complex64)).dtype == np.complex64 and narrow.machines == {}


def test_platforms_that_return_complex_numbers_in_memory(monkeypatch):
    monkeypatch.setattr(planar, "IN_REGISTERS", False)
    f = taylor.compile(lambda z: np.tan(z))
    assert taylor.derivative(f, 0.3 + 1j) == pytest.approx(1 / np.cos(0.3 + 1j) ** 2)
    machine = Machine(record(np.arcsin, 1j), 3, complex=[True])
    assert ("value", "asin") in [tuple(ask[:2]) for ask in machine.asks[0]] and f.reasons == {}
    assert taylor.compile(lambda z: np.exp(z) / z)(1j) == pytest.approx(np.exp(1j) / 1j)


# ------------------------------------------------------------------ whole functions on series
def test_whole_functions_on_complex_series():
    def f(z, a, w):
        return np.sum(np.exp(1j * z) * np.sqrt(3 + a * w)) / (2 + z @ z), np.sin(w * a) + z[0]

    def series(kind):
        """Return complex series, real ones and complex numbers, of one algebra."""
        z, a, t = kind(POINT, POINT.real[:3])
        return z + 0.1 * z * z * t, np.exp(a[0]), 0.5 - 1j

    def univariate(z, a):
        return Taylor.variable(z, 8), Taylor.variable(a, 8), Taylor.variable(0.1, 8)

    def multivariate(z, a):
        t = taylor.TaylorN.variables([0.1, 0.2, *a], 4)
        return np.stack([t[0] * c + t[1] for c in z]), t[2:], t[1]

    def square_free(z, a):
        t = HyperDual.variables([0.1, 0.2, *a])
        return np.stack([t[0] * c + t[1] for c in z]), t[2:], t[1]

    g = taylor.compile(f)
    for kind in (univariate, multivariate, square_free):
        x = series(kind)
        for got, wanted in zip(g(*x), f(*x), strict=True):
            assert type(got) is type(wanted) and got.dtype == wanted.dtype == complex
            np.testing.assert_allclose(got.coef, wanted.coef, rtol=1e-12, atol=1e-12)
    assert g.reasons == {} and len(g.machines) == 3


@pytest.mark.parametrize(
    "f, slope, points",
    [
        (np.tan, lambda z: 1 / mp.cos(z) ** 2, (30j, 24 - 18j)),
        (taylor.cot, lambda z: -1 / mp.sin(z) ** 2, (-30j, 24 - 18j)),
        (np.arctan, lambda z: 1 / (1 + z * z), (1j * (1 - 1e-9), 1e-12 + 1j)),
    ],
)  # fmt: skip
def test_derivatives_where_one_and_a_square_cancel(f, slope, points):
    code = taylor.compile(f)
    for z in points:
        with mp.workdps(60):
            want = [complex(mp.diff(slope, z, k)) for k in range(2)]
        for g in (f, code):
            assert taylor.derivatives(g, z, 2)[1:] == pytest.approx(want, rel=1e-12, abs=0)
            assert taylor.jvp(g, z, 1 + 0j)[1] == pytest.approx(want[0], rel=1e-12, abs=0)


FOURIER = {
    "fft": lambda x: np.abs(np.fft.fft(x)) ** 2,
    "ifft": lambda x: np.fft.ifft(np.exp(x)).imag ** 2,
    "rfft": lambda x: np.fft.rfft(x * x).real ** 3,
    "irfft": lambda x: np.fft.irfft(1j * np.arange(3) * np.fft.rfft(x), 4) * x,
    "ihfft": lambda x: np.fft.ihfft(x).imag ** 3,
    "rfft2": lambda x: np.abs(np.fft.rfft2(x.reshape(2, 2))) ** 2,
}


@pytest.mark.parametrize("name", FOURIER)
def test_adjoints_of_fourier_transforms_run_as_code_where_they_are_of_real_numbers(name):
    """The adjoint of a real part is real, and its transform is not."""
    program = record(lambda x: np.sum(FOURIER[name](x)), x := np.array([0.3, -1.2, 0.7, 0.4]))
    for driver, more in (taylor.gradient, ()), (taylor.hessian, ()), (taylor.hvp, (x * x,)):
        made, _ = derived(program, driver, (x, *more))
        status, (found, *_) = Machine(made)(x, *more)
        assert status == OK
        np.testing.assert_allclose(found, driver(program, x, *more), rtol=1e-12, atol=1e-12)


LENGTHS = [2, 3, 4, 5, 7, 8, 60, 64, 105, 1024]


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("back", [False, True], ids=["fft", "ifft"])
def test_fourier_transforms_as_code_against_their_sums(n, back):
    rng = np.random.default_rng(n)
    x = rng.normal(size=n) + 1j * rng.normal(size=n)
    transform = np.fft.ifft if back else np.fft.fft
    code = taylor.compile(transform, strict=True)
    many = taylor.compile(lambda x: transform(np.reshape(x, (3, -1))), strict=True)
    found, places = code(x), range(n) if n < 9 else (1, n // 3, n - 1)
    unit = mpmath.mpf(2) / n * (1 if back else -1)
    for j in places:
        with mp.workdps(60):
            sums = mp.fsum(complex(x[k]) * mp.expjpi(unit * (j * k % n)) for k in range(n))
            want = complex(sums / n if back else sums)
        assert abs(found[j] - want) <= 8e-16 * np.linalg.norm(x) / (n if back else 1)
    rows = np.tile(x.real, 3)
    assert many(rows) == pytest.approx(transform(rows.reshape(3, -1)), rel=1e-13, abs=1e-13)
    for c in (code, many):
        assert all(not m.asks[0] for machines in c.machines.values() for m in machines)


def spectral(x):
    k, u = np.arange(9.0), x
    for _ in range(40):
        h = np.fft.rfft(u)
        u = u + 1e-3 * (np.fft.irfft(-(k**2) * h, 16) - u * np.fft.irfft(1j * k * h, 16))
    return np.sum(u**2)


def test_steps_with_fourier_transforms_have_code_without_questions():
    x = np.linspace(-1, 1, 16)
    c = taylor.compile(spectral, strict=True)
    for way in (
        lambda f: f(x), lambda f: taylor.gradient(f, x), lambda f: taylor.hvp(f, x, x**2),
        lambda f: taylor.hessian(f, x),
    ):  # fmt: skip
        np.testing.assert_allclose(way(c), way(spectral), rtol=1e-11, atol=1e-11)
    assert all(not m.asks[0] for machines in c.machines.values() for m in machines)
