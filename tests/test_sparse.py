"""Sparse derivative matrices: patterns are never too small, colourings are valid, values are right.

Every check has a wrong input that it must reject.
"""

import itertools
import sys
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import rosenbrock

import taylor
from taylor import ShapeMismatch, record
from taylor.core.applied import Call
from taylor.core.instructions import Input, Instruction, Op
from taylor.core.maps import CumSum, Scatter
from taylor.core.program import Program
from taylor.drivers.sparse import (
    SparseHessian,
    SparseJacobian,
    color_columns,
    jacobian_pattern,
    sparse_hessian,
    sparse_jacobian,
    star_coloring,
)
from taylor.kept import STORE
from taylor.llvm import function

N = 6
TRIDIAGONAL = np.diag(np.arange(1.0, N + 1)) + np.diag(np.ones(N - 1), 1) - np.eye(N, k=-1)
SPARSE_ROWS = np.array([[1.0, 0, 0, 2, 0, 0], [0, 0, 3, 0, 0, 0], [0, -1, 0, 0, 0, 1]])


def arrow(x):
    return np.sum(x[0] * x[1:] ** 2) + np.sum(x**4)


def banded(x):
    return np.sum((x[2:] - x[1:-1] * x[:-2]) ** 2)


def blocks(x):
    pairs = x.reshape(-1, 2)
    return np.sum(np.exp(pairs[:, 0] * pairs[:, 1]))


def products(x):
    return x[0] * x[1] * x[2] + np.sin(x[3]) * x[4] + x[5] / x[0]


def broadcasting(x):
    return np.sum(np.outer(x[:2], x[2:4]) ** 2 * np.array([[1.0, 0.0], [2.0, 3.0]]))


def constant_matrix(x):
    return np.sum((SPARSE_ROWS @ x) ** 3)


def tridiagonal(x):
    return np.sum((TRIDIAGONAL @ x) ** 4)


def chosen(x):
    return np.sum(np.where(x > 0, x**3, x * np.roll(x, 2)))


def rolled(x):
    return np.sum(np.roll(x, 1) ** 2 * np.exp(x))


def running(x):
    return np.sum(np.cumsum(x[:3]) ** 3) + np.sum(x[3:] ** 2)


def loop(x):
    total = 0.0
    for i in range(1, N):
        total = total + np.cos(x[i] * x[i - 1]) if i % 2 else total + x[i] ** 2
    return total


def quadratic(x):
    return x @ np.diag(np.arange(1.0, N + 1)) @ x + np.sqrt(1 + x[2] ** 2)


HESSIANS = [
    arrow, banded, rosenbrock, blocks, products, broadcasting, constant_matrix, tridiagonal, chosen,
    rolled, running, loop, quadratic,
]  # fmt: skip


def points(count=4, seed=0):
    return list(np.random.default_rng(seed).uniform(-1.0, 1.0, (count, N)))


def filled(rows, cols, shape):
    dense = np.zeros(shape, dtype=bool)
    dense[rows, cols] = True
    assert np.count_nonzero(dense) == len(rows)
    return dense


@pytest.mark.parametrize("f", HESSIANS, ids=lambda f: f.__name__)
def test_hessian_pattern_is_the_non_zeros(f):
    found = SparseHessian(f, points()[0])
    dense = np.any([taylor.hessian(f, x) != 0 for x in points(16)], axis=0)
    pattern = filled(*found.pattern, (N, N))
    assert not (dense & ~pattern).any()
    if f is not broadcasting:  # a factor 0 may count
        assert np.array_equal(dense, pattern)
    codes = found.pattern[0] * N + found.pattern[1]
    assert np.all(np.diff(codes) > 0)


@pytest.mark.parametrize("f", HESSIANS, ids=lambda f: f.__name__)
def test_hessian_equals_the_dense_one(f):
    found = SparseHessian(f, points()[0])
    for x in points():
        dense = taylor.hessian(f, x)
        matrix = found(x).toarray()
        assert matrix == pytest.approx(dense, rel=1e-12, abs=1e-12)
        assert np.array_equal(matrix, matrix.T)
        assert sparse_hessian(f, x).toarray() == pytest.approx(dense, rel=1e-12, abs=1e-12)


