"""The sweep: the tables of a program, "coefficient k of instruction i", degree by degree.

What an instruction does at degree k is its own step rule, for every algebra and every number.
Notation: a argument, y result, q and p the quotient, k the degree, D the derivation that multiplies
the part of degree k by k.  D obeys the product rule in every graded commutative algebra, so
p·y' = q·a' gives p·Dy = Σ q·Da and, comparing parts of degree k,

    p_0 (Dy)_k = Σ [ q_0 (Da)_k + interior(k, q, Da) ] - interior(k, p, Dy),     y_k = (Dy)_k / k.

(Griewank & Walther, Evaluating Derivatives, Prop. 13.1, is the case where q and p are free of y.)
Products and quotients compare parts in the same way.  Only coefficients below k of q, p and y are
read, so an integrator may ask for degree k of everything before it knows degree k + 1.

`height[i]` bounds the degree of the last non-zero part of instruction i: terms beyond it are left
out, which makes 1 + a² cheap and keeps 0·inf from turning an overflowed value into nan.
"""

from __future__ import annotations

import contextlib
import functools
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from taylor.core.algebra import Algebra
from taylor.core.applied import Call, called
from taylor.core.calls import Integral, Refined, Row, composed
from taylor.core.conditions import stays_number
from taylor.core.instructions import MUL, Arithmetic, Const, Input, Parameter, Scale, Step
from taylor.core.maps import Map
from taylor.core.program import Program, check, expand, kinds
from taylor.core.sides import Choose, Decision
from taylor.core.singular import (
    checked,
    finite_in,
    is_finite,
    is_nan,
    is_zero,
    local_series,
    masked,
    no_expansion,
    no_quotient,
    overflowed,
    show,
    unsettled,
    zeros_in,
)
from taylor.core.table import Elementary, jumps_at, slope_of_jump
from taylor.core.tables import nonzero
from taylor.errors import NonAnalyticError, NotHolomorphic, OrderMismatch
from taylor.numbers import rounding
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Array, Kind, ValueSet, base, is_operand
from taylor.numbers.policy import current_policy
from taylor.numbers.values import common_shape, constant, over, together, zeros

DEPTH = 5  # of companions such as (1 - e) + 2e·s²
LARGEST_LOW = 2.0**-48  # of a low part; else the value is out of the range of its formula
LOW_ORDER = 20  # a rounded value puts coefficient k off by up to k/2 units: not worth a look below


