"""taylor.scipy.stats: values are SciPy's, derivatives in all arguments those of differences."""

import warnings

import mpmath
import numpy as np
import pytest
import scipy.stats

import taylor
from taylor import Taylor
from taylor.scipy import stats
from taylor.scipy.moments import MOMENTS

SHAPES = {
    "norm": (), "halfnorm": (), "lognorm": (0.7,), "skewnorm": (1.3,), "expon": (), "gamma": (2.3,),
    "gengamma": (1.3, 0.8), "invgamma": (2.3,), "invgauss": (0.9,), "chi2": (3.4,),
    "beta": (1.3, 2.4), "t": (3.4,), "f": (3.4, 5.2), "weibull_min": (1.4,), "weibull_max": (1.4,),
    "gumbel_r": (), "gumbel_l": (), "logistic": (), "fisk": (1.7,), "laplace": (), "cauchy": (),
    "uniform": (), "pareto": (1.6,), "rayleigh": (),
}  # fmt: skip
MORE = {
    "genextreme": (0.2,), "genpareto": (0.3,), "lomax": (1.7,), "invweibull": (1.6,),
    "exponweib": (1.3, 0.8), "gompertz": (0.7,), "fatiguelife": (0.8,), "burr": (1.7, 0.9),
    "burr12": (1.7, 0.9), "kappa3": (1.4,), "truncnorm": (-0.5, 2.2), "maxwell": (),
    "chi": (3.4,), "nakagami": (1.2,), "rice": (0.8,), "johnsonsu": (0.4, 1.2),
    "johnsonsb": (0.4, 1.2), "exponnorm": (0.9,), "levy": (), "moyal": (), "wald": (),
    "ncx2": (3.4, 1.2), "ncf": (3.4, 5.2, 1.1), "nct": (4.3, 0.6), "vonmises": (1.3,),
    "loggamma": (1.4,), "genlogistic": (1.4,), "hypsecant": (), "gennorm": (1.4,),
    "laplace_asymmetric": (1.3,), "skewcauchy": (0.3,), "halfcauchy": (), "halflogistic": (),
    "betaprime": (1.3, 2.4), "powerlaw": (1.7,), "arcsine": (), "triang": (0.4,),
    "truncexpon": (1.9,), "loguniform": (0.2, 1.7), "reciprocal": (0.2, 1.7),
    "wrapcauchy": (0.4,), "erlang": (2.3,), "alpha": (1.4,), "mielke": (1.7, 2.6),
    "dweibull": (1.4,), "dgamma": (1.4,), "semicircular": (), "foldnorm": (0.8,),
}  # fmt: skip
UNCOMMON = {
    "anglit": (), "argus": (1.2,), "bradford": (0.3,), "cosine": (), "crystalball": (2.0, 3.0),
    "exponpow": (2.7,), "foldcauchy": (1.7,), "genexpon": (9.1, 16.2, 3.3),
    "genhalflogistic": (0.8,), "genhyperbolic": (0.5, 1.5, -0.5), "geninvgauss": (2.3, 1.5),
    "gibrat": (), "halfgennorm": (0.7,), "jf_skew_t": (8.0, 4.0), "levy_l": (),
    "loglaplace": (3.3,), "norminvgauss": (1.3, 0.5), "powerlognorm": (2.1, 0.4),
    "powernorm": (4.4,), "rdist": (1.6,),
    "recipinvgauss": (0.6,), "truncpareto": (-2.0, 5.0), "truncweibull_min": (2.5, 0.25, 1.75),
}  # fmt: skip
SUMS_OF_BESSEL = ("genhyperbolic", "norminvgauss")  # probabilities, which take long
COUNTS = {
    "poisson": (2.3,), "binom": (10, 0.3), "bernoulli": (0.3,), "nbinom": (3.5, 0.4),
    "geom": (0.3,), "betabinom": (10, 1.3, 2.4), "hypergeom": (20, 7, 5), "zipf": (2.3,),
    "logser": (0.4,), "dlaplace": (0.7,), "skellam": (1.2, 2.3),
}  # fmt: skip
HEAVY = (  # moments from some shape on
    "t", "pareto", "invgamma", "f", "lomax", "invweibull", "fisk", "burr", "burr12", "mielke",
    "betaprime", "zipf",
)  # fmt: skip
OF_X = ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf")
OF_Q = ("ppf", "isf")
WITHOUT = {("skewnorm", "ppf"), ("skewnorm", "isf"), ("invgauss", "ppf"), ("invgauss", "isf")}
PAIRS = [(n, f) for n in SHAPES for f in (*OF_X, *OF_Q) if (n, f) not in WITHOUT]
X = np.array([-700.0, -3.0, -0.3, 0.2, 0.5, 0.9, 1.5, 4.0, 50.0])
Q = np.array([1e-8, 0.03, 0.5, 0.7, 0.999])
LOC, SCALE = 0.1, 1.3


