"""Every NumPy function that is handled, with the arguments it is tried with.

A new function is one line: `add(np.f, points, keywords, call)`.  `call(x, **keywords)` is the
function of an array x; the keywords are tried alone and in random pairs and triples.  The value
OUT stands for an array of the right shape made by np.zeros_like, INT for one of integers.
"""

from typing import Any, NamedTuple

import numpy as np

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4))
V = RNG.normal(size=4)
W3, W4 = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 0.5, 3.0])
B = RNG.normal(size=(3, 3))
SPD = B @ B.T + 3 * np.eye(3)
M = A > 0
C9 = np.arange(9.0).reshape(3, 3) ** 2
OUT, INT, MEAN, FIRST = (
    "out",
    "out of integers",
    "mean",
    "first",
)  # see the module; x.mean, x[..., :1]

V4, X34 = [V], [A]
XS = [V, A, RNG.normal(size=(2, 3, 4))]
SQUARE = [SPD, np.stack([SPD, SPD + np.diag([1.0, 2, 3])])]
POSITIVE = [np.abs(A) + 0.1]

F32 = [np.float32]
LAYOUT = {"casting": ["unsafe"], "order": ["F"]}
REDUCE: dict[str, list[Any]] = {"axis": [0, 1, -1, (0, 1), None], "keepdims": [True]}
WHERE = [M, np.array([True, False, True, True])]


class Case(NamedTuple):
    """One way to call one function."""

    function: Any  # of NumPy; (ufunc, "reduce"); or the name of a method of arrays
    points: list[Any]
    keywords: dict[str, list[Any]]
    call: Any


CASES: dict[str, list[Case]] = {}


def add(function, points, keywords=None, call=None):
    """Add a way to call a function (by itself with x alone, unless `call` says how)."""
    if isinstance(function, tuple):
        ufunc, kind = function
        name, plain = f"{ufunc.__name__}.{kind}", getattr(ufunc, kind)
    elif isinstance(function, str):
        name, plain = f"x.{function}", lambda x, **k: getattr(x, function)(**k)
    else:
        name, plain = function.__name__, function
        name = f"linalg.{name}" if getattr(function, "__module__", "") == "numpy.linalg" else name
    case = Case(function, points, keywords or {}, call or (lambda x, **k: plain(x, **k)))
    CASES.setdefault(name, []).append(case)


def add_method(name, points, keywords, *args):
    add(name, points, keywords, lambda x, **k: getattr(x, name)(*args, **k))


# fmt: off
# ------------------------------------------------------------------ reductions
SUM = REDUCE | {"dtype": [*F32, float, int], "out": [OUT], "initial": [5.0], "where": WHERE}
VAR = REDUCE | {"dtype": F32, "out": [OUT], "ddof": [1], "where": WHERE}
EXTREME = REDUCE | {"out": [OUT], "initial": [0.1], "where": WHERE}
RUNNING = {"axis": [0, 1, -1, None], "dtype": [*F32, int], "out": [OUT]}
ARG = {"axis": [0, 1], "keepdims": [True], "out": [INT]}
for f in (np.sum, np.prod, "sum", "prod"):
    add(f, XS, SUM)
for f in (np.mean, "mean"):
    add(f, XS, REDUCE | {"dtype": F32, "out": [OUT], "where": WHERE})
for f in (np.var, np.std):
    add(f, XS, VAR | {"mean": [MEAN], "correction": [1]})
for f in ("var", "std"):
    add(f, XS, VAR)
for f in (np.max, np.min, "max", "min"):
    add(f, XS, EXTREME)
for f in (np.cumsum, np.cumprod, "cumsum", "cumprod"):
    add(f, XS, RUNNING)
for f in (np.argmax, np.argmin, "argmax", "argmin"):
    add(f, XS, ARG)
for f in (np.argsort, "argsort"):
    add(f, XS, {"axis": [0, -1, None], "kind": ["stable"], "stable": [True]})
for f in (np.any, np.all, "any", "all"):
    add(f, X34, {"axis": [0, 1], "keepdims": [True], "where": WHERE})
for f in (np.nonzero, "nonzero"):
    add(f, X34)
add(np.count_nonzero, X34, {"axis": [0, (0, 1)], "keepdims": [True]})
AVERAGE = {"axis": [0, 1, None, (0, 1), (1, 0)], "returned": [True], "keepdims": [True]}
add(np.average, X34, AVERAGE | {"weights": [W3, W4, np.abs(A), np.abs(A.T)]})
add(np.average, [SPD], AVERAGE | {"weights": [W3]})
add(np.average, [W3], {"returned": [True]}, lambda x, **k: np.average(SPD, axis=0, weights=x, **k))
add(np.median, XS, REDUCE | {"out": [OUT], "overwrite_input": [False]})
add(np.ptp, XS, REDUCE | {"out": [OUT]})
add(np.sort, XS, {"axis": [0, -1, None], "kind": ["stable"], "stable": [True]})
add(np.linalg.norm, XS, {"ord": [1, 2, np.inf, -np.inf, "fro", "nuc", 0, 3, -1, -2],
    "axis": [0, 1, (0, 1), (1, 0), -1], "keepdims": [True]})
