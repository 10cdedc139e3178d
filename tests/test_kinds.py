"""One law for every kind of number: exact stays exact, mpmath at its precision, intervals enclose.

Programs are written once and run by every driver and by sympy, which is the oracle.
"""

import copy
import operator
import pickle
import random
from decimal import Decimal
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy
from mpmath import iv, mp, mpf

import hyperdual
import taylor
from taylor import Taylor, TaylorN
from taylor.core.program import expand
from taylor.core.sweep import sweep

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def _loop(step, n, x):
    for _ in range(n):
        x = step(x)
    return x


# name -> (program of two numbers, with exp, sqrt ... of a module; whether it is rational)
PROGRAMS = {
    "quotients": (lambda v, m: v[0] / 7 + v[1] * v[0] / 3 - 2 / v[1], True),
    "contraction": (lambda v, m: (v * v) @ (v * v), True),
    "mean": (lambda v, m: np.mean(v * v * v), True),
    "variance": (lambda v, m: np.var(v * v), True),
    "integer data": (lambda v, m: np.sum(np.array([1, 2]) * v * v[0] / np.array([3, 7])), True),
    "boolean data": (lambda v, m: np.sum(m.mask * v * v) / 3, True),
    "einsum": (lambda v, m: (v @ np.array([[1, 2], [3, 4]]) @ v) / 3, True),
    "joined": (lambda v, m: np.mean(np.concatenate([v, m.pair, v[:1] * v[1:]]) / 7), True),
    "powers": (lambda v, m: (v[0] ** 3 / 3 + v[1] ** -2) / 7, True),
    "choice": (lambda v, m: m.where(v > 0, v * v / 7, v).sum() / 3, True),
    "padded": (lambda v, m: (np.triu(m.outer(v, v)) / 3).sum() / 7, True),
    "loop": (lambda v, m: m.loop(lambda s: s * s / 3 + 1, 3, v[0]) * v[1], True),
    "root": (lambda v, m: m.root(v[0] * v[1] / 3), False),
    "determinant": (lambda v, m: m.det(v) / 3, True),
    "solution": (lambda v, m: m.first(v) / 3, True),
    "exp": (lambda v, m: m.exp(v[0] / 7) * v[1] / 3, False),
    "sqrt of a mean": (lambda v, m: m.sqrt(np.mean(v * v)), False),
    "running sums": (lambda v, m: m.exp(np.cumsum(v)[-1] / 3) / 7, False),
}


class Ours:
    """What the programs need, for numbers of the package."""

    exp, sqrt, mask = taylor.exp, taylor.sqrt, np.array([True, False])
    pair = (1, 2)
    where = staticmethod(np.where)
    outer = staticmethod(np.outer)
    root = staticmethod(taylor.implicit_root(lambda x, t: x**2 - t, 1))

    @staticmethod
    def loop(step, n, x):
        return taylor.checkpoint(step, n)(x)

    @staticmethod
    def matrix(v):
        return np.stack([np.stack([v[0] + 2, v[1]]), np.stack([v[1] / 3, v[0] * 0 + 3])])

    @staticmethod
    def det(v):
        return taylor.linalg.det(Ours.matrix(v))

    @staticmethod
    def first(v):
        return taylor.linalg.solve(Ours.matrix(v), v)[0]


class Theirs:
    """The same for sympy."""

    exp, sqrt, root, mask = sympy.exp, sympy.sqrt, sympy.sqrt, np.array([1, 0])
    pair = (sympy.Integer(1), sympy.Integer(2))
    loop = staticmethod(_loop)
    outer = staticmethod(np.multiply.outer)

    @staticmethod
    def where(condition, a, b):
        return a  # the points are positive

    @staticmethod
    def det(v):
        return (v[0] + 2) * 3 - v[1] * v[1] / 3

    @staticmethod
    def first(v):
        return (v[0] * 3 - v[1] * v[1]) / Theirs.det(v)


X, Y = sympy.symbols("x y", positive=True)


