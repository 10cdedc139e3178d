"""Which code of a compiled function Python calls at once (see `taylor.llvm.entry`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taylor.drivers import trees
from taylor.llvm.entry import Entry
from taylor.llvm.entry import nothing as nothing
from taylor.machine.machine import Machine

LONG, LONGEST = 1e-4, 1e-3  # seconds of a call that lets others run, to which Python adds nothing
UNCHANGING = (int, bool, str, type(None))
Known = Mapping[Any, Sequence[Any]]


def enter(
    entry: Entry, kind: str, known: Iterable[tuple[Machine, Any]], count: int, taken: float
) -> None:
    """Add the machines of a form, with the structures of its results, if calls are short.

    `taken` is how many seconds a call took.  `count` is how many results a driver has; of a result
    that is no tuple there are none.
    """
    long = taken > LONG
    for machine, structure in known if taken < LONGEST else ():
        if kind == "value":
            machine.enter(entry, trees.builder(structure), long)
        elif structure is trees.LEAF and machine.alike(count or 1):
            machine.enter(entry, count > 0, long, count or 1)


def enter_fixed(
    entry: Entry,
    inner: Entry,
    known: Iterable[tuple[Sequence[Machine], Sequence[Any]]],
    args: Sequence[Any],
    structures: Sequence[Any],
) -> None:
    """Add what is called by `inner`, a function of the other arguments, at the fixed ones."""
    fixed = {i: x for i, x in enumerate(args) if structures[i] is not trees.LEAF}
    if not all(type(x) in UNCHANGING for x in fixed.values()):
        return
    for machines, built in known:
        for machine, structure in zip(machines, built, strict=False):
            if (id(machine),) in inner.keys:
                machine.enter(entry, trees.builder(structure), True, None, fixed)
