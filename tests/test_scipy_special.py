"""scipy.special: every ufunc differentiates in every argument, or says why not and what to do."""

import functools
import itertools
import pickle
import re
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.special as sp
from special_cases import POINTS

import taylor
from taylor import Taylor
from taylor.errors import DomainError, NonAnalyticError
from taylor.ode import solve_ivp
from taylor.scipy import special
from taylor.scipy.analytic import differences as differences_of
from taylor.scipy.formulas import FORMULAS
from taylor.scipy.rows import ROWS

UFUNCS = sorted(n for n in dir(sp) if isinstance(getattr(sp, n), np.ufunc))
REFUSED = {  # in these arguments, integers mostly, a function has no derivative
    **{name: {0, 1} for name in ("bdtr", "bdtrc", "nbdtr", "nbdtrc", "bdtri", "nbdtri")},
    **{name: {0} for name in ("pdtr", "pdtrc", "pdtri", "expn", "kn", "yn", "smirnov", "smirnovi")},
    **{name: {0} for name in ("eval_hermite", "eval_hermitenorm", "lpmv")},
    **{name: {0} for name in ("mathieu_a", "mathieu_b")},
    **{name: {0, 1} for name in ("pro_cv", "obl_cv")},
    **{name: {0, 1} for name in ("mathieu_cem", "mathieu_sem")},
    **{f"mathieu_mod{k}{n}": {0, 1} for k in ("cem", "sem") for n in "12"},
    **{f"{k}_{n}": {0, 1, 2} for k in ("pro", "obl") for n in ("ang1", "rad1", "rad2")},
    **{f"{k}_{n}_cv": {0, 1, 2, 3} for k in ("pro", "obl") for n in ("ang1", "rad1", "rad2")},
}
EDGES = {("eval_legendre", (8, -1.0), 0), ("struve", (0.0, -2.0), 0), ("jv", (2, 0.0), 0)}
CASES = [
    (name, args, i)
    for name in UFUNCS
    for args in POINTS[name]
    for i in range(getattr(sp, name).nin)
    if i not in REFUSED.get(name, ()) and (name, args, i) not in EDGES
]
LOOSE = re.compile("ncfdtr.+|nctdtr.+|berp|beip")  # of these SciPy knows some digits only


def results(y):
    return y if isinstance(y, tuple) else (y,)


def along(name, args, i):
    return lambda x: getattr(sp, name)(*args[:i], x, *args[i + 1 :])


def ident(case):
    name, args, i = case
    return f"{name}{args}-{i}"


def test_every_ufunc_has_points():
    assert sorted(POINTS) == UFUNCS and len(UFUNCS) >= 232


def differences(f, x):
    """Return f' and f'' by central differences in floats, extrapolated, and how far they agree."""
    h = 0.02 * max(abs(x), 0.1)
    first = [(f(x + h / 2**i) - f(x - h / 2**i)) / (2 * h / 2**i) for i in range(5)]
    second = [(f(x + h / 2**i) - 2 * f(x) + f(x - h / 2**i)) / (h / 2**i) ** 2 for i in range(5)]
    found = []
    for table in (first, second):
        for j in range(1, 4):
            table = [(4**j * b - a) / (4**j - 1) for a, b in itertools.pairwise(table)]
        found.append((table[-1], abs(table[-1] - table[-2])))
    return found


@pytest.mark.parametrize("case", CASES, ids=ident)
@pytest.mark.filterwarnings("ignore")
def test_values_and_derivatives_are_those_of_scipys_differences(case):
    name, args, i = case
    f = along(name, args, i)
    for n, y in enumerate(results(f(Taylor.variable(float(args[i]), 2)))):
        value = results(f(float(args[i])))[n]
        loose = LOOSE.fullmatch(name) is not None
        assert y.value == pytest.approx(value, rel=1e-8 if loose else 3e-13, abs=1e-300)
        (d1, e1), (d2, e2) = differences(lambda x, n=n: results(f(x))[n], float(args[i]))
        noise = 1e-14 * abs(value) / (0.001 * max(abs(args[i]), 0.1)) ** np.array([1, 2])
        if np.isfinite(d1) and e1 < 1e-3 * abs(d1):
            assert abs(y.coef[1] - d1) <= (1e-2 if loose else 1e-5) * abs(d1) + 3 * e1 + noise[0]
        if np.isfinite(d2) and e2 < 1e-3 * abs(d2):
            assert abs(2 * y.coef[2] - d2) <= (0.1 if loose else 1e-3) * abs(d2) + 3 * e2 + noise[1]


