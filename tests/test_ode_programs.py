"""Programs as people write them: steps of time, integers, sparse matrices, neural networks."""

import bisect
import itertools
import math
import warnings

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.sparse

import taylor
from taylor.ode import solve_ensemble, solve_ivp, value_and_gradient
from taylor.ode.system import System

RNG = np.random.default_rng(11)
EDGES = np.array([0.0, 0.8, 1.5, 2.2, 3.0])
LEVELS = np.array([1.0, -0.5, 2.0, 0.3, 0.7])


@pytest.fixture(autouse=True)
def compiled():
    """Everything here runs as machine code."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", taylor.PerformanceWarning)
        yield


def pieces(f, jumps, y0, stop, args=()):
    """Return y(stop) by SciPy, from jump to jump."""
    y, ends = np.asarray(y0, float), [0.0, *(t for t in jumps if 0 < t < stop), stop]
    for a, b in itertools.pairwise(ends):
        inside = np.nextafter(a, b), np.nextafter(b, a)
        y = scipy.integrate.solve_ivp(
            lambda t, y, inside=inside: f(np.clip(t, *inside), y, *args),
            (a, b), y, "DOP853", rtol=1e-13, atol=1e-14,
        ).y[:, -1]  # fmt: skip
    return y


STEPS = {  # a function of t and y, and the times at which it jumps
    "condition times number": (lambda t, y: [(t < 2) * 3.0 - y[0]], [2]),
    "sum of conditions": (lambda t, y: [1.0 * (t > 1) + (t > 2) * t - y[0]], [1, 2]),
    "float of a condition": (lambda t, y: [float(t < 2) - y[0]], [2]),
    "int of a condition": (lambda t, y: [int(t >= 1) * 2 - y[0]], [1]),
    "int": (lambda t, y: [int(t) - y[0]], [1, 2]),
    "entry by int": (lambda t, y: [LEVELS[int(t)] - y[0]], [1, 2]),
    "entry of a list": (lambda t, y: [[3.0, 1.0, 2.0][int(t)] - y[0]], [1, 2]),
    "floor": (lambda t, y: [math.floor(t) + np.floor(2 * t) - y[0]], [0.5, 1, 1.5, 2, 2.5]),
    "round": (lambda t, y: [round(t) - y[0]], [0.5, 1.5, 2.5]),
    "select": (lambda t, y: [np.select([t < 1, t < 2], [1.0, t], y[0]) - y[0]], [1, 2]),
    "piecewise": (lambda t, y: [np.piecewise(t, [t < 1, t >= 1], [0.5, lambda t: t]) - y[0]], [1]),
    "searchsorted": (lambda t, y: [LEVELS[np.searchsorted(EDGES, t, "right") - 1] - y[0]], EDGES),
    "digitize": (lambda t, y: [LEVELS[np.digitize(t, EDGES) - 1] - y[0]], EDGES),
    "bisect": (lambda t, y: [LEVELS[bisect.bisect(EDGES.tolist(), t) - 1] - y[0]], EDGES),
    "heaviside": (lambda t, y: [np.heaviside(t - 1, 0.5) * y[0] - y[0] ** 2], [1]),
    "duty cycle": (lambda t, y: [np.where(t % 1.0 < 0.3, 2.0, 0.0) - y[0]],
                   [0.3, 1, 1.3, 2, 2.3]),
    "nested": (lambda t, y: [(1.0 if t < 1 else -1.0 if t < 2 else 0.0) * y[0]], [1, 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_steps_of_time(name):
    f, jumps = STEPS[name]
    r = solve_ivp(f, (0.0, 2.9), [0.3])
    assert r.y[:, -1] == pytest.approx(pieces(f, jumps, [0.3], 2.9), abs=3e-12)
    assert r.nfev <= 40


# ------------------------------------------------------------------ integers in args
def cut(t, y, n, k):
    return np.concatenate([-k * y[:n], 0.1 * y[n:]])


def series(t, y, n, k):
    return [-sum(k**i * y[0] ** i for i in range(1, n)), -(y[1] ** n), y[2]]


def made(t, y, n, k):
    return y @ np.eye(n) * k + np.zeros(n) - np.full(n, 0.1) + y.reshape(n, -1)[:, 0]


def mode(t, y, n, k):
    return -k * y if n == 3 else y


@pytest.mark.parametrize("f", [cut, series, made, mode])
def test_integers_in_args(f):
    """Shapes, indices, loops and exponents; derivatives are those in the other arguments."""
    y0 = [1.0, 0.5, 0.2]

    def end(k):
        return solve_ivp(f, (0.0, 1.5), y0, args=(3, k)).y[:, -1]

    want = pieces(f, [], y0, 1.5, (3, 0.4))
    assert end(0.4) == pytest.approx(want, abs=1e-12)
    slope = taylor.derivative(end, 0.4)
    assert slope == pytest.approx((end(0.4001) - end(0.3999)) / 2e-4, abs=1e-7)
    assert taylor.gradient(lambda k: np.sum(end(k)), 0.4) == pytest.approx(np.sum(slope))
    many = solve_ensemble(f, (0.0, 1.5), [y0, y0], args=[(3, 0.4), (3, 0.5)])
    assert many.y_last == pytest.approx(np.stack([want, end(0.5)]), rel=1e-12)
    _, _, (dn, dk) = value_and_gradient(np.sum, f, (0.0, 1.5), y0, args=(3, 0.4))
    assert dk == pytest.approx(np.sum(slope))
    assert f in (series, mode) or dn is None


# ------------------------------------------------------------------ sparse matrices
N = 60
LAPLACE = scipy.sparse.diags_array(
    [np.ones(N - 1), -2 * np.ones(N), np.ones(N - 1)], offsets=[-1, 0, 1]
)
HEAT = {
    "A @ y": lambda a: lambda t, y: a @ y,
    "A.dot(y)": lambda a: lambda t, y: a.dot(y),
    "y @ A": lambda a: lambda t, y: y @ a,
    "nonlinear": lambda a: lambda t, y: a @ y + 0 * (a @ y**2),
}


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "dia", "bsr", "lil", "dok"])
@pytest.mark.parametrize("name", HEAT)
def test_sparse_right_hand_sides(form, name):
    y0 = RNG.normal(size=N)
    want = scipy.linalg.expm(0.5 * LAPLACE.toarray()) @ y0
    for a in (LAPLACE.asformat(form), getattr(scipy.sparse, f"{form}_matrix")(LAPLACE.toarray())):
        r = solve_ivp(HEAT[name](a), (0.0, 0.5), y0)
        assert r.y[:, -1] == pytest.approx(want, abs=1e-13)


def test_sparse_matrices_as_arguments():
    y0 = np.eye(N)[7]
    r = solve_ivp(lambda t, y, a, d: d * (a @ y), (0.0, 0.5), y0, args=(LAPLACE.tocsr(), 2.0))
    assert r.y[:, -1] == pytest.approx(scipy.linalg.expm(LAPLACE.toarray()) @ y0, abs=1e-13)


def test_many_unknowns():
    """Ten thousand unknowns: nothing of their square is made."""
    n = 10_000
    a = scipy.sparse.diags_array(
        [np.ones(n - 1), -2 * np.ones(n), np.ones(n - 1)], offsets=[-1, 0, 1], format="csr"
    )
    x = np.arange(1, n + 1) * np.pi / (n + 1)
    r = solve_ivp(lambda t, y: a @ y, (0.0, 1.0), np.sin(x), t_eval=[1.0])
    rate = 2 * np.cos(np.pi / (n + 1)) - 2
    assert r.y[:, 0] == pytest.approx(np.exp(rate) * np.sin(x), abs=1e-12)


# ------------------------------------------------------------------ neural networks
class Net:
    """A right-hand side with weights as attributes."""

    def __init__(self, width, act):
        rng = np.random.default_rng(width)
        self.w, self.b = rng.normal(size=(width, 2)), rng.normal(size=width)
        self.v, self.act = rng.normal(size=(2, width)) / width, act

    def __call__(self, t, y):
        return self.v @ self.act(self.w @ y + self.b) - y

    def rate(self, t, y):
        return self(t, y)


ACTS = {
    "ReLU": lambda x: np.maximum(x, 0),
    "abs": abs,
    "clip": lambda x: np.clip(x, -1.0, 1.0),
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "masked": lambda x: x * (x > 0),
    "tanh": np.tanh,
    "softplus": lambda x: np.log1p(np.exp(x)),
}


@pytest.mark.parametrize("name", ACTS)
def test_networks(name):
    net = Net(24, ACTS[name])
    peer = scipy.integrate.solve_ivp(net, (0.0, 2.0), [1.0, -0.5], "DOP853", rtol=1e-13,
                                     atol=1e-14, max_step=0.01)  # fmt: skip
    for f in (net, net.rate, lambda t, y: net.v @ net.act(net.w @ y + net.b) - y):
        r = solve_ivp(f, (0.0, 2.0), [1.0, -0.5])
        assert r.y[:, -1] == pytest.approx(peer.y[:, -1], abs=1e-10)


def test_training_a_network():
    """The gradient in the weights, through the kinks."""
    net = Net(8, ACTS["ReLU"])

    def loss(w):
        def f(t, y, w):
            return net.v @ np.maximum(w @ y + net.b, 0) - y

        r = solve_ivp(f, (0.0, 1.0), [1.0, -0.5], args=(w,))
        return np.sum(r.y[:, -1] ** 2)

    slope = taylor.gradient(loss, net.w)
    e = 1e-5 * RNG.normal(size=net.w.shape)
    assert np.sum(slope * e) == pytest.approx((loss(net.w + e) - loss(net.w - e)) / 2, rel=1e-6)


def test_code_of_a_long_program_does_not_grow_with_the_order():
    """Degrees are written out for a few products only: elsewhere that takes longer to run, too."""

    def fun(t, y):
        total = 0.0
        for i in range(1, 9):
            total = total + np.sin(i * y[0]) / i
        return [y[1], -total]

    orders = 10, 24
    low, high = (taylor.ode.TaylorIntegrator(fun, 0.0, [0.5, 0.2], order=k) for k in orders)
    sizes = [it._memory.machine.code.long for it in (low, high)]
    assert sizes[1] < 1.3 * sizes[0]
    exact = scipy.integrate.solve_ivp(fun, (0, 3), [0.5, 0.2], "DOP853", rtol=1e-13, atol=1e-13)
    assert np.allclose(high.propagate_until(3.0), exact.y[:, -1], rtol=0, atol=1e-11)


def test_two_formulas_of_one_function_are_no_branches():
    """y' = -y/(1 - exp(-y)) takes the integral of (1 - exp(-u))/u over [-1, 1] from 1 to -1."""

    def rate(t, y):
        return -y / (1 - np.exp(-y))

    ein = mpmath.quad(lambda u: -mpmath.expm1(-u) / u, [-1, 0, 1])
    stop, one = float(ein), np.ones(1)
    start, end = (taylor.derivatives(lambda y: rate(0, y), y, 1) for y in (1.0, -1.0))
    slope = end[0] / start[0]
    bend = slope * (end[1] - start[1]) / start[0]

    def last(y0):
        return solve_ivp(rate, (0, stop), y0, t_eval=[stop]).y[0, -1]

    assert not System(rate, 0.0, one, ()).branches
    slopes = taylor.record(lambda y: taylor.jvp(lambda y: rate(0, y), y, one)[1], one)
    assert all(g.a == g.b for g in slopes.guards)  # that x is a number
    assert slopes(-one) == pytest.approx(end[1:], rel=1e-14)
    assert last(one) == pytest.approx(-1, rel=1e-14)
    assert last(taylor.TaylorN.seeded(one, 1)).gradient() == pytest.approx([slope], rel=1e-13)
    assert taylor.gradient(last, one) == pytest.approx([slope], rel=1e-13)
    assert taylor.hvp(last, one, one) == pytest.approx([bend], rel=1e-12)


