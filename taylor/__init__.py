"""Higher-order Taylor arithmetic: an elementary function is a differential equation with a name.

Reading order of the source: `core.table` (what a row is), `core.functions` (the rows), `core.sweep`
(the step rules), `core.program` (the Wengert list), `series` (the number types), then the driver
you came for.

>>> import taylor
>>> float(taylor.derivative(lambda x: taylor.exp(taylor.sin(x)), 0.0, 3))
0.0
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from taylor import elementary as elementary
from taylor import errors, linalg

# these register what NumPy's functions mean
from taylor.arrays import fourier, moves, products, questions, sequences, statistics  # noqa: F401
from taylor.arrays.elementwise import where
from taylor.arrays.reductions import logsumexp
from taylor.core import advice, binding, functions
from taylor.core.functions import *  # noqa: F403
from taylor.core.operand import Operand
from taylor.core.program import Program
from taylor.core.table import define, rule
from taylor.drivers.checkpoint import checkpoint
from taylor.drivers.forward_mode import (
    derivative,
    derivatives,
    directional,
    partial,
    taylor_coefficients,
)
from taylor.drivers.often import History
from taylor.drivers.trees import pack, register
from taylor.errors import *  # noqa: F403
from taylor.numbers import intervals as intervals  # hears of mpmath
from taylor.numbers.policy import policy
from taylor.series.multivariate import TaylorN, inverse_map
from taylor.series.univariate import Taylor, formal_sqrt

if TYPE_CHECKING:
    from taylor import numpy as numpy
    from taylor import ode as ode
    from taylor import scipy as scipy
    from taylor import verified as verified
    from taylor.drivers.compile import *  # noqa: F403
    from taylor.drivers.derivatives import *  # noqa: F403
    from taylor.drivers.implicit import *  # noqa: F403
    from taylor.drivers.lanes import *  # noqa: F403
    from taylor.drivers.objective import objective as objective
    from taylor.drivers.scan import scan as scan
    from taylor.drivers.symbolic import from_sympy as from_sympy
    from taylor.drivers.transform import *  # noqa: F403
    from taylor.drivers.typed import record as record
    from taylor.operators import biharmonic as biharmonic
    from taylor.operators import curl as curl
    from taylor.operators import divergence as divergence
    from taylor.operators import hessian_trace as hessian_trace
    from taylor.operators import laplacian as laplacian
    from taylor.operators import partials as partials
    from taylor.sparse import *  # noqa: F403
    from taylor.versions import *  # noqa: F403

# Imported when they are first asked for: a program that needs a few derivatives starts sooner
LATER = {
    "drivers.compile": ("compile",),
    "drivers.derivatives": (
        "gradient", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "tensor",
        "third", "value_and_gradient", "vjp",
    ),
    "drivers.implicit": ("fixed_point", "implicit_root"),
    "sparse": (
        "SparseHessian", "SparseJacobian", "jacobian_pattern", "sparse_hessian", "sparse_jacobian",
    ),
    "drivers.lanes": ("lanes", "map"),
    "drivers.scan": ("scan",),
    "drivers.objective": ("objective",),
    "drivers.symbolic": ("from_sympy",),
    "drivers.transform": ("forward", "reverse"),
    "drivers.typed": ("record",),
    "operators": ("biharmonic", "curl", "divergence", "hessian_trace", "laplacian", "partials"),
    "versions": ("show_versions",),
    "array_api": (),
    "numpy": (),
    "ode": (),
    "scipy": (),
    "verified": (),
}  # fmt: skip

__version__ = "0.2.0"

__all__ = [
    "Program", "Taylor", "TaylorN", "checkpoint", "define", "derivative", "derivatives",
    "directional", "formal_sqrt", "inverse_map", "linalg", "logsumexp", "ode", "pack", "partial",
    "policy", "register", "rule", "taylor_coefficients", "where",
]  # fmt: skip
__all__ += [name for names in LATER.values() for name in names]
__all__ += errors.__all__ + functions.__all__
# what stands above, and is imported when it is first asked for
binding.MORE.append(lambda: import_module("taylor.scipy.special"))
Operand.namespace = lambda version: import_module("taylor.array_api.array").namespace(version)
History.following = lambda after: import_module("taylor.drivers.again").Known(after)


if not TYPE_CHECKING:  # to whom any name would be one of the package

    def __getattr__(name: str) -> Any:
        """Return a module, or what is in it, that is imported when it is first asked for."""
        if name in LATER:
            return import_module(f"taylor.{name}")
        for module, names in LATER.items():
            if name in names:
                globals()[name] = getattr(import_module(f"taylor.{module}"), name)
                return globals()[name]
        raise advice.no_name(__name__, name, __all__)


def __dir__() -> list[str]:
    """Return what users call: not what this file imports besides."""
    parts = [name for name in (*LATER, "elementary", "errors") if "." not in name]
    return sorted({*__all__, *parts, *(n for n in globals() if n.startswith("__"))})
