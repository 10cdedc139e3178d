"""Linear differential operators applied to functions: P(∂)f by one sweep in the algebra of P."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.operand import lift
from taylor.core.tags import fresh_tag
from taylor.drivers import kinks, trees
from taylor.drivers.derivable import Derivable, recording, watched
from taylor.drivers.driver import call, parts, point, seed
from taylor.drivers.lines import tables
from taylor.errors import NoPartials, ShapeMismatch
from taylor.numbers.kinds import Floats, Kind
from taylor.numbers.values import constant, shape_of
from taylor.operators.apolar import Apolar, Form, apolar
from taylor.operators.axes import in_axes
from taylor.operators.points import in_turn
from taylor.operators.symbol import Coefficient, Monomial, Partials, Symbol
from taylor.series.series import Series

PARTS = ("real", "imag")

Array = NDArray[Any]
Key = tuple[tuple[Monomial, Any, type], ...]  # a form: what is kept of 2 is not for 2.0
Function = Callable[..., Any]


class Germ(Series):
    """A series in the algebra of an operator."""

    __slots__ = ()


class Operator:
    """One linear differential operator P(∂), or a tree of several, that are computed together.

    Called with f and the point it returns P(∂)f there, in the form of the tree.  The point has the
    form that `partials` was given: one array, along the last axis of which the variables lie, or an
    argument for every name, a number or an array of such.  Other axes are points, which f must
    treat one by one.  f may return an array at each point.

    >>> from taylor.operators.symbol import partials
    >>> d = partials(2)
    >>> P = Operator(d[0] ** 2 + d[1] ** 2)
    >>> P
    <d[0]² + d[1]²: 4 coefficients (1, 2, 1), 9 products>
    >>> float(P(lambda x: x[0] ** 3 * x[1], [1.0, 2.0]))
    12.0
    """

    def __init__(self, symbols: Any) -> None:
        leaves: list[Symbol] = []
        symbols = [*symbols] if isinstance(symbols, Partials) else symbols

        def leaf(cls: type, x: Any) -> Any:
            if not isinstance(x, Symbol):
                raise TypeError(
                    f"an operator is made of symbols such as d[0]**2, d = partials(n), not {x!r}"
                )
            leaves.append(x)
            return trees.LEAF

        _, self._structure = trees.flatten(symbols, lambda x: False, leaf, (list, tuple))
        if not leaves:
            raise TypeError(f"an operator needs a symbol, such as d[0]**2, not {symbols!r}")
        for s in leaves[1:]:
            leaves[0] + s  # the variables are the same
        self.symbols = leaves
        self.variables: Partials = leaves[0].variables
        self._types = [s.types for s in leaves]
        self.order = max(s.order for s in leaves)
        forms: dict[Key, int] = {}
        self._sums = [[(a, _forms(s, forms)) for a, s in _summands(p)] for p in leaves]
        self._forms = _of_keys(forms)
        self._apolar: Apolar | None = _algebra(tuple(forms), tuple(self.variables.names))
        self._rounded = _rounded(tuple(forms), len(self.variables)) or self._apolar

    @property
    def dimensions(self) -> tuple[int, ...]:
        """How many coefficients of degree 0, 1, ... a number has."""
        return (1,) if self._rounded is None else tuple(self._rounded.dimensions)

    @functools.cached_property
    def size(self) -> int:
        """How many coefficients a number has."""
        return sum(self.dimensions)

    @property
    def products(self) -> int:
        """How many products of numbers one of two coefficients takes."""
        return 1 if self._rounded is None else self._rounded.algebra.count

    @property
    def reads_of_users(self) -> list[Any]:
        """What of it may do something else later: coefficients that depend on the point."""
        return [a for s in self.symbols for a in s.reads_of_users]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Operator):
            return NotImplemented
        mine, theirs = ((P._structure, P.symbols, P._types) for P in (self, other))
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self._structure, *self.symbols))

    def __reduce__(self) -> Any:
        return Operator, (trees.build(self._structure, iter(self.symbols)),)

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.symbols[:3])) + ", ..." * (len(self.symbols) > 3)
        dims = self.dimensions
        return f"<{shown}: {self.size} coefficients {dims}, {self.products} products>"

    def __call__(self, f: Function, *args: Any) -> Any:
        """Return P(∂)f at the point."""
        if isinstance(f, Derivable) and not self._varies:
            y = by_code(self.applied, f, args, self._is_many(args))
            if y is not NotImplemented:
                return self._built(y)
        return self._built(self.applied(f, *args))

    @functools.cached_property
    def _varies(self) -> bool:
        """Whether coefficients depend on the point: functions of users, who may change them."""
        return any(p.varying for p in self.symbols)

    def stands_for(self, driver: Function, f: Derivable) -> None:
        """Let a driver, which is this operator at points like the last one, go to its code."""
        entry = f.entries.get(self.applied)
        if entry:
            f.entries[driver] = entry

    def _is_many(self, args: Sequence[Any]) -> bool:
        """Whether there is an axis of points."""
        axes = (n is not None for n in self.variables.sizes.values())
        return any(np.ndim(x) > one for x, one in zip(args, axes, strict=False))

    def _built(self, found: Any) -> Any:
        if self._structure is trees.LEAF:
            return found
        return trees.build(self._structure, iter(found if type(found) is tuple else (found,)))

    def applied(self, f: Function, *args: Any) -> Any:
        """Return P(∂)f at the point, a tuple if there are several."""
        args = tuple(map(point, args))
        x, g = self._flat(f, args)
        return self._results(self._found(g, x), args, np.ndim(x) - 1)

    def along(self, f: Function, x: Any, rows: Any) -> Any:
        """Return the same of f(x + Σ_k e_k rows_k), e_k the variables of its algebra.

        `rows` has two axes, or those of the points in front of them.
        """
        return self._results(self._found(watched(f, [x]), x, rows), (), np.ndim(x) - 1)

    def _found(self, f: Function, x: Any, rows: Any = None) -> Any:
        """Return the values of all forms, and of f, along a new last axis."""
        front, n = np.ndim(x) - 1, np.shape(x)[-1]
        each = rows is not None and np.ndim(rows) > 2
        y = np.concatenate([x, np.reshape(rows, (*np.shape(x)[:-1], -1))], -1) if each else x

        def at(y: Any) -> tuple[Any, Any]:
            """Return the points and their directions."""
            if not each:
                return y, rows
            return y[..., :n], np.reshape(y[..., n:], (*np.shape(y)[:-1], -1, n))

        def values(g: Function) -> Any:
            found = None
            if front and self.order:
                of_y = (lambda y: g(at(y)[0])) if each else g
                found = in_turn(lambda _, y: self._values(g, *at(y)), of_y, y, self.size)
            if found is not None:
                return found
            try:
                return self._values(g, x, rows)
            except NoPartials:
                return by_points(g) if front else by_tensors(g)

        def by_tensors(g: Function) -> Any:
            if rows is None:
                return self._by_tensors(g, x)
            return self._by_tensors(lambda v: g(x + v @ rows), 0 * rows[:, 0])

        def by_points(g: Function) -> Any:
            points = np.reshape(y, (-1, np.shape(y)[-1]))
            found = np.stack([self._found(g, *at(p)) for p in points])
            return np.reshape(found, (*np.shape(x)[:-1], *np.shape(found)[1:]))

        if self._apolar is None:
            return values(f)
        slow = None if front else by_tensors
        return kinks.decided(values, f, x, self.order, "the operator", slow)

    # -------------------------------------------------------------- the point
    def _flat(self, f: Function, args: Sequence[Any]) -> tuple[Any, Function]:
        """Return the point as one array, and f as a function of it."""
        sizes = self.variables.sizes
        if len(args) != len(sizes):
            names = ", ".join(sizes) if "" not in sizes else "x"
            raise TypeError(f"the operator has the variables {self.variables.names}: call it as "
                            f"P(f, {names})")  # fmt: skip
        columns = []
        for x, (name, n) in zip(args, sizes.items(), strict=True):
            if n is not None and (not np.ndim(x) or np.shape(x)[-1] != n):
                raise ShapeMismatch(
                    f"the last axis of {name or 'the point'} must have {n} elements, one for each "
                    f"variable; its shape is {np.shape(x)}"
                )
            columns.append(x if n is not None else lift(x)[..., None])
        f = watched(f, [*args])
        if len(args) == 1 and None not in sizes.values():
            return args[0], f
        try:
            lead = np.broadcast_shapes(*(np.shape(c)[:-1] for c in columns))
        except ValueError:
            each = zip(sizes, columns, strict=True)
            found = ", ".join(f"{name} {np.shape(c)[:-1]}" for name, c in each)
            raise ShapeMismatch(f"the points do not broadcast; they are {found}") from None
        whole = np.concatenate([np.broadcast_to(c, (*lead, np.shape(c)[-1])) for c in columns], -1)
        ends = np.cumsum([1 if n is None else n for n in sizes.values()]).tolist()
        places = [
            (..., end - 1 if n is None else slice(end - n, end))
            for end, n in zip(ends, sizes.values(), strict=True)
        ]
        return whole, lambda x: f(*(x[i] for i in places))

    # -------------------------------------------------------------- the sweep
    def _values(self, g: Function, x: Any, rows: Any = None) -> Any:
        front = np.ndim(x) - 1
        rounded = isinstance(Kind.of(x), Floats) and recording(x) is None
        found = self._rounded if rounded else self._apolar
        tag = fresh_tag()
        if found is None:
            y = call(g, x, tag)
            self._check(shape_of(y), x, front)
            return lift(y)[..., None]
        algebra, kind = found.algebra, Kind.of(x)
        if rows is not None:
            rows = np.moveaxis(rows, -2, 0)
        elif isinstance(kind, Floats):
            rows = found.directions.astype(kind.dtype)
        else:
            rows = kind.of(x, found.directions).array(found.directions)
        rows = np.reshape(
            rows, (len(rows), *(1,) * (front + 2 - np.ndim(rows)), *np.shape(rows)[1:])
        )
        seeds = np.broadcast_to(rows, (len(rows), *shape_of(x)))
        y = call(g, seed(Germ, x, algebra, seeds, tag), tag)
        self._check(shape_of(y), x, front)
        return _read(found, parts(y, tag, algebra.size))

    def _check(self, shape: tuple[int, ...], x: Any, front: int) -> None:
        if shape[:front] != shape_of(x)[:front]:
            raise ShapeMismatch(
                f"f returns shape {shape} for points of shape {shape_of(x)[:front]}; variables lie "
                "along the last axis: write x[..., 0] for the first of them, or take one point at "
                "a time, taylor.lanes(lambda x: ...)(points); an array as one point is "
                "x.reshape(-1)"
            )

    def _by_tensors(self, g: Function, x: Any) -> Any:
        """Return the same from all partial derivatives: where they need a higher order."""
        found = []
        for form in self._forms:
            tensor = tables(g, x, len(next(iter(form))))[0]
            found.append(sum(constant(c, x) * tensor[(..., *m)] for m, c in form.items()))
        return np.stack([*found, g(x)], -1)

    # -------------------------------------------------------------- the result
    def _results(self, found: Any, args: Sequence[Any], front: int) -> Any:
        results = tuple(self._total(summands, found, args, front) for summands in self._sums)
        return results if len(results) > 1 else results[0]

    def _total(self, summands: Any, found: Any, args: Sequence[Any], front: int) -> Any:
        """Return Σ a(x)·(Σ P_j(∂)f + c·f)."""
        total: Any = None
        for a, (places, c) in summands:
            part = constant(c, found) * found[..., -1]
            for i, b in places:
                part = part + (found[..., i] if b == 1 else constant(b, found) * found[..., i])
            if a is not None:
                factor = lift(a(*args))
                missing = np.ndim(part) - front
                if np.ndim(factor) > front:
                    raise ShapeMismatch(
                        f"the coefficient {getattr(a, '__name__', a)} returns shape "
                        f"{np.shape(factor)}: one number at each point is needed"
                    )
                part = (
                    factor[(..., *(None,) * missing)] * part if np.ndim(factor) else factor * part
                )
            total = part if total is None else total + part
        return total[()] if type(total) is np.ndarray else total


def by_code(driver: Function, f: Derivable, args: Sequence[Any], many: bool) -> Any:
    """Return driver(f, *args) of a function that has code of its own, or NotImplemented."""
    y = f.at_once(driver, args)
    if y is not None:
        return y
    if not many:  # in code of its own its products are runs, which can be fused
        return f.derived(driver, args)
    of_many = f.under(driver)
    return of_many if of_many is NotImplemented else of_many(*map(point, args))


def _summands(p: Symbol) -> list[tuple[Coefficient | None, Symbol]]:
    plain = Symbol(p.variables, p.terms)
    return [*([(None, plain)] if p.terms or not p.varying else []), *p.varying]


def _forms(p: Symbol, forms: dict[Key, int]) -> tuple[list[tuple[int, Any]], Any]:
    """Return the places of the homogeneous parts of p among the forms, and its number.

    With each place its factor: of the form of imaginary parts, i.
    """
    each = p.homogeneous()
    number = each.pop(0, {(): 0})[()]
    places = []
    for form in each.values():
        real, imaginary = ({m: getattr(c, part) for m, c in form.items()} for part in PARTS)
        for factor, part in ((1, real), (1j, imaginary)):
            terms = tuple((m, c, type(c)) for m, c in part.items() if c != 0)
            if terms:
                places.append((forms.setdefault(terms, len(forms)), factor))
    return places, number


def _of_keys(keys: Iterable[Key]) -> list[Form]:
    return [{m: c for m, c, _ in key} for key in keys]


@functools.lru_cache(maxsize=64)
def _algebra(forms: tuple[Key, ...], names: tuple[str, ...]) -> Apolar | None:
    return apolar(_of_keys(forms), names) if forms else None


@functools.lru_cache(maxsize=64)
def _rounded(forms: tuple[Key, ...], n: int) -> Apolar | None:
    return in_axes(_of_keys(forms), n) if forms else None


def _read(made: Apolar, table: Any) -> Any:
    """Return the values of all forms, and of f, of a table of coefficients."""
    read = [_combined(table, reading) for reading in made.readings]
    return np.stack([*read, table[0]], -1)


def _combined(table: Any, reading: Sequence[tuple[int, Any]]) -> Any:
    terms = [table[i] if c == 1 else constant(c, table) * table[i] for i, c in reading]
    return functools.reduce(lambda x, y: x + y, terms)
