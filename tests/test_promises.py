"""One promise on every route: what f gives by itself is what its drivers and its code give."""

import collections
import functools
import math
import random
import types
from datetime import timedelta

import mpmath
import numpy as np
import pytest

import taylor
import taylor.verified

SIGNED = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, 5e-324, -5e-324, 2.5, -2.5])
TWO = ("maximum", "minimum", "copysign", "add", "subtract", "multiply", "fmod", "remainder")
ONE = ("sign", "negative", "floor", "ceil", "trunc", "rint", "sqrt", "cbrt", "sin", "arctan")

SQUARES = np.arange(5.0) ** 2


# ------------------------------------------------------------------ signs of zeros
@pytest.mark.parametrize("name", [*ONE, *TWO])
def test_zeros_have_the_signs_of_numpy(name):
    ufunc = getattr(np, name)
    at = [SIGNED] if name in ONE else [a.ravel() for a in np.meshgrid(SIGNED, SIGNED)]
    with np.errstate(all="ignore"):
        want = ufunc(*at)
        compiled = taylor.compile(lambda *x: ufunc(*x))
        lanes = [np.array(compiled(*(np.tile(e, 3) for e in x))) for x in zip(*at, strict=True)]
        alone = [compiled(*map(float, x)) for x in zip(*at, strict=True)]
        recorded = [taylor.record(ufunc, *x)(*x) for x in zip(*at, strict=True)]
        for found in (np.array([c[0] for c in lanes]), np.array(alone), np.array(recorded)):
            known = np.isfinite(want)
            assert np.array_equal(np.signbit(found)[known], np.signbit(want)[known])
            assert np.allclose(found, want, rtol=4e-16, atol=0, equal_nan=True)


# ------------------------------------------------------------------ equality
X = np.array([1.0, 2.0])
EQUAL = [
    (lambda x: np.where(x == 2, 1, 0) * x, 2.0),
    (lambda x: x if x == 2 else 0 * x, 2.0),
    (lambda x: np.where(x != 2, x, 5 * x), 2.0),
    (lambda x: np.sum((x == 2) * x), X),
    (lambda x: np.sum(x[x == 2]), X),
    (lambda x: np.sum(x) * np.count_nonzero(x == 2), X),
    (lambda x: x * 3 if x in (1.0, 2.0) else x, 2.0),
    (lambda x: [1.0, 2.0].index(x) * x, 2.0),
    (lambda x: x.sum() if np.array_equal(x, [1, 2]) else 0 * x.sum(), X),
    (lambda x: 2 * x if x else 7 + x, 0.0),
    (lambda x: np.where(x == 0, 0.0, np.where(x == 0, 1.0, x) * np.log(x + (x == 0))), 0.0),
]
SMOOTH = [  # f, x, the first and the second derivative
    (lambda x: 1.0 if x == 0 else np.sin(x) / x, 0.0, 0.0, -1 / 3),
    (lambda x: np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1, x)), 0.0, 0.0, -1 / 3),
    (lambda x: np.where(x == 1, x**2, x), 1.0, 1.0, 0.0),
    (lambda x: x**2 if x == x * 1.0 else 0 * x, 3.0, 6.0, 2.0),
    (lambda x: np.where(taylor.stop_gradient(x) == 2, x, 0), 2.0, 1.0, 0.0),
]
DRIVERS = {
    "gradient": taylor.gradient,
    "value_and_gradient": taylor.value_and_gradient,
    "jacrev": lambda f, x: taylor.jacrev(lambda z: np.sum(f(z)), x),
    "hessian": taylor.hessian,
    "jvp": lambda f, x: taylor.jvp(f, x, np.ones(np.shape(x))[()]),
    "vjp": lambda f, x: taylor.vjp(f, x, 1.0),
    "hvp": lambda f, x: taylor.hvp(f, x, np.ones(np.shape(x))[()]),
}


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
@pytest.mark.parametrize("case", range(len(EQUAL)))
def test_a_value_of_one_point_alone_has_no_derivatives(case):
    f, x = EQUAL[case]
    for g in (f, taylor.compile(f)):
        for derivative in DRIVERS.values():
            with pytest.raises(taylor.NonAnalyticError, match="holds at this point only"):
                derivative(g, x)
    assert np.isfinite(f(x)) and taylor.compile(f)(x) == f(x)


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
@pytest.mark.parametrize("case", range(len(SMOOTH)))
def test_a_value_that_continues_the_function_has_its_derivatives(case):
    f, x, slope, bend = SMOOTH[case]
    for g in (f, taylor.compile(f)):
        assert taylor.value_and_gradient(g, x) == (f(x), slope)
        assert taylor.jvp(g, x, 1.0) == (f(x), slope) and taylor.jacrev(g, x) == slope
        assert np.allclose([taylor.hessian(g, x), taylor.derivative(g, x, 2)], bend, 1e-14, 1e-14)


