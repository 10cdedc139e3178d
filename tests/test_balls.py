"""Balls of flint enclose: every coefficient holds what mpmath finds with more digits."""

import copy
import pickle
import random
from decimal import Decimal
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
from flint import arb
from mpmath import iv, mpf

import taylor
from taylor import Taylor, TaylorN
from taylor.core.table import TABLE, Elementary
from taylor.numbers.kinds import Kind

DIGITS, MORE = 50, 90


@pytest.fixture(autouse=True)
def precision():
    with flint.ctx.workdps(DIGITS), mpmath.workdps(MORE):
        yield


def assert_encloses(found, wanted, digits=DIGITS - 10):
    """Check that balls hold numbers known to MORE digits, and are small beside the largest."""
    found, wanted = np.asarray(found).reshape(-1), np.asarray(wanted).reshape(-1)
    assert found.shape == wanted.shape and {type(e) for e in found} == {arb}
    scale = max(abs(e) for e in wanted) or mpf(1)
    for ball, value in zip(found, wanted, strict=True):
        rounding = abs(value) * mpf(10) ** (10 - MORE)
        assert abs(mpf(ball.mid()) - value) <= mpf(ball.rad()) + rounding
        assert mpf(ball.rad()) <= scale * mpf(10) ** -digits


def points(row):
    """Return samples of a row, and numbers in and out of most domains."""
    samples = [x if isinstance(x, tuple) else (x,) for x in row.samples]
    count = len(samples[0]) if samples else 1
    around = [(x, 0.75, 1.5)[:count] for x in (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)]
    return [x for x in samples + around if all(isinstance(v, float | int) for v in x)]


def expanded(row, number, point, order=6):
    return row(*(Taylor.variable(number(v), order, direction=1 + i) for i, v in enumerate(point)))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_row_encloses_its_series(name):
    row, enclosed = TABLE[name], 0
    for point in points(row):
        try:
            found = expanded(row, arb, point)
        except (taylor.DomainError, taylor.NonAnalyticError):
            continue
        assert_encloses(found.coef, expanded(row, mpf, point).coef)
        enclosed += 1
    assert enclosed >= 2


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"lgamma"}))
def test_a_row_has_the_domain_that_mpmath_has(name):
    row = TABLE[name]
    for point in points(row):
        outcomes = []
        for number in (arb, mpf):
            try:
                expanded(row, number, point)
                outcomes.append(True)
            except (taylor.DomainError, taylor.NonAnalyticError):
                outcomes.append(False)
        assert outcomes[0] == outcomes[1], point


def test_a_row_of_a_user_is_not_taken_for_one_of_the_table():
    mine = Elementary("sin", np.cos, lambda ctx, x: ctx.cos(x), lambda a, y: (-np.sin(a), 1))
    for x in (arb(1), Taylor.variable(arb(1), 2)):
        with pytest.raises(TypeError, match=r"flint\.arb has no sin"):
            mine(x)


def program(x):
    y = np.sin(np.exp(x / 3)) / np.sqrt(1 + x**2) + np.log(2 + x) * np.cos(x)
    return np.pi * y**3 - 2 / (x + 3) + y**0.3 + taylor.atan2(x, y) + abs(x) * np.arctan(x - y)