add(np.linalg.vector_norm, XS, {"ord": [1, 3, np.inf], "axis": [0, (0, 1)], "keepdims": [True]})
add(np.linalg.matrix_norm, [A, XS[2]], {"ord": [1, 2, np.inf, "nuc"], "keepdims": [True]})

# ------------------------------------------------------------------ moving elements
add(np.transpose, XS, {"axes": [(1, 0), None]})
add(np.reshape, XS, {"order": ["F", "C"], "copy": [True]},
    lambda x, **k: np.reshape(x, (2, -1), **k))
add(np.ravel, XS, {"order": ["F", "C", "K"]})
add(np.squeeze, X34, {"axis": [0]}, lambda x, **k: np.squeeze(np.reshape(x, (1, 3, 4)), **k))
add(np.expand_dims, XS, {}, lambda x: np.expand_dims(x, (0, 1)))
add(np.swapaxes, X34, {}, lambda x: np.swapaxes(x, 0, 1))
add(np.moveaxis, X34, {}, lambda x: np.moveaxis(x, 0, -1))
add(np.rollaxis, XS, {"start": [1, 0]}, lambda x, **k: np.rollaxis(x, x.ndim - 1, **k))
add(np.flip, XS, {"axis": [0, 1, (0, 1)]})
for f in (np.fliplr, np.flipud, np.matrix_transpose, np.linalg.matrix_transpose):
    add(f, X34)
add(np.rot90, X34, {"k": [2, -1], "axes": [(1, 0)]})
add(np.broadcast_to, V4, {"subok": [True]}, lambda x, **k: np.broadcast_to(x, (2, 4), **k))
add(np.diagonal, XS, {"offset": [1, -1], "axis1": [1], "axis2": [0, 2]})
for f in (np.diag, np.tril, np.triu):
    add(f, XS, {"k": [1, -1]})
add(np.split, XS, {"axis": [0, 1]}, lambda x, **k: np.split(x, [1, 2], **k))
add(np.array_split, XS, {"axis": [0, 1]}, lambda x, **k: np.array_split(x, 3, **k))
for f, n in ((np.hsplit, 2), (np.vsplit, 3), (np.dsplit, 2)):
    add(f, XS, {}, lambda x, f=f, n=n: f(x, n))
for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    add(f, XS)
    add(f, V4, {}, lambda x, f=f: f(x[0], x, 1.0))
add(np.roll, XS, {"axis": [0, 1, (0, 1)]}, lambda x, **k: np.roll(x, 1, **k))
TAKE = {"axis": [0, 1], "out": [OUT], "mode": ["wrap", "clip"]}
add(np.take, XS, TAKE, lambda x, **k: np.take(x, [0, 2, 2], **k))
add(np.take, XS, {"mode": ["wrap", "clip"]}, lambda x, **k: np.take(x, [0, -1, 25], **k))
add(np.repeat, XS, {"axis": [0, 1]}, lambda x, **k: np.repeat(x, 2, **k))
add(np.tile, XS, {}, lambda x: np.tile(x, (2, 1)))
add(np.diagflat, V4, {"k": [1]})
add(np.delete, XS, {"axis": [0, 1]}, lambda x, **k: np.delete(x, [0, 2], **k))
add(np.take_along_axis, X34, {}, lambda x: np.take_along_axis(x, np.array([[0], [1], [3]]), 1))
add(np.copy, XS, {"order": ["F"], "subok": [True]})
add(np.resize, XS, {}, lambda x: np.resize(x, (3, 5)))
PAD = ["constant", "edge", "wrap", "reflect", "symmetric", "mean", "maximum", "median",
       "linear_ramp"]
add(np.pad, XS, {"mode": PAD, "constant_values": [7.0, (1.0, 2.0)], "reflect_type": ["odd"],
    "stat_length": [1], "end_values": [3.0]}, lambda x, **k: np.pad(x, 1, **k))
add(np.pad, X34, {"constant_values": [1.0, (1.0, 2.0), ((1.0, 2.0), (3.0, 4.0))]},
    lambda x, **k: np.pad(x, ((0, 2), (1, 0)), **k))
JOIN = {"axis": [0, 1, None], "out": [OUT], "dtype": F32, "casting": ["unsafe"]}
for f in (np.concatenate, np.stack):
    add(f, XS, JOIN, lambda x, f=f, **k: f([x, 2 * x], **k))
    add(f, V4, JOIN, lambda x, f=f, **k: f([x, np.arange(4), x > 0], **k))
for f in (np.hstack, np.vstack):
    add(f, XS, {"dtype": F32, "casting": ["unsafe"]}, lambda x, f=f, **k: f([x, 2 * x], **k))
for f in (np.dstack, np.column_stack):
    add(f, XS, {}, lambda x, f=f: f([x, 2 * x]))
add(np.broadcast_arrays, V4, {"subok": [True]},
    lambda x, **k: np.broadcast_arrays(x, np.ones((2, 1)), **k))
add(np.ix_, V4, {}, lambda x: np.ix_(x, [1.0, 2.0], x[:3]))
add(np.meshgrid, V4, {"indexing": ["ij"], "sparse": [True], "copy": [False]},
    lambda x, **k: np.meshgrid(x, W3, **k))


