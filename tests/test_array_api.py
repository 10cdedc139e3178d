"""taylor.array_api: the standard's names and signatures, NumPy's values, and derivatives."""

import inspect

import numpy as np
import pytest

import taylor
from taylor import array_api as xp
from taylor.array_api import Array
from taylor.ode import solve_ivp

SIGNATURES = {  # of the standard, version 2024.12 -> names
    "(x, /)":
        "abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor "
        "imag isfinite isinf isnan linalg.det linalg.eigh linalg.eigvalsh linalg.inv "
        "linalg.matrix_transpose linalg.slogdet linalg.svdvals log log10 log1p log2 logical_not "
        "matrix_transpose negative nonzero positive real reciprocal round sign signbit sin sinh "
        "sqrt square tan tanh trunc unique_all unique_counts unique_inverse unique_values",
    "(x1, x2, /)":
        "add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor "
        "copysign divide equal floor_divide greater greater_equal hypot less less_equal "
        "linalg.matmul linalg.outer linalg.solve logaddexp logical_and logical_or logical_xor "
        "matmul maximum minimum multiply nextafter not_equal pow remainder subtract",
    "(x, /, *, axis=None, keepdims=False)": "all any argmax argmin count_nonzero max mean min",
    "(start, /, stop=None, step=1, *, dtype=None, device=None)": "arange",
    "(x, /, *, axis=-1, descending=False, stable=True)": "argsort sort",
    "(obj, /, *, dtype=None, device=None, copy=None)": "asarray",
    "(x, dtype, /, *, copy=True, device=None)": "astype",
    "(*arrays)": "broadcast_arrays",
    "(x, /, shape)": "broadcast_to",
    "(from_, to, /)": "can_cast",
    "(x, /, min=None, max=None)": "clip",
    "(arrays, /, *, axis=0)": "concat stack",
    "(x, /, *, axis=None, dtype=None, include_initial=False)": "cumulative_prod cumulative_sum",
    "(x, /, *, axis=-1, n=1, prepend=None, append=None)": "diff",
    "(shape, *, dtype=None, device=None)": "empty ones zeros",
    "(x, /, *, dtype=None, device=None)": "empty_like ones_like zeros_like",
    "(x, /, axis)": "expand_dims squeeze",
    "(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None)": "eye",
    "(x, /, *, n=None, axis=-1, norm='backward')":
        "fft.fft fft.hfft fft.ifft fft.ihfft fft.irfft fft.rfft",
    "(n, /, *, d=1.0, dtype=None, device=None)": "fft.fftfreq fft.rfftfreq",
    "(x, /, *, s=None, axes=None, norm='backward')": "fft.fftn fft.ifftn fft.irfftn fft.rfftn",
    "(x, /, *, axes=None)": "fft.fftshift fft.ifftshift",
    "(type, /)": "finfo iinfo",
    "(x, /, *, axis=None)": "flip",
    "(x, /, *, device=None, copy=None)": "from_dlpack",
    "(shape, fill_value, *, dtype=None, device=None)": "full",
    "(x, /, fill_value, *, dtype=None, device=None)": "full_like",
    "(dtype, kind)": "isdtype",
    "(x, /, *, upper=False)": "linalg.cholesky",
    "(x1, x2, /, *, axis=-1)": "linalg.cross linalg.vecdot vecdot",
    "(x, /, *, offset=0)": "linalg.diagonal",
    "(x, /, *, keepdims=False, ord='fro')": "linalg.matrix_norm",
    "(x, n, /)": "linalg.matrix_power",
    "(x, /, *, rtol=None)": "linalg.matrix_rank linalg.pinv",
    "(x, /, *, mode='reduced')": "linalg.qr",
    "(x, /, *, full_matrices=True)": "linalg.svd",
    "(x1, x2, /, *, axes=2)": "linalg.tensordot tensordot",
    "(x, /, *, offset=0, dtype=None)": "linalg.trace",
    "(x, /, *, axis=None, keepdims=False, ord=2)": "linalg.vector_norm",
    "(start, stop, /, num, *, dtype=None, device=None, endpoint=True)": "linspace",
    "(*arrays, indexing='xy')": "meshgrid",
    "(x, source, destination, /)": "moveaxis",
    "(x, /, axes)": "permute_dims",
    "(x, /, *, axis=None, dtype=None, keepdims=False)": "prod sum",
    "(x, repeats, /, *, axis=None)": "repeat",
    "(x, /, shape, *, copy=None)": "reshape",
    "(*arrays_and_dtypes)": "result_type",
    "(x, /, shift, *, axis=None)": "roll",
    "(x1, x2, /, *, side='left', sorter=None)": "searchsorted",
    "(x, /, *, axis=None, correction=0.0, keepdims=False)": "std var",
    "(x, indices, /, *, axis=None)": "take",
    "(x, indices, /, *, axis=-1)": "take_along_axis",
    "(x, repetitions, /)": "tile",
    "(x, /, *, k=0)": "tril triu",
    "(x, /, *, axis=0)": "unstack",
    "(condition, x1, x2, /)": "where",
}  # fmt: skip
NAMES = [name for names in SIGNATURES.values() for name in names.split()]