def quiet(f, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return f(*args)


def test_all_are_there():
    assert {d.name for d in stats.CONTINUOUS} == {*SHAPES, *MORE, *UNCOMMON}
    assert {d.name for d in stats.DISCRETE} == set(COUNTS)


@pytest.mark.parametrize(("name", "function"), PAIRS)
def test_values_are_scipys(name, function):
    x = Q if function in OF_Q else X
    mine, scipys = (
        quiet(getattr(getattr(m, name), function), x, *SHAPES[name], LOC, SCALE)
        for m in (stats, scipy.stats)
    )
    assert mine == pytest.approx(scipys, rel=1e-8 if name == "skewnorm" else 1e-12, abs=1e-300)


@pytest.mark.parametrize(("name", "function"), PAIRS)
def test_ends_are_scipys_and_beyond_them_is_nothing(name, function):
    d, s = (getattr(getattr(m, name), function) for m in (stats, scipy.stats))
    x = np.array([-1.0, -1e-3, 0.0, 1.0, 1.5, np.nan])
    x = x if function in OF_Q else np.array([-np.inf, -1.0, 0.0, 1.0, np.inf, np.nan])
    for scale in (SCALE, 0.0, -1.0):
        mine, scipys = (quiet(f, x, *SHAPES[name], 0.0, scale) for f in (d, s))
        assert mine == pytest.approx(scipys, rel=1e-12, nan_ok=True)
    for i in range(len(SHAPES[name]) if name != "skewnorm" else 0):
        for shape in (0.0, -3.0):
            shapes = [*SHAPES[name][:i], shape, *SHAPES[name][i + 1 :]]
            assert np.isnan(quiet(d, x, *shapes)).all()
            with taylor.policy(singular="propagate"):
                gradient = quiet(taylor.gradient, lambda v: d(*v), np.array([0.4, *shapes]))
            assert np.isnan(gradient[1 + i])


def test_compiled_quantiles_and_parameters_are_those_of_arrays():
    f = taylor.compile(lambda q, df: stats.t.ppf(q, df), strict=True)
    for q, df in ((0.0, 4.0), (0.3, 4.0), (1.0, 4.0), (1.5, 4.0), (0.3, -4.0)):
        assert f(q, df) == pytest.approx(stats.t.ppf(q, df), rel=1e-14, nan_ok=True)


@pytest.mark.parametrize(("z", "a"), [(-8.0, 1.3), (-3.0, 1.3), (0.5, -2.0)])
def test_tails_of_the_skew_normal_distribution(z, a):
    def exact(z):
        with mpmath.workdps(30):
            bell = [-mpmath.inf, z - 1, z - 0.3, z]
            f = mpmath.quad(lambda t: 2 * mpmath.npdf(t) * mpmath.ncdf(a * t), bell)
            return mpmath.log(f)

    got = taylor.derivatives(lambda x: stats.skewnorm.logcdf(x, a), z, 2)
    with mpmath.workdps(30):
        want = [float(mpmath.diff(exact, z, n, h=1e-8)) for n in range(3)]
    assert got == pytest.approx(want, rel=1e-6)
    mirrored = taylor.derivatives(lambda x: stats.skewnorm.logsf(-x, -a), z, 2)
    assert mirrored == pytest.approx(got, rel=1e-14)


@pytest.mark.parametrize(("name", "function"), PAIRS)
def test_derivatives_in_all_arguments(name, function):
    d, s = getattr(stats, name), getattr(scipy.stats, name)
    x = (
        0.3
        if function in OF_Q
        else -1.1
        if name == "weibull_max"
        else 2.1
        if name == "pareto"
        else 0.8
    )
    args = np.array([x, *SHAPES[name], LOC, SCALE])

    def f(v):
        return getattr(d, function)(*v)

    gradient, hessian = taylor.gradient(f, args), taylor.hessian(f, args)
    for i, e in enumerate(np.eye(len(args))):
        h = 1e-3
        at = [getattr(s, function)(*(args + k * h * e)) for k in (-2, -1, 0, 1, 2)]
        slope = (at[0] - 8 * at[1] + 8 * at[3] - at[4]) / (12 * h)
        assert gradient[i] == pytest.approx(slope, rel=1e-7, abs=1e-8)
        bend = (-at[0] + 16 * at[1] - 30 * at[2] + 16 * at[3] - at[4]) / (12 * h * h)
        assert hessian[i, i] == pytest.approx(bend, rel=1e-4, abs=1e-5)


SHORT_OF_SCIPYS = {
    "mielke": 1e-9,
    "exponweib": 1e-7,
    "ncx2": 1e-9,
    "nct": 1e-9,
    "ncf": 1e-9,
}  # 1 - (near 1)


def right(name, function, x, *shapes):
    """Return SciPy's values; at infinity there is no density, where SciPy may have nan."""
    y = np.asarray(quiet(getattr(getattr(scipy.stats, name), function), x, *shapes))
    if function in ("pdf", "logpdf") and name != "vonmises" and not np.isnan(y).all():
        y[np.isinf(x)] = 0.0 if function == "pdf" else -np.inf
    return y


@pytest.mark.parametrize("name", MORE)
def test_more_distributions(name):
    """Values, those at ends and of no distribution, and derivatives along a line."""
    d, s, shapes = getattr(stats, name), getattr(scipy.stats, name), MORE[name]
    ends, tol = (
        np.array([-np.inf, -1.0, 0.0, 1.0, np.inf, np.nan]),
        SHORT_OF_SCIPYS.get(name, 1e-12),
    )
    args = np.array([0.8, *shapes, LOC, SCALE])
    line = np.random.default_rng(1).normal(size=len(args))
    known = [f for f in OF_X if name != "vonmises" or f in ("pdf", "logpdf")]  # turns of others
    for function in known + [f for f in OF_Q if "ppf" in d.formulas]:
        f, g = getattr(d, function), getattr(s, function)
        of_q = function in OF_Q
        rough = function == "isf" or name == "skewcauchy"  # SciPy's at 1e-8
        x = (Q[1:] if rough else Q) if of_q else X
        mine, scipys = quiet(f, x, *shapes, LOC, SCALE), quiet(g, x, *shapes, LOC, SCALE)
        mine, scipys = (np.where(y < -1e9, -np.inf, y) for y in (mine, scipys))
        assert mine == pytest.approx(scipys, rel=tol, abs=1e-300, nan_ok=True)
        for scale in (SCALE, 0.0, -1.0):
            x = np.array([-1.0, -1e-3, 0.0, 1.0, 1.5, np.nan]) if of_q else ends
            mine, scipys = (
                quiet(f, x, *shapes, 0.0, scale),
                right(name, function, x, *shapes, 0.0, scale),
            )
            assert mine == pytest.approx(scipys, rel=1e-12, nan_ok=True)
        args[0], h = 0.3 if of_q else 0.8, 1e-3
        c = taylor.taylor_coefficients(lambda t, f=f: f(*(args + line * t)), 0.0, 2)
        at = [quiet(g, *(args + k * h * line)) for k in (-2, -1, 0, 1, 2)]
        slope = (at[0] - 8 * at[1] + 8 * at[3] - at[4]) / (12 * h)
        bend = (-at[0] + 16 * at[1] - 30 * at[2] + 16 * at[3] - at[4]) / (12 * h * h)
        assert c[1] == pytest.approx(slope, rel=1e-6, abs=1e-8)
        assert 2 * c[2] == pytest.approx(bend, rel=1e-4, abs=1e-5)
    args[0] = 0.8
    reverse = taylor.gradient(lambda v: d.logpdf(*v), args)
    along = taylor.derivative(lambda t: d.logpdf(*(args + line * t)), 0.0)
    assert reverse @ line == pytest.approx(along, rel=1e-10)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        *((n, (c,)) for n in ("genextreme", "genpareto") for c in (0.0, 0.5, -0.5, 1.0, -1.0)),
        ("truncnorm", (-np.inf, 1.0)), ("truncnorm", (0.5, np.inf)), ("truncnorm", (3.0, 4.0)),
        ("truncnorm", (20.0, 21.0)), ("truncnorm", (-40.0, -39.0)), ("truncnorm", (2.0, 1.0)),
        ("triang", (0.0,)), ("triang", (1.0,)), ("triang", (-0.1,)), ("loguniform", (0.3, 1.0)),
        ("loguniform", (1.0, 0.3)), ("rice", (0.0,)), ("ncx2", (3.0, 0.0)), ("nct", (3.0, -1.0)),
        ("nct", (3.0, 0.0)), ("skewcauchy", (1.0,)), ("skewcauchy", (-0.4,)),
    ],
)  # fmt: skip
def test_shapes_that_move_the_ends_and_limits_of_shapes(name, shapes):
    d, s = getattr(stats, name), getattr(scipy.stats, name)
    near = quiet(s.ppf, 0.4, *shapes) + np.array([-2.0, -0.1, 0.0, 0.1, 0.3])
    x = np.array([-np.inf, *s.support(*shapes), np.inf, *near])
    for function in (*OF_X, *OF_Q):
        at = np.array([0.0, 0.1, 0.9, 1.0]) if function in OF_Q else x
        mine, scipys = quiet(getattr(d, function), at, *shapes), right(name, function, at, *shapes)
        assert mine == pytest.approx(scipys, rel=1e-9, abs=1e-15, nan_ok=True)


