"""What machine code asks Python for: values of rows without code, local series, rules, guards.

The code writes the arguments into its block of memory and calls a function whose address lies in
that block, `Calls`; this computes one result with NumPy and writes it there.  An `Ask` says what
and where, and is kept on disk with the code: rows and rules are found through the program that is
run, never by address.  An exception cannot pass through machine code: it leaves nan in the lanes it
concerns, in the result and in a number that makes the code say that its results are not finite, and
so the ordinary way is taken, which raises it where it belongs.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.core.applied import Call, called, flat
from taylor.core.calls import Row
from taylor.core.conditions import Guard
from taylor.core.instructions import Instruction
from taylor.core.loops import Loop
from taylor.core.node import Node
from taylor.core.operand import lift
from taylor.core.program import Program
from taylor.core.rules import pruned
from taylor.core.singular import local_series
from taylor.core.table import Elementary, lookup
from taylor.core.tape import Tape
from taylor.errors import ShapeMismatch
from taylor.linalg.degrees import Named
from taylor.numbers.kinds import Array, above_cut

SAMPLES = (0.3, -0.7, 1.9, -12.5, 0.05, 0.3 + 0.4j, -0.7 - 0.2j)  # where two functions are compared
FLOAT, UNREAL = np.dtype(float), "a complex result of real arguments has no machine code"
KIND = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


class Held(NamedTuple):
    """An array in the block of memory: where its planes (real, imaginary) begin, and its shape.

    A table has parts `step` numbers apart, up to degree `height`.
    """

    places: tuple[int, ...]
    shape: tuple[int, ...]
    step: int = 0
    height: int = 0


class Ask(NamedTuple):
    """One question: `kind` of result, of what, and where.

    | kind | ref | answer |
    |---|---|---|
    | value, local | the name of a row of the package, the number of a user's | its value, series |
    | call, degrees | the number of an instruction | the results of its rule, their degree k |
    | guard | the number of a guard | 0 where it holds, else 1 |

    An argument of a rule is None where it is a constant of the program.
    """

    kind: str
    ref: Any
    args: tuple[Held | None, ...]
    out: Held


# ------------------------------------------------------------------ the identity of a program
@functools.lru_cache(maxsize=1024)
def traced(row: Elementary, count: int) -> Program | None:
    """Return the value of a user's row as a program, if it is written in rows and arithmetic."""
    if row.own:
        return None
    tape = Tape()
    x = [tape.input(()) for _ in range(count)]
    try:
        y = lift(row.numpy(*x))
    except Exception:  # what cannot be traced, for whatever reason, is asked for
        return None
    finally:
        tape.tag.closed = True
    if not isinstance(y, Node) or y.tape is not tape or y.shape != () or tape.guards or tape.read:
        return None
    if any(isinstance(i.op, Call) for i in tape.code):
        return None
    code, new = pruned(tape.code, [y.i, *tape.inputs])
    program = Program(code, [new[i] for i in tape.inputs], [new[y.i]])
    return program if _agree(row.numpy, program, count) else None


def _agree(f: Callable[..., Any], program: Program, count: int) -> bool:
    """Whether a program has the values of f: of numbers f may do what of variables it does not."""
    seen = False
    for i in range(len(SAMPLES)):
        x = [np.array(SAMPLES[(i + n) % len(SAMPLES)])[()] for n in range(count)]
        try:
            with np.errstate(all="ignore"):
                y, z = complex(f(*x)), complex(program(*x))
        except Exception:  # one of them has no value there
            continue
        if not (y == z or abs(y - z) <= 1e-13 * abs(y) or (y != y and z != z)):
            return False
        seen = seen or y == y
    return seen


def bare(program: Program) -> tuple[Any, tuple[Any, ...]]:
    """Return what the code of a program depends on, and the rows and rules that it may ask for.

    Two programs of equal code differ in these if users' rows of one name are different ones.
    """
    rows: list[Any] = []
    code = _bare(program.code, rows)
    return (code, program.inputs, program.outputs, program.guards), tuple(rows)


def _bare(code: Sequence[Instruction], rows: list[Any]) -> list[Any]:
    found: list[Any] = []
    for i in code:
        op: Any = i.op
        if isinstance(op, Row):
            count = len(op.reads(i.args))
            op = (op.__class__.__name__, _name(op.row, count, rows), count)
        elif isinstance(op, Call):
            rows.append(op.rule)
            op = (op.rule.name if isinstance(op.rule, Named) else "", op.shapes)
        elif isinstance(op, Loop):
            code = _bare(op.body.code, rows)
            op = ("Loop", code, op.body.inputs, op.body.outputs, *op.contents()[3:])
        found.append((op, *i[1:]))
    return found


def _name(row: Elementary, count: int, rows: list[Any]) -> Any:
    """Return what stands for a row: that of a user is its traced value, or what it is asked as."""
    if row.own:
        return row
    if row not in rows:
        rows.append(row)
    program = traced(row, count)
    value = None if program is None else _bare(program.code, rows)
    return rows.index(row), value, row.local is not None


