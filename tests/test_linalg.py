"""Linear algebra on series and nodes: the defining equations, degree by degree, and adjoints."""

import functools
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy

import taylor
from taylor import Taylor, TaylorN, linalg
from taylor.core.algebra import Univariate
from taylor.core.applied import Call
from taylor.core.applied import flat as joined
from taylor.core.graded import multivariate, squarefree
from taylor.core.rules import tangent_of
from taylor.core.tables import contract
from taylor.linalg.branches import branches
from taylor.linalg.degrees import RULES

ALGEBRAS = [Univariate(8), multivariate(2, 3), squarefree(3)]
BATCHES = [(), (2,)]
N = 4


def t(x):
    return np.swapaxes(x, -1, -2)


def h(x):
    return t(np.conj(x))


def matrices(algebra, *shape, seed=0, kind=float):
    """Return a random table whose coefficients shrink like 2^-degree."""
    rng = np.random.default_rng(seed)
    c = rng.normal(size=(algebra.size, *shape))
    if kind is complex:
        c = c + 1j * rng.normal(size=c.shape)
    return c * 0.5 ** algebra.degrees.reshape((-1,) + (1,) * len(shape))


def symmetric(algebra, *shape, shift=0.0, seed=0, kind=float):
    c = matrices(algebra, *shape, seed=seed, kind=kind)
    c = c + h(c)
    c[0] += shift * np.eye(shape[-1])
    return c


def swept(name, algebra, *tables):
    """Return the result tables of a rule, from its step alone."""
    y = []
    step = RULES[name].step(algebra, list(tables), [True] * len(tables), y)
    for k in range(algebra.order + 1):
        parts = step(k)
        if k == 0:
            y += [np.zeros((algebra.size, *np.shape(p)), np.asarray(p).dtype) for p in parts]
        for table, part in zip(y, parts, strict=True):
            table[algebra.part(k) if k else 0] = part
    return y if len(y) > 1 else y[0]


def times(algebra, x, y, spec="ij,jk->ik"):
    z = "pq"[: x.ndim - 3]
    terms, out = spec.split("->")
    a, b = terms.split(",")
    return algebra.bilinear(f"{z}{a},{z}{b}->{z}{out}", x, y)


def ones(algebra, batch, n):
    table = np.zeros((algebra.size, *batch, n, n))
    table[0] = np.eye(n)
    return table


def same(x, y, tol=1e-11):
    scale = max(1.0, np.max(np.abs(y), initial=0))
    np.testing.assert_allclose(x, y, rtol=0, atol=tol * scale)


every_algebra = pytest.mark.parametrize("algebra", ALGEBRAS, ids=str)
every_kind = pytest.mark.parametrize("kind", [float, complex], ids=["real", "complex"])
every_batch = pytest.mark.parametrize("batch", BATCHES, ids=str)


# ------------------------------------------------------------------ the defining equations
@every_algebra
@every_batch
def test_solve_and_inv(algebra, batch):
    a, b = matrices(algebra, *batch, N, N), matrices(algebra, *batch, N, 2, seed=1)
    same(times(algebra, a, swept("solve", algebra, a, b)), b)
    same(times(algebra, a, swept("inv", algebra, a)), ones(algebra, batch, N))


@every_kind
@every_algebra
@every_batch
def test_cholesky(algebra, batch, kind):
    a = symmetric(algebra, *batch, N, N, shift=9, kind=kind)
    for name in ("cholesky", "cholesky_upper"):
        low = swept(name, algebra, a)
        same(times(algebra, low, h(low)), a)
        assert not np.triu(low, 1).any()


@every_kind
@every_algebra
@every_batch
@pytest.mark.parametrize("rows", [3, 5])
def test_qr(algebra, batch, kind, rows):
    a = matrices(algebra, *batch, rows, 3, kind=kind)
    q, r = swept("qr", algebra, a)
    same(times(algebra, q, r), a)
    same(times(algebra, h(q), q), ones(algebra, batch, 3))
    assert not np.tril(r, -1).any()


@every_kind
@every_algebra
@every_batch
@pytest.mark.parametrize("name", ["eigh", "eigh_upper"])
def test_eigh(algebra, batch, kind, name):
    a = symmetric(algebra, *batch, N, N, kind=kind) * 0.1
    a[0] += np.diag(np.arange(N))
    v, q = swept(name, algebra, a)
    same(times(algebra, a, q), times(algebra, q, v, "ij,j->ij"))
    same(times(algebra, h(q), q), ones(algebra, batch, N))
    same(swept(name.replace("eigh", "eigvalsh"), algebra, a), v)


@every_kind
@every_algebra
@every_batch
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5)], ids=str)
def test_svd(algebra, batch, kind, shape):
    a = matrices(algebra, *batch, *shape, kind=kind) * 0.1
    a[0] += np.eye(*shape) * np.arange(1, shape[1] + 1)
    u, s, vt = swept("svd", algebra, a)
    same(times(algebra, times(algebra, u, s, "ij,j->ij"), vt), a)
    for factor in (h(u), vt):
        same(times(algebra, factor, h(factor)), ones(algebra, batch, 3))
    same(swept("svdvals", algebra, a), s)


@every_algebra
@every_batch
def test_determinants(algebra, batch):
    a = matrices(algebra, *batch, 2, 2)
    expected = times(algebra, a[..., 0, 0], a[..., 1, 1], ",->") if not batch else None
    det = swept("det", algebra, a)
    if not batch:
        same(det, expected - times(algebra, a[..., 0, 1], a[..., 1, 0], ",->"))
    a = matrices(algebra, *batch, N, N)
    det, cofactors = swept("det", algebra, a), swept("cofactors", algebra, a)
    z = "p"[: len(batch)]
    same(
        times(algebra, a, t(cofactors)),
        algebra.bilinear(f"{z},{z}ij->{z}ij", det, ones(algebra, batch, N)),
    )
    sign, log = swept("slogdet", algebra, a)
    assert not sign[1:].any()
    cut = Taylor._make(log, algebra, taylor.core.tags.user_tag(0))
    same(np.exp(cut)._coef * sign[0], det)


@every_kind
@every_algebra
def test_lstsq_solves_the_normal_equations(algebra, kind):
    a, b = matrices(algebra, 5, 3, kind=kind), matrices(algebra, 5, 2, seed=1, kind=kind)
    x = swept("lstsq", algebra, a, b)
    same(times(algebra, h(a), times(algebra, a, x) - b), np.zeros((algebra.size, 3, 2)))


