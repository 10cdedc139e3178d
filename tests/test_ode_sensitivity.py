"""Sensitivities: jets, the adjoint, closed forms and mpmath agree; laws of flow maps."""

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

import taylor
from hyperdual import HyperDual
from taylor import Taylor, TaylorN
from taylor.core.program import pushforward
from taylor.errors import IntegrationError, NonAnalyticError
from taylor.ode import TaylorIntegrator, flow_map, solve_ivp, value_and_gradient

RATES = np.array([1.5, 1.0, 3.0, 1.0])
START = np.array([10.0, 5.0])
SPAN = (0.0, 3.0)


def lotka_volterra(t, y, p):
    a, b, c, d = p
    return [a * y[0] - b * y[0] * y[1], d * y[0] * y[1] - c * y[1]]


def pendulum(t, y, a=1.0):
    return [y[1], -a * np.sin(y[0])]


def end(x):
    """The pendulum after 3 units of time, for x = (angle, velocity, a)."""
    return solve_ivp(pendulum, SPAN, x[:2], args=(x[2],)).y[:, -1]


POINT = np.array([1.0, 0.5, 1.3])


def test_tangents_are_those_of_what_fun_reads_now():
    for c in (1.0, 2.0, 1.0, -1.0):
        for sign in (1, -1):

            def decay(t, y, a, sign=sign, c=c):
                return -c * a * y if sign > 0 else c * a * y

            y = solve_ivp(decay, (0, 1), [1.0], args=(Taylor.variable(0.5, 1),)).y[0, -1]
            wanted = np.exp(-sign * c * 0.5) * np.array([1, -sign * c])
            np.testing.assert_allclose(y.coef, wanted, rtol=1e-13)


def test_tangents_of_other_shapes_and_in_fewer_variables():
    def grow(t, y, a, b):
        return a * y + b

    for n in (1, 2, 3):
        for moving in ((0,), (1,), (0, 1)):
            p = [np.arange(1.0, n + 1) / n, np.ones(n)]
            seeded = TaylorN.seeded(np.concatenate([p[i] for i in moving]), 1)
            parts = iter(np.split(np.arange(seeded.size), len(moving)))
            args = tuple(seeded[next(parts)] if i in moving else p[i] for i in (0, 1))
            y = solve_ivp(grow, (0, 1), np.zeros(n), args=args).y[:, -1]
            a, e = p[0], np.exp(p[0])
            both = [np.diag((e * (a - 1) + 1) / a**2), np.diag((e - 1) / a)]
            wanted = np.concatenate([both[i] for i in moving], axis=1)
            np.testing.assert_allclose(y.gradient(), wanted, rtol=1e-11, atol=1e-13)


# ------------------------------------------------------------------ closed forms
def test_the_derivative_of_a_linear_flow_is_the_matrix_exponential():
    a = np.random.default_rng(0).normal(size=(9, 9))
    exact = scipy.linalg.expm(a)

    def states(y):
        return solve_ivp(lambda t, y: a @ y, (0, 1), y, t_eval=[1.0]).y[:, -1]

    y0 = np.arange(9.0)
    assert np.allclose(taylor.jacobian(states, y0), exact, rtol=1e-13, atol=1e-13)
    w = np.arange(9.0)[::-1]
    _, bar, _ = value_and_gradient(lambda y: w @ y, lambda t, y: a @ y, (0, 1), y0)
    assert np.allclose(bar, w @ exact, rtol=1e-13, atol=1e-13)
    assert np.allclose(taylor.gradient(lambda y: w @ states(y), y0), w @ exact, rtol=1e-13)


def test_the_derivative_in_a_matrix_is_that_of_the_matrix_exponential():
    a, e = np.random.default_rng(1).normal(size=(2, 3, 3))
    w = np.random.default_rng(2).normal(size=(3, 3))
    exact = scipy.linalg.expm_frechet(a, e, compute_expm=False)
    _, _, (abar, nothing) = value_and_gradient(
        lambda y: np.sum(w * y), lambda t, y, a, name: a @ y, (0, 1), np.eye(3), args=(a, "a")
    )
    assert nothing is None
    assert np.isclose(np.sum(abar * e), np.sum(w * exact), rtol=1e-12)
    along = taylor.derivative(
        lambda s: solve_ivp(lambda t, y, a: a @ y, (0, 1), np.eye(3), args=(a + s * e,)).y, 0.0
    )
    assert np.allclose(along[..., -1], exact, rtol=1e-12)


