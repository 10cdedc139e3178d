"""What functions of a user read may change: each call then does what the function does now.

Every way to read a number from elsewhere, and every place where something made of a function of a
user is kept.
"""

import dataclasses
import functools
import gc
import operator
import os
import random
import sys
import threading
import time
import types
import weakref
from contextvars import ContextVar

import dask.array
import numpy as np
import pandas
import pytest
from numpy.polynomial import Polynomial
from scipy.interpolate import CubicSpline

import taylor
from taylor import rule
from taylor.core.reads import Reads
from taylor.ode import recalled

GLOBAL = 2.0
SETTINGS = types.ModuleType("settings")
CONTEXT = ContextVar("CONTEXT", default=2.0)
X = np.array([0.5, 0.25])


class Model:
    of_class = 2.0

    def __init__(self):
        self.c, self.parts = 2.0, {"inner": [{"c": 2.0}]}

    def get(self):
        return self.c

    @property
    def double(self):
        return 2 * self.c

    @classmethod
    def shared(cls):
        return cls.of_class


KEPT = Model()


class Slot:
    __slots__ = ("c",)


def of_global():
    return (lambda: GLOBAL), lambda v: globals().__setitem__("GLOBAL", v)


def of_cell():
    c = 2.0

    def change(v):
        nonlocal c
        c = v

    return (lambda: c), change


def of_array(*shape):
    a = np.full(shape, 2.0)
    return (lambda: a.sum()), lambda v: a.fill(v)


def of_object(read, name, make=Model, value=lambda v: v):
    owner = make()
    setattr(owner, name, value(2.0))
    return functools.partial(read, owner), lambda v: setattr(owner, name, value(v))


def of_default():
    def get(c=2.0):
        return c

    return get, lambda v: setattr(get, "__defaults__", (v,))


def of_keyword(anew):
    def get(*, c=2.0):
        return c

    def change(v):
        if anew:
            get.__kwdefaults__ = {"c": v}
        else:
            get.__kwdefaults__["c"] = v

    return get, change


def of_function():
    def get():
        return get.c

    get.c = 2.0
    return get, lambda v: setattr(get, "c", v)


def of_code():
    def get():
        return 2.0

    def change(v):
        get.__code__ = (lambda: 2.0, lambda: 5.0)[v == 5].__code__

    return get, change


def of_entry(table, key, read):
    return functools.partial(read, table), lambda v: table.__setitem__(key, v)


class Own(list):
    def __init__(self):
        super().__init__([2.0])


def of_last(table, key=-1):
    return (lambda: table[key][0]), lambda v: table[key].__setitem__(0, v)


def of_bound():
    table = {"c": 2.0}
    get = table.get
    return (lambda: get("c")), lambda v: table.__setitem__("c", v)


def of_inner():
    model = Model()
    return (
        lambda: model.parts["inner"][0]["c"],
        lambda v: model.parts["inner"][0].__setitem__("c", v),
    )


def of_chain(length=3000):
    chain = functools.reduce(lambda rest, _: [2.0, rest], range(length), None)

    def end():
        link = chain
        while link[1]:
            link = link[1]
        return link

    return (lambda: end()[0]), lambda v: end().__setitem__(0, v)


def of_coefficient():
    c, d = [2.0], taylor.operators.partials(1)
    P = taylor.operators.operator((lambda x: c[0]) * d[0])
    return (lambda: P(lambda x: x[..., 0], np.ones(1))), lambda v: c.__setitem__(0, v)


def of_late_global():
    def get():
        try:
            return LATE
        except NameError:
            return 2.0

    return get, lambda v: globals().update(LATE=v) if v == 5 else globals().pop("LATE", None)


def of_late_attribute():
    model = Model()
    get = lambda: getattr(model, "late", 2.0)
    return get, lambda v: setattr(model, "late", v) if v == 5 else vars(model).pop("late", None)


def of_import():
    sys.modules["settings_of_test_reads"] = SETTINGS

    def get():
        from settings_of_test_reads import c

        return c

    SETTINGS.c = 2.0
    return get, lambda v: setattr(SETTINGS, "c", v)


def of_bytes():
    held = bytearray([2])
    return (lambda: float(held[0])), lambda v: held.__setitem__(0, int(v))


def of_weak():
    KEPT.c, see = 2.0, weakref.ref(KEPT)
    return (lambda: see().c), lambda v: setattr(KEPT, "c", v)


