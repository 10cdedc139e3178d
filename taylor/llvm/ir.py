"""LLVM IR as text: one function being written, its loops, memory and constants.

Scalars and vectors of `WIDTH` doubles are SSA names; arrays lie in one workspace, 64-byte aligned
and padded to whole vectors.  No passes are run on the text, so it is written as it shall execute:
fused multiply-adds are explicit, loops carry their sums in registers.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from taylor.llvm.parts import joined

T = TypeVar("T")
WIDTH = 8  # doubles in a vector
UNROLL = 4  # loops of so few iterations are written out
LONGEST = 150  # lines of a basic block, about
LARGEST = 1500  # lines of a function, about
FUSED = 8  # products of a sum that are added to another one by one


def literal(c: float) -> str:
    """Return a double as LLVM writes it exactly.

    >>> literal(1.0)
    '0x3FF0000000000000'
    """
    return f"0x{struct.unpack('<Q', struct.pack('<d', float(c)))[0]:016X}"


ONE = literal(1.0)


class Scalar:
    """A double, or a vector of `width` doubles, held in a register; in two, if it is complex."""

    __slots__ = ("im", "text", "width")

    def __init__(self, text: str, width: int = 1, im: str = "") -> None:
        self.text, self.width, self.im = text, width, im

    @property
    def parts(self) -> list[Scalar]:
        """The real part and, of a complex number, the imaginary part."""
        return [Scalar(text, self.width) for text in (self.text, self.im) if text]


def type_of(width: int) -> str:
    """Return the LLVM type of a register of that many doubles."""
    return "double" if width == 1 else f"<{width} x double>"


class Function:
    """The text of a function `void @f(ptr %data)` that works in one block of memory.

    With `unit` > 1 every number is a vector of that many, one for each point of a batch.
    """

    def __init__(self, unit: int = 1) -> None:
        self.unit = unit
        self.above_cuts = True  # complex functions on a branch cut: its upper side, else nan
        self.lines: list[str] = []
        self.declarations: set[str] = set()
        self.globals: dict[Any, str] = {}
        self.definitions: list[str] = []
        self.helpers: dict[str, str] = {}  # other functions of the module, by name
        self.found: dict[Any, Any] = {}  # results that may be asked for again, by region
        self.constants: dict[str, Any] = {}  # the numbers of constant arrays
        self.block, self.begins = "entry", 0
        self.count = 0
        self.regions = [0]  # the loops that the text is in: what registers are known in each
        self.parts: list[list[str]] = []  # text that has become functions of its own
        self.starts: list[Any] = [None]  # in each region, where the next part begins: line, block
        self.contracts = False  # whether a product and a sum may be rounded as one
        self.products: dict[str, list[tuple[Scalar, Scalar]]] = {}  # registers that are Σ a·b
        self.asks: list[Any] = []  # what the code asks Python for (see `calls`)
        self.asking = -1  # where the address of what answers lies, and then nan if it failed
        self.rows: Sequence[Any] = ()  # users' rows of the program, by number
        self.size = 0  # doubles of workspace in use at most
        self.free: dict[int, list[int]] = {}

    # -------------------------------------------------------------- text
    def name(self) -> str:
        """Return a fresh SSA name."""
        self.count += 1
        return f"%v{self.count}"

    def put(self, expression: str) -> str:
        """Append an instruction and return its name."""
        name = self.name()
        self.lines.append(f"  {name} = {expression}")
        return name

    def label(self, name: str) -> None:
        """Begin a basic block."""
        self.lines.append(f"{name}:")
        self.block, self.begins = name, len(self.lines)

    def pause(self) -> None:
        """Begin a new block or function where this one is long: code generation is not linear.

        Nothing before jumps to what follows, or over it, but loops that the text is in.
        """
        start, block = self.starts[-1] = self.starts[-1] or (len(self.lines), self.block)
        if len(self.lines) - start >= LARGEST:
            self.parts.append([f"{block}:", *self.lines[start:]])
            call = f"  call void @part{len(self.parts)}(ptr %data)"
            self.lines[start:] = [call]
            self.block, self.begins, self.starts[-1] = block, start, (start + 1, block)
            return
        if len(self.lines) - self.begins < LONGEST:
            return
        self.count += 1
        going = self.put("icmp ne ptr %data, null")  # always, but LLVM would join the blocks
        self.lines.append(f"  br i1 {going}, label %next{self.count}, label %never")
        self.label(f"next{self.count}")

    def constant(self, c: float, width: int = 1) -> Scalar:
        """Return a constant."""
        text = literal(c)
        if width > 1:
            text = "<" + ", ".join([f"double {text}"] * width) + ">"
        return Scalar(text, width)

    def zero(self, width: int = 1, complex: bool = False) -> Scalar:
        """Return zero, real or complex."""
        real = self.constant(0.0, width)
        return Scalar(real.text, width, real.text if complex else "")

    def pair(self, re: Scalar, im: Scalar) -> Scalar:
        """Return the complex number of these parts."""
        width, (a, b) = self.same(re, im)
        return Scalar(a, width, b)

    def both(self, x: Scalar) -> tuple[Scalar, Scalar]:
        """Return the real and the imaginary part."""
        re, im = (*x.parts, self.zero(x.width))[:2]
        return re, im

    def each(self, op: Callable[..., Scalar], *xs: Scalar) -> Scalar:
        """Return op of the real parts and, where one is complex, of the imaginary parts."""
        if not any(x.im for x in xs):
            return op(*xs)
        return self.pair(*(op(*parts) for parts in zip(*map(self.both, xs), strict=True)))

    def splat(self, x: Scalar, width: int) -> Scalar:
        """Return a scalar in all lanes of a vector."""
        if x.width == width:
            return x
        if x.im:
            return self.each(lambda part: self.splat(part, width), x)
        if x.text.startswith("0x"):
            return Scalar("<" + ", ".join([f"double {x.text}"] * width) + ">", width)
        vector = type_of(width)
        first = self.put(f"insertelement {vector} poison, double {x.text}, i32 0")
        mask = f"<{width} x i32> zeroinitializer"
        return Scalar(self.put(f"shufflevector {vector} {first}, {vector} poison, {mask}"), width)

    def same(self, *xs: Scalar) -> tuple[int, list[str]]:
        """Return the common width of some registers and their texts at that width."""
        assert not any(x.im for x in xs), "a complex number where a real one is expected"
        width = max(x.width for x in xs)
        return width, [self.splat(x, width).text for x in xs]

    # -------------------------------------------------------------- arithmetic
    def binary(self, op: str, x: Scalar, y: Scalar) -> Scalar:
        """Return fadd, fsub, fmul or fdiv of two registers."""
        if x.im or y.im:
            return self._complex(op, x, y)
        if self.contracts and op in ("fadd", "fsub"):
            return self._sum(x, y if op == "fadd" else self.negative(y))
        if op == "fmul" and ONE in (x.text, y.text):
            return y if x.text == ONE else x
        width, (a, b) = self.same(x, y)
        result = Scalar(self.put(f"{op} {type_of(width)} {a}, {b}"), width)
        if self.contracts and op == "fmul":
            self.products[result.text] = [(x, y)]
        return result

    def _complex(self, op: str, x: Scalar, y: Scalar) -> Scalar:
        """Return an operation of which one side or both are complex, as NumPy does it."""
        (a, *b), (c, *d) = x.parts, y.parts

        def real(op: str, x: Scalar, y: Scalar) -> Scalar:
            return self.binary(op, x, y)

        if op in ("fadd", "fsub"):
            if b and d:
                im = real(op, b[0], d[0])
            else:
                im = b[0] if b else d[0] if op == "fadd" else self.negative(d[0])
            return self.pair(real(op, a, c), im)
        if op == "fdiv" and d:
            return self._over(x, c, d[0])
        if not (b and d):  # a real factor or divisor
            parts, factor = (x.parts, c) if b else (y.parts, a)
            re, im = (real(op, part, factor) for part in parts)
            return self.pair(re, im)
        re = real("fsub", real("fmul", a, c), real("fmul", b[0], d[0]))
        return self.pair(re, real("fadd", real("fmul", a, d[0]), real("fmul", b[0], c)))

    def _over(self, x: Scalar, c: Scalar, d: Scalar) -> Scalar:
        """Return x/(c + di) after R. L. Smith (Algorithm 116, CACM 5, 1962), as NumPy does.

        Where |c| < |d| both numbers are divided by i first.
        """

        def scales() -> tuple[Scalar, Scalar, Scalar]:
            """Return whether |c| < |d|, the ratio of the smaller to the larger, and the factor."""
            swap = self.compare("olt", self.intrinsic("fabs", c), self.intrinsic("fabs", d))
            large, small = self.select(swap, d, c), self.select(swap, self.negative(c), d)
            ratio = self.binary("fdiv", small, large)
            divisor = self.binary("fadd", large, self.binary("fmul", small, ratio))
            return swap, ratio, self.binary("fdiv", self.constant(1.0), divisor)

        swap, ratio, scale = self.once(("over", c.text, d.text, self.contracts), scales)
        a, b = self.both(x)
        a, b = self.select(swap, b, a), self.select(swap, self.negative(a), b)
        re = self.binary("fadd", a, self.binary("fmul", b, ratio))
        im = self.binary("fsub", b, self.binary("fmul", a, ratio))
        return self.pair(self.binary("fmul", re, scale), self.binary("fmul", im, scale))

    def fma(self, x: Scalar, y: Scalar, plus: Scalar) -> Scalar:
        """Return x·y + plus, rounded once; each product of a complex one."""
        if not (x.im or y.im):
            if not plus.im:
                return self.intrinsic("fma", x, y, plus)
            re, im = plus.parts
            return self.pair(self.intrinsic("fma", x, y, re), im)
        (a, *b), (c, *d), (re, im) = x.parts, y.parts, self.both(plus)
        if b and d:
            re = self.intrinsic("fma", self.negative(b[0]), d[0], re)
            im = self.intrinsic("fma", b[0], c, im)
        re = self.intrinsic("fma", a, c, re)
        return self.pair(re, self.intrinsic("fma", *((a, d[0]) if d else (b[0], c)), im))

    def _sum(self, x: Scalar, y: Scalar) -> Scalar:
        """Return x + y in fused multiply-adds: Σ a·b + y adds the products to y one by one."""
        if x.text not in self.products:
            x, y = y, x
        mine, others = (self.products.get(z.text, []) for z in (x, y))
        if not mine:
            width, texts = self.same(x, y)
            return Scalar(self.put(f"fadd {type_of(width)} {', '.join(texts)}"), width)
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
        if x.im:
            return self.each(self.negative, x)
        result = self._fneg(x)
        if x.text in self.products:  # what the factors are products of is of no use here
            self.products[result.text] = [(self._fneg(a), b) for a, b in self.products[x.text]]
        return result

    def _fneg(self, x: Scalar) -> Scalar:
        return Scalar(self.put(f"fneg {type_of(x.width)} {x.text}"), x.width)

    def intrinsic(self, name: str, *xs: Scalar) -> Scalar:
        """Return an LLVM intrinsic such as fma or sqrt."""
        width, texts = self.same(*xs)
        t = type_of(width)
        full = f"llvm.{name}." + ("f64" if width == 1 else f"v{width}f64")
        self.declarations.add(f"declare {t} @{full}({', '.join([t] * len(xs))})")
        return Scalar(self.put(f"call {t} @{full}({', '.join(f'{t} {s}' for s in texts)})"), width)

    def call(self, name: str, *xs: Scalar) -> Scalar:
        """Return a function of the C library, lane by lane."""
        width, texts = self.same(*xs)
        types = ", ".join(["double"] * len(xs))
        self.declarations.add(f"declare double @{name}({types}) memory(none) nounwind willreturn")
        if width == 1:
            given = ", ".join(f"double {s}" for s in texts)
            return Scalar(self.put(f"call double @{name}({given})"))
        if width == self.unit:
            return self._call_in_memory(name, xs)
        t, result = type_of(width), "poison"
        for lane in range(width):
            parts = [self.put(f"extractelement {t} {s}, i32 {lane}") for s in texts]
            y = self.put(f"call double @{name}({', '.join(f'double {p}' for p in parts)})")
            result = self.put(f"insertelement {t} {result}, double {y}, i32 {lane}")
        return Scalar(result, width)

    def _call_in_memory(self, name: str, xs: Sequence[Scalar]) -> Scalar:
        """Return a library function of all points of a tile, by a loop over them."""
        starts = [self.allocate(1) for _ in xs]
        pointers = [self.address("%data", [], s) for s in starts]
        for x, pointer in zip(xs, pointers, strict=True):
            self.store(x, pointer)
        with self.loop(0, self.unit) as loop:
            places = [
                self.put(f"getelementptr inbounds double, ptr {p}, i64 {loop.index}")
                for p in pointers
            ]
            given = ", ".join(f"double {self.load(p, 1).text}" for p in places)
            y = self.put(f"call double @{name}({given})")
            self.lines.append(f"  store double {y}, ptr {places[0]}, align 8")
        result = self.load(pointers[0])
        for s in starts:
            self.release(s, 1)
        return result

    def ask(self, question: Any, k: str = "0") -> None:
        """Call Python for the part of degree k of what is asked."""
        if self.asking < 0:  # memory that nothing has been in before
            self.asking, self.size = self.size, self.size + self.rounded(2)
        if question not in self.asks:
            self.asks.append(question)
        pointer = self.put(f"load ptr, ptr {self.address('%data', [], self.asking)}")
        number = self.asks.index(question)
        self.lines.append(f"  call void {pointer}(ptr %data, i64 {number}, i64 {k})")

    def unanswered(self) -> Scalar:
        """Return nan if a question found no answer since this was last asked, else 0."""
        if self.asking < 0:
            return self.constant(0.0)
        place = self.address("%data", [], self.asking + 1)
        found = self.load(place)
        self.store(self.constant(0.0), place)
        return found

    def compare(self, op: str, x: Scalar, y: Scalar) -> Scalar:
        """Return the i1 (or vector of i1) of fcmp."""
        width, (a, b) = self.same(x, y)
        return Scalar(self.put(f"fcmp {op} {type_of(width)} {a}, {b}"), width)

    def select(self, c: Scalar, x: Scalar, y: Scalar) -> Scalar:
        """Return x where c holds, else y."""
        if x.im or y.im:
            return self.each(lambda a, b: self.select(c, a, b), x, y)
        width = max(c.width, x.width, y.width)
        a, b = self.splat(x, width).text, self.splat(y, width).text
        bits = "i1" if c.width == 1 else f"<{width} x i1>"
        t = type_of(width)
        return Scalar(self.put(f"select {bits} {c.text}, {t} {a}, {t} {b}"), width)

    def total(self, x: Scalar) -> Scalar:
        """Return the sum of the lanes of a vector, halving it."""
        if x.im:
            return self.each(self.total, x)
        while x.width > 1:
            half, t = x.width // 2, type_of(x.width)
            parts = []
            for start in (0, half):
                mask = ", ".join(f"i32 {start + i}" for i in range(half))
                s = f"shufflevector {t} {x.text}, {t} poison, <{half} x i32> <{mask}>"
                parts.append(Scalar(self.put(s), half))
            if half == 1:
                t2 = type_of(1)
                singles = [
                    Scalar(self.put(f"extractelement <1 x double> {p.text}, i32 0")) for p in parts
                ]
                return Scalar(self.put(f"fadd {t2} {singles[0].text}, {singles[1].text}"))
            x = self.binary("fadd", *parts)
        return x

    # -------------------------------------------------------------- memory
    def allocate(self, size: int) -> int:
        """Return the offset of that many numbers (rounded up to whole vectors) of workspace."""
        size = self.rounded(size)
        if self.free.get(size):
            return self.free[size].pop()
        start = self.size
        self.size += size
        return start

    def release(self, start: int, size: int) -> None:
        """Make the memory of an array that is read no more available."""
        self.free.setdefault(self.rounded(size), []).append(start)

    def rounded(self, size: int) -> int:
        """Return the room of an array: the last row may be written to its last vector."""
        if self.unit > 1:
            return size
        return (-(-size // WIDTH) + (size > 1)) * WIDTH

    def address(self, base: str, terms: Sequence[tuple[Any, int]], offset: int) -> str:
        """Return the pointer base + offset + Σ index·stride (in numbers)."""
        element = type_of(self.unit if base == "%data" else 1)
        total: str | None = None
        for index, stride in terms:
            if stride == 0:
                continue
            if isinstance(index, int):
                offset += index * stride
                continue
            term = index if stride == 1 else self.put(f"mul nsw i64 {index}, {stride}")
            total = term if total is None else self.put(f"add nsw i64 {total}, {term}")
        if offset and total is not None:
            total = self.put(f"add nsw i64 {total}, {offset}")
        if total is None:
            return self.put(f"getelementptr inbounds {element}, ptr {base}, i64 {offset}")
        return self.put(f"getelementptr inbounds {element}, ptr {base}, i64 {total}")

    def load(self, pointer: str, width: int | None = None, plane: int = 0) -> Scalar:
        """Return what lies at a pointer: one number, if no width is given.

        A complex number has its imaginary part `plane` doubles from there.
        """
        width = self.unit if width is None else width
        x = Scalar(self.put(f"load {type_of(width)}, ptr {pointer}, align 8"), width)
        return self.pair(x, self.load(self._beyond(pointer, plane), width)) if plane else x

    def _beyond(self, pointer: str, doubles: int) -> str:
        return self.put(f"getelementptr inbounds double, ptr {pointer}, i64 {doubles}")

    def masked(self, pointer: str, mask: str, plane: int = 0) -> Scalar:
        """Return the vector at a pointer, with zeros (and no access) where the mask is off."""
        if plane:
            return self.pair(
                *(self.masked(p, mask) for p in (pointer, self._beyond(pointer, plane)))
            )
        t = type_of(WIDTH)
        name = f"llvm.masked.load.v{WIDTH}f64.p0"
        bits = f"<{WIDTH} x i1>"
        self.declarations.add(f"declare {t} @{name}(ptr, {bits}, {t})")
        given = f"ptr align 8 {pointer}, {bits} {mask}, {t} zeroinitializer"
        return Scalar(self.put(f"call {t} @{name}({given})"), WIDTH)

    def reversed(self, x: Scalar) -> Scalar:
        """Return a vector with its lanes in the opposite order."""
        if x.im:
            return self.each(self.reversed, x)
        t = type_of(x.width)
        mask = ", ".join(f"i32 {i}" for i in reversed(range(x.width)))
        shuffled = f"shufflevector {t} {x.text}, {t} poison, <{x.width} x i32> <{mask}>"
        return Scalar(self.put(shuffled), x.width)

    def below(self, index: str, lanes: Sequence[int], count: str) -> str:
        """Return the mask of the lanes with index + lane < count."""
        t = f"<{WIDTH} x i64>"
        both = []
        for number in (index, count):
            first = self.put(f"insertelement {t} poison, i64 {number}, i32 0")
            zero = f"<{WIDTH} x i32> zeroinitializer"
            both.append(self.put(f"shufflevector {t} {first}, {t} poison, {zero}"))
        offsets = ", ".join(f"i64 {lane}" for lane in lanes)
        moved = self.put(f"add {t} {both[0]}, <{offsets}>")
        return self.put(f"icmp slt {t} {moved}, {both[1]}")

    def store(self, x: Scalar, pointer: str, plane: int = 0) -> None:
        """Write a register to a pointer; a complex one, and in its place zero, in two planes."""
        assert plane or not x.im, "a complex number in the memory of a real one"
        if plane:
            for part, place in zip(
                self.both(x), (pointer, self._beyond(pointer, plane)), strict=True
            ):
                self.store(part, place)
            return
        if x.width < self.unit:
            x = Scalar(self.splat(x, self.unit).text, self.unit)
        self.lines.append(f"  store {type_of(x.width)} {x.text}, ptr {pointer}, align 8")

    def table(self, values: Sequence[float] | Sequence[int], kind: str) -> str:
        """Return the name of a constant array of doubles or of i32."""
        key = (kind, tuple(values) if kind == "i32" else tuple(map(literal, values)))
        if key not in self.globals:
            name = f"@c{len(self.globals)}"
            items = ", ".join(f"{kind} {v}" for v in key[1])
            array = f"[{len(key[1])} x {kind}] [{items}]"
            self.definitions.append(f"{name} = private constant {array}, align 64")
            self.globals[key] = name
        return self.globals[key]

    # -------------------------------------------------------------- loops
    @contextlib.contextmanager
    def loop(self, start: Any, stop: Any, step: int = 1, maybe: bool = False) -> Iterator[Loop]:
        """Run the body for start <= i < stop; at least once, unless it is `maybe` never."""
        loop = Loop(self, start, stop, step, maybe)
        yield loop
        loop.close()

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

    def text(self) -> str:
        """Return the whole module."""
        texts = [*sorted(self.declarations), *self.definitions, *self.helpers.values()]
        bodies, end = joined([["entry:", *self.lines], *self.parts], 8 * self.unit * self.size)
        self.size = -(-end // (8 * self.unit))
        for n, body in enumerate(bodies):
            name = f"internal void @part{n}" if n else "void @f"
            head = f"define {name}(ptr noalias %data) {{"
            texts += [head, body, "  ret void", "never:", "  unreachable", "}"]
        return "\n".join([*texts, ""])


def tiled(rows: tuple[list[int], list[int]], unit: int, flag: int) -> str:
    """Return the text of `@tiles`, which runs `@f` over tiles of `unit` points of a batch.

    Row r of the points, %x[r·N + n], is number rows[0][r] in the memory of `@f`, and number
    rows[1][r] becomes row r of %out.  The last tile is moved back so that it is whole.  Flags are
    added up.
    """
    t = type_of(unit)
    lines: list[str] = []

    def moves(places: list[int], outward: bool) -> None:
        """Write a loop over rows for each run of places that follow each other."""
        start = 0
        while start < len(places):
            stop = start + 1
            while stop < len(places) and places[stop] == places[stop - 1] + 1:
                stop += 1
            name = f"{'o' if outward else 'i'}{start}"
            before = "%tile" if not outward and start == 0 else f"%{last[-1]}"
            lines.extend(
                [
                    f"  br label %{name}",
                    f"{name}:",
                    f"  %{name}r = phi i64 [0, {before}], [%{name}n, %{name}]",
                    f"  %{name}p = add i64 %{name}r, {places[start]}",
                    f"  %{name}m = getelementptr {t}, ptr %data, i64 %{name}p",
                    f"  %{name}q = add i64 %{name}r, {start}",
                    f"  %{name}k = mul i64 %{name}q, %N",
                    f"  %{name}j = add i64 %{name}k, %n",
                ]
            )
            base, there, here = ("%out", "m", "g") if outward else ("%x", "g", "m")
            lines.extend(
                [
                    f"  %{name}g = getelementptr double, ptr {base}, i64 %{name}j",
                    f"  %{name}v = load {t}, ptr %{name}{there}, align 8",
                    f"  store {t} %{name}v, ptr %{name}{here}, align 8",
                    f"  %{name}n = add i64 %{name}r, 1",
                    f"  %{name}c = icmp slt i64 %{name}n, {stop - start}",
                    f"  br i1 %{name}c, label %{name}, label %{name}x",
                    f"{name}x:",
                ]
            )
            last.append(f"{name}x")
            start = stop

    last: list[str] = ["tile"]
    head = [
        "define void @tiles(ptr %data, ptr noalias %x, ptr noalias %out, ptr %flags,"
        " i64 %N, i64 %first, i64 %stop) {",
        "entry:",
        "  %some = icmp slt i64 %first, %stop",
        "  br i1 %some, label %tile, label %end",
        "tile:",
        "  %i = phi i64 [%first, %entry], [%next, %done]",
        f"  %n0 = mul i64 %i, {unit}",
        f"  %most = sub i64 %N, {unit}",
        "  %over = icmp sgt i64 %n0, %most",
        "  %n = select i1 %over, i64 %most, i64 %n0",
    ]
    moves(rows[0], False)
    lines.append("  call void @f(ptr %data)")
    moves(rows[1], True)
    for k in (0, 1):
        lines.extend(
            [
                f"  %fp{k} = getelementptr {t}, ptr %data, i64 {flag + k}",
                f"  %fv{k} = load {t}, ptr %fp{k}, align 8",
                f"  %gp{k} = getelementptr {t}, ptr %flags, i64 {k}",
                f"  %gv{k} = load {t}, ptr %gp{k}, align 8",
                f"  %gs{k} = fadd {t} %fv{k}, %gv{k}",
                f"  store {t} %gs{k}, ptr %gp{k}, align 8",
            ]
        )
    tail = [
        "  br label %done",
        "done:",
        "  %next = add i64 %i, 1",
        "  %more = icmp slt i64 %next, %stop",
        "  br i1 %more, label %tile, label %end",
        "end:",
        "  ret void",
        "}",
    ]
    return "\n".join([*head, *lines, *tail, ""])


class Loop:
    """A loop with an index and sums carried in registers."""

    def __init__(self, f: Function, start: Any, stop: Any, step: int, maybe: bool) -> None:
        self.f = f
        self.stop, self.step = stop, step
        f.count += 1
        self.head, self.exit = f"loop{f.count}", f"exit{f.count}"
        self.before = f.block
        self.start = start
        self.maybe = maybe
        if maybe:
            some = f.put(f"icmp slt i64 {start}, {stop}")
            f.lines.append(f"  br i1 {some}, label %{self.head}, label %{self.exit}")
        else:
            f.lines.append(f"  br label %{self.head}")
        f.label(self.head)
        f.regions.append(f.count)
        f.starts.append(None)
        self.index = f.name()
        self.carried: list[tuple[int, str, str, Scalar, str]] = []
        self.place = len(f.lines)
        f.lines.append("")  # the phi of the index

    def carry(self, first: Scalar) -> Scalar:
        """Return a register that holds `first` in the first iteration, then what `update` says."""
        if first.im:
            return self.f.each(self.carry, first)
        name, kind = self.f.name(), type_of(first.width)
        self.carried.append((len(self.f.lines), name, kind, first, ""))
        self.f.lines.append("")
        return Scalar(name, first.width)

    def update(self, register: Scalar, new: Scalar) -> None:
        """Say what the register holds in the next iteration; after the loop `new` is the result."""
        news = dict(zip((register.text, register.im), self.f.both(new), strict=True))
        for n, (place, name, kind, first, _) in enumerate(self.carried):
            if name in news:
                self.carried[n] = (place, name, kind, first, news[name].text)

    def close(self) -> None:
        """End the loop."""
        f, latch = self.f, self.f.block
        f.regions.pop()
        f.starts.pop()
        following = f.put(f"add nsw i64 {self.index}, {self.step}")
        again = f.put(f"icmp slt i64 {following}, {self.stop}")
        f.lines.append(f"  br i1 {again}, label %{self.head}, label %{self.exit}")
        entry = f"[{self.start}, %{self.before}], [{following}, %{latch}]"
        f.lines[self.place] = f"  {self.index} = phi i64 {entry}"
        for place, name, kind, first, new in self.carried:
            entry = f"[{first.text}, %{self.before}], [{new}, %{latch}]"
            f.lines[place] = f"  {name} = phi {kind} {entry}"
        self.latch = latch
        f.label(self.exit)

    def result(self, register: Scalar) -> Scalar:
        """Return, after the loop, what a register holds."""
        if register.im:
            return self.f.each(self.result, register)
        entry = next(c for c in self.carried if c[1] == register.text)
        _, _, kind, first, new = entry
        if not self.maybe:
            return Scalar(new, register.width)
        arms = f"[{first.text}, %{self.before}], [{new}, %{self.latch}]"
        return Scalar(self.f.put(f"phi {kind} {arms}"), register.width)
