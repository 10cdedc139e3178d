"""Calls of SciPy as people write them: name -> (function of a SciPy and an array, the array).

The function is called with `taylor.scipy`, with `scipy` itself, and with `scipy` of Arrays of the
array-API standard; data beside the array go through `sp.data`, which makes them what that takes.
SciPy's own values, at plain numbers, are the reference.
"""

import numpy as np
import scipy.sparse

RNG = np.random.default_rng(11)
V = RNG.normal(size=6)
W = RNG.normal(size=6)
P = np.abs(RNG.normal(size=6)) + 0.3
U = RNG.uniform(0.1, 0.9, 6)
X = RNG.normal(size=20)
M = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
TURN = np.array([[1.0, 2.0, 0.3, 0.1], [-1.5, 0.7, 0.2, 0.4], [0.1, 0.6, 2.0, -1.0],
                 [0.5, 0.2, 0.8, 2.5]])  # fmt: skip
N = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
S = M @ M.T
A = RNG.normal(size=(5, 3))
B = RNG.normal(size=(4, 3))
IMAGE = RNG.normal(size=(6, 7))
KERNEL = RNG.normal(size=(3, 3))
K = np.array([0.0, 0.7, 1.1, 2.0, 3.2, 4.0])
AT = np.array([0.3, 1.5, 3.9])
R = np.array(0.7)
COORDINATES = np.array([[0.3, 2.2, 4.7], [1.1, 3.9, 5.2]])
SOS = np.array([[0.2, 0.3, 0.2, 1.0, -0.5, 0.2], [1.0, 0.4, 0.1, 1.0, -0.3, 0.1]])
STATES = np.array([[0.3, -0.2], [0.1, 0.7]])
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
COUNTS = np.array([0, 2, 1, 4])

CALLS = {}


def call(name, x, f):
    CALLS[name] = f, x


# fmt: off
# ------------------------------------------------------------------ special
for name in ("gammaln", "digamma", "erf", "erfinv", "expit", "ndtr", "log_ndtr", "j0", "i0e",
             "entr", "exprel", "sindg", "log1p", "loggamma", "spence", "ellipk"):
    call(f"special.{name}", U, lambda sp, x, name=name: getattr(sp.special, name)(x))
for name in ("gammainc", "beta", "betaln", "xlogy", "rel_entr", "kl_div", "jv", "boxcox", "huber",
             "gammaincc", "binom", "poch", "hyp0f1"):
    call(f"special.{name}", P, lambda sp, x, name=name: getattr(sp.special, name)(x, sp.data(U)))
call("special.betainc", U, lambda sp, x: sp.special.betainc(2.0, sp.data(P), x))
call("special.stdtrit", U, lambda sp, x: sp.special.stdtrit(5.0, x))
call("special.logsumexp", V, lambda sp, x: sp.special.logsumexp(x))
call("special.logsumexp axis", A, lambda sp, x: sp.special.logsumexp(x, axis=1))
call("special.logsumexp b", V, lambda sp, x: sp.special.logsumexp(x, b=sp.data(P)))
call("special.softmax", A, lambda sp, x: sp.special.softmax(x, axis=0))
call("special.log_softmax", V, lambda sp, x: sp.special.log_softmax(x))
call("special.multigammaln", P + 2, lambda sp, x: sp.special.multigammaln(x, 3))
call("special.polygamma", P, lambda sp, x: sp.special.polygamma(1, x))
call("special.zeta", P + 1.5, lambda sp, x: sp.special.zeta(x, 1.0))

# ------------------------------------------------------------------ linalg
call("linalg.solve", M, lambda sp, a: sp.linalg.solve(a, sp.data(W[:3])))
call("linalg.solve pos", S, lambda sp, a: sp.linalg.solve(a + a.T, sp.data(W[:3]), assume_a="pos"))
call("linalg.inv", M, lambda sp, a: sp.linalg.inv(a))
call("linalg.det", M, lambda sp, a: sp.linalg.det(a))
call("linalg.expm", M / 3, lambda sp, a: sp.linalg.expm(a))
call("linalg.logm", S, lambda sp, a: sp.linalg.logm(a))
call("linalg.sqrtm", S, lambda sp, a: sp.linalg.sqrtm(a))
for name in ("cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"):
    call(f"linalg.{name}", M / 4, lambda sp, a, name=name: getattr(sp.linalg, name)(a))
call("linalg.fractional_matrix_power", S, lambda sp, a: sp.linalg.fractional_matrix_power(a, 0.3))
call("linalg.cholesky", S, lambda sp, a: sp.linalg.cholesky(a + a.T, lower=True))
call("linalg.cho_solve", S, lambda sp, a: sp.linalg.cho_solve(
    sp.linalg.cho_factor(a + a.T), sp.data(W[:3])))
call("linalg.solve_triangular", M, lambda sp, a: sp.linalg.solve_triangular(
    a, sp.data(W[:3]), lower=True))
call("linalg.lu", M, lambda sp, a: sp.linalg.lu(a)[2])
call("linalg.lu l", M, lambda sp, a: sp.linalg.lu(a)[1])
call("linalg.lu_solve", M, lambda sp, a: sp.linalg.lu_solve(sp.linalg.lu_factor(a), sp.data(W[:3])))
call("linalg.qr", M, lambda sp, a: sp.linalg.qr(a)[1])
call("linalg.qr r", A, lambda sp, a: sp.linalg.qr(a, mode="r")[0])
for mode in ("full", "economic", "r"):
    for name, x in (("tall", A), ("square", M), ("wide", TURN[:3])):
        if mode != "full" or name != "tall":
            call(f"linalg.qr pivoting {mode} {name}", x,
                lambda sp, a, mode=mode: np.concatenate([np.ravel(part) * 1.0
                    for part in sp.linalg.qr(a, mode=mode, pivoting=True)]))
