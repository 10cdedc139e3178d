"""Functions as they are now: what is done later does not see what has changed since."""

import functools
import types
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import scipy.interpolate

import taylor
from taylor.core.copies import frozen
from taylor.ode import flow_map, solve_ensemble, solve_ivp, value_and_gradient
from taylor.scipy import integrate, optimize

LEVEL = 0.0


def set_level(value):
    global LEVEL
    LEVEL = value


class Base(ABC):
    scale = 1.0

    @abstractmethod
    def rate(self, x):
        """Return a number."""

    def scaled(self, x):
        return self.scale * x


class Model(Base):
    def __init__(self):
        self.level, self.inner, self.this = 0.0, types.SimpleNamespace(level=0.0), self

    def rate(self, x):
        return super().scaled(x) * self.this.level

    @property
    def twice(self):
        return 2 * self.level

    @staticmethod
    def one(x):
        return x + LEVEL

    def __call__(self, x):
        return x * self.level


class Scaled(Model):
    def __init__(self):
        super().__init__()
        self.level = 1.0


class Slots:
    __slots__ = ("level",)


class Pair(NamedTuple):
    first: list
    second: float


@dataclass
class Data:
    level: float


def readers():
    """Yield (name, f, set): f(x) = f(1)·x or f(1) + x - 1 reads what set(value) changes."""
    p, lst, arr, cell, queue = {"v": 0.0}, [0.0], np.zeros(2), 0.0, deque([0.0])
    yield "dict", lambda x: x * p["v"], lambda v: p.update(v=v)
    yield "list", lambda x: x * lst[0], lambda v: lst.__setitem__(0, v)
    yield "array", lambda x: x * arr[1], lambda v: arr.__setitem__(1, v)
    yield "deque", lambda x: x * queue[0], lambda v: queue.__setitem__(0, v)

    def put(v):
        nonlocal cell
        cell = v

    yield "closure", lambda x: x * cell, put
    yield "global", lambda x: x * LEVEL, set_level
    m = Model()
    yield "attribute", lambda x: x * m.level, lambda v: setattr(m, "level", v)
    yield "namespace", lambda x: x * m.inner.level, lambda v: setattr(m.inner, "level", v)
    n = Model()
    yield "method", n.rate, lambda v: setattr(n, "level", v)
    yield "property", lambda x: n.twice * x, lambda v: setattr(n, "level", v)
    yield "object", n, lambda v: setattr(n, "level", v)
    yield "in a static method", n.one, set_level
    k = Scaled()
    yield "class", k.rate, lambda v: setattr(Scaled, "scale", v)
    s = Slots()
    s.level = 0.0
    yield "slot", lambda x: s.level * x, lambda v: setattr(s, "level", v)
    t = Pair([0.0], 2.0)
    yield "in a tuple", lambda x: t.first[0] * x, lambda v: t.first.__setitem__(0, v)
    d = Data(0.0)
    yield "data class", lambda x: d.level * x, lambda v: setattr(d, "level", v)

    def by_default(x, level=lst):
        return x * level[0]

    yield "default", by_default, lambda v: lst.__setitem__(0, v)
    partial = functools.partial(lambda p, x: x * p["v"], p)
    yield "partial", partial, lambda v: p.update(v=v)
    helper = taylor.compile(lambda x: x * p["v"])
    yield "compiled", lambda x: helper(x), lambda v: p.update(v=v)
    objects = np.array([lst, None], dtype=object)
    yield "array of objects", lambda x: objects[0][0] * x, lambda v: lst.__setitem__(0, v)
    table = scipy.interpolate.CubicSpline([0.0, 1.0, 2.0], [0.0, 0.0, 0.0])
    yield "spline", lambda x: float(table(1.0)) * x, lambda v: table.c.__setitem__(3, v)


READERS = {name: (f, put) for name, f, put in readers()}


@pytest.mark.parametrize("name", READERS)
def test_what_a_function_reads(name):
    f, put = READERS[name]
    put(2.0)
    g, before = frozen(f), f(3.0)
    put(5.0)
    assert g(3.0) == before != f(3.0)
    assert frozen(g)(3.0) == before


