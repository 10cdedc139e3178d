"""The sweeps through a program: the values, tangents and adjoints of all its instructions.

What each instruction does is its own (`instructions`).  Applied to the nodes of another tape, these
sweeps transform programs.  Where no derivative exists (a kink, a jump) the result is nan: the
caller decides (see `kinks`), and may give a choice the shares of its first side in place of it.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from taylor.core import parts
from taylor.core.applied import Call
from taylor.core.functions import TINY, mod, power, real_power
from taylor.core.instructions import (
    At,
    Const,
    Factors,
    Input,
    Instruction,
    Op,
    Whole,
    added,
    full,
)
from taylor.core.maps import scattered
from taylor.core.node import Node
from taylor.core.operand import is_complex
from taylor.core.powers import integer_valued
from taylor.core.sides import Blend, Choose
from taylor.core.singular import leading, masked, unsettled
from taylor.core.slopes import of_whole_powers, within
from taylor.core.table import Elementary, Rule, derived, slope_of_jump
from taylor.core.tape import Tape
from taylor.core.totals import Totals, joined, narrowed, taking, whole
from taylor.errors import NotHolomorphic
from taylor.numbers.formulas import Constant
from taylor.numbers.kinds import Kind, ValueSet, base, is_nested, is_operand
from taylor.numbers.values import constant, integers, is_float, over, shape_of, times

Code = Sequence[Instruction]
WHERE = Choose("where")
EXACT = 1 << 53  # below it integers are floats
FLOAT, ONE = np.dtype(float), (float, np.float64)
NUMBERS = (int, float, complex)  # of every kind of number
HELD = (type(None), int, float)  # arguments of a row of which its code may hold the value


def values(
    code: Code,
    x: Sequence[Any],
    keep: Container[int] | None = None,
    settle: Callable[[Any, int], Any] | None = None,
) -> list[Any]:
    """Return the value of every instruction at x, computed through the users' own front door.

    With `keep` only those values are kept; the others are forgotten after their last use.
    `settle` replaces every value; it gets the value and how often it is used.
    """
    if keep is None and settle is None and all(map(is_float, x)):
        return _of_floats(code, x)
    v: list[Any] = []
    uses = Counter(a for i in code for a in i.args) if settle is not None else Counter()
    last = {a: i for i, c in enumerate(code) for a in c.args} if keep is not None else {}
    number = numbers(x)

    for i, (op, args, _) in enumerate(code):
        if type(op) is Input:
            v.append(x[op.n])
        else:
            v.append(op.value([v[a] for a in args], number))
        if settle is not None:
            v[i] = settle(v[i], uses[i])
        if keep is not None:
            for a in args:
                if last[a] == i and a not in keep:
                    v[a] = None
    return v


def numbers(x: Sequence[Any]) -> Callable[[Any], Any]:
    """Return what makes constants numbers of the kind of x."""
    like: Any = None

    def number(c: Any) -> Any:
        nonlocal like
        if type(c) in NUMBERS:
            return c
        if like is None:
            like = x[0] if x and is_operand(x[0]) else Kind.of(*x).zeros((1,)) if x else np.zeros(1)
        return constant(c, like)

    return number


def _of_floats(code: Code, x: Sequence[Any]) -> list[Any]:
    """Return the value of every instruction at floats."""
    v: list[Any] = []
    for op, args, _ in code:
        v.append(x[op.n] if type(op) is Input else op.value([v[a] for a in args], _float))
    return v


def _is_finite(x: Any) -> bool:
    """Whether x is an array of finite numbers of NumPy's."""
    return type(x) is np.ndarray and x.dtype.kind == "f" and bool(np.isfinite(x).all())


def _float(c: Any) -> Any:
    return float(c) if isinstance(c, (Fraction, Constant)) else c


def active(code: Code) -> list[bool]:
    """Return, instruction by instruction, whether it depends on an input."""
    depends: list[bool] = []
    for op, args, _ in code:
        if len(args) == 1:
            depends.append(depends[args[0]])
        elif len(args) == 2:
            depends.append(depends[args[0]] or depends[args[1]])
        else:
            depends.append(type(op) is Input or any(map(depends.__getitem__, args)))
    return depends


