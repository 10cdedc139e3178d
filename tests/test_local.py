"""Local coefficients against closed forms at high precision, and the edges of every function."""

import functools
import math
import sys
from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest
from mpmath import mp

from taylor.numbers import quotient_series as quotients
from taylor.numbers import special_series as local

ULP = 2.0**-52
ORDER = 40


# ------------------------------------------------------------------ closed forms
def sinc(x, order):
    # m-th derivative of ∫₀¹ cos(πxu) du = Σ± ½ ∫₀¹ exp(±iπxu) du
    def half(m, i):
        return i**m * mp.hyp1f1(m + 1, m + 2, i * mp.pi * x) / (m + 1) / 2

    return [mp.pi**m / mp.factorial(m) * (half(m, 1j) + half(m, -1j)) for m in range(order + 1)]


def exprel(x, order):
    return [mp.hyp1f1(m + 1, m + 2, x) / mp.factorial(m + 1) for m in range(order + 1)]


def log1prel(x, order):
    return [(-1) ** m * mp.hyp2f1(m + 1, m + 1, m + 2, -x) / (m + 1) for m in range(order + 1)]


def gauss(x, m):
    """Return the coefficient of t^m in exp((x + t)²)."""
    return mp.exp(x * x) * (-1j) ** m * mp.hermite(m, 1j * x) / mp.factorial(m)


def erfcx(x, order):
    if mp.re(x) < 0:
        right = erfcx(-x, order)
        return [2 * gauss(x, m) - (-1) ** m * c for m, c in enumerate(right)]
    # DLMF 7.18.4 and 7.18.10
    half = mp.mpf(1) / 2
    return [
        (-1) ** m / mp.sqrt(mp.pi) * mp.hyperu((m + 1) * half, half, x * x)
        for m in range(order + 1)
    ]


def dawsn(x, order):
    with mp.workdps(mp.dps + 10 + int(order * 2 * mp.log10(2 + abs(x)))):
        bell = [gauss(1j * x, m) * 1j**m for m in range(order + 1)]
        erfi = [mp.erfi(x) * mp.sqrt(mp.pi) / 2]
        erfi += [gauss(x, m - 1) / m for m in range(1, order + 1)]
        return [mp.fdot(bell[: m + 1], erfi[m::-1]) for m in range(order + 1)]


def digamma(x, order):
    return [mp.psi(m, x) / mp.factorial(m) for m in range(order + 1)]


def over_z(value, g):
    def series(x, order):
        # the coefficients of g(z)/z are sums of those of g times those of 1/z
        with mp.workdps(mp.dps + 20 + int(abs(x))):
            terms = [g(x, j) / mp.factorial(j) for j in range(order)]
            pole = [(-1) ** i / x ** (i + 1) for i in range(order)]
            rest = [mp.fdot(terms[: m + 1], pole[m::-1]) / (m + 1) for m in range(order)]
            return [value(x), *rest]

    return series


def zeta(x, order):
    return [mp.zeta(x, 1, m) / mp.factorial(m) for m in range(order + 1)]


def ascending(sign):
    def series(n, x, order):
        # DLMF 10.2.2, 10.25.2: Σ_k sign^k (x/2)^(n+2k)/(k! (n+k)!), expanded at x
        flip = sign**n if n < 0 else 1
        n, last = abs(n), 60 + order + 2 * int(abs(x))
        with mp.workdps(mp.dps + int(abs(x))):
            terms = [(n, mp.mpf(flip) / 2**n / mp.fac(n))]
            for k in range(1, last):
                terms.append((n + 2 * k, terms[-1][1] * sign / (4 * k * (n + k))))
            power = [x**p for p in range(n + 2 * last)]
            return [
                mp.fsum(math.comb(p, m) * t * power[p - m] for p, t in terms if p >= m)
                for m in range(order + 1)
            ]

    return series


def bessel_y(n, x, order):
    # x² y'' + x y' + (x² - n²) y = 0 (DLMF 10.2.1)
    with mp.workdps(mp.dps + order):
        c = [mp.bessely(n, x), mp.bessely(n - 1, x) - n / x * mp.bessely(n, x)]
        for m in range(order - 1):
            low = 2 * x * c[m - 1] if m >= 1 else 0
            low += c[m - 2] if m >= 2 else 0
            low += (m * m - n * n + x * x) * c[m] + x * (m + 1) * (2 * m + 1) * c[m + 1]
            c.append(-low / (x * x * (m + 1) * (m + 2)))
        return c[: order + 1]