class Sweep:
    """The tables of all instructions of an expanded program, computed degree by degree.

    `inputs` are tables (first axis: coefficients) and `parameters` plain values; `inputs` may be
    filled in later, degree by degree, if `heights` says how far each will reach.
    """

    def __init__(
        self,
        program: Program,
        algebra: Algebra,
        inputs: Sequence[Array],
        parameters: Sequence[Any] = (),
        heights: Sequence[int] | None = None,
    ) -> None:
        self.program, self.algebra, self.order = program, algebra, algebra.order
        self.policy = current_policy()
        self.side = ""  # of its point, on which series in one variable are: see `tags`
        constants = (i.op.constant for i in program.code if i.op.constant is not None)
        made = (1j for i in program.code if isinstance(i.op, Call) and i.op.makes_complex)
        self.like = self.kind(inputs, [*parameters, *constants, *made])
        self.real: list[bool] = []  # per instruction of a sweep in complex numbers
        if type(self.like) is np.ndarray and self.like.dtype.kind == "c":
            given = [np.iscomplexobj(x) for x in (*inputs, *parameters)]
            self.real = [not found for found in kinds(program.code, given)]
        self.table: list[Any] = []  # a table, or the plain value of an inactive instruction
        self.height: list[int] = []
        self.weighted: dict[int, Array] = {}  # D of a table, for integrals
        self.steps: list[Step] = []
        self.owners: list[int] = []  # per step, its instruction
        integrals = [(i.op, i.args) for i in program.code if isinstance(i.op, Integral)]
        lows = any(op.row.low is not None for op, _ in integrals)
        self.precise = self.order > LOW_ORDER and lows
        self.lows: dict[int, Any] = {}  # what rounding took from the values of rows, when asked for
        # per instruction, the lanes that vary, and that may if inputs do (made when needed)
        self.moving: list[Any] = []
        self.movable: list[Any] = []
        self.live: list[bool] = []  # per instruction, whether it depends on an input at all
        known = [algebra.height(x) for x in inputs] if heights is None else heights
        read = {a for op, args in integrals for a in op.reads(args)}
        for i, (op, args, _) in enumerate(program.code):
            self.live.append(type(op) is Input or any(self.live[a] for a in op.reads(args)))
            if type(op) is Input:
                self.table.append(inputs[op.n])
                self.height.append(known[op.n])
            else:
                self._enter(i, parameters)
            if i in read and self.height[i] > 0 and type(op) is not Integral:
                self._derive(i)

    def _enter(self, i: int, parameters: Sequence[Any]) -> None:
        """Add the table and the step rule of an instruction, or its value if that is all."""
        op, args, shape = self.program.code[i]
        args = op.reads(args)
        self.height.append(op.height([self.height[a] for a in args], self.order))
        if self.height[i] > 0:
            if op.by_element:
                shape = common_shape(shape, *map(self._shape, args))
            self.table.append(self.room(i, (self.algebra.size, *shape)))
            self.steps.append(op.step(self, i))
            self.owners.append(i)
        elif isinstance(op, Parameter):
            self.table.append(self.number(parameters[op.n]))
        elif isinstance(op, Row):
            own = op.made_of(args)
            self.table.append(self.checked(op.row, [self.point(a) for a in own]))
        else:
            known = {a: self.value(a) for a in args}  # one object for one: of sets x·x is a square
            self.table.append(op.value([known[a] for a in args], self.number))

    def _derive(self, i: int) -> None:
        """Add D of a table that an integral reads."""
        table, part = self.table[i], self.algebra.part
        d = self.weighted[i] = zeros(table.shape, table)

        def step(k: int) -> None:
            if 1 <= k <= self.height[i]:
                d[part(k)] = table[part(k)] * k

        self.steps.append(step)
        self.owners.append(i)

    # -------------------------------------------------------------- what tables hold
    def kind(self, inputs: Sequence[Array], others: Sequence[Any]) -> Array:
        """Return an array of the kind of number that combines inputs and what is beside them.

        Python's floats beside them do not count: they take the precision of tables, as in NumPy.
        """
        held, plain = [], []
        for given, x in [*((True, x) for x in inputs), *((False, x) for x in others)]:
            if is_operand(x):
                held.append(x.reshape(-1)[:1])
            elif given or isinstance(x, (np.ndarray, np.inexact)) or not Kind.of(x).numpy:
                plain.append(x)
            elif isinstance(x, complex):
                plain.append(np.zeros(0, dtype=np.complex64))
        like = [Kind.of(*plain).zeros((1,))] if plain or not held else []
        return functools.reduce(operator.add, [*like, *held])

    def room(self, i: int, shape: tuple[int, ...]) -> Any:
        """Return the table of instruction i, all zeros."""
        return zeros(shape, self.like)

    def args(self, i: int) -> tuple[int, ...]:
        return self.program.code[i].args

    def number(self, c: Any) -> Any:
        return constant(c, self.like)

    def value(self, a: int) -> Any:
        """Return the part of degree 0 of instruction a."""
        x = self.table[a]
        return x[0] if self.height[a] or type(self.program.code[a].op) is Input else x

    def at(self, a: int, k: int) -> Any:
        """Return the part of degree k of instruction a; above its height one zero of each."""
        if k == 0:
            return self.value(a)
        if k <= self.height[a]:
            return self.table[a][self.algebra.part(k)]
        x = self.value(a)
        if type(x) is np.ndarray and x.dtype.kind in "fc":  # of infinities, too
            return np.zeros_like(x)
        return type(x)(0) if isinstance(x, float) else x * 0

    def _shape(self, a: int) -> tuple[int, ...]:
        return self.table[a].shape[1:] if self.height[a] else np.shape(self.value(a))

    def result(self, i: int) -> Any:
        """Return the table of instruction i."""
        if self.height[i] or type(self.program.code[i].op) is Input:
            return self.table[i]
        value, like = self.table[i], self.like
        if not (is_operand(value) or is_operand(like)):
            like = Kind.of(like, value).zeros((1,))
        table = zeros((self.algebra.size, *np.shape(value)), like)
        table[0] = value
        return table

    def run(self) -> None:
        """Compute all parts of all instructions."""
        with np.errstate(all="ignore"):
            for k in range(self.order + 1):
                for step in self.steps:
                    step(k)
        self.steps.clear()  # the steps refer back to the sweep: let the tables go with the sweep

    # -------------------------------------------------------------- what instructions ask for
    def checked(self, row: Elementary, values: Sequence[Any]) -> Any:
        """Return the value of a row; a scalar outside the domain raises DomainError."""
        return checked(row, values, self.policy.singular)

    def point(self, a: int) -> Any:
        """Return the part of degree 0, in real numbers where they are those of a complex sweep."""
        x = self.value(a)
        return np.real(x) if self.real and self.real[a] else x

    def coefficients(self, row: Elementary, x: Any) -> Any:
        """Return the local coefficients 0..order of a row at x."""
        return local_series(row, x, self.order)

    def composed(self, x: Array, top: int, c: Any) -> Callable[[int], Any]:
        """Return what gives the parts of a function with local coefficients c: see `calls`."""
        return composed(self, x, top, c)

    def choosing(self, i: int) -> Callable[[int], Any]:
        """Return what gives the parts of choice i."""
        return Decision(self, i)

    def calling(self, i: int) -> Step:
        """Return the step of a rule of arrays."""
        op, args, _ = self.program.code[i]
        assert isinstance(op, Call)
        live = [self.height[a] > 0 for a in args]
        given = [self.table[a] if m else self.value(a) for a, m in zip(args, live, strict=True)]
        return called(op.rule, self.algebra, given, live, self.table[i], self.like)

    def looping(self, i: int) -> Step:
        """Return the step of a loop: the steps of the sweeps of all its steps, in order."""
        op, args, _ = self.program.code[i]
        loop: Any = op
        given = [self.result(a) for a in args]
        moving = loop.live([self.height[a] > 0 for a in args])
        heights = [self.order * m for m in moving]
        body, (states, fixed, rows) = expand(loop.body), loop.groups(len(args))
        before, sweeps = [given[a] for a in states], []
        for n in loop.steps():
            x = [*before, *(given[a] for a in fixed), *(given[a][:, n] for a in rows)]
            sweeps.append(Sweep(body, self.algebra, x, (), heights))
            before = [sweeps[-1].result(a) for a in body.outputs[: loop.states]]
        y, part = self.table[i], self.algebra.part
        ordered = sweeps[:: -1 if loop.backwards else 1]

        def step(k: int) -> None:
            for s in sweeps:
                for each in s.steps:
                    each(k)
            found = [sweeps[-1].result(a)[part(k)] for a in body.outputs[: loop.states]]
            kept = [s.result(a)[part(k)] for a in body.outputs[loop.states :] for s in ordered]
            lead = np.shape(y[part(k)])[:-1]
            y[part(k)] = np.concatenate([np.reshape(e, (*lead, -1)) for e in [*found, *kept]], -1)

        return step

    def jumping(self, row: Elementary, args: Sequence[int]) -> tuple[Any, Any]:
        """Return the value and the derivative (None: zero) of a piecewise constant row."""
        values = [self.value(a) for a in args]
        points = [base(v) for v in values]
        if any(map(np.iscomplexobj, points)):
            raise NotHolomorphic(f"{row.name} of a complex series is not holomorphic")
        y = self.checked(row, values)
        at = np.asarray(jumps_at(row, *points), dtype=bool) & self.lanes_active(args)
        if not at.any():
            if is_operand(y) and self.order:
                stays_number(np.where(self.lanes_active(args), slope_of_jump(row)(*values), 0.0))
            return y, None
        if self.raises(y):
            raise NonAnalyticError(
                f"{row.name} jumps at {show(values)}; it has no derivative there"
            )
        zero = zeros(np.shape(y), self.like)
        if not is_operand(y):
            return y, masked(zero, at)
        return y, np.where(at, slope_of_jump(row)(*values), zero)  # which has no derivatives either

    # -------------------------------------------------------------- what rounding took
    def slopes_first(self, y: Any) -> bool:
        """Whether the part of degree 1 of a root is made of slopes: if it is recorded, or nested.

        (Where an integrator watches it looks for the zeros of what divides.)
        """
        return is_operand(y) and not (hasattr(y, "tape") and y.tape.watched)

    def unit(self, a: Any, b: Any) -> Any:
        """Return a power of two above |a| and |b| where squares of floats lose digits, or None."""
        if not (type(self.like) is np.ndarray and self.like.dtype.kind in "fc"):
            return None
        size, info = np.maximum(abs(a), abs(b)), np.finfo(self.like.dtype)
        least = math.sqrt(info.smallest_normal) / info.eps
        if np.all((size >= least) & (size <= 1 / least)):
            return None
        exponent = np.clip(np.frexp(size)[1], info.minexp, info.maxexp - 1)
        return np.ldexp(info.dtype.type(1), exponent)

    def divisor(self, i: int) -> Any:
        """Return what divides by the value of instruction i, as it is before it is rounded.

        A rounded divisor moves a singularity, which puts coefficient k off by k times as much.
        """
        return self.dividing(self.value(i), self.low(i))

    def dividing(self, x: Any, low: Any) -> Any:
        """Return (divide, by): divide(s, by) is s/(x + low)."""
        if low is None or not np.any(low):
            objects = isinstance(x, np.ndarray) and x.dtype.hasobject
            return over if objects else operator.truediv, x
        with np.errstate(all="ignore"):
            return rounding.over, rounding.divisor(x, low)

    def low(self, i: int, depth: int = DEPTH) -> Any:
        """Return what rounding took from the value of instruction i, as far as it is known."""
        op, args, _ = self.program.code[i]
        if isinstance(op, (Integral, Refined)):
            return self.row_low(i)
        if depth == 0 or not self.has_low(i):
            return None
        if isinstance(op, Const):
            return rounding.of_constant(op.c) if isinstance(op.c, Constant) else None
        if not isinstance(op, (Arithmetic, Scale)) or np.ndim(op.constant):
            return None
        with self.exactly():
            x = [(self.value(a), self.low(a, depth - 1)) for a in args]
            if isinstance(op, Scale):
                x.append((self.number(op.c), rounding.of_constant(op.c)))
                op = MUL
            return self.settled(op.low(x[0], x[1], self.value(i), self.product_low))

    def row_low(self, i: int) -> Any:
        """Return what rounding took from the value of a row that says so, at high orders."""
        if i not in self.lows:
            op, args, _ = self.program.code[i]
            known = self.precise and isinstance(op, Row) and op.row.low is not None
            self.lows[i] = self._row_low(i, op, args) if known else None
        return self.lows[i]

    def _row_low(self, i: int, op: Any, given: tuple[int, ...]) -> Any:
        args, y = op.made_of(given), self.value(i)
        if not all(map(self.has_low, (i, *args))):
            return None
        with np.errstate(all="ignore"), self.exactly():
            low = self.kept(op.row.low(*map(self.value, args), y), y)
            for n, a in enumerate(args):
                change = self.low(a, DEPTH - 2) if self.live[a] else None
                if change is not None:
                    low = low + change * op.slope(self, i, n)
            return self.settled(low)

    def kept(self, low: Any, y: Any) -> Any:
        """Return a low part of y, zero where it is none."""
        return np.where(np.abs(low) <= LARGEST_LOW * np.abs(y), low, 0.0)[()]

    def has_low(self, i: int) -> bool:
        """Whether the value of instruction i is a float (or some)."""
        x = self.value(i)
        return isinstance(x, (int, float)) or (type(x) is np.ndarray and x.dtype == float)

    def product_low(self, x: Any, y: Any, z: Any) -> Any:
        return rounding.of_product(x, y, z)

    def exactly(self) -> contextlib.AbstractContextManager[Any]:
        """Return where every operation is rounded: what rounding takes is computed."""
        return contextlib.nullcontext()

    def settled(self, low: Any) -> Any:
        """Return a low part, computed."""
        return low

    # -------------------------------------------------------------- singular points
    def raises(self, value: Any) -> bool:
        """Whether a singular point with that value is an error."""
        if self.policy.singular == "propagate":
            return False
        return np.shape(base(value)) == () or self.policy.singular == "raise"

    def lanes_active(self, args: Sequence[int]) -> Any:
        """Return where some argument varies, per lane."""
        return self._active(args, self.moving)

    def _active(self, args: Sequence[int], moving: list[Any]) -> Any:
        """Return where some argument varies, or of `movable` where one may if inputs do."""
        possibly = moving is self.movable
        for i in range(len(moving), max(args, default=-1) + 1):
            op, inner, _ = self.program.code[i]
            lanes: Any = np.zeros((), dtype=bool)
            if type(op) is Input and self.height[i]:
                lanes = np.ones((), dtype=bool) if possibly else nonzero(self.table[i][1:]).any(0)
            elif isinstance(op, Map) and self.height[i]:
                lanes = np.ones((), dtype=bool)
            elif isinstance(op, Choose):
                lanes = self._chosen_active(moving, *inner)
            elif type(op) is not Input:
                lanes = _either(moving[a] for a in op.reads(inner))
            moving.append(lanes)
        return _either(moving[a] for a in args)

    def _chosen_active(self, moving: Sequence[Any], *args: int) -> Any:
        """Return where a choice varies: where the side does that was taken, or at a tie."""
        left, right = (base(self.value(a)) for a in args[:2])
        every, one, other = (
            _either(moving[a] for a in args),
            *(moving[a] for a in args[2:]),
        )
        if any(
            isinstance(x, ValueSet) or is_operand(x) or np.iscomplexobj(x) for x in (left, right)
        ):
            return every
        first, second = (np.asarray(x > y, dtype=bool) for x, y in ((left, right), (right, left)))
        return np.where(first, one, np.where(second, other, every))

    def singular(
        self, row: Elementary, args: Sequence[int], y0: Any, p0: Any, slopes: Iterable[Any] = ()
    ) -> Any:
        """Return (lanes without an expansion, inactive lanes there) or None; raise for scalars.

        Where slopes are infinite inactive lanes have zeros, not 0·inf.
        """
        y, p = base(y0), base(p0)
        alone = np.shape(y) == () and np.shape(p) == ()
        if alone:
            y, p = (x[()] if isinstance(x, np.ndarray) else x for x in (y, p))
            bad = np.asarray(is_zero(p) or is_nan(y))
        else:
            lost = False if isinstance(y, ValueSet) else np.not_equal(y, y)
            bad = np.broadcast_to(zeros_in(p) | np.asarray(lost, dtype=bool), np.shape(y))
        if isinstance(y, ValueSet):
            values = [self.value(a) for a in args]
            bad = bad | np.broadcast_to(unsettled(row, values, y), bad.shape)
        far = overflowed(row, self.value(args[0]))
        steep = np.zeros(bad.shape, dtype=bool)
        for q in map(base, slopes):
            steep = steep | np.logical_not(is_finite(q) if np.shape(q) == () else finite_in(q))
        if not (bad.any() or steep.any() or far.any()):
            return None
        active = np.broadcast_to(self.lanes_active(args), bad.shape)
        varies = bad & (self._active(args, self.movable) if alone else active)
        if self.raises(y) and varies.any():
            raise no_expansion(row, [self.value(a) for a in args])
        return ((bad | far) & active, (bad | steep | far) & ~active)

    def mask(self, lanes: Any, k: int, *tables: Any) -> None:
        """Note in tables the lanes without an expansion."""
        if lanes is not None:
            part = self.algebra.part(k)
            for table in tables:
                table[part] = masked(table[part], lanes)

    def check_divisor(self, i: int, a: Any, b: Any) -> None:
        """Raise PoleError where instruction i would divide by zero."""
        divisor = base(b)
        if np.shape(divisor) == ():
            bad = is_zero(divisor)
        else:
            bad = self.policy.singular == "raise" and bool(zeros_in(divisor).any())
        if bad and self.raises(self.table[i][0]):
            raise no_quotient(f": {show([a])}/{show([b])}")


def _either(lanes: Iterable[Any]) -> Any:
    return functools.reduce(operator.or_, lanes, np.zeros((), dtype=bool))


def sweep(program: Program, algebra: Algebra, inputs: Sequence[Array]) -> list[Array]:
    """Return the tables of the outputs of an expanded program.

    >>> from taylor import exp, record
    >>> from taylor.core.algebra import Univariate
    >>> from taylor.core.program import expand
    >>> sweep(expand(record(exp, 0.0)), Univariate(3), [np.array([0.0, 1, 0, 0])])[0]
    array([1.        , 1.        , 0.5       , 0.16666667])
    """
    for n, x in enumerate(inputs):
        if len(x) != algebra.size:
            raise OrderMismatch(
                f"input {n} has {len(x)} coefficients; {algebra} has {algebra.size}"
            )
    s = Sweep(program, algebra, together(*inputs))
    s.run()
    check(program.guards, s.value)
    return [s.result(i) for i in program.outputs]