def pruned(
    code: Sequence[Instruction], needed: Iterable[int]
) -> tuple[list[Instruction], dict[int, int]]:
    """Return the instructions that the needed ones rest on, and the new index of each."""
    kept: set[int] = set()
    stack = list(needed)
    while stack:
        i = stack.pop()
        if i not in kept:
            kept.add(i)
            stack.extend(code[i].args)
    new = {i: n for n, i in enumerate(sorted(kept))}
    return [code[i]._replace(args=tuple(new[a] for a in code[i].args)) for i in new], new


# ------------------------------------------------------------------ forward: tangents
def tangents(
    code: Code,
    v: Sequence[Any],
    dx: Sequence[Any],
    share: Callable[[int, list[Any]], Any] | None = None,
    lanes: int | None = None,
) -> list[Any]:
    """Return the tangent of every instruction, given its values and the tangents of the inputs.

    `share(i, d)` gives choice i, whose arguments have the tangents d, the shares of its first side
    (None: those it has).  With `lanes` the tangents have that many directions along a last axis:
    there they fill whole vectors of machine code, beside values that are one number for all.
    """
    t: list[Any] = []
    under = functools.cache(lambda i: _under(v[i]))  # values with an axis for the directions
    with np.errstate(all="ignore"):
        for i, (op, args, _) in enumerate(code):
            d = [t[a] for a in args]
            if type(op) is Input:
                t.append(dx[op.n])
                continue
            if all(e is None for e in d):
                t.append(None)
                continue
            if share is not None and isinstance(op, Choose):
                given = share(i, d)
                op = op if given is None else Blend(op.mode, given)
            value = v.__getitem__ if lanes is None or not op.by_element else under
            op = op if lanes is None else op.under(lanes)
            t.append(op.tangent(Recorded(code, i, [value(a) for a in args], value(i), lanes), d))
    return t


def _under(x: Any) -> Any:
    shape = np.shape(x)
    return x if shape == () else np.reshape(x, (*shape, 1))


def tangent_of(op: Op, a: list[Any], y: Any, d: list[Any]) -> Any:
    """Return the tangent of one instruction at a, its value y, for the tangents d."""
    code = [Instruction(Input(n), (), shape_of(x)) for n, x in enumerate(a)]
    code.append(Instruction(op, tuple(range(len(a))), shape_of(y)))
    return op.tangent(Recorded(code, len(a), a, y), d)


class Recorded(At):
    """An instruction at a point; functions of its arguments are recorded there."""

    __slots__ = ()

    def slopes(self, row: Elementary, wanted: Sequence[bool]) -> list[Any] | None:
        return partials(row, self.a, self.y, wanted)

    def push(self, f: Callable[..., Any], d: Sequence[Any]) -> Any:
        tape, (out,) = inner(f, self.a, [e is not None for e in d])
        found = tangents(tape.code, tape.values, [e for e in d if e is not None])
        return None if out is None else found[out]

    def multiplied(self, op: Op, bar: Factors, wanted: list[bool]) -> list[Any]:
        """Return what `Op.adjoint` gives for an adjoint in factors, in factors where it may be."""
        if not op.by_element:
            return [*op.adjoint(self, whole(bar), wanted)]
        factor, found = bar.bar, list[Any]()
        given = op.adjoint(self, bar.slope, wanted)
        if any(type(part) is Whole for part in given):  # sums of products with the adjoint
            return list(op.adjoint(self, whole(bar), wanted))
        for j, part in zip(self.code[self.i].args, given, strict=True):
            before, args, shape = self.code[j]
            if part is None:
                found.append(None)
            elif type(part) is Factors:
                found.append(Factors(times(factor, part.bar), part.slope))
            elif before.multiplies and args and shape == self.shape:
                found.append(Factors(factor, part))
            else:
                found.append(times(factor, part))
        return found

    def pull(
        self,
        f: Callable[..., Any],
        x: Sequence[Any],
        moving: Sequence[bool],
        bars: Sequence[Any],
        rule: Rule | None = None,
    ) -> list[Any] | None:
        if rule in self.transposing:
            return None
        transposing = self.transposing if rule is None else (*self.transposing, rule)
        tape, outputs = inner(f, x, moving)
        seeds: dict[int, Any] = {}
        for i, bar in zip(outputs, bars, strict=True):
            if i is not None and bar is not None:
                seeds[i] = added(seeds.get(i), bar)
        found = iter(adjoints(tape.code, tape.values, seeds, transposing=transposing))
        return [next(found) if m else None for m in moving]