call("linalg.qr economic", A, lambda sp, a: sp.linalg.qr(a, mode="economic")[0])
call("linalg.polar", M, lambda sp, a: sp.linalg.polar(a)[0])
call("linalg.polar p", M, lambda sp, a: sp.linalg.polar(a)[1])
call("linalg.svdvals", A, lambda sp, a: sp.linalg.svdvals(a))
call("linalg.svd", A, lambda sp, a: sp.linalg.svd(a, full_matrices=False)[1])
call("linalg.eigh", S, lambda sp, a: sp.linalg.eigh(a + a.T)[0])
call("linalg.eigh b", M, lambda sp, a: sp.linalg.eigh(a + a.T, sp.data(S))[0])
call("linalg.eigvalsh", S, lambda sp, a: sp.linalg.eigvalsh(a + a.T))
call("linalg.norm", M, lambda sp, a: sp.linalg.norm(a))
call("linalg.lstsq", A, lambda sp, a: sp.linalg.lstsq(a, sp.data(W[:5]))[0])
call("linalg.pinv", A, lambda sp, a: sp.linalg.pinv(a))
call("linalg.block_diag", M, lambda sp, a: sp.linalg.block_diag(a, 2 * a))
call("linalg.toeplitz", V, lambda sp, x: sp.linalg.toeplitz(x))
call("linalg.solve_toeplitz", np.array([5.0, 1.0, 0.3]), lambda sp, x: sp.linalg.solve_toeplitz(
    x, sp.data(W[:3])))
call("linalg.solve_sylvester", M, lambda sp, a: sp.linalg.solve_sylvester(
    a, sp.data(N), sp.data(S)))
call("linalg.solve_continuous_lyapunov", M, lambda sp, a: sp.linalg.solve_continuous_lyapunov(
    a, sp.data(S)))
call("linalg.solve_discrete_lyapunov", M / 7, lambda sp, a: sp.linalg.solve_discrete_lyapunov(
    a, sp.data(S)))
call("linalg.solve_banded", A.T + 4 * np.eye(3)[[1, 0, 2]] @ np.ones((3, 5)),
    lambda sp, a: sp.linalg.solve_banded((1, 1), a, sp.data(W[:5])))
call("linalg.eigvals", M, lambda sp, a: sp.real(sp.linalg.eigvals(a)))
call("linalg.eigvals b", M, lambda sp, a: sp.part.sort(sp.part.real(
    sp.linalg.eigvals(sp.data(S), a + a.T))))
call("linalg.eig", M, lambda sp, a: sp.part.real(sp.linalg.eig(a)[1]) ** 2)
call("linalg.eigh_tridiagonal", V, lambda sp, d: sp.linalg.eigh_tridiagonal(
    d, sp.data(P[:5]), select="i", select_range=(1, 3))[1] ** 2)
call("linalg.eigvalsh_tridiagonal", P[:5], lambda sp, e: sp.linalg.eigvalsh_tridiagonal(
    sp.data(V), e))
BANDS = np.array([5 + P, V])
call("linalg.solveh_banded", BANDS, lambda sp, a: sp.linalg.solveh_banded(
    a, sp.data(W), lower=True))
call("linalg.solveh_banded upper", BANDS[::-1].copy(), lambda sp, a: sp.linalg.solveh_banded(
    a, sp.data(W)))
call("linalg.cholesky_banded", BANDS[::-1].copy(), lambda sp, a: sp.linalg.cholesky_banded(
    a)[:, 1:])
call("linalg.cho_solve_banded", BANDS, lambda sp, a: sp.linalg.cho_solve_banded(
    (sp.linalg.cholesky_banded(a, lower=True), True), sp.data(W)))
call("linalg.matmul_toeplitz", V, lambda sp, c: sp.linalg.matmul_toeplitz(
    (c, sp.data(P)), sp.data(W)))
call("linalg.solve_circulant", P, lambda sp, c: sp.linalg.solve_circulant(c, sp.data(W)))
call("linalg.orthogonal_procrustes", A, lambda sp, a: sp.linalg.orthogonal_procrustes(
    a, sp.data(A[::-1].copy()))[0])
call("linalg.pinvh", S, lambda sp, a: sp.linalg.pinvh(a + a.T))
call("linalg.expm_frechet", M / 3, lambda sp, a: sp.linalg.expm_frechet(a, sp.data(N))[1])
call("linalg.signm", A[:3] + A[1:4].T, lambda sp, a: sp.linalg.signm(a))
call("linalg.companion", P, lambda sp, a: sp.linalg.companion(a))
call("linalg.leslie", V, lambda sp, f: sp.linalg.leslie(f, f[1:] ** 2))
call("linalg.fiedler_companion", P, lambda sp, a: sp.linalg.fiedler_companion(a))
for which in (0, 1):
    call(f"linalg.schur {which}", M, lambda sp, a, which=which: sp.linalg.schur(a)[which])
    call(f"linalg.schur pairs {which}", TURN, lambda sp, a, which=which: sp.linalg.schur(a)[which])
call("linalg.fiedler", V, lambda sp, a: sp.linalg.fiedler(a))
for mode in ("full", "same", "valid"):
    call(f"linalg.convolution_matrix {mode}", V, lambda sp, a, mode=mode:
        sp.linalg.convolution_matrix(a, 4, mode))
for kind in ("continuous", "discrete"):
    for name in "abqr":
        call(f"linalg.solve_{kind}_are {name}", M if name != "b" else A[:3, :2],
            lambda sp, x, name=name, kind=kind: getattr(sp.linalg, f"solve_{kind}_are")(
                **{"a": sp.data(N / 3), "b": sp.data(M), "q": sp.data(S),
                   "r": sp.data(S[:2, :2] if name == "b" else S)}
                | {name: x @ x.T if name in "qr" else x}))
    call(f"linalg.solve_{kind}_are e s", M / 5, lambda sp, s, kind=kind: getattr(
        sp.linalg, f"solve_{kind}_are")(sp.data(N / 3), sp.data(M), sp.data(S), s @ s.T + sp.data(
        np.eye(3)), sp.data(N) + s, s))
call("linalg.khatri_rao", M, lambda sp, a: sp.linalg.khatri_rao(a, sp.data(N)))

