"""Validated initial value problems: the solution lies within the bounds, which are narrow."""

import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.integrate

import taylor
from taylor.core.algebra import Univariate
from taylor.core.program import expand, record
from taylor.core.sweep import Sweep
from taylor.errors import NotVerified, Undecided
from taylor.verified import tube as tube_module
from taylor.verified.fields import Field
from taylor.verified.interval import Interval
from taylor.verified.ivp import solve_ivp
from taylor.verified.jets import Jets
from taylor.verified.sections import poincare

MU = 0.0009537


def decay(t, y):
    return y / 2


def oscillator(t, y):
    return [y[1], -y[0]]


def pendulum(t, y):
    return [y[1], np.sin(t) - np.sin(y[0])]


def lorenz(t, y):
    return [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 * y[2] / 3]


def lotka_volterra(t, y):
    return [2 * y[0] * (1 - y[1]), y[1] * (y[0] - 1)]


def van_der_pol(t, y):
    return [y[1], (1 - y[0] ** 2) * y[1] - y[0]]


def three_bodies(t, s):
    """The planar circular restricted three-body problem."""
    x, y, u, v = s
    a, b = x + MU, x - (1 - MU)
    f, g = (1 - MU) * (a**2 + y**2) ** -1.5, MU * (b**2 + y**2) ** -1.5
    return [u, v, x - a * f - b * g + 2 * v, y * (1 - f - g) - 2 * u]


def rossler(t, y):
    return [-y[1] - y[2], y[0] + 0.2 * y[1], 0.2 + y[2] * (y[0] - 5.7)]


def rows(t, y):
    """Functions of the table, quotients and a polynomial in t."""
    return [
        np.arctan(y[0]) * t**3 + np.exp(-y[1]),
        np.sqrt(1 + y[0] ** 2) / (2 + np.cos(y[1])) + np.log(3 + y[0] * y[1]) * np.tanh(t),
    ]


def sums(t, y):
    """Arrays, a constant matrix, sums and a power."""
    return np.array([[0.5, -1.0], [1.0, 0.1]]) @ y + np.sum(y**2) * y[::-1] - np.abs(y[0]) ** 2.5


# ------------------------------------------------------------------ coefficients
def exact(program, t, state, order):
    """Return the coefficients of the state, by the sweep on numbers of 60 digits."""
    n, shapes = len(state), [program.code[i].shape for i in program.inputs[1:]]
    time = np.array([t, mpmath.mpf(1)] + [mpmath.mpf(0)] * (order - 1), dtype=object)
    table = np.full((order + 1, n), mpmath.mpf(0), dtype=object)
    table[0] = state
    cuts = np.cumsum([math.prod(s) for s in shapes])[:-1]
    parts = [
        p.reshape(order + 1, *s) for p, s in zip(np.split(table, cuts, 1), shapes, strict=True)
    ]
    sweep = Sweep(program, Univariate(order), [time, *parts], (), [1] + [order] * len(parts))
    for k in range(order):
        for step in sweep.steps:
            step(k)
        for part, output in zip(parts, program.outputs, strict=True):
            part[k + 1] = sweep.at(output, k) / (k + 1)
    return np.concatenate([p.reshape(order + 1, -1) for p in parts], axis=1)


def between(rng, low, high):
    with mpmath.workdps(60):
        s = [mpmath.mpf(float(r)) for r in rng.random(low.size)]
        ends = zip(low.reshape(-1).tolist(), high.reshape(-1).tolist(), s, strict=True)
        return np.array([mpmath.mpf(a) + (mpmath.mpf(b) - mpmath.mpf(a)) * r for a, b, r in ends])


