"""`compile`: a function as machine code, in all the forms the drivers ask for.

What is compiled is a recording at the arguments of a call, so its branches are those of that point;
where another point takes another branch the function is recorded and compiled again, and both are
kept.  Whatever has no machine code (and every number but floats and complex ones) takes the
ordinary way.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.memory import fresh
from taylor.core.program import Program, check_unread, record, steady
from taylor.core.reads import Reads
from taylor.drivers import blocks, entries, forms, patience, sided, tensors, trees
from taylor.drivers.derivable import Derivable
from taylor.drivers.forms import COMPLEX, EXACT, FLOAT, floats, pattern_of
from taylor.drivers.forward_mode import taylor_coefficients
from taylor.drivers.methods import bound
from taylor.drivers.recorded import derived, one_point, short
from taylor.drivers.sets import NEAR, SetCode
from taylor.errors import (
    CompileError,
    DomainError,
    NotNow,
    ShapeMismatch,
    TaylorError,
    eagerly,
)
from taylor.kept import STORE
from taylor.llvm.entry import Entry
from taylor.llvm.jit import CALL
from taylor.machine.engine import unit_of
from taylor.machine.machine import GUARD, INFINITE, OK, Machine
from taylor.numbers.kinds import ValueSet
from taylor.numbers.policy import policy
from taylor.progress import Progress, Report
from taylor.series.series import Series

Array = Any
MAX_NESTED = 5  # the order up to which tensors are tangents of the gradient
MAX_ENTRIES = 1 << 22  # of such a tensor
WORK = 400_000  # points times (order + 1)² that are worth a thread of their own
REPLACED = ("tensor",)  # forms in whose place the series of the function is tried
VARIANTS = 32  # branches of one function that are compiled before it is left to NumPy


class Compiled(Derivable):
    """A function that runs as machine code where it can; made by `compile`."""

    worth = CALL  # of a call by optimised code, beside its time
    without_code = property(lambda self: self.f)  # for copies of what it reads

    def __init__(
        self, f: Callable[..., Any], threads: int | None = None, strict: bool = False
    ) -> None:
        functools.update_wrapper(self, f)
        self.threads, self.strict = threads or os.cpu_count() or 1, strict
        self.f = f
        self.machines: dict[Any, list[Machine]] = {}
        self.reasons: dict[Any, str] = {}  # why a form of the function has no machine code
        self.structures: dict[Any, list[Any]] = {}  # of what f returns, for each machine
        self.counts: dict[Any, int] = {}  # of the results of a driver; none: not in a tuple
        self.unused, self.crowd = patience.Unused(self.reasons), patience.Crowd()
        self.apart: dict[Any, bool] = {}  # whether a form's points, of a shape, are each on its own
        self._doubt: tuple[Any, Exception] | None = None  # a reason, if the ordinary way succeeds
        self._warned = False
        self.kinked: dict[Any, bool] = {}  # whether ties may leave a form without finite results
        self.uppers: dict[Any, Compiled] = {}  # functions of f
        self.waiting: dict[Any, tuple[int, int]] = {}  # calls so far, and at which code is made
        self.entries: dict[Any, Entry] = {None: Entry()}  # by driver: what most calls need
        self.latest: Compiled | None = None  # of them
        self.plans: dict[Any, Any] = {None: entries.nothing}
        self.forms: dict[Any, Compiled] = {}  # the function of the leaves, by the form of arguments
        self._locks: dict[int, Any] = {}  # by process: a fork may find one taken
        self._reads: Reads | None = None  # from elsewhere, when f was recorded
        self.sets = SetCode()

    def __repr__(self) -> str:
        count = sum(map(len, self.machines.values()))
        return f"<compiled {getattr(self.f, '__name__', 'function')}, {count} machines>"

    def __reduce__(self) -> Any:
        module = sys.modules.get(getattr(self.f, "__module__", ""))
        name = getattr(self.f, "__qualname__", "")
        if getattr(module, name, None) is self:
            return name
        return (Compiled, (self.f, self.threads, self.strict))

    def __get__(self, obj: Any, owner: type | None = None) -> Compiled:
        """Return the method of an object, which keeps it."""
        if obj is None:
            return self
        return bound(self, self.f, obj, lambda f: Compiled(f, self.threads, self.strict))

    def __call__(self, *x: Any, **named: Any) -> Any:
        """Return f(*x, **named)."""
        if self._reads is not None and self._reads.changed():
            self._follow()
        if not named:
            y = self.entries[None].call(*x)
            if y is not None or (y := self.plans[None](*x)) is not None:
                return y
        numbers, pattern = floats(x, whole=False) if not named else (None, ())
        if not numbers:
            if named or not all(map(trees.is_input, x)):
                return self._at_trees(x, named)
            found = self._at_series(x) if any(isinstance(v, Series) for v in x) else None
        else:
            where = ("value", None, *[v.shape for v in numbers], *pattern)
            found = self._run_at(where, numbers)
        if found is None:
            return self._ordinary(x)
        results, built = found
        return results[0] if built is trees.LEAF else trees.build(built, iter(results))

    def _follow(self) -> None:
        """Forget all code of f if what it reads from elsewhere is not what it was."""
        if self._reads is not None and self._reads.changed():
            new = Compiled(self.f, self.threads, self.strict)
            self.crowd.changed()
            with self._locks.setdefault(os.getpid(), threading.RLock()):
                self.__dict__.update(new.__dict__ | {"_locks": self._locks, "crowd": self.crowd})

    def _at_trees(self, args: Sequence[Any], named: dict[str, Any]) -> Any:
        """Return f(*args, **named) by the code of its leaves, or in the ordinary way."""
        spread = self.of_leaves(args, (), named)
        if spread is NotImplemented or not any(spread[1]):
            copies = [trees.entrywise(fresh, x) for x in args]
            return self._plain(*copies, **trees.entrywise(fresh, named))
        f, each, structures = spread
        y = f(*itertools.chain.from_iterable(each))
        again, self.latest = f is self.latest, f
        if again and not named and f is not self:
            self.plans[None] = trees.planned(structures, f) or entries.nothing
            known = [
                (f.machines[w], f.structures[w]) for w in list(f.structures) if w[0] == "value"
            ]
            entries.enter_fixed(self.entries[None], f.entries[None], known, args, structures)
        return y

    def of_leaves(self, args: Sequence[Any], vary: Sequence[int], named: dict[str, Any]) -> Any:
        """Return the function of all leaves, and the leaves and the structure of each argument.

        NotImplemented if one holds what may change, and is neither number nor array.
        """
        each, structures = forms.apart(args, vary, named)
        try:
            known = self.forms.get(structures)
        except TypeError:  # it cannot be hashed, so that it may change
            known = None
        if known is None:
            why = ""
            if not all(map(forms.is_fixed, structures)):
                why = "an argument holds more than numbers, arrays, names and functions"
            elif len(self.forms) >= VARIANTS:
                why = f"its arguments take more than {VARIANTS} forms"
            if why:
                self._has_no_code(("arguments",), TaylorError(why))
                return NotImplemented
            g = forms.of_leaves(self.f, structures)
            known = self if g is None else Compiled(g, self.threads, self.strict)
            known.crowd = self.crowd
            self.forms[structures] = known
        return known, each, structures

    def _ordinary(self, x: Sequence[Any]) -> Any:
        """Return f(*x) through NumPy; if it works, what has no machine code is said."""
        doubt, self._doubt = self._doubt, None
        y = self._plain(*map(fresh, x))
        if doubt is not None and (doubt[0][0] == "value" or not trees.is_tree(y)):  # see `results`
            self._has_no_code(*doubt)
        return y

    def _plain(self, *x: Any, **named: Any) -> Any:
        """Return f(*x, **named) without code; what f itself changes is known to change nothing."""
        y = self.f(*x, **named)
        if self._reads is not None and self._reads.changed():
            self._reads = Reads(self.f)
        return y

    def _has_no_code(self, where: Any, why: Exception) -> None:
        """Note why a form has no machine code; warn, once, or raise CompileError if strict."""
        self.reasons[where] = str(why)
        if self.strict or not self._warned:
            self._warned = True
            name = getattr(self.f, "__name__", "function")
            eagerly(f"{name} (compiled, as {where[0]!r})", why, self.strict)

    def stream(
        self, points: Array, order: int, *, chunk: int = 1 << 16, progress: Report = False
    ) -> Iterator[Array]:
        """Yield the Taylor coefficients 0..order at the points, block after block of them.

        An element-wise f at points along one axis (an array, or a memory map larger than memory);
        each block has the shape (order + 1, at most chunk).  `progress` shows a bar (needs tqdm),
        or is called with the numbers of points that are done and are left.

        >>> f = compile(lambda x: np.exp(x))
        >>> [c.shape for c in f.stream(np.zeros(150), 3, chunk=100)]
        [(4, 100), (4, 50)]
        """
        if np.ndim(points) != 1:
            raise ShapeMismatch(f"stream takes points along one axis, not {np.shape(points)}")
        with Progress(progress, "points") as report:
            for start in range(0, len(points), chunk):
                block = np.asarray(points[start : start + chunk])
                yield taylor_coefficients(self, block, order)
                report(start + len(block), len(points) - start - len(block))

    def _run(self, where: Any, x: Sequence[Any], call: Callable[[Machine], tuple[int, Any]]) -> Any:
        """Return what a call of the form's machine gives and the structure of what f returns.

        None is for the ordinary way.  `where` is the name of the form, what it is made with (a
        driver; for series their algebra and heights), the shapes of x, and which are complex.
        There is a machine for each branch; where all take other ones, one more is recorded at x.
        """
        tried = len(known := self.machines.get(where, ()))
        for i, machine in enumerate(known[:tried]):
            status, found = call(machine)
            if status != GUARD:
                return self._told(where, status, found, i)
        due = self.due(where)
        if self.strict and not due and where[0] not in REPLACED:
            raise CompileError(f"{self!r} has no machine code: {self.reasons[where]}")
        added = self._compile(where, x, tried) if due else None
        if added is None:
            return None
        status, found = call(added)
        return self._told(where, status, found, self.machines[where].index(added))

    def _told(self, where: Any, status: int, found: Any, at: int) -> Any:
        """Return what the code of a form has found; None where the ordinary way is taken."""
        self.unused.note(where, status == OK)
        return (found, self.structures[where][at]) if status == OK else None

    def _run_at(self, where: Any, x: Sequence[Any]) -> Any:
        """Return what `_run` does at numbers; calls like this one find the code by themselves."""

        def run(where: Any) -> Any:
            begun = time.perf_counter()
            found = self._run(where, x, lambda machine: blocks.results(machine, where[1], x))
            self._enter(where, found, begun)
            return found

        return sided.found(self, where, run)

    def _enter(self, where: Any, found: Any, begun: float) -> None:
        """Let Python call the code of a form at once, if it ran."""
        if found is not None:
            entry, taken = self.entries.setdefault(where[1], Entry()), time.perf_counter() - begun
            known = zip(self.machines[where], self.structures[where], strict=False)
            entries.enter(entry, where[0], known, self.counts[where], taken)

    def recorded(self, kind: str, x: Sequence[Any], most: float) -> tuple[Program, Any]:
        """Return the program of f at x, and the structure of what it returns if it is called.

        The program has at most so many instructions.
        """
        structure = trees.LEAF

        def run(*x: Any) -> Any:
            nonlocal structure
            if x:
                tape = x[0].tape
                tape.most, tape.compiled, tape.resumed = most, True, True
            y = self.f(*x)
            check_unread(x)
            if kind not in ("value", "series"):
                return y
            leaves, structure = forms.of_results(y)
            return y if structure is trees.LEAF else leaves

        with policy():  # what the one in force says of kinks is no part of the code
            program, self._reads = steady(self.f, lambda: record(run, *x))
        if kind in ("value", "series"):
            given = forms.untold(program), lambda: self.f(*map(fresh, x))
            structure = forms.with_types(structure, *given)
        return short(program, kind), structure

    def due(self, where: Any) -> bool:
        """Whether this call may make code of a form."""
        calls, needed = self.waiting.get(where, (0, 0))
        if not needed:
            known = self.strict or self.machines.get(where)
            waits = not known and self.crowd.waits(self.f, where, self.reasons)
            return not waits and self.unused.allows(where)
        if calls + 1 < needed:
            self.waiting[where] = calls + 1, needed
        return calls + 1 >= needed

    def needed(self, kind: str, form: Any, program: Program, more: int) -> int:
        """Return before which call of a form its code is taken from the disk only."""
        return patience.needed(kind, form, program, more)

    def never(self, where: Any, error: Exception) -> None:
        """Note that a form has no (more) machine code: of points, that they go together."""
        self.waiting.pop(where, None)
        if where[0] == "points":
            self.apart[where] = False
            self.reasons.pop(where, None)
            if not self.machines[where]:
                del self.machines[where]
        elif where[0] in REPLACED:
            self.reasons[where] = str(error)
        else:
            self._doubt = where, error

    def _compile(self, where: Any, x: Sequence[Any], tried: int) -> Machine | None:
        """Return one more machine of a form, recorded at x; None where there is none now.

        If there are more than the caller has tried, another thread has just made one.
        """
        kind = where[0]
        with self._locks.setdefault(os.getpid(), threading.RLock()):
            known = self.machines.setdefault(where, [])
            if len(known) > tried:
                return known[-1]
            if len(known) >= VARIANTS:
                self.never(where, TaylorError(f"it takes more than {VARIANTS} branches"))
                return None
            calls = self.waiting.get(where, (0, 0))[0] + 1
            self.waiting[where] = calls, 2
            try:
                machine, self.counts[where], structure = self._made(where, x, calls)
                machine.code.worth = self.worth
            except NotNow:
                call = self.waiting[where][1]
                self.reasons[where] = f"its code takes long to make; call {call} makes it"
                return None
            except Exception as error:  # the ordinary way calls f again, and may raise it, too
                self.waiting.pop(where, None)
                raised = DomainError if kind in REPLACED else (DomainError, ShapeMismatch)
                if not isinstance(error, raised):
                    self.never(where, error)
                return None
            self.waiting.pop(where, None)
            self.reasons.pop(where, None)
            self.structures.setdefault(where, []).append(structure)
            known.append(machine)
            return machine

    def _made(self, where: Any, x: Sequence[Any], calls: int) -> tuple[Machine, int, Any]:
        """Return the machine of a form recorded at x, how many results it has, and what f returns.

        The number is that of a driver's results (see `derived`), the other a structure.  Raises
        NotNow if it is not kept and would take too long to make at this call.
        """
        kind, form, *_ = where
        hasty = calls == 1 and kind in patience.PLAIN and not self.strict
        most = patience.PATIENCE / patience.weights(kind, form)[0] if hasty else math.inf
        at, count, more = x if kind in patience.PLAIN else x[: forms.arity(form)], 0, 0
        program, structure = self.recorded(kind, at, most)
        if kind == "series":
            structure = forms.with_constants(structure, forms.varies(program, form[1]))
        what = *where[:2], program.identity, *map(np.shape, x), *pattern_of(x), *where[-1:]
        self.kinked[where] = sided.may_tie(where, program)
        shared, own = program.told, program
        kept: tuple[Machine, int] | None = STORE.get(*what) if shared else None
        if kept is not None and kept[0] not in self.machines[where]:  # of f elsewhere, perhaps
            return self.crowd.noted((*kept, structure), where, own, own)
        if kind == "points":
            program = one_point(program)
        elif kind == "tensor":
            program, x, more = tensors.planned(program, form, x[0])
        elif kind not in patience.PLAIN:
            driver, x = blocks.chosen(form, program, x)
            shares = sided.given(where, program, at)
            program, count = derived(program, driver, x, *shares)
            x = (*x, *shares[:1])
        self.waiting[where] = calls, self.needed(kind, form, program, more)
        make = self.strict or self.waiting[where][1] <= calls
        made = sided.of(where, forms.machine(kind, form, program, x, make)), count
        made = STORE.put(made, *what) if shared and kept is None else made
        return self.crowd.noted((*made, structure), where, own, program)

    def _at_series(self, x: Sequence[Any]) -> tuple[list[Any], Any] | None:
        """Return what `_run` does at series of one tag (and floats)."""
        owner: Series = next(v for v in x if isinstance(v, Series))
        algebra, tag = owner.algebra, owner.tag
        if algebra.order == 0 or tag.closed:
            return None
        if isinstance(owner._coef, ValueSet):
            return self.sets.through(self, x)
        linear = 1 + algebra.variables
        tables, heights = list[Any](), list[int]()
        for v in x:
            if isinstance(v, Series):
                c = v._coef
                alien = v.tag is not tag or v.algebra != algebra or type(v) is not type(owner)
                if alien or type(c) is not np.ndarray or c.dtype not in (FLOAT, COMPLEX):
                    return None
                short = v._reach <= 1 or not c[linear:].any()
                tables.append(c[:linear] if short else c)
                heights.append(1 if short else algebra.order)
            else:
                one, _ = floats((v,))
                if one is None:
                    return None
                tables.append(one[0][None])
                heights.append(0)
        heads, form = [c[0] for c in tables], (algebra, tuple(heights))
        many = self._points(heads, tables, form)
        if many is not None:
            return [owner._new(many)], trees.LEAF
        where = ("series", form, *[v.shape for v in heads], *pattern_of(heads))
        found = self._run(where, heads, lambda machine: machine(*tables))
        return None if found is None else ([owner._new(c) for c in found[0]], found[1])

    def at_once(self, driver: Callable[..., Any], x: Sequence[Any]) -> Any:
        """Return driver(self, *x) by the code that Python calls at once; None if there is none."""
        if driver in self.entries:
            self._follow()
        return self.entries[driver].call(*x) if driver in self.entries else None

    def derived(self, driver: Callable[..., Any], x: Sequence[Any]) -> Any:
        """Return driver(self, *x) from its recording as machine code, or NotImplemented."""
        if (y := self.at_once(driver, x)) is not None:
            return y
        self._follow()
        numbers, pattern = floats(x)
        if numbers is None or not numbers:
            return NotImplemented
        if pattern and not pattern[0]:  # a complex direction makes its point complex
            if driver.__name__ == "vjp":
                return NotImplemented
            numbers[0] = numbers[0].astype(complex)
            pattern = pattern_of(numbers)
        where = (driver.__name__, driver, *[v.shape for v in numbers], *pattern)
        found = self._run_at(where, numbers)
        if found is None:
            return NotImplemented
        found, _ = found
        if pattern or [1 for v in found if v.dtype is COMPLEX]:  # what does not depend on x, too
            found = [v if v.dtype is COMPLEX else v.astype(complex) for v in found]
        return tuple(found[:count]) if (count := self.counts[where]) else found[0]

    def tensor(self, x: Any, order: int) -> Any:
        """Return all partial derivatives of one order of a scalar-valued f, or NotImplemented.

        From series that are mostly zeros, or as tangents T(e_i, e_j, ..., ·) of the gradient.
        """
        self._follow()
        numbers, pattern = floats((x,))
        if numbers is None or not 2 <= order <= MAX_NESTED:
            return NotImplemented
        (point,) = numbers
        n = point.size
        if n < 2 or n**order > MAX_ENTRIES:
            return NotImplemented
        where = ("tensor", order, point.shape, *pattern)
        for machine in self.machines.get(where, ()):
            status, found = tensors.of(machine, point, order)
            if status == OK:
                tensors.enter(self.entries, machine, point.shape, order)
                return found.reshape(point.shape * order)
        made = self._run(where, (point,), lambda machine: tensors.of(machine, point, order))
        return NotImplemented if made is None else made[0].reshape(point.shape * order)

    def under(self, g: Callable[..., Any]) -> Compiled:
        if g not in self.uppers:
            self.uppers[g] = Compiled(functools.partial(g, self.f), self.threads, self.strict)
        return self.uppers[g]

    def machine_of(self, program: Program, driver: Callable[..., Any], x: Sequence[Any]) -> Any:
        """Return driver(program, *x), recorded at x, as machine code, or NotImplemented.

        It is called with float64 arrays and returns the first result; None where it is not finite.
        Raises GuardError where a branch goes the other way.
        """
        try:
            return forms.caller(Machine(derived(program, driver, x)[0]))
        except (TaylorError, ImportError, OSError) as error:
            self._has_no_code(("products",), error)
            return NotImplemented

    def along(self, x: Any, v: Any, order: int) -> Any:
        """Return the coefficients 0..order of t -> f(x + t·v)."""
        self._follow()
        if isinstance(x, ValueSet):
            return self.sets.along(self, x, v, order)
        form = Univariate(order), (1,)  # of the series along a line
        if (entry := self.entries.get(form)) is not None:
            given = float(v) if type(v) is int and abs(v) < EXACT else v
            if (c := entry.call(x, given)) is not None:
                return c
        numbers, pattern = floats((x, v))
        if numbers is None or order == 0 or np.shape(v) not in ((), np.shape(x)):
            return NotImplemented
        point, v = numbers
        if pattern:
            point, pattern = point.astype(complex), (True,)

        def line(machine: Machine) -> tuple[int, Any]:
            return machine.line(point, v) if len(machine.found) == 1 else (INFINITE, None)

        if point.size > 1:
            seed = np.stack([point, np.broadcast_to(v, point.shape)])
            many = self._points([point], [seed], form)
            if many is not None:
                return many
        where = ("series", form, point.shape, *pattern)
        begun = time.perf_counter()
        found, structure = self._run(where, (point,), line) or (None, None)
        self._enter(where, found, begun)
        return NotImplemented if structure is not trees.LEAF else found

    def _points(self, x: Sequence[Array], tables: Sequence[Array], form: Any) -> Array | None:
        """Return the coefficients of an element-wise f at many points, in tiles, on all cores.

        The arguments are numbers and arrays of one shape.
        """
        shape = max((v.shape for v in x), key=len)
        alone, size = tuple(v.shape == () for v in x), math.prod(shape)
        if size < 2 or any(v.shape not in ((), shape) for v in x):
            return None
        where = ("points", (*form, unit_of(size, form[0])), *alone * any(alone), *pattern_of(x))
        if not (self.apart.get(where, True) and self.apart.get((where, shape), True)):
            return None
        seeds = [
            np.broadcast_to(c.reshape(len(c), -1), (len(c), size)) if one else c.reshape(-1, size)
            for c, one in zip(tables, alone, strict=True)
        ]
        known = list(self.machines.get(where, ()))
        threads = max(1, min(self.threads, 2 * size * form[0].count // WORK))
        for machine in known:
            status, (c,) = machine.batch(*seeds, threads=threads)
            if status == OK:
                return self._each(where, x, c.reshape(-1, *shape))
            if status != GUARD:
                return None
        if any(machine.batch(*(c[:, :2] for c in seeds))[0] != GUARD for machine in known):
            return None  # a recording here exists: the points differ among themselves
        two = [v if one else v.reshape(-1)[:2] for v, one in zip(x, alone, strict=True)]
        added = self._compile(where, two, len(known)) if self.due(where) else None
        if added is None:
            return None
        status, (c,) = added.batch(*seeds, threads=threads)
        return self._each(where, x, c.reshape(-1, *shape)) if status == OK else None

    def _each(self, where: Any, x: Sequence[Array], c: Array) -> Array | None:
        """Return coefficients at points; None if f is another at so many points.

        The recording is one of two points, and f may ask how many there are.
        """
        shape = c.shape[1:]
        if (where, shape) not in self.apart:
            with np.errstate(all="ignore"):
                y = np.asarray(self._plain(*(v.copy() for v in x)))
                same = y.shape == shape and np.all(np.abs(y - c[0]) <= NEAR * np.abs(y))
            self.apart[where, shape] = bool(same)
        return c if self.apart[where, shape] else None


def compile(
    f: Callable[..., Any] | None = None, *, threads: int | None = None, strict: bool = False
) -> Any:
    """Return f as machine code: the same function, and every driver is faster with it.

    Arguments and results are float64 or complex128, numbers and arrays of the shapes of the call,
    or series (`Taylor`, `TaylorN`, `HyperDual`) of these, and trees of them; the first call with
    new shapes compiles (a few hundredths of a second, less when it is in the cache on disk). Where
    that would take long, or four shapes have code, a later call does: `reasons` says which. Where
    what f reads from elsewhere has changed, or a branch would go another way, it is compiled anew.
    Other numbers, functions that cannot be recorded and the few operations without machine code
    take the ordinary way: a PerformanceWarning, and `reasons`, say why; with `strict` that is a
    CompileError. Series of an element-wise function at many points run in tiles on `threads` cores
    (default: all), fewer where that is faster.

    >>> import taylor
    >>> @compile
    ... def f(x):
    ...     return np.sum(np.sin(x) ** 2)
    >>> float(f(np.array([0.0, np.pi / 2])))
    1.0
    >>> taylor.gradient(f, np.array([0.0, np.pi / 4])).round(12)
    array([0., 1.])
    """
    if threads is not None and not (isinstance(threads, (int, np.integer)) and threads > 0):
        raise ValueError(f"threads is a positive integer, or None for all cores, not {threads!r}")
    if f is None:
        return lambda f: compile(f, threads=threads, strict=strict)
    if isinstance(f, Compiled):
        same = threads in (None, f.threads) and strict in (False, f.strict)
        return f if same else Compiled(f.f, threads or f.threads, strict or f.strict)
    if not callable(f):
        raise TypeError(f"compile needs a function, not {type(f).__name__}")
    return Compiled(f, threads, strict)