def of_view():
    table = {"c": 2.0}
    view = table.values()
    return (lambda: sum(view)), lambda v: table.__setitem__("c", v)


def of_sign():
    zero = [-0.0]
    return (
        lambda: 3.5 + np.copysign(1.5, zero[0]),
        lambda v: zero.__setitem__(0, 0.0 if v == 5 else -0.0),
    )


class Default(dict):
    def __missing__(self, key):
        return SETTINGS.c


DEFAULT = Default()


class Made:
    def __new__(cls):
        return SETTINGS.c


def of_settings(get):
    SETTINGS.c = 2.0
    return get, lambda v: setattr(SETTINGS, "c", v)


@dataclasses.dataclass
class Record:
    c: float = 2.0


def of_name(name="c"):
    return of_object(lambda m: getattr(m, name), "c")


class Base:
    c = 2.0

    def get(self):
        return 2.0

    def __getitem__(self, i):
        return 2.0

    prop = property(lambda self: 2.0)
    static = staticmethod(lambda: 2.0)
    of_class = classmethod(lambda cls: 2.0)


class Derived(Base):
    pass


class Asked:
    def __getattr__(self, name):
        if name == "c":
            return 2.0
        raise AttributeError(name)


class Array(np.ndarray):
    c = 2.0


def of_shadow(read, name="c", value=None, at=0, make=Derived):
    """What is found in an object's class (at 0), a base of it (1), or there, and comes nearer."""
    cls = type("Own", (make,), {})
    m = cls() if make is not Array else np.ones(2).view(cls)
    owner, value = (m, cls, Derived)[at], value or (lambda v: v)

    def change(v):
        if v == 5:
            setattr(owner, name, value(v))
        elif name in vars(owner):
            delattr(owner, name)

    return functools.partial(read, m), change


def of_class_itself():
    m = Derived()
    other = type("Other", (Derived,), {"c": 5.0})
    return (lambda: m.c), lambda v: setattr(m, "__class__", other if v == 5 else Derived)


def of_bases():
    cls = type("Own", (Base,), {})
    m = cls()
    other = type("Other", (Base,), {"c": 5.0})
    return (lambda: m.c), lambda v: setattr(cls, "__bases__", (other if v == 5 else Base,))


def of_index():
    a = pandas.Series([2.0, 5.0], index=["c", "d"])
    return (lambda: float(a["c"])), lambda v: setattr(a, "index", [*("dc" if v == 5 else "cd")])


def of_spline(inside):
    spline = CubicSpline([0.0, 1.0, 2.0], [2.0, 2.0, 2.0])

    def change(v):
        if not inside:
            spline.c = spline.c.copy()
        spline.c[3] = v

    return (lambda: float(spline(0.0))), change


def of_mask():
    a = np.ma.masked_array([2.0, 3.0], mask=[False, True])
    return (lambda: float(a.sum())), lambda v: a.mask.__setitem__(1, v != 5)


def of_environment():
    change = lambda v: os.environ.__setitem__("TEST_OF_READS", str(v))
    change(2.0)
    return (lambda: float(os.environ["TEST_OF_READS"])), change