def writing(f, *given):
    """Return the function of x that calls f(y, *given, ...) on a copy y and returns y."""

    def call(x, **k):
        y = x * 1.0
        f(y, *[g(x) if callable(g) else g for g in given], **k)
        return y

    return call


add(np.copyto, X34, {"where": WHERE}, writing(np.copyto, lambda x: x * x))
add(np.put, XS, {"mode": ["wrap", "clip"]},
    writing(np.put, [0, -1], lambda x: x.reshape(-1)[:2] ** 2))
add(np.place, X34, {}, writing(np.place, M, lambda x: x[0] ** 2))
add(np.putmask, X34, {}, writing(np.putmask, M, lambda x: x * x))
add(np.put_along_axis, X34, {}, writing(np.put_along_axis, np.array([[1], [0], [2]]), 7.0, 1))
add(np.fill_diagonal, X34, {"wrap": [True]}, writing(np.fill_diagonal, lambda x: x[0, 0] ** 2))
add(np.unstack, XS, {"axis": [-1]}, lambda x, **k: np.unstack(x, **k))
add(np.flatnonzero, X34)
for f in (np.logical_not,):
    add(f, X34)
for f in (np.logical_and, np.logical_or, np.logical_xor):
    add(f, X34, {}, lambda x, f=f: f(x, M))
add(np.append, X34, {"axis": [0]}, lambda x, **k: np.append(x, np.ones((1, 4)), **k))
add(np.compress, XS, {"axis": [0, 1], "out": [OUT]},
    lambda x, **k: np.compress([True, False, True], x, **k))
add(np.extract, X34, {}, lambda x: np.extract(M, x))
add(np.block, X34, {}, lambda x: np.block([[x, x], [x, np.ones((3, 4))]]))
add(np.where, X34, {}, lambda x: np.where(M, x, 2.0))
add(np.where, X34, {}, lambda x: np.where(x > 0, x**2, -x))
add(np.real, XS)
add(np.imag, XS)
add(np.angle, XS, {"deg": [True]}, lambda x, **k: np.angle(x + 1j * (1 + x * x), **k))

# ------------------------------------------------------------------ products
add(np.dot, V4, {"out": [OUT]}, lambda x, **k: np.dot(A, x, **k))
add(np.dot, X34, {"out": [OUT]}, lambda x, **k: np.dot(x, V, **k))
add(np.inner, X34, {}, lambda x: np.inner(x, A))
add(np.vdot, X34, {}, lambda x: np.vdot(x, A))
add(np.outer, V4, {"out": [OUT]}, lambda x, **k: np.outer(x, W3, **k))
add(np.kron, X34, {}, lambda x: np.kron(x, A[:2, :2]))
add(np.cross, X34, {"axisa": [0], "axisb": [0], "axisc": [0], "axis": [0]},
    lambda x, **k: np.cross(x[:, :3], C9, **k))
add(np.tensordot, X34, {"axes": [1, 0, ([0], [0]), ([0, 1], [1, 0])]},
    lambda x, axes=2: np.tensordot(x, A if axes in (2, 0, ([0], [0])) else A.T, axes))
EINSUM = {"out": [OUT], "optimize": [True], "dtype": F32} | LAYOUT
add(np.einsum, X34, EINSUM, lambda x, **k: np.einsum("ij,kj->ik", x, A, **k))
add(np.einsum, X34, EINSUM, lambda x, **k: np.einsum("...j,j", x, V, **k))
add(np.einsum, X34, {}, lambda x: np.einsum(x, [0, 1], A, [0, 1], [0]))
add(np.einsum, X34, {}, lambda x: np.einsum(x, [..., 1], V, [1]))
add(np.einsum, XS[2:], {}, lambda x: np.einsum("a...,...b,...->b...", x, A[None, :, :, None], A))
add(np.einsum, X34, {}, lambda x: np.einsum("ij,kj->ik", x[:, :1], A))
MODES = {"mode": ["same", "valid", "full"]}
add(np.convolve, V4, MODES, lambda x, **k: np.convolve(x, W3, **k))
add(np.convolve, V4, MODES, lambda x, **k: np.convolve(W3, x, **k))
add(np.matmul, X34, {"axes": [[(0, 1), (1, 0), (0, 1)]], "out": [OUT], "dtype": F32},
    lambda x, **k: np.matmul(x, A.T, **k))
add(np.matmul, XS[2:], {"out": [OUT]}, lambda x, **k: np.matmul(x[:1], np.stack([A.T, A.T]), **k))
add(np.vecdot, X34, {"axis": [0], "out": [OUT], "keepdims": [True]},
    lambda x, **k: np.vecdot(x, A, **k))

# ------------------------------------------------------------------ differences, new arrays ...
add(np.trace, XS,
    {"offset": [1], "axis1": [1], "axis2": [0, 2], "dtype": [*F32, int], "out": [OUT]})