@pytest.mark.parametrize("name", UNCOMMON)
def test_uncommon_distributions(name):
    d, s, args = getattr(stats, name), getattr(scipy.stats, name), (*UNCOMMON[name], LOC, SCALE)
    line, h = np.random.default_rng(1).normal(size=len(args) + 1) / 4, 1e-3
    for function in ("logpdf", "cdf", "sf", "ppf"):
        x = np.array([0.2, 0.7]) if function == "ppf" else quiet(s.ppf, [0.2, 0.7], *args)
        mine, scipys = (quiet(getattr(m, function), x, *args) for m in (d, s))
        assert mine == pytest.approx(scipys, rel=1e-9)
        at = np.array([x[0], *args])
        f = lambda t, function=function, at=at: getattr(d, function)(*(at + line * t))
        if name in SUMS_OF_BESSEL and function != "logpdf":
            continue
        y = [quiet(getattr(s, function), *(at + k * h * line)) for k in (-2, -1, 1, 2)]
        slope = (y[0] - 8 * y[1] + 8 * y[2] - y[3]) / (12 * h)
        for driver in (taylor.derivative, taylor.gradient):
            assert driver(f, 0.0) == pytest.approx(slope, rel=1e-6, abs=1e-8)


WHOLES = {  # functions of a parameter, and what they are
    "moment": (lambda s: stats.norm.moment(4, 0.0, s), lambda s: 3 * s**4),
    "moment of a place": (lambda m: stats.expon.moment(2, m), lambda m: m * m + 2 * m + 2),
    "skewness": (lambda a: stats.gamma.stats(a, moments="s"), lambda a: 2 / np.sqrt(a)),
    "kurtosis": (lambda a: stats.gamma.stats(a, scale=a, moments="mvsk")[3], lambda a: 6 / a),
    "near an end": (lambda a: stats.beta.moment(3, a, 0.2), lambda a: (
        a * (a + 1) * (a + 2) / ((a + 0.2) * (a + 1.2) * (a + 2.2)))),
    "a moving turn": (lambda c: stats.triang.moment(2, c), lambda c: (1 + c + c * c) / 6),
    "moving ends": (lambda b: stats.loguniform.var(1.0, 1.0 + b), lambda b: (
        (b * b + 2 * b) / (2 * np.log1p(b)) - (b / np.log1p(b)) ** 2)),
    "entropy": (lambda k: stats.johnsonsu.entropy(0.0, k), None),
    "entropy of counts": (lambda p: stats.binom.entropy(1, p),
        lambda p: -p * np.log(p) - (1 - p) * np.log(1 - p)),
    "expect": (lambda s: stats.norm(0.3, s).expect(np.exp), lambda s: np.exp(0.3 + s * s / 2)),
    "expect of what varies": (lambda p: stats.expon.expect(lambda x: np.exp(-p * x)),
        lambda p: 1 / (1 + p)),
    "expect between": (lambda s: stats.expon.expect(lambda x: x, scale=s, ub=1.0),
        lambda s: s - (1 + s) * np.exp(-1 / s)),
    "expect of counts": (lambda m: stats.poisson.expect(lambda k: k * (k - 1), (m,)),
        lambda m: m * m),
    "support": (lambda c: stats.genpareto.support(-c, scale=2.0)[1], lambda c: 2 / c),
    "quantile": (lambda mu: stats.invgauss.ppf(0.3, mu), None),
    "of a sum": (lambda a: stats.betabinom.cdf(0, 1, a, 1.0), lambda a: 1 / (1 + a)),
    "around a circle": (lambda k: stats.vonmises.cdf(0.5, k), None),
    "spread of a circle": (lambda k: stats.vonmises.var(k), lambda k: np.pi**2 / 3 + 4 * sum(
        (-1) ** j * scipy.special.iv(j, k) / j**2 for j in range(1, 30)) / scipy.special.i0(k)),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLES)
