"""Loops as one instruction: values and derivatives of every order and mode are those of Python's.

And the program, its derivatives and their code do not grow with the number of steps.
"""

import mpmath
import numpy as np
import pytest
import sympy

import taylor
from hyperdual import HyperDual
from taylor import Taylor, TaylorN, scan
from taylor.core.algebra import Univariate
from taylor.core.graded import multivariate
from taylor.core.loops import Loop
from taylor.core.program import expand
from taylor.core.sweep import sweep
from taylor.sparse import jacobian_pattern

N = 7
RNG = np.random.default_rng(5)
WEIGHTS, DRIVE = RNG.normal(size=(3, 3)) / 2, RNG.normal(size=(N, 3))


def plain(step, state, n=None, *, xs=None, outputs=False):
    """The loop in Python; xs is an array or a tuple of arrays."""
    kept = []
    for i in range(len(xs[0] if isinstance(xs, tuple) else xs) if n is None else n):
        row = [] if xs is None else [tuple(x[i] for x in xs) if isinstance(xs, tuple) else xs[i]]
        state = step(state, *row)
        if outputs:
            state, y = state
            kept.append(y)
    return (state, np.stack(kept)) if outputs else state


# ------------------------------------------------------------------ functions of an array of three
def pendulum(loop, z):
    def step(s):
        q, p = s
        p = p - 0.1 * (np.sin(q) + z[2] * p)  # z[2] is used from elsewhere
        return q + 0.1 * p, p

    q, p = loop(step, (z[0], z[1]), N)
    return p**2 - np.cos(q)


def network(loop, z):
    return np.sum(loop(lambda s, x: np.tanh(WEIGHTS @ s + x * z[0]), z, xs=DRIVE) ** 2)


def sums(loop, z):
    """The outputs, an initial state without derivatives, rows that vary."""
    last, all = loop(lambda s, x: (s * z[1] + x, s * x), 0.5, xs=np.tile(z, 3), outputs=True)
    return last + np.sum(all**2) * z[2]


def branches(loop, z):
    def step(s, x):
        return np.where(s > x[0], s / (1 + s**2), s * z) + 0.1 * x[1]

    return np.sum(loop(step, z, xs=(DRIVE, 2 * DRIVE)) ** 3)


def nested(loop, z):
    def outer(s):
        inner = loop(lambda r: r * np.cos(r * z[0]) + s[1], s[0], 3)
        return np.stack([inner, s[1] * z[1]])

    return np.prod(loop(outer, z[1:], 4))


def swapped(loop, z):
    """States that are each other's, and one that is a constant."""
    a, b, c = loop(lambda s: (s[1], s[0] * z[0], 2.0), (z[1:], z[:2], 1.0), N)
    return np.sum(a * b) * c


CASES = [pendulum, network, sums, branches, nested, swapped]
Z = np.array([0.7, 0.4, 0.3])
V = np.array([1.0, -0.5, 0.25])
cases = pytest.mark.parametrize("f", CASES, ids=[f.__name__ for f in CASES])


def both(f):
    return (lambda z: f(scan, z)), (lambda z: f(plain, z))


def close(a, b, tol=1e-12):
    assert np.asarray(a) == pytest.approx(np.asarray(b), rel=tol, abs=tol)


@cases
def test_values_and_series_are_those_of_the_loop_in_python(f):
    looped, whole = both(f)
    program = taylor.record(looped, Z)
    for x in (Z, Taylor.variable(Z, 4, direction=V), HyperDual(Z, 1, 1)):
        y = whole(x)
        for found in (looped(x), program(x)):
            close(getattr(found, "coef", found), getattr(y, "coef", y))
    x = np.stack(TaylorN.variables(Z, 3))
    close(program(x).coef, whole(x).coef)
    s = Taylor.variable(Z, 4, direction=V)
    (table,) = sweep(expand(program), Univariate(4), [s.coef])
    close(table, whole(s).coef)
    (table,) = sweep(expand(program), multivariate(3, 3), [x.coef])
    close(table, whole(x).coef)


