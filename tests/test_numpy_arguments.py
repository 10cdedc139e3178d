"""NumPy's functions with all their arguments: value, J·v and Jᵀ·w against NumPy and differences.

A call either does what NumPy does, in value, shape and derivative, or raises an error that says
what is not taken; what NumPy refuses is refused.  The calls are those of `numpy_cases`.
"""

import inspect
import random
import re

import numpy as np
import pytest
from numpy_cases import CASES, FIRST, INT, MEAN, OUT, A, M

import taylor
from hyperdual import HyperDual
from taylor import Taylor, TaylorN
from taylor.core import binding
from taylor.core.binding import FUNCTIONS, UFUNCS

REFUSAL = re.compile(
    r"does not take|would cut|plain array|where= needs out=|not implemented|no derivative"
    r"|recorded values are|== of two with one value|or 'complete', not|full_matrices=False"
)


OLDER = np.lib.NumpyVersion(np.__version__) < "2.4.0"  # knew fewer arguments


# ------------------------------------------------------------------ one call
def combinations(keywords, count=12):
    """Yield no keyword, every keyword alone, and some pairs and triples."""
    draw = random.Random(1)
    yield {}
    yield from ({k: v} for k, values in keywords.items() for v in values)
    seen = set()
    for _ in range(count if len(keywords) > 1 else 0):
        size = 2 if len(keywords) == 2 or draw.random() < 0.6 else 3
        chosen = {k: draw.randrange(len(keywords[k])) for k in draw.sample(list(keywords), size)}
        if frozenset(chosen.items()) not in seen:
            seen.add(frozenset(chosen.items()))
            yield {k: keywords[k][i] for k, i in chosen.items()}


def calls(name):
    """Yield (case, point, keywords) for each call of a NumPy function that is compared."""
    for case in CASES[name]:
        for x in case.points:
            yield from ((case, x, keywords) for keywords in combinations(case.keywords))


def as_function(call, keywords, x0):
    """Return the call as a function of x that returns one array."""
    keywords = dict(keywords)
    out = keywords.pop("out", None)

    def given(x):
        new = dict(keywords)
        if isinstance(new.get("mean"), str) and new["mean"] == MEAN:
            new["mean"] = np.mean(x, axis=new.get("axis"), keepdims=True)
        if isinstance(new.get("prepend"), str) and new["prepend"] == FIRST:
            new["prepend"] = x[..., :1]
        return new

    def f(x):
        if out is None:
            return call(x, **given(x))
        made = [np.zeros(s, dtype=int) if out == INT else np.zeros_like(x, shape=s) for s in shapes]
        call(x, out=made[0] if len(made) == 1 else tuple(made), **given(x))
        return made[0] if len(made) == 1 else tuple(made)

    if out in (OUT, INT):
        try:
            found = call(x0, **given(x0))
        except Exception:
            found = np.zeros(())
        several = isinstance(found, tuple)
        shapes = [np.shape(e) for e in (found if several else (found,))]
    return f


def flat(y):
    """Return all results of a call as one vector."""
    if isinstance(y, (tuple, list)):
        parts = [flat(e) for e in y]
        return np.concatenate(parts) if parts else np.zeros(0)
    return np.reshape(y, -1)


def leaves(y):
    return [e for part in y for e in leaves(part)] if isinstance(y, (tuple, list)) else [y]


def shape(y):
    return [shape(e) for e in y] if isinstance(y, (tuple, list)) else np.shape(y)


def numbers(y):
    """Return the results of NumPy as floats."""
    return np.asarray(flat(y), dtype=float)


def slope(f, x, v):
    """Return J·v by differences of fourth order; exact zeros for functions with jumps."""
    if np.array_equal(numbers(f(x + 1e-7 * v)), numbers(f(x)), equal_nan=True):
        return 0 * numbers(f(x))
    d = [(numbers(f(x + h * v)) - numbers(f(x - h * v))) / (2 * h) for h in (1e-3, 5e-4)]
    return (4 * d[1] - d[0]) / 3