# ------------------------------------------------------------------ jets against the adjoint
def test_sensitivities_of_lotka_volterra_in_four_parameters():
    def states(p):
        return solve_ivp(lotka_volterra, SPAN, START, args=(p,)).y[:, -1]

    by_jets = taylor.jacobian(states, RATES)
    rows = [
        value_and_gradient(lambda y, i=i: y[i], lotka_volterra, SPAN, START, args=(RATES,))[2][0]
        for i in (0, 1)
    ]
    assert np.allclose(rows, by_jets, rtol=1e-11, atol=1e-12)

    def variations(t, z):
        (x, y), s = z[:2], z[2:].reshape(2, 4)
        a, b, c, d = RATES
        jacobian = np.array([[a - b * y, -b * x], [d * y, d * x - c]])
        partial = np.array([[x, -x * y, 0, 0], [0, 0, -y, x * y]])
        dy = np.array(lotka_volterra(t, (x, y), RATES))
        return np.concatenate([dy, (jacobian @ s + partial).ravel()])

    z0 = np.concatenate([START, np.zeros(8)])
    peer = scipy.integrate.solve_ivp(variations, SPAN, z0, "DOP853", rtol=1e-12, atol=1e-12)
    assert np.allclose(by_jets, peer.y[2:, -1].reshape(2, 4), rtol=1e-9, atol=1e-9)


def test_the_adjoint_with_more_digits():
    with mpmath.workdps(40):
        mp = mpmath.mpf
        value, _, (dp,) = value_and_gradient(
            lambda y: y[0], lambda t, y, p: -p * y * y, (mp(0), mp(1)), [mp(1)], args=(mp(2),)
        )
        assert abs(value - mp(1) / 3) < mp(10) ** -38
        assert abs(dp + mp(1) / 9) < mp(10) ** -38


def test_adjoint_jets_and_differences_agree():
    exact = taylor.jacobian(end, POINT)
    h = 1e-6
    for i in range(3):
        e = h * np.eye(3)[i]
        assert np.allclose((end(POINT + e) - end(POINT - e)) / (2 * h), exact[:, i], rtol=1e-7)
    for i in (0, 1):
        assert np.allclose(taylor.gradient(lambda x, i=i: end(x)[i], POINT), exact[i], rtol=1e-12)


@pytest.mark.filterwarnings("ignore::taylor.PerformanceWarning")  # complex states
def test_complex_states_are_transposed_not_conjugated():
    def rate(t, y, p):
        return -p * y * y

    y0, p = 1.0 + 0.5j, 2.0 - 0.3j
    value, dy0, (dp,) = value_and_gradient(lambda y: y**3, rate, (0.0, 1.0), y0, args=(p,))
    y = y0 / (1 + p * y0)
    assert np.allclose(value, y**3)
    assert np.allclose(dy0, 3 * y**2 / (1 + p * y0) ** 2)
    assert np.allclose(dp, -3 * y**4)


def test_integers_scalars_and_backward_time():
    value, dy0, (dp,) = value_and_gradient(
        lambda y: y, lambda t, y, p: p * y, (1, -1), 3, args=(2,)
    )
    assert np.allclose([value, dy0, dp], [3 * np.exp(-4), np.exp(-4), -6 * np.exp(-4)])


def test_no_time_no_change():
    value, dy0, (dp,) = value_and_gradient(
        lambda y: y[0], pendulum, (1, 1), [2.0, 3.0], args=(1.0,)
    )
    assert (value, dy0.tolist(), dp) == (2.0, [1.0, 0.0], 0.0)


def test_an_integral_cost_is_one_more_component():
    def rate(t, z):
        return [z[1], -z[0], z[0] ** 2]

    value, bar, _ = value_and_gradient(lambda z: z[2], rate, (0, np.pi), [1.0, 0.0, 0.0])
    assert np.allclose(value, np.pi / 2)
    assert np.allclose(bar, [np.pi, 0, 1])


# ------------------------------------------------------------------ the states of the forward run
@pytest.mark.parametrize("checkpoints", [None, 1, 2, 7, 1000])
def test_checkpoints_change_the_memory_only(checkpoints):
    given = (lambda y: y[0] * y[1], pendulum, (0.0, 40.0), [1.0, 0.3])
    exact = value_and_gradient(*given, args=(1.1,))
    found = value_and_gradient(*given, args=(1.1,), checkpoints=checkpoints)
    assert found[0] == exact[0]
    assert np.allclose(found[1], exact[1], rtol=1e-10)
    assert np.allclose(found[2], exact[2], rtol=1e-10)


