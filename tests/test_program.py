"""Recorded programs: what is recorded, guards, evaluation, tables and graphs."""

import pickle
import re
from html import escape

import mpmath
import numpy as np
import pytest

import taylor
from hyperdual import HyperDual
from taylor import ForeignNodeError, GuardError, ShapeMismatch, Taylor, TaylorN, TraceError, record
from taylor.core.algebra import Univariate
from taylor.core.calls import Integral, Row
from taylor.core.graded import multivariate, squarefree
from taylor.core.instructions import ADD, MUL, Const, Input, Instruction
from taylor.core.program import Guard, Program, expand
from taylor.core.scalars import scalars
from taylor.core.sweep import sweep

M = np.array([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0]])


def with_loop(x):
    y = x
    for k in range(1, 4):
        y = np.sin(y) * x / k + y
    return y


PROGRAMS = {
    "polynomial": (lambda x: 3 * x**3 - x / 2 + 1, 0.7),
    "elementary": (lambda x: np.exp(np.sin(x)) / (1 + x * x), 0.7),
    "loop": (with_loop, 0.7),
    "power": (lambda x: x**x + x**-2.5 + 2.0**x, 0.7),
    "local": (lambda x: taylor.digamma(x) * taylor.j0(x) + taylor.sinc(x), 0.7),
    "special": (lambda x: taylor.erf(x) * taylor.gamma(x) - taylor.lambertw(x), 0.7),
    "two arguments": (lambda x: np.arctan2(x, 2 + x) + np.hypot(x, 1), 0.7),
    "piecewise": (lambda x: abs(x - 2) + np.maximum(x, 0.5) * np.floor(x + 3), 0.7),
    "where": (lambda x: np.where(x > 0, np.log(x**2), x**2), np.array([0.7, -0.7, 1.3])),
    "vector": (lambda x: np.sum(np.tanh(x) ** 2) + x @ x[::-1], np.array([0.1, 0.2, 0.3])),
    "matrix": (
        lambda x: np.exp(M @ x) * np.einsum("i,j->ij", x, x)[0, 1],
        np.array([0.1, 0.2, 0.3]),
    ),
    "shapes": (
        lambda x: np.concatenate([x[1:], np.cumsum(x)]).reshape(5, 1) * x[None],
        np.array([0.1, 0.2, 0.3]),
    ),
    "norm": (lambda x: np.linalg.norm(np.stack([x, x**2])), np.array([0.1, 0.2, 0.3])),
    "broadcast": (lambda x: np.sqrt(x[:, None] + 2 * x) - 1.5, np.array([0.1, 0.2, 0.3])),
    "assignment": (lambda x: assigned(x), np.array([0.1, 0.2, 0.3])),
    "guarded": (lambda x: x * x if x > 0 else -x, 0.7),
    "constant": (lambda x: 4.0 * np.ones(2), 0.7),
}


def assigned(x):
    y = np.zeros_like(x)
    y[0] = np.exp(x[2])
    y[1:] = x[:-1] * y[0]
    return y