class Expected:
    """What NumPy gives for a call: results, their shapes, and J·v along v."""

    def __init__(self, case, x, keywords):
        f = as_function(case.call, keywords, x)
        self.v = np.random.default_rng(3).normal(size=x.shape)
        self.refused = False
        try:
            y = f(x.copy())
        except Exception:
            self.refused = True
            return
        self.value, self.shape = numbers(y), shape(y)
        wide = {k: float if e is np.float32 else e for k, e in keywords.items()}
        self.dot = slope(as_function(case.call, wide, x), x, self.v)
        dtype = np.result_type(*(np.asarray(e).dtype for e in leaves(y)))
        self.dtype = dtype if dtype.kind == "f" else np.dtype(float)  # results are floats
        single = keywords.get("dtype") is np.float32
        self.near, self.tolerance = (2e-5, 2e-4) if single else (1e-9, 1e-6)


def differing(expected, shape, value, dot, wanted):
    """Return what is wrong with a result, or None."""
    value = np.asarray(value)
    if shape != expected.shape:
        return f"shape {shape} for {expected.shape}"
    if value.dtype != expected.dtype:
        return f"dtype {value.dtype} for {expected.dtype}"
    near = expected.near
    if not np.allclose(value, expected.value, rtol=near, atol=near, equal_nan=True):
        return f"value {value} for {expected.value}"
    near, known = expected.tolerance, np.isfinite(wanted)
    if not np.allclose(np.asarray(dot)[known], np.asarray(wanted)[known], rtol=near, atol=near):
        return f"derivative {dot} for {wanted}"
    return None


def forward(expected, f, x):
    """Return what is wrong with value and J·v."""
    shapes = []

    def g(x):
        y = f(x)
        shapes.append(shape(y))
        return flat(y)

    value, dot = taylor.jvp(g, x, expected.v)
    return differing(expected, shapes[-1], value, dot, expected.dot)


def reverse(expected, f, x):
    """Return what is wrong with value and Jᵀ·w: w·(J·v) = (Jᵀ·w)·v."""
    shapes = []
    w = np.random.default_rng(4).normal(size=expected.value.shape)

    def g(x):
        y = f(x)
        shapes.append(shape(y))
        return flat(y)

    value, bar = taylor.vjp(g, x, w)
    known = np.isfinite(expected.dot)
    wanted = np.sum((w * expected.dot)[known])
    dot = np.sum(bar * expected.v) if known.all() else wanted
    return differing(expected, shapes[-1], value, dot, wanted)


def disagreements(name, ways):
    """Return the calls that neither do what NumPy does nor say what they do not take."""
    found, count = [], 0
    for case, x, keywords in calls(name):
        expected = Expected(case, x, keywords)
        f = as_function(case.call, keywords, x)
        for way in ways:
            count += 1
            try:
                if expected.refused and ("dtype" in keywords or OLDER):  # more is taken
                    wrong = None
                elif expected.refused:
                    taylor.jvp(lambda x, f=f: flat(f(x)), x, expected.v)
                    wrong = "NumPy refuses this"
                else:
                    wrong = way(expected, f, x)
            except Exception as error:
                clean = isinstance(error, TypeError) and REFUSAL.search(str(error))
                wrong = None if clean or expected.refused else f"{type(error).__name__}: {error}"
            if wrong:
                shown = {k: str(e).replace("\n", "")[:50] for k, e in keywords.items()}
                found.append(f"{name}{x.shape} {shown} {way.__name__}: {wrong}"[:300])
    return found, count


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_a_call_does_what_numpy_does_or_says_what_it_does_not_take(name):
    with np.errstate(all="ignore"):
        found, _ = disagreements(name, [forward, reverse])
    assert found == []


# ------------------------------------------------------------------ the law covers everything
def names_of(function):
    return [n for n, cases in CASES.items() if any(c.function is function for c in cases)]


@pytest.mark.parametrize("function", [*FUNCTIONS, *UFUNCS], ids=binding.full_name)
def test_every_function_that_is_handled_has_its_cases(function):
    assert names_of(function)