# name -> (function, closed form, points, order)
TABLE = {
    "exprel": (quotients.exprel, exprel, (0, 1e-300, -1e-8, 0.3, -0.75, 1, 7, -30, 200), ORDER),
    "log1prel": (quotients.log1prel, log1prel, (0, 1e-300, -1e-8, 0.01, 0.3, -0.5, 3, 50), 20),
    "sinc": (quotients.sinc, sinc, (0, 1e-300, 1e-8, 0.01, -0.75, 1, 10.3, 12.7, 1000.25), ORDER),
    "erfcx": (local.erfcx, erfcx, (-20, -5, -0.5, 0, 0.3, 1, 6, 8.5, 100, 1e6), ORDER),
    "dawsn": (local.dawsn, dawsn, (0, 0.3, 2, -7, 10, 17, 100, 1e6), ORDER),
    "digamma": (
        local.digamma,
        digamma,
        (1e-3, 0.5, 1.4616321449683622, 3, 50, 1e8, -0.5, -0.504083, -3.7, -200.3),
        ORDER,
    ),
    "expi": (local.expi, over_z(mp.ei, lambda x, j: mp.exp(x)), (2, 0.1, -1, 30, -50, 1e-8), 100),
    "ci": (
        local.ci,
        over_z(mp.ci, lambda x, j: mp.cos(x + j * mp.pi / 2)),
        (3, 0.1, 0.6165054856207162, 30, 100, 1e-8),
        100,
    ),
    "zeta": (local.zeta, zeta, (-3.5, -2, 0, 0.5, 1.0001, 2, 30), 12),
}
for _n in (0, 1, 2, 5, -3):
    for _kind, _form in {"j": ascending(-1), "y": bessel_y, "i": ascending(1)}.items():
        TABLE[f"bessel_{_kind}({_n})"] = (
            functools.partial(getattr(local, f"bessel_{_kind}"), _n),
            functools.partial(_form, _n),
            (1e-10, 0.3, 2.404825557695773, 20, 150) + ((0,) if _kind != "y" else ()),
            ORDER,
        )
EACH = pytest.mark.parametrize("name", TABLE)


def envelope(c, m):
    """Return |c_m| or, if larger, the geometric mean of its neighbours (their line, at m = 0)."""
    if m == 0:
        return max(abs(c[0]), abs(c[1]) ** 2 / abs(c[2]) if c[2] else 0)
    return max(abs(c[m]), mp.sqrt(abs(c[m - 1] * c[m + 1])))


def errors(table, exact):
    """Return the errors of the coefficients relative to the envelope."""
    found = []
    for m, v in enumerate(table):
        scale = envelope(exact, m)
        if not 1e-290 < scale < 1e300:  # denormal or beyond floats
            continue
        found.append(float(abs(mp.mpmathify(v) - exact[m]) / scale))
    return found


def check(name, points, order, limit):
    function, closed, _, _ = TABLE[name]
    table = function(np.array(points), order)
    assert table.dtype == np.array(points).dtype
    assert table.shape == (order + 1, len(points))
    with mp.workdps(80):
        for lane, x in zip(table.T, points, strict=True):
            assert max(errors(lane, closed(mp.mpmathify(x), order + 2))) < limit, x


@EACH
def test_floats_are_right_to_16_ulp(name):
    _, _, points, order = TABLE[name]
    check(name, [float(x) for x in points], order, 16 * ULP)


