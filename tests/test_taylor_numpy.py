"""import taylor.numpy as np: programs written the ordinary way, changed in that line only.

The oracle of a program that fills arrays is the same program with NumPy alone: its value, and its
derivatives by a complex step; of higher ones the program written with lists.
"""

import copy
import importlib
import pickle
from fractions import Fraction

import mpmath
import numpy
import pytest
import scipy.integrate

import hyperdual
import taylor
import taylor.numpy as np
from taylor import Taylor, TaylorN
from taylor.errors import AlgebraMismatch, ForeignNodeError
from taylor.ode import solve_ivp

T = numpy.array([0.7, 0.2, 0.5])
DATA = numpy.sin(numpy.arange(8.0))
PROGRAMS = {}


def program(f):
    PROGRAMS[f.__name__] = f
    return f


# ------------------------------------------------------------------ what people write; m is NumPy
@program
def garch(t, m):
    s = m.zeros(8, t.dtype)
    s[0] = t[0]
    for i in range(1, 8):
        s[i] = t[0] + t[1] * DATA[i - 1] ** 2 + t[2] * s[i - 1]
    return m.sum(m.log(s) + DATA**2 / s)


@program
def garch_in_a_list(t, m):
    s = [t[0]]
    for i in range(1, 8):
        s.append(t[0] + t[1] * DATA[i - 1] ** 2 + t[2] * s[-1])
    s = m.array(s)
    return m.sum(m.log(s) + DATA**2 / s)


@program
def euler(t, m):
    x, h = m.empty((6, 2), t.dtype), 0.1
    x[0] = t[:2]
    for k in range(5):
        x[k + 1] = x[k] + h * m.array([x[k, 1], -t[2] * m.sin(x[k, 0])])
    return x


@program
def kalman(t, m):
    a, p = m.zeros(2, t.dtype), m.eye(2, dtype=t.dtype)
    f, h = m.array([[1.0, t[0]], [0.0, 1.0]]), m.array([1.0, 0.0])
    q = m.zeros((2, 2), t.dtype)
    q[0, 0] = t[1]
    q[1, 1] = t[1] * t[2]
    total = 0.0
    for z in DATA[:4]:
        a, p = f @ a, f @ p @ f.T + q
        s = h @ p @ h + t[2]
        gain = p @ h / s
        v = z - h @ a
        total = total + m.log(s) + v * v / s
        a, p = a + gain * v, (m.eye(2) - m.outer(gain, h)) @ p
    return total


@program
def table_of_costs(t, m):
    cost = m.outer(t, m.array([1.0, 2.0, 3.0])) + m.cos(m.arange(9.0).reshape(3, 3) + t[0])
    best = m.zeros_like(cost)
    best[0, 0] = cost[0, 0]
    for i in range(1, 3):
        best[i, 0] = best[i - 1, 0] + cost[i, 0]
        best[0, i] = best[0, i - 1] + cost[0, i]
    for i in range(1, 3):
        for j in range(1, 3):
            above, left = best[i - 1, j], best[i, j - 1]
            best[i, j] = cost[i, j] + (above if above.real < left.real else left)
    return best[-1, -1]


@program
def lu_in_place(t, m):
    a = m.array([[4.0, 1.0, 2.0], [1.0, 5.0, 1.0], [2.0, 0.0, 6.0]], dtype=t.dtype)
    a[0, 0] += t[0]
    a[1] *= t[1]
    for k in range(3):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= m.outer(a[k + 1 :, k], a[k, k + 1 :])
    return a


@program
def thomas(t, m):
    n = 5
    lower, upper, d = m.full(n, -1.0), m.full(n, -1.0), m.ones(n)
    b, x = m.full(n, 2.5, t.dtype), m.empty(n, t.dtype)
    b[1:4] = 2.0 + t
    r = d * t[0]
    for i in range(1, n):
        w = lower[i] / b[i - 1]
        b[i] -= w * upper[i - 1]
        r[i] -= w * r[i - 1]
    x[-1] = r[-1] / b[-1]
    for i in range(n - 2, -1, -1):
        x[i] = (r[i] - upper[i] * x[i + 1]) / b[i]
    return x


@program
def heat_on_a_grid(t, m):
    grid = m.linspace(0.0, 1.0, 7)
    u = m.sin(3.0 * grid).astype(t.dtype)
    for _ in range(4):
        u[1:-1] += t[1] * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0], u[-1] = t[0], u[-2]
    return u