@every_kind
@every_algebra
@every_batch
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5)], ids=str)
def test_pinv(algebra, batch, kind, shape):
    a = matrices(algebra, *batch, *shape, kind=kind)
    p = swept("pinv", algebra, a)
    ap, pa = times(algebra, a, p), times(algebra, p, a)
    same(times(algebra, ap, a), a)
    same(times(algebra, pa, p), p)
    same(ap, h(ap))
    same(pa, h(pa))


@every_algebra
@every_batch
def test_expm(algebra, batch):
    a = matrices(algebra, *batch, 3, 3)
    e = swept("expm", algebra, a)
    same(times(algebra, e, swept("expm", algebra, -a)), ones(algebra, batch, 3), 1e-10)
    same(times(algebra, a, e), times(algebra, e, a))
    same(times(algebra, e, e), swept("expm", algebra, 2 * a), 1e-10)


def test_one_argument_may_be_constant():
    algebra = Univariate(5)
    a, b = matrices(algebra, N, N), matrices(algebra, N, 2, seed=1)
    rule = RULES["solve"]
    for live, args in (([True, False], (a, b[0])), ([False, True], (a[0], b))):
        step = rule.step(algebra, args, live, [])
        x = np.stack([step(k)[0] for k in range(6)])
        full_a, full_b = (
            z if inside else np.concatenate([z[None], np.zeros((5, *z.shape))])
            for z, inside in zip(args, live, strict=True)
        )
        same(times(algebra, full_a, x), full_b)


def test_coefficients_may_arrive_degree_by_degree():
    algebra = Univariate(6)
    a, b = matrices(algebra, N, N), matrices(algebra, N, 2, seed=1)
    known_a, known_b = np.zeros_like(a), np.zeros_like(b)
    step = RULES["solve"].step(algebra, [known_a, known_b], [True, True], [])
    expected = swept("solve", algebra, a, b)
    for k in range(7):
        known_a[k], known_b[k] = a[k], b[k]
        assert np.array_equal(step(k)[0], expected[k])


# ------------------------------------------------------------------ independent references
def test_eigenvalues_against_a_closed_form():
    x = Taylor.variable(0.3, 8)
    low, high = linalg.eigvalsh([[1 + x, x * x], [x * x, 2 - x]])
    root = np.sqrt((1 - 2 * x) ** 2 / 4 + x**4)
    same(low.coef, (1.5 - root).coef)
    same(high.coef, (1.5 + root).coef)


def test_determinant_against_sympy():
    s = sympy.Symbol("s")

    def rows(x, number):
        return [[(i + 1) * x**j + number(j - i, 2) + x * i for j in range(4)] for i in range(4)]

    poly = sympy.Poly(sympy.Matrix(rows(s, sympy.Rational)).det(), s)
    found = linalg.det(rows(Taylor.variable(Fraction(0), 6), Fraction))
    wanted = [Fraction(str(poly.coeff_monomial(s**k))) for k in range(7)]
    assert found.coef.tolist() == wanted


def test_exponential_against_mpmath():
    def matrix(x):
        return [[x, 1 + x * x, 0.5], [2.0, x - 1, x * 3], [0.25, x * x * x, -x]]

    x = Taylor.variable(0.2, 5)
    found = linalg.expm(matrix(x))
    with mpmath.workdps(40):
        for i, j in ((0, 0), (1, 2), (2, 0)):
            entry = mpmath.taylor(lambda z: mpmath.expm(mpmath.matrix(matrix(z)))[i, j], 0.2, 5)  # noqa: B023
            same(found[i, j].coef, [float(c) for c in entry], 1e-12)


def test_exponential_of_high_order_at_zero():
    b = np.random.default_rng(3).normal(size=(3, 3))
    coef = linalg.expm(Taylor.variable(np.zeros((3, 3)), 40, direction=b)).coef
    power = np.eye(3)
    for k in range(41):
        np.testing.assert_allclose(coef[k], power, rtol=1e-11, atol=1e-12 * np.abs(power).max())
        power = power @ b / (k + 1)


@pytest.mark.parametrize("scale", [1e-8, 0.1, 1.0, 30.0])
def test_exponential_value(scale):
    a = np.random.default_rng(1).normal(size=(4, 4)) * scale
    with mpmath.workdps(50):
        e = mpmath.expm(mpmath.matrix(a.tolist()), method="taylor")
        wanted = np.array(e.tolist(), dtype=float)
    same(linalg.expm(a) / np.abs(wanted).max(), wanted / np.abs(wanted).max(), 1e-13)


NUMPY = {
    "solve": (np.linalg.solve, (3, 3), (3, 2)),
    "inv": (np.linalg.inv, (3, 3)),
    "det": (np.linalg.det, (3, 3)),
    "slogdet": (np.linalg.slogdet, (3, 3)),
    "qr": (np.linalg.qr, (4, 3)),
    "svd": (lambda a: np.linalg.svd(a, full_matrices=False), (4, 3)),
    "svdvals": (lambda a: np.linalg.svd(a, compute_uv=False), (4, 3)),
    "pinv": (np.linalg.pinv, (3, 4)),
    "eigh": (np.linalg.eigh, (3, 3)),
    "eigvalsh": (np.linalg.eigvalsh, (3, 3)),
    "lstsq": (lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], (4, 3), (4, 2)),
}


@pytest.mark.parametrize("name", NUMPY)
def test_the_value_is_that_of_numpy_bit_for_bit(name):
    f, *shapes = NUMPY[name]
    rng = np.random.default_rng(5)
    args = [rng.normal(size=s) for s in shapes]
    wanted = f(*args)
    kwargs = {"full_matrices": False} if name == "svd" else {}
    for found in (
        getattr(linalg, name)(*args, **kwargs),
        getattr(linalg, name)(*(Taylor.variable(a, 2) for a in args), **kwargs),
    ):
        for x, y in zip(
            *(z if isinstance(z, tuple) else (z,) for z in (found, wanted)), strict=True
        ):
            assert np.array_equal(getattr(x, "value", x), y)


@pytest.mark.parametrize("upper", [False, True])
def test_either_triangle_is_read_as_numpy_reads_it(upper):
    a = np.random.default_rng(5).normal(size=(5, 5)) + 9 * np.eye(5)
    x, uplo = Taylor.variable(a, 2), "U" if upper else "L"
    assert np.array_equal(linalg.cholesky(x, upper=upper).value, np.linalg.cholesky(a, upper=upper))
    assert np.array_equal(linalg.eigvalsh(x, uplo).value, np.linalg.eigvalsh(a, uplo))
    for found, wanted in zip(linalg.eigh(x, uplo), np.linalg.eigh(a, uplo), strict=True):
        assert np.array_equal(found.value, wanted)


