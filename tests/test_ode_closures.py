"""What problems have from outside of their functions, or hold in objects, is differentiated."""

import functools
from collections import deque
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

import taylor
from taylor.numbers.kinds import base
from taylor.ode import flow_map, solve_ensemble, solve_ivp, value_and_gradient
from taylor.scipy.interpolate import CubicSpline, interp1d

DRIVERS = taylor.gradient, taylor.derivative


class Decay:
    """A right-hand side that is an object, with its parameter in a dict of it."""

    def __init__(self, rate):
        self.known = {"rates": [rate]}

    def __call__(self, t, y):
        return -self.known["rates"][0] * y

    def rate(self, t, y, scale):
        return scale * self(t, y)


def helped(rate):
    times = lambda y: rate * y
    return lambda t, y: -times(y)


def calling_itself(rate):
    def again(n, y):
        return again(n - 1, y) if n else rate * y

    return lambda t, y: -again(2, y)


def holding_itself(rate):
    x = Decay(rate)
    x.known |= {"self": x, "call": x.__call__}
    return lambda t, y: x.known["self"].known["call"](t, y)


class Fields(NamedTuple):
    rate: float
    scale: float = 1.0


@dataclass
class Table:
    rate: float
    more: Any = None


KNOWN = {"rate": 0.3, "scale": 1.0}


def by_global(p):
    KNOWN["rate"] = p
    return lambda t, y: -KNOWN["scale"] * KNOWN["rate"] * y


MODULE = ModuleType("users")
MODULE.inner = ModuleType("users.inner")


def by_module(p):
    MODULE.rate, MODULE.inner.table = p, {"scale": 1.0}
    return lambda t, y: -MODULE.inner.table["scale"] * MODULE.rate * y


def by_modules_class(p):
    MODULE.inner.Table, Table.shared = Table, p
    return lambda t, y: -MODULE.inner.Table.shared * y


def of(known, rate):
    return lambda t, y: -rate(known) * y


class Own(property):
    def __init__(self, get):
        super().__init__(get)


class Owned:
    def __init__(self, rate):
        self.half = rate / 2

    @Own
    def rate(self):
        return 2 * self.half

    def fun(self, t, y):
        return -self.rate * y


def boxed(p):
    x = np.empty((), dtype=object)
    x[()] = p
    return x


class Named(dict):
    """A dict with an attribute."""

    def __init__(self, rate):
        self.rate = rate


def by_class(p):
    Table.shared = p
    return lambda t, y: -Table.shared * y


