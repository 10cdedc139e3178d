"""Taylor models hold: operations, rows of one and two arguments, bounds, to 50 digits."""

import functools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import taylor
from taylor import verified as tv
from taylor.core.algebra import Univariate
from taylor.core.program import expand, record
from taylor.core.sweep import sweep
from taylor.core.table import TABLE, lookup
from taylor.verified import environment
from taylor.verified import model as models_module
from taylor.verified.model import Space, TaylorModel
from taylor.verified.symbols import Symbols

MP = mpmath.mp.clone()
MP.dps = 50
RNG = np.random.default_rng(7)


def polynomial(model, xi, number):
    """Return P(ξ) of a model that is one number, exactly or at 50 digits."""
    total = number(0)
    for e, c in zip(model.space.algebra.exponents.tolist(), model.coef.tolist(), strict=True):
        term = number(c)
        for x, n in zip(xi, e, strict=True):
            term *= x**n
        total += term
    return total


def check(model, f, xi, number=Fraction):
    """Assert that f of a point of the box lies in the model."""
    assert abs(f - polynomial(model, xi, number)) <= number(float(model.radius))


def place(space, xi, number=Fraction):
    """Return the point of the box at ξ."""
    ends = zip(space.centre.tolist(), space.scale.tolist(), xi, strict=True)
    return [number(c) + number(s) * x for c, s, x in ends]


def points(n, count=8, number=Fraction):
    inner = [[number(int(k)) / 1024 for k in row] for row in RNG.integers(-1024, 1025, (count, n))]
    return [[number(-1)] * n, [number(1)] * n, *inner]


# ------------------------------------------------------------------ arithmetic
def some(space):
    """Return a random model."""
    coef = RNG.normal(size=space.algebra.size) * 10.0**-space.algebra.degrees
    return TaylorModel(coef, np.array(abs(RNG.normal()) * 1e-12), space)


ARITHMETIC = {
    "sum": (lambda a, b: a + b, 0),
    "difference": (lambda a, b: a - b, 0),
    "product": (lambda a, b: a * b, 0),
    "scaled": (lambda a, b: a * 0.1 + 3 * b - 0.7, 0),
    "square": (lambda a, b: (a - b) * (a - b), 0),
    "power": (lambda a, b: a**5 + b**2, 0),
    "quotient": (lambda a, b: a / (b + 9), 9),
    "reciprocal": (lambda a, b: (a + 9) ** -3, 9),
}


@functools.cache
def spaces():
    return [
        *(Space.unit(*given) for given in ((1, 6), (2, 4), (3, 0), (2, 3, 2), (0, 1, 2))),
        Space.over([(0.1, 0.3), (2, 7)], 3),
    ]


def holds_arithmetic(f):
    for space in spaces():
        a, b = some(space), some(space)
        y = f(a, b)
        n = space.algebra.symbols + space.algebra.generators
        for xi in points(n):
            for s, t in ((1, 1), (-1, 1), (0, -1)):
                p = polynomial(a, xi, Fraction) + s * Fraction(float(a.radius))
                q = polynomial(b, xi, Fraction) + t * Fraction(float(b.radius))
                check(y, f(p, q) if f is not SCALED else exactly_scaled(p, q), xi)


SCALED = ARITHMETIC["scaled"][0]


def exactly_scaled(p, q):
    return p * Fraction(0.1) + 3 * q - Fraction(0.7)


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_holds_every_member(name):
    holds_arithmetic(ARITHMETIC[name][0])


def test_a_product_without_its_truncated_part_is_caught(monkeypatch):
    monkeypatch.setattr(Symbols, "beyond", lambda self, x, y: 0.0 * x[0])
    with pytest.raises(AssertionError):
        holds_arithmetic(ARITHMETIC["product"][0])