def formula(name):
    """Return the value in mpmath of a function with one result, or None."""
    if name in FORMULAS:
        return FORMULAS[name].formula
    return ROWS[name].mp if name in ROWS else None


INVERSES = {n for n, f in FORMULAS.items() if "inverse" in getattr(f.formula, "__qualname__", "")}
SLOW = {"lpmv", "it2struve0", "owens_t", "pbwa"}  # in mpmath
EXACT = [c for c in CASES if formula(c[0]) is not None and c[0] not in INVERSES | SLOW]


@functools.cache
def oracle(name, args, i, order):
    """Return the Taylor coefficients by differences of the formula with many digits."""
    ctx = mpmath.mp.clone()
    at = [ctx.mpf(x) for x in args]
    away = min([1, *(abs(v) for v in (args[i], 1 - abs(args[i])) if v)])
    h = ctx.mpf(10) ** -30 * ctx.mpf(away)
    ctx.dps = 60 - order * int(ctx.log10(h))
    f = [formula(name)(ctx, *at[:i], at[i] + j * h, *at[i + 1 :]) for j in range(order + 1)]
    found = [
        sum((-1) ** (k - j) * ctx.binomial(k, j) * f[j] for j in range(k + 1))
        / (h**k * ctx.factorial(k))
        for k in range(order + 1)
    ]
    return [complex(c) for c in found]


@pytest.mark.parametrize("case", EXACT, ids=ident)
def test_six_derivatives_are_those_of_mpmath(case):
    _, args, i = case
    want = oracle(*case, 6)
    y = results(along(*case)(Taylor.variable(float(args[i]), 6)))[0]
    for k, c in enumerate(want):
        if k and 1e-250 < abs(c) < 1e250:
            assert (
                abs(y.coef[k] - c) <= 1e-11 * abs(c) + 1e-17 * max(map(abs, want[: k + 1])) + 1e-25
            )