@program
def hidden_states(t, m):
    h = m.zeros((5, 3), t.dtype)
    w = m.array([[0.1, t[0], 0.0], [t[1], 0.3, 0.2], [0.0, 0.1, t[2]]])
    for k in range(4):
        h[k + 1] = m.tanh(w @ h[k] + m.array([DATA[k], t[0], 1.0]))
    return h[1:].sum(axis=0)


@program
def forward_algorithm(t, m):
    move = m.array([[1 - t[1], t[1]], [t[2], 1 - t[2]]])
    alpha = m.empty((8, 2), t.dtype)
    alpha[0] = m.log(m.array([t[0], 1 - t[0]])) - DATA[0] ** 2
    for k in range(1, 8):
        for j in range(2):
            alpha[k, j] = m.log(m.sum(m.exp(alpha[k - 1]) * move[:, j])) - (DATA[k] - j) ** 2
    return m.log(m.sum(m.exp(alpha[-1])))


@program
def cholesky_by_hand(t, m):
    a = m.array([[4.0, t[0], t[1]], [t[0], 5.0, t[2]], [t[1], t[2], 6.0]])
    low = m.zeros((3, 3), t.dtype)
    for i in range(3):
        for j in range(i + 1):
            s = a[i, j] - m.sum(low[i, :j] * low[j, :j])
            low[i, j] = m.sqrt(s) if i == j else s / low[j, j]
    return low


@program
def masks(t, m):
    y = m.ones((2, 3), t.dtype)
    y[m.array([True, False])] = t
    y[:, m.array([False, True, True])] *= t[1:]
    y[y.real > 0.9] = t[0] * t[1]
    return y


@program
def branches_and_views(t, m):
    y = m.zeros((2, 3), t.dtype)
    w, row, flip = y[1], y.T[2], y[::-1, ::2]
    if t[0].real > 0.5:
        w[0] = t[0]
    w[1:] += t[1] * 2
    flip[0, 1] *= t[2]
    row[...] = row + t[0]
    y[0, :2] = 1.0
    return y * t[2]


@program
def rows_of_a_loop(t, m):
    y = m.ones((3, 3), t.dtype)
    for k, row in enumerate(y):
        row[...] = t * k
        row[k] += 1.0
    return y


@program
def outputs(t, m):
    y = m.empty(3, t.dtype)
    m.multiply(t, t, out=y)
    m.add(y, 1.0, out=y)
    z = m.zeros((2, 3), t.dtype)
    m.sum([y, t], axis=0, out=z[1])
    m.exp(t, out=z[0], where=m.array([True, False, True]))
    return z


@program
def functions_that_write(t, m):
    y = m.zeros((3, 3), t.dtype)
    m.fill_diagonal(y, t[0])
    m.put(y, [1, 2], t[1:])
    m.add.at(y, ([2, 2, 1], [0, 0, 2]), t)
    m.copyto(y[:, 1], t)
    z = m.zeros(3, t.dtype)
    z.fill(t[2])
    z.put([0], t[1])
    z.flat[1] = t[0]
    m.place(z, m.array([False, False, True]), t[:1])
    return y + z


@program
def lists_given_to_functions(t, m):
    x = m.linalg.solve(m.array([[t[0], t[1]], [1.0, t[2]]]), m.array([1.0, t[0]]))
    y = m.vstack([m.array([t[0], 1.0]), x, m.stack([t[1], t[2]])])
    z = m.convolve(m.concatenate([x, m.array([2.0, t[0]])]), t)
    return m.concatenate([y.ravel(), z, m.full(2, t[0]), m.diag(m.array([t[1], 1.0])).ravel()])


def flat(y):
    return numpy.ravel(numpy.asarray(y))


def value(f):
    return numpy.array(f(T, numpy))


def slopes(f):
    """Return the Jacobian, by NumPy alone and a complex step."""
    columns = [flat(f(T + 1e-30j * e, numpy)).imag / 1e-30 for e in numpy.eye(3)]
    return numpy.stack(columns, axis=-1)


every_program = pytest.mark.parametrize("name", PROGRAMS)


@every_program
def test_a_program_is_what_it_is_with_numpy(name):
    f = PROGRAMS[name]
    found = f(T, np)
    assert not taylor.core.binding.holds(found)
    numpy.testing.assert_array_equal(found, value(f))


