"""Ranges, least values, roots, integrals and signs, proved: published problems and closed forms."""

import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from dask.distributed import Client
from shared import rosenbrock

import taylor
from taylor import verified as tv
from taylor.verified import effort
from taylor.verified.boxes import Boxes

MP = mpmath.mp.clone()
MP.dps = 40
A, B, C, D, E, F = (-4.5, -0.3), (0.4, 0.9), (3.8, 7.8), (8.0, 10.0), (-10.0, 8.0), (1.0, 2.0)


def camel(x):
    first = (4 - 2.1 * x[0] ** 2 + x[0] ** 4 / 3) * x[0] ** 2
    return first + x[0] * x[1] + (-4 + 4 * x[1] ** 2) * x[1] ** 2


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


# ------------------------------------------------------------------ least values
def test_least_values_of_published_problems():
    found = tv.minimize(camel, [(-3, 3), (-2, 2)], tol=1e-7)
    assert found.value.lo >= -1.03162846 and found.value.hi <= -1.03162839 and found.complete
    for sign in (1, -1):  # both points where it is taken are held
        point = np.array([0.0898420131, -0.7126564030]) * sign
        assert any(np.all(np.abs(b.mid - point) < 1e-3) for b in found.boxes)
    for n in (2, 3):
        found = tv.minimize(rosenbrock, [(-2, 2)] * n, tol=1e-7)
        assert 0 in found.value and found.value.width <= 1e-7
        assert any(np.ones(n) in b for b in found.boxes)
    assert 0 in tv.minimize(himmelblau, [(-5, 5)] * 2, tol=1e-9).value


def test_least_values_at_ends_at_kinks_and_of_constants():
    found = tv.minimize(lambda x: x**3 - x, (-2.0, 2.0), tol=1e-9)
    assert -6 in found.value and -2.0 in found.boxes[0] and len(found.boxes) == 1
    assert 0 in tv.minimize(lambda x: abs(x - 0.3), (-1.0, 1.0), tol=1e-6).value
    kinked = tv.minimize(lambda x: np.maximum(x[0], -x[0]) + abs(x[1] - 1), [(-1, 2)] * 2, tol=1e-3)
    assert 0 in kinked.value
    assert 0 in tv.minimize(abs, (-1.0, 1.0), tol=1e-6).value  # a kink where boxes are cut
    tied = tv.minimize(lambda x: np.maximum(x, x) ** 2 + np.floor(0 * x), (-1.0, 2.0), tol=1e-4)
    assert 0 in tied.value
    found = tv.roots(lambda x: abs(x) - 0.5, (-1.0, 1.0))
    assert len(found.unique) == 2 and not len(found.undecided)
    assert 1 in tv.quad(abs, -1.0, 1.0, tol=1e-4)
    tenth = tv.Interval("0.1")
    assert 0.2 in tv.minimize(lambda x: tenth * x, (2.0, 3.0), tol=1e-9).value
    assert 3 in tv.minimize(lambda x: 3.0 + 0 * x, (0.0, 1.0)).value
    with pytest.raises(tv.NotVerified, match=r"branch of its code.*np\.where"):
        tv.minimize(lambda x: x**2 if x > 0 else -x, (-1.0, 2.0), max_boxes=2000)
    branch = tv.minimize(lambda x: np.where(x > 0, x**2, -x), (-1.0, 2.0), tol=1e-3)
    assert 0 in branch.value
    far = tv.minimize(lambda x: x**2 if x > 0 else -x, (0.1, 2.0), tol=1e-9)
    assert 0.1**2 in far.value