def series_of_every_kind(x):
    a, b = TaylorN.variables([0.0, 0.0], 3)
    yield Taylor.variable(x, 4)
    yield x + a + 2 * b * np.ones_like(x)
    yield HyperDual(x, 1.0, 2.0)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_agrees_with_the_function(name):
    f, x = PROGRAMS[name]
    program = record(f, x)
    program.verify()
    assert program(x) == pytest.approx(f(x), rel=1e-15)
    for s in series_of_every_kind(x):
        direct, through = f(s), program(s)
        if name == "constant":
            assert np.array_equal(through, direct)
            continue
        assert type(through) is type(direct)
        assert through.coef == pytest.approx(direct.coef, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", [n for n in PROGRAMS if n not in ("where", "piecewise")])
def test_the_program_of_the_elements_agrees_with_it(name):
    program = record(*PROGRAMS[name])
    x = PROGRAMS[name][1]
    numbers = scalars(program, 100)
    np.testing.assert_allclose(np.ravel(numbers(*np.ravel(x))), np.ravel(program(x)), rtol=1e-14)
    assert {i.shape for i in numbers.code} == {()}
    with pytest.raises(TraceError, match="more than 0 numbers"):
        scalars(program, 0)


ALGEBRAS = [Univariate(4), multivariate(2, 3), squarefree(3)]


@pytest.mark.parametrize("algebra", ALGEBRAS, ids=str)
@pytest.mark.parametrize("name", [n for n in PROGRAMS if n != "constant"])
def test_a_sweep_agrees_with_direct_evaluation(name, algebra):
    f, x = PROGRAMS[name]
    table = np.zeros((algebra.size, *np.shape(x)))
    table[0] = x
    for k in range(1, algebra.size):
        table[k] = 0.25 / k * np.cos(k + np.arange(np.size(x)).reshape(np.shape(x)))
    kind = {"Univariate": Taylor}.get(type(algebra).__name__) or (
        TaylorN if algebra is ALGEBRAS[1] else HyperDual
    )
    like = {
        Taylor: lambda: Taylor.variable(0.0, 4),
        TaylorN: lambda: TaylorN.variables([0.0, 0.0], 3)[0],
        HyperDual: lambda: HyperDual.variables([0.0] * 3)[0],
    }[kind]()
    direct = f(kind._make(table.copy(), algebra, like.tag))
    (swept,) = sweep(expand(record(f, x)), algebra, [table])
    assert swept == pytest.approx(direct.coef, rel=1e-12, abs=1e-14)


def test_several_inputs_and_outputs():
    program = record(lambda x, y: (x * y, np.sin(x) + y[0]), 0.5, np.array([1.0, 2.0]))
    assert (len(program.inputs), len(program.outputs), program.single) == (2, 2, False)
    first, second = program(0.25, np.array([3.0, 4.0]))
    assert first.tolist() == [0.75, 1.0]
    assert second == np.sin(0.25) + 3
    t = Taylor.variable(0.25, 2)
    first, second = program(t, np.array([3.0, 4.0]))
    assert second == np.sin(t) + 3
    with pytest.raises(TypeError, match="takes 2 arguments, got 1"):
        program(0.5)
    with pytest.raises(ShapeMismatch, match=r"\(3,\).*\(2,\)"):
        program(0.5, np.zeros(3))


def test_other_number_types():
    program = record(lambda x: np.exp(x) / 3 + taylor.erf(x) * 0.5, 0.5)
    with mpmath.workdps(40):
        x = mpmath.mpf(1) / 3
        assert abs(program(x) - (mpmath.exp(x) / 3 + mpmath.erf(x) / 2)) < 1e-38
    z = 0.25 + 1j
    assert record(lambda x: np.sin(x) * x, 0.5)(z) == np.sin(z) * z


def test_common_subexpressions_are_shared():
    program = record(lambda x: np.sin(x) * np.sin(x) + np.sin(x), 0.5)
    assert sum(isinstance(i.op, Row) for i in program.code) == 1
    swept = expand(record(lambda x: np.sin(x) + np.cos(x) * 2, 0.5))
    assert sum(isinstance(i.op, Integral) for i in swept.code) == 2


def test_one_is_not_one_point_zero():
    program = record(lambda x: (x + 1) * (x + 1.0) * (x + 0.0) * (x + -0.0), 2.0)
    assert len({i for i, c in enumerate(program.code) if isinstance(c.op, Const)}) == 4


# ------------------------------------------------------------------ guards
BRANCHES = [
    ("if", lambda x: x if x > 0 else -x, 1.0, 2.0, -1.0),
    ("<=", lambda x: x if x <= 0 else -x, -1.0, 0.0, 1.0),
    ("chain", lambda x: x if 0 < x < 3 else x * 2, 1.0, 2.5, 4.0),
    ("while", lambda x: halved(x), 5.0, 6.0, 9.0),
    ("abs value", lambda x: x if (x * x) >= 4 else 0 * x, 3.0, -2.0, 1.0),
    ("max()", lambda x: max(x, 2 - x), 3.0, 2.0, 0.0),
    (
        "any",
        lambda x: x if (x > 1).any() else -x,
        np.array([0.0, 2.0]),
        np.array([0.5, 3.0]),
        np.zeros(2),
    ),
    (
        "all",
        lambda x: x if np.all(x > 1) else -x,
        np.array([2.0, 2.0]),
        np.array([3.0, 4.0]),
        np.zeros(2),
    ),
    (
        "argmax",
        lambda x: x[np.argmax(x)],
        np.array([1.0, 2.0]),
        np.array([3.0, 4.0]),
        np.array([4.0, 3.0]),
    ),
    ("sort", np.sort, np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([4.0, 3.0])),
    (
        "mask",
        lambda x: x[x > 0],
        np.array([1.0, -2.0]),
        np.array([3.0, -4.0]),
        np.array([-4.0, 3.0]),
    ),
]


def halved(x):
    while x > 1:
        x = x / 2
    return x


@pytest.mark.parametrize("name, f, at, same, other", BRANCHES, ids=[row[0] for row in BRANCHES])
def test_a_branch_leaves_a_guard(name, f, at, same, other):
    program = record(f, at)
    assert np.array_equal(program(same), f(same))
    with pytest.raises(GuardError, match="record"):
        program(other)
    with pytest.raises(GuardError, match="record"):
        program(Taylor.variable(other, 2))
    with pytest.raises(GuardError, match="record"):
        sweep(expand(program), Univariate(1), [np.stack([other, np.ones_like(other)])])
    assert np.array_equal(record(f, other)(other), f(other))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.where(x > 1, x * x, -x),
        lambda x: np.where(x >= 1, x * x, -x),
        lambda x: np.where(x < 1, x * x, -x),
        lambda x: np.where(x <= 1, x * x, -x),
        lambda x: np.where(np.greater(1, x), x * x, -x),
        lambda x: np.where(x > x[::-1], x * x, -x),
        lambda x: taylor.where(x > 1, 5.0, x),
        lambda x: np.maximum(x, 1.5) - np.minimum(x, x[::-1] / 2),
        lambda x: np.clip(x, 0.5, 2.5) + abs(x - 1.25),
        lambda x: np.max(x) * np.min(x),
    ],
)
def test_where_and_kinks_are_recorded_without_a_guard(f):
    program = record(f, np.array([0.0, 2.0, 1.0]))
    assert program.guards == []
    for x in ([3.0, 0.25, 1.0], [1.0, 1.0, 3.0], [-2.0, 0.75, 6.0]):
        assert np.array_equal(program(np.array(x)), f(np.array(x)))
    lanes = Taylor.variable(np.array([3.0, 0.25, 0.8]), 2)
    assert program(lanes).coef.tolist() == f(lanes).coef.tolist()


