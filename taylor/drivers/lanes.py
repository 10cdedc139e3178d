"""Functions of one point at many points: `lanes` by vectors of machine code, `map` in turn."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from taylor.core.applied import Call
from taylor.core.conditions import COMPARISONS, Condition, Guard
from taylor.core.operand import as_array, stack
from taylor.core.program import Program, recording, steady
from taylor.core.reads import Reads
from taylor.core.tape import Tape
from taylor.drivers import forms, trees
from taylor.errors import DomainError, ShapeMismatch, TaylorError, eagerly
from taylor.llvm.ir import WIDTH
from taylor.machine.machine import OK, Machine
from taylor.numbers.kinds import is_operand
from taylor.numbers.policy import policy

Array = Any
Function = Callable[..., Any]
Axes = Any  # an axis, None, a tree of such like the argument, or a tuple of one for each argument
VARIANTS = 32  # branches that get code of their own
FORMS = 256  # forms of arguments that get code of their own
DIFFERENT = "f returns results of different shape at different points"


class Batch:
    """A function of one point as a function of many, which lie along an axis of its arguments."""

    def __init__(self, f: Function, axes: Axes, executor: Executor | None) -> None:
        if not callable(f):
            raise TypeError(f"the first argument must be a function, not {type(f).__name__}")
        if not (axes is None or _are_axes(axes)):
            raise TypeError(
                f"axes must be an axis, None, or a tuple of such, or of trees of such like the "
                f"arguments, not {axes!r}; the points are arguments of the function that is "
                "returned: lanes(f)(x)"
            )
        if not (executor is None or hasattr(executor, "submit")):
            raise TypeError(f"the executor must be one of concurrent.futures, not {executor!r}")
        self.f, self.axes, self.executor = f, axes, executor

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Return f at all points, its results along a new first axis."""
        leaves, structures, along = self._apart(args, named)
        counts = {int(np.shape(x)[0]) for x, many in zip(leaves, along, strict=True) if many}
        if len(counts) != 1:
            raise ShapeMismatch(
                f"the arguments have different numbers of points: {sorted(counts)}"
                if counts
                else "no argument has an axis of points"
            )
        alone = type(self)(self.f, 0, None)  # as other processes get it
        if any([_has_blocks(x) for x in leaves]):
            return _by_blocks(lambda x: alone.at(structures, x, along), leaves, along)
        (count,) = counts
        if self.executor is None or count < 2:
            return self.at(structures, leaves, along)
        workers = getattr(self.executor, "_max_workers", 1)
        cuts = np.linspace(0, count, min(count, 4 * workers) + 1).astype(int).tolist()
        waiting = [
            self.executor.submit(
                alone.at,
                structures,
                [x[i:j] if many else x for x, many in zip(leaves, along, strict=True)],
                along,
            )
            for i, j in itertools.pairwise(cuts)
        ]
        return _joined([part.result() for part in waiting])

    def __reduce__(self) -> Any:
        return type(self), (self.f, self.axes, self.executor)

    def __repr__(self) -> str:
        along = f"axis {self.axes}" if isinstance(self.axes, int) else f"axes {self.axes}"
        return f"<{getattr(self.f, '__name__', 'function')} at many points, along {along}>"

    def at(self, structures: Sequence[Any], leaves: Sequence[Any], along: Sequence[bool]) -> Any:
        """Return f at all points, given the leaves of its arguments."""
        count = next(len(x) for x, many in zip(leaves, along, strict=True) if many)
        if count == 0:
            return self._at_none(structures, leaves, along)
        found = [self.at_one(structures, _point(leaves, along, i)) for i in range(count)]
        return _joined(found, stack)

    def _at_none(self, structures: Any, leaves: Sequence[Any], along: Sequence[bool]) -> Any:
        """Return the results at no points: in the form of those at one, if f has some there."""
        pairs = zip(leaves, along, strict=True)
        given = [_somewhere(x.shape[1:], x.dtype)[None] if many else x for x, many in pairs]
        try:
            with np.errstate(all="ignore"):
                one = self.at_one(structures, _point(given, along, 0))
        except Exception:
            return np.zeros(0)
        return trees.entrywise(lambda y: y[:0], _joined([one], stack))

    def at_one(self, structures: Sequence[Any], leaves: Sequence[Any]) -> Any:
        """Return f at one point, given the leaves of its arguments."""
        rest = iter(leaves)
        *args, named = [trees.build(s, rest) for s in structures]
        return self.f(*args, **named)

    def _apart(
        self, args: Sequence[Any], named: dict[str, Any]
    ) -> tuple[list[Any], forms.Structures, list[bool]]:
        """Return leaves and structures of the arguments, and which leaves are of many points."""
        axes = self.axes
        each = list(axes) if isinstance(axes, (tuple, list)) else [axes] * len(args)
        if len(each) != len(args):
            raise TypeError(f"axes has {len(each)} entries for {len(args)} arguments")
        structures, leaves, along = [], [], []
        for x, axis in zip((*args, named), (*each, None), strict=True):
            known = _has_blocks(x)
            parts, structure = ([(x, axis)], trees.LEAF) if known else _arguments(x, axis)
            structures.append(structure)
            for part, own in parts:
                if own is not None and not -np.ndim(part) <= own < np.ndim(part):
                    raise ShapeMismatch(
                        f"points lie along axis {own} of an argument, of which there is none in "
                        f"the shape {np.shape(part)}; axes=None for an argument of all points"
                    )
                leaves.append(np.moveaxis(part, own, 0) if own else part)
                along.append(own is not None)
        return leaves, tuple(structures), along