@pytest.mark.parametrize("f", linalg.FUNCTIONS, ids=lambda f: f.__name__)
def test_numpy_finds_the_function(f):
    a = Taylor.variable(np.diag([3.0, 2.0, 1.0]) + 0.1, 2)
    args = {"solve": (a, a[0]), "lstsq": (a, a[0]), "matrix_power": (a, 3)}.get(f.__name__, (a,))
    found = f(*args)
    wanted = linalg.FUNCTIONS[f](*args)
    for x, y in zip(*(z if isinstance(z, tuple) else (z,) for z in (found, wanted)), strict=True):
        assert np.all(x == y)


# ------------------------------------------------------------------ cost
FACTORISATIONS = {
    "solve": {"solve": 1, "inv": 1}, "inv": {"inv": 1}, "slogdet": {"slogdet": 1, "inv": 1},
    "cholesky": {"cholesky": 1}, "qr": {"qr": 1}, "eigh": {"eigh": 1},
    "svd": {"svd": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", FACTORISATIONS)
def test_one_factorisation_serves_all_degrees(name, monkeypatch):
    calls = {}

    def counted(f, *args, **kwargs):
        calls[f.__name__] = calls.get(f.__name__, 0) + 1
        return f(*args, **kwargs)

    for other in ("solve", "inv", "slogdet", "cholesky", "qr", "eigh", "svd", "det", "lstsq"):
        f = getattr(np.linalg, other)
        monkeypatch.setattr(np.linalg, other, functools.partial(counted, f))
    algebra = Univariate(8)
    a = symmetric(algebra, N, N, shift=6)
    swept(name, algebra, *([a, a] if name == "solve" else [a]))
    assert calls == FACTORISATIONS[name]


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "qr", "eigh", "svd", "expm"])
def test_the_cost_is_quadratic_in_the_order(name):
    products = 0

    class Counting(Univariate):
        def interior_of(self, spec, k, x, y):
            nonlocal products
            products += max(k - 1, 0)
            return super().interior_of(spec, k, x, y)

    counts = []
    for order in (20, 40):
        products = 0
        swept(name, Counting(order), symmetric(Univariate(order), 3, 3, shift=5))
        counts.append(products)
    assert 0 < counts[1] < 5.5 * counts[0]


# ------------------------------------------------------------------ adjoints
CASES = {
    **{name: [(N, N)] for name in ("inv", "det", "cofactors", "slogdet", "expm")},
    "solve": [(N, N), (N, 2)], "lstsq": [(5, 3), (5, 2)],
    **{name: [(N, N)] for name in ("eigh", "eigh_upper", "eigvalsh", "eigvalsh_upper")},
    **{name: [(N, N)] for name in ("cholesky", "cholesky_upper")},
    **{f"{name} {s[0]}x{s[1]}": [s] for name in ("svd", "svdvals", "pinv", "qr")
       for s in ((4, 4), (5, 3), (3, 5)) if (name, s) != ("qr", (3, 5))},
}  # fmt: skip


def points(name, batch=()):
    rng = np.random.default_rng(7)
    args = [rng.normal(size=(*batch, *s)) for s in CASES[name]]
    if "cholesky" in name:
        args[0] = args[0] @ t(args[0]) + np.eye(N)
    if "eig" in name:
        args[0] = args[0] + t(args[0])
    directions = [rng.normal(size=a.shape) for a in args]
    if "eig" in name or "cholesky" in name:  # these rules see symmetric matrices only
        directions = [d + t(d) for d in directions]
    return args, directions, rng


def flat(y):
    return np.concatenate([np.ravel(z) for z in y]) if isinstance(y, tuple) else np.ravel(y)


def tangent(rule, directions, y, args):
    """Return the tangent of the results in one array, as forward mode finds it."""
    call = Call(rule, tuple(np.shape(z) for z in y) if isinstance(y, tuple) else None)
    return flat(tangent_of(call, args, joined(y), directions))


@pytest.mark.parametrize(
    ("case", "batch"), [(c, b) for c in CASES for b in BATCHES if c != "lstsq" or not b], ids=str
)
def test_adjoint_tangent_and_series_agree(case, batch):
    rule = RULES[case.split()[0]]
    args, directions, rng = points(case, batch)
    y = rule.value(*args)
    dy = tangent(rule, directions, y, args)
    tables = [np.stack(pair) for pair in zip(args, directions, strict=True)]
    found = swept(rule.name, Univariate(1), *tables)
    same(flat(tuple(z[1] for z in found)) if isinstance(found, list) else flat(found[1]), dy)
    h = 1e-6
    moved = [
        rule.value(*(a + s * d for a, d in zip(args, directions, strict=True))) for s in (h, -h)
    ]
    same(dy, (flat(moved[0]) - flat(moved[1])) / (2 * h), 1e-6)
    ybar = tuple(rng.normal(size=np.shape(z)) for z in y) if isinstance(y, tuple) else None
    ybar = rng.normal(size=np.shape(y)) if ybar is None else ybar
    xbar = rule.vjp(ybar, y, *args)
    product = sum(np.sum(b * d) for b, d in zip(xbar, directions, strict=True) if b is not None)
    assert product == pytest.approx(flat(ybar) @ dy, rel=1e-11)


WEIGHTS = np.random.default_rng(11).normal(size=(3, 3))


def weighted(*results):
    return sum(np.sum(WEIGHTS[: x.shape[0], : x.shape[1]] * x) for x in results)


def turned(a):
    return a + 1j * np.sin(a) @ WEIGHTS


def gram(a):
    return turned(a) @ h(turned(a)) + np.eye(3)


def parts(*results):
    return weighted(*(np.real(x) * (1 + np.real(x)) for x in results)) + weighted(
        *map(np.imag, results[::-1])
    )


def vectors(*q):
    """Return what does not depend on the phases of complex vectors."""
    return [x[:, i : i + 1] @ h(x[:, i : i + 1]) for x in q for i in range(2)]


def svd_parts(u, s, vh):
    return parts(*vectors(u, h(vh)), u[:, :1] @ vh[:1], u[:, 1:2] @ vh[1:2]) + s[1]


