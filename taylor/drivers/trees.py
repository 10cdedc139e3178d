"""Trees of parameters: dicts, lists, tuples, data classes, registered classes of numbers, arrays.

A tree is its leaves, in order, and a structure, which can be hashed and builds the like of other
leaves.  What is no number stands in the structure: names, flags, functions.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.operand import Operand, as_array, lift
from taylor.drivers.labelled import Labels, rule_of
from taylor.numbers.data import has_own_class, is_array_like, plain_array, what_is_lost
from taylor.numbers.kinds import Fillable, base
from taylor.numbers.values import shape_of, together

Array = Any
Flatten = Callable[[Any], tuple[Sequence[Any], Any]]
Build = Callable[[Any, Sequence[Any]], Any]
NUMBERS = (int, float, complex, np.number)
PLAIN = (float, np.float64, complex)


class Leaf(NamedTuple):
    """The place of a number or an array in a structure."""

    def __reduce__(self) -> str:
        return "LEAF"  # there is one


LEAF = Leaf()


class Still(NamedTuple):
    """What is no number: it is kept as it is."""

    cls: type  # as True == 1
    value: Any


class Content:
    """What cannot be hashed, or is equal to others, kept by what it holds."""

    def __init__(self, key: Any, x: Any) -> None:
        self.key, self.value = key, copy.copy(x)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Content) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class Branch(NamedTuple):
    """A container in a structure: what it is made by, what it is made with, what is in it."""

    cls: type
    aux: Any
    children: tuple[Any, ...]


def _of_dict(x: Mapping[Any, Any]) -> tuple[Sequence[Any], Any]:
    return list(x.values()), tuple(x)


def _of_fields(x: Any) -> tuple[Sequence[Any], Any]:
    names = tuple(f.name for f in dataclasses.fields(x))
    return [getattr(x, name) for name in names], (type(x), names)


def _with_fields(aux: Any, children: Sequence[Any]) -> Any:
    cls, names = aux
    found = object.__new__(cls)  # not by its __init__, which may check or convert its arguments
    for name, child in zip(names, children, strict=True):
        object.__setattr__(found, name, child)
    return found


def _named(aux: Any, children: Sequence[Any]) -> Any:
    return aux(*children)


CLASSES: dict[type, tuple[Flatten, Build]] = {
    dict: (_of_dict, lambda keys, children: dict(zip(keys, children, strict=True))),
    collections.OrderedDict: (
        _of_dict,
        lambda keys, children: collections.OrderedDict(zip(keys, children, strict=True)),
    ),
    collections.defaultdict: (
        lambda x: (list(x.values()), (x.default_factory, tuple(x))),
        lambda aux, children: collections.defaultdict(aux[0], zip(aux[1], children, strict=True)),
    ),
    list: (lambda x: (x, None), lambda _, children: list(children)),
    tuple: (lambda x: (x, None), lambda _, children: tuple(children)),
}
FIELDS = (_of_fields, _with_fields)
NAMED: tuple[Flatten, Build] = (lambda x: (x, type(x)), _named)


def register(cls: type, flatten: Flatten, build: Build) -> type:
    """Let objects of a class be trees of parameters, and return the class.

    flatten(x) returns its children (numbers, arrays or trees) and what else makes it, which must be
    hashable; build(that, children) makes one of other children.

    >>> class Line:
    ...     def __init__(self, slope, offset):
    ...         self.slope, self.offset = slope, offset
    >>> Line is register(Line, lambda x: ((x.slope, x.offset), None), lambda _, c: Line(*c))
    True
    >>> import taylor
    >>> taylor.gradient(lambda l: l.slope * 3.0 + l.offset, Line(2.0, 1.0)).slope
    np.float64(3.0)
    """
    if not (isinstance(cls, type) and callable(flatten) and callable(build)):
        raise TypeError("register takes a class and two functions: register(cls, flatten, build)")
    CLASSES[cls] = flatten, build
    return cls


def _rule(x: Any) -> tuple[Flatten, Build] | None:
    """Return how a container is taken apart; None for what is none."""
    cls = type(x)
    if cls is np.ndarray:
        return None
    if cls not in CLASSES and (found := rule_of(cls)) is not None:
        register(cls, *found)
    if cls in CLASSES:
        return None if cls in (list, tuple) and is_array(x) else CLASSES[cls]
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return NAMED
    if dataclasses.is_dataclass(x) and not isinstance(x, (type, Operand)):
        return FIELDS
    return None


def is_array(x: Sequence[Any]) -> bool:
    """Whether a list or tuple stands for an array: of numbers, or of alike lists of them."""
    if not x or not all(isinstance(e, (list, tuple)) and not hasattr(e, "_fields") for e in x):
        return all(map(_is_number, x))
    return all(map(is_array, x)) and len({np.shape(lift(e)) for e in x}) == 1


def _is_number(x: Any) -> bool:
    """Whether x is a number of some kind, or an array of no axes."""
    if isinstance(x, (bool, str, bytes, list, tuple)):
        return False
    return hasattr(x, "__add__") and getattr(x, "ndim", 0) == 0


def is_tree(x: Any) -> bool:
    """Whether x is a container of numbers and arrays, and not one of them."""
    return _rule(x) is not None


def is_leaf(x: Any) -> bool:
    """Whether x is a number, an array or a list of them, which can vary."""
    if type(x) is dict:
        return False
    if isinstance(x, (*NUMBERS, Operand)):
        return not isinstance(x, bool)
    if hasattr(x, "__taylor_value__"):
        return is_leaf(x.__taylor_value__())
    if is_array_like(x):
        return bool(what_is_lost(x)) or _of_numbers(plain_array(x))
    return is_array(x) if isinstance(x, (list, tuple)) else _is_number(x)


def _of_numbers(x: Array) -> bool:
    return x.dtype.kind in "iufc" or (x.dtype == object and all(map(_is_number, x.flat)))


def is_input(x: Any) -> bool:
    """Whether a leaf that does not vary is data: no whole number, flag, shape or labelled array.

    Nor one of a class that results have, too.
    """
    if type(x) is np.ndarray:
        return x.dtype.kind in "iufcO"
    if isinstance(x, (int, np.integer, range)):
        return False
    if is_array_like(x) and (what_is_lost(x) or rule_of(type(x)) is not None or has_own_class(x)):
        return False
    if type(x) is tuple and all(isinstance(e, (int, np.integer)) for e in x):
        return False
    return is_leaf(x)


def flatten(
    x: Any,
    leaf: Callable[[Any], bool] = is_leaf,
    still: Callable[[type, Any], Still] = Still,
    sequences: tuple[type, ...] = (),
) -> tuple[list[Any], Any]:
    """Return the leaves of a tree and its structure; `still` says how that holds what is no leaf.

    Of `sequences` (list, tuple) those of plain numbers are trees, too.

    >>> flatten({"w": np.ones(2), "b": 0.0, "name": "net"})[0]
    [array([1., 1.]), 0.0]
    """
    leaves: list[Any] = []

    def structure(x: Any) -> Any:
        if type(x) in PLAIN or (type(x) is np.ndarray and x.dtype.kind in "fc"):
            leaves.append(x)
            return LEAF
        if isinstance(x, Fillable):
            return structure(x.content())
        if type(x) is dict:
            return Branch(dict, tuple(x), tuple(map(structure, x.values())))
        rule = CLASSES[type(x)] if type(x) in sequences else _rule(x)
        if rule is not None:
            children, aux = rule[0](x)
            return Branch(type(x), aux, tuple([structure(child) for child in children]))
        if not leaf(x):
            return still(type(x), x)
        leaves.append(as_array(x))
        return LEAF

    return leaves, structure(x)


def taker(structure: Any) -> Callable[[Any], list[Any] | None] | None:
    """Return what takes the leaves of a dict, list or tuple of numbers and arrays, or of such.

    It returns None for what has, or may have, another structure; there is none for other trees.
    That what is in a dict is numbers and arrays is left to who takes it.
    """
    cls = structure.cls if type(structure) is Branch else None
    if cls not in (dict, list, tuple):
        return None
    aux: Any = structure.aux
    inner: list[Any] = [c is LEAF or taker(c) for c in structure.children]
    if None in inner:
        return None
    flat = all(c is True for c in inner)
    tree = cls is dict or not flat

    def of_dict(x: Any) -> list[Any] | None:
        """Take what is in a dict of numbers and arrays, the usual case."""
        return [*x.values()] if type(x) is dict and tuple(x) == aux else None

    def take(x: Any) -> list[Any] | None:
        if type(x) is not cls or len(x) != len(inner) or (cls is dict and tuple(x) != aux):
            return None
        found: list[Any] = []
        known = tree  # else the sequence may stand for an array
        children = x.values() if isinstance(x, dict) else x
        for value, within in zip(children, inner, strict=True):
            if within is not True:
                if (part := within(value)) is None:
                    return None
                found += part
            elif type(value) is np.ndarray and value.dtype.kind in "fc":
                found.append(value)
                known = known or value.ndim > 0
            elif type(value) in PLAIN:
                found.append(value)
            else:
                return None
        return found if known else None

    return of_dict if flat and cls is dict else take


def planned(structures: Sequence[Any], f: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return f of the leaves of one argument, which takes it if it has that structure, else None.

    The structures are those of the arguments and of keywords; None: not of one tree.
    """
    take = taker(structures[0]) if len(structures) == 2 else None
    if take is None:
        return None

    def call(*x: Any) -> Any:
        leaves = take(x[0]) if len(x) == 1 else None
        return None if leaves is None else f(*leaves)

    return call