add(np.diff, XS, {"n": [2, 0], "axis": [0, 1], "prepend": [0.0, FIRST], "append": [1.0]})
add(np.ediff1d, V4, {"to_end": [9.0], "to_begin": [1.0]})
add(np.trapezoid, XS,
    {"x": [W4, np.arange(3.0) ** 2, np.abs(A).cumsum(1)], "dx": [0.5], "axis": [0, 1]})
add(np.trapezoid, X34, {"axis": [0, 1]}, lambda x, **k: np.trapezoid(A, x, **k))
add(np.polyval, V4, {}, lambda x: np.polyval(x, 0.7))
add(np.polyval, V4, {}, lambda x: np.polyval(x, [0.7, 1.0]))
add(np.polyval, V4, {}, lambda x: np.polyval([1.0, 2.0, 3.0], x))
LIKE = {"dtype": [*F32, int], "order": ["F"], "subok": [True], "shape": [(2, 2), 3, ()],
        "device": ["cpu"]}
for f in (np.zeros_like, np.ones_like):
    add(f, XS, LIKE, lambda x, f=f, **k: f(x, **k) + 0 * np.sum(x))
add(np.full_like, XS, LIKE, lambda x, **k: np.full_like(x, 2.5, **k) + 0 * np.sum(x))
add(np.empty_like, XS, LIKE, lambda x, **k: 0 * np.empty_like(x, **k) + np.sum(x))
add(np.array_equal, X34, {"equal_nan": [True]}, lambda x, **k: np.array_equal(x, A + 1.0, **k))
add(np.size, XS, {"axis": [0, (0, 1)]})
for f in (np.shape, np.ndim, np.iscomplexobj, np.isrealobj):
    add(f, XS)
CLIP = {"out": [OUT], "dtype": F32, "where": WHERE}
add(np.clip, XS, CLIP, lambda x, **k: np.clip(x, -0.3, 0.4, **k))
add(np.clip, XS, {"min": [-0.2], "max": [0.5], "out": [OUT]})
add(np.round, X34, {"decimals": [1, -1], "out": [OUT]})
add(np.sinc, XS)
add(np.i0, V4)

# ------------------------------------------------------------------ statistics
QUANTILE = {"axis": [0, -1, (0, 1), None], "keepdims": [True], "out": [OUT],
    "method": ["lower", "higher", "nearest", "midpoint", "hazen", "median_unbiased", "weibull"],
    "overwrite_input": [False], "weights": [np.abs(A)]}
HOLES = [np.where(A > 1.0, np.nan, A)]
for f in (np.quantile, np.nanquantile):
    add(f, XS, QUANTILE, lambda x, f=f, **k: f(x, 0.3, **k))
    add(f, XS, QUANTILE, lambda x, f=f, **k: f(x, [0.0, 0.5, 0.71, 1.0], **k))
for f in (np.percentile, np.nanpercentile):
    add(f, X34, QUANTILE, lambda x, f=f, **k: f(x, [30, 65.0], **k))
for f in (np.quantile, np.nanquantile):
    add(f, V4, {"method": ["hazen", "weibull", "median_unbiased", "normal_unbiased",
        "interpolated_inverted_cdf"]}, lambda x, f=f, **k: f(W4 * x, 0.45 + 0.1 * x[0], **k))
    add(f, V4, {"axis": [0, 1, None]}, lambda x, f=f, **k: f(A, 0.45 + 0.05 * x, **k))
for f in (np.nanquantile, np.nanpercentile):
    add(f, HOLES, {"axis": [0, 1], "keepdims": [True]}, lambda x, f=f, **k: f(x, 0.4, **k))
for f in (np.quantile, np.percentile, np.nanquantile, np.nanpercentile):
    add(f, XS, {"axis": [0, -1, (0, 1), None], "keepdims": [True]},
        lambda x, f=f, **k: f(x, [0.3, 0.7], method="inverted_cdf", weights=np.ones(x.shape), **k))
    add(f, X34, {"keepdims": [True]},
        lambda x, f=f, **k: f(x, 0.4, 1, method="inverted_cdf", weights=np.arange(1.0, 5), **k))
for f in (np.nanquantile, np.nanpercentile):
    add(f, HOLES, {"axis": [0, 1], "keepdims": [True]},
        lambda x, f=f, **k: f(x, 0.4, method="inverted_cdf", weights=np.abs(A) + 0.1, **k))
add(np.nanmedian, XS + HOLES, REDUCE | {"out": [OUT]})
for f in (np.nansum, np.nanprod, np.nancumsum, np.nancumprod):
    add(f, XS + HOLES, {"axis": [0, 1, None], "out": [OUT], "dtype": F32})
for f in (np.nanmax, np.nanmin):
    add(f, XS + HOLES, EXTREME)
for f in (np.nanmean, np.nanvar, np.nanstd):
    add(f, XS + HOLES, REDUCE | {"out": [OUT], "where": WHERE} | (
        {} if f is np.nanmean else {"ddof": [1], "correction": [1]}))
    add(f, [np.array(0.3)], {"axis": [0, -1, None], "keepdims": [True]})
for f in (np.nanargmax, np.nanargmin):
    add(f, XS + HOLES, {"axis": [0, 1], "keepdims": [True]})
