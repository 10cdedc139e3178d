"""Members whose steps are looked at: for events, changes of the branch of fun, and dense output.

All members of one branch take some steps in lanes.  The series of event functions and of the
conditions at which fun branches are found along all these steps at once; where none of them comes
near zero there is nothing more to do.  A member with a step on which one does goes back to its
start, takes that step by itself, as `solve_ivp` would, and returns to the lanes beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.kept import STORE
from taylor.ode.events import Events
from taylor.ode.lanes import Logged, LoggingLanes
from taylor.ode.machine import DONE, GO, INFINITE, ROUGH
from taylor.ode.members import Entering, Member, Problem, advance, march, rewind, stiff
from taylor.ode.pieces import Pieces, along, smooth
from taylor.ode.roots import without_root
from taylor.ode.system import System, is_parameter

Array = NDArray[Any]
FEW, SOME = 8, 64  # steps that are taken in lanes at a time, at first and at most
NUMBERS = 1 << 22  # of series in memory, at most
BRANCHES = 8  # of fun that have lanes


class Found(NamedTuple):
    """What a member has met in a task: of each event times and states, and its steps if kept."""

    events: list[tuple[list[Any], list[Array]]]
    pieces: list[Pieces]


class Advanced(NamedTuple):
    """The rows of some members after some steps, why some failed, what they met, and how many steps
    are left for one of which they are short for stability.
    """

    rows: Array
    said: dict[int, str]
    found: dict[int, Found]
    stiff: tuple[int, float] | None


def advanced(problem: Problem, rows: Array, given: Sequence[Any], steps: int) -> Advanced:
    """Return what becomes of some members at the end, or after some steps more.

    `given` holds the arguments of each, unless they run in lanes unwatched.
    """
    if not problem.watched:
        rows, said = advance(problem, rows, given, steps)
        return Advanced(rows, said, {}, stiff(problem, rows, given))
    rows = rows.copy()
    some = Watched(problem, rows, given)
    some.run(steps)
    return Advanced(rows, some.said, some.found(), stiff(problem, rows, given))


class Branch:
    """Members on one branch of fun: where it branches, in lanes, and what takes single steps."""

    def __init__(self, problem: Problem, machine: tuple[Any, Any], events: Events | None) -> None:
        self.machine = machine
        self.system: System = machine[0]
        assert self.system.program is not None
        self.program = self.system.program
        given = self.program, problem.control.order, problem.control.factor
        what = "logging lanes", given[0].identity, *given[1:]
        self.lanes: LoggingLanes = STORE.made(lambda: LoggingLanes(*given), *what)
        # functions that must not come near zero, and which numbers among args they take
        every = list(range(len(self.system.free)))
        self.watched = [(self.system.surfaces, every)] if self.system.surfaces.outputs else []
        for event in events.functions if events is not None else []:
            mine = [self.system.free.index(i) for i in event.free]
            programs = [event.program, event.surfaces]
            self.watched += [(p, mine) for p in programs if p is not None]

    def parameters(self, numbers: Array) -> list[Array]:
        """Return the numbers of some members, by rows, as parameters with a last axis for these."""
        found = []
        for i in self.program.inputs[2:]:
            shape = self.program.code[i].shape
            own, numbers = np.split(numbers, [int(np.prod(shape))], axis=1)
            found.append(own.T.reshape(*shape, len(own)))
        return found

    def meets(self, pieces: Pieces, parameters: Sequence[Array]) -> Array:
        """Return on which steps one of the functions may come near zero."""
        found = np.zeros(len(pieces), bool)
        for program, places in self.watched:
            given = [parameters[i] for i in places]
            for table in along(program, pieces, given, each=True):
                rows = np.moveaxis(table.reshape(*table.shape[:2], -1), 2, 1)
                flat = rows.reshape(-1, rows.shape[2])
                with np.errstate(all="ignore"):
                    clear = without_root(flat) & np.isfinite(flat).all(1)
                found |= ~(clear.reshape(rows.shape[:2]).all(1) & smooth(table, pieces.coef))
        return found


class Watched:
    """Some members on their way, in lanes and one by one."""

    def __init__(self, problem: Problem, rows: Array, given: Sequence[Any]) -> None:
        self.problem, self.rows, self.given = problem, rows, given
        self.state = problem.named(rows)
        self.said: dict[int, str] = {}
        self.watches: dict[int, Events] = {}
        self.steps: dict[int, list[Pieces]] = {}
        self.it: Member | None = None  # of all that run in lanes
        self.events: Events | None = None
        self.branches: list[Branch] = []
        self.branch = np.zeros(len(rows), int)  # of each member, -1 if it has no lanes
        self.moved = np.zeros(len(rows), bool)  # whether lanes have moved it since it was alone
        self.bunch = FEW

    def run(self, steps: float) -> None:
        """Advance all members to their ends, or some steps."""
        state, most = self.state, self.problem.max_steps
        until = np.minimum(state["steps"] + steps, most)
        while True:
            going = np.flatnonzero((state["code"] == GO) & (state["steps"] < until))
            if not len(going):
                return
            if self.problem.program is None or (self.it is None and not self._begun(going)):
                for i in going.tolist():
                    self._alone(i)
                continue
            for n in np.unique(self.branch[going]).tolist():
                members = going[self.branch[going] == n]
                careful = members if n < 0 else self._together(n, members, until)
                for i in careful.tolist():
                    self._alone(i, np.inf if n < 0 else 1)

    def _begun(self, going: Array) -> bool:
        """Have an integrator, the event functions, and lanes, by the first member with a value."""
        for i in going.tolist():
            try:
                it, self.events = self._started(i)
                assert isinstance(it, Member)
                self.it = it
                self._note(i)
                return True
            except Exception:  # a member that fails says why
                self.it = None
        return False

    # -------------------------------------------------------------- one by one
    def _started(self, i: int) -> tuple[Entering, Events | None]:
        """Return an integrator and the events of a member."""
        member, args = self.state[i], self._args(i)
        it = self.problem.integrator(member["t"], member["y"], args)
        if not self.problem.events:
            return it, None
        events = Events(list(self.problem.events), (), it, self.problem.targets[-1])
        for event in events.functions:
            event.record(it.t, it.y)
        return it, events

    def _args(self, i: int) -> tuple[Any, ...]:
        """Return the arguments of a member, with the numbers that they are now."""
        given, found = self.given[i], list(self.given[i])
        numbers = self.state["parameters"][i]
        for n in range(len(given)) if len(numbers) else ():
            if is_parameter(given[n]):
                own, numbers = np.split(numbers, [np.size(given[n])])
                own = own.reshape(np.shape(given[n]))
                if not np.array_equal(own, given[n]):
                    found[n] = own[()]
        return tuple(found)

    def _alone(self, i: int, steps: float = np.inf) -> None:
        """Take steps of a member by itself."""
        member = self.state[i]
        kept = self.steps.setdefault(i, []) if self.problem.dense else None
        try:
            it, watch = self._placed(i)
        except Exception as error:
            member["code"], self.said[i] = INFINITE, str(error) or type(error).__name__
            return
        if why := march(self.problem, member, it, steps, watch, kept):
            self.said[i] = why
        self.moved[i] = False
        if it is self.it:
            member["parameters"] = _numbers(it.args)
            self._note(i)

    def _placed(self, i: int) -> tuple[Entering, Events | None]:
        """Return an integrator at the place of a member, and its events."""
        member, args = self.state[i], self._args(i)
        if self.it is None:
            it, events = self._started(i)
        else:
            if self.branch[i] >= 0:
                self.it.machine = self.branches[self.branch[i]].machine
            it, events = self.it, self.events
        it.enter(self.problem, member, args)
        if events is None:
            return it, None
        watch = self.watches.get(i)
        if watch is None:
            watch = self.watches[i] = events.apart(args)
            for event, count in zip(watch.functions, member["count"], strict=True):
                event.left -= count
                if member["steps"]:
                    event.enter(it.t, it.y)
                event.fired = bool(event.callback and member["when"][event.n] == it.t)
        elif self.moved[i]:
            for event in watch.functions:
                event.enter(it.t, it.y)
        return it, watch

    def _note(self, i: int) -> None:
        """Note on which branch of fun a member is."""
        assert self.it is not None
        machine = self.it.machine
        program = machine[0].program
        self.branch[i] = -1
        if program is None or machine[1] is None:
            return
        for n, branch in enumerate(self.branches):
            if machine[0] is branch.system or program.identity == branch.program.identity:
                self.branch[i] = n
                return
        if len(self.branches) < BRANCHES:
            self.branch[i] = len(self.branches)
            self.branches.append(Branch(self.problem, machine, self.events))

    # -------------------------------------------------------------- in lanes
    def _together(self, n: int, members: Array, until: Array) -> Array:
        """Take some steps of members on one branch, and return those that have to go on alone."""
        branch, problem = self.branches[n], self.problem
        size = branch.lanes.components * (branch.lanes.order + 1)
        most = max(1, min(self.bunch, NUMBERS // (size * len(members))))
        rows = self.rows[members]
        state, worst = problem.named(rows), self.state["worst"][members]
        limits = np.minimum(until[members] - state["steps"], most)
        logged = branch.lanes.logged(rows, problem.record, problem.targets, limits)
        good = self._good(branch, state, logged)
        counts = np.bincount(logged.owners, minlength=len(members))
        kept = np.bincount(logged.owners[good], minlength=len(members))
        state["worst"] = worst
        np.maximum.at(state["worst"], logged.owners[good], logged.errors[good])
        ends = np.cumsum(counts)
        for k in np.flatnonzero(kept < counts).tolist():  # back to where the first of these begins
            first = ends[k] - counts[k] + kept[k]
            state["t"][k], state["t_low"][k] = logged.pieces.t[first], logged.pieces.low[first]
            state["y"][k] = logged.pieces.coef[first, 0].reshape(-1)
            state["y_low"][k] = logged.low[first]
            state["steps"][k] -= counts[k] - kept[k]
            rewind(problem, state[k])
        careful = (kept < counts) | (state["code"] > DONE)
        state["code"][careful] = GO
        if problem.dense:
            for k in np.flatnonzero(kept).tolist():
                start = ends[k] - counts[k]
                part = logged.pieces.part(start, start + kept[k])
                self.steps.setdefault(int(members[k]), []).append(part)
        self.rows[members] = rows
        self.moved[members[kept > 0]] = True
        self.bunch = min(2 * self.bunch, SOME) if 4 * careful.sum() < len(members) else FEW
        return members[careful]

    def _good(self, branch: Branch, state: Array, logged: Logged) -> Array:
        """Return which steps of each member may stay: those before one that meets something."""
        pieces, owners = logged.pieces, logged.owners
        bad = np.zeros(len(pieces), bool)
        if branch.watched and len(pieces):
            bad = branch.meets(pieces, branch.parameters(state["parameters"][owners]))
        last = np.append(owners[1:] != owners[:-1], True)[: len(owners)]
        beyond = (state["code"] == INFINITE) & ~np.isfinite(state["y"]).all(1)
        bad |= last & ((state["code"] == ROUGH) | beyond)[owners]
        first = np.flatnonzero(np.append(True, owners[1:] != owners[:-1])[: len(owners)])
        before = np.cumsum(bad)
        until = np.repeat(before[first] - bad[first], np.diff([*first, len(owners)]))
        return np.asarray(before == until)

    def found(self) -> dict[int, Found]:
        """Return what members have met, and note it in their rows."""
        for i, watch in self.watches.items():
            member = self.state[i]
            for event in watch.functions:
                member["count"][event.n] += len(event.t)
                member["when"][event.n] = event.t[-1] if event.t else member["when"][event.n]
        logs = {i: [(e.t, e.y) for e in w.functions] for i, w in self.watches.items()}
        return {i: Found(logs.get(i, []), self.steps.get(i, [])) for i in logs | self.steps}


def _numbers(args: Sequence[Any]) -> Array:
    """Return all numbers among arguments, one after the other."""
    parts = [np.asarray(a, float).reshape(-1) for a in args if is_parameter(a)]
    return np.concatenate([np.zeros(0), *parts])