def truth(name):
    """Return value, gradient, Hessian and third derivatives of a program as sympy expressions."""
    v = np.array([X, Y], dtype=object)
    f = PROGRAMS[name][0]
    value = f(v, Theirs)
    grad = [sympy.diff(value, s) for s in (X, Y)]
    hess = [[sympy.diff(g, s) for s in (X, Y)] for g in grad]
    third = [[[sympy.diff(h, s) for s in (X, Y)] for h in row] for row in hess]
    return [np.array(e, dtype=object) for e in (value, grad, hess, third)]


TRUTH = {name: truth(name) for name in PROGRAMS}
DIRECTION, E0 = [2, 3], [1, 0]


def _swept(f, x):
    tables = [t for t in TaylorN.variables(list(x), 2)]
    joined = np.stack(tables)
    algebra = joined.algebra
    program = expand(taylor.record(f, x))
    table = sweep(program, algebra, [joined.coef])[0]
    return TaylorN._make(table, algebra, joined.tag).gradient()


# name -> (driver, what it gives from value, gradient, Hessian, third derivatives)
DRIVERS = {
    "gradient": (lambda f, x: taylor.gradient(f, x), lambda y, g, h, t: g),
    "value_and_gradient": (lambda f, x: taylor.value_and_gradient(f, x)[0], lambda y, g, h, t: y),
    "jacobian": (lambda f, x: taylor.jacobian(lambda v: f(v) * v, x)[0],
                 lambda y, g, h, t: np.array([g[0] * X + y, g[1] * X])),
    "hessian": (lambda f, x: taylor.hessian(f, x), lambda y, g, h, t: h),
    "tensor": (lambda f, x: taylor.tensor(f, x, 3), lambda y, g, h, t: t),
    "partial": (lambda f, x: taylor.partial(f, x, (2, 1)), lambda y, g, h, t: t[0, 0, 1]),
    "jvp": (lambda f, x: taylor.jvp(f, x, DIRECTION)[1], lambda y, g, h, t: g @ DIRECTION),
    "vjp": (lambda f, x: taylor.vjp(f, x, 5)[1], lambda y, g, h, t: 5 * g),
    "hvp": (lambda f, x: taylor.hvp(f, x, DIRECTION), lambda y, g, h, t: h @ DIRECTION),
    "third": (lambda f, x: taylor.third(f, x, DIRECTION, [1, 0]),
              lambda y, g, h, t: (t @ DIRECTION)[0]),
    "directional": (lambda f, x: taylor.directional(f, x, DIRECTION, 2),
                    lambda y, g, h, t: h @ DIRECTION @ DIRECTION),
    "nested": (lambda f, x: taylor.gradient(lambda v: taylor.jvp(f, v, DIRECTION)[1], x),
               lambda y, g, h, t: h @ DIRECTION),
    "nested forward": (lambda f, x: taylor.jvp(lambda v: taylor.jvp(f, v, DIRECTION)[1], x, E0)[1],
                       lambda y, g, h, t: (h @ DIRECTION)[0]),
    "TaylorN": (lambda f, x: f(np.stack(TaylorN.variables(x, 2))).hessian(), lambda y, g, h, t: h),
    "Taylor": (lambda f, x: f(np.stack([Taylor.variable(x[0], 3), x[1]])).derivative(3),
               lambda y, g, h, t: t[0, 0, 0]),
    "hyperdual": (lambda f, x: hyperdual.hessian(f, x), lambda y, g, h, t: h),
    "recorded": (lambda f, x: taylor.record(f, x)(x), lambda y, g, h, t: y),
    "reversed": (lambda f, x: taylor.reverse(taylor.record(f, x))(x, 1)[1], lambda y, g, h, t: g),
    "forwarded": (lambda f, x: taylor.forward(taylor.record(f, x))(x, DIRECTION)[1],
                  lambda y, g, h, t: g @ DIRECTION),
    "swept": (_swept, lambda y, g, h, t: g),
}  # fmt: skip


def run(name, driver, x):
    f = PROGRAMS[name][0]
    found = DRIVERS[driver][0](lambda v: f(v, Ours), x)
    return np.asarray(found, dtype=object).reshape(-1)