def neuron(t, y):
    """The equations of Hodgkin and Huxley, with their quotients 0/0 at -40 and -55."""
    v, m, h, n = y
    am = 0.1 * (v + 40) / (1 - np.exp(-(v + 40) / 10))
    an = 0.01 * (v + 55) / (1 - np.exp(-(v + 55) / 10))
    ah, bh = 0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))
    bm, bn = 4 * np.exp(-(v + 65) / 18), 0.125 * np.exp(-(v + 65) / 80)
    i = 10 - 120 * m**3 * h * (v - 50) - 36 * n**4 * (v + 77) - 0.3 * (v + 54.387)
    return np.array([i, am * (1 - m) - bm * m, ah * (1 - h) - bh * h, an * (1 - n) - bn * n])


def test_sensitivities_of_a_neuron_through_removable_points():
    y0, stop = np.array([-65, 0.05, 0.6, 0.32]), 20.0

    def last(y0):
        return solve_ivp(neuron, (0, stop), y0, t_eval=[stop]).y[0, -1]

    slope, eye = taylor.gradient(last, y0), np.eye(4) * np.array([1e-3, 1e-5, 1e-5, 1e-5])
    differences = [(last(y0 + e) - last(y0 - e)) / (2 * e.sum()) for e in eye]
    assert slope == pytest.approx(differences, rel=1e-5)
    seeded = solve_ivp(neuron, (0, stop), taylor.TaylorN.seeded(y0, 1), t_eval=[stop]).y[0, -1]
    assert seeded.gradient() == pytest.approx(slope, rel=1e-9)
    assert last(y0) == pytest.approx(
        scipy.integrate.solve_ivp(neuron, (0, stop), y0, "DOP853", rtol=1e-12, atol=1e-12).y[0, -1],
        abs=1e-8,
    )