# ------------------------------------------------------------------ reverse: adjoints
def adjoints(
    code: Code,
    v: Sequence[Any],
    seeds: Mapping[int, Any],
    start: Sequence[Any] = (),
    every: dict[int, Any] | None = None,
    transposing: tuple[Rule, ...] = (),
) -> list[Any]:
    """Return the adjoint of every input (None: zero), given the values and seeds of some variables.

    `start` holds adjoints of the inputs to which the new ones are added; `every` is filled with the
    adjoints of all variables, `transposing` the rules in whose tangents the code stands.
    """
    if parts.Part not in [type(c[0]) for c in code]:
        return _swept(code, v, seeds, start, every, transposing)
    # Re(w·dy), and Im(w·dy) = Re(-i·w·dy), for real inputs
    inputs = [y for c, y in zip(code, v, strict=True) if type(c.op) is Input]
    if any([is_complex(x) for x in inputs]):
        raise NotHolomorphic(parts.REFUSED)
    found = [_real(b) for b in _swept(code, v, seeds, start, every, transposing, True)]
    if not any([is_complex(w) for w in (*seeds.values(), *(v[i] for i in seeds))]):
        return found
    turned = {i: -1j * w for i, w in seeds.items()}
    other = [_real(b) for b in _swept(code, v, turned, (), None, transposing, True)]
    return [added(b, None if c is None else 1j * c) for b, c in zip(found, other, strict=True)]


def _real(bar: Any) -> Any:
    return parts.part("real", bar) if is_complex(bar) else bar


def _swept(
    code: Code,
    v: Sequence[Any],
    seeds: Mapping[int, Any],
    start: Sequence[Any],
    every: dict[int, Any] | None,
    transposing: tuple[Rule, ...],
    parted: bool = False,
) -> list[Any]:
    """Return the adjoints of the inputs: see `adjoints`.

    `parted`: of the adjoint of what a rule gives, if that is real, only the real part counts.
    """
    depends = active(code)
    bars = Totals(code)
    inputs = [i for i, c in enumerate(code) if type(c.op) is Input]
    for i, bar in zip(inputs, start, strict=False):
        if bar is not None:
            bars.add(i, bar)
    for i, bar in seeds.items():
        bars.add(i, bar)
    total, pending, choices = bars.total, bars.pending, bars.choices
    at = Recorded(code, 0, [], None, None, transposing, taking(code, seeds))
    with np.errstate(all="ignore"):
        for i in range(len(code) - 1, -1, -1):
            if not depends[i] or ((bar := total[i]) is None and i not in pending):
                continue
            op, args, shape = code[i]
            if not args or 0 in shape:
                continue
            total[i] = None
            if i in pending:
                bar = joined(bar, scattered(pending.pop(i), shape))
            if parted and isinstance(op, Call) and not is_complex(v[i]):
                bar = _real(bar)
            if every is not None:
                every[i] = full(whole(bar), shape)
            at.i, at.a, at.y = i, [v[j] for j in args], v[i]
            wanted = [depends[j] for j in args]
            plain = type(bar) is not Factors
            given = op.adjoint(at, bar, wanted) if plain else at.multiplied(op, bar, wanted)
            if choices or isinstance(op, Choose):
                bars.spread(v, i, given)
                continue
            for j, part in zip(args, given, strict=True):  # the shortest way
                if part is None:
                    continue
                if type(part) is Whole:
                    if part.at is not None:
                        pending.setdefault(j, []).append((part.at, part.bar))
                        continue
                    part = part.bar
                elif code[j][2] != shape:
                    part = narrowed(part, shape, code[j][2])
                total[j] = part if total[j] is None else joined(total[j], part)
        found = [bars.pop(i) for i in inputs]
    return [b if b is None else full(b, code[i].shape) for i, b in zip(inputs, found, strict=True)]


