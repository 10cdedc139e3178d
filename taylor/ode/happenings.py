"""What happens at events: they are logged, end the integration, or change its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.errors import IntegrationError
from taylor.ode.events import Events, groups
from taylor.ode.integrator import TaylorIntegrator
from taylor.ode.jets import Plain
from taylor.ode.numbers import spacing
from taylor.ode.pieces import Pieces


class Happenings:
    """The events of an integration, with their times and states."""

    def __init__(self, watch: Events, it: TaylorIntegrator) -> None:
        self.watch, self.it = watch, it
        self.changed: Any = None  # the time of the last change of state by an event
        self.repeated = 0  # changes of state at that time
        self.t: list[list[Any]] = [[] for _ in range(len(watch))]
        self.y: list[list[Any]] = [[] for _ in range(len(watch))]

    def __len__(self) -> int:
        return len(self.watch)

    def handle(self, pieces: Pieces) -> tuple[Pieces, bool]:
        """Log the events of some steps; return the steps up to where one changes or ends the run.

        The latter is said, too.
        """
        it, watch = self.it, self.watch
        if not len(watch):
            return pieces, False
        after = it.place
        pieces = watch.resolve(pieces)
        start, size = 0, 2
        while start < len(pieces):  # an event may change what comes later
            for group in groups(watch.find(pieces, start, start + size), pieces):
                if any(watch[e.event].left <= 1 or watch[e.event].callback for e in group):
                    first = min(group, key=lambda e: (e.step, e.x))
                    stop = pieces.h[first.step] * first.x
                    it.place = pieces.at(first.step, stop)
                    events = list(dict.fromkeys(e.event for e in group))
                    ended = self._fire(events, pieces.h[0] > 0)
                    return pieces.until(first.step, stop), ended
                for e in group:
                    it.place = pieces.at(e.step, pieces.h[e.step] * e.x)
                    self._log(e.event)
            start, size = start + size, 2 * size
        it.place = after
        return pieces, False

    def _log(self, n: int) -> None:
        self.watch[n].left -= 1
        self.t[n].append(self.it.t)
        self.y[n].append(self.it.y.copy())

    def _fire(self, events: list[int], forward: bool) -> bool:
        """Do what some events at one time ask for, one after the other; whether the run ends.

        Each callback sees what those before it left.  Then an event function that they carried
        over zero is an event too, each at most once.
        """
        it, watch = self.it, self.watch
        before = after = watch.values(it.t, it.y)
        changed = any(watch[n].callback for n in events)
        if changed:
            self._note_change()
        fired: list[int] = []
        while events:
            for n in events:
                self._log(n)
                callback = watch[n].callback
                if callback is not None:
                    self._call(callback)
            fired += events
            if changed:
                it.renew()
                after = watch.values(it.t, it.y)
            events = [
                n
                for n, (a, b) in enumerate(zip(before, after, strict=True))
                if n not in fired
                and np.sign(a) * np.sign(b) < 0
                and watch[n].crosses(int(np.sign(b)), forward)
            ]
        watch.restart(set(fired), after)
        return any(watch[n].left <= 0 for n in fired)

    def _note_change(self) -> None:
        """Raise where the state is changed again and again at one time."""
        it = self.it
        near = self.changed is not None and abs(it.t - self.changed) <= 64 * spacing(it.t)
        self.changed, self.repeated = it.t, self.repeated + 1 if near else 0
        if self.repeated > 3:
            raise IntegrationError(
                f"the events accumulate at t = {it.t}: they follow each other faster than times "
                "can be told apart; stop before, with a terminal event"
            )

    def _call(self, callback: Callable[..., Any]) -> None:
        """Go on from what a callback returns, or leaves in the y and the args that it is given."""
        it = self.it
        y = it.y.copy()
        new = callback(it.t, y, *it.args)
        if isinstance(new, tuple) and len(new) == 2 and isinstance(new[1], (tuple, list)):
            new, args = new
            it.args = tuple(args)
            for event in self.watch:
                event.args = it.args
        if new is None and not np.array_equal(y, it.y):
            new = y
        if new is None:
            return
        low = it.t_low
        try:
            it.set_state(it.t, new)
        except (TypeError, ValueError) as error:
            raise type(error)(f"the callback of an event returned: {error}") from error
        it.t_low = low

    def result(self, plain: Plain, wanted: bool) -> dict[str, Any]:
        """Return t_events and y_events."""
        if not wanted:
            return {"t_events": None, "y_events": None}
        states = [np.array(s).reshape(len(s), *self.it.y.shape) for s in self.y]
        states = [np.moveaxis(plain.series(np.moveaxis(s, 0, -1)), -1, 0) for s in states]
        return {"t_events": [np.array(row) for row in self.t], "y_events": states}
