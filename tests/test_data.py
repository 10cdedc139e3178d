"""Data as people have it: kinds of floats, array-likes, columns and frames, labelled arrays."""

import array
import contextlib

import dask.array
import numpy as np
import pandas as pd
import pytest
import scipy.special
from numpy_cases import CASES

import hyperdual
import taylor
from taylor import Taylor, TaylorN, gradient, hessian, hvp, jacobian, jvp, vjp
from taylor.ode import solve_ivp

X = np.array([0.3, 1.4, 0.5, 2.2])
DOUBLES = np.array([1.0, 2.0, 3.0, 0.5])
MASK = np.array([True, False, True, True])


# ------------------------------------------------------------------ precision
def first(y):
    while isinstance(y, (tuple, list)):
        y = y[0]
    return y


def nested(f, x, v):
    return jvp(lambda x: jvp(f, x, v)[1], x, v)


def scalar(f):
    return lambda x: np.sum(f(x))


PRECISE = {
    "Taylor": lambda f, x, v: [f(Taylor.variable(x, 2, direction=v))],
    "TaylorN": lambda f, x, v: [f(x + v * TaylorN.variables([x.dtype.type(0)], 2)[0])],
    "HyperDual": lambda f, x, v: [f(hyperdual.HyperDual(x, v, v))],
    "jvp": jvp,
    "vjp": lambda f, x, v: vjp(f, x, np.ones_like(f(x))),
    "jacobian": lambda f, x, v: [jacobian(f, x)],
    "second": lambda f, x, v: [
        gradient(scalar(f), x), hessian(scalar(f), x), hvp(scalar(f), x, v),
    ],
    "derivatives": lambda f, x, v: [taylor.derivatives(f, x, 2)],
    "recorded": lambda f, x, v: [
        taylor.record(f, x)(x), taylor.record(f, x)(Taylor.variable(x, 1, direction=v)),
    ],
    "nested": nested,
}  # fmt: skip
# where NumPy's result is wider than its float arguments: by integers, by lists, or always
WIDER = {
    "concatenate", "stack", "polyval", "cov", "corrcoef", "geomspace", "vander", "polyder",
    "trim_zeros", "power",
}  # fmt: skip


def singles():
    """Yield every handled function that has floats of float32, and such a point."""
    for name, cases in CASES.items():
        for case in cases:
            f, x = (lambda x, case=case: first(case.call(x))), np.asarray(case.points[0])
            with np.errstate(all="ignore"), contextlib.suppress(ValueError, IndexError):
                x = x.astype(np.float32) if x.dtype == float else x
                if x.dtype == np.float32 and getattr(f(x), "dtype", np.dtype(int)).kind in "fc":
                    yield name, f, x


SINGLE = list(singles())


def wanted(mode, y, x):
    """The types of what a mode gives: of f(x), or of the point where it has the form of that."""
    at = np.result_type(x, np.complex64) if y.dtype.kind == "c" else x.dtype
    at = at if at.itemsize < y.dtype.itemsize else y.dtype
    return {"vjp": [y.dtype, at], "jacobian": [at], "second": [at] * 3}.get(mode, [y.dtype] * 2)


def kept(mode, f, x):
    """Return the types of what a mode gives that are not as wide as they should be."""
    try:
        found = [first(y).dtype for y in PRECISE[mode](f, x, np.ones_like(x))]
    except Exception:
        with pytest.raises(Exception):  # noqa: B017 - it is the same at other numbers
            PRECISE[mode](f, x.astype(float), np.ones(x.shape))
        return []
    return [t for t, w in zip(found, wanted(mode, first(f(x)), x), strict=False) if t != w]


@pytest.mark.parametrize("mode", PRECISE)
@pytest.mark.filterwarnings("ignore")
def test_float32_is_kept_by_every_function(mode):
    lost = {}
    for name, f, x in SINGLE:
        with np.errstate(all="ignore"):
            found = kept(mode, f, x)
        if found and not (name in WIDER and set(found) == {np.dtype(np.float32)}):
            lost[name] = found
    assert lost == {}
    assert len({name for name, *_ in SINGLE}) > 200