def build(structure: Any, leaves: Iterator[Any]) -> Any:
    """Return the tree of a structure with other leaves.

    >>> leaves, structure = flatten({"w": (1.0, np.zeros(2)), "b": 0.0})
    >>> build(structure, iter("abc"))
    {'w': ('a', 'b'), 'b': 'c'}
    """
    if structure is LEAF:
        return next(leaves)
    if type(structure) is Still:
        value = structure.value
        return copy.copy(value.value) if type(value) is Content else value
    cls, aux, children = structure
    if cls is dict:  # the usual case
        inside = [next(leaves) if c is LEAF else build(c, leaves) for c in children]
        return dict(zip(aux, inside, strict=True))
    make = CLASSES[cls][1] if cls in CLASSES else NAMED[1] if hasattr(cls, "_fields") else FIELDS[1]
    return make(aux, [build(child, leaves) for child in children])


def maker(structure: Any) -> Callable[[Iterator[Any]], Any]:
    """Return what builds trees of a structure, one after the other, of their leaves."""
    if structure is LEAF:
        return next
    if type(structure) is Branch and structure.cls is dict:
        if all(child is LEAF for child in structure.children):
            keys = structure.aux
            return lambda leaves: dict(zip(keys, leaves, strict=False))
        parts = [*zip(structure.aux, map(maker, structure.children), strict=True)]
        return lambda leaves: {key: make(leaves) for key, make in parts}
    if type(structure) is Branch and structure.cls is tuple:
        inner = [*map(maker, structure.children)]
        return lambda leaves: tuple([make(leaves) for make in inner])
    return lambda leaves: build(structure, leaves)


