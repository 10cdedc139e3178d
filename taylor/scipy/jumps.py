"""Jumps of integrands whose places move with parameters: Leibniz' rule has a term for each.

Where f(x, p) jumps by J at c(p), the derivative of its integral has the term -J c'(p), which no
integral of f_p has.  Such a place is looked for where a rule of quadrature has not come to its end.
Those of integrals within the integrand are looked for at some x at which these were rough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from taylor.errors import NonAnalyticError
from taylor.numbers.policy import current_policy

Function = Callable[..., Any]
Place = tuple[float, float]  # numbers on both sides of a jump
STEPS = 60  # divisions of a bracket at most
PART = 0.4871  # of a bracket, as it is divided: kinks mostly lie at places with few digits
NEAR, APART = 1e-14, 1e-7  # widths of a bracket, the second of which tells jumps from slopes
LEAST = 1e-6  # of a jump beside the values
SHIFT = 1e-4  # of parameters
LOOKS, MANY = 4, 16  # the x at which integrals within are looked at, and their jumps that are
INSTEAD = (
    "a place that moves with what is differentiated: integrate each side apart, quad(f, a, c) + "
    "quad(g, c, b), with c where it jumps"
)
SEEN: ContextVar[list[tuple[float, float]] | None] = ContextVar("seen", default=None)


def check(
    at: Callable[..., Function], p: Sequence[Any], brackets: Sequence[Any], rough: Sequence[float]
) -> None:
    """Raise NonAnalyticError if at(*p)(x) jumps within a bracket, at a place that moves with p.

    And if an integral within it has such a jump, at some of the x that are `rough`.
    """
    if not (brackets or rough) or current_policy().kink != "error":
        return
    f = at(*p)
    for low, high in brackets:
        found = place(f, low, high)
        if found is not None and _moves(at, p, *found):
            raise NonAnalyticError(f"the integrand jumps at x = {found[0][0]:.9g}, {INSTEAD}")
    some = rough[:: max(1, len(rough) // LOOKS)][:LOOKS]
    moved = at(*_moved(p)) if some else f
    for x in some:
        after = _within(moved, x)
        for c, jump in _within(f, x):
            width = 10 * APART * max(abs(c), APART)
            if not any(abs(d - c) <= width and abs(j - jump) < jump / 2 for d, j in after):
                raise NonAnalyticError(
                    f"at x = {x:.9g} an integral in the integrand has a jump at {c:.9g}, {INSTEAD}"
                )


def _within(f: Function, x: float) -> list[tuple[float, float]]:
    """Return where integrals in f(x) have jumps, and how large these are."""
    seen: list[tuple[float, float]] = []
    token = SEEN.set(seen)
    try:
        f(x)
    finally:
        SEEN.reset(token)
    return seen


def note(f: Function, brackets: Sequence[Place]) -> None:
    """Keep in `SEEN` the jumps of f within brackets."""
    seen = SEEN.get()
    for low, high in brackets:
        if seen is not None and len(seen) < MANY:
            found = place(f, low, high)
            seen += [(found[0][0], found[1])] if found else []


def _off(f: Function, low: float, high: float) -> Any:
    """Return how much f differs at two places, and how large it is."""
    y, z = (np.asarray(f(x), dtype=complex) for x in (low, high))
    return np.max(np.abs(z - y), initial=0.0), np.max(np.abs([y, z]), initial=0.0)


def place(f: Function, low: float, high: float) -> tuple[Place, float] | None:
    """Return where f jumps between two places, and by how much; None if it does not.

    >>> (low, high), jump = place(lambda x: float(x > 0.3), 0.0, 1.0)
    >>> round(low, 12), round(high, 12), float(jump)
    (0.3, 0.3, 1.0)
    """
    size = max(abs(low), abs(high))
    wide = None
    for _ in range(STEPS):
        if high - low <= NEAR * size:
            break
        middle = low + PART * (high - low)
        if wide is None and high - low <= APART * size:
            wide = _off(f, low, high)[0]
        if _off(f, low, middle)[0] > _off(f, middle, high)[0]:
            high = middle
        else:
            low = middle
    jump, most = _off(f, low, high)
    if (
        wide is None
        or not math.isfinite(most)
        or jump <= LEAST * most
        or abs(wide - jump) > jump / 10
    ):
        return None
    return (low, high), jump


def _moved(p: Sequence[Any]) -> list[Any]:
    """Return parameters beside p."""
    rng = np.random.default_rng(1)
    return [
        v + SHIFT * rng.uniform(0.5, 1.0, np.shape(v)) * (np.abs(v) + (np.abs(v) == 0)) for v in p
    ]


def _moves(at: Callable[..., Function], p: Sequence[Any], found: Place, jump: float) -> bool:
    """Whether the jump is no longer there for other parameters."""
    c = found[0]
    width = 10 * APART * max(abs(c), APART)
    return bool(_off(at(*_moved(p)), c - width, c + width)[0] < jump / 2)