@pytest.mark.parametrize("fun", [lorenz, pendulum, rows, sums, three_bodies])
@pytest.mark.parametrize("width", [0.0, 1e-9, 1e-2])
def test_coefficients_hold_those_of_every_member(fun, width):
    y0 = {three_bodies: [0.9, 0.1, 0.0, 0.1], lorenz: [1.0, 2.0, 20.0]}.get(fun, [0.3, 0.4])
    n, order = len(y0), 10
    rng = np.random.default_rng(n)
    field = Field(fun, (), (0.5, y0), back=False)
    program = expand(record(field.varied, 0.5, np.array(y0), np.eye(n)), exact=True)
    state = np.concatenate([y0, np.eye(n).reshape(-1)])[:, None] + np.zeros((1, 3))
    box = Interval(state - width, state + width)
    time = Interval(np.full(3, 0.5 - width), np.full(3, 0.5 + width))
    found = Jets(program, order)(time, box)
    for _ in range(3):
        with mpmath.workdps(60):
            t = between(rng, time.lo[:1], time.hi[:1])[0]
            member = between(rng, box.lo[:, 0], box.hi[:, 0])
            table = exact(program, t, member, order)
            for lane in range(3):
                low, high = found.lo[:, :, lane], found.hi[:, :, lane]
                trio = zip(low.flat, table.flat, high.flat, strict=True)
                assert all(a <= c <= b for a, c, b in trio)


def test_a_branch_that_differs_among_members_is_undecided():
    def kinked(t, y):
        return y if y[0] > 1 else -y

    jets = Field(kinked, (), (0.0, [2.0]), back=False).jets(4)
    assert jets(Interval(np.zeros(1)), Interval([[1.5], [1.0]], [[2.5], [1.0]])).shape == (5, 2, 1)
    with pytest.raises(Undecided, match="not the same for all members"):
        jets(Interval(np.zeros(1)), Interval([[0.5], [1.0]], [[2.5], [1.0]]))


# ------------------------------------------------------------------ published problems
def test_exponential():
    sol = solve_ivp(decay, (0, 2), [1.0])
    assert Interval(mpmath.e) in sol(2.0) or (sol(2.0).lo[0] < math.e < sol(2.0).hi[0])
    assert sol(2.0).width[0] <= 2e-14
    assert sol.status == 0 and sol.t_last == 2.0 and sol.t[-1] == 2.0


def test_forced_pendulum():
    sol = solve_ivp(pendulum, (4, 10), [1.0, 2.0], order=20)
    end = sol(10.0)
    published = Interval(
        [1.2048370333482143, 1.1704148266177143], [1.2048370333483036, 1.170414826617781]
    )
    assert (end.width <= [2e-14, 2e-14]).all()  # published: 8.9e-14 and 6.7e-14
    assert (end & published).shape == (2,)


def test_lyapunov_orbit():
    y0 = Interval(
        [0.92080349132074002, 0, 0, 0.10444767270690263],
        [0.92080349132074002, 0, 0, 0.10444767270691328],
    )
    sol = solve_ivp(three_bodies, (0, 3.082119126376508), y0, order=30, method="interval")
    end = sol(3.082119126376508)
    published = Interval(
        [
            0.92080349131513572,
            -1.8971283160953771e-12,
            -1.4537252665967243e-11,
            0.10444767270599591,
        ],
        [0.92080349132163652, -9.315581150390686e-14, 3.1594168753874883e-13, 0.10444767271229422],
    )
    assert (end.width <= [2e-12, 6e-13, 5e-12, 2e-12]).all()  # published: up to 1.5e-11
    assert (end & published).shape == (4,)


def test_chaos():
    """Errors grow by 10⁹; the state at 10 is that of mpmath's odefun with 45 digits."""
    end = solve_ivp(lorenz, (0, 10), [15.0, 15.0, 36.0])(10.0)
    assert end.width.max() <= 1e-7
    true = "-5.909806554623888612779", "-11.34140315369042914551", "9.0801778223277954399094"
    assert all(Interval(x) in end[n] for n, x in enumerate(true))


