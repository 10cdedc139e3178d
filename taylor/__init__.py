"""Higher-order Taylor-series arithmetic: an elementary function is a differential equation with a name.

Reading order of the source: `elementary` (the table), `sweep` (the step rules), `program` (the
Wengert list), `series` (the number types), then the driver you came for.

>>> import taylor
>>> float(taylor.derivative(lambda x: taylor.exp(taylor.sin(x)), 0.0, 3))
0.0
"""

from taylor.arrays import logsumexp
from taylor.drivers import (
    derivative,
    derivatives,
    directional,
    gradient,
    hessian,
    jacobian,
    jvp,
    partial,
    taylor_coefficients,
    tensor,
)
from taylor.elementary import (
    absolute,
    acos,
    acosh,
    airyai,
    airyaip,
    airybi,
    airybip,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    ceil,
    ci,
    clip,
    cos,
    cosh,
    cospi,
    cot,
    csc,
    dawsn,
    digamma,
    erf,
    erfc,
    erfcx,
    exp,
    exp1,
    exp2,
    expi,
    expm1,
    floor,
    gamma,
    heaviside,
    hypot,
    i0,
    i1,
    iv,
    j0,
    j1,
    jv,
    kepler,
    lambertw,
    lgamma,
    log,
    log1p,
    log2,
    log10,
    log_ndtr,
    logaddexp,
    maximum,
    minimum,
    mod,
    ndtr,
    power,
    reciprocal,
    rint,
    sec,
    sech2,
    si,
    sigmoid,
    sign,
    sin,
    sinc,
    sinh,
    sinpi,
    softplus,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
    y0,
    y1,
    yv,
    zeta,
)
from taylor.errors import (
    AlgebraMismatch,
    DomainError,
    ForeignNodeError,
    GuardError,
    IntegrationError,
    NonAnalyticError,
    OrderMismatch,
    PoleError,
    ShapeMismatch,
    TaylorError,
    TraceError,
)
from taylor.multivariate import TaylorN, inverse_map
from taylor.program import Program, record
from taylor.series import formal_sqrt
from taylor.univariate import Taylor
from taylor.values import policy

__version__ = "0.1.0"
