"""Loops and flows as rules of differentiation: what a run, its reverse and their tangents share.

With J the Jacobian of a run y(s, p), whose tangent (s, ds) -> (y, J ds) is again a run,

    reverse mode of the run       y̅ -> Jᵀ y̅,        tangent of the run       J ds,
    reverse mode of Jᵀw           z·(Jᵀw) = w·(J z), tangent of Jᵀw           Jᵀ dw + (dJ)ᵀ w,

and both of the second line are the reverse of the tangent run, seeded with (0, w) or (dw, w):
second derivatives commute.  So two functions, run and back, give derivatives of every order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra
from taylor.core.node import Node
from taylor.core.operand import host, lift
from taylor.core.table import Rule
from taylor.core.tags import Tag, fresh_tag
from taylor.drivers.driver import parts
from taylor.drivers.several import argument, pushforward, series
from taylor.errors import AlgebraMismatch, ForeignNodeError, OrderMismatch
from taylor.numbers.kinds import Kind, is_nested
from taylor.series.series import Series

Step = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Through(Rule):
    """A rule that is one instruction for a recording, and just its value for everything else.

    `tables` is used instead of the value for series that have nodes as coefficients.
    """

    tables: Callable[..., Any] | None = None

    def __call__(self, *args: Any) -> Any:
        args = tuple(argument(x) for x in args)
        owner = host(args)
        if isinstance(owner, Node):
            return separate(owner._call(self, args), owner.tape.tag)
        if self.tables is not None and any(has_nodes(x) for x in args):
            return self.tables(owner, *args)
        return self.value(*args)


@dataclass(frozen=True, eq=False)
class Evolution:
    """A loop of step(i, state, *p), or the flow of step(t, state, *p).

    run(state, *p) gives y, back(w, state, *p) the adjoints of state and p.  `of` makes the same of
    another step: of one whose states are (state, ds), or tables of coefficients, along a new first
    axis.  They are the ones along `axis` of its y.
    """

    name: str
    step: Step
    of: Callable[[Step], Evolution]
    run: Step
    back: Step
    axis: int = 0

    def forward(self) -> Through:
        """Return the rule (state, *parameters) -> y."""

        def backward(ybar: Any, y: Any, *args: Any) -> Any:
            return self.reverse()(ybar, *args)

        def forward(dargs: Any, y: Any, *args: Any) -> Any:
            return self._along(args, dargs)

        by = by_degree(self.run)
        return Through(self.name, self.run, backward, forward, by, tables=self._tables)

    def reverse(self) -> Through:
        """Return the rule (w, state, *parameters) -> the adjoints of state and parameters."""

        def backward(zs: Any, y: Any, w: Any, *args: Any) -> Any:
            return (self._along(args, zs), *self._mixed(np.zeros_like(w), w, args, zs))

        def forward(dargs: Any, y: Any, w: Any, *args: Any) -> Any:
            dw, *d = seeds(dargs, (w, *args))
            return self._mixed(dw, w, args, d)

        name, by = f"reverse of {self.name}", by_degree(self.back)
        return Through(name, self.back, backward, forward, by, tables=self._reverse_tables)

    def _tables(self, owner: Series, *args: Any) -> Any:
        """Return the y of series whose coefficients are nodes from their tables."""
        mine = [
            i == 0 or (isinstance(x, Series) and x.tag is owner.tag) for i, x in enumerate(args)
        ]
        given = [coefficients(x, owner) if m else x for x, m in zip(args, mine, strict=True)]
        y = self.of(on_tables(self.step, owner, mine)).forward()(*given)
        return owner._new(separate(np.moveaxis(y, self.axis, 0), owner.tag))

    def _reverse_tables(self, owner: Series, w: Any, *args: Any) -> tuple[Any, ...]:
        """Return the adjoints of series whose coefficients are nodes from their tables.

        Coefficient k of Jᵀw is the adjoint of the values for the weights (e_i·w)_k of the
        coefficients i of y, where e_i are the elements of the basis.
        """
        given = [coefficients(x, owner) for x in args]
        of_basis = [
            np.moveaxis(coefficients(owner._new(e) * w, owner), 0, -1)
            for e in np.eye(owner.algebra.size)
        ]
        weights = np.stack(of_basis, axis=self.axis)
        back = self.of(on_tables(self.step, owner, [True] * len(args))).reverse()
        found = [back(weights[..., k], *given) for k in range(owner.algebra.size)]
        return tuple(
            owner._new(separate(np.stack([bar[0] for bar in bars]), owner.tag))
            for bars in zip(*found, strict=True)
        )

    def _along(self, args: Sequence[Any], dargs: Sequence[Any]) -> Any:
        """Return J·dargs."""
        pair, others = _paired(args, dargs)
        return self.of(tangent(self.step)).forward()(pair, *others)[(*[slice(None)] * self.axis, 1)]

    def _mixed(self, dw: Any, w: Any, args: Sequence[Any], dargs: Sequence[Any]) -> Any:
        """Return Jᵀdw + (dJ)ᵀw along dargs."""
        pair, others = _paired(args, dargs)
        both = np.stack([dw, w], axis=self.axis)
        out, *rest = self.of(tangent(self.step)).reverse()(both, pair, *others)
        return (out[0], *rest[: len(args) - 1])


def _paired(args: Sequence[Any], dargs: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Return (state, ds) as one array, and the parameters with their tangents."""
    (state, *p), (ds, *dp) = args, seeds(dargs, args)
    return np.stack([state, ds]), [*p, *dp]