def expected(name, driver, point):
    """Return what sympy gives at a point of rational numbers."""
    wanted = np.asarray(DRIVERS[driver][1](*TRUTH[name]), dtype=object).reshape(-1)
    at = {s: sympy.Rational(p.numerator, p.denominator) for s, p in zip((X, Y), point, strict=True)}
    return [sympy.sympify(e).subs(at) for e in wanted]


CASES = [(name, driver) for name in PROGRAMS for driver in DRIVERS]
MODES = ("gradient", "tensor", "nested", "third", "Taylor", "hyperdual", "reversed", "swept", "vjp")
FEWER = [(name, driver) for name in PROGRAMS for driver in MODES]
POINT = (HALF, Fraction(3, 4))


@pytest.mark.parametrize("name, driver", [c for c in CASES if PROGRAMS[c[0]][1]])
def test_exact_stays_exact(name, driver):
    found = run(name, driver, np.array(POINT))
    assert [type(e) for e in found] == [Fraction] * len(found)
    assert [sympy.Rational(e.numerator, e.denominator) for e in found] == expected(
        name, driver, POINT
    )


@pytest.mark.parametrize("name, driver", FEWER)
def test_mpmath_stays_at_its_precision(name, driver):
    with mp.workdps(50):
        found = run(name, driver, np.array([mpf(1) / 3, mpf(3) / 4]))
    wanted = expected(name, driver, (THIRD, Fraction(3, 4)))
    assert all(type(e) is mpf for e in found)
    with mp.workdps(60):
        for e, w in zip(found, wanted, strict=True):
            exact = mpf(str(sympy.N(w, 60)))
            assert abs(e - exact) <= mpf(10) ** -45 * (1 + abs(exact))


@pytest.mark.parametrize("name, driver", [c for c in FEWER if c[0] != "root"])
def test_intervals_enclose(name, driver):
    wide = iv.mpf([0.5, 0.5625]), iv.mpf([0.75, 0.8125])
    found = run(name, driver, np.array(wide, dtype=object))
    rng = random.Random(0)
    for _ in range(2):
        point = [Fraction(low) + Fraction(rng.randrange(65)) / 1024 for low in (0.5, 0.75)]
        for e, w in zip(found, expected(name, driver, point), strict=True):
            value = mpf(str(sympy.N(w, 40)))
            assert e.a - mpf(10) ** -38 <= value <= e.b + mpf(10) ** -38


@pytest.mark.parametrize("name, driver", [c for c in FEWER if c[0] != "root"])
def test_balls_enclose_and_are_small(name, driver):
    with flint.ctx.workdps(50):
        found = run(name, driver, np.array([flint.arb(1) / 3, flint.arb(3) / 4]))
    wanted = expected(name, driver, (THIRD, Fraction(3, 4)))
    assert all(type(e) is flint.arb for e in found)
    with mp.workdps(70):
        for e, w in zip(found, wanted, strict=True):
            error = abs(mpf(e.mid()) - mpf(str(sympy.N(w, 70))))
            assert error <= mpf(e.rad()) + mpf(10) ** -60
            assert e.rad() <= 1e-44 * (1 + abs(e))


def test_a_root_of_intervals_needs_a_solver_that_encloses():
    with pytest.raises(TypeError, match="solver"):
        Ours.root(iv.mpf([1, 2]))


# ------------------------------------------------------------------ how two kinds meet
KINDS = {
    "int": 2,
    "Fraction": THIRD,
    "Decimal": Decimal("0.3"),
    "float": 0.3,
    "float32": np.float32(0.3),
    "float64": np.float64(0.3),
    "complex": 0.3 + 1j,
    "mpf": mpf(1) / 3,
    "mpc": mp.mpc(1, 2),
    "interval": iv.mpf([1, 2]),
    "ints": np.array([2, 3]),
    "floats": np.array([0.3, 0.4]),
    "floats32": np.array([0.3, 0.4], np.float32),
}
LATER = ["int", "Fraction", "float", "complex", "mpf", "interval"]
NUMBER_TYPES = {
    "Taylor": lambda v: Taylor.variable(v, 2),
    "TaylorN": lambda v: TaylorN.variables([v, v], 2)[0],
    "HyperDual": lambda v: hyperdual.HyperDual.variables([v, v])[0],
}