AT_ONE_POINT = [
    lambda x: np.where(x == 0.3, -x, x * x),
    lambda x: np.where(np.not_equal(0.3, x), x * x, -x),
    lambda x: np.select([x == 0.3], [-x], x * x),
    lambda x: -x if x == 0.3 else x * x,
    lambda x: -x if x in (0.3, 7.0) else x * x,
    lambda x: -x if np.array_equal(x, 0.3) else x * x,
    lambda x: x * x if x - 0.3 else -x,
]
SLOPES = {
    "gradient": (taylor.gradient, lambda x: 2 * x),
    "jacrev": (taylor.jacrev, lambda x: 2 * x),
    "value_and_gradient": (lambda f, x: taylor.value_and_gradient(f, x)[1], lambda x: 2 * x),
    "vjp": (lambda f, x: taylor.vjp(f, x, 1.0)[1], lambda x: 2 * x),
    "jvp": (lambda f, x: taylor.jvp(f, x, 1.0)[1], lambda x: 2 * x),
    "hessian": (taylor.hessian, lambda x: 2.0),
    "twice": (lambda f, x: taylor.gradient(lambda y: taylor.gradient(f, y), x), lambda x: 2.0),
    "reverse over forward": (
        lambda f, x: taylor.gradient(lambda y: taylor.jvp(f, y, 1.0)[1], x),
        lambda x: 2.0,
    ),
}


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("case", range(len(AT_ONE_POINT)))
def test_equality_inside_of_a_driver_leaves_a_guard_on_every_recording_around_it(case, name):
    derivative, slope = SLOPES[name]
    function = functools.partial(derivative, AT_ONE_POINT[case])
    program, compiled = taylor.record(function, 0.4), taylor.compile(function)
    assert "not_equal" in [guard.op for guard in program.guards]
    for x in (0.4, 0.2, 5.0):
        assert np.allclose([program(x), compiled(x)], slope(x), 1e-15)
    with pytest.raises(taylor.GuardError, match="not_equal"):
        program(0.3)
    with pytest.raises(taylor.NonAnalyticError, match="holds at this point only"):
        compiled(0.3)


# ------------------------------------------------------------------ what a compiled function reads
class Model:
    scale = 1.0

    def __init__(self):
        self.rate, self.table = 1.0, np.ones(2)

    @property
    def twice(self):
        return 2 * self.rate

    def energy(self, x):
        return self.rate * self.twice * np.sum(self.table * x) * self.scale

    def __call__(self, x):
        return self.energy(x) + 1


class Scaled(Model):
    """What an operator, and a method of the class above, reads."""

    def __mul__(self, other):
        return self.rate * other

    def energy(self, x):
        return super().energy(x) * (self * 2.0)


class Slots:
    __slots__ = ("rate",)


def readers():
    """Yield functions, and what changes what they read."""
    scaled, queue = Scaled(), collections.deque([1.0])
    model, slots, box, table, big = Model(), Slots(), {"a": [1.0, 2.0]}, np.ones(2), np.ones(10**5)
    module, number = types.ModuleType("own"), 1.0
    slots.rate = module.k = 1.0

    def helper(x):
        return number * np.sum(x)

    def bump():
        nonlocal number
        number += 1

    def defaults(x, k=1.0):
        return k * np.sum(x)

    def change(owner, key):
        def changed():
            owner[key] = owner[key] + 1

        return changed

    def vary(owner, name):
        return lambda: setattr(owner, name, getattr(owner, name) + 1)

    inner = taylor.compile(helper)
    of_model = vary(model, "rate"), change(model.table, 1), vary(Model, "scale")
    yield helper, [bump]
    yield lambda x: helper(x) ** 2, [bump]
    yield lambda x: inner(x) ** 2, [bump]
    yield np.vectorize(lambda v: number * v + 0 * v), [bump]
    yield lambda x: box["a"][1] * np.sum(x), [change(box["a"], 1)]
    yield lambda x: np.sum(table * x), [change(table, 0)]
    yield lambda x: np.sum(x) * np.mean(big), [lambda: np.multiply(big, 2, out=big)]
    yield model.energy, of_model
    yield model, of_model
    yield lambda x: model.twice * np.sum(x), [vary(model, "rate")]
    yield lambda x: slots.rate * np.sum(x), [vary(slots, "rate")]
    yield lambda x: scaled.energy(x), [vary(scaled, "rate"), change(scaled.table, 1)]
    yield lambda x: sum(queue) * np.sum(x), [lambda: queue.append(1.0)]
    yield lambda x: module.k * np.sum(x), [vary(module, "k")]
    yield functools.partial(lambda k, x: k[0] * np.sum(x), box["a"]), [change(box["a"], 0)]
    yield defaults, [lambda: setattr(defaults, "__defaults__", (defaults.__defaults__[0] + 1,))]


