"""Slices, rolls, pads, joins and their adjoints in regions have the values they have outside."""

import numpy as np
import pytest

import taylor
from taylor import record
from taylor.core.maps import Gather, Scatter
from taylor.machine.machine import OK, Machine
from taylor.machine.stencils import Patch, fused

MOVES = {
    "slices": lambda u: np.exp(u[1:, :] - u[:-1, :]) * u[2:3],
    "slices of columns": lambda u: np.sin(u[:, 2:] - u[:, :-2]) * u[:, 1:2],
    "roll": lambda u: np.roll(u, 1, 0) * u - np.roll(u, -3, 1) * u * u,
    "roll of all": lambda u: np.roll(u, 5) * np.cos(u),
    "pad": lambda u: np.pad(u, ((1, 2), (3, 1)))[1:, 2:] * np.pad(u, ((0, 2), (0, 2))),
    "edges": lambda u: np.pad(u, 2, mode="edge")[1:-1, 1:-1] * np.pad(u, 1, mode="wrap"),
    "reflections": lambda u: np.pad(u, 1, mode="reflect") ** 2 * np.pad(u, 1, mode="symmetric"),
    "differences": lambda u: np.diff(u, axis=0)[:, 1:] * np.diff(u, axis=1)[1:],
    "gradient": lambda u: np.gradient(u, axis=0) * np.exp(np.gradient(u, axis=1)),
    "joined": lambda u: (
        np.concatenate([u[3:], u[:1], 2 * u[1:3]]) * np.hstack([u[:, 1:], u[:, :1]])
    ),
    "backwards": lambda u: u[::-1] * u + u[:, ::-1] * np.sin(u),
    "every other": lambda u: u[::2] * np.exp(u[::2]) + np.sum(u[:, 1::2]),
    "turned": lambda u: (u[1:, :].T - u[:-1, :].T) * np.sin(u[1:].T),
    "flat": lambda u: u.ravel()[3:] * np.exp(u.ravel()[:-3]) + np.sum(u[1:, :-1] * u[:-1, 1:]),
    "convolved": lambda u: np.convolve(u.ravel(), [1.0, -2.0, 0.5]) ** 2,
    "picked": lambda u: u[[0, 2, 2, 1, 0]] * np.sin(u[1]) + u[:, [1, 0] * 4][0, 1],
    "stacked": lambda u: (
        np.stack([u[1], np.exp(u[0]) * u[2], u[3]])[::-1] * np.sum(u[1:] * u[:-1], 0) / (2 + u[1])
    ),
    "Laplacian": lambda u: (
        u * (u[0] + np.pad(u[1:], ((0, 1), (0, 0))) + np.roll(u, 1, 1) - 4 * u + np.roll(u, -1, 1))
    ),
}
SHAPES = [(5, 9), (33, 17), (4, 130), (4, 64)]


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("shape", SHAPES)
def test_values_adjoints_and_their_tangents(name, shape):
    rng = np.random.default_rng(0)
    program = record(MOVES[name], rng.uniform(-0.9, 0.9, shape))
    every = taylor.forward(taylor.reverse(program))  # values, adjoints, tangents of both
    x = [rng.uniform(-0.9, 0.9, every.code[i].shape) for i in every.inputs]
    status, found = Machine(every)(*x)
    assert status == OK
    for got, wanted in zip(found, every.evaluate(*x), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["slices", "roll", "edges", "joined", "flat"])
def test_complex_numbers(name):
    rng = np.random.default_rng(1)
    x, bar = (rng.uniform(-1, 1, (6, 40)) + 1j * rng.uniform(-1, 1, (6, 40)) for _ in range(2))
    back = taylor.reverse(record(lambda u: np.sum(MOVES[name](u)), x))
    found = Machine(back, complex=[True, True])(x, bar[0, 0])[1]
    for got, wanted in zip(found, back.evaluate(x, bar[0, 0]), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-13)


def test_zeros_keep_their_signs():
    x = np.full((4, 20), -0.0)
    for f in (lambda u: np.roll(u, 1, 0) * 1.5, lambda u: np.pad(u, 1) * 1.5):
        got, wanted = Machine(record(f, x))(x)[1][0], f(x)
        assert np.array_equal(np.signbit(got), np.signbit(wanted))
    for shape in ((4, 20), (4, 64)):
        x = np.full(shape, -0.0)
        back = taylor.reverse(record(lambda u: np.sum(u[1:] * u[:-1]), x))
        for got, wanted in zip(Machine(back)(x, 1.0)[1], back(x, 1.0), strict=True):
            assert np.array_equal(np.signbit(got), np.signbit(wanted))


def test_what_is_only_moved_is_not_written():
    def field(u):
        return np.sum((u[1:, :] - u[:-1, :]) ** 2) + np.sum((u[:, 1:] - u[:, :-1]) ** 2)

    back = taylor.reverse(record(field, np.ones((50, 60))))
    code, new = fused(back.code, {*back.inputs, *back.outputs})
    kinds = [type(i.op) for i in code]
    assert kinds.count(Patch) == 1 and Scatter not in kinds
    assert Machine(back).size < 3.1 * 50 * 60  # an input, a result, tiles
    assert all(back.code[i].shape == code[new[i]].shape for i in (*back.inputs, *back.outputs))


def test_gradients_of_sums_read_nothing_but_the_argument():
    u = np.linspace(0.1, 1.0, 4000).reshape(40, 100)

    def energy(u):
        down, across = u[1:] - u[:-1], u[:, 1:] - u[:, :-1]
        return np.sum(down * down) + np.sum(across * across)

    compiled = taylor.compile(energy)
    taylor.gradient(compiled, u)
    ((machine,),) = compiled.machines.values()
    assert machine.size < 2.1 * u.size  # the argument and its adjoint


def test_what_has_no_steps_stays():
    places = np.random.default_rng(0).permutation(1000)
    program = record(lambda x: x[places] * x, np.ones(1000))
    code, _ = fused(program.code, program.outputs)
    assert any(isinstance(i.op, Gather) for i in code)


def test_a_convolution_takes_memory_in_proportion_to_its_products():
    x, v = np.linspace(0.0, 1.0, 20_000), np.array([1.0, -2.0, 0.5])
    value, slope = taylor.value_and_gradient(lambda x: np.sum(np.convolve(x, v) ** 2), x)
    y = np.convolve(x, v)
    assert value == pytest.approx(np.sum(y * y), rel=1e-14)
    np.testing.assert_allclose(slope, np.correlate(2 * y, v, "valid"), rtol=1e-13, atol=1e-15)
    spread = taylor.jvp(lambda x: np.convolve(x, [np.inf, 1.0], "full"), np.ones(2), np.ones(2))[0]
    np.testing.assert_array_equal(spread, np.convolve(np.ones(2), [np.inf, 1.0], "full"))


def test_many_arrays_joined():
    """More than a region reads, in it and twice over: they are joined in memory."""

    def f(x):
        s = [x[0]]
        for _ in range(40):
            s.append(s[-1] * x[1] + x[0])
        y = np.stack(s)
        return np.sum(np.log(y) + y[::-1] / y)

    x = np.array([0.7, 0.6])
    g = taylor.compile(f, strict=True)
    assert g(x) == pytest.approx(f(x), rel=1e-13)
    np.testing.assert_allclose(taylor.gradient(g, x), taylor.gradient(f, x), rtol=1e-12)