def test_sets_among_constants_and_arguments():
    sol = solve_ivp(lambda t, y, a: a * y, (0, 1), [1.0], args=(Interval(-1.01, -1.0),), tol=1e-6)
    for a in np.linspace(-1.01, -1.0, 5):
        assert math.exp(a) in sol(1.0)[0]
    tenth = solve_ivp(lambda t, y: y * Interval("0.1"), (0, 1), [1.0])(1.0)[0]
    with mpmath.workdps(40):
        assert Interval(mpmath.exp(mpmath.mpf("0.1"))) in tenth
    assert float(tenth.width) < 1e-14


@pytest.mark.parametrize("span", [(0.0, 20.0), (20.0, 0.0), (0.1, -7.3)])
def test_rotation_both_ways_and_its_derivatives(span):
    t0, t1 = span
    sol = solve_ivp(oscillator, span, [1.0, 0.0])
    for t in np.linspace(t0, t1, 23):
        with mpmath.workdps(40):
            c = mpmath.cos(mpmath.mpf(t) - mpmath.mpf(t0))
            s = mpmath.sin(mpmath.mpf(t) - mpmath.mpf(t0))
        y, d = sol(t), sol.derivatives(t)
        assert Interval(c) in y[0] and Interval(-s) in y[1]
        assert Interval(c) in d[0, 0] and Interval(s) in d[0, 1] and Interval(c) in d[1, 1]
    assert sol.y.width.max() < 3e-13 and sol.jacobian.width.max() < 1e-12
    assert sol.t[0] == t0 and sol.t[-1] == t1


def test_bounds_during_an_interval_of_time():
    sol = solve_ivp(oscillator, (0, 3), [1.0, 0.0])
    times = Interval(0.4, 2.9)
    during = sol(times)
    for t in np.linspace(0.4, 2.9, 50):
        assert math.cos(t) in during[0] and -math.sin(t) in during[1]
    assert during.width.max() < 3
    with pytest.raises(ValueError, match=r"from t = 0\.0 to 3\.0"):
        sol(3.5)


def test_time_is_exact():
    """y' = 2t - 1 has the solution t² - t + y0, whatever the steps."""
    sol = solve_ivp(lambda t, y: [2 * t - 1 + 0 * y[0]], (0.1, 7.7), [0.0])
    for t in (0.1, 1.3, 7.7):
        with mpmath.workdps(40):
            a, b = mpmath.mpf(0.1), mpmath.mpf(t)
            value = b * b - b - (a * a - a)
        assert Interval(value) in sol(t)[0]
        assert sol(t).width[0] < 4e-13


def test_arguments_and_times_asked_for():
    sol = solve_ivp(lambda t, y, a: a * y, (0, 1), [1.0], args=(-3.0,), t_eval=[0.25, 0.5, 1.0])
    assert sol.t.tolist() == [0.25, 0.5, 1.0]
    for n, t in enumerate(sol.t):
        assert math.exp(-3 * t) in sol.y[0, n] | Interval(math.exp(-3 * t) * (1 + 1e-15))
    with pytest.raises(ValueError, match="outside of t_span"):
        solve_ivp(decay, (0, 1), [1.0], t_eval=[2.0])


# ------------------------------------------------------------------ failures
def test_a_pole_is_not_passed():
    with pytest.raises(NotVerified, match=r"steps vanish|no step") as info:
        solve_ivp(lambda t, y: y**2, (0, 2), [1.0], order=30, tol=1e-8)
    reached = info.value.result
    assert 0.99 < reached.t_last < 1.0 and reached.status == -1
    assert 1 / (1 - 0.5) in reached(0.5)[0]


@pytest.mark.parametrize(
    ("fun", "span", "y0", "message"),
    [
        (lambda t, y: np.sqrt(y), (0, 1), [0.0], "no series at t = 0"),
        (lambda t, y: 1 / y, (0, 1), [Interval(-1.0, 1.0)], "no series at t = 0"),
        (oscillator, (0, 100), [1.0, 0.0], "max_steps allows no more"),
    ],
)
def test_what_is_not_proved_says_so(fun, span, y0, message):
    with pytest.raises(NotVerified, match=message) as info:
        solve_ivp(fun, span, y0, method="interval", max_steps=5)
    assert info.value.result.steps <= 5


