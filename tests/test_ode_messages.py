"""Mistakes in every argument of every route: an error that names the argument, and what it is."""

import datetime
import re

import numpy as np
import pytest

from taylor import derivative
from taylor import gradient as gradient_of
from taylor.ode import (
    MethodIntegrator,
    TaylorIntegrator,
    flow_map,
    solve_ensemble,
    solve_ivp,
    value_and_gradient,
)


def fun(t, y, k=1.0):
    return [y[1], -k * y[0]]


def solve(fun, t_span, y0, **given):
    return solve_ivp(fun, t_span, y0, **given)


def members(fun, t_span, y0, **given):
    return solve_ensemble(fun, t_span, [y0] * 2 if isinstance(y0, list) else y0, **given)


def gradient(fun, t_span, y0, **given):
    return value_and_gradient(np.sum, fun, t_span, y0, **given)


def mapped(fun, t_span, y0, **given):
    return flow_map(fun, t_span, y0, 1, **given)


def stepped(fun, t_span, y0, **given):
    return TaylorIntegrator(fun, t_span[0], y0, **given).propagate_until(t_span[1])


ROUTES = (solve, members, gradient, mapped, stepped)
DAY = datetime.datetime(2020, 1, 1)
WRONG = (  # argument, what is given for it, what the error says
    ("fun", None, "fun is a function of (t, y, *args), not NoneType"),
    ("fun", "f", "fun is a function of (t, y, *args), not str"),
    ("fun", lambda y: y, "fun is called as fun(t, y, *args)"),
    ("fun", lambda t, y: [1.0], "fun returned an array of shape (1,) for a state of shape (2,)"),
    ("fun", lambda t, y: None, "fun returned NoneType: return one derivative"),
    ("fun", lambda t, y: [y, 1.0], "what fun returned makes no array"),
    ("fun", lambda t, y: [y[2], 1.0], "here with y of shape (2,)"),
    ("t_span", (0.0, None), "times are real numbers, not None"),
    ("t_span", ("a", 1.0), "times are real numbers, not 'a'"),
    ("t_span", (0.0, np.nan), "times are finite numbers, not nan"),
    ("t_span", (DAY, DAY), "(t - start) / np.timedelta64(1, 'h')"),
    ("y0", None, "y0 holds numbers: None (NoneType) is not a number"),
    ("y0", {"a": 1.0}, "y0 holds numbers: {'a': 1.0} (dict) is not a number"),
    ("y0", ["a", "b"], "y0 holds numbers: "),
    ("y0", [1.0, [2.0]], "y0 holds numbers: the rows of a nested list"),
    ("args", 1.0, "args is a tuple: did you mean args=(1.0,)?"),
    ("args", {"k": 1.0}, "args is a tuple: did you mean args=({'k': 1.0},)?"),
    ("args", (1.0, 2.0), "fun is called as fun(t, y, *args)"),
    ("tol", 0.0, "the tolerance is a number between 0 and 1, not 0.0"),
    ("rtol", "a", "the tolerance is a number between 0 and 1, not 'a'"),
    ("rtol", [1e-6] * 3, "rtol has the shape (3,), y0 (2,)"),
    ("atol", -1.0, "atol is a number of at least 0, not -1.0"),
    ("atol", [1e-6, "a"], "atol is a number, or one for each component of y"),
    ("atol", [1e-6] * 3, "atol has the shape (3,), y0 (2,)"),
    ("max_step", 0.0, "max_step is a positive number, not 0.0"),
    ("max_step", None, "max_step is a positive number, not None"),
    ("method", "RK4", "method"),
    ("events", 3, "an event is a function of (t, y, *args), not 3"),
    ("events", lambda t, y: y, "event 0 returned the shape (2,), not a number"),
    ("events", lambda t, y: None, "event 0 returned None: is a return missing?"),
    ("events", lambda t: t, "event 0 is called as event(t, y, *args)"),
    ("t_eval", ["a"], "t_eval holds numbers: "),
    ("t_eval", [0.1, None], "t_eval holds numbers: None"),
    ("t_eval", 0.5, "t_eval holds times along one axis, not ()"),
    ("t_eval", [0.5, 0.2], "the times of t_eval must lie in the order of integration"),
    ("dosing", 3.0, "dosing is (times, jumps), not 3.0"),
    ("dosing", ([DAY], [1.0, 0.0]), "the times of dosing are real numbers, not datetime"),
    ("dosing", (np.array(["2020-01-01"], "M8[D]"), [1.0, 0.0]), "the times of dosing are real"),
    ("dosing", ([None], [1.0, 0.0]), "the times of dosing are real numbers, not None"),
    ("dosing", (0.5, [1.0, 0.0]), "the times of dosing lie along one axis, not ()"),
    ("dosing", ([0.5], [1.0]), "the jumps of dosing have the shape (1,); for 1 doses"),
    ("dosing", ([0.5], [None, 1.0]), "dosing's array of jumps holds numbers: None"),
    ("dosing", ([0.5], lambda t: 1.0), "called as jump(t, y, *args)"),
    ("dosing", ([0.5], lambda t, y: [1.0]), "the function of dosing returned the shape (1,)"),
    ("dosing", ([0.5], lambda t, y: None), "the function of dosing returned None"),
    ("dosing", ([0.5], lambda t, y: y[5]), "called as jump(t, y, *args)"),
    ("dosing", ([0.5], lambda t, y: ([1.0, 2.0], 3.0)), "what the function of dosing returns"),
    ("event", fun, "unexpected keyword argument 'event'; did you mean events?"),
    ("maxstep", 1.0, "unexpected keyword argument 'maxstep'; did you mean max_step?"),
    ("mehtod", "BDF", "unexpected keyword argument 'mehtod'; did you mean method?"),
    ("y0", np.ones(2, np.complex64), "y0 is of type complex64: give it in complex128"),
)
TAKES = {  # but what all take
    solve: {"events", "t_eval", "dosing"},
    members: {"events", "t_eval"},
    gradient: {"events", "dosing"},
    mapped: {"events", "dosing"},
    stepped: set(),
}


