"""SciPy's functions for values of the package, under SciPy's names; they need SciPy.

>>> import taylor
>>> taylor.scipy.special.softmax([0.0, 0.0])
array([0.5, 0.5])
"""

from importlib import import_module
from typing import Any

from taylor.core.advice import no_name

try:
    import scipy as _scipy  # noqa: F401
except ImportError as error:
    raise ImportError("taylor.scipy needs SciPy: python -m pip install scipy") from error

MODULES = (
    "fft", "integrate", "interpolate", "linalg", "ndimage", "optimize", "signal", "sparse",
    "spatial", "special", "stats",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    """Return a module, imported when it is first asked for."""
    if name in MODULES:
        return import_module(f"taylor.scipy.{name}")
    raise no_name(__name__, name, MODULES)