@pytest.mark.parametrize("digits", [50, 200])
@pytest.mark.parametrize("order", [0, 1, 10, 30, 100])
def test_a_long_program(order, digits):
    with mpmath.workdps(digits + 80):
        wanted = program(Taylor.variable(mpf(3) / 4, order)).coef
    with flint.ctx.workdps(digits):
        found = program(Taylor.variable(arb(3) / 4, order)).coef
    assert flint.ctx.cap == 10  # as it was
    with mpmath.workdps(digits + 80):
        if digits > MORE - 10:
            wanted = [+v for v in wanted]
        for ball, value in zip(found, wanted, strict=True):
            error = abs(mpf(ball.mid()) - value)
            assert error <= mpf(ball.rad()) + abs(value) * mpf(10) ** (-digits - 10)
            assert mpf(ball.rad()) <= (1 + abs(value)) * mpf(10) ** (order // 5 + 8 - digits)


def test_arrays_and_several_variables():
    values = (0.5, 1.25, 3)
    balls, exact = (np.array([n(v) / 3 for v in values]) for n in (arb, mpf))
    for f in (np.exp, np.sqrt, lambda x: x / (1 + x), lambda x: x**2.5, lambda x: x * np.sin(x)):
        assert_encloses(f(Taylor.variable(balls, 5)).coef, f(Taylor.variable(exact, 5)).coef)
        assert_encloses(
            f(np.stack(TaylorN.variables(balls, 3))).coef,
            f(np.stack(TaylorN.variables(exact, 3))).coef,
        )


def test_wide_balls_hold_the_series_at_their_members():
    rng = random.Random(0)
    found = program(Taylor.variable(arb(0.75, 2.0**-8), 5)).coef
    for _ in range(5):
        x = 0.75 + rng.uniform(-1, 1) * 2.0**-8
        for ball, value in zip(found, program(Taylor.variable(mpf(x), 5)).coef, strict=True):
            assert ball.is_finite()
            assert abs(mpf(ball.mid()) - value) <= mpf(ball.rad())


def test_what_may_be_zero_is_not_taken_for_zero():
    about = arb(0, 1)
    product = (Taylor([arb(1), about, about]) * Taylor([arb(1), arb(2), about])).coef
    assert product[2].contains(1 - 2 + 1) and product[2].contains(4)
    assert Taylor([arb(1), about]).active
    quotient = (TaylorN.variables([arb(1), arb(1)], 2)[0] * about).coef
    assert quotient[0].contains(-1) and quotient[0].contains(1)
    with pytest.raises(taylor.PoleError):
        1 / Taylor([about, arb(1)])
    with pytest.raises(taylor.DomainError, match="ball"):
        taylor.log(about)


def test_a_branch_is_taken_where_all_members_agree():
    f = lambda v: np.sum(np.where(v > 0, v * v, -v))
    found = taylor.gradient(f, np.array([arb(3, 1), arb(-3, 1)]))
    assert found[0].contains(4) and found[0].contains(8) and found[1] == -1
    found = taylor.gradient(f, np.array([arb(0, 1), arb(2)]))  # of both formulas
    assert found[0].contains(2) and found[0].contains(-1) and found[1] == 4
    for g in (
        lambda v: v[0] if v[0] > 0 else -v[0], np.max, lambda v: np.clip(v[0], 0, 1),
        lambda v: v[0] if v[0] == 0 else v[1], lambda v: v[0] if v[0] else v[1],
        lambda v: np.count_nonzero(v) * v[0],
    ):  # fmt: skip
        with pytest.raises(taylor.DomainError, match="split it"):
            taylor.gradient(g, np.array([arb(0, 1), arb(0.5)]))
        with pytest.raises(taylor.DomainError, match="split it"):
            g(Taylor.variable(np.array([arb(0, 1), arb(0.5)]), 1))
    assert taylor.absolute(arb(0, 1)).contains(0)
    with pytest.raises(taylor.DomainError, match="split it"):
        taylor.absolute(Taylor.variable(arb(0, 1), 2))


def test_how_balls_meet_other_numbers():
    x = Taylor.variable(arb(2), 1)
    third = mpf(1) / 3
    for other, value in (
        (3, 3), (0.1, mpf(0.1)), (np.float64(0.1), mpf(0.1)), (np.int64(7), 7), (third, third),
        (Fraction(1, 3), third), (Decimal("0.1"), mpf(1) / 10), (iv.mpf(1) / 3, third),
    ):  # fmt: skip
        for y in (x + other, other + x, x * other, other * x, other / x, x - other):
            assert repr(Kind.of(y)) == "Balls()"
        assert_encloses((other * x).coef, [2 * value, value], 14 if other is not third else 40)
    with pytest.raises(TypeError, match="meets no"):
        x * 1j


def test_not_a_number_and_bounds():
    x = np.array([arb.nan(), arb(1), arb.pos_inf()])
    t = Taylor.variable(x, 1)
    assert np.isnan(t).tolist() == [True, False, False]
    assert np.isfinite(t).tolist() == [False, True, False]


def test_copies_hold_the_ball():
    t = np.exp(Taylor.variable(np.array([arb(1) / 3, arb(2, 0.5)]), 2))
    for same in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        for a, b in zip(same.coef.flat, t.coef.flat, strict=True):
            assert a.contains(b) and a.mid() == b.mid() and a.rad() < b.rad() * 1.001 + 1e-99
    assert pickle.loads(pickle.dumps(arb.nan())).is_nan()


def test_an_equation_takes_no_balls():
    for t, y in ((0.0, [arb(1)]), (arb(0), [1.0])):
        with pytest.raises(TypeError, match="no balls"):
            taylor.ode.solve_ivp(lambda t, y: y, (t, 1.0), np.array(y))
