"""Element-wise regions: what runs in one loop has the values of instruction by instruction."""

import sys

import numpy as np
import pytest

import taylor
from taylor import record
from taylor.core.maps import Gather
from taylor.core.program import kinds
from taylor.machine.gathers import composed
from taylor.machine.machine import INFINITE, OK, Machine
from taylor.machine.plan import AFTER, MOST, PIECE, Region, pieces, planned
from taylor.machine.regions import TILE

WEIGHTS = np.linspace(-1.0, 1.0, 5 * 37).reshape(5, 37)


def chain(x, n=40):
    y = x
    for i in range(n):
        y = y * x + (0.3 + 1e-3 * i)
        y = y / (1 + y * y)
    return y


def rounds(x):
    y = np.sin(x) * x
    total = np.sum(y)
    return np.sum(np.exp(-y * y) * total + np.where(x > 0.5, y, x**3))


FUNCTIONS = {
    "chain": chain,
    "sum of a chain": lambda x: np.sum(chain(x, 15)),
    "sums that are needed again": rounds,
    "dot": lambda x: np.vdot(np.exp(x), np.cos(x)) + np.vdot(x, np.sin(x)),
    "a sum beside what needs it": lambda x: np.vdot(np.sin(x) * x, np.cumsum(np.sin(x) * x)),
    "rows": lambda x: np.sum((x - x[..., :1]) ** 2 * np.tanh(x)),
    "columns": lambda x: np.sum(np.exp(x - np.mean(x, axis=0)) * x, axis=0),
    "turned": lambda x: np.sum(np.sin(x.T) * x.T + x.T * x.T) + np.cos(x.T) * x.T,
    "neighbours": lambda x: (x[..., 1:] - x[..., :-1]) ** 2 * x[..., 1:],
    "softmax": lambda x: np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True) * x,
    "every other one": lambda x: x[..., ::2, None] * x[..., ::2, None] + x[..., ::2, None],
    "kernels before chains": lambda x: chain(np.tanh(chain(np.tanh(x) * x, 9)) + x, 30),
    "powers": lambda x: x**2 + x**-3 + x**0.5 + (1 + x) ** 2.5,
}
SHAPES = [(9,), (3 * TILE - 5,), (5, 37), (40, 3)]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients(name, shape):
    x = np.random.default_rng(0).uniform(0.2, 0.9, shape)
    program = record(FUNCTIONS[name], x)
    back = taylor.reverse(program)
    bar = np.linspace(0.5, 1.5, np.size(program(x))).reshape(np.shape(program(x)))
    (y,), (value, slope) = Machine(program)(x)[1], Machine(back)(x, bar)[1]
    np.testing.assert_allclose(y, program(x), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(value, program(x), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(slope, back(x, bar)[1], rtol=1e-12, atol=1e-12)
    points = np.stack([x, 0.9 * x, 0.8 * x], -1)
    if x.size < 20:  # tiles of points
        found = Machine(program, unit=32).batch(points)[1][0]
        for k in range(3):
            np.testing.assert_allclose(found[..., k], program(points[..., k]), rtol=1e-12)


@pytest.mark.parametrize("n", [9, 16, 3 * TILE - 5])
def test_complex_numbers(n):
    def f(x):
        z = x * np.exp(1j * np.linspace(0, 1, n))
        w = z * z + 1j * z
        return np.sum(np.exp(w) / (2 + z)), np.sin(w) * np.conj(z), np.real(w) * z

    x = np.linspace(0.1, 0.9, n)
    for got, wanted in zip(Machine(record(f, x))(x)[1], f(x), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-13)


@pytest.mark.parametrize("n", [16, 40])
def test_results_in_the_place_of_arrays_that_end(n):
    def f(x):
        a, b = np.sin(x) * x, np.exp(x) * x
        total = np.sum(a * b)
        c, d = (np.roll(b, 1) + x) * total, a * total  # c in the place of a
        d2, c2 = b * total, a * total  # of one vector
        mean = np.sum(c * d * d2 * c2)
        return np.cumsum(c * mean), np.cumsum(d * mean), np.cumsum(d2 * mean), np.cumsum(c2 * mean)

    real = np.linspace(0.1, 0.9, n)
    for x in (real, real + 0.2j):
        found = Machine(record(f, x), complex=[np.iscomplexobj(x)])(x)[1]
        for got, wanted in zip(found, f(x), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-12)


@pytest.mark.parametrize("n", [8, 9, 10, 17, 20])
@pytest.mark.parametrize("reduce", [np.prod, np.logaddexp.reduce, np.hypot.reduce])
def test_hessians_of_reductions_by_halves(n, reduce):
    x = np.linspace(0.5, 1.5, n)
    found = taylor.hessian(taylor.compile(reduce, strict=True), x)
    np.testing.assert_allclose(found, taylor.hessian(reduce, x), rtol=1e-12, atol=1e-13)


def test_factors_that_are_arrays():
    f = record(lambda x: np.sum((WEIGHTS * x + 1) * WEIGHTS * np.exp(x)), WEIGHTS)
    np.testing.assert_allclose(Machine(f)(WEIGHTS)[1][0], f(WEIGHTS), rtol=1e-13)


def plan(f, x):
    program = record(f, x)
    return planned(program.code, kinds(program.code, [False])), program.code


def test_everything_runs_once_and_after_what_it_needs():
    for name, f in FUNCTIONS.items():
        steps, code = plan(f, np.full((5, 37), 0.5))
        done: set[int] = set()
        for step in steps:
            new = [step] if isinstance(step, int) else [*step.members, *step.sums]
            needed = {a for i in new for a in code[i].args}
            assert needed <= done | set(new) and not done & set(new), name
            done.update(new)
        assert done == set(range(len(code))), name


def test_a_value_and_its_gradient_are_one_region():
    program = taylor.reverse(record(lambda x: np.sum(chain(x)), np.ones(100)))
    steps = planned(program.code, kinds(program.code, [False, False]))
    regions = [s for s in steps if isinstance(s, Region)]
    assert len(regions) == 1 and len(regions[0].sums) == 1


def test_functions_of_vectors_are_loops_of_their_own_before_long_chains():
    program = record(lambda x: chain(np.tanh(chain(np.exp(x) * x, 1)) + np.sin(x), 30), np.ones(40))
    steps, code = plan(program, np.ones(40))
    (region,) = [s for s in steps if isinstance(s, Region)]
    runs = pieces(code, region.members)
    assert [i for run in runs for i in run] == region.members
    assert all(run and len(run) <= PIECE for run in runs)
    names = [[getattr(getattr(code[i].op, "row", None), "name", "") for i in run] for run in runs]
    assert names[0][-1] == "sin" and names[0].count("exp") == names[0].count("tanh") == 1
    short = record(lambda x: (np.tanh(x) + 1) * x, np.ones(40))
    assert len(pieces(short.code, range(1, len(short.code)))) == 1 and AFTER > 2


@pytest.mark.parametrize("seed", range(10))
def test_programs_of_matrices_and_regions_are_those_of_numpy(seed):
    """Rows, results in the place of arrays that end, kernels and chains, moves between them."""
    rng = np.random.default_rng(seed)
    n = [24, 32, 40, 64][seed % 4]
    weights, shift = rng.normal(size=(n, n)) / n, rng.normal(size=n)
    picks = rng.integers(0, 6, (4, 9)).tolist()
    order = rng.permutation(n)

    def f(x):
        rows = [x, np.sin(x) * 0.5]
        for pick in picks:
            rows = list(np.stack(rows) @ weights + shift)
            for p in pick:
                a, b = rows[p % len(rows)], rows[-1]
                new = (a * b, a - b * 0.25, np.tanh(a) + b, np.exp(-a * a), a / (2 + b * b), -a)[p]
                rows = [*rows[-3:], new]
            rows = [rows[-1], rows[0][..., order], np.stack([rows[0], rows[1]], -1)[..., ::-1, 1]]
        return np.stack(rows), np.sum(rows[0] * rows[1])

    x = rng.uniform(0.2, 0.9, (6, n))
    program = record(f, x)
    for got, wanted in zip(Machine(program)(x)[1], f(x), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)
    g = record(lambda x: taylor.gradient(lambda x: np.sum(f(x)[0] ** 2), x), x)
    np.testing.assert_allclose(Machine(g)(x)[1][0], g(x), rtol=1e-10, atol=1e-11)


def test_moves_of_moves_are_one():
    def f(x):
        t, y = x[:, 0], x[:, 1]
        both = np.stack([t, y], axis=-1)  # x again
        padded = np.concatenate([both, np.zeros((2, 2))])
        return np.sum(both[::-1] ** 2 * padded[1:6]), np.stack([y, y])[1][::-2], both.T[1]

    x = np.arange(1.0, 11.0).reshape(5, 2)
    program = record(f, x)
    code, place = composed(program.code, [*program.inputs, *program.outputs])
    moves = [sum(isinstance(i.op, Gather) for i in c) for c in (program.code, code)]
    assert moves[1] <= moves[0] - 3
    short = taylor.Program(code, [place[i] for i in program.inputs],
                           [place[i] for i in program.outputs], [], False)  # fmt: skip
    for got, wanted, machine in zip(short(x), f(x), Machine(program)(x)[1], strict=True):
        np.testing.assert_array_equal(got, wanted)
        np.testing.assert_array_equal(machine, wanted)


def test_temporaries_are_tiles():
    n = 100 * TILE
    back = taylor.reverse(record(lambda x: np.sum(chain(x)), np.ones(n)))
    inputs_and_outputs = 2 * n
    assert Machine(back).size < inputs_and_outputs + 10 * PIECE * TILE


@pytest.mark.parametrize("f", [np.exp, lambda x: x + 1.0, lambda x: x[::-1]])
def test_one_operation_takes_no_temporaries(f):
    n = 100 * TILE
    assert Machine(record(f, np.ones(n))).size < 2 * n + 10 * TILE


def test_planning_takes_time_in_proportion():
    def work(n):
        def f(x):
            for i in range(n):
                x = WEIGHTS[:, :5] @ x
                x = np.tanh(x * (0.5 + 0.01 * i)) + x * x * np.sum(x)
            return x

        program = taylor.reverse(record(f, np.full((5, 5), 0.1)))
        complex = [False] * len(program.code)
        counted = 0

        def count(frame, event, arg):
            nonlocal counted
            counted += 1
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            planned(program.code, complex)
        finally:
            sys.settrace(before)
        return counted

    assert work(200) < 5 * work(50)


def test_long_programs_are_several_regions():
    steps, _ = plan(lambda x: chain(x, MOST // 2), np.ones(100))
    assert 1 < sum(isinstance(s, Region) for s in steps) < 10


@pytest.mark.parametrize("shape", [(9,), (3 * TILE - 5,), (5, 37), (40, 3), (16, 64)])
def test_results_that_are_not_finite_are_found_wherever_they_are(shape):
    x = np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)
    programs = {
        "values": lambda x: 1 / (x * x),
        "moved": lambda x: 1 / (np.roll(x, 3) * x * 2),
        "columns": lambda x: (1 / (x * x)).T + x.T,
    }
    for name, f in programs.items():
        machine = Machine(record(f, x))
        assert machine(x)[0] == OK, name
        for place in (0, 1, x.size // 2, x.size - 2, x.size - 1):
            for wrong in (0.0, np.nan, 1e-320):
                y = x.copy()
                y.flat[place] = wrong
                assert machine(y)[0] == INFINITE, (name, place, wrong)


@pytest.mark.parametrize("wrong", [complex(np.inf, 1), complex(1, np.nan)])
def test_complex_results_that_are_not_finite_are_found(wrong):
    z = np.linspace(0.5, 1.5, 37) * (1 + 0.5j)
    machine = Machine(record(lambda z: z * z + 1, z), complex=[True])
    assert machine(z)[0] == OK
    z[30] = wrong
    assert machine(z)[0] == INFINITE
