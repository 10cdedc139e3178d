"""Writing into arrays: every view, alias and copy as in NumPy, for every number type and mode.

The oracle is the plain NumPy run: its value, and its derivative by a complex step.
"""

import copy
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import hyperdual
import taylor
from hyperdual import HyperDual
from taylor import Taylor, TaylorN, record
from taylor.core import memory
from taylor.errors import AlgebraMismatch, ForeignNodeError
from taylor.ode import solve_ivp

X = np.array([3.0, 1.0, 2.0])
PROGRAMS = {}


def program(f):
    PROGRAMS[f.__name__] = f
    return f


@program
def swap(z):
    y = z * 1
    y[0], y[1] = y[1], y[0]
    return y


@program
def swap_by_hand(z):
    y = z * 1
    t = y[0]
    y[0] = y[1]
    y[1] = t
    return y


@program
def oscillator(z):
    s = z * 1
    q = s[0]
    s[0] = s[0] + s[1] / 8
    s[1] = s[1] - q / 8
    return s


@program
def view_of_a_slice(z):
    y = 2 * z
    w = y[1:]
    w -= 1 + z[0] ** 2
    return y


@program
def alias(z):
    y = z * 1
    w = y
    w *= z
    return y


@program
def argument(z):
    def g(a):
        a *= 3

    y = z * 1
    g(y)
    return y


@program
def as_an_array(z):
    y = z * 1
    a = np.outer(y, y)
    seen, turned, late = np.asarray(y), np.asarray(a.T)[1:], np.asarray(a)[0] * 1
    row = a[1]
    y[0] = 5 * z[1]
    y[1:] *= z[0]
    row += y
    a.T[2, 2] = z[0]
    return seen * seen + turned.sum(0) * z + late


@program
def own_argument(z):
    z *= z
    z[0] = z[2]
    return z


@program
def rows(z):
    a = np.outer(z, z) + 1
    for r in a:
        r /= r.sum()
    return a


@program
def swap_of_rows(z):
    a = np.outer(z, z) + np.diag(z)
    a[[0, 1]] = a[[1, 0]]
    return a


@program
def view_of_a_view(z):
    a = np.outer(z, z)
    c = a.T[1:][:, ::2]
    c[...] = c * z[0]
    return a


@program
def reshaped_view(z):
    y = z * 2
    m = y[:2].reshape(2, 1)
    m += z[2]
    return y


@program
def reshaped_copy(z):
    a = np.outer(z, z)
    y = a.T.reshape(-1)
    y += 1 + z[0]
    return np.concatenate([a.ravel(), y])


@program
def ravelled(z):
    a = np.outer(z, z)
    a.ravel()[2] = z[0]
    a[:, 1].ravel()[0] = z[1]
    return a


@program
def whole_then_view(z):
    y = z * 1
    w = y[1:]
    y *= 2
    y[2] = z[0]
    return w


@program
def out(z):
    y = np.zeros_like(z)
    np.multiply(z, z, out=y[...])
    np.add(y, 1, out=y)
    return y


@program
def chained(z):
    a = np.outer(z, z)
    a[0][1] = z[2] ** 2
    a[1:][0] = z
    return a


@program
def fancy(z):
    y = z * 1
    y[[0, 2]] += z[1]
    y[1:] *= y[:-1]
    y[np.array([True, False, True])] /= 2
    w = y[[0, 1]]
    w *= 0
    return y


@program
def diagonal(z):
    a = np.outer(z, z)
    d = np.diagonal(a)
    np.einsum("ii->i", a)[...] = z
    a[0, 1] = d[0] * d[2]
    return a


@program
def bubble_sort(z):
    y = z * 1
    for i in range(3):
        for j in range(2 - i):
            if y[j] > y[j + 1]:
                y[j], y[j + 1] = y[j + 1], y[j]
    return y


@program
def numbers_are_copies(z):
    s = z[0]
    s += z[1]
    t = z[0]
    y = z * 1
    a = y[0]
    a += 5
    return y * s + t


@program
def one_element_as_a_view(z):
    y = z * 1
    v = y[1, ...]
    v *= z[0]
    return y


@program
def a_number_is_no_array(z):
    a, b, c = z[0], z[1], z[2]
    for v in (
        np.atleast_1d(a),
        np.reshape(b, (1, 1)),
        np.expand_dims(c, 0),
        np.broadcast_to(a, (2,)) * 1,
    ):
        v *= 2
    v[...] = a
    return np.stack([a, b, c, v[1]])


@program
def copies_stay(z):
    y = z * 1
    a, b = y[[0, 1]], y[0, None]
    a[0] = 5 * z[1]
    b *= 2
    y[2] = z[0] * z[1]
    return np.concatenate([y, a, b])


@program
def split(z):
    y = z * 1
    _, b = np.split(y, [1])
    b *= z[0]
    return y