@pytest.mark.parametrize("name", ["product", "scaled"])
def test_arithmetic_without_its_rounding_is_caught(monkeypatch, name):
    def exact(x, count=8):
        return x

    monkeypatch.setattr(models_module, "U", 0.0)
    monkeypatch.setattr(models_module, "above", exact)
    monkeypatch.setattr(models_module, "norm", lambda coef: np.abs(coef).sum(0))
    monkeypatch.setattr(Symbols, "beyond", lambda self, x, y: 0.0 * x[0])
    space = Space.unit(1, 0)
    a, b = (TaylorModel(np.array([c]), np.array(0.0), space) for c in (1 / 3, 0.1))
    y = ARITHMETIC[name][0](a, b)
    exactly = {"product": Fraction(1 / 3) * Fraction(0.1), "scaled": exactly_scaled(
        Fraction(1 / 3), Fraction(0.1))}  # fmt: skip
    with pytest.raises(AssertionError):
        check(y, exactly[name], [Fraction(0)])


# ------------------------------------------------------------------ rows
def centre_of(row):
    """Return a sample away from the ends of the domain."""
    fitting = [x for x in row.samples if isinstance(x, float) and 0.05 < abs(x) <= 3]
    return next((x for x in fitting if x > 1.1), fitting[0] if fitting else 0.7)


def is_unary(row):
    return (row.quotient or row.local) and not any(isinstance(s, tuple) for s in row.samples)


POLES = {"cot", "csc", "tan", "lambertw1"}
UNARY = sorted(name for name, row in TABLE.items() if row.own and is_unary(row))


def box_of(row, width):
    centre = centre_of(row)
    half = width * abs(centre)
    if "1 < x < 1" in row.domain or "-1 <= x <= 1" in row.domain:
        centre = 0.7
    return centre - half, centre + half


def holds_row(row, width, order=5, count=48):
    x = tv.models(box_of(row, width), order=order)
    y = row(x)
    for xi in points(1, count, MP.mpf):
        (at,) = place(x.space, xi, MP.mpf)
        check(y, row.mp(MP, at), xi, MP.mpf)
    return y


@pytest.mark.parametrize("name", UNARY)
def test_rows_of_one_argument_hold(name):
    row = TABLE[name]
    if name in POLES:  # within a tenth
        with pytest.raises(taylor.DomainError, match=f"{name} has no bound.*split the box"):
            holds_row(row, 0.1)
    else:
        holds_row(row, 0.1)
    # and the remainder is not much more than it has to be
    middle = holds_row(row, 0.01)
    assert float(middle.radius) < 1e-13 + float(np.abs(middle.coef[-2:]).max())


def test_a_row_without_its_remainder_is_caught(monkeypatch):
    from taylor.verified import compose

    monkeypatch.setattr(compose, "_least_rest", lambda *_: 0)
    with pytest.raises(AssertionError):
        holds_row(lookup("exp"), 0.1)


SEVERAL = {
    "atan2": [(1.0, 2.0), (-1.0, -1.5), (2.0, -0.5)],
    "hypot": [(3.0, 4.0), (0.2, -1.0)],
    "real_power": [(2.0, 0.5), (1.7, -1.7)],
    "logaddexp": [(1.0, -2.0)],
}


@pytest.mark.parametrize("name", SEVERAL)
def test_rows_of_two_arguments_hold(name):
    row = lookup(name)
    for a, b in SEVERAL[name]:
        for width in (0.01, 0.1):
            pair = [(c - width * abs(c), c + width * abs(c)) for c in (a, b)]
            x, y = tv.models(pair, order=4)
            for first, second in ((x, y), (x * y / b, y), (x, b), (a, y)):
                z = row(first, second)
                for xi in points(2, 6, MP.mpf):
                    p, q = place(x.space, xi, MP.mpf)
                    if first is not x and first is not a:
                        p = p * q / b
                    given = (a if first is a else p), (b if second is b else q)
                    check(z, row.mp(MP, *map(MP.mpf, given)), xi, MP.mpf)


