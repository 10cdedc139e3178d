"""The engine: the tables of a program on series by machine code, where it has been asked for often.

One call serves eager rows, quotients and products of lanes, and functions along the steps of an
ODE, for every algebra, one number or any number of lanes of float64 or complex128.  Whatever has
no machine code, and coefficients that are not finite, are left to the ordinary way, `sweep`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra, Univariate
from taylor.core.graded import Graded, multivariate
from taylor.core.instructions import DIV, MUL, Const, Input, Instruction, Parameter
from taylor.core.loops import Loop
from taylor.core.program import Program, of_row
from taylor.core.table import Elementary
from taylor.core.tables import pad
from taylor.errors import TaylorError
from taylor.llvm.entry import Entry
from taylor.machine.machine import OK, Machine
from taylor.machine.products import Rows, rows_of
from taylor.machine.windows import Products, products_of
from taylor.numbers.kinds import Array

TILE = 32  # points of a tile: four vectors hide the latency of a multiply-add
ALONE = 12  # points up to which one after the other takes no longer than a tile
PATIENCE = 6  # times the ordinary way is taken before machine code is made
SMALL, PAIRS = 4096, 2048  # numbers of a table, and products of two of them, that have code at once
OFTEN = 200  # times another way is taken before that is made
WORK = 1 << 20  # products of coefficients for which it is made at once
LONG, STEPS = 30_000, 500  # instructions and steps of loops, which take as long as their code
EXACT = 1 << 53  # integers below are floats
FLOAT, COMPLEX = np.dtype(float), np.dtype(complex)
_X, _Y = Instruction(Input(0), (), ()), Instruction(Input(1), (), ())
_C = Instruction(Parameter(0), (), ())
PRODUCTS: dict[tuple[bool, ...], Program] = {
    (True, True): Program([_X, _Y, Instruction(MUL, (0, 1), ())], [0, 1], [2]),
    (True,): Program([_X, Instruction(MUL, (0, 0), ())], [0], [1]),
}
QUOTIENTS: dict[tuple[bool, ...], Program] = {
    (True, True): Program([_X, _Y, Instruction(DIV, (0, 1), ())], [0, 1], [2]),
    (False, True): Program([_X, _C, Instruction(DIV, (1, 0), ())], [0], [2]),
}


def unit_of(points: int, algebra: Algebra | None = None) -> int:
    """Return how many points machine code takes at a time, where each is a number.

    Half as many of a whole program on series in several variables: that is as fast, and compiled
    in half the time.
    """
    whole = TILE if algebra is None or isinstance(algebra, Univariate) else TILE // 2
    return whole if points > ALONE else 1


class Kernel:
    """A program on one kind of series: its machines, made when they have been asked for often."""

    def __init__(
        self,
        program: Program,
        algebra: Algebra,
        heights: Sequence[int],
        complex: Sequence[bool] = (),
        entry: Entry | None = None,
        whole: bool = False,
    ) -> None:
        self.given = (program, algebra, heights)
        self.complex = complex
        self.products = algebra.count
        self.numbers = whole or all(i.shape == () for i in program.code)
        self.whole = whole
        self.asked: dict[int, float] = {1: 0, TILE: 0}
        self.machines: dict[int, Machine | None] = {}
        self.reason = ""  # why there is none
        self.entry = entry or Entry()  # of one point, from the second call of its code on

    def machine(self, lanes: int, asked: int = 1) -> Machine | None:
        """Return the machine code for so many lanes; None as long as, or where, there is none.

        `asked` is how often the ordinary way is taken instead.
        """
        unit = unit_of(lanes) if self.numbers else TILE
        if unit not in self.machines:
            self.asked[unit] += asked + PATIENCE * (lanes * self.products) // WORK
            if self.asked[unit] <= (OFTEN if self.whole else PATIENCE):
                return None
            self.machines[unit] = self._made(unit)
        return self.machines[unit]

    def _made(self, unit: int) -> Machine | None:
        try:
            program, algebra, heights = self.given
            return Machine(program, algebra, heights, unit, True, self.complex)
        except (TaylorError, ImportError, OSError) as error:
            self.reason = str(error)
            small = self.numbers and unit > 1  # a tile of large series would take too much memory
            return self._made(1) if small else None

    def lanes(self, *tables: Array, asked: int = 1) -> list[Array] | None:
        """Return the tables of the outputs; the lanes are the last axis of all tables."""
        machine = self.machine(tables[0].shape[-1], asked)
        if machine is None:
            return None
        status, found = machine.batch(*tables)
        return found if status == OK else None


@functools.lru_cache(maxsize=4096)
def entry(row: Elementary | str, live: tuple[bool, ...], algebra: Algebra) -> Entry:
    """Return what calls the code of a row at one point, for tables and constants of any kind."""
    return Entry()


@functools.lru_cache(maxsize=4096)
def _of_row(
    row: Elementary | str,
    live: tuple[bool, ...],
    algebra: Algebra,
    kinds: tuple[Any, ...],
    shape: tuple[int, ...] | None = None,
) -> Kernel | None:
    """Return the kernel of a row at such tables (dtypes) and constants (dtypes or types).

    If a shape is given, of arrays of this shape as one point.
    """
    pattern = [_is_complex(kind) for kind in _in_order(kinds, live)]
    if algebra.order == 0 or None in pattern:
        return None
    if isinstance(row, Elementary):
        if row.quotient is None:
            return None
        program = of_row(row, live)
    else:
        program = PRODUCTS[live] if row == "mul" else QUOTIENTS[live]
    complex = [pair is True for pair in pattern] if True in pattern else []
    heights, called = [algebra.order] * sum(live), entry(row, live, algebra)
    if shape is None:
        return Kernel(program, algebra, heights, complex, called)
    code = [
        i if type(i.op) in (Const, Parameter) else i._replace(shape=shape) for i in program.code
    ]
    program = Program(code, program.inputs, program.outputs)
    if not isinstance(algebra, Graded):
        algebra = multivariate(1, algebra.order)  # whose tables lie in memory as Python has them
    return Kernel(program, algebra, heights, complex, called, True)


def _is_complex(kind: Any) -> bool | None:
    """Return whether numbers are complex128; None if they are not float64 either."""
    if isinstance(kind, np.dtype):
        return None if kind not in (FLOAT, COMPLEX) else kind == COMPLEX
    if issubclass(kind, (float, int)):
        return None if kind is bool else False
    return True if issubclass(kind, complex) else None


def _in_order(items: Sequence[Any], live: Sequence[bool]) -> list[Any]:
    """Return the items of tables, then those of constants, in the order of a machine's inputs."""
    return [x for want in (True, False) for x, m in zip(items, live, strict=True) if m is want]