def seeds(dargs: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    """Return the tangents of all arguments; None is zero."""
    return [
        Kind.of(x).zeros(np.shape(x)) if d is None else d for d, x in zip(dargs, args, strict=True)
    ]


def tangent(f: Step) -> Step:
    """Return (i, (s, ds), p..., dp...) -> (f, df) for f(i, s, p...)."""

    def step(i: Any, pair: Any, *ps: Any) -> Any:
        p, dp = ps[: len(ps) // 2], ps[len(ps) // 2 :]
        args, dargs = (pair[0], *p), (pair[1], *dp)
        return np.stack(pushforward(functools.partial(f, i), args, dargs))

    vars(step)["orders"] = 1
    return step


def coefficients(x: Any, like: Series) -> Any:
    """Return the coefficients of a series of the same variables; those of a constant, if none."""
    x = lift(x)
    if isinstance(x, Series) and x.tag is like.tag and x.algebra != like.algebra:
        raise AlgebraMismatch(
            f"one of state and parameters carries {like.algebra}, another {x.algebra}: make all "
            "their series together"
        )
    return parts(x, like.tag, like.algebra.size)


def on_tables(f: Step, like: Series, mine: Sequence[bool]) -> Step:
    """Return f(i, *x), where `mine` says which x are series, as a function of their tables."""

    def step(i: Any, *xs: Any) -> Any:
        tag = fresh_tag()  # within a recording of the tables, if they are nodes
        y = f(i, *(series(x, like.algebra, tag, type(like)) if m else x
                   for x, m in zip(xs, mine, strict=True)))  # fmt: skip
        table = parts(y, tag, like.algebra.size)
        if len(table) != like.algebra.size:
            raise OrderMismatch(
                f"a step returns a series of order {len(table) - 1} for one of order {like.order}: "
                "a removable singularity; raise the order or move the point"
            )
        return table

    vars(step)["orders"] = like.order
    return step


def orders_of(step: Step) -> int:
    """Return up to which order the states of a step hold derivatives of those of another one."""
    return vars(step).get("orders", 0)  # type: ignore[no-any-return]


def by_degree(f: Step) -> Step:
    """Return the series rule of f for a sweep: degree k from f of the series cut above degree k."""

    def step(algebra: Algebra, args: Sequence[Any], live: Sequence[bool], y: Any) -> Any:
        def degree(k: int) -> list[Any]:
            cut, tag = algebra.truncated(k), fresh_tag()
            xs = [
                series(x[: cut.size], cut, tag) if m else x for x, m in zip(args, live, strict=True)
            ]
            z = f(*xs)
            results = z if isinstance(z, tuple) else (z,)
            return [parts(r, tag, cut.size)[algebra.part(k) if k else 0] for r in results]

        return degree

    return step


def has_nodes(x: Any) -> bool:
    """Whether x is, or has among its coefficients, a node of a recording."""
    while isinstance(x, Series):
        x = x._coef
    return isinstance(x, Node)


def separate(y: Any, tag: Tag) -> Any:
    """Return y unless its value depends on a variable of the tag behind the rule's back."""
    for z in y if isinstance(y, tuple) else (y,):
        inner = z.tape.values[z.i] if isinstance(z, Node) else z
        while is_nested(inner):
            if (inner.tape.tag if isinstance(inner, Node) else inner.tag) is tag:
                raise ForeignNodeError(
                    "the step of a checkpointed loop uses a differentiated value that is neither "
                    "its state nor a parameter; pass it on: checkpoint(step, n)(state, value)"
                )
            inner = inner.value if isinstance(inner, Node) else inner._coef
    return y