@pytest.mark.parametrize(
    ("name", "args", "m"),
    [
        ("gammainc", (0.01, 1e25), (1, 0)),
        ("gammaincc", (3.0, 900.0), (2, 1)),
        ("gammainc", (60.0, 1e5), (0, 1)),
        ("betainc", (40.0, 40.0, 1e-30), (0, 0, 1)),
        ("stdtr", (90.0, 1e9), (0, 2)),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_derivatives_that_underflow_are_zero_without_the_formula(name, args, m):
    f = FORMULAS[name]
    assert f.fast(m, *map(np.atleast_1d, args)) == 0.0 == float(differences_of(f, [m], args, 53)[0])


@pytest.mark.parametrize("name", REFUSED)
def test_an_argument_without_derivative_is_named_with_the_remedy(name):
    args = POINTS[name][0]
    for i in REFUSED[name]:
        with pytest.raises(TypeError, match=rf"{name} has no derivative in its argument \w+: pass"):
            along(name, args, i)(Taylor.variable(float(args[i]), 2))


def test_such_an_argument_may_be_a_constant_series():
    y = sp.kn(Taylor(np.array([2.0, 0.0])), 0.7)
    assert isinstance(y, Taylor) and y.value == sp.kn(2, 0.7) and not y.active


# ------------------------------------------------------------------ modes
def mixture(v):
    return (
        sp.gammainc(v[0], v[1]) * sp.betainc(v[0], v[1], v[2]) + sp.jv(v[0], v[1]) * sp.erfinv(v[2])
        + sp.xlogy(v[0], v[1]) + sp.stdtr(v[1], v[2]) * sp.ellipk(v[2])
    )  # fmt: skip


POINT = np.array([1.3, 2.1, 0.3])


def test_gradient_and_hessian_are_those_of_series():
    gradient = taylor.gradient(mixture, POINT)
    hessian = taylor.hessian(mixture, POINT)
    for i, e in enumerate(np.eye(3)):
        y = taylor.taylor_coefficients(lambda t, e=e: mixture(POINT + t * e), 0.0, 2)
        assert [gradient[i], hessian[i, i]] == pytest.approx([y[1], 2 * y[2]], rel=1e-12)
    assert hessian == pytest.approx(hessian.T, rel=1e-12)


def test_gradients_of_rows_are_their_derivatives():
    for name, args in ((n, args) for n in ROWS for args in POINTS.get(n, ())):
        g = taylor.gradient(lambda v, name=name: getattr(sp, name)(*v), np.array(args))
        for i, x in enumerate(args):
            assert g[i] == pytest.approx(taylor.derivative(along(name, args, i), x), rel=1e-13)


def test_compiled_is_eager():
    compiled = taylor.compile(mixture, strict=True)
    assert compiled(POINT) == pytest.approx(mixture(POINT), rel=1e-15)
    assert taylor.gradient(compiled, POINT) == pytest.approx(
        taylor.gradient(mixture, POINT), rel=1e-14
    )
    assert taylor.hessian(compiled, POINT) == pytest.approx(
        taylor.hessian(mixture, POINT), rel=1e-13
    )
    d = np.array([0.3, -0.2, 0.1])
    both = [taylor.directional(f, POINT, d, 4) for f in (compiled, mixture)]
    assert both[0] == pytest.approx(both[1], rel=1e-12)
    assert not compiled.reasons


def test_lanes_are_the_scalars():
    x = np.array([[0.3, 0.9], [2.0, 30.0]])
    a = np.array([0.5, 4.0])
    y = sp.gammainc(a, Taylor.variable(x, 3))
    for i in np.ndindex(2, 2):
        one = sp.gammainc(a[i[1]], Taylor.variable(x[i], 3))
        assert np.array_equal(y.coef[(slice(None), *i)], one.coef)


def test_nested_and_mixed_numbers():
    def f(a):
        return taylor.derivative(lambda x: sp.gammainc(a, x), 0.7)

    direct = taylor.hessian(lambda v: sp.gammainc(v[0], v[1]), [1.3, 0.7])[0, 1]
    assert taylor.derivative(f, 1.3) == pytest.approx(direct, rel=1e-13)
    x, y = taylor.TaylorN.variables([1.3, 0.7], order=3)
    assert sp.gammainc(x, y).partial((1, 1)) == pytest.approx(direct, rel=1e-13)
    with mpmath.workdps(40):
        t = special.gammainc(Taylor.variable(mpmath.mpf("1.3"), 2), mpmath.mpf("0.7"))
        want = mpmath.taylor(
            lambda a: mpmath.gammainc(a, 0, mpmath.mpf("0.7"), regularized=True),
            mpmath.mpf("1.3"),
            2,
        )
        assert all(abs(c - w) < 1e-30 for c, w in zip(t.coef, want, strict=True))
    z = sp.hyp1f1(0.5, 1.5, Taylor.variable(0.3 + 0.2j, 2))
    assert z.coef[1] == pytest.approx(sp.hyp1f1(1.5, 2.5, 0.3 + 0.2j) / 3, rel=1e-13)
    assert (
        sp.gammainc(np.float32(1.5), Taylor.variable(np.float32(0.5), 2)).coef.dtype == np.float32
    )


# ------------------------------------------------------------------ edges and mistakes
@pytest.mark.parametrize("name, x, n, slope", [("sici", 0.0, 0, 1.0), ("shichi", 0.0, 0, 1.0),
    ("iti0k0", -2.0, 0, 2.2795853023360673), ("itj0y0", -2.0, 0, 0.22389077914123567),
    ("airye", -2.0, 2, sp.airy(-2.0)[3]), ("airye", -2.0, 3, -2.0 * sp.airy(-2.0)[2])])  # fmt: skip
def test_where_one_of_several_values_has_no_series_the_others_have(name, x, n, slope):
    value = lambda t: getattr(sp, name)(t)[n]
    for driver in (taylor.derivative, taylor.gradient):
        assert driver(value, x) == pytest.approx(slope, rel=1e-13)
    assert np.isnan(getattr(sp, name)(Taylor.variable(x, 2))[1 - n % 2].coef[1:]).all()
    with taylor.policy(singular="raise"), pytest.raises(DomainError):
        getattr(sp, name)(Taylor.variable(x, 2))
    with pytest.raises(DomainError):  # no value has
        sp.airye(Taylor.variable(0.0, 2))


def test_edges():
    with pytest.raises(DomainError, match=r"gammainc has no Taylor expansion at 1\.5, 0\.0"):
        sp.gammainc(1.5, Taylor.variable(0.0, 2))
    assert sp.gammainc(1.5, Taylor(np.array([0.0, 0.0, 0.0]))).value == 0.0
    y = sp.gammainc(1.5, Taylor.variable(np.array([0.0, 0.7, -1.0]), 2))
    assert (
        np.isnan(y.coef[1:, [0, 2]]).all() and y.value[0] == 0 and np.isfinite(y.coef[:, 1]).all()
    )
    with taylor.policy(singular="propagate"):
        assert np.isnan(sp.gammainc(1.5, Taylor.variable(0.0, 2)).coef[1])
    with pytest.raises(DomainError):
        sp.betaincinv(1.5, 2.0, Taylor.variable(1.5, 2))
    with pytest.raises(DomainError):  # the beta function is zero
        sp.betaln(Taylor.variable(-1.5, 2), 0.5)
    with pytest.raises(TypeError, match="jve of a complex value is not holomorphic"):
        sp.jve(1.5, Taylor.variable(1.0 + 1j, 2))
    with pytest.raises(TypeError, match="takes no intervals"):
        special.gammainc(mpmath.iv.mpf([1, 2]), 2.0)


@pytest.mark.parametrize("mode", [lambda f: f, taylor.compile])
def test_scaled_bessel_functions_have_the_kink_of_their_factor(mode):
    i0e, i1e, two = mode(sp.i0e), mode(sp.i1e), mode(lambda x: sp.ive(2, x))
    for driver in (taylor.derivative, taylor.gradient, taylor.jacobian):
        assert (driver(i1e, 0.0), driver(two, 0.0)) == (0.5, 0.0)
        with pytest.raises(NonAnalyticError, match="kink"):
            driver(i0e, 0.0)
    assert taylor.hessian(two, 0.0) == 0.25
    with pytest.raises(NonAnalyticError, match="kink"):
        taylor.hessian(i1e, 0.0)
    x = np.array([0.0, 1.0, -2.0])
    beside = [taylor.derivative(i1e, e) for e in x]
    np.testing.assert_allclose(np.diag(taylor.jacobian(i1e, x)), beside, rtol=1e-14)


@pytest.mark.parametrize("name", ["erfinv", "still", "ndtri"])
def test_rows_are_pickled_by_name(name):
    assert pickle.loads(pickle.dumps(ROWS[name])) is ROWS[name]


# ------------------------------------------------------------------ functions that are no ufuncs
ARRAY = np.array([[0.3, -1.2, 0.3], [5.0, 4.0, -700.0]])


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("logsumexp", {}), ("logsumexp", {"axis": 1}), ("logsumexp", {"axis": 0, "keepdims": True}),
        ("logsumexp", {"b": np.array([1.0, 0.5, 2.0])}), ("softmax", {"axis": 1}),
        ("log_softmax", {"axis": 1}), ("softmax", {}),
    ],
)  # fmt: skip
def test_sums_of_exponentials(name, kwargs):
    f = functools.partial(getattr(special, name), **kwargs)
    assert f(ARRAY) == pytest.approx(getattr(sp, name)(ARRAY, **kwargs), rel=1e-15)
    jacobian = taylor.jacobian(f, ARRAY)
    d = np.array([[1.0, -0.5, 0.2], [0.3, 0.1, 2.0]])
    h = 1e-6
    plain = functools.partial(getattr(sp, name), **kwargs)
    slope = (plain(ARRAY + h * d) - plain(ARRAY - h * d)) / (2 * h)
    assert np.tensordot(jacobian, d, 2) == pytest.approx(slope, rel=1e-6, abs=1e-9)
    compiled = taylor.compile(f, strict=True)
    assert taylor.jacobian(compiled, ARRAY) == pytest.approx(jacobian, rel=1e-14)