@functools.lru_cache(maxsize=64)
def _dense(algebra: Algebra) -> Rows | Products | None:
    """Return what multiplies two tables of float64: in rows where these are long."""
    return rows_of(algebra) or products_of(algebra)


def product(algebra: Algebra, x: Array, y: Array) -> Array | None:
    """Return the product of two tables of float64 of series in several variables, or None."""
    if not (type(x) is np.ndarray is type(y) and x.dtype is FLOAT is y.dtype):
        return None
    dense = _dense(algebra)
    return None if dense is None else dense.product(x, y)


def run(
    row: Elementary | str, live: tuple[bool, ...], algebra: Algebra, given: Sequence[Any]
) -> Array | None:
    """Return the table of a row ("div", "mul") at tables and constants, or None.

    `given` holds a table where `live`, else a number or an array.
    """
    if len(given) == 2 and row == "mul" and given[0] is given[1]:  # a square
        live, given = (True,), given[:1]
    ordered = given if live[0] and len(live) < 3 else _in_order(given, live)
    table: Array | None = entry(row, live, algebra).call(*ordered)
    if table is None and ordered[0].ndim == 2 and row != "mul":
        table = at_once(row, live, algebra, given)
    if table is not None:
        return table
    kinds = tuple([x.dtype if type(x) is np.ndarray else type(x) for x in given])
    kernel = _of_row(row, live, algebra, kinds)
    if kernel is None:
        return None
    shape = given[0].shape[1:] if len(given) == 1 else _common(given, live)
    if shape is None or 0 in shape:
        return None
    if shape == ():
        machine = kernel.machine(1)
        if machine is None:
            return None
        status, (c,) = machine(*ordered)
        machine.enter(kernel.entry, False, False, 1, along=False)
        return c if status == OK else None
    n = math.prod(shape)
    if len(given) == 1:
        found = kernel.lanes(given[0].reshape(-1, n))
    else:
        rows = [_in_lanes(x, m, shape, n) for x, m in zip(given, live, strict=True)]
        found = kernel.lanes(*_in_order(rows, live))
    return None if found is None else found[0].reshape(-1, *shape)


