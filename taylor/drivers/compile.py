"""`compile`: a function as machine code, in all the forms the drivers ask for.

What is compiled is a recording at the arguments of a call, so its branches are those of that point;
where another point takes another branch the function is recorded and compiled again, and both are
kept.  Whatever has no machine code (and every number but floats and complex ones) takes the
ordinary way.
"""

from __future__ import annotations

import functools
import math
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Univariate
from taylor.core.expand import prune, told
from taylor.core.memory import fresh
from taylor.core.program import Program, record
from taylor.core.tape import Instruction, check_unread
from taylor.drivers.derivatives import hessian, jacobian, value_and_gradient
from taylor.drivers.forward_mode import taylor_coefficients
from taylor.drivers.transform import forward, products, reverse
from taylor.errors import (
    CompileError,
    DomainError,
    GuardError,
    NotNow,
    ShapeMismatch,
    TaylorError,
    eagerly,
)
from taylor.kept import STORE
from taylor.llvm.ir import WIDTH
from taylor.machine.engine import series_machine, unit_of
from taylor.machine.machine import GUARD, OK, Machine
from taylor.machine.planar import kinds
from taylor.numbers.policy import policy
from taylor.series.series import Series

Array = Any
Pattern = tuple[bool, ...]  # which arguments are complex; empty if none is
NEAR = 1e-9  # of values of one function, of one point and of many
MAX_NESTED = 5  # the order up to which tensors are tangents of the gradient
MAX_ENTRIES = 1 << 22  # of such a tensor
FEW = 8  # variables below which a multivariate series of order 4 compiles faster, and is as fast
MAX_CODE = 4000  # instructions of such a program
BLOCK = 4096  # rows of a tensor computed at a time
WORK = 400_000  # points times (order + 1)² that are worth a thread of their own
REPLACED = ("tensor",)  # forms in whose place the series of the function is tried
# What one call may spend on code, beyond ten times the ordinary way, in recorded operations on
# numbers (to record, write and compile one takes some 70 µs, so this is a fifth of a second)
PATIENCE = 2800
ON_ARRAYS = 4  # such an operation on arrays takes as long as so many
LOOPED = 10  # degrees above which the code of a series is a loop over them
PLAIN = ("value", "series", "points")  # forms whose ordinary way is the function as it is
ON_PARTS = 20  # and the step of one degree of a multivariate series
VARIANTS = 32  # branches of one function that are compiled before it is left to NumPy