def _somewhere(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return a point whose numbers are above one, and all different: few functions have a kink."""
    n = math.prod(shape)
    return (1 + np.arange(1, n + 1) / (n + 1.7)).astype(dtype).reshape(shape)


class Variant:
    """The code of one branch of a function of leaves: of many points, those that take it."""

    def __init__(self, f: Function, program: Program, point: Sequence[Any]) -> None:
        if any([is_operand(op.constant) for op, _, _ in program.code]):
            raise TaylorError("it uses a value that varies and is not among its arguments")
        self.count, self.guards = len(program.outputs), program.guards
        self.calls = any([isinstance(op, Call) for op, _, _ in program.code])
        sides = [i for g in self.guards for i in (g.a, g.b) if i >= 0]
        open_ = dataclasses.replace(program, outputs=[*program.outputs, *sides], guards=[])
        complex_ = forms.pattern_of([np.asarray(x) for x in point])
        self.machine = Machine(open_, complex=complex_, unit=WIDTH)
        results = trees.Branch(list, None, (trees.LEAF,) * self.count)
        self.structure = forms.with_types(results, forms.untold(program), lambda: f(*point))

    def __call__(self, x: Sequence[Array]) -> tuple[list[Array], Array]:
        """Return the results, points along their last axis, and for which points they are right."""
        status, found = self.machine.batch(*x)
        right = np.ones(x[0].shape[-1], dtype=bool)
        if self.calls and status != OK:  # one may have no answer though all results are numbers
            each = ([v[..., i : i + 1] for v in x] for i in range(len(right)))
            right &= [self.machine.batch(*one)[0] == OK for one in each]
        rest = iter(found[self.count :])
        for guard in self.guards:
            side = [next(rest) for i in (guard.a, guard.b) if i >= 0]
            outcome = np.asarray(guard.outcome)
            if guard.b >= 0:
                same = COMPARISONS[guard.op](*side) == outcome[..., None]
                right &= np.reshape(same, (-1, len(right))).all(0)
            else:
                right &= [_holds(guard, v) for v in np.moveaxis(side[0], -1, 0)]
        for y in found[: self.count]:
            right &= np.isfinite(y).reshape(-1, len(right)).all(0)
        return trees.build(self.structure, iter(found)), right


class Lanes(Batch):
    """A function at many points as vectors of machine code; made by `lanes`."""

    def __init__(self, f: Function, axes: Axes, executor: Executor | None) -> None:
        super().__init__(f, axes, executor)
        self.variants: dict[Any, list[Variant]] = {}
        self.reason = ""  # why points are computed in turn
        self.reads: Reads | None = None  # from elsewhere, when f was recorded

    def at(self, structures: Sequence[Any], leaves: Sequence[Any], along: Sequence[bool]) -> Any:
        """Return f at all points: those of each branch together."""
        if self.reads is not None and self.reads.changed():
            self.variants, self.reason, self.reads = {}, "", None
        y = self._at(structures, leaves, along)
        if self.reads is not None and self.reads.changed():  # by f itself, at points without code
            self.reads = Reads(self.f)
        return y

    def _at(self, structures: Sequence[Any], leaves: Sequence[Any], along: Sequence[bool]) -> Any:
        numbers, _ = forms.floats(leaves)
        count = next(len(x) for x, many in zip(leaves, along, strict=True) if many)
        fixed = all([forms.is_fixed(s) for s in structures])
        flags = any([_is_flag(x) for x in leaves])
        kinds = [x.dtype.kind for x, many in zip(leaves, along, strict=True) if many]
        whole = all([kind in "iu" for kind in kinds])  # which stay whole numbers
        full = self.reason or len(self.variants) >= FORMS
        if numbers is None or not fixed or count == 0 or flags or whole or full:
            return super().at(structures, leaves, along)
        wide = [
            np.moveaxis(x, 0, -1) if many else np.broadcast_to(x[..., None], (*x.shape, count))
            for x, many in zip([np.asarray(x) for x in numbers], along, strict=True)
        ]
        form: list[Any] = [None]

        def of_leaves(*leaves: Any) -> list[Any]:
            found, structure = trees.flatten(
                self.at_one(structures, leaves), _has_code, sequences=(tuple,)
            )
            if form[0] not in (None, structure):
                raise TypeError("f returns results of different form at different points")
            form[0] = structure
            return found

        known = self.variants.setdefault((*structures, *[_kind(x) for x in wide]), [])
        found, left = self._by_branches(of_leaves, known, wide)
        if self.reason or found is None:
            return super().at(structures, leaves, along)
        for i in left:  # no code, or no finite results: as f itself does it
            y = of_leaves(*_point(leaves, along, i))
            found = [_put(z, i, v) for z, v in zip(found, y, strict=True)]
        if form[0] is None:  # the form of the results
            of_leaves(*_point(leaves, along, 0))
        return trees.build(form[0], iter(found))

    def _by_branches(
        self, f: Function, known: list[Variant], x: Sequence[Array]
    ) -> tuple[list[Array] | None, Array]:
        """Return the results at the points that have code, and which points have none."""
        left = np.arange(x[0].shape[-1])
        lost: list[int] = []  # what a new recording at the point itself does not find either
        found: list[Array] | None = None
        n = 0
        while len(left) and not self.reason and n < VARIANTS:
            new = n == len(known)
            if new and not self._record(f, known, [v[..., left[0]][()] for v in x]):
                lost, left = [*lost, left[0]], left[1:]
                continue
            values, right = known[n](
                x if len(left) == x[0].shape[-1] else [v[..., left] for v in x]
            )
            if found is None:
                found = [_room(y[..., 0], x[0].shape[-1]) for y in values]
            found = [
                _put(z, left[right], np.moveaxis(y, -1, 0)[right])
                for y, z in zip(values, found, strict=True)
            ]
            if new and not right[0]:
                lost, right[0] = [*lost, left[0]], True
            left = left[~right]
            n += 1
        return found, np.sort([*lost, *left]).astype(int)

    def _record(self, f: Function, known: list[Variant], x: Sequence[Any]) -> bool:
        """Add the code of the branch at x, if it has some; say why no branch has."""
        try:
            with policy():
                program, self.reads = steady(self.f, lambda: _program(f, x))
            known.append(Variant(f, program, x))
        except (DomainError, ShapeMismatch):
            return False
        except (TaylorError, TypeError, IndexError, ImportError, OSError) as error:
            self.reason = str(error)
            eagerly(f"{getattr(self.f, '__name__', 'f')} (in lanes)", error, False)
            return False
        return True


def _program(f: Function, x: Sequence[Any]) -> Program:
    tape = Tape()
    tape.compiled = tape.resumed = True
    return recording(f, *x, tape=tape)[0]


def _point(leaves: Sequence[Any], along: Sequence[bool], i: int) -> list[Any]:
    return [x[i] if many else x for x, many in zip(leaves, along, strict=True)]


def _are_axes(x: Any) -> bool:
    """Whether x is an axis, or a tree of axes and None."""
    if isinstance(x, (int, np.integer)):
        return type(x) is not bool
    if dataclasses.is_dataclass(x):
        return not isinstance(x, type) and _are_axes(vars(x))
    each = x.values() if isinstance(x, dict) else x if isinstance(x, (tuple, list)) else ()
    return len(each) > 0 and all(e is None or _are_axes(e) for e in each)


def _arguments(x: Any, axes: Any) -> tuple[list[tuple[Any, Any]], Any]:
    """Return the leaves of an argument, each with its axis, and the structure."""
    if axes is None or isinstance(axes, (int, np.integer)):
        leaf = trees.is_input if axes is None else lambda x: trees.is_leaf(x) or _is_flag(x)
        leaves, structure = trees.flatten(x, leaf, forms.still)
        return [(part, axes) for part in leaves], structure
    tree = trees.opened(x)
    if tree is None:
        raise TypeError(f"axes={axes!r} of an argument that is one array: give one axis, or None")
    names = trees.names_of(tree)
    own = vars(axes) if dataclasses.is_dataclass(axes) else axes
    if isinstance(own, dict) and set(own) == set(names):
        own = [own[name] for name in names]
    elif isinstance(own, dict) or len(own) != len(names):
        raise TypeError(
            f"axes must be like the argument, {tree.cls.__name__} of {[*names]}, not {axes!r}"
        )
    inside = [_arguments(c, a) for c, a in zip(tree.children, own, strict=True)]
    parts = [part for found, _ in inside for part in found]
    return parts, trees.Branch(tree.cls, tree.aux, tuple([child for _, child in inside]))


def _is_flag(x: Any) -> bool:
    """Whether x is a truth value, or an array of them."""
    return isinstance(x, (bool, Condition)) or getattr(x, "dtype", None) == np.bool_


def _is_result(x: Any) -> bool:
    return trees.is_leaf(x) or _is_flag(x) or isinstance(x, (np.ndarray, np.generic))


def _has_code(x: Any) -> bool:
    """Whether x is a result that machine code may have."""
    if _is_flag(x):
        raise TypeError("its results are truth values")
    return trees.is_leaf(x)


def _holds(guard: Guard, v: Any) -> bool:
    return guard.holds(lambda _: v)


def _kind(x: Array) -> tuple[Any, ...]:
    return x.dtype, x.shape[:-1]


def _room(y: Any, count: int) -> Array:
    return np.zeros((count, *np.shape(y)), np.asarray(y).dtype)


def _put(room: Array, i: Any, y: Any) -> Array:
    """Write results into the room for all, which becomes complex if they are."""
    y = np.asarray(y)
    if y.shape[np.ndim(i) :] != room.shape[1:]:
        raise ShapeMismatch(DIFFERENT)
    kind = np.result_type(room, y)
    room = room if room.dtype == kind else room.astype(kind)
    room[i] = y
    return room


def lanes(f: Function, axes: Axes = 0, *, executor: Executor | None = None) -> Lanes:
    """Return f as a function of many points, which are computed in vectors of machine code.

    f: of numbers, arrays or trees of them (one point) to such.  The points lie along the axis
    `axes` of each array (None: it is the same for all points; a tuple: one for each argument; or
    trees of axes like the arguments, {"w": None, "x": 0}); the results along a new first axis.  f
    is recorded, anew where what it reads from elsewhere has changed (as for `compile`); points
    where it takes another branch get code of their own.  What has no code, and other numbers than
    floats, are computed in turn as by `map`.  Drivers inside f are part of the code.  An executor
    shares out parts of the points; dask arrays are computed block by block.

    >>> def energy(x):
    ...     return np.sum(np.cos(x) * x[::-1])
    >>> x = np.array([[0.0, 1.0], [1.0, 2.0], [0.5, 0.0]])
    >>> lanes(energy)(x).round(4)
    array([1.    , 0.6645, 0.5   ])
    >>> import taylor
    >>> lanes(lambda x: taylor.gradient(energy, x))(x).shape
    (3, 2)
    """
    return Lanes(f, axes, executor)


def map(f: Function, axes: Axes = 0, *, executor: Executor | None = None) -> Batch:
    """Return f as a function of many points, which are computed in turn: for any Python function.

    Arguments as of `lanes`; an executor shares out parts of the points (one of processes needs an f
    that can be pickled).

    >>> map(lambda x: np.linalg.eigvalsh(x)[0])(np.array([np.eye(2), 3 * np.eye(2)]))
    array([1., 3.])
    """
    return Batch(f, axes, executor)


def _joined(found: Sequence[Any], join: Function = np.concatenate) -> Any:
    """Return trees of results as one tree, their leaves joined along the first axis."""
    if not found:
        return np.zeros(0)
    parts = [trees.flatten(y, _is_result, sequences=(tuple,)) for y in found]
    structure = parts[0][1]
    if any([s != structure for _, s in parts]):
        raise TypeError("f returns results of different form at different points")
    joined = []
    for leaves in zip(*(leaves for leaves, _ in parts), strict=True):
        if len({np.shape(x)[join is np.concatenate :] for x in leaves}) > 1:
            raise ShapeMismatch(DIFFERENT)
        if any([is_operand(x) for x in leaves]):
            joined.append(stack([as_array(x) for x in leaves]))
        else:
            joined.append(np.stack(leaves) if join is stack else np.concatenate(leaves))
    return trees.build(structure, iter(joined))


# ------------------------------------------------------------------ dask
def _has_blocks(x: Any) -> bool:
    """Whether x is an array of dask."""
    return type(x).__module__.startswith("dask.") and hasattr(x, "chunks")


def _by_blocks(f: Function, leaves: Sequence[Any], along: Sequence[bool]) -> Any:
    """Return f(leaves) as a dask array, computed block by block of points."""
    from dask.array import blockwise

    one = [np.ones((1, *x.shape[1:])) if many else x for x, many in zip(leaves, along, strict=True)]
    found = f(one)
    if isinstance(found, (dict, list, tuple)) or np.ndim(found) == 0:
        raise TypeError("of dask arrays f must return one array or number for each point")
    names, given = itertools.count(1), []
    for x, many in zip(leaves, along, strict=True):
        rest = [next(names) for _ in np.shape(x)[many:]]
        given += [x, (0, *rest) if many else (rest or None)]
    axes = {next(names): n for n in np.shape(found)[1:]}
    return blockwise(  # type: ignore[no-untyped-call]
        lambda *x: f(x), (0, *axes), *given,
        new_axes=axes, dtype=found.dtype, concatenate=True, meta=np.empty((0,) * found.ndim),
    )  # fmt: skip