# ------------------------------------------------------------------ stats
CONTINUOUS = {
    "norm": (V, (0.3, 1.4)), "t": (V, (4.0,)), "gamma": (P, (1.7,)), "beta": (U, (1.5, 2.5)),
    "expon": (P, ()), "lognorm": (P, (0.8,)), "weibull_min": (P, (1.7,)), "cauchy": (V, ()),
    "laplace": (V, ()), "logistic": (V, ()),
}
for name, (x, args) in CONTINUOUS.items():
    for kind in ("logpdf", "cdf"):
        call(f"stats.{name}.{kind}", x, lambda sp, x, name=name, args=args, kind=kind:
            getattr(getattr(sp.stats, name), kind)(x, *args))
call("stats.norm.ppf", U, lambda sp, q: sp.stats.norm.ppf(q))
call("stats.norm.logpdf mu", R, lambda sp, mu: sp.stats.norm.logpdf(sp.data(V), mu, 1.5))
call("stats.gamma.logpdf a", R, lambda sp, a: sp.stats.gamma.logpdf(sp.data(P), a, scale=2.0))
call("stats.poisson.logpmf mu", R, lambda sp, mu: sp.stats.poisson.logpmf(sp.data(COUNTS), mu))
call("stats.binom.logpmf p", R, lambda sp, p: sp.stats.binom.logpmf(sp.data(COUNTS), 5, p))
call("stats.multivariate_normal", V[:3], lambda sp, x: sp.stats.multivariate_normal.logpdf(
    x, sp.data(W[:3]), sp.data(S)))
call("stats.dirichlet", P[:4], lambda sp, a: sp.stats.dirichlet.logpdf(
    sp.data(U[:4] / U[:4].sum()), a))
for name in ("zscore", "skew", "kurtosis", "moment", "sem", "variation"):
    call(f"stats.{name}", X, lambda sp, x, name=name: getattr(sp.stats, name)(x))
for name in ("gmean", "hmean", "entropy"):
    call(f"stats.{name}", P, lambda sp, x, name=name: getattr(sp.stats, name)(x))
call("stats.pmean", P, lambda sp, x: sp.stats.pmean(x, 1.5))
call("stats.zscore axis", A, lambda sp, x: sp.stats.zscore(x, axis=1, ddof=1))
call("stats.kurtosis bias", X, lambda sp, x: sp.stats.kurtosis(x, bias=False))
call("stats.entropy qk", P, lambda sp, x: sp.stats.entropy(x, sp.data(U)))
call("stats.pearsonr", V, lambda sp, x: sp.stats.pearsonr(x, sp.data(W)).statistic)
call("stats.ttest_1samp", V, lambda sp, x: sp.stats.ttest_1samp(x, 0.1).statistic)
call("stats.ttest_ind", V, lambda sp, x: sp.stats.ttest_ind(x, sp.data(W)).statistic)
call("stats.linregress", V, lambda sp, y: sp.stats.linregress(sp.data(K), y).slope)
call("stats.ttest_ind pvalue", V, lambda sp, x: sp.stats.ttest_ind(
    x, sp.data(W), equal_var=False, alternative="less").pvalue)
call("stats.ttest_ind_from_stats", P[:4], lambda sp, x: np.stack(
    sp.stats.ttest_ind_from_stats(x[0], x[1], 7, x[2], x[3], 9)[:2]))
for name in ("skewtest", "kurtosistest", "normaltest", "jarque_bera"):
    call(f"stats.{name}", X, lambda sp, x, name=name: np.stack(getattr(sp.stats, name)(x)[:2]))
call("stats.chisquare", P, lambda sp, x: sp.stats.chisquare(x).pvalue)
for power in ("log-likelihood", "neyman", "mod-log-likelihood", "cressie-read"):
    call(f"stats.power_divergence {power}", P, lambda sp, x, power=power: sp.stats.power_divergence(
        x, np.arange(1.0, 7) / 21 * np.sum(x), lambda_=power).pvalue)
call("stats.bartlett", P, lambda sp, x: np.stack(sp.stats.bartlett(x, x**2, sp.data(W))[:2]))
call("stats.levene", X, lambda sp, x: np.stack(sp.stats.levene(x[:7], x[7:] ** 2)[:2]))
call("stats.levene mean", X, lambda sp, x: sp.stats.levene(x[:9], x[9:], center="mean").pvalue)
call("stats.tvar", X, lambda sp, x: sp.stats.tvar(x, (-0.8, 0.9)))
call("stats.tsem", A, lambda sp, x: sp.stats.tsem(x, axis=1))
call("stats.tmean", X, lambda sp, x: sp.stats.tmean(x, (None, 0.9)))
call("stats.tstd", X, lambda sp, x: sp.stats.tstd(x))
call("stats.boxcox", P, lambda sp, x: sp.stats.boxcox(x, 0.4))
call("stats.yeojohnson", V, lambda sp, x: sp.stats.yeojohnson(x, 0.4))
call("stats.boxcox_llf", P, lambda sp, x: sp.stats.boxcox_llf(0.4, x))
call("stats.circmean", U, lambda sp, x: sp.stats.circmean(x))
call("stats.trim_mean", X, lambda sp, x: sp.stats.trim_mean(x, 0.1))
call("stats.iqr", K[[3, 0, 5, 1, 4, 2]], lambda sp, x: sp.stats.iqr(x))
call("stats.median_abs_deviation", A, lambda sp, x: sp.stats.median_abs_deviation(
    x, axis=1, scale="normal"))
for n in (1, 2, 3, 4):
    call(f"stats.kstat {n}", A, lambda sp, x, n=n: sp.stats.kstat(x, n, axis=0))
for n in (1, 2):
    call(f"stats.kstatvar {n}", X, lambda sp, x, n=n: sp.stats.kstatvar(x, n))
call("stats.yeojohnson_llf", V, lambda sp, x: sp.stats.yeojohnson_llf(0.4, x))
for name in ("wasserstein_distance", "energy_distance"):
    call(f"stats.{name}", V, lambda sp, x, name=name: getattr(sp.stats, name)(
        x, sp.data(W[:4]), v_weights=sp.data(P[:4])))
for which in (0, 1):
    call(f"stats.f_oneway {which}", V, lambda sp, x, which=which: sp.stats.f_oneway(
        x, sp.data(W[:4]), x[:3] ** 2)[which])
call("stats.gaussian_kde", X, lambda sp, x: sp.stats.gaussian_kde(x)(sp.data(AT)))