@every_program
def test_tangents_and_adjoints(name):
    f, v, y = PROGRAMS[name], numpy.array([0.3, -1.0, 0.7]), value(PROGRAMS[name])
    tol = {"rtol": 1e-10, "atol": 1e-12}
    got, along = taylor.jvp(lambda t: f(t, np), T, v)
    numpy.testing.assert_allclose(got, y, rtol=1e-14)
    numpy.testing.assert_allclose(flat(along), slopes(f) @ v, **tol)
    w = numpy.cos(numpy.arange(y.size)).reshape(y.shape)
    got, bar = taylor.vjp(lambda t: f(t, np), T, w)
    numpy.testing.assert_allclose(got, y, rtol=1e-14)
    numpy.testing.assert_allclose(bar, flat(w) @ slopes(f), **tol)


@every_program
def test_compiled(name):
    f = PROGRAMS[name]
    compiled = taylor.compile(lambda t: f(t, np), strict=True)
    numpy.testing.assert_allclose(compiled(T), value(f), rtol=1e-13)
    numpy.testing.assert_allclose(compiled(1.1 * T), f(1.1 * T, numpy), rtol=1e-13)


@every_program
def test_higher_orders(name):
    """Series of order 4 in two variables, nested gradients, hyper-duals: all say the same."""
    f = PROGRAMS[name]
    u, v = TaylorN.variables([0.0, 0.0], 4)
    a, b = numpy.array([1.0, 0.5, -0.3]), numpy.array([0.2, -1.0, 0.4])
    both = f(T + a * u + b * v, np)
    along = f(T + a * Taylor.variable(0.0, 4), np)
    for k in range(5):
        numpy.testing.assert_allclose(
            flat(along.coef[k]), flat(both.coefficient((k, 0))), rtol=1e-9, atol=1e-12
        )
    mixed = flat(both.coefficient((1, 1)))
    s = lambda z: np.sum(np.cos(np.arange(np.size(z))) * np.ravel(z))
    weights = numpy.cos(numpy.arange(mixed.size))
    hessian = taylor.hessian(lambda t: s(f(t, np)), T)
    numpy.testing.assert_allclose(a @ hessian @ b, weights @ mixed, rtol=1e-9, atol=1e-10)
    inner = lambda t: np.sum(b * taylor.gradient(lambda z: s(f(z, np)), t))
    numpy.testing.assert_allclose(taylor.gradient(inner, T), hessian @ b, rtol=1e-9, atol=1e-10)
    h = hyperdual.HyperDual
    dual = s(f(np.array([h(x, p, q, 0.0) for x, p, q in zip(T, a, b, strict=True)]), np))
    numpy.testing.assert_allclose(dual.eps1eps2, a @ hessian @ b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["garch", "euler", "lu_in_place", "masks", "outputs", "thomas"])
def test_in_a_right_hand_side(name):
    f = PROGRAMS[name]

    def rhs(m):
        return lambda s, y: m.cos(m.resize(m.ravel(f(y, m)), 3))

    ours = solve_ivp(rhs(np), (0.0, 0.1), T)
    theirs = scipy.integrate.solve_ivp(rhs(numpy), (0.0, 0.1), T, "DOP853", rtol=1e-12, atol=1e-13)
    numpy.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-10)


# ------------------------------------------------------------------ whose memory is whose
VIEWS = [
    lambda a: a[1:], lambda a: a[..., ::-1], lambda a: a.T, lambda a: a[0], lambda a: a[::2],
    lambda a: a.reshape(-1), lambda a: a.ravel(), lambda a: a.swapaxes(0, -1), lambda a: a[...],
    lambda a: a[None], lambda a: a.copy(), lambda a: a[..., -1:], lambda a: a.squeeze(),
    lambda a: a.reshape(a.shape[::-1]),
]  # fmt: skip


def scribbled(t, m, seed):
    """Make views of views of an array and write through all of them, as chance will have it."""
    rng = numpy.random.default_rng(seed)
    arrays = [m.ones((2, 3, 2), t.dtype, "CF"[seed % 2]) * m.arange(1.0, 3.0)]
    for _ in range(14):
        a = arrays[rng.integers(len(arrays))]
        kind, number = rng.integers(5), float(rng.normal())
        if kind < 2 and a.ndim:
            a = VIEWS[rng.integers(len(VIEWS))](a)
            if a.ndim and a.size:
                arrays.append(a)
        elif kind == 2:
            a[tuple(rng.integers(n) for n in a.shape)] = number * t[rng.integers(3)] ** 2
        elif kind == 3:
            a[-1] = number + a[0] * (t[rng.integers(3)] if rng.integers(2) else 2.0)
        else:
            a *= t[rng.integers(3)] if rng.integers(2) else 0.5
    return m.concatenate([a.ravel() for a in arrays])