def test_budgets_end_in_what_is_true():
    with pytest.raises(tv.NotVerified, match="max_boxes") as error:
        tv.minimize(camel, [(-3, 3), (-2, 2)], tol=1e-9, max_boxes=300)
    found = error.value.result
    assert -1.0316284534898774 in found.value and not found.complete
    with pytest.raises(tv.NotVerified) as error:
        tv.range(camel, [(-3, 3), (-2, 2)], tol=1e-9, max_boxes=300)
    assert -1.0316284534898774 in error.value.result and camel([3.0, 2.0]) in error.value.result
    with pytest.raises(tv.NotVerified) as error:
        tv.roots(np.sin, (0.5, 1000.0), max_boxes=100)
    assert len(error.value.result.undecided)
    with pytest.raises(tv.NotVerified) as error:
        tv.quad(lambda x: np.sin(x + np.exp(x)), 0.0, 8.0, tol=1e-11, max_pieces=100)
    assert 0.3474001726652 in error.value.result


# ------------------------------------------------------------------ ranges
# bounds of J. Althoff et al., ARCH18, and of the benchmarks of TaylorModels.jl
BY_HAND = {
    "sine": (np.sin, -1.0, 0.977530117665097),
    "bspline0": (lambda x: (1 - x) ** 3 / 6, 0.36616666666666675, 27.729166666666668),
    "bspline1": (lambda x: (3 * x**3 - 6 * x**2 + 4) / 6, -65.14583333333333, 0.5631666666666667),
    "bspline3": (lambda x: -(x**3) / 6, 0.0045, 15.1875),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_ranges_known_by_hand(name):
    f, low, high = BY_HAND[name]
    found = tv.range(f, A, tol=1e-9)
    assert abs(found.lo - low) <= 2e-9 and abs(found.hi - high) <= 2e-9
    assert found.lo <= low + 1e-13 and high - 1e-13 <= found.hi


def kepler1(x):
    a, b, c, d, e, f = x
    return b * e + c * f - b * c - e * f + a * (-a + b + c - d + e + f)


def kepler2(x):
    a, b, c, d = x
    return (
        a * d * (-a + b + c - d) + b * (a - b + c + d) + c * (a + b - c + d)
        - b * c * d - a * c - a * b - d
    )  # fmt: skip


def kepler3(x):
    a, b, c, d, e, f = x
    return (
        a * d * (-a + b + c - d + e + f) + b * e * (a - b + c + d - e + f)
        + c * f * (a + b - c + d + e - f) - b * c * d - a * c * e - a * b * f - d * e * f
    )  # fmt: skip


def rigid1(x):
    return -x[0] * x[1] - 2 * x[1] * x[2] - x[0] - x[2]


def rigid2(x):
    return 2 * x[0] * x[1] * x[2] + 6 * x[2] ** 2 - x[1] ** 2 * x[0] * x[2] - x[1]


KERNELS = {
    "himmelblau": (himmelblau, [A, B]), "kepler1": (kepler1, [A, B, C, D, E, F]),
    "kepler2": (kepler2, [A, B, C, D]), "kepler3": (kepler3, [A, B, C, D, E, F]),
    "rigid1": (rigid1, [A, B, C]), "rigid2": (rigid2, [A, B, C]),
}  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_ranges_of_kernels_hold_all_values_and_are_taken(name):
    f, box = KERNELS[name]
    found = tv.range(f, box, tol=1e-6)
    low, high = np.transpose(box)
    corners = np.array(np.meshgrid(*box)).reshape(len(box), -1)
    inner = low[:, None] + np.random.default_rng(1).random((len(box), 3000)) * (high - low)[:, None]
    for x in (corners, inner):
        y = f(x)
        assert found.lo <= y.min() + 1e-9 and y.max() - 1e-9 <= found.hi
    for sign in (1, -1):
        least = tv.minimize(lambda x, sign=sign: sign * f(x), box, tol=1e-6)
        assert (sign * f(least.boxes[0].mid) - least.value.hi) < 1e-5
        assert abs((found.lo if sign > 0 else -found.hi) - least.value.lo) < 1e-12
    if name == "kepler1":  # [-5.26, 7.32] of TaylorModels.jl is refuted by this point
        assert f([-4.5, 0.9, 7.8, 8.0, 8.0, 2.0]) < -68.6 and found.lo > -68.63
    if name == "himmelblau":  # 85.468122, 221.734015 by sums of squares
        assert abs(found.lo - 85.468122) < 1e-4 and abs(found.hi - 221.734015) < 1e-4


def test_signs():
    assert tv.sign(lambda x: 1 + x[0] ** 2 - x[1], [(-1, 1), (-1, 0.99)], ">")
    assert not tv.sign(lambda x: 1 + x[0] ** 2 - x[1], [(-1, 1), (-1, 1.01)], ">")
    assert tv.sign(lambda x: np.log(x) - x, (0.1, 5.0), "<")
    assert tv.sign(lambda x: x**2, (-1.0, 1.0), ">=")
    assert not tv.sign(np.cos, (0.0, 2.0), ">=")
    with pytest.raises(tv.Undecided, match="not decided"):
        tv.sign(lambda x: (x - 0.3) ** 2 + 0 * np.sin(x), (-1.0, 1.0), ">", max_boxes=200)
    with pytest.raises(ValueError, match="relation"):
        tv.sign(np.sin, (0, 1), "=")


# ------------------------------------------------------------------ roots
def test_the_roots_of_a_bessel_function():
    found = tv.roots(lambda x: taylor.jv(0, x), (0.1, 100.0))
    assert len(found.unique) == 32 and not len(found.undecided)
    exact = [MP.besseljzero(0, k + 1) for k in range(len(found.unique))]
    for x, y in zip(found.unique, exact, strict=True):
        assert x.lo <= y <= x.hi and x.width < 1e-12


def test_roots_of_one_equation():
    found = tv.roots(lambda x: np.sin(x**2) - 0.3 * x, (0.1, 6.0))
    assert len(found.unique) == 4 and not len(found.undecided)
    for x in found.unique:
        y = MP.findroot(lambda t: MP.sin(t * t) - MP.mpf(0.3) * t, float(x.mid))
        assert x.lo <= y <= x.hi and x.width < 2e-14
    assert not len(tv.roots(np.exp, (-5.0, 5.0)).unique)
    double = tv.roots(lambda x: (x - 1) ** 2, (0.0, 2.0), tol=1e-6)
    assert not len(double.unique) and len(double.undecided)
    assert all(1 in x for x in [np.max(double.undecided) | np.min(double.undecided)])
    at_an_end = tv.roots(lambda x: x**2 - 1, (0.0, 1.0))
    assert len(at_an_end.unique) + min(len(at_an_end.undecided), 1) == 1
    cut = tv.roots(lambda x: x * (x - 0.5), (-1.0, 1.0))  # where boxes are cut
    assert len(cut.unique) == 2 and not len(cut.undecided)


def test_roots_of_systems():
    found = tv.roots(
        lambda x: np.stack([x[0] ** 2 + x[1] ** 2 - 1, x[0] - x[1] ** 2]), [(-2, 2), (-2, 2)]
    )
    assert len(found.unique) == 2 and not len(found.undecided)
    x = (math.sqrt(5) - 1) / 2
    for b, sign in zip(found.unique, sorted([-1, 1], key=lambda s: found.unique[0].mid[1] * -s),
                       strict=True):  # fmt: skip
        assert np.all(np.abs(b.mid - [x, sign * math.sqrt(x)]) < 1e-12)
    gradient = tv.roots(lambda x: taylor.gradient(himmelblau, x), [(-5, 5), (-5, 5)])
    assert len(gradient.unique) == 9 and not len(gradient.undecided)
    with pytest.raises(ValueError, match="2 unknowns"):
        tv.roots(lambda x: x[0] + x[1], [(0, 1), (0, 1)])


# ------------------------------------------------------------------ integrals
def test_integrals():
    y = tv.quad(lambda x: np.sin(x + np.exp(x)), 0.0, 8.0, tol=1e-11)
    assert y.lo >= 0.3474001726 and y.hi <= 0.3474001727 and y.width <= 1e-11


def test_integrals_of_closed_forms():
    y = tv.quad(lambda x: np.exp(np.sin(x)), 0.0, 3.0, tol=1e-12)
    exact = MP.quad(lambda x: MP.exp(MP.sin(x)), [0, 1, 2, 3])
    assert y.lo <= exact <= y.hi and y.width <= 1e-12
    y = tv.quad(lambda x: taylor.erf(x) * np.arctan(x), 0.0, 3.0, tol=1e-11)
    exact = MP.quad(lambda x: MP.erf(x) * MP.atan(x), [0, 1, 2, 3])
    assert y.lo <= exact <= y.hi
    assert 2 in tv.quad(np.sin, 0.0, tv.Interval("3.14159265358979323846").mid) | 2.0
    back = tv.quad(np.exp, 1.0, 0.0)
    assert back.lo <= 1 - MP.e <= back.hi and tv.quad(np.exp, 1.0, 1.0).width < 1e-300


def test_integrals_over_boxes_and_of_kinks():
    y = tv.quad(lambda x: np.exp(x[0] * x[1]), [0.0, 0.0], [1.0, 1.0], tol=1e-9, order=8)
    exact = MP.ei(1) - MP.euler
    assert y.lo <= exact <= y.hi and y.width <= 1e-9
    y = tv.quad(lambda x: np.sum(x**2), [0.0, 0.0, 0.0], [1.0, 2.0, 1.0], order=4)
    assert 4 in y and y.width < 1e-10
    root = tv.quad(np.sqrt, 0.0, 1.0, tol=1e-6)
    assert MP.mpf(2) / 3 >= root.lo and MP.mpf(2) / 3 <= root.hi
    kink = tv.quad(lambda x: abs(x - 0.3), 0.0, 1.0, tol=1e-5)
    assert 0.29 in kink or abs(kink.mid - 0.29) < 1e-5
    with pytest.raises(ValueError, match="finite"):
        tv.quad(np.exp, -math.inf, 0.0)


# ------------------------------------------------------------------ how it is done
def test_executors_and_progress_change_nothing():
    seen = []
    alone = tv.minimize(camel, [(-3, 3), (-2, 2)], tol=1e-7, progress=lambda *n: seen.append(n))
    assert seen[-1] == (alone.evaluated, 0) and seen[0][1] > 0
    cluster = Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None)
    for pool in (ThreadPoolExecutor(3), ProcessPoolExecutor(2), cluster):
        with pool as each:
            executor = cluster.get_executor() if pool is cluster else each
            other = tv.minimize(camel, [(-3, 3), (-2, 2)], tol=1e-7, executor=executor)
        assert (other.value.lo, other.value.hi) == (alone.value.lo, alone.value.hi)
        assert np.array_equal(other.boxes.lo, alone.boxes.lo)
    with pytest.raises(TypeError, match="progress"):
        tv.minimize(camel, [(-3, 3), (-2, 2)], progress=3)
    with pytest.raises(TypeError, match="executor"):
        tv.range(camel, [(-3, 3), (-2, 2)], executor=3)


