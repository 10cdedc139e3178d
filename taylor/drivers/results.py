"""Functions whose results are trees: a driver's answer has their form, leaf by leaf.

The leaves of what f returns become one vector, which the driver differentiates; the answer is cut
along the axis of that vector.  A list or tuple that is one array stays one.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.operand import as_array, lift
from taylor.drivers import trees
from taylor.drivers.arguments import Form, is_plain, of_tuple
from taylor.drivers.derivable import Derivable
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import is_operand

Array = Any
Function = Callable[..., Any]


class NoTree(Exception):
    """What f returns is no tree."""


class NoArray(TypeError):
    """What f returns is a tree, as is known of it."""


class Parts(NamedTuple):
    """How the leaves of a tree lie in one vector."""

    structure: Any
    shapes: tuple[tuple[int, ...], ...]

    def cut(self, answer: Any, axis: int) -> Any:
        """Return the tree of the parts of an answer, or of a tree of them, along an axis."""
        before = (slice(None),) * axis

        def part(n: int, end: int, shape: tuple[int, ...]) -> Any:
            def of(x: Any) -> Any:
                y = x[(*before, slice(end - n, end))]
                return y.reshape((*np.shape(y)[:axis], *shape, *np.shape(y)[axis + 1 :]))[()]

            return trees.mapped(of, answer)

        sizes = [int(np.prod(shape)) for shape in self.shapes]
        ends = itertools.accumulate(sizes)
        return trees.build(self.structure, map(part, sizes, ends, self.shapes))


def joined(y: Any) -> tuple[Any, Parts]:
    """Return the leaves of a tree as one vector, and how they lie in it; raise NoTree for others.

    >>> joined({"a": 1.0, "b": np.zeros(2)})[0]
    array([1., 0., 0.])
    """
    if not trees.is_tree(y) or _is_one_array(y):
        raise NoTree
    leaves, structure = trees.flatten(y)
    if not leaves or _is_mistaken(structure):
        raise NoTree
    return trees.joined(leaves)[0], Parts(structure, tuple(np.shape(x) for x in leaves))


def _is_one_array(y: Any) -> bool:
    if not isinstance(y, (list, tuple)) or hasattr(y, "_fields"):
        return False
    try:
        whole = lift(list(y))
        if not is_operand(whole):
            as_array(whole)
    except (TypeError, ValueError):
        return False
    return True


def _is_mistaken(structure: Any) -> bool:
    """Whether a list or tuple holds what is no number; a dict may keep a name beside numbers."""
    if not isinstance(structure, trees.Branch):
        return False
    lists = structure.cls in (list, tuple)
    return any(
        (lists and isinstance(c, trees.Still)) or _is_mistaken(c) for c in structure.children
    )


class Flat:
    """A function of which the tree it returns (the first of two, with `aux`) is one vector."""

    def __init__(self, f: Function, aux: bool) -> None:
        self.__wrapped__ = f
        self.aux = aux
        self.parts: Parts | None = None

    def __call__(self, *args: Any, **named: Any) -> Any:
        found = self.__wrapped__(*args, **named)
        y, *aux = found if self.aux else (found,)
        vector, self.parts = joined(y)
        return (vector, *aux) if self.aux else vector


def _vector(f: Function, *args: Any, **named: Any) -> Any:
    return Flat(f, False)(*args, **named)


def _vector_and_aux(f: Function, *args: Any, **named: Any) -> Any:
    return Flat(f, True)(*args, **named)


def _looked_at(
    form: Form, f: Derivable, given: Sequence[Any], named: Mapping[str, Any], aux: bool
) -> Flat:
    """Return what knows the form of the results of a compiled f, by its code if that is a tree."""
    function: Any = f
    if not f.returns_trees:
        function = inspect.unwrap(function, stop=lambda g: not isinstance(g, Derivable))
    flat = Flat(function, aux)
    args, rest = of_tuple(form, function, given, dict(named))
    flat(*[as_array(x) if is_plain(x) else x for x in args], **rest)
    return flat


def in_trees(
    form: Form,
    run: Function,
    f: Function,
    given: Sequence[Any],
    named: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Any:
    """Return what a driver gives for a function whose results are a tree; raise NoTree for others.

    Result i of the driver has the results of f along form.results[i] (None: not at all), its
    argument form.seed, the second, has their form.
    """
    if isinstance(f, Flat):
        raise NoTree
    aux, seed = bool(options["has_aux"]), form.seed
    flat = Flat(f, aux)
    g = f.under(_vector_and_aux if aux else _vector) if isinstance(f, Derivable) else flat
    g = flat if g is NotImplemented else g
    w = named.get(seed, given[1] if len(given) > 1 else None) if seed else None
    vector, like = joined(w) if trees.is_tree(w) and not _is_one_array(w) else (None, None)

    def answered(vector: Any) -> Any:
        if vector is None or seed is None:
            return run(g, *given, **named, **options)
        if len(given) > 1:
            return run(g, given[0], vector, *given[2:], **named, **options)
        return run(g, *given, **(dict(named) | {seed: vector}), **options)

    try:
        if isinstance(f, Derivable) and g is not flat:
            flat = _looked_at(form, f, given, named, aux)
        found = answered(vector)
    except Exception as error:
        if flat.parts is None:  # f itself fails, as it did before
            raise NoTree from error
        form_is_right = like is not None and like.structure == flat.parts.structure
        if not isinstance(error, ShapeMismatch) or seed is None or form_is_right:
            raise
    assert flat.parts is not None
    if isinstance(f, Derivable):
        f.returns_trees = True
    structure = flat.parts.structure
    if seed is not None and (like is None or like.structure != structure):
        # a dict in another order, perhaps
        what = f"{run.__name__}: {seed}"
        leaves = list(trees.like(structure, w, what, of="the results of f"))
        found = answered(trees.joined(leaves)[0])
    alone = len(form.results) == 1
    each, more = ((found[0],), found[1:]) if alone and aux else ((found,), ())
    if not alone:
        each, more = found[: len(form.results)], found[len(form.results) :]
    answers = [
        y if a is None else flat.parts.cut(y, a) for y, a in zip(each, form.results, strict=True)
    ]
    return answers[0] if alone and not more else (*answers, *more)