@program
def elimination(z):
    a, b = np.outer(z, z) + 3 * np.diag(z), z.copy()
    for k in range(3):
        for i in range(k + 1, 3):
            m = a[i, k] / a[k, k]
            a[i] -= m * a[k]
            b[i] -= m * b[k]
    return np.concatenate([a.ravel(), b])


@program
def shifted_onto_itself(z):
    y = z * 1
    y[1:] = y[:-1]
    y[:2] += y[1:]
    return y


@program
def flat(z):
    a = np.outer(z, z)
    a.flat[1] = z[0]
    a.flat[5:8] = z
    a.flat[[0, 2]] = 4
    return a


@program
def functions_that_write(z):
    a = np.outer(z, z)
    np.fill_diagonal(a, z)
    np.put(a, [1, -1], z[:2])
    np.copyto(a[1], z * z, where=np.array([True, False, True]))
    np.place(a, np.eye(3) > 0, z[1:])
    np.putmask(a, np.eye(3)[::-1] > 0, z * z)
    np.put_along_axis(a, np.array([[0], [1], [2]]), z[:1], axis=1)
    a[2].fill(z[0])
    return a


@program
def more_axes_than_one(z):
    a = np.multiply.outer(np.outer(z, z), z)
    a[0, :, [1, 2]] = np.outer(z[:2], z)
    a[:, None, 1, [0]] = z[0]
    a[..., -1] -= z
    return a


def plain_jacobian(f, x=X, step=1e-30):
    """Return the derivatives of the plain run, by a complex step."""
    steps = [f(x + 1j * step * e).imag.ravel() / step for e in np.eye(x.size)]
    return np.array(steps).T


def by_taylor(f, x):
    parts = [taylor.jvp(f, x, e) for e in np.eye(3)]
    return parts[0][0], np.stack([p[1].ravel() for p in parts], axis=1)


def by_taylor_n(f, x):
    y = f(TaylorN.seeded(x, 2))
    return y.value, y.gradient().reshape(-1, 3)


def by_hyperdual(f, x):
    parts = [f(HyperDual.from_parts([x, e])) for e in np.eye(3)]
    return parts[0].value, np.stack([p.part({0}).ravel() for p in parts], axis=1)


def by_reverse(f, x):
    value = f(x.copy())
    rows = [taylor.vjp(f, x, e.reshape(value.shape))[1] for e in np.eye(value.size)]
    return taylor.vjp(f, x, np.ones(value.shape))[0], np.stack(rows)


def by_nodes_of_series(f, x):
    """The value of a gradient within forward mode: recorded values that are series."""
    value = f(x.copy())
    w = np.ones(value.shape)

    def g(z):
        return taylor.vjp(f, z, w)[0]

    return by_taylor(g, x)


def by_series_of_nodes(f, x):
    """The value of a derivative within reverse mode: series with recorded coefficients."""
    return by_reverse(lambda z: taylor.jvp(f, z, np.ones(3))[0], x)


def by_series_of_series(f, x):
    return by_taylor(lambda z: taylor.jvp(f, z, np.ones(3))[0], x)


def by_recorded(f, x):
    p = record(f, x * 1.25)
    return p(x), by_taylor(p, x)[1]