# ------------------------------------------------------------------ integrate
call("integrate.trapezoid", V, lambda sp, y: sp.integrate.trapezoid(y, sp.data(K)))
call("integrate.simpson", V, lambda sp, y: sp.integrate.simpson(y, x=sp.data(K)))
call("integrate.simpson at", V, lambda sp, v: sp.integrate.simpson(
    v**2, x=sp.data(K) + 0.1 * np.sin(v)))
call("integrate.simpson of rows", V[:5], lambda sp, v: sp.integrate.simpson(
    np.stack([v, v**2]), x=np.stack([sp.data(K[:5]) + 0.1 * v] * 2), axis=1))
call("integrate.simpson by steps", V, lambda sp, v: sp.integrate.simpson(v**2, dx=v[0]))
call("integrate.cumulative_trapezoid", V, lambda sp, y: sp.integrate.cumulative_trapezoid(
    y, sp.data(K), initial=0))
call("integrate.cumulative_simpson", V, lambda sp, y: sp.integrate.cumulative_simpson(y, dx=y[0]))
call("integrate.romb", X[:9], lambda sp, y: sp.integrate.romb(y, dx=y[0]))
call("integrate.quad", R, lambda sp, p: sp.integrate.quad(
    lambda x, p: np.exp(-p * x) * x, 0.0, 2.0, args=(p,))[0])
call("integrate.quad limit", R, lambda sp, b: sp.integrate.quad(np.cos, 0.0, b)[0])
call("integrate.quad points", R, lambda sp, p: sp.integrate.quad(
    lambda x, p: np.abs(x - 0.3) * np.exp(p * x), 0.0, 1.0, p, points=[0.3], limit=80)[0])
call("integrate.quad_vec", V[:2], lambda sp, p: sp.integrate.quad_vec(
    lambda x, p: np.exp(-p * x), 0.0, 1.0, args=(p,))[0])
call("integrate.fixed_quad", R, lambda sp, p: sp.integrate.fixed_quad(
    lambda x, p: np.sin(p * x), 0.0, 1.0, args=(p,))[0])

# ------------------------------------------------------------------ interpolate
for name in ("CubicSpline", "PchipInterpolator", "Akima1DInterpolator", "interp1d",
             "make_interp_spline"):
    call(f"interpolate.{name}", V, lambda sp, y, name=name: getattr(sp.interpolate, name)(
        sp.data(K), y)(sp.data(AT)))
    call(f"interpolate.{name} x", AT, lambda sp, x, name=name: getattr(sp.interpolate, name)(
        sp.data(K), sp.data(V))(x))
call("interpolate.BSpline", V, lambda sp, c: sp.interpolate.BSpline(
    np.arange(10.0), c, 3)(np.array([3.4, 5.5])))
call("interpolate.BarycentricInterpolator", V, lambda sp, y: sp.interpolate.BarycentricInterpolator(
    K, y)(AT))
call("interpolate.PPoly", M, lambda sp, c: sp.interpolate.PPoly(c, K[:4])(AT))
call("interpolate.PPoly x", AT, lambda sp, x: sp.interpolate.PPoly(
    sp.data(IMAGE[:4, :5]), K)(x, nu=1))
call("interpolate.BPoly", IMAGE[:4, :5], lambda sp, c: sp.interpolate.BPoly(c, K)(AT))
call("interpolate.BPoly axis", IMAGE[:, :5], lambda sp, c: sp.interpolate.BPoly(
    c.reshape(2, 3, 5), K, axis=1)(AT))
call("interpolate.make_lsq_spline", X[:9], lambda sp, y: sp.interpolate.make_lsq_spline(
    np.arange(9.0), y, np.r_[[0.0] * 4, 3.5, [8.0] * 4], w=np.arange(1.0, 10))(AT))
call("interpolate.make_smoothing_spline", V, lambda sp, y: sp.interpolate.make_smoothing_spline(
    K, y, lam=0.3)(AT))
call("interpolate.pchip_interpolate", V, lambda sp, y: sp.interpolate.pchip_interpolate(K, y, AT))
call("interpolate.InterpolatedUnivariateSpline", V, lambda sp, y:
    sp.interpolate.InterpolatedUnivariateSpline(K, y)(AT, 1))
call("interpolate.InterpolatedUnivariateSpline x", AT, lambda sp, x:
    sp.interpolate.InterpolatedUnivariateSpline(K, sp.data(V), k=4)(x))
call("interpolate.UnivariateSpline", V, lambda sp, y: sp.interpolate.UnivariateSpline(
    K, y, s=0, k=2)(AT))
call("interpolate.LSQUnivariateSpline", V, lambda sp, y: sp.interpolate.LSQUnivariateSpline(
    K, y, [1.3])(AT))
call("interpolate.splrep", V, lambda sp, y: sp.interpolate.splev(AT, sp.interpolate.splrep(
    K, y, s=0), der=1))
call("interpolate.splrep t", V, lambda sp, y: sp.interpolate.splev(
    np.array([-0.3, 1.2, 5.0]), sp.interpolate.splrep(K, y, t=[1.3]), ext=3))
call("interpolate.KroghInterpolator", V, lambda sp, y: sp.interpolate.KroghInterpolator(
    K[[0, 0, 1, 2, 2, 2]], y)(AT))
call("interpolate.KroghInterpolator x", AT, lambda sp, x: sp.interpolate.KroghInterpolator(
    K, sp.data(np.outer([1.0, 2.0], V)), axis=1)(x))
call("interpolate.krogh_interpolate", V, lambda sp, y: sp.interpolate.krogh_interpolate(K, y, AT))
call("interpolate.barycentric_interpolate", V, lambda sp, y:
    sp.interpolate.barycentric_interpolate(K, y, AT))
call("interpolate.lagrange", V[:4], lambda sp, y: sp.interpolate.lagrange(K[:4], y).coef)
call("interpolate.pade", P, lambda sp, a: sp.interpolate.pade(a, 2)[0](0.3))
call("interpolate.pade q", P, lambda sp, a: sp.interpolate.pade(a, 2, 2)[1].coef)
FLAT = np.column_stack([U, P])
INSIDE = FLAT.mean(axis=0) + 0.1 * (FLAT[:3] - FLAT.mean(axis=0))
call("interpolate.LinearNDInterpolator", V, lambda sp, z: sp.interpolate.LinearNDInterpolator(
    FLAT, z)(INSIDE))