# ------------------------------------------------------------------ helpers
def partials(row: Elementary, a: list[Any], y: Any, wanted: Sequence[bool]) -> list[Any] | None:
    """Return the partial derivatives f_a of a row in the arguments that are wanted, at values a.

    They are q_a/p from its quotient, the first coefficient of its local series, or zero (None: not
    wanted, or zero); None for a row made of others that choose, jump, or depend on the values.
    """
    if len(a) == 1 and _by_numpy(row) and _are_arrays(a[0], y):
        assert row.quotient is not None
        q, p = row.quotient(a[0], y)
        return [within(row, a[0], q if type(p) is int and p == 1 else _float(q) / _float(p))]
    n = a[1] if row is power and not wanted[1] else None
    if type(n) is int and n not in (0, 1) and abs(n) < EXACT and _are_arrays(a[0], y):
        return [n * (a[0] if n == 2 else a[0] ** (n - 1)), None]
    if type(n) is np.ndarray and is_float(base(a[0])) and not _is_symbol(a[0]):
        slope = of_whole_powers(a[0], n)
        if slope is not None:
            return [slope, None]
    if row is power and type(a[1]) is float and not integer_valued(a[1]):
        row = real_power
    if row.compose is not None:
        return _of_composed(row, a, wanted)
    if row.complex_slope is not None and is_complex(y):
        return [row.complex_slope(a[0])]
    if row.local is not None:
        return [within(row, a[0], derived(row)(a[0]))]
    if row.jumps is not None:
        if any(np.iscomplexobj(base(x)) for x in a if not _is_symbol(x)):
            raise NotHolomorphic(f"{row.name} of a complex value is not holomorphic")
        return [slope_of_jump(row)(*a) if w else None for w in wanted]
    if row is real_power and wanted[0] and not wanted[1] and _vanishes(*a):
        slope = a[1] * real_power(a[0], a[1] - 1)  # r·y/a is 0/0
        return [masked(slope, np.equal(base(a[0]), 0) & np.less(base(a[1]), 1)), None]
    code, outputs = _quotients(row, tuple(wanted))
    v = values(code, [*(_companion(x, y) for x in a), y])
    *q, p = (v[i] for i in outputs)
    one = type(p) is int and p == 1
    slopes = q if one else [over(e, p) for e in q]
    if row is real_power and wanted[0]:
        slopes[0] = _of_power(a, y, slopes[0])
    if wanted[0]:
        slopes[0] = within(row, a[0], slopes[0])
    if isinstance(y, ValueSet):
        set_: Any = y
        lost = unsettled(row, a, y)
        slopes = [masked(e + set_ * 0, lost) for e in slopes]
    found = iter(slopes)
    return [next(found) if w else None for w in wanted]


def _of_power(given: Sequence[Any], y: Any, slope: Any) -> Any:
    """Return the derivative r·y/a of y = a**r by a, also where y leaves the range of floats.

    What is recorded where it does not is nan at points where it would.
    """
    (a, r), inner = given, leading(y)
    recorded, known = is_nested(inner), isinstance(inner, Node) and not _is_symbol(inner)
    value: Any = base(y) if known or not recorded else None
    if is_float(value) and not (type(value) in ONE and TINY <= abs(value) < math.inf):
        tiny = np.finfo(getattr(value, "dtype", FLOAT)).tiny
        out = ((np.abs(value) < tiny) | np.isinf(value)) & np.not_equal(base(a), 0)
        if np.any(out):
            with np.errstate(all="ignore"):
                other = r * real_power(a, r - 1)
            return other if recorded else np.where(out, other, slope)[()]
    return slope + 0 * (4 / y) if recorded else slope  # 4/y overflows


def _vanishes(x: Any, r: Any) -> bool:
    """Whether x is zero somewhere, where x**r has a slope if it is a number alone."""
    if _is_symbol(leading(x)) or isinstance(value := base(x), ValueSet):
        return False
    one, powers = type(value) in ONE or not np.ndim(value), base(r)
    if value if one else np.all(value):
        return False
    return not (one or isinstance(powers, ValueSet)) or bool(np.all(np.real(powers) >= 1))


def _is_symbol(x: Any) -> bool:
    """Whether x is a variable of a recording without values."""
    return isinstance(x, Node) and x.tape.values[x.i] is None


def _are_arrays(x: Any, y: Any) -> bool:
    """Whether both are arrays of NumPy's floats, or one of them."""
    if type(x) is np.ndarray is type(y):
        return bool(x.dtype.kind == "f" == y.dtype.kind)
    return is_float(x) and type(x) is not float and is_float(y) and type(y) is not float


