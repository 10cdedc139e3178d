"""Calls of SciPy, by the name in taylor.scipy and by SciPy's own: values and derivatives right.

SciPy's own function either takes values of the package or refuses them; it never drops derivatives.
"""

import functools
import os
import subprocess
import sys
import types
import warnings
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse.linalg
import scipy.spatial.distance
import scipy.special
import scipy.stats
from scipy_calls import CALLS

import taylor
import taylor.scipy
from taylor import array_api as xp
from taylor.scipy.special import beta

STEPS = (-2, -1, 1, 2)


class Spelling:
    """A way to write the calls: the modules, what data are, and how complex results become real."""

    def __init__(self, module, data, part=np, wrapped=lambda x: x):
        self.module, self.data, self.part, self.wrapped = module, data, part, wrapped

    def __getattr__(self, name):
        return getattr(self.module, name)

    def real(self, z):
        if (
            isinstance(z, np.ndarray) and z.dtype.hasobject
        ):  # SciPy has made it, and NumPy finds it real
            z = np.stack(list(z))
        return self.part.real(z) + 2 * self.part.imag(z)

    def matmul(self, a, x):
        return taylor.scipy.sparse.matmul(a, x) if self.module is taylor.scipy else a @ x

    def spsolve(self, a, x):
        of = taylor.scipy.sparse if self.module is taylor.scipy else scipy.sparse.linalg
        return of.spsolve(a, x)

    def function(self, name):
        f = CALLS[name][0]  # not the whole table is read by what is returned
        return lambda x: f(self, self.wrapped(x))


SCIPY = Spelling(scipy, lambda x: x)
OWN = Spelling(taylor.scipy, lambda x: x)
STANDARD = Spelling(scipy, xp.asarray, xp, xp.asarray)


class Expected:
    """SciPy's value at a point, and the first and second derivative along a direction."""

    def __init__(self, name):
        self.x = CALLS[name][1]
        f = SCIPY.function(name)
        plain = lambda x: np.asarray(f(x))
        rng = np.random.default_rng(0)
        self.d = np.asarray(rng.normal(size=self.x.shape))
        found = name.split(".")[0] == "optimize"  # known to some digits only
        h = 1e-2 if found else 1e-3
        self.value = plain(self.x)
        at = [plain(self.x + k * h * self.d) for k in STEPS]
        self.slope = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)
        self.bend = (-at[0] + 16 * at[1] - 30 * self.value + 16 * at[2] - at[3]) / (12 * h * h)
        self.near = 1e-5 * (1 + np.abs(self.slope).max())
        self.w = np.asarray(rng.normal(size=self.value.shape))

    def check(self, f):
        """Compare f, forwards, in reverse mode, and compiled."""
        c = taylor.taylor_coefficients(lambda t: f(self.x + self.d * t), 0.0, 2)
        assert c[0] == pytest.approx(self.value, rel=1e-7, abs=1e-9)
        assert c[1] == pytest.approx(self.slope, rel=1e-6, abs=self.near)
        size = 1 + np.abs(self.bend).max() + np.abs(self.value).max()
        assert 2 * c[2] == pytest.approx(self.bend, rel=1e-2, abs=2e-2 * size)
        for g in (f, taylor.compile(f)):
            value, adjoint = taylor.vjp(g, self.x, self.w)
            assert value == pytest.approx(self.value, rel=1e-7, abs=1e-9)
            dot = np.sum(self.w * c[1])
            assert np.sum(adjoint * self.d) == pytest.approx(dot, rel=1e-9, abs=1e-9 * size)


@functools.cache
def expected(name):
    return Expected(name)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore")
def test_by_the_name_in_taylor_scipy(name):
    expected(name).check(OWN.function(name))


def test_integrals_that_do_not_converge_say_so():
    f = lambda p: taylor.scipy.integrate.quad(lambda x: p / x, 0.0, 1.0, limit=20)[0]
    for value in (lambda: f(1.0), lambda: taylor.derivative(f, 1.0)):
        with pytest.warns(scipy.integrate.IntegrationWarning):
            value()
    with pytest.raises(TypeError, match="write it in func"):
        g = lambda p: taylor.scipy.integrate.quad(lambda x: p, -1, 1, weight="cauchy", wvar=0.1)
        taylor.derivative(lambda p: g(p)[0], 1.0)