@pytest.mark.filterwarnings("ignore")
def test_means_quantiles_and_ends_without_a_formula(name):
    f, exact = WHOLES[name]
    known = exact or f  # of plain numbers it is SciPy's
    y = [known(0.7 + k * 1e-3) for k in (-2, -1, 1, 2)]
    slope = (y[0] - 8 * y[1] + 8 * y[2] - y[3]) / 12e-3
    assert taylor.derivatives(f, 0.7, 1) == pytest.approx([known(0.7), slope], rel=1e-8)
    assert taylor.gradient(f, 0.7) == pytest.approx(slope, rel=1e-8)
    if name in ("skewness", "expect", "quantile"):
        assert taylor.hessian(f, 0.7) == pytest.approx(taylor.derivative(f, 0.7, 2), rel=1e-9)


def test_a_probability_known_by_its_density_alone_in_reverse():
    f = lambda b: stats.norminvgauss.cdf(0.4, 1.3, b)
    h = 2e-4
    slope = (scipy.stats.norminvgauss.cdf(0.4, 1.3, 0.4 + h) - scipy.stats.norminvgauss.cdf(
        0.4, 1.3, 0.4 - h)) / (2 * h)  # fmt: skip
    for driver in (taylor.derivative, taylor.gradient):
        assert driver(f, 0.4) == pytest.approx(slope, rel=1e-6)


OF_SAMPLES = {  # functions of nine numbers
    "describe": lambda s, x: s.describe(x)[2] + s.describe(x)[3],
    "lmoment": lambda s, x: s.lmoment(x),
    "expectile": lambda s, x: s.expectile(x, 0.3),
    "scoreatpercentile": lambda s, x: s.scoreatpercentile(x, 30, (0.5, 9.0)),
    "tmin": lambda s, x: s.tmin(x, 2.4),
    "tmax": lambda s, x: s.tmax(x, 3.0),
    "trim1": lambda s, x: s.trim1(x, 0.2).sum(),
    "trimboth": lambda s, x: s.trimboth(x, 0.2).sum(),
    "sigmaclip": lambda s, x: s.sigmaclip(x, 1.0, 1.5)[0],
    "fisher": lambda s, x: s.combine_pvalues(x / 10)[1],
    "pearson": lambda s, x: s.combine_pvalues(x / 10, "pearson")[1],
    "tippett": lambda s, x: s.combine_pvalues(x / 10, "tippett")[1],
    "stouffer": lambda s, x: s.combine_pvalues(x / 10, "stouffer", np.arange(1.0, 10.0))[1],
    "obrientransform": lambda s, x: s.obrientransform(x, x[::-1] ** 2),
    "theilslopes": lambda s, x: np.stack(s.theilslopes(x)),
    "pointbiserialr": lambda s, x: s.pointbiserialr(np.arange(9) % 2, x)[1],
    "table": lambda s, x: s.chi2_contingency(x.reshape(3, 3) * 10)[1],
    "table of two": lambda s, x: s.chi2_contingency(x[:4].reshape(2, 2) * 10)[1],
    "bins": lambda s, x: s.binned_statistic(np.arange(9.0), x, "std", bins=3)[0],
    "directions": lambda s, x: s.directional_stats(x.reshape(3, 3)).mean_direction,
    "fit": lambda s, x: np.stack([*s.norm.fit(x), *s.laplace.fit(x), *s.expon.fit(x)]),
    "rvs": lambda s, x: s.gamma.rvs(2.0, x[:2], x[2], size=2, random_state=3),
    "frozen rvs": lambda s, x: s.norm(x[0], x[1]).rvs(3, random_state=3),
}


