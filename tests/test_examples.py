"""Every example runs and prints what it says it computes."""

import runpy
from pathlib import Path

import pytest
from test_ode_examples import FACTS

FOLDER = Path(__file__).parent.parent / "examples"
PRINTED = {
    "kth_derivatives": ["0   1.29211703715", "3   2.07237670339", "radius of convergence: 1.1"],
    "hessian_rosenbrock": ["minimum: [1. 1.]", "hyper-dual numbers: -400.0", "order 4: 2400.0"],
    "implicit_function": ["M(E(M)) = t + O(t⁸)", "y(x) = 3 + -t - ", "F(x, y(x)) = 0 + O(t⁵)"],
    "pendulum_series": [
        "φ(t) = 1 - 0.420735 t² + 0.0189437 t⁴",
        "energy as a series: -0.540302",
        "less than 1e-13",
        "period: 6.699975",
    ],
    "high_precision": [
        "1 -1/2 1/6 0 -1/30 0 1/42 0 -1/30 0 5/66 0 -691/2730",
        "tan:   t + 1/3 t³ + 2/15 t⁵ + 17/315 t⁷ + O(t⁹)",
        "Euler's constant: 0.577215664901532860606512090082402",
    ],
    "uncertainty_intervals": ["width 0.3\n", "width 0.062\n", "all samples inside: True"],
    "newton_vs_gradient_descent": ["Newton: 5 steps"],
    "finite_difference_error": ["f'(0.2) = 9.0660864"],
    "minimize_scipy": ["minimum at ones: True"],
    "least_squares_fit": ["a = 2.466 ± 0.060", "three standard errors: True"],
    "hypergradient": [
        "hypergradient:           [ 0.18625084 -0.19031083]",
        "0.9277 after 8 steps",
    ],
    "neural_network_spectrum": [
        "they agree to ten digits: True",
        "101,437 parameters",
        "25 and 40 products agree: True",
    ],
    "helmholtz_gradient_cost": ["reverse and forward agree: True"],
    "pde_fokker_planck": ["residual of exp(-U): 3e-15", "agree to 2 %: True"],
    "kernel_sums": ["tiles agree with the whole: True", "all of it 320 MB"],
    "pde_plate": ["0.001265 (Galerkin)", "less than 1e-3: True"],
    "pde_kuramoto_sivashinsky": ["6 coefficients (1, 2, 1, 1, 1)", "less than 1e-3: True"],
    "pde_hydrogen_molecule": ["exact -1.17448", "by less than 4 millihartree: True"],
    "pde_quantum_dot": ["least variance at b = 0.2", "E = 2.000000000000 at every walker: True"],
    "ode_ensemble_dask": ["10000 orbits", "back to 1e-13: True", "as on this machine: True"],
    "verified_minimum": [
        "minimum  x in [2.9999999, 3.0000001]",
        "saddle   x in [3.385154",
        "maximum  x in [-0.270844",
        "taken within",
    ],
    "peng_robinson": ["critical temperature: 190.564 K", "critical pressure: 4.5992 MPa"],
}


def test_every_example_is_listed():
    assert {p.stem for p in FOLDER.glob("*.py")} == {*PRINTED, *FACTS}


@pytest.mark.parametrize("name", PRINTED)
def test_example(name, capsys):
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    for text in PRINTED[name]:
        assert text in printed