COV = {"rowvar": [False], "bias": [True], "ddof": [0, 2], "fweights": [np.array([1, 2, 1, 3])],
    "aweights": [W4], "dtype": F32}
add(np.cov, [V, A], COV)
add(np.cov, [V, A], COV, lambda x, **k: np.cov(x, x**2, **k))
add(np.corrcoef, [V, A], {"rowvar": [False], "dtype": F32})
add(np.corrcoef, [V], {}, lambda x: np.corrcoef(x, x**2))
add(np.partition, XS, {"axis": [0, None], "kind": ["introselect"]},
    lambda x, **k: np.sort(np.partition(x, 1, **k)))
add(np.argpartition, XS, {"axis": [0, None]}, lambda x, **k: np.argpartition(x, 1, **k))
add(np.digitize, XS, {"right": [True]}, lambda x, **k: np.digitize(x, [-1.0, 0.0, 0.5], **k))
for sign in (1.0, -1.0):
    add(np.digitize, V4, {"right": [True]},
        lambda x, sign=sign, **k: np.digitize([-0.3, 0.4, 9.0], sign * np.sort(x), **k))
add(np.searchsorted, XS, {"side": ["right"], "sorter": [np.array([0, 1, 2])]},
    lambda x, **k: np.searchsorted([-1.0, 0.0, 0.5], x, **k))
add(np.searchsorted, [np.sort(V)], {"side": ["right"]},
    lambda x, **k: np.searchsorted(x, [0.0, 0.5], **k))
add(np.bincount, V4, {"minlength": [7]}, lambda x, **k: np.bincount([2, 0, 2, 5], x, **k))
add(np.isin, X34, {"invert": [True], "assume_unique": [True]},
    lambda x, **k: np.isin(x, [1.0, 2.0], **k))
for f in (np.isneginf, np.isposinf, np.isreal, np.iscomplex, np.argwhere):
    add(f, X34)

# ------------------------------------------------------------------ sequences
GRID = {"num": [4], "endpoint": [False], "dtype": F32, "axis": [-1]}
add(np.linspace, V4, {"retstep": [True]}, lambda x, **k: np.linspace(x, 1.0, **k))
add(np.linspace, V4, GRID, lambda x, **k: np.linspace(x, 2 * x[0], **k))
add(np.linspace, V4, {"num": [1, 0]}, lambda x, **k: np.linspace(x[0], 1.0, **k))
add(np.logspace, V4, GRID | {"base": [2.0]}, lambda x, **k: np.logspace(x, 1.0, **k))
add(np.geomspace, [np.abs(V)], {}, lambda x: np.geomspace(x, [1.0, 2.0, 3.0, 4.0], 3))
add(np.geomspace, [np.abs(V)], GRID, lambda x, **k: np.geomspace(-x, -3.0, **k))
add(np.vander, V4, {"N": [2, 0], "increasing": [True]})
add(np.gradient, XS, {"axis": [0, -1, (0, 1)], "edge_order": [2]})
add(np.gradient, V4, {"edge_order": [2]}, lambda x, **k: np.gradient(x, W4.cumsum(), **k))
add(np.gradient, V4, {}, lambda x: np.gradient(W4, np.cumsum(x**2)))
add(np.gradient, X34, {"axis": [0]}, lambda x, **k: np.gradient(x, 0.5, **k))
add(np.unwrap, [5 * V, 5 * A], {"axis": [0], "period": [4.0], "discont": [5.0]})
CUMULATIVE = {"axis": [0, 1], "include_initial": [True], "dtype": F32, "out": [OUT]}
for f in (np.cumulative_sum, np.cumulative_prod):
    add(f, XS, CUMULATIVE)
for f in (np.polyadd, np.polysub, np.polymul):
    add(f, V4, {}, lambda x, f=f: f(x, W3))
    add(f, V4, {}, lambda x, f=f: f(W3, x))
add(np.polyder, V4, {"m": [2, 0]})
add(np.polyint, V4, {"m": [2, 0], "k": [3.0]})
add(np.poly, [V, SPD])
FIT = {"w": [W4], "rcond": [1e-9], "full": [True], "cov": [True, "unscaled"]}
add(np.polyfit, V4, FIT, lambda x, **k: np.polyfit(x, W4, 2, **k))
add(np.polyfit, V4, FIT, lambda x, **k: np.polyfit(np.arange(4.0), x, 1, **k))
add(np.interp, V4, {"left": [-3.0], "right": [9.0], "period": [1.5]},
    lambda x, **k: np.interp(x, [-0.6, 0.1, 0.7], [1.0, 3.0, 2.0], **k))
add(np.interp, V4, {"left": [-3.0], "right": [9.0], "period": [1.5]},
    lambda x, **k: np.interp([-0.7, 0.0, 0.5, 2.0], [-0.6, 0.1, 0.7, 1.0], x, **k))
add(np.interp, [np.sort(V)], {}, lambda x, **k: np.interp([-0.1, 0.05], x, W4))
add(np.select, X34, {"default": [5.0]},
    lambda x, **k: np.select([x < -0.5, M], [x**2, 3.0 * x], **k))