@pytest.mark.parametrize("name", OF_SAMPLES)
def test_what_is_of_samples(name):
    f, rng = OF_SAMPLES[name], np.random.default_rng(0)
    x, v = rng.normal(size=9) + 3, rng.normal(size=9)
    slope = (f(scipy.stats, x + 1e-5 * v) - f(scipy.stats, x - 1e-5 * v)) / 2e-5
    value, tangent = taylor.jvp(lambda x: f(stats, x), x, v)
    assert value == pytest.approx(f(scipy.stats, x), rel=1e-12)
    assert f(stats, x) == pytest.approx(f(scipy.stats, x), rel=1e-12)
    assert tangent == pytest.approx(slope, rel=1e-6, abs=1e-8)
    assert taylor.vjp(lambda x: f(stats, x), x, np.ones(np.shape(value)))[1] @ v == pytest.approx(
        np.sum(tangent), rel=1e-10, abs=1e-12
    )


def test_what_is_of_ranks_says_so():
    with pytest.raises(TypeError, match=r"spearmanr .*of ranks .*give it x\.value"):
        taylor.gradient(lambda x: stats.spearmanr(x, Q)[0], Q)
    with pytest.raises(TypeError, match="its shapes are plain numbers; ppf"):
        taylor.derivative(lambda a: stats.gamma.rvs(a), 2.0)


@pytest.mark.parametrize("name", ["invweibull", "t", "pareto", "fisk", "mielke", "f"])
def test_moments_that_are_not_there_have_no_slopes(name):
    at = [3.0, 1.5][-2 if name in ("mielke", "f") else -1 :]
    for driver in (taylor.gradient, taylor.jacobian):
        assert np.isnan(driver(lambda v: getattr(stats, name).var(*v), at)).all()
    with pytest.raises(TypeError, match="no rule for its integral or sum that converges here"):
        taylor.derivative(lambda a: stats.zipf.stats(a, moments="k"), 6.5)


def test_extreme_values_of_shape_zero_are_right_to_any_order():
    def exact(c):
        y = -mpmath.log1p(-c * mpmath.mpf("0.7")) / c
        return (c - 1) * y - mpmath.exp(-y)

    for c in (0.0, 1e-9, -0.8):
        got = taylor.taylor_coefficients(lambda c: stats.genextreme.logpdf(0.7, c), c, 8)
        with mpmath.workdps(80):
            want = mpmath.taylor(exact, mpmath.mpf(c) + mpmath.mpf(10) ** -40, 8)
        assert got == pytest.approx([float(w) for w in want], rel=1e-14)
    data = np.array([0.1, 0.5, 2.0])
    loss = lambda v: np.sum(stats.genextreme.logpdf(data, *v))
    fast, at = taylor.compile(loss, strict=True), np.array([0.0, 0.2, 1.1])
    assert taylor.gradient(fast, at) == pytest.approx(taylor.gradient(loss, at), rel=1e-13)
    assert taylor.hessian(fast, at) == pytest.approx(taylor.hessian(loss, at), rel=1e-13)
    end = taylor.gradient(lambda v: stats.loguniform.ppf(0.0, v[0], v[1]), np.array([0.5, 1.0]))
    assert list(end) == [1.0, 0.0]


@pytest.mark.parametrize("name", [n for n in SHAPES if SHAPES[n]])
def test_likelihoods_compile(name):
    d = getattr(stats, name)
    data = scipy.stats.norm.ppf(np.linspace(0.1, 0.9, 5)) * 0.1 + {
        "weibull_max": -1.0,
        "pareto": 2.0,
    }.get(name, 0.5)
    at = np.array([*SHAPES[name], LOC, SCALE])

    def loss(p):
        return -np.sum(d.logpdf(data, *p))

    compiled = taylor.compile(loss, strict=True)
    assert compiled(at) == pytest.approx(loss(at), rel=1e-14)
    assert taylor.gradient(compiled, at) == pytest.approx(taylor.gradient(loss, at), rel=1e-12)
    assert taylor.hessian(compiled, at) == pytest.approx(taylor.hessian(loss, at), rel=1e-11)


def test_outside_of_the_support_nothing_varies():
    for name in ("gamma", "beta", "lognorm"):
        d, shapes = getattr(stats, name), SHAPES[name]
        x = Taylor.variable(np.array([-1.0, 0.5]), 2)
        log, p = d.logpdf(x, *shapes), d.cdf(x, *shapes)
        assert log.coef[0, 0] == -np.inf and p.coef[0, 0] == 0
        assert not log.coef[1:, 0].any() and not p.coef[1:, 0].any()
        assert np.isfinite(log.coef[:, 1]).all() and np.isfinite(p.coef[:, 1]).all()
        one = d.logpdf(Taylor.variable(-1.0, 2), *shapes)
        assert one.coef[0] == -np.inf and not one.coef[1:].any()
    assert stats.pareto.cdf(Taylor.variable(0.5, 2), 2.0).value == 0