JACOBIANS = {
    "diagonal": np.sin,
    "differences": lambda x: x[1:] * x[:-1],
    "arrow": lambda x: x[0] * x,
    "dense row": lambda x: np.concatenate([x**2, [np.sum(x**3)]]),
    "row": lambda x: np.sum(x**2),
    "matrix": lambda x: SPARSE_ROWS @ np.exp(x),
    "matrix from the right": lambda x: np.exp(x).reshape(2, 3) @ SPARSE_ROWS,
    "matmul": lambda x: x.reshape(2, 3) @ x.reshape(3, 2),
    "bilinear": lambda x: np.einsum("ab,ac->abc", x.reshape(2, 3), x.reshape(2, 3) ** 2),
    "trace": lambda x: np.einsum("aa,b->b", x[:4].reshape(2, 2), x[4:]),
    "broadcast": lambda x: x.reshape(2, 3) * x[:3],
    "sum": lambda x: np.sum(x.reshape(2, 3) ** 2, axis=0),
    "cumsum": lambda x: np.cumsum(x.reshape(2, 3) ** 2, axis=1),
    "mask": lambda x: x**2 * np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0]),
    "triangle": lambda x: np.tril(np.outer(x[:3], x[3:])),
    "several": lambda x: [x[0] ** 2, x[1:3] * x[4]],
    "constant": lambda x: np.ones(3),
    "where": lambda x: np.where(x > 0, x**2, np.roll(x, 1)),
    "maximum": lambda x: np.maximum(x, x[::-1] ** 2),
}


def dense_jacobian(f, x):
    def joined(x):
        y = f(x)
        return np.concatenate([np.ravel(v) for v in y]) if isinstance(y, list) else np.ravel(y)

    return taylor.jacobian(joined, x)


@pytest.mark.parametrize("f", HESSIANS, ids=lambda f: f.__name__)
def test_hessian_of_a_compiled_function(f):
    c = taylor.compile(f)
    hessian, plain = SparseHessian(c, points()[0]), SparseHessian(f, points()[0])
    for x in points():
        found, wanted = hessian(x).toarray(), plain(x).toarray()
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)
        np.testing.assert_array_equal(found, found.T)
    assert c.reasons == {}