def test_where_of_two_conditions():
    def f(x):
        return np.where((x > 0) & (x < 2), x * x, -x)

    program = record(f, np.array([1.0, 3.0]))
    assert program(np.array([1.5, 2.5])).tolist() == [2.25, -2.5]
    with pytest.raises(GuardError):
        program(np.array([2.5, 1.5]))


def test_the_truth_of_an_array_is_ambiguous():
    for f in (lambda x: x if x > 0 else -x, lambda x: x if x else -x):
        with pytest.raises(TraceError, match="ambiguous"):
            record(f, np.zeros(2))


@pytest.mark.parametrize("x", [2.0, [2.0]])
def test_the_truth_of_what_is_not_zero_leaves_a_guard(x):
    """`if x:` is `if x != 0:`, also in what is compiled: it runs as machine code."""
    x = np.asarray(x)
    program = record(lambda x: x * x if x else -x, x)
    assert program(3 * x) == 36 and [guard.op for guard in program.guards] == ["not_equal"]
    with pytest.raises(GuardError):
        program(0 * x)
    assert taylor.compile(lambda x: x * x if x else -x, strict=True)(x) == 4


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x == 1 else -x,
        lambda x: x if x != 1 else -x,
        lambda x: x if x - 1 else -x,
        lambda x: x * float(x),
        lambda x: x * int(x),
        lambda x: [1, 2, 3][x],
        lambda x: x * complex(x),
        lambda x: np.asarray(x, dtype=float),
        lambda x: np.zeros(2) + np.array([x, x], dtype=float),
    ],
)
def test_what_a_program_cannot_express(f):
    with pytest.raises(TypeError):
        record(f, 1.0)