def test_logsumexp_of_signed_terms_and_of_nothing():
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [-1.0, 2.0]])
    for mine, scipys in zip(
        special.logsumexp(a, 1, b, return_sign=True), sp.logsumexp(a, 1, b, return_sign=True),
        strict=True,
    ):  # fmt: skip
        assert mine == pytest.approx(scipys)
    assert special.logsumexp([-np.inf, -np.inf]) == -np.inf
    assert special.logsumexp([Taylor.variable(-800.0, 2), 0.0]).value == 0.0


@pytest.mark.parametrize(
    ("name", "args", "i"),
    [
        ("multigammaln", (3.4, 3), 0), ("polygamma", (2, 1.3), 1), ("zeta", (2.3, 1.2), 0),
        ("zeta", (2.3, 1.2), 1), ("lambertw", (-0.2, -1), 0), ("lambertw", (0.4,), 0),
        ("comb", (7.3, 2.2), 0), ("perm", (7.3, 2.2), 0), ("sinc", (0.4,), 0),
        ("softplus", (0.4,), 0),
        ("assoc_laguerre", (0.4, 3, 1.2), 0), ("jvp", (1.3, 0.7, 2), 1), ("yvp", (1.3, 0.7), 1),
        ("ivp", (1.3, 0.7), 1), ("kvp", (1.3, 0.7), 1), ("h1vp", (1.3, 0.7), 1),
        ("spherical_jn", (2, 0.7), 1), ("spherical_yn", (2, 0.7), 1), ("spherical_in", (2, 0.7), 1),
        ("spherical_kn", (2, 0.7), 1), ("spherical_jn", (2, 0.7, True), 1),
    ],
)  # fmt: skip
def test_functions_beside_the_ufuncs(name, args, i):
    f = getattr(special, name)
    y = f(*args[:i], Taylor.variable(args[i], 2), *args[i + 1 :])

    def plain(x):
        return getattr(sp, name)(*args[:i], x, *args[i + 1 :])

    assert complex(y.value) == pytest.approx(complex(plain(args[i])), rel=1e-12)
    assert complex(f(*args)) == pytest.approx(complex(plain(args[i])), rel=1e-12)
    (d1, _), (d2, _) = differences(plain, args[i])
    assert complex(y.coef[1]) == pytest.approx(complex(d1), rel=1e-6)
    assert complex(2 * y.coef[2]) == pytest.approx(complex(d2), rel=1e-4)