add(np.piecewise, X34, {}, lambda x: np.piecewise(x, [x < 0, x > 1], [np.sin, 3.0, np.exp]))
PIECES = [lambda t, c: c * t, lambda t, c: 0.5 * t]
add(np.piecewise, V4, {}, lambda x: np.piecewise(x, x > 0, PIECES, 2.0))
add(np.choose, X34, {"mode": ["wrap"]}, lambda x, **k: np.choose(M, [x, x**2], **k))
add(np.apply_along_axis, XS, {}, lambda x: np.apply_along_axis(lambda r: r * r.sum(), 0, x))
add(np.apply_along_axis, XS, {}, lambda x: np.apply_along_axis(np.sum, -1, x))
add(np.apply_along_axis, X34, {}, lambda x: np.apply_along_axis(lambda r: np.outer(r, r), 1, x))
add(np.apply_over_axes, XS, {}, lambda x: np.apply_over_axes(np.sum, x, [0]))
add(np.insert, XS, {"axis": [0, 1]}, lambda x, **k: np.insert(x, 1, x.reshape(-1)[0] ** 2, **k))
add(np.insert, X34, {}, lambda x: np.insert(x, [0, 2], x[0, :2]))
add(np.trim_zeros, V4, {"trim": ["f", "b"]}, lambda x, **k: np.trim_zeros(x * [0, 1, 0, 1], **k))
add(np.unique, XS, {"return_index": [True], "return_inverse": [True], "return_counts": [True],
                    "axis": [0], "equal_nan": [True]})
sliding = np.lib.stride_tricks.sliding_window_view
add(sliding, XS, {"axis": [0]}, lambda x, **k: sliding(x, (2,) * (1 if k else x.ndim), **k))
add(np.nan_to_num, X34 + HOLES, {"nan": [2.0], "posinf": [1.0], "copy": [True]})
add(np.fix, X34, {"out": [OUT]})
add(np.real_if_close, X34, {"tol": [10]})
NEAR = {"rtol": [10.0], "atol": [1.0], "equal_nan": [True]}
for f in (np.isclose, np.allclose):
    add(f, V4, {}, lambda x, f=f: f(x, [1.0, 2.0, 3.0, 4.0]))
    add(f, X34 + HOLES, NEAR, lambda x, f=f, **k: f(x, A * (1 + 1e-6 * M), **k))
add(np.astype, X34, {"copy": [False]}, lambda x, **k: np.astype(x, float, **k))
for f in (np.correlate,):
    for n in (2, 3, 4, 5):
        add(f, V4, MODES, lambda x, n=n, **k: np.correlate(x, np.arange(1.0, n + 1) ** 2, **k))
        add(f, V4, MODES, lambda x, n=n, **k: np.correlate(np.arange(1.0, n + 1) ** 2, x, **k))
for f, g in ((np.around, np.round), (np.amax, np.max), (np.amin, np.min)):
    add(f, X34, {"out": [OUT]} if g is np.round else EXTREME)

# ------------------------------------------------------------------ linear algebra
L = np.linalg
add(L.solve, SQUARE, {}, lambda x: L.solve(x, np.ones((3, 2))))
for f in (L.inv, L.det, L.slogdet, L.svdvals):
    add(f, SQUARE)
add(L.cholesky, SQUARE, {"upper": [True]})
add(L.qr, SQUARE, {"mode": ["complete", "r", "raw"]})
add(L.eigh, SQUARE, {"UPLO": ["U"]})
add(L.eigvalsh, SQUARE, {"UPLO": ["U"]})
add(L.svd, SQUARE, {"full_matrices": [False], "compute_uv": [False], "hermitian": [True]})
add(L.pinv, SQUARE, {"rcond": [0.5, 1e-9], "hermitian": [True], "rtol": [0.5, 1e-9]})
add(L.matrix_power, SQUARE, {}, lambda x: L.matrix_power(x, 3))
add(L.lstsq, X34, {"rcond": [0.6, -1]},
    lambda x, **k: L.lstsq(x.T, np.array([1.0, 2, 3, 4]), **k)[0])
add(L.matmul, X34, {}, lambda x: L.matmul(x, A.T))
add(L.outer, V4, {}, lambda x: L.outer(x, W3))
add(L.vecdot, X34, {"axis": [0]}, lambda x, **k: L.vecdot(x, A, **k))
add(L.trace, XS, {"offset": [1], "dtype": F32})
add(L.diagonal, XS, {"offset": [1]})
add(L.cross, X34, {"axis": [0]}, lambda x, **k: L.cross(x[:, :3], C9, **k))
add(L.tensordot, X34, {"axes": [1]},
    lambda x, axes=2: L.tensordot(x, A if axes == 2 else A.T, axes=axes))

