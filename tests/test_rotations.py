"""taylor.scipy.spatial.transform.Rotation: values are SciPy's, derivatives those of formulas."""

import mpmath
import numpy as np
import pytest
from scipy.spatial.transform import Rotation as Theirs

import taylor
from taylor.scipy.spatial.transform import Rotation as Own

RNG = np.random.default_rng(0)
V = np.array([0.3, -0.7, 0.5])
MANY = RNG.normal(size=(4, 3))
Q = RNG.normal(size=4)
POINTS = RNG.normal(size=(5, 3))
AXES = ["xyz", "zyx", "ZXZ", "xzx", "YZX", "yxz", "XYX"]

MADE = {
    "rotvec": (V, lambda r, x: r.from_rotvec(x)),
    "rotvecs": (MANY, lambda r, x: r.from_rotvec(x)),
    "degrees": (60 * V, lambda r, x: r.from_rotvec(x, degrees=True)),
    "quat": (Q, lambda r, x: r.from_quat(x)),
    "scalar first": (Q, lambda r, x: r.from_quat(x, scalar_first=True)),
    "product": (MANY[:2], lambda r, x: r.from_rotvec(x[0]) * r.from_rotvec(x[1]).inv()),
    "one angle": (V[:1], lambda r, x: r.from_euler("y", x[0])),
    **{axes: (V, lambda r, x, a=axes: r.from_euler(a, x)) for axes in AXES},
}
SEEN = {
    "matrix": lambda r: r.as_matrix(),
    "rotvec": lambda r: r.as_rotvec(),
    "quat": lambda r: r.as_quat(canonical=True),
    "magnitude": lambda r: r.magnitude(),
    "apply": lambda r: r.apply(POINTS[0]),
    "inverse": lambda r: r.apply(POINTS[1], inverse=True),
    **{axes: lambda r, a=axes: r.as_euler(a) for axes in AXES},
}


def compare(f, right, x):
    """Value, J v in each mode against differences, and J v from new points of the code."""
    d, h = np.random.default_rng(1).normal(size=x.shape), 1e-4
    value, slope = taylor.jvp(f, x, d)
    want = [right(x + k * h * d) for k in (-2, -1, 1, 2)]
    w = np.random.default_rng(2).normal(size=np.shape(value))
    np.testing.assert_allclose(value, right(x), rtol=1e-12, atol=1e-12)
    differences = (want[0] - 8 * want[1] + 8 * want[2] - want[3]) / (12 * h)
    np.testing.assert_allclose(slope, differences, rtol=1e-8, atol=1e-8)
    code = taylor.compile(f)
    for g in (f, code):
        assert np.sum(taylor.vjp(g, x, w)[1] * d) == pytest.approx(np.sum(w * slope), rel=1e-9)
    for away in (0.9 * d, -2.3 * d):  # other signs, other largest parts
        np.testing.assert_allclose(code(x + away), right(x + away), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("made", ["rotvec", "rotvecs", "quat", "product"])
def test_what_rotations_are_and_do(made, seen):
    x, make = MADE[made]
    compare(*(lambda x, r=r: SEEN[seen](make(r, x)) for r in (Own, Theirs)), x)


@pytest.mark.parametrize("made", MADE)
def test_rotations_are_made_of_numbers(made):
    x, make = MADE[made]
    compare(*(lambda x, r=r: make(r, x).as_matrix() for r in (Own, Theirs)), x)


@pytest.mark.parametrize("turn", [V, 3 * V, [3.0, 0.1, 0.2], [0.1, 3.0, 0.2], [0.1, 0.2, -3.0]])
def test_rotations_are_made_of_matrices(turn):
    """Along a curve of rotations, and back to the vectors that they are made of."""
    f = lambda v: Own.from_matrix(Own.from_rotvec(v).as_matrix()).as_rotvec()
    small = np.asarray(turn) * min(1.0, 3.1 / np.linalg.norm(turn))
    np.testing.assert_allclose(f(small), small, atol=1e-12)
    for g in (f, taylor.compile(f)):
        np.testing.assert_allclose(taylor.jacobian(g, small), np.eye(3), atol=1e-11)
    third = 2 * np.pi / 3 / np.sqrt(3) * np.ones(3)
    np.testing.assert_allclose(taylor.jacobian(f, third), np.eye(3), atol=1e-11)
    right = Theirs.from_matrix(Theirs.from_rotvec(MANY).as_matrix()).as_quat(canonical=True)
    own = Own.from_matrix(Theirs.from_rotvec(MANY).as_matrix()).as_quat(canonical=True)
    np.testing.assert_allclose(own, right, atol=1e-14)


@pytest.mark.parametrize("at", [0.0, 1e-9, 0.3, 0.99, 1.01, 2.5])
def test_no_rotation_is_no_exception(at):
    """Rodrigues' formula in mpmath, to the eighth order."""

    def exact(t):
        axis = [mpmath.mpf(1) / 3, mpmath.mpf(2) / 3, mpmath.mpf(2) / 3]
        z = [mpmath.mpf(int(i == 0)) for i in range(3)]
        cross = [axis[1] * z[2] - axis[2] * z[1], axis[2] * z[0] - axis[0] * z[2],
                 axis[0] * z[1] - axis[1] * z[0]]  # fmt: skip
        c, s = mpmath.cos(t), mpmath.sin(t)
        return z[1] * c + cross[1] * s + axis[1] * axis[0] * (1 - c)

    axis = np.array([1.0, 2.0, 2.0]) / 3
    found = taylor.taylor_coefficients(
        lambda t: Own.from_rotvec(t * axis).apply([1.0, 0.0, 0.0])[1], at, 8
    )
    with mpmath.workdps(60):
        want = [float(c) for c in mpmath.taylor(exact, mpmath.mpf(at), 8)]
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-15)
    back = taylor.jacobian(lambda v: Own.from_rotvec(v).as_rotvec(), at * axis)
    np.testing.assert_allclose(back, np.eye(3), atol=1e-12)


def test_curvature_at_no_rotation():
    """exp(K) = 1 + K + K²/2 + ...: its entry (0, 1) is -z + x y/2 to second order."""
    entry = lambda v: Own.from_rotvec(v).as_matrix()[0, 1]
    want = [[0.0, 0.5, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0]]
    for f in (entry, taylor.compile(entry)):
        np.testing.assert_allclose(taylor.hessian(f, np.zeros(3)), want, atol=1e-15)


def test_mistakes():
    for f, said in (
        (lambda: Own.from_euler("xyZ", V), "letters of xyz"),
        (lambda: Own.from_euler("xy", V), "takes 2 angles"),
        (lambda: Own.from_rotvec(V).as_euler("xxy"), "three letters"),
    ):
        with pytest.raises(ValueError, match=said):
            f()
    with pytest.raises(TypeError, match="no length"):
        len(Own.from_rotvec(V))
    assert len(Own.from_rotvec(MANY)) == 4 and "rotation" in repr(Own.identity())
    np.testing.assert_allclose(Own.from_rotvec(MANY)[1].as_rotvec(), MANY[1], atol=1e-14)