def test_every_ufunc_is_a_function_of_the_module():
    assert set(UFUNCS) <= set(dir(special))
    assert special.gammainc([1.5, 2.0], 0.3) == pytest.approx(sp.gammainc([1.5, 2.0], 0.3))
    t = Taylor.variable(1.5, 2)
    assert special.gammainc([t, 2.0], 0.3).shape == (2,)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = special.nothing


# ------------------------------------------------------------------ arrays
FAST = {
    name: f
    for name, f in FORMULAS.items()
    if f.fast is not None and name not in ("betaln", "chdtr", "chdtrc")
}
IN_A = {  # in the parameter a, too
    "gammainc": ((1, 0), (2, 0), (4, 0), (1, 1), (2, 1), (1, 2)),
    **dict.fromkeys(("gammaincc", "gammaincinv", "ellipkinc", "ellipeinc", "chdtri"), ((1, 0),)),
    **dict.fromkeys(("gdtr", "gdtrc"), ((1, 0, 0), (2, 0, 0), (0, 1, 0), (0, 1, 1))),
}
UNIT = ("bdtr", "bdtrc", "nbdtr", "nbdtrc", "gdtrix", "ellipkinc", "ellipeinc")  # the last argument


@pytest.mark.parametrize("name", FAST)
@pytest.mark.filterwarnings("ignore")
def test_coefficients_of_arrays_are_those_of_the_formula(name):
    f, rng = FAST[name], np.random.default_rng(5)
    count = len(f.names) - 1
    x = 10 ** rng.uniform(-1.5, 1.5, (count, 6))
    if f.fixed:
        x = np.floor(x)
        if "bdtr" in name:
            x[1] += x[0] + 1
    unit = name in UNIT or name.startswith("beta") or name.endswith(("inv", "it", "tri"))
    size = x[-1] if count else 0
    last = rng.uniform(0.05, 0.95, 6) if unit else 10 ** rng.uniform(-1, 1, 6) * (1 + size)
    seen = 0
    for m in (*((*(0,) * count, k) for k in (1, 2, 5)), *IN_A.get(name, ())):
        found = np.broadcast_to(f.fast(m, *x, last), 6)
        for i in np.flatnonzero(np.isfinite(found)):
            (want,) = differences_of(f, (m,), (*x[:, i].tolist(), last[i].item()), 53)
            loose = unit and m[-1] == 2 and not name.endswith("inc")  # it has zeros
            assert abs(found[i] - want) <= (1e-8 if loose else 2e-12) * abs(want)
            seen += 1
    assert seen > 4 * (1 + len(IN_A.get(name, ())))