RNG = np.random.default_rng(5)
A, V, W = RNG.normal(size=(3, 4)), RNG.normal(size=4), RNG.normal(size=4)
U = np.array([0.3, 0.55, 0.1, 0.8])
M = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
S = M @ M.T


def lookup(name, module=xp):
    for part in name.split("."):
        module = getattr(module, part)
    return module


def words(text):
    return text.split()


def call(name, x, *args, **kwargs):
    """Return a case: the function of that name of an array."""
    return lambda a: lookup(name)(a, *args, **kwargs), x


def real(y):
    return xp.real(y) + 2 * xp.imag(y)


OTHER = xp.asarray(W)
CASES = {
    **{n: call(n, U) for n in words("abs acos asin atan atanh asinh ceil conj cos cosh exp expm1 "
        "floor log log1p log2 log10 negative positive real imag reciprocal round sign sin sinh "
        "square sqrt tan tanh trunc")},
    "acosh": call("acosh", U + 1),
    **{n: call(n, U, OTHER) for n in words("add atan2 copysign divide hypot logaddexp maximum "
        "minimum multiply pow subtract remainder floor_divide")},
    "radd": (lambda x: (OTHER + x) * (2 - x) / (3.0 * x) ** OTHER, U),
    "equal": (lambda x: xp.astype(xp.equal(x, x[0]), xp.float64) * x, V),
    "greater": (lambda x: xp.where((x > 0) & (x < 0.5), x * x, 3.0), V),
    "clip": call("clip", V, -0.3, OTHER), "clip low": call("clip", V, max=0.2),
    "asarray": call("asarray", V, copy=True), "astype": call("astype", V, xp.float64),
    "full": (lambda x: xp.full((2, 2), x[0]), V), "full_like": (lambda x: xp.full_like(x, x[1]), V),
    "linspace": (lambda x: xp.linspace(x[0], 2.0, 4), V),
    "meshgrid": (lambda x: xp.meshgrid(x, OTHER, indexing="ij")[0], V),
    "tril": call("tril", M, k=-1), "triu": call("triu", M),
    "take": call("take", A, xp.asarray([2, 0]), axis=0),
    "take_along_axis": call("take_along_axis", A, xp.asarray([[1], [0], [3]]), axis=1),
    "sort": call("sort", A, axis=0, descending=True),
    "argsort": (lambda x: xp.take_along_axis(x, xp.argsort(x, descending=True)), A),
    "argmax": (lambda x: x[xp.argmax(x)], V), "nonzero": (lambda x: x[xp.nonzero(x > 0)], V),
    "searchsorted": (lambda x: x[xp.searchsorted(xp.asarray([-1.0, 0.0, 1.0]), x)], V),
    "mask": (lambda x: x[x > 0], A),
    "broadcast_to": call("broadcast_to", V, (2, 4)),
    "broadcast_arrays": (lambda x: xp.broadcast_arrays(x, xp.ones((2, 1)))[0], V),
    "concat": (lambda x: xp.concat([x, OTHER, x**2]), V),
    "stack": (lambda x: xp.stack([x, OTHER], axis=1), V),
    "expand_dims": call("expand_dims", A, 1), "squeeze": call("squeeze", A[None], 0),
    "flip": call("flip", A, axis=1), "roll": call("roll", A, 1, axis=0),
    "moveaxis": call("moveaxis", A, 0, 1), "permute_dims": call("permute_dims", A, (1, 0)),
    "matrix_transpose": call("matrix_transpose", A), "mT": (lambda x: x.mT @ x, A),
    "repeat": call("repeat", A, 2, axis=0), "reshape": call("reshape", A, (4, 3)),
    "tile": call("tile", A, (2, 1)), "unstack": (lambda x: xp.unstack(x)[1], A),
    "cumulative_sum": call("cumulative_sum", A, axis=1, include_initial=True),
    "cumulative_prod": call("cumulative_prod", V), "diff": call("diff", A, n=2),
    **{n: call(n, A, axis=0, keepdims=True) for n in words("max mean min prod sum")},
    "std": call("std", A, axis=1, correction=1), "var": call("var", A),
    "matmul": call("matmul", A, xp.asarray(A.T)), "vecdot": call("vecdot", A, xp.asarray(A)),
    "tensordot": call("tensordot", A, xp.asarray(A), axes=((0,), (0,))),
    "setitem": (lambda x: fill(xp.zeros(4), x), V),
    "in place": (lambda x: in_place(xp.ones((3, 4)), x), A),
    **{f"linalg.{n}": call(f"linalg.{n}", S) for n in (
        "cholesky", "det", "eigvalsh", "inv", "svdvals", "pinv", "matrix_norm")},
    "linalg.cross": call("linalg.cross", V[:3], xp.asarray(W[:3])),
    "linalg.diagonal": call("linalg.diagonal", S, offset=1),
    "linalg.eigh": (lambda x: xp.linalg.eigh(x).eigenvectors ** 2, S),
    "linalg.matrix_power": call("linalg.matrix_power", M, 3),
    "linalg.outer": call("linalg.outer", V, OTHER),
    "linalg.qr": (lambda x: xp.linalg.qr(x).R, M),
    "linalg.slogdet": (lambda x: xp.linalg.slogdet(x).logabsdet, M),
    "linalg.solve": call("linalg.solve", M, xp.asarray(W[:3])),
    "linalg.svd": (lambda x: xp.linalg.svd(x, full_matrices=False).S, A),
    "linalg.trace": call("linalg.trace", M, offset=1),
    "linalg.vector_norm": call("linalg.vector_norm", A, axis=0, ord=3),
    **{f"fft.{n}": (lambda x, n=n: real(lookup(f"fft.{n}")(x)), A)
        for n in words("fft ifft rfft ihfft fftn ifftn rfftn fftshift ifftshift")},
    **{f"fft.{n}": (lambda x, n=n: lookup(f"fft.{n}")(xp.fft.rfft(x)), A)
        for n in words("irfft hfft irfftn")},
    "special.gammaln": call("special.gammaln", U),
    "special.logsumexp": call("special.logsumexp", A, axis=1),
}  # fmt: skip


