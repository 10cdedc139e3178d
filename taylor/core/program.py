"""The program (a Wengert list): a straight-line list of instructions on array-valued variables.

`record(f, x, ...)` runs f on nodes and returns a `Program`; for the sweep, `expand` replaces what
has no step rule.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from taylor.core.advice import PAGE, called
from taylor.core.calls import Integral
from taylor.core.conditions import Guard
from taylor.core.instructions import Const, Input, Instruction, Op, Parameter, Scale, Shape, full
from taylor.core.lookups import is_watched
from taylor.core.maps import Reshape
from taylor.core.node import Node
from taylor.core.operand import Operand, lift
from taylor.core.reads import Reads, random_states
from taylor.core.rules import pruned, tangents, values
from taylor.core.table import Elementary
from taylor.core.tags import Tag
from taylor.core.tape import Tape
from taylor.errors import GuardError, ShapeMismatch, TieError, TraceError
from taylor.kept import STORE, identity
from taylor.numbers.data import unlabelled
from taylor.numbers.kinds import base, is_nested, is_operand
from taylor.numbers.values import as_array, shape_of, together

T = TypeVar("T")


@dataclass(repr=False)
class Program:
    """A recorded function: instructions, the indices of its inputs and outputs, and its guards.

    `point` holds the arguments of the recording, `names` what the function calls them, if known.
    """

    code: list[Instruction]
    inputs: list[int]
    outputs: list[int]
    guards: list[Guard] = field(default_factory=list)
    single: bool = True
    point: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.code)

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return sum(400 + _bytes(i.op.contents()) for i in self.code)

    @functools.cached_property
    def identity(self) -> tuple[Any, ...]:
        """What is equal for programs of which the same is made: all but the point."""
        columns = tuple(zip(*self.code, strict=True))
        return identity((columns, self.inputs, self.outputs, self.guards, self.single))

    @functools.cached_property
    def told(self) -> bool:
        """Whether it tells all that is derived from it.

        The equation of a row is read once, but what a rule of arrays says of its derivatives is the
        user's code, run whenever they are asked for.
        """
        return all([i.op.told for i in self.code])

    def __call__(self, *x: Any) -> Any:
        """Return the value at x, in whatever number type x is.

        Raises GuardError where a recorded branch would go the other way.
        """
        y = self.evaluate(*x)
        return y[0] if self.single else y

    def evaluate(self, *x: Any) -> list[Any]:
        """Return the list of the outputs at x."""
        return self.results(self.trace(x), x)

    def results(self, v: list[Any], x: Sequence[Any]) -> list[Any]:
        """Return the outputs, given the arguments and the values of all instructions."""
        return [v[i] for i in self.outputs]

    def trace(self, x: Sequence[Any]) -> list[Any]:
        """Return the value of every instruction at x."""
        if len(x) != len(self.inputs):
            raise TypeError(f"the program takes {len(self.inputs)} arguments, got {len(x)}")
        x = [np.asarray(v) if isinstance(v, (list, tuple)) else v for v in map(lift, x)]
        for n, (i, value) in enumerate(zip(self.inputs, x, strict=True)):
            if tuple(np.shape(value)) != self.code[i].shape:
                raise ShapeMismatch(
                    f"argument {n} has shape {np.shape(value)}; the program was recorded with "
                    f"{self.code[i].shape}: record it again for the new shape"
                )
        v = values(self.code, list(together(*x)))
        check(self.guards, v.__getitem__)
        return v

    def renumbered(self, code: list[Instruction], new: Callable[[int], int]) -> Program:
        """Return the same in other code, where variable i has become new(i)."""
        inputs, outputs = ([new(i) for i in every] for every in (self.inputs, self.outputs))
        guards = [guard.moved(new) for guard in self.guards]
        return Program(code, inputs, outputs, guards, self.single, self.point, self.names)

    def pruned(self) -> Program:
        """Return the program without instructions that no output (or guard) needs."""
        decided = (i for g in self.guards for i in (g.a, g.b) if i >= 0)
        code, new = pruned(self.code, [*self.outputs, *self.inputs, *decided])
        return self.renumbered(code, new.__getitem__)

    def verify(self) -> None:
        """Raise ValueError unless every instruction is well formed and uses only earlier ones."""
        for i, instruction in enumerate(self.code):
            problem = self._problem(i, *instruction)
            if problem:
                raise ValueError(f"instruction v{i}: {problem}")
        if any(not 0 <= i < len(self.code) for i in self.outputs):
            raise ValueError(f"outputs {self.outputs} are not all computed")

    def _problem(self, i: int, op: Op, args: tuple[int, ...], shape: Any) -> str:
        if not isinstance(op, Op):
            return f"unknown instruction {op!r}"
        if op.arity not in (None, len(args)):
            return f"{op.name} needs {op.arity} arguments, has {len(args)}"
        read = op.reads(args)
        if not all(0 <= a < len(self.code) for a in args) or any(a >= i for a in read):
            return f"arguments {args} are not all computed before"
        if type(op) is Input and self.inputs[op.n : op.n + 1] != [i]:
            return "the input is not listed in program.inputs"
        shapes = [self.code[a].shape for a in read]
        try:
            fits = not op.by_element or np.broadcast_shapes(*shapes) == shape
        except ValueError:
            fits = False
        return "" if fits else f"argument shapes {shapes} do not give {shape}"

    def show(self, *x: Any, tangent: Any = None, adjoint: Any = None) -> str:
        """Return the table of v_i, its expression, its value, tangent and adjoint at x.

        Without x it is that at the point of the recording.

        `tangent` is the direction (default: all ones), `adjoint` the adjoints of the outputs
        (default: the column is left out).  The layout follows Griewank & Walther, Evaluating
        Derivatives, Table 2.2, and Baydin et al., Automatic Differentiation in Machine Learning: a
        Survey, Tables 2 and 3.

        >>> import numpy as np
        >>> program = record(lambda x, y: np.log(x) + x * y, 2.0, 5.0)
        >>> print(program.show(2.0, 5.0, tangent=(1.0, 0.0)))
        v   expression  value     tangent
        v0  x           2         1
        v1  y           5         0
        v2  log(v0)     0.693147  0.5
        v3  v0 * v1     10        5
        v4  v2 + v3     10.6931   5.5
        y0  v4          10.6931   5.5
        """
        from taylor.core import shown

        return shown.text(self, shown.columns(self, x or self.point, tangent, adjoint))

    def expression(self, i: int) -> str:
        """Return instruction i in mathematical notation; an input by its name, if known."""
        op, args, shape = self.code[i]
        if type(op) is Input and self.names:
            return self.names[op.n]
        return op.show([f"v{a}" for a in args], shape)

    def dot(self) -> str:
        """Return the graph of the program in the DOT language.

        >>> record(lambda x: x * x, 2.0).dot().count("->")
        2
        """
        from taylor.core import shown

        return shown.dot(self)

    def svg(self) -> str:
        """Return the graph of the program, with its values at the recorded point, as SVG.

        >>> record(lambda x, y: x * y, 2.0, 3.0).svg().count("<rect")
        3
        """
        from taylor.core import shown

        return shown.svg(self)

    def __repr__(self) -> str:
        of = ", ".join(self.names) or f"{len(self.inputs)} arguments"
        return f"<program of {of}: {len(self.code)} instructions, {len(self.guards)} guards>"

    def _repr_html_(self) -> str:
        from taylor.core import shown

        return shown.html(self)


def _bytes(x: Any) -> int:
    """Return the bytes of the arrays in the content of an instruction."""
    return sum(map(_bytes, x)) if isinstance(x, tuple) else getattr(x, "nbytes", 0)


# ------------------------------------------------------------------ record, check
def of_program(x: Any) -> Program:
    """Return x, which must be a program."""
    if not isinstance(x, Program):
        raise TypeError(f"what is wanted is a program, record(f, x), not {type(x).__name__}")
    return x


def record(f: Callable[..., Any], *x: Any) -> Program:
    """Return the program of f at the point x: numbers or arrays, one per argument of f.

    >>> import numpy as np
    >>> p = record(lambda x: np.sum(np.sin(x) ** 2), np.array([1.0, 2.0]))
    >>> float(p(np.array([0.0, np.pi / 2])))
    1.0
    """
    program = recording(f, *(unlabelled(v, "record") for v in x))[0]
    program.names = _names(f, len(x))
    return program


def _names(f: Callable[..., Any], count: int) -> tuple[str, ...]:
    """Return the names of so many arguments of f; nothing if it does not have them."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a function of C
        return ()
    names = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return tuple(names[:count]) if len(names) >= count else ()


