"""What is kept of a run: the states that are asked for, and its steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from taylor.ode.dense import Solution
from taylor.ode.pieces import Pieces

Array = NDArray[Any]


class Run(Protocol):
    """What takes the steps: an integrator."""

    @property
    def t(self) -> Any:
        """The present time."""

    @property
    def y(self) -> Array:
        """The present state."""

    def solution(self, pieces: Sequence[Pieces]) -> Solution:
        """Return steps as a function of time."""


class Record:
    """The states that are asked for, at the ends of steps or at times, and the steps if `dense`."""

    def __init__(self, it: Run, times: Array | None, dense: bool = False) -> None:
        self.it, self.wanted, self.dense = it, times, dense
        self.pieces: list[Pieces] = []
        here = np.asarray([it.t]) if times is None else times[times == it.t]
        self.t = [here]
        self.y = [np.repeat(it.y[..., None], len(here), axis=-1)]

    def add(self, pieces: Pieces) -> None:
        """Keep what is asked for of some steps up to the present time."""
        it, wanted = self.it, self.wanted
        if self.dense:
            self.pieces.append(pieces)
        if wanted is None:
            self.t.append(np.append(pieces.t[1:], it.t))
            states = np.concatenate([pieces.coef[1:, 0], it.y[None]])
            self.y.append(np.moveaxis(states, 0, -1))
            return
        sign = -1 if pieces.h[0] < 0 else 1
        times = wanted[(sign * wanted > sign * pieces.t[0]) & (sign * wanted <= sign * it.t)]
        if len(times):
            y = np.repeat(it.y[..., None], len(times), axis=-1)
            if (before := times != it.t).any():
                y[..., before] = it.solution([pieces])(times[before])
            self.t.append(times)
            self.y.append(y)

    def states(self) -> Array:
        """Return the states, along the last axis."""
        return np.concatenate(self.y, axis=-1)