def fill(y, x):
    y[0] = x[1] ** 2
    y[2:] = x[:2]
    return y


def in_place(y, x):
    y += x
    y *= x
    y[0, ...] -= x[1]
    return y / 2


def plain(y):
    assert isinstance(y, Array)
    return np.asarray(y)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_names_and_signatures(signature):
    for name in SIGNATURES[signature].split():
        assert str(inspect.signature(lookup(name))) == signature, name
        assert lookup(name).__name__ == name.split(".")[-1]


def test_every_name_of_the_standard_is_exported_and_no_other():
    kinds = {*xp.TYPES, *xp.CONSTANTS, *xp.EXTENSIONS, "Array"}
    assert {*xp.__all__} - kinds == {n for n in NAMES if "." not in n}
    for extension in ("fft", "linalg"):
        names = [n.partition(".")[2] for n in NAMES if n.startswith(extension)]
        assert lookup(extension).__all__ == sorted(names)


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name):
    f, x = CASES[name]
    of_array = lambda a: f(xp.asarray(a))
    known = plain(of_array(x))
    d, h = RNG.normal(size=x.shape), 1e-3
    at = [plain(of_array(x + k * h * d)) for k in (-2, -1, 1, 2)]
    slope = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)
    value, tangent = taylor.jvp(of_array, x, d)
    near = dict(rel=1e-6, abs=1e-6 * (1 + np.abs(slope).max()))
    assert type(value) is type(tangent) is np.ndarray or np.ndim(known) == 0
    assert value == pytest.approx(known, rel=1e-12, abs=1e-13)
    assert tangent == pytest.approx(slope, **near)
    coef = taylor.taylor_coefficients(lambda t: of_array(x + d * t), 0.0, 1)
    assert coef[1] == pytest.approx(tangent, rel=1e-12, abs=1e-13)
    w = RNG.normal(size=known.shape)
    assert np.sum(taylor.vjp(of_array, x, w)[1] * d) == pytest.approx(np.sum(w * slope), **near)
    compiled = taylor.compile(of_array)
    assert compiled(x) == pytest.approx(known, rel=1e-12, abs=1e-13)
    assert taylor.jvp(compiled, x, d)[1] == pytest.approx(slope, **near)


# ------------------------------------------------------------------ the class
T = taylor.Taylor.variable(2.0, 1)


def test_comparisons_are_of_values():
    x = xp.asarray(V * T)
    assert plain(x == xp.asarray(2 * V)).all() and not plain(x != 2 * V).any()
    assert not plain(xp.asarray(np.nan * T) == np.nan) and bool(x[0] == x[0])
    assert bool(xp.asarray(T - 1)) and not xp.asarray(T - 2)


