"""Designs of filters, factors, distances, images: SciPy's values, and derivatives in all modes.

The oracle are SciPy's values, and differences of them along a line.
"""

import numpy as np
import pytest
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.signal
import scipy.spatial
from shared import slopes

import taylor
import taylor.scipy.interpolate
import taylor.scipy.linalg
import taylor.scipy.ndimage
import taylor.scipy.signal
import taylor.scipy.spatial

X = np.array([0.56, 0.63, 1.2, 0.92, 1.4, 1.6, 1.1, 1.75, 1.3])
B = np.array([[0.2, -0.5, 0.4], [0.9, 0.3, -0.7], [-0.3, 0.8, 0.1]])
SISO = (B[:, :1], B[:1], np.zeros((1, 1)))
TIMES = np.arange(5) * 0.1


def square(x):
    return np.reshape(x, (3, 3))


def pairs(x):
    return np.reshape(x[:8], (4, 2))


def unit(x):
    return x / np.linalg.norm(x)


SIGNAL = {
    "ss2tf": lambda m, x: np.concatenate([np.ravel(c) for c in m.ss2tf(square(x), *SISO)]),
    "tf2ss": lambda m, x: np.concatenate([np.ravel(c) for c in m.tf2ss(x[:3], x[3:6])]),
    "zpk2ss": lambda m, x: m.zpk2ss(x[:1], x[2:4], x[5])[2],
    "sos2tf": lambda m, x: m.sos2tf(np.stack([x[:6], x[2:8]]))[1],
    "lp2lp": lambda m, x: m.lp2lp(x[:2], x[2:5], x[5])[0] + x[0] * m.lp2lp(x[:2], x[2:4], x[5])[1],
    "lp2hp": lambda m, x: m.lp2hp(x[:2], x[2:5], x[5])[0],
    "lp2bs_zpk": lambda m, x: np.abs(m.lp2bs_zpk(-x[:1], -x[2:4], x[5], x[6], 0.3)[0] + x[1]),
    "butter": lambda m, x: m.butter(3, x[0] * 0.3)[0],
    "butter band": lambda m, x: m.butter(2, [x[0] * 0.3, 0.6], "bandpass")[1],
    "butter analog": lambda m, x: m.butter(2, x[0], "high", analog=True, output="zpk")[2] * x,
    "cheby1": lambda m, x: np.stack(m.cheby1(2, x[1], x[0], fs=4.0)),
    "cheby2": lambda m, x: np.stack(m.cheby2(3, 20 * x[1], [0.2, x[0]], "stop")),
    "ellip": lambda m, x: m.ellip(2, 1.0, 30.0, x[0] * 0.3)[1],
    "bessel": lambda m, x: m.bessel(3, x[0] * 0.3, norm="mag")[1],
    "firwin": lambda m, x: m.firwin(5, x[0] * 0.3) + m.firwin(5, [0.1, x[0]], pass_zero=False),
    "firwin high": lambda m, x: m.firwin(5, x[0], pass_zero="highpass", fs=3.0),
    "iirnotch": lambda m, x: np.stack([*m.iirnotch(x[0] * 0.3, 9 * x[1]), *m.iirpeak(x[0], 3, 4)]),
    "lfilter_zi": lambda m, x: m.lfilter_zi(x[5:7], np.stack([1.0 + 0 * x[0], x[0] * 0.2, 0.1])),
    "lfiltic": lambda m, x: m.lfiltic(x[:3], x[3:5], x[5:6], x[6:8]),
    "bode": lambda m, x: np.concatenate(m.bode((x[:2], x[2:5]), w=[0.5, 1.0])),
    "freqresp": lambda m, x: np.abs(m.freqresp((x[:1], x[2:4], x[5]), w=[0.5, 1.0])[1]),
    "group_delay": lambda m, x: m.group_delay((x[:3], x[3:5]), w=[0.5, 1.0])[1],
    "czt": lambda m, x: np.abs(m.czt(x, 4)) + np.abs(m.zoom_fft(x, [0.2, 0.5], 4)),
    "vectorstrength": lambda m, x: m.vectorstrength(x, 2.0)[0] * x[0],
    "impulse": lambda m, x: m.impulse((square(x), *SISO), T=TIMES)[1],
    "step": lambda m, x: m.step((x[:2], x[2:5]), T=TIMES)[1],
    "dlsim": lambda m, x: m.dlsim((square(x) * 0.2, *SISO, 0.1), x[:4])[1],
    "dimpulse": lambda m, x: m.dimpulse((square(x) * 0.2, *SISO, 0.1), n=4)[1][0],
    "dstep": lambda m, x: m.dstep((x[:1], x[1:3], 0.1), n=4)[1][0],
    "sweep_poly": lambda m, x: m.sweep_poly(x, np.poly1d([0.1, 0.2])) + m.gauss_spline(x, 3),
    "medfilt2d": lambda m, x: m.medfilt2d(square(x), 3),
}
LINALG = {
    "hessenberg": lambda m, x: np.stack(m.hessenberg(square(x) + B, calc_q=True)),
    "hessenberg h": lambda m, x: m.hessenberg(square(x) - 2 * B),
    "rq": lambda m, x: np.stack(m.rq(square(x) + B)),
    "rq wide": lambda m, x: m.rq(np.reshape(x[:6], (2, 3)) + B[:2], mode="economic")[1],
    "qr": lambda m, x: m.qr(np.reshape(x[:8], (4, 2)))[0],
    "qr_multiply": lambda m, x: m.qr_multiply(square(x) + B, B)[0],
    "subspace_angles": lambda m, x: m.subspace_angles(square(x)[:, :1], B[:, :2] + x[0]),
    "near": lambda m, x: m.subspace_angles(np.reshape(x[:8], (4, 2)), np.eye(4)[:, :2] + 0.1),
}  # fmt: skip
W = np.array([1.0, 2.0, 0.5])
OF_W = ("braycurtis", "canberra", "chebyshev", "cityblock", "correlation", "cosine", "euclidean",
        "minkowski", "sqeuclidean")  # fmt: skip