def test_powers_with_constants_hold():
    x = tv.models((0.6, 1.4), order=6)
    for f in (
        lambda x: x**1.5,
        lambda x: x**2.3,
        lambda x: x**-2,
        lambda x: 2.0**x,
        lambda x: x**x,
    ):
        y = f(x)
        errors = []
        for xi in points(1, 10, MP.mpf):
            value = f(place(x.space, xi, MP.mpf)[0])
            check(y, value, xi, MP.mpf)
            errors.append(abs(value - polynomial(y, xi, MP.mpf)))
        assert f(2.0) == 4.0 or float(y.radius) < 1.01 * max(errors)  # but in exponents


# ------------------------------------------------------------------ bounds
def test_better_bounds_lie_in_worse_ones_and_hold_all_values():
    t, u = tv.models([(0, 1), (-1, 1)], order=6)
    for z in (np.sin(t * u) + t**2, t**2 + u**2 - t * u, (t - 0.3) ** 4 - u + t, t * 0 + 2):
        norm, ldb, split = (z.range(b) for b in ("norm", "ldb", "split"))
        assert split.subset(ldb | split) and ldb.subset(norm)
        assert split.subset(ldb)
        for xi in points(2, 20):
            p = polynomial(z, xi, Fraction)
            assert split.lo <= p - Fraction(float(z.radius))
            assert p + Fraction(float(z.radius)) <= split.hi
    x = tv.models((0.0, 1.0), order=4)
    narrow = (10 * x + x**2 - x**3).range("ldb")  # dominated by its linear part
    assert narrow.width < 10 * (1 + 1e-6) and narrow.hi < 10 + 1e-6
    with pytest.raises(ValueError, match="norm, ldb, split"):
        x.range("best")


def test_a_divisor_is_bounded_again_before_it_is_said_to_hold_zero():
    t, u = tv.models([(0, 1), (-1, 1)], order=6)
    z = t**2 + u**2 - t * u + 0.1
    assert 0 in z.range() and 0 not in z.range("split")
    y = 1 / z
    for xi in points(2, 10):
        s, v = place(z.space, xi)
        check(y, 1 / (s * s + v * v - s * v + Fraction(0.1)), xi)
    with pytest.raises(taylor.PoleError, match="split the box"):
        1 / (t - 0.5)


# ------------------------------------------------------------------ what models are asked
def test_models_at_points_on_parts_and_of_each_other():
    t, u = tv.models([(0, 1), (-1, 1)], order=6)
    z = np.exp(t * u) - t
    assert math.exp(0.12) - 0.3 in z(0.3, 0.4)
    part = z(tv.Interval(0.2, 0.4), 0.4)
    assert all(math.exp(0.4 * s) - s in part for s in (0.2, 0.31, 0.4))
    v = tv.models((0.1, 0.2), order=6)
    inner = z(v, np.sin(v))
    assert inner.space == v.space
    for xi in points(1, 10, MP.mpf):
        (x,) = place(v.space, xi, MP.mpf)
        check(inner, MP.exp(x * MP.sin(x)) - x, xi, MP.mpf)
    with pytest.raises(taylor.DomainError, match="not inside"):
        z(1.5, 0.0)
    with pytest.raises(TypeError, match="2 variables"):
        z(0.5)
    p = z.polynomial
    assert np.isclose(p([0.1, 0.2]), math.exp(0.6 * 0.2) - 0.6, atol=1e-6)


def test_integrals_of_models():
    t, u = tv.models([(0, 1), (-1, 1)], order=5)
    z = t**2 * u + np.cos(t)
    y = z.integ(0)
    for xi in points(2, 10, MP.mpf):
        s, v = place(z.space, xi, MP.mpf)
        h = MP.mpf(0.5)
        exact = (s**3 - h**3) / 3 * v + MP.sin(s) - MP.sin(h)
        check(y, exact, xi, MP.mpf)
    with pytest.raises(TypeError, match="slopes"):
        z.deriv(0)
    with pytest.raises(ValueError, match="no variable 2"):
        z.integ(2)