@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobian_equals_the_dense_one(name):
    f = JACOBIANS[name]
    found = SparseJacobian(f, points()[0])
    dense = [dense_jacobian(f, x) for x in points(16)]
    pattern = filled(*found.pattern, dense[0].shape)
    assert np.array_equal(pattern, np.any([d != 0 for d in dense], axis=0))
    for x, expected in zip(points(16), dense, strict=True):
        assert found(x).toarray() == pytest.approx(expected, rel=1e-13, abs=1e-14)
        assert sparse_jacobian(f, x).toarray() == pytest.approx(expected, rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobian_of_a_compiled_function(name):
    c = taylor.compile(JACOBIANS[name])
    found = SparseJacobian(c, points()[0])
    for x in points():
        expected = dense_jacobian(c.f, x)
        assert found(x).toarray() == pytest.approx(expected, rel=1e-13, abs=1e-14)
    assert c.reasons == {}


def test_a_compiled_matrix_with_more_colours_than_machine_code_takes_at_a_time():
    rng = np.random.default_rng(3)
    a = rng.uniform(-1.0, 1.0, (11, 11))
    c = taylor.compile(lambda x: np.sum(np.sin(a @ x)))
    hessian, x = SparseHessian(c, np.ones(11)), rng.uniform(-1.0, 1.0, 11)
    assert hessian.count == 11
    np.testing.assert_allclose(hessian(x).toarray(), taylor.hessian(c.f, x), rtol=1e-10, atol=1e-13)
    c = taylor.compile(lambda x: a @ np.sin(x))
    np.testing.assert_allclose(sparse_jacobian(c, x).toarray(), a * np.cos(x), rtol=1e-12)


def test_a_compiled_function_on_other_branches_and_numbers():
    def f(x):
        if x[0].real > 0 if np.iscomplexobj(x) else x[0] > 0:
            return np.sum(x**4)
        return np.sum((x[1:] * x[:-1]) ** 2) + np.sum(np.sqrt(-x[0]) * x)

    c = taylor.compile(f)
    hessian, x = SparseHessian(c, np.ones(N)), np.linspace(-1.0, 1.0, N)
    for _ in range(2):
        assert hessian(x).toarray() == pytest.approx(taylor.hessian(f, x))
        assert hessian(-x).toarray() == pytest.approx(taylor.hessian(f, -x))
    found = sparse_hessian(c, np.ones(3, np.float32))
    assert found.dtype == np.float32 and found.toarray().tolist() == (12 * np.eye(3)).tolist()
    logarithm = SparseHessian(taylor.compile(lambda x: np.log(x[0]) * x[1]), [1.0, 1.0])
    with pytest.raises(taylor.DomainError):
        logarithm([-1.0, 1.0])
    bessel = taylor.compile(lambda x: np.sum(taylor.j0(x) * x))
    assert sparse_hessian(bessel, x).toarray() == pytest.approx(taylor.hessian(bessel.f, x))
    assert bessel.reasons == {}


def test_results_of_one_plan_are_independent():
    hessian = SparseHessian(taylor.compile(lambda x: np.sum(x[1:] * x[:-1] ** 2)), np.ones(N))
    first = hessian(np.arange(float(N)))
    second = hessian(np.zeros(N))
    second.eliminate_zeros()
    assert first.toarray() == pytest.approx(hessian(np.arange(float(N))).toarray())


def test_machine_code_does_not_grow_with_the_matrix(monkeypatch):
    sizes, real = [], function.Function.text
    monkeypatch.setenv("TAYLOR_CACHE", "")

    def text(f):
        sizes.append((found := real(f)).count("\n"))
        return found

    monkeypatch.setattr(function.Function, "text", text)
    for n in (2000, 4000):
        STORE.clear()
        sparse_hessian(taylor.compile(rosenbrock), np.linspace(0.5, 1.5, n))
    assert len(sizes) == 2 and max(sizes) < 1.05 * min(sizes)


def test_jacobian_takes_the_cheaper_side():
    assert (SparseJacobian(JACOBIANS["row"], points()[0]).by) == "rows"
    assert SparseJacobian(JACOBIANS["row"], points()[0]).count == 1
    column = SparseJacobian(lambda x: x[0] * np.ones(5), points()[0])
    assert (column.by, column.count) == ("columns", 1)


# ------------------------------------------------------------------ single instructions
def one(op, args, shape, sources):
    code = [Instruction(Input(i), (), s) for i, s in enumerate(sources)]
    code.append(Instruction(op, args, shape))
    return Program(code, list(range(len(sources))), [len(sources)])


def test_scatter():
    index = np.array([2, -1, 2, 0])
    rows, cols = jacobian_pattern(one(Scatter(index, (3,)), (0,), (3,), [(4,)]))
    assert list(zip(rows.tolist(), cols.tolist(), strict=True)) == [(0, 3), (2, 0), (2, 2)]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_cumsum(axis):
    shape = (3, 5, 2)
    program = one(CumSum(axis), (0,), shape, [shape])
    at = np.eye(30).reshape(*shape, 30)
    expected = np.cumsum(at, axis).reshape(30, 30) != 0
    assert np.array_equal(filled(*jacobian_pattern(program), (30, 30)), expected)


def test_call_is_dense():
    program = one(Call(None), (0, 1), (2,), [(2,), ()])
    assert filled(*jacobian_pattern(program), (2, 3)).all()


def test_inputs_and_outputs_are_picked_by_position():
    program = record(lambda a, b: (a * b, b[::-1]), np.ones(2), np.ones(2))
    assert np.array_equal(
        filled(*jacobian_pattern(program), (4, 4)),
        np.array([[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=bool),
    )
    rows, cols = jacobian_pattern(program, inputs=[1], outputs=[1])
    assert (rows.tolist(), cols.tolist()) == ([0, 1], [1, 0])
    rows, cols = jacobian_pattern(program, inputs=[], outputs=[0])
    assert (rows.tolist(), cols.tolist()) == ([], [])


def test_choice_counts_both_sides_but_not_what_decides():
    program = record(lambda x: np.where(x[0] > x[1], x[2], x[3]), np.ones(4))
    assert jacobian_pattern(program)[1].tolist() == [2, 3]


def test_jumps_carry_nothing():
    program = record(lambda x: np.floor(x) + x[0], np.full(3, 0.5))
    assert filled(*jacobian_pattern(program), (3, 3))[:, 0].all()
    assert len(jacobian_pattern(program)[0]) == 3


def test_an_unknown_instruction_is_refused():
    class Riddle(Op):
        pass

    with pytest.raises(ValueError, match="riddle is not known"):
        jacobian_pattern(one(Riddle(), (0,), (), [()]))


UNARY = [
    np.sin, np.exp, lambda x: x**3, lambda x: x[::-1], lambda x: np.roll(x, 1), lambda x: x * x[0],
    lambda x: np.cumsum(x), lambda x: TRIDIAGONAL @ x, lambda x: x.reshape(2, 3).T.reshape(-1),
    lambda x: x.reshape(2, 3).sum(0)[[0, 1, 2, 2, 0, 1]], lambda x: np.where(x > 0.3, x, x[3] * x),
    lambda x: np.concatenate([x[3:], x[:3] * 2]), lambda x: np.tril(np.outer(x, x)).sum(1),
    lambda x: np.diff(x, append=1.0),
]  # fmt: skip
BINARY = [
    np.add, np.multiply, np.subtract, lambda a, b: a / (2 + b * b), np.maximum,
    lambda a, b: (a.reshape(2, 3) @ b.reshape(3, 2)).reshape(-1)[[0, 1, 2, 3, 0, 1]],
    lambda a, b: np.einsum("ab,b->ab", a.reshape(2, 3), b[:3]).reshape(-1),
]  # fmt: skip
STEP = st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 9), st.integers(0, 9))


def random_function(steps):
    def f(x):
        v = [x]
        for which, a, b in steps:
            left, right = v[a % len(v)], v[b % len(v)]
            if which < len(UNARY):
                v.append(UNARY[which](left))
            else:
                v.append(BINARY[which - len(UNARY)](left, right))
        return v[-1]

    return f


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=6))
def test_a_pattern_is_never_too_small(steps):
    f = random_function(steps)
    x = np.random.default_rng(len(steps)).uniform(0.1, 0.9, N)
    with np.errstate(all="ignore"):
        dense = taylor.jacobian(f, x)
        pattern = filled(*jacobian_pattern(record(f, x)), (N, N))
        assert not ((dense != 0) & ~pattern).any()
        found = sparse_jacobian(f, x).toarray()
    assert found == pytest.approx(dense, rel=1e-10, abs=1e-10, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=3))