# ------------------------------------------------------------------ foreign nodes
def test_a_node_of_another_recording():
    kept = []
    record(lambda x: kept.append(x) or x, 1.0)
    with pytest.raises(ForeignNodeError):
        record(lambda y: y * kept[0], 1.0)
    with pytest.raises(ForeignNodeError):
        record(lambda y: kept[0], 1.0)
    with pytest.raises(ForeignNodeError):
        kept[0] * 2
    with pytest.raises(ForeignNodeError):
        np.exp(kept[0])
    with pytest.raises(ForeignNodeError):
        record(lambda y: np.stack([y, kept[0]]), 1.0)


def test_a_recording_inside_a_recording():
    def f(x):
        inner = record(lambda y: y * y, 3.0)
        return inner(x) + 1

    program = record(f, 2.0)
    assert program(5.0) == 26
    nested = record(lambda x: record(lambda y: np.sin(y) * x, 1.0)(2.0 * x), 1.0)
    assert nested(3.0) == np.sin(6.0) * 3.0
    kept = []
    record(lambda x: record(lambda y: kept.append(y) or y * x, 1.0)(2.0), 1.0)
    with pytest.raises(ForeignNodeError):
        record(lambda x: x * kept[0], 1.0)


@pytest.mark.parametrize(
    "s", [Taylor.variable(1.0, 2), TaylorN.variables([1.0], 2)[0], HyperDual(1.0, 1.0)]
)
def test_series_do_not_mix_with_nodes(s):
    for f in (
        lambda x: x * s,
        lambda x: s * x,
        lambda x: s + x,
        lambda x: x - s,
        lambda x: s / x,
        lambda x: np.arctan2(s, x),
        lambda x: np.maximum(x, s),
        lambda x: np.stack([x, s]),
    ):
        with pytest.raises((ForeignNodeError, TypeError)):
            record(f, 3.0)


def test_an_exception_inside_closes_the_recording():
    kept = []

    def f(x):
        kept.append(x)
        raise KeyError("inside")

    with pytest.raises(KeyError):
        record(f, 1.0)
    with pytest.raises(ForeignNodeError):
        kept[0] + 1


def test_a_function_is_no_result():
    with pytest.raises(TypeError):
        record(lambda x: np.sin, 1.0)


# ------------------------------------------------------------------ verify
X0 = Instruction(Input(0), (), ())
BROKEN = [
    ("unknown", [X0, Instruction("conv", (0,), ())], [0], [1]),
    ("needs 2 arguments", [X0, Instruction(ADD, (0,), ())], [0], [1]),
    ("not all computed before", [X0, Instruction(ADD, (0, 1), ())], [0], [1]),
    ("not all computed before", [X0, Instruction(MUL, (0, -1), ())], [0], [1]),
    ("not listed", [X0, Instruction(Input(1), (), ())], [0], [1]),
    (
        "do not give",
        [X0, Instruction(Input(1), (), (3,)), Instruction(ADD, (1, 0), (2,))],
        [0, 1],
        [2],
    ),
    ("outputs", [X0], [0], [1]),
]


@pytest.mark.parametrize("words, code, inputs, outputs", BROKEN, ids=range(len(BROKEN)))
def test_verify_finds_what_is_broken(words, code, inputs, outputs):
    with pytest.raises(ValueError, match=words):
        Program(code, inputs, outputs).verify()