def is_users(program: Program, rules: bool = True) -> bool:
    """Whether a program rests on rows, or rules, that the text of the package does not tell."""
    ops = [i.op for i in program.code]
    if any(isinstance(op, Loop) and is_users(op.body, rules) for op in ops):
        return True
    users = [type(op) is Row and not op.row.own for op in ops]
    return any(users) or (rules and any(isinstance(op, Call) for op in ops))


# ------------------------------------------------------------------ asking
class Calls:
    """What answers the machine code of one program that works in one block of memory."""

    def __init__(
        self, asks: Any, program: Program, rows: Any, algebra: Any, data: Array, unit: int
    ) -> None:
        questions, at = asks
        self.data, self.unit, self.at = data.reshape(-1, unit), unit, at
        self.error: BaseException | None = None
        self.answers: list[Callable[[int], None]] = []  # by question, given the degree
        for kind, ref, args, out in questions:
            held, to = [None if a is None else Held(*a) for a in args], Held(*out)
            if kind in ("value", "local"):
                row = lookup(ref) if isinstance(ref, str) else rows[ref]
                answer = (self._value if kind == "value" else self._local)(row, held, to)
            elif kind == "guard":
                answer = self._guard(program.guards[ref], held, to)
            else:
                call, given, _ = program.code[ref]
                assert isinstance(call, Call)
                fixed = [program.code[a].op.constant for a in given]
                rules = self._rule if kind == "call" else functools.partial(self._degrees, algebra)
                answer = rules(call.rule, held, fixed, to)
            self.answers.append(answer)
        self.function = KIND(self._answer)
        address: Any = ctypes.cast(self.function, ctypes.c_void_p).value
        self.data[at, :1].view(np.int64)[0] = address

    def _answer(self, _: Any, which: int, k: int) -> None:
        try:
            self.answers[which](k)
        except BaseException as error:
            self._failed(error, slice(None))

    def _failed(self, error: BaseException, lanes: Any) -> None:
        if self.error is None or not isinstance(error, Exception):
            self.error = error
        self.data[self.at + 1, lanes] = np.nan

    def run(self, code: Callable[..., None], *given: Any) -> Exception | None:
        """Run code, and return the first exception that an answer raised, or None.

        Raises it if it is none that the ordinary way would raise again.
        """
        with np.errstate(all="ignore"):
            code(*given)
        error, self.error = self.error, None
        if error is not None and not isinstance(error, Exception):
            raise error
        return error

    # -------------------------------------------------------------- memory
    def _view(self, held: Held, plane: int, rows: tuple[int, int] | None) -> Array:
        """Return the memory of an array, or of some rows of a table, with the lanes last."""
        size, start, count = int(np.prod(held.shape, dtype=int)), held.places[plane], 1
        if rows is not None:
            start, count = start + rows[0] * held.step, rows[1] - rows[0]
        lead = () if rows is None else (count,)
        return self.data[start : start + count * size].reshape(*lead, *held.shape, self.unit)

    def _read(self, held: Held, rows: tuple[int, int] | None = None) -> Array:
        """Return a copy of an array, or of some rows of a table, with the lanes last."""
        planes = [self._view(held, n, rows) for n in range(len(held.places))]
        if len(planes) == 1:
            return planes[0].copy()
        return _paired(*planes)

    def _write(self, held: Held, y: Any, lane: Any = slice(None), rows: Any = None) -> None:
        """Write a result, of one lane or of all."""
        if len(held.places) == 1:
            if np.iscomplexobj(y):
                raise TypeError(UNREAL)
            self._view(held, 0, rows)[..., lane] = y
            return
        for n, part in enumerate((np.real(y), np.imag(y))):
            self._view(held, n, rows)[..., lane] = part

    # -------------------------------------------------------------- rows
    def _value(self, row: Elementary, args: list[Any], out: Held) -> Callable[[int], None]:
        if not any(h.shape or len(h.places) > 1 for h in (*args, out)) and self.unit == 1:
            return self._number(row, [h.places[0] for h in args], out.places[0])
        return self._by_element(lambda *x: row.numpy(*map(above_cut, x)), args, out)

    def _number(self, row: Elementary, args: list[int], out: int) -> Callable[[int], None]:
        """Return what answers with the value of a row at numbers: the shortest way."""
        data: Any = memoryview(self.data[:, 0])  # type: ignore[arg-type]
        f, nan = row.numpy, math.nan

        def answer(k: int) -> None:
            data[out] = nan
            try:
                data[out] = f(*[data[i] for i in args])
            except Exception:  # NumPy's numbers divide by zero, and have no complex roots
                data[out] = f(*[np.float64(data[i]) for i in args])

        return answer

    def _local(self, row: Elementary, args: list[Any], out: Held) -> Callable[[int], None]:
        order = out.shape[0] - 1
        return self._by_element(lambda x: local_series(row, x, order), args, out)

    def _by_element(
        self, f: Callable[..., Any], args: list[Held], out: Held
    ) -> Callable[[int], None]:
        """Return what answers with an element-wise function of all lanes at once if it takes them.

        Else lane by lane: one may fail, and some functions take only a number.
        """

        def answer(k: int) -> None:
            x = [self._read(h) for h in args]
            if self.unit > 1:
                try:
                    self._write(out, f(*x))
                    return
                except Exception:
                    pass
            self._by_lanes(f, x, out)

        return answer

    def _by_lanes(self, f: Callable[..., Any], x: list[Any], out: Held) -> None:
        """Write f of every lane; nan where it fails."""
        for lane in range(self.unit):
            self._write(out, np.nan, lane)
            try:
                self._write(out, f(*(_lane(v, lane) for v in x)), lane)
            except Exception as error:
                self._failed(error, lane)

    def _guard(self, guard: Guard, args: list[Any], out: Held) -> Callable[[int], None]:
        def lost(x: Any) -> float:
            return 0.0 if guard.holds(lambda i: x) else 1.0

        return lambda k: self._by_lanes(lost, [self._read(h) for h in args], out)

    # -------------------------------------------------------------- rules
    def _rule(
        self, rule: Any, args: list[Any], fixed: list[Any], out: Held
    ) -> Callable[[int], None]:
        """Return what answers with the results of a rule, as one array."""

        def value(*x: Any) -> Any:
            given = [c if h is None else v for h, c, v in zip(args, fixed, x, strict=True)]
            y = flat(rule(*given))
            if np.shape(y) != tuple(out.shape):
                raise ShapeMismatch(
                    f"{rule.name} returned an array of shape {np.shape(y)} for one of {out.shape}"
                )
            return y

        if self.unit == 1:
            # the package's own rules keep nothing of what they are given
            lent = isinstance(rule, Named)
            return self._alone(value, [h and self._reader(h, lent) for h in args], out)

        def answer(k: int) -> None:
            self._by_lanes(value, [h if h is None else self._read(h) for h in args], out)

        return answer

    def _alone(self, f: Callable[..., Any], args: list[Any], out: Held) -> Callable[[int], None]:
        """Return what answers with a function of one point, whose arguments are found once."""
        planes = [self._view(out, n, None)[..., 0] for n in range(len(out.places))]

        def answer(k: int) -> None:
            try:
                y = f(*[read and read() for read in args])
                if len(planes) > 1:
                    planes[0][...], planes[1][...] = np.real(y), np.imag(y)
                elif getattr(y, "dtype", FLOAT).kind == "c":
                    raise TypeError(UNREAL)
                else:
                    planes[0][...] = y
            except Exception as error:
                planes[0][...] = np.nan
                self._failed(error, 0)

        return answer

    def _reader(self, held: Held, lent: bool) -> Callable[[], Any]:
        """Return what reads the array of one point: a copy, or the memory itself if it is lent."""
        x, *im = (self._view(held, n, None)[..., 0] for n in range(len(held.places)))
        if im:
            return lambda: _paired(x, im[0])[()]
        return (lambda: x) if lent and x.ndim else (lambda: x.copy()[()])

    def _degrees(
        self, algebra: Any, rule: Any, args: list[Any], fixed: list[Any], out: Held
    ) -> Callable[[int], None]:
        """Return what answers with the part of degree k of a rule's result, for k = 0, 1, ..."""
        kind = np.zeros(0, complex if len(out.places) > 1 else float)
        live = [h is not None and h.step > 0 for h in args]
        steps: list[Any] = []

        def begin(lane: int) -> Any:
            given = [
                c if h is None else self._beginning(h, algebra, lane)
                for h, c in zip(args, fixed, strict=True)
            ]
            y = np.zeros((algebra.size, *out.shape), kind.dtype)
            return called(rule, algebra, given, live, y, kind), given, y

        def answer(k: int) -> None:
            if k == 0:
                steps[:] = [begin(lane) for lane in range(self.unit)]
            part = algebra.part(k)
            rows = (k, k + 1) if isinstance(part, int) else (part.start, part.stop)
            for lane, (step, given, y) in enumerate(steps):
                self._write(out, np.nan, lane, rows)
                try:
                    for h, table in zip(args, given, strict=True):
                        if h is not None and h.step and 0 < k <= h.height:
                            table[rows[0] : rows[1]] = self._read(h, rows)[..., lane]
                    step(k)
                    self._write(out, y[rows[0] : rows[1]], lane, rows)
                except Exception as error:
                    self._failed(error, lane)

        return answer

    def _beginning(self, held: Held, algebra: Any, lane: int) -> Any:
        """Return the table of an argument with its value, or its value if it is no table."""
        if not held.step:
            return _lane(self._read(held), lane)
        value = self._read(held, (0, 1))[..., lane]
        table = np.zeros((algebra.size, *held.shape), value.dtype)
        table[:1] = value
        return table


def _paired(re: Array, im: Array) -> Array:
    x = np.empty(re.shape, dtype=complex)
    x.real, x.imag = re, im
    return x


def _lane(x: Any, lane: int) -> Any:
    return None if x is None else x[..., lane][()]