def test_a_hessian_pattern_is_never_too_small(steps):
    f = random_function(steps)
    x = np.random.default_rng(len(steps)).uniform(0.1, 0.9, N)

    def total(x):
        return np.sum(f(x) ** 2)

    with np.errstate(all="ignore"):
        dense = taylor.hessian(total, x)
        h = SparseHessian(total, x)
        found = h(x).toarray()
    assert np.isfinite(dense).all()
    pattern = filled(*h.pattern, (N, N))
    assert np.abs(np.where(pattern, 0, dense)).max() <= 1e-13 * np.abs(dense).max()
    assert np.abs(found - dense).max() <= 1e-11 * np.abs(dense).max()
    assert not star_faults(*h.pattern, h.colors)


# ------------------------------------------------------------------ colourings
def column_faults(rows, cols, colors):
    """Return the pairs of columns of one colour that share a row."""
    faults = set()
    for i in set(rows.tolist()):
        mine = sorted(set(cols[rows == i].tolist()))
        faults |= {(a, b) for a, b in itertools.combinations(mine, 2) if colors[a] == colors[b]}
    return faults


def star_faults(rows, cols, colors):
    """Return the neighbours of one colour and the paths of four vertices with two colours."""
    near = {}
    for i, j in zip(rows.tolist(), cols.tolist(), strict=True):
        if i != j:
            near.setdefault(i, set()).add(j)
    faults = {(i, j) for i in near for j in near[i] if colors[i] == colors[j]}
    for b in near:
        for c in near[b]:
            for a, d in itertools.product(near[b] - {c}, near[c] - {b}):
                if a != d and colors[a] == colors[c] and colors[b] == colors[d]:
                    faults.add((a, b, c, d))
    return faults


def test_the_checks_can_fail():
    rows, cols = np.array([0, 0, 1]), np.array([0, 1, 1])
    assert column_faults(rows, cols, np.array([0, 1])) == set()
    assert column_faults(rows, cols, np.array([0, 0])) == {(0, 1)}
    rows, cols = np.array([0, 1, 1, 2, 2, 3]), np.array([1, 0, 2, 1, 3, 2])  # a path of four
    assert star_faults(rows, cols, np.array([0, 1, 2, 0])) == set()
    assert (0, 1, 2, 3) in star_faults(rows, cols, np.array([0, 1, 0, 1]))
    assert (0, 1) in star_faults(rows, cols, np.array([0, 0, 1, 2]))