def field(z):
    """Return the name of the kind of a series or a plain value."""
    table = np.asarray(z.coef if hasattr(z, "coef") else z)
    if table.dtype != object:
        return table.dtype.name
    names = {type(e).__name__ for e in table.reshape(-1)}
    return "|".join(sorted(n for n in names if n[:-1] + "c" not in names or n[-1] == "c"))


def refused(left, right):
    """Whether a Decimal would meet a float or a Fraction."""
    others = ("Fraction", "float", "float32", "float64", "complex", "floats", "floats32")
    return "Decimal" in (left, right) and {left, right} & set(others)


@pytest.mark.parametrize("left", KINDS)
@pytest.mark.parametrize("make", [*NUMBER_TYPES, "recorded"])
def test_operands_meet_in_one_kind_whichever_is_on_the_left(left, make):
    for right in KINDS:
        for op in (operator.add, operator.sub, operator.mul, operator.truediv):
            if make == "recorded":
                pair = []

                def both(x, op=op, pair=pair):
                    pair.extend(f.value for f in (op(KINDS[left], x), op(x, KINDS[left])))
                    return x

                def run_pair(right=right, both=both):
                    taylor.record(both, KINDS[right])

            else:
                t = NUMBER_TYPES[make](KINDS[right])
                pair = []

                def run_pair(t=t, op=op, pair=pair):
                    pair.extend((op(KINDS[left], t), op(t, KINDS[left])))

            if refused(left, right):
                with pytest.raises(TypeError, match="Decimal"):
                    run_pair()
                continue
            run_pair()
            first, second = map(field, pair)
            assert first == second
            if left in LATER and right in LATER:
                kind = LATER[max(LATER.index(left), LATER.index(right))]
                assert kind in first or {"interval": "iv", "int": "float64"}.get(kind, "") in first


def test_no_kind_is_cut_to_that_of_a_float_beside_it():
    for v, x in ((0.1, mpf(1) / 3), (np.array([0.1]), np.array([mpf(1) / 3]))):
        with mp.workdps(40):
            dy = taylor.jvp(lambda x: x**2 / 3, x, v)[1]
            assert np.all(abs(dy - 2 * x * mpf(0.1) / 3) < mpf(10) ** -38)
    with mp.workdps(40):
        third = mpf(1) / 3
        assert abs(taylor.vjp(lambda x: x / 7, 0.5, third)[1] - third / 7) < mpf(10) ** -38
        assert abs(np.degrees(Taylor.variable(third, 1)).coef[1] - 180 / mp.pi) < mpf(10) ** -36
        assert abs(Taylor([third, third])(THIRD) - third * 4 / 3) < mpf(10) ** -38


def test_decimals_are_exact_in_polynomials():
    x = Decimal("0.1")
    for d in (taylor.derivative, taylor.gradient):
        assert d(lambda x: x**3 - x * x / 8, x) == Decimal("0.005")
    with pytest.raises(TypeError, match="Decimal"):
        taylor.derivative(taylor.exp, x)


# ------------------------------------------------------------------ intervals
WIDE = iv.mpf([-1, 1])


@pytest.mark.parametrize("d", [taylor.derivative, taylor.gradient], ids=["forward", "reverse"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x > 0 else -x, abs, taylor.sign, taylor.floor, taylor.sqrt, taylor.cbrt,
        lambda x: 1 / x, lambda x: taylor.maximum(x, 0), lambda x: taylor.sqrt(x + 1),
    ],
)  # fmt: skip
def test_no_derivative_where_some_member_has_none(f, d):
    with pytest.raises(taylor.DomainError):
        d(f, WIDE)


