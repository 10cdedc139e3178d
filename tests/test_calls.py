"""Every row of the table, and every row of a user, as machine code: the same as through NumPy."""

import functools
import math
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from shared import together

import taylor
from taylor import CompileError, PerformanceWarning
from taylor.core.program import expand
from taylor.core.table import TABLE, define
from taylor.machine.machine import Machine
from taylor.ode import TaylorIntegrator, solve_ensemble, solve_ivp

ORDER = 8


def lorentz_series(x, order):
    z = 1 / (1j - np.asarray(x))
    return np.stack([-((z ** (m + 1)).imag) for m in range(order + 1)])


def in_lanes(x):
    """Return tanh x; of numbers only, as a loop over them would be."""
    return math.tanh(x)


# of a user: written in rows, written for Python's numbers, of two arguments, and by local series
GD = taylor.rule(quotient=lambda a, y: (1, taylor.cosh(a)), name="gd")(
    lambda x: np.arctan(np.sinh(x))
)
MATH = taylor.rule(quotient=lambda a, y: (1 - y * y, 1), name="math")(in_lanes)
TWO = taylor.rule(quotient=lambda a, b, y: ((b, a), 1), name="two")(lambda a, b: float(a) * b)
LORENTZ = taylor.rule(local=lorentz_series, name="lorentz")(lambda x: 1 / (1 + x * x))
USERS = {"gd": (GD, 0.3), "math": (MATH, 0.4), "two": (TWO, (0.3, 0.7)), "lorentz": (LORENTZ, 2.0)}
# of the rows whose own samples are at the ends of their domains
POINTS = {"acosh": 2.0, "kepler": (0.3, 2.0), "log_ndtr": -2.0, "zeta": 2.0, "digamma": 0.5}
POINTS |= {"atanh": 0.3, "asin": 0.3, "acos": 0.3}


def point(row):
    """Return arguments at which a row has a series, of moderate size."""
    if row.name in POINTS:
        return np.atleast_1d(POINTS[row.name])
    found = [np.atleast_1d(s).astype(float) for s in row.samples]
    return min(found, key=lambda s: float(np.abs(np.log(np.abs(s) + 1e-9) + 0.5).sum()))


ROWS = {name: (row, point(row)) for name, row in TABLE.items()}
ROWS |= {name: (row, np.atleast_1d(x)) for name, (row, x) in USERS.items()}
ASKED = [name for name, (row, _) in ROWS.items() if row.code is None and row.compose is None]
REAL = {"atan2", "hypot", "softplus", "logaddexp", "kepler", "math", "two"}  # no complex values
COMPLEX = [
    name
    for name, (row, _) in ROWS.items()
    if row.complex_code is None and not row.compose and not row.jumps and name not in REAL
]


def start(names):
    """Return the arguments of some rows, one after the other."""
    return np.concatenate([ROWS[name][1] for name in names])


def every(names, x):
    """Return the values of rows, each at its part of x."""
    found, i = [], 0
    for name in names:
        row, p = ROWS[name]
        found.append(row(*(x[i + n] for n in range(len(p)))))
        i += len(p)
    return np.stack(found)


def total(names, x):
    return np.sum(every(names, x))


def check(names, got, wanted, rtol=1e-12):
    """Fail with the names of the rows for which two results differ."""
    __tracebackhide__ = True
    labels = list(names)
    if np.shape(wanted)[-1] != len(labels):
        labels = [name for name in names for _ in ROWS[name][1]]
    off = ~(np.abs(got - wanted) <= rtol * (1 + np.abs(wanted)))
    wrong = {labels[i] for i in np.argwhere(off)[:, -1]}
    assert not wrong and np.isfinite(wanted).all()