WAYS = (
    by_taylor, by_taylor_n, by_hyperdual, by_reverse, by_recorded, by_nodes_of_series,
    by_series_of_nodes, by_series_of_series,
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda w: w.__name__)
@pytest.mark.parametrize("f", PROGRAMS.values(), ids=PROGRAMS)
def test_programs_that_write(f, way):
    x = X.copy()
    value, slopes = way(f, x)
    np.testing.assert_allclose(value, f(X.copy()), rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(slopes, plain_jacobian(f), rtol=1e-12, atol=1e-12)
    assert np.array_equal(x, X)


@pytest.mark.parametrize("f", PROGRAMS.values(), ids=PROGRAMS)
def test_complex_programs_that_write(f):
    z = X + 0.1j
    if f is bubble_sort:
        return
    for v, dv in ((np.ones(3), 1e-6), (1j * np.ones(3), 1e-6)):
        value, slope = taylor.jvp(f, z, v)
        np.testing.assert_allclose(value, f(z.copy()), rtol=1e-14, atol=1e-14)
        quotient = (f(z + dv * v) - f(z - dv * v)) / (2 * dv)
        np.testing.assert_allclose(slope, quotient, rtol=1e-7, atol=1e-7)
    w = np.ones(value.shape)
    np.testing.assert_allclose(
        taylor.vjp(f, z, w)[1] @ np.ones(3), np.sum(slope) / 1j, rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("number", [Fraction, mpmath.mpf])
@pytest.mark.parametrize("f", PROGRAMS.values(), ids=PROGRAMS)
def test_objects_that_are_written(f, number):
    x = np.array([number(3), number(1), number(2)])
    one = np.array([number(1)] * 3)
    y = f(Taylor.variable(x, 2, direction=one))
    plain = f(x.copy())
    assert y.value.ravel().tolist() == plain.ravel().tolist()
    if number is Fraction:
        assert {type(e) for e in y.coef.ravel()} <= {Fraction, int}
    slopes = plain_jacobian(f) @ np.ones(3)
    np.testing.assert_allclose(y.coef[1].ravel().astype(float), slopes, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("f", PROGRAMS.values(), ids=PROGRAMS)
def test_second_derivatives_of_programs_that_write(f):
    w = np.cos(np.arange(f(X.copy()).size))

    def g(z):
        return w @ np.ravel(f(z * z))

    h = taylor.hessian(g, X / 2)
    np.testing.assert_allclose(taylor.jacobian(lambda z: taylor.gradient(g, z), X / 2), h, 1e-11)
    np.testing.assert_allclose(hyperdual.hessian(g, X / 2), h, rtol=1e-11, atol=1e-11)
    nested = taylor.gradient(lambda z: taylor.gradient(g, z) @ X, X / 2)
    np.testing.assert_allclose(nested, h @ X, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", ["swap", "rows", "view_of_a_view", "elimination", "fancy"])
def test_compiled_programs_that_write(name):
    f, x = PROGRAMS[name], X.copy()
    compiled = taylor.compile(f)
    np.testing.assert_allclose(compiled(x), f(X.copy()), rtol=1e-14)
    slope = taylor.jvp(compiled, x, np.ones(3))[1]
    np.testing.assert_allclose(slope.ravel(), plain_jacobian(f) @ np.ones(3), 1e-12, 1e-12)
    assert np.array_equal(x, X)


# ------------------------------------------------------------------ real and imaginary parts
PARTS = {}


def of_parts(f):
    PARTS[f.__name__] = f
    return f


@of_parts
def part_of_a_part(x):
    z = np.exp(1j * x)
    z.real[1:] = x[:2] ** 2
    return np.abs(z) ** 2


@of_parts
def parts_set(x):
    z = 2 * np.exp(1j * x)
    z.real += 1
    z.imag *= x
    z.imag = z.imag + z.real
    return (z**2).real


@of_parts
def parts_see_the_whole(x):
    z = np.exp(1j * x)
    r, i = z.real, z.imag[::-1]
    z[0] = x[1] * (2 + 1j)
    i[0] = x[0]
    r[[1, 2]] = x[:2] ** 2
    r[i > 0.2] -= x[2]
    return r * i * np.abs(z)


@of_parts
def parts_moved(x):
    z = np.outer(x, np.exp(1j * x))
    r, i = z.real, z.imag
    found = [np.roll(i, 1, axis=1), np.tril(r), np.repeat(i, 2, axis=0), np.tile(r.T, 2)]
    return np.concatenate([np.delete(e.reshape(-1), 1) for e in found])


@of_parts
def parts_of_an_array(x):
    z = np.exp(1j * x)
    whole, imag = np.asarray(z), np.asarray(z.imag)
    z.imag[0] = x[1]
    z.real[1:] *= x[0]
    return np.abs(np.array(list(whole))) * imag


@of_parts
def parts_of_views(x):
    z = np.outer(np.exp(1j * x), x)
    z.T.imag[0] = x
    z[1].real = 3.0
    np.real(z)[2, 2] = x[0]
    np.imag(z[:, 1:]).flat[1] = x[1]
    return np.abs(np.sum(z**3, axis=0))


@of_parts
def parts_that_are_copies(x):
    z = np.exp(1j * x)
    c, k, n = z.real.copy(), +z.real, z[1].imag
    c[0], k[...] = 9.0, 3 * k
    n = n * 2
    z[1] = 1.0
    return np.abs(z * (c + k)) + n


@pytest.mark.parametrize("way", [w for w in WAYS if w not in (by_taylor_n, by_hyperdual)])
@pytest.mark.parametrize("f", PARTS.values(), ids=PARTS)
def test_parts_are_views(f, way):
    value, slopes = way(f, X.copy())
    np.testing.assert_allclose(value, f(X.copy()), rtol=1e-13)
    steps = [(f(X + 1e-5 * e) - f(X - 1e-5 * e)) / 2e-5 for e in np.eye(3)]
    np.testing.assert_allclose(slopes, np.array(steps).T, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("f", PARTS.values(), ids=PARTS)
def test_compiled_parts_are_views(f):
    compiled = taylor.compile(f)
    np.testing.assert_allclose(compiled(X), f(X), rtol=1e-13)
    slopes = taylor.jacobian(f, X)
    np.testing.assert_allclose(taylor.jacobian(compiled, X), slopes, rtol=1e-12)


@pytest.mark.parametrize("driver", [taylor.gradient, lambda f, x: taylor.jvp(f, x, x)])
def test_what_cannot_be_written_into_parts(driver):
    def with_parts(f):
        return lambda x: (f(x * (1 + 1j), x), 1.0)[1]

    for f, error, words in (
        (lambda z, x: z.real.__setitem__(0, 1j), TypeError, "complex value"),
        (lambda z, x: x.imag.__setitem__(0, 1.0), ValueError, "read-only"),
        (lambda z, x: setattr(x, "imag", 1.0), TypeError, "no imaginary part"),
        (lambda z, x: setattr(z[0], "real", 1.0), AttributeError, "parts of a number"),
        (lambda z, x: z.real.__setitem__(slice(2), np.ones(3)), ValueError, "broadcast|fit"),
    ):
        with pytest.raises(error, match=words):
            driver(with_parts(f), X)


def test_parts_of_numbers_of_mpmath_are_read_only_copies(monkeypatch):
    z = np.exp(Taylor.variable(np.array([mpmath.mpf(1)] * 2), 1) + 0) * mpmath.mpc(1, 2)
    monkeypatch.setattr(z.tag, "real", True)  # which is that of all series made by hand
    with pytest.raises(ValueError, match="read-only"):
        z.real[0] = 3


def test_methods_of_real_arrays_return_the_array():
    def f(x):
        y = x * 1
        y.conj()[0], y.real[1] = 7.0, 5.0
        np.conj(y)[2] = 0.0
        return y

    assert np.array_equal(f(X), [7, 5, 2])
    assert np.array_equal(taylor.jvp(f, X, X)[0], f(X))
    assert np.array_equal(taylor.jacobian(f, X), np.diag([0.0, 0.0, 1.0]))


# ------------------------------------------------------------------ views exactly where NumPy's are
VIEWS = {
    "index": lambda a: a[1],
    "slices": lambda a: a[::-1, ..., 1:],
    "new axis": lambda a: a[:, None],
    "list": lambda a: a[[0, 1]],
    "mask": lambda a: a[np.array([True, False])],
    "T": lambda a: a.T,
    "transpose": lambda a: a.transpose(2, 0, 1),
    "reshape": lambda a: a.reshape(3, -1),
    "reshape F": lambda a: np.reshape(a, (3, -1), order="F"),
    "reshape of T": lambda a: a.T.reshape(-1),
    "ravel": lambda a: a.ravel(),
    "ravel of a slice": lambda a: a[..., 1].ravel(),
    "ravel A": lambda a: a.T.ravel("A"),
    "flatten": lambda a: a.flatten(),
    "copy": lambda a: a.copy(),
    "np.copy": np.copy,
    "positive": lambda a: +a,
    "squeeze": lambda a: a[:, :1].squeeze(1),
    "swapaxes": lambda a: a.swapaxes(0, 2),
    "moveaxis": lambda a: np.moveaxis(a, 0, -1),
    "rollaxis": lambda a: np.rollaxis(a, 2),
    "diagonal": lambda a: a.diagonal(),
    "diag": lambda a: np.diag(a[0]),
    "einsum": lambda a: np.einsum("iji->ji", a[:, :, :2]),
    "flip": np.flip,
    "flipud": np.flipud,
    "rot90": np.rot90,
    "roll": lambda a: np.roll(a, 1),
    "expand_dims": lambda a: np.expand_dims(a, 1),
    "broadcast_to": lambda a: np.broadcast_to(a, (2, 2, 2, 3)),
    "split": lambda a: np.split(a, 2)[1],
    "hsplit": lambda a: np.hsplit(a, 2)[0],
    "array_split": lambda a: np.array_split(a, 2, axis=2)[1],
    "atleast_3d": lambda a: np.atleast_3d(a[0]),
    "matrix_transpose": np.matrix_transpose,
    "unstack": lambda a: np.unstack(a, axis=1)[1],
    "iteration": lambda a: list(a)[1],
    "take": lambda a: a.take([0], 0),
    "repeat": lambda a: a.repeat(1, 0),
    "sum over no axis": lambda a: np.sum(a, axis=()),
    "max of one": lambda a: a[:1].max(0),
    "where": lambda a: np.where(True, a, 0),
    "real": lambda a: a.real,
    "conj": np.conj,
    "concatenate": lambda a: np.concatenate([a]),
}


def written(view, x):
    """Return an array and a view or copy of it after a write to both; "read-only" if it is."""
    a = x * 1
    v = view(a)
    a[0, 1] = 3 * x[1, 1]
    try:
        v[...] = v + x[0, 0, 0]
    except ValueError as error:
        assert "read-only" in str(error)
        return "read-only"
    a[1, 0, 1] = 7
    return np.concatenate([np.ravel(a), np.ravel(v)])


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views_are_where_numpy_has_them(view):
    x = np.arange(1.0, 13.0).reshape(2, 2, 3)
    expected = written(view, x)
    kinds = (
        Taylor.variable(x, 2),
        TaylorN.seeded(x, 1),
        HyperDual(x, 1.0),
        Taylor.variable(x.astype(object), 2),
        Taylor.variable(TaylorN.seeded(x, 1), 2),
        Taylor.variable(x + 0j, 1),
    )
    if isinstance(expected, str):
        assert all(written(view, k) == expected for k in kinds)
        with pytest.raises(TypeError):
            taylor.gradient(lambda z: written(view, z), x)
        return
    for k in kinds:
        if k.dtype != complex or view not in (VIEWS["real"], VIEWS["conj"], VIEWS["max of one"]):
            value = written(view, k).value
            value = value.value if isinstance(value, TaylorN) else value
            assert np.array_equal(np.asarray(value), expected)
    assert np.array_equal(record(lambda z: written(view, z), x * 2)(x), expected)
    compare = taylor.vjp(lambda z: written(view, z), x, expected)
    assert np.array_equal(compare[0], expected)
    slope = taylor.jvp(lambda z: written(view, z), x, x)[1]
    assert np.sum(compare[1] * x) == pytest.approx(slope @ expected, rel=1e-12)


# ------------------------------------------------------------------ the order in memory
NEW = (
    "3 * {a}", "{a} + 1", "2 - {a}", "{a} * {a}", "{a} + {b}", "{b}[0] * {a}", "{a} * {b}[..., :1]",
    "np.sin({a})", "{a} / (2 + {b} * {b})", "{a} ** 1.5", "-{a}", "+{a}", "np.hypot({a}, 1.0)",
    "np.maximum({a}, 0.3)", "abs({a})", "np.where({a} > 0, {a}, 2 * {a})", "({a} > 0) * {a}",
    "np.clip({a}, 0, 1)", "{a}.copy()", "{a}.copy('F')", "{a}.copy('K')", "np.copy({a})",
    "{a}.flatten('F')", "{a}.flatten('K')", "{a}.flatten('A')", "{a}.astype(float)",
    "{a}.astype(float, order='C')", "np.zeros_like({a}) + {a}", "np.concatenate([{a}, {a}])",
    "np.concatenate([{a}, {a}], axis=-1)", "np.stack([{a}, 2 * {a}])", "np.vstack([{a}, {a}])",
    "np.stack([{a}, {a}], axis=-1)", "np.roll({a}, 1)", "np.take({a}, [0, -1], axis=-1)",
    "{a}[[0, -1]]", "{a}[..., [0, -1]]", "np.repeat({a}, 2, axis=-1)", "np.tile({a}, 2)",
    "np.tril({a})", "np.sum({a}, axis=0)", "np.sum({a}, axis=-1, keepdims=True)",
    "np.max({a}, axis=-1)", "np.prod({a}, axis=0)", "np.cumsum({a}, axis=0)", "np.sort({a})",
    "np.cumprod({a}, axis=-1)", "np.diff({a})", "np.pad({a}, 1)", "{a} @ np.swapaxes({a}, -1, -2)",
    "np.dot({a}, {a}.T)", "np.outer({a}, {a})", "np.tensordot({a}, {a}, axes=0)",
    "np.einsum('...i,...j->...ij', {a}, {a})", "np.delete({a}, 0, axis=0)",
    "np.ones({a}.shape[::-1]).T * {a}", "{a} * np.ones({a}.shape[::-1]).T", "np.square({a})",
)  # fmt: skip
SEEN = (
    "{a}.T", "{a}.ravel()", "{a}.reshape(-1)", "np.ravel({a}, order='F')", "{a}.ravel('K')",
    "{a}.ravel('A')", "{a}.reshape({a}.shape[::-1])", "np.reshape({a}, (2, -1))",
    "{a}.reshape({a}.shape[::-1], order='F')", "np.reshape({a}, (-1, 2), order='F')",
    "np.reshape({a}, (2, -1), order='A')", "np.swapaxes({a}, 0, -1)", "np.moveaxis({a}, 0, -1)",
    "{a}[1:]", "{a}[::-1]", "{a}[..., ::2]", "{a}[None]", "np.expand_dims({a}, -1)",
    "np.squeeze({a})", "{a}[:, 0]", "np.rot90({a})", "np.flip({a})", "np.diagonal({a})",
    "np.split({a}, 2)[0]", "np.einsum('ij->ji', {a})", "np.atleast_2d({a})",
)  # fmt: skip


def chain(seed):
    """Return the text of a random program that writes into its last array, and its point."""
    rng = np.random.default_rng(seed)
    shape = [(2, 3), (3, 2), (2, 2), (2, 3, 2), (4,), (1, 3), (3, 1), (2, 1, 2)][rng.integers(8)]
    arrays, lines = {"x": np.round(rng.normal(size=shape), 2)}, []
    for _ in range(20):
        texts = NEW if rng.random() < 0.45 else SEEN
        names, new = list(arrays), f"y{len(lines)}"
        text = texts[rng.integers(len(texts))].format(
            a=names[-1], b=names[rng.integers(len(names))]
        )
        try:
            with np.errstate(all="ignore"):
                made = eval(text, {"np": np}, arrays)
        except (ValueError, IndexError):
            continue
        if isinstance(made, np.ndarray) and made.ndim and 0 < made.size < 100 > np.abs(made).max():
            arrays[new] = made
            lines.append(f"{new} = {text}")
        if len(lines) == 6:
            break
    last, names = list(arrays)[-1], ", ".join(arrays)
    write = f"{last}[...] = 1000 + np.arange({last}.size).reshape({last}.shape)"
    lines += [f"try:\n        {write}\n    except ValueError:\n        pass"]
    lines += [f"return np.concatenate([v.flatten() for v in ({names},)])"]
    return "def f(x):\n    " + "\n    ".join(lines), arrays["x"]


ORDERS = {
    "Taylor": (300, lambda f, x: f(Taylor.variable(x, 2)).value),
    "recorded": (300, lambda f, x: record(f, x)(x)),
    "TaylorN": (100, lambda f, x: f(TaylorN.seeded(x, 1)).value),
    "mpf": (50, lambda f, x: f(Taylor.variable(x.astype(object), 2)).value),
    "nested": (100, lambda f, x: f(Taylor.variable(TaylorN.seeded(x, 1), 2)).value.value),
    "nodes": (100, lambda f, x: taylor.vjp(f, x, f(x * 1))[0]),
}


@pytest.mark.parametrize("count, run", ORDERS.values(), ids=ORDERS)
def test_what_is_written_is_seen_where_numpy_sees_it(count, run):
    """Whether reshape and ravel copy rests on where all operations before left the elements."""
    for seed in range(count):
        text, x = chain(seed)
        scope = {"np": np}
        exec(text, scope)
        with np.errstate(all="ignore"):
            expected = scope["f"](x * 1)
            try:
                found = run(scope["f"], x * 1)
            except taylor.NonAnalyticError:
                continue
        same = np.allclose(np.asarray(found, dtype=float), expected, equal_nan=True)
        assert same, f"seed {seed}, x = {x!r}\n{text}"


# ------------------------------------------------------------------ what cannot be written
KINDS = {
    "Taylor": lambda f, x: f(Taylor.variable(x, 2)),
    "TaylorN": lambda f, x: f(TaylorN.seeded(x, 1)),
    "HyperDual": lambda f, x: f(HyperDual(x, 1.0)),
    "recorded": lambda f, x: record(f, x),
}


@pytest.mark.parametrize("run", KINDS.values(), ids=KINDS)
def test_the_shape_of_an_array_stays(run):
    def f(z):
        y = z * 1
        y += np.ones((2, 3))
        return y

    with pytest.raises(ValueError, match=r"non-broadcastable output .* \(3,\) .* \(2, 3\)"):
        run(f, X)

    def g(z):
        y = z * 1
        y[:2] = z
        return y

    with pytest.raises(ValueError, match="broadcast"):
        run(g, X)


@pytest.mark.parametrize("run", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("value", [1j, np.ones(3) * 1j])
def test_complex_values_do_not_fit_into_a_real_array(run, value):
    def f(z):
        y = z * 1
        y[...] = value
        return y

    def g(z):
        y = z * 1
        y *= value
        return y

    for h in (f, g):
        with pytest.raises(TypeError, match="complex"):
            run(h, X)


def test_a_precision_stays():
    def f(z):
        y = z * 1
        y[0] = np.float64(0.1)
        y[1:] = np.array([1, 2])
        return y

    x = X.astype(np.float32)
    assert f(Taylor.variable(x, 1)).dtype == np.float32
    assert record(f, x)(x).dtype == np.float32
    assert taylor.vjp(f, X, X)[0].dtype == float


@pytest.mark.parametrize("outer", [taylor.gradient, lambda f, x: taylor.jvp(f, x, x)[1]])
@pytest.mark.parametrize("inner", [taylor.gradient, lambda f, x: taylor.jvp(f, x, x)[1]])
def test_inner_values_do_not_fit_into_outer_arrays(outer, inner):
    def f(x):
        y = x * 1

        def g(z):
            y[0] = z[1]
            return np.sum(y * z)

        return np.sum(inner(g, X * 2))

    def h(x):
        y = x * 1

        def g(z):
            s = y
            s += z
            return np.sum(s * z)

        return np.sum(inner(g, X * 2))

    for k in (f, h):
        with pytest.raises((AlgebraMismatch, ForeignNodeError)):
            outer(k, X)


def by_directions(f, x):
    return np.stack([taylor.jvp(f, x, e)[1] for e in np.eye(3)])


@pytest.mark.parametrize("outer", [taylor.gradient, by_directions])
@pytest.mark.parametrize("inner", [taylor.gradient, by_directions])
def test_outer_values_change_the_numbers_of_all_views(outer, inner):
    def f(x):
        def g(z):
            y = z * z
            w = y[1:]
            u = w[::-1]
            m = y.reshape(3, 1)
            m[1] = x[0] * z[0]
            u *= x[1]
            return np.sum(y * z) + u[0] * w[1]

        return np.sum(inner(g, X) * np.array([1.0, 2.0, 5.0]))

    def direct(x, z):
        y = [z[0] * z[0], x[0] * z[0] * x[1], z[2] ** 2 * x[1]]
        return y[0] * z[0] + y[1] * z[1] + y[2] * z[2] + y[2] ** 2

    z = np.stack([Taylor.variable(v, 1, direction=d) for v, d in zip(X, [1.0, 2, 5], strict=True)])
    x = TaylorN.seeded(X, 1)
    expected = [
        np.array(direct([x0, x1], z).coef[1])
        for x0, x1 in ((X[0] + 1e-6, X[1]), (X[0] - 1e-6, X[1]),
                       (X[0], X[1] + 1e-6), (X[0], X[1] - 1e-6))
    ]  # fmt: skip
    slopes = [(expected[0] - expected[1]) / 2e-6, (expected[2] - expected[3]) / 2e-6, 0.0]
    np.testing.assert_allclose(outer(f, X), slopes, rtol=1e-8)
    assert x.shape == (3,)


def test_an_array_that_becomes_one_of_mpmath_numbers_does_so_for_all_views():
    y = Taylor.variable(np.arange(6.0).reshape(2, 3), 1)
    rows = list(y)
    column, transposed = y[:, 1], y.T[::-1]
    transposed[1, 0] = mpmath.mpf(1) / 3
    assert rows[0][1].value == column[0].value == mpmath.mpf(1) / 3
    rows[1][...] = mpmath.mpf(2) / 3
    assert y.value.tolist()[1] == column.value.tolist()[1:] * 3
    del rows
    for _ in range(100):
        y[0]  # views that are gone are forgotten
    assert len(y._place[0].views.known) < 60


def test_a_copy_keeps_its_elements_when_the_array_gets_other_numbers():
    def f(x):
        def g(u):
            def h(z):
                y = z * x * np.ones(3)
                c = y[[0, 1]]
                c[0] = 5.0 * z
                y[2] = u * z
                return np.sum(c)

            return taylor.derivative(h, 3.0)

        return taylor.jvp(g, 2.0, 1.0)[0]

    assert taylor.jvp(f, 4.0, 1.0) == (9.0, 1.0)


def test_a_constant_of_a_recording_is_that_of_its_time():
    """An outer array that is written into while an inner function is recorded."""

    def f(x):
        def g(z):
            y = x * 1
            a = z * y
            y[0] = 9.0
            y *= 2
            return np.sum(a * a + y * z)

        return np.sum(taylor.gradient(g, X))

    np.testing.assert_allclose(taylor.gradient(f, X), 4 * X * X + np.array([0, 2, 2]), rtol=1e-14)
    np.testing.assert_allclose(taylor.jvp(f, X, np.ones(3))[1], np.sum(4 * X * X) + 4, rtol=1e-14)


def test_views_are_copied_and_pickled_alone():
    y = Taylor.variable(np.arange(6.0).reshape(2, 3), 1)
    view = y[1]
    for clone in (copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))):
        for series in (view, y):
            other = clone(series)
            assert repr(other) == repr(series)
            other[...] = 9.0
    assert y.value.tolist() == [[0, 1, 2], [3, 4, 5]]
    y.value[0, 0] = 7
    assert y.value[0, 0] == 0


# ------------------------------------------------------------------ the user's arrays
def spoiler(x, *more):
    """A function that writes into all of its arguments."""
    y = np.sum(x * x)
    x[...] = 0
    x -= 1
    for v in more:
        y = y + np.sum(v)
        v *= 0
    return y


def elementwise(x):
    y = x * x
    x *= 0
    return y


DRIVERS = {
    "gradient": lambda x: taylor.gradient(spoiler, x),
    "vjp": lambda x: taylor.vjp(elementwise, x, x)[1],
    "jvp": lambda x: taylor.jvp(spoiler, x, x)[1],
    "jacobian": lambda x: taylor.jacobian(elementwise, x),
    "hessian": lambda x: taylor.hessian(spoiler, x),
    "hvp": lambda x: taylor.hvp(spoiler, x, x),
    "tensor": lambda x: taylor.tensor(lambda x: spoiler(x) ** 2, x, 3),
    "tensor by directions": lambda x: taylor.drivers.derivatives._by_directions(
        lambda x: spoiler(x) ** 2, x, 3, 3
    ),
    "derivative": lambda x: taylor.derivative(elementwise, x, 2),
    "partial": lambda x: taylor.partial(spoiler, x, (2, 0, 0)),
    "hyperdual": lambda x: hyperdual.hessian(spoiler, x),
    "record": lambda x: record(spoiler, x)(x),
    "compiled": lambda x: taylor.compile(spoiler)(x),
    "compiled Fractions": lambda x: taylor.compile(spoiler)(x.astype(object)),
    "compiled gradient": lambda x: taylor.gradient(taylor.compile(spoiler), x),
}


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
def test_a_driver_gives_f_an_array_of_its_own(driver):
    x = X.copy()
    first = driver(x)
    assert np.array_equal(x, X)
    assert np.array_equal(driver(x), first)
    assert np.all(np.isfinite(np.asarray(first, dtype=float)))


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
@pytest.mark.parametrize("recorded", [True, False])
def test_right_hand_sides_may_write_into_the_state(recorded):
    def fun(t, y, p):
        if not recorded and isinstance(y, taylor.core.node.Node):
            y[0].__bool__()
        a = p * y[0]
        y[0] = -y[1]
        y[1] = a
        p *= 0
        return y

    y0, p = np.array([1.0, 0.0]), np.array(1.0)
    r = solve_ivp(fun, (0.0, 1.0), y0, args=(p,))
    np.testing.assert_allclose(r.y[:, -1], [np.cos(1.0), np.sin(1.0)], rtol=1e-10)
    assert (y0.tolist(), p) == ([1.0, 0.0], 1.0)


# ------------------------------------------------------------------ the truth of a value
TRUTHS = {
    "bool": bool,
    "not": lambda x: not x,
    "and": lambda x: bool(x and True),
    "if": lambda x: [False, True][1 if x else 0],
    "where": lambda x: bool(np.where(x, True, False)),
    "logical_not": lambda x: not np.logical_not(x),
    "logical_and": lambda x: bool(np.logical_and(x, True)),
}


def numbers():
    """Yield values that are zero or not, and whether they are."""
    for number in (float, complex, int, Fraction, mpmath.mpf):
        for c, true in (([0, 0, 0], False), ([2, 0, 0], True), ([0, 0, 3], True)):
            yield Taylor([number(e) for e in c]), true
    x, y = TaylorN.variables([0.0, 1.0], 2)
    yield from ((x, True), (y, True), (x * 0, False), (x * y, True))
    yield from ((HyperDual(0.0), False), (HyperDual(0.0, 0, 0, 1), True))
    yield from ((Taylor([x, x * 0]), True), (Taylor([x * 0, x * 0]), False))


@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)
def test_the_truth_of_a_series_is_that_it_is_not_zero(truth):
    wanted = not truth(0.0)
    for x, true in numbers():
        assert bool(x != 0) == true
        assert truth(x) == (wanted if true else not wanted)

    def f(x):
        return np.sin(x) / x if truth(x) == wanted else 1.0 + 0 * x

    for order, exact in enumerate((1.0, 0.0, -1 / 3, 0.0, 1 / 5)):
        assert taylor.derivative(f, 0.0, order) == pytest.approx(exact, abs=1e-14)
    assert taylor.gradient(f, 0.0) == pytest.approx(0.0, abs=1e-14)
    assert taylor.hessian(f, 0.0) == pytest.approx(-1 / 3, rel=1e-14)
    assert taylor.gradient(f, 2.0) == pytest.approx((2 * np.cos(2) - np.sin(2)) / 4, rel=1e-14)


def test_the_truth_of_an_array_is_ambiguous():
    for x in (Taylor.variable(X, 1), TaylorN.seeded(X, 1)):
        with pytest.raises(ValueError, match="ambiguous"):
            bool(x)


def test_a_recorded_truth_that_is_not_known_raises():
    for truth in TRUTHS.values():
        with pytest.raises(taylor.TraceError):
            record(lambda x, truth=truth: x if truth(x) else 2 * x, 0.0)
    p = record(lambda x: np.sum(np.where(np.stack([x[0], 0.0 * x[1] + 1, x[2]]), x, 0.0)), X)
    assert p(X) == 6.0
    with pytest.raises(taylor.GuardError):
        p(X * [0.0, 1.0, 1.0])


def test_an_array_made_of_a_series_cannot_be_mistaken_for_it():
    for y in (Taylor.variable(X, 2), TaylorN.seeded(X, 1)):
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(y)[0] = 1.0
        made = np.array(y)
        made[0] = 1.0
        assert y.value[0] == X[0] and made[0] == 1.0


@pytest.mark.parametrize("n", [50, 200])
def test_a_loop_that_fills_an_array_costs_what_its_writes_cost(n):
    def f(z):
        y = np.zeros_like(z, shape=n)
        y[0] = z[0]
        for i in range(1, n):
            y[i] = z[1] * y[i - 1]
        return np.sum(y)

    code = record(f, [1.0, 0.5]).code
    assert sum(np.size(c.op.index) for c in code if hasattr(c.op, "index")) <= n + 10
    slope = np.arange(n) * 0.5 ** np.maximum(np.arange(n) - 1.0, 0)
    assert np.allclose(taylor.gradient(f, [1.0, 0.5]), [2.0, slope.sum()])


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((3, 4)).T,
        np.zeros((6, 8))[::2, ::-3],
        np.zeros((3, 4, 5)).transpose(1, 0, 2)[:, ::-1],
        np.broadcast_to(np.zeros(3), (4, 3)),
        np.zeros((0, 3)).T,
    ],
)
def test_positions_lie_in_memory_as_the_array_does(x):
    found = memory.placed(x)
    assert np.array_equal(found, memory.positions(x.shape)) and found.flags.writeable
    layout = np.argsort(np.abs(found.strides)).tolist()
    assert layout == np.argsort(np.copy(x, "K").strides).tolist() or not x.size
    found[...] = 0  # an array of its own
    assert np.array_equal(memory.placed(x), memory.positions(x.shape))