def test_operands_numpy_arrays_and_numbers_meet_in_arrays():
    x = xp.asarray(V)
    for y in (x * V, V * x, x * T, np.multiply(V, x), np.sum(x), xp.sum(V), 2.0 - x, abs(-x)):
        assert isinstance(y, Array)
    assert (xp.asarray(T) * T).held == T * T == xp.multiply(T, T).held
    assert taylor.gradient(lambda x: xp.sum(x * xp.asarray(x)), V) == pytest.approx(2 * V)


def test_descending_sorts_are_stable():
    x = xp.asarray([1, 3, 3, 2])
    assert plain(xp.argsort(x, descending=True)).tolist() == [1, 2, 3, 0]
    assert plain(xp.sort(x, descending=True)).tolist() == [3, 3, 2, 1]


def test_plain_numbers_become_derivatives_unless_they_are_shared():
    y = xp.zeros(3)
    view = y[:2]
    with pytest.raises(TypeError, match="another array shares"):
        y[0] = T
    with pytest.raises(TypeError, match="another array shares"):
        view[0] = T
    assert not plain(y).any()
    z = xp.asarray(V * T)
    z[:2][1] = 5.0  # a view of derivatives is one
    assert plain(z == xp.asarray([2 * V[0], 5.0, *2 * V[2:]])).all()


def test_derivatives_are_no_plain_numbers():
    x = xp.asarray(V * T)
    with pytest.raises(BufferError, match="DLPack"):
        x.__dlpack__()
    with pytest.raises(TypeError, match="drop its derivatives"):
        float(x[0])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    assert xp.from_dlpack(x).held is x.held
    assert np.from_dlpack(xp.asarray(V)) == pytest.approx(V)


def test_where_there_is_no_derivative_it_is_nan_as_in_lanes():
    y = xp.sqrt(xp.asarray(T - 2)).held
    assert y.value == 0 and np.isnan(y.coef[1])


def test_namespace_versions_devices_and_types():
    x = xp.asarray(T)
    assert x.__array_namespace__() is T.__array_namespace__() is xp
    assert x.__array_namespace__(api_version="2022.12") is xp
    with pytest.raises(ValueError, match="versions"):
        x.__array_namespace__(api_version="2099.12")
    assert x.to_device(x.device) is x and x.dtype == xp.float64 == xp.result_type(x, xp.float32)
    with pytest.raises(ValueError, match="cpu"):
        xp.zeros(2, device="cuda")
    with pytest.raises(ValueError, match="only device"):
        x.to_device("cuda")
    assert "float64" in xp.__array_namespace_info__().dtypes()
    assert xp.finfo(x).eps == 2.0**-52 and xp.iinfo(xp.int8).max == 127


def test_integers_of_values_are_constant():
    assert plain(xp.astype(xp.asarray(V * T), xp.int64)).tolist() == (2 * V).astype(int).tolist()
    assert plain(xp.astype(xp.asarray(V * T), xp.bool)).all()


def cubes(x):
    x = xp.asarray(x)
    return xp.sum(x**3)


DRIVERS = {  # results that do not depend on whether points and values are Arrays
    "gradient": lambda f, x: taylor.gradient(f, x),
    "hessian": lambda f, x: taylor.hessian(f, x),
    "hvp": lambda f, x: taylor.hvp(f, x, x),
    "nested": lambda f, x: taylor.gradient(lambda x: xp.sum(taylor.gradient(f, xp.asarray(x))), x),
    "aux": lambda f, x: taylor.gradient(lambda x: (f(x), x * x), x, has_aux=True)[1],
    "tree": lambda f, x: taylor.gradient(lambda p: f(p["a"]), {"a": x})["a"],
    "compile": lambda f, x: taylor.hessian(taylor.compile(f), x),
    "argnums": lambda f, x: taylor.gradient(lambda x, y: f(x * y), x, x, argnums=(0, 1))[1],
    "lanes": lambda f, x: taylor.lanes(f)(np.ones((2, 3))),
    "map": lambda f, x: taylor.map(f)(np.ones((2, 3))),
    "list": lambda f, x: taylor.jacobian(lambda x: [f(x), x[0]], x),
    "row": lambda f, x: taylor.gradient(lambda x: f(taylor.exp(taylor.stop_gradient(x)) * x), x),
    "solve_ivp": lambda f, x: solve_ivp(lambda t, y: taylor.gradient(f, y), (0, 0.1), x).y,
    "implicit": lambda f, x: taylor.implicit_root(lambda y, p: xp.asarray(y) - f(p), 1.0)(x),
}


@pytest.mark.parametrize("name", DRIVERS)
def test_drivers_take_out_what_arrays_hold(name):
    of = DRIVERS[name]
    expected, found = of(lambda x: np.sum(x**3), W), of(cubes, xp.asarray(W))
    assert type(found) is type(expected)
    assert found == pytest.approx(expected, rel=1e-12)
