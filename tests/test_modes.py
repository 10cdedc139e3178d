"""Every row, rule and bilinear map in every combination of drivers agrees with forward mode."""

import itertools

import numpy as np
import pytest
from mpmath import mp, mpf

import hyperdual
import taylor
from hyperdual import HyperDual
from taylor import (
    ForeignNodeError,
    PoleError,
    Taylor,
    TaylorN,
    derivative,
    gradient,
    hessian,
    hvp,
    jacobian,
    jvp,
    record,
    rule,
    tensor,
    third,
    vjp,
)
from taylor.core.table import TABLE

RNG = np.random.default_rng(11)

# order of the derivative, and the way to it: the modes alone, and one inside the other
DRIVERS = {
    "gradient": (1, gradient),
    "vjp": (1, lambda f, x: vjp(f, x, 1)[1]),
    "jvp": (1, lambda f, x: jvp(f, x, 1)[1]),
    "hessian": (2, hessian),
    "hvp": (2, lambda f, x: hvp(f, x, 1)),
    "hyperdual": (2, hyperdual.hessian),
    "gradient of derivative": (2, lambda f, x: gradient(lambda z: derivative(f, z), x)),
    "derivative of gradient": (2, lambda f, x: derivative(lambda z: gradient(f, z), x)),
    "gradient of jvp": (2, lambda f, x: gradient(lambda z: jvp(f, z, 1)[1], x)),
    "jvp of gradient": (2, lambda f, x: jvp(lambda z: gradient(f, z), x, 1)[1]),
    "gradient of gradient": (2, lambda f, x: gradient(lambda z: gradient(f, z), x)),
    "third": (3, lambda f, x: third(f, x, 1, 1)),
    "gradient of hessian": (3, lambda f, x: gradient(lambda z: hessian(f, z), x)),
    "gradient of hvp": (3, lambda f, x: gradient(lambda z: hvp(f, z, 1), x)),
}


