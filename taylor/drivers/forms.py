"""The forms of arguments that a function is compiled for: what its inputs are, and what is fixed.

Numbers and arrays are inputs of the code; whole numbers that do not vary, flags and arrays of them,
names and functions are part of what is compiled.
"""

from __future__ import annotations

import enum
import functools
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from taylor.core.conditions import Condition
from taylor.core.instructions import Input
from taylor.core.operand import Operand
from taylor.core.program import Program
from taylor.drivers import trees
from taylor.drivers.arguments import OfSeveral
from taylor.errors import GuardError, TaylorError
from taylor.llvm.ir import WIDTH
from taylor.machine.machine import GUARD, OK, Machine
from taylor.machine.partials import Partials
from taylor.numbers.data import has_own_class, is_array_like, plain_array, what_is_lost
from taylor.numbers.kinds import base, content

Structures = tuple[Any, ...]  # of the arguments, and of the dict of keywords
Pattern = tuple[bool, ...]  # which arguments are complex; empty if none is
FIXED = (
    int, str, bytes, type(None), enum.Enum, type, types.FunctionType, types.BuiltinFunctionType,
    np.ufunc, range, np.dtype, np.generic, tuple, trees.Content,
)  # fmt: skip
SMALL = 1 << 16  # bytes of flags or names that are part of what is compiled


UNNAMED = trees.Branch(dict, (), ())  # the structure of no keywords
EXACT = 1 << 53  # the whole numbers up to here are floats


def apart(
    args: Sequence[Any], vary: Sequence[int], named: dict[str, Any]
) -> tuple[list[list[Any]], Structures]:
    """Return the leaves and the structures of arguments, some of which vary, and of keywords.

    The first whole number, if it is no flag and a float, is an input where nothing else is.
    """
    each: list[list[Any]] = []
    structures: list[Any] = []
    for i, x in enumerate((*args, named)):
        if type(x) is np.ndarray and x.dtype.kind in "fc":  # most of all there are
            each.append([x])
            structures.append(trees.LEAF)
            continue
        if x is named and not named:
            each.append([])
            structures.append(UNNAMED)
            continue
        leaves, structure = trees.flatten(x, trees.is_leaf if i in vary else trees.is_input, still)
        each.append(leaves)
        structures.append(structure)
    flag = not args or isinstance(args[0], (bool, np.bool_))
    flag = flag or (type(args[0]) is int and abs(args[0]) > EXACT) or has_own_class(args[0])
    if not (vary or any(each) or flag) and trees.is_leaf(args[0]):
        return apart(args, (0,), named)
    return each, tuple(structures)


def still(cls: type, x: Any) -> trees.Still:
    """Return what is no number as part of a structure: by its contents where these are plain."""
    key: Any = None
    if cls is slice:
        key = x.start, x.stop, x.step
    elif cls in (set, frozenset):
        key = (*x,)
    elif cls is np.ndarray and x.dtype.kind in "bSUMm" and x.nbytes <= SMALL:
        return trees.Still(trees.Content, trees.Content((x.dtype.str, x.shape, x.tobytes()), x))
    if key is not None and all(isinstance(e, (int, str, bytes, type(None))) for e in key):
        key = cls, frozenset(key) if cls in (set, frozenset) else key
        return trees.Still(trees.Content, trees.Content(key, x))
    return trees.Still(cls, x)


def is_fixed(structure: Any) -> bool:
    """Whether what a tree holds besides numbers and arrays cannot change."""
    if isinstance(structure, trees.Branch):
        return all(map(is_fixed, structure.children))
    return structure is trees.LEAF or issubclass(structure.cls, FIXED)


def of_leaves(f: Callable[..., Any], structures: Structures) -> Callable[..., Any] | None:
    """Return f as a function of leaves; None where its arguments are leaves already."""
    *plain, named = structures
    if all(s is trees.LEAF for s in plain) and not named.children:
        return None

    @functools.wraps(f)
    def g(*leaves: Any) -> Any:
        rest = iter(leaves)
        *args, named = [trees.build(s, rest) for s in structures]
        return f(*args, **named)

    return g


def of_results(y: Any) -> tuple[list[Any], Any]:
    """Return the numbers and arrays that a recorded function returns, and the structure of it.

    TaylorError: it holds what may change.
    """
    y = trees.entrywise(lambda x: x.number() if isinstance(x, Condition) else x, y)
    leaves, structure = trees.flatten(y, _is_result, _still_of_result, (list, tuple))
    if type(structure) is not trees.Branch:
        return [y], trees.LEAF
    if not is_fixed(structure):
        raise TaylorError("its results are more than numbers, arrays and names")
    return leaves, structure


class Typed:
    """A result of another type than the floats of a machine: a flag, a whole number, an array."""


def _typed(own: Any, children: Sequence[Any]) -> Any:
    x = base(children[0])
    return own(x) if isinstance(own, type) else np.asarray(x).astype(own)[()]


trees.CLASSES[Typed] = (lambda x: ([x], None), _typed)


def untold(program: Program) -> list[bool]:
    """Return which results may be of other types than floats: none that is computed of an input."""
    found: list[bool] = []
    for op, args, _ in program.code:
        found.append(type(op) is not Input and all(found[a] for a in op.made_of(args)))
    return [found[i] for i in program.outputs]


def with_types(structure: Any, may: Sequence[bool], y: Callable[[], Any]) -> Any:
    """Return the structure of results with the types of those that may have other ones.

    y() is what the function itself gives for plain numbers.
    """
    if not any(may):
        return structure
    with np.errstate(all="ignore"):
        plain = trees.entrywise(content, y())
    each = zip(may, trees.like(structure, plain, "what it returns of numbers"), strict=True)
    return _marked(structure, (type_of(*e) for e in each))