FUNCTIONS = {
    "solve": lambda a: weighted(linalg.solve(a, WEIGHTS)),
    "solve vector": lambda a: WEIGHTS[0] @ linalg.solve(a, a[0] ** 2),
    "inv": lambda a: weighted(linalg.inv(a)),
    "det": linalg.det,
    "det, singular": lambda a: linalg.det(a - BASE + SINGULAR),
    "slogdet": lambda a: linalg.slogdet(a)[1],
    "cholesky": lambda a: weighted(linalg.cholesky(a @ a.T + np.eye(3))),
    "cholesky, upper": lambda a: weighted(linalg.cholesky(a @ a.T + np.eye(3), upper=True)),
    "cholesky, one triangle": lambda a: weighted(linalg.cholesky(a + 5 * np.eye(3))),
    "qr": lambda a: weighted(*linalg.qr(a)),
    "qr, wide": lambda a: weighted(*linalg.qr(a[:2])),
    "eigh": lambda a: weighted(linalg.eigh(a + a.T)[1]) + linalg.eigh(a + a.T)[0][1],
    "eigh, one triangle": lambda a: weighted(linalg.eigh(a, UPLO="U")[1] ** 2),
    "eigvalsh": lambda a: WEIGHTS[0] @ linalg.eigvalsh(a),
    "svd": lambda a: weighted(*linalg.svd(a)[::2]) + linalg.svd(a)[1][1],
    "svd, tall": lambda a: weighted(*linalg.svd(a[:, :2], full_matrices=False)[::2]),
    "svdvals": lambda a: WEIGHTS[0] @ linalg.svdvals(a),
    "lstsq": lambda a: np.sum(WEIGHTS[0, :2] * linalg.lstsq(a[:, :2], a[:, 2])),
    "pinv": lambda a: weighted(linalg.pinv(a[:2])),
    "expm": lambda a: weighted(linalg.expm(a)),
    "complex cholesky": lambda a: parts(
        linalg.cholesky(gram(a)), linalg.cholesky(gram(a), upper=True)
    ),
    "complex qr": lambda a: parts(*linalg.qr(turned(a)), *linalg.qr(turned(a)[:2])),
    "complex eigh": lambda a: parts(
        *vectors(linalg.eigh(gram(a))[1], linalg.eigh(turned(a), "U")[1])
    ),
    "complex eigvalsh": lambda a: WEIGHTS[0] @ linalg.eigvalsh(turned(a)),
    "complex svd": lambda a: svd_parts(*linalg.svd(turned(a))),
    "complex svd, tall": lambda a: svd_parts(*linalg.svd(turned(a)[:, :2], full_matrices=False)),
    "complex svd, wide": lambda a: svd_parts(*linalg.svd(turned(a)[:2], full_matrices=False)),
    "complex svdvals": lambda a: WEIGHTS[0] @ linalg.svdvals(turned(a)),
    "complex lstsq": lambda a: parts(linalg.lstsq(turned(a)[:, :2], turned(a)[:, 2:])),
    "complex pinv": lambda a: parts(linalg.pinv(turned(a)[:2]), linalg.pinv(turned(a)[:, :2])),
    "complex slogdet": lambda a: (
        parts(linalg.slogdet(turned(a))[0] * np.ones((1, 1))) * linalg.slogdet(turned(a))[1]
    ),
    "matrix_power": lambda a: weighted(linalg.matrix_power(a, 5)),
    "matrix_power, negative": lambda a: weighted(linalg.matrix_power(a, -2)),
}
BASE = np.array([[1.0, 0.3, -0.2], [0.1, -2.0, 0.4], [0.5, 0.2, 3.0]])
SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
DIRECTION = np.random.default_rng(12).normal(size=(3, 3))


def along(f, a, order):
    """Return <d^order f, direction^order> by the gradient of a gradient of a gradient ..."""
    if order == 0:
        return f(a)
    return np.sum(DIRECTION * taylor.gradient(lambda x: along(f, x, order - 1), a))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_reverse_mode_nests_with_itself_and_with_series(name):
    f = FUNCTIONS[name]
    c = taylor.taylor_coefficients(lambda s: f(BASE + s * DIRECTION), 0.0, 3)
    scale = np.abs(c).max()
    for order, factor in ((1, 1), (2, 2), (3, 6)):
        if order == 3 and "singular" in name:
            continue
        assert along(f, BASE, order) == pytest.approx(factor * c[order], rel=1e-9, abs=1e-9 * scale)
    gradient = taylor.taylor_coefficients(
        lambda s: taylor.gradient(f, BASE + s * DIRECTION), 0.0, 2
    )
    for k in range(3):
        product = np.sum(gradient[k] * DIRECTION)
        assert product == pytest.approx((k + 1) * c[k + 1], rel=1e-9, abs=1e-9 * scale)
    hessian = np.einsum("ijkl,ij,kl", taylor.hessian(f, BASE), DIRECTION, DIRECTION)
    assert hessian == pytest.approx(2 * c[2], rel=1e-9, abs=1e-9 * scale)


def test_the_adjoint_of_a_symmetric_matrix_lies_in_the_triangle_that_is_read():
    a = WEIGHTS @ WEIGHTS.T + np.eye(3)

    def log_det(a):
        return 2 * np.sum(np.log(np.diag(linalg.cholesky(a))))

    gradient = taylor.gradient(log_det, a)
    assert not np.triu(gradient, 1).any()
    same((gradient + gradient.T) / 2, np.linalg.inv(a))
    same(gradient, np.tril(taylor.jacobian(log_det, a)))
    moved = a + np.triu(np.ones((3, 3)), 1)  # the other triangle is not looked at
    assert np.array_equal(taylor.gradient(log_det, moved), gradient)


# ------------------------------------------------------------------ singular determinants
def exact_determinant(c):
    """Return the coefficients of the determinant of a table of floats, rounded once."""
    s = sympy.Symbol("s")
    n = c.shape[1]
    entries = [[sum(sympy.Rational(x) * s**k for k, x in enumerate(c[:, i, j])) for j in range(n)]
               for i in range(n)]  # fmt: skip
    p = sympy.Poly(sympy.Matrix(entries).det(method="berkowitz"), s)
    return np.array([float(p.coeff_monomial(s**k)) for k in range(len(c))])


HEADS = {
    "zero": np.zeros((3, 3)),
    "rank one": np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0]),
    "rank two": SINGULAR,
    "graded": np.diag([1e8, 1.0, 1e-8]),
    "nearly singular": np.diag([1.0, 1e-2, 1e-3]),
    "Hilbert": 1 / (np.arange(4)[:, None] + np.arange(4) + 1),
}