@pytest.mark.parametrize("d", [taylor.derivative, taylor.gradient], ids=["forward", "reverse"])
def test_one_side_of_a_kink_is_enough(d):
    one = iv.mpf([1, 2])
    for f, slope in ((abs, 1), (taylor.sign, 0), (lambda x: taylor.minimum(x, 0), 0)):
        found = d(f, one)
        assert found == slope
    assert d(taylor.floor, iv.mpf([1.25, 1.5])) == 0
    assert d(lambda x: x if x > 0 else -x, -one) == -1


def test_values_of_intervals_are_hulls():
    hulls = {
        taylor.sign: (-1, 1), abs: (0, 1), taylor.floor: (-1, 1), taylor.ceil: (-1, 1),
        (lambda x: taylor.maximum(x, 0)): (0, 1), (lambda x: taylor.clip(x, 0, 2)): (0, 1),
        (lambda x: taylor.heaviside(x, 0.5)): (0, 1),
    }  # fmt: skip
    for f, ends in hulls.items():
        assert f(WIDE) == iv.mpf(ends)
        assert taylor.derivative(f, WIDE, 0) == iv.mpf(ends)


def test_what_intervals_cannot_do_is_said():
    for d in (taylor.derivative, taylor.gradient):
        with pytest.raises(TypeError, match=r"mpmath\.iv has no"):
            d(taylor.lgamma, iv.mpf([2, 3]))


@pytest.mark.parametrize("v", [iv.mpf(1) / 3, iv.mpc(1, 2), mpf(1) / 3, mp.mpc(1, 2) / 3], ids=str)
def test_copies_are_exact(v):
    t = taylor.exp(Taylor.variable(v, 2)) if not hasattr(v, "d") else Taylor.variable(v, 2)
    for new in (pickle.loads(pickle.dumps(t)), copy.copy(t), copy.deepcopy(t)):
        assert [repr(e) for e in new.coef] == [repr(e) for e in t.coef]
        assert [type(e) for e in new.coef] == [type(e) for e in t.coef]


# ------------------------------------------------------------------ single precision
@pytest.mark.parametrize("driver", ["gradient", "hessian", "jacobian", "vjp", "hvp", "tensor"])
@pytest.mark.parametrize("name", ["exp", "mean", "integer data", "quotients"])
def test_single_precision_stays(name, driver):
    f, x = PROGRAMS[name][0], np.array([0.5, 0.75], np.float32)
    found = DRIVERS[driver][0](lambda v: f(v, Ours) * 0.1, x)
    assert np.asarray(found).dtype == np.float32
    f64 = DRIVERS[driver][0](lambda v: f(v, Ours) * 0.1, x.astype(float))
    np.testing.assert_allclose(found, f64, rtol=1e-5, atol=1e-6)
    g = lambda v: f(v, Ours) * np.float64(0.1)
    assert np.asarray(DRIVERS[driver][0](g, x)).dtype == np.float32  # what has the form of x
    assert np.asarray(taylor.jvp(g, x, x)[1]).dtype == np.float64


# ------------------------------------------------------------------ complex numbers and sweeps
def test_complex_values_have_no_order():
    branch = lambda x: x if x > 0 else -x
    for d in (taylor.derivative, taylor.gradient, taylor.record):
        args = (branch, 1 + 1j)
        with pytest.raises(TypeError, match="complex"):
            d(*args)


def test_a_sweep_takes_the_numbers_of_its_program():
    line = Taylor.variable(0.5, 2)
    rotated = expand(taylor.record(lambda x: x * 1j + np.exp(x), 1 + 1j))
    found = sweep(rotated, line.algebra, [line.coef])[0]
    np.testing.assert_allclose(found, (line * 1j + np.exp(line)).coef)
    with pytest.raises(taylor.OrderMismatch, match="input 0 has 2"):
        sweep(rotated, line.algebra, [np.array([0.5, 1.0])])
    modulus = expand(taylor.record(abs, 1.0))
    with pytest.raises(TypeError, match="complex"):
        sweep(modulus, line.algebra, [line.coef + 1j])