BESIDE = {
    "Python's numbers": lambda x: 2 * x + 0.5 - x / 3 + 2.0**x + x**2.5,
    "np.float64": lambda x: x * np.float64(2),
    "float64 arrays": lambda x: x * DOUBLES,
    "float64 powers": lambda x: x**DOUBLES,
    "float64 bases": lambda x: DOUBLES**x,
    "whole float64 powers": lambda x: x ** np.array([1.0, 2.0, 3.0, 2.0]),
    "lists of floats": lambda x: x * [1.0, 2.0, 3.0, 4.0],
    "where": lambda x: np.where(MASK, x, 2.0),
    "where float64": lambda x: np.where(MASK, x, DOUBLES),
    "concatenated": lambda x: np.concatenate([x, DOUBLES]),
    "booleans": lambda x: x * MASK,
    "int8": lambda x: x * MASK.astype(np.int8),
    "conditions": lambda x: (x > 1) * x,
    "copysign": lambda x: np.copysign(x, DOUBLES),
    "ldexp": lambda x: np.ldexp(x, 2),
    "einsum": lambda x: np.einsum("i,i->i", x, DOUBLES),
    "mean": np.mean,
    "sinc": np.sinc,
    "log10": np.emath.log10,
    "number": lambda x: x[0] * np.pi + np.exp(x[1]),
    "number beside float64": lambda x: x[0] * DOUBLES,
}


@pytest.mark.parametrize("kind", [np.float32, np.longdouble])
@pytest.mark.parametrize("mode", PRECISE)
def test_kinds_meet_as_in_numpy(mode, kind):
    x = X.astype(kind)
    assert {n: found for n, f in BESIDE.items() if (found := kept(mode, f, x))} == {}


@pytest.mark.parametrize("mode", ["Taylor", "vjp", "jacobian", "second", "recorded", "nested"])
def test_integers_have_no_precision(mode):
    x = X.astype(np.float32)
    for data in (np.array([1, 2, 3, 4]), [1, 2, 3, 4], np.int64(2), 2):
        for f in (lambda x, d=data: x * d, lambda x, d=data: d - x, lambda x, d=data: x**d):
            found = PRECISE[mode](f, x, np.ones_like(x))
            assert {first(y).dtype for y in found} == {np.dtype(np.float32)}


@pytest.mark.parametrize("mode", sorted({*PRECISE} - {"HyperDual", "jacobian", "second"}))
def test_complex64_is_kept(mode):
    z = (X * (1 + 0.5j)).astype(np.complex64)
    functions = (np.exp, lambda z: 2 * z**2.5 + 1j, lambda z: 2.0**z, lambda z: z @ z[::-1])
    for f in (*functions, np.fft.fft, lambda z: np.linalg.inv(np.reshape(z, (2, 2)))):
        found = PRECISE[mode](f, z, np.ones_like(z))
        assert {first(y).dtype for y in found} == {np.dtype(np.complex64)}


@pytest.mark.filterwarnings("ignore")
def test_special_functions_keep_float32():
    count = 0
    for name in dir(scipy.special):
        f = getattr(scipy.special, name)
        if not isinstance(f, np.ufunc) or f.nout > 1:
            continue
        x = [np.float32(v) for v in (0.7, 1.3, 0.4, 0.6)[: f.nin]]
        with contextlib.suppress(TypeError, taylor.errors.TaylorError), np.errstate(all="ignore"):
            assert (
                f(*x).dtype != np.float32
                or f(*x[:-1], Taylor.variable(x[-1], 2)).dtype == np.float32
            )
            count += 1
    assert count > 100