call("interpolate.LinearNDInterpolator x", INSIDE, lambda sp, x:
    sp.interpolate.LinearNDInterpolator(FLAT, sp.data(V), rescale=True)(x))
call("interpolate.LinearNDInterpolator 2", V[:2] / 9 + 0.3, lambda sp, x: (
    sp.interpolate.LinearNDInterpolator(CORNERS, [1.0, 2.0, 4.0])(x[0], x[1])))
call("interpolate.griddata", V, lambda sp, z: sp.interpolate.griddata(FLAT, z, INSIDE))
call("interpolate.griddata nearest", V, lambda sp, z: sp.interpolate.griddata(
    FLAT, z, (INSIDE[:, 0], INSIDE[:, 1]), "nearest"))
call("interpolate.griddata 1", V, lambda sp, z: sp.interpolate.griddata(K[::-1], z, AT))
call("interpolate.interpn", M, lambda sp, v: sp.interpolate.interpn(
    ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0]), v, np.array([[0.3, 1.2], [1.7, 0.4]])))
call("stats.gaussian_kde integrals", X, lambda sp, x: (kde := sp.stats.gaussian_kde(x))
     .integrate_box_1d(-0.3, x[0] + 2) * kde.integrate_gaussian(0.2, 0.7)
     + kde.integrate_kde(sp.stats.gaussian_kde(sp.data(AT))))
call("interpolate.RectBivariateSpline integral", IMAGE, lambda sp, z: (
    sp.interpolate.RectBivariateSpline(np.arange(6.0), np.arange(7.0), z, kx=3, ky=5)
    .integral(0.5, 3.2, -1.0, 4.5)))
call("interpolate.RectBivariateSpline", IMAGE, lambda sp, z: sp.interpolate.RectBivariateSpline(
    np.arange(6.0), np.arange(7.0), z, kx=3, ky=5)(AT, AT, dx=1))
call("interpolate.RectBivariateSpline x", AT, lambda sp, x: sp.interpolate.RectBivariateSpline(
    np.arange(6.0), np.arange(7.0), sp.data(IMAGE)).ev(x, 2 * x - 0.5))
call("interpolate.CubicHermiteSpline", V, lambda sp, y: sp.interpolate.CubicHermiteSpline(
    K, y, W)(AT))
call("interpolate.RegularGridInterpolator", M, lambda sp, v: sp.interpolate.RegularGridInterpolator(
    ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0]), v)(np.array([[0.3, 1.2], [1.7, 0.4]])))
call("interpolate.RBFInterpolator", V, lambda sp, y: sp.interpolate.RBFInterpolator(
    K[:, None], y)(AT[:, None]))
for kernel, epsilon in (("linear", None), ("thin_plate_spline", None), ("cubic", None),
                        ("quintic", None), ("multiquadric", 0.9), ("inverse_multiquadric", 0.9),
                        ("inverse_quadratic", 0.9), ("gaussian", 0.9)):
    call(f"interpolate.RBFInterpolator {kernel} x", B.ravel(),
        lambda sp, x, k=kernel, e=epsilon: sp.interpolate.RBFInterpolator(
            sp.data(IMAGE[:, :2]), sp.data(V), kernel=k, epsilon=e)(x.reshape((6, 2))))
    call(f"interpolate.RBFInterpolator {kernel} y", IMAGE,
        lambda sp, y, k=kernel, e=epsilon: sp.interpolate.RBFInterpolator(
            y, sp.data(V), kernel=k, epsilon=e, degree=-1, smoothing=0.1)(sp.data(IMAGE[:2] + 0.4)))
call("interpolate.RBFInterpolator neighbors", V, lambda sp, d: sp.interpolate.RBFInterpolator(
    K[:, None], d, neighbors=4)(AT[:, None]))
call("interpolate.CubicSpline ends", V, lambda sp, y: sp.interpolate.CubicSpline(
    K[:4], y[:4], bc_type=((1, y[4]), (2, y[5])))(AT))
call("interpolate.CubicSpline solve", V, lambda sp, y: sp.interpolate.CubicSpline(
    K, y + 3 * K).solve(4.0 + 0.1 * y[0], extrapolate=False))
call("interpolate.CubicSpline roots", V, lambda sp, y: sp.interpolate.CubicSpline(
    K, y - 2 * K + 1).roots(extrapolate=False))
call("interpolate.PPoly.from_spline", V, lambda sp, y: sp.interpolate.PPoly.from_spline(
    sp.interpolate.splrep(K, y))(AT))
call("interpolate.PPoly.from_bernstein_basis", IMAGE[:4, :5], lambda sp, c:
    sp.interpolate.PPoly.from_bernstein_basis(sp.interpolate.BPoly(c, K))(AT))
call("interpolate.BPoly.from_derivatives", V, lambda sp, y: sp.interpolate.BPoly.from_derivatives(
    K[:3], [y[:1], y[1:4], y[4:]])(AT[:2]))
call("interpolate.BSpline.basis_element", AT, lambda sp, x:
    sp.interpolate.BSpline.basis_element(K[:5])(x))
call("interpolate.splint", V, lambda sp, y: sp.interpolate.splint(
    0.3, 2.0 + y[0] / 9, sp.interpolate.splrep(K, y)))
call("interpolate.sproot", V, lambda sp, y: sp.interpolate.sproot(
    sp.interpolate.splrep(K, y - 2 * K + 1)))
call("interpolate.spalde", V, lambda sp, y: sp.interpolate.spalde(1.5, sp.interpolate.splrep(K, y)))
call("interpolate.splder", V, lambda sp, y: sp.interpolate.splev(
    AT, sp.interpolate.splder(sp.interpolate.splrep(K, y), 2)))
call("interpolate.splantider", V, lambda sp, y: sp.interpolate.splev(
    AT, sp.interpolate.splantider(sp.interpolate.splrep(K, y), 2)))