@pytest.mark.parametrize("name", HEADS)
def test_determinant_of_singular_and_nearly_singular_matrices(name):
    c = matrices(Univariate(6), *HEADS[name].shape, seed=2)
    c[0] = HEADS[name]
    found, wanted = linalg.det(Taylor(c)).coef, exact_determinant(c)
    same(found / np.abs(wanted).max(), wanted / np.abs(wanted).max(), 1e-14)
    gradient = taylor.gradient(linalg.det, c[0])
    cofactors = np.array(sympy.Matrix(c[0].tolist()).applyfunc(sympy.Rational).cofactor_matrix())
    same(gradient, cofactors.astype(float), 1e-14)


@pytest.mark.parametrize("kind", ["f4", "c8", "f8", "c16"])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_gradients_of_determinants_keep_their_type(n, kind):
    a = (np.eye(n) + 0.25).astype(kind)
    gradient = taylor.gradient(np.linalg.det, a)
    assert gradient.dtype == a.dtype
    same(gradient, np.linalg.inv(a).T * np.linalg.det(a), 1e-5)


@pytest.mark.parametrize(("n", "shift"), [(1, 1.0), (1, 0.0), (4, 1.0)])
def test_third_derivatives_of_determinants_in_reverse_mode(n, shift):
    a, b = np.add.outer(np.arange(n), np.arange(n)) % 3 + np.eye(n), np.eye(n) + 0.5
    f = lambda x: linalg.det(a * (x[0] ** 3 + shift) + b * x[1] ** 3)
    x, u, v = np.array([0.7, -0.3]) * shift, np.array([1.0, 2.0]), np.array([-1.0, 0.5])
    wanted = taylor.tensor(f, x, 3) @ v @ u
    same(taylor.third(f, x, u, v), wanted, 1e-12)
    same(
        taylor.gradient(lambda y: taylor.gradient(lambda z: taylor.gradient(f, z) @ u, y) @ v, x),
        wanted,
        1e-12,
    )


def test_what_reverse_mode_cannot_do_at_a_singular_matrix_is_an_error():
    f = FUNCTIONS["det, singular"]
    c = f(Taylor.variable(BASE, 3, direction=DIRECTION)).coef
    tensor = taylor.tensor(f, BASE, 3)
    assert np.einsum("abcdef,ab,cd,ef", tensor, *[DIRECTION] * 3) == pytest.approx(6 * c[3])
    assert along(f, BASE, 3) == pytest.approx(6 * c[3])  # cofactors of three rows are products

    def larger(a):
        return linalg.det(np.block([[a - BASE + SINGULAR, 0 * a[:, :1]], [0 * a[:1], np.eye(1)]]))

    with pytest.raises(np.linalg.LinAlgError, match=r"taylor\.tensor"):
        along(larger, BASE, 3)


def test_singular_determinant_in_a_batch_and_in_two_variables():
    c = matrices(Univariate(4), 3, 3, 3)
    c[0, 1] = SINGULAR
    c[0, 2] = 0
    found = linalg.det(Taylor(c)).coef
    for i in range(3):
        same(found[:, i], linalg.det(Taylor(c[:, i])).coef)
    x, y = TaylorN.variables([0.0, 0.0], order=3)
    found = linalg.det([[x, 1 + y], [x * y, y]])
    assert found.coefficient((1, 1)) == 0
    assert found.coefficient((1, 2)) == -1
    assert found.value == 0


def test_a_lane_that_is_not_finite_leaves_the_others_right():
    a = np.stack([np.full((2, 2), np.inf), np.array([[2.0, 1.0], [1.0, 3.0]])])
    with np.errstate(all="ignore"):
        c = linalg.det(Taylor.variable(a, 2)).coef
    assert np.isnan(c[:, 0]).all()
    same(c[:, 1], [5, 3, 0])


# ------------------------------------------------------------------ numbers
def test_fractions_are_exact():
    x = Taylor.variable(Fraction(0), 3)
    a = np.stack([np.stack([1 + x, x]), np.stack([x, 2 - x])])
    inverse = linalg.inv(a)
    assert (a @ inverse).coef.tolist() == ones(Univariate(3), (), 2).tolist()
    assert linalg.det(a).coef.tolist() == [2, 1, -2, 0]
    assert (a @ linalg.solve(a, [1, 2]) == np.array([1, 2])).all()
    assert linalg.solve(a.value, [Fraction(1), 2]).tolist() == [1, 1]
    assert linalg.det([[x, 1 + x], [x, x]]).coef.tolist() == [0, -1, 0, 0]
    plain = np.array([[Fraction(1), Fraction(2)], [Fraction(3), Fraction(4)]])
    assert linalg.det(plain) == -2
    assert (linalg.inv(np.stack([plain, 2 * plain]))[1] @ plain * 2).tolist() == [[1, 0], [0, 1]]


def test_integers_are_floats_where_numpy_makes_them_so():
    a = Taylor.variable(np.array([[1, 2], [3, 4]]), 2)
    assert linalg.inv(a).dtype == linalg.det(a).dtype == np.float64
    assert linalg.solve([[2, 0], [0, 4]], a[0]).coef.tolist() == [[0.5, 0.5], [0.5, 0.25], [0, 0]]


def test_mpf_keeps_its_precision():
    with mpmath.workdps(40):
        a = Taylor.variable(np.array(mpmath.matrix([[2, 1], [1, 3]]).tolist(), dtype=object), 2)
        c = (a @ linalg.inv(a)).coef
        assert max(abs(e) for e in (c - ones(Univariate(2), (), 2)).ravel()) < mpmath.mpf(10) ** -38
        e = linalg.expm(a)
        product = (e @ linalg.expm(-a)).coef - ones(Univariate(2), (), 2)
        assert max(abs(e) for e in product.ravel()) < mpmath.mpf(10) ** -35
        with pytest.raises(TypeError, match="floating point"):
            linalg.cholesky(a)
    with pytest.raises(TypeError, match="mpmath"):
        linalg.expm(np.array([[Fraction(1)]]))


