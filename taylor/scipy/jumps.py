"""Jumps of integrands whose places move with parameters: Leibniz' rule has a term for each.

Where f(x, p) jumps by J at c(p), the derivative of its integral has the term -J c'(p), which no
integral of f_p has.  Such a place is looked for where a rule of quadrature has not come to its end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.errors import NonAnalyticError
from taylor.numbers.policy import current_policy

Function = Callable[..., Any]
STEPS = 60  # halvings of a bracket at most
NEAR, APART = 1e-12, 1e-7  # widths of a bracket, the second of which tells jumps from slopes
LEAST = 1e-6  # of a jump beside the values
SHIFT = 1e-4  # of parameters


def check(at: Callable[..., Function], p: Sequence[Any], brackets: Sequence[Any]) -> None:
    """Raise NonAnalyticError if at(*p)(x) jumps within a bracket, at a place that moves with p."""
    if not brackets or current_policy().kink != "error":
        return
    f = at(*p)
    for low, high in brackets:
        place = _jump(f, low, high)
        if place is not None and _moves(at, p, *place):
            raise NonAnalyticError(
                f"the integrand jumps at x = {place[0]:.9g}, a place that moves with what is "
                "differentiated: integrate each side apart, quad(f, a, c) + quad(g, c, b), with "
                "c where it jumps"
            )


def _off(f: Function, low: float, high: float) -> Any:
    """Return how much f differs at two places, and how large it is."""
    y, z = (np.asarray(f(x), dtype=complex) for x in (low, high))
    return np.max(np.abs(z - y), initial=0.0), np.max(np.abs([y, z]), initial=0.0)


def _jump(f: Function, low: float, high: float) -> tuple[float, float] | None:
    """Return where f jumps between two places, and by how much; None if it does not."""
    size = max(abs(low), abs(high))
    wide = None
    for _ in range(STEPS):
        if high - low <= NEAR * size:
            break
        if wide is None and high - low <= APART * size:
            wide = _off(f, low, high)[0]
        middle = (low + high) / 2
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
    return (low + high) / 2, jump


def _moves(at: Callable[..., Function], p: Sequence[Any], c: float, jump: float) -> bool:
    """Whether the jump is no longer there for other parameters."""
    rng = np.random.default_rng(1)
    moved = [
        v + SHIFT * rng.uniform(0.5, 1.0, np.shape(v)) * (np.abs(v) + (np.abs(v) == 0)) for v in p
    ]
    width = 10 * APART * max(abs(c), APART)
    return bool(_off(at(*moved), c - width, c + width)[0] < jump / 2)