def recording(
    f: Callable[..., Any],
    *x: Any,
    through: frozenset[Tag] = frozenset(),
    watched: bool = False,
    tape: Tape | None = None,
    own: bool = False,
) -> tuple[Program, list[Any]]:
    """Return the program of f at the point x, and the values of its instructions there.

    The point may be a series in the tags `through`, of which f sees nothing.  If its guards
    are `watched`, f may take int(x), and a table needs no kinks at its knots.  `tape` is empty.
    Arrays that nobody else has (`own`) are not copied.
    """
    if not callable(f):
        raise TypeError(f"only a function can be recorded, not {type(f).__name__}")
    tape = tape or Tape()
    tape.through, tape.watched = through, watched or any(map(is_watched, x))
    point = [
        v if own and type(v) is np.ndarray and v.dtype.kind in "fc"
        else v.copy() if is_operand(v) else as_array(v)[()]
        for v in x
    ]  # fmt: skip
    nodes = [tape.input(shape_of(value), value) for value in together(*point)]
    try:
        outputs, single = outputs_of(tape, f, nodes)
    finally:
        tape.tag.closed = True
    at = tuple([tape.values[i] for i in tape.inputs])
    return Program(tape.code, tape.inputs, outputs, tape.guards, single, at), tape.values


def outputs_of(tape: Tape, f: Callable[..., Any], x: Sequence[Node]) -> tuple[list[int], bool]:
    """Return the instructions that f(*x) returns, of one tape, and whether it is but one."""
    y = called(f, *x)
    if tape.tied:  # libraries take any TypeError of == for "no"
        raise TieError("f has caught that == of two recorded values depends on their derivatives")
    if y is None:
        raise TypeError(f"f returned None: is a return missing? ({PAGE})")
    single = not isinstance(y, (tuple, list))
    return [_output(tape, v).i for v in ([y] if single else y)], single