@pytest.mark.parametrize("seed", range(60))
def test_views_see_what_is_written_whenever_they_were_made(seed):
    expected = slopes(lambda t, m: scribbled(t, m, seed))
    f = lambda t: scribbled(t, np, seed)
    numpy.testing.assert_array_equal(f(T), scribbled(T, numpy, seed))
    for driver in (taylor.jacfwd, taylor.jacrev):
        numpy.testing.assert_allclose(driver(f, T), expected, rtol=1e-12, atol=1e-14)
    numpy.testing.assert_allclose(taylor.compile(f)(T), scribbled(T, numpy, seed), rtol=1e-13)


def test_c_code_that_looks_past_a_filled_array_finds_no_old_numbers():
    y = np.full((2, 3), 7.0)
    early = numpy.asarray(y)[1]
    y[0, 0] = Taylor.variable(1.0, 1)
    assert numpy.isnan(early).all() and numpy.isnan(numpy.asarray(y)).all()


@pytest.mark.parametrize("late", [False, True])
def test_windows_are_views_that_fill_and_are_filled(late):
    def f(x, windows):
        y = np.zeros(6)
        y[1::2] = 2.0
        if late:
            y[0] = x
        v = windows(y[1:])
        y[1], y[3] = x * x, 3 * x
        return np.sum(v * np.arange(1.0, v.size + 1).reshape(v.shape))

    tricks = np.lib.stride_tricks
    forms = [lambda y: tricks.sliding_window_view(y, 3)]
    forms += [] if late else [lambda y: tricks.as_strided(y, (2, 2), (8, 16))]
    for windows in forms:
        slope = (f(1.5, windows) - f(0.5, windows)) / 1.0  # of a polynomial of degree 2 at 1
        assert taylor.derivative(lambda x, w=windows: f(x, w), 1.0) == slope
        assert taylor.gradient(taylor.compile(lambda x, w=windows: f(x, w)), 1.0) == slope
    if late:
        with pytest.raises(TypeError, match="sliding_window_view"):
            taylor.derivative(lambda x: f(x, lambda y: tricks.as_strided(y, (2,), (8,))), 1.0)


def test_views_that_are_gone_are_forgotten():
    y = np.zeros((300, 2))
    for row in y:
        row[0] = 1.0
    for k in range(299):
        y[k + 1] = y[k] + y[k, :1]
    assert len(y._views.known) < 60
    kept = [y[k] for k in range(300)]
    assert len(y._views.known) < 340 and len(kept) == 300


def test_a_workspace_made_outside_serves_again():
    room = np.zeros(3)

    def f(x):
        room[:] = x * x
        room[0] += 1.0
        return np.sum(room * x)

    for _ in range(2):
        numpy.testing.assert_allclose(taylor.gradient(f, T), 3 * T**2 + [1, 0, 0])
        numpy.testing.assert_allclose(taylor.jvp(f, T, T)[1], T @ (3 * T**2 + [1, 0, 0]))
        assert f(T) == numpy.sum(T**3) + T[0] and type(f(T)) is numpy.float64
    taylor.gradient(f, T)
    with pytest.raises(ForeignNodeError, match="finished differentiation"):
        room[0] = 1.0


def test_values_of_an_inner_differentiation_move_in():
    def f(x):
        def g(z):
            y = np.zeros((2, 2))
            y[0] = x[:2]
            y[1] = y[0] * z[:2]
            return np.sum(y**3)

        return np.sum(taylor.gradient(g, x) ** 2)

    def h(x):
        return np.sum(taylor.gradient(lambda z: np.sum((x[:2] * z[:2]) ** 3), x) ** 2)

    numpy.testing.assert_allclose(taylor.gradient(f, T), taylor.gradient(h, T))
    numpy.testing.assert_allclose(taylor.hessian(f, T), taylor.hessian(h, T))

    def with_a_view(x):
        y = np.zeros(3)
        y[:] = x
        tail = y.T[1:]
        return taylor.derivative(lambda z: z * tail[0] + _written(y, z), x[0])

    def _written(y, z):
        y[1] = z
        return y[1]

    for driver in (taylor.gradient, lambda f, x: taylor.jvp(f, x, x)):
        with pytest.raises(AlgebraMismatch, match="views"):
            driver(with_a_view, T)


