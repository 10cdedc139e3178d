"""The workspace of a function: a block of memory, where arrays have rooms and give them back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from taylor.llvm.text import Text

WIDTH = 8  # doubles in a vector


class Workspace(Text):
    """The text of a function and where its arrays lie: in whole vectors, or `unit` to a number."""

    def __init__(self, unit: int) -> None:
        super().__init__()
        self.unit = unit
        self.size = 0  # doubles in use at most
        self.rooms: dict[int, int] = {}  # of arrays, by where they begin
        self.holes: dict[int, int] = {}  # between them
        self.floor = 0  # the place below which no hole is used
        self.released: list[int] = []  # by the garbage collector, too, whenever it runs

    def allocate(self, size: int) -> int:
        """Return the offset of that many numbers (rounded up to whole vectors) of workspace."""
        size = self.rounded(max(size, 1))
        self._merge()
        room, start = min(
            ((n, i) for i, n in self.holes.items() if n >= size and i >= self.floor),
            default=(size, self.size),
        )
        if self.holes.pop(start, size) > size:
            self.holes[start + size] = room - size
        self.size = max(self.size, start + size)
        self.rooms[start] = size
        return start

    def release(self, start: int) -> None:
        """Make the memory of an array that is read no more available: from the next array on."""
        self.released.append(start)

    def _merge(self) -> None:
        """Make one hole of the room of each released array and the holes beside it."""
        while self.released:
            start = self.released.pop()
            end = start + self.rooms.pop(start)
            end += self.holes.pop(end, 0)
            start = next((i for i, n in self.holes.items() if i + n == start), start)
            self.holes[start] = end - start

    @contextlib.contextmanager
    def fresh(self) -> Iterator[None]:
        """Give arrays no memory in which others were before."""
        floor, self.floor = self.floor, max(self.size, 1)
        yield
        self.floor = floor

    def rounded(self, size: int) -> int:
        """Return the room of an array: the last row may be written to its last vector."""
        if self.unit > 1:
            return size
        return (-(-size // WIDTH) + (size > 1)) * WIDTH