@pytest.mark.parametrize("case", range(16))
def test_a_compiled_function_sees_what_has_changed(case):
    f, changes = list(readers())[case]
    g = (lambda x: np.sum(f(x))) if isinstance(f, np.vectorize) else f
    compiled, x = taylor.compile(g, strict=True), np.array([1.0, 2.0])
    for change in (lambda: None, *changes, *changes):
        change()
        for _ in range(2):
            assert np.allclose(compiled(x), g(x), 1e-14)
            assert np.allclose(taylor.gradient(compiled, x), taylor.gradient(g, x), 1e-14)
            assert np.allclose(taylor.hvp(compiled, x, x), taylor.hvp(g, x, x), 1e-14)


def test_points_in_lanes_see_what_has_changed():
    scale = [1.0]
    many = taylor.lanes(lambda x: scale[0] * x**2)
    slopes = taylor.lanes(lambda x: taylor.gradient(lambda v: scale[0] * v**2, x))
    for s in (1.0, 3.0, 1.0):
        scale[0] = s
        assert np.array_equal(many(X), s * X**2) and np.array_equal(slopes(X), 2 * s * X)


def counting():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return calls * x

    return f


def test_a_function_may_keep_an_account_of_its_calls():
    log = []

    def f(x):
        log.append("called")
        return 2 * x

    compiled = taylor.compile(f, strict=True)
    assert compiled(3.0) == compiled(3.0) == 6.0 and taylor.gradient(compiled, 3.0) == 2.0
    assert len(log) == 4


RNG, ITEMS = np.random.default_rng(1), iter(range(1, 10**6))
FICKLE = [
    (counting, "a variable of its closure"),
    (lambda: lambda x: x * RNG.normal(), "a generator"),
    (lambda: lambda x: x * np.random.normal(), "random numbers"),
    (lambda: lambda x: x * random.random(), "random numbers"),
    (lambda: lambda x: x * next(ITEMS), "an iterator"),
]


@pytest.mark.parametrize("case", range(len(FICKLE)))
def test_what_differs_from_call_to_call_is_not_compiled(case):
    make, why = FICKLE[case]
    with pytest.warns(taylor.PerformanceWarning, match=why):
        compiled = taylor.compile(make())
        found = [float(compiled(1.0)) for _ in range(4)]
    assert len(set(found)) == 4
    with pytest.raises(taylor.CompileError, match=why):
        taylor.compile(make(), strict=True)(1.0)


