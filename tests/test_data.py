"""Data as people have it: the types of numbers that NumPy keeps are kept."""

import contextlib

import numpy as np
import pytest
from numpy_cases import CASES

import hyperdual
import taylor
from taylor import Taylor, TaylorN, gradient, hessian, hvp, jacobian, jvp, vjp

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


def kept(mode, f, x):
    """Return the types of what a mode gives that are not as wide as they should be."""
    try:
        found = [first(y).dtype for y in PRECISE[mode](f, x, np.ones_like(x))]
    except Exception:
        with pytest.raises(Exception):  # noqa: B017 - it is the same at other numbers
            PRECISE[mode](f, x.astype(float), np.ones(x.shape))
        return []
    return [t for t in found if t != first(f(x)).dtype]


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
