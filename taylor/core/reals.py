"""Programs of real variables that pass through complex numbers, in real numbers only.

Every complex instruction becomes that of its real and that of its imaginary part, of which one that
is zero is none: a product with a real factor takes two products of real numbers, and parts,
conjugates and multiples of i none.  What is not written in parts here, a logarithm or a quotient,
say, stays complex, and its parts are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core import functions
from taylor.core.calls import Row
from taylor.core.einsum import Products
from taylor.core.instructions import (
    MUL,
    Add,
    Const,
    Input,
    Instruction,
    Mul,
    Op,
    Scale,
    Shape,
    added,
)
from taylor.core.maps import Contract, Gather, Map
from taylor.core.parts import Part
from taylor.core.program import Program, kinds
from taylor.core.rules import pruned
from taylor.core.sides import Choose
from taylor.core.table import Elementary
from taylor.core.tape import Tape
from taylor.numbers.values import is_native

POWERS = (2, 3, 4)  # that are written as products


class Split(NamedTuple):
    """The real and the imaginary part of a number, as nodes or constants; None: zero."""

    re: Any
    im: Any = None


def in_reals(program: Program, values: Sequence[Any]) -> tuple[Program, list[Any]]:
    """Return the program with the parts of its complex instructions, and their values.

    It is the same if nothing in it is complex, or its result is.

    >>> from taylor.core.program import recording
    >>> f = lambda x: np.real(np.exp(1j * x) * (2 + x))
    >>> [i.op.name for i in in_reals(*recording(f, 0.5))[0].code]
    ['input', 'cos', 'const', 'add', 'mul']
    """
    found = kinds(program.code, [np.iscomplexobj(values[i]) for i in program.inputs])
    fixed = [found[i] for i in (*program.inputs, *program.outputs)]
    if not any(found) or any(fixed) or not all(map(is_native, values)):
        return program, list(values)
    made = _Parted(program.code)
    for i, value in enumerate(values):
        made.append(i, value, found[i])
    tape, real = made.tape, [i for i, is_complex in enumerate(found) if not is_complex]
    new = {i: made.node(made.parts[i].re, program.code[i].shape).i for i in real}
    whole = program.renumbered(tape.code, new.__getitem__)
    decided = [i for g in whole.guards for i in (g.a, g.b) if i >= 0]
    code, kept = pruned(tape.code, [*whole.outputs, *whole.inputs, *decided])
    return whole.renumbered(code, kept.__getitem__), [tape.values[i] for i in kept]


class _Parted:
    """The parts of instructions, one after the other, on a tape."""

    def __init__(self, code: Sequence[Instruction]) -> None:
        self.code, self.tape = code, Tape()
        self.parts: list[Split] = []
        self.wholes: dict[int, Any] = {}  # what is or stays complex
        self.tape.watched = True

    def append(self, i: int, value: Any, is_complex: bool) -> None:
        """Append an instruction."""
        op, args, shape = self.code[i]
        given = [self.parts[a] for a in args]
        found: Split | None
        if type(op) is Input:
            found = Split(self.tape.input(shape, value))
        elif type(op) is Const:
            found = Split(*[c if c is None else self.tape.constant(c) for c in _parts(op.c)])
        elif is_complex or any([x.im is not None for x in given]):
            found = self._split(op, given, args)
        else:
            found = Split(self._applied(op, [x.re for x in given], args))
        if found is None:
            y = self.wholes[i] = self.tape.apply(op, tuple([self._whole(a).i for a in args]))
            names = ("real", "imag") if is_complex else ()
            found = Split(*[self.tape.apply(Part(n), (y.i,)) for n in names] or [y])
        self.parts.append(Split(*[x if x is None else self.node(x, shape) for x in found]))

    def node(self, x: Any, shape: Shape) -> Any:
        """Return a part as a node of a shape."""
        if x is None:
            return self.tape.node(np.zeros(shape) if shape else 0.0)
        return x if x.shape == shape else np.broadcast_to(x, shape)

    def _whole(self, i: int) -> Any:
        """Return an instruction as one node."""
        if i not in self.wholes:
            re, im = self.parts[i]
            self.wholes[i] = self.node(added(re, _scaled(1j, im)), self.code[i].shape)
        return self.wholes[i]

    def _applied(self, op: Op, given: Sequence[Any], args: Sequence[int]) -> Any:
        """Append an instruction of parts of the arguments."""
        nodes = [self.node(x, self.code[a].shape) for x, a in zip(given, args, strict=True)]
        if type(op) is Gather:
            return self._gathered(op.index, nodes)
        return (
            nodes[0] * nodes[1] if op is MUL else self.tape.apply(op, tuple([x.i for x in nodes]))
        )

    def _gathered(self, index: Any, nodes: Sequence[Any]) -> Any:
        """Append a gather, from where others have gathered what it reads."""
        sources: list[int] = []
        places: list[Any] = []
        size = 0
        for x in nodes:
            op, args, _ = self.tape.code[x.i]
            own, args = (op.index, args) if type(op) is Gather else (np.arange(x.size), (x.i,))
            own = np.reshape(own, -1)
            places.append(np.where(own < 0, own, own + size))
            sources += args
            size += sum(map(self.tape.size, args))
        index = np.where(index < 0, index, np.concatenate(places)[index])
        return self.tape.apply(Gather(index), tuple(sources))

    def _split(self, op: Op, given: Sequence[Split], args: Sequence[int]) -> Split | None:
        """Return the parts of an instruction of some parts; None where it stays complex."""
        if isinstance(op, Part):
            re, im = given[0]
            if op.kind == "conj":
                return Split(re, _scaled(-1, im))
            return Split(re if op.kind == "real" else im)
        if type(op) is Add:
            return Split(*[added(x, y) for x, y in zip(*given, strict=True)])
        if isinstance(op, (Mul, Products)):
            return _product(lambda x, y: self._applied(op, [x, y], args), *given)
        if isinstance(op, (Scale, Contract)):
            return _product(lambda c, x: self._by_constant(op, c, x), _parts(op.c), *given)
        first = 2 if type(op) is Choose else 0  # which decide, and have no parts
        if isinstance(op, Map) or (first and given[0].im is None is given[1].im):
            real = [x.re for x in given[:first]]
            each = [[x[n] for x in given[first:]] for n in (0, 1)]
            return Split(
                *[
                    self._applied(op, real + x, args) if x.count(None) < len(x) else None
                    for x in each
                ]
            )
        return self._of_row(op.row, given) if type(op) is Row else None

    def _by_constant(self, op: Scale | Contract, c: Any, x: Any) -> Any:
        if isinstance(op, Scale):
            return _scaled(c, x)
        return self.tape.apply(Contract(op.spec, c), (x.i,))

    def _of_row(self, row: Elementary, given: Sequence[Split]) -> Split | None:
        """Return the parts of a function of the table; None if it stays complex."""
        z, *more = given
        if row is functions.exp:
            size = None if z.re is None else functions.exp(z.re)
            if z.im is None:
                return None if size is None else Split(size)
            return Split(_times(size, functions.cos(z.im)), _times(size, functions.sin(z.im)))
        times = 2 if row is functions.square else None
        if row is functions.power and more[0].im is None is not more[0].re:
            times = self.tape.code[more[0].re.i].op.constant
        if type(times) not in (int, float) or times not in POWERS:
            return None
        found = z
        for _ in range(int(times) - 1):
            found = _product(_times, found, z)
        return found


def _product(times: Callable[[Any, Any], Any], x: Split, y: Split) -> Split:
    """Return the parts of a product."""

    def of(a: Any, b: Any) -> Any:
        return None if a is None or b is None else times(a, b)

    re = added(of(x.re, y.re), _scaled(-1, of(x.im, y.im)))
    return Split(re, added(of(x.re, y.im), of(x.im, y.re)))


def _times(x: Any, y: Any) -> Any:
    return y if x is None else x * y


def _scaled(c: Any, x: Any) -> Any:
    """Return c·x of a part, itself if c is one."""
    if x is None or np.ndim(c):
        return None if x is None else x * c
    op, args, _ = x.tape.code[x.i]
    if c == -1 and type(op) is Scale and type(op.c) in (int, float):
        c, x = -op.c, x.tape.at(args[0])
    return x if c == 1 else x * c


def _parts(c: Any) -> Split:
    """Return the parts of a constant, without those that are zero."""
    if not np.iscomplexobj(c):
        return Split(c)
    parts = (np.real(c), np.imag(c))
    return Split(*[x if np.any(x) else None for x in parts])