def pushforward(
    f: Callable[..., Any], x: Sequence[Any], dx: Sequence[Any], lanes: int
) -> tuple[Any, Any]:
    """Return f(*x) and its tangents, of shape (*shape of f, lanes).

    dx holds the tangents of the arguments, with that many directions along the last axis; None is
    zero.  Raises TraceError for what has no rule in this form.

    >>> y, dy = pushforward(lambda x: x[0] * x[1], [np.array([2.0, 3.0])], [np.eye(2)], 2)
    >>> dy
    array([3., 2.])
    """
    program, v = recording(f, *x)
    y = v[program.outputs[0]]
    dy = tangents(program.code, v, dx, lanes=lanes)[program.outputs[0]]
    return y, full(dy, (*np.shape(y), lanes))


def _output(tape: Tape, y: Any) -> Node:
    y = y if type(y) is Node else lift(y)
    if callable(y) and not isinstance(y, Operand):
        raise TypeError("a recorded function must return numbers or arrays, not a function")
    return tape.node(y)


def check(guards: Sequence[Guard], value: Callable[[int], Any]) -> None:
    """Raise GuardError where a decision of the recording would be another one at these values."""
    for guard in guards:
        if not guard.holds(lambda i: base(value(i))):
            raise GuardError(f"{guard} and is not so here; record the function again at this point")


def check_unread(x: Iterable[Any]) -> None:
    """Raise TraceError if a plain value was taken out: it would be another one elsewhere."""
    for v in x:
        while is_nested(v):
            if isinstance(v, Node) and v.tape.read:
                raise TraceError(
                    "the function takes the plain value of an argument (.value), which would be "
                    "that of the recording for ever"
                )
            v = v.value


# ------------------------------------------------------------------ what has step rules
class Expansion(Tape):
    """A tape on which every instruction is replaced by what has a step rule: rows by integrals.

    The companions q and p of an integral are ordinary instructions, so sin and cos of one argument,
    or 1 + a² of two functions, are shared.  They may stand *after* y and depend on it: the step for
    degree k reads q and p below degree k only, so the order of the list is an order of evaluation
    for every degree.  With `exact` it is the quotient, without the forms that rounding harms less
    and that may need irrational numbers.  With `composing` the package's own functions of one
    argument stay as they are, to be composed with their local series.
    """

    def __init__(self, exact: bool = False, composing: bool = False) -> None:
        super().__init__()
        self.exact, self.composing = exact, composing
        self.active: list[bool] = []
        self.known: dict[Any, int] = {}  # what instructions have been replaced by

    def push(self, op: Op, args: tuple[int, ...], shape: Shape, value: Any) -> Node:
        """Append what an instruction means, and return its node."""
        if op.by_element and type(op) is not Scale:
            args = tuple(self._aligned(a, len(shape)) for a in args)
        key = (op.key(), args)
        if key not in self.known:
            nodes = [Node(self, a) for a in args]
            y = op.expanded(self, nodes, shape)
            self.known[key] = y.i
            new, given, _ = self.code[y.i]
            if type(new) is Integral and given == args and any(self.active[a] for a in args):
                self.code[y.i] = new.equation(self, nodes, y)  # which may need y
        return Node(self, self.known[key])

    def core(self, op: Op, args: Sequence[Node], shape: Shape) -> Node:
        """Append one instruction that has a step rule (or find it)."""
        node = super().push(op, tuple(a.i for a in args), shape, None)
        if len(self.active) < len(self.code):
            self.active.append(type(op) is Input or any(self.active[a.i] for a in args))
        return node

    def _aligned(self, a: int, ndim: int) -> int:
        """Return variable a with unit axes in front, so that its coefficients broadcast."""
        op, _, shape = self.code[a]
        missing = ndim - len(shape)
        if missing <= 0 or (shape == () and isinstance(op, (Const, Parameter))):
            return a
        return self.apply(Reshape((1,) * missing + shape), (a,)).i

    def plain(self, x: Node) -> Any:
        """Return the numbers of a constant, and any other node itself."""
        op = self.code[x.i].op
        return op.c if isinstance(op, Const) else x