def test_kinks_and_choices_hold_both_sides():
    t, u = tv.models([(-0.5, 1), (0.1, 1)], order=4)
    made = {
        "abs": (abs(t), lambda s, v: abs(s)),
        "max": (np.maximum(t, u), max),
        "clip": (np.clip(t, 0.0, 0.4), lambda s, v: min(max(s, 0), Fraction(0.4))),
        "where": (np.where(u > 0, t, -t), lambda s, v: s),
        "sure": (np.maximum(t + 3, u), lambda s, v: s + 3),
        "floor": (np.floor(u * 3), lambda s, v: math.floor(3 * v)),
    }
    for z, f in made.values():
        for xi in points(2, 20):
            check(z, f(*place(t.space, xi)), xi)
    assert float(made["sure"][0].radius) < 1e-14
    with pytest.raises(taylor.Undecided):
        np.where(t > 0, t, u)


def test_numpy_functions_of_arrays_of_models():
    x = tv.models([(0, 1), (-1, 1), (1, 2)], order=3)
    a = np.array([[1.0, 2.0, -1.0], [0.1, 0.0, 3.0]])
    y = a @ x
    z = np.stack([np.sum(x**2), x @ x, np.einsum("i,i->", x, x), np.cumsum(x)[2]])
    w = np.concatenate([x[::-1], y]).reshape(5)
    for xi in points(3, 6):
        p = place(x.space, xi)
        rows = [sum(Fraction(c) * q for c, q in zip(row, p, strict=True)) for row in a.tolist()]
        square = sum(q * q for q in p)
        for model, exact in zip(
            [*y, *z, *w], [*rows, square, square, square, sum(p), *p[::-1], *rows], strict=True
        ):
            check(model, exact, xi)
    x[0] = 0.5
    assert x[0].range().width < 1e-15 and x.shape == (3,) and len(x) == 3


def test_step_rules_run_over_models():
    program = expand(record(lambda y: np.sin(y) * y + 1 / y, 1.0))
    x = tv.models((0.9, 1.1), order=5)
    zero = x._zeros((4,))
    zero[0] = x
    zero[1] = 1.0
    table = sweep(program, Univariate(3), [zero])[0]
    for xi in points(1, 6, MP.mpf):
        (at,) = place(x.space, xi, MP.mpf)
        exact = MP.taylor(lambda y: MP.sin(y) * y + 1 / y, at, 3)
        for k in range(4):
            check(table[k], exact[k], xi, MP.mpf)


def test_generators_are_linear_and_carry_errors():
    space = Space.unit(1, 3, 2)
    (xi,), eta = space.variables(), space.generators()
    y = (1 + xi + 0.1 * eta[0]) * (2 - eta[1])
    linear = space.algebra.linear
    assert np.allclose(y.coef[linear, ...], [2, 0.2, -1])
    assert y.radius >= 0.1  # of the product of both


def test_models_that_do_not_fit_and_boxes_that_are_none(monkeypatch):
    x, y = tv.models((0, 1), order=2), tv.models((0, 1), order=3)
    with pytest.raises(taylor.AlgebraMismatch, match="one call of models"):
        x + y
    with pytest.raises(taylor.DomainError, match="finite ends"):
        tv.models((0, math.inf), order=2)
    with pytest.raises(TypeError, match="pair"):
        tv.models(3.0, order=2)
    with pytest.raises(taylor.DomainError):
        np.log(tv.models((-0.1, 1), order=2))
    big = tv.models((400, 401), order=2)
    for huge in (
        lambda x: np.sinh(x) ** 2,
        lambda x: (1e150 * x) ** 3,
        lambda x: np.exp(x) ** 2 + x,
    ):
        with pytest.raises(taylor.DomainError, match="no finite bound"):  # and no warning
            huge(big)
    with pytest.raises(TypeError):
        bool(x)
    with monkeypatch.context() as patched:
        patched.setattr(environment, "HALF", 1.5 * 2.0**-53)
        with pytest.raises(RuntimeError, match="rounding mode"):
            x * x
    assert "order 2" in repr(x)
