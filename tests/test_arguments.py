"""Arguments of drivers: several of them, trees, keywords; eager and compiled alike."""

import collections
import dataclasses
import inspect
import warnings
from fractions import Fraction
from typing import NamedTuple

import mpmath
import numpy as np
import pytest

import hyperdual
import taylor
from taylor import Taylor, TaylorN
from taylor.drivers import trees
from taylor.numbers.kinds import base

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=7)
W, B = RNG.normal(size=3), 0.3


class Named(NamedTuple):
    w: object
    b: object


@dataclasses.dataclass(frozen=True)
class Data:
    w: object
    b: object
    name: str = "net"


class Registered:
    def __init__(self, w, b):
        self.w, self.b = w, b


trees.register(Registered, lambda x: ((x.w, x.b), None), lambda _, c: Registered(*c))


def parts(p):
    """Return w and b of parameters of any form."""
    if isinstance(p, dict):
        return p["w"], p["b"]
    return (p.w, p.b) if hasattr(p, "w") else p


def loss(p, x, y, weight=0.1, square=True):
    w, b = parts(p)
    r = np.tanh(x @ w + b) - y
    return np.sum(r**2 if square else r**4) + weight * np.sum(w**2)


def flat(z, x=X, y=Y, **kwargs):
    """The same function of one vector: the oracle."""
    return loss((z[:3], z[3]), x, y, **kwargs)


Z = np.array([*W, B])
FORMS = {
    "dict": {"w": W, "b": B},
    "dict of other order": {"b": B, "w": W},
    "ordered": collections.OrderedDict(w=W, b=B),
    "default": collections.defaultdict(float, w=W, b=B),
    "tuple": (W, B),
    "list": [W, B],
    "named": Named(W, B),
    "data": Data(W, B),
    "registered": Registered(W, B),
}
KEYS = ({}, {"weight": 0.5}, {"square": False}, {"weight": 2.0, "square": False})


MODES = [pytest.param(lambda f: f, id="eager"), pytest.param(taylor.compile, id="compiled")]


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMS)
def test_answers_have_the_form_of_the_point(form, mode):
    p, f = FORMS[form], mode(loss)
    for kwargs in KEYS:
        value, g = taylor.value_and_gradient(f, p, X, Y, **kwargs)
        expected = taylor.gradient(flat, Z, **kwargs)
        assert type(g) is type(p)
        close(value, loss(p, X, Y, **kwargs))
        close(np.hstack(parts(g)), expected)
        close(np.hstack(parts(taylor.gradient(f, p, X, Y, **kwargs))), expected)
        close(np.hstack(parts(taylor.jacobian(f, p, X, Y, **kwargs))), expected)
        h = taylor.hessian(f, p, X, Y, **kwargs)
        assert type(h) is type(p) and type(parts(h)[0]) is type(p)
        found = np.block([[np.atleast_2d(parts(parts(h)[0])[0]), parts(parts(h)[0])[1][:, None]],
                          [parts(parts(h)[1])[0], parts(parts(h)[1])[1]]])  # fmt: skip
        close(found, taylor.hessian(flat, Z, **kwargs))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMS)
def test_directions_have_the_form_of_the_point(form, mode):
    p, f = FORMS[form], mode(loss)
    d = np.array([1.0, -2.0, 0.5, 3.0])
    v = trees.build(trees.flatten(p)[1], iter([d[3], d[:3]] if "other" in form else [d[:3], d[3]]))
    args = (p, X, Y)
    close(taylor.jvp(f, args, v, argnums=0), taylor.jvp(flat, Z, d))
    close(np.hstack(parts(taylor.hvp(f, args, v, argnums=0))), taylor.hvp(flat, Z, d))
    close(np.hstack(parts(taylor.third(f, args, v, v, argnums=0))), taylor.third(flat, Z, d, d))
    close(np.hstack(parts(taylor.vjp(f, args, 2.0, argnums=0)[1])), 2 * taylor.gradient(flat, Z))
    close(taylor.directional(f, args, v, 3, argnums=0), taylor.directional(flat, Z, d, 3))


@pytest.mark.parametrize("mode", MODES)
def test_argnums(mode):
    f = mode(lambda a, b, c: a * b**2 * np.sin(c))
    a, b, c = 2.0, 3.0, 0.5
    expected = (b**2 * np.sin(c), 2 * a * b * np.sin(c), a * b**2 * np.cos(c))
    for i in range(3):
        close(taylor.gradient(f, a, b, c, argnums=i), expected[i])
        close(taylor.gradient(f, a, b, c, argnums=i - 3), expected[i])
    assert isinstance(taylor.gradient(f, a, b, c, argnums=(0, 2)), tuple)
    close(taylor.gradient(f, a, b, c, argnums=(2, 0)), (expected[2], expected[0]))
    close(taylor.hessian(f, a, b, c, argnums=(0, 1))[1][0], 2 * b * np.sin(c))
    close(taylor.vjp(f, (a, b, c), 1.0)[1], expected)
    close(taylor.jvp(f, (a, b, c), (1.0, 1.0, 1.0))[1], sum(expected))
    close(taylor.derivative(f, (a, b, c), 2, argnums=1), 2 * a * np.sin(c))
    close(taylor.tensor(f, (a, b, c), 3, argnums=2), -a * b**2 * np.cos(c))
    close(taylor.taylor_coefficients(f, (a, b, c), 2)[1], expected[0])