call("interpolate.splprep", AT / 5, lambda sp, u: np.stack(sp.interpolate.splev(
    u, sp.interpolate.splprep([V, W], s=0)[0])))
call("interpolate.UnivariateSpline integral", V, lambda sp, y: sp.interpolate.UnivariateSpline(
    K, y, s=0).integral(-1.0, 2.0 + y[0] / 9))
call("interpolate.UnivariateSpline derivatives", V, lambda sp, y: sp.interpolate.UnivariateSpline(
    K, y, s=0).derivatives(1.5))
call("interpolate.CubicSpline periodic", V, lambda sp, y: sp.interpolate.CubicSpline(
    np.arange(7.0), np.concatenate([y, y[:1]]), bc_type="periodic")(AT + 5))

for name, at, quad in (
    ("cos", P[:1], lambda sp, p: sp.integrate.quad(
        lambda x, k: np.exp(k * x), 0, 1, args=(p[0],), weight="cos", wvar=2.0)),
    ("sin in all", P[:3], lambda sp, p: sp.integrate.quad(
        lambda x, k: np.exp(k * x), p[0], 2.0, args=(p[1],), weight="sin", wvar=p[2])),
    ("alg", P[:2], lambda sp, p: sp.integrate.quad(
        lambda x: np.exp(x), 0, 2, weight="alg-loga", wvar=(p[0] - 0.5, p[1]))),
    ("alg-log", P[:1], lambda sp, p: sp.integrate.quad(
        lambda x, k: np.exp(k * x), 0, 2, args=(p[0],), weight="alg-log", wvar=(-0.3, 0.5))),
):
    call(f"integrate.quad {name}", at, lambda sp, p, quad=quad: quad(sp, p)[0])

# ------------------------------------------------------------------ fft
def real(z):
    return np.real(z) + 2 * np.imag(z)


for name in ("fft", "ifft", "rfft", "ihfft", "fft2", "fftn", "rfft2", "rfftn", "ifftn"):
    x = IMAGE if name[-1] in "2n" else X
    call(f"fft.{name}", x, lambda sp, x, name=name: sp.real(getattr(sp.fft, name)(x)))
for name in ("irfft", "hfft", "irfftn"):
    call(f"fft.{name}", X, lambda sp, x, name=name: getattr(sp.fft, name)(sp.fft.rfft(x)))
for name in ("dct", "idct", "dst", "idst"):
    for kind in (1, 2, 3, 4):
        call(f"fft.{name} {kind}", V, lambda sp, x, name=name, kind=kind:
            getattr(sp.fft, name)(x, type=kind))
call("fft.dct ortho", A, lambda sp, x: sp.fft.dct(x, axis=0, norm="ortho"))
call("fft.dctn", IMAGE, lambda sp, x: sp.fft.dctn(x))
call("fft.idctn", IMAGE, lambda sp, x: sp.fft.idctn(x, norm="ortho"))
call("fft.fftshift", V, lambda sp, x: sp.fft.fftshift(x))

# ------------------------------------------------------------------ signal
call("signal.convolve", X, lambda sp, x: sp.signal.convolve(x, sp.data(V), mode="same"))
call("signal.convolve 2", IMAGE, lambda sp, x: sp.signal.convolve(x, sp.data(KERNEL)))
call("signal.convolve2d", IMAGE, lambda sp, x: sp.signal.convolve2d(x, KERNEL, mode="same"))
call("signal.fftconvolve", X, lambda sp, x: sp.signal.fftconvolve(x, sp.data(V)))
call("signal.oaconvolve", X, lambda sp, x: sp.signal.oaconvolve(x, sp.data(V)))
call("signal.correlate", X, lambda sp, x: sp.signal.correlate(x, sp.data(V)))
call("signal.lfilter", X, lambda sp, x: sp.signal.lfilter([1.0, 0.5], [1.0, -0.4, 0.2], x))
call("signal.lfilter axis", A, lambda sp, x: sp.signal.lfilter([1.0, 0.5], [1.0, -0.4], x, axis=0))
call("signal.filtfilt", X, lambda sp, x: sp.signal.filtfilt([0.5, 0.5], [1.0, -0.4], x))
call("signal.sosfilt zi", X, lambda sp, x: sp.signal.sosfilt(
    sp.data(SOS), x, zi=sp.data(STATES))[1])
call("signal.sosfilt", X, lambda sp, x: sp.signal.sosfilt(SOS, x))
call("signal.sosfiltfilt", np.r_[X, X], lambda sp, x: sp.signal.sosfiltfilt(SOS, x))
call("signal.savgol_filter", X, lambda sp, x: sp.signal.savgol_filter(x, 5, 2))
call("signal.savgol_filter deriv", X, lambda sp, x: sp.signal.savgol_filter(
    x, 5, 3, deriv=1, mode="nearest"))
call("signal.detrend", X, lambda sp, x: sp.signal.detrend(x))
call("signal.detrend constant", A, lambda sp, x: sp.signal.detrend(x, axis=0, type="constant"))
call("signal.hilbert", X, lambda sp, x: sp.real(sp.signal.hilbert(x)))
call("signal.resample", X, lambda sp, x: sp.signal.resample(x, 13))
call("signal.decimate", X, lambda sp, x: sp.signal.decimate(x, 2, n=2, ftype="fir"))
call("signal.upfirdn", X, lambda sp, x: sp.signal.upfirdn([1.0, 0.5, 0.2], x, 3, 2))
call("signal.resample_poly", X, lambda sp, x: sp.signal.resample_poly(x, 2, 3))
call("signal.welch", X, lambda sp, x: sp.signal.welch(x, nperseg=8)[1])
for options in ({}, {"normalize": True, "floating_mean": True}, {"weights": P}):
    call(f"signal.lombscargle {list(options)}", V, lambda sp, y, options=options:
        sp.signal.lombscargle(sp.data(K), y, sp.data(AT), **options))
call("signal.lombscargle times", K, lambda sp, t: sp.real(sp.signal.lombscargle(
    t, sp.data(V), sp.data(AT), normalize="amplitude")))
