"""Reverse mode through long loops in little memory: binomial checkpointing.

The reverse sweep of n steps s_{i+1} = f(s_i) needs the states in reverse order.  Keeping them all
costs n states; keeping at most c of them at any time, and running again from the nearest one, costs

    t(n, c) = r n - β(c + 1, r - 1) steps,   β(c, r) = C(c + r, c),   β(c, r-1) < n <= β(c, r),

and no schedule needs fewer (Griewank & Walther, Algorithm 799: revolve, ACM TOMS 26, 2000).  With
c proportional to log n the memory and r, the number of times a step is run again, are O(log n).

The derivative of the reversed loop is again a reversed loop, that of the tangent loop
(s, ds) -> (f(s), f'(s) ds): every derivative of higher order is checkpointed too.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

from taylor.core.copies import frozen
from taylor.core.memory import fresh
from taylor.core.node import Node
from taylor.core.operand import host, lift
from taylor.drivers.evolution import Evolution, has_nodes
from taylor.drivers.scan import as_loop, whole_number
from taylor.drivers.several import pullback
from taylor.errors import TraceError
from taylor.numbers.kinds import content
from taylor.progress import Progress, Report

Step = Callable[..., Any]


# ------------------------------------------------------------------ the schedule
def _split(n: int, c: int) -> int:
    """Return after how many of n steps the next of c >= 2 snapshots (one is held) is best taken.

    Any m with β(c, r-2) <= m <= β(c, r-1) and β(c-1, r-1) <= n - m <= β(c-1, r) is optimal, where
    β(c, r-1) < n <= β(c, r); this is the largest.
    """
    r = 1
    while math.comb(c + r, c) < n:
        r += 1
    return min(math.comb(c + r - 1, c), n - math.comb(c + r - 2, c - 1))


def schedule(n: int, snapshots: int) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, stop, keep): run from the snapshot at start to stop; keep that state, or else
    reverse step stop -> stop + 1 there.

    The snapshot at 0 is given and counts; a snapshot is forgotten when all steps after it are
    reversed.

    >>> list(schedule(3, 2))
    [(0, 1, True), (1, 2, False), (1, 1, False), (0, 0, False)]
    """
    held, top = [0], n
    while top:
        start, free = held[-1], snapshots - len(held)
        if top - start == 1 or not free:
            top -= 1
            yield start, top, False
            if top == start:
                held.pop()
        else:
            held.append(start + _split(top - start, free + 1))
            yield start, held[-1], True


def count(n: int, snapshots: int) -> int:
    """Return how many steps the reverse sweep runs again, t(n, c) of the module's formula.

    >>> count(100, 5), count(100, 100), count(100, 1)
    (316, 99, 4950)
    """
    return sum(stop - start for start, stop, _ in schedule(n, snapshots))


# ------------------------------------------------------------------ the loop and its reverse
def _loop(f: Step, n: int, snapshots: int, progress: Report) -> Evolution:
    """Return the loop of n steps f(i, state, *parameters)."""

    def run(state: Any, *p: Any) -> Any:
        with Progress(progress, "steps") as report:
            for i in range(n):
                state = f(i, state, *p)
                report(i + 1, n - i - 1)
        return state

    def back(w: Any, state: Any, *p: Any) -> Any:
        held = [state]
        total: list[Any] = []
        done = 0
        with Progress(progress, "steps") as report:
            left = n + count(n, snapshots) if report else 0
            for start, stop, keep in schedule(n, snapshots):
                s = held[-1]
                for i in range(start, stop):
                    s = f(i, s, *p)
                if keep:
                    held.append(s)
                else:
                    if stop == start:
                        held.pop()
                    w, *total = pullback(functools.partial(f, stop), (s, *p), w, (None, *total))
                done += stop - start + (not keep)
                report(done, left - done)
        return (w, *total)

    again = functools.partial(_loop, n=n, snapshots=snapshots, progress=progress)
    return Evolution(f"loop of {n} steps", f, again, run, back)


def checkpoint(
    step: Step,
    n: int,
    *,
    numbered: bool = False,
    snapshots: int | None = None,
    progress: Report = False,
) -> Step:
    """Return the function (state, *parameters) -> state after n steps, cheap to differentiate.

    `step(state, *parameters)` returns the next state; if `numbered`, it is called as
    `step(state, i, *parameters)` with the number i = 0..n-1 of the step.  State and parameters are
    numbers or arrays (pack several into one), and derivatives flow to all of them.  A step is run
    several times, so it must return the same for the same arguments.

    The value is that of the plain loop, and so are the derivatives; but reverse mode keeps at most
    `snapshots` states (default 2 log2 n) and the record of one step, and runs each step again
    about log n times.  Forward mode runs the plain loop.  Machine code runs loops in loops, by
    default with 4 √n states, and each step twice again; with too few snapshots for these, a
    numbered step, one that is no program (see `scan`), or `progress`, it leaves the loop to Python.

    `progress` shows a bar for each pass through the loop (needs tqdm), or is called with how many
    steps are done and are left: n forwards, and backwards those that are run again as well.

    >>> import taylor
    >>> f = checkpoint(lambda x, r: r * x * (1 - x), 1000)
    >>> round(float(taylor.gradient(lambda r: f(0.3, r), 2.5)), 12)  # 1 - 1/r: 1/r²
    0.16
    """
    steps = whole_number("n", n, 0)
    kept = 2 * steps.bit_length() if snapshots is None else whole_number("snapshots", snapshots, 1)
    if not callable(step):
        raise TypeError(f"the step must be a function, not {type(step).__name__}")

    def rule(step: Step) -> Step:
        def numbered_step(i: int, state: Any, *p: Any) -> Any:
            return content(step(fresh(state), *([i] if numbered else []), *map(fresh, p)))

        return _loop(numbered_step, steps, kept, progress).forward()

    own = rule(step)
    size = sizes(steps, 4 * math.isqrt(steps) + 4 if snapshots is None else kept)
    nested = None if numbered or progress is not False else size

    def loop(state: Any, *parameters: Any) -> Any:
        owner = host([lift(x) for x in (state, *parameters)])
        if isinstance(owner, Node) and owner.tape.compiled and nested:
            with contextlib.suppress(TraceError):  # a step that is no program is asked for
                return _nested(lambda s: step(s, *map(fresh, parameters)), state, steps, nested)
        if not steps:
            return state
        given = frozen(step) if any(map(has_nodes, (state, *parameters))) else step
        return (own if given is step else rule(given))(state, *parameters)

    return loop


# ------------------------------------------------------------------ in machine code
def sizes(n: int, kept: int) -> int | None:
    """Return of how many steps loops in loops are to be, that so many states are kept at most.

    A loop keeps its states and those of the steps that are left over.  None: not with so few.

    >>> sizes(1000, 130), sizes(1000, 60), sizes(1000, 20)
    (32, 10, None)
    """
    if n <= kept:
        return n
    for depth in range(2, n.bit_length() + 1):
        size = next(k for k in range(2, n + 1) if k**depth >= n)
        if 2 * depth * size <= kept:
            return size
    return None


def _nested(step: Step, state: Any, n: int, size: int) -> Any:
    """Return the state after n steps, as loops in loops of so many steps at most.

    Reverse mode keeps the states of one run of each, and takes a step again for each it is in.
    """
    if n <= size:
        return as_loop(step, state, n)
    state = as_loop(lambda s: _nested(step, s, n // size, size), state, size)
    return as_loop(step, state, n % size) if n % size else state
