"""NumPy, with arrays that can be filled with series and nodes: import taylor.numpy as np.

Every name is NumPy's own, also of its modules (np.linalg, np.fft, np.random, ...).  Lists that hold
series make arrays of them, and the arrays that are made here can be filled with them; as long
as they are not, they are plain arrays of NumPy.  See docs/numpy.md.

>>> import numpy
>>> import taylor.numpy as np
>>> def f(x):
...     y = np.zeros(3)
...     y[1:] = x ** 2
...     return np.sum(y * y)
>>> import taylor
>>> taylor.gradient(f, numpy.array([1.0, 2.0]))
array([ 4., 32.])
"""

import importlib
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as _numpy

from taylor.core.advice import no_name
from taylor.numpy.fits import FITS
from taylor.numpy.functions import OWN, accepting

if TYPE_CHECKING:
    from numpy import *  # noqa: F403

MODULES = (
    "char", "ctypeslib", "dtypes", "exceptions", "fft", "lib", "lib.array_utils",
    "lib.format", "lib.introspect", "lib.mixins", "lib.npyio", "lib.scimath", "lib.stride_tricks",
    "linalg", "ma", "polynomial", "polynomial.chebyshev", "polynomial.hermite",
    "polynomial.hermite_e", "polynomial.laguerre", "polynomial.legendre", "polynomial.polynomial",
    "polynomial.polyutils", "random", "rec", "strings", "testing", "typing",
)  # fmt: skip
# whose functions take lists that hold series
OF_ARRAYS = {"numpy", "numpy.fft", "numpy.lib.stride_tricks", "numpy.linalg", "numpy.random"}
KEPT = {"__all__", "__array_api_version__", "__array_namespace_info__", "__version__"}


def _names(source: str, names: dict[str, Any]) -> Callable[[str], Any]:
    """Return the function that finds the names of a module of NumPy, and keeps them in `names`."""

    def find(name: str) -> Any:
        if name.startswith("__") and name not in KEPT:
            raise AttributeError(f"module {names['__name__']!r} has no attribute {name!r}")
        module = importlib.import_module(source)
        if not hasattr(module, name):
            raise no_name(names["__name__"], name, dir(module))
        if name == FITS.get(source, ("",))[0]:
            names[name] = FITS[source][1]
            return names[name]
        found = getattr(module, name)
        function = hasattr(found, "__name__") and not isinstance(found, (type, _numpy.ufunc))
        if function and callable(found) and source in OF_ARRAYS and name[0] != "_":
            found = accepting(found, names["__name__"])
        names[name] = found = OWN.get(name, found) if source == "numpy" else found
        return found

    return find


def _listed(source: str, names: dict[str, Any]) -> Callable[[], list[str]]:
    return lambda: sorted({*names, *dir(importlib.import_module(source))})


def _join(path: str) -> None:
    """Make the module taylor.numpy.`path`, whose names are those of numpy.`path`."""
    module = types.ModuleType(f"{__name__}.{path}", f"The names of numpy.{path}.")
    names = vars(module)
    names["__getattr__"] = _names(f"numpy.{path}", names)
    names["__dir__"] = _listed(f"numpy.{path}", names)
    sys.modules[module.__name__] = module
    parent, _, name = module.__name__.rpartition(".")
    setattr(sys.modules[parent], name, module)


for _path in MODULES:
    _join(_path)
if not TYPE_CHECKING:
    __getattr__ = _names("numpy", globals())
__dir__ = _listed("numpy", globals())