@pytest.mark.parametrize("chi, gamma", [("chdtr", "gammainc"), ("chdtrc", "gammaincc")])
def test_the_distribution_of_chi_squared_is_that_of_gamma_at_half(chi, gamma):
    v, x = 10 ** np.random.default_rng(4).uniform(-2, 2, (2, 40))
    one, zero = np.ones(40), np.zeros(40)
    for dv, dx in ((one, zero), (zero, one), (one, one)):
        at = Taylor(np.stack([v, dv, zero])), Taylor(np.stack([x, dx, zero]))
        found, want = getattr(sp, chi)(*at), getattr(sp, gamma)(*(t / 2 for t in at))
        np.testing.assert_allclose(found.coef, want.coef, rtol=1e-13)


def test_a_derivative_may_be_tiny_beside_the_function():
    want = -float(mpmath.mpf("0.5647269628446964") ** 315.03 / mpmath.beta(316.03, 0.082))
    want *= (1 - 0.5647269628446964) ** (0.082 - 1)
    y = sp.betaincc(316.03, 0.082, Taylor.variable(0.5647269628446964, 1))
    assert y.coef[1] == pytest.approx(want, rel=1e-10)
    y = sp.gammaincc(0.5, Taylor.variable(600.0, 1))
    assert y.coef[1] == pytest.approx(-np.exp(-600) / np.sqrt(600 * np.pi), rel=1e-12)
    t = sp.stdtr(300.0, Taylor.variable(40.0, 1))
    assert t.coef[1] > 0


COMPLEX = {
    "wofz": sp.wofz,
    "hankel1": lambda x: sp.hankel1(0.7, x + 1),
    "hankel2e": lambda x: sp.hankel2e(1, x + 1),
    "modfresnelp": lambda x: sp.modfresnelp(x)[1],
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_results_of_real_arguments_stay_complex_in_compiled_series(name):
    f = COMPLEX[name]
    for g in (f, lambda x: np.real(f(x) * (1 + 1j)), lambda x: abs(f(x))):
        want, got = (taylor.derivatives(h, 0.4, 4) for h in (g, taylor.compile(g)))
        assert got == pytest.approx(want, rel=1e-12, abs=1e-13)
        points = np.array([0.3, 0.4])
        lanes = taylor.lanes(lambda x, g=g: taylor.derivative(g, x))(points)
        assert lanes == pytest.approx([taylor.derivative(g, x) for x in points], rel=1e-12)


def test_complex_results_of_real_arguments_in_differential_equations():
    def f(t, y):
        return [np.imag(sp.wofz(y[0]))]

    want = scipy.integrate.solve_ivp(f, (0, 1.0), [0.5], rtol=1e-10, atol=1e-12).y[0, -1]
    assert solve_ivp(f, (0, 1.0), [0.5]).y[0, -1] == pytest.approx(want, rel=1e-8)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("kn", (2.3, 1.1)), ("yn", (2.3, 1.1)), ("expn", (2.3, 1.1)), ("nbdtr", (2.7, 3.4, 0.5)),
        ("nbdtrc", (2.7, 3.4, 0.5)), ("nbdtri", (2.7, 3.4, 0.5)), ("bdtr", (2.7, 5.4, 0.5)),
        ("bdtrc", (2.7, 5.4, 0.5)), ("bdtri", (2.7, 5.4, 0.5)), ("smirnov", (2.3, 0.4)),
        ("smirnovi", (2.3, 0.4)),
    ],
)  # fmt: skip
def test_an_integer_argument_has_the_integer_part_that_scipy_takes(name, args):
    *whole, x = args
    f = getattr(sp, name)
    got = taylor.derivatives(lambda x: f(*whole, x), x, 2)
    assert got[0] == f(*args)
    assert got == pytest.approx(taylor.derivatives(lambda x: f(*np.trunc(whole), x), x, 2))


@pytest.mark.parametrize("name", ["bdtr", "bdtrc", "bdtri", "nbdtr", "nbdtrc", "nbdtri"])
def test_whole_numbers_are_whole_to_scipy(name):
    assert taylor.derivative(lambda p: getattr(sp, name)(3, 10, p), 0.3) != 0  # without a warning


