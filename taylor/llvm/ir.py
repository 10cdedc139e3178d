"""Machine code by a builder with structured control: what writes LLVM (with `text` and `entry`).

A `Scalar` is a register of one number or a vector; whole numbers (the indices of loops, entries of
tables) are Python's or the name of a register, pointers are names.  Arrays lie in one workspace,
64-byte aligned and padded to whole vectors.  No passes are run on the text, so it is written as it
shall execute: fused multiply-adds are explicit, loops carry their sums in registers.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from taylor.llvm.registers import ONE, Scalar, literal, paired, repeated, type_of
from taylor.llvm.workspace import WIDTH as WIDTH
from taylor.llvm.workspace import Workspace

T = TypeVar("T")
Index = int | str  # a whole number: known now, or in a register of that name
UNROLL = 4  # loops of so few iterations are written out
NO_OVERFLOW = {"add", "sub", "mul"}
SIGNS = {"add": 1, "sub": -1}
BLAS = "blas."  # what names of its functions begin with
DATA = "data."  # what names of arrays begin with that are no part of the text
IN_TEXT = 1 << 12  # bytes of an array that is part of it
TYPES = {"double": "<f8", "i32": "<i4", "i64": "<i8"}
PART = "extractvalue"  # of the results of a function that has several
FUSED = 8  # products of a sum that are added to another one by one


class Real(Workspace):
    """The text of a function `void @f(ptr %data)` that works in one block of memory.

    With `unit` > 1 every number is a vector of that many, one for each point of a batch.
    """

    def __init__(self, unit: int = 1) -> None:
        super().__init__(unit)
        self.declarations: set[str] = set()
        self.globals: dict[Any, str] = {}
        self.definitions: list[str] = []
        # the bytes of large constant arrays, by name; None: all are part of the text
        self.data: dict[str, bytes] | None = None
        self.helpers: dict[str, str] = {}  # other functions of the module, by name
        self.results: Sequence[Scalar] = ()
        self.found: dict[Any, Any] = {}  # results that may be asked for again, by region
        self.sums: dict[str, tuple[str, int]] = {}  # whole numbers that are another one plus these
        self.contracts = False  # whether a product and a sum may be rounded as one
        self.products: dict[str, list[tuple[Scalar, Scalar]]] = {}  # registers that are Σ a·b

    # -------------------------------------------------------------- registers
    def _register(self, width: int, expression: str, kind: str = "double") -> Scalar:
        return Scalar(self, self._put(type_of(width, kind), expression), width, "", kind)

    def later(self, width: int, complex: bool) -> Scalar:
        """Return a register that is defined later, but in an earlier place."""
        return Scalar(self, self.name(), width, self.name() if complex else "")

    def define(self, register: Scalar, value: Scalar) -> None:
        """Say what such a register holds."""
        for to, x in zip(register.parts, value.parts, strict=True):
            zero = self.constant(-0.0, x.width).text
            self.types[to.text] = x.type
            self.lines.append(f"  {to.text} = fadd {x.type} {x.text}, {zero}")

    # -------------------------------------------------------------- numbers
    def constant(self, c: float, width: int = 1, kind: str = "double") -> Scalar:
        """Return a constant."""
        text = literal(c) if kind == "double" else str(int(c)) if kind == "i64" else str(c).lower()
        text = text if width == 1 else repeated([text] * width, kind)
        return Scalar(self, text, width, "", kind)

    def lanes(self, truths: Sequence[bool]) -> Scalar:
        """Return the condition that holds in these lanes."""
        entries = repeated([str(t).lower() for t in truths], "i1")
        return Scalar(self, entries, len(truths), "", "i1")

    def splat(self, x: Scalar, width: int) -> Scalar:
        """Return a scalar in all lanes of a vector."""
        if x.width == width:
            return x
        if not x.text.startswith("%"):
            return Scalar(self, repeated([x.text] * width, x.kind), width, "", x.kind)
        vector = type_of(width, x.kind)
        first = self._put(vector, f"insertelement {vector} poison, {x.type} {x.text}, i32 0")
        mask = f"<{width} x i32> zeroinitializer"
        shuffled = f"shufflevector {vector} {first}, {vector} poison, {mask}"
        return self._register(width, shuffled, x.kind)

    def same(self, *xs: Scalar) -> tuple[int, list[str]]:
        """Return the common width of some registers and their texts at that width."""
        assert not any([x.im for x in xs]), "a complex number where a real one is expected"
        width = max([x.width for x in xs])
        return width, [self.splat(x, width).text for x in xs]

    def shuffle(self, mask: Sequence[int], x: Scalar, y: Scalar) -> Scalar:
        """Return the lanes of two vectors, one after the other, that the mask says."""
        entries = f"<{len(mask)} x i32> {repeated(mask, 'i32')}"
        return self._register(
            len(mask), f"shufflevector {x.type} {x.text}, {y.type} {y.text}, {entries}"
        )

    def reversed(self, x: Scalar) -> Scalar:
        """Return a vector with its lanes in the opposite order."""
        return self.shuffle(range(x.width - 1, -1, -1), x, x)

    # -------------------------------------------------------------- arithmetic
    def binary(self, op: str, x: Scalar, y: Scalar) -> Scalar:
        """Return fadd, fsub, fmul or fdiv (of i64, i1: add, and, shl, ...) of two registers."""
        if self.contracts and op in ("fadd", "fsub"):
            return self._sum(x, y if op == "fadd" else self.negative(y))
        if op == "fmul" and ONE in (x.text, y.text):
            return y if x.text == ONE else x
        width, (a, b) = self.same(x, y)
        result = self._register(width, f"{op} {type_of(width, x.kind)} {a}, {b}", x.kind)
        if self.contracts and op == "fmul":
            self.products[result.text] = [(x, y)]
        return result

    def _sum(self, x: Scalar, y: Scalar) -> Scalar:
        """Return x + y in fused multiply-adds: Σ a·b + y adds the products to y one by one."""
        if x.text not in self.products:
            x, y = y, x
        mine, others = (self.products.get(z.text, []) for z in (x, y))
        if not mine:
            width, texts = self.same(x, y)
            return self._register(width, f"fadd {type_of(width)} {', '.join(texts)}")
        for a, b in mine:
            y = self.intrinsic("fma", a, b, y)
        if others and len(mine) + len(others) <= FUSED:
            self.products[y.text] = [*mine, *others]
        return y

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """Return what `make` gives, or gave before in a loop that the text is still in."""
        where = next((r for r in self.regions if (r, key) in self.found), self.regions[-1])
        if (where, key) not in self.found:
            self.found[where, key] = make()
        result: T = self.found[where, key]
        return result

    def negative(self, x: Scalar) -> Scalar:
        """Return -x."""
        result = self._fneg(x)
        if x.text in self.products:  # what the factors are products of is of no use here
            self.products[result.text] = [(self._fneg(a), b) for a, b in self.products[x.text]]
        return result

    def _fneg(self, x: Scalar) -> Scalar:
        return self._register(x.width, f"fneg {x.type} {x.text}")

    def intrinsic(self, name: str, *xs: Scalar) -> Scalar:
        """Return an LLVM intrinsic such as fma or sqrt."""
        width, texts = self.same(*xs)
        t, bits = type_of(width, xs[0].kind), xs[0].kind.replace("double", "f64")
        full = f"llvm.{name}." + (bits if width == 1 else f"v{width}{bits}")
        return self._called(full, t, texts, width, xs[0].kind)

    def _called(
        self, name: str, t: str, texts: Sequence[str], width: int, kind: str, flag: str = ""
    ) -> Scalar:
        """Return a function of registers of one type."""
        result = type_of(width, kind)
        self.declarations.add(f"declare {result} @{name}({', '.join([t] * len(texts))})")
        given = ", ".join(f"{t} {s}" for s in texts)
        return self._register(width, f"call {flag}{result} @{name}({given})", kind)

    def cast(self, op: str, x: Scalar, kind: str) -> Scalar:
        """Return bitcast, sitofp, fptosi or trunc of a register."""
        return self._register(x.width, f"{op} {x.type} {x.text} to {type_of(x.width, kind)}", kind)

    def call(self, name: str, *xs: Scalar) -> Scalar:
        """Return a function of the C library, lane by lane."""
        return self.library(name, xs)[0]

    def library(self, name: str, xs: Sequence[Scalar], results: int = 1) -> list[Scalar]:
        """Return the results of a function of the C library, lane by lane."""
        width, texts = self.same(*xs)
        types, kind = ", ".join(["double"] * len(xs)), _results(["double"] * results)
        self.declarations.add(f"declare {kind} @{name}({types}) memory(none) nounwind willreturn")
        if width == 1:
            return self.run(name, [Scalar(self, s) for s in texts], ["double"] * results)
        if width == WIDTH and results == 1:  # short enough to be taken apart in registers
            whole = "poison"
            for i in range(width):
                (y,) = self.run(
                    name, [self._lane(Scalar(self, s, width), i) for s in texts], ["double"]
                )
                inserted = f"insertelement {type_of(width)} {whole}, double {y.text}, i32 {i}"
                whole = self._put(type_of(width), inserted)
            return [Scalar(self, whole, width)]
        size = width // self.unit
        starts = [self.allocate(size) for _ in range(max(len(xs), results))]
        pointers = [self.address("%data", [], s) for s in starts]
        for text, pointer in zip(texts, pointers, strict=False):
            self.store(Scalar(self, text, width), pointer)
        with self.loop(0, width) as loop:
            places = [self.address(p, [(loop.index, 1)], 0) for p in pointers]
            given = [self.load(p, 1) for p in places[: len(xs)]]
            found = self.run(name, given, ["double"] * results)
            for y, place in zip(found, places, strict=False):
                self._write(y, place)
        values = [self.load(p, width) for p in pointers[:results]]
        for start in starts:
            self.release(start)
        return values

    def run(self, name: str, given: Sequence[Scalar | str], results: Sequence[str]) -> list[Scalar]:
        """Return the results, of these types, of a function at registers and pointers.

        The function has a name, or a pointer to it (%...) has.
        """
        kind, callee = _results(results), name if name.startswith("%") else f"@{name}"
        texts = [f"ptr {x}" if isinstance(x, str) else f"{x.type} {x.text}" for x in given]
        call = f"call {kind} {callee}({', '.join(texts)})"
        if not results:
            self.lines.append(f"  {call}")
            return []
        width = max(x.width for x in given if isinstance(x, Scalar))
        y = self._put(kind, call)
        if len(results) == 1:
            return [Scalar(self, y, width)]
        return [self._register(width, f"{PART} {kind} {y}, {i}") for i in range(len(results))]

    def blas(self, name: str, *given: int | float | str) -> None:
        """Call a function of BLAS (`numbers.blas`) at numbers, characters and pointers (%...)."""
        pointers = []
        for x in given:
            if isinstance(x, str) and x.startswith("%"):
                pointers.append(x)
            elif isinstance(x, float):
                pointers.append(self.table([x], "double"))
            else:
                pointers.append(self.table([ord(x) if isinstance(x, str) else x], "i64"))
        self.declarations.add(f"declare void @{BLAS}{name}({', '.join(['ptr'] * len(given))})")
        self.run(BLAS + name, pointers, [])

    # -------------------------------------------------------------- conditions
    def compare(self, op: str, x: Scalar, y: Scalar) -> Scalar:
        """Return the truth of fcmp in every lane."""
        width, (a, b) = self.same(x, y)
        return self._register(width, f"fcmp {op} {type_of(width)} {a}, {b}", "i1")

    def select(self, c: Scalar, x: Scalar, y: Scalar) -> Scalar:
        """Return x where c holds, else y."""
        width = max(c.width, x.width, y.width)
        a, b = self.splat(x, width), self.splat(y, width)
        return self._register(
            width, f"select {c.type} {c.text}, {a.type} {a.text}, {b.type} {b.text}", x.kind
        )

    def present(self, pointer: str) -> Scalar:
        """Return whether a pointer points to something."""
        return self._register(1, f"icmp ne ptr {pointer}, null", "i1")

    def every(self, c: Scalar) -> Scalar:
        """Return whether a condition holds in every lane."""
        return c if c.width == 1 else self._reduced("and", c)

    def total(self, x: Scalar) -> Scalar:
        """Return the sum of the lanes of a vector of at least two, halving it."""
        while x.width > 2:
            half = x.width // 2
            parts = [self.shuffle(range(start, start + half), x, x) for start in (0, half)]
            x = self.binary("fadd", *parts)
        return self.binary("fadd", self._lane(x, 0), self._lane(x, 1))

    def _lane(self, x: Scalar, i: int) -> Scalar:
        return self._register(1, f"extractelement {x.type} {x.text}, i32 {i}")

    def largest(self, x: Scalar) -> Scalar:
        """Return the largest lane of a vector, of doubles or of i64."""
        if x.width == 1:
            return x
        return self._reduced("smax", x) if x.kind == "i64" else self._reduced("fmax", x, "nnan ")

    def _reduced(self, op: str, x: Scalar, flag: str = "") -> Scalar:
        bits = x.kind.replace("double", "f64")
        name = f"llvm.vector.reduce.{op}.v{x.width}{bits}"
        return self._called(name, x.type, [x.text], 1, x.kind, flag)

    # -------------------------------------------------------------- whole numbers
    def index(self, a: Index) -> Scalar:
        """Return a whole number as a register."""
        return Scalar(self, str(a), kind="i64")

    def whole(self, op: str, a: Index, b: Index) -> str:
        """Return add, sub or mul (without overflow), and, ashr of two whole numbers."""
        new = self._put("i64", f"{op}{' nsw' * (op in NO_OVERFLOW)} i64 {a}, {b}")
        if op in SIGNS and isinstance(a, str) and isinstance(b, int):
            root, before = self.sums.get(a, (a, 0))
            self.sums[new] = root, before + SIGNS[op] * b
        return new

    def real(self, a: Index) -> Scalar:
        """Return a whole number as a double."""
        return self._register(1, f"sitofp i64 {a} to double")

    def less(self, a: Index, b: Index) -> Scalar:
        """Return whether a < b."""
        return self._register(1, f"icmp slt i64 {a}, {b}", "i1")

    def odd(self, a: Index) -> Scalar:
        """Return whether a whole number is odd."""
        return self._register(1, f"trunc i64 {a} to i1", "i1")

    def choose(self, c: Scalar, a: Index, b: Index) -> str:
        """Return one of two whole numbers: the first where c holds."""
        return self._put("i64", f"select i1 {c.text}, i64 {a}, i64 {b}")

    def least(self, a: Index, b: Index) -> str:
        """Return the smaller of two whole numbers."""
        return self.choose(self.less(a, b), a, b)

    def below(self, index: Index, lanes: Sequence[int], count: Index) -> Scalar:
        """Return where index + lane < count."""
        start, stop = (self.splat(self.index(i), WIDTH) for i in (index, count))
        moved = start + Scalar(self, repeated(lanes, "i64"), WIDTH, "", "i64")
        return self._register(WIDTH, f"icmp slt {stop.type} {moved.text}, {stop.text}", "i1")

    # -------------------------------------------------------------- memory
    def local(self, width: int) -> str:
        """Return the pointer to memory of this call of the function."""
        return self._put("ptr", f"alloca {type_of(width)}, align 64")

    def address(self, base: str, terms: Sequence[tuple[Index, int]], offset: int) -> str:
        """Return the pointer base + offset + Σ index·stride (in numbers)."""
        element = type_of(self.unit if base == "%data" else 1)
        total: Index | None = None
        for index, stride in terms:
            if stride == 0:
                continue
            if isinstance(index, int):
                offset += index * stride
                continue
            index, more = self.sums.get(index, (index, 0))
            offset += more * stride
            term = index if stride == 1 else self.whole("mul", index, stride)
            total = term if total is None else self.whole("add", total, term)
        if total is None:
            total = offset
        elif offset:  # apart, as addresses in loops have one index then
            base = self._put("ptr", f"getelementptr {element}, ptr {base}, i64 {offset}")
        return self._put("ptr", f"getelementptr inbounds {element}, ptr {base}, i64 {total}")

    def load(self, pointer: str, width: int | None = None) -> Scalar:
        """Return what lies at a pointer: one number, if no width is given."""
        width = self.unit if width is None else width
        return self._register(width, f"load {type_of(width)}, ptr {pointer}, align 8")

    def store(self, x: Scalar, pointer: str) -> None:
        """Write a register to a pointer."""
        self._write(self.splat(x, max(x.width, self.unit)), pointer)

    def _write(self, x: Scalar, pointer: str) -> None:
        self.lines.append(f"  store {x.type} {x.text}, ptr {pointer}, align 8")

    def word(self, pointer: str, kind: str) -> str:
        """Return the whole number (i64) or the pointer (ptr) that lies at a pointer."""
        return self._put(kind, f"load {kind}, ptr {pointer}, align 8")

    def write_word(self, x: Index, pointer: str, kind: str) -> None:
        """Write a whole number or a pointer to a pointer."""
        self.lines.append(f"  store {kind} {x}, ptr {pointer}, align 8")

    def entry(self, table: str, i: Index) -> str:
        """Return number i of a table of whole numbers of 32 bits."""
        pointer = self._put("ptr", f"getelementptr inbounds i32, ptr {table}, i64 {i}")
        short = self._put("i32", f"load i32, ptr {pointer}, align 4")
        return self._put("i64", f"sext i32 {short} to i64")

    def masked(self, pointer: str, mask: Scalar) -> Scalar:
        """Return the vector at a pointer, with zeros (and no access) where the mask is off."""
        # With the alignment among the arguments: later LLVMs read that, LLVM 20 and 21 nothing else
        t, name = type_of(WIDTH), f"llvm.masked.load.v{WIDTH}f64.p0"
        self.declarations.add(f"declare {t} @{name}(ptr, i32, {mask.type}, {t})")
        given = f"ptr {pointer}, i32 8, {mask.type} {mask.text}, {t} zeroinitializer"
        return self._register(WIDTH, f"call {t} @{name}({given})")

    def gather(self, base: str, table: str, i: Index) -> Scalar:
        """Return the vector of the numbers at places i, i + 1, ... of a table of 32 bits."""
        t, name = type_of(WIDTH), f"llvm.masked.gather.v{WIDTH}f64.v{WIDTH}p0"
        pointers, places = type_of(WIDTH, "ptr"), type_of(WIDTH, "i32")
        every = f"{type_of(WIDTH, 'i1')} {repeated(['true'] * WIDTH, 'i1')}"
        self.declarations.add(f"declare {t} @{name}({pointers}, i32, {type_of(WIDTH, 'i1')}, {t})")
        first = self._put("ptr", f"getelementptr inbounds i32, ptr {table}, i64 {i}")
        index = self._put(places, f"load {places}, ptr {first}, align 4")
        at = self._put(pointers, f"getelementptr double, ptr {base}, {places} {index}")
        given = f"{pointers} {at}, i32 8, {every}, {t} poison"
        return self._register(WIDTH, f"call {t} @{name}({given})")

    def table(self, values: ArrayLike, kind: str) -> str:
        """Return the name of a constant array of doubles, of i32 or of i64.

        Text takes a hundred times as long as the numbers themselves, so a large one is `data`.
        """
        array = np.asarray(values, TYPES[kind]).reshape(-1)
        body = array.tobytes()
        key = (kind, body)
        if key in self.globals:
            return self.globals[key]
        name, shape = f"@c{len(self.globals)}", f"[{array.size} x {kind}]"
        if self.data is not None and len(body) > IN_TEXT:
            own = DATA + hashlib.sha256(body).hexdigest()
            self.data[own], name = body, "@" + own
            self.definitions.append(f"{name} = external constant {shape}, align 64")
        else:
            numbers = map(literal, array.tolist()) if kind == "double" else array.tolist()
            items = ", ".join(f"{kind} {x}" for x in numbers)
            self.definitions.append(f"{name} = private constant {shape} [{items}], align 64")
        self.globals[key] = name
        return name

    # -------------------------------------------------------------- control
    @contextlib.contextmanager
    def loop(self, start: Index, stop: Index, step: int = 1, maybe: bool = False) -> Iterator[Loop]:
        """Run the body for start <= i < stop; at least once, unless it is `maybe` never."""
        before = self.block
        self.count += 1
        loop = Loop(self, f"loop{self.count}", f"exit{self.count}", maybe)
        if maybe:
            self._branch(self.less(start, stop).text, loop.head, loop.exit)
            self._label(loop.head)
        else:
            self._enter(loop.head)
        with self._region():
            loop.index = loop.carry(self.index(start)).text
            yield loop
        following = self.whole("add", loop.index, step)
        loop.update(self.index(loop.index), self.index(following))
        loop.close(before, self.less(following, stop))

    @contextlib.contextmanager
    def cycle(self) -> Iterator[Loop]:
        """Run the body, and again as long as the condition `loop.again` of its end holds."""
        before = self.block
        self.count += 1
        loop = Loop(self, f"loop{self.count}", f"exit{self.count}", False)
        self._enter(loop.head)
        with self._region():
            yield loop
        loop.close(before, loop.again)

    def fold(
        self,
        start: Index,
        stop: Index,
        totals: Sequence[Scalar],
        body: Callable[[str, list[Scalar]], Sequence[Scalar]],
        step: int = 1,
        maybe: bool = False,
    ) -> list[Scalar]:
        """Return what becomes of `totals` by totals = body(i, totals) for start <= i < stop."""
        with self.loop(start, stop, step, maybe) as loop:
            registers = [loop.carry(x) for x in totals]
            for register, new in zip(registers, body(loop.index, registers), strict=True):
                loop.update(register, self.splat(new, register.width))
        return [loop.result(register) for register in registers]

    @contextlib.contextmanager
    def when(self, condition: Scalar) -> Iterator[Branch]:
        """Run the body where a condition holds."""
        self.count += 1
        branch, number = Branch(self, self.block), self.count
        self._branch(condition.text, f"then{number}", f"else{number}")
        self._label(f"then{number}")
        with self._region():
            yield branch
        branch.after = self.block
        self._enter(f"else{number}")

    def repeat(self, n: int, body: Callable[[Any], None], step: int = 1) -> None:
        """Run body(i) for i = 0, step, ... < n, written out where that is short."""
        if n <= 0:
            return
        if -(-n // step) <= UNROLL:
            for i in range(0, n, step):
                body(i)
            return
        with self.loop(0, n, step) as loop:
            body(loop.index)

    # -------------------------------------------------------------- functions
    @contextlib.contextmanager
    def function(
        self, name: str, arguments: Mapping[str, str], visible: bool = False
    ) -> Iterator[Self]:
        """Write another function of the module, which returns its `results`.

        The arguments are pointers (ptr), whole numbers (i64) or registers, by name.
        """
        g = type(self)()
        g.declarations, g.helpers = self.declarations, self.helpers
        g.globals, g.definitions, g.data = self.globals, self.definitions, self.data
        yield g
        given = ", ".join(f"{t}{' noalias' * (t == 'ptr')} {x}" for x, t in arguments.items())
        kind, returned = _results([y.type for y in g.results]), "void"
        if len(g.results) == 1:
            returned = f"{kind} {g.results[0].text}"
        elif g.results:
            whole = "poison"
            for i, y in enumerate(g.results):
                whole = g._put(kind, f"insertvalue {kind} {whole}, {y.type} {y.text}, {i}")
            returned = f"{kind} {whole}"
        head = f"define {'' if visible else 'internal '}{kind} @{name}({given}) {{"
        self.helpers[name] = "\n".join([head, "entry:", *g.lines, f"  ret {returned}", "}"])

    def text(self) -> str:
        """Return the whole module."""
        texts = [*sorted(self.declarations), *self.definitions, *self.helpers.values()]
        bodies, end = self.bodies(8 * self.unit * self.size)
        self.size = -(-end // (8 * self.unit))
        for n, body in enumerate(bodies):
            name = f"internal void @part{n}" if n else "void @f"
            head = f"define {name}(ptr noalias %data) {{"
            texts += [head, body, "  ret void", "never:", "  unreachable", "}"]
        return "\n".join([*texts, ""])


def _results(types: Sequence[str]) -> str:
    """Return the type that a function of some results returns."""
    return types[0] if len(types) == 1 else "{" + ", ".join(types) + "}" if types else "void"


class Loop:
    """A loop with an index and sums carried in registers."""

    index: str
    again: Scalar  # of a cycle: whether it goes on

    def __init__(self, f: Real, head: str, leave: str, maybe: bool) -> None:
        self.f, self.head, self.exit, self.maybe = f, head, leave, maybe
        self.carried: dict[str, list[Any]] = {}  # by register: its line, what it holds first, next

    def carry(self, first: Scalar) -> Scalar:
        """Return a register that holds `first` in the first iteration, then what `update` says."""
        registers = []
        for x in first.parts:
            name = self.f.name()
            self.f.types[name] = x.type
            self.carried[name] = [len(self.f.lines), x, x]
            self.f.lines.append("")
            registers.append(Scalar(self.f, name, x.width, "", x.kind))
        return paired(registers)

    def update(self, register: Scalar, new: Scalar) -> None:
        """Say what the register holds in the next iteration; after the loop `new` is the result."""
        zero = self.f.constant(0.0, new.width)
        for part, value in zip(register.parts, [*new.parts, zero], strict=False):
            self.carried[part.text][2] = value

    def close(self, before: str, again: Scalar) -> None:
        """End the loop that was entered from a block."""
        f = self.f
        self.before, self.latch = before, f.block
        f._branch(again.text, self.head, self.exit)
        for name, (place, first, new) in self.carried.items():
            f.lines[place] = f"  {name} = {self._phi(first, new)}"
        f._label(self.exit)

    def _phi(self, first: Scalar, new: Scalar) -> str:
        return f"phi {first.type} [{first.text}, %{self.before}], [{new.text}, %{self.latch}]"

    def result(self, register: Scalar) -> Scalar:
        """Return, after the loop, what a register holds."""
        found = []
        for part in register.parts:
            _, first, new = self.carried[part.text]
            if self.maybe:
                new = self.f._register(part.width, self._phi(first, new), part.kind)
            found.append(new)
        return paired(found)


class Branch:
    """What ran only where a condition held."""

    after: str

    def __init__(self, f: Real, before: str) -> None:
        self.f, self.before = f, before

    def merged(self, new: Scalar, old: Scalar) -> Scalar:
        """Return, right after the branch, `new` of it where the condition held, else `old`."""
        arms = f"[{new.text}, %{self.after}], [{old.text}, %{self.before}]"
        return self.f._register(new.width, f"phi {new.type} {arms}", new.kind)
