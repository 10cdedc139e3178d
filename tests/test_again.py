"""Functions that are differentiated often: code made by itself gives what the ordinary way does.

Whatever a function reads or does, each result is that of the function as it is at the call.
"""

import gc
import types
import weakref

import numpy as np
import pytest
from shared import together

import taylor
from taylor.core.program import Program
from taylor.drivers import again, inside, often
from taylor.llvm import store

RNG = np.random.default_rng(7)
X = np.array([0.3, -0.7, 1.2])
LIST, TABLE, SCALE = [2.0], {"k": 3.0}, 1.5


def smooth(x):
    return np.sum(np.exp(np.sin(x) * x[0]) + x**2) + x[1] * x[2]


def vector(x):
    return np.stack([x[0] * x[1], np.sin(x[2]), x[0] ** 3, np.sum(x)])


def number(t):
    return np.exp(np.sin(t)) * t


def branching(x):
    return np.sum(x**2) if x[0] > 0 else np.sum(np.exp(x)) * x[1]


def waves(x):
    """Complex in between: a transform of NumPy's, a phase, and parts of them."""
    y = np.fft.rfft(x) * np.exp(1j * x[:2])
    return np.sum(np.abs(y) ** 2 * np.array([1.0, 3.0])) + np.sum(np.real(y) * x[0])


DRIVERS = {
    "gradient of waves": (taylor.gradient, waves, X),
    "hessian of waves": (taylor.hessian, waves, X),
    "gradient": (taylor.gradient, smooth, X),
    "value_and_gradient": (taylor.value_and_gradient, smooth, X),
    "hessian": (taylor.hessian, smooth, X),
    "hvp": (taylor.hvp, smooth, X, np.ones(3)),
    "third": (taylor.third, smooth, X, np.ones(3), X),
    "tensor": (taylor.tensor, smooth, X, 3),
    "jacobian": (taylor.jacobian, vector, X),
    "jacfwd": (taylor.jacfwd, vector, X),
    "jacrev": (taylor.jacrev, vector, X),
    "vjp": (taylor.vjp, vector, X, np.arange(4.0)),
    "jvp": (taylor.jvp, vector, X, np.arange(3.0)),
    "derivative": (taylor.derivative, number, 0.4),
    "derivative, third": (taylor.derivative, number, 0.4, 3),
    "derivatives": (taylor.derivatives, number, np.float64(0.4), 4),
    "taylor_coefficients": (taylor.taylor_coefficients, number, X, 4),
    "directional": (taylor.directional, smooth, X, np.ones(3), 4),
    "gradient of a number": (taylor.gradient, number, 0.4),
    "gradient at a branch": (taylor.gradient, branching, X),
}


def ordinary(driver, *args, **named):
    with taylor.policy(compile_after=0):
        return driver(*args, **named)


def leaves(y):
    if isinstance(y, dict):
        return [e for k in y for e in leaves(y[k])]
    return [e for part in y for e in leaves(part)] if isinstance(y, (tuple, list)) else [y]


def alike(y, z):
    y, z = leaves(y), leaves(z)
    assert list(map(type, y)) == list(map(type, z))
    for a, b in zip(y, z, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)


def fresh(f):
    """Return f as a function of its own."""
    often.KEPT.clear()
    if not isinstance(f, types.FunctionType):
        return f
    code = f.__code__.replace(co_firstlineno=1 + f.__code__.co_firstlineno)
    return types.FunctionType(code, f.__globals__, f.__name__, f.__defaults__, f.__closure__)


@pytest.fixture
def answers(monkeypatch):
    """Count what code gives."""
    found = []
    true = again.Known.answer

    def answer(self, f, at, ask):
        y, f = true(self, f, at, ask)
        found.append(y is not NotImplemented)
        return y, f

    monkeypatch.setattr(again.Known, "answer", answer)
    return found


@pytest.mark.parametrize("name", DRIVERS)
def test_each_driver_gives_what_it_gave(name, answers):
    driver, f, *args = DRIVERS[name]
    f, expected = fresh(f), ordinary(driver, f, *args)
    with taylor.policy(compile_after=3):
        for _ in range(5):
            alike(driver(f, *args), expected)
    assert answers == [False, True, True, True]  # the second of five calls is recorded


def test_a_knot_where_both_slopes_vanish_is_no_tie(answers):
    def cubic(x):
        slope = taylor.gradient(lambda t: np.sum(np.exp(x[0] * np.maximum(t - X[1], 0) ** 3)), X)
        return np.sum(slope * x[1]) + x[2]

    expected = ordinary(taylor.gradient, cubic, X)
    with taylor.policy(compile_after=3):
        for _ in range(9):
            alike(taylor.gradient(cubic, X), expected)
    assert answers == [False, *[True] * 7]  # the gradient inside is no function of its own