def test_ufuncs_mean_the_same_before_and_after_the_first_of_scipys():
    code = (
        "from taylor.core import binding as b; old = dict(b.SCIPY); b.of_scipy('gammainc');"
        "print([n for n in old if old[n] is not b.SCIPY[n]])"
    )
    run = subprocess.run([sys.executable, "-c", "import taylor;" + code], capture_output=True)
    assert run.stdout.decode().strip() == "[]"
    assert taylor.derivative(lambda x: sp.jv(0.5, x), 1.0) == pytest.approx(sp.jvp(0.5, 1.0))


def test_where_scipy_found_no_inverse_there_is_no_series():
    with pytest.raises(DomainError, match="stdtridf has no Taylor expansion"):
        taylor.derivative(lambda x: sp.stdtridf(0.7, x), 0.4)
    with pytest.raises(DomainError, match="stdtridf has no Taylor expansion"):
        taylor.derivative(lambda p: sp.stdtridf(p, 0.8), 0.5)
    points = Taylor.variable(np.array([0.4, 0.8]), 1)
    assert np.isnan(sp.stdtridf(0.7, points).coef[1, 0])


@pytest.mark.parametrize(
    ("name", "args", "known"),
    [
        ("obl_rad2", (1, 2, 0.7), {0.75: False, 1.2: False, 2.5: True}),
        ("obl_rad2_cv", (1, 2, 0.7, 5.7890650026648975), {0.75: False, 2.5: True}),
        ("pro_rad2", (1, 2, 0.7), {1.5: False, 3.0: True}),
    ],
)
def test_what_scipy_takes_for_two_values_of_a_solution_is_checked_by_the_wronskian(
    name, args, known
):
    y, dy = getattr(sp, name)(*args, Taylor.variable(np.array(list(known)), 2))
    assert np.array_equal(np.isfinite(y.coef[1]), list(known.values()))
    assert np.array_equal(np.isfinite(dy.coef[1:]).all(axis=0), list(known.values()))
    with pytest.raises(DomainError, match="where SciPy's y and y' solve their equation"):
        getattr(sp, name)(*args, Taylor.variable(next(iter(known)), 2))


def test_functions_that_scipy_wraps():
    gradient = taylor.gradient(lambda a: sp.radian(a[0], a[1], a[2]), [1.0, 2.0, 3.0])
    assert gradient == pytest.approx(np.radians([1, 1 / 60, 1 / 3600]), rel=1e-15)
    z = 0.4 + 1j
    w = sp.wrightomega(z)
    assert taylor.derivative(sp.wrightomega, z) == pytest.approx(w / (1 + w), rel=1e-13)
    slope = taylor.derivative(lambda q: sp.zeta(3.0, q), 2.0)
    assert slope == pytest.approx(-3 * sp.zeta(4.0, 2.0), rel=1e-13)
    assert taylor.derivative(sp.zeta, 2.0) == pytest.approx(-0.9375482543158437, rel=1e-13)
    for k, x in ((0, 0.3), (-1, -0.2)):
        w = sp.lambertw(x, k).real
        slope = taylor.derivative(lambda z, k=k: sp.lambertw(z, k), x)
        assert slope == pytest.approx(w / (x * (1 + w)), rel=1e-13)


POSITIVE = {  # these arguments are; what is neither has code for all
    "entr": (0,), "logit": (0,), "xlogy": (0, 1), "xlog1py": (1,), "rel_entr": (0, 1),
    "kl_div": (0, 1), "log1prel": (0,), "pseudo_huber": (0,),
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n, r in ROWS.items() if callable(r.code)])
def test_formulas_in_machine_code_have_the_values(name):
    rng, row = np.random.default_rng(1), ROWS[name]
    two = name in ("xlogy", "xlog1py", "rel_entr", "kl_div", "pseudo_huber", "sin_atan2")
    x = [rng.uniform(-3, 3, 40) for _ in range(1 + two)]
    for i in POSITIVE.get(name, ()):
        x[i] = 10 ** rng.uniform(-8, 0, 40)
    if name.startswith("xlog"):
        x[0][:4] = 0.0
    y = taylor.compile(row, strict=True)(*x)
    wanted = [float(row.mp(mpmath.mp, *map(mpmath.mpf, v))) for v in zip(*x, strict=True)]
    np.testing.assert_allclose(y, wanted, rtol=5e-15, atol=1e-16)