# ------------------------------------------------------------------ no other kind in silence
def test_empty_arrays_of_exact_numbers_stay_exact():
    x = np.array([Fraction(1, 2)])
    for f in (np.trapezoid, np.sum, lambda e: np.sum(e[1:] / 2), lambda e: np.sum(e[1:] ** 2 / 3)):
        g = lambda z, f=f: f(z[:1]) * 0 + f(z) + z[0] ** 2
        found = [*g(Taylor.variable(x, 2)).coef, *taylor.gradient(g, x), *taylor.hessian(g, x)[0]]
        assert all(isinstance(e, (int, Fraction)) for e in found)


@pytest.mark.parametrize("f", [np.max, lambda x: np.sum(np.maximum(x, x**2) * (x - 1))])
def test_ties_keep_single_precision(f):
    x = np.ones(1, np.float32)
    assert taylor.gradient(f, x).dtype == taylor.vjp(f, x, np.float32(1))[1].dtype == np.float32


@pytest.mark.parametrize("number", [mpmath.mpf, mpmath.iv.mpf])
def test_integers_beside_numbers_of_mpmath_are_such_numbers(number):
    padded = np.pad(np.array([number(1) / 3], dtype=object), 1, constant_values=1)
    for f, exact in ((taylor.sin, mpmath.sin), (taylor.cosh, mpmath.cosh)):
        with mpmath.workdps(15):
            found, true = f(padded), exact(1)
            assert all(type(e) is type(padded[1]) for e in found)
            assert abs(mpmath.mpf(getattr(found[0], "a", found[0])) - true) < 1e-15


ENDS = [(-1, 1), (0, 1), (-3, -2.5), (0.5, 2.5), (-0.25, -0.125)]
SINGULAR = {
    "sqrt": (np.sqrt, mpmath.sqrt),
    "log": (np.log, mpmath.log),
    "1/x": (lambda x: 1 / x, lambda x: 1 / x),
    "x**-2": (lambda x: x**-2, lambda x: x**-2),
    "x**1.5": (lambda x: x**1.5, lambda x: x**1.5),
    "cbrt": (np.cbrt, lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x))),
    "arcsin": (np.arcsin, mpmath.asin),
    "arctanh": (np.arctanh, mpmath.atanh),
    "tan": (np.tan, mpmath.tan),
    "abs": (abs, abs),
    "sign": (np.sign, mpmath.sign),
    "floor": (np.floor, mpmath.floor),
    "mod": (lambda x: x % 1, lambda x: x - mpmath.floor(x)),
}


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("f, true", SINGULAR.values(), ids=SINGULAR)
@pytest.mark.parametrize("singular", ["numpy", "raise", "propagate"])
def test_an_interval_encloses_or_says_that_it_cannot(f, true, ends, singular):
    """A coefficient encloses those of all points inside, or is nan, or the call raises."""
    box = mpmath.iv.mpf(list(ends))
    for point in (box, np.array([box])):
        try:
            with taylor.policy(singular=singular):
                table = f(Taylor.variable(point, 2)).coef.reshape(3)
        except taylor.TaylorError:
            continue
        for s in (0.15, 0.45, 0.85):
            inside = mpmath.mpf(ends[0]) + s * (mpmath.mpf(ends[1]) - ends[0])
            for c, exact in zip(table, mpmath.taylor(true, inside, 2), strict=True):
                low, high = (mpmath.mpf(getattr(c, end, c)) for end in "ab")
                slack = 1e-9 * (1 + abs(exact))
                assert low != low or low - slack <= exact <= high + slack


EXACT_SEQUENCES = {
    "gradient": np.gradient,
    "gradient at places": lambda x: np.gradient(x, np.array([0, 1, 3, 4])),
    "interp": lambda x: np.interp(x[0], [0, 1, 2], x[1:]),
    "linspace": lambda x: np.linspace(x[0], x[1], 3),
    "cov": lambda x: np.cov(x, x * x),
}


@pytest.mark.parametrize("name", EXACT_SEQUENCES)
def test_functions_of_sequences_of_fractions_stay_exact(name):
    f = EXACT_SEQUENCES[name]
    x = np.array([Fraction(1, 3), Fraction(7, 5), Fraction(-2, 7), Fraction(3, 1)])
    exact = taylor.jacobian(f, x)
    assert {type(e) for e in np.ravel(exact)} <= {Fraction, int}
    np.testing.assert_allclose(
        exact.astype(float), taylor.jacobian(f, x.astype(float)), rtol=1e-12, atol=1e-14
    )


