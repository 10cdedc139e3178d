"""Coefficients of series in the memory and the registers of a function being written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar
from taylor.machine.calls import Held
from taylor.machine.degrees import Degree
from taylor.machine.emit import Symbol, broadcast, holding, lifted, nest, settled
from taylor.machine.nests import Shape, Slot, at, c_strides


def part_size(shape: Sequence[int], unit: int, dense: bool = False) -> int:
    """Return how many numbers a coefficient takes: arrays fill whole vectors, if not `dense`."""
    n = math.prod(shape[1:])
    return n if n <= 1 or unit > 1 or dense else -(-n // WIDTH) * WIDTH


class Table(Symbol):
    """The coefficients of a series of the function being written.

    A part is one coefficient k of a univariate series, or those of a slice, of one degree.  Memory
    is taken when it is first used; `forget` gives it back.  Numbers that were written or read are
    known in registers.  In a `dense` table no coefficient is padded: parts are written in order.
    """

    __slots__ = ("dense", "part_shape", "room", "serial", "size_of_part", "waiting")

    def __init__(
        self,
        f: Function,
        shape: Shape,
        slot: Any,
        offset: int,
        complex: bool = False,
        dense: bool = False,
    ) -> None:
        self.part_shape, self.dense = tuple(shape[1:]), dense
        self.size_of_part = part_size(shape, f.unit, dense)
        strides = (self.size_of_part, *c_strides(self.part_shape))
        self.room = f.rounded(shape[0] * self.size_of_part)  # of a plane
        super().__init__(f, shape, None, slot, offset, strides, plane=self.room * f.unit * complex)
        self.waiting = False
        self.serial = f.name()  # its own: an id may be that of a table that is gone

    def _zeros(self, shape: Shape) -> Any:
        return self.new(shape, self.complex)

    def new(self, shape: Shape, complex: bool) -> Table:
        """Return a new table; what is never written stays zero."""
        new = Table(self.f, shape, None, 0, complex, self.dense)
        new.waiting = True
        own = not self.dense or self.f.floor > 0  # then what is not written stays zero
        if self.f.unit == 1 and own:
            new.place()
        return new

    @property
    def whole(self) -> bool:
        """Whether parts may be written to their last vector: it is padded, or written later."""
        shape = self.part_shape
        ends = math.prod(shape) + -(shape[-1] if shape else 1) % WIDTH
        return self.dense or ends <= self.size_of_part or len(shape) < 2

    def place(self) -> None:
        """Take memory."""
        if self.waiting:
            size = self.shape[0] * self.size_of_part
            self.slot = Slot(self.f, 2 * self.room if self.complex else size)
            self.offset, self.waiting = self.slot.start, False

    def held(self, height: int) -> Held:
        """Return where the table, up to that degree, lies in memory."""
        self.place()
        places = holding(self).places
        return Held(places, self.part_shape, self.size_of_part, height)

    def moved(self, shape: Shape, strides: Sequence[int], start: int) -> tuple[Any, ...]:
        """Return what describes these numbers in another order: from where they lie."""
        self.place()
        return super().moved(shape, strides, start)

    def forget(self) -> None:
        """Give the memory back."""
        self.slot = None

    def __getitem__(self, k: Any) -> Any:
        if self.size_of_part == 1 and not isinstance(k, slice):
            return Symbol(self.f, self.part_shape, reg=self.number(k))
        return self.memory(k)

    def number(self, k: Any) -> Scalar:
        """Return the coefficient of degree k of a number in a register."""
        part = self.memory(k)
        return self.f.once(self._name(k), lambda: at(part, [0] * len(part.shape)))

    def _name(self, k: Any) -> Any:
        return self.serial, *((k.index, k.above) if isinstance(k, Degree) else (k,))

    def memory(self, k: Any) -> Symbol:
        """Return where the coefficients of degree k lie."""
        self.place()
        n = self.size_of_part
        if isinstance(k, slice):
            return self.view((k.stop - k.start, *self.part_shape), self.strides, k.start * n)
        above = k.above if isinstance(k, Degree) else k
        part = self.view(self.part_shape, self.strides[1:], above * n)
        if isinstance(k, Degree):
            part.lead = ((k.index, n),)
        return part

    def rows(self, n: int) -> Table:
        """Return the table of the first n coefficients."""
        self.place()
        new = Table(self.f, (n, *self.part_shape), self.slot, self.offset, dense=self.dense)
        new.plane = self.plane
        return new

    def __setitem__(self, k: Any, value: Any) -> None:
        place, new = self.memory(k), lifted(self.f, value)
        if self.size_of_part == 1 and not isinstance(k, slice):
            number = at(new, [0] * len(new.shape))
            if self.complex:
                number = self.f.pair(*self.f.both(number))
            self.f.found[self.f.regions[-1], self._name(k)] = number
            new = Symbol(self.f, place.shape, reg=number)
        nest(self.f, lambda v: v, [broadcast(new, place.shape)], place, whole=self.whole)


class Passing:
    """Coefficients that are read only at the degree at which they are made: no table is kept.

    That of degree 0 is.
    """

    def __init__(self, f: Function, shape: Shape, readers: int) -> None:
        self.f, self.shape, self.readers = f, shape, readers
        self.first: Any = None
        self.now: Any = None

    def __setitem__(self, k: Any, value: Any) -> None:
        new = broadcast(lifted(self.f, value), self.shape[1:])
        self.now = new if self.readers == 1 else settled(new)
        if self.first is None:
            self.first = self.now

    def __getitem__(self, k: Any) -> Any:
        return self.first if type(k) is int and k == 0 else self.now
