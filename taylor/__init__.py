"""Higher-order Taylor arithmetic: an elementary function is a differential equation with a name.

Reading order of the source: `elementary` (the table), `sweep` (the step rules), `program` (the
Wengert list), `series` (the number types), then the driver you came for.

>>> import taylor
>>> float(taylor.derivative(lambda x: taylor.exp(taylor.sin(x)), 0.0, 3))
0.0
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from taylor import linalg
from taylor.arrays import moves as moves  # these register what NumPy's functions mean
from taylor.arrays import products as products
from taylor.arrays import sequences as sequences
from taylor.arrays import statistics as statistics
from taylor.arrays.functions import logsumexp, where
from taylor.core.elementary import (
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
    expint,
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
    rule,
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
from taylor.core.program import Program, record
from taylor.drivers.checkpoint import checkpoint
from taylor.drivers.forward_mode import (
    derivative,
    derivatives,
    directional,
    partial,
    taylor_coefficients,
)
from taylor.errors import (
    AlgebraMismatch,
    CompileError,
    DomainError,
    ForeignNodeError,
    GuardError,
    IntegrationError,
    NonAnalyticError,
    OrderMismatch,
    PerformanceWarning,
    PoleError,
    ShapeMismatch,
    TaylorError,
    TraceError,
)
from taylor.numbers import intervals as intervals  # hears of mpmath
from taylor.numbers.values import policy
from taylor.series.multivariate import TaylorN, inverse_map
from taylor.series.series import formal_sqrt
from taylor.series.univariate import Taylor

if TYPE_CHECKING:
    from taylor import ode
    from taylor.drivers.compile import compile
    from taylor.drivers.derivatives import (
        gradient,
        hessian,
        hvp,
        jacobian,
        jvp,
        objective,
        tensor,
        third,
        value_and_gradient,
        vjp,
    )
    from taylor.drivers.implicit import fixed_point, implicit_root
    from taylor.drivers.transform import forward, reverse
    from taylor.sparse import (
        SparseHessian,
        SparseJacobian,
        jacobian_pattern,
        sparse_hessian,
        sparse_jacobian,
    )

# Imported when they are first asked for: a program that needs a few derivatives starts sooner
LATER = {
    "drivers.compile": ("compile",),
    "drivers.derivatives": (
        "gradient", "hessian", "hvp", "jacobian", "jvp", "objective", "tensor", "third",
        "value_and_gradient", "vjp",
    ),
    "drivers.implicit": ("fixed_point", "implicit_root"),
    "sparse": (
        "SparseHessian", "SparseJacobian", "jacobian_pattern", "sparse_hessian", "sparse_jacobian",
    ),
    "drivers.transform": ("forward", "reverse"),
    "ode": (),
}  # fmt: skip

__version__ = "0.1.0"

__all__ = [
    "AlgebraMismatch",
    "CompileError",
    "DomainError",
    "ForeignNodeError",
    "GuardError",
    "IntegrationError",
    "NonAnalyticError",
    "OrderMismatch",
    "PerformanceWarning",
    "PoleError",
    "Program",
    "ShapeMismatch",
    "SparseHessian",
    "SparseJacobian",
    "Taylor",
    "TaylorError",
    "TaylorN",
    "TraceError",
    "absolute",
    "acos",
    "acosh",
    "airyai",
    "airyaip",
    "airybi",
    "airybip",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "checkpoint",
    "ci",
    "clip",
    "compile",
    "cos",
    "cosh",
    "cospi",
    "cot",
    "csc",
    "dawsn",
    "derivative",
    "derivatives",
    "digamma",
    "directional",
    "erf",
    "erfc",
    "erfcx",
    "exp",
    "exp1",
    "exp2",
    "expi",
    "expint",
    "expm1",
    "fixed_point",
    "floor",
    "formal_sqrt",
    "forward",
    "gamma",
    "gradient",
    "heaviside",
    "hessian",
    "hvp",
    "hypot",
    "i0",
    "i1",
    "implicit_root",
    "inverse_map",
    "iv",
    "j0",
    "j1",
    "jacobian",
    "jacobian_pattern",
    "jv",
    "jvp",
    "kepler",
    "lambertw",
    "lgamma",
    "linalg",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_ndtr",
    "logaddexp",
    "logsumexp",
    "maximum",
    "minimum",
    "mod",
    "ndtr",
    "objective",
    "ode",
    "partial",
    "policy",
    "power",
    "reciprocal",
    "record",
    "reverse",
    "rint",
    "rule",
    "sec",
    "sech2",
    "si",
    "sigmoid",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "sinpi",
    "softplus",
    "sparse_hessian",
    "sparse_jacobian",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "taylor_coefficients",
    "tensor",
    "third",
    "trunc",
    "value_and_gradient",
    "vjp",
    "where",
    "y0",
    "y1",
    "yv",
    "zeta",
]


def __getattr__(name: str) -> Any:
    """Return a module, or what is in it, that is imported when it is first asked for."""
    if name in LATER:
        return import_module(f"taylor.{name}")
    for module, names in LATER.items():
        if name in names:
            globals()[name] = getattr(import_module(f"taylor.{module}"), name)
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