def test_mistakes():
    with pytest.raises(ValueError, match="method is"):
        solve_ivp(decay, (0, 1), [1.0], method="RK45")
    with pytest.raises(Exception, match="along one axis"):
        solve_ivp(decay, (0, 1), [[1.0]])
    with pytest.raises(TypeError, match="no rigorous series"):
        solve_ivp(lambda t, y: np.sort(y), (0, 1), [1.0, 2.0])


# ------------------------------------------------------------------ broken twins
def test_a_tube_without_its_remainder_is_caught(monkeypatch):
    """With coefficient K + 1 left out the bounds of e² are too narrow to hold it."""
    true = tube_module.remainder
    monkeypatch.setattr(
        "taylor.verified.steps.remainder", lambda last, h, order: true(last, h, order) * 0.0
    )
    sol = solve_ivp(decay, (0, 4), [1.0], order=6, tol=1e-6)
    with mpmath.workdps(40):
        assert Interval(mpmath.exp(2)) not in sol(4.0)[0]


def test_times_off_the_grid_are_caught():
    """Steps whose lengths are rounded end at another time than they say."""
    sol = solve_ivp(lambda t, y: [1.0 + 0 * y[0]], (0, 1), [0.0])
    assert 1.0 in sol(1.0)[0]
    step = sol._taken[0]
    assert 1.0 not in step.at(step.h * (1 + 1e-12))[0]


# ------------------------------------------------------------------ sections
def test_return_of_the_oscillator():
    first = poincare(oscillator, lambda y: y[1], [1.0, 0.0])
    assert Interval(mpmath.pi) in first.t and -1.0 in first.y[0]
    again = poincare(oscillator, lambda y: y[1], [1.0, 0.0], direction=-1)
    assert again.t.lo < 2 * math.pi < again.t.hi and float(again.t.width) < 1e-12
    assert 1.0 in again.jacobian[0, 0] and 0.0 in again.jacobian[1, 1]
    with pytest.raises(NotVerified, match="no crossing up to"):
        poincare(oscillator, lambda y: y[1] - 2, [1.0, 0.0], t_max=5.0)
    with pytest.raises(NotVerified, match="not decided"):  # it touches the section
        poincare(oscillator, lambda y: y[1] + 1, [1.0, 0.0], t_max=5.0)


def test_periodic_orbit_of_rossler():
    """Krawczyk's operator maps a box of the section into itself: there is one periodic orbit."""
    u = np.array([-8.38094174282764, 0.02959006063066725])
    one, r = Interval(np.eye(2)), 1e-9
    centre = poincare(rossler, lambda y: y[0], [0.0, *u], direction=1)
    box = Interval([0.0, *(u - r)], [0.0, *(u + r)])
    slope = poincare(rossler, lambda y: y[0], box, direction=1).jacobian[1:, 1:]
    inverse = Interval(np.linalg.inv(slope.mid - np.eye(2)))
    image = (
        Interval(u)
        - inverse @ (centre.y[1:] - Interval(u))
        + (one - inverse @ (slope - one)) @ (box[1:] - Interval(u))
    )
    assert image.inside(box[1:]).all()
    orbit = np.stack([Interval(0.0), image[0], image[1]])
    period = poincare(rossler, lambda y: y[0], orbit, direction=1).t
    assert float(period.width) < 4e-13 and period.overlaps(
        Interval("5.8810884555536", "5.881088455554")
    )