@EACH
def test_without_scipy(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    check(name, [float(x) for x in TABLE[name][2][1:4]], 8, 16 * ULP)


@EACH
def test_complex_lanes(name):
    check(name, [0.4 + 0.3j, 2.5 - 1j], 8, ULP)


# ------------------------------------------------------------------ numbers of mpmath
@EACH
def test_mpf_and_mpc_are_right_to_their_precision(name):
    function, closed, points, _ = TABLE[name]
    user = mpmath.ctx_mp.MPContext()
    user.dps = 50
    for x in (user.mpf(points[1]) + user.mpf(1) / 3, user.mpc(0.75, 0.25)):
        c = function(x, 6)
        assert c.shape == (7,)
        assert {type(v) for v in c} == {type(x)}
        assert all(len(bin(part._mpf_[1])) - 2 <= user.prec for v in c for part in (v.real, v.imag))
        with mp.workdps(100):
            assert max(errors(c, closed(mp.convert(x), 8))) < 1e-50
    assert user.dps == 50


@pytest.mark.parametrize("name", ["erfcx", "dawsn", "sinc", "zeta"])
@pytest.mark.parametrize("x", ["1e-400", "1e30", "1e200"])
def test_mpf_beyond_the_floats(name, x):
    # leading behaviour: c_1/c_0 at 0 and at infinity
    c = TABLE[name][0](mp.mpf(x), 2)
    small = mp.mpf(x) < 1
    leading = {
        "erfcx": -2 / mp.sqrt(mp.pi) if small else -1 / mp.mpf(x),
        "dawsn": 1 / mp.mpf(x) * (1 if small else -1),
        "sinc": -(mp.pi**2) / 3 * mp.mpf(x) if small else None,
        "zeta": mp.log(2 * mp.pi) if small else -mp.log(2) * mp.mpf(2) ** -mp.mpf(x),
    }[name]
    if leading is None:  # an even integer: sin πx = 0, so x c_1 = 1
        assert c[0] == 0
        assert mp.almosteq(c[1] * mp.mpf(x), 1)
    else:
        assert mp.almosteq(c[1] / c[0], leading)


@pytest.mark.parametrize(
    "name, x",
    [
        ("digamma", 0),
        ("digamma", -7),
        ("zeta", 1),
        ("bessel_y(0)", 0),
        ("bessel_y(5)", -2.5),
        ("sinc", mp.inf),
        ("erfcx", mp.nan),
        ("bessel_j(2)", -mp.inf),
    ],
)
def test_mpf_outside_the_domain(name, x):
    with pytest.raises(ValueError, match=r"pole|finite|x > 0"):
        TABLE[name][0](mp.mpf(x), 3)


def test_zeta_says_where_it_gives_up():
    with pytest.raises(ValueError, match="too many terms"):
        local.zeta(mp.mpc(0.5, 1e8), 2)
    assert np.isnan(local.zeta(0.5 + 1e8j, 2)).all()


# ------------------------------------------------------------------ lanes and shapes
@pytest.mark.parametrize(
    "name, bad",
    [
        ("sinc", ()),
        ("erfcx", ()),
        ("dawsn", ()),
        ("digamma", (0.0, -0.0, -1.0, -200.0)),
        ("zeta", (1.0,)),
        ("bessel_j(0)", ()),
        ("bessel_y(2)", (0.0, -1.0, -0.3)),
        ("bessel_i(-3)", ()),
    ],
)
def test_bad_lanes_are_nan_and_good_ones_untouched(name, bad):
    function = TABLE[name][0]
    good = [0.3, 2.5, 40.0]
    table = function(np.array([*good, np.nan, np.inf, -np.inf, *bad]), 5)
    assert np.isnan(table[:, 3:]).all()
    for i, x in enumerate(good):
        np.testing.assert_array_equal(table[:, i], function(x, 5))


@EACH
def test_shapes(name):
    function = TABLE[name][0]
    x = np.array([[0.3, 0.5, 2.5], [3.5, 10.0, 0.75]])
    table = function(x, 3)
    assert table.shape == (4, 2, 3)
    assert table.dtype == float
    np.testing.assert_array_equal(table[:, 1, 0], function(np.array(3.5), 3))
    np.testing.assert_array_equal(table[:1], function(x, 0))
    assert function(np.array(0.3), 3).shape == function(0.3, 3).shape == (4,)
    for dtype in (float, complex):
        empty = function(np.zeros(0, dtype), 3)
        assert empty.shape == (4, 0)
        assert empty.dtype == dtype
    assert function(0.3 + 0j, 1).dtype == complex


def test_overflow_is_infinite_not_missing():
    table = local.erfcx(-30.0, 2)
    np.testing.assert_array_equal(table, [np.inf, -np.inf, np.inf])
    table = local.bessel_y(0, 1e-10, 32)  # |Y_31| is beyond the floats, c_30 is not
    assert 1e297 < abs(table[30]) < np.inf
    assert np.isinf(table[32])
    assert np.isinf(local.bessel_i(0, 800.0, 1)).all()


def test_orders_beyond_the_factorials_of_floats():
    for name, x in (("sinc", 0.75), ("erfcx", 0.3), ("erfcx", 3.0), ("dawsn", 0.3)):
        table = TABLE[name][0](x, 300)
        with mp.workdps(40):
            exact = TABLE[name][1](mp.mpf(x), 60)
        assert max(errors(table[:50], exact)) < 16 * ULP
        assert np.isfinite(table).all()
        assert abs(table[300]) < 1e-200


def test_threads_and_the_global_context():
    before = mp.prec
    x = np.linspace(1.5, 9.5, 9)
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda _: (local.dawsn(x, 12), local.zeta(x, 4)), range(8)))
    for dawsn_table, zeta_table in tables:
        np.testing.assert_array_equal(dawsn_table, tables[0][0])
        np.testing.assert_array_equal(zeta_table, tables[0][1])
    assert mp.prec == before
