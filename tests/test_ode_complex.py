"""Complex states: whole programs of quantum mechanics and optics, beside closed forms and SciPy."""

import warnings

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

import taylor
from taylor.ode import TaylorSolver, solve_ensemble, solve_ivp

RNG = np.random.default_rng(3)
H = RNG.normal(size=(6, 6)) + 1j * RNG.normal(size=(6, 6))
H = H + H.conj().T
PSI = RNG.normal(size=6) + 1j * RNG.normal(size=6)


@pytest.fixture(autouse=True)
def compiled():
    """Everything here runs as machine code."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", taylor.PerformanceWarning)
        yield


def schroedinger(t, c):
    return -1j * (H @ c)


def rabi(t, c, w):
    """Resonant drive of two levels beside its rotating-wave part."""
    a, b = c
    return [-0.5j * w * np.exp(-1j * t) * b, -0.5j * w * np.exp(1j * t) * a]


def landau_zener(t, c):
    return -0.5j * np.stack([t * c[0] + c[1], c[0] - t * c[1]])


def kerr(t, a, detuning, drive):
    return -(1 + 1j * detuning) * a + 1j * abs(a) ** 2 * a + drive


def bloch(t, rho):
    """Two driven levels with decay, as a density matrix."""
    h, down = np.array([[0.3, 0.5], [0.5, -0.3]]), np.array([[0.0, 1.0], [0.0, 0.0]])
    up = down.T
    loss = down @ rho @ up - (up @ down @ rho + rho @ up @ down) / 2
    return -1j * (h @ rho - rho @ h) + 0.4 * loss


def stuart_landau(t, z):
    return (0.5 + 1j) * z - (1 + 0.3j) * z * z.conj() * z


def oscillators(t, z, k):
    return (1j * np.array([1.0, 1.3, 0.8])) * z + k * (np.mean(z) - z) - (z.real**2 + z.imag**2) * z


def ginzburg_landau(t, a):
    bend = np.roll(a, 1) - 2 * a + np.roll(a, -1)
    return a + (1 + 0.5j) * bend - (1 - 1.2j) * np.abs(a) ** 2 * a


PROGRAMS = {  # fun, args, y0, t
    "Schroedinger": (schroedinger, (), PSI, 3.0),
    "Rabi": (rabi, (0.7,), [1.0 + 0j, 0.0], 9.0),
    "Landau-Zener": (landau_zener, (), [1.0 + 0j, 0.0], 8.0),
    "Kerr": (kerr, (0.8, 1.5), [0.1 + 0.2j], 6.0),
    "Bloch": (bloch, (), np.array([[1.0 + 0j, 0.0], [0.0, 0.0]]), 5.0),
    "Stuart-Landau": (stuart_landau, (), [0.1 + 0j], 7.0),
    "oscillators": (oscillators, (0.4,), RNG.normal(size=3) + 1j * RNG.normal(size=3), 5.0),
    "Ginzburg-Landau": (ginzburg_landau, (), 0.1 * RNG.normal(size=8) + 0j, 3.0),
    "phase": (lambda t, z: 1j * z * np.angle(z + 3.0) + np.exp(1j * t), (), [0.5 + 0.5j], 2.0),
    "branch": (lambda t, z: np.where(z.real > 0, -z, -2 * z + 1j), (), [1.0 + 1j], 3.0),
    "complex argument": (lambda t, z, p: p * z - z.conj(), (0.3 + 1j,), [1.0 + 0j], 3.0),
    "matrix argument": (lambda t, z, h: -1j * (h @ z), (H,), PSI, 2.0),
    "a number": (lambda t, z: 1j * z, (), 1.0 + 0j, 2.0),
}


def peer(f, args, y0, t):
    y0 = np.asarray(y0)

    def flat(t, y):
        return np.ravel(f(t, y.reshape(y0.shape), *args))

    r = scipy.integrate.solve_ivp(flat, (0.0, t), np.ravel(y0), "DOP853", rtol=1e-13, atol=1e-14)
    return r.y[:, -1].reshape(y0.shape)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    f, args, y0, t = PROGRAMS[name]
    r = solve_ivp(f, (0.0, t), y0, args=args, dense_output=True, strict=True)
    want = peer(f, args, y0, t)
    assert r.y.dtype == complex
    assert r.y.shape[:-1] == np.shape(y0)
    assert r.y[..., -1] == pytest.approx(want, rel=1e-10, abs=1e-10)
    assert r.sol(t) == pytest.approx(r.y[..., -1], rel=1e-14, abs=1e-14)
    slope = np.asarray(f(t / 2, r.sol(t / 2), *args))
    assert r.sol.derivative(t / 2) == pytest.approx(slope, rel=1e-8, abs=1e-8)


def test_closed_forms():
    r = solve_ivp(schroedinger, (0.0, 3.0), PSI)
    assert r.y[:, -1] == pytest.approx(scipy.linalg.expm(-3j * H) @ PSI, rel=1e-12)
    r = solve_ivp(landau_zener, (-60.0, 60.0), [1.0 + 0j, 0.0])
    assert abs(r.y[0, -1]) ** 2 == pytest.approx(np.exp(-np.pi / 2), abs=0.02)
    with mpmath.workdps(40):
        r = solve_ivp(lambda t, z: 1j * z * abs(z), (0, 1), [mpmath.mpc(2, 0)])
        assert abs(r.y[0, -1] - 2 * mpmath.exp(2j)) < mpmath.mpf(10) ** -37


def test_steps_are_those_of_the_parts():
    def parts(t, y):
        x, p = y
        n = x * x + p * p
        return [-x + 0.8 * p - n * p + 1.5, -p - 0.8 * x + n * x]

    z = solve_ivp(kerr, (0.0, 6.0), [0.1 + 0.2j], args=(0.8, 1.5))
    y = solve_ivp(parts, (0.0, 6.0), [0.1, 0.2])
    assert z.nfev == y.nfev
    assert z.y[0, -1] == pytest.approx(complex(*y.y[:, -1]), rel=1e-12)


# ------------------------------------------------------------------ events, doses
def test_events():
    def half(t, z):
        return abs(z[0]) - 0.5

    half.terminal = True
    r = solve_ivp(lambda t, z: (1j - 0.1) * z, (0.0, 100.0), [1.0 + 0j], events=[half, turn])
    assert r.status == 1
    assert r.t_events[0] == pytest.approx([10 * np.log(2)], rel=1e-14)
    assert r.t_events[1] == pytest.approx([np.pi / 2, 3 * np.pi / 2], rel=1e-14)
    z = r.y_events[1]
    assert z.shape == (2, 1)
    assert z[:, 0] == pytest.approx(np.exp((1j - 0.1) * r.t_events[1]))


def test_events_of_a_run_of_few_steps():
    r = solve_ivp(
        lambda t, z: (1j - 1) * z, (0.0, 1.0), [1.0 + 0j], events=[
            lambda t, z: abs(z[0]) - 0.5, lambda t, z: np.angle(z[0]) - 0.5
        ],
    )  # fmt: skip
    assert r.t_events[0] == pytest.approx([np.log(2)], rel=1e-14)
    assert r.t_events[1] == pytest.approx([0.5], rel=1e-14)


def turn(t, z):
    return z[0].real


def test_callbacks_change_complex_states():
    def measured(t, z):
        return z.imag[0]

    def project(t, z):
        return z * 2

    def in_place(t, z):
        z[0] = z[0] * 2

    for callback in (project, in_place):
        measured.callback, measured.direction = callback, -1
        r = solve_ivp(lambda t, z: 1j * z, (0.0, 4.0), [1.0 + 0j], events=measured)
        assert r.y[0, -1] == pytest.approx(2 * np.exp(4j), rel=1e-13)

    def turned(t, z, w):
        return measured(t, z)

    turned.callback, turned.direction = lambda t, z, w: (z, (-w,)), -1
    r = solve_ivp(lambda t, z, w: w * z, (0.0, 4.0), [1.0 + 0j], events=turned, args=(1j,))
    assert r.y[0, -1] == pytest.approx(np.exp(1j * (np.pi - (4.0 - np.pi))), rel=1e-13)


def test_doses():
    times = [0.0, 1.0, 2.0]
    want = sum(np.exp(1j * (3.0 - t)) * (1 + 1j) for t in times)
    for jumps in ([1 + 1j], [[1 + 1j]] * 3, lambda t, z: [1 + 1j]):
        r = solve_ivp(lambda t, z: 1j * z, (0.0, 3.0), [0j], dosing=(times, jumps))
        assert r.y[0, -1] == pytest.approx(want, rel=1e-13)
        assert r.y_doses[:, 0] == pytest.approx(
            [sum(np.exp(1j * (s - t)) * (1 + 1j) for t in times if t < s) for s in times]
        )


# ------------------------------------------------------------------ every integrator, derivatives
def test_every_integrator():
    want = solve_ivp(kerr, (0.0, 6.0), [0.1 + 0.2j], args=(0.8, 1.5)).y[:, -1]
    given = dict(t_span=(0.0, 6.0), y0=np.array([0.1 + 0.2j]), args=(0.8, 1.5))
    own = scipy.integrate.solve_ivp(kerr, method=TaylorSolver, dense_output=True, **given)
    assert own.y[:, -1] == pytest.approx(want, rel=1e-13)
    assert own.sol(6.0) == pytest.approx(want, rel=1e-13)
    for method in ("Radau", "BDF", "LSODA"):
        r = solve_ivp(kerr, method=method, rtol=1e-8, atol=1e-8, **given)
        assert r.y[:, -1] == pytest.approx(want, rel=1e-4)
    wide = solve_ivp(
        lambda t, a: -a + 1j * abs(a) ** 2 * a, (0.0, 1.0), [1.0 + 0j], vectorized=True
    )
    assert wide.y[:, -1] == pytest.approx(
        solve_ivp(lambda t, a: -a + 1j * abs(a) ** 2 * a, (0.0, 1.0), [1.0 + 0j]).y[:, -1],
        rel=1e-13,
    )
    many = solve_ensemble(kerr, (0.0, 6.0), [[0.1 + 0.2j], [1j]], args=[(0.8, 1.5), (0.1, 1.0)])
    assert many.y[0, :, -1] == pytest.approx(want, rel=1e-13)
    assert many.y_last.shape == (2, 1)
    assert many.y.dtype == complex


def test_sensitivities():
    """Derivatives in real parameters, forward, reverse, second, through |z| and conj z."""

    def photons(p):
        r = solve_ivp(kerr, (0.0, 2.0), [0.1 + 0.2j], args=(p[0], p[1]))
        return abs(r.y[0, -1]) ** 2

    p, h = np.array([0.8, 1.5]), 1e-5
    near = [(photons(p + h * e) - photons(p - h * e)) / (2 * h) for e in np.eye(2)]
    assert taylor.gradient(photons, p) == pytest.approx(near, rel=1e-8)
    assert taylor.jacobian(photons, p) == pytest.approx(near, rel=1e-8)
    slopes = [taylor.derivative(lambda s, e=e: photons(p + s * e), 0.0) for e in np.eye(2)]
    assert slopes == pytest.approx(near, rel=1e-8)
    bends = [
        (taylor.gradient(photons, p + h * e) - taylor.gradient(photons, p - h * e)) / (2 * h)
        for e in np.eye(2)
    ]
    assert taylor.hessian(photons, p) == pytest.approx(np.stack(bends), rel=1e-6)

    def start(a):
        r = solve_ivp(kerr, (0.0, 2.0), np.stack([a * np.exp(1j * a)]), args=(0.8, 1.5))
        return r.y[0, -1].imag

    near = (start(0.3 + h) - start(0.3 - h)) / (2 * h)
    assert taylor.derivative(start, 0.3) == pytest.approx(near, rel=1e-8)
    assert taylor.gradient(lambda a: start(a[0]), [0.3])[0] == pytest.approx(near, rel=1e-8)


def test_moduli_that_begin_at_zero():
    """|z|² is analytic where |z| is not: a resonator that begins empty, and its derivatives."""

    def photons(drive):
        r = solve_ivp(kerr, (0.0, 2.0), [0j], args=(0.8, drive))
        return abs(r.y[0, -1]) ** 2

    near = [photons(0.5 + e) for e in (-1e-3, 0.0, 1e-3)]
    slope, bend = (near[2] - near[0]) / 2e-3, (near[2] - 2 * near[1] + near[0]) / 1e-6
    assert taylor.derivative(photons, 0.5) == pytest.approx(slope, rel=1e-5)
    assert taylor.gradient(photons, 0.5) == pytest.approx(slope, rel=1e-5)
    assert taylor.hessian(lambda p: photons(p[0]), [0.5])[0, 0] == pytest.approx(bend, rel=1e-4)


MODULI = {
    "square": lambda z: np.square(abs(z)),
    "product": lambda z: abs(z) * abs(z),
    "fourth": lambda z: abs(z) ** 4,
    "even": lambda z: np.hypot(z.real, z.imag) ** 6,
    "odd": lambda z: abs(z) ** 3,
    "real": lambda z: abs(z.real) ** 2 + np.abs(z.imag) ** 4.0,
}


@pytest.mark.parametrize("name", MODULI)
def test_powers_of_moduli(name):
    def f(t, z):
        return 1j * z * MODULI[name](z) - 0.1

    r = solve_ivp(f, (0.0, 2.0), [1.0 - 0.2j])
    assert r.y[:, -1] == pytest.approx(peer(f, (), [1.0 - 0.2j], 2.0), rel=1e-10)


def test_holomorphic_derivatives():
    """Of a complex y0 as the variable fun has to be holomorphic."""
    z = 0.5 + 0.2j

    def end(z):
        return solve_ivp(lambda t, y: 1j * y * y, (0.0, 1.0), [z]).y[0, -1]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", taylor.PerformanceWarning)
        assert taylor.derivative(end, z) == pytest.approx(1 / (1 - 1j * z) ** 2)


def test_members_with_complex_states_have_events_and_dense_output():
    def half(t, z):
        return abs(z[0]) - 0.5

    half.terminal = True
    rate = lambda t, z: (1j - 0.1) * z
    z0 = np.array([[1.0 + 0j], [2.0j]])
    r = solve_ensemble(rate, (0.0, 10.0), z0, events=half, dense_output=True)
    alone = [solve_ivp(rate, (0.0, 10.0), z, events=half, dense_output=True) for z in z0]
    assert r.status.tolist() == [1, 0]
    for i, one in enumerate(alone):
        np.testing.assert_allclose(r.t_events[i][0], one.t_events[0], rtol=0, atol=1e-13)
        np.testing.assert_allclose(r.y_events[i][0], one.y_events[0], rtol=0, atol=1e-13)
        np.testing.assert_allclose(r.sol[i](3.0), one.sol(3.0), rtol=0, atol=1e-13)
