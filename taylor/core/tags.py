"""Tags: which differentiation a value belongs to, and which of two is the inner one.

Variables made by hand have the levels 0, 1, ...; every call of a driver, and every recording, has a
level of its own below those, the later the higher.  Of two levels the higher one holds the other:
a later (inner) derivative treats the values of an earlier one as its coefficients, and a variable
made by hand holds everything.
"""

from __future__ import annotations

import itertools
from typing import Any


class Tag:
    """The identity of the variables of one differentiation; closed when its call has ended."""

    __slots__ = (
        "closed", "isolated", "kept", "kinked", "level", "near", "real", "short", "side", "source",
    )  # fmt: skip

    def __init__(self, level: int) -> None:
        self.level = level
        self.closed = False
        self.real = level < 0  # whether its variables are real; of those made by hand none knows
        self.kept: list[Any] | None = None  # what is known of rules while series in it are made
        self.source: Tag | None = None  # of the series whose coefficients are those here
        self.kinked = False  # whether an inner derivative is left to the sides of a kink
        self.isolated = False  # whether a comparison with == was of values that are equal here only
        self.short = False  # whether some result is known to fewer degrees than the order
        self.near = False  # whether both sides of a quotient seem to vanish beside the point
        self.side = ""  # "after" or "before" their point: where its series in one variable hold

    def __deepcopy__(self, memo: Any) -> Tag:
        return self

    __copy__ = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (user_tag, (self.level,)) if self.level >= 0 else (_stale_tag, ())


_USER_TAGS = [Tag(level) for level in range(16)]
_LEVELS = itertools.count(-(1 << 62))


def user_tag(level: int) -> Tag:
    """Return the tag of variables made by hand over `level` nested series."""
    if level >= len(_USER_TAGS):
        raise ValueError(f"variables can be nested {len(_USER_TAGS)} deep by hand; use the drivers")
    return _USER_TAGS[level]


def fresh_tag() -> Tag:
    """Return a tag of its own for one call of a driver or one recording."""
    return Tag(next(_LEVELS))


def _stale_tag() -> Tag:
    tag = fresh_tag()
    tag.closed = True
    return tag