@functools.cache
def _by_numpy(row: Elementary) -> bool:
    """Whether the quotient of a row of one argument may be taken of arrays as they are.

    That is, no operation in it has constants but Python's numbers.
    """
    if row.quotient is None or row.compose is not None or not row.own:
        return False
    code, _ = _quotients(row, (True,))
    used = {a for c in code for a in c.args}
    alone = [type(c.op) is Const and i not in used for i, c in enumerate(code)]
    return all(type(c.op.constant) in HELD or a for c, a in zip(code, alone, strict=True))


def _of_composed(row: Elementary, a: list[Any], wanted: Sequence[bool]) -> list[Any] | None:
    """Return the partial derivatives of a row made of others, if it always is of the same ones."""
    held = tuple(None if w else x for x, w in zip(a, wanted, strict=True))
    if row is mod or any(type(x) not in HELD for x in held) or not wanted[0]:
        return None
    code, outputs = _composed(row, held, tuple(map(type, held)))
    v = values(code, [x for x, w in zip(a, wanted, strict=True) if w])
    found = iter([None if i is None else v[i] for i in outputs])
    return [next(found) if w else None for w in wanted]


@functools.lru_cache(maxsize=1024)
def _composed(row: Elementary, held: tuple[Any, ...], kinds: Any) -> tuple[Code, list[int | None]]:
    """Return the code of the partial derivatives of a row, some arguments of which are held."""
    assert row.compose is not None
    tape = Tape()
    moving = [tape.input(()) if x is None else x for x in held]
    y = tape.node(row.compose(*moving)).i
    code, nodes = list(tape.code), [Node(tape, i) for i in range(len(tape.code))]
    count = len(tape.inputs)
    units = [[1 if i == j else None for i in range(count)] for j in range(count)]
    found = [tangents(code, nodes, unit)[y] for unit in units]
    outputs = [None if d is None else tape.node(d).i for d in found]
    tape.tag.closed = True
    needed = [i for i in outputs if i is not None]
    pruned_code, new = pruned(tape.code, [*needed, *tape.inputs])
    return pruned_code, [None if i is None else new[i] for i in outputs]


def _companion(x: Any, y: Any) -> Any:
    """Return an argument of a row as its quotient takes it: exact integers as floats.

    Python's numbers have no precision but that of the value y.
    """
    if type(x) in (int, float):
        dtype = getattr(_innermost(y), "dtype", None)
        if dtype is not None and dtype.kind in "fc":
            return dtype.type(x)
    return x * np.float64(1.0) if integers(_innermost(x)) else x


def _innermost(x: Any) -> Any:
    """Return the numbers in a value of any nesting; None where they are not known."""
    while is_nested(x):  # what machine code is written of holds none
        x = x.tape.values[x.i] if isinstance(x, Node) else getattr(x, "_coef", None)
    return x


@functools.lru_cache(maxsize=1024)
def _quotients(row: Elementary, wanted: tuple[bool, ...]) -> tuple[Code, list[int]]:
    """Return the code that computes the wanted q's and p of a row from its arguments and value."""
    tape = Tape()
    nodes = [tape.input(()) for _ in range(len(wanted) + 1)]
    assert row.quotient is not None
    qs, p = row.quotient(*nodes)
    qs = qs if isinstance(qs, tuple) else (qs,)
    outputs = [tape.node(z).i for z in (*(q for q, w in zip(qs, wanted, strict=True) if w), p)]
    tape.tag.closed = True
    code, new = pruned(tape.code, [*outputs, *tape.inputs])
    return code, [new[i] for i in outputs]


def inner(
    f: Callable[..., Any], a: Sequence[Any], moving: Sequence[bool]
) -> tuple[Tape, list[int | None]]:
    """Return the recording of f at a, and its results; arguments that do not move stay as given."""
    tape = Tape()
    z = [tape.input(shape_of(x), x) if m else x for x, m in zip(a, moving, strict=True)]
    y = f(*z)
    found = [None if e is None else tape.node(e).i for e in (y if isinstance(y, tuple) else (y,))]
    tape.tag.closed = True
    return tape, found