def test_complex_matrices_where_the_function_is_holomorphic():
    rng = np.random.default_rng(2)
    algebra = Univariate(4)
    c = matrices(algebra, 3, 3) + 1j * rng.normal(size=(5, 3, 3))
    same(times(algebra, c, swept("inv", algebra, c)), ones(algebra, (), 3))
    c[0] = np.outer([1, 2j, 3], [1, 1j, -1])
    x = Taylor(c)
    wanted = sum(
        x[0, j] * (x[1, j - 2] * x[2, j - 1] - x[1, j - 1] * x[2, j - 2]) for j in range(3)
    )
    same(linalg.det(x).coef, wanted.coef)
    same((linalg.expm(x) @ linalg.expm(-x)).coef, ones(algebra, (), 3), 1e-9)
    hermitian = Taylor.variable(np.array([[2, 1j], [-1j, 3]]), 1)
    for name in ("cholesky", "eigh", "eigvalsh", "qr", "svd", "slogdet", "pinv"):
        with pytest.raises(TypeError, match="not holomorphic"):
            getattr(linalg, name)(hermitian)
    with pytest.raises(TypeError, match="not holomorphic"):
        taylor.gradient(lambda a: np.sum(linalg.lstsq(a, a[0])), hermitian.value)
    a, b = rng.normal(size=(4, 2)), Taylor(c[:, :1, 0] * np.ones(4))  # linear in b
    same(linalg.lstsq(a, b).coef[1], np.linalg.lstsq(a, b.coef[1])[0])


@pytest.mark.parametrize("name", [*NUMPY, "expm", "cofactors"])
def test_float32_stays_float32(name):
    algebra = Univariate(3)
    shapes = NUMPY[name][1:] if name in NUMPY else [(3, 3)]
    tables = [matrices(algebra, *s).astype(np.float32) for s in shapes]
    found = swept(name, algebra, *tables)
    assert {z.dtype for z in (found if isinstance(found, list) else [found])} == {np.dtype("f4")}


# ------------------------------------------------------------------ errors
def test_errors_name_the_function_and_the_remedy():
    one = Taylor.variable(np.ones((2, 2)), 1)
    for f, match in (
        (linalg.inv, "inv: Singular"), (lambda a: linalg.solve(a, a[0]), "solve: Singular"),
        (linalg.slogdet, "use det"), (linalg.qr, "column 1 depends"),
        (lambda a: linalg.cholesky(-a), "cholesky: Matrix is not positive definite"),
        (linalg.pinv, "rank 1"), (lambda a: linalg.lstsq(a, a[0]), "rank 1"),
        (lambda a: linalg.lstsq(a[:1], a[0, :1]), "no full column rank"),
        (lambda a: linalg.inv(np.stack([a + np.eye(2), a])), r"matrix \(1,\) of the batch"),
    ):  # fmt: skip
        with pytest.raises(np.linalg.LinAlgError, match=match):
            f(one)


def test_shapes_that_do_not_fit_are_named():
    a = Taylor.variable(np.ones((2, 2)), 1)
    for f, match in (
        (lambda: linalg.solve(a, np.ones(3)), r"\(2, 2\) and \(3,\)"),
        (lambda: linalg.solve(np.ones((2, 3)), a), r"\(2, 3\)"),
        (lambda: linalg.det(a[0]), r"\(2,\)"),
        (lambda: linalg.eigh(a[:1]), r"\(1, 2\)"),
        (lambda: linalg.svd(a[0]), r"\(2,\)"),
        (lambda: linalg.lstsq(a, np.ones(3)), r"\(2, 2\) and \(3,\)"),
        (lambda: linalg.solve(np.ones((2, 2, 2)), np.ones((3, 2, 1)) * a[0, 0]), r"\(3, 2, 1\)"),
    ):
        with pytest.raises(taylor.ShapeMismatch, match=match):
            f()
    with pytest.raises(TypeError, match="full_matrices=False"):
        linalg.svd(a[:1])
    with pytest.raises(TypeError, match="'reduced', 'r' or 'complete', not 'raw'"):
        linalg.qr(a[:, :1], mode="raw")
    for rows in (a + np.eye(2), a[:1]):
        q, r = linalg.qr(rows)
        assert np.all(q == linalg.qr(rows, mode="complete").Q)
        assert np.all(linalg.qr(rows, mode="r") == r)
    with pytest.raises(ValueError, match="UPLO"):
        linalg.eigh(a, UPLO="X")


def test_equal_eigenvalues_have_derivatives_only_together():
    a = np.diag([2.0, 1.0, 2.0])
    for f in (linalg.eigh, linalg.eigvalsh):
        with pytest.raises(taylor.NonAnalyticError, match=r"eigenvalues 2\.0 and 2\.0 are equal"):
            f(Taylor.variable(a, 1))
    with pytest.raises(taylor.NonAnalyticError, match="equal"):
        taylor.gradient(lambda a: linalg.eigh(a)[1][0, 0], a)
    with pytest.raises(taylor.NonAnalyticError, match="equal"):
        taylor.gradient(lambda a: linalg.eigvalsh(a)[2], a)
    found = taylor.gradient(lambda a: np.sum(linalg.eigvalsh(a) ** 2), a)
    same(found, 2 * a)
    y = linalg.eigvalsh(a)
    with pytest.raises(taylor.NonAnalyticError, match="equal"):  # λ ± t: no single tangent
        tangent(RULES["eigvalsh"], [np.eye(3)[::-1]], y, [a])
    program = taylor.record(lambda a: linalg.eigh(a)[0][2], np.diag([3.0, 1.0, 2.0]))
    with pytest.raises(taylor.NonAnalyticError, match="equal"):  # evaluated at another point
        taylor.reverse(program)(a, 1.0)


def test_equal_eigenvalues_of_general_matrices_have_no_number_for_a_derivative():
    def largest(a):
        return np.max(linalg.eigvals(a).real)

    ones = np.ones((3, 3))  # LAPACK's zeros differ in rounding
    same(taylor.gradient(largest, ones), ones / 3)
    assert np.isnan(taylor.hessian(largest, ones)).all()
    simple = np.diag([3.0, 2.0, 1.0])
    both = taylor.gradient(lambda a: np.sum(linalg.eigvals(a) ** 3), np.stack([simple, simple * 0]))
    same(both[0], 3 * simple**2)
    assert np.isnan(both[1]).all()


def test_equal_and_zero_singular_values_are_errors():
    for a, match in ((np.eye(3), "equal"), (np.diag([2.0, 1.0, 0.0]), "zero")):
        for f in (linalg.svd, linalg.svdvals):
            with pytest.raises(taylor.NonAnalyticError, match=match):
                f(Taylor.variable(a, 1))
        with pytest.raises(taylor.NonAnalyticError, match=match):
            taylor.gradient(lambda a: linalg.svdvals(a)[2], a)


TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


@pytest.mark.parametrize("q", [np.eye(2), TURN])
def test_a_sum_of_equal_singular_values_has_derivatives_of_any_order(q):
    total = lambda a: np.sum(linalg.svdvals(a))  # 2 √(1 + t²) at q + t TURN q
    along = (TURN @ q).ravel()
    same(taylor.hessian(total, q).reshape(4, 4), np.outer(along, along) / 2)
    same(taylor.derivatives(lambda t: total(q + t * TURN @ q), 0.0, 4), [2, 0, 2, 0, -6])


@pytest.mark.parametrize("a", [np.zeros((2, 3)), np.ones((2, 3)), np.eye(3)])
def test_squares_of_equal_and_zero_singular_values_are_those_of_the_matrix(a):
    total, line = lambda a: np.sum(linalg.svdvals(a) ** 2), np.arange(a.size).reshape(a.shape)
    same(taylor.hessian(total, a).reshape(a.size, -1), 2 * np.eye(a.size))
    found = taylor.derivatives(lambda t: total(a + t * line), 0.0, 2)
    same(found, [np.sum(a * a), 2 * np.sum(a * line), 2 * np.sum(line * line)])


P = np.outer([1.0, 2.0, 2.0], [3.0, 4.0]) / 15  # of rank one: u vᵀ
NORMS = {  # matrix and norm, its gradient if it has one, and its subgradient
    "nuclear, equal": (np.eye(2), "nuc", np.eye(2), np.eye(2)),
    "nuclear, zero": (2 * P, "nuc", None, P),
    "nuclear, nothing": (0 * P, "nuc", None, 0 * P),
    "largest, zero": (2 * P, 2, P, P),
    "largest, zeros": (np.diag([2.0, 0, 0]), 2, np.diag([1.0, 0, 0]), np.diag([1.0, 0, 0])),
    "largest, equal": (np.diag([1.0, 2, 2]), 2, None, np.diag([0, 0.5, 0.5])),
    "smallest, zero": (2 * P, -2, None, 0 * P),
}


@pytest.mark.parametrize("kink", ["error", "subgradient"])
@pytest.mark.parametrize("name", NORMS)
def test_norms_at_equal_and_zero_singular_values(name, kink):
    a, order, slope, sub = NORMS[name]
    f = lambda a: np.linalg.norm(a, order)
    away = a + np.arange(1.0, 1 + a.size).reshape(a.shape) ** 2
    wanted = sub if kink == "subgradient" else slope
    ways = [
        lambda: taylor.gradient(f, a),
        lambda: taylor.reverse(taylor.record(f, away))(a, 1.0)[1],
        lambda: taylor.gradient(lambda a: f(a * (0.6 + 0.8j)), a),
        lambda: taylor.jacobian(f, a),
    ]
    with taylor.policy(kink=kink):
        for way in ways:
            if wanted is None:
                with pytest.raises(taylor.NonAnalyticError, match="singular value"):
                    way()
            else:
                np.testing.assert_allclose(way(), wanted, atol=1e-14)


def test_largest_eigenvalues_that_are_equal_share_a_subgradient():
    with taylor.policy(kink="subgradient"):
        g = taylor.gradient(lambda a: linalg.eigvalsh(a)[-1], np.diag([2.0, 1.0, 2.0]))
    np.testing.assert_allclose(g, np.diag([0.5, 0, 0.5]), atol=1e-15)


def test_what_does_not_vary_may_be_singular():
    one = Taylor.constant(np.eye(2), 3)
    assert linalg.eigvalsh(one).coef.tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]
    assert linalg.svdvals(one * 0).coef.tolist() == [[0, 0]] * 4
    assert not linalg.qr(one * 0)[1].coef.any()
    assert linalg.slogdet(one * 0)[1].value == -np.inf
    assert np.array_equal(linalg.eigh(Taylor.variable(np.eye(2), 0))[0].value, [1, 1])
    late = one + Taylor.variable(0.0, 3) ** 2 * np.diag([0.0, 1.0])
    with pytest.raises(taylor.NonAnalyticError):
        linalg.eigvalsh(late)


def test_empty_matrices():
    a = Taylor.variable(np.ones((0, 0)), 2)
    assert linalg.det(a).coef.tolist() == [1, 0, 0]
    shapes = [linalg.inv(a), linalg.expm(a), linalg.cholesky(a), linalg.qr(a)[0], linalg.svd(a)[2]]
    assert {x.shape for x in shapes} == {(0, 0)}
    assert linalg.eigvalsh(a).shape == linalg.solve(a, np.ones(0)).shape == (0,)


# ------------------------------------------------------------------ the rest of the surface
def test_solve_takes_vectors_matrices_and_batches():
    rng = np.random.default_rng(0)
    for left, right in (((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 1)),
                        ((3, 3), (2, 3, 1)), ((4, 1, 3, 3), (2, 3, 2))):  # fmt: skip
        a, b = rng.normal(size=left), rng.normal(size=right)
        wanted = np.linalg.solve(a, b)
        for x in (linalg.solve(Taylor.variable(a, 1), b), linalg.solve(a, Taylor.variable(b, 1))):
            assert x.shape == wanted.shape
            same(x.value, wanted)
        h = 1e-6
        c = linalg.solve(Taylor.variable(a, 1), b).coef[1]
        same(c, (np.linalg.solve(a + h, b) - np.linalg.solve(a - h, b)) / (2 * h), 1e-5)


def test_lstsq_as_numpy_gives_it():
    a, b = np.random.default_rng(0).normal(size=(2, 5, 3))
    found, wanted = linalg.numpy_lstsq(Taylor.variable(a, 2), b[:, 0]), np.linalg.lstsq(a, b[:, 0])
    for x, y in zip(found, wanted, strict=True):
        same(getattr(x, "value", x), y)
    assert linalg.numpy_lstsq(Taylor.variable(a[:3], 2), b[:3])[1].shape == (0,)


def test_matrix_power():
    a = Taylor.variable(BASE, 3, direction=DIRECTION)
    same(linalg.matrix_power(a, 3).coef, (a @ a @ a).coef)
    same((linalg.matrix_power(a, -2) @ a @ a).coef, ones(Univariate(3), (), 3))
    assert linalg.matrix_power(a, 0).coef.tolist() == ones(Univariate(3), (), 3).tolist()
    with pytest.raises(TypeError):
        linalg.matrix_power(a, 0.5)