@pytest.mark.parametrize("mode", MODES)
def test_data_is_an_input_of_compiled_code(mode):
    f = mode(lambda w, x: np.sum(np.exp(x @ w)))
    for _ in range(3):
        x, w = RNG.normal(size=(4, 3)), RNG.normal(size=3)
        close(taylor.gradient(f, w, x), x.T @ np.exp(x @ w))
        close(taylor.hvp(f, (w, x), np.ones(3), argnums=0), x.T * np.exp(x @ w) @ x @ np.ones(3))
    if isinstance(f, taylor.drivers.compile.Compiled):
        assert all(len(m) == 1 for m in f.machines.values())


@pytest.mark.parametrize("mode", MODES)
def test_has_aux(mode):
    @mode
    def f(a, b):
        y = a * b
        return np.sum(y), {"y": y, "n": 3}

    a, b = np.ones(2), np.arange(2.0)
    g, aux = taylor.gradient(f, a, b, has_aux=True)
    close(g, b)
    close(aux["y"], a * b)
    assert type(aux["y"]) is np.ndarray and aux["n"] == 3
    (value, aux), g = taylor.value_and_gradient(f, a, b, has_aux=True)
    assert value == 1.0 and aux["n"] == 3
    y, dy, aux = taylor.jvp(f, (a, b), (a, b), has_aux=True)
    assert (y, dy, aux["n"]) == (1.0, 2.0, 3)
    assert taylor.hessian(f, a, b, has_aux=True)[1]["n"] == 3
    with pytest.raises(TypeError, match="must return"):
        taylor.gradient(lambda x: x, 1.0, has_aux=True)