def test_copies_go_on_alone():
    """What a copy changes in itself is its own; what is shared, and cycles, stay so."""
    calls = [0]

    def f():
        calls[0] += 1
        return calls[0], calls is f.calls, g.f is f

    f.calls, g = calls, types.SimpleNamespace(f=f)
    copied = frozen(f)
    assert [copied(), copied()] == [(1, True, True), (2, True, True)]
    assert calls == [0]


def test_long_chains_and_what_cannot_be_copied(tmp_path):
    class Link:
        pass

    first = link = Link()
    for _ in range(5000):
        link.next = Link()
        link = link.next
    link.next, link.level = None, 2.0

    def last():
        at = first
        while at.next is not None:
            at = at.next
        return at.level

    copied, link.level = frozen(last), 3.0
    assert copied() == 2.0
    with (tmp_path / "a").open("w") as file:
        assert frozen(lambda: file)() is file
    assert frozen(lambda: (i for i in [1]))


def test_what_reads_nothing_stays_itself():
    def f(x):
        return x + 1

    assert frozen(f) is f


# ------------------------------------------------------------------ in all that is done later
def runs(form):
    """Return F(q): some runs one after the other, of one function that reads what changes."""

    def through(q, read, put):
        s = q
        for value in (1.0, 0.25, 2.0):
            put(value)
            s = form(read, s, q)
        return s

    return through


def of_an_ode(**options):
    def form(read, s, q):
        found = solve_ivp(lambda t, y, q: read(1.0) - q * y, (0.0, 0.5), [s], args=(q,), **options)
        return found.y[0, -1]

    return form


def crossing(t, y, q):
    return y[0] - 100.0


def stepped(read, s, q):
    return checkpointed(read)(s, q)


def checkpointed(read):
    return taylor.checkpoint(lambda s, q: s + 0.1 * (read(1.0) - q * s), 6)


FORMS = {
    "solve_ivp": of_an_ode(),
    "events": of_an_ode(events=crossing),
    "dosing": of_an_ode(dosing=([0.25], [[0.5]])),
    "RadauIIA": of_an_ode(method="RadauIIA", rtol=1e-10, atol=1e-12),
    "BDF": of_an_ode(method="BDF", rtol=1e-10, atol=1e-12),
    "ensemble": lambda read, s, q: solve_ensemble(
        lambda t, y, q: read(1.0) - q * y, (0.0, 0.5), np.stack([[s]]), args=(q,)
    ).y[0, 0, -1],
    "value_and_gradient": lambda read, s, q: value_and_gradient(
        lambda y: y[0], lambda t, y, q: read(1.0) - q * y, (0.0, 0.5), [s], args=(q,)
    )[0],
    "flow_map": lambda read, s, q: flow_map(
        lambda t, y, q: read(1.0) - q * y, (0.0, 0.5), [s], 1, args=(q,)
    ).value[0],
    "checkpoint": stepped,
    "implicit_root": lambda read, s, q: taylor.implicit_root(
        lambda x, p: x + read(1.0) * x**3 - p, 0.5
    )(s),
    "fixed_point": lambda read, s, q: taylor.fixed_point(
        lambda x, p: p + 0.2 * np.sin(read(x)), 0.5
    )(s),
    "brentq": lambda read, s, q: optimize.brentq(
        lambda x, p: x + read(1.0) * x**3 - p, -9.0, 9.0, args=(s,)
    ),
    "minimize": lambda read, s, q: optimize.minimize(
        lambda x, p: np.sum((x - p) ** 2 + read(0.1) * x**4), [0.5], args=(s,), tol=1e-10
    ).x[0],
    "quad": lambda read, s, q: integrate.quad(lambda x, p: np.exp(-read(x) * p), 0, 1, (s,))[0],
}