READS = {
    "a global": of_global,
    "the environment": of_environment,
    "an attribute beside that of its class": lambda: of_shadow(lambda m: m.c),
    "an attribute of a class beside that of its base": lambda: of_shadow(lambda m: m.c, at=1),
    "a method of an object": lambda: of_shadow(lambda m: m.get(), "get", lambda v: lambda: v),
    "a method of a derived class": lambda: of_shadow(
        lambda m: m.get(), "get", lambda v: lambda self: v, 2
    ),
    "an operator of a class": lambda: of_shadow(
        lambda m: m[0], "__getitem__", lambda v: lambda self, i: v, 1
    ),
    "a property of a class": lambda: of_shadow(
        lambda m: m.prop, "prop", lambda v: property(lambda self: v), 1
    ),
    "a static method": lambda: of_shadow(
        lambda m: m.static(), "static", lambda v: staticmethod(lambda: v), 1
    ),
    "a method of classes": lambda: of_shadow(
        lambda m: m.of_class(), "of_class", lambda v: classmethod(lambda cls: v), 1
    ),
    "an attribute instead of one made": lambda: of_shadow(lambda m: m.c, make=Asked),
    "an attribute of an array": lambda: of_shadow(lambda m: m.c, make=Array),
    "the class of an object": of_class_itself,
    "the bases of a class": of_bases,
    "labels of data": of_index,
    "coefficients of a spline": lambda: of_spline(True),
    "other coefficients of a spline": lambda: of_spline(False),
    "a polynomial": lambda: of_object(
        lambda p: p(1.0), "coef", lambda: Polynomial([2.0]), lambda v: np.array([v])
    ),
    "a mask": of_mask,
    "a cell": of_cell,
    "an array": lambda: of_array(3),
    "an array of no axes": of_array,
    "an attribute": lambda: of_object(lambda m: m.c, "c"),
    "an attribute of self": lambda: of_object(lambda m: m.get(), "c"),
    "a property": lambda: of_object(lambda m: m.double, "c"),
    "an attribute by its name": lambda: of_object(lambda m: getattr(m, "c"), "c"),  # noqa: B009
    "the dict of an object": lambda: of_object(lambda m: vars(m)["c"], "c"),
    "an attribute of a class": lambda: of_object(lambda m: m.shared(), "of_class", lambda: Model),
    "the dict of a class": lambda: of_object(
        lambda m: m.__dict__["of_class"], "of_class", lambda: Model
    ),
    "a slot": lambda: of_object(lambda m: m.c, "c", Slot),
    "a module": lambda: of_object(lambda m: m.c, "c", lambda: SETTINGS),
    "a default": of_default,
    "a keyword": lambda: of_keyword(False),
    "other keywords": lambda: of_keyword(True),
    "an attribute of a function": of_function,
    "other code": of_code,
    "an entry of a dict": lambda: of_entry({"c": 2.0}, "c", lambda d: d["c"]),
    "an item of a list": lambda: of_entry([2.0], 0, lambda a: a[0]),
    "an array of objects": lambda: of_entry(np.array([2.0], object), 0, lambda a: a[0]),
    "a function in a dict": lambda: of_entry({"c": float}, "c", lambda d: d["c"](2)),
    "a method of a dict": of_bound,
    "an item deep inside": of_inner,
    "the end of a long list": lambda: of_last([[2.0] for _ in range(5000)]),
    "the end of a long dict": lambda: of_last({i: [2.0] for i in range(5000)}, 4999),
    "an object in an array": lambda: of_last(np.array([Model, Own()], object)),
    "the end of an array of objects": lambda: of_entry(
        np.array([None] * 5000 + [2.0], object), -1, lambda a: a[-1]
    ),
    "the end of a long chain": of_chain,
    "a global that comes": of_late_global,
    "an attribute that comes": of_late_attribute,
    "an attribute by a name held elsewhere": of_name,
    "an attribute by an operator": lambda: of_object(operator.attrgetter("c"), "c"),
    "the fields of a data class": lambda: of_object(
        lambda r: dataclasses.astuple(r)[0], "c", Record
    ),
    "an import": of_import,
    "the sign of a zero": of_sign,
    "bytes": of_bytes,
    "a weak reference": of_weak,
    "a thread": lambda: of_object(lambda m: m.c, "c", threading.local),
    "what a dict has not": lambda: of_settings(lambda: DEFAULT[1]),
    "making an object": lambda: of_settings(lambda: Made()),
    "a view of a dict": of_view,
    "a context": lambda: (CONTEXT.get, CONTEXT.set),
    "a coefficient of an operator": of_coefficient,
}
OTHER = {"a function in a dict": lambda x: 5.0 * (x > 0)}


@pytest.mark.parametrize("name", READS)
def test_whatever_changes_is_seen(name):
    get, change = READS[name]()
    row = rule(lambda x: get() * x, quotient=lambda a, y: (get(), 1), name="row")

    def f(x):
        return row(x) * x

    def rate(t, y):
        return get() * y

    for new in (2.0, 5.0, 2.0):
        reads = Reads(f)
        assert not reads.changed()
        change(OTHER.get(name, new) if new == 5 else float if name in OTHER else new)
        assert bool(reads.changed()) == (new == 5) or new == 2
        c = 2 * get()
        found = taylor.derivative(f, 0.5), taylor.gradient(f, 0.5), taylor.derivative(f, 0.5, 2)
        assert [float(y) for y in found] == [c * 0.5, c * 0.5, c]
        r = taylor.ode.solve_ivp(rate, (0, 0.5), [1.0])
        assert r.y[0, -1] == pytest.approx(np.exp(c / 4), rel=1e-14)