RETURNED = {
    "dict": lambda a, b: {"w": a @ b, "b": a * b},
    "named": lambda a, b: Named(a @ b, a * b),
    "dataclass": lambda a, b: Data(a @ b, a * b, "kept"),
    "lengths": lambda a, b: (a @ b, a * b),
    "nested": lambda a, b: {"w": [a @ b, a], "b": a * b},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", RETURNED)
def test_answers_have_the_form_of_the_results(name, mode):
    f, a, b = mode(RETURNED[name]), np.array([1.0, 2.0]), np.array([3.0, 5.0])

    def both(y):
        w, b = parts(y)
        return (w[0] if name == "nested" else w), b

    y, dy = taylor.jvp(f, (a, b), (b, a))
    assert type(y) is type(dy) is type(RETURNED[name](a, b))
    for found, wanted in ((y, (13.0, a * b)), (dy, (a @ a + b @ b, a * a + b * b))):
        for one, exact in zip(both(found), wanted, strict=True):
            close(one, exact)
    y, (abar, bbar) = taylor.vjp(f, (a, b), y)
    close(abar, 13.0 * b + a * b * b + (a if name == "nested" else 0))
    close(bbar, 13.0 * a + a * a * b)
    for jacobian in (taylor.jacobian, taylor.jacfwd, taylor.jacrev):
        w, each = both(jacobian(f, a, b, argnums=(0, 1)))
        close(w, (b, a))
        close(each, (np.diag(b), np.diag(a)))
    w, each = both(taylor.jacobian(lambda p: f(p["a"], p["b"]), {"a": a, "b": b}))
    close(w["b"], a)
    close(each["a"], np.diag(b))
    line = lambda t: f(a + t * b, b)
    w, each = both(taylor.derivatives(line, 0.0, 2))
    close(w, [13.0, b @ b, 0.0])
    close(each, [a * b, b * b, 0 * b])
    close(both(taylor.derivative(line, 0.0))[1], b * b)
    close(both(taylor.directional(lambda x: f(x, b), a, b))[0], b @ b)
    assert np.shape(both(taylor.tensor(lambda x: f(x, b), a, 2))[1]) == (2, 2, 2)


@pytest.mark.parametrize("x", [2.0, np.float32(2), 2 + 1j, Fraction(3, 2), mpmath.mpf(2), 2])
def test_trees_of_results_keep_the_kind_of_number(x):
    f = lambda t: {"a": t * t, "b": [t, 3 * t * t * t]}
    for found, wanted in (
        (taylor.jvp(f, (x,), (1,))[1], {"a": 2 * x, "b": [1, 9 * x * x]}),
        (taylor.derivative(f, x), {"a": 2 * x, "b": [1, 9 * x * x]}),
        (taylor.jacobian(f, x), {"a": 2 * x, "b": [1, 9 * x * x]}),
    ):
        assert found["a"] == wanted["a"] and list(found["b"]) == wanted["b"]
    assert taylor.vjp(f, (x,), {"a": 1, "b": [0, 1]})[1][0] == 2 * x + 9 * x * x


def test_what_has_the_form_of_the_results_is_told():
    f = RETURNED["dict"]
    a, t = np.ones(2), Taylor.variable(1.0, 2)
    both = lambda b: (b * b, b * b * b)  # one array, for numbers
    assert taylor.vjp(both, a[0] * t, (t, 1.0))[1] == 2 * t * t + 3 * t * t
    y, aux = taylor.jacobian(lambda a: (f(a, a), {"n": a.sum()}), a, has_aux=True)
    close(y["w"], 2 * a)
    close(aux["n"], 2.0)
    found = taylor.vjp(lambda a: f(a, a), a, w={"b": a, "w": 1.0})[1]  # in another order
    close(found, 4 * a)
    for w in ({"w": 1.0, "c": a}, 1.0, [1.0]):
        with pytest.raises(TypeError, match="form of the results of f"):
            taylor.vjp(lambda a: f(a, a), a, w)
    with pytest.raises(taylor.ShapeMismatch, match="w has shape"):
        taylor.vjp(lambda a: f(a, a), a, {"w": 1.0, "b": 1.0})
    with pytest.raises(TypeError, match="must return a number or an array, not dict"):
        taylor.gradient(lambda a: f(a, a), a)
    calls = []
    once = lambda a: calls.append(1) or f(a, a)
    y, _ = taylor.jvp(once, a, a)
    taylor.vjp(once, a, y), taylor.jacobian(once, a)  # f runs once in each
    assert len(calls) == 3
    for wrong in ([a, "b"], (a[0], None), {1.0}, None):
        with pytest.raises((TypeError, ValueError)):
            taylor.jacobian(lambda a, wrong: wrong, a, wrong)


@pytest.mark.parametrize("mode", MODES)
def test_aux_keeps_what_is_around_the_driver(mode):
    def inner(x):
        return taylor.gradient(lambda y: (x * y**3, (x * y, [y, 3])), x, has_aux=True)

    close(taylor.gradient(mode(lambda x: inner(x)[1][0]), 2.0), 4.0)
    close(taylor.derivatives(mode(lambda x: inner(x)[1][0]), 2.0, 2), [4.0, 4.0, 2.0])
    close(taylor.gradient(lambda x: inner(x)[1][1][0], 2.0), 1.0)
    aux = inner(2.0)[1]
    assert type(aux) is tuple and type(aux[1]) is list and type(aux[1][1]) is int
    assert type(taylor.hessian(lambda x: (x**2, x), 2.0, has_aux=True)[1]) is np.float64


@pytest.mark.parametrize("mode", MODES)
def test_a_tuple_of_numbers_is_the_arguments_of_a_function_of_several(mode):
    close(taylor.jvp(mode(lambda a, b=3.0: a * b), (2.0, 5.0), (1.0, 0.0)), (10.0, 5.0))
    close(taylor.jvp(mode(lambda *x: x[0] * x[1]), (2.0, 5.0), (1.0, 0.0)), (10.0, 5.0))
    close(taylor.jvp(mode(lambda x, b=3.0: b * x[2]), (2.0, 5.0, 1.0), np.ones(3)), (3.0, 3.0))
    close(taylor.hvp(mode(lambda x, *, b=3.0: b * x[0] * x[1]), (2.0, 5.0), np.ones(2)), (3.0, 3.0))


def test_a_point_of_one_array_is_as_before():
    def f(x):
        return x[0] * x[1] ** 2

    for x in ([2.0, 3.0], (2.0, 3.0), np.array([2.0, 3.0])):
        assert isinstance(taylor.gradient(f, x), np.ndarray)
        close(taylor.jvp(f, x, [1.0, 0.0]), (18.0, 9.0))
    close(taylor.gradient(f, x=[2.0, 3.0]), [9.0, 12.0])
    close(taylor.hvp(f, x=[2.0, 3.0], v=[1.0, 0.0]), [0.0, 6.0])
    close(taylor.jvp(lambda x: np.sum(x), (np.ones(3),), (np.ones(3),))[1], 3.0)
    for g in (np.sqrt, taylor.sqrt, lambda x: np.sqrt(x), taylor.compile(lambda x: np.sqrt(x))):
        for x in (2.0, np.float64(2.0), Taylor.variable(2.0, 1)):  # the one argument of f
            assert [np.shape(y) for y in taylor.jvp(g, (x,), (1.0,))] == [(), ()]
            y, (bar,) = taylor.vjp(g, (x,), 1.0)
            assert np.shape(y) == np.shape(bar) == ()
            assert np.shape(taylor.hvp(g, (x,), (1.0,))[0]) == ()
    assert np.shape(taylor.jvp(np.hypot, (2.0, 1.0), (1.0, 0.0))[1]) == ()


def test_narrow_floats_stay_narrow():
    p = {"w": np.ones(2, dtype=np.float32), "b": np.float64(1.0)}
    g = taylor.gradient(lambda p: np.sum(p["w"] ** 2) * p["b"], p)
    assert g["w"].dtype == np.float32 and g["b"].dtype == np.float64


def test_trees_of_exact_numbers_and_nested_drivers():
    from fractions import Fraction

    third = Fraction(1, 3)
    g = taylor.gradient(lambda p: p["a"] ** 2 * p["b"], {"a": third, "b": third})
    assert g == {"a": Fraction(2, 9), "b": Fraction(1, 9)}
    both = taylor.gradient(lambda a, b: a**2 * b, third, 2, argnums=(0, 1))
    assert both == (Fraction(4, 3), Fraction(1, 9)) and type(both[0]) is Fraction

    def inner(s):
        return taylor.gradient(lambda p: np.sin(p["a"]) * p["b"] * s, {"a": 0.5, "b": 2.0})["a"]

    close(taylor.derivative(inner, 1.0), 2 * np.cos(0.5))


def test_methods_and_flags_of_compiled_functions():
    class Model:
        scale = 3.0

        @taylor.compile
        def energy(self, x, power=2):
            return self.scale * np.sum(x**power)

    x = np.array([1.0, 2.0])
    model = Model()
    close(taylor.gradient(model.energy, x), 6 * x)
    close(taylor.gradient(model.energy, x, power=3), 9 * x**2)
    close(model.energy(x, power=3), 3 * np.sum(x**3))


def test_what_may_change_is_not_compiled():
    class Settings:
        scale = 2.0

    f = taylor.compile(lambda x, settings: settings.scale * x**2)
    s = Settings()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", taylor.PerformanceWarning)
        assert f(3.0, s) == 18.0
        s.scale = 1.0
        assert f(3.0, s) == 9.0
        assert taylor.gradient(f, 3.0, s) == 6.0
    assert "numbers, arrays, names" in f.reasons[("arguments",)]


def test_lists_may_change_their_form():
    def f(p):
        return np.sum(p[0]) * 2 + np.sum(p[1]) ** 2

    fast = taylor.compile(f, strict=True)
    for p in 2 * [*3 * [[1.0, W]], (1.0, W), [2.0, 3.0], [W, 1.0], [W, W, W], [1, W], [W, (W, W)],
                  W[:2], [W[0], W], [W + 1j, 1.0]]:  # fmt: skip
        close(fast(p), f(p))
        g, expected = (parts(taylor.gradient(h, p)) for h in (fast, lambda p: f(p)))
        assert repr(g) == repr(expected)


RESULTS = {  # what f returns
    "pair": lambda x: (x, x**2),
    "one": lambda x: (x,),
    "list": lambda x: [x[0], x[1]],
    "of lists": lambda x: [[x[0], x[1]], [x[1], 2 * x[0]]],
    "dict": lambda x: {"a": x, "b": [x[0], ("name", 3, None, True)]},
    "data class": lambda x: Data(x, 2 * x[0]),
    "positions": lambda x: (x, np.argsort(x)),
    "by branch": lambda x: {"up": x} if x[0] < x[1] else [x],
    "array": lambda x: np.array([[1.0], [2.0]]) * x,
}


@pytest.mark.parametrize("name", RESULTS)
def test_compiled_functions_return_what_f_returns(name):
    f = RESULTS[name]
    fast = taylor.compile(f, strict=True)
    for x in (np.array([1.0, 2.0]), np.array([3.0, 2.0]), np.array([1.5, 2.5])):
        leaves, structure = trees.flatten(f(x), sequences=(list, tuple))
        found, same = trees.flatten(fast(x), sequences=(list, tuple))
        assert str(same) == str(structure)  # what is no number by what it holds
        for y, wanted in zip(found, leaves, strict=True):
            close(y, wanted)
        t = taylor.Taylor.variable(x, 2, direction=[1.0, 2.0])
        assert repr(fast(t)) == repr(f(t))


def test_compiled_results_that_have_no_code_are_named():
    f = taylor.compile(lambda x: (x, iter([1])))
    with pytest.warns(taylor.PerformanceWarning, match="more than numbers, arrays and names"):
        assert f(1.0)[0] == 1.0


def test_flags_are_no_numbers():
    f = taylor.compile(lambda x, n=1: x**2 if n is True else x**3)
    assert (f(2.0, n=True), f(2.0, n=1), f(2.0, n=True)) == (4.0, 8.0, 4.0)


FLAGS = np.array([True, False])
STILL = {  # what is no input of the code: f, and arguments beside the point
    "flag": (lambda x, k: np.sum(x**2) if k is True else np.sum(x), (True, False, 1)),
    "whole": (lambda x, k: np.sum(x) * (k if isinstance(k, int) else 100), (3, 4, 3.0)),
    "large": (lambda x, n: np.sum(x) * (n * n - (n * n - 1)), (2**40, 2**41)),
    "counts": (lambda x, n: np.sum(x[:n] ** 2), (1, np.int64(2))),
    "mask": (lambda x, m: np.sum(np.where(m, x**2, 0)) + np.sum(x[~m]), (FLAGS, ~FLAGS)),
    "names": (lambda x, m: np.sum(x * (m == "a")), (np.array(["a", "b"]), np.array(["c", "a"]))),
    "dates": (lambda x, t: x @ (t - t[0]).astype(int), (np.array(["2020", "2021"], "M8[D]"),)),
    "slice": (lambda x, s: np.sum(x[s] ** 2), (slice(0, 1), slice(0, 2))),
    "shape": (lambda x, s: np.sum(np.reshape(x, s)[0] ** 2), ((2, 1), (1, 2))),
    "set": (lambda x, s: np.sum(x) * len(s), ({1}, {1, 2}, {1, 2, 3})),
}


@pytest.mark.parametrize("case", STILL)
def test_what_is_no_input_is_as_in_the_eager_function(case):
    f, others = STILL[case]
    fast, x = taylor.compile(f, strict=True), np.array([2.0, 3.0])
    by_name = taylor.compile(lambda x, k=None: f(x, k), strict=True)
    in_tree = taylor.compile(lambda x, k: f(x, k["k"]), strict=True)
    for k in (*others, *others):
        close(fast(x, k), f(x, k))
        expected = taylor.gradient(f, x, k)
        close(taylor.gradient(fast, x, k), expected)
        close(taylor.gradient(by_name, x, k=k), expected)
        close(taylor.gradient(in_tree, x, {"k": k}), expected)
        close(taylor.jvp(fast, (x, k), x, argnums=0)[1], expected @ x)


def test_many_whole_numbers_take_the_ordinary_way():
    f = taylor.compile(lambda x, k: x**k)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", taylor.PerformanceWarning)
        for k in range(40):
            assert f(1.5, k) == pytest.approx(1.5**k)
    assert "forms" in f.reasons[("arguments",)]
    assert taylor.compile(lambda k: k**2)(3) == 9


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
def test_tables_stay_tables():
    table = pytest.importorskip("pandas").DataFrame({"x": [1.0, 2.0]})
    f = taylor.compile(lambda a, d: np.sum(a * d["x"].to_numpy()))
    assert (f(2.0, table), taylor.gradient(f, 2.0, table)) == (6.0, 3.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: taylor.gradient(loss), "the point is missing"),
        (lambda: taylor.gradient(loss, FORMS["dict"], X, Y, argnums=3), "argnums=3 for 3"),
        (lambda: taylor.gradient(loss, FORMS["dict"], X, Y, argnums=(1, 1)), "twice"),
        *[
            (
                lambda wrong=wrong: taylor.gradient(loss, W, X, Y, argnums=wrong),
                "position of an arg",
            )
            for wrong in ((), "c", 1.0, True, (0, None))
        ],
        (lambda: taylor.jvp(loss, (FORMS["dict"], X, Y), {"w": W}, argnums=0), "form of the point"),
        (lambda: taylor.gradient(lambda p: 1.0, {"name": "a"}), "no number"),
        (lambda: taylor.hvp(flat, Z), "'v' is missing"),
        (lambda: taylor.hvp(flat, Z, Z, Z), "one tuple"),
        (lambda: taylor.derivative(lambda p: p["a"], {"a": 1.0, "b": 2.0}), "one number or array"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_pack():
    tree = {"w": np.arange(6.0).reshape(2, 3), "b": [1.0, 2.0], "c": 3}
    x, unpack = taylor.pack(tree)
    close(x, [0, 1, 2, 3, 4, 5, 1, 2, 3])
    back = unpack(x)
    assert list(back) == list(tree) and back["w"].shape == (2, 3) and back["c"] == 3.0
    g = taylor.gradient(lambda x: np.sum(unpack(x)["w"] ** 2), x)
    close(g, [0, 2, 4, 6, 8, 10, 0, 0, 0])
    with pytest.raises(ValueError, match="9 numbers"):
        unpack(x[:4])


def test_signatures():
    assert str(inspect.signature(taylor.gradient)).startswith("(f: 'Function', *args, argnums=0")
    assert list(inspect.signature(taylor.hvp).parameters)[:3] == ["f", "x", "v"]


@pytest.mark.parametrize("mode", MODES)
def test_stop_gradient(mode):
    f = mode(lambda x: np.sum(taylor.stop_gradient(x) * x**2))
    x = np.array([1.0, 3.0])
    close(f(x), np.sum(x**3))
    close(taylor.gradient(f, x), 2 * x**2)
    close(taylor.hessian(f, x), np.diag(2 * x))
    g = mode(lambda t: taylor.stop_gradient(t) * t**3)
    close(taylor.derivatives(g, 2.0, 3), [16.0, 24.0, 24.0, 12.0])
    close(taylor.derivative(g, 1j, 1), -3j)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_held_needs_no_derivative(mode):
    held, at = taylor.stop_gradient, np.array([0.0, 1.0])
    close(taylor.gradient(mode(lambda x: np.sum(held(np.floor(x)) + x)), at), [1.0, 1.0])
    close(taylor.gradient(mode(lambda x: np.sum(held(np.sqrt(x)) * x)), at), [0.0, 1.0])


def test_nothing_is_held_in_time():
    for f in (
        lambda t, y: [taylor.stop_gradient(y[0])],
        lambda t, y: [y[0] * taylor.stop_gradient(t)],
    ):
        with pytest.raises(TypeError, match="series in t"):
            taylor.ode.solve_ivp(f, (0.0, 1.0), [1.0])

    def end(a):
        def fun(t, y, a):
            return [-a * taylor.stop_gradient(a) * y[0]]

        return taylor.ode.solve_ivp(fun, (0.0, 1.0), [1.0], args=(a,)).y[0, -1]

    close(taylor.gradient(end, 2.0), -2.0 * np.exp(-4.0))


def test_a_keyword_of_f_may_be_named_f():
    power = lambda x, f: f * x**2
    for g in (power, taylor.compile(power)):
        assert taylor.gradient(g, 3.0, f=2.0) == taylor.hvp(g, 3.0, 1.5, f=2.0) * 2 == 12.0
    assert taylor.gradient(f=lambda x: x**2, x=3.0) == 6.0


@pytest.mark.parametrize("mode", MODES)
def test_complex_directions_of_real_functions(mode):
    f, x, v = mode(lambda x: np.sum(x**3)), np.array([1.0, 2.0]), np.array([1j, 1.0 + 1j])
    close(taylor.vjp(mode(lambda x: x**2), x, v)[1], 2 * x * v)
    close(taylor.jvp(f, x, v)[1], np.sum(3 * x**2 * v))
    close(taylor.hvp(f, x, v), 6 * x * v)
    close(taylor.third(f, x, v, x), 6 * x * v)


def test_jacrev_is_lost_where_the_function_is():
    x = np.array([-1.0, 1.0, 0.5])
    with np.errstate(all="ignore"):
        for f in (np.log, np.sqrt, np.arctanh, lambda x: np.log(x[:2])):
            np.testing.assert_array_equal(taylor.jacrev(f, x), taylor.jacfwd(f, x))
    z = [0.3, 0.7]
    close(
        *[d(lambda z: np.exp(1j * z) * np.conj(z + 1j), z) for d in (taylor.jacrev, taylor.jacfwd)]
    )


@pytest.mark.parametrize("mode", MODES)
def test_jacfwd_and_jacrev(mode):
    a = RNG.normal(size=(3, 4))
    f = mode(lambda x: np.sin(a @ x))
    x = RNG.normal(size=4)
    for driver in (taylor.jacfwd, taylor.jacrev):
        close(driver(f, x), np.cos(a @ x)[:, None] * a)
        close(driver(lambda a, x: f(x) * a, 2.0, x), f(x))


def test_objective_with_arguments_of_minimize():
    optimize = pytest.importorskip("scipy.optimize")

    def f(x, a, b):
        return np.sum((x - a) ** 4) + b * np.sum(x**2)

    a, x = np.array([1.0, 2.0]), np.zeros(2)
    for o, args in ((taylor.objective(f), (a, 0.5)), (taylor.objective(f, a, 0.5), ())):
        close(o.jac(x, *args), taylor.gradient(lambda x: f(x, a, 0.5), x))
        close(o.hessp(x, x + 1, *args), o.hess(x, *args) @ (x + 1))
        found = optimize.minimize(o, x, args=args, jac=o.jac, hessp=o.hessp, method="trust-krylov")
        assert found.success and np.all(np.abs(o.value_and_gradient(found.x, *args)[1]) < 1e-5)


# ------------------------------------------------------------------ conditions and constants
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mode", [lambda f: f, taylor.compile], ids=["eager", "compiled"])
def test_masks_in_aux_are_plain(mode):
    def f(x):
        return np.sum(x**2), {"mask": x > 0.5, "most": np.argmax(x), "k": 3, "one": x[0] < 1}

    x = np.array([0.3, 0.7])
    for _ in range(2):
        found, aux = taylor.gradient(mode(f), x, has_aux=True)
        assert found.tolist() == (2 * x).tolist() and aux["k"] == 3 and aux["most"] == 1
        assert aux["mask"].tolist() == [False, True] and aux["mask"].dtype == bool
        assert aux["one"] == np.True_ and np.asarray(aux["one"]).dtype == bool
    inner = lambda x: taylor.gradient(mode(f), x, has_aux=True)
    assert taylor.jacobian(lambda x: np.where(inner(x)[1]["mask"], x, 2 * x), x).tolist() == [
        [2.0, 0.0], [0.0, 1.0],
    ]  # fmt: skip


COUNTS = {  # of x, and of a mask
    "count_nonzero": lambda x, m: np.count_nonzero(m),
    "count_nonzero of rows": lambda x, m: np.count_nonzero(np.stack([x, -x]) > 0, axis=0),
    "argmax": lambda x, m: np.argmax(x),
    "argmin of rows": lambda x, m: np.argmin(np.stack([x, 2 * x]), axis=1),
    "searchsorted": lambda x, m: np.searchsorted(np.array([0.0, 1.0]), x),
    "searchsorted in x": lambda x, m: np.searchsorted(np.sort(x), 0.3),
    "digitize": lambda x, m: np.digitize(x, np.array([0.0, 1.0])),
    "sum": lambda x, m: m.sum(),
    "prod": lambda x, m: np.prod(m),
    "cumsum": lambda x, m: np.cumsum(m),
    "mean": lambda x, m: np.mean(m),
    "times": lambda x, m: (m * 2, m * 2.0, m / 2, (m * 3) ** 2, (m * 3) // 2, -(m * 1)),
    "dot": lambda x, m: m @ np.array([1, 2, 3]),
    "diff": lambda x, m: np.diff(m * 1),
    "where": lambda x, m: [np.where(m, 1, 0), np.where(m, 1, 0.5), np.where(m, x, 0)],
    "table": lambda x, m: np.array([10, 20, 30])[np.digitize(x, np.array([0.0, 1.0]))],
    "constants": lambda x, m: (np.arange(3), np.float32(2), 3, np.ones(2, np.float32), x.size),
    "with floats": lambda x, m: (np.sum(m) + x[0], (m + (x < 1)) * x),
}
FLAGS = {
    "max": lambda x, m: np.max(m),
    "mask": lambda x, m: m,
    "element": lambda x, m: m[0],
    "stack": lambda x, m: np.stack([m, x < 0]),
    "either": lambda x, m: m + (x < 1),
    "where": lambda x, m: np.where(m, True, False),
    "isfinite": lambda x, m: np.isfinite(x),
    "transposed": lambda x, m: (np.stack([x, x]) > 0).T,
}


@pytest.mark.filterwarnings("error::taylor.PerformanceWarning")
@pytest.mark.parametrize("mode", ["compiled", "lanes", "series", "recorded"])
@pytest.mark.parametrize("functions", [COUNTS, FLAGS])
def test_results_have_the_types_of_numpy(functions, mode):
    def f(x):
        m = x > 0
        return {name: g(x, m) for name, g in functions.items()}

    x = np.array([0.5, -0.25, 1.5])
    point = taylor.Taylor(np.stack([x, np.ones(3), x])) if mode == "series" else x
    if mode == "lanes" and functions is COUNTS:
        found = trees.entrywise(lambda y: y[0], taylor.lanes(f)(np.stack([x, x])))
    elif mode == "recorded":
        found = {
            name: taylor.record(lambda x, g=g: g(x, x > 0), x)(x) for name, g in functions.items()
        }
    else:
        found = taylor.compile(f)(point)
    for name, wanted in f(point).items():
        for a, b in zip(results(found[name]), results(wanted), strict=True):
            if mode != "lanes" or type(b) is not int:
                assert (type(a), np.shape(a)) == (type(b), np.shape(b)), name
            assert np.result_type(base(a)) == np.result_type(base(b)), name
            assert np.array_equal(base(a), base(b)), name


def results(y):
    return [e for part in y for e in results(part)] if isinstance(y, (tuple, list)) else [y]


@pytest.mark.filterwarnings("error")
def test_compiled_functions_return_masks_and_constants():
    f = taylor.compile(lambda x: {"y": x * 2, "mask": x > 0.5, "c": [3.0, np.ones(2)]})
    for x in (np.array([0.3, 0.7]), np.array([0.6, 0.1])):
        found = f(x)
        assert found["mask"].tolist() == (x > 0.5).tolist() and found["mask"].dtype == bool
        for t in (Taylor.variable(x, 2), TaylorN.seeded(x, 2)):
            found = f(t)
            assert np.all(found["y"] == t * 2) and found["mask"].tolist() == (x > 0.5).tolist()
            assert found["c"][0] == 3.0 and found["c"][1].tolist() == [1.0, 1.0]
            assert not any(isinstance(c, (Taylor, TaylorN)) for c in found["c"])
    assert f.reasons == {}
    constant = taylor.compile(lambda x: 1.0)
    assert constant(Taylor.variable(0.5, 2)) == 1.0 and taylor.derivative(constant, 0.5) == 0.0


@pytest.mark.parametrize("n", [2**53 + 1, 10**18, 2**63, -(2**70)])
def test_whole_numbers_that_are_no_floats_stay_whole(n):
    for f in (lambda x: x * x + 1, lambda x: x + 1, lambda x: x * x * 1.0):
        found = taylor.compile(f)(n)
        assert type(found) is type(f(n)) and found == f(n)


@pytest.mark.parametrize("made", [lambda f: f, taylor.compile])
@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_an_array_of_one_element_is_a_number(made, shape):
    """As x.T @ A @ x of a column is: what other packages take as a loss."""
    x, v, w = np.array([1.0, 2.0]), np.array([0.5, -1.0]), np.array([2.0, 1.0])
    number = lambda x: np.sin(x[0]) * x[1] ** 2
    f = made(lambda x: np.reshape(number(x), shape))
    for driver, more in (
        (taylor.gradient, ()), (taylor.hessian, ()), (taylor.hvp, (v,)), (taylor.third, (v, w)),
        (taylor.value_and_gradient, ()), (lambda f, x: taylor.sparse_hessian(f, x).toarray(), ()),
        (lambda f, x: taylor.jacobian(lambda y: taylor.gradient(f, y), x), ()),
        (hyperdual.gradient, ()), (hyperdual.hessian, ()),
    ):  # fmt: skip
        for found, right in zip(driver(f, x, *more), driver(number, x, *more), strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-14)
    by_name = taylor.hessian(lambda p: f(p["x"]) * p["a"], {"a": 2.0, "x": x})
    np.testing.assert_allclose(by_name["x"]["a"], taylor.gradient(number, x), rtol=1e-14)
    relu = lambda x: np.reshape(np.maximum(x[0], 0.0), shape)
    with pytest.raises(taylor.NonAnalyticError, match="kink"):
        taylor.gradient(relu, np.zeros(2))
    squares = lambda x: np.reshape(np.abs(x[0]) ** 2 + x[1] ** 3, shape)
    np.testing.assert_allclose(taylor.hessian(squares, [0.0, 2.0]), np.diag([2.0, 12.0]))
    assert taylor.jacobian(f, x).shape == (*shape, 2)
    assert type(taylor.value_and_gradient(f, x)[0]) is np.float64


# ------------------------------------------------------------------ again, in another form
def both(p, q=3.0, *, k=2.0, mode="sin"):
    a, b = p["a"], p["b"]
    return np.sum((np.sin(a) if mode == "sin" else a * a) * b) * q * k


P, X3 = {"a": np.array([0.3, 0.7]), "b": 2.0}, np.array([1.0, 2.0, 3.0])
OTHERS = [  # the arguments, and keywords, of calls that follow each other
    ((P, 3.0), {}), (({"b": 2, "a": P["a"]}, 4.0), {}), ((P, 2), {}), ((P, 3.0), {"mode": "sin"}),
    ((P, 3.0), {"mode": "square"}), ((P, 3.0), {"argnums": (1, 0)}), ((P, 3), {"argnums": 1}),
]  # fmt: skip


def test_compiled_functions_give_what_others_give_when_calls_change_their_form():
    f = taylor.compile(both)
    right = [taylor.gradient(both, *args, **named) for args, named in OTHERS]
    for n in (*range(len(OTHERS)), *range(len(OTHERS))[::-1], 0, 0, 5, 5):
        args, named = OTHERS[n]
        assert trees_alike(taylor.gradient(f, *args, **named), right[n]), n
    for at in ((P,), P, (P,), P, (P, 3.0), (P,), P):  # in a tuple, which the answer then is
        assert trees_alike(taylor.vjp(f, at, 2.0), taylor.vjp(both, at, 2.0))
    v = (P, 3.0), ({"a": X3[:2], "b": 1.0}, 1.0)
    for _ in range(2):
        assert trees_alike(taylor.hvp(f, *v), taylor.hvp(both, *v))
        with pytest.raises(TypeError, match="must have the form of the point"):
            taylor.hvp(f, v[0], ({"a": X3[:2]}, 1.0))


def trees_alike(x, y):
    if isinstance(y, dict):
        return list(x) == list(y) and all(trees_alike(x[k], y[k]) for k in y)
    if isinstance(y, (tuple, list)):
        return type(x) is type(y) and len(x) == len(y) and all(map(trees_alike, x, y))
    return np.shape(x) == np.shape(y) and np.allclose(x, y, rtol=1e-6, atol=1e-12)