def slope(g, t):
    return taylor.gradient(lambda t: np.sum(g(t)), t)


INSIDE = {  # functions with a gradient inside
    "of data": lambda x: np.sum(np.sin(slope(lambda t: np.exp(x[0] * t) + t**2, X))),
    "at the point": lambda x: np.sum(slope(lambda t: np.sin(t) * x, np.exp(x))),
    "two": lambda x: np.sum(slope(np.tanh, x) * slope(lambda t: x[1] * t**3, X)),
    "one in another": lambda x: slope(lambda t: t * slope(lambda s: s**3 * x[1], t), x[0]),
    "with a tie": lambda x: np.sum(slope(lambda t: np.maximum(t, x[0]) ** 3, X)),
    "with a branch": lambda x: np.sum(slope(lambda t: t * x if x[0] > 0.4 else t**2 * x, X)),
    "a power of zero": lambda x: np.exp(-slope(lambda t: np.abs(t - 0.3) ** 1.5, x[0])),
    "not finite": lambda x: np.exp(-slope(lambda t: np.sqrt(t - 0.3), x[0])),
    "data that change": lambda x: np.sum(slope(lambda t: t**2 * TABLE["k"], x)),
    "a rectangle": lambda x: np.sum(slope(lambda a: np.exp(a.T * x[1]), np.outer(X, X)) ** 2),
}