def test_arguments_that_make_no_sense():
    with pytest.raises(TypeError, match="function"):
        tv.minimize(3, (0, 1))
    with pytest.raises(TypeError, match="one number"):
        tv.minimize(lambda x: x, [(0, 1), (0, 1)])
    with pytest.raises(taylor.DomainError, match="finite ends"):
        tv.range(np.exp, (0, math.inf))


JUMPS = {
    "where": lambda x: np.where(x > 0.1, x, -5.0),
    "product": lambda x: x * (x > 0.1) - 5 * (x <= 0.1),
    "floor": lambda x: np.floor(x + 0.9) + 0.1 * x,
    "sign": lambda x: x + 3 * np.sign(x - 0.1),
    "remainder": lambda x: (x - 0.1) % 1.0 + 0.1 * x,
    "fmod": lambda x: np.fmod(3 * x, 1.0),
    "heaviside": lambda x: np.heaviside(x - 0.1, 0.5) * (x + 2),
    "abs": lambda x: abs(x - 0.1) - x,
    "interp": lambda x: np.interp(x, [-1.0, 0.1, 1.0], [0.0, 2.0, -1.0]),
}


def integral(f, box, **given):
    return tv.quad(f, *box, **given)


LIMITS = {tv.range: {"max_boxes": 400}, integral: {"max_pieces": 60}}