def count(structure: Any) -> int:
    """Return how many leaves a structure has."""
    return 1 if structure is LEAF else sum(map(count, getattr(structure, "children", ())))


def builder(structure: Any) -> Callable[[Any], Any] | bool:
    """Return what builds a tree of the tuple of its leaves.

    True: it is the tuple, False: it is its only entry.
    """
    if structure is LEAF:
        return False
    if structure[:2] == (tuple, None) and all(child is LEAF for child in structure.children):
        return True
    return lambda leaves: build(structure, iter(leaves))


def mapped(f: Callable[[Any], Any], tree: Any) -> Any:
    """Return the tree of f of the leaves."""
    leaves, structure = flatten(tree)
    return build(structure, iter([f(x) for x in leaves]))


def entrywise(f: Callable[[Any], Any], x: Any) -> Any:
    """Return the tree of f of the leaves and of all else in a tree; lists stay lists."""
    rule = CLASSES[type(x)] if type(x) in (list, tuple) else _rule(x)
    if rule is None:
        return f(x)
    children, aux = rule[0](x)
    return rule[1](aux, [entrywise(f, child) for child in children])


def like(structure: Any, x: Any, what: str, path: str = "", of: str = "the point") -> Iterator[Any]:
    """Yield the leaves of x, a tree that must be like another one: dicts by their keys."""
    labelled = type(structure) is Branch and isinstance(structure.aux, Labels)
    if structure is LEAF or (labelled and len(structure.children) == 1 and _is_plain(x)):
        yield x
    elif type(structure) is Branch:
        rule = _rule(x) or CLASSES.get(type(x))
        cls, aux, children = structure
        found, other = rule[0](x) if rule is not None else ((), aux)
        if labelled and other != aux:
            raise TypeError(f"{what} must have the labels of {of}")
        if isinstance(x, dict) and issubclass(cls, dict):
            keys = aux if cls is not collections.defaultdict else aux[1]
            found = [x[k] for k in keys] if set(keys) == set(x) else ()
        if rule is None or len(found) != len(children):
            wanted = f" with {list(aux)}" if cls is dict else f" of {len(children)}"
            raise TypeError(
                f"{what} must have the form of {of}: {path or 'it'} is "
                f"{_described(x)}, not like {cls.__name__}{wanted}"
            )
        names = aux if cls is dict else range(len(children))
        for name, child, part in zip(names, children, found, strict=True):
            yield from like(child, part, what, f"{path}[{name!r}]", of)