def test_strong_contraction_backwards():
    """Backwards, y alone would have grown by e^500 on its way."""

    def rate(t, y, p):
        return -p * (y - np.cos(t))

    exact = (lambda p, t: (p**2 * np.cos(t) + p * np.sin(t)) / (1 + p**2))(
        Taylor.variable(5.0, 1), 100.0
    )
    value, dy0, (dp,) = value_and_gradient(lambda y: y[0], rate, (0, 100), [3.0], args=(5.0,))
    assert np.allclose([value, dp], exact.coef, rtol=1e-11)
    assert 0 < dy0[0] < 1e-200


def test_an_exponential_decay_keeps_its_relative_accuracy():
    given = (lambda y: y[0], lambda t, y, p: -p * y, (0, 300), [1.0])
    value, dy0, (dp,) = value_and_gradient(*given, args=(1.0,))
    assert np.allclose([value, dy0[0], dp / -300], np.exp(-300), rtol=1e-12, atol=0)
    _, dy0, _ = value_and_gradient(*given, args=(1.0,), atol=1e-3)  # of y, not of its adjoint
    assert np.isclose(dy0[0], np.exp(-300), rtol=1e-12, atol=0)


# ------------------------------------------------------------------ higher orders
def test_every_driver_goes_through_solve_ivp():
    def f(x):
        return end(x)[0] ** 2

    tensors = [taylor.tensor(f, POINT, n) for n in range(4)]
    v = np.array([1.0, -2.0, 0.5])
    assert np.allclose(taylor.gradient(f, POINT), tensors[1], rtol=1e-11)
    assert np.allclose(taylor.hessian(f, POINT), tensors[2], rtol=1e-10)
    assert np.allclose(taylor.hvp(f, POINT, v), tensors[2] @ v, rtol=1e-10)
    assert np.allclose(taylor.third(f, POINT, v, v), tensors[3] @ v @ v, rtol=1e-9)
    c = [tensors[0], tensors[1] @ v, v @ tensors[2] @ v, tensors[3] @ v @ v @ v]
    along = taylor.derivatives(lambda s: f(POINT + s * v), 0.0, 3)
    assert np.allclose(along, c, rtol=1e-9)


ENDS = {  # functions of x > 0 by an event or a loop, and in closed form
    "time of an event": (
        lambda x: solve_ivp(lambda t, y: [-x[1]], (0, 9), [x[0]], events=landed),
        lambda x: x[0] / x[1],
    ),
    "loop": (
        lambda x: taylor.checkpoint(lambda y, x: y * x[0] + x[1], 3)(x[1], x),
        lambda x: x[1] * (x[0] ** 3 + x[0] ** 2 + x[0] + 1),
    ),
}


def landed(t, y):
    return y[0]


landed.terminal = True


@pytest.mark.parametrize("name", ENDS)
def test_reverse_mode_of_products_with_second_derivatives(name):
    """Series then have what is recorded as coefficients."""
    made, exactly = ENDS[name]
    f = lambda x: y.t_events[0][0] if hasattr(y := made(x), "t_events") else y
    x, v = np.array([1.0, 1.5]), np.array([1.0, 2.0])
    found = taylor.gradient(lambda x: taylor.hvp(f, x, v)[0], x)
    assert found == pytest.approx((taylor.tensor(exactly, x, 3) @ v)[0], rel=1e-11)


def test_reverse_over_reverse():
    def f(x):
        return end(x)[0] * end(x)[1]

    rows = [taylor.gradient(lambda x, i=i: taylor.gradient(f, x)[i], POINT) for i in range(3)]
    assert np.allclose(rows, taylor.tensor(f, POINT, 2), rtol=1e-10)


def test_the_gradient_of_a_gradient_by_the_adjoint():
    def slope(y0):
        return value_and_gradient(lambda y: y[0] ** 2, pendulum, SPAN, y0)[1][0]

    exact = taylor.tensor(lambda y0: solve_ivp(pendulum, SPAN, y0).y[0, -1] ** 2, POINT[:2], 2)
    assert np.allclose(taylor.gradient(slope, POINT[:2]), exact[0], rtol=1e-10)
    assert np.allclose(taylor.jacobian(slope, POINT[:2]), exact[0], rtol=1e-10)


