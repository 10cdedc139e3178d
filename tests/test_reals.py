"""Programs that pass through complex numbers are the same ones in real numbers."""

import numpy as np
import pytest

from taylor.core.program import kinds, recording
from taylor.core.reals import in_reals
from taylor.ode import solve_ivp

H = np.array([[1.0, 2.0 - 1j, 0], [2.0 + 1j, -1.0, 0.5j], [0, -0.5j, 0.3]])
X = np.array([0.7, -1.2, 0.4, 0.9, 0.3, -0.8])
Y = np.array([-0.3, 0.6, 1.4, 0.2, -1.1, 0.5])


def states(x):
    return x[:3] + 1j * x[3:]


def parts(z):
    return np.concatenate([np.reshape(z.real, -1), np.reshape(z.imag, -1)])


FUNCTIONS = {
    "products": lambda x: parts(states(x) * states(x)[::-1] * (2 - 1j)),
    "a real factor": lambda x: parts(states(x) * np.sin(x[3:])),
    "a modulus": lambda x: parts(-1j * states(x) * abs(states(x)) ** 2),
    "conjugates": lambda x: parts(states(x).conj() * 1j + np.conj(x[:3])),
    "a matrix": lambda x: parts(H @ states(x)),
    "a real matrix": lambda x: parts((H.real + 0j) @ states(x)),
    "a matrix of the state": lambda x: parts(np.outer(states(x), states(x)) @ states(x)),
    "sums": lambda x: parts(np.sum(states(x)) * np.ones(3) + np.cumsum(states(x))),
    "moved": lambda x: parts(np.roll(states(x), 1) + np.stack([states(x)[2], x[0], 1j])),
    "transposed": lambda x: parts(np.reshape(states(x), (3, 1)).T[0]),
    "an exponential": lambda x: parts(np.exp(states(x))),
    "a rotation": lambda x: parts(np.exp(-2j * x[:3]) * x[3:]),
    "powers": lambda x: parts(states(x) ** 2 + states(x) ** 3 + np.square(states(x))),
    "quotients": lambda x: parts(states(x) / (1 + states(x) ** 2) + states(x) / x[:3]),
    "functions": lambda x: parts(np.log(2 + states(x)) * np.sin(states(x)) + np.sqrt(states(x))),
    "a choice": lambda x: parts(np.where(x[:3] > 0, states(x), 1j * x[3:])),
    "nothing imaginary": lambda x: parts(states(x) * states(x).conj()),
    "of a zero": lambda x: np.real(np.exp(0j * x) * (1 + 0j)) + np.imag(x + 0j),
    "a named constant": lambda x: parts(np.conj(1j * np.deg2rad(x[:3])) * 1j),
    "a number": lambda x: np.real((x[0] + 1j * x[1]) ** 4) * x,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_of_complex_numbers(name):
    f = FUNCTIONS[name]
    whole, values = recording(f, X, watched=True)
    program, others = in_reals(whole, values)
    program.verify()
    assert np.allclose(others[program.outputs[0]], f(X), rtol=1e-14, atol=1e-14)
    for point in (Y, X + 0.01, np.zeros(6) + 0.5):
        assert np.allclose(program(point), f(point), rtol=1e-13, atol=1e-14)
    if name not in ("quotients", "functions"):
        assert not any(kinds(program.code, [False]))


def test_comparisons_of_parts_are_kept():
    def f(x):
        z = states(x)
        return parts(1j * z) if z[0].imag > 0 else parts(z)

    program, _ = in_reals(*recording(f, X, watched=True))
    assert len(program.guards) == 1
    assert np.allclose(program(X + 0.1), f(X + 0.1))


def test_complex_results_and_variables_stay():
    for f, x in ((lambda x: 1j * x, 0.5), (lambda z: np.exp(z), 0.5 + 1j)):
        whole, values = recording(f, x)
        assert in_reals(whole, values)[0] is whole


def test_rows_of_a_cubic_equation_are_those_of_real_ones():
    """|z|² z takes no modulus, and no product with i."""

    def f(x):
        z = x[0] + 1j * x[1]
        return parts(-1j * z * abs(z) ** 2)

    program, _ = in_reals(*recording(f, X[:2], watched=True))
    names = [i.op.name for i in program.code]
    assert names.count("mul") == 4 and names.count("add") == 1 and "hypot" not in names


def test_integrations_of_matrices_of_complex_numbers():
    psi = np.array([1.0, 0.5j, -0.2])
    values, vectors = np.linalg.eigh(H)
    r = solve_ivp(lambda t, z: -1j * (H @ z), (0.0, 3.0), psi)
    exact = vectors @ (np.exp(-3j * values) * (vectors.conj().T @ psi))
    assert np.abs(r.y[:, -1] - exact).max() < 1e-14
    r = solve_ivp(lambda t, z: [1j * z[0] * np.exp(1j * t)], (0.0, 2.0), [1.0 + 0j])
    assert abs(r.y[0, -1] - np.exp(np.exp(2j) - 1)) < 1e-14


def test_one_function_of_complex_and_of_real_states():
    """What is kept of the one is not taken for the other."""

    def f(t, z, a):
        return a * z

    a = np.array([[1.0, 2.0], [0.5, -1.0]])
    complex_ = solve_ivp(f, (0.0, 1.0), [1.0 + 1j, 2.0], args=(a[0] + 1j * a[1],)).y[:, -1]
    real = solve_ivp(f, (0.0, 1.0), [[1.0, 2.0], [1.0, 0.0]], args=(a,)).y[..., -1]
    assert np.allclose(complex_, np.array([1 + 1j, 2]) * np.exp(a[0] + 1j * a[1]), rtol=1e-14)
    assert np.allclose(real, [[np.e, 2 * np.exp(2)], [np.exp(0.5), 0]], rtol=1e-14)
