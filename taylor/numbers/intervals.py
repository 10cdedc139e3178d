"""What mpmath must know of the values of the package; told to it as soon as it is imported.

Most programs never need mpmath, and it is slow to import.  Whoever has an interval has imported it.
"""

from __future__ import annotations

import copyreg
import sys
from types import ModuleType
from typing import Any

from taylor.numbers.kinds import Handled


def tell(mpmath: Any) -> None:
    """Let intervals leave operators to values of the package, and be pickled.

    An interval on the left of an operator converts whatever is on its right, but for matrices: only
    so does a value of the package have its turn.  mpmath pickles its numbers, not its intervals.
    """
    mpmath.ctx_iv._matrix = (mpmath.ctx_iv._matrix, Handled)
    copyreg.pickle(mpmath.iv.mpf, lambda x: (_interval, (_ends(x._mpi_),)))
    copyreg.pickle(mpmath.iv.mpc, lambda x: (_interval, tuple(map(_ends, x._mpci_))))


def _interval(*parts: Any) -> Any:
    """Return an interval of mpmath.iv from its end points (real ones, imaginary ones)."""
    from mpmath import iv, libmp

    ends = [tuple(map(libmp.from_pickable, part)) for part in parts]
    return iv.make_mpf(ends[0]) if len(ends) == 1 else iv.make_mpc(tuple(ends))


def _ends(part: Any) -> Any:
    from mpmath.libmp import to_pickable

    return tuple(map(to_pickable, part))


class Waiting:
    """A finder of modules that finds mpmath where the others do, and then tells it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "mpmath":
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((s for s in found if s is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def executed(module: ModuleType) -> None:
                execute(module)
                tell(module)

            spec.loader.exec_module = executed  # type: ignore[method-assign]
        return spec


if "mpmath" in sys.modules:
    import mpmath

    tell(mpmath)
else:
    sys.meta_path.insert(0, Waiting())
