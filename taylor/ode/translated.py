"""Right-hand sides that are written for plain numbers, as SciPy's users have them.

They fill arrays (`dy = np.zeros(2); dy[0] = y[1]`), also ones that they keep, put lists of states
into `np.linalg`, and call splines of SciPy.  `translated` is such a function with `taylor.numpy`
and `taylor.scipy` in the place of both: a copy, made at each call, so that it reads what is there
then; what it changes besides the arrays that it fills is the copy's own.  So callbacks, which are
there to change things, are not translated.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import taylor.numpy  # noqa: F401
from taylor.core.copies import Copies, copied
from taylor.core.fillable import fillable
from taylor.core.reads import Reads
from taylor.errors import TaylorError, TraceError
from taylor.numbers.kinds import is_operand

NUMPY = ("", ".linalg", ".fft", ".lib.stride_tricks")
SCIPY = ("interpolate", "linalg")


class Translated(Copies):
    """Copies with arrays that can be filled, and with our splines for those of SciPy."""

    def array(self, x: Any) -> Any:
        """Return the copy of an array of numbers."""
        return fillable(x.copy())

    def data(self, x: Any) -> Any:
        """Return the copy of an object of NumPy, SciPy or pandas."""
        if type(x).__module__.startswith("scipy.interpolate"):
            ours = importlib.import_module("taylor.scipy.interpolate")
            with contextlib.suppress(TypeError):  # those that have no derivatives
                return ours.from_scipy(x)
        return super().data(x)


def translated(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return f with our arrays, functions and splines in the place of NumPy's and SciPy's.

    >>> def filling(np):
    ...     def f(x):
    ...         y = np.zeros(2)
    ...         y[1] = x
    ...         return y
    ...     return f
    >>> import numpy, taylor
    >>> taylor.jacobian(translated(filling(numpy)), 3.0)
    array([0., 1.])
    """

    def g(*x: Any) -> Any:
        return copied(f, Reads(f), functools.partial(Translated, values=_others()))(*x)

    return g


def or_translated(f: Callable[..., Any], x: tuple[Any, ...]) -> Any:
    """Return f(*x), by the translated function where f takes plain numbers only."""
    try:
        return f(*x)
    except (TypeError, ValueError, TraceError) as error:
        if not any(map(is_operand, x)) or _is_told(error):
            raise
        try:
            return translated(f)(*x)
        except (TypeError, ValueError, AttributeError, TraceError) as other:
            if _is_told(other):
                raise
            raise error from error.__cause__


def _is_told(error: Exception) -> bool:
    """Whether an error says more than that a function takes plain numbers."""
    return isinstance(error, TaylorError) and type(error) is not TraceError


@functools.cache
def _of_numpy() -> dict[int, Any]:
    """Return what takes the place of modules and functions of NumPy, by their identity."""
    found: dict[int, Any] = {}
    for name in NUMPY:
        theirs, ours = (sys.modules[root + name] for root in ("numpy", "taylor.numpy"))
        names = [n for n in dir(theirs) if callable(getattr(theirs, n)) and n[0] != "_"]
        pairs = [(theirs, ours), *((getattr(theirs, n), getattr(ours, n)) for n in names)]
        found |= {id(a): b for a, b in pairs if a is not b}
    return found


def _others() -> dict[int, Any]:
    """Return the same of NumPy and of those modules of SciPy that are in use."""
    found, ours = dict(_of_numpy()), {}
    for name in SCIPY:
        if (theirs := sys.modules.get(f"scipy.{name}")) is not None:
            own = importlib.import_module(f"taylor.scipy.{name}")
            names = {n: getattr(own, n) for n in own.__all__ if hasattr(theirs, n)}
            found[id(theirs)] = ours[name] = _with(theirs, names)
            found |= {id(getattr(theirs, n)): x for n, x in names.items()}
    if ours:
        scipy = sys.modules["scipy"]
        found[id(scipy)] = _with(scipy, ours)
    return found


def _with(module: ModuleType, names: dict[str, Any]) -> ModuleType:
    """Return a module with other things under some names."""
    found = ModuleType(module.__name__)
    vars(found).update(vars(module) | names)
    return found