# ------------------------------------------------------------------ types of numbers
def filled(dtype, x):
    y = np.zeros(3, dtype=dtype)
    y[0] = x
    y[2] = 0.1
    return y


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64, numpy.complex64, complex])
@pytest.mark.parametrize("point", [numpy.float32(0.3), 0.3])
def test_a_filled_array_keeps_its_type(dtype, point):
    y, plain = filled(dtype, Taylor.variable(point, 1)), filled(dtype, point)
    assert y.dtype == plain.dtype == dtype
    numpy.testing.assert_array_equal(y.coef[0], plain)
    numpy.testing.assert_array_equal(y.coef[1], [1, 0, 0])


def test_exact_numbers_and_those_of_mpmath():
    third = mpmath.mpf(1) / 3
    y = filled(float, Taylor.variable(third, 1))
    assert y.value.tolist() == [third, 0, 0.1]
    slope = taylor.gradient(lambda v: np.sum(filled(float, v[0] ** 2)), [third])
    assert slope.tolist() == [2 * third]
    x = Fraction(1, 3)
    y = filled(object, Taylor.variable(x, 1))
    assert y[0].value == x and type(y) is numpy.ndarray
    y = np.array([[Taylor.variable(x, 1), 1], [2, x]])
    assert y.coef[0].tolist() == [[x, 1], [2, x]]