# ------------------------------------------------------------------ kinds of results
Y = np.array([3.0, 1.0, 2.0])
WHOLE = {
    "argsort": lambda x: np.argsort(x),
    "argmax": lambda x: x.argmax(),
    "len": lambda x: len(x),
    "flag": lambda x: True,
    "any": lambda x: np.any(x > 2),
    "mask": lambda x: (x > 1) & (x < 3),
    "digitize": lambda x: np.digitize(x, [1.5, 2.5]),
    "isnan": lambda x: np.isnan(x),
    "nonzero": lambda x: np.nonzero(x > 1.5)[0],
    "integers": lambda x: np.arange(3, dtype=np.int16),
    "tuple": lambda x: (x.sum(), np.argmin(x), len(x)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_flags_and_whole_numbers_are_no_floats(name):
    f = WHOLE[name]
    compiled = taylor.compile(f, strict=True)
    for x in (Y, Y, Y[::-1].copy(), Y):
        got, want = compiled(x), f(x)
        each = zip(got, want, strict=True) if name == "tuple" else [(got, want)]
        for a, b in each:
            assert type(a) is type(b) and np.array_equal(a, b)
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None)


@pytest.mark.parametrize(
    ("f", "slopes"),
    [
        (lambda x: np.floor(taylor.stop_gradient(x)) * x, [2.0, 1.0]),
        (lambda x: np.sign(taylor.stop_gradient(x) - 2) * x, [0.0, -1.0]),
        (lambda x: np.mod(taylor.stop_gradient(x), 1.0) * x, [0.0, 0.5]),
        (lambda x: SQUARES[np.floor(taylor.stop_gradient(x)).astype(int)] * x, [4.0, 1.0]),
    ],
)
def test_what_jumps_with_a_constant_has_no_jump(f, slopes):
    x = np.array([2.0, 1.5])
    total = lambda x: np.sum(f(x))
    assert taylor.jvp(f, x, np.ones(2))[1].tolist() == slopes
    assert np.diag(taylor.jacobian(f, x)).tolist() == slopes
    for g in (total, taylor.compile(total)):
        assert taylor.gradient(g, x).tolist() == slopes
    assert taylor.derivative(f, 2.0) == slopes[0]
    bends = taylor.hessian(lambda x: np.sum(f(x) * x), x)
    assert np.array_equal(bends, 2 * np.diag(slopes))


def test_rounding_straight_through_at_a_tie():
    f = lambda x: x + taylor.stop_gradient(np.round(x) - x)
    assert taylor.jvp(f, np.array([2.0, 1.5]), np.ones(2))[1].tolist() == [1.0, 1.0]
    assert taylor.gradient(lambda x: np.sum(f(x)), np.array([2.0, 1.5])).tolist() == [1.0, 1.0]


def _left(z):
    k, s = np.count_nonzero(z > 0.2), 0.0
    while k:
        s, k = s + z[k] ** 2, k - 1
    return s


COUNTS = {
    "index": lambda z: z[np.sum(z > 0.2)] ** 2,
    "slice": lambda z: np.sum(z[: (z > 0.2).sum()] ** 2),
    "array": lambda z: np.sum(z[np.cumsum(z > 0.2) - 1] ** 2),
    "where": lambda z: np.sum(z[np.where(z > 0.2, 1, 2)] ** 3),
    "largest": lambda z: z[np.max(np.arange(5) * (z > 0.2))] ** 2,
    "product": lambda z: z[(z > 0.2) @ np.ones(5, dtype=int)] * z[0],
    "shape": lambda z: np.sum(z[0] * np.ones(np.sum(z > 0.2))),
    "key": lambda z: {3: 2.0, 4: 1.0}.get(np.sum(z > 0.2), 7.0) * z[0],
    "truth": lambda z: z[0] ** 2 if np.sum(z > 0.35) else z[1] ** 3,
    "equal": lambda z: z[0] ** 2 if np.sum(z > 0.2) == 3 else z[1] ** 3,
    "loop": _left,
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_conditions_are_whole_numbers(name):
    """They are indices, shapes, keys and truths, and code made for one count knows another."""
    f = COUNTS[name]
    compiled = taylor.compile(f, strict=True)
    for z in ([0.5, 0.1, -0.8, 0.9, 0.3], [0.5, 0.3, -0.8, 0.9, 0.3], [0.1, 0.2, 0.3, 0.0, -1.0]):
        z = np.array(z)
        lines = [taylor.derivative(lambda s, z=z, e=e: f(z + s * e), 0.0) for e in np.eye(5)]
        assert compiled(z) == pytest.approx(f(z), rel=1e-15)
        for g in (f, compiled):
            assert taylor.gradient(g, z) == pytest.approx(np.array(lines, float), rel=1e-14)
    with pytest.raises(IndexError, match="whole number"):
        taylor.gradient(lambda z: z[np.sum(z > 0.2) / 2], np.array([0.5, 0.1, 0.3, 0.9]))


class Point:
    """A vector as programs write it: with operators, and no array."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, o):
        return Point(self.x + o.x, self.y + o.y) if isinstance(o, Point) else self + Point(o, o)

    def __mul__(self, k):
        return Point(self.x * k, self.y * k)

    def __rsub__(self, k):
        return Point(k - self.x, k - self.y)

    def __rtruediv__(self, k):
        return Point(k / self.x, k / self.y)

    def __rpow__(self, k):
        return Point(k**self.x, k**self.y)

    def __rmatmul__(self, a):
        return Point(a[0] * self.x, a[1] * self.y)

    def __gt__(self, k):
        return self.x > k

    __radd__, __rmul__ = __add__, __mul__


POINT = Point(3.0, 2.0)
BY_POINT = {
    "product": lambda k: (k * POINT).y,
    "sum": lambda k: (k + POINT).x,
    "difference": lambda k: (k - POINT).x ** 2,
    "quotient": lambda k: (k / POINT).y ** 2,
    "power": lambda k: (k**POINT).x,
    "order": lambda k: k**2 if k < POINT else k,
    "in place": lambda k: math.prod([k, POINT], start=2.0).y,
}


@pytest.mark.parametrize("name", BY_POINT)
def test_objects_with_operators_of_their_own_answer_themselves(name):
    f = BY_POINT[name]
    slope = (f(0.7 + 1e-6) - f(0.7 - 1e-6)) / 2e-6
    numbers = [0.7, mpmath.mpf("0.7")]
    assert [float(taylor.derivative(f, x)) for x in numbers] == pytest.approx([slope] * 2, rel=1e-8)
    for g in (f, taylor.compile(f, strict=True)):
        assert taylor.gradient(g, 0.7) == pytest.approx(slope, rel=1e-8)
    taylor.verified.Interval(0.6, 0.8) * POINT
    x = np.array([0.7, 0.2])
    assert taylor.gradient(lambda x: (x @ POINT).y ** 2, x) == pytest.approx([0.0, 1.6])
    with pytest.raises(TypeError, match="unsupported operand"):
        taylor.gradient(lambda k: k * timedelta(1), 0.7)