def test_double_integrals():
    f = lambda p: taylor.scipy.integrate.dblquad(
        lambda y, x, p: np.exp(-p * x * y), 0.0, p, 0.0, lambda x: 1.0 + 0 * x, args=(p,)
    )[0]
    plain = lambda p: scipy.integrate.dblquad(lambda y, x: np.exp(-p * x * y), 0.0, p, 0.0, 1.0)[0]
    value, slope = taylor.jvp(f, 0.7, 1.0)
    assert value == pytest.approx(plain(0.7), rel=1e-9)
    assert slope == pytest.approx((plain(0.701) - plain(0.699)) / 2e-3, rel=1e-5)


def test_integrals_in_derivatives_of_derivatives():
    f = lambda p: taylor.scipy.integrate.quad(lambda t: p * np.exp(-p * t), 0.0, p)[0]
    dd, ddd = taylor.derivatives(lambda p: 1 - np.exp(-p * p), 0.7, 3)[2:]
    derivative, gradient = taylor.derivative, taylor.gradient
    assert derivative(lambda a: derivative(f, a), 0.7) == pytest.approx(dd, rel=1e-12)
    assert gradient(lambda a: derivative(f, a, 2), 0.7) == pytest.approx(ddd, rel=1e-12)
    assert derivative(lambda a: gradient(f, a), 0.7, 2) == pytest.approx(ddd, rel=1e-12)


def test_triple_integrals():
    f = lambda p: taylor.scipy.integrate.tplquad(
        lambda z, y, x: z * y + x, 0.0, p, 0.0, 1.0, 0.0, lambda x, y: x + y
    )[0]
    value, slope = taylor.jvp(f, 0.7, 1.0)
    assert value == pytest.approx(5 * 0.7**3 / 12 + 5 * 0.7**2 / 12 + 0.7 / 8, rel=1e-12)
    assert slope == pytest.approx(5 * 0.7**2 / 4 + 5 * 0.7 / 6 + 1 / 8, rel=1e-12)