def squares(x):
    return np.sum(taylor.sin(x) * x)


def slope(a):
    return mp.sin(a) + a * mp.cos(a)


def curvature(a):
    return 2 * mp.cos(a) - a * mp.sin(a)


MIXED = {  # what is asked of an array y of several kinds; what it is for each element
    "plain": (lambda y: taylor.sin(y), mp.sin),
    "Taylor": (lambda y: taylor.sin(Taylor.variable(y, 1)).coef[1], mp.cos),
    "TaylorN": (lambda y: [taylor.sin(x).coef[0] for x in TaylorN.variables(list(y), 1)], mp.sin),
    "HyperDual": (lambda y: hyperdual.hessian(squares, y).diagonal(), curvature),
    "gradient": (lambda y: taylor.gradient(squares, y), slope),
    "hvp": (lambda y: taylor.hvp(squares, y, y * 0 + 1), curvature),
    "Hessian": (lambda y: taylor.hessian(squares, y).diagonal(), curvature),
    "recorded": (lambda y: taylor.record(taylor.sin, y)(y), mp.sin),
    "compiled": (lambda y: taylor.gradient(taylor.compile(squares), y), slope),
    "constant": (lambda y: taylor.gradient(lambda x: np.sum(x * y), y * 0 + 1), lambda a: a),
    "matrix": (lambda y: taylor.linalg.solve(np.diag(y), y * y), lambda a: a),
    "atan2": (lambda y: taylor.atan2(y, y * 0 + 2), lambda a: mp.atan2(a, 2)),
}


@pytest.mark.parametrize("mode", MIXED)
@pytest.mark.parametrize(
    "other", [3, 3.0, Fraction(3), np.float32(3), np.int64(3)], ids=lambda x: type(x).__name__
)
@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
def test_an_array_of_several_kinds_has_the_precision_of_the_highest(other, mode):
    of, want = MIXED[mode]
    with mp.workdps(60):
        third = mpf(1) / 3
        for y in ([other, third], [third, other]):
            for got, e in zip(of(np.array(y, dtype=object)), y, strict=True):
                assert abs(got - want(third if e is third else mpf(3))) < mpf(10) ** -57


@pytest.mark.parametrize("number", [Fraction, Decimal])
def test_integers_of_numpy_beside_exact_numbers_do_not_overflow(number):
    t = Taylor.variable(number(2) ** 40, 2)
    for made in (t * np.int64(2**40), np.int64(2**40) * t, t + np.int64(2**40)):
        assert all(type(c) is not np.int64 for c in made.coef)
    recorded = taylor.record(lambda y: y * np.int64(2**40) * y, number(2) ** 40)
    assert recorded(number(2) ** 40) == number(2) ** 40 * 2**40 * 2**40
    got = (np.int64(2**40) + t) * (t - np.int64(2**40)) + t * np.int64(2**40)
    assert got.value == 2**80
    assert taylor.gradient(lambda x: np.int64(2**40) * x[0] * x[0], [number(2) ** 40])[0] == 2**81


@pytest.mark.parametrize(
    "f",
    [
        lambda v: np.sort(v)[0], lambda v: v[np.argsort(v)][0], lambda v: np.argmax(v) * v[0],
        lambda v: np.argmin(v) * v[1], np.median, np.max,
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", [iv.mpf, lambda x: flint.arb(sum(x) / 2, (x[1] - x[0]) / 2)])
def test_sets_that_overlap_have_no_order(f, number):
    def gradients(*points):
        x = np.array([number(p) for p in points])
        tables = Taylor.variable(x, 1)
        return taylor.gradient(f, x), f(tables)

    with pytest.raises(taylor.DomainError, match="split it"):
        gradients([-1, 1], [0, 0.5])
    gradients([-1, 1], [2, 3])