def test_broadcasting_and_kinds_of_number():
    x, a = np.array([[0.5], [2.0]]), np.array([1.0, 2.0, 3.0])
    assert stats.gamma.logpdf(x, a, scale=2.0) == pytest.approx(
        scipy.stats.gamma.logpdf(x, a, scale=2.0), rel=1e-13
    )
    y = stats.gamma.logpdf(x, Taylor.variable(a, 2), scale=[1.0, 2.0, 3.0])
    assert y.shape == (2, 3)
    assert stats.norm.cdf(1) == pytest.approx(scipy.stats.norm.cdf(1), rel=1e-15)
    with mpmath.workdps(40):
        p = stats.gamma.cdf(mpmath.mpf(2), mpmath.mpf("1.5"))
        assert abs(p - mpmath.gammainc(1.5, 0, 2, regularized=True)) < 1e-38


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    d, s, shapes = getattr(stats, name), getattr(scipy.stats, name), COUNTS[name]
    k = np.array([-1, 0, 1, 3, 9, 2.5, 12])
    step = d.formulas.keys() & {"cdf", "sf"}
    for function in ("pmf", "logpmf", *(("cdf", "sf", "logcdf", "logsf") if step else ())):
        mine, scipys = getattr(d, function)(k, *shapes), quiet(getattr(s, function), k, *shapes)
        tails = "sf" in function or "logc" in function
        tol = 1e-6 if tails and name in ("zipf", "skellam") else 1e-10  # SciPy's: 1 - (near 1)
        assert mine == pytest.approx(scipys, rel=tol, abs=1e-300)

        def plain(p, function=function):
            if name == "hypergeom":  # SciPy's takes whole numbers only
                b = scipy.special.binom
                p = b(7, 1) * b(13, p - 1) / b(20, p)
                return p if function == "pmf" else np.log(p)
            return getattr(s, function)(1, *shapes[:-1], p)

        def f(p, function=function):
            return getattr(d, function)(1, *shapes[:-1], p)

        if name == "bernoulli" and function == "logsf":
            continue
        h, p = 1e-4, shapes[-1]
        slope = (plain(p - 2 * h) - 8 * plain(p - h) + 8 * plain(p + h) - plain(p + 2 * h)) / (
            12 * h
        )
        slope = 0.0 if name == "bernoulli" and function in ("cdf", "sf", "logcdf") else slope
        assert taylor.derivative(f, p) == pytest.approx(slope, rel=1e-7, abs=1e-9)
    with pytest.raises(TypeError, match=f"{name} counts k in whole steps"):
        d.logpmf(Taylor.variable(1.0, 2), *shapes)
    assert d.ppf(0.3, *shapes) == getattr(scipy.stats, name).ppf(0.3, *shapes)
    with pytest.raises(TypeError, match=rf"{name}\.ppf is SciPy's, .*: it is a step function"):
        d.ppf(Taylor.variable(0.3, 2), *shapes)


COV = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 1.5]])


def test_vectors():
    x, mean = np.arange(12.0).reshape(4, 3) / 5, np.array([0.1, 0.2, 0.3])
    peer = scipy.stats.multivariate_normal
    for cov in (COV, 2.0, np.array([1.0, 2.0, 3.0])):
        for data in (x, x[0]):
            assert stats.multivariate_normal.logpdf(data, mean, cov) == pytest.approx(
                peer.logpdf(data, mean, cov), rel=1e-13
            )
    inverse = np.linalg.inv(COV)
    gradient = taylor.gradient(lambda m: stats.multivariate_normal.logpdf(x[1], m, COV), mean)
    assert gradient == pytest.approx(inverse @ (x[1] - mean), rel=1e-13)
    compiled = taylor.compile(
        lambda m: np.sum(stats.multivariate_normal.logpdf(x, m, COV)), strict=True
    )
    assert taylor.gradient(compiled, mean) == pytest.approx(inverse @ (x - mean).sum(0), rel=1e-12)
    alpha = np.array([1.2, 2.0, 3.0])
    parts = np.array([0.2, 0.3, 0.5])
    assert stats.dirichlet.logpdf(parts, alpha) == pytest.approx(
        scipy.stats.dirichlet.logpdf(parts, alpha), rel=1e-13
    )
    want = np.log(parts) - scipy.special.digamma(alpha) + scipy.special.digamma(alpha.sum())
    got = taylor.gradient(lambda a: stats.dirichlet.logpdf(parts, a), alpha)
    assert got == pytest.approx(want, rel=1e-12)
    with pytest.raises(ValueError, match="do not fit"):
        stats.dirichlet.logpdf([0.5, 0.5], alpha)
    with pytest.raises(ValueError, match="does not fit vectors of length 3"):
        stats.multivariate_normal.logpdf(x, mean, np.eye(2))


SQUARE = np.array([[1.3, 0.2], [0.2, 0.9]])
OF_VECTORS = {  # name, method -> (function of the distribution and an array, the array)
    "multivariate_t.logpdf": (lambda f, v: f(np.arange(12.0).reshape(4, 3) / 5, v, COV, v[0]),
        np.array([3.1, 0.2, 0.3])),
    "multivariate_t.pdf": (lambda f, x: f(x, shape=COV, df=3.0), np.array([0.1, 0.7, 0.3])),
    "matrix_normal.logpdf": (lambda f, m: f(np.ones((2, 3)), m, m @ m.T, COV),
        np.array([[0.1, 2.0, 0.3], [0.4, -0.5, 0.6]])),
    "wishart.logpdf": (lambda f, v: f(COV * v[0], v[1], COV + v[2] * np.eye(3)),
        np.array([1.2, 4.3, 0.7])),
    "wishart.pdf": (lambda f, v: f(np.moveaxis([SQUARE * v[0], SQUARE], 0, -1), v[1], SQUARE),
        np.array([1.2, 4.3])),
    "invwishart.logpdf": (lambda f, v: f(COV * v[0], v[1], COV + v[2] * np.eye(3)),
        np.array([1.2, 4.3, 0.7])),
    "multinomial.logpmf": (lambda f, p: f([[1, 2, 0], [0, 1, 1]], [3, 3], p),
        np.array([0.2, 0.5, 0.3])),
    "dirichlet_multinomial.pmf": (lambda f, a: f([[1, 2, 0], [0, 1, 1], [1, 1, 1]], a, 3),
        np.array([1.2, 0.5, 2.3])),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_VECTORS)
