"""What to do where nothing exists: at singular points and kinks.  It is a matter of the context."""

from __future__ import annotations

import contextvars
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

AFTER = os.environ.get("TAYLOR_COMPILE_AFTER", "")


@dataclass(frozen=True)
class Policy:
    """What a singular point and a kink mean: see `policy`."""

    singular: str = "numpy"
    kink: str = "error"
    side: str = ""  # of their point, on which rules of arrays find series: see `on_one_side`
    compile_after: int | None = int(AFTER) if AFTER else None


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
def policy(
    *, singular: str = "numpy", kink: str = "error", compile_after: int | None = None
) -> Iterator[None]:
    """Return a context in which singular points and kinks are treated as said.

    `singular`: "numpy" (scalars raise DomainError, lanes of arrays become nan), "raise" (arrays
    raise too), "propagate" (scalars become nan as lanes do).  `kink`: "error", or for first
    derivatives of optimisation users "subgradient" (the mean of both sides, or the constant side),
    "left", "right".
    `compile_after`: which call of a driver with a function, at arguments of the same shapes, makes
    code of it by itself (docs/compile.md); 0: none does; None: as around it, at first that which
    pays.
    The context belongs to the current thread or task only.

    >>> import taylor
    >>> with taylor.policy(kink="subgradient"):
    ...     print(taylor.derivative(abs, 0.0))
    0.0
    """
    for key, value in (("singular", singular), ("kink", kink)):
        if value not in _CHOICES[key]:
            raise ValueError(f"{key}={value!r}: choose one of {', '.join(_CHOICES[key])}")
    if compile_after is not None and (type(compile_after) is not int or compile_after < 0):
        raise ValueError(f"compile_after={compile_after!r}: a number of calls, or 0 for never")
    after = current_policy().compile_after if compile_after is None else compile_after
    token = _POLICY.set(Policy(singular, kink, compile_after=after))
    try:
        yield
    finally:
        _POLICY.reset(token)


@contextmanager
def on_one_side(side: str) -> Iterator[None]:
    """Return a context in which rules of arrays find series after, or before, their point."""
    token = _POLICY.set(replace(current_policy(), side=side))
    try:
        yield
    finally:
        _POLICY.reset(token)
