"""What the examples print and what their figures show: a build of the site checks it."""

from __future__ import annotations

import re
from typing import NamedTuple


class Facts(NamedTuple):
    """Texts that an example prints (a ? is any digit), and what its figure shows, if it has one."""

    printed: tuple[str, ...]
    figure: str = ""

    def missing(self, page: str) -> list[str]:
        """Return the texts that do not stand in a page.

        >>> Facts(("error ?e-15", "x = 1")).missing("error 3e-15")
        ['x = 1']
        """
        patterns = {text: re.escape(text).replace(r"\?", r"\d") for text in self.printed}
        return [text for text, pattern in patterns.items() if not re.search(pattern, page)]


EXAMPLES = {
    "finite_difference_error": Facts(
        ("f'(0.2) = 9.0660864",),
        "Errors of derivatives against the step h, both logarithmic: those of differences fall to "
        "1e-8 and 1e-10 and rise again, that of Taylor arithmetic is 1e-15 throughout.",
    ),
    "helmholtz_gradient_cost": Facts(
        ("reverse and forward agree: True",),
        "Times of a gradient over the time of f against the number of variables: level for the "
        "gradient program and reverse mode, rising for forward mode and differences.",
    ),
    "hessian_rosenbrock": Facts(
        ("minimum: [1. 1.]", "hyper-dual numbers: -400.0", "order 4: 2400.0"),
    ),
    "high_precision": Facts(
        (
            "1 -1/2 1/6 0 -1/30 0 1/42 0 -1/30 0 5/66 0 -691/2730",
            "tan:   t + 1/3 t³ + 2/15 t⁵ + 17/315 t⁷ + O(t⁹)",
            "Euler's constant: 0.577215664901532860606512090082402",
        ),
    ),
    "hypergradient": Facts(
        ("hypergradient:           [ 0.18625084 -0.19031083]", "0.9277 after 8 steps"),
        "The validation loss over the logarithms of learning rate and regulariser, as colours, and "
        "the path of eight steps from its slope into the valley.",
    ),
    "implicit_function": Facts(
        ("M(E(M)) = t + O(t⁸)", "y(x) = 3 + -t - ", "F(x, y(x)) = 0 + O(t⁵)"),
    ),
    "kernel_sums": Facts(
        ("tiles agree with the whole: True", "all of it 320 MB"),
        "The time of the gradient against the size of the kernel matrix, both logarithmic: "
        "straight lines, that of compiled tiles some four times lower, up to 320 MB.",
    ),
    "kth_derivatives": Facts(
        ("0   1.29211703715", "3   2.07237670339", "radius of convergence: 1.1"),
    ),
    "least_squares_fit": Facts(
        ("a = 2.466 ± 0.060", "three standard errors: True"),
        "Points that decay in time with scatter, the fitted exponential, and a narrow band of two "
        "standard errors around it.",
    ),
    "minimize_scipy": Facts(
        ("minimum at ones: True",),
        "Distances from the minimum against iterations: Newton-CG and trust-ncg are there after "
        "25, BFGS after 55, and with differences it stops at 1e-5.",
    ),
    "neural_network_spectrum": Facts(
        (
            "they agree to ten digits: True",
            "101,437 parameters",
            "25 and 40 products agree: True",
        ),
        "The density of the eigenvalues of a Hessian: most lie at zero, a few stand alone up to "
        "16; the curve from products with vectors has the peaks of the dense matrix.",
    ),
    "newton_vs_gradient_descent": Facts(
        ("Newton: 5 steps",),
        "Distances from the minimum against iterations: Newton's method falls to 1e-10 in five, "
        "gradient descent in a straight line to 1e-7 in thirty.",
    ),
    "ode_bouncing_ball": Facts(
        ("bounces found: 28?", "times right to ?e-15 s", "the events accumulate"),
        "The height of a ball against time: arcs that grow shorter and lower, 289 bounces, and at "
        "12.1 seconds rest.",
    ),
    "ode_ensemble_dask": Facts(
        ("10000 orbits", "back to 1e-13: True", "as on this machine: True"),
    ),
    "ode_henon_heiles": Facts(
        tuple(
            f"energy {level}: {count}? points, |x| at most ?e-17, energy right to ?e-15"
            for level, count in (("0.0833", 93), ("0.1250", 90), ("0.1667", 89))
        ),
        "Sections of six orbits at three energies: closed curves at the lowest, islands in a sea "
        "of scattered points at the middle one, scattered points all over at the highest.",
    ),
    "ode_kepler": Facts(
        (
            "steps a revolution: 70 of order 20",
            "energy: relative error at most ?e-14 in 1000 periods",
            "angular momentum: relative error at most ?e-15",
            "after 1000 periods: ?e-09 from where it should be",
        ),
        "A long ellipse with the 71 steps of one revolution, wide apart far from the sun; and the "
        "errors of position and energy against time, which grow as its powers 3/2 and 1/2.",
    ),
    "ode_lorenz": Facts(
        (  # of 100 digits: -6.96176051154852..., -9.54320163949489..., 20.7109212441904...
            "-6.96176051155",
            "-9.54320163949",
            "20.7109212442",
            "t = 20: error ?e-11",
            "doubles are off by 1 at t = 4?",
        ),
        "x against time in doubles and in thirty digits, the same to the eye until 45; below, "
        "their distance grows as exp(0.906 t) from 1e-16 to 10.",
    ),
    "ode_lotka_volterra": Facts(
        (
            "after 20 years: [23.360294  4.361875] thousand",
            "V changes in no order by more than ?e-12",
            "order 2: error ?e-04",
        ),
        "Numbers of prey and predators over twenty years, peaks of predators after those of prey; "
        "below, by how many per cent the prey changes for one per cent of each parameter.",
    ),
    "ode_outer_solar_system": Facts(
        ("energy: relative error ?e-15 after 1e+06 days", "to the power 0.?"),
        "The orbits of five planets; and the energy errors of sixteen runs over a million days, "
        "which spread like a random walk, as the square root of time.",
    ),
    "ode_pendulum_map": Facts(
        (
            "determinant: 1, other coefficients at most ?e-1?",
            "order  1: images of the circle right to ?e-01",
            "order 12: images of the circle right to ?e-05",
        ),
        "A disk of starts in the plane of angle and angular velocity and its images at three "
        "times, more and more bent: those of order 12 go through integrated points, ellipses of "
        "order 1 do not.",
    ),
    "ode_rossler_proof": Facts(
        (  # Galias and Tucker; CAPD: 5.88108845555
            "one fixed point within 1e-09 of (-8.3809417428, 0.0295900606)",
            "period in [5.88108845555",
            "unstable",
        ),
        "Bounds of all solutions from a segment, in the plane of x and y: a ring of small boxes, "
        "thin after one revolution, with the periodic orbit inside.",
    ),
    "ode_three_body": Facts(
        (  # Szebehely and Peters 1967: closest at 15.8299
            "masses 4 and 5 at t = 15.8299",
            "energy: relative error ?e-10 at the end",
            "mass 3 is 29 away, and flies off at 1.77",
        ),
        "The tangled orbits of three bodies until t = 20; and steps and least distances of pairs "
        "against time: steps fall to 1e-7 where two bodies nearly meet.",
    ),
    "pde_fokker_planck": Facts(
        ("residual of exp(-U): 3e-15", "agree to 2 %: True"),
        "A density with two peaks, as colours, and arrows of the drift that turns around them.",
    ),
    "pde_hydrogen_molecule": Facts(
        ("exact -1.17448", "by less than 4 millihartree: True"),
        "The energy falls within error bars to the exact one in ten rounds; and the root of the "
        "density, brightest at the two nuclei.",
    ),
    "pde_kuramoto_sivashinsky": Facts(
        ("6 coefficients (1, 2, 1, 1, 1)", "less than 1e-3: True"),
        "A solution as colours over x and time: a trough and a crest, which hardly move; and its "
        "error at the end, below 3e-4.",
    ),
    "pde_plate": Facts(
        ("0.001265 (Galerkin)", "less than 1e-3: True"),
        "The deflection of a clamped plate, largest in the middle and zero at its edges; and its "
        "error, below 4e-7.",
    ),
    "pde_quantum_dot": Facts(
        ("least variance at b = 0.2", "E = 2.000000000000 at every walker: True"),
        "Energies of trial functions against their parameter b, with error bars: above 2, but at "
        "b = 0.2 exactly 2, without an error.",
    ),
    "pendulum_series": Facts(
        (
            "φ(t) = 1 - 0.420735 t² + 0.0189437 t⁴",
            "energy as a series: -0.540302",
            "less than 1e-13",
            "period: 6.699975",
        ),
    ),
    "peng_robinson": Facts(
        ("critical temperature: 190.564 K", "critical pressure: 4.5992 MPa"),
    ),
    "uncertainty_intervals": Facts(("width 0.3\n", "width 0.062\n", "all samples inside: True")),
    "verified_minimum": Facts(
        (
            "minimum  x in [2.9999999, 3.0000001]",
            "saddle   x in [3.385154",
            "maximum  x in [-0.270844",
            "taken within",
        ),
        "Contours of a function and the boxes that a search has left at each level: clusters of "
        "small ones around four minima; crosses at the nine stationary points.",
    ),
    "verified_order": Facts(
        ("    8  1.3e-08", "the pendulum by order 20: 2 steps"),
        "Widths of proved bounds, falling by factors with the order down to rounding: the radius "
        "of a Taylor model from 1e-2, an integral in eight pieces from 1e-7.",
    ),
}