@cases
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_derivatives_are_those_of_the_loop_in_python(f, compiled):
    looped, whole = both(f)
    looped = taylor.compile(looped, strict=True) if compiled else looped
    close(looped(Z), whole(Z))
    close(taylor.gradient(looped, Z), taylor.gradient(whole, Z))
    hessian = taylor.hessian(whole, Z)
    close(taylor.hessian(looped, Z), hessian, 1e-11)
    close(taylor.hvp(looped, Z, V), hessian @ V, 1e-11)
    close(taylor.jvp(looped, Z, V)[1], taylor.gradient(whole, Z) @ V)
    twice = taylor.gradient(lambda z: V @ taylor.gradient(looped, z), Z)
    close(twice, hessian @ V, 1e-11)
    along = taylor.taylor_coefficients(lambda t: whole(Z + t * V), 0.0, 4)
    close(looped(Taylor.variable(Z, 4, direction=V)).coef, along, 1e-11)
    x = np.stack(TaylorN.variables(Z, 2))
    close(looped(x).coef, whole(x).coef, 1e-11)
    third = taylor.third(whole, Z, V, V)
    close(taylor.third(looped, Z, V, V), third, 1e-10)


@pytest.mark.parametrize("row", [np.exp, np.sin, np.log, np.sqrt, lambda s: s**1.5, np.tan])
@pytest.mark.parametrize("loop", [taylor.scan, None], ids=["scan", "checkpoint"])
def test_functions_of_a_whole_result(row, loop):
    def halved(x):
        if loop is None:
            return taylor.checkpoint(lambda s: 0.5 * s, 3)(x)
        return loop(lambda s: 0.5 * s, x, 3)

    x, v = np.array([0.7, 0.5, 0.3]), np.array([1.0, -0.5, 0.25])
    f, compiled = (lambda x: row(x / 8)), taylor.compile(lambda x: row(halved(x)))
    for order in (1, 2, 5):
        got, wanted = (taylor.directional(g, x, v, order) for g in (compiled, f))
        np.testing.assert_allclose(got, wanted, rtol=1e-12)
    variables = np.stack(taylor.TaylorN.variables(x, order=2))
    for got, wanted in zip(compiled(variables), f(variables), strict=True):
        np.testing.assert_allclose(got.coef, wanted.coef, rtol=1e-12, atol=1e-15)


@cases
def test_another_point_is_another_value(f):
    looped, whole = both(f)
    c = taylor.compile(looped, strict=True)
    for z in (Z, Z[::-1] * 1.1, -Z):
        close(c(z), whole(z))
        close(taylor.gradient(c, z), taylor.gradient(whole, z))


def test_third_derivatives_in_every_nesting():
    def f(x):
        return scan(lambda s: s * x + np.sin(s), 0.3 * x, 3)

    grad, der = taylor.gradient, taylor.derivative
    s, x = sympy.symbols("s x")
    s = sympy.Rational(3, 10) * x
    for _ in range(3):
        s = s * x + sympy.sin(s)
    exact = float(sympy.diff(s, x, 3).subs(x, sympy.Rational(4, 5)).evalf(30))
    for a in (grad, der):
        for b in (grad, der):
            for c in (grad, der):
                third = a(lambda x: b(lambda x: c(f, x), x), 0.8)  # noqa: B023
                assert float(third) == pytest.approx(exact, rel=1e-11), (a, b, c)


