"""Calls of rules of arrays in a program: functions that bring their own derivatives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import patterns
from taylor.core.algebra import Algebra
from taylor.core.conditions import held_step
from taylor.core.instructions import At, Node, Number, Op, Shape, Step, Sweep, Tape, Whole, full
from taylor.core.slopes import is_nothing
from taylor.core.table import Rule
from taylor.numbers.kinds import base_array, content, is_operand
from taylor.numbers.values import zeros

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(slots=True, eq=False)
class Call(Op):
    """A rule of arrays; the shapes of its results if it has several, which are joined into one.

    Of several results those of integers are indices: constants, in their own types.
    """

    rule: Rule
    shapes: tuple[Shape, ...] | None = None
    indices: tuple[np.dtype[Any] | None, ...] = ()

    def key(self) -> Any:
        return (Call, self.rule, self.shapes, self.indices)

    @property
    def told(self) -> bool:
        return False

    @property
    def makes_complex(self) -> bool:
        return self.rule.complex_valued

    def split(self, y: Any) -> Any:
        """Return the results of the rule from one array."""
        if self.shapes is None:
            return y
        ends = np.cumsum([math.prod(s) for s in self.shapes])
        parts = zip(np.split(y, ends[:-1]), self.shapes, strict=True)
        return tuple(np.reshape(part, s) for part, s in parts)

    def results(self, y: Any) -> Any:
        """Return the results of the rule from one array as who calls it sees them."""
        if not self.indices:
            return self.split(y)
        pairs = zip(self.split(y), self.indices, strict=True)
        return tuple(part if dtype is None else _held(part, dtype) for part, dtype in pairs)

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return flat(self.rule(*a))

    def height(self, h: list[int], order: int) -> int:
        return order if any(h) else 0

    def step(self, t: Sweep, i: int) -> Step:
        found: Step = t.calling(i)
        return found

    def expanded(self, tape: Tape, args: list[Node], shape: Shape) -> Node:
        """A rule that is known by its value alone is what that consists of."""
        if self.rule.step is self.rule.jvp is self.rule.vjp is None:
            return tape.node(flat(self.rule.value(*args)))
        return tape.core(self, args, shape)

    def _value(self, *a: Any) -> Any:
        return flat(self.rule.value(*a))

    def tangent(self, at: At, d: list[Any]) -> Any:
        d = [None if e is None else w for e, w in zip(d, at.whole(d), strict=True)]
        if at.lanes is None:
            return self._tangent(at, d)
        found = [
            full(self._tangent(at, [None if e is None else e[..., k] for e in d]), at.shape, at.y)
            for k in range(at.lanes)
        ]
        return np.stack(found, axis=-1)

    def _tangent(self, at: At, d: list[Any]) -> Any:
        """Return the tangent along one direction."""
        rule, y = self.rule, self.results(at.y)
        if rule.jvp is not None:
            return flat(self._rates(rule.jvp(tuple(d), y, *at.a)))
        if rule.vjp is None:
            return at.push(self._value, d)
        vjp = rule.vjp  # dy is the transpose of ȳ -> x̄, a linear map
        wanted = [e is not None for e in d]

        def back(bar: Any) -> tuple[Any, ...]:
            return tuple(_wanted(vjp(self.split(bar), y, *at.a), wanted))

        found = at.pull(back, [at.y * 0], [True], d)
        assert found is not None
        return found[0]

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        rule, y, bar = self.rule, self.results(at.y), full(bar, at.shape)
        if rule.vjp is not None:
            found = rule.vjp(self.split(bar), y, *at.a)
            return wholes(_wanted(found, wanted))
        if rule.jvp is None:
            return wholes(at.pull(self._value, at.a, wanted, [bar]))
        jvp = rule.jvp  # x̄ is the transpose of x' -> y', a linear map
        zero = [e * 0 if w else None for e, w in zip(at.a, wanted, strict=True)]
        given = at.pull(lambda *dx: flat(self._rates(jvp(dx, y, *at.a))), zero, wanted, [bar], rule)
        return wholes(self._by_columns(at, bar, wanted) if given is None else given)

    def _rates(self, dy: Any) -> Any:
        """Return the tangents of all results: None is zero, and those of indices are zero."""
        if self.shapes is None or not isinstance(dy, tuple):
            return dy
        indices = self.indices or (None,) * len(self.shapes)
        found = []
        for n, (part, s, dtype) in enumerate(zip(dy, self.shapes, indices, strict=True)):
            nothing = part is None or is_nothing(part)
            if dtype is not None and not (nothing or np.all(part == 0)):
                raise TypeError(
                    f"rule {self.name!r}: result {n} is of integers, which are constant here; "
                    "return floats for what has a tangent"
                )
            found.append(np.zeros(s) if part is None or dtype is not None else part)
        return tuple(found)

    def _by_columns(self, at: At, bar: Any, wanted: list[bool]) -> list[Any]:
        """Return the adjoints of the arguments from the tangents along every element of them.

        The transpose of a tangent that uses the rule on what varies needs that of the rule.
        """
        found: list[Any] = [None] * len(at.a)
        for n, shape in enumerate(at.shapes):
            if wanted[n]:
                d: list[Any] = [None] * len(at.a)
                terms = []
                for unit in np.eye(math.prod(shape)):
                    d[n] = unit.reshape(shape)[()]
                    terms.append(np.sum(bar * self.tangent(at, d)))
                found[n] = np.reshape(np.stack(terms), shape)
        return found

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        used = np.unique(np.concatenate([p.indices for p in x]))
        at = np.arange(math.prod(shape))
        everywhere = np.repeat(at, len(used)), np.tile(used, len(at))
        return patterns.ones(*everywhere, (len(at), x[0].shape[1]))

    @property
    def name(self) -> str:
        return self.rule.name


def call_of(rule: Rule, y: Any, varying: Iterable[Any]) -> Call:
    """Return the call of a rule that gave the results y at values that vary.

    At whole numbers, all results may be such: then none is taken for an index.
    """
    if not isinstance(y, tuple):
        return Call(rule)
    types = [None if is_operand(z) else np.asarray(z).dtype for z in y]
    indices = tuple([t if t is not None and t.kind in "iu" else None for t in types])
    if not any(indices) or any(base_array(x).dtype.kind in "iu" for x in varying):
        indices = ()
    return Call(rule, tuple([np.shape(z) for z in y]), indices)


def _held(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return indices, which leave guards where they are recorded, in their own type."""
    return (held_step(x) if is_operand(x) else np.rint(np.real(x))).astype(dtype)