def test_vectors_and_matrices(name):
    (call, x), (d, method) = OF_VECTORS[name], name.split(".")
    f, plain = (
        lambda v, m=m: call(getattr(getattr(m, d), method), v) for m in (stats, scipy.stats)
    )
    assert f(x) == pytest.approx(plain(x), rel=1e-12)
    line, h = np.random.default_rng(2).normal(size=x.shape), 1e-4
    if d == "multinomial":
        line -= line.mean()  # SciPy takes probabilities of sum one
    with np.errstate(invalid="ignore"):  # where x is none of these vectors
        slope = (plain(x + h * line) - plain(x - h * line)) / (2 * h)
    value, tangent = taylor.jvp(f, x, line)
    assert tangent == pytest.approx(np.where(np.isfinite(value), slope, 0.0), rel=1e-6)
    w = np.isfinite(value) * 1.0
    adjoint = taylor.gradient(lambda v: np.sum(np.where(w > 0, f(v), 0.0)), x)
    assert np.sum(adjoint * line) == pytest.approx(np.sum(w * tangent), rel=1e-11)


def test_vectors_with_a_singular_covariance():
    ours, peer = stats.multivariate_normal, scipy.stats.multivariate_normal
    half = np.array([[1.0, 0.0], [2.0, 1.0], [0.5, -1.0]])
    cov, mean = half @ half.T, np.array([0.1, 0.2, 0.3])
    x = np.array([mean + half @ [0.3, -0.4], mean + np.eye(3)[0] / 10])
    for data in (x, x[0], x[1]):
        for given in (cov, COV, np.zeros((3, 3))):
            exact = peer.logpdf(data, mean, given, allow_singular=True)
            assert ours.logpdf(data, mean, given, True) == pytest.approx(exact, rel=1e-12)
    density = lambda t: ours.pdf(mean + half @ t, mean, cov, allow_singular=True)
    t = np.array([0.3, -0.4])
    assert taylor.gradient(density, t) == pytest.approx(-t * density(t), rel=1e-12)
    fast = taylor.compile(lambda x: ours.logpdf(x, mean, cov, allow_singular=True))
    assert [float(fast(v)) for v in x] == pytest.approx(list(ours.logpdf(x, mean, cov, True)))
    with pytest.raises(np.linalg.LinAlgError):
        ours.logpdf(x, mean, cov)
    with pytest.raises(ValueError, match="semidefinite"):
        ours.logpdf(x, mean, -COV, allow_singular=True)


def test_entropy_of_vectors():
    for mean, cov in ((None, COV), ([1.0, 2.0, 3.0], 2.0), ([0.0, 0.0], [1.0, 2.0]), (None, 3.0)):
        exact = scipy.stats.multivariate_normal.entropy(mean, cov)
        assert stats.multivariate_normal.entropy(mean, cov) == pytest.approx(exact, rel=1e-14)
    slope = taylor.gradient(lambda cov: stats.multivariate_normal.entropy(cov=cov), COV)
    assert slope + slope.T == pytest.approx(np.linalg.inv(COV), rel=1e-12)


@pytest.mark.parametrize("name", [*SHAPES, *COUNTS])
def test_frozen_parameters_and_all_methods_of_scipys(name):
    shapes, d, s = {**SHAPES, **COUNTS}[name], getattr(stats, name), getattr(scipy.stats, name)
    calls = {
        "cdf": (1.5,), "ppf": (0.4,), "interval": (0.9,), "mean": (), "std": (), "median": (),
        "support": (), "entropy": (), "stats": (), "moment": (2,),
    }  # fmt: skip
    for method, args in calls.items():
        right = quiet(getattr(s, method), *args, *shapes)
        for mine in (
            quiet(getattr(d(*shapes), method), *args), quiet(getattr(d, method), *args, *shapes)
        ):  # fmt: skip
            np.testing.assert_allclose(mine, right, rtol=1e-12)
    drawn = (m(*shapes).rvs(size=3, random_state=1) for m in (d, s))
    np.testing.assert_array_equal(*drawn)
    if name in SHAPES:
        values = lambda p: d.logpdf(0.4, *shapes, p), lambda p: d(*shapes, p).logpdf(0.4)
        one, other = (taylor.derivative(f, 0.1) for f in values)
        assert one == pytest.approx(other, rel=5e-16)  # code and sweeps round apart


def test_mistakes():
    with pytest.raises(TypeError, match="gamma needs its shape a"):
        stats.gamma.pdf(1.0)
    with pytest.raises(TypeError, match=r"gamma takes x \(or q\), a, loc, scale"):
        stats.gamma.pdf(1.0, 2.0, rate=3.0)
    assert stats.landau.pdf(0.3) == stats.landau().pdf(0.3) == scipy.stats.landau.pdf(0.3)
    with pytest.raises(
        TypeError, match=r"taylor\.scipy\.stats\.landau\.logpdf is SciPy's, of plain"
    ):
        stats.landau.logpdf(Taylor.variable(1.0, 2))
    assert stats.rv_continuous is scipy.stats.rv_continuous
    with pytest.raises(TypeError, match="multinomial counts x in whole steps"):
        stats.multinomial.logpmf(Taylor.variable(np.ones(2), 1), 2, [0.5, 0.5])
    with pytest.raises(AttributeError, match="use pmf and logpmf"):
        stats.poisson.pdf(1, 2.0)