call("signal.periodogram", X, lambda sp, x: sp.signal.periodogram(x)[1])
call("signal.wiener", X, lambda sp, x: sp.signal.wiener(x, 5))
call("signal.medfilt", X, lambda sp, x: sp.signal.medfilt(x, 3))
for mode in ("full", "same", "valid"):
    call(f"signal.correlate2d {mode}", IMAGE, lambda sp, x, mode=mode: sp.signal.correlate2d(
        x, KERNEL[:2], mode=mode, boundary="symm"))
call("signal.hilbert2", IMAGE, lambda sp, x: sp.real(sp.signal.hilbert2(x)))
call("signal.csd", X, lambda sp, x: sp.real(sp.signal.csd(
    x, sp.data(X[::-1].copy()), nperseg=8)[1]))
call("signal.csd y", A, lambda sp, y: sp.real(sp.signal.csd(
    sp.data(2 * A[::-1]), y, nperseg=3, axis=0)[1]))
call("signal.coherence", X, lambda sp, x: sp.signal.coherence(x, sp.data(X**2), nperseg=6)[1])
for mode in ("psd", "magnitude", "complex"):
    call(f"signal.spectrogram {mode}", X, lambda sp, x, mode=mode: sp.real(sp.signal.spectrogram(
        x + 3, nperseg=7, mode=mode, detrend=False)[2]))
for pad in ("zeros", "even", "odd", "constant", None):
    call(f"signal.stft {pad}", X, lambda sp, x, pad=pad: sp.real(sp.signal.stft(
        x, nperseg=6, noverlap=4, boundary=pad)[2]))
call("signal.stft axis", IMAGE, lambda sp, x: sp.real(sp.signal.stft(x, nperseg=4, axis=0)[2]))
call("signal.istft", IMAGE, lambda sp, x: sp.signal.istft(x + 1j * x[::-1], fs=2.0, noverlap=7)[1])
call("signal.istft psd", IMAGE[:5], lambda sp, x: sp.signal.istft(
    x + 2j * x, noverlap=5, boundary=False, scaling="psd")[1])
call("signal.freqs", V, lambda sp, a: sp.real(sp.signal.freqs(sp.data(W[:4]), a, [0.3, 1.1])[1]))
call("signal.freqs_zpk", V, lambda sp, z: sp.real(sp.signal.freqs_zpk(
    z, sp.data(U), 2.0, [0.3, 1.1])[1]))
call("signal.freqz_sos", SOS[:, :3], lambda sp, b: sp.real(sp.signal.freqz_sos(
    np.concatenate([b, SOS[:, 3:]], axis=1), worN=4)[1]))
call("signal.sosfreqz", SOS[:, 4:], lambda sp, a: sp.real(sp.signal.sosfreqz(
    np.concatenate([SOS[:, :4], a], axis=1), worN=4, whole=True)[1]))
call("signal.zpk2tf", V, lambda sp, z: sp.signal.zpk2tf(z, sp.data(U), 2.0)[0])
call("signal.zpk2tf p", V, lambda sp, p: sp.signal.zpk2tf([0.1 + 2j, 0.1 - 2j], p, p[0])[1])
call("signal.bilinear", P, lambda sp, b: sp.signal.bilinear(b, sp.data(P[::-1].copy()), 0.7)[0])
call("signal.bilinear a", P, lambda sp, a: sp.signal.bilinear([1.0, 0.2], a, 1.3)[1])
call("signal.deconvolve", X, lambda sp, x: sp.signal.deconvolve(x, sp.data(P))[0])
call("signal.deconvolve divisor", P, lambda sp, x: sp.signal.deconvolve(sp.data(X[:9]), x)[1][3:])
SYSTEM = (M / 2 - 3 * np.eye(3), A[:3, :2], A[3:], KERNEL[:2, :2])
for method, parts in {"zoh": (0, 1), "foh": (1, 2), "impulse": (1, 2), "bilinear": (0,),
                      "euler": (0,), "backward_diff": (1,), "gbt": (0, 1, 2)}.items():
    for i in parts:
        call(f"signal.cont2discrete {method} {i}", M / 3, lambda sp, a, i=i, method=method:
            sp.signal.cont2discrete((sp.data(SYSTEM[0]) + a, a[:, :2], a[1:], sp.data(np.zeros(
                (2, 2)))), 0.3 if i else 0.4, method, alpha=0.3 if method == "gbt" else None)[
                    (1, 2, 3)[i] if method != "zoh" else i])
for interp in (True, False):
    call(f"signal.lsim {interp}", A, lambda sp, u, interp=interp: sp.signal.lsim(
        (SYSTEM[0], sp.data(M), SYSTEM[2], sp.data(A[:2])), u, 0.3 * np.arange(5), A[0],
        interp=interp)[1])
call("signal.lsim a", M / 3, lambda sp, a: sp.signal.lsim(
    (a, SYSTEM[1], SYSTEM[2], SYSTEM[3]), B[:, :2], 0.2 + 0.3 * np.arange(4), a[0])[2])
for name, at in {"kaiser": P[:1], "gaussian": P[:1] + 1, "general_gaussian": P[:2] + 1,
                 "general_hamming": U[:1], "tukey": U[:1]}.items():
    call(f"signal.windows.{name}", at, lambda sp, p, name=name: getattr(sp.signal.windows, name)(
        8, *(p[i] for i in range(p.shape[0]))))
    call(f"signal.windows.{name} of seven", at, lambda sp, p, name=name: getattr(
        sp.signal.windows, name)(7, *(p[i] for i in range(p.shape[0])), sym=False))
call("signal.windows.exponential", P[:1], lambda sp, p: sp.signal.windows.exponential(8, tau=p[0]))
call("signal.windows.exponential center", P[:2], lambda sp, p: sp.signal.windows.exponential(
    8, p[0], p[1], sym=False))
call("signal.windows.general_cosine", P[:3], lambda sp, a: sp.signal.windows.general_cosine(9, a))
call("signal.get_window", P[:1], lambda sp, p: sp.signal.get_window(("kaiser", p[0]), 8))
call("signal.sawtooth", 9 * V, lambda sp, t: sp.signal.sawtooth(t, 0.6))
call("signal.sawtooth width", U, lambda sp, w: sp.signal.sawtooth(sp.data(9 * V), w))
for method in ("linear", "quadratic", "logarithmic", "hyperbolic"):
    call(f"signal.chirp {method}", P, lambda sp, t, method=method: sp.signal.chirp(
        t, 0.3, 5.0, 1.2, method, 20.0, False))