ENTRIES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=40)


def as_pattern(entries, n, symmetric=False):
    entries = set(entries) | ({(j, i) for i, j in entries} if symmetric else set())
    codes = np.array(sorted(i * n + j for i, j in entries), dtype=np.int64)
    return codes // n, codes % n


@settings(max_examples=300, deadline=None)
@given(ENTRIES)
def test_a_column_colouring_is_valid(entries):
    rows, cols = as_pattern(entries, 12)
    colors = color_columns(rows, cols, 12)
    assert column_faults(rows, cols, colors) == set()
    # greedy: no more colours than one plus the columns that share a row with some column
    shared = [len({c for r in rows[cols == j] for c in cols[rows == r]}) for j in range(12)]
    assert colors.max() + 1 <= max(1, *shared)


@settings(max_examples=500, deadline=None)
@given(ENTRIES)
def test_a_star_colouring_is_valid(entries):
    rows, cols = as_pattern(entries, 12, symmetric=True)
    colors = star_coloring(rows, cols, 12)
    assert star_faults(rows, cols, colors) == set()


@settings(max_examples=200, deadline=None)
@given(ENTRIES, st.integers(0, 1000))
def test_a_quadratic_form_is_recovered_exactly(entries, seed):
    rows, cols = as_pattern(entries, 12, symmetric=True)
    rng = np.random.default_rng(seed)
    matrix = np.zeros((12, 12))
    matrix[rows, cols] = rng.integers(1, 9, len(rows))
    matrix = matrix + matrix.T
    i, j = np.nonzero(matrix)

    def f(x):
        return np.sum(matrix[i, j] * x[i] * x[j]) / 2

    assert np.array_equal(sparse_hessian(f, np.ones(12)).toarray(), matrix)


def test_colour_counts():
    x = np.ones(300)
    assert SparseHessian(arrow, x).count == 2
    assert SparseHessian(lambda x: np.sum(x**3), x).count == 1
    assert SparseHessian(rosenbrock, x).count <= 3
    assert SparseHessian(banded, x).count <= 5
    dense = SparseHessian(lambda x: np.sum(x[:20]) ** 3, x)
    assert dense.count == 20


# ------------------------------------------------------------------ use
def test_many_points_with_one_plan():
    calls = []

    def f(x):
        calls.append(1)
        return arrow(x)

    hessian = SparseHessian(f, np.ones(N))
    for x in points(20):
        hessian(x)
    assert len(calls) == 1


def test_a_branch_that_goes_the_other_way_is_recorded_again():
    def f(x):
        if x[0] > 0:
            return np.sum(x**4)
        return np.sum((x[1:] * x[:-1]) ** 2) + np.sum(np.sqrt(-x[0]) * x)

    hessian = SparseHessian(f, np.ones(N))
    before = hessian.pattern[0].size
    x = np.linspace(-1.0, 1.0, N)
    assert hessian(x).toarray() == pytest.approx(taylor.hessian(f, x))
    assert before == N < hessian.pattern[0].size
    assert hessian(-x).toarray() == pytest.approx(taylor.hessian(f, -x))


def test_a_wrong_branch_outside_its_domain_is_recorded_again():
    def f(x):
        if x[0] < 0:
            return np.sqrt(-x[0]) + np.sum(x**2)
        return np.sum((x[1:] * x[:-1]) ** 2)

    x = np.linspace(-1.0, 0.5, N)
    hessian = SparseHessian(f, x)
    assert hessian.pattern[0].size == N
    assert hessian(-x).toarray() == pytest.approx(taylor.hessian(f, -x))
    assert hessian.pattern[0].size == 3 * N - 2


def test_a_domain_error_of_the_function_itself_stays():
    hessian = SparseHessian(lambda x: np.log(x[0]) * x[1], [1.0, 1.0])
    with pytest.raises(taylor.DomainError):
        hessian([-1.0, 1.0])


