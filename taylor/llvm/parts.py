"""A long function as several short ones: code generation takes more than linear time in each.

A stretch of text that control enters at its beginning and leaves at its end becomes a function of
its own, and a call of it stays in its place.  Registers that are read in another part than their
own go through memory: stored where they are made, loaded once in each basic block that reads them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

NAME = re.compile(r"%v\d+\b")
MADE = re.compile(r"^  (%v\d+) = ", re.MULTILINE)
ARM = re.compile(r"\[(%v\d+), %(\w+)\]")


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


def _rewritten(
    part: Sequence[str], read: set[str], given: set[str], shared: dict[str, tuple[str, int]]
) -> Iterator[str]:
    """Yield the lines of a part that loads what it reads from others, and stores what it gives."""
    leaving = _leaving(part, read)
    block, loaded, waiting = "", set[str](), list[str]()

    def local(m: re.Match[str]) -> str:
        return f"{m[0]}.{block}" if m[0] in read else m[0]

    def load(name: str) -> Iterator[str]:
        of, place = shared[name]
        loaded.add(name)
        here = f"{name}.{block}"
        yield f"  {here}.p = getelementptr inbounds i8, ptr %data, i64 {place}"
        yield f"  {here} = load {of}, ptr {here}.p, align 8"

    for line in part:
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
            names = read.intersection(NAME.findall(line))
            if line.startswith("  br "):
                names |= leaving[block]
            for name in sorted(names - loaded):
                yield from load(name)
            line = NAME.sub(local, line) if names else line
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