def test_whole_numbers_stay_whole_along_lanes_and_beyond_floats():
    i = np.arange(4)
    for f in (lambda i: 2 * i, lambda i: i // 2, lambda i: i * 10**17 + 1, lambda i: X[i]):
        found, wanted = taylor.lanes(f)(i), taylor.map(f)(i)
        assert found.dtype == wanted.dtype and found.tolist() == wanted.tolist()
    double = taylor.compile(lambda n: 2 * n + 1)
    for n in (2**53 + 1, np.array([2**60 + 1, 3])):
        assert np.all(double(n) == 2 * n + 1)


# ------------------------------------------------------------------ array-likes
class Exported:
    """An array of another library: it has DLPack, and no __array__."""

    def __init__(self, x, device=1):
        self.x, self.device = np.asarray(x), device

    def __dlpack__(self, **kwargs):
        return self.x.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.device, 0


ARRAYS = {
    "list": list,
    "tuple": tuple,
    "array.array": lambda x: array.array("d", x),
    "memoryview": lambda x: memoryview(np.array(x)),
    "big-endian": lambda x: x.astype(">f8"),
    "read-only": lambda x: np.broadcast_to(x, x.shape),
    "objects": lambda x: x.astype(object),
    "no mask": np.ma.array,
    "pandas array": pd.array,
    "pandas index": pd.Index,
    "DLPack": Exported,
}
LOST = {
    "a mask": (lambda x: np.ma.array(x, mask=x > 1), "mask"),
    "np.matrix": (np.matrix, "matrix"),
    "missing values": (lambda x: pd.array([*x[1:], None]), "missing"),
    "dask": (lambda x: dask.array.from_array(x, chunks=2), "dask"),
    "another device": (lambda x: Exported(x, 2), "device"),
    "dates": (lambda x: x.astype("M8[D]"), "date"),
    "durations": (lambda x: x.astype("m8[D]"), "unit"),
    "fields": (lambda x: x.view([("a", float)]), "fields"),
    "strings": (lambda x: x.astype(str), "number"),
    "a set": (lambda x: set(x), "number"),
    "bytes": (lambda x: x.tobytes(), "number"),
}
ROUTES = {
    "point": lambda d: taylor.derivative(lambda x: x**2, d),
    "gradient": lambda d: gradient(lambda x: np.sum(np.power(x, 2)), d),
    "direction": lambda d: jvp(lambda x: x**2, X, d)[1],
    "weights": lambda d: vjp(lambda x: x**2, X, d)[1],
    "right": lambda d: jvp(lambda x: x * d, X, 2 * X)[1],
    "left": lambda d: vjp(lambda x: d * x, X, 2 * X)[1],
    "ufunc": lambda d: vjp(lambda x: np.multiply(d, x), X, 2 * X)[1],
    "function": lambda d: jvp(lambda x: np.stack([x, d])[1] * x, X, 2 * X)[1],
    "result": lambda d: 2 * X * jvp(lambda x: d, X, X)[0],
    "variable": lambda d: Taylor.variable(d, 2).coef[0] * 2 * X,
    "series": lambda d: Taylor(d).coef * 2 * X,
    "assigned": lambda d: jvp(lambda x: written(x, d) * x, X, 2 * X)[1],
}


def written(x, d):
    y = 0 * x
    y[:] = d
    return y


@pytest.mark.parametrize("name", ARRAYS)
def test_what_holds_numbers_is_an_array(name):
    for route, f in ROUTES.items():
        wanted = 2 * X if route in ("point", "gradient") else 2 * X * X
        assert np.asarray(f(ARRAYS[name](X)), float) == pytest.approx(wanted), route


@pytest.mark.parametrize("name", LOST)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_what_an_array_would_lose_is_refused(name):
    make, word = LOST[name]
    for f in ROUTES.values():
        words = f"{word}|unsupported|drop its derivatives|NotImplemented|same shape"
        with pytest.raises((TypeError, ValueError), match=words):
            f(make(X))


def test_ranges_and_scalars_are_numbers():
    assert gradient(lambda x: np.sum(x**2), range(1, 4)).tolist() == [2, 4, 6]
    assert jvp(lambda x: x[:3] * range(3), X, X)[1].tolist() == (X[:3] * np.arange(3)).tolist()
    for two in (np.float64(2), np.array(2.0), np.int8(2), np.longdouble(2), 2):
        assert float(gradient(lambda x: x**3, two)) == 12
        assert jvp(lambda x, two=two: two * x**2, X, X)[1] == pytest.approx(4 * X**2)


@pytest.mark.parametrize("name", ["a mask", "np.matrix", "missing values"])
@pytest.mark.filterwarnings(
    "ignore:the matrix subclass", "ignore::taylor.errors.PerformanceWarning"
)
def test_compiled_functions_do_what_the_functions_do(name):
    data = LOST[name][0](X.reshape(4, 1) if name == "np.matrix" else X)

    def f(x, d):
        return x * d

    found = taylor.compile(f)(2.0, data)
    assert type(found) is type(f(2.0, data)) and repr(found) == repr(f(2.0, data))


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
def test_compiled_functions_keep_classes_of_arrays():
    class Own(np.ndarray):
        pass

    f = taylor.compile(lambda x: np.sin(x) * 2)
    g, h = (taylor.compile(lambda p, k=k: np.sin(p[k][0]) * 2) for k in ("x", 0))
    for x in (X.view(Own), X, X.view(Own)):
        for y in (f(x), g({"x": [x, 1.0]}), h([(x, 1.0)])):
            assert type(y) is type(x) and np.array_equal(y, np.sin(X) * 2)


def test_series_are_no_arrays_of_other_libraries():
    for x in (Taylor.variable(X, 2), hyperdual.HyperDual(X, X, X)):
        with pytest.raises(BufferError, match=r"x\.value"):
            np.from_dlpack(x)


# ------------------------------------------------------------------ pandas
NAMES = ["a", "b", "c", "d"]
WEIGHTS = pd.Series([1.0, 2.0, 3.0, 4.0], index=NAMES)
GAPS = pd.Series([2.0, np.nan, 1.0, 3.0], index=NAMES)
FRAME = pd.DataFrame({"w": WEIGHTS, "n": [1, 0, 3, 2], "m": MASK, "g": ["u", "v", "u", "v"]})
COLUMN = {  # functions of a Series
    "labels": lambda p: p["b"] * p.c,
    "sum": lambda p: (p**2).sum(),
    "np.sum": lambda p: np.sum(np.exp(p)),
    "operators": lambda p: (1 - 2 / p + p * WEIGHTS - WEIGHTS**p + abs(-p) ** 1.5).sum(),
    "alignment": lambda p: (p * WEIGHTS[::-1]).iloc[0] + (p.iloc[1:] * p.iloc[:-1]).sum(),
    "masks": lambda p: p[WEIGHTS > 2].sum() + p[p > 1].prod() + p.where(p > 1, 0.0).sum(),
    "loc": lambda p: p.loc[["a", "c"]].sum() * p.iloc[1:3].prod(),
    "reductions": lambda p: p.mean() * p.var() + p.std() * p.max() - p.median() + p.agg("sum"),
    "dot": lambda p: p.dot(WEIGHTS) + p @ WEIGHTS + WEIGHTS @ p**2 + np.dot(p, p),
    "values": lambda p: np.sum(p.values**2) + np.sum(p.to_numpy() * X),
    "functions": lambda p: np.sum(taylor.exp(p)) + taylor.logsumexp(p) + np.cumsum(p)["c"],
    "solve": lambda p: np.linalg.solve(np.eye(4) + 1, p.to_numpy())[1],
    "running": lambda p: (p.cumsum() ** 2).sum() + (p.diff() ** 2).sum() + (p.shift(1) * p).sum(),
    "running over gaps": lambda p: (
        sum((getattr(p * GAPS, name)() ** 2).sum() for name in ("cumsum", "cumprod", "cummax"))
        + (p * GAPS).cummin().sum()
        + (p * GAPS).cumsum(skipna=False).sum()
    ),
    "running in groups": lambda p: sum(
        (getattr((p * GAPS).groupby(FRAME.g), name)() ** 2).sum()
        for name in ("cumsum", "std", "rank", "first")
    ),
    "places in groups": lambda p: (
        sum(p[i] ** 2 for i in p.groupby(FRAME.g).idxmax())
        + (p.groupby(pd.Categorical(FRAME.g, list("uvw")), observed=False).sum() ** 2).sum()
    ),
    "rows over gaps": lambda p: sum(
        (getattr(pd.DataFrame({"p": p * GAPS, "w": WEIGHTS}), name)(axis=1, skipna=skip) ** 2).sum()
        for name in ("sum", "mean", "max")
        for skip in (True, False)
    ),
    "sums of which one is none": lambda p: (
        FRAME[["w"]].assign(p=p * GAPS).sum(skipna=False).sum()
        + p.sum()
        + p.to_frame("p").assign(w=GAPS, p2=p**2).sum(skipna=False).iloc[[1, 0, 2]].sum()
    ),
    "moments": lambda p: p.sem() * p.skew() * p.kurt() + (p * GAPS).cov(WEIGHTS) * p.autocorr(),
    "questions": lambda p: (
        p.sum()
        * (
            p.is_unique
            + 2 * p.nunique()
            + 4 * p.is_monotonic_increasing
            + 8 * p.hasnans
            + 16 * (p * GAPS).is_monotonic_increasing
            + len(p.unique())
            + divmod(p, 9.0)[1].sum()
        )
    ),
    "groups": lambda p: (p.groupby(FRAME.g).sum() ** 2).sum() + p.groupby(FRAME.g).mean()["u"],
    "sorted": lambda p: p.sort_values().iloc[0] + p.sort_values(ascending=False).iloc[1] ** 2,
    "reindexed": lambda p: (p.reindex(["d", "z", "a"]) ** 2).sum(),
    "filled": lambda p: (p**2).reindex(["d", "z", "a"], fill_value=3.0).prod(),
    "replaced": lambda p: np.prod((p * GAPS).to_numpy(na_value=3.0)) * p.to_numpy(float).sum(),
    "counted": lambda p: (p * GAPS).sum(min_count=3) + (p * GAPS).prod(min_count=1),
    "elements": lambda p: p.map(lambda v: v * v).sum() + sum(v**3 for _, v in p.items()),
    "frames": lambda p: FRAME.assign(p=p).query("w > 1").p.sum() + (FRAME[["w"]].mul(p, 0)).w["b"],
    "rows": lambda p: pd.DataFrame({"p": p, "w": WEIGHTS}).prod(axis=1).sum(),
    "joined": lambda p: (pd.concat([p, WEIGHTS]) ** 2).sum() + np.sum(np.concatenate([p, X]) ** 2),
    "written": lambda p: (lambda q: (q.__setitem__("a", q["b"] ** 2), q.sum())[1])(p.copy()),
    "written into a copy": lambda p: (
        lambda q: (q.__setitem__(0, q[1] ** 2), p.prod() + np.sum(q))[1]
    )(p.to_numpy(copy=True)),
    "matrices": lambda p: np.sum(np.ones((2, 4)) @ p) + np.linalg.norm(p),
    "choice": lambda p: np.sum(np.where(WEIGHTS > 2, p, p**2)) + p.clip(upper=1).sum(),
    "astype": lambda p: p.astype(float).sum() ** 2,
}
ROW = {  # functions of an array beside columns
    "columns": lambda x: np.sum(x * FRAME.w) + np.sum(FRAME["n"] / x) + np.sum(FRAME.w**x),
    "both sides": lambda x: (FRAME.n - x) @ (x - FRAME.n) + np.sum(np.maximum(FRAME.w, x)),
    "masks": lambda x: np.sum(x[FRAME.m] ** 2) + np.sum(x[FRAME.w > 2]) + np.sum(FRAME.m * x),
    "where": lambda x: np.sum(np.where(FRAME.m, x**2, FRAME.w)),
    "positions": lambda x: np.sum(x[FRAME.n] ** 2) + np.sum(x[pd.Categorical(FRAME.g).codes]),
    "selected": lambda x: (
        np.sum(FRAME[FRAME.w > 2].w * x[FRAME.w > 2]) + FRAME.loc["b", "w"] * x[0]
    ),
    "frames": lambda x: (
        np.sum(FRAME[["w", "n"]].values @ x[:2]) + np.sum(FRAME[["w", "n"]] * x[:2])
    ),
    "groups": lambda x: np.sum(FRAME.groupby("g").w.sum() * x[:2]),
    "nullable": lambda x: (
        np.sum(x * FRAME.n.astype("Int64")) + np.sum(x[FRAME.m.astype("boolean")])
    ),
    "objects": lambda x: np.sum(x * FRAME.w.astype(object)),
    "index": lambda x: np.sum(pd.Index([1, 2, 3, 4]) * x),
    "rows": lambda x: sum(r.w * x[0] * r.n for r in FRAME.itertuples()),
    "tables": lambda x: (
        np.sum(np.interp(x, FRAME.w, FRAME.n)) + np.sum(np.column_stack([x, FRAME.w]))
    ),
    "new columns": lambda x: np.sum(np.exp(pd.Series(x, index=NAMES))),
    "made columns": lambda x: (
        FRAME.assign(z=x).z.sum() ** 2 + np.sum(FRAME.assign(z=lambda f: f.w * x[0]).z)
    ),
    "assigned": lambda x: np.sum(written(x, FRAME.w) * x),
}


def differences(f, x):
    return np.array([(f(x + 1e-6 * e) - f(x - 1e-6 * e)) / 2e-6 for e in np.eye(len(x))])


@pytest.mark.parametrize("name", COLUMN)
def test_a_series_is_a_series_inside_of_f(name):
    f, p = COLUMN[name], pd.Series(X, index=NAMES, name="p")
    wanted = differences(lambda x: float(f(pd.Series(x, index=NAMES, name="p"))), X)
    for g in (gradient(f, p), gradient(taylor.compile(f), p), taylor.jacfwd(f, p)):
        assert type(g) is pd.Series and list(g.index) == NAMES and g.name == "p"
        assert g.to_numpy() == pytest.approx(wanted, abs=1e-6)
    assert jvp(f, p, p)[1] == pytest.approx(wanted @ X, abs=1e-5)


TIED = pd.Series([2.0, 1.0, 2.0, 3.0], index=NAMES)
EQUALS = {
    "equals": lambda p: pd.Series([2.0 - p.equals(TIED) + p.equals(p.copy())]),
    "equals of an index": lambda p: pd.Series([2.0 - pd.Index(p).equals(pd.Index(TIED))]),
    "equals of a frame": lambda p: pd.Series([2.0 - p.to_frame(0).equals(TIED.to_frame(0))]),
    "duplicated": lambda p: (p * GAPS / GAPS).duplicated(),
    "isin": lambda p: p.isin([7.0, 2.0, np.nan]),
    "mode": lambda p: (p * GAPS / GAPS).mode(),
    "rank": lambda p: (p * GAPS / GAPS).rank(na_option="bottom"),
    "unique": lambda p: pd.Series((p * GAPS / GAPS).unique()),
    "drop_duplicates": lambda p: FRAME.assign(p=p).drop_duplicates("p").p,
}


@pytest.mark.parametrize("name", EQUALS)
def test_questions_which_elements_are_equal(name):
    f = lambda p: np.sum(p * np.arange(4.0)) * EQUALS[name](p).sum()
    for g in (gradient, taylor.jacfwd):
        with pytest.raises(taylor.errors.TaylorError, match="this point only"):
            g(f, TIED)
        wanted = differences(lambda x: float(f(pd.Series(x, index=NAMES))), X)
        assert g(f, pd.Series(X, index=NAMES)).to_numpy() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("x", [[2.0, 2.0, 1.5, -1.0], [0.5, 2.0, 2.0, 3.0], [1.0, 2.0, 1.0, 2.0]])
def test_equal_numbers_neither_rise_nor_fall(x):
    asked = lambda p: [p.is_monotonic_increasing, p.is_monotonic_decreasing]
    for g in (gradient, taylor.jacfwd):
        found = g(lambda p: p.sum() * (asked(p) @ np.array([2, 4])), pd.Series(x))
        assert found.tolist() == [asked(pd.Series(x)) @ np.array([2, 4])] * 4


@pytest.mark.parametrize(
    "f", [WEIGHTS.isin, WEIGHTS.equals, lambda p: p.to_frame("w").merge(p.to_frame("w"))]
)
def test_what_pandas_would_hash_is_an_error(f):
    with pytest.raises(taylor.errors.NonAnalyticError, match="this point only"):
        gradient(lambda p: np.size(f(p)) * p.sum(), pd.Series([2.0, 1.0, 2.0, 3.0], index=NAMES))
    with pytest.raises(TypeError, match="no text"):
        gradient(lambda p: len(p.astype(str)[0]) * p.sum(), WEIGHTS)


def test_sums_of_too_few_numbers_are_none():
    p = pd.Series(X, index=NAMES)
    assert np.isnan(jvp(lambda p: (p * GAPS).sum(min_count=4), p, p)).all()


@pytest.mark.parametrize("name", ROW)
def test_columns_are_data(name):
    f, wanted = ROW[name], differences(lambda x: float(ROW[name](x)), X)
    assert gradient(f, X) == pytest.approx(wanted, abs=1e-6)
    assert jvp(f, X, X)[1] == pytest.approx(wanted @ X, abs=1e-5)
    assert gradient(taylor.compile(f), X) == pytest.approx(wanted, abs=1e-6)


def test_answers_have_the_labels_of_the_point():
    p = pd.Series({"slope": 2.0, "offset": 1.0})

    def f(p):
        return np.sum((p["slope"] ** 2 * WEIGHTS + p.offset) ** 2)

    h = hessian(f, p)
    assert list(h.index) == list(h.columns) == ["slope", "offset"]
    flat = hessian(lambda v: np.sum((v[0] ** 2 * WEIGHTS + v[1]) ** 2), p.to_numpy())
    assert h.to_numpy() == pytest.approx(flat)
    j = jacobian(lambda p: np.stack([p.slope**2, p.offset, p.slope]), p)
    assert j.loc[:, "slope"].tolist() == [4, 0, 1] and list(j.columns) == ["slope", "offset"]
    assert hvp(f, p, p).to_numpy() == pytest.approx(h.to_numpy() @ p.to_numpy())
    both = hessian(lambda d: d["p"].slope ** 2 * d["b"], {"p": p, "b": 3.0})
    assert both["p"]["p"].loc["slope", "slope"] == 6
    assert both["p"]["b"]["slope"] == both["b"]["p"]["slope"] == 4
    x, unpack = taylor.pack({"p": p, "b": 1.0})
    assert unpack(2 * x)["p"].slope == 4
    assert gradient(lambda p: gradient(lambda q: q.slope**3, p).slope, p).slope == 12


def test_a_frame_is_a_frame():
    g = gradient(lambda d: (d.w * d.n)["c"], FRAME)
    assert g.w.tolist() == [0, 0, 3, 0] and g.n.tolist() == [0, 0, 3, 0]
    assert g.g.tolist() == FRAME.g.tolist()
    h = hessian(lambda d: (d.w * d.n).sum(), FRAME[["w", "n"]])
    assert h["w"]["n"].tolist() == np.eye(4).tolist()
    found = taylor.compile(lambda x, d: np.sum(x * d.w * d["n"]))(2.0, FRAME)
    assert found == 2 * (FRAME.w * FRAME.n).sum()
    for many in (taylor.lanes, taylor.map):  # a point is a row
        assert many(lambda r: r.w * r["n"])(FRAME).tolist() == (FRAME.w * FRAME.n).tolist()
        assert many(np.sin)(FRAME.w).tolist() == pytest.approx(np.sin(FRAME.w).tolist())


TURNED = pd.Series([1.0, 2.0], index=[1, 0])  # p[0] is 2
LABELS = {
    "gradient": lambda: gradient(lambda p: p[0] ** 2, TURNED)[0] / 2,
    "data": lambda: jvp(lambda x, w: x * w[0], (X, TURNED), (X, TURNED))[0][0] / X[0],
    "compiled": lambda: taylor.compile(lambda x, w: x * w[0])(1.0, TURNED),
    "compiled gradient": lambda: gradient(taylor.compile(lambda x, w: x * w[0]), 1.0, TURNED),
    "lanes": lambda: taylor.lanes(lambda x, w: x * w[0], axes=(0, None))(np.ones(3), TURNED)[1],
    "map": lambda: taylor.map(lambda x, w: x * w[0], axes=(0, None))(np.ones(3), TURNED)[1],
    "solve_ivp": lambda: (
        -np.log(solve_ivp(lambda t, y, w: -w[0] * y, (0, 1), [1.0], args=(TURNED,)).y[0, -1])
    ),
    "derivative": lambda: taylor.derivative(lambda p: p[0] ** 2, TURNED) / 2,
    "tensor": lambda: taylor.tensor(lambda p: p[0] ** 3, TURNED, 2).loc[0, 0] / 6,
    "partial": lambda: taylor.partial(lambda p: p[0] ** 2, TURNED, (0, 1)) / 2,
    "objective": lambda: taylor.objective(lambda p, w: p[0] * w[0], TURNED)(np.ones(2)),
}
POSITIONS = {
    "record": lambda: taylor.record(lambda p: p[0], TURNED),
    "sparse_hessian": lambda: taylor.sparse_hessian(lambda p: p[0] ** 2, TURNED),
    "sparse_jacobian": lambda: taylor.sparse_jacobian(lambda p: p[0] ** 2, TURNED),
    "HyperDual": lambda: hyperdual.second_partial(lambda p: p[0] ** 2, TURNED, 0, 0),
    "solve_ivp": lambda: gradient(
        lambda p: solve_ivp(lambda t, y, p: -p[0] * y, (0, 1), [1.0], args=(p,)).y[0, -1], TURNED
    ),
}


@pytest.mark.parametrize("route", LABELS)
def test_an_index_is_the_label_it_is_in_pandas(route):
    assert float(LABELS[route]()) == pytest.approx(2)


@pytest.mark.parametrize("route", POSITIONS)
def test_labels_are_never_taken_for_positions(route):
    with pytest.raises(TypeError, match="to_numpy"):
        POSITIONS[route]()


def test_what_a_series_holds_is_an_argument_of_any_function():
    def f(p):
        y = solve_ivp(lambda t, y, k: -k[1] * y, (0, 1), [1.0], args=(p.to_numpy(),)).y[0, -1]
        return y * taylor.implicit_root(lambda z, k: z * z - k[0], 1.0)(p.to_numpy())

    assert gradient(f, TURNED).tolist() == pytest.approx([np.exp(-2) / 2, -np.exp(-2)])


def test_directions_have_the_labels_of_the_point():
    with pytest.raises(TypeError, match="labels"):
        jvp(lambda p: p[0] ** 2, TURNED, TURNED[::-1])
    assert jvp(lambda p: p[0] ** 2, TURNED, np.array([5.0, 1.0]))[1] == 4


def test_new_numbers_under_known_labels_need_no_new_recording():
    f = taylor.compile(lambda x, w: np.sum(x * w["a"] + w.sum()), strict=True)
    for k in (1, 2, 3):
        assert f(X, k * WEIGHTS) == pytest.approx(k * (np.sum(X) + 40))
    (inner,) = f.forms.values()
    assert [len(m) for m in inner.machines.values()] == [1]


# ------------------------------------------------------------------ xarray
def test_arrays_of_xarray_are_arrays_with_labels():
    import xarray

    a = xarray.DataArray(X, dims="t", coords={"t": [10, 20, 30, 40]}, name="a")
    functions = (
        lambda x: np.sum(x * a) + np.sum(a * x) + ((a - x) ** 2).sum() + np.sum(a / x),
        lambda x: a.sel(t=20) * x[0] + (a * x).mean("t") + np.sum(x[a > 1]) + np.sum(a.values * x),
        lambda x: (
            xarray.apply_ufunc(lambda y, z: y * z**2, a, x).sum() + xarray.where(a > 1, x, 0).sum()
        ),
        lambda x: np.exp(xarray.DataArray(x, dims="t")).sum() + np.sum(np.maximum(a + 0.1, x)),
    )
    for f in functions:
        wanted = differences(lambda x, f=f: float(f(x)), X)
        assert gradient(f, X) == pytest.approx(wanted, abs=1e-6)
        assert jvp(f, X, X)[1] == pytest.approx(wanted @ X, abs=1e-5)
    for p in (a, a * 1.0):  # equal numbers, and equal numbers that vary alike
        assert (
            gradient(lambda x, p=p: x.sum() * (1 + x.equals(x * p / a)), a).values.tolist()
            == [2] * 4
        )
    g = gradient(lambda p: ((p * a).sum("t") * p.sel(t=10)).sum(), a)
    assert type(g) is xarray.DataArray and g.dims == ("t",) and g.t.equals(a.t)
    assert g.to_numpy() == pytest.approx(X[0] * X + np.sum(X**2) * np.eye(4)[0])


WINDOWS = {
    "pad": lambda a: a.pad(t=1, constant_values=2.0).sum() * a.pad(t=(2, 0), mode="edge").sum(),
    "shift": lambda a: a.shift(t=-1, fill_value=0.5) + a.shift(t=1).fillna(0.0),
    "rolling": lambda a: a.rolling(t=2).mean()[1:] + a.rolling(t=2, min_periods=1).max()[1:],
    "construct": lambda a: a.rolling(t=3).construct("w").isel(t=slice(2, None)),
    "differentiate": lambda a: a.differentiate("t") * a.cumulative_integrate("t"),
    "cov": lambda a: __import__("xarray").cov(a, a**2, dim="t"),
    "isin": lambda a: a * a.isin([7.0, X[2]]).any(),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_of_arrays_of_xarray(name):
    import xarray

    array = lambda x: xarray.DataArray(x, dims="t", coords={"t": [1.0, 2.0, 4.0, 5.0]})
    f = lambda a: (WINDOWS[name](a) ** 2).sum()
    wanted = differences(lambda x: float(f(array(x))), X + 0.01)
    for g in (gradient, taylor.jacfwd):
        assert np.asarray(g(f, array(X + 0.01))) == pytest.approx(wanted, abs=1e-5)


LEFT_OF_LABELS = {
    "product": lambda p, d: p * d,
    "difference": lambda p, d: p - d,
    "quotient": lambda p, d: p / d,
    "power": lambda p, d: p**d,
    "array": lambda p, d: np.stack([p, 2 * p, p * p]) * d,
}


@pytest.mark.parametrize("name", LEFT_OF_LABELS)
def test_numbers_at_the_left_of_labels_keep_them(name):
    import xarray

    d = xarray.DataArray(np.arange(1.0, 7.0).reshape(2, 3), dims=("t", "x"))
    f = lambda p: np.sum(LEFT_OF_LABELS[name](p, d).mean("t"))
    slope = float(f(np.float64(0.7 + 1e-6)) - f(np.float64(0.7 - 1e-6))) / 2e-6
    for g in (f, taylor.compile(f)):
        assert taylor.gradient(g, 0.7) == pytest.approx(slope, rel=1e-8)
    assert taylor.derivative(f, 0.7) == pytest.approx(slope, rel=1e-8)