def opened(x: Any) -> Branch | None:
    """Return a container with what is in it as its children; None for what is none."""
    if (rule := _rule(x)) is None:
        return None
    children, aux = rule[0](x)
    return Branch(type(x), aux, tuple(children))


def names_of(structure: Branch) -> Sequence[Any]:
    """Return the keys, the names of fields or the numbers of what is in a container."""
    aux = structure.aux
    if issubclass(structure.cls, dict):
        return tuple(aux if structure.cls is not collections.defaultdict else aux[1])
    fields = structure.cls not in CLASSES and dataclasses.is_dataclass(structure.cls)
    return tuple(aux[1]) if fields else range(len(structure.children))


def _is_plain(x: Any) -> bool:
    return type(x) is np.ndarray or isinstance(x, Operand)


def _described(x: Any) -> str:
    if isinstance(x, dict):
        return f"{type(x).__name__} with {list(x)}"
    return f"{type(x).__name__} of {len(x)}" if hasattr(x, "__len__") else type(x).__name__


def pack(tree: Any) -> tuple[Array, Callable[[Any], Any]]:
    """Return the leaves of a tree as one vector, and the function that makes a tree of a vector.

    For optimisers and solvers, which take one array: minimize(lambda x: f(unpack(x)), x).

    >>> x, unpack = pack({"w": np.array([[1.0, 2.0]]), "b": 3.0})
    >>> x
    array([1., 2., 3.])
    >>> unpack(2 * x)
    {'w': array([[2., 4.]]), 'b': np.float64(6.0)}
    """
    leaves, structure = flatten(tree)
    vector, parts = joined(leaves)

    def unpack(x: Any) -> Any:
        x = as_array(x)
        if np.shape(x) != np.shape(vector):
            raise ValueError(
                f"unpack takes a vector of {np.size(vector)} numbers, not shape {np.shape(x)}"
            )
        return build(structure, iter(parts(x)))

    return vector, unpack


def joined(leaves: Sequence[Any]) -> tuple[Any, Callable[[Any], list[Any]]]:
    """Return arrays as one vector, and the function that takes such vectors apart again."""
    shapes = [shape_of(x) for x in leaves]
    sizes = [*map(math.prod, shapes)]
    ends = [*itertools.accumulate(sizes)]

    def apart(z: Any) -> list[Any]:
        return [
            z[end - n : end].reshape(shape)[()]
            for n, end, shape in zip(sizes, ends, shapes, strict=True)
        ]

    flat = [
        np.reshape(as_array(x), -1) if len(s) != 1 else as_array(x)
        for x, s in zip(leaves, shapes, strict=True)
    ]
    kinds = [base(x).dtype.kind for x in flat]
    if "O" in kinds:  # exact beside whole numbers stays exact
        flat = list(together(*flat))
        kinds = [base(x).dtype.kind for x in flat]
    flat = [x.astype(float) if k in "iub" else x for x, k in zip(flat, kinds, strict=True)]
    if len(flat) == 1:
        return flat[0], apart
    return (np.concatenate(flat) if flat else np.zeros(0)), apart


def as_one(args: Sequence[Any]) -> tuple[Any, Callable[[Any], list[Any]]]:
    """Return arrays as one: joined, or the only one as it is."""
    return (args[0], lambda z: [z]) if len(args) == 1 else joined(args)