def _wanted(bars: Sequence[Any], wanted: Sequence[bool]) -> list[Any]:
    """Return the adjoints that are wanted, else None; those that are functions are asked for."""
    asked = [w and callable(b) and not is_operand(b) for b, w in zip(bars, wanted, strict=True)]
    return [
        content(b()) if ask else b if w else None
        for b, w, ask in zip(bars, wanted, asked, strict=True)
    ]


def flat(y: Any) -> Any:
    """Return the results of a call as one array: several are ravelled and joined."""
    return np.concatenate([np.reshape(z, -1) for z in y]) if isinstance(y, tuple) else y


def called(
    rule: Any, algebra: Algebra, given: Sequence[Any], live: Sequence[bool], y: Any, like: Any
) -> Step:
    """Return the step of a rule: it writes the part of degree k of all results, joined, into y.

    `given` holds a table where `live`, else a value; the results are numbers of the kind of `like`.
    """
    part = algebra.part
    tables: list[Any] = []
    inner = rule.step(algebra, given, live, tables)

    def step(k: int) -> None:
        parts = inner(k)
        if k == 0:
            for head in parts:
                table = zeros((algebra.size, *np.shape(head)), like)
                table[0] = head
                tables.append(table)
        else:
            for table, new in zip(tables, parts, strict=True):
                if new is not None:
                    table[part(k)] = new
        if len(tables) == 1:
            y[part(k)] = tables[0][part(k)]
        else:
            lead = np.shape(y[part(k)])[:-1]
            joined = [np.reshape(t[part(k)], (*lead, -1)) for t in tables]
            y[part(k)] = np.concatenate(joined, axis=-1)

    return step


def wholes(bars: Any) -> list[Whole | None]:
    """Return adjoints of arguments as wholes; None is zero."""
    return [None if b is None else Whole(b) for b in bars]