@pytest.mark.parametrize("function", FUNCTIONS, ids=binding.full_name)
def test_a_handler_names_what_it_takes_as_numpy_does(function):
    known = list(binding.signature(function).parameters)
    assert FUNCTIONS[function].takes - {*known} <= (
        {"constant_values", "reflect_type", "stat_length", "end_values"}
    )
    assert known[0] in FUNCTIONS[function].takes


@pytest.mark.parametrize("function", binding.SIGNATURES, ids=binding.full_name)
def test_the_table_of_signatures_is_that_of_numpy(function):
    try:
        known = inspect.signature(function)
    except ValueError:  # NumPy before 2.4, for which the table is there
        known = binding.signature(function)
    table = inspect.signature(binding.SIGNATURES[function])
    assert [(p.name, p.kind, p.default) for p in table.parameters.values()] == [
        (p.name, p.kind, p.default) for p in known.parameters.values()
    ]


def test_the_law_can_fail(monkeypatch):
    monkeypatch.setattr(
        FUNCTIONS[np.sum], "handler", lambda a, axis=None, keepdims=False, initial=0, where=True: (
            taylor.arrays.reductions.total(a, axis, keepdims)
        ),
    )  # fmt: skip
    found, _ = disagreements("sum", [forward])
    assert any("initial" in line for line in found) and any("where" in line for line in found)


# ------------------------------------------------------------------ other number types and modes
SAMPLE = [
    "sum", "prod", "mean", "var", "std", "max", "average", "median", "clip", "pad", "trapezoid",
    "linalg.norm", "diff", "cumsum", "einsum", "cross", "convolve", "concatenate", "take", "trace",
    "logaddexp.reduce", "add.at", "matmul",
]  # fmt: skip


def by_taylor_n(f, x, v):
    a, _ = TaylorN.variables([0.0, 0.0], 1)
    y = flat(f(x + v * a))
    return y.value, y.coefficient((1, 0))


def by_hyperdual(f, x, v):
    y = flat(f(HyperDual(x, v, 0 * v)))
    return y.value, y.eps1


def by_second_order(f, x, v):
    y = flat(f(Taylor.variable(x, 2, direction=v)))
    return y.value, y.coef[1]


@pytest.mark.parametrize("way", [by_taylor_n, by_hyperdual, by_second_order])
@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.filterwarnings("ignore")
def test_the_arguments_mean_the_same_for_every_number_type(name, way):
    for case, x, keywords in list(calls(name))[::3]:
        expected = Expected(case, x, keywords)
        f = as_function(case.call, keywords, x)
        if expected.refused or expected.tolerance > 1e-5:
            continue
        try:
            value, dot = way(f, x, expected.v)
        except TypeError as error:
            assert REFUSAL.search(str(error))
            continue
        wrong = differing(expected, expected.shape, value, dot, expected.dot)
        assert wrong is None, (name, keywords, wrong)


COMPILED = {
    "sum where": lambda x: np.sum(x**2, axis=0, where=M, initial=2.0),
    "var correction": lambda x: np.var(x, axis=1, correction=1, keepdims=True),
    "average": lambda x: np.average(x, axis=0, weights=np.array([1.0, 2.0, 3.0])),
    "pad": lambda x: np.pad(x, 1, constant_values=7.0),
    "clip out": lambda x: np.clip(x, -0.3, 0.4, out=np.zeros_like(x)),
    "norm": lambda x: np.linalg.norm(x, np.inf, axis=(0, 1)),
    "trapezoid": lambda x: np.trapezoid(x, np.abs(A).cumsum(0), axis=0),
    "condition": lambda x: np.sum((x > 0) * x) / np.count_nonzero(x > 0),
    "fmax": lambda x: np.fmax(x, 0.1),
}


@pytest.mark.parametrize("name", COMPILED)
def test_the_arguments_mean_the_same_in_compiled_code(name):
    f = COMPILED[name]
    g = taylor.compile(f)
    for x in (A, A * 0.9):
        assert np.asarray(g(x)) == pytest.approx(np.asarray(f(x)), rel=1e-13, abs=1e-13)