FORMS = {
    "value": (every, lambda f, x: f(x)),
    "gradient": (total, taylor.gradient),
    "second": (total, lambda f, x: taylor.hvp(f, x, np.ones(len(x)))),
    "line": (every, lambda f, x: f(x + taylor.Taylor.variable(0.0, order=8)).coef),
    "series": (every, lambda f, x: f(x + taylor.Taylor([0.0, 1.0, 0.5, 0.2, 0.1])).coef),
    "several": (every, lambda f, x: f(x + sum(taylor.TaylorN.variables([0.0, 0.0], 2))).coef),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_row_is_compiled(form):
    f, driver = FORMS[form]
    names = {"line": ASKED, "series": ASKED[::2], "several": ASKED[1::2]}.get(form, ROWS)
    names = tuple(names)
    f, x = functools.partial(f, names), start(names)
    check(names, driver(taylor.compile(f, strict=True), x), driver(f, x))


@pytest.mark.parametrize("form", ["value", "gradient", "series"])
def test_every_row_is_compiled_for_complex_numbers(form):
    f, driver = FORMS[form]
    names = tuple(COMPLEX[::3] if form == "series" else COMPLEX)
    f, z = functools.partial(f, names), start(names) + (0.1 + 0.05j)
    check(names, driver(taylor.compile(f, strict=True), z), driver(f, z))


def flow(t, y):
    values = every(ASKED, y)
    return 0.01 * np.concatenate(
        [np.broadcast_to(v, len(ROWS[name][1])) for v, name in zip(values, ASKED, strict=True)]
    )


def test_every_row_is_compiled_in_an_equation():
    y = start(ASKED)
    it = TaylorIntegrator(flow, 0.0, y, order=8, strict=True)
    _, pieces = it.advance(0.05, 1)
    check(ASKED, pieces.coef[0], it.system.series(0.0, y, [], 8))
    assert len(it._memory.machine.asks[0]) >= len(ASKED) - 1
    r = solve_ensemble(flow, (0.0, 0.05), np.stack([y, y + 1e-3]), order=8, strict=True)
    assert r.success.all()
    check(ASKED, r.y[0, :, -1], solve_ivp(flow, (0.0, 0.05), y, order=8).y[:, -1], 1e-14)


@pytest.mark.parametrize("order", [1, 2])
def test_rows_of_users_in_an_equation_of_series(order):
    def solve(f):
        y = taylor.TaylorN.seeded(np.array([0.4, 0.6]), order)
        flow = lambda t, y: np.stack([y[1], -f(y[0])])
        return solve_ivp(flow, (0.0, 1.0), y, strict=True).y[:, -1].coef

    np.testing.assert_allclose(solve(MATH), solve(np.tanh), rtol=1e-13, atol=1e-15)


# ------------------------------------------------------------------ rules of arrays
A = np.array([[2.0, 1.0], [0.5, 3.0]])


def matrices(a):
    x = np.linalg.solve(a @ a.T, np.array([1.0, 2.0]))
    return np.sum(x * np.linalg.eigvalsh(a + a.T)) + np.linalg.slogdet(a)[1] * x[0]


def cauchy(a):
    return np.sum(np.linalg.solve(a @ a, np.array([1.0, 2.0]))) + np.linalg.det(a)


@pytest.mark.parametrize(
    "f, driver",
    [
        (matrices, lambda f: f(A)),
        (matrices, lambda f: taylor.gradient(f, A)),
        (matrices, lambda f: taylor.hessian(f, A)),
        (cauchy, lambda f: taylor.tensor(f, A, 3)),
        (matrices, lambda f: taylor.directional(f, A, A, 6)),
        (matrices, lambda f: f(taylor.TaylorN.seeded(A, 2)).coef),
        (cauchy, lambda f: f(A + 0.1j)),
        (cauchy, lambda f: taylor.gradient(f, A + 0.1j)),
        (cauchy, lambda f: taylor.directional(f, A + 0.1j, A, 4)),
    ],
)
def test_rules_of_arrays_are_asked_for(f, driver):
    c = taylor.compile(f, strict=True)
    for _ in range(2):
        np.testing.assert_allclose(driver(c), driver(f), rtol=1e-12, atol=1e-12)


def test_rules_of_arrays_in_an_equation():
    def fall(t, y):
        return -np.linalg.solve(A + np.outer(y, y), y) * np.cos(t)

    y0 = np.array([[1.0, 2.0], [0.3, -0.4]])
    found = [solve_ivp(fall, (0.0, 1.0), y, strict=True).y[:, -1] for y in y0]
    r = solve_ensemble(fall, (0.0, 1.0), y0, strict=True)
    np.testing.assert_allclose(r.y[..., -1], found, rtol=1e-14)
    it = TaylorIntegrator(fall, 0.0, y0[0])
    _, pieces = it.advance(0.5, 1)
    np.testing.assert_allclose(pieces.coef[0], it.system.series(0.0, y0[0], [], 20), rtol=1e-12)


# ------------------------------------------------------------------ decisions
def test_decisions_are_asked_for():
    def ranked(x):
        return np.sum(np.sort(x) * np.arange(3.0)) * np.median(x) + x[np.argmax(x)]

    c = taylor.compile(ranked, strict=True)
    for x in ([3.0, 1.0, 2.0], [1.0, 2.0, 3.0], [5.0, 1.0, 2.0]):
        assert c(x) == ranked(np.array(x))
        for driver in (taylor.gradient, taylor.hessian):
            np.testing.assert_array_equal(driver(c, x), driver(ranked, x))
    assert [len(machines) for machines in c.machines.values()] == [2, 2, 2]


# ------------------------------------------------------------------ which row is meant
def answers(row):
    """Return what depends on the value of a row, on its equation and on both."""
    c = taylor.compile(lambda x: row(x) * x, strict=True)
    r = solve_ivp(lambda t, y: row(y) - y, (0.0, 1.0), 0.5, events=lambda t, y: row(y) - t)
    t = taylor.Taylor.variable(0.5, order=4)
    return [c(0.5), taylor.derivative(c, 0.5), *c(t).coef, r.y[-1], *r.t_events[0]]


@pytest.mark.parametrize("value", [lambda x, n: np.tanh(n * x), lambda x, n: math.tanh(n * x)])
def test_a_row_defined_anew_is_another_one(value):
    found = {}
    for n in (1, 2, 1):
        row = define("again", lambda x, n=n: value(x, n), lambda a, y, n=n: (n * (1 - y * y), 1))
        found.setdefault(n, []).append(answers(row))
        del TABLE["again"]
    np.testing.assert_array_equal(found[1][0], found[1][1])
    assert not np.any(np.isclose(found[1][0], found[2][0]))


def test_a_value_is_only_compiled_if_it_is_the_same():
    def other(x):
        z = 1 / (1 + 1j * np.asarray(x))  # of recorded values an object array, imag is zero
        return np.abs(z.real) - z.imag

    def checked(x):
        return np.sin(x) if isinstance(x, float) else np.cos(x)

    for value in (other, checked, lambda x: np.cos(x.real)):
        row = taylor.rule(value, quotient=lambda a, y: (1, 1))
        for x in (np.float64(0.5), np.complex128(0.5 + 0.3j)):
            assert taylor.compile(lambda x, row=row: row(x) * x)(x) == value(x) * x


def test_rules_are_pickled_by_their_place():
    assert pickle.loads(pickle.dumps(BOUNDED)) is BOUNDED
    with pytest.raises(pickle.PicklingError, match="gd"):
        pickle.dumps(GD)


def test_a_row_with_the_name_of_another_is_itself():
    sin = taylor.rule(lambda x: np.cosh(x), quotient=lambda a, y: (taylor.sinh(a), 1), name="sin")
    c = taylor.compile(lambda x: sin(x) + np.sin(x), strict=True)
    assert c(0.5) == pytest.approx(np.cosh(0.5) + np.sin(0.5), rel=1e-15)
    assert taylor.derivative(c, 0.5) == pytest.approx(np.sinh(0.5) + np.cos(0.5), rel=1e-15)


SCRIPT = """
import math, sys, numpy as np, taylor
from taylor.ode import solve_ivp
n = float(sys.argv[1])
row = taylor.rule(lambda x: math.tanh(n * x), quotient=lambda a, y: (n * (1 - y * y), 1), name="r")
c = taylor.compile(lambda x: row(x) * x, strict=True)
r = solve_ivp(lambda t, y: row(y) - y, (0.0, 1.0), 0.5, strict=True)
found = [c(0.5), taylor.derivative(c, 0.5), r.y[-1]]
print(*map(repr, map(float, found)))
"""


def test_code_from_the_disk_asks_the_rows_of_its_process(tmp_path):
    def run(n):
        environment = {**os.environ, "TAYLOR_CACHE": str(tmp_path)}
        command = [sys.executable, "-W", "error", "-c", SCRIPT, n]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout, len(list(tmp_path.rglob("*.object")))

    first, count = run("1")
    assert run("1") == (first, count)
    other, _ = run("2")
    f, (value, slope, end) = (lambda x: math.tanh(2 * x)), map(float, other.split())
    assert value == f(0.5) * 0.5
    assert slope == pytest.approx(f(0.5) + (1 - f(0.5) ** 2), rel=1e-15)
    assert end == pytest.approx(solve_ivp(lambda t, y: np.tanh(2 * y) - y, (0, 1), 0.5).y[-1])


def test_the_value_that_is_written_in_rows_is_compiled():
    program = taylor.record(lambda x: GD(x) * MATH(x), 0.5)
    (ask,), _ = Machine(program).asks
    assert list(ask[:2]) == ["value", 1]
    (ask,), _ = Machine(expand(program), 5, expanded=True).asks
    assert ask[0] == "value"


# ------------------------------------------------------------------ what goes wrong
def positive(x):
    """Return √x."""
    if x < 0:
        raise ValueError("no number is negative here")
    return math.sqrt(x)


@taylor.rule(quotient=lambda a, y: (1, taylor.cosh(a)))
def BOUNDED(x):
    if x > 1:
        raise ValueError("too large")
    return math.atan(math.sinh(x))


@taylor.rule(quotient=lambda a, y: (1, taylor.cosh(a)))
def OUTSIDE(x):
    return BOUNDED(x) if x <= 1 else taylor.log(taylor.Taylor.variable(-1.0, 1)).value


POSITIVE = taylor.rule(positive, quotient=lambda a, y: (0.5, y), name="positive")


def test_an_exception_is_raised_where_it_belongs():
    c = taylor.compile(lambda x: np.where(x[0] > 0, x[0], POSITIVE(x[1])), strict=True)
    x = np.array([1.0, 4.0])
    for driver in (lambda x: c(x), lambda x: taylor.gradient(c, x)):
        for _ in range(2):
            np.testing.assert_array_equal(driver(x), driver(x))
            with pytest.raises(ValueError, match="negative"):
                driver(-x * [-1, 1])  # on the side that is not chosen
    assert taylor.gradient(c, x).tolist() == [1.0, 0.0] and c.reasons == {}


def test_an_exception_ends_an_integration():
    def flow(t, y):
        return BOUNDED(y) * 0 + 1

    with pytest.raises(ValueError, match="large"):
        solve_ivp(flow, (0.0, 1.0), 0.5, max_step=0.1, strict=True)
    r = solve_ensemble(flow, (0.0, 0.5), [0.1, 1.5, 0.3], strict=True)
    assert r.success.tolist() == [True, False, True] and "large" in r.message[1]
    r = solve_ivp(lambda t, y: OUTSIDE(y) * 0 + np.exp(-t), (0.0, 2.0), 0.5, max_step=0.1)
    assert r.status == -1 and 1.0 <= r.y[-1] <= 1.1


def test_an_interrupt_comes_through():
    armed = []

    def value(x):
        if armed:
            raise KeyboardInterrupt
        return math.sin(x)

    row = taylor.rule(value, quotient=lambda a, y: (taylor.cos(a), 1))
    c = taylor.compile(lambda x: row(x) * x)
    c(0.5)
    armed.append(1)
    with pytest.raises(KeyboardInterrupt):
        c(0.5)
    armed.clear()
    assert c(0.5) == 0.5 * math.sin(0.5)


def test_a_value_may_call_the_function_that_asks_for_it():
    row = taylor.rule(lambda x: float(c(x - 1.0)) if x > 0.5 else 1.0, quotient=lambda a, y: (1, 1))
    c = taylor.compile(lambda x: row(x) * x)
    assert [float(c(n)) for n in (0.0, 4.0, 1.0)] == [0.0, 0.0, 0.0]
    assert c(3.5) == 3.5 * 2.5 * 1.5 * 0.5


def test_threads_ask_at_the_same_time():
    c = taylor.compile(lambda x: np.sum(MATH(x) * x), strict=True)
    points = np.linspace(0.1, 0.9, 8)[:, None] * np.ones(3)
    wanted = [taylor.gradient(c.f, x) for x in points]

    def work(i):
        return all(np.array_equal(taylor.gradient(c, points[i]), wanted[i]) for _ in range(50))

    assert all(together(work, 8))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_fork_asks_its_own_process():
    c = taylor.compile(lambda x: MATH(x) * x, strict=True)
    assert c(0.5) == math.tanh(0.5) * 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if child == 0:
        os._exit(0 if c(0.25) == math.tanh(0.25) * 0.25 else 1)
    assert os.waitpid(child, 0)[1] == 0


# ------------------------------------------------------------------ what is slow says so
def frozen(x):
    """Return x times its plain value, which recording cannot know."""
    return np.sum(x * getattr(x, "value", x))


THIRD = taylor.rule(
    lambda x: np.asarray(x) ** 3, jvp=lambda d, y, x: 3 * x * x * d[0], name="third"
)


def test_a_compiled_function_says_once_what_has_no_code():
    x = np.array([3.0, 1.0, 2.0])
    c = taylor.compile(frozen)
    with pytest.warns(PerformanceWarning, match="frozen.*plain value") as found:
        assert taylor.gradient(c, x).tolist() == x.tolist()
    assert found[0].filename == __file__ and len(found) == 1
    assert taylor.jvp(c, x, x)[1] == x @ x  # without a warning
    assert len(c.reasons) == 2 and all("plain" in reason for reason in c.reasons.values())


def test_strict_makes_that_an_error():
    x = np.array([3.0, 1.0, 2.0])
    c = taylor.compile(frozen, strict=True)
    for _ in range(2):
        with pytest.raises(CompileError, match="plain"):
            taylor.gradient(c, x)
        with pytest.raises(CompileError, match="plain"):
            c(x)
    assert taylor.compile(taylor.compile(np.sin), strict=True).strict
    assert taylor.compile(c) is c


def test_an_error_of_the_function_is_no_warning():
    f = taylor.compile(lambda x: np.log(x[0]) if len(x) > 1 else x.nothing)
    with pytest.raises(AttributeError):
        f([1.0])
    with pytest.raises(taylor.DomainError):
        taylor.gradient(f, [-1.0, 2.0])
    assert taylor.gradient(f, [2.0, 2.0]).tolist() == [0.5, 0.0] and f.reasons == {}
    with pytest.raises(taylor.ShapeMismatch, match="scalar"):
        taylor.gradient(taylor.compile(lambda x: x * x), np.ones(3))


EQUATIONS = {
    "no series": (lambda t, y: -THIRD(y), np.ones(2)),
}


@pytest.mark.parametrize("fun, y0", EQUATIONS.values(), ids=EQUATIONS)
def test_an_integration_says_what_has_no_code(fun, y0):
    for solve in (
        lambda **k: solve_ivp(fun, (0.0, 0.1), y0, **k),
        lambda **k: solve_ensemble(fun, (0.0, 0.1), np.stack([y0] * 3), **k),
        lambda **k: TaylorIntegrator(fun, 0.0, y0, **k).propagate_until(0.1),
    ):
        with pytest.warns(PerformanceWarning, match="integration") as found:
            solve()
        assert len(found) == 1 and found[0].filename == __file__
        with pytest.raises(CompileError):
            solve(strict=True)


def test_an_event_says_so_too():
    def event(t, y):
        return y[0] + 0 * getattr(y, "value", y)[1]

    def solve(**strict):
        fun = lambda t, y: np.stack([np.cos(t), np.cos(t)])
        return solve_ivp(fun, (0.0, 10.0), [0.1, 9.0], events=event, **strict)

    with pytest.warns(PerformanceWarning, match="event 0"):
        assert len(solve().t_events[0]) == 3
    with pytest.raises(CompileError, match="event 0"):
        solve(strict=True)


@pytest.mark.parametrize(
    "r", [2.5, np.float64(2.5), np.float64(3.0), np.array(2.5), np.array([2.5, 3.0])]
)
def test_exponents_of_all_kinds_have_code(r):
    c = taylor.compile(lambda x: x**r, strict=True)
    x = np.array([2.0, 3.0])
    np.testing.assert_allclose(c(x), x**r, rtol=1e-15)
    np.testing.assert_allclose(taylor.jvp(c, x, [1.0, 1.0])[1], r * x ** (r - 1), rtol=1e-14)


@pytest.mark.parametrize("f", [np.remainder, np.floor_divide])
def test_remainders_have_the_bits_of_numpy(f):
    dividends = [-3.0, 3.0, -0.5, 0.0, -0.0, 1e-200, -1e-200, 7.5, 1e10, np.nan, np.inf]
    divisors = [1.0, -1.0, 0.3, -0.3, 1e-200, -1e-200, 2.5]
    a, b = (x.ravel() for x in np.meshgrid(dividends, divisors))
    compiled = taylor.compile(lambda a, b: f(a, b))
    with np.errstate(all="ignore"):
        for x, y in zip(a, b, strict=True):
            got, wanted = compiled(x, y), f(x, y)
            assert got == wanted or (np.isnan(got) and np.isnan(wanted)), (x, y)
            assert np.signbit(got) == np.signbit(wanted) or np.isnan(got), (x, y)


def tree_loss(p):
    return np.sum(p["w"] * p["v"]["a"]) + p["v"]["b"] ** 2


OTHER_TREES = {
    "order of keys": {"v": {"b": 2.0, "a": np.ones(3)}, "w": np.arange(3.0)},
    "integers": {"w": np.arange(3), "v": {"a": np.ones(3), "b": 2}},
    "lists": {"w": [0.0, 1.0, 2.0], "v": {"a": np.ones(3), "b": 2.0}},
    "shapes": {"w": np.arange(4.0), "v": {"a": np.ones(4), "b": 2.0}},
    "series": {"w": np.arange(3.0), "v": {"a": np.ones(3), "b": taylor.Taylor.variable(2.0, 2)}},
    "more keys": {"w": np.arange(3.0), "v": {"a": np.ones(3), "b": 2.0, "c": "name"}},
}


@pytest.mark.parametrize("name", OTHER_TREES)
def test_one_tree_after_another_is_taken_as_it_is(name):
    f, usual = taylor.compile(tree_loss), {"w": np.arange(3.0), "v": {"a": np.ones(3), "b": 2.0}}
    other = OTHER_TREES[name]
    for p in (usual, usual, usual, other, usual, other, other):
        given = repr(p)
        y, expected = f(p), tree_loss(p)
        assert y == expected and np.shape(y) == np.shape(expected)
        if name not in ("series", "more keys") or p is usual:
            for driver in (taylor.gradient, taylor.value_and_gradient, taylor.hessian):
                found, ordinary = driver(f, p), driver(tree_loss, p)
                assert repr(found) == repr(ordinary)
        assert repr(p) == given