add(L.multi_dot, X34, {"out": [OUT]}, lambda x, **k: L.multi_dot([x, A.T, x], **k))
add(L.multi_dot, X34, {}, lambda x: L.multi_dot([x, A.T, x, V]))
add(L.multi_dot, X34, {}, lambda x: L.multi_dot([W3, x, V]))
add(L.cond, SQUARE, {"p": [2, -2, "fro", "nuc"]})
add(L.cond, SQUARE[:1], {"p": [1, np.inf, -1]})
add(L.matrix_rank, SQUARE, {"tol": [1.0], "hermitian": [True], "rtol": [0.1]})
add(L.tensorsolve, SQUARE[:1], {}, lambda x: L.tensorsolve(x.reshape(3, 1, 3), np.ones((3, 1))))
add(L.tensorsolve, SQUARE[:1], {"axes": [(0,)]}, lambda x, **k: L.tensorsolve(x, W3, **k))
add(L.tensorinv, SQUARE[:1], {"ind": [1]}, lambda x, **k: L.tensorinv(x.reshape(3, 1, 3), **k)
    if not k else L.tensorinv(x, **k))

# ------------------------------------------------------------------ ufuncs and their methods
UFUNC = {"out": [OUT], "where": [M], "dtype": F32, "subok": [False]} | LAYOUT
ONE = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "arcsinh", "arctan", "sqrt", "cbrt", "square", "reciprocal", "negative", "positive",
    "absolute", "fabs", "conjugate", "sign", "floor", "ceil", "trunc", "rint", "degrees",
    "radians", "rad2deg", "deg2rad", "isfinite", "isnan", "isinf", "signbit",
]
for name in ONE:
    add(getattr(np, name), POSITIVE, UFUNC)
for name in ("arcsin", "arccos", "arctanh"):
    add(getattr(np, name), [np.tanh(A)], UFUNC)
add(np.arccosh, [np.abs(A) + 1.1], UFUNC)
TWO = [
    "add", "subtract", "multiply", "divide", "power", "float_power", "maximum", "minimum", "fmax",
    "fmin", "arctan2", "hypot", "logaddexp", "logaddexp2", "floor_divide", "remainder", "divmod",
    "heaviside", "less", "less_equal", "greater", "greater_equal", "not_equal", "equal",
]
for f in (getattr(np, name) for name in TWO):
    add(f, POSITIVE, UFUNC, lambda x, f=f, **k: f(x, np.abs(A)[::-1] + 0.2, **k))
add(np.arctan2, V4, {}, lambda x: np.arctan2([1.0, 2.0, 3.0, 4.0], x))
for f in (np.copysign, np.fmod):
    add(f, X34, UFUNC, lambda x, f=f, **k: f(x, A[::-1] + 0.2, **k))
add(np.ldexp, X34, UFUNC, lambda x, **k: np.ldexp(x, [1, 2, -1, 0], **k))
add(np.modf, X34)
def _side(f, x):
    return (x, V) if f.__name__ == "matvec" else (W3, x)


for name in ("matvec", "vecmat"):
    if hasattr(np, name):
        f = getattr(np, name)
        add(f, X34, {"out": [OUT]}, lambda x, f=f, **k: f(*_side(f, x), **k))
METHOD = {"axis": [0, 1, None, (0, 1)], "dtype": F32, "out": [OUT], "keepdims": [True],
          "initial": [1.5], "where": WHERE}
for f in (np.add, np.multiply, np.maximum, np.minimum, np.logaddexp, np.hypot):
    add((f, "reduce"), XS, METHOD)
for f in (np.subtract, np.divide):
    add((f, "reduce"), XS, METHOD)
for f in (np.add, np.multiply, np.maximum, np.logaddexp):
    add((f, "accumulate"), XS, {"axis": [0, 1], "dtype": F32, "out": [OUT]})
for f in (np.add, np.multiply):
    add((f, "reduceat"), XS, {"axis": [0, 1], "dtype": F32, "out": [OUT]},
        lambda x, f=f, **k: f.reduceat(x, [0, 2, 1], **k))
for f in (np.add, np.multiply, np.subtract):
    add((f, "outer"), X34, {"dtype": F32, "out": [OUT], "where": [M[..., None]]},
        lambda x, f=f, **k: f.outer(x, W3, **k))


def _at(f):
    def call(x):
        y = x * 1.0
        f.at(y, [0, 2, 0], 2 * x[:3])
        return y

    return call


for f in (np.add, np.multiply, np.subtract):
    add((f, "at"), V4, {}, _at(f))

# ------------------------------------------------------------------ Fourier transforms
def _both(f, x, **k):
    y = f(x, **k)
    return y.real + 2.0 * y.imag


NORM = ["ortho", "forward"]
for f in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft):
    add(f, XS, {"n": [3, 4, 7], "axis": [0], "norm": NORM}, lambda x, f=f, **k: _both(f, x, **k))
for f in (np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2,
          np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn):
    add(f, XS[1:], {"s": [(2, 5)], "axes": [(0, 1), (1, 0)], "norm": NORM},
        lambda x, f=f, **k: _both(f, x, **k))
for f in (np.fft.fftshift, np.fft.ifftshift):
    add(f, XS, {"axes": [0, (0,)]})

