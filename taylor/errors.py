"""The errors of the package: what was wrong, where, and what to do."""

from __future__ import annotations

import sys
import warnings

__all__ = [  # what `taylor` offers
    "AlgebraMismatch", "CompileError", "DomainError", "ForeignNodeError", "GuardError",
    "IntegrationError", "NonAnalyticError", "NotVerified", "OrderMismatch", "PerformanceWarning",
    "PoleError", "ShapeMismatch", "TaylorError", "TraceError", "Undecided",
]  # fmt: skip


class TaylorError(Exception):
    """The base of every error the package itself defines."""


class DomainError(TaylorError, ValueError, ArithmeticError):
    """The point is outside the domain, or the function has no Taylor expansion there."""


class PoleError(DomainError, ZeroDivisionError):
    """The function has a pole at the point."""


class NonAnalyticError(DomainError):
    """The function has a kink, a tie or a jump at the point."""


class Undecided(DomainError):
    """Some members of a set take one branch and some the other; the message names the branch."""


class NotVerified(TaylorError, ArithmeticError):
    """Nothing was proved with the means given: `reason` says why.

    `result` is what was reached: true, but wide or not all that was asked for.
    """

    def __init__(self, reason: str, result: object = None) -> None:
        super().__init__(reason)
        self.reason, self.result = reason, result


class OrderMismatch(TaylorError, ValueError):
    """Two series are known to different orders."""


class AlgebraMismatch(TaylorError, ValueError):
    """Two series belong to different algebras."""


class ShapeMismatch(TaylorError, ValueError):
    """Two shapes do not fit together."""


class TraceError(TaylorError, TypeError):
    """A recorded program cannot express what the function asked of a node."""


class NotHolomorphic(TypeError):
    """A function of a complex variable has no complex derivative: it takes parts or moduli."""


class NoPartials(TypeError):
    """An algebra of an operator has no partial derivatives; rules known by tangents need them."""


class TieError(TraceError):
    """Two recorded values are equal, and whether they stay so depends on their derivatives."""


class NotNow(TraceError):
    """Code that takes long to make, and is to be made at a later call."""


class GuardError(TaylorError, RuntimeError):
    """A recorded branch would go the other way at this point."""


class ForeignNodeError(TaylorError, RuntimeError):
    """A value of another (usually finished) differentiation leaked in."""


class IntegrationError(TaylorError, RuntimeError):
    """An integration cannot go on; the message carries the last good state.

    `result` is what was computed before, as `solve_ivp` returns it, where there is something.
    Where steps end before the time they go to, `reason` says why, and `status` how the last ended.
    """

    result: object = None
    reason: str = ""
    status: int = 0


class CompileError(TaylorError, RuntimeError):
    """Something has no machine code where that was demanded (strict=True)."""


class PerformanceWarning(UserWarning):
    """Something that should run as machine code runs through NumPy, slowly."""


def eagerly(what: str, why: object, strict: bool) -> None:
    """Warn that something has no machine code, at the user's line; raise CompileError if strict."""
    text = f"{what} runs through NumPy, instruction by instruction, and not as machine code: "
    text += "; ".join([str(why).strip().rstrip("."), *getattr(why, "__notes__", ())])
    if strict:
        raise CompileError(text)
    warnings.warn(
        f"{text}. Change that part, or keep it outside; strict=True makes this an error",
        PerformanceWarning,
        stacklevel=outside(),
    )


def deprecated(old: str, new: str) -> None:
    """Warn, at the user's line, that a name has been replaced by another: docs/versions.md."""
    warnings.warn(
        f"{old} is deprecated and will be gone in version 1.0; write {new}",
        DeprecationWarning,
        stacklevel=outside(),
    )


def outside() -> int:
    """Return the stacklevel of a warning that the caller gives: where the package was called."""
    level, frame = 2, sys._getframe(2)
    while (
        frame.f_back is not None
        and str(frame.f_globals.get("__name__")).partition(".")[0] == "taylor"
    ):
        level, frame = level + 1, frame.f_back
    return level