@functools.lru_cache(maxsize=256)
def _has_few_pairs(algebra: Algebra) -> bool:
    return algebra.count <= PAIRS


def at_once(
    row: Elementary | str, live: tuple[bool, ...], algebra: Algebra, given: Sequence[Any]
) -> Array | None:
    """Return what `run` does, by code for arrays of just this length, or None.

    Tables must be arrays of one shape, not too large, and constants numbers.
    """
    if not _has_few_pairs(algebra):
        return None
    shapes = {x.shape if m else np.shape(x) for x, m in zip(given, live, strict=True)} - {()}
    shape = shapes.pop()
    if shapes or not 0 < math.prod(shape) <= SMALL:
        return None
    kinds = tuple([x.dtype if type(x) is np.ndarray else type(x) for x in given])
    kernel = _of_row(row, live, algebra, kinds, shape[1:])
    machine = None if kernel is None else kernel.machine(1)
    if kernel is None or machine is None:
        return None
    status, (c,) = machine(*_in_order(given, live))
    machine.enter(kernel.entry, False, False, 1, along=False)
    return c if status == OK else None


# ------------------------------------------------------------------ loops
class _Loop:
    """A loop that is run at plain numbers: its machine, once that pays."""

    def __init__(self, op: Loop) -> None:
        self.op, self.done = op, 0  # steps so far
        self.machine: Machine | None = None
        self.never = False

    def __call__(self, a: Sequence[Any]) -> Any:
        """Return the result; None where the ordinary way is taken."""
        if self.machine is None:
            self.done += self.op.n
            least = max(STEPS, LONG // len(self.op.body))
            if self.done < least or self.never or not self._made(len(a)):
                return None
        assert self.machine is not None
        status, found = self.machine(*a)
        return found[0] if status == OK else None

    def _made(self, count: int) -> bool:
        code = [Instruction(Input(k), (), s) for k, s in enumerate(self.op.shapes())]
        code.append(Instruction(self.op, tuple(range(count)), self.op.shape([])))
        try:
            self.machine = Machine(Program(code, list(range(count)), [count]))
        except (TaylorError, ImportError, OSError):
            self.never = True
        return not self.never


@functools.lru_cache(maxsize=256)
def _of_loop(op: Loop) -> _Loop:
    return _Loop(op)


def loop(op: Loop, a: Sequence[Any]) -> Any:
    """Return the result of a loop at numbers and arrays by machine code, or None."""
    if not all(isinstance(x, float) or getattr(x, "dtype", None) == FLOAT for x in a):
        return None
    return _of_loop(op)(a)


Loop.coded = loop


def _common(given: Sequence[Any], live: Sequence[bool]) -> tuple[int, ...] | None:
    """Return the common shape of tables and constants; None where the ordinary way must see them.

    It says what is wrong with shapes that do not fit, and knows integers that are no floats.
    """
    shapes = {x.shape[1:] if m else np.shape(x) for x, m in zip(given, live, strict=True)}
    if any(isinstance(x, int) and not -EXACT < x < EXACT for x in given):
        return None
    shapes.discard(())
    try:
        return shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def _in_lanes(x: Array, is_table: bool, shape: tuple[int, ...], n: int) -> Array:
    """Return a table or a constant as rows of n numbers."""
    if not is_table:
        return np.full((1, n), x) if np.ndim(x) == 0 else np.broadcast_to(x, shape).reshape(1, n)
    if x.shape[1:] != shape:
        x = np.broadcast_to(pad(x, len(shape)), (len(x), *shape))
    return x.reshape(-1, n)