# ------------------------------------------------------------------ spectra, histograms
G = np.array([[2.0, 1.0, 0.3], [-1.0, 1.5, 0.2], [0.4, 0.1, -1.0]])
GENERAL = [np.array([[2.0, 1.0], [0.5, -1.0]]), G, np.stack([G, G.T + 0.1])]
add(np.linalg.eigvals, GENERAL, {}, lambda x: _both(np.linalg.eigvals, x))
add(np.linalg.eig, GENERAL, {}, lambda x: _both(lambda x: np.linalg.eig(x)[1], x))
add(np.roots, [np.array([1.0, -3.0, 1.0, 2.0]), np.array([1.0, 0.5, 2.0])], {},
    lambda x: _both(np.roots, x))
add(np.histogram, XS, {"bins": [5, [-1.0, 0.0, 0.5, 2.0]], "density": [True]},
    lambda x, **k: np.histogram(x, **k)[0] * 1.0 + np.sum(x * x))
add(np.histogram, V4, {"bins": [3]}, lambda x, **k: np.histogram(x, **k)[1])
add(np.histogram, V4, {}, lambda x, **k: np.histogram([0.1, 0.3, 0.2, 0.9], 3, weights=x)[0])
add(np.lexsort, V4, {}, lambda x: x[np.lexsort((x,))])
for f in (np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10):
    add(f, [V, np.abs(V) + 0.1], {}, lambda x, f=f: _both(f, x))
add(np.emath.power, [V, np.abs(V) + 0.1], {}, lambda x: _both(np.emath.power, x, p=1.5))
for f in (np.emath.arccos, np.emath.arcsin, np.emath.arctanh):
    add(f, [V / 8, V * 8], {}, lambda x, f=f: _both(f, x))
for mode in ("mean", "maximum", "minimum", "median"):
    add(np.pad, X34, {"stat_length": [2, ((1, 2), (3, 1))]},
        lambda x, mode=mode, **k: np.pad(x, ((1, 2), (0, 3)), mode=mode, **k))
add(np.pad, XS, {"end_values": [2.0]}, lambda x, **k: np.pad(x, (1, 2), mode="linear_ramp", **k))

# ------------------------------------------------------------------ sets, types, shapes
add(np.union1d, [V, A], {}, lambda x: np.union1d(x, [0.6, 5.0]))
add(np.setdiff1d, [V, A], {"assume_unique": [True]},
    lambda x, **k: np.setdiff1d(x, [0.6, 5.0], **k))
add(np.may_share_memory, V4, {}, lambda x: [np.may_share_memory(x, y) for y in (x, x[1:], x + 1)])
add(np.unique_values, V4, {}, lambda x: np.sort(np.unique_values(x)))
add(np.histogram_bin_edges, [V, A], {"bins": [3, [0.0, 1.0, 2.0]], "range": [(-1.0, 2.0)]})
add(np.emath.logn, [V, np.abs(V) + 0.1], {}, lambda x: _both(lambda x: np.emath.logn(2.0, x), x))
add(np.result_type, V4, {}, lambda x: np.result_type(x, np.float32(1)).itemsize)
add(np.common_type, V4, {}, lambda x: (np.common_type(x) is np.float64) * 1.0)
add(np.min_scalar_type, V4, {}, lambda x: np.min_scalar_type(x).itemsize)
add(np.can_cast, V4, {"casting": ["same_kind"]}, lambda x, **k: np.can_cast(x, np.float32, **k))
for f in (np.diag_indices_from, np.tril_indices_from, np.triu_indices_from):
    add(f, [SPD], {} if f is np.diag_indices_from else {"k": [1]}, lambda x, f=f, **k: x[f(x, **k)])

# ------------------------------------------------------------------ methods of arrays
add_method("ravel", XS, {})
add_method("flatten", XS, {"order": ["F"]})
add_method("copy", XS, {"order": ["F"]})
add_method("take", XS, {"axis": [0], "mode": ["wrap"], "out": [OUT]}, [0, 2])
add_method("repeat", XS, {"axis": [0]}, 2)
add_method("diagonal", X34, {"offset": [1]})
add_method("trace", X34, {"offset": [1], "dtype": F32, "out": [OUT]})
add_method("reshape", XS, {"order": ["F"]}, (2, -1))
add("mT", XS[1:], {}, lambda x: x.mT)
add("sort", XS, {"axis": [0]}, writing(lambda y, **k: y.sort(**k)))
add("partition", XS, {}, lambda x: np.sort(writing(lambda y: y.partition(1))(x)))
add("item", XS, {}, lambda x: x.item(2) ** 2)
add_method("squeeze", X34, {})
add_method("clip", XS, {"out": [OUT]}, -0.2, 0.3)
add_method("dot", X34, {"out": [OUT]}, V)
add_method("tolist", V4, {})
add_method("round", X34, {"decimals": [1], "out": [OUT]})
add_method("astype", X34, {"copy": [False], "order": ["F"]}, float)
add_method("swapaxes", X34, {}, 0, 1)
add_method("compress", X34, {"axis": [0], "out": [OUT]}, [True, False, True])
add(np.result_type, V4, {}, lambda x: np.ones(2, np.result_type(x, np.float32, "f4")))
add(np.polydiv, V4, {}, lambda x: np.polydiv(x, [1.0, 2.0]))
add(np.polydiv, V4, {}, lambda x: np.polydiv([1.0, 2.0, 3.0, 4.0], x[:2]))
