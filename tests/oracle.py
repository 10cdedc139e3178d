"""Reference Taylor coefficients by mpmath alone, and the error measure of the accuracy tests."""

import functools

import mpmath
from mpmath import mp

ORDER = 20
DIGITS = 60
SLOW = {"zeta": 3, "dawsn": 8, "gamma": 10} | dict.fromkeys(
    ("airyai", "airyaip", "airybi", "airybip"), 8
)  # orders mpmath reaches in seconds

FORMULAS = {
    "exp2": lambda x: mp.mpf(2) ** x,
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "cbrt": lambda x: mp.cbrt(x) if mp.re(x) > 0 else -mp.cbrt(-x),
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "sech2": lambda x: mp.sech(x) ** 2,
    "sec_asin": lambda x: 1 / mp.sqrt(1 - x) / mp.sqrt(1 + x),
    "cos_atan": lambda x: 1 / mp.sqrt(1 + x * x),
    "erfcx": lambda x: mp.exp(x**2) * mp.erfc(x),
    "dawsn": lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-(x**2)) * mp.erfi(x),
    "gauss": lambda x: mp.exp(-(x**2)),
    "ndtr": mp.ncdf,
    "log_ndtr": lambda x: mp.log(mp.ncdf(x)),
    "sinc": mp.sincpi,
    "digamma": lambda x: mp.psi(0, x),
    "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
    "j0": lambda x: mp.besselj(0, x),
    "j1": lambda x: mp.besselj(1, x),
    "y0": lambda x: mp.bessely(0, x),
    "y1": lambda x: mp.bessely(1, x),
    "i0": lambda x: mp.besseli(0, x),
    "i1": lambda x: mp.besseli(1, x),
    "expi": mp.ei,
    "exp1": mp.e1,
    "airyaip": lambda x: mp.airyai(x, derivative=1),
    "airybip": lambda x: mp.airybi(x, derivative=1),
    "lambertw1": lambda x: 1 + mp.lambertw(x),
    "abs": abs,
    "real_power": lambda x, r: x**r,
    "power": lambda x, r: x**r,
    "exponential": lambda c, x: c**x,
    "logaddexp": lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
    "maximum": max,
    "minimum": min,
    "clip": lambda x, low, high: min(max(x, low), high),
    "heaviside": lambda x, h: mp.mpf(x > 0),
    "mod": lambda x, b: x - b * mp.floor(x / b),
    "rint": mp.nint,
    "trunc": lambda x: mp.sign(x) * mp.floor(abs(x)),
    "kepler": lambda e, m: mp.findroot(lambda y: y - e * mp.sin(y) - m, m + e * mp.sin(m)),
}

# The derivatives f⁽ᵏ⁾(x) that mpmath knows, in much less time than it takes differences
DERIVATIVES = {
    "digamma": lambda x, k: mp.psi(k, x),
    "lgamma": lambda x, k: mp.psi(k - 1, x) if k else mp.log(abs(mp.gamma(x))),
    "j0": lambda x, k: mp.besselj(0, x, derivative=k),
    "j1": lambda x, k: mp.besselj(1, x, derivative=k),
    "y0": lambda x, k: mp.bessely(0, x, derivative=k),
    "y1": lambda x, k: mp.bessely(1, x, derivative=k),
}


def formula(name):
    return FORMULAS.get(name) or getattr(mp, name)


@functools.cache
def coefficients(name, sample, position=0, order=ORDER):
    """Return the Taylor coefficients of a row at a sample, in its argument `position`."""
    args = sample if isinstance(sample, tuple) else (sample,)
    f = formula(name)
    with mp.workdps(DIGITS):
        fixed = [mp.mpf(a) for a in args]
        if name in DERIVATIVES:
            return tuple(DERIVATIVES[name](fixed[0], k) / mp.factorial(k) for k in range(order + 1))

        def along(x):
            return f(*fixed[:position], x, *fixed[position + 1 :])

        return tuple(mpmath.taylor(along, fixed[position], order, chop=False))


def envelope(c):
    """Return max_j |c_j| r^(j-k) for every k, with r the local scale of the series.

    r is where the terms c_j r^j balance: the reciprocal of max_j |c_j/c_0|^(1/j), c_0 replaced by
    the larger of the first two coefficients, so that a zero of the function does not hide it.
    """
    size = [abs(v) for v in c]
    start = max(size[:2]) or mp.mpf(1)
    ratios = [
        (s / start) ** (mp.mpf(1) / j)
        for j, s in enumerate(size)
        if j > 1 and s > start * mp.mpf(10) ** -40
    ]
    growth = max(ratios, default=0)
    r = 1 / growth if growth else mp.mpf(1)
    top = max(s * r**j for j, s in enumerate(size))
    return [top / r**k for k in range(len(c))]


def ulp_error(got, want, first=0):
    """Return the largest error of the coefficients from `first` on, in 2**-52 of the envelope.

    A coefficient beyond the range of floats must be infinite, one below it may be flushed to zero.
    """
    with mp.workdps(DIGITS):
        tiny, huge = mp.mpf(2) ** -1074, mp.mpf(2) ** 1024
        errors = [mp.mpf(0)]
        for g, w, e in list(zip(got, want, envelope(want), strict=True))[first:]:
            if abs(w) >= huge * (1 - mp.mpf(2) ** -40):
                errors.append(mp.mpf(0) if abs(float(g)) > 1.79e308 else mp.inf)
            else:
                off = max(abs(mp.mpf(float(g)) - w) - 4 * tiny, mp.mpf(0))
                errors.append(off / (mp.mpf(2) ** -52 * e + tiny))
        return float(max(errors))