class Compiled:
    """A function that runs as machine code where it can; made by `compile`."""

    def __init__(
        self, f: Callable[..., Any], threads: int | None = None, strict: bool = False
    ) -> None:
        functools.update_wrapper(self, f)
        self.threads, self.strict = threads or os.cpu_count() or 1, strict
        self.f = f
        self.machines: dict[Any, list[Machine]] = {}
        self.reasons: dict[Any, str] = {}  # why a form of the function has no machine code
        self.apart: dict[Any, bool] = {}  # whether a form's points, of a shape, are each on its own
        self._doubt: tuple[Any, Exception] | None = None  # a reason, if the ordinary way succeeds
        self._warned = False
        self.waiting: dict[Any, tuple[int, int]] = {}  # calls so far, and at which code is made
        self._locks: dict[int, Any] = {}  # by process: a fork may find one taken

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
        """Return the method of an object, recorded anew: its attributes may have changed."""
        if obj is None:
            return self
        return Compiled(types.MethodType(self.f, obj), self.threads, self.strict)

    def __call__(self, *x: Any) -> Any:
        """Return f(*x)."""
        floats, pattern = _floats(x)
        if floats is None:
            found = self._at_series(x) if any(isinstance(v, Series) for v in x) else None
        else:
            found = self._run(("value", None, *[v.shape for v in floats], *pattern), floats, floats)
        if found is None:
            return self._ordinary(x)
        return found[0] if len(found) == 1 else tuple(found)

    def _ordinary(self, x: Sequence[Any]) -> Any:
        """Return f(*x) through NumPy; if it works, what has no machine code is said."""
        doubt, self._doubt = self._doubt, None
        y = self.f(*map(fresh, x))
        if doubt is not None:
            self._has_no_code(*doubt)
        return y

    def _has_no_code(self, where: Any, why: Exception) -> None:
        """Note why a form has no machine code; warn, once, or raise CompileError if strict."""
        self.reasons[where] = str(why)
        if self.strict or not self._warned:
            self._warned = True
            name = getattr(self.f, "__name__", "function")
            eagerly(f"{name} (compiled, as {where[0]!r})", why, self.strict)

    def stream(
        self, points: Array, order: int, *, chunk: int = 1 << 16, progress: bool = False
    ) -> Iterator[Array]:
        """Yield the Taylor coefficients 0..order at the points, block after block of them.

        An element-wise f at points along one axis (an array, or a memory map larger than memory);
        each block has the shape (order + 1, at most chunk).  `progress` shows a bar (needs tqdm).

        >>> f = compile(lambda x: np.exp(x))
        >>> [c.shape for c in f.stream(np.zeros(150), 3, chunk=100)]
        [(4, 100), (4, 50)]
        """
        if np.ndim(points) != 1:
            raise ShapeMismatch(f"stream takes points along one axis, not {np.shape(points)}")
        starts: Any = range(0, len(points), chunk)
        if progress:
            from tqdm import tqdm

            starts = tqdm(starts, unit="block")
        for start in starts:
            yield taylor_coefficients(self, np.asarray(points[start : start + chunk]), order)

    def _run(self, where: Any, x: Sequence[Any], given: Sequence[Any]) -> list[Any] | None:
        """Return the outputs of one form of the function, or None for the ordinary way.

        `where` is the name of the form, for series their algebra and heights, and the shapes of x,
        where the function is recorded, and which of them are complex.
        """
        for machine in self._variants(where, x):
            if where[0] == "vjp" and not _is_seed(given[1], machine):
                return None
            status, outputs = machine(*given)
            if status == OK:
                return list(outputs)
            if status != GUARD:
                return None  # not finite: the ordinary way knows what to do
        return None

    def _recordable(self, most: float, *x: Any) -> Any:
        """Return f(*x), for recording; at most so many instructions of it."""
        if x and most < math.inf:
            x[0].tape.most = most
        y = self.f(*x)
        check_unread(x)
        return y

    def _variants(self, where: Any, x: Sequence[Any]) -> Iterator[Machine]:
        """Yield the machines of a form, one for each branch, and then one more, recorded at x."""
        known = list(self.machines.get(where, ()))
        yield from known
        due = self._due(where)
        if self.strict and not due and where[0] not in REPLACED:
            raise CompileError(f"{self!r} has no machine code: {self.reasons[where]}")
        added = self._compile(where, x, len(known)) if due else None
        if added is not None:
            yield added

    def _due(self, where: Any) -> bool:
        """Whether this call may make code of a form."""
        calls, needed = self.waiting.get(where, (0, 0))
        if not needed:
            return where not in self.reasons
        if calls + 1 < needed:
            self.waiting[where] = calls + 1, needed
        return calls + 1 >= needed

    def _later(self, where: Any, calls: int, needed: int) -> None:
        """Note that this call of a form did not make its code, and that another one will."""
        self.waiting[where] = calls, needed
        self.reasons[where] = f"its code takes long to make; call {needed} makes it"

    def _never(self, where: Any, error: Exception) -> None:
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
        kind, form, *_ = where
        with self._locks.setdefault(os.getpid(), threading.RLock()):
            known = self.machines.setdefault(where, [])
            if len(known) > tried:
                return known[-1]
            if len(known) >= VARIANTS:
                self._never(where, TaylorError(f"it takes more than {VARIANTS} branches"))
                return None
            calls = self.waiting.get(where, (0, 0))[0] + 1
            hasty = calls == 1 and kind in PLAIN and not self.strict
            most = PATIENCE / _weights(kind, form)[0] if hasty else math.inf
            needed = 2
            try:
                with policy():  # what the one in force says of kinks is no part of the code
                    f = functools.partial(self._recordable, most)
                    recorded = record(f, *x)
                    shared = told(recorded)
                    what = (kind, form, recorded.identity, _pattern(x))
                    machine: Machine | None = STORE.get(*what) if shared else None
                    if machine is None:
                        program = _FORMS[kind](recorded, f, x)
                        program = _tangents(program, form - 1) if kind == "tensor" else program
                        needed = _needed(kind, form, program)
            except NotNow:
                self._later(where, calls, needed)
                return None
            except Exception as error:  # the ordinary way calls f again, and may raise it, too
                raised = DomainError if kind == "tensor" else (DomainError, ShapeMismatch)
                if not isinstance(error, raised):
                    self._never(where, error)
                return None
            try:
                if machine is None:
                    machine = _machine(kind, form, program, x, self.strict or needed <= calls)
                    machine = STORE.put(machine, *what) if shared else machine
            except NotNow:
                self._later(where, calls, needed)
                return None
            except (TaylorError, ImportError, OSError) as error:
                self._never(where, error)
                return None
            self.waiting.pop(where, None)
            self.reasons.pop(where, None)
            known.append(machine)
            return machine

    def _at_series(self, x: Sequence[Any]) -> list[Any] | None:
        """Return the results at series of one tag (and floats), or None for the ordinary way."""
        owner: Series = next(v for v in x if isinstance(v, Series))
        algebra, tag = owner.algebra, owner.tag
        if algebra.order == 0 or tag.closed:
            return None
        linear = 2 if isinstance(algebra, Univariate) else int(algebra.offsets[2])
        tables: list[Any] = []
        heights: list[int] = []
        for v in x:
            if isinstance(v, Series):
                c = v._coef
                if v.tag is not tag or v.algebra != algebra or type(v) is not type(owner):
                    return None
                if type(c) is not np.ndarray or c.dtype not in (_FLOAT, _COMPLEX):
                    return None
                short = not c[linear:].any()
                tables.append(c[:linear] if short else c)
                heights.append(1 if short else algebra.order)
            else:
                numbers, _ = _floats((v,))
                if numbers is None:
                    return None
                tables.append(numbers[0][None])
                heights.append(0)
        heads = [c[0] for c in tables]
        form = (algebra, tuple(heights))
        if len(x) == 1 and heads[0].size > 1:
            many = self._points(heads[0], tables[0], form)
            if many is not None:
                return [owner._new(many)]
        where = ("series", form, *[v.shape for v in heads], *_pattern(heads))
        found = self._run(where, heads, tables)
        return None if found is None else [owner._new(c) for c in found]

    def _fast(self, kind: str, x: Any, *more: Any) -> Any:
        """Return what a driver asks for, or NotImplemented."""
        if kind == "along":
            return self._along(x, *more)
        if kind == "machine":
            return self._machine_of(x)
        if kind == "tensor":
            return self._tensor(x, *more)
        floats, pattern = _floats((x, *more))
        if floats is None:
            return NotImplemented
        if pattern:
            floats, pattern = _at_complex_point(kind, floats)
        x, given = floats[0], floats
        if kind in ("jvp", "hvp", "third") and any(v.shape != x.shape for v in floats):
            return NotImplemented
        if kind == "gradient":
            given = [x, _ONE]
        found = self._run((kind, None, x.shape, *pattern), (x,), given)
        if found is None:
            return NotImplemented
        if pattern or any(v.dtype is _COMPLEX for v in found):  # what does not depend on x, too
            found = [v if v.dtype is _COMPLEX else v.astype(complex) for v in found]
        if kind in ("gradient", "vjp", "jvp"):
            return found[0], found[1]
        return found[0].reshape(x.shape) if kind in ("hvp", "third") else found[0]

    def _tensor(self, x: Any, order: int) -> Any:
        """Return all partial derivatives of one order of a scalar-valued f.

        The rows T(e_i, e_j, ..., ·) are tangents of the gradient, many at a time.
        """
        if order == 2:
            return self._fast("hessian", x)
        floats, pattern = _floats((x,))
        if floats is None or not 3 <= order <= MAX_NESTED:
            return NotImplemented
        (point,) = floats
        n, where = point.size, ("tensor", order, point.shape, *pattern)
        if n == 0 or n**order > MAX_ENTRIES or (order > 3 and n < FEW):
            return NotImplemented
        columns, place = _symmetric(n, order)
        seeds = np.eye(n).reshape(1, *point.shape, n)
        for machine in self._variants(where, (point,)):
            kind = complex if pattern or any(machine.found) else float
            rows = np.empty((n, columns.shape[1]), kind)
            for start in range(0, rows.shape[1], BLOCK):
                part = columns[:, start : start + BLOCK]
                copies = np.repeat(point[..., None], part.shape[1], axis=-1)
                status, (y, _) = machine.batch(copies, *(seeds[..., i] for i in part))
                if status != OK:
                    break
                rows[:, start : start + BLOCK] = y.reshape(n, -1)
            if status == OK:
                return rows.reshape(-1)[place].reshape(point.shape * order)
            if status != GUARD:
                return NotImplemented
        return NotImplemented

    def _machine_of(self, program: Program) -> Any:
        """Return a program made from this function as machine code, or NotImplemented.

        It is called with float64 arrays and returns the outputs; None where they are not finite.
        Raises GuardError where a branch goes the other way.
        """
        try:
            machine = Machine(program)
        except (TaylorError, ImportError, OSError) as error:
            self._has_no_code(("products",), error)
            return NotImplemented

        def run(*x: Any) -> list[Any] | None:
            status, outputs = machine(*x)
            if status == GUARD:
                raise GuardError("a branch goes the other way here")
            return outputs if status == OK else None

        return run

    def _along(self, x: Any, v: Any, order: int) -> Any:
        """Return the coefficients 0..order of t -> f(x + t·v)."""
        form = _line(order)
        if type(x) is float and type(v) in (int, float):  # the shortest way, for one number
            for ready in self.machines.get(("series", form, ()), ()):
                status, c = ready.line(x, v)
                if status == OK and len(ready.found) == 1:
                    return c
        floats, pattern = _floats((x, v))
        if floats is None or order == 0:
            return NotImplemented
        if pattern:
            floats, pattern = _at_complex_point("along", floats)
        point, v = floats
        if v.shape not in ((), point.shape):
            return NotImplemented
        if point.size > 1:
            seed = np.stack([point, np.broadcast_to(v, point.shape)])
            found = self._points(point, seed, form)
            if found is not None:
                return found
        where = ("series", form, point.shape, *pattern)
        for machine in self._variants(where, (point,)):
            if len(machine.found) != 1:
                return NotImplemented
            status, c = machine.line(point, v)
            if status == OK:
                return c
            if status != GUARD:
                return NotImplemented
        return NotImplemented

    def _points(self, x: Array, table: Array, form: Any) -> Array | None:
        """Return the coefficients of an element-wise f at many points, in tiles, on all cores."""
        where = ("points", (*form, unit_of(x.size)), *_pattern([x]))
        if not (self.apart.get(where, True) and self.apart.get((where, x.shape), True)):
            return None
        seed, known = table.reshape(len(table), -1), list(self.machines.get(where, ()))
        threads = max(1, min(self.threads, x.size * (form[0].order + 1) ** 2 // WORK))
        for machine in known:
            status, (c,) = machine.batch(seed, threads=threads)
            if status == OK:
                return self._each(where, x, c)
            if status != GUARD:
                return None
        if any(machine.batch(seed[:, :2])[0] != GUARD for machine in known):
            return None  # a recording here exists: the points differ among themselves
        added = None
        if self._due(where):
            added = self._compile(where, (x.reshape(-1)[:2],), len(known))
        if added is None:
            return None
        status, (c,) = added.batch(seed, threads=threads)
        return self._each(where, x, c) if status == OK else None

    def _each(self, where: Any, x: Array, c: Array) -> Array | None:
        """Return coefficients at points of that shape; None if f is another at so many points.

        The recording is one of two points, and f may ask how many there are.
        """
        c = c.reshape(-1, *x.shape)
        if (where, x.shape) not in self.apart:
            with np.errstate(all="ignore"):
                y = np.asarray(self.f(x.copy()))
                same = y.shape == x.shape and np.all(np.abs(y - c[0]) <= NEAR * np.abs(y))
            self.apart[where, x.shape] = bool(same)
        return c if self.apart[where, x.shape] else None


@functools.lru_cache(maxsize=64)
def _line(order: int) -> Any:
    """Return the form of the series along a line."""
    return Univariate(order), (1,)


def _machine(kind: str, form: Any, program: Program, x: Sequence[Any], make: bool) -> Machine:
    """Return the machine of a form recorded at x; NotNow if it is neither on disk nor to be made.

    For series the form says the algebra, and up to which degree heights[i] input i goes.
    """
    inputs = _complex_inputs(kind, program, x)
    if kind not in ("series", "points"):
        # tensors: one vector, as there are enough operations that do not wait for each other
        return Machine(program, complex=inputs, unit=WIDTH if form else 1, make=make)
    algebra, heights, unit = form if len(form) == 3 else (*form, 1)
    varies: list[bool] = []
    for op, args, param, _ in program.code:
        varies.append(heights[param] > 0 if op == "input" else any(varies[a] for a in args))
    if not all(varies[i] for i in program.outputs):
        raise TaylorError("a result does not depend on the series")
    return series_machine(program, algebra, heights, unit, inputs, make=make)


def _weights(kind: str, form: Any) -> tuple[int, int]:
    """Return what the code of an operation on numbers, and of one on arrays, counts as."""
    if kind not in ("series", "points"):
        return 1, ON_ARRAYS
    algebra = form[0]
    if isinstance(algebra, Univariate):
        degrees = 1 + min(algebra.order, LOOPED)
        return degrees * (ON_ARRAYS if kind == "points" else 1), degrees * ON_ARRAYS
    return ON_PARTS * (algebra.order + 1), ON_PARTS * (algebra.order + 1)


def _needed(kind: str, form: Any, program: Program) -> int:
    """Return which call of a form makes its code, so that no call waits long for it on average.

    Derivatives take ten times less in the ordinary way than their program takes to compile.
    """
    number, array = _weights(kind, form)
    size = sum(number if math.prod(i.shape) == 1 else array for i in program.code)
    free = 0 if kind in PLAIN else len(program)
    return -(-size // (PATIENCE + free))


_ONE = np.float64(1.0)
_FLOAT, _COMPLEX = np.dtype(float), np.dtype(complex)


def _floats(x: Sequence[Any]) -> tuple[Any, Pattern]:
    """Return the arguments as float64 or complex128 arrays, and which of them are complex.

    None for the arguments if some are other numbers; nothing for the rest if none is complex.
    """
    found: list[Any] = []
    some = False
    for v in x:
        if type(v) is np.ndarray and v.dtype is _FLOAT:
            found.append(v)
        elif isinstance(v, (float, int)):
            found.append(np.float64(v))
        elif isinstance(v, complex):
            some = True
            found.append(np.complex128(v))
        elif type(v) is np.ndarray and v.dtype is _COMPLEX:
            some = True
            found.append(v)
        elif isinstance(v, (np.ndarray, np.generic, list, tuple)):
            try:
                array = np.asarray(v)
            except ValueError:
                return None, ()
            some = some or array.dtype == _COMPLEX
            if array.dtype.kind not in "iub" and array.dtype not in (_FLOAT, _COMPLEX):
                return None, ()
            found.append(array if array.dtype == _COMPLEX else array.astype(float))
        else:
            return None, ()
    return found, _pattern(found) if some else ()


def _pattern(x: Sequence[Any]) -> Pattern:
    """Return which arrays are complex; nothing if none is."""
    found = tuple(v.dtype == _COMPLEX for v in x)
    return found if any(found) else ()


def _at_complex_point(kind: str, given: list[Any]) -> tuple[list[Any], Pattern]:
    """Return the point and what follows it where one of them is complex, and the pattern.

    A complex direction makes its point complex; a seed of reverse mode does not.
    """
    x, *rest = given
    if x.dtype is _COMPLEX:
        return given, (True,)
    return (given, ()) if kind == "vjp" else ([x.astype(complex), *rest], (True,))


def _is_seed(w: Any, machine: Machine) -> bool:
    """Whether w can be the adjoint of the output."""
    return w.shape == machine.inputs[-1] and (machine.complex[1] or w.dtype != _COMPLEX)


def _complex_inputs(kind: str, program: Program, x: Sequence[Any]) -> Pattern:
    """Return which inputs of a form at x are complex: directions as x, adjoints as f(x)."""
    given = tuple(bool(np.iscomplexobj(v)) for v in x)
    if kind in ("gradient", "vjp"):
        return (*given, kinds(program.code, [*given, False])[program.outputs[0]])
    return given * (len(program.inputs) // len(given))


def _scalar(program: Program) -> Program:
    if program.code[program.outputs[0]].shape != () or len(program.outputs) != 1:
        raise ShapeMismatch("the function is not scalar-valued")
    return program


def _gradient(program: Program) -> Program:
    return reverse(_scalar(program))


def _checked(f: Any, x: Any, derivative: Any, lower: Any) -> Program:
    """Return the program of a derivative of f, and of zero times the lower ones: nan if they are.

    A derivative may be finite where the function has none: 1/x is, for log(x), at x < 0.
    """

    def both(y: Any) -> Any:
        return derivative(f, y), sum(np.sum(0.0 * v) for v in lower(f, y))

    return prune(record(both, *x))


def _tangents(gradient: Program, count: int) -> Program:
    """Return the program of (x, v, w, ...) -> ∂_v ∂_w ... ∇f, for `count` directions.

    The directions and the (first) result have an axis of length 1 in front.
    """
    program = products(gradient, 1, (1.0,), (0,), (1,))
    for _ in range(count - 1):
        program = products(program, 1, (), (0,), (0,))
        if len(program) > MAX_CODE:
            raise TaylorError(f"the program of its derivatives has {len(program)} instructions")
    return program


@functools.lru_cache(maxsize=4)
def _symmetric(n: int, order: int) -> tuple[Array, Array]:
    """Return the directions whose tangents make a symmetric tensor, and where its entries are.

    Column c of the first are the indices i <= j <= ... of one row T(e_i, e_j, ..., ·); the rows
    are the columns of an array of n rows.
    """
    index = np.sort(np.indices((n,) * order).reshape(order, -1), axis=0)
    codes = np.ravel_multi_index(tuple(index[:-1]), (n,) * (order - 1))
    kept, column = np.unique(codes, return_inverse=True)
    columns = np.stack(np.unravel_index(kept, (n,) * (order - 1)))
    return columns, index[-1] * len(kept) + column


def _one_point(program: Program) -> Program:
    """Return the program of one point of an element-wise function, recorded at two."""
    shape = program.code[program.inputs[0]].shape
    code = []
    for op, args, param, own in program.code:
        if own not in ((), shape) or op in ("einsum", "call"):
            raise TaylorError("the function is not element-wise")
        if op == "linear" and (param.kind != "scale" or np.ndim(param.data)):
            raise TaylorError("the function is not element-wise")
        if op == "constant" and np.ndim(param):
            raise TaylorError("the function has a constant for each point")
        code.append(Instruction(op, args, param, ()))
    guards = []
    for guard in program.guards:
        outcome = np.unique(guard.outcome)
        if len(outcome) != 1 or guard.b < 0:
            raise TaylorError("the function branches on some of the points")
        guards.append(guard._replace(outcome=outcome[0]))
    return Program(code, program.inputs, program.outputs, guards, program.single)


# the program of a form, of that of f (and of f itself, recorded at x)
_FORMS: dict[str, Callable[[Program, Any, Any], Program]] = {
    "value": lambda program, f, x: program,
    "series": lambda program, f, x: program,
    "points": lambda program, f, x: _one_point(program),
    "gradient": lambda program, f, x: _gradient(program),
    "vjp": lambda program, f, x: reverse(program),
    "jvp": lambda program, f, x: forward(program),
    "hvp": lambda program, f, x: _tangents(_gradient(program), 1),
    "third": lambda program, f, x: _tangents(_gradient(program), 2),
    "tensor": lambda program, f, x: _gradient(program),
    "hessian": lambda program, f, x: _checked(f, x, hessian, value_and_gradient),
    "jacobian": lambda program, f, x: _checked(f, x, jacobian, lambda f, y: [f(y)]),
}


def compile(
    f: Callable[..., Any] | None = None, *, threads: int | None = None, strict: bool = False
) -> Any:
    """Return f as machine code: the same function, and every driver is faster with it.

    Arguments and results are float64 or complex128, numbers and arrays of the shapes of the call,
    or series (`Taylor`, `TaylorN`, `HyperDual`) of these; the first call with new shapes compiles
    (a few hundredths of a second, less when it is in the cache on disk).  Where that would take
    long, calls are answered in the ordinary way and a later one compiles: `reasons` says which.
    What f reads from elsewhere is a constant of the compilation.  Other numbers take the ordinary
    way, and so do functions that cannot be recorded and the few operations without machine code:
    a PerformanceWarning, and `reasons`, say why; with `strict` that is a CompileError.  A branch
    that would go another way compiles again.  Series of an element-wise function at many points run
    in tiles on `threads` cores (default: all), fewer where that is faster.

    >>> import taylor
    >>> @compile
    ... def f(x):
    ...     return np.sum(np.sin(x) ** 2)
    >>> float(f(np.array([0.0, np.pi / 2])))
    1.0
    >>> taylor.gradient(f, np.array([0.0, np.pi / 4])).round(12)
    array([0., 1.])
    """
    if f is None:
        return lambda f: compile(f, threads=threads, strict=strict)
    if isinstance(f, Compiled):
        same = threads in (None, f.threads) and strict in (False, f.strict)
        return f if same else Compiled(f.f, threads or f.threads, strict or f.strict)
    if not callable(f):
        raise TypeError(f"compile needs a function, not {type(f).__name__}")
    return Compiled(f, threads, strict)