SLOW = {  # of SciPy's
    *(("vonmises", m) for m in ("var", "std")),
    *((n, "entropy") for n in ("ncf", "nct", "ncx2")),
}


@pytest.mark.parametrize(
    ("name", "method"),
    [
        (n, m)
        for n in MOMENTS
        for m in ("mean", "var", "std", "entropy", "median")
        if (n, m) not in SLOW
    ],
)
def test_moments_in_the_parameters(name, method):
    """SciPy's values, and derivatives those of differences of them."""
    shapes, d, s = (
        {**SHAPES, **MORE, **COUNTS}[name],
        getattr(stats, name),
        getattr(scipy.stats, name),
    )
    if (method == "median" and name in COUNTS) or (name, method) == ("zipf", "entropy"):
        with pytest.raises(TypeError, match="of plain numbers"):
            getattr(d, method)(*shapes, Taylor.variable(0.1, 1))
        return
    moves = np.array(
        [float(not isinstance(p, int)) for p in shapes] + [1.0] * (2 - (name in COUNTS))
    )
    at = np.array([*shapes, LOC, SCALE][: len(moves)])
    if name in HEAVY:
        at[: len(shapes)] += 3.0
    value, slope = taylor.jvp(lambda p: getattr(d, method)(*p), at, moves)
    exact = lambda h: quiet(getattr(s, method), *(at + h * moves))
    if not np.isfinite(exact(0.0)):
        assert np.isnan(slope)
        return
    assert value == pytest.approx(exact(0.0), rel=1e-9)
    h = 1e-3
    right = (8 * (exact(h) - exact(-h)) - exact(2 * h) + exact(-2 * h)) / (12 * h)
    assert slope == pytest.approx(right, rel=1e-6, abs=1e-7)
    fast = taylor.compile(lambda p: getattr(d(*p), method)())
    assert taylor.jvp(fast, at, moves) == pytest.approx((value, slope), rel=1e-12)


def test_moments_that_are_infinite():
    for name, shape in (("pareto", 0.9), ("t", 0.8), ("t", 1.5), ("invgamma", 0.7), ("t", 1.0)):
        for method in ("mean", "var"):
            exact = quiet(getattr(getattr(scipy.stats, name), method), shape)
            found = taylor.jvp(getattr(getattr(stats, name), method), shape, 1.0)[0]
            np.testing.assert_equal(float(found), float(exact), f"{name} {method} {shape}")


NONE = {  # shapes without a mean, without a variance
    "fisk": (0.9, 1.5), "burr": ((0.9, 2.0), (1.5, 2.0)), "burr12": ((1.2, 0.8), (1.2, 1.5)),
    "mielke": ((2.0, 0.9), (2.0, 1.5)), "zipf": (1.5, 2.5), "betaprime": ((2.0, 0.9), (2.0, 1.5)),
    "lomax": (0.9, 1.5), "genpareto": (1.2, 0.7), "genextreme": (-1.2, -0.7),
    "ncf": ((3.0, 1.5, 1.0), (3.0, 3.0, 1.0)), "nct": ((0.9, 0.5), (1.5, 0.5)),
}  # fmt: skip


@pytest.mark.parametrize("name", NONE)
def test_moments_that_are_not_finite_are_as_scipys(name):
    for shapes in NONE[name]:
        for method in ("mean", "var"):
            at = np.atleast_1d(np.asarray(shapes, dtype=float))
            exact = quiet(getattr(getattr(scipy.stats, name), method), *at)
            found = taylor.jvp(lambda p, m=method: getattr(getattr(stats, name), m)(*p), at, at)
            np.testing.assert_allclose(float(found[0]), float(exact), rtol=1e-9)


@pytest.mark.parametrize("mu", [1e-6, 0.4, 0.99, 1.5, 20.0, 300.0])
def test_entropy_of_counts_against_its_sum(mu):
    with mpmath.workdps(60):
        of = lambda m: mpmath.fsum(
            (lambda p: -mpmath.exp(p) * p)(k * mpmath.log(m) - m - mpmath.loggamma(k + 1))
            for k in range(max(0, int(mu - 20 * mu**0.5)), int(mu + 20 * mu**0.5 + 40))
        )
        exact = [float(c) for c in mpmath.taylor(of, mu, 2)]
    found = taylor.taylor_coefficients(stats.poisson.entropy, mu, 2)
    np.testing.assert_allclose(found, exact, rtol=1e-11)


@pytest.mark.parametrize(("a", "b"), [(-1.0, 2.0), (5.0, 6.0), (10.0, np.inf), (-3.0, -2.5)])
def test_moments_of_the_truncated_normal_distribution(a, b):
    def moments(a):
        density = [mpmath.npdf(x) for x in (a, mpmath.mpf(b))]
        mass = mpmath.ncdf(-a) - mpmath.ncdf(-mpmath.mpf(b))
        first, last = (p / mass for p in density)
        far = b * last if np.isfinite(b) else 0
        return first - last, 1 + a * first - far - (first - last) ** 2

    with mpmath.workdps(40):
        for n, name in enumerate(("mean", "var")):
            found = taylor.derivatives(
                lambda a, name=name: getattr(stats.truncnorm, name)(a, b), a, 1
            )
            expected = [moments(mpmath.mpf(a))[n], mpmath.diff(lambda s, n=n: moments(s)[n], a)]
            assert found == pytest.approx([float(e) for e in expected], rel=1e-9)