def sample(name):
    """Return a row as a function of one number, and a point inside its domain."""
    row = TABLE[name]
    usable = [s for s in row.samples if np.all((np.abs(s) > 0.05) & (np.abs(s) < 30))]
    p = usable[len(usable) // 2] if usable else row.samples[0]
    if not isinstance(p, tuple):
        return row, p
    if name == "exponential":
        return (lambda z: row(2, z)), p[1]
    if name in ("power", "real_power", "heaviside"):
        return (lambda z: row(z, p[1])), p[0]
    slopes = (1, 0.5, 0.25)
    return (lambda t: row(*(a + b * t for a, b in zip(p, slopes, strict=False)))), 0.0


def check(f, x, tolerance, drivers):
    """Compare drivers with the derivatives by forward mode."""
    wanted = [derivative(f, x, n) for n in range(4)]
    for name in drivers:
        n, driver = DRIVERS[name]
        found = driver(f, x)
        scale = abs(wanted[n]) + sum(map(abs, wanted)) / 1000
        assert abs(found - wanted[n]) <= tolerance * scale, name


@pytest.mark.parametrize("name", TABLE)
def test_every_row_in_every_pair_of_drivers(name):
    f, x = sample(name)
    check(f, float(x), 1e-11, DRIVERS)


CONSTANTS = ["exp2", "log2", "log10", "sinpi", "cospi", "erf", "erfc", "ndtr", "log_ndtr", "si"]


@pytest.mark.parametrize("name", [*CONSTANTS, "tanh", "gamma"])
def test_named_constants_have_the_digits_of_the_point(name):
    f, x = sample(name)
    with mp.workdps(40):
        check(f, mpf(x), mpf(10) ** -36, ["gradient", "gradient of derivative", "third", "hvp"])


@pytest.mark.parametrize("name", ["exp2", "log2", "log10", "erf", "erfc", "ndtr"])
def test_rows_with_machine_code_have_it_in_their_derivatives(name):
    f = taylor.compile(lambda x: TABLE[name](x[0]) * x[0])
    plain = lambda x: TABLE[name](x[0]) * x[0]
    x = np.array([0.7])
    for driver in (gradient, hessian):
        assert driver(f, x) == pytest.approx(driver(plain, x), rel=1e-13)
    assert not f.reasons


@pytest.mark.parametrize("name", ["sign", "floor", "rint"])
def test_second_slopes_of_steps_have_machine_code(name):
    f = taylor.compile(lambda x: TABLE[name](x[0]) * x[0])
    assert hvp(f, np.array([0.7]), np.ones(1)) == 0
    assert not f.reasons


# ------------------------------------------------------------------ integer points
@pytest.mark.parametrize("name", ["exp", "sqrt", "log", "ndtr", "log_ndtr", "atan", "erf", "j0"])
def test_an_int_point_is_a_float_for_elementary_functions(name):
    f = TABLE[name]
    for n, driver in DRIVERS.values():
        found = driver(f, 2)
        assert isinstance(found, float)
        assert found == pytest.approx(driver(f, 2.0), rel=1e-14), n


@pytest.mark.parametrize("driver", [gradient, hessian, jacobian, lambda f, x: vjp(f, x, 1)[1]])
def test_an_int_point_of_an_exact_function_stays_exact(driver):
    f = lambda x: x**3 + 2 * x
    found = driver(f, 10**10)
    assert type(found) is int
    assert found in (3 * 10**20 + 2, 6 * 10**10)


# ------------------------------------------------------------------ active directions
SEEDED = {
    "jvp": (lambda x, v: jvp(np.sin, x, v)[1], lambda x, v: np.cos(x) * v),
    "vjp": (lambda x, w: vjp(np.sin, x, w)[1], lambda x, w: np.cos(x) * w),
    "hvp": (lambda x, v: hvp(np.sin, x, v), lambda x, v: -np.sin(x) * v),
    "third": (lambda x, v: third(np.sin, x, v, v), lambda x, v: -np.cos(x) * v * v),
    "directional": (
        lambda x, v: taylor.directional(np.sin, x, v, 2),
        lambda x, v: -np.sin(x) * v * v,
    ),
}


@pytest.mark.parametrize("name", SEEDED)
def test_the_direction_may_be_what_is_differentiated(name):
    inner, exact = SEEDED[name]
    for outer in ("gradient", "jvp", "hessian", "hvp", "hyperdual", "vjp"):
        driver = DRIVERS[outer][1]
        for place in (lambda f: lambda v: f(0.5, v), lambda f: lambda v: f(v, v)):
            assert driver(place(inner), 0.8) == pytest.approx(driver(place(exact), 0.8)), outer


# ------------------------------------------------------------------ leaks
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("inner", ["gradient", "jvp", "hessian", "hyperdual"])
def test_a_leak_from_a_nested_function_is_named(inner, compiled):
    kept = []

    def g(y):
        kept.append(y * 1.5)
        return y * y * y

    def h(x, use):
        DRIVERS[inner][1](taylor.compile(g) if compiled else g, x)
        return use(kept[-1], x)

    uses = [lambda k, x: k + x, lambda k, x: np.sin(k) * x, lambda k, x: np.stack([k, x]).sum()]
    for outer, use in itertools.product(["gradient", "jvp", "hyperdual"], uses):
        with pytest.raises(ForeignNodeError):
            DRIVERS[outer][1](lambda x, use=use: h(x, use), 0.5)


# ------------------------------------------------------------------ rules in terms of themselves
E = rule(np.exp, jvp=lambda d, y, x: d[0] * E(x), name="E")
F = rule(np.exp, vjp=lambda bar, y, x: (bar * F(x),), name="F")
SIN = rule(np.sin, jvp=lambda d, y, x: d[0] * COS(x), name="SIN")
COS = rule(np.cos, vjp=lambda bar, y, x: (-bar * SIN(x),), name="COS")
OWN = {"E": (E, np.exp), "F": (F, np.exp), "SIN": (SIN, np.sin), "COS": (COS, np.cos)}


def solve_backward(w, y, a, b):
    u = SOLVE(a.T, w)
    return -u[:, None] * y[None, :], u


def solve_forward(d, y, a, b):
    return TANGENT(a, (0 if d[1] is None else d[1]) - (0 if d[0] is None else d[0] @ y))


SOLVE = rule(np.linalg.solve, vjp=solve_backward, name="solve")
TANGENT = rule(np.linalg.solve, jvp=solve_forward, name="solve")
MATRIX = RNG.normal(size=(3, 3)) + 4 * np.eye(3)


def through(solve):
    return lambda z: np.sum(solve(MATRIX + z * z, z * np.array([1.0, 2.0, 3.0])))


OWN["SOLVE"] = (through(SOLVE), through(np.linalg.solve))
OWN["TANGENT"] = (through(TANGENT), through(np.linalg.solve))


@pytest.mark.parametrize("name", OWN)
def test_a_rule_in_terms_of_itself_has_every_derivative(name):
    f, plain = OWN[name]
    for driver in DRIVERS.values():
        assert driver[1](f, 0.3) == pytest.approx(driver[1](plain, 0.3), rel=1e-12)
    found = f(Taylor.variable(0.3, 7)).coef
    np.testing.assert_allclose(found, plain(Taylor.variable(0.3, 7)).coef, rtol=1e-11, atol=1e-14)
    g, h = lambda x: f(x[0] * x[1]) * x[0], lambda x: plain(x[0] * x[1]) * x[0]
    x = np.array([0.4, 0.7])
    np.testing.assert_allclose(tensor(g, x, 3), tensor(h, x, 3), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(hessian(g, x), hessian(h, x), rtol=1e-11)
    np.testing.assert_allclose(
        hyperdual.third_partial(g, x, 0, 1, 1), tensor(h, x, 3)[0, 1, 1], rtol=1e-11
    )


def test_a_rule_in_terms_of_itself_runs_compiled():
    f = taylor.compile(lambda x: np.sum(SIN(x) * x))
    x = np.array([0.3, 0.5])
    np.testing.assert_allclose(hessian(f, x), hessian(lambda x: np.sum(np.sin(x) * x), x))


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")
@pytest.mark.parametrize("name", ["E", "F", "SIN"])
def test_a_rule_in_terms_of_itself_can_be_integrated(name):
    f, plain = OWN[name]
    run = lambda f: taylor.ode.solve_ivp(lambda t, y: -f(y) / 2, (0, 0.5), np.array([0.3])).y
    np.testing.assert_allclose(run(f)[..., -1], run(plain)[..., -1], rtol=1e-13)


DIFFERENCES = rule(
    np.sin, jvp=lambda d, y, x: d[0] * (DIFFERENCES(x + 0.1) - DIFFERENCES(x - 0.1)) / 0.2
)


@pytest.mark.parametrize("name", ["E", "F", "SIN", "SOLVE", "DIFFERENCES"])
def test_the_cost_of_a_rule_in_terms_of_itself_is_polynomial(name):
    count = 0
    f = DIFFERENCES if name == "DIFFERENCES" else OWN[name][0]
    names = {"SIN": (SIN, COS), "SOLVE": (SOLVE,)}.get(name, (f,))
    values = [r.value for r in names]

    def counted(value):
        def call(*x):
            nonlocal count
            count += 1
            return value(*x)

        return call

    found = []
    try:
        for r, value in zip(names, values, strict=True):
            object.__setattr__(r, "value", counted(value))
        for order in (8, 16):
            count = 0
            derivative(f, 0.3, order)
            found.append(count)
    finally:
        for r, value in zip(names, values, strict=True):
            object.__setattr__(r, "value", value)
    assert found[1] <= 8 * found[0]


def test_a_rule_that_reads_a_series_is_told_so():
    t = Taylor.variable(0.3, 4)
    hidden = rule(lambda x: x * t, jvp=lambda d, y, x: d[0] * t, name="hidden")
    with pytest.raises(ForeignNodeError, match="not among its arguments"):
        hidden(t)


def test_integer_data_reach_a_rule_as_integers():
    kinds = []

    def value(x, i):
        kinds.append((x.dtype.kind, i.dtype.kind))
        return 2 * x[i]

    take = rule(value, jvp=lambda d, y, x, i: 2 * d[0][i])
    index, x = np.array([1, 0, 1]), np.array([1.0, 2.0])
    f = lambda x: np.sum(take(x, index) * x[0])
    assert gradient(f, x).tolist() == [12, 4]
    assert hessian(f, x).tolist() == [[4, 4], [4, 0]]
    assert set(kinds) == {("f", "i")}


def placed(w, y, *_):
    """The adjoint of x: w at the places that the second result names."""
    return (sum(w[0][n] * np.eye(3)[int(i)] for n, i in enumerate(y[1])),)


SORTED = lambda x: (x[order := np.argsort(x.real)], order)
RANKED = {
    "vjp": rule(SORTED, vjp=placed),
    "jvp": rule(SORTED, jvp=lambda d, y, x: (d[0][y[1]], None)),
    "both": rule(SORTED, vjp=placed, jvp=lambda d, y, x: (d[0][y[1]], np.zeros(3))),
}


@pytest.mark.parametrize("kind", RANKED)
def test_whole_numbers_beside_other_results_of_a_rule_are_indices(kind):
    def f(x, ranked):
        y, order = ranked(x)
        return (y**2 @ np.array([1.0, 10.0, 100.0])[order]) * x[order[2]]

    g, plain, x = (
        (lambda x: f(x, RANKED[kind])),
        (lambda x: f(x, SORTED)),
        np.array([3.0, 1.0, 2.0]),
    )
    assert SORTED(x)[1].dtype == RANKED[kind](x)[1].dtype
    code = taylor.compile(g)
    code(x[::-1].copy())  # the places are others there
    for h in (g, code):
        np.testing.assert_allclose(gradient(h, x), gradient(plain, x), rtol=1e-14)
    np.testing.assert_allclose(hessian(g, x), hessian(plain, x), rtol=1e-13)
    line = [taylor.derivatives(lambda t, h=h: h(x * (1 + t)), 0.0, 3) for h in (g, plain)]
    np.testing.assert_allclose(*line, rtol=1e-13)
    both = np.stack([x, x[::-1]])
    np.testing.assert_array_equal(taylor.lanes(g)(both), [plain(x), plain(x[::-1])])
    turned = gradient(lambda x: np.sum(np.abs(RANKED[kind](x * np.exp(1j))[0][1]) ** 2), x)
    np.testing.assert_allclose(turned, 4 * (x == 2), atol=1e-14)  # with complex results beside


def test_whole_numbers_have_no_tangent_and_are_numbers_where_the_others_are():
    wrong = rule(SORTED, jvp=lambda d, y, x: (d[0], d[0]))
    with pytest.raises(TypeError, match="result 1 is of integers, which are constant"):
        jvp(lambda x: wrong(x)[0], np.arange(3.0), np.ones(3))
    halved = rule(lambda x: (2 * x, x / 2), jvp=lambda d, y, x: (2 * d[0], d[0] / 2))
    for three in (3, 3.0):
        assert taylor.derivatives(lambda x: np.prod(halved(x)), three, 2).tolist() == [9, 6, 2]


def test_adjoints_that_are_functions_are_called_where_they_are_wanted():
    called = []
    by_a, by_b = (lambda w, *x: called.append("a") or w * x[1]), (lambda w, *x: w * x[0])
    back = lambda w, y, *x: (lambda: by_a(w, *x), lambda: called.append("b") or by_b(w, *x))
    times = rule(lambda a, b: a * b, vjp=back, name="times")
    x, c = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    f = lambda x: np.sum(times(x, c) ** 2)
    assert gradient(f, x).tolist() == [18, 100] and called == ["a"]
    assert hessian(f, x).tolist() == [[18, 0], [0, 50]]
    assert jvp(f, x, c)[1] == 554 and "b" not in called
    g = lambda x: np.sum(times(x, x) ** 2)
    assert gradient(taylor.compile(g), x).tolist() == [4, 32] and "b" in called
    assert taylor.derivatives(lambda t: g(t * x), 1.0, 3).tolist() == [17, 68, 204, 408]


# ------------------------------------------------------------------ bilinear maps that broadcast
SHAPES = [(), (1,), (2,), (1, 1), (3, 1), (3, 2)]
PAIRS = [
    *(("matmul", np.matmul, (*p, 2, 3), (*q, 3, 1)) for p in SHAPES for q in SHAPES),
    *(("vecdot", np.vecdot, (*p, 3), (*q, 3)) for p in SHAPES for q in SHAPES),
    ("inner", np.inner, (1, 3), (2, 3)),
    ("outer", np.outer, (1,), (3,)),
    ("tensordot", lambda a, b: np.tensordot(a, b, 1), (2, 1), (1, 3)),
]
for text, p, q in [
    ("bij,bjk->bik", (1, 2, 2), (3, 2, 1)),
    ("bij,bjk->bik", (3, 2, 1), (1, 1, 2)),
    ("bi,bi->b", (3, 2), (1, 2)),
    ("ij,ij->", (1, 2), (3, 2)),
    ("ij,jk", (3, 2), (1, 2)),
    ("bii,bi->b", (1, 2, 2), (3, 2)),
]:
    PAIRS.append((text, lambda a, b, text=text: np.einsum(text, a, b), p, q))


@pytest.mark.parametrize("name, f, p, q", PAIRS, ids=[f"{p[0]} {p[2]} {p[3]}" for p in PAIRS])
def test_bilinear_maps_broadcast_in_every_mode(name, f, p, q):
    a, b, da, db = (RNG.normal(size=s) for s in (p, q, p, q))
    x, d = np.concatenate([a.ravel(), b.ravel()]), np.concatenate([da.ravel(), db.ravel()])
    both = lambda z: f(z[: a.size].reshape(p), z[a.size :].reshape(q))
    close = lambda u, v: np.testing.assert_allclose(u, v, rtol=1e-12, atol=1e-12)
    tangent = f(da, b) + f(a, db)
    w = RNG.normal(size=np.shape(tangent))
    close(jvp(both, x, d)[1], tangent)
    close(np.sum(vjp(both, x, w)[1] * d), np.sum(w * tangent))
    close(np.sum(vjp(lambda a: f(a, b), a, w)[1] * da), np.sum(w * f(da, b)))
    close(np.sum(vjp(lambda b: f(a, b), b, w)[1] * db), np.sum(w * f(a, db)))
    close(hvp(lambda z: np.sum(both(z) * w), x, d) @ d, 2 * np.sum(w * f(da, db)))


# ------------------------------------------------------------------ methods of series
def test_zero_over_zero_is_a_pole_in_every_algebra():
    x = TaylorN.variables([1.0, 2.0], order=2)[0]
    for z in (x, HyperDual(1.0, 1, 1), Taylor.variable(1.0, 2)):
        with pytest.raises(PoleError):
            (0 * z) / (0 * z)


def test_a_constant_of_integration_is_free_of_the_variable():
    x, y = TaylorN.variables([1.0, 2.0], order=2)
    t = Taylor([1.0, 2.0])
    whole = x.integ(0, k=y.extend(3) ** 2)
    assert whole.deriv(0) == x
    assert np.array_equal(t.integ(k=np.ones(2)).coef[:, 0], [1, 1, 1])
    assert t.integ(k=1j).coef[0] == 1j
    assert float(gradient(lambda c: t.integ(k=c * c)(0.5), 3.0)) == 6.0
    for wrong in (lambda: x.integ(1, k=y.extend(3)), lambda: t.integ(k=t)):
        with pytest.raises(ValueError, match="depends on the variable"):
            wrong()


METHODS = {
    "deriv": lambda s: s.deriv()(0.1),
    "integ": lambda s: s.integ(k=s.value)(0.1),
    "truncate": lambda s: s.truncate(1)(0.1),
    "extend": lambda s: s.extend(4)(0.1),
    "compose": lambda s: s.compose(Taylor([0, 1.0, 0.5]))(0.1),
    "inverse": lambda s: s.inverse()(0.05),
    "shift": lambda s: s.shift(0.1)(0.1),
    "pade": lambda s: s.pade(1, 1)[0](0.1),
    "derivatives": lambda s: np.sum(s.derivatives()),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_series_made_inside_are_differentiated(name):
    f = lambda z: METHODS[name](np.exp(Taylor([z, 1.0, 0.3])) * z)
    h = 1e-5
    slope = (f(0.5 + h) - f(0.5 - h)) / (2 * h)
    for driver in ("gradient", "jvp", "vjp"):
        assert DRIVERS[driver][1](f, 0.5) == pytest.approx(slope, rel=1e-8)
    assert record(f, 0.5)(0.7) == pytest.approx(f(0.7), rel=1e-14)


def test_methods_without_a_derivative_say_so():
    for method in (Taylor.roots, Taylor.radius):
        with pytest.raises(TypeError, match="has no derivative"):
            gradient(lambda z, method=method: method(Taylor([z, z, 1.0])), 0.5)
    with pytest.raises(AttributeError, match="a recorded value has no 'deriv'"):
        record(lambda s: s.deriv(), 1.0)


NEED_VALUES = {
    "gradient": lambda x: taylor.gradient(lambda y: np.sum(np.log(y)), x),
    "derivative": lambda x: taylor.derivative(np.log, x),
    "hessian": lambda x: taylor.hessian(lambda y: np.sum(np.log(y)), x),
    "jvp": lambda x: taylor.jvp(lambda y: np.sum(np.log(y)), x, np.ones(2))[1],
    "hvp": lambda x: taylor.hvp(lambda y: np.sum(np.log(y)), x, np.ones(2)),
    "data": lambda x: taylor.gradient(lambda y, a: np.sum(np.log(y) * a), x, x),
    "nested": lambda x: taylor.gradient(lambda z: taylor.derivative(np.log, z[0]), x),
}


@pytest.mark.parametrize("case", NEED_VALUES)
def test_a_derivative_in_compiled_code_needs_the_value_of_the_function(case):
    """1/x is finite at x < 0, where log(x) has no derivative."""
    f = NEED_VALUES[case]
    good, bad = np.array([1.0, 2.0]), np.array([-1.0, 2.0])
    compiled, recorded = taylor.compile(f), taylor.record(f, good)
    np.testing.assert_allclose(compiled(good), f(good), rtol=1e-12)

    def outcome(g):
        with np.errstate(all="ignore"):
            try:
                return repr(np.isnan(g(bad)))
            except taylor.DomainError:
                return "no derivative"

    assert outcome(compiled) == outcome(f)
    with pytest.raises(taylor.GuardError), np.errstate(all="ignore"):
        recorded(bad)


def test_ensembles_of_hamiltonian_systems_stay_in_lanes():
    from taylor.ode.members import in_lanes
    from taylor.ode.system import System

    def energy(z):
        return z[1] ** 2 / 2 - np.cos(z[0]) + np.log(1.0 + z[0] ** 2)

    system = System(lambda t, z: taylor.gradient(energy, z)[::-1], 0.0, np.ones(2), ())
    assert in_lanes and system.program is not None and not system.program.guards