call("signal.gausspulse", V / 10, lambda sp, t: sp.signal.gausspulse(t, fc=3.0, retquad=True)[1])
call("signal.freqz", V, lambda sp, b: sp.real(sp.signal.freqz(b, [1.0, 0.3], worN=5)[1]))

# ------------------------------------------------------------------ ndimage
for name, args in {
    "gaussian_filter": (1.2,), "gaussian_filter1d": (1.2,), "uniform_filter": (3,),
    "uniform_filter1d": (3,), "convolve": (KERNEL,), "correlate": (KERNEL,), "convolve1d": (W[:3],),
    "correlate1d": (W[:3],), "sobel": (), "prewitt": (), "laplace": (), "gaussian_laplace": (1.0,),
    "gaussian_gradient_magnitude": (1.0,), "maximum_filter": (3,), "median_filter": (3,),
    "shift": ((0.3, -1.2),), "zoom": (1.5,), "rotate": (20.0,),
}.items():
    call(f"ndimage.{name}", IMAGE, lambda sp, x, name=name, args=args:
        getattr(sp.ndimage, name)(x, *args))
for order in range(4):
    call(f"ndimage.gaussian_filter1d sigma {order}", R + 0.6, lambda sp, s, n=order:
        sp.ndimage.gaussian_filter1d(sp.data(IMAGE), s, order=n))
call("ndimage.gaussian_filter sigma", P[:2] + 0.4, lambda sp, s: sp.ndimage.gaussian_filter(
    sp.data(IMAGE), (s[0], s[1])))
call("ndimage.gaussian_filter wrap", IMAGE, lambda sp, x: sp.ndimage.gaussian_filter(
    x, 0.8, mode="wrap"))
call("ndimage.convolve constant", IMAGE, lambda sp, x: sp.ndimage.convolve(
    x, KERNEL, mode="constant", cval=2.0))
for order in (0, 1, 3):
    call(f"ndimage.map_coordinates {order}", IMAGE, lambda sp, x, order=order:
        sp.ndimage.map_coordinates(x, COORDINATES, order=order))
    if order:
        call(f"ndimage.map_coordinates {order} at", COORDINATES, lambda sp, c, order=order:
            sp.ndimage.map_coordinates(sp.data(IMAGE), c, order=order))
call("ndimage.affine_transform", IMAGE, lambda sp, x: sp.ndimage.affine_transform(
    x, np.array([[0.9, 0.1], [-0.1, 0.9]]), order=1))
call("ndimage.sum_labels", IMAGE, lambda sp, x: sp.ndimage.sum_labels(
    x, np.arange(42).reshape(6, 7) % 3, [0, 1, 2]))

PARTS = np.array([1, 1, 2, 0, 2, 5, 5] * 6).reshape(6, 7)
for name in ("variance", "standard_deviation", "maximum", "minimum", "median", "mean", "sum"):
    for parts in ((), (PARTS,), (PARTS, 2), (PARTS, [2, 5])):
        call(f"ndimage.{name} {parts[1:] or len(parts)}", IMAGE, lambda sp, x, name=name,
            parts=parts: getattr(sp.ndimage, name)(x, *parts))
call("ndimage.center_of_mass", IMAGE**2, lambda sp, x: sp.ndimage.center_of_mass(x)[1])
call("ndimage.center_of_mass parts", IMAGE**2, lambda sp, x: sp.ndimage.center_of_mass(
    x, PARTS, [2, 5])[1][0])

# ------------------------------------------------------------------ spatial
for name in ("euclidean", "sqeuclidean", "cosine", "correlation", "cityblock", "chebyshev",
             "braycurtis", "canberra", "minkowski"):
    call(f"spatial.{name}", V, lambda sp, x, name=name: getattr(sp.spatial.distance, name)(
        x, sp.data(W)))
    call(f"spatial.cdist {name}", A, lambda sp, x, name=name: sp.spatial.distance.cdist(
        x, sp.data(B), name))
call("spatial.distance_matrix", A, lambda sp, x: sp.spatial.distance_matrix(x, sp.data(B), p=3))
call("spatial.mahalanobis", V[:3], lambda sp, x: sp.spatial.distance.mahalanobis(
    x, sp.data(W[:3]), sp.data(S)))
call("spatial.jensenshannon", P, lambda sp, x: sp.spatial.distance.jensenshannon(x, sp.data(U)))
call("spatial.pdist", A, lambda sp, x: sp.spatial.distance.pdist(x))
call("spatial.squareform", A, lambda sp, x: sp.spatial.distance.squareform(
    sp.spatial.distance.pdist(x, "sqeuclidean")))

# ------------------------------------------------------------------ optimize, sparse
call("optimize.rosen", V, lambda sp, x: sp.optimize.rosen(x))
call("optimize.rosen_der", V, lambda sp, x: sp.optimize.rosen_der(x))
call("optimize.rosen_hess", V, lambda sp, x: sp.optimize.rosen_hess(x))
call("optimize.brentq", R, lambda sp, p: sp.optimize.brentq(
    lambda x, p: x**3 + x - p, 0.0, 2.0, args=(p,)))
call("optimize.newton", R, lambda sp, p: sp.optimize.newton(
    lambda x, p: x**3 + x - p, 0.5, args=(p,)))
call("optimize.root", V[:2], lambda sp, p: sp.optimize.root(
    lambda x, p: x + 0.1 * x**3 - p, np.zeros(2), args=(p,)).x)
call("optimize.minimize", V[:2], lambda sp, p: sp.optimize.minimize(
    lambda x, p: np.sum((x - p) ** 2 + 0.1 * x**4), np.zeros(2), args=(p,)).x)
SPARSE = scipy.sparse.csc_array(np.diag(P) + np.eye(6, k=2))
call("sparse.matmul", V, lambda sp, x: sp.matmul(SPARSE, x))
call("sparse.spsolve", V, lambda sp, x: sp.spsolve(SPARSE, x))
# fmt: on