def expand(program: Program, exact: bool = False, composing: bool = False) -> Program:
    """Return the program in core instructions; `exact` and `composing` as in `Expansion`.

    >>> from taylor import sin
    >>> [i.op.name for i in expand(record(lambda x: sin(x) * 2, 0.5)).code]
    ['input', 'sin', 'cos', 'scale', 'const', 'scale']
    """
    tape, v = replaced(program, exact, composing)
    return program.renumbered(tape.code, lambda i: v[i].i).pruned()


def plain(program: Program) -> Program:
    """Return an expanded program without the equations of its rows: what can be evaluated.

    >>> plain(expand(record(np.sqrt, 4.0)))(9.0)
    np.float64(3.0)
    """
    code = [i._replace(args=i.op.reads(i.args)) for i in program.code]
    return program.renumbered(code, lambda i: i).pruned()


def kept(make: Callable[[Program], T], program: Program) -> T:
    """Return make(program), made once for all equal programs if they mean the same for ever."""
    if not program.told:
        return make(program)
    return STORE.made(lambda: make(program), make.__name__, program.identity)


def replaced(
    program: Program, exact: bool = False, composing: bool = False
) -> tuple[Expansion, list[Node]]:
    """Return the tape of the core instructions, and the node of each variable of the program."""
    tape = Expansion(exact, composing)
    v: list[Node] = []
    for op, args, shape in program.code:
        if type(op) is Input:
            v.append(tape.input(shape))
        else:
            v.append(tape.push(op, tuple(v[a].i for a in args), shape, None))
    return tape, v


def kinds(code: Sequence[Instruction], given: Sequence[bool]) -> list[bool]:
    """Return which instructions are complex, given which inputs (and then parameters) are."""
    found: list[bool] = []
    inputs = sum(isinstance(i.op, Input) for i in code)
    for op, args, _ in code:
        if isinstance(op, (Input, Parameter)):
            found.append(given[op.n + inputs * isinstance(op, Parameter)])
        else:
            made = any(found[a] for a in op.made_of(args))
            found.append(made or op.makes_complex)
    return found


@functools.lru_cache(maxsize=1024)
def of_row(row: Elementary, active: tuple[bool, ...], exact: bool = False) -> Program:
    """Return the expanded program of one row; arguments that are not active become parameters."""
    tape = Expansion(exact)
    args: list[Any] = []
    for live in active:
        count = sum(type(i.op) is Parameter for i in tape.code)
        args.append(tape.input(()) if live else tape.push(Parameter(count), (), (), None))
    return Program(tape.code, tape.inputs, [row(*args).i]).pruned()


def steady(f: Callable[..., Any], recorded: Callable[[], Program]) -> tuple[Program, Reads | None]:
    """Return a recording of f, and what f reads from elsewhere, which can change (None: nothing).

    TraceError: the next call of f would do something else.
    """
    for _ in range(3):  # other threads draw random numbers, too: it is f if they are always drawn
        reads, drawn = Reads(f), random_states()
        program, still = recorded(), random_states() == drawn
        if still:
            break
    why = "what it reads leads to too many objects" * reads.endless
    if not still:
        why = "it draws random numbers: draw them outside, as an argument"
    elif what := reads.changed() or "an iterator" * reads.iterators or reads.chance:
        again = recorded()  # a count of calls, say
        reads = Reads(f)
        differ = program.told and again.identity != program.identity
        if differ or reads.generators:
            why = f"each call changes {what}, which it reads: return it, or give it as an argument"
    if why:
        raise TraceError(why)
    return program, reads if reads else None