NESTED = {  # integrals of p, and the powers of p that they are
    "limits": (
        lambda i, p: i.dblquad(lambda y, x: x * y, 0.0, 1.0, 0.0, lambda x: p * x)[0],
        lambda p: p**2 / 8,
    ),
    "all of it": (
        lambda i, p: i.dblquad(
            lambda y, x, q: q * y * p, 0.0, p, 0.0, lambda x: p * x, args=(p * p,)
        )[0],
        lambda p: p**8 / 6,
    ),
    "ranges": (
        lambda i, p: i.nquad(lambda y, x: x * y * p, [lambda x: (0.0, x * p), (0.0, 2 * p)])[0],
        lambda p: 2 * p**7,
    ),
    "one in another": (
        lambda i, p: i.quad(lambda x: i.quad(lambda y: p * x * y, 0.0, x)[0], 0.0, 1.0)[0],
        lambda p: p / 8,
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_nested_integrals_hold_what_varies(name):
    f, exact = NESTED[name]
    g = lambda p: f(taylor.scipy.integrate, p)
    assert g(0.7) == f(scipy.integrate, 0.7)
    for order in (1, 3):
        wanted = taylor.derivative(exact, 0.7, order)
        assert taylor.derivative(g, 0.7, order) == pytest.approx(wanted, rel=1e-12, abs=1e-14)
    assert taylor.gradient(g, 0.7) == pytest.approx(taylor.derivative(exact, 0.7), rel=1e-12)


def _of_state(i, p, calls):
    return i.quad(lambda x: (calls.append(x), p * x + 1e-3 * (len(calls) % 2))[1], 0.0, 1.0)[0]


INTEGRANDS = {  # functions of p, and what they are without an integral
    "powers at the ends": (
        lambda i, p: i.quad(lambda x: 1.0, p, 2 * p, weight="alg", wvar=(-0.5, p))[0],
        lambda p: p ** (p + 0.5) * beta(0.5, p + 1),
    ),
    "options of each range": (
        lambda i, p: i.nquad(
            lambda y, x, q: q * y + x, [(0.0, p), (0.0, 1.0)], (p,),
            [lambda x, q: {"weight": "sin", "wvar": q}, {"points": [0.5, 3.0]}],
        )[0],
        lambda p: np.sin(p * p) / p - p * np.cos(p * p) + (1 - np.cos(p * p)) / (2 * p),
    ),
    "branches": (
        lambda i, p: i.quad(lambda x: x * x if x < p else p * (2 * x - p), 0.0, 1.0)[0],
        lambda p: p**3 / 3 - p * p + p,
    ),
    "a kink": (
        lambda i, p: i.quad(lambda x: np.abs(x - p) * p, 0.0, 1.0)[0],
        lambda p: (p * p - p + 0.5) * p,
    ),
    "many points": (
        lambda i, p: i.quad(lambda x: np.sqrt(x) * np.cos(40 * p * x**1.5), 0.0, 2.0)[0],
        lambda p: np.sin(40 * p * 2**1.5) / (60 * p),
    ),
    "a singular end": (
        lambda i, p: i.quad(lambda x: np.log(p * x), 0.0, 1.0)[0], lambda p: np.log(p) - 1
    ),
    "another value at each call": (lambda i, p: _of_state(i, p, []), lambda p: p / 2),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("name", INTEGRANDS)
def test_integrands_are_recorded_and_give_what_they_give_at_each_point(name):
    f, exact = INTEGRANDS[name]
    slope = taylor.derivative(exact, 0.7)
    for driver in (taylor.derivative, taylor.gradient):
        assert driver(lambda p: f(taylor.scipy.integrate, p), 0.7) == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize("p", [mpmath.mpf("0.7"), Fraction(7, 10), np.float32(0.7)])
def test_integrals_of_other_numbers(p):
    f = lambda p: taylor.scipy.integrate.quad(lambda x: p * p * x, 0.0, 1.0)[0]
    for driver in (taylor.derivative, taylor.gradient):
        assert float(driver(f, p)) == pytest.approx(float(p), rel=1e-6)


WITH_OBJECTS = {  # functions of p that have it, or something beside it, in an object among args
    "dict": lambda i, o, p: i.quad(lambda x, q: q["k"] * x, 0.0, 1.0, args=({"k": p},))[0],
    "word": lambda i, o, p: i.quad(
        lambda x, name, q: q * x if name == "line" else None, 0.0, 1.0, args=("line", p)
    )[0],
    "object": lambda i, o, p: i.dblquad(
        lambda y, x, c, q, s: s.k * q * y, 0.0, 1.0, 0.0, 1.0,
        args=(None, 1.0, types.SimpleNamespace(k=p)),
    )[0],
    "vector": lambda i, o, p: i.quad_vec(lambda x, q: q["k"] * x, 0.0, 1.0, args=({"k": p},))[0],
    "closure": lambda i, o, p: (
        np.sum(i.quad_vec(lambda x: p * x * np.array([0.25, 0.75]), 0.0, 1.0)[0])
    ),
    "options": lambda i, o, p: (
        i.nquad(lambda y, x: 2 * p * y * x, [[0.0, 1.0], [0.0, 1.0]], opts={"points": [0.5]})[0]
    ),
    "root": lambda i, o, p: o.brentq(
        lambda x, q, c: 2 * x - c * q["k"][0], 0.0, 3.0, args=({"k": [p]}, 1.0)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_OBJECTS)
def test_objects_among_args_hold_what_varies(name):
    f = WITH_OBJECTS[name]
    g = lambda p: f(taylor.scipy.integrate, taylor.scipy.optimize, p)
    assert g(0.7) == f(scipy.integrate, scipy.optimize, 0.7) == pytest.approx(0.35, rel=1e-12)
    for driver in (taylor.derivative, taylor.gradient):
        assert driver(g, 0.7) == pytest.approx(0.5, rel=1e-12)


def verdict(name, spelling):
    """Return "right", or what the error says."""
    wanted, f = expected(name), spelling.function(name)
    try:
        wanted.check(f)
    except AssertionError:
        raise
    except Exception as error:
        return "; ".join([str(error), *getattr(error, "__notes__", [])])
    return "right"


@pytest.mark.filterwarnings("ignore")
def test_by_the_name_in_scipy():
    found = [verdict(name, SCIPY) for name in CALLS]
    assert found.count("right") >= 55
    assert [e for e in found if e != "right" and "taylor.scipy" not in e] == []


def test_by_arrays_of_the_standard():
    """In a process of its own: SciPy asks for such arrays if told so when it is imported."""
    env = os.environ | {"SCIPY_ARRAY_API": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= 80


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print([verdict(name, STANDARD) for name in CALLS].count("right"))