@pytest.mark.parametrize("form", FORMS)
def test_gradients_of_runs_between_which_something_changes(form):
    """Reverse mode, compiled too, is forward mode, which takes each run as it is."""
    through, (read, put) = runs(FORMS[form]), READERS["dict"]
    q, pair = 0.7, np.array([0.4, 0.3])

    def f(q):
        return through(q, read, put)

    def of_two(x):
        return f(x[0] + x[1])

    rel = 1e-8 if form in ("RadauIIA", "BDF", "minimize") else 1e-12
    one, two = taylor.taylor_coefficients(f, q, 2)[1:]
    assert taylor.gradient(of_two, pair) == pytest.approx([one, one], rel=rel)
    assert taylor.hessian(of_two, pair)[0, 1] == pytest.approx(2 * two, rel=100 * rel)
    assert taylor.hvp(of_two, pair, np.ones(2)) == pytest.approx([4 * two] * 2, rel=100 * rel)


@pytest.mark.parametrize("name", [name for name in READERS if name != "spline"])
def test_gradients_of_runs_by_what_is_read(name):
    """y' = a - q y with another a in each run, in closed form."""
    (read, put), levels = READERS[name], []

    def noted(value):
        put(value)
        levels.append(float(read(1.0)))

    def f(q):
        return runs(of_an_ode())(q, read, noted)

    def exact(q):
        y = q
        for a in levels[:3]:
            y = (y - a / q) * np.exp(-q / 2) + a / q
        return y

    got = taylor.gradient(lambda x: f(np.sum(x)), np.array([0.4, 0.3]))
    assert got == pytest.approx([taylor.derivative(exact, 0.7)] * 2, rel=1e-13)


def test_thermostats():
    """The state of a controller changes at events of one run, and between runs."""
    heater = {"on": 1.0}

    def cool(t, y, k):
        return k * (heater["on"] * 40.0 - y)

    def high(t, y, k):
        return y[0] - 21.0

    def low(t, y, k):
        return y[0] - 19.0

    high.direction, high.callback = 1, lambda t, y, k: heater.update(on=0.0)
    low.direction, low.callback = -1, lambda t, y, k: heater.update(on=1.0)

    def end(k):
        heater["on"], y = 1.0, [20.0]
        for span in ((0.0, 1.0), (1.0, 1.3)):
            y = solve_ivp(cool, span, y, args=(k,), events=[high, low]).y[:, -1]
        return y[0]

    k = 0.8
    slope = taylor.derivative(end, k)
    assert slope == pytest.approx((end(k + 1e-5) - end(k - 1e-5)) / 2e-5, rel=1e-6)
    assert taylor.gradient(lambda x: end(np.sum(x)), np.array([0.5, 0.3]))[0] == pytest.approx(
        slope, rel=1e-11
    )


def test_values_of_recordings_in_what_changes():
    """A dict holds the parameter itself, another function of it in each run."""
    p = {}

    def f(q):
        y = [1.0]
        for k in range(3):
            p["rate"] = q * (1 + k)
            y = solve_ivp(lambda t, y: -p["rate"] * y, (0.0, 0.5), y).y[:, -1]
        return y[0]

    got = taylor.gradient(lambda x: f(np.sum(x)), np.array([0.4, 0.3]))
    assert got == pytest.approx([-3.0 * np.exp(-2.1)] * 2, rel=1e-13)


def test_arguments_that_change():
    """Arrays, dicts and objects among args are those of each run."""
    gains, model = {"a": 1.0}, Data(1.0)
    weights = np.array([1.0, 2.0])

    def rate(t, y, q, gains, model, weights):
        return -q * gains["a"] * model.level * weights[0] * y

    def f(q):
        y = [1.0]
        for k in range(3):
            gains["a"], model.level, weights[0] = 1.0 + k, 2.0 - k / 2, 1.0 / (1 + k)
            y = solve_ivp(rate, (0.0, 0.5), y, args=(q, gains, model, weights)).y[:, -1]
        return y[0]

    got = taylor.gradient(lambda x: f(np.sum(x)), np.array([0.4, 0.3]))
    assert got == pytest.approx([-2.25 * np.exp(-2.25 * 0.7)] * 2, rel=1e-13)
