"""Functions whose results are trees: a driver's answer has their form, leaf by leaf.

The leaves of what f returns become one vector, which the driver differentiates; the answer is cut
along the axis of that vector.  A list or tuple that is one array stays one.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.operand import as_array, lift
from taylor.drivers import trees
from taylor.drivers.arguments import Form, is_plain, of_tuple
from taylor.drivers.derivable import Derivable
from taylor.errors import ShapeMismatch, TaylorError
from taylor.numbers.kinds import is_operand
from taylor.numbers.values import shape_of

Array = Any
Function = Callable[..., Any]
Options = tuple[bool, Any, bool]  # of a driver: whether it has one array, argnums and has_aux
ARRAYS = (np.ndarray, float, np.float64)


class NoTree(Exception):
    """What f returns is no tree."""


class Parts(NamedTuple):
    """How the leaves of a tree lie in one vector."""

    structure: Any
    shapes: tuple[tuple[int, ...], ...]

    def cut(self, answer: Any, axis: int) -> Any:
        """Return the tree of the parts of an answer, or of a tree of them, along an axis."""
        before = (slice(None),) * axis
        sizes = [*map(math.prod, self.shapes)]

        def part(n: int, end: int, shape: tuple[int, ...]) -> Any:
            def of(x: Any) -> Any:
                y = x if len(sizes) == 1 else x[(*before, slice(end - n, end))]
                if len(shape) == 1:
                    return y
                own = shape_of(y)
                return y.reshape((*own[:axis], *shape, *own[axis + 1 :]))[()]

            return of(answer) if type(answer) is np.ndarray else trees.mapped(of, answer)

        ends = itertools.accumulate(sizes)
        return trees.build(self.structure, map(part, sizes, ends, self.shapes))

    def answer(self, form: Form, found: Any, aux: bool) -> Any:
        """Return what a driver gives, and aux if there is, in the form of the results of f."""
        if len(form.results) == 1 and not aux:
            return found if form.results[0] is None else self.cut(found, form.results[0])
        own, more = found[: len(form.results)], found[len(form.results) :]
        pairs = zip(own, form.results, strict=True)
        return (*(y if a is None else self.cut(y, a) for y, a in pairs), *more)

    def vector(self, name: str, w: Any) -> Any:
        """Return a tree that must be like the results of f, dicts in any order, as one vector."""
        return trees.joined(list(trees.like(self.structure, w, name, of="the results of f")))[0]


def joined(y: Any) -> tuple[Any, Parts | None]:
    """Return the leaves of a tree as one vector, and how they lie in it; others as they are.

    >>> joined({"a": 1.0, "b": np.zeros(2)})[0]
    array([1., 0., 0.])
    """
    if type(y) in ARRAYS or is_operand(y) or not trees.is_tree(y):
        return y, None
    if isinstance(y, (list, tuple)) and not hasattr(y, "_fields"):
        whole = _one_array(y)
        if whole is not None:
            return whole, None
    leaves, structure = trees.flatten(y)
    if not leaves or _is_mistaken(structure):
        return y, None
    return trees.joined(leaves)[0], Parts(structure, tuple(map(shape_of, leaves)))


def _one_array(y: Sequence[Any]) -> Any:
    """Return a list or tuple as one array; None if it is none."""
    try:
        whole = lift(list(y))
        return whole if is_operand(whole) else as_array(whole)
    except (TypeError, ValueError):
        return None


def _is_mistaken(structure: Any) -> bool:
    """Whether a list or tuple holds what is no number; a dict may keep a name beside numbers."""
    if not isinstance(structure, trees.Branch):
        return False
    lists = structure.cls in (list, tuple)
    return any(
        (lists and isinstance(c, trees.Still)) or _is_mistaken(c) for c in structure.children
    )


def flattened(f: Function, aux: bool) -> tuple[Function, list[Parts | None]]:
    """Return a function of which a tree that f returns, the first of two with aux, is one vector.

    And the forms of its results so far.
    """
    seen: list[Parts | None] = []

    def flat(*args: Any, **named: Any) -> Any:
        found = f(*args, **named)
        if is_operand(found):  # the usual case
            return found
        if not aux:
            vector, parts = joined(found)
            seen.append(parts)
            return vector
        if not (isinstance(found, (tuple, list)) and len(found) == 2):
            return found  # a mistake, which is told where it is taken apart
        vector, parts = joined(found[0])
        seen.append(parts)
        return vector, found[1]

    flat.__wrapped__ = f  # type: ignore[attr-defined]
    return flat, seen


def _vector(f: Function, *args: Any, **named: Any) -> Any:
    return flattened(f, False)[0](*args, **named)


def _vector_and_aux(f: Function, *args: Any, **named: Any) -> Any:
    return flattened(f, True)[0](*args, **named)


def _looked_at(
    form: Form, f: Derivable, given: Sequence[Any], named: Mapping[str, Any], aux: bool
) -> Parts:
    """Return the form of the results of a compiled f, by its code if that is a tree."""
    function: Any = f
    if not f.returns_trees:
        function = inspect.unwrap(function, stop=lambda g: not isinstance(g, Derivable))
    flat, seen = flattened(function, aux)
    args, rest = of_tuple(form, function, given, dict(named))
    try:
        flat(*[as_array(x) if is_plain(x) else x for x in args], **rest)
    except Exception as error:  # f itself fails, as it did before
        raise NoTree from error
    if not seen or seen[-1] is None:
        raise NoTree
    return seen[-1]


def in_form(
    form: Form, driver: Function, f: Function, given: Any, named: Any, options: Options
) -> Any:
    """Return driver(f, given, named, options) in the form of what f returns, which runs once.

    Result i of the driver has the results of f along form.results[i] (None: not at all), its
    argument form.seed, the second, has their form.
    """
    if options[0] and form.seed is None:
        return _of_one(form, f, given)
    flat, seen = flattened(f, options[2])
    if form.seed is None:
        found = driver(flat, given, named, options)
        return found if not seen or seen[-1] is None else seen[-1].answer(form, found, options[2])
    w = given[1] if len(given) > 1 else named.get(form.seed)
    vector, like = joined(w)
    try:
        first = (given, named) if like is None else _seeded(form, given, named, vector)
        found = driver(flat, *first, options)
    except ShapeMismatch:
        parts = seen[-1] if seen else None
        if parts is None or (like is not None and like.structure == parts.structure):
            raise
    parts = seen[-1] if seen else None
    if parts is None:  # f returns no tree: w may be none, either
        return found if like is None else driver(flat, given, named, options)
    if like is None or like.structure != parts.structure:  # a dict in another order, perhaps
        w = parts.vector(f"{form.g.__name__}: {form.seed}", w)
        found = driver(flat, *_seeded(form, given, named, w), options)
    return parts.answer(form, found, options[2])


def _of_one(form: Form, f: Function, given: Sequence[Any]) -> Any:
    """Return what a driver gives of one array, the shortest way."""
    parts: Parts | None = None

    def flat(x: Any) -> Any:
        nonlocal parts
        y = f(x)
        if not is_operand(y):
            y, parts = joined(y)
        return y

    flat.__wrapped__ = f  # type: ignore[attr-defined]
    found = form.one(flat, *given)
    return found if parts is None else parts.answer(form, found, False)


def _seed(form: Form, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
    return given[1] if len(given) > 1 else named.get(str(form.seed))


def _seeded(form: Form, given: Sequence[Any], named: Mapping[str, Any], w: Any) -> Any:
    """Return the arguments of a driver with w in place of what has the form of the results."""
    if len(given) > 1:
        return (given[0], w, *given[2:]), named
    return given, {**named, str(form.seed): w}


def by_code(
    form: Form, driver: Function, run: Function, f: Derivable, given: Any, named: Any,
    options: Options,
) -> Any:  # fmt: skip
    """Return what a driver gives for a compiled f in the form of what f returns: see `in_form`.

    Of a tree it is `run`, the whole driver, that differentiates the vector of its leaves.
    """
    lost = None
    if not f.returns_trees:
        try:
            return driver(f, given, named, options)
        except (TypeError, ValueError) as error:
            if isinstance(error, TaylorError) and not isinstance(error, ShapeMismatch):
                raise
            lost = error
    try:
        return _in_trees(form, run, f, given, named, options)
    except NoTree:
        if lost is not None:
            raise lost from None
    return driver(f, given, named, options)


def _in_trees(
    form: Form,
    run: Function,
    f: Derivable,
    given: Sequence[Any],
    named: Mapping[str, Any],
    options: Options,
) -> Any:
    """Return what a driver gives for a compiled function that returns a tree, by its code."""
    _, argnums, aux = options
    g = f.under(_vector_and_aux if aux else _vector)
    if g is NotImplemented:
        raise NoTree
    parts = _looked_at(form, f, given, named, aux)
    f.returns_trees = True
    if form.seed is not None:
        w = parts.vector(f"{form.g.__name__}: {form.seed}", _seed(form, given, named))
        given, named = _seeded(form, given, named, w)
    return parts.answer(form, run(g, *given, argnums=argnums, has_aux=aux, **named), aux)
