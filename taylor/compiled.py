"""`compile`: a function as machine code, in all the forms the drivers ask for.

What is compiled is a recording at the arguments of a call, so its branches are those of that point;
where another point takes another branch the function is recorded and compiled again, and both are
kept.  Whatever has no machine code (and every number but floats and complex ones) takes the
ordinary way.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from taylor.drivers import hessian, jacobian
from taylor.errors import ShapeMismatch, TaylorError
from taylor.expand import prune
from taylor.forward_mode import taylor_coefficients
from taylor.llvm.kernels import TILE
from taylor.llvm.machine import GUARD, OK, Machine
from taylor.llvm.planar import kinds
from taylor.program import Program, record
from taylor.tape import Instruction
from taylor.transform import forward, reverse

Array = Any
Pattern = tuple[bool, ...]  # which arguments are complex; empty if none is
MANY = 64  # points from which an element-wise function runs in tiles
VARIANTS = 32  # branches of one function that are compiled before it is left to NumPy


class Compiled:
    """A function that runs as machine code where it can; made by `compile`."""

    def __init__(self, f: Callable[..., Any], threads: int | None = None) -> None:
        functools.update_wrapper(self, f)
        self.threads = threads or os.cpu_count() or 1
        self.f = f
        self.machines: dict[Any, list[Machine]] = {}
        self.reasons: dict[Any, str] = {}  # why a form of the function has no machine code
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        count = sum(map(len, self.machines.values()))
        return f"<compiled {getattr(self.f, '__name__', 'function')}, {count} machines>"

    def __reduce__(self) -> Any:
        module = sys.modules.get(getattr(self.f, "__module__", ""))
        name = getattr(self.f, "__qualname__", "")
        if getattr(module, name, None) is self:
            return name
        return (Compiled, (self.f, self.threads))

    def __call__(self, *x: Any) -> Any:
        """Return f(*x)."""
        floats, pattern = _floats(x)
        if floats is None:
            return self.f(*x)
        found = self._run("value", floats, floats, pattern)
        if found is None:
            return self.f(*x)
        return found[0] if len(found) == 1 else tuple(found)

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

    def _run(
        self, kind: str, x: Sequence[Any], given: Sequence[Any], pattern: Pattern
    ) -> list[Any] | None:
        """Return the outputs of one form of the function, or None for the ordinary way."""
        where = (kind, None, *[v.shape for v in x], *pattern)
        for machine in self.machines.get(where, ()):
            if kind == "vjp" and not _is_seed(given[1], machine):
                return None
            status, outputs = machine(*given)
            if status == OK:
                return outputs
            if status != GUARD:
                return None  # not finite: the ordinary way knows what to do
        if where in self.reasons:
            return None
        added = self._compile(where, x, pattern)
        if added is None or (kind == "vjp" and not _is_seed(given[1], added)):
            return None
        status, outputs = added(*given)
        return outputs if status == OK else None

    def _compile(self, where: Any, x: Sequence[Any], pattern: Pattern) -> Machine | None:
        """Return one more machine of a form, recorded at x; None where there is no machine code."""
        kind, order, *_ = where
        with self._lock:
            known = self.machines.setdefault(where, [])
            if len(known) >= VARIANTS:
                self.reasons[where] = f"it takes more than {VARIANTS} different branches"
                return None
            try:
                unit = TILE if kind == "points" else 1
                program = _FORMS[kind](self.f, x)
                inputs = _complex_inputs(kind, program, pattern)
                machine = Machine(program, order, unit=unit, complex=inputs)
            except (TaylorError, TypeError, ImportError, OSError) as error:
                self.reasons[where] = str(error)
                return None
            known.append(machine)
            return machine

    def _fast(self, kind: str, x: Any, *more: Any) -> Any:
        """Return what a driver asks for, or NotImplemented."""
        if kind == "along":
            return self._along(x, *more)
        floats, pattern = _floats((x, *more))
        if floats is None:
            return NotImplemented
        if pattern:
            floats, pattern = _at_complex_point(kind, floats)
        x, given = floats[0], floats
        if kind in ("hvp", "jvp") and floats[1].shape != x.shape:
            return NotImplemented
        if kind == "hvp":
            given = [x, _ONE, floats[1], _ZERO]
        elif kind == "gradient":
            given = [x, _ONE]
        found = self._run(kind, (x,), given, pattern)
        if found is None:
            return NotImplemented
        if pattern:  # what does not depend on x is complex too
            found = [v if v.dtype.kind == "c" else v.astype(complex) for v in found]
        return _RESULTS[kind](found)

    def _along(self, x: Any, v: Any, order: int) -> Any:
        """Return the coefficients 0..order of t -> f(x + t·v)."""
        if type(x) is float and type(v) in (int, float):  # the shortest way, for one number
            for ready in self.machines.get(("value", order, ()), ()):
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
        if point.size >= MANY:
            seed = np.stack([point, np.broadcast_to(v, point.shape)])
            found = self._points(point, seed, order, pattern)
            if found is not None:
                return found
        where = ("value", order, point.shape, *pattern)
        for machine in [*self.machines.get(where, ()), None]:
            if machine is None:
                known = where in self.reasons
                machine = None if known else self._compile(where, (point,), pattern)
            if machine is None or len(machine.found) != 1:
                return NotImplemented
            status, c = machine.line(point, v)
            if status == OK:
                return c
            if status != GUARD:
                return NotImplemented
        return NotImplemented

    def _points(self, x: Array, seed: Array, order: int, pattern: Pattern) -> Array | None:
        """Return the coefficients of an element-wise f at many points, in tiles, on all cores."""
        where = ("points", order, *pattern)
        if where in self.reasons:
            return None
        seed, known = seed.reshape(2, -1), list(self.machines.get(where, ()))
        for machine in known:
            status, (c,) = machine.batch(seed, threads=self.threads)
            if status == OK:
                return c.reshape(order + 1, *x.shape)
            if status != GUARD:
                return None
        if any(machine.batch(seed[:, :2])[0] != GUARD for machine in known):
            return None  # a recording here exists: the points differ among themselves
        added = self._compile(where, (x.reshape(-1)[:2],), pattern)
        if added is None:
            return None
        status, (c,) = added.batch(seed, threads=self.threads)
        return c.reshape(order + 1, *x.shape) if status == OK else None


_ONE, _ZERO = np.float64(1.0), np.float64(0.0)
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
    return found, tuple(v.dtype == _COMPLEX for v in found) if some else ()


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


def _complex_inputs(kind: str, program: Program, pattern: Pattern) -> Sequence[bool]:
    """Return which inputs of a form are complex, given which arguments of the function are."""
    if kind not in _SEEDED:
        return pattern
    x = bool(pattern)
    y = kinds(program.code, [x, False] * 2)[program.outputs[0]]
    return [x if name == "x" else y for name in _SEEDED[kind]]


def _scalar(program: Program) -> Program:
    if program.code[program.outputs[0]].shape != () or len(program.outputs) != 1:
        raise TaylorError("the function is not scalar-valued")
    return program


def _one_point(f: Any, x: Any) -> Program:
    """Return the program of one point of an element-wise function, recorded at two."""
    program = record(f, *x)
    shape = np.shape(x[0])
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


_FORMS: dict[str, Callable[[Any, Any], Program]] = {
    "value": lambda f, x: record(f, *x),
    "points": _one_point,
    "gradient": lambda f, x: reverse(_scalar(record(f, *x))),
    "vjp": lambda f, x: reverse(record(f, *x)),
    "jvp": lambda f, x: forward(record(f, *x)),
    "hvp": lambda f, x: forward(reverse(_scalar(record(f, *x)))),
    "hessian": lambda f, x: prune(record(lambda y: hessian(f, y), *x)),
    "jacobian": lambda f, x: prune(record(lambda y: jacobian(f, y), *x)),
}
_SEEDED = {"jvp": "xx", "gradient": "xy", "vjp": "xy", "hvp": "xyxy"}  # as x or as f(x)
_RESULTS: dict[str, Callable[[list[Any]], Any]] = {
    "gradient": lambda found: (found[0], found[1]),
    "vjp": lambda found: (found[0], found[1]),
    "jvp": lambda found: (found[0], found[1]),
    "hvp": lambda found: found[3],
    "hessian": lambda found: found[0],
    "jacobian": lambda found: found[0],
}


def compile(f: Callable[..., Any] | None = None, *, threads: int | None = None) -> Any:
    """Return f as machine code: the same function, and every driver is faster with it.

    Arguments and results are float64 or complex128, numbers and arrays of the shapes of the call;
    the first call with new shapes compiles (a few hundredths of a second, less when it is in the
    cache on disk).
    What f reads from elsewhere is a constant of the compilation.  Other numbers, functions that
    cannot be recorded, and operations without machine code take the ordinary way; `reasons` says
    why.  A branch that would go another way compiles again.  Series of an element-wise function at
    many points run in tiles on `threads` cores (default: all).

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
        return lambda f: compile(f, threads=threads)
    if isinstance(f, Compiled):
        return f
    if not callable(f):
        raise TypeError(f"compile needs a function, not {type(f).__name__}")
    return Compiled(f, threads)