def test_kinks_as_in_the_dense_driver():
    x = np.array([0.0, 0.0, 1.0])

    def f(x):
        return np.sum(np.maximum(x, x) ** 2) * x[2]

    expected = taylor.hessian(f, x)
    assert np.isfinite(expected).all()
    assert sparse_hessian(f, x).toarray() == pytest.approx(expected)

    def g(x):
        return [np.minimum(x, x) * x[2], x[0]]

    assert sparse_jacobian(g, x).toarray() == pytest.approx(dense_jacobian(g, x))
    with pytest.raises(taylor.NonAnalyticError):
        sparse_hessian(lambda x: np.abs(x[0]) * x[2], x)


def test_integers_become_floats():
    matrix = sparse_hessian(lambda x: x[0] ** 3 * x[1], [1, 2])
    assert matrix.dtype == float
    assert matrix.toarray().tolist() == [[12.0, 3.0], [3.0, 0.0]]
    assert sparse_jacobian(lambda x: x**2, np.arange(3)).toarray()[2, 2] == 4.0


def test_float32_and_complex_points():
    single = np.array([1.0, 2.0], dtype=np.float32)
    assert sparse_hessian(lambda x: np.sum(x**3), single).dtype == np.float32
    z = np.array([1 + 2j, 0.5j])
    expected = taylor.jacobian(lambda z: z**2 * z[0], z)
    assert sparse_jacobian(lambda z: z**2 * z[0], z).toarray() == pytest.approx(expected)


def test_points_of_any_shape_are_raveled():
    x = np.arange(1.0, 7.0).reshape(2, 3)

    def f(x):
        return np.sum(x[0] ** 2 * x[1])

    assert sparse_hessian(f, x).toarray() == pytest.approx(taylor.hessian(f, x).reshape(6, 6))
    assert sparse_hessian(lambda x: x**3, 2.0).toarray().tolist() == [[12.0]]
    assert sparse_jacobian(lambda x: x[:, 0] * x[:, 1], x).shape == (2, 6)
    assert sparse_jacobian(lambda x: x * 2, np.ones(0)).shape == (0, 0)
    assert sparse_hessian(lambda x: np.sum(x), np.ones(0)).shape == (0, 0)


def test_errors():
    with pytest.raises(ShapeMismatch, match=r"f\(x\) has shape \(3,\)"):
        sparse_hessian(lambda x: x**2, np.ones(3))
    with pytest.raises(ShapeMismatch, match="2 results"):
        sparse_hessian(lambda x: (x[0], x[1]), np.ones(3))
    with pytest.raises(ShapeMismatch, match=r"shape \(4,\).*\(3,\)"):
        SparseHessian(np.sum, np.ones(3))(np.ones(4))
    with pytest.raises(TypeError, match="plain numbers, not Taylor"):
        sparse_hessian(np.sum, taylor.Taylor.variable(np.ones(3), 2))


def test_more_colours_than_lanes():
    n = 70
    x = np.linspace(-1.0, 1.0, n)
    hessian = SparseHessian(lambda x: np.sum(x) ** 3, x)
    assert hessian.count == n
    assert hessian(x + 1).toarray() == pytest.approx(np.full((n, n), 6.0 * n))
    assert sparse_jacobian(np.cumsum, x).toarray() == pytest.approx(np.tril(np.ones((n, n))))


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match="sparse derivatives need SciPy: python -m pip install"):
        sparse_jacobian(np.sin, points()[0])


# ------------------------------------------------------------------ large
def seconds(f, n):
    x = np.linspace(0.5, 1.5, n)
    least = np.inf
    for _ in range(3):
        start = time.process_time()
        matrix = sparse_hessian(f, x)
        least = min(least, time.process_time() - start)
    return least, matrix


@pytest.mark.parametrize("f, per_row", [(arrow, 3), (banded, 5)], ids=["arrow", "banded"])
def test_large_hessians_take_linear_time(f, per_row):
    n = 10_000
    small, _ = seconds(f, n)
    large, matrix = seconds(f, 4 * n)
    assert matrix.nnz <= per_row * 4 * n
    assert large / small < 8
    x = np.linspace(0.5, 1.5, 4 * n)
    v = np.random.default_rng(0).normal(size=4 * n)
    assert matrix @ v == pytest.approx(taylor.hvp(f, x, v), rel=1e-9, abs=1e-9)


def test_large_hessians_are_never_dense():
    n = 10_000
    tracemalloc.start()
    try:
        sparse_hessian(arrow, np.linspace(0.5, 1.5, n))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n * n / 2  # bytes: half a byte for each entry of the dense matrix