def said(error):
    return " ".join([str(error), *getattr(error, "__notes__", ())])


@pytest.mark.parametrize("route", ROUTES)
def test_mistakes_are_named(route):
    missing = []
    for name, value, text in WRONG:
        if name in {"events", "t_eval", "dosing"} - TAKES[route]:
            continue
        given = {"fun": fun, "t_span": (0.0, 1.0), "y0": [1.0, 0.2]} | {name: value}
        try:
            route(**given)
        except (TypeError, ValueError, IndexError) as error:
            if text not in said(error):
                missing.append((name, value, said(error)))
        else:
            missing.append((name, value, "no error"))
    assert missing == []


STEPPED = {  # functions of p by an integrator
    "y0 is": lambda p: TaylorIntegrator(fun, 0.0, [p, 1.0]),
    "one of args is": lambda p: TaylorIntegrator(fun, 0.0, [1.0, 0.0], args=(p,)),
    "fun, events or dosing use": lambda p: MethodIntegrator(lambda t, y: p * y, 0.0, [1.0], "BDF"),
    "a state of series": lambda p: TaylorIntegrator(fun, 0.0, [1.0, 0.0]).set_state(0.0, [p, p]),
}


@pytest.mark.parametrize("what", STEPPED)
def test_integrators_say_where_derivatives_come_from(what):
    for driver in (derivative, gradient_of):
        with pytest.raises(TypeError, match=f"{what}.*solve_ivp"):
            driver(STEPPED[what], 0.5)


@pytest.mark.parametrize("route", (solve, members, gradient, mapped))
@pytest.mark.parametrize("t_span", [None, 1.0, (0.0,), (0.0, 1.0, 2.0), "01", [[0.0, 1.0]]])
def test_a_span_is_two_times(route, t_span):
    with pytest.raises(ValueError, match=re.escape("t_span is (t0, t1), not")):
        route(fun, t_span, [1.0, 0.2])
