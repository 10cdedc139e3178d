"""Level after level of boxes, until none is left or as many as are allowed have been looked at."""

from __future__ import annotations

import functools
from collections.abc import Callable

from taylor.progress import Progress, Report
from taylor.verified.boxes import Boxes
from taylor.verified.given import budget

BUDGET = 200_000  # boxes at most, if nobody says how many
EFFORT = 1.2e6  # microseconds, about, by which budgets are the same
FREE = 256  # boxes whatever they take

Limit = Callable[[int], float]


def allowed(
    most: int | None, functions: list[Boxes], name: str = "max_boxes", known: int = BUDGET
) -> Limit:
    """Return how many boxes may be looked at, once there are so many: as were asked for, by name.

    If none were asked for, what takes a second or two, by an estimate that is the same everywhere.
    """
    if most is not None:
        asked = budget(most, name)
        return lambda count: asked

    @functools.cache
    def enough(by_code: bool) -> float:
        return max(FREE, min(known, EFFORT / sum(f.effort(by_code) for f in functions)))

    def limit(count: int) -> float:
        return FREE if count <= FREE else enough(count > enough(False))

    return limit


def through(
    waiting: Callable[[], int],
    level: Callable[[], None],
    limit: Limit,
    progress: Report,
    unit: str = "boxes",
) -> tuple[int, bool]:
    """Look at levels while boxes wait; return how many there were, and whether none is left."""
    count = 0
    with Progress(progress, unit) as report:
        while left := waiting():
            if count + left > limit(count + left):
                return count, False
            level()
            count += left
            report(count, waiting())
    return count, True