def test_numbers_of_every_kind():
    def f(x):
        return scan(lambda s: s * x + 1 / s, x, 6)

    with mpmath.workdps(50):
        x = mpmath.mpf("1.3")
        y = x
        for _ in range(6):
            y = y * x + 1 / y
        assert f(x) == y
        assert abs(taylor.derivative(f, x) - mpmath.diff(f, x)) < mpmath.mpf(10) ** -20
    assert f(1.3) == pytest.approx(float(y), rel=1e-15)
    assert f(np.float32(1.3)).dtype == np.float32
    z = 1.3 + 0.2j
    whole = plain(lambda s: s * z + 1 / s, z, 6)
    assert f(z) == whole
    h = 1e-6
    assert taylor.gradient(f, z) == pytest.approx((f(z + h) - f(z - h)) / (2 * h), rel=1e-8)
    assert taylor.compile(f)(z) == pytest.approx(whole, rel=1e-14)


# ------------------------------------------------------------------ growth
def test_programs_do_not_grow():
    def step(s):
        return s + 0.01 * np.sin(s)

    sizes = set()
    for n in (10, 1000):
        program = taylor.record(lambda x: scan(step, x, n), 0.5)  # noqa: B023
        twice = taylor.reverse(taylor.reverse(program))
        sizes.add((len(program), len(twice)))
        assert any(isinstance(i.op, Loop) for i in program.code)
    assert len(sizes) == 1
    log = lambda x: scan(lambda s, v: s + taylor.gradient(np.log, v), 0.0, xs=x)
    program = taylor.record(log, np.arange(1.0, 9.0))  # a driver in a step is a step, too
    assert any(isinstance(i.op, Loop) for i in program.code)
    compiled = taylor.compile(log)
    assert compiled(np.arange(1.0, 5.0)) == pytest.approx(25 / 12)
    with pytest.raises(taylor.DomainError):  # 1/x is finite at -1, log is not
        compiled(np.array([1.0, -1.0, 1.0, 2.0]))


def test_a_gradient_goes_forward_once_and_back_once():
    """The steps that give the value and those that keep the states are the same."""
    x, w = np.linspace(0.1, 1.0, 40).reshape(20, 2), np.array([[0.3, -0.2], [0.1, 0.4]])

    def states(w):
        return scan(lambda s, r: np.tanh(s @ w + r), np.zeros(2), xs=x)

    def points(w):
        ys = scan(lambda s, r: (s, np.tanh(r @ w)), (), xs=x, outputs=True)[1]
        return np.mean(np.sum(ys, axis=-1) ** 2)

    for f in (lambda w: np.sum(states(w) ** 2), points):
        program, _ = taylor.compile(lambda w: taylor.gradient(f, w)).recorded(  # noqa: B023
            "value", [w], 1e9
        )
        loops = [i.op for i in program.code if isinstance(i.op, Loop)]
        assert [op.backwards for op in loops] == [False, True]
        gradient = taylor.compile(lambda w: taylor.gradient(f, w), strict=True)(w)  # noqa: B023
        step = 1e-6 * np.array([[1.0, 2.0], [3.0, -1.0]])
        slope = (f(w + step) - f(w - step)) / 2
        assert np.sum(gradient * step) == pytest.approx(slope, rel=1e-7)


def test_a_million_steps_compiled():
    n = 1_000_000
    f = taylor.compile(lambda x: scan(lambda s: s + (2.0 - s) * (x / n), 0.0, n), strict=True)
    assert f(1.0) == pytest.approx(2 - 2 * (1 - 1 / n) ** n, rel=1e-9)
    assert taylor.gradient(f, 1.0) == pytest.approx(2 * (1 - 1 / n) ** (n - 1), rel=1e-9)


def test_patterns_are_those_of_the_loop():
    def f(loop, x):
        last, all = loop(lambda s, r: (s[::-1] * 2 + r, s[:1] * r), x[:2], xs=x[2:6], outputs=True)
        return np.concatenate([last, np.ravel(all)])

    x = np.arange(1.0, 8.0)
    looped, whole = (taylor.record(lambda x: f(loop, x), x) for loop in (scan, plain))  # noqa: B023
    assert [a.tolist() for a in jacobian_pattern(looped)] == [
        a.tolist() for a in jacobian_pattern(whole)
    ]