def test_programs_are_plain_data():
    program = record(lambda x: x * np.exp(x) if x > 0 else x, 1.0)
    again = pickle.loads(pickle.dumps(program))
    assert again(2.0) == program(2.0)
    assert len(again) == len(program) == 4
    assert program.guards == [Guard(">", 0, program.guards[0].b, True)]


# ------------------------------------------------------------------ tables and graphs
def test_show():
    program = record(lambda x, y: np.log(x) + x * y - np.sin(y), 2.0, 5.0)
    lines = program.show(2.0, 5.0, tangent=(1.0, 0.0)).splitlines()
    assert lines[0].split() == ["v", "expression", "value", "tangent"]
    # Griewank & Walther, Example 2.1: y = 11.652, ∂y/∂x1 = 5.5
    assert lines[-1].split()[-2:] == ["11.6521", "5.5"]
    assert program.show(2.0, 5.0, tangent=(0.0, 1.0)).splitlines()[-1].split()[-1] == "1.71634"
    assert program.show(2.0, 5.0).splitlines()[-1].split()[-1] == "7.21634"


def pair(x1, x2):
    return x1 * x2, x1


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda p: p, "x1 x2"),
        (taylor.forward, "x1 x2 dx1 dx2"),
        (taylor.reverse, "x1 x2 ȳ0 ȳ1"),
        (lambda p: taylor.reverse(taylor.reverse(p)), "x1 x2 ȳ0 ȳ1 ȳ0' ȳ1' ȳ2 ȳ3"),
    ],
)
def test_arguments_have_their_names(make, names):
    """Everywhere: in tables, in graphs, in programs made of others."""
    program = make(record(pair, 2.0, 5.0))
    for i, name in zip(program.inputs, names.split(), strict=True):
        assert re.search(rf"^v{i} +{name} ", program.show(), re.M)
        assert f'"v{i} = {name}"' in program.dot() and f">v{i} = {escape(name)}<" in program.svg()


def test_arguments_without_names_are_numbered():
    program = record(lambda *x: x[0] * x[1], 2.0, 5.0)
    assert [program.expression(i) for i in program.inputs] == ["x0", "x1"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_tangents_of_the_table_are_right(name):
    f, x = PROGRAMS[name]
    program = record(f, x)
    assert len(program.show(x).splitlines()) == len(program) + 2
    if np.shape(f(x)) == () and name != "constant":
        shown = float(program.show(x).splitlines()[-1].split()[-1])
        expected = taylor.jvp(f, x, np.ones_like(x))[1]
        assert shown == pytest.approx(expected, rel=1e-5)


def test_dot():
    program = record(lambda x: np.sin(x) * 2 + x[0], np.array([1.0, 2.0]))
    text = program.dot()
    assert text.startswith("digraph program {")
    assert text.endswith("}")
    assert text.count("->") == sum(len(i.args) for i in program.code)
    assert text.count("doublecircle") == 1
    assert "sin(v0)" in text


def test_expressions():
    program = record(lambda x: np.where(x > 1, 2 * x, x / 3), 2.0)
    text = program.show(2.0)
    for part in ("2 * v0", "v0 / v", "if", "else"):
        assert part in text


def writes_into_a_mask(x):
    m = np.asarray(x > 0)
    k = 2.0 if m[0] else 3.0
    m[0] = False
    return k * np.sum(x)


def writes_into_an_order(x):
    i = np.argsort(x)
    k = 2.0 if i[0] == 0 else 3.0
    i[:] = i[::-1].copy()
    return k * np.sum(x * x)


@pytest.mark.parametrize("f", [writes_into_a_mask, writes_into_an_order])
def test_decisions_are_those_that_were_taken_whatever_is_written_into_them(f):
    first, second = np.array([1.0, 2.0]), np.array([2.0, 1.0]) * (-1, 1)
    code = taylor.compile(f)
    for x in (first, second, second[::-1].copy(), first[::-1].copy()):
        assert code(x) == f(x)
        assert taylor.gradient(code, x).tolist() == taylor.gradient(f, x).tolist()
        with pytest.raises(taylor.GuardError):
            taylor.record(f, first)(np.array([-3.0, -4.0]))