HELD = {  # functions of (t, y), or of (t, y, scale), that have a rate from outside of them
    "closure": lambda p: lambda t, y: -p * y,
    "closure within": helped,
    "default": lambda p: lambda t, y, *scale, p=p: -p * y,
    "object": Decay,
    "method": lambda p: functools.partial(Decay(p).rate, scale=1.0),
    "calling itself": calling_itself,
    "holding itself": holding_itself,
    "partial": lambda p: functools.partial(lambda t, y, p: -p * y, p=p),
    "dict of the module": by_global,
    "attribute of a class": by_class,
    "attribute of a module": by_module,
    "class in a module of a module": by_modules_class,
    "attribute of a dict": lambda p: of(Named(p), lambda known: known.rate),
    "queue": lambda p: of(deque([p]), lambda known: known[0]),
    "method of a dict": lambda p: of({"rate": p}.get, lambda known: known("rate")),
    "property of its own kind": lambda p: Owned(p).fun,
    "array without axes": lambda p: of(boxed(p), lambda known: known[()]),
    "values of a dict": lambda p: of({"k": p}.values(), lambda known: next(iter(known))),
    "what shows a dict": lambda p: of(MappingProxyType({"k": p}), lambda known: known["k"]),
    "matrix of numbers and values": lambda p: functools.partial(
        lambda a, t, y: (a @ np.array([y[0], 1.0]))[:1], np.array([[-p, 0.0], [0.0, 1.0]])
    ),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", HELD)
def test_what_fun_has_from_outside_is_a_parameter(name, driver):
    f = lambda p: solve_ivp(HELD[name](p), (0, 1), [1.0]).y[0, -1]
    np.testing.assert_allclose(driver(f, 0.5), -np.exp(-0.5), rtol=1e-14)


def test_what_was_differentiated_and_is_kept_does_no_harm():
    seen = []

    class Logged(Decay):
        def __call__(self, t, y):
            self.last = y
            seen.append(y)
            return super().__call__(t, y)

    fun = Logged(0.5)
    f = lambda x: solve_ivp(fun, (0, 1), [x]).y[0, -1]
    for _ in range(2):
        assert all(abs(g - np.exp(-0.5)) < 1e-15 for g in (f(1.0), taylor.gradient(f, 1.0)))


OBJECTS = {  # of p, as one of args; and the rate in them
    "dict": (lambda p: {"rate": p, "scale": 1.0}, lambda q: q["rate"] * q["scale"]),
    "dict in a dict": (lambda p: {"a": {"rates": [2.0, p]}}, lambda q: q["a"]["rates"][1]),
    "object": (Table, lambda q: q.rate),
    "object in an object": (lambda p: Table(1.0, Table(p)), lambda q: q.rate * q.more.rate),
    "named fields": (Fields, lambda q: q.rate * q.scale),
    "layers": (lambda p: [(np.stack([p, p]), 1.0), (p, 2.0)], lambda q: q[0][0][1] * q[0][1]),
    "function": (lambda p: lambda t: p + 0 * t, lambda q: q(1.0)),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", OBJECTS)
def test_objects_as_arguments_hold_parameters(name, driver):
    made, rate = OBJECTS[name]
    f = lambda p: solve_ivp(lambda t, y, q: -rate(q) * y, (0, 1), [1.0], args=(made(p),)).y[0, -1]
    np.testing.assert_allclose(f(0.5), np.exp(-0.5), rtol=1e-15)
    np.testing.assert_allclose(driver(f, 0.5), -np.exp(-0.5), rtol=1e-14)


def test_objects_that_hold_parameters_may_change_between_runs():
    fun = lambda t, y, q: -q["rate"] * q["scale"] * y

    def f(p):
        q, found = {"rate": p, "scale": 1.0}, 1.0
        for scale in (1.0, 2.0, 3.0):
            q["scale"] = scale
            found = found * solve_ivp(fun, (0, 1), [1.0], args=(q,)).y[0, -1]
        return found

    for driver in DRIVERS:
        np.testing.assert_allclose(driver(f, 0.5), -6 * np.exp(-3.0), rtol=1e-14)


class Switched:
    def __init__(self, p):
        self.rate, self.on, self.log = p, 1.0, []

    def fun(self, t, y, *args):
        return -self.rate * self.on * y

    def off(self, t, y, *args):
        self.on = 0.25
        self.log += [self.rate, 1.0]


def by_cell(p):
    on = 1.0

    def fun(t, y, *args):
        return -p * on * y

    def off(t, y, *args):
        nonlocal on
        on = 0.25 + 0 * base(p)

    return fun, off


def by_items(p):
    q = {"rate": p, "on": 1.0, "old": 1}
    return (
        lambda t, y, *args: -q["rate"] * q["on"] * y,
        lambda t, y, *args: q.update(on=0.25) or (q.pop("old") and None),
    )


def by_method(p):
    switched = Switched(p)
    return switched.fun, switched.off


WRITTEN = {  # functions of p: fun, a callback that writes into what holds p, and args
    "variable": by_cell,
    "dict": by_items,
    "object": by_method,
    "argument": lambda p: (
        lambda t, y, q: -q["rate"] * q["on"] * y,
        lambda t, y, q: q.update(on=0.25),
        {"rate": p, "on": 1.0},
    ),
    "returned": lambda p: (
        lambda t, y, q: -q["rate"] * q["on"] * y,
        lambda t, y, q: (y, (q | {"on": 0.25},)),
        {"rate": p, "on": 1.0},
    ),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", WRITTEN)
def test_what_callbacks_write_beside_parameters_stays(name, driver):
    def f(p):
        fun, off, *args = WRITTEN[name](p)
        half = lambda t, y, *args: t - 0.5
        half.callback = off
        return solve_ivp(fun, (0, 1), [1.0], args=tuple(args), events=half).y[0, -1]

    np.testing.assert_allclose(f(0.5), np.exp(-0.3125), rtol=1e-14)
    np.testing.assert_allclose(driver(f, 0.5), -0.625 * np.exp(-0.3125), rtol=1e-13)


DECAY, OWN = (lambda t, y: -y * y), (lambda t, y, q: -q * y * y)
MEMBERS = np.array([[1.0], [2.0]])
WHOLE = {  # functions of p, which problems have from outside, or as a part of what they are given
    "members": lambda p: solve_ensemble(lambda t, y: -p * y * y, (0, 1), MEMBERS).y,
    "args": lambda p: solve_ensemble(OWN, (0, 1), MEMBERS, args=(p,)).y_last,
    "one of args": lambda p: solve_ensemble(OWN, (0, 1), MEMBERS, args=[(p,), (0.5,)]).y_last,
    "y0": lambda p: solve_ensemble(DECAY, (0, 1), np.stack([[p], [p * p]])).y,
    "jumps": lambda p: solve_ensemble(DECAY, (0, 1), MEMBERS, dosing=([0.5], [p])).y_last,
    "doses": lambda p: (
        solve_ensemble(DECAY, (0, 1), MEMBERS, dosing=[([0.5], lambda t, y: p * y), None]).y_last
    ),
    "map": lambda p: flow_map(lambda t, y: -p * y * y, (0, 1), [2.0], 1).gradient(),
    "map of y0": lambda p: flow_map(DECAY, (0, 1), np.stack([p]), 1).gradient(),
    "adjoints": lambda p: value_and_gradient(np.sum, lambda t, y: -p * y * y, (0, 1), [2.0])[1],
    "adjoints of args": lambda p: value_and_gradient(
        np.sum, lambda t, y, q: -p * q * y * y, (0, 1), [1.0], args=(0.7,)
    )[2][0],
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", WHOLE)
def test_what_problems_have_from_outside_is_differentiated(name, driver):
    f = lambda p: np.sum(WHOLE[name](p))
    h = 1e-3
    central = 4 / 3 * (f(0.5 + h) - f(0.5 - h)) / (2 * h) - (f(0.5 + 2 * h) - f(0.5 - 2 * h)) / (
        12 * h
    )
    np.testing.assert_allclose(driver(f, 0.5), central, rtol=1e-10)


# ------------------------------------------------------------------ solutions and splines
KNOTS = np.array([0.0, 0.8, 2.0])
EVENT = lambda t, y: y[0] - 0.6
EVENT.callback = lambda t, y: y + 0.1
DENSE = {  # functions of (a, b): numbers of solutions between their steps, or of what reads tables
    "forwards": lambda a, b: solve_ivp(lambda t, y: -a * y * y, (0, 2), [b], **SOL).sol(0.7)[0],
    "second derivative, backwards": lambda a, b: (
        solve_ivp(lambda t, y: -a * y * y, (2, 0), [b], **SOL).sol.derivative([0.3, 1.1], 2).sum()
    ),
    "events": lambda a, b: (
        solve_ivp(lambda t, y: -a * y * y, (0, 2), [b], events=EVENT, **SOL).sol([0.1, 1.7]).sum()
    ),
    "moving doses": lambda a, b: solve_ivp(
        lambda t, y: -a * y * y, (0, 2), [b], dosing=([a], [b]), **SOL
    ).sol(1.9)[0],
    "complex": lambda a, b: abs(
        solve_ivp(lambda t, y: 1j * a * y * y, (0, 1), [b + 0j], **SOL).sol(0.7)[0] - 0.3
    ),
    "implicit method": lambda a, b: solve_ivp(
        lambda t, y: -a * y * y, (0, 2), [b], "RadauIIA", rtol=1e-13, **SOL
    ).sol(0.7)[0],
    "spline": lambda a, b: read_by(CubicSpline(KNOTS, [a, b, 0.1]), interp1d(KNOTS, [b, a, 0.3])),
}
SOL = {"dense_output": True}


def read_by(table, other):
    rate = lambda t, y, s: s(t) + other(t)
    return solve_ivp(rate, (0, 1.7), [1.0], args=(table,), order=6).y[0, -1]


@pytest.mark.parametrize("name", DENSE)
def test_solutions_and_tables_are_differentiated_wherever_they_are_read(name):
    f = lambda x: np.sum(DENSE[name](*x))
    x, h = np.array([0.5, 0.7]), 1e-3
    shifts = [(1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)]
    central = [sum(w * f(x + s * h * e) for s, w in shifts) / (12 * h) for e in np.eye(2)]
    np.testing.assert_allclose(taylor.gradient(f, x), central, rtol=1e-8)
    along = taylor.derivative(lambda s: f(x + s * np.array([1.0, -2.0])), 0.0)
    np.testing.assert_allclose(along, central @ np.array([1.0, -2.0]), rtol=1e-8)


def test_second_derivatives_of_solutions_between_their_steps():
    f = lambda x: DENSE["forwards"](*x)
    exact = taylor.hessian(lambda x: x[1] / (1 + 0.7 * x[0] * x[1]), [0.5, 0.7])
    np.testing.assert_allclose(taylor.hessian(f, [0.5, 0.7]), exact, rtol=1e-13)


def test_delays_by_the_method_of_steps_have_derivatives_of_any_order():
    def delayed(a):  # y' = -a y(t - 1), y = 1 up to t = 0; y(2) = 1 - 2 a + a² / 2
        past, y = lambda t: np.ones(1), np.ones(1)
        for n in range(2):
            rate = lambda t, y, past=past: -a * past(t - 1)
            r = solve_ivp(rate, (n, n + 1), y, order=4, **SOL)
            past, y = r.sol, r.y[:, -1]
        return y[0]

    np.testing.assert_allclose(taylor.gradient(delayed, 0.5), -1.5, rtol=1e-13)
    np.testing.assert_allclose(taylor.derivatives(delayed, 0.5, 2), [0.125, -1.5, 1.0], rtol=1e-13)