def test_results_have_the_names_of_numpy():
    a = Taylor.variable(np.diag([2.0, 1.0]), 1)
    assert linalg.eigh(a).eigenvalues.shape == (2,)
    assert linalg.svd(a).Vh.shape == linalg.qr(a).R.shape == (2, 2)
    assert linalg.slogdet(a).logabsdet.coef.tolist() == [np.log(2.0), 1.5]


def test_a_recorded_program_evaluates_elsewhere_and_pickles():
    program = taylor.record(lambda a: linalg.eigh(a)[0], np.diag([1.0, 2.0]))
    b = np.array([[2.0, 1.0], [1.0, 5.0]])
    same(program(b), np.linalg.eigvalsh(b))
    same(pickle.loads(pickle.dumps(program))(b), np.linalg.eigvalsh(b))


SPECS = [
    "ab,bc->ac",
    "ab,bc->ca",
    "ba,bc->ac",
    "ab,cb->ca",
    "ba,b->a",
    "b,cb->c",
    "b,b->",
    "ab,ab->",
]


@pytest.mark.parametrize("kind", [np.float32, float, complex, object])
@pytest.mark.parametrize("spec", [*SPECS, "aa,a->a", "ab,bc->a", "ab,b->ab"])
def test_contractions_are_those_of_einsum(spec, kind):
    sizes, (first, second) = {"a": 20, "b": 30, "c": 25}, spec.partition("->")[0].split(",")
    rng = np.random.default_rng(4)
    x, y = (rng.normal(size=[sizes[i] for i in t]).astype(kind) for t in (first, second))
    one = tuple(slice(0, 1) if i == "b" else slice(None) for i in first)
    for z in (x, x[one]):  # an axis of length one stands for equal parts
        if kind is not object or z.shape == x.shape:
            found, exact = (np.asarray(f(spec, z, y), complex) for f in (contract, np.einsum))
            close = 1e-4 if kind is np.float32 else 1e-12
            np.testing.assert_allclose(found, exact, close, close)


# ------------------------------------------------------------------ eigenvalues that meet
def meeting(x):
    """A symmetric matrix with a double and a triple eigenvalue at 0, where some split later."""
    a = np.ones((5, 5)) - np.diag([1.0, -2.0, 0.0, -1.0, 1.0]) + np.eye(5)[::-1]
    first = np.diag([2.0, 2.0, 5.0, 5.0, 5.0]) + a * x[0]
    return first + np.eye(5) * x[1] ** 2 + a @ a * (x[0] * x[1])


SYMMETRIC = {  # functions of the eigenvalues, and the same without them
    "cubes": (lambda w: np.sum(w**3), lambda a: np.trace(a @ a @ a)),
    "logarithms": (lambda w: np.sum(np.log(w)), lambda a: np.log(np.linalg.det(a))),
    "exponentials": (lambda w: np.sum(np.exp(w)), lambda a: np.trace(taylor.linalg.expm(a))),
}
OF_LINES = {
    "gradient": lambda f, x, v: taylor.gradient(f, x),
    "jacobian": lambda f, x, v: taylor.jacobian(f, x),
    "jacfwd": lambda f, x, v: taylor.jacfwd(f, x),
    "jacrev": lambda f, x, v: taylor.jacrev(f, x),
    "jvp": lambda f, x, v: taylor.jvp(f, x, v)[1],
    "vjp": lambda f, x, v: taylor.vjp(f, x, 1.0)[1],
    "directional": lambda f, x, v: taylor.directional(f, x, v, 5),
    "derivatives": lambda f, x, v: taylor.derivatives(lambda t: f(x + t * v), 0.0, 6),
    "hessian": lambda f, x, v: taylor.hessian(f, x),
    "hvp": lambda f, x, v: taylor.hvp(f, x, v),
    "tensor": lambda f, x, v: taylor.tensor(f, x, 3),
}


@pytest.mark.parametrize("mode", [lambda f: f, taylor.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("driver", OF_LINES)
@pytest.mark.parametrize("name", SYMMETRIC)
@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
def test_symmetric_functions_of_equal_eigenvalues(name, driver, mode):
    of_values, same = SYMMETRIC[name]
    x, v = np.zeros(2), np.array([0.7, -0.4])
    f = mode(lambda x: of_values(np.linalg.eigvalsh(meeting(x))))
    found = OF_LINES[driver](f, x, v)
    wanted = OF_LINES[driver](lambda x: same(meeting(x)), x, v)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * (1 + np.max(np.abs(wanted))))


@pytest.mark.parametrize("driver", OF_LINES)
@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
def test_single_ones_of_equal_eigenvalues_have_no_derivative(driver):
    for f in (lambda w: w[0], lambda w: np.sum(w[2:4] ** 2), lambda w: w[1] - w[0] + w[4]):
        with pytest.raises(taylor.NonAnalyticError, match=r"eigenvalues .* are equal"):
            OF_LINES[driver](
                lambda x, f=f: f(np.linalg.eigvalsh(meeting(x))), np.zeros(2), np.ones(2)
            )


def test_branches_of_eigenvalues_are_those_on_each_side():
    rng = np.random.default_rng(0)
    for case in range(4):
        a = rng.normal(size=(4, 3, 3)) + 1j * rng.normal(size=(4, 3, 3)) * (case % 2)
        a = a + a.conj().swapaxes(1, 2)
        a[0], a[1] = np.eye(3), np.diag([1.0, 1.0, -1.0]) * (case > 1)
        for after in (True, False):
            t = np.array([1e-3, 2e-3]) * (1 if after else -1)
            exact = [np.linalg.eigvalsh(sum(a[k] * s**k for k in range(4))) for s in t]
            c = branches(list(a), after)
            for s, w in zip(t, exact, strict=True):
                np.testing.assert_allclose(sum(c[k] * s**k for k in range(4)), w, atol=1e-9)


@pytest.mark.parametrize("outer", ["qr", "eigvalsh"])
def test_second_derivatives_of_factors_of_factors(outer):
    a, b = np.array([[3.0, 0.2], [0.1, 2.0]]), np.array([[0.5, -1.0], [0.3, 0.7]])

    def f(x):
        r = abs(np.linalg.qr(a + x * b)[1])
        s = r @ r.T + 1
        return np.sum(np.linalg.qr(s)[1] if outer == "qr" else np.linalg.eigvalsh(s) ** 2)

    bend = taylor.derivative(f, 0.61, 2)
    assert taylor.hessian(f, 0.61) == pytest.approx(bend, rel=1e-10)