@pytest.mark.parametrize(
    "seed",
    [
        lambda f: f(Taylor.variable(0.5, 1)),
        lambda f: taylor.gradient(lambda v: np.sum(f(v[0])), [0.5]),
    ],
)
def test_what_does_not_fit_is_refused(seed):
    for f, error, words in (
        (lambda t: filled(int, t), TypeError, "dtype=float"),
        (lambda t: filled(float, 1j * t), TypeError, "dtype=complex"),
        (lambda t: np.array([t, 1.0], dtype=int), TypeError, "cut the derivatives"),
        (lambda t: np.array([t, 1.0], copy=False), ValueError, "copy"),
        (lambda t: np.array([[t, 1.0]], ndmax=1), ValueError, "ndmax=1"),
        (lambda t: np.full(3, t, dtype=int), TypeError, "cut the derivatives"),
        (lambda t: np.full_like(np.ones(2, dtype=int), t), TypeError, "cut the derivatives"),
        (lambda t: np.broadcast_to(np.ones(2), (2, 2)).__setitem__(0, t), ValueError, "read-only"),
        (lambda t: np.ones(2).__setitem__(2, t), IndexError, "out of bounds"),
        (lambda t: np.ones(2).__setitem__(slice(2), np.stack([t, t, t])), ValueError, "broadcast"),
        (lambda t: np.ones(2, complex).view(float).__setitem__(0, t), TypeError, "view of complex"),
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            seed(f)


# ------------------------------------------------------------------ arrays of lists
def test_lists_make_arrays_in_every_form():
    s, t = Taylor.variable(2.0, 1), Taylor.variable(3.0, 1)
    a = np.array([[s, t], [1.0, 2]])
    assert a.shape == (2, 2) and a.coef[1].tolist() == [[1, 1], [0, 0]]
    assert np.array([s, t], ndmin=2).shape == (1, 2)
    assert np.array([s, 1], dtype=numpy.float32).dtype == numpy.float32
    assert np.array([[s, t]], order="F").coef[0].tolist() == [[2, 3]]
    assert np.asarray(a) is a and np.asanyarray(a) is a and np.array(a, copy=None) is a
    b = np.array(a)
    b[0, 0] = 0.0
    assert a.coef[0, 0, 0] == 2.0
    assert np.array([s, t], dtype=object).dtype == object
    assert np.ascontiguousarray(s).shape == (1,) and np.asarray((s, 1.0)).shape == (2,)
    assert np.array([numpy.ones(2), np.array([s, t])]).coef[0].tolist() == [[1, 1], [2, 3]]
    assert np.block([[np.array([[s]]), np.zeros((1, 2))]]).shape == (1, 3)
    assert np.vstack([[s, 1.0], [2.0, t]]).coef[0].tolist() == [[2, 1], [2, 3]]
    assert np.dot([s, 1.0], [t, 2.0]).value == 8.0
    assert np.linalg.solve([[s, 0.0], [0.0, t]], [1.0, 1.0]).value.tolist() == [0.5, 1 / 3]
    assert np.mean([s, t, 1.0]).value == 2.0 and np.average([1.0, 3.0], weights=[s, t]).value == 2.2
    assert np.full((2, 2), s).coef.shape == (2, 2, 2) and np.full(2, [s, 1.0]).shape == (2,)
    assert np.full_like(np.ones(2), t).coef[0].tolist() == [3, 3]
    assert np.where([True, False], [s, s], 0.0).value.tolist() == [2, 0]
    parts = {"s": s, "t": t}
    for make in (np.array, np.asarray, np.stack, np.hstack):
        for given in (parts.values(), (x for x in (s, t)), map(np.asarray, (s, t)), [s, t]):
            assert make(given).coef.tolist() == [[2, 3], [1, 1]]
    assert np.stack({2.0: s}.keys()).tolist() == [2.0]


LISTS = {
    "sum": [], "prod": [], "mean": [], "max": [], "cumsum": [], "diff": [], "sort": [], "ravel": [],
    "median": [], "trapezoid": [], "flip": [], "copy": [], "tril": [], "diag": [], "transpose": [],
    "linalg.det": [], "linalg.inv": [], "linalg.norm": [], "fft.fft": [], "zeros_like": [],
    "linalg.solve": [[1.0, 2.0]], "dot": [[1.0, 2.0]], "outer": [[1.0, 2.0]], "kron": [[1.0, 2.0]],
    "append": [3.0], "insert": [1, 3.0], "tile": [2], "repeat": [2], "roll": [1], "take": [[0]],
    "reshape": [-1], "clip": [0.1, 2.5], "broadcast_to": [(3, 2, 2)], "vstack": [], "hstack": [],
    "concatenate": [], "stack": [], "dstack": [], "column_stack": [], "block": [],
    "linalg.matrix_power": [2], "einsum": [], "var": [], "quantile": [0.3], "atleast_3d": [],
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_function_takes_a_list_or_an_array_of_objects_as_the_array_it_is(name):
    f, more = np, LISTS[name]
    for part in name.split("."):
        f = getattr(f, part)
    g = (lambda a: np.einsum("ij,j->i", a, [1.0, 2.0])) if name == "einsum" else f
    expected = lambda x: np.ravel(g(np.stack([x, [1.0, 2.0]]), *more))
    found = lambda x: np.ravel(g([[x[0], x[1]], [1.0, 2.0]], *more))
    objects = lambda x: np.ravel(g(numpy.array([[x[0], x[1]], [1.0, 2.0]], object), *more))
    for driver, h in ((taylor.jacfwd, found), (taylor.jacrev, found), (taylor.jacrev, objects)):
        parts = lambda f: lambda x: np.concatenate([f(x).real, f(x).imag])
        numpy.testing.assert_allclose(
            driver(parts(h), T[:2]), driver(parts(expected), T[:2]), rtol=1e-13
        )


def test_arguments_where_numpy_does_not_look():
    t = Taylor.variable(2.0, 1)
    assert np.pad(np.zeros(2), 1, constant_values=t).value.tolist() == [2, 0, 0, 2]
    assert np.average([1.0, 3.0], weights=[t, 2.0]).value == 2.0
    with pytest.raises(TypeError, match=r"rng\.normal"):
        np.random.normal(t, 1.0)


# ------------------------------------------------------------------ NumPy, as it is
def test_plain_arrays_are_plain():
    y = np.zeros(3)
    for x in (
        y, y + 1, np.sin(y), y.copy(), y[1:], np.linspace(0, 1, 3), np.array([1.0]),
        np.where(y > 0, y, 1.0), np.eye(2) @ np.ones(2), np.random.normal(size=2),
        np.linalg.inv(np.eye(2)), np.roll(y, 1), np.meshgrid(y, y)[0], np.asarray([1.0]),
        np.linalg.eigh(np.eye(2))[1], y.astype(np.float32), np.asarray(y), np.arange(3),
        np.zeros(3, int), np.arange(3) / 2, np.array([1, 2]) * 1.0, np.arange(3).astype(float),
    ):  # fmt: skip
        assert isinstance(x, np.ndarray) and type(x).__name__ == "Plain"
    for x in (y > 0, np.arange(3) > 1, np.array(["a"]), np.zeros(2, object)):
        assert type(x) is numpy.ndarray
    for x in (y.sum(), np.max(y), y @ y, y[0], np.linalg.norm(y), np.dot(y, y), y.mean()):
        assert type(x) is numpy.float64
    y += 1.0
    assert type(y).__name__ == "Plain" and pickle.loads(pickle.dumps(y)).tolist() == [1, 1, 1]
    assert copy.deepcopy(y).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.arange(3) / 2, lambda: np.zeros(3) * 1.0, lambda: np.ones(3, int) + 0.5,
        lambda: np.abs(np.arange(3) - 1.0), lambda: np.full(3, 2) / 1, lambda: -np.ones(3),
        lambda: np.arange(3).astype(float)[::-1], lambda: np.sqrt(np.arange(6)).reshape(2, 3)[1],
    ],
)  # fmt: skip
def test_what_is_computed_of_plain_arrays_is_filled(make):
    def f(t):
        y = make()
        y[1:] = t[:2] ** 2
        return np.sum(y * y)

    for mode in (lambda f: f, taylor.compile):
        assert taylor.gradient(mode(f), T) == pytest.approx([*4 * T[:2] ** 3, 0.0], rel=1e-14)
    with pytest.raises(TypeError, match="make it with dtype=float"):
        taylor.gradient(lambda t: np.arange(3).__setitem__(0, t[0]), T)


