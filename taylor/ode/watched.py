"""Members whose steps are looked at: for events, changes of the branch of fun, and dense output.

All members of one branch take some steps in lanes.  The series of event functions and of the
conditions at which fun branches are found along all these steps at once; where none of them comes
near zero there is nothing more to do.  A member with a step on which one does goes back to its
start, takes that step by itself, as `solve_ivp` would, and returns to the lanes beyond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.core.program import Program
from taylor.kept import STORE
from taylor.ode.crossings import ONE, UNCLEAR, Zeros, beyond, places, zeros_of
from taylor.ode.event import Event
from taylor.ode.events import Events
from taylor.ode.lanes import Logged, LoggingLanes
from taylor.ode.machine import DONE, GO, GUARD, INFINITE, ROUGH
from taylor.ode.members import Entering, Member, Problem, advance, march, rewind, stiff
from taylor.ode.pieces import Pieces, along, smooth
from taylor.ode.sliding import Sliding
from taylor.ode.surfaces import NEXT, Surface
from taylor.ode.system import System, is_parameter

Array = NDArray[Any]
FEW, SOME = 8, 64  # steps that are taken in lanes at a time, at first and at most
NUMBERS = 1 << 22  # of series in memory, at most
BRANCHES = 8  # of fun that have lanes
# on a step nothing happens but events that are logged; fun branches once; and it is not yet known
# to where that leads; something needs a closer look
CLEAR, CROSSES, LEARNS, ALONE = range(4)
SAME = 2.0**-40  # of a step: so near to each other surfaces are crossed together


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


class Hit(NamedTuple):
    """An event that is only logged: on which step, where in it, and which."""

    step: int
    x: float
    event: int


class Met(NamedTuple):
    """What happens on steps: CLEAR, CROSSES or ALONE, where the first surface is crossed, on which
    sides of which surfaces that leads, and events.
    """

    kind: Array
    x: Array
    sides: Array
    events: list[Hit]


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
        # functions that must not come near zero, which numbers among args they take, and the event
        # that is logged there, if it does no more
        every = list(range(len(self.system.free)))
        surfaces = self.system.surfaces
        self.surfaces = [(surfaces, every)] if surfaces.outputs else []
        self.watched: list[tuple[Program, list[int], Event | None]] = []
        for event in events.functions if events is not None else []:
            mine = [self.system.free.index(i) for i in event.free]
            only = None if event.callback or event.left < np.inf else event
            if event.program is not None:
                self.watched.append((event.program, mine, only))
            if event.surfaces is not None:
                self.watched.append((event.surfaces, mine, None))
        shapes = [surfaces.code[i].shape for i in surfaces.outputs]
        self.names = [(n, m) for n, s in enumerate(shapes) for m in range(int(np.prod(s)))]

    def parameters(self, numbers: Array) -> list[Array]:
        """Return the numbers of some members, by rows, as parameters with a last axis for these."""
        found = []
        for i in self.program.inputs[2:]:
            shape = self.program.code[i].shape
            own, numbers = np.split(numbers, [int(np.prod(shape))], axis=1)
            found.append(own.T.reshape(*shape, len(own)))
        return found

    def met(self, pieces: Pieces, parameters: Sequence[Array], left: Array, known: bool) -> Met:
        """Return what happens along steps.

        `left` holds the surfaces that they begin at, `known` says whether it is known to where a
        surface leads.
        """
        n = len(pieces)
        kind, x = np.full(n, CLEAR), np.full(n, np.inf)
        zeros = [
            _zeros(table, pieces, left[:, a:b]) for table, a, b in self._tables(pieces, parameters)
        ]
        every = (
            Zeros(*(np.concatenate(z, axis=1) for z in zip(*zeros, strict=True))) if zeros else None
        )
        if every is not None:
            x = np.where(every.status == ONE, every.x, np.inf).min(1)
            kind[x < np.inf] = CROSSES if known else LEARNS
            kind[(every.status == UNCLEAR).any(1)] = ALONE
        sides = np.zeros((n, len(self.names)), int)
        if every is not None:  # all that are zero there
            with np.errstate(invalid="ignore"):
                sides = np.where(np.abs(every.x - x[:, None]) <= SAME, every.slope, 0)
        events = []
        for program, mine, event in self.watched:
            for table in along(program, pieces, [parameters[i] for i in mine], each=True):
                status, at, slope = _zeros(table, pieces)
                unclear = (status == UNCLEAR).any(1)
                if event is None:
                    unclear |= (status == ONE).any(1)
                else:
                    forward = bool(pieces.h[0] > 0)
                    crossed = np.flatnonzero(status[:, 0] == ONE)
                    unclear[crossed] |= kind[crossed] != CLEAR
                    events += [
                        Hit(int(i), float(at[i, 0]), event.n)
                        for i in crossed
                        if event.crosses(int(slope[i, 0]), forward)
                    ]
                kind[unclear] = ALONE
        return Met(kind, x, sides, events)

    def _tables(
        self, pieces: Pieces, parameters: Sequence[Array]
    ) -> Iterator[tuple[Array, int, int]]:
        """Yield the series of conditions along steps, with the numbers that they have among all."""
        start = 0
        for program, mine in self.surfaces:
            for table in along(program, pieces, [parameters[i] for i in mine], each=True):
                stop = start + int(np.prod(table.shape[2:]))
                yield table, start, stop
                start = stop

    def conditions(self, t: Array, y: Array, parameters: Sequence[Array]) -> Array:
        """Return the values of all conditions at times and states."""
        still = np.stack([y, 0 * y], axis=1)
        here = Pieces(t, 0 * t, np.ones(len(t)), still)
        tables = [table[:, 0].reshape(len(t), -1) for table, *_ in self._tables(here, parameters)]
        return np.concatenate(tables, axis=1)


def _zeros(table: Array, pieces: Pieces, begun: Any = 0) -> Zeros:
    """Return the zeros of functions with series along steps, one row for each step."""
    rows = np.moveaxis(table.reshape(*table.shape[:2], -1), 2, 1)
    shape = rows.shape[:2]
    signs = np.broadcast_to(begun, shape).reshape(-1)
    if np.iscomplexobj(rows):
        return Zeros(np.full(shape, UNCLEAR), np.full(shape, np.inf), np.zeros(shape, int))
    status, x, slope = (z.reshape(shape) for z in zeros_of(rows.reshape(-1, rows.shape[2]), signs))
    status = np.where(smooth(table, pieces.coef)[:, None], status, UNCLEAR)
    return Zeros(status, x, slope)


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
        self.left: list[Array | None] = [None] * len(rows)  # signs of conditions just left behind
        self.logs: dict[int, list[tuple[list[Any], list[Array]]]] = {}
        self.ways: dict[int, int] = {}  # from branch to branch, that members have gone
        self.astray = np.zeros(
            len(rows), bool
        )  # whether a member is on another branch than it says
        self.learns = np.zeros(
            len(rows), bool
        )  # whether it goes alone to see where a surface leads
        self.patience = np.ones(len(rows), int)  # steps of a member by itself, next time
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
                    if self.learns[i] and n in self.ways:  # another one has gone there meanwhile
                        continue
                    self._alone(i, np.inf if n < 0 else self.patience[i])

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
        events.shared = True
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
        self.patience[i] = 1 if self.moved[i] else min(2 * self.patience[i], SOME)
        self.moved[i], self.left[i] = False, None
        if watch is not None:
            for event, (t, y) in zip(watch.functions, self._log(i), strict=True):
                t += event.t
                y += event.y
                event.t, event.y = [], []
        if it is self.it:
            before, member["parameters"] = int(self.branch[i]), _numbers(it.args)
            self._note(i)
            if 0 <= before != self.branch[i] >= 0:
                self.ways[before] = int(self.branch[i])

    def _placed(self, i: int) -> tuple[Entering, Events | None]:
        """Return an integrator at the place of a member, and its events."""
        member, args = self.state[i], self._args(i)
        if self.it is None:
            it, events = self._started(i)
        else:
            if self.branch[i] >= 0:
                self.it.machine = self.branches[self.branch[i]].machine
            it, events = self.it, self.events
        it.enter(self.problem, member, args, self._surface(i))
        if self.astray[i] or self.branch[i] < 0:
            it.astray()
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
        if program is None or machine[1] is None or isinstance(self.it.fun, Sliding):
            return
        for n, branch in enumerate(self.branches):
            if machine[0] is branch.system or program.identity == branch.program.identity:
                self.branch[i] = n
                return
        if len(self.branches) < BRANCHES:
            self.branch[i] = len(self.branches)
            self.branches.append(Branch(self.problem, machine, self.events))

    # -------------------------------------------------------------- in lanes
    def _surface(self, i: int) -> Surface | None:
        """Return the surface that a member has just left behind."""
        left = self.left[i]
        if left is None:
            return None
        n = int(np.flatnonzero(left)[0])
        names = self.branches[self.branch[i]].names
        return Surface(self.state["t"][i], names[n], int(left[n]))

    def _log(self, i: int) -> list[tuple[list[Any], list[Array]]]:
        """Return the log of a member: times and states of each event."""
        if i not in self.logs:
            self.logs[i] = [([], []) for _ in self.problem.events]
        return self.logs[i]

    def _together(self, n: int, members: Array, until: Array) -> Array:
        """Take some steps of members on one branch, and return those that have to go on alone."""
        branch, problem = self.branches[n], self.problem
        size = branch.lanes.components * (branch.lanes.order + 1)
        most = max(1, min(self.bunch, NUMBERS // (size * len(members))))
        rows = self.rows[members]
        state, worst = problem.named(rows), self.state["worst"][members]
        limits = np.minimum(until[members] - state["steps"], most)
        logged = branch.lanes.logged(rows, problem.record, problem.targets, limits)
        if not len(logged.pieces):
            state["code"][state["code"] > DONE] = GO
            self.rows[members] = rows
            self.learns[members] = False
            return np.asarray(members[state["code"] == GO])
        met = self._met(branch, members, state, logged)
        good = _before(met.kind != CLEAR, logged.owners)
        counts = np.bincount(logged.owners, minlength=len(members))
        kept = np.bincount(logged.owners[good], minlength=len(members))
        first = np.cumsum(counts) - counts + kept  # the first step that does not stay, if there is
        state["worst"] = worst
        np.maximum.at(state["worst"], logged.owners[good], logged.errors[good])
        back = np.flatnonzero(kept < counts)
        self._back(state, logged, back, first[back])
        state["steps"][back] -= (counts - kept)[back]
        careful = (kept < counts) | (state["code"] > DONE)
        self.astray[members] = (kept == counts) & (state["code"] == GUARD)
        state["code"][careful] = GO
        for i in members[kept > 0].tolist():
            self.left[i] = None
        self._keep(members, logged, met, first - kept, kept)
        self.learns[members] = False
        self.learns[members[back[met.kind[first[back]] == LEARNS]]] = True
        crossing = back[met.kind[first[back]] == CROSSES]
        if len(crossing):
            done = self._cross(branch, members, state, logged, met, crossing, first[crossing])
            careful[done] = False
        for k in back.tolist():
            rewind(problem, state[k])
        self.rows[members] = rows
        self.moved[members[kept > 0]] = True
        met_some = len(back) + careful.sum()
        self.bunch = min(2 * self.bunch, SOME) if 4 * met_some < len(members) else FEW
        return members[careful]

    def _met(self, branch: Branch, members: Array, state: Array, logged: Logged) -> Met:
        """Return what members meet along their steps."""
        owners, parameters = logged.owners, branch.parameters(state["parameters"][logged.owners])
        left = np.zeros((len(owners), len(branch.names)), int)
        begins = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
        for j in begins.tolist():
            signs = self.left[members[owners[j]]]
            if signs is not None:
                left[j] = signs
        known = not branch.program.guards or self.branches.index(branch) in self.ways
        met = branch.met(logged.pieces, parameters, left, known)
        last = np.append(owners[1:] != owners[:-1], True)
        lost = (state["code"] == INFINITE) & ~np.isfinite(state["y"]).all(1)
        met.kind[last & ((state["code"] == ROUGH) | lost)[owners] & (met.kind == CLEAR)] = ALONE
        return met

    def _back(self, state: Array, logged: Logged, back: Array, first: Array) -> None:
        """Set members back to where some steps begin."""
        pieces = logged.pieces
        state["t"][back], state["t_low"][back] = pieces.t[first], pieces.low[first]
        state["y"][back] = pieces.coef[first, 0].reshape(len(first), state["y"].shape[1])
        state["y_low"][back] = logged.low[first]

    def _cross(
        self,
        branch: Branch,
        members: Array,
        state: Array,
        logged: Logged,
        met: Met,
        crossing: Array,
        steps: Array,
    ) -> Array:
        """Lead members over surfaces that they cross on some steps; return which of them are."""
        p = logged.pieces
        pieces = Pieces(p.t[steps], p.low[steps], p.h[steps], p.coef[steps])
        parameters = branch.parameters(state["parameters"][crossing])
        h, found = beyond(
            pieces,
            met.x[steps],
            met.sides[steps],
            lambda t, y: branch.conditions(t, y, parameters),
        )
        t, t_low, y, y_low = places(pieces, h)
        size = len(crossing), -1
        for name, x in (
            ("t", t),
            ("t_low", t_low),
            ("y", y.reshape(size)),
            ("y_low", y_low.reshape(size)),
        ):
            state[name][crossing[found]] = x[found]
        state["steps"][crossing[found]] += 1
        for k, j in zip(np.flatnonzero(found).tolist(), steps[found].tolist(), strict=True):
            i = int(members[crossing[k]])
            self.left[i], self.moved[i] = met.sides[j], True
            if self.problem.dense:
                part = replace(pieces.part(k, k + 1), h=h[k : k + 1])
                self.steps.setdefault(i, []).append(part)
        if branch.program.guards:
            self._change(branch, members[crossing[found]], t[found], y[found])
        return np.asarray(crossing[found])

    def _change(self, branch: Branch, members: Array, t: Array, y: Array) -> None:
        """Go over to the branch to which others have gone; lanes see whether that is right."""
        n = self.ways[self.branches.index(branch)]
        new = self.branches[n]
        values = new.conditions(t, y, new.parameters(self.state["parameters"][members]))
        near = NEXT * np.maximum(np.maximum(1, np.abs(t)), np.abs(y.reshape(len(t), -1)).max(1))
        self.branch[members] = n
        for i, row, least in zip(members.tolist(), values, near, strict=True):
            k = int(np.argmin(np.abs(row))) if len(row) else 0
            signs = np.zeros(len(row), int)
            signs[k : k + 1] = np.sign(row[k : k + 1])
            self.left[i] = signs if len(row) and abs(row[k]) < least else None

    def _keep(self, members: Array, logged: Logged, met: Met, start: Array, kept: Array) -> None:
        """Log the events on the steps of members that stay, and keep these if they are wanted."""
        stays = _before(met.kind != CLEAR, logged.owners)
        hits = sorted((e for e in met.events if stays[e.step]), key=lambda e: (e.step, e.x))
        if hits:
            steps, p = np.array([e.step for e in hits]), logged.pieces
            some = Pieces(p.t[steps], p.low[steps], p.h[steps], p.coef[steps])
            t, _, y, _ = places(some, some.h * [e.x for e in hits])
            for k, hit in enumerate(hits):
                times, states = self._log(int(members[logged.owners[hit.step]]))[hit.event]
                times.append(t[k])
                states.append(y[k])
        for k in np.flatnonzero(kept).tolist() if self.problem.dense else ():
            part = logged.pieces.part(start[k], start[k] + kept[k])
            own = self.steps.setdefault(int(members[k]), [])
            own.append(part)

    def found(self) -> dict[int, Found]:
        """Return what members have met, and note it in their rows."""
        for i, log in self.logs.items():
            self.state["count"][i] += [len(t) for t, _ in log]
            old = self.state["when"][i]
            self.state["when"][i] = [t[-1] if t else w for (t, _), w in zip(log, old, strict=True)]
        return {
            i: Found(self.logs.get(i, []), self.steps.get(i, [])) for i in self.logs | self.steps
        }


def _before(bad: Array, owners: Array) -> Array:
    """Return which steps of each owner lie before the first of its that is bad."""
    first = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    before = np.cumsum(bad)
    until = np.repeat(before[first] - bad[first], np.diff([*first, len(owners)]))
    return np.asarray(before == until)


def _numbers(args: Sequence[Any]) -> Array:
    """Return all numbers among arguments, one after the other."""
    parts = [np.asarray(a, float).reshape(-1) for a in args if is_parameter(a)]
    return np.concatenate([np.zeros(0), *parts])