def test_gradients_through_many_states():
    times = np.array([0.0, 0.7, 1.1, 3.0])

    def misfit(x, t_eval=times):
        return np.sum(np.cos(solve_ivp(pendulum, SPAN, x[:2], args=(x[2],), t_eval=t_eval).y))

    steps = solve_ivp(pendulum, SPAN, POINT[:2], args=(POINT[2],)).t
    for t_eval, same in ((times, times), (times[:2], times[:2]), (None, steps)):
        exact = taylor.tensor(lambda x, t=same: misfit(x, t), POINT, 1)
        assert np.allclose(taylor.gradient(lambda x, t=t_eval: misfit(x, t), POINT), exact, 1e-11)


@pytest.mark.parametrize("kind", [Taylor, TaylorN, HyperDual])
def test_every_kind_of_series_is_a_state(kind):
    hessian = taylor.tensor(lambda y: solve_ivp(pendulum, SPAN, y).y[0, -1], POINT[:2], 2)
    if kind is Taylor:
        t = Taylor.variable(0.0, 2)
        y = solve_ivp(pendulum, SPAN, [1.0 + t, 0.5 - t]).y[0, -1]
        v = np.array([1.0, -1.0])
        assert np.isclose(2 * y.coef[2], v @ hessian @ v)
        return
    given = TaylorN.variables(POINT[:2], 2) if kind is TaylorN else HyperDual.variables(POINT[:2])
    y = solve_ivp(pendulum, SPAN, list(given)).y[0, -1]
    assert np.isclose(y.eps1eps2 if kind is HyperDual else y.partial((1, 1)), hessian[0, 1])


def test_series_of_series():
    def nested(p):
        def inner(q):
            return solve_ivp(pendulum, SPAN, [q * p, 0.5], args=(p,)).y[0, -1]

        return taylor.derivative(inner, 1.0, 2)

    def flat(z):
        return solve_ivp(pendulum, SPAN, [z[0] * z[1], 0.5], args=(z[1],)).y[0, -1]

    exact = taylor.tensor(flat, [1.0, 1.2], 4)
    assert np.isclose(taylor.derivative(nested, 1.2), exact_partial(flat, (2, 1)), rtol=1e-11)
    assert np.isclose(taylor.derivative(nested, 1.2, 2), exact[0, 0, 1, 1], rtol=1e-10)


def exact_partial(f, alpha):
    return taylor.partial(f, [1.0, 1.2], alpha)


def test_series_with_more_digits():
    with mpmath.workdps(30):
        x = Taylor.variable(mpmath.mpf(1), 2)
        y = solve_ivp(lambda t, y: y**2, (0, mpmath.mpf(1) / 2), [x]).y[0, -1]
        assert all(
            abs(c - e) < mpmath.mpf(10) ** -28 for c, e in zip(y.coef, (2, 4, 4), strict=True)
        )


def test_dense_output_and_events_of_series():
    x = TaylorN.variables([1.0], 1)[0]

    def half(t, y):
        return y[0] - 0.5

    r = solve_ivp(lambda t, y: -y, (0, 1), [x], dense_output=True, events=half)
    assert np.allclose(r.t_events[0].coef[:, 0], [np.log(2), 1.0])  # log(2 x)
    assert np.allclose(r.y_events[0].coef[:, 0, 0], [0.5, 0.0])
    assert np.allclose(r.sol(0.3).coef[:, 0], np.exp(-0.3))
    assert np.allclose(r.sol.derivative(0.3).coef[:, 0], -np.exp(-0.3))


# ------------------------------------------------------------------ first order in lanes
@pytest.mark.parametrize(
    "f",
    [
        lambda x, p: x[::-1] * p,
        lambda x, p: np.stack([x[0], p, x[1]])[1:] / x[0],
        lambda x, p: np.cumsum(np.sin(x)) * np.sum(x**2, axis=0) ** 1.5,
        lambda x, p: np.array([[1.0, 2.0], [3.0, 4.0]]) @ x + x @ x,
        lambda x, p: np.einsum("i,j->ij", x, np.exp(x * p)),
        lambda x, p: np.maximum(x, p) + abs(x - 7) + np.where(x > 0, x, p),
        lambda x, p: np.reshape(np.pad(x, 1), (2, 2)) * p ** x[0] - 3 * x[1],
        lambda x, p: np.arctan2(x[0], p) * np.ones(2),
    ],
)
def test_tangents_in_lanes_are_those_of_the_drivers(f):
    z = np.array([0.3, 1.7, 0.9])
    eye = np.eye(3)
    y, dy = pushforward(f, [z[:2], z[2]], [eye[:2], eye[2]], 3)
    assert np.allclose(y, f(z[:2], z[2]))
    assert np.allclose(dy, taylor.jacobian(lambda z: f(z[:2], z[2]), z), rtol=1e-13)


