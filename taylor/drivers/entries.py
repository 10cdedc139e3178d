"""Which code of a compiled function Python calls at once (see `taylor.llvm.entry`)."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from taylor.drivers import trees
from taylor.drivers.derivable import Jet
from taylor.drivers.forms import floats
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


class Jets:
    """What is read of a function by jets: calls after the first go to the code at once."""

    def __init__(self) -> None:
        self.entries = weakref.WeakKeyDictionary[Jet, Entry]()

    def call(self, jet: Jet, x: Any) -> Any:
        """Return what the code gives at once, or None."""
        entry = self.entries.get(jet)
        return None if entry is None else entry.call(x)

    def read(
        self, jet: Jet, x: Any, run: Callable[..., Any], machines: Known, structures: Known
    ) -> Any:
        """Return what a jet reads at a vector, or NotImplemented.

        `run` runs the code of a form; machines and structures of their results are by form.
        """
        numbers, pattern = floats((x,))
        if not numbers or pattern or numbers[0].shape != jet.directions.shape[1:]:
            return NotImplemented
        where = ("series", (jet.algebra, (1,)), numbers[0].shape)
        table = np.concatenate([numbers[0][None], jet.directions])
        found = run(where, numbers, lambda machine: machine(table))
        if found is None or found[1] is not trees.LEAF:
            return NotImplemented
        entry = self.entries.get(jet)
        if entry is None:
            self.entries[jet] = Entry()
        else:
            for machine, structure in zip(machines[where], structures[where], strict=False):
                if structure is trees.LEAF:
                    machine.enter(entry, jet.read, False, along=jet.directions)
        return jet.read(found[0])