def test_arrays_made_elsewhere_stay_what_they_are():
    data = numpy.arange(6.0)
    assert np.asarray(data) is data and np.real(data) is data
    for x in (
        np.reshape(data, (2, 3)), np.ravel(data), np.atleast_1d(data), np.asarray(data[1:]),
        np.broadcast_arrays(data, data)[0], np.positive(data), np.broadcast_to(data, (2, 6)),
    ):  # fmt: skip
        assert type(x) is numpy.ndarray
    assert np.sum(data[None], axis=0, out=data) is data
    y = np.zeros((2, 3))
    views = [np.broadcast_to(y[1], (4, 3)), numpy.lib.stride_tricks.as_strided(y[1])]
    y[1, 0] = Taylor.variable(1.0, 1)  # such views, which NumPy makes of the memory alone, are lost
    assert all(numpy.isnan(v).all() for v in views)

    class Table:
        def __array__(self, dtype=None, copy=None):
            return data.copy() if copy else data

    assert type(np.asarray(Table())) is type(np.fromfunction(lambda i: data, (3,))) is numpy.ndarray
    assert type(np.array(Table())).__name__ == type(np.copy(Table())).__name__ == "Plain"
    copied = np.array(data)
    copied[0] = Taylor.variable(1.0, 1)
    assert data[0] == 0.0


def test_every_name_is_there():
    names = [n for n in numpy.__all__ if hasattr(numpy, n)]
    assert all(hasattr(np, n) for n in names) and set(numpy.__all__) <= set(dir(np))
    for path in np.MODULES:
        module = importlib.import_module(f"taylor.numpy.{path}")
        original = importlib.import_module(f"numpy.{path}")
        for name in getattr(original, "__all__", ()):
            assert hasattr(module, name), (path, name)
    space = {}
    exec("from taylor.numpy import *\nfrom taylor.numpy.linalg import solve, norm", space)
    assert space["sin"] is numpy.sin and space["linalg"] is np.linalg
    assert pickle.loads(pickle.dumps(np.mean)) is np.mean
    with pytest.raises(AttributeError, match="nothing"):
        _ = np.nothing
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("taylor.numpy.nothing")


# ------------------------------------------------------------------ everywhere else
def test_results_of_any_form():
    def f(x):
        y = np.zeros(2)
        y[0] = x[0]
        return {"a": y, "b": (y[:1], [y])}

    y, dy = taylor.jvp(lambda x: f(x)["a"], T, T)
    assert y.tolist() == [0.7, 0] and dy.tolist() == [0.7, 0]
    loss = lambda x: (np.sum(f(x)["a"] ** 2), f(x))
    found, aux = taylor.gradient(loss, T, has_aux=True)
    assert found.tolist() == [1.4, 0, 0]
    assert aux["a"].tolist() == [0.7, 0] and aux["b"][1][0].tolist() == [0.7, 0]
    assert taylor.jacobian(lambda x: [f(x)["a"], f(x)["a"]], T).shape == (2, 2, 3)
    program = taylor.record(lambda x: f(x)["a"], T)
    assert program(T).tolist() == [0.7, 0]
    assert taylor.compile(lambda x: f(x)["b"], strict=True)(T)[1][0].tolist() == [0.7, 0]
    assert taylor.lanes(lambda x: f(x)["a"])(np.stack([T, 2 * T])).tolist() == [[0.7, 0], [1.4, 0]]
    assert taylor.sparse_jacobian(lambda x: f(x)["a"], T).toarray()[0].tolist() == [1, 0, 0]