def test_first_order_of_what_has_no_lanes():
    def rate(t, y):
        return -np.linalg.solve(np.eye(2) * 2 + np.outer(y, y), y)

    def states(y):
        return solve_ivp(rate, (0, 1), y).y[:, -1]

    second = flow_map(rate, (0, 1), [1.0, 2.0], 2)
    assert np.allclose(taylor.jacobian(states, [1.0, 2.0]), second.gradient(), rtol=1e-12)


# ------------------------------------------------------------------ flow maps
def test_the_map_of_the_pendulum_is_symplectic():
    m = flow_map(pendulum, SPAN, POINT[:2], 5)
    q, p = m
    bracket = q.deriv(0) * p.deriv(1) - q.deriv(1) * p.deriv(0)
    one = np.zeros(bracket.algebra.size)
    one[0] = 1
    assert np.allclose(bracket.coef, one, atol=1e-12)


def test_flow_maps_are_composed_and_expand_the_flow():
    first = flow_map(pendulum, (0, 1), POINT[:2], 4)
    then = flow_map(pendulum, (1, 3), first.coef[0], 4)
    whole = flow_map(pendulum, (0, 3), POINT[:2], 4)
    composed = [m.compose(list(first - first.coef[0])) for m in then]
    assert np.allclose(np.stack([m.coef for m in composed], 1), whole.coef, atol=1e-12)
    dx = np.array([1e-3, -2e-3])
    assert np.allclose(whole(dx), end([*(POINT[:2] + dx), 1.0]), atol=1e-13)


def test_a_map_in_parameters():
    m = flow_map(pendulum, SPAN, POINT[:2], 3, args=(POINT[2],), wrt=(0, "y0"))
    gradient = taylor.jacobian(end, POINT)[:, [2, 0, 1]]
    assert np.allclose(m.gradient(), gradient, rtol=1e-12)
    only = flow_map(pendulum, SPAN, POINT[:2], 3, args=(POINT[2],), wrt=(0,))
    along = taylor.taylor_coefficients(lambda a: end([*POINT[:2], a]), POINT[2], 3)
    assert np.allclose(only.coef, along, rtol=1e-12)
    zeroth = flow_map(pendulum, SPAN, POINT[:2], 0)
    assert np.array_equal(
        zeroth.coef[0], TaylorIntegrator(pendulum, 0, POINT[:2]).propagate_until(3)
    )


@pytest.mark.parametrize("wrt", [(), (1,), ("y0", "y0"), ("p",)])
def test_wrong_variables_of_a_map(wrt):
    with pytest.raises(ValueError, match="positions of args"):
        flow_map(pendulum, SPAN, POINT[:2], 1, args=(1.0,), wrt=wrt)


# ------------------------------------------------------------------ branches and errors
def test_beyond_a_zero_of_a_root_second_derivatives_only():
    def fall(speed):
        def end(v):
            r = solve_ivp(lambda t, y: -1 - 0.6 * speed(y) * y, (0, 2.0), [v])
            return r.y[0, -1]

        return end

    found, expected = (taylor.derivatives(fall(s), 1.0, 2) for s in (lambda y: np.sqrt(y**2), abs))
    assert np.allclose(found, expected, rtol=1e-13)
    for order in (3, 4):
        with pytest.raises(NonAnalyticError, match="jumps"):
            taylor.derivatives(fall(lambda y: np.sqrt(y**2)), 1.0, order)


def test_errors():
    with pytest.raises(IntegrationError, match="singularity"):
        value_and_gradient(lambda y: y[0], lambda t, y: y * y, (0, 2), [1.0])
    with pytest.raises(ValueError, match="checkpoints"):
        value_and_gradient(lambda y: y[0], pendulum, SPAN, START, checkpoints=0)
    with pytest.raises(taylor.ShapeMismatch, match="scalar"):
        value_and_gradient(lambda y: y, pendulum, SPAN, START)
    with pytest.raises(taylor.AlgebraMismatch, match="together"):
        x, p = Taylor.variable(1.0, 2), Taylor.variable(1.0, 3)
        solve_ivp(pendulum, SPAN, [x, 0.0], args=(p,))
