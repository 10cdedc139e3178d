"""Univariate series as machine code: the step rules of `sweep`, run on symbolic tables.

The rules are those of the sweep, degree by degree.  Degrees up to the height of every polynomial
are written out; from there on all steps are the same, and one loop over k runs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.algebra import Univariate
from taylor.arrays import host
from taylor.elementary import slope_of_jump
from taylor.llvm.emit import (
    Degree,
    Slot,
    Symbol,
    Unsupported,
    _broadcast,
    _loops,
    _strides,
    at,
    empty,
    nest,
)
from taylor.llvm.ir import WIDTH, Function, Scalar, type_of
from taylor.llvm.planar import Complex, both, kinds, lifted
from taylor.program import Program
from taylor.sweep import Step, Sweep
from taylor.values import is_operand

Array = Any
# up to this order sums run term by term: vectors would wait for coefficients just written
SHORT = 24
TOGETHER = 6, 2  # sums that one loop takes, of numbers and of tiles: as the registers allow


def part_size(shape: Sequence[int], unit: int = 1) -> int:
    """Return how many numbers the coefficients of one degree take: arrays fill whole vectors."""
    n = int(np.prod(shape[1:], dtype=int))
    return n if n <= 1 or unit > 1 else -(-n // WIDTH) * WIDTH


class Table(Symbol):
    """The coefficients of a series of the function being written, by degree.

    Its memory is taken when it is first used; `forget` gives it back.  Numbers that were written
    or read are known in registers.
    """

    __slots__ = ("part_shape", "serial", "size_of_part", "waiting", "written")

    def __init__(self, f: Function, shape: tuple[int, ...], slot: Any, offset: int) -> None:
        self.part_shape = tuple(shape[1:])
        self.size_of_part = part_size(shape, f.unit)
        strides = (self.size_of_part, *_strides(self.part_shape))
        super().__init__(f, shape, None, slot, offset, strides)
        self.waiting = False
        self.serial = f.name()  # its own: an id may be that of a table that is gone

    def _zeros(self, shape: tuple[int, ...]) -> Any:
        """Return a new table; what is never written stays zero."""
        new = Table(self.f, shape, None, 0)
        new.waiting = True
        if self.f.unit == 1:  # memory of its own from the start: what is not written stays zero
            new.place()
        return new

    def place(self) -> None:
        """Take memory."""
        if self.waiting:
            self.slot = Slot(self.f, self.shape[0] * self.size_of_part)
            self.offset, self.waiting = self.slot.start, False

    def forget(self) -> None:
        """Give the memory back."""
        self.slot = None

    def __getitem__(self, k: Any) -> Any:
        if self.size_of_part == 1:
            shape = self.part_shape
            return Symbol(self.f, shape, reg=self.number(k), strides=(0,) * len(shape))
        return self.part(k)

    def number(self, k: Any) -> Scalar:
        """Return the coefficient of degree k of one number in a register."""
        part = self.part(k)
        return self.f.once(
            self._name(k), lambda: self.f.load(self.f.address("%data", part.lead, part.offset))
        )

    def _name(self, k: Any) -> Any:
        return self.serial, k.index if isinstance(k, Degree) else k

    def part(self, k: Any) -> Symbol:
        """Return the array of the coefficients of degree k, where it lies."""
        self.place()
        shape, n = self.part_shape, self.size_of_part
        if isinstance(k, Degree):
            lead = ((k.index, n),)
            return Symbol(self.f, shape, None, self.slot, self.offset, _strides(shape), lead)
        return Symbol(self.f, shape, None, self.slot, self.offset + k * n, _strides(shape))

    def __setitem__(self, k: Any, value: Any) -> None:
        self.written = True
        shape = self.part_shape
        if self.size_of_part == 1:
            value = lifted(self.f, value)
            number = at(value, [0] * len(value.shape))
            self.f.found[self.f.regions[-1], self._name(k)] = number
            value = Symbol(self.f, shape, reg=number, strides=(0,) * len(shape))
        nest(
            self.f,
            lambda v: v,
            [_broadcast(lifted(self.f, value), shape)],
            self.part(k),
            whole=len(shape) < 2,
        )


class Planes(Complex):
    """The coefficients of a complex series: tables of their real and of their imaginary parts."""

    __slots__ = ("head", "part_shape", "written")
    re: Table
    im: Table

    def __init__(self, re: Table, im: Table) -> None:
        super().__init__(re, im)
        self.part_shape = re.part_shape
        self.head: Complex | None = None  # of one number: kept in registers

    def _zeros(self, shape: tuple[int, ...]) -> Any:
        return Planes(self.re._zeros(shape), self.im._zeros(shape))

    def forget(self) -> None:
        """Give the memory back."""
        self.re.forget()
        self.im.forget()

    def __getitem__(self, k: Any) -> Any:
        if self.head is not None and not isinstance(k, Degree) and k == 0:
            return self.head
        part = Complex(self.re[k], self.im[k])
        if not isinstance(k, Degree) and k == 0 and part.re.reg is not None:
            self.head = part
        return part

    def __setitem__(self, k: Any, value: Any) -> None:
        self.written = True
        self.re[k], self.im[k] = both(self.f, value)
        self.head = None if k == 0 else self.head


Term = tuple[Table, Table, bool]  # a product of two tables, and whether it is subtracted


def _terms(x: Any, y: Any) -> list[list[Term]]:
    """Return the products that add up to x·y: for its real part, and for its imaginary part."""
    if not isinstance(x, Planes):
        if not isinstance(y, Planes):
            return [[(x, y, False)]]
        return [[(x, y.re, False)], [(x, y.im, False)]]
    if not isinstance(y, Planes):
        return [[(x.re, y, False)], [(x.im, y, False)]]
    return [
        [(x.re, y.re, False), (x.im, y.im, True)],
        [(x.re, y.im, False), (x.im, y.re, False)],
    ]


class Loops(Univariate):
    """The univariate algebra whose sums over degrees are loops in the function being written."""

    def interior(self, k: Any, x: Any, y: Any, hx: Any, hy: Any) -> Any:
        """Return Σ x_j y_{k-j} over 1 <= j < k, j <= hx, k - j <= hy; None for no term."""
        f: Function = x.f
        shape = np.broadcast_shapes(x.part_shape, y.part_shape)
        if not isinstance(k, Degree):
            pairs: list[tuple[Any, Any]] = [
                (j, k - j) for j in range(max(1, k - hy), min(k - 1, hx) + 1)
            ]
        else:
            short_x, short_y = (not isinstance(h, Degree) and k > h for h in (hx, hy))
            if not (short_x or short_y):
                sums = _convolution(f, k, _terms(x, y), x is y, shape)
                return sums[0] if len(sums) == 1 else Complex(*sums)
            pairs = []
            if not (short_x and short_y):
                near = [(j, Below(k, j)) for j in range(1, (hx if short_x else hy) + 1)]
                pairs = [(j, far) if short_x else (far, j) for j, far in near]
        if not pairs:
            return None
        sums = [_products(f, shape, terms, pairs) for terms in _terms(x, y)]
        return sums[0] if len(sums) == 1 else Complex(*sums)


class Below(NamedTuple):
    """The degree k - j for a degree k known at run time."""

    k: Degree
    j: int

    def part(self, table: Table) -> Symbol:
        """Return the coefficients of this degree."""
        part = table.part(self.k)
        part.offset -= self.j * table.size_of_part
        return part


def _products(
    f: Function, shape: tuple[int, ...], terms: Sequence[Term], pairs: Sequence[Any]
) -> Symbol:
    """Return Σ ±x_i y_j over terms (x, y) and pairs (i, j) in one nest."""
    signs, flat = [], []
    for x, y, minus in terms:
        for i, j in pairs:
            signs.append(minus)
            for table, degree in ((x, i), (y, j)):
                own = isinstance(degree, Below)
                part = degree.part(table) if own else table.part(degree)
                flat.append(_broadcast(part, shape))

    def body(*values: Scalar) -> Scalar:
        total = f.binary("fmul", values[0], values[1])
        for minus, a, b in zip(signs[1:], values[2::2], values[3::2], strict=True):
            total = _added(f, total, a, b, minus)
        return total

    return _element_wise(f, body, flat, shape)


def _added(f: Function, total: Scalar, a: Scalar, b: Scalar, minus: bool) -> Scalar:
    """Return total ± a·b."""
    return f.intrinsic("fma", f.negative(a) if minus else a, b, total)


def _element_wise(f: Function, body: Any, args: list[Symbol], shape: tuple[int, ...]) -> Symbol:
    if int(np.prod(shape, dtype=int)) == 1:
        values = [f.load(f.address("%data", z.lead, z.offset)) for z in args]
        return Symbol(f, shape, reg=body(*values), strides=(0,) * len(shape))
    out = empty(f, shape)
    nest(f, body, args, out, whole=True)
    return out


class Convolution:
    """Σ ±x_j y_{k-j} over 1 <= j < k for the terms (x, y) of each output, in one loop over j.

    A square is twice the first half of its sum, and the middle.
    """

    def __init__(
        self, f: Function, k: Degree, outputs: list[list[Term]], square: bool, shape: Any
    ) -> None:
        self.f, self.k, self.outputs, self.square = f, k, outputs, square
        self.stop = k.half if square else k.index
        terms = [term for terms in outputs for term in terms]
        self.near = {id(x): (x, _broadcast(x.part(0), shape)) for x, _, _ in terms}
        self.far = {id(y): (y, _broadcast(y.part(k), shape)) for _, y, _ in terms}

    def added(
        self, outputs: list[list[Term]], totals: Sequence[Scalar], near: Any, far: Any
    ) -> list[Scalar]:
        """Return the totals plus one product of each term, read by near(x) and far(y)."""
        a = {i: near(*x) for i, x in self.near.items()}
        b = {i: far(*y) for i, y in self.far.items()}
        found = []
        for terms, total in zip(outputs, totals, strict=True):
            for x, y, minus in terms:
                total = _added(self.f, total, a[id(x)], b[id(y)], minus)
            found.append(total)
        return found

    def element(self, index: Sequence[Any], width: int) -> list[Scalar]:
        """Return the sums for one element, or for a vector of them."""
        f, k = self.f, self.k

        def at(j: str) -> Any:
            def load(table: Table, part: Symbol) -> Scalar:
                where = list(zip(index, part.strides, strict=True))
                pointer = f.address("%data", [*where, (j, table.size_of_part)], part.offset)
                along = f.unit > 1 or (index and part.strides[-1] == 1)
                return f.load(pointer, width if along else 1)

            return load

        with f.loop(1, self.stop, maybe=True) as loop:
            totals = [loop.carry(f.constant(0.0, width)) for _ in self.outputs]
            back = f.put(f"sub nsw i64 {k.index}, {loop.index}")
            new = self.added(self.outputs, totals, at(loop.index), at(back))
            for total, y in zip(totals, new, strict=True):
                loop.update(total, Scalar(f.splat(y, width).text, width))
        return self._finished([loop.result(total) for total in totals], at)

    def _finished(self, totals: list[Scalar], at: Any) -> list[Scalar]:
        """Return the sums; of a square the totals are the first halves."""
        if not self.square:
            return totals
        f, k = self.f, self.k
        middle = f.put(f"ashr i64 {k.index}, 1")
        odd = f.put(f"trunc i64 {k.index} to i1")
        one = Scalar(f.put(f"select i1 {odd}, double 0.0, double 1.0"))
        load = at(middle)
        twice = [f.binary("fadd", total, total) for total in totals]
        return self.added(self.outputs, twice, lambda *x: f.binary("fmul", load(*x), one), load)


def _convolution(
    f: Function, k: Degree, outputs: list[list[Term]], square: bool, shape: tuple[int, ...]
) -> list[Symbol]:
    """Return Σ ±x_j y_{k-j} over 1 <= j < k for the terms (x, y) of each output."""
    if int(np.prod(shape, dtype=int)) == 1:
        found = []
        for terms in outputs:
            total, *others = (k.sums.of(k, x, y) for x, y, _ in terms)
            for (*_, minus), other in zip(terms[1:], others, strict=True):
                total = f.binary("fsub" if minus else "fadd", total, other)
            found.append(Symbol(f, shape, reg=total, strides=(0,) * len(shape)))
        return found
    c = Convolution(f, k, outputs, square, shape)
    outs = [empty(f, shape) for _ in outputs]
    read = [part.strides for _, part in (*c.near.values(), *c.far.values())]
    axes = [
        (n, s, list(strides)) for n, s, *strides in zip(shape, outs[0].strides, *read, strict=True)
    ]

    def write(index: list[Any], width: int) -> None:
        terms = list(zip(index, outs[0].strides, strict=True))
        for out, y in zip(outs, c.element(index, width), strict=True):
            f.store(Scalar(f.splat(y, width).text, width), f.address("%data", terms, out.offset))

    _loops(f, axes, write, padded=len(axes) == 1)
    return outs


class Sums:
    """The sums Σ x_j y_{k-j} over 1 <= j < k of numbers' tables, of two degrees k and k + 1.

    They need lower degrees only, so those of all steps are taken before the steps, side by side and
    for both degrees at once: x_j is loaded for both, and y_{k-j} is y_{k+1-j} of the next j.  At
    degree k + 1 the terms with x_k and y_k are added.  Of a square only the first half is summed.
    """

    def __init__(self, f: Function, k: str, first: int) -> None:
        self.f, self.k = f, k
        self.odd = first % 2  # k has the parity of the first degree
        self.wanted: list[tuple[Table, Table, Scalar, Scalar]] = []
        self.taken = 0  # at degree k + 1
        self.half = f.put(f"ashr i64 {k}, 1")
        self.block, self.place = f.block, len(f.lines)
        f.count += 1
        f.lines.append(f"  br label %steps{f.count}")
        f.label(f"steps{f.count}")

    def of(self, k: Degree, x: Table, y: Table) -> Scalar:
        """Return the sum of degree k, or of k + 1: these are asked for in the same order."""
        f = self.f
        if k.index == self.k:
            self.first, total = k, Scalar(f.name(), f.unit)
            self.wanted.append((x, y, total, Scalar(f.name(), f.unit)))
        else:
            *_, total = self.wanted[self.taken]
            self.taken += 1
            total = f.intrinsic("fma", x.number(1), y.number(self.first), total)
            if x is not y:
                total = f.intrinsic("fma", x.number(self.first), y.number(1), total)
        if x is y:
            total = f.binary("fadd", total, total)
            if (k.index == self.k) != self.odd:  # an even degree: the middle is there once
                middle = self._at(x, self.half, self.odd)
                total = f.intrinsic("fma", middle, middle, total)
        return total

    def _at(self, x: Table, j: Any, more: int = 0) -> Scalar:
        return self.f.load(self.f.address("%data", [(j, 1)], x.offset + more))

    def write(self, order: int) -> None:
        """Write the loops over j where the steps begin."""
        f, mark, block = self.f, len(self.f.lines), self.f.block
        f.block = self.block
        several = TOGETHER[f.unit > 1]
        take = self._in_vectors if order > SHORT and f.unit == 1 else self._one_by_one
        for square in (False, True):
            wanted = [w for w in self.wanted if (w[0] is w[1]) == square]
            for start in range(0, len(wanted), several):
                take(wanted[start : start + several], square)
        new = f.lines[mark:]
        del f.lines[mark:]
        f.lines[self.place : self.place] = new
        f.block = block

    def _stop(self, square: bool) -> str:
        if not square:
            return self.k
        return self.f.put(f"add nsw i64 {self.half}, 1") if self.odd else self.half

    def _one_by_one(self, wanted: Any, square: bool) -> None:
        f, zero = self.f, self.f.constant(0.0, self.f.unit)
        with f.loop(1, self._stop(square), maybe=square) as loop:
            later = {name: loop.carry(zero) for name in {id(y): y for _, y, *_ in wanted}}
            totals = [(loop.carry(zero), loop.carry(zero)) for _ in wanted]
            back = f.put(f"sub nsw i64 {self.k}, {loop.index}")
            left = {n: self._at(x, loop.index) for n, x in {id(x): x for x, *_ in wanted}.items()}
            right = {n: self._at(y, back) for n, y in {id(y): y for _, y, *_ in wanted}.items()}
            for (x, y, *_), (one, two) in zip(wanted, totals, strict=True):
                loop.update(one, f.intrinsic("fma", left[id(x)], right[id(y)], one))
                loop.update(two, f.intrinsic("fma", left[id(x)], later[id(y)], two))
            for name, value in right.items():
                loop.update(later[name], value)
        found = [[loop.result(total) for total in pair] for pair in totals]
        before = {name: loop.result(register) for name, register in later.items()}
        for (x, y, *names), (one, two) in zip(wanted, found, strict=True):
            if square and not self.odd:
                two = f.intrinsic("fma", self._at(x, self.half), before[id(y)], two)
            self._named(names, (one, two))

    def _named(self, names: Sequence[Scalar], values: Sequence[Scalar]) -> None:
        """Give values the names under which the steps know them."""
        for name, value in zip(names, values, strict=True):
            kind = type_of(value.width)
            zero = self.f.constant(-0.0, value.width).text
            self.f.lines.append(f"  {name.text} = fadd {kind} {value.text}, {zero}")

    def _in_vectors(self, wanted: Any, square: bool) -> None:
        """Take vectors of j: x_j y_{k-j} and, of the next degree, x_{j+1} y_{k-j}."""
        f, stop = self.f, self._stop(square)
        less = f.put(f"sub nsw i64 {stop}, 1") if self.odd or not square else stop
        zero = f.constant(0.0, WIDTH)
        with f.loop(1, stop, WIDTH, maybe=square) as loop:
            totals = [(loop.carry(zero), loop.carry(zero)) for _ in wanted]
            ahead = f.below(loop.index, range(WIDTH), stop)
            next_ahead = f.below(loop.index, range(WIDTH), less)
            behind = f.below(loop.index, range(WIDTH - 1, -1, -1), stop)
            back = f.put(f"sub nsw i64 {self.k}, {loop.index}")
            place = [(loop.index, 1)]
            left, right = {}, {}
            for x, y, *_ in wanted:
                if id(x) not in left:
                    left[id(x)] = (
                        f.masked(f.address("%data", place, x.offset), ahead),
                        f.masked(f.address("%data", place, x.offset + 1), next_ahead),
                    )
                if id(y) not in right:
                    far = f.address("%data", [(back, 1)], y.offset - WIDTH + 1)
                    right[id(y)] = f.reversed(f.masked(far, behind))
            for (x, y, *_), pair in zip(wanted, totals, strict=True):
                for total, u in zip(pair, left[id(x)], strict=True):
                    loop.update(total, f.intrinsic("fma", u, right[id(y)], total))
        found = [[loop.result(total) for total in pair] for pair in totals]
        for (*_, first, second), sides in zip(wanted, found, strict=True):
            self._named((first, second), [f.total(total) for total in sides])


class Emission(Sweep):
    """The sweep of a program on symbolic tables."""

    def __init__(
        self,
        f: Function,
        program: Program,
        order: int,
        inputs: list[Any],
        heights: list[int],
        parameters: Sequence[Any] = (),
        algebra: Any = None,
    ) -> None:
        self.f = f
        given = [isinstance(x, Complex) for x in (*inputs, *parameters)]
        self.complex = kinds(program.code, given)
        super().__init__(program, algebra or Loops(order), inputs, parameters, heights)

    def _kind(self, inputs: Sequence[Array]) -> Array:
        first = inputs[0] if len(inputs) else Table(self.f, (0,), None, 0)
        return first.re if isinstance(first, Planes) else first

    def _zeros(self, i: int, shape: tuple[int, ...]) -> Array:
        table = super()._zeros(i, shape)
        return Planes(table, super()._zeros(i, shape)) if self.complex[i] else table

    def _checked(self, row: Any, values: Sequence[Any]) -> Any:
        plain = not any(is_operand(v) for v in values)
        return row(*(lifted(self.f, v) for v in values)) if plain else row(*values)

    def _singular(self, row: Any, args: Sequence[int], y0: Any, p0: Any) -> Any:
        return None

    def _check_divisor(self, i: int, a: Any, b: Any, active: bool) -> None:
        return None

    def _local(self, i: int) -> Step:
        raise Unsupported(f"{self.program.code[i].param.name} has no machine code")

    def _call(self, i: int) -> Step:
        raise Unsupported(f"{self.program.code[i].param.rule.name} has no machine code")

    def _jump(self, i: int) -> Step:
        args, row = self.program.code[i].args, self.program.code[i].param
        y = self.table[i]

        def step(k: Any) -> None:
            values = [lifted(self.f, self._value(a)) for a in args]
            y[k] = row(*values) if k == 0 else slope_of_jump(row)(*values)

        return step

    def _integral(self, i: int) -> Step:
        y, inner = self.table[i], super()._integral(i)

        def step(k: Any) -> None:
            y.written = False
            inner(k)
            if not y.written and k <= self.height[i]:
                y[self.algebra.part(k)] = 0.0

        return step

    def result(self, i: int) -> Array:
        """Return the table of instruction i, up to its height."""
        rows = self.height[i] + 1
        if rows == 1 and self.program.code[i].op != "input":
            value = self.table[i]
            table = self._zeros(i, np.shape(value))
            table[0] = value
        else:
            table = self.table[i]

        def short(table: Any) -> Any:
            if not isinstance(table, Table) or rows >= table.shape[0]:
                return table
            return Table(self.f, (rows, *table.part_shape), table.slot, table.offset)

        if isinstance(table, Planes):
            return Planes(short(table.re), short(table.im))
        return short(table)

    def _choose(self, i: int) -> Step:
        lhs, rhs, a, b = self.program.code[i].args
        mode = "slope" if self.program.code[i].param == "kink" else "where"
        y, height, piece = self.table[i], self.height, self.algebra.part

        def part(j: int, k: Any) -> Any:
            if k == 0:
                return self._value(j)
            return self.table[j][piece(k)] if k <= height[j] else 0.0

        def step(k: Any) -> None:
            args = self._value(lhs), self._value(rhs), part(a, k), part(b, k)
            chosen = host(args)._choose(*args, "where" if k == 0 else mode)
            y[0 if k == 0 else piece(k)] = chosen

        return step

    def run(self) -> None:
        """Write the steps of all degrees.

        One point: all instructions degree by degree.  Tiles of points: instruction by instruction,
        so that few tables are in use at a time; those that need each other stay together.
        """
        if self.f.unit == 1:
            self._degrees(range(len(self.steps)))
        else:
            self._by_instruction()
        self.steps.clear()

    def _degrees(self, steps: Sequence[int]) -> None:
        """Write some steps for all degrees."""
        order, code = self.order, self.program.code
        owners = {self.owners[s] for s in steps}
        heights = {self.height[a] for i in owners for a in (i, *code[i].args)}
        first = max([h for h in heights if h < order], default=0)
        for i in owners:
            if code[i].op in ("mul", "integral"):  # products of two polynomials end later
                short = sorted(h for h in (self.height[a] for a in code[i].args) if h < order)
                if len(short) > 1:
                    first = max(first, min(order, short[-1] + short[-2]))
        first = max(first, min(1, order))
        first += (order - first) % 2  # the others come in pairs
        for k in range(first + 1):
            self.f.contracts = k > 0
            for s in steps:
                self.steps[s](k)
                self.f.pause()
        f = self.f
        if first < order:
            with f.loop(first + 1, order + 1, 2) as loop:
                f.contracts = True
                second = f.put(f"add nsw i64 {loop.index}, 1")
                sums = Sums(f, loop.index, first + 1)
                for index in (loop.index, second):
                    degree: Any = Degree(f, index, order, sums)
                    for s in steps:
                        self.steps[s](degree)
                        f.pause()
                sums.write(order)
        f.contracts = False

    def _by_instruction(self) -> None:
        code = self.program.code
        kept = {*self.program.outputs, *self.program.inputs}
        kept |= {i for g in self.program.guards for i in (g.a, g.b)}
        last: dict[int, int] = {}
        groups = self._groups()
        for n, group in enumerate(groups):
            for i in group:
                for a in (i, *code[i].args):
                    last[a] = n
        for n, group in enumerate(groups):
            inside = set(group)
            self._degrees([s for s, i in enumerate(self.owners) if i in inside])
            for i, final in last.items():
                if final == n and i not in kept:
                    for table in (self.table[i], self.weighted.get(i)):
                        if isinstance(table, (Table, Planes)):
                            table.forget()

    def _groups(self) -> list[list[int]]:
        """Return the instructions in runs that are computed together, degree by degree.

        These are the ones that need each other, and with them those that take no sums.
        """
        groups: list[list[int]] = []
        reach, code = -1, self.program.code
        sums = False  # whether the last group takes sums
        for i, instruction in enumerate(code):
            takes = instruction.op in ("mul", "div", "integral")
            if i <= reach or (groups and not (takes and sums)):
                groups[-1].append(i)
            else:
                groups.append([i])
                sums = False
            sums = sums or takes
            reach = max(reach, *instruction.args, i)
        return groups