@pytest.mark.parametrize("name", INSIDE)
def test_a_gradient_inside_is_known_again_or_made_anew(name, monkeypatch):
    known, true = [], inside.Within.is_known
    monkeypatch.setattr(inside.Within, "is_known", lambda *a: known.append(true(*a)) or known[-1])
    points = [*(X + 0.01 * k for k in range(1, 6)), np.array([1.2, 0.3, 0.4]), X, X]
    for k, x in enumerate(points):
        monkeypatch.setitem(TABLE, "k", 1.0 + k // 5)
        alike(*(outcome(INSIDE[name], x, calls) for calls in (2, 0)))
    assert any(known)


def outcome(f, x, calls):
    """Return value and gradient, or what kind of point x is."""
    with taylor.policy(compile_after=calls):
        try:
            return taylor.value_and_gradient(f, x)
        except taylor.TaylorError as error:
            return (np.array([type(error).__name__ == "NonAnalyticError"]),)


def test_by_default_the_64th_call_makes_code(answers, monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", "")
    f = fresh(smooth)
    for _ in range(66):
        taylor.gradient(f, X)
    assert answers == [False, True, True, True]


def test_code_on_disk_is_taken_earlier(answers, monkeypatch, tmp_path):
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    c = RNG.normal()
    for calls, expected in ((66, [False, *[True] * 3]), (20, [False, *[True] * 4])):
        f = fresh(lambda x: smooth(x) * c)
        for _ in range(calls):
            alike(taylor.gradient(f, X), ordinary(taylor.gradient, f, X))
        assert answers == expected
        answers.clear()


def steps(x):
    y = x[0]
    for _ in range(60):
        y = y * (1.5 - 0.5 * y) + 0.01 * x[1]
    return y * x[2]


@pytest.mark.parametrize(
    ("driver", "f", "args", "first"),
    [
        (taylor.hvp, smooth, (X, X), 30),  # an ordinary call takes nine times that of a gradient
        (taylor.gradient, steps, (X,), 17),  # the loop is rolled up
        (taylor.derivatives, number, (0.4, 3), None),  # to compare takes longer than series do
    ],
)
def test_code_is_made_where_it_pays(driver, f, args, first, answers, monkeypatch, tmp_path):
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    store.folder().mkdir(mode=0o700)
    c, g = RNG.normal(), f
    f = fresh(lambda x: g(x) * c)  # which no other test has asked for
    for _ in range(70 if first is None else first):
        driver(f, *args)
    assert answers == ([] if first is None else [False] * (first - often.EARLY) + [True])


def test_points_on_both_sides_of_a_branch(answers):
    f = fresh(branching)
    with taylor.policy(compile_after=2):
        for x in RNG.normal(size=(40, 3)):
            alike(taylor.gradient(f, x), ordinary(taylor.gradient, f, x))
    assert sum(answers) > 20


def test_arguments_that_do_not_vary_and_trees(answers):
    def loss(p, data, *, power):
        return np.sum((p["a"] * data - p["b"]) ** power)

    p, calls = {"a": X, "b": 0.5}, []
    with taylor.policy(compile_after=2):
        for n in range(12):
            data = X if n < 6 else X + 1
            given = {"a": X * (n + 1), "b": 0.1 * n}
            found = taylor.gradient(loss, given, data, power=3)
            alike(found, ordinary(taylor.gradient, loss, given, data, power=3))
            pair = taylor.gradient(lambda a, b: np.sum(a * b**2), X * n, X, argnums=(0, 1))
            alike(pair, (X**2, 2 * X * X * n))
            calls.append(p)
    assert sum(answers) > 10


class Model:
    def __init__(self):
        self.scale, self.data, self.history = 2.0, X.copy(), []

    def energy(self, x):
        self.history.append(len(self.history))
        return self.scale * np.sum(np.sin(x) * self.data)


def changing_models():
    model = Model()

    def change(n):
        if n == 5:
            model.scale = -2.0
        if n == 9:
            model.data[1] = 0.25
        if n == 13:
            model.data = np.array([3.0, 1.0, 2.0])

    return model.energy, change


def changing_globals():
    def f(x):
        return LIST[0] * np.sum(x**2) * TABLE["k"] * SCALE

    def change(n):
        global SCALE
        LIST[0], TABLE["k"] = [2.0, 2.5][n == 6], 3.0 + (n > 9)
        SCALE = -0.0 if n == 14 else 1.5

    return f, change


def changing_closures():
    a, big, count = np.array([1.0, 0.0, 2.0]), np.ones((3, 600)), [0]

    def f(x):
        count[0] += 1
        return np.sum(a * x) + np.sum((x @ big) ** 2) / len(a)

    def change(n):
        a[1] = -0.0 if n > 4 else 0.0
        if n == 8:
            big[2, 599] += 1e-13
        if n == 12:
            big[...] = 2.0

    return f, change


def changing_one_element():
    arrays = [np.ones((3, 2001)), np.ones((3, 2001), order="F"), np.ones((6, 4002))[::2, ::2]]
    fixed = np.ones((3, 2001))
    fixed.flags.writeable = False
    arrays += [np.ones((3, 2001), dtype="int16"), np.ones((3, 2001), dtype=bool), fixed]
    seen = [np.broadcast_to(a, a.shape) for a in arrays]  # read-only views

    def f(x):
        return sum(np.sum(np.sin(x @ a)) for a in seen)

    def change(n):
        if n % 6 == 5:
            fixed.flags.writeable = n == 35
            arrays[n // 6][1, 50 * n + 1] = 0

    return f, change


def counting():
    n = [0.0]

    def f(x):
        n[0] = n[0] + 0.5 if n[0] < 3 else n[0]
        return np.sum(x**2) * n[0]

    def change(k):
        n[0] = min(3, (k + k % 2) / 4)

    return f, change


def chance():
    rng = np.random.default_rng(3)

    def f(x):
        return np.sum(x * rng.normal(size=3)) if rng.random() < 0.2 else np.sum(x)

    return f


def changing_functions():
    helpers = [np.sin]

    def f(x):
        return np.sum(helpers[0](x))

    functions = [np.sin, np.cos, lambda y: y * y]
    return f, lambda n: helpers.__setitem__(0, functions[n // 7 % 3])


def depending_on_values():
    def f(x):
        k = np.argmax(x)
        m = np.asarray(x > 0.5)
        m[0] = False
        return x[k] * np.sum(np.where(m, x, 2 * x))

    return f, lambda n: None


@pytest.mark.parametrize(
    "make",
    [
        changing_models, changing_globals, changing_closures, changing_one_element, counting,
        changing_functions, depending_on_values,
    ],
)  # fmt: skip
def test_each_result_is_of_the_function_as_it_is_now(make, answers):
    f, change = make()
    often.KEPT.clear()
    for n in range(40):
        change(n)
        x = X * (1 + 0.1 * (n % 3))
        expected = ordinary(taylor.gradient, f, x)
        change(n)
        with taylor.policy(compile_after=3):
            alike(taylor.gradient(f, x), expected)
    assert any(answers)


def test_what_is_random_is_what_it_would_have_been():
    def slopes(after):
        f = chance()
        often.KEPT.clear()
        with taylor.policy(compile_after=after):
            return [taylor.gradient(f, X) for _ in range(60)]

    alike(slopes(2), slopes(0))


def test_a_function_runs_once_a_call():
    calls = [0]

    def f(x):
        calls[0] += 1
        return np.sum(x**2) * (1 if calls[0] < 9 else calls[0])

    often.KEPT.clear()
    with taylor.policy(compile_after=3):
        for n in range(1, 15):
            alike(taylor.gradient(f, X), 2 * X * (1 if n < 9 else n))
            assert calls == [n]


def test_what_a_function_does_beside_is_done_at_each_call(capsys):
    seen = []

    def f(x):
        print("called")
        seen.append(1)
        return np.sum(x * x)

    often.KEPT.clear()
    with taylor.policy(compile_after=2):
        for _ in range(6):
            taylor.gradient(f, X)
    assert len(seen) == capsys.readouterr().out.count("called") == 6


def test_errors_are_those_of_the_function():
    fail = []

    def f(x):
        if fail:
            raise KeyError("now")
        return np.sum(x * x)

    often.KEPT.clear()
    with taylor.policy(compile_after=2):
        for _ in range(4):
            taylor.gradient(f, X)
        fail.append(1)
        with pytest.raises(KeyError, match="now"):
            taylor.gradient(f, X)


def test_an_except_of_the_function_hides_nothing():
    k = [1.0]

    def f(x):
        try:
            return np.sum(x * k[0])
        except BaseException:
            return np.sum(x)

    often.KEPT.clear()
    with taylor.policy(compile_after=2):
        for n in range(8):
            k[0] = 1.0 if n < 5 else 4.0
            assert taylor.gradient(f, X).tolist() == [k[0]] * 3


def test_kinks_and_singular_points_are_left_to_the_ordinary_way():
    def kink(x):
        return np.sum(abs(x) * np.maximum(x, 1.0))

    def root(t):
        return np.sqrt(t)

    often.KEPT.clear()
    with taylor.policy(compile_after=2):
        for _ in range(4):
            taylor.gradient(kink, X), taylor.derivative(root, 2.0)
        with pytest.raises(taylor.NonAnalyticError):
            taylor.gradient(kink, X * 0)
        with taylor.policy(kink="left"):
            assert taylor.gradient(kink, X * 0).tolist() == [-1.0] * 3
        with pytest.raises(taylor.DomainError):
            taylor.derivative(root, 0.0)


def test_nested_derivatives_and_outer_variables():
    def inner(a, x):
        return taylor.gradient(lambda y: np.sum(a * y**3), x)

    often.KEPT.clear()
    with taylor.policy(compile_after=2):
        for n in range(5):
            x = X * (n + 1)
            alike(taylor.jacobian(lambda y: inner(2.0, y), x), np.diag(12 * x))
            slope = taylor.derivative(lambda a, x=x: np.sum(inner(a, x)), 1.0)
            alike(float(slope), float(np.sum(3 * x**2)))


def test_other_numbers_take_the_ordinary_way(answers):
    f = fresh(smooth)
    with taylor.policy(compile_after=2):
        for x in (X.astype(np.float32), X + 0.1j, [1, 2, 3]):
            for _ in range(3):
                alike(taylor.gradient(f, x), ordinary(taylor.gradient, f, x))
    assert answers == []


def solved(x):
    a = np.diag(2 + x)
    return np.sum(np.linalg.solve(a, x)) + np.linalg.slogdet(a)[1]


@taylor.rule(vjp=lambda ybar, y, x: (ybar * 2 * x,))
def squared(x):
    return x**2


@pytest.mark.parametrize(("f", "code"), [(solved, True), (lambda x: squared(x) @ x, False)])
def test_rules_of_the_package_have_code_and_those_of_others_none(f, code, answers):
    often.KEPT.clear()
    with taylor.policy(compile_after=2):
        for n in range(4):
            alike(taylor.gradient(f, X * n), ordinary(taylor.gradient, f, X * n))
        if code:
            with pytest.raises(np.linalg.LinAlgError, match="Singular"):
                taylor.gradient(f, 0 * X - 2)
    assert any(answers) == code


def test_code_that_is_not_used_again_is_made_more_and_more_rarely(answers, monkeypatch):
    made = []
    true = again.Fixed.recorded
    monkeypatch.setattr(again.Fixed, "recorded", lambda *a: made.append(1) or true(*a))
    often.KEPT.clear()
    with taylor.policy(compile_after=8):
        for n in range(40):
            data = np.array([1.0 + n])
            for _ in range(10):
                alike(taylor.gradient(lambda x, a: np.sum(x * a), X, data), X * 0 + data)
    assert len(made) <= 6 and sum(answers) < 80


def test_what_keeps_failing_is_tried_more_and_more_rarely(answers, monkeypatch):
    recorded = []
    true = again.recorded
    monkeypatch.setattr(again, "recorded", lambda *a: recorded.append(1) or true(*a))
    k = [0.0]

    def f(x):
        k[0] += 1
        return np.sum(x) * k[0]

    often.KEPT.clear()
    with taylor.policy(compile_after=2):
        for _ in range(200):
            taylor.gradient(f, X)
    assert not any(answers) and len(recorded) < 12


def test_what_can_never_be_compared_is_recorded_a_few_times_only(monkeypatch):
    found, kept = [], again.recorded
    monkeypatch.setattr(again, "recorded", lambda *args: found.append(args) or kept(*args))
    sine = taylor.rule(np.sin, jvp=lambda d, y, x: np.cos(x) * d[0])
    f = fresh(lambda x: np.sum(sine(x)))
    with taylor.policy(compile_after=3):
        for _ in range(200):
            slope = taylor.gradient(f, X)
    assert slope == pytest.approx(np.cos(X), rel=1e-14) and len(found) <= 2 * again.REFUSED


def test_nothing_that_a_function_holds_is_kept():
    class Data:
        pass

    def made():
        data, held = np.ones(5000), Data()

        def f(x):
            held.here = 1
            return np.sum(data * x[0])

        return f, weakref.ref(f), weakref.ref(data), weakref.ref(held)

    often.KEPT.clear()
    f, *references = made()
    with taylor.policy(compile_after=2):
        for _ in range(4):
            taylor.gradient(f, X)
    del f
    gc.collect()
    assert [r() for r in references] == [None] * 3


def test_a_large_matrix_has_code(answers):
    matrix = np.linspace(-1.0, 1.0, 250_000).reshape(500, 500)  # which with its code is kept
    often.KEPT.clear()
    with taylor.policy(compile_after=2):
        for k in range(4):
            x = np.full(500, 1.0 + k)
            alike(taylor.gradient(lambda x: x @ (matrix @ x), x), (matrix + matrix.T) @ x)
    assert sum(answers) == 3


def test_what_is_kept_is_bounded():
    often.KEPT.clear()
    with taylor.policy(compile_after=2):
        for n in range(1, 200):
            taylor.gradient(lambda x: np.sum(x), np.ones(n))
    (entry,) = often.KEPT.entries.values()
    assert max(len(entry[0].known), len(entry[0].calls)) <= often.SHAPES + 1
    for _ in range(300):
        exec("taylor.gradient(lambda x: x, 1.0)", {"taylor": taylor})
    assert len(often.KEPT.entries) <= often.KEPT.most
    big = np.ones(1 << 20)
    with taylor.policy(compile_after=2):
        for _ in range(3):
            taylor.gradient(lambda x: np.sum(big * x), 1.0)
    assert sum(e[1] for e in often.KEPT.entries.values()) < often.KEPT.room


def test_threads_at_once():
    f = fresh(smooth)
    expected = [ordinary(taylor.gradient, f, X * (n + 1)) for n in range(4)]

    def work(k):
        with taylor.policy(compile_after=3):
            return [taylor.gradient(f, X * (n + 1)) for n in range(4) for _ in range(5)]

    for found in together(work, 3):
        alike(found, [e for e in expected for _ in range(5)])


def test_code_is_weighed_while_another_thread_makes_some():
    class Code:
        def __init__(self, others):
            self.others = others

        @property
        def weight(self):
            self.others[len(self.others)] = [self]  # by another thread, meanwhile
            return 1

    history, fixed = often.History(smooth.__code__), again.Fixed(Program([], [], []), None, 1)
    history.known[X.shape] = Code(history.known)
    fixed.machines[X.shape] = [Code(fixed.machines)]
    assert history.weight == fixed.weight == 1


@pytest.mark.parametrize("wrong", [-1, 2.0, True, "never"])
def test_how_often_is_a_number(wrong):
    with pytest.raises(ValueError, match="compile_after"), taylor.policy(compile_after=wrong):
        pass


def test_policies_inside_keep_how_often():
    with taylor.policy(compile_after=5), taylor.policy(kink="left"):
        assert taylor.numbers.policy.current_policy().compile_after == 5


def test_shapes_are_those_of_the_call():
    x, w = np.arange(24.0).reshape(2, 3, 4), np.ones(1)
    shapes = []

    def mean(x, keepdims):
        y = x.mean(keepdims=keepdims)
        shapes.append(y.shape)
        return y.reshape(-1)

    with taylor.policy(compile_after=2):
        for keepdims in [False] * 6 + [True, False] * 6:
            taylor.vjp(lambda x, k=keepdims: mean(x, k), x, w)
            assert shapes[-1] == ((1, 1, 1) if keepdims else ())