def test_an_attribute_is_no_global_of_its_name():
    get, change = of_global()
    f, by_text = lambda k: k.GLOBAL, lambda: globals()["GLOBAL"]
    reads, others = Reads(f), [Reads(by_text), Reads(get)]
    change(5.0)
    try:
        assert not reads.changed() and all(r.changed() for r in others)
    finally:
        change(2.0)


STATE, CHANCE, OLD = np.random.RandomState(0), random.Random(0), np.random.MT19937(0)
DRAWS = {
    "a generator": np.random.Generator(OLD).random,
    "an older one": lambda: STATE.rand(),
    "one of Python": lambda: CHANCE.random(),
    "a new one": lambda: np.random.default_rng().random(),
    "the time": lambda: time.perf_counter(),
    "an attribute of a function": lambda: setattr(draw, "n", getattr(draw, "n", 0) + 1) or draw.n,
}


def draw():
    """A function that has attributes."""


@pytest.mark.parametrize("name", DRAWS)
def test_what_is_another_in_each_call_has_no_code(name):
    c = taylor.compile(lambda x: x * DRAWS[name]())
    with pytest.warns(taylor.errors.PerformanceWarning, match="each call changes|random numbers"):
        found = {float(c(0.5)) for _ in range(4)}
        assert len(found | {float(taylor.gradient(c, 0.5)) for _ in range(4)}) == 8
    seeded = taylor.compile(lambda x: x * np.random.default_rng(3).random())
    assert seeded(0.5) == seeded(0.5) == seeded.f(0.5) and not seeded.reasons


def test_what_leads_to_more_than_is_watched_has_no_code():
    many = {i: [[2.0] for _ in range(4000)] for i in range(20)}
    last = many[19][-1]
    c = taylor.compile(lambda x: last[0] * many[19][-1][0] * x)
    row = rule(lambda x: many[19][-1][0] * x, quotient=lambda a, y: (many[19][-1][0], 1), name="r")
    with pytest.warns(taylor.errors.PerformanceWarning, match="leads to too many objects"):
        assert c(0.5) == 2.0
    assert taylor.gradient(lambda x: row(x) * x, 0.5) == 2.0
    last[0] = 4.0
    assert c(0.5) == 8.0 and taylor.gradient(c, 0.5) == 16.0
    assert taylor.gradient(lambda x: row(x) * x, 0.5) == 4.0
    assert taylor.derivative(lambda x: row(x) * x, 0.5, 2) == 8.0


def test_data_of_libraries_are_not_followed_into_their_code():
    x = dask.array.ones((4, 2), chunks=2) + 1
    f = lambda p: np.sum(np.asarray(x.compute()) @ p)
    assert len(Reads(f).seen) < 20
    assert taylor.gradient(taylor.compile(f), X).tolist() == [8.0, 8.0]


@pytest.mark.parametrize("package", ["jax", "torch", "autograd", "numba", "equinox"])
def test_modules_of_other_libraries_are_what_they_are(package):
    library = types.ModuleType(f"{package}.numpy")
    library.all_of_it = [Model() for _ in range(3)]

    def f(x, np=np):
        return np.sum(x**2) if np is not library else library.all_of_it[0].c

    reads = Reads(f)
    assert reads.known and not reads.lists


def test_arrays_of_libraries_with_derivatives_of_their_own_are_read():
    """An array of torch that is differentiated there is one of NumPy only where it is detached."""

    class Tensor:
        def __init__(self, x):
            self.x = x

        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

        def detach(self):
            return self.x

    Tensor.__module__ = "torch"
    w = Tensor(np.ones(2))
    f = lambda x: np.sum(x**2) * w.detach()[0]
    c, points = taylor.compile(f), np.ones((2, 2))
    assert taylor.gradient(c, points[0]).tolist() == [2.0, 2.0]
    assert taylor.lanes(lambda x: taylor.gradient(f, x))(points).tolist() == [[2.0, 2.0]] * 2
    w.x[:] = 3.0
    assert taylor.gradient(c, points[0]).tolist() == [6.0, 6.0]
    assert taylor.lanes(lambda x: taylor.gradient(f, x))(points).tolist() == [[6.0, 6.0]] * 2


