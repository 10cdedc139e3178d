"""The errors of the package: what was wrong, where, and what to do."""

from __future__ import annotations


class TaylorError(Exception):
    """The base of every error the package itself defines."""


class DomainError(TaylorError, ValueError, ArithmeticError):
    """The point is outside the domain, or the function has no Taylor expansion there."""


class PoleError(DomainError, ZeroDivisionError):
    """The function has a pole at the point."""


class NonAnalyticError(DomainError):
    """The function has a kink, a tie or a jump at the point."""


class OrderMismatch(TaylorError, ValueError):
    """Two series are known to different orders."""


class AlgebraMismatch(TaylorError, ValueError):
    """Two series belong to different algebras."""


class ShapeMismatch(TaylorError, ValueError):
    """Two shapes do not fit together."""


class TraceError(TaylorError, TypeError):
    """A recorded program cannot express what the function asked of a node."""


class NotNow(TraceError):
    """Code that takes long to make, and is to be made at a later call."""


class GuardError(TaylorError, RuntimeError):
    """A recorded branch would go the other way at this point."""


class ForeignNodeError(TaylorError, RuntimeError):
    """A value of another (usually finished) differentiation leaked in."""


class IntegrationError(TaylorError, RuntimeError):
    """An integration cannot go on; the message carries the last good state.

    `result` is what was computed before, as `solve_ivp` returns it, where there is something.
    """

    result: object = None
