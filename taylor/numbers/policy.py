"""What to do where nothing exists: at singular points and kinks.  It is a matter of the context."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Policy:
    """What a singular point and a kink mean: see `policy`."""

    singular: str = "numpy"
    kink: str = "error"
    side: str = ""  # of the point on which series in one variable are: see `on_one_side`


DEFAULT_POLICY = Policy()
_POLICY: contextvars.ContextVar[Policy] = contextvars.ContextVar("policy", default=DEFAULT_POLICY)
_CHOICES = {
    "singular": ("numpy", "raise", "propagate"),
    "kink": ("error", "subgradient", "left", "right"),
}


def current_policy() -> Policy:
    """Return the policy in force in this thread or task."""
    return _POLICY.get()


@contextmanager
def policy(*, singular: str = "numpy", kink: str = "error") -> Iterator[None]:
    """Return a context in which singular points and kinks are treated as said.

    `singular`: "numpy" (scalars raise DomainError, lanes of arrays become nan), "raise" (arrays
    raise too), "propagate" (scalars become nan as lanes do).  `kink`: "error", or for first
    derivatives of optimisation users "subgradient" (the mean of both sides, or the constant side),
    "left", "right".
    The context belongs to the current thread or task only.

    >>> import taylor
    >>> with taylor.policy(kink="subgradient"):
    ...     print(taylor.derivative(abs, 0.0))
    0.0
    """
    for key, value in (("singular", singular), ("kink", kink)):
        if value not in _CHOICES[key]:
            raise ValueError(f"{key}={value!r}: choose one of {', '.join(_CHOICES[key])}")
    token = _POLICY.set(Policy(singular, kink))
    try:
        yield
    finally:
        _POLICY.reset(token)


@contextmanager
def on_one_side(after: bool) -> Iterator[None]:
    """Return a context in which series in one variable are those after, or before, their point.

    At a kink they follow the branch of small t > 0, or t < 0, whatever their order.  (A driver that
    is called inside, whose point is another one, leaves it: `on_no_side`.)
    """
    token = _POLICY.set(replace(current_policy(), side="after" if after else "before"))
    try:
        yield
    finally:
        _POLICY.reset(token)


@contextmanager
def on_no_side() -> Iterator[None]:
    """Return a context in which series are no longer those on one side of a point."""
    token = _POLICY.set(replace(current_policy(), side=""))
    try:
        yield
    finally:
        _POLICY.reset(token)