def _marked(structure: Any, leaves: Iterator[Any]) -> Any:
    """Return a structure with others in the place of its leaves, in order."""
    if isinstance(structure, trees.Branch):
        children = tuple([_marked(child, leaves) for child in structure.children])
        return structure._replace(children=children)
    return next(leaves) if structure is trees.LEAF else structure


def type_of(other: bool, y: Any) -> Any:
    """Return the structure of a result that may be of another type, which is that of y."""
    array = np.asarray(y)
    if not other or array.dtype in (FLOAT, COMPLEX) or array.dtype.kind not in "biuf":
        return trees.LEAF
    if array.dtype.kind in "iu" and array.size and abs(array.astype(float)).max() >= EXACT:
        raise TaylorError("its result is a whole number above 2**53")
    own = type(y) if isinstance(y, int) else array.dtype
    return trees.Branch(Typed, own, (trees.LEAF,))


class Constant:
    """A result that does not vary, among series: its value."""


trees.CLASSES[Constant] = (lambda x: ([x], None), lambda _, children: children[0].value)


def varies(program: Program, heights: Sequence[int]) -> list[bool]:
    """Return which results depend on inputs that are series of some height."""
    found: list[bool] = []
    for op, args, _ in program.code:
        given = isinstance(op, Input) and heights[op.n] > 0
        sides = op.made_of(args) or args  # of a choice, whatever decides it
        found.append(given or any(found[a] for a in sides))
    return [found[i] for i in program.outputs]


def with_constants(structure: Any, vary: Sequence[bool]) -> Any:
    """Return the structure of results of which some do not vary."""
    constant = trees.Branch(Constant, None, (trees.LEAF,))
    return _marked(structure, (trees.LEAF if v else constant for v in vary))


def _is_result(x: Any) -> bool:
    plain = isinstance(x, np.ndarray) and x.dtype.kind == "O"
    return plain or isinstance(x, (Operand, np.inexact))


def _still_of_result(cls: type, x: Any) -> trees.Still:
    if cls is np.ndarray and x.dtype.kind in "iu" and x.nbytes <= SMALL:  # positions, say
        return trees.Still(trees.Content, trees.Content((x.dtype.str, x.shape, x.tobytes()), x))
    return still(cls, x)


FLOAT, COMPLEX = np.dtype(float), np.dtype(complex)


def floats(x: Sequence[Any], whole: bool = True) -> tuple[Any, Pattern]:
    """Return the arguments as float64 or complex128 arrays, and which of them are complex.

    None for the arguments if some are other numbers (or, unless `whole`, integers and flags, which
    are no inputs); nothing for the rest if none is complex.
    """
    found, some = [], False
    for v in x:
        if type(v) is not np.ndarray or v.dtype is not FLOAT:  # the usual case needs no call
            v = _float(v) if whole or type(v) is float or trees.is_input(v) else None
            if v is None:
                return None, ()
            some = some or v.dtype is not FLOAT
        found.append(v)
    return found, pattern_of(found) if some else ()


def _float(v: Any) -> Any:
    if type(v) is np.ndarray and (v.dtype is FLOAT or v.dtype is COMPLEX):
        return v
    if isinstance(v, (float, int)):
        return None if isinstance(v, int) and abs(v) > EXACT else np.float64(v)
    if has_own_class(v):
        return None
    if is_array_like(v):
        if what_is_lost(v) or trees.is_tree(v):
            return None
        v = plain_array(v)
    elif not isinstance(v, (complex, np.generic, list, tuple)):
        return None
    try:
        array = np.asarray(v)
    except ValueError:
        return None
    if array.dtype == COMPLEX:
        return array[()]
    if array.dtype.kind in "iu" and array.size and max(int(array.max()), -int(array.min())) > EXACT:
        return None
    return array.astype(float)[()] if array.dtype.kind in "iub" or array.dtype == FLOAT else None


@functools.lru_cache(maxsize=64)
def arity(form: Any) -> int:
    """Return how many of the arguments of a driver are those of f."""
    return form.count if isinstance(form, OfSeveral) else 1


def pattern_of(x: Sequence[Any]) -> Pattern:
    """Return which arrays are complex; nothing if none is."""
    found = tuple(v.dtype == COMPLEX for v in x)
    return found if any(found) else ()


def machine(kind: str, form: Any, program: Program, x: Sequence[Any], make: bool) -> Machine:
    """Return the machine of a form recorded at x; NotNow if it is neither kept nor to be made.

    For series the form says the algebra, and up to which degree heights[i] input i goes.
    """
    if kind == "tensor" and len(x) == 1:
        return Partials(program, form, make)
    if kind not in ("series", "points"):
        # tensors: one vector, as there are enough operations that do not wait for each other
        unit = WIDTH if kind == "tensor" else 1
        return Machine(program, complex=pattern_of(x), unit=unit, make=make)
    algebra, heights, unit = form if len(form) == 3 else (*form, 1)
    if kind == "points" and not all(varies(program, heights)):
        raise TaylorError("the result does not depend on the series")
    return Machine(program, algebra, heights, unit, complex=pattern_of(x), make=make)


def caller(machine: Machine) -> Callable[..., Any]:
    """Return what gives the first output of a machine at x; None where that is not finite."""

    def run(*x: Any) -> Any:
        status, outputs = machine(*x)
        if status == GUARD:
            raise GuardError("a branch goes the other way here")
        return outputs[0] if status == OK else None

    return run