# ------------------------------------------------------------------ what is no program
def test_decisions_on_the_result_are_those_of_all_steps():
    def f(x):
        s = taylor.scan(lambda s: s + 1.0, x, 100)
        return s**2 if s > 50 else -s

    compiled = taylor.compile(f, strict=True)  # of two steps the decision is another one
    for x in 8 * (0.5, 1.5) + 8 * (-90.0,):  # until code is made of every form
        assert compiled(x) == f(x)
        assert taylor.gradient(compiled, x) == taylor.gradient(f, x) == (2 * (x + 100), -1)[x < 0]
        assert taylor.hessian(compiled, x) == taylor.derivative(compiled, x, 2) == (2, 0)[x < 0]


def test_kinks_are_seen():
    def f(loop, x):
        return loop(lambda s: np.abs(s) * 1.5 - 0.3, x, 4)

    def smooth(loop, x):
        return loop(lambda s: np.maximum(s, 0.0) ** 2 + x, x, 4)

    c = taylor.compile(lambda x: f(scan, x))
    for g in (c, lambda x: f(scan, x)):
        assert taylor.gradient(g, 0.5) == taylor.gradient(lambda x: f(plain, x), 0.5)
        with pytest.raises(taylor.NonAnalyticError):
            taylor.gradient(g, 0.0)
    for g in (taylor.compile(lambda x: smooth(scan, x)), lambda x: smooth(scan, x)):
        assert taylor.gradient(g, 0.0) == taylor.gradient(lambda x: smooth(plain, x), 0.0)


def test_python_decides():
    def f(loop, x):
        return loop(lambda s: s / 2 if s > 1 else 3 * s + x, x, 8)

    for x in (0.3, 2.5):
        exact = taylor.derivative(lambda x: f(plain, x), x)
        for g in (lambda x: f(scan, x), taylor.compile(lambda x: f(scan, x))):
            assert taylor.gradient(g, x) == pytest.approx(exact, rel=1e-13)
            assert taylor.derivative(g, x) == pytest.approx(exact, rel=1e-13)


def test_states_that_change_their_shape_and_dicts_of_states():
    def grow(s):
        return np.concatenate([s, s[-1:] * 2])

    assert taylor.gradient(lambda x: np.sum(scan(grow, x, 3)), np.ones(2)) == pytest.approx([1, 15])

    def f(loop, x):
        y = loop(lambda s: {"a": s["a"] * x, "b": s["b"] + s["a"]}, {"a": x, "b": 0}, 5)
        return y["b"]

    assert taylor.gradient(lambda x: f(scan, x), 1.1) == pytest.approx(
        taylor.derivative(lambda x: f(plain, x), 1.1), rel=1e-14
    )


def test_no_step_and_few():
    for n in (0, 1, 2, 3):
        assert taylor.gradient(lambda x: scan(lambda s: 3 * s, x, n), 1.0) == 3.0**n  # noqa: B023


def test_what_is_wrong_is_said():
    with pytest.raises(TypeError, match="number of steps"):
        scan(lambda s: s, 1.0)
    with pytest.raises(ValueError, match="4, but xs have 3 rows"):
        scan(lambda s, x: s, 1.0, 4, xs=np.ones(3))
    with pytest.raises(ValueError, match="first axis"):
        scan(lambda s, x: s, 1.0, xs=(np.ones(3), np.ones(2)))
    with pytest.raises(TypeError, match="function"):
        scan(1.0, 1.0, 3)
    with pytest.raises(TypeError, match=r"returns \(state, y\)"):
        scan(lambda s: s, 1.0, 3, outputs=True)
    with pytest.raises(ValueError, match="without a step"):
        scan(lambda s: (s, s), 1.0, 0, outputs=True)


def test_an_exception_of_the_step_comes_through():
    class Mine(Exception):
        pass

    def step(s):
        raise Mine

    for f in (lambda x: scan(step, x, 5), lambda x: taylor.gradient(lambda x: scan(step, x, 5), x)):
        with pytest.raises(Mine):
            f(1.0)