def test_right_hand_sides_and_events_may_fill_arrays():
    def rhs(t, y):
        d = np.zeros(2)
        d[0] = y[1]
        d[1] = -np.sin(y[0])
        return d

    def event(t, y):
        z = np.empty(1)
        z[0] = y[1]
        return z[0]

    ours = solve_ivp(rhs, (0.0, 5.0), np.array([1.0, 0.0]), events=event)
    theirs = solve_ivp(
        lambda t, y: [y[1], -numpy.sin(y[0])], (0.0, 5.0), [1.0, 0.0], events=lambda t, y: y[1]
    )
    numpy.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-13)
    numpy.testing.assert_allclose(ours.t_events[0], theirs.t_events[0], rtol=1e-13)


def parts_at_once(t):
    z = np.zeros(3, complex)
    z.real, z.imag = t, 2 * t**2
    return numpy.abs(np.sum(z**2))


def parts_of_views(t):
    z = np.zeros((3, 3), complex)
    r, i = z.real, z[1:].imag
    r[0], i[0, 1], z[2].imag[...] = t, t[2], t
    z[:1] *= 2
    r[1] += r[0]
    return numpy.abs(np.sum(z**2))


@pytest.mark.parametrize("f", [parts_at_once, parts_of_views])
def test_parts_of_arrays_are_filled(f):
    D = numpy.array([1.0, -0.5, 2.0])
    slope = (f(T + 1e-6 * D) - f(T - 1e-6 * D)) / 2e-6
    for mode in (lambda f: f, taylor.compile):
        assert taylor.jvp(mode(f), T, D)[0] == pytest.approx(f(T), rel=1e-14)
        assert taylor.jvp(mode(f), T, D)[1] == pytest.approx(slope, rel=1e-8)
        assert taylor.gradient(mode(f), T) @ D == pytest.approx(slope, rel=1e-8)


def test_plain_arrays_look_like_those_of_numpy():
    assert repr(np.zeros(3)) == "array([0., 0., 0.])" and str(np.ones(2)) == "[1. 1.]"


def test_a_filled_array_gets_another_shape_or_order_in_place():
    t = Taylor.variable(0.5, 1)
    y = np.arange(4.0)
    tail = y[2:]
    y[3] = t
    y.shape = (2, 2)
    y[1, 0] = t
    assert y.T.shape == (2, 2) and tail.value.tolist() == [0.5, 0.5]
    y = np.arange(3.0)
    y[0] = t
    np.random.shuffle(y)
    y.sort()
    assert y.coef.tolist() == [[0.5, 1, 2], [1, 0, 0]]


def test_conditions_as_values_and_as_indices():
    def f(x):
        y = np.zeros(3)
        y[:] = x > 0.5
        y[x < 0.3] = x[1]
        y[np.argmax(x)] += x[2] > 0
        return y * x

    x = numpy.array([0.2, 0.7, 0.9])
    for driver in (taylor.jacfwd, taylor.jacrev):
        assert driver(f, x).tolist() == [[0.7, 0.2, 0], [0, 1, 0], [0, 0, 2]]
    numpy.testing.assert_allclose(taylor.compile(f)(x), [0.14, 0.7, 1.8])


@pytest.mark.parametrize("name", taylor.numpy.fits.MODULES)
@pytest.mark.parametrize("deg", [1, [0, 2]])
def test_fits_of_polynomials_are_differentiated_in_all_points(name, deg):
    """A fit is linear in y, and of p(x) it is the coefficients of p, whatever x and weights are."""
    kind = taylor.numpy.fits.MODULES[name]
    fit = getattr(getattr(np.polynomial, name), kind)
    plain = getattr(numpy.polynomial, name)
    value = getattr(plain, kind[:-3] + "val")
    x, w = numpy.array([0.5, -1.0, 2.0, 3.0]), numpy.array([1.0, 2.0, 1.0, 0.5])
    c = numpy.array([1.5, -0.5]) if deg == 1 else numpy.array([1.5, 0.0, -0.5])
    on_it = taylor.jacobian(lambda x: fit(x, value(x, c), deg, w=w * x), x)
    assert numpy.abs(on_it).max() < 1e-13
    linear = taylor.jacobian(lambda y: fit(x, y, deg, w=w), x)
    numpy.testing.assert_allclose(linear, getattr(plain, kind)(x, numpy.eye(4), deg, w=w), 0, 1e-13)
    with pytest.raises(taylor.ShapeMismatch, match="as many elements"):
        taylor.jacobian(lambda y: fit(x, y[:2], deg), x)