def test_what_is_recorded_of_rates_keeps_nothing_alive(monkeypatch):
    """The second call finds the program of the first, if all that fun reads is numbers and code."""

    def made(k):
        helper = lambda y: k * y
        return lambda t, y, a: a * np.sin(helper(y))

    recorded = []
    again = recalled.recalled
    monkeypatch.setattr(
        "taylor.ode.system.recalled",
        lambda fun, what, x, record: again(fun, what, x, lambda: recorded.append(1) or record()),
    )
    rate = made(2.0)
    seen = weakref.ref(rate)
    ends = [taylor.ode.solve_ivp(rate, (0.0, 1.0), [1.0], args=(a,)).y[0, -1] for a in (1.0, 2.0)]
    assert len(recorded) == 1 and ends[0] != ends[1]
    del rate
    gc.collect()
    assert seen() is None


# ------------------------------------------------------------------ where functions are kept
def quotient(get):
    return rule(lambda x: get() * x, quotient=lambda a, y: (get(), 1), name="row")


def local(get):
    def series(x, order):
        return np.stack([get() * x, get() + 0 * x, *[0 * x] * (order - 1)])[: order + 1]

    return rule(lambda x: get() * x, local=series, name="row")


def backward(get):
    return rule(lambda x: get() * np.asarray(x), vjp=lambda b, y, x: (get() * b,), name="row")


def forward(get):
    return rule(lambda x: get() * np.asarray(x), jvp=lambda d, y, x: get() * d[0], name="row")


def compiled(row):
    def use(get):
        g = row(get)
        f = taylor.compile(lambda x: np.sum(g(x) * x))
        return lambda: (f(X), taylor.gradient(f, X), taylor.hessian(f.f, X))

    return use


def recorded(row):
    def use(get):
        g = row(get)
        program = taylor.record(lambda x: np.sum(taylor.scan(lambda c: g(c) / 4, g(x) * x, 4)), X)
        f = taylor.compile(program)
        slope = taylor.compile(lambda x: taylor.gradient(program, x))
        return lambda: [(h(X), taylor.gradient(h, X), slope(X)) for h in (program, f)]

    return use


def often(get):
    g = quotient(get)

    def use():
        with taylor.policy(compile_after=2):
            return [taylor.gradient(lambda x: np.sum(g(x) * x), X) for _ in range(4)]

    return use


def by_lanes(get):
    g = quotient(get)
    f = taylor.lanes(lambda x: np.sum(g(x) * x))
    return lambda: f(np.stack([X, 2 * X]))


def stepped(get):
    f = taylor.compile(lambda x: taylor.scan(lambda c, t: c * get() + t, x, xs=np.arange(3.0)))
    g = taylor.compile(taylor.checkpoint(lambda c: c * get() * c, 2))
    return lambda: [(h(0.5), taylor.gradient(h, 0.5)) for h in (f, g)]


def solved(get):
    g = quotient(get)

    def use():
        found = taylor.ode.solve_ivp(
            lambda t, y: -g(y), (0, 1), [1.0], events=lambda t, y: y[0] - 1 / get()
        )
        return found.y[0, -1], found.t_events[0]

    return use


def at_a_root(get):
    root = taylor.implicit_root(lambda x, p: x * get() - p, 0.5)
    return lambda: taylor.gradient(root, 1.0)


USES = {
    "quotient": compiled(quotient), "local": compiled(local), "vjp": compiled(backward),
    "jvp": compiled(forward), "recorded": recorded(quotient), "recorded vjp": recorded(backward),
    "recorded jvp": recorded(forward), "often": often, "lanes": by_lanes,
    "steps": stepped, "solve_ivp": solved, "implicit_root": at_a_root,
}  # fmt: skip


def numbers(y):
    return [e for part in y for e in numbers(part)] if isinstance(y, (tuple, list)) else [y]


@pytest.mark.parametrize("name", USES)
def test_wherever_it_is_kept(name):
    get, change = of_cell()
    use = USES[name](get)
    for new in (2.0, 5.0):
        change(new)
        expected = USES[name](lambda c=new: c)()
        for found, y in zip(numbers(use()), numbers(expected), strict=True):
            np.testing.assert_allclose(found, y, rtol=1e-12)


def test_random_numbers_that_another_thread_draws_are_not_those_of_f(monkeypatch):
    states = iter([0, 1, 2, 2])  # it draws while f is recorded first
    monkeypatch.setattr("taylor.core.program.random_states", lambda: next(states))
    assert taylor.compile(lambda x: x * x, strict=True)(3.0) == 9.0
    monkeypatch.undo()
    with pytest.raises(taylor.CompileError, match="draws random numbers"):
        taylor.compile(lambda x: x * np.random.random(), strict=True)(3.0)