# ------------------------------------------------------------------ boxes
LORENZ_BOX = Interval([-8.001, 7.998, 26.998], [-7.998, 8.001, 27.001])
# with the spread of the ends of solutions from 10⁴ points: see benchmarks/verified_ode.py
PUBLISHED = {
    "Lorenz": (lorenz, 3.0, LORENZ_BOX, [0.0347506, 0.0446786, 0.0161814], 1.02),
    "van der Pol": (
        van_der_pol, 10.0, Interval([2.999, -3.001], [3.001, -2.999]), [0.0184967, 0.0072198], 1.02,
    ),
    "Lotka-Volterra": (
        lotka_volterra, 5.5, Interval([0.95, 2.95], [1.05, 3.05]), [0.401663, 0.119796], 1.15,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_boxes_are_hardly_larger_than_what_comes_out_of_them(name):
    fun, end, box, spread, most = PUBLISHED[name]
    sol = solve_ivp(fun, (0, end), box, space_order=4 if name != "Lotka-Volterra" else 6)
    found = sol(end).width
    assert (found >= spread).all() and (found <= most * np.array(spread)).all()


def members(box, count):
    """Return points of a box, a quarter of them corners, as numbers of 50 digits."""
    s = np.random.default_rng(5).random((count, len(box)))
    s[: count // 4] = np.round(s[: count // 4])
    low, high = ([mpmath.mpf(float(e)) for e in end] for end in (box.lo, box.hi))
    return [
        [a + (b - a) * mpmath.mpf(r) for a, b, r in zip(low, high, row, strict=True)]
        for row in s.tolist()
    ]


def square(t, y):
    return y**2


def falling(t, y):
    return [y[1], -9.81 + 0 * y[0]]


CLOSED = {
    "square": (square, 0.45, Interval([2 - 1 / 16], [2 + 1 / 16]), lambda t, y: [1 / (1 / y - t)]),
    "falling ball": (
        falling, 10.0, Interval([9.75, 0.0], [10.25, 0.0]),
        lambda t, y, v: [y + v * t - mpmath.mpf(9.81) * t * t / 2, v - mpmath.mpf(9.81) * t],
    ),
    "oscillator": (
        oscillator, 20.0, Interval([0.9, -0.1], [1.1, 0.1]),
        lambda t, y, v: [
            y * mpmath.cos(t) + v * mpmath.sin(t), v * mpmath.cos(t) - y * mpmath.sin(t)
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("method", ["model", "interval"])
@pytest.mark.parametrize("name", CLOSED)
def test_ten_thousand_members_lie_within(name, method):
    fun, end, box, value = CLOSED[name]
    sol = solve_ivp(fun, (0, end), box, method=method)
    bounds = sol(end)
    with mpmath.workdps(50):
        t = mpmath.mpf(end)
        points = members(box, 10_000)
        found = np.array([value(t, *p) for p in points], dtype=object)
        for n in range(len(box)):
            low, high = mpmath.mpf(float(bounds.lo[n])), mpmath.mpf(float(bounds.hi[n]))
            assert low < min(found[:, n]) and max(found[:, n]) < high
            spread = float(max(found[:, n]) - min(found[:, n]))
            assert method == "interval" or bounds.width[n] < 1.3 * spread + 1e-10


def test_one_state_is_a_divisor_as_a_list_or_as_an_array():
    for fun in (lambda t, y: [t / y[0]], lambda t, y: t / y, lambda t, y: [y[0] * t / y[0] ** 2]):
        assert holds_root(solve_ivp(fun, (0, 1), [1.0])(1.0))


def holds_root(x):
    return Fraction(x.lo[0]) ** 2 < 2 < Fraction(x.hi[0]) ** 2 and x.width[0] < 1e-13


def test_the_flow_map_holds_the_solution_of_each_member():
    fun, end, box, value = CLOSED["oscillator"]
    sol = solve_ivp(fun, (0, end), box)
    for t in (0.3, 7.1, end):
        flow = sol.flow(t)
        assert flow.radius.max() < 1e-9
        with mpmath.workdps(50):
            for point in members(box, 20):
                y = flow(*(Interval(p) for p in point))
                assert all(Interval(v) in y[n] for n, v in enumerate(value(mpmath.mpf(t), *point)))
    with pytest.raises(TypeError, match="derivatives of the flow"):
        _ = sol.jacobian
    with pytest.raises(TypeError, match='method="model"'):
        solve_ivp(fun, (0, 1), [1.0, 0.0]).flow(0.5)


def test_boxes_of_rows_hold_members():
    """Functions of the table, a quotient and time, against 40 members integrated to 1e-12."""
    box = Interval([0.29, 0.39], [0.31, 0.41])
    end = solve_ivp(rows, (0.5, 1.5), box, order=12, space_order=4)(1.5)
    found = [
        scipy.integrate.solve_ivp(
            rows, (0.5, 1.5), [float(p) for p in point], method="DOP853", rtol=1e-12, atol=1e-12
        ).y[:, -1]
        for point in members(box, 40)
    ]
    low, high = np.min(found, axis=0), np.max(found, axis=0)
    assert (end.lo <= low + 1e-10).all() and (high - 1e-10 <= end.hi).all()
    assert (end.width < 1.1 * (high - low)).all()


def test_models_without_their_mixed_terms_are_caught(monkeypatch):
    """Terms left out of a product of polynomials are in the radius, and needed there."""
    sol = solve_ivp(square, (0, 0.45), CLOSED["square"][2], space_order=2)
    monkeypatch.setattr("taylor.verified.flows.Table.beyond_of", lambda self, x: 0 * x)
    broken = solve_ivp(square, (0, 0.45), CLOSED["square"][2], space_order=2)
    with mpmath.workdps(50):
        true = [1 / (1 / mpmath.mpf(y) - mpmath.mpf(0.45)) for y in (2 - 1 / 16, 2 + 1 / 16)]
    good, bad = sol(0.45)[0], broken(0.45)[0]
    assert Interval(true[0]) in good and Interval(true[1]) in good
    assert Interval(true[1]) not in bad


# ------------------------------------------------------------------ what surrounds it
def test_threads_give_the_same_bits_and_the_precision_of_flint_is_left_alone():
    import flint

    before = flint.ctx.prec

    def run(_):
        end = solve_ivp(pendulum, (4, 6), [1.0, 2.0])(6.0)
        return end.lo.tobytes() + end.hi.tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(run, range(8)))) == 1
    assert flint.ctx.prec == before


def test_a_side_of_a_branch_and_its_end():
    """-|y|·y with y = 1/(1 + t) while y > 0; a branch at y = 1/2 is not passed."""
    sol = solve_ivp(lambda t, y: -np.abs(y) * y, (0, 2), [Interval(0.9, 1.1)])
    with mpmath.workdps(40):
        for y in (0.9, 1.0, 1.1):
            assert Interval(1 / (1 / mpmath.mpf(y) + 2)) in sol(2.0)[0]
    for method in ("interval", "model"):
        with pytest.raises(NotVerified) as info:
            solve_ivp(lambda t, y: np.where(y > 0.5, -y, -2 * y), (0, 1), [1.0], method=method)
        assert 0.69 < info.value.result.t_last < math.log(2)
    with pytest.raises(NotVerified, match="branch of the function"):
        solve_ivp(lambda t, y: -y if y[0] > 0.5 else -2 * y, (0, 1), [1.0])


# ------------------------------------------------------------------ states that begin at zero
FROM_ZERO = {
    "tan": (lambda t, y: 1 + y**2, [0.0], lambda: mpmath.tan(1)),
    "tan from next to zero": (lambda t, y: 1 + y**2, [1e-300], lambda: mpmath.tan(1)),
    "decay": (lambda t, y: 1 - y, [0.0], lambda: 1 - mpmath.exp(-1)),
    "gudermannian": (lambda t, y: np.cos(y), [0.0], lambda: 2 * mpmath.atan(mpmath.tanh(0.5))),
    "slope zero, too": (lambda t, y: t - y, [0.0], lambda: mpmath.exp(-1)),
    "a power": (lambda t, y: 9 * t**8 + 0 * y, [0.0], lambda: mpmath.mpf(1)),
    "two": (lambda t, y: [y[1], np.cos(t) - y[0]], [0.0, 0.0], lambda: mpmath.sin(1) / 2),
}


@pytest.mark.parametrize("method", ["interval", "model"])
@pytest.mark.parametrize("name", FROM_ZERO)
def test_states_may_begin_at_zero(name, method):
    fun, y0, value = FROM_ZERO[name]
    found = solve_ivp(fun, (0, 1), y0, method=method)(1.0)[0]
    with mpmath.workdps(40):
        exact = value()
        assert mpmath.mpf(float(found.lo)) <= exact <= mpmath.mpf(float(found.hi))
    assert found.width < 1e-11


LOCAL = {  # functions without an equation
    "jv": (lambda y: taylor.jv(0, y), lambda y: mpmath.besselj(0, y), 1.0),
    "gamma": (taylor.gamma, mpmath.gamma, 2.0),
}


METHODS = ["interval", "model"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LOCAL)
def test_functions_by_their_local_series(name, method):
    """y' = f(y) is at y after the time ∫ dy/f(y), which is 1/4."""
    f, exact, begin = LOCAL[name]
    box = Interval([begin], [begin + 1e-3])
    found = solve_ivp(lambda t, y: f(y), (0, 0.25), box, method=method, order=8, tol=1e-9)(0.25)[0]
    with mpmath.workdps(30):
        ends = ((begin, found.lo), (mpmath.mpf(float(box.hi[0])), found.hi))
        times = [mpmath.quad(lambda y: 1 / exact(y), [a, mpmath.mpf(float(b))]) for a, b in ends]
        assert times[0] <= 0.25 <= times[1] and found.width < 1.3e-3


@pytest.mark.parametrize("span", [(0, math.nan), (math.nan, 1), (0, math.inf), (-math.inf, 0)])
def test_times_are_finite(span):
    with pytest.raises(ValueError, match="two finite times"):
        solve_ivp(lambda t, y: -y, span, [1.0])


def test_arguments_of_a_section():
    def fun(t, y):
        return [y[1], -y[0]]

    for wrong in ({"direction": 5}, {"tol": 0}, {"tol": math.nan}, {"t_max": math.inf}):
        with pytest.raises(ValueError):
            poincare(fun, lambda y: y[1], [1.0, 0.0], **wrong)
    branches = {
        "goes either way": lambda y: y[1] if y[0] == 1.0 else y[0],
        "v1 > v2": lambda y: y[1] if y[0] > 0.5 else y[1] - 1e-3,
        "!= 0.0": lambda y: np.where(y[0] == 0.0, y[1], y[0]),
    }
    for branch, section in branches.items():
        with pytest.raises(Undecided, match=branch):
            poincare(fun, section, [1.0, 0.0])
    for c in (1.0, 0.0, -2):
        with pytest.raises(NotVerified, match="no crossing"):
            poincare(fun, lambda y, c=c: c, [1.0, 0.0], t_max=0.5)


def test_powers_with_exponents_that_move():
    """The state at 1/4 is that of mpmath's odefun with 30 digits."""
    found = solve_ivp(lambda t, y: y**t, (0, 0.25), [1.0], order=10)(0.25)[0]
    assert Interval("1.25491139697240103794") in found and found.width < 1e-11


def test_running_sums_are_sums():
    forms = [lambda t, y: -np.cumsum(y), lambda t, y: -np.stack([y[0], y[0] + y[1]])]
    ends = [solve_ivp(f, (0, 1), [1.0, 2.0])(1.0) for f in forms]
    assert np.array_equal(ends[0].lo, ends[1].lo) and np.array_equal(ends[0].hi, ends[1].hi)
    assert np.allclose(ends[0].mid, 1 / math.e, rtol=1e-14)  # of e^-t and (2 - t)·e^-t
