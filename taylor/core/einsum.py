"""Sums of products of arrays as one instruction: einsum of two operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taylor.core import patterns
from taylor.core.instructions import (
    At,
    Degrees,
    Node,
    Number,
    Op,
    Shape,
    Sweep,
    Tape,
    Whole,
    added,
    by_degree,
    full,
    total,
)
from taylor.core.tables import contract, contract_part, spec_under, turned
from taylor.numbers.values import shape_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PRODUCT = 1 << 13  # multiply-adds of a product of matrices that is one instruction of a sweep


class Products(Op):
    """Sums of products of an element of x and one of y: linear in both."""

    arity, pure = 2, True


@dataclass(slots=True, eq=False)
class Einsum(Products):
    """einsum(spec, x, y)."""

    spec: str

    def key(self) -> Any:
        return (Einsum, self.spec)

    def shape(self, shapes: list[Shape]) -> Shape:
        return patterns.contracted_shape(self.spec, *shapes)

    def value(self, a: Sequence[Any], number: Number) -> Any:
        return contract(self.spec, a[0], a[1])

    def tangent(self, at: At, d: list[Any]) -> Any:
        parts = []
        for n, (e, whole) in enumerate(zip(d, at.whole(d), strict=True)):
            spec = self.spec if at.lanes is None else spec_under(self.spec, n)
            x = (whole, at.a[1]) if n == 0 else (at.a[0], whole)
            parts.append(None if e is None else contract(spec, *x))
        return added(*parts)

    def adjoint(self, at: At, bar: Any, wanted: list[bool]) -> Sequence[Any]:
        (left, right), shape = turned(self.spec), at.shape
        bar = bar if shape_of(bar) == shape else full(bar, shape)
        return (
            Whole(contract(left, bar, at.a[1])) if wanted[0] else None,
            Whole(contract(right, at.a[0], bar)) if wanted[1] else None,
        )

    def pattern(self, x: list[csr_array], shapes: list[Shape], shape: Shape) -> csr_array:
        terms, out = self.spec.split("->")
        sizes = patterns.lengths(terms, shapes)
        return patterns.union(
            patterns.reduced(p, s, term, out, sizes)
            for p, s, term in zip(x, shapes, terms.split(","), strict=True)
        )

    def height(self, h: list[int], order: int) -> int:
        return min(h[0] + h[1], order)

    @by_degree
    def step(self, t: Sweep, i: int) -> Degrees:
        (a, b), height, y, part = t.args(i), t.height, t.table[i], t.algebra.part
        yield
        x0, z0 = t.value(a), t.value(b)
        y[0] = contract(self.spec, x0, z0)
        while True:
            k = yield
            terms: list[Any] = []
            if height[a] and height[b]:
                x, z = t.table[a], t.table[b]
                terms.append(t.algebra.interior_of(self.spec, k, x, z, height[a], height[b]))
            if k <= height[a]:
                terms.append(contract_part(self.spec, t.table[a][part(k)], z0))
            if k <= height[b]:
                terms.append(contract_part(self.spec, x0, t.table[b][part(k)]))
            if k <= height[i]:
                y[part(k)] = total(terms)

    def expanded(self, tape: Tape, args: list[Node], shape: Shape) -> Node:
        """A product and a sum; of large matrices the product."""
        large = patterns.multiplies(self.spec, [x.shape for x in args], PRODUCT)
        if large and tape is not None and not tape.exact:
            return tape.core(self, args, shape)
        terms, out = self.spec.split("->")
        letters = out + "".join(c for c in dict.fromkeys(terms) if c not in out + ",")
        x, y = (_spread(x, axes, letters) for x, axes in zip(args, terms.split(","), strict=True))
        summed = tuple(range(len(out), len(letters)))
        return (x * y).sum(summed) if summed else x * y

    def show(self, v: list[str], shape: Shape) -> str:
        return f"einsum({self.spec}, {', '.join(v)})"


def _spread(x: Node, axes: str, letters: str) -> Node:
    """Return x with its lettered axes in the order of letters, the missing ones of length one."""
    order = [axes.index(c) for c in letters if c in axes]
    shape = [x.shape[axes.index(c)] if c in axes else 1 for c in letters]
    return x.transpose(order).reshape(shape)