SPATIAL = {
    **{
        f"{name} w": lambda m, x, name=name: m.distance.cdist(square(x), abs(B) + 0.1, name, w=W)
        for name in OF_W
    },
    "seuclidean": lambda m, x: m.distance.pdist(pairs(x), "seuclidean"),
    "mahalanobis": lambda m, x: m.distance.cdist(pairs(x), B[:, :2], "mahalanobis"),
    "hausdorff": lambda m, x: m.distance.directed_hausdorff(square(x), B)[0] * x[0],
    "minkowski": lambda m, x: m.minkowski_distance(square(x), B, 3) * m.minkowski_distance_p(x, 2),
    "procrustes": lambda m, x: np.stack(m.procrustes(pairs(x), np.eye(4)[:, :2])[:2]) * x[0],
    "slerp": lambda m, x: m.geometric_slerp(*map(unit, (x[:3], x[3:6])), x[:2]),
}  # fmt: skip
NDIMAGE = {
    "filters1d": lambda m, x: m.maximum_filter1d(x, 3) * m.minimum_filter1d(x, 3, mode="nearest"),
    "rank": lambda m, x: m.rank_filter(square(x), 2, 3),
    "tophats": lambda m, x: m.white_tophat(square(x), 3) - 2 * m.black_tophat(square(x), 3),
    "grey": lambda m, x: m.grey_dilation(x, 3) * m.grey_erosion(x, 3) + m.grey_opening(x, 3),
    "gradient": lambda m, x: m.morphological_gradient(square(x), (3, 1)),
    "fourier": lambda m, x: np.abs(m.fourier_shift(m.fourier_gaussian(np.fft.fft(x), 1.0), 0.3)),
    "uniform": lambda m, x: m.fourier_uniform(x, 3.0) + m.fourier_ellipsoid(x, 2.0),
}
AT = np.arange(9.0)
INTERPOLATE = {
    "makima": lambda m, x: m.Akima1DInterpolator(AT, x, method="makima")(AT[:-1] + 0.3),
}
COMPILED = ("ss2tf", "butter", "bode", "rq")
TABLES = {
    scipy.signal: SIGNAL, scipy.linalg: LINALG, scipy.spatial: SPATIAL, scipy.ndimage: NDIMAGE,
    scipy.interpolate: INTERPOLATE,
}  # fmt: skip
CASES = [(module, name) for module, table in TABLES.items() for name in table]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("module", "name"), CASES, ids=[name for _, name in CASES])
def test_values_are_scipys_and_derivatives_those_of_them(module, name):
    f = TABLES[module][name]
    plain = lambda x: f(module, x)
    g = lambda x: f(getattr(taylor.scipy, module.__name__.split(".")[1]), x)
    y, first = np.asarray(plain(X)), slopes(plain, X, 1)
    np.testing.assert_allclose(g(X), y, rtol=1e-12, atol=1e-14)
    w = np.linspace(1.0, 2.0, y.size).reshape(y.shape)
    _, slope = taylor.vjp(g, X, w)
    np.testing.assert_allclose(slope @ X, w.ravel() @ first, rtol=1e-7, atol=1e-7)
    if name in COMPILED:
        code = taylor.jacobian(taylor.compile(g), X)
        np.testing.assert_allclose((code @ X).ravel(), first, rtol=1e-7, atol=1e-7)
    found = taylor.derivatives(lambda t: g(t * X), 1.0, 2)
    np.testing.assert_allclose(found[0], y, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found[1].ravel(), first, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found[2].ravel(), slopes(plain, X, 2), rtol=1e-4, atol=1e-5)


def test_complete_factors_are_those_of_numpy_where_columns_are_triangular_too():
    for a in (np.eye(4, 2) * 3.0, np.vstack([B, B[::-1] * 2]), -np.eye(3, 1)):
        q, r = taylor.jvp(lambda a: np.linalg.qr(a, mode="complete").Q, a + 0.0, a)[0], None
        np.testing.assert_allclose(q, np.linalg.qr(a, mode="complete").Q, atol=1e-15)
        r = taylor.jvp(lambda a: np.linalg.qr(a, mode="complete").R, a + 0.0, a)
        np.testing.assert_allclose(r, [np.linalg.qr(a, mode="complete").R] * 2, atol=1e-14)
    other = taylor.compile(lambda x: taylor.scipy.linalg.hessenberg(np.reshape(x, (3, 3))))
    for x in (X, -X, X[::-1].copy()):  # signs are those of each point
        np.testing.assert_allclose(other(x), scipy.linalg.hessenberg(square(x)), atol=1e-14)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: taylor.scipy.signal.butter(2, x[0], output="sos"), "output='ba' or 'zpk'"),
        (lambda x: taylor.scipy.linalg.ldl(np.outer(x, x)), "use cholesky"),
        (lambda x: taylor.scipy.linalg.rq(x[:, None]), "no more rows"),
        (lambda x: taylor.scipy.ndimage.grey_opening(x, 2), "an odd size"),
        (lambda x: taylor.scipy.signal.square(x), "constant between jumps"),
        (lambda x: taylor.scipy.signal.lsim(3.0, x, x), r"\(num, den\), \(z, p, k\)"),
    ],
)
def test_what_is_refused_says_what_to_do(call, said):
    with pytest.raises(TypeError, match=said):
        taylor.gradient(call, X)
