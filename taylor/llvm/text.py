"""The text of a function in basic blocks; a long one becomes several functions.

Code generation takes more than linear time in each.  A stretch of text that control enters at its
beginning and leaves at its end becomes a function of its own, and a call of it stays in its place.
Registers that are read in another part than their own go through memory: stored where they are
made, loaded once in each basic block that reads them.
"""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

NAME = re.compile(r"%v\d+\b")
MADE = re.compile(r"^  (%v\d+) = ", re.MULTILINE)
NAME_OR_END = re.compile(r"%v\d+\b|\n")
ARM = re.compile(r"\[(%v\d+), %(\w+)\]")
LONGEST = 150  # lines of a basic block, about
LARGEST = 1500  # lines of a function, about


class Text:
    """The lines of a function `void @f(ptr %data)`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.types: dict[str, str] = {}  # of the registers
        self.block, self.begins = "entry", 0
        self.count = 0
        self.regions = [0]  # the loops that the text is in: what registers are known in each
        self.parts: list[list[str]] = []  # text that has become functions of its own
        # in each region, where the next part begins: line, block
        self.starts: list[tuple[int, str] | None] = [None]

    def name(self) -> str:
        """Return a fresh name."""
        self.count += 1
        return f"%v{self.count}"

    def _put(self, kind: str, expression: str) -> str:
        """Append an instruction that gives a register of a type; return its name."""
        name = self.name()
        self.types[name] = kind
        self.lines.append(f"  {name} = {expression}")
        return name

    def _label(self, name: str) -> None:
        """Begin a basic block."""
        self.lines.append(f"{name}:")
        self.block, self.begins = name, len(self.lines)

    def _branch(self, condition: str, yes: str, no: str) -> None:
        self.lines.append(f"  br i1 {condition}, label %{yes}, label %{no}")

    def _enter(self, name: str) -> None:
        """Go on in a new basic block."""
        self.lines.append(f"  br label %{name}")
        self._label(name)

    @contextlib.contextmanager
    def _region(self) -> Iterator[None]:
        """Registers that are found in here are not known after it."""
        self.regions.append(self.count)
        self.starts.append(None)
        yield
        self.regions.pop()
        self.starts.pop()

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
        going = self._put("i1", "icmp ne ptr %data, null")  # else LLVM would join the blocks
        self._branch(going, following := f"next{self.count}", "never")
        self._label(following)

    def mark(self) -> tuple[int, str]:
        """Return a place in the text, between two blocks, for what is written later (`before`)."""
        place = len(self.lines), self.block
        self.count += 1
        self._enter(f"steps{self.count}")
        return place

    @contextlib.contextmanager
    def before(self, mark: tuple[int, str]) -> Iterator[None]:
        """Write what follows at an earlier place."""
        end, block = len(self.lines), self.block
        place, self.block = mark
        self.starts.append((end, self.block))
        yield
        self.starts.pop()
        new = self.lines[end:]
        del self.lines[end:]
        self.lines[place:place] = new
        self.block = block

    def bodies(self, start: int) -> tuple[list[str], int]:
        """Return the texts of the function and its parts, and where the memory between them ends.

        It begins at that number of bytes.
        """
        return joined([["entry:", *self.lines], *self.parts], self.types, start)


def joined(
    parts: Sequence[Sequence[str]], types: Mapping[str, str], start: int
) -> tuple[list[str], int]:
    """Return the texts of parts that read each other's registers, and where the memory ends.

    Every part begins with a label; `types` are those of all registers.  Memory is taken from that
    number of bytes on.
    """
    texts = ["\n".join(part) for part in parts]
    foreign: list[set[str]] = []
    owner: dict[str, int] = {}
    for n, text in enumerate(texts):
        made = set(MADE.findall(text))
        owner.update(dict.fromkeys(made, n))
        foreign.append(set(NAME.findall(text)) - made)
    shared: dict[str, tuple[str, int]] = {}
    for name in dict.fromkeys(name for names in foreign for name in sorted(names)):
        of = types[name]
        shared[name] = of, start
        numbers = re.findall(r"(?:(\d+) x )?(?:double|i64)", of)
        start += 8 * max(1, sum(int(n or 1) for n in numbers))
    given: dict[int, set[str]] = defaultdict(set)
    for name in shared:
        given[owner[name]].add(name)
    found = []
    for n, part in enumerate(parts):
        if foreign[n] or given[n]:
            texts[n] = "\n".join(_rewritten(part, foreign[n], given[n], shared))
        found.append(texts[n])
    return found, start


def _leaving(part: Sequence[str], read: set[str]) -> dict[str, set[str]]:
    """Return what the phis of other blocks read at the end of each block."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in part:
        if " = phi " in line:
            for name, block in ARM.findall(line):
                if name in read:
                    found[block].add(name)
    return found


def _readers(part: Sequence[str], read: set[str]) -> dict[int, set[str]]:
    """Return what lines read, by their numbers, of these registers."""
    found: dict[int, set[str]] = defaultdict(set)
    number = 0
    for token in NAME_OR_END.findall("\n".join(part)):
        if token == "\n":
            number += 1
        elif token in read:
            found[number].add(token)
    return found


def _rewritten(
    part: Sequence[str], read: set[str], given: set[str], shared: dict[str, tuple[str, int]]
) -> Iterator[str]:
    """Yield the lines of a part that loads what it reads from others, and stores what it gives."""
    leaving, readers = _leaving(part, read), _readers(part, read)
    block, loaded, waiting = "", set[str](), list[str]()

    def local(m: re.Match[str]) -> str:
        return f"{m[0]}.{block}" if m[0] in read else m[0]

    def load(name: str) -> Iterator[str]:
        of, place = shared[name]
        loaded.add(name)
        here = f"{name}.{block}"
        yield f"  {here}.p = getelementptr inbounds i8, ptr %data, i64 {place}"
        yield f"  {here} = load {of}, ptr {here}.p, align 8"

    for number, line in enumerate(part):
        if not line.startswith(" "):
            block, loaded = line[:-1], set()
            yield line
            continue
        made, _, expression = line.partition(" = ")
        phi = expression.startswith("phi ")
        if phi:
            line = ARM.sub(lambda m: f"[{m[1]}.{m[2]}, %{m[2]}]" if m[1] in read else m[0], line)
        else:
            yield from waiting
            waiting = []
            names = readers.get(number, set())
            if line.startswith("  br "):
                names = names | leaving[block]
            if names:
                for name in sorted(names - loaded):
                    yield from load(name)
                line = NAME.sub(local, line)
        yield line
        if made[2:] in given:
            of, place = shared[made[2:]]
            waiting += [
                f"  {made[2:]}.p = getelementptr inbounds i8, ptr %data, i64 {place}",
                f"  store {of} {made[2:]}, ptr {made[2:]}.p, align 8",
            ]
            if not phi:
                yield from waiting
                waiting = []