@pytest.mark.parametrize("name", JUMPS)
def test_jumps_have_no_slopes_and_no_series(name):
    f = JUMPS[name]
    box, x = (-1.0, 1.0), np.linspace(-1, 1, 20_001)
    y = f(x)
    for g in LIMITS:
        try:
            found = g(f, box, tol=0.05, **LIMITS[g])
        except tv.NotVerified as error:
            found = error.result
            assert name != "interp"  # no jump
        wanted = (y.min(), y.max()) if g is tv.range else [np.trapezoid(y, x)] * 2
        assert found.lo <= wanted[0] + 1e-3 and wanted[1] - 1e-3 <= found.hi
    zeros = f(x[:-1]) * f(x[1:]) <= 0
    continuous = np.abs(np.diff(y)) < 0.01
    try:
        found = tv.roots(f, box, tol=1e-6, max_boxes=1000)
    except tv.NotVerified as error:
        found = error.result
    for left in x[:-1][zeros & continuous][::500]:
        held = [*found.unique, *found.undecided]
        assert any(b.lo <= left + 1e-4 and left <= b.hi for b in held)
    for b in found.unique:
        assert f(b.lo - 1e-6) * f(b.hi + 1e-6) <= 0 and abs(f(b.mid)) < 1e-3


# ------------------------------------------------------------------ what has an end
AWKWARD = {  # steps, poles, ends of domains, ridges, ties, branches, infinitely many of anything
    "steps": (lambda x: np.floor(3 * x[0]) + np.sin(x[1]) * x[0], [(0, 1)] * 2),
    "sums of steps": (lambda x: np.sum(np.floor(x * 4) * x), [(0, 1)] * 8),
    "corner": (lambda x: np.maximum(x[0], 0) * np.maximum(x[1], 0), [(-1, 1)] * 2),
    "ridge": (lambda x: (x[0] - x[1]) ** 2 * (x[2] - x[3]) ** 2, [(0, 1)] * 4),
    "circle": (lambda x: (x[0] ** 2 + x[1] ** 2 - 1) ** 2, [(-2, 2)] * 2),
    "pole": (lambda x: 1 / (x[0] * x[1]), [(-1, 1)] * 2),
    "log": (lambda x: np.log(x[0]) * x[1], [(0, 1)] * 2),
    "root": (lambda x: np.sqrt(x[0]) * np.sqrt(1 - x[1]), [(0, 1)] * 2),
    "branch": (lambda x: x[0] if x[0] > x[1] else x[1], [(0, 1)] * 2),
    "waves": (lambda x: np.sin(1 / x), (1e-9, 1)),
    "cancelled": (lambda x: x[0] * x[1] - x[1] * x[0] + x[0] - x[0], [(0, 1)] * 2),
    "remainder": (lambda x: np.remainder(x[0] * 7, 1.0) * x[1], [(0, 1)] * 2),
    "angle": (lambda x: np.arctan2(x[0], x[1]), [(-1, 1)] * 2),
    "power": (lambda x: x[0] ** x[1], [(0, 1)] * 2),
    "table": (lambda x: np.interp(x[0], [0, 0.5, 1], [0, 1, 0]) * x[1], [(0, 1)] * 2),
    "sorted": (lambda x: np.sort(x)[1] - x[0], [(0, 1)] * 3),
    "largest": (lambda x: x[np.argmax(x)], [(0, 1)] * 3),
    "jump": (lambda x: np.where(x[0] * x[1] > 0.25, 1.0, x[0] * x[1]), [(0, 1)] * 2),
    "gamma": (lambda x: taylor.gamma(x) * x, (-0.9, 2)),
    "Bessel": (lambda x: taylor.jv(0, x) * np.floor(x), (0, 9)),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_searches_end_in_a_true_answer(name, monkeypatch):
    f, box = AWKWARD[name]
    monkeypatch.setattr(effort, "FREE", 300)
    monkeypatch.setattr(effort, "EFFORT", 1e4)
    try:
        found = tv.range(f, box)
    except tv.NotVerified as error:
        found = error.result
    low, high = np.transpose(box)
    share = np.random.default_rng(2).random((200, *np.shape(low)))
    with np.errstate(all="ignore"):
        values = [f(x) for x in low + share * (high - low)]
    values = [v for v in values if np.isfinite(v)]
    assert found.lo <= min(values) * (1 - 1e-12) + 1e-12
    assert max(values) * (1 - 1e-12) - 1e-12 <= found.hi


def test_as_many_boxes_as_were_asked_for_and_else_by_effort():
    boxes = [SimpleNamespace(effort=lambda by_code: 100.0)]
    assert effort.allowed(7, boxes)(10**6) == 7
    assert effort.allowed(None, boxes)(10) == effort.FREE
    assert effort.allowed(None, boxes)(10**6) == effort.EFFORT / 100
    boxes[0].effort = lambda by_code: 1e-9 if by_code else 100.0
    assert effort.allowed(None, boxes)(10**6) == effort.BUDGET


@pytest.mark.parametrize(
    ("f", "tol"),
    [
        (lambda x: x if x < 0.5 else 1 - x, 1e-2),
        (lambda x: np.where(x == 0.5, 1.0, 0.0), 1e-6),
        (lambda x: np.where((x > 0.5) & (x < 0.5 + 1e-9), 1e9, 0.0), 1e-10),
        (lambda x: 1 / (x - 0.3), 1e-6),
        (lambda x: np.log(x), 1e-6),
    ],
)
def test_an_integral_over_a_piece_without_bounds_is_given_up_soon(f, tol):
    counts = []
    try:
        found = tv.quad(f, 0.0, 1.0, tol=tol, progress=lambda done, left: counts.append(done))
    except tv.NotVerified:
        assert counts[-1] < 5000
    else:
        assert found.width <= tol


def test_a_choice_of_two_constants():
    f = lambda x: np.where(x < 0.25, 1.0, 2.0)
    assert 1.75 in tv.quad(f, 0, 1, tol=1e-6)
    found = tv.range(f, (0, 1))
    assert 1 in found and 2 in found and found.width < 1 + 1e-5


@pytest.mark.parametrize("box", [(0, 1), [(0, 1)], [(0, 1), (-1, 2)]])
@pytest.mark.parametrize("c", [3.0, 3, 0.0])
def test_a_constant_function(box, c):
    f = lambda x: c
    assert c in tv.range(f, box) and tv.range(f, box).width == 0
    assert c in tv.minimize(f, box).value
    assert tv.sign(f, box, ">") == (c > 0) and tv.sign(f, box, ">=")
    n = 1 if isinstance(box, tuple) else len(box)
    value = c if isinstance(box, tuple) else [c] * n
    if c:
        found = tv.roots(lambda x: value, box)
        assert len(found.unique) == len(found.undecided) == 0


def test_equations_may_be_a_list():
    box = [(-1, 1), (0, 2)]
    found = tv.roots(lambda x: [x[0] + x[1] - 1, x[0] - x[1] + 0.5], box)
    array = tv.roots(lambda x: np.stack([x[0] + x[1] - 1, x[0] - x[1] + 0.5]), box)
    assert len(found.unique) == len(array.unique) == 1
    assert np.array([0.25, 0.75]) in found.unique[0]
    assert len(tv.roots(lambda x: [3.0, x[0]], box).unique) == 0


@pytest.mark.parametrize("tol", [math.nan, 0, -1])
@pytest.mark.parametrize("search", [tv.range, tv.minimize, tv.roots])
def test_a_tolerance_is_positive(search, tol):
    with pytest.raises(ValueError, match="tol has to be positive"):
        search(np.exp, (0, 1), tol=tol)
    with pytest.raises(ValueError, match="tol has to be positive"):
        tv.quad(np.exp, 0, 1, tol=tol)


@pytest.mark.parametrize("f", [taylor.digamma, taylor.lgamma, taylor.gamma])
def test_a_search_over_a_pole_says_so(f):
    with pytest.raises((tv.NotVerified, taylor.DomainError)):
        tv.range(f, (-0.5, 0.5), max_boxes=500)
    assert len(tv.roots(f, (-0.5, -0.4)).unique) == 0


def angle(x):
    return np.arctan2(x - 0.3, -1.0)  # jumps from -π to π at 0.3


@pytest.mark.parametrize("f", [lambda x: 1 / np.sin(x), lambda x: np.arctan(x) / x, np.reciprocal])
def test_a_box_without_bounds_is_not_halved_to_the_least_floats(f):
    counts = []
    with pytest.raises(tv.NotVerified, match="a pole") as caught:
        tv.minimize(f, (-1, 1), progress=lambda done, left: counts.append(done))
    assert len(counts) < 20 and np.isinf(caught.value.result.value.mag)


def test_slow_gains_are_waited_for():
    slow = tv.minimize(lambda x: np.sqrt(np.sqrt(np.sqrt(np.sqrt(abs(x))))), (-1, 1), tol=1e-6)
    assert slow.complete and 0 in slow.value


def test_a_function_of_a_search_returns_one_number():
    for f in (lambda x: [x[0], x[1]], lambda x: x * 2):
        for search in (tv.range, tv.minimize, tv.sign):
            with pytest.raises(TypeError, match=r"one number, not an array .*\(2,\)"):
                search(f, [(0, 1)] * 2)


def test_a_jump_costs_the_slopes_of_its_box_alone():
    f = partial(taylor.value_and_gradient, lambda x: np.sign(x[0]))
    slopes = Boxes(f, (1,), None, slopes=True)
    x = tv.Interval([[-1.0], [0.5]], [[1.0], [0.7]])
    assert np.isfinite(slopes(x)[1].mag).ravel().tolist() == [False, True]


def test_what_jumps_or_has_poles_proves_nothing_across_them():
    """A slope where there are values says nothing of the members without one."""
    found = tv.roots(np.tan, (0.1, 18.9))
    assert len(found.unique) == 6 and len(found.undecided) == 6  # and six poles
    assert tv.sign(np.tan, (0.2, 2.9), ">") is False
    with pytest.raises(tv.NotVerified):
        tv.range(np.tan, (0.0, 2.0), max_boxes=200)
    y = tv.range(angle, (0.0, 1.0))
    assert (y.lo, y.hi) == pytest.approx((-np.pi, np.pi))
    assert 1.0728651365 in tv.quad(angle, 0.0, 1.0, tol=1e-3) + tv.Interval(-1e-9, 1e-9)
    found = tv.roots(lambda x: angle(x) + 3, (0.0, 1.0))
    assert [float(r) for r in found.unique.mid] == pytest.approx([0.3 - np.tan(np.pi - 3)])
    with pytest.raises(tv.NotVerified):
        tv.solve_ivp(lambda t, y: [angle(t)], (0, 1), [1.0])


def test_powers_of_negative_numbers():
    cube = lambda x: np.float_power(x, 3)
    y = tv.range(cube, (-2.0, 1.0))
    assert (y.lo, y.hi) == pytest.approx((-8, 1))
    assert np.float_power(tv.Interval(-4, 3), 2.0).hi >= 16
    assert -3.0 in taylor.derivative(lambda x: -cube(x), tv.Interval(-2, -1), 1)
    with pytest.raises(taylor.DomainError):
        tv.Interval(-4, -1) ** tv.Interval(0, 3)


def test_slopes_of_arrays_of_sets_across_poles():
    x = tv.Interval([0, 1], [2, 1.2])
    for f in (np.tan, lambda x: np.arctan2(x - 1, -1.0 - 0 * x)):
        g = taylor.gradient(lambda x, f=f: np.sum(f(x)), x)
        assert g.lo[0] == -np.inf and g.hi[0] == np.inf
        assert np.isfinite(g.lo[1]) or f is not np.tan


# ------------------------------------------------------------------ equality
@pytest.mark.parametrize("c", [0.3, 0.5, 1.0])  # 0.5 is where the code is recorded first
def test_values_of_single_points_are_held(c):
    with pytest.raises(tv.Undecided):
        tv.sign(lambda x: np.where(x == c, -1.0, 1.0), (0, 1), ">", max_boxes=1000)
    for f in (lambda x: np.where(x == c, -5.0, x), lambda x: -5.0 if x == c else x):
        with pytest.raises(tv.NotVerified) as least:
            tv.minimize(f, (0, 1), max_boxes=1000)
        assert -5 in least.value.result.value
        with pytest.raises(tv.NotVerified) as least:
            tv.quad(f, 0, 1, max_pieces=500)
        assert 0.5 in least.value.result
    with pytest.raises(tv.NotVerified) as values:
        tv.range(lambda x: np.where(x != c, 1.0, -1.0), (0, 1), max_boxes=1000)
    assert -1 in values.value.result and 1 in values.value.result
    found = tv.roots(lambda x: np.where(x != c, x - 0.2, 0.0), (0, 1))
    assert any(c in box for box in found.undecided) and any(0.2 in box for box in found.unique)


def test_a_comparison_that_holds_elsewhere_is_decided():
    def f(x):
        return -5.0 if x == 2 else x

    assert tv.sign(f, (0.1, 1), ">") and tv.minimize(f, (0.5, 1)).value.lo == 0.5
    assert tv.range(f, (0.5, 1.5)).hi == 1.5 and 0.375 in tv.quad(f, 0.5, 1.0)


def test_equality_at_every_point_is_refused():
    def f(x):
        return np.where(0 * x == 0, x, 1.0)

    for search in (tv.minimize, tv.range, tv.sign, tv.roots):
        with pytest.raises(tv.Undecided, match="compare with < or >"):
            search(f, (0.25, 0.75))
    with pytest.raises(tv.Undecided, match="compare with < or >"):
        tv.quad(f, 0.25, 0.75)


@pytest.mark.parametrize("step, one", [(np.ceil, 1), (np.floor, 0), (lambda x: np.sign(x - 1), -1)])
def test_equality_of_what_is_constant_between_jumps_is_decided_there(step, one):
    """Also where the middle of the box is a jump; a box that holds one alone is not decided."""

    def f(x):
        return 5.0 + x if step(x) == one else x

    for a, b in ((0.25, 0.75), (1.001, 1.5)):
        y = tv.range(f, (a, b), tol=1e-6)
        assert f(a) in y and f(b) in y and y.width < b - a + 3e-6
    assert 2.75 in tv.quad(f, 0.25, 0.75) and 0.75 in tv.quad(f, 1.25, 1.75)
    found = tv.roots(lambda x: f(x) - 1.5, (0.25, 1.75))
    assert any(1.5 in box for box in found.unique)
    with pytest.raises(tv.NotVerified) as both:
        tv.range(f, (0.25, 1.75), max_boxes=2000)
    assert 5.25 in both.value.result and 1.75 in both.value.result
