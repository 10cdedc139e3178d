"""What an integration returns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.instructions import short
from taylor.display import plots, tables
from taylor.errors import ShapeMismatch
from taylor.numbers.kinds import base_array
from taylor.ode.dense import Solution, SolutionInUnits

Array = NDArray[Any]
ENDS, COMPONENTS = (6, 3), 6  # times and components that are shown
MESSAGES = {
    0: "The solver successfully reached the end of the integration interval.",
    1: "A termination event occurred.",
}


class Result(dict[str, Any]):
    """A dict whose entries are attributes, too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        width = max(map(len, self))
        return "\n".join(f"{name.rjust(width)}: {_brief(value)}" for name, value in self.items())


class OdeResult(Result):
    """The result of an integration: a dict whose entries are attributes, too.

    t, y: times and states (the last axis of y is time); sol: the solution as a function of time, or
    None; t_events, y_events: for each event its times and states; t_doses, y_doses: the times of
    doses and the states before them; nfev: series of the solution that were computed; error: the
    largest estimate of the error of a step (the defect h·|y' - fun| at its end; that of RadauIIA
    itself; nan for SciPy's methods), relative to the largest component of y; status: 0 the end was
    reached, 1 an event ended the integration, -1 a failure; message: what happened; success:
    status >= 0.
    """

    t: Array
    y: Array  # or a series of its shape
    sol: Solution | SolutionInUnits | None
    t_events: list[Array] | None
    y_events: list[Array] | None
    t_doses: Array | None
    y_doses: Array | None
    nfev: int
    error: float
    status: int
    message: str
    success: bool

    def _repr_html_(self) -> str:
        y = np.moveaxis(self.y, -1, 0)

        def row(k: int) -> list[str]:
            return [short(self.t[k]), *_components(y[k])]

        rows = tables.long(len(self.t), row, ENDS)
        head = ["t", *_heads(np.shape(y)[1:])]
        return tables.html(head, rows, f"{self.message} ({self.nfev} series)")

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """Draw the components of y over t, and return the axes; `style` is that of their lines.

        With dense_output=True these are curves, else the states at the times t.  Needs matplotlib
        (the extra `plot`), or some axes that draw as its.
        """
        ax = plots.axes(ax, "plot()")
        t, marker = np.asarray(self.t, dtype=float), "o"
        if self.sol is not None and len(t) > 1:
            t, marker = plots.times(t[0], t[-1]), "-"
        y = _drawn(self.y if marker == "o" else self.sol(t))  # type: ignore[misc]
        return plots.curves(ax, t, y, marker, **style)


class EnsembleResult(Result):
    """The result of `solve_ensemble`: a dict whose entries are attributes, too.

    t: the times; y: the states there, of shape (members, *shape of a state, times), nan where a
    member did not come; t_last, y_last: where each member has come to, and its state there; steps:
    series of the solution that were computed; error: the largest estimate of the error of a step,
    as that of `OdeResult`; status: 0 the end was reached, 1 an event ended the run, -1 a failure;
    message: what happened; success: status >= 0.  With events, else None: t_events, y_events, for
    each member a list with the times and the states of each event.  With dense_output, else None:
    sol, the `Solution` of each member.  With dosing, else None: t_doses, y_doses, for each member
    the times of its doses and the states before them.  All but t have one entry for each member.

    >>> from taylor.ode import solve_ensemble
    >>> r = solve_ensemble(lambda t, y: y * y, (0.0, 1.0), [0.5, 2.0])
    >>> r.status, r.t_last.round(9), r.y.round(9)
    (array([ 0, -1]), array([1. , 0.5]), array([[0.5, 1. ],
           [2. , nan]]))
    """

    t: Array
    y: Array
    t_last: Array
    y_last: Array
    steps: Array
    error: Array
    status: Array
    message: Array
    success: Array
    t_events: list[list[Array]] | None
    y_events: list[list[Array]] | None
    sol: list[Solution] | None
    t_doses: list[Array] | None
    y_doses: list[Array] | None

    def _repr_html_(self) -> str:
        def row(k: int) -> list[str]:
            where = [short(self.t_last[k]), *_components(self.y_last[k])]
            return [str(k), *where, str(self.steps[k]), short(self.error[k]), str(self.message[k])]

        rows = tables.long(len(self.t_last), row, ENDS)
        head = ["", "t", *_heads(np.shape(self.y_last)[1:]), "steps", "error", "message"]
        return tables.html(head, rows, f"{len(self.t_last)} members, where each has come to")

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """Draw the components of y over t for all members, and return the axes.

        A component has one colour; `style` is that of all lines.  With dense_output=True these are
        curves, each to where its member has come, else the states at the times t.  Needs matplotlib
        (the extra `plot`), or some axes that draw as its.
        """
        ax = plots.axes(ax, "plot()")
        if self.sol is None:
            return plots.bundle(ax, [(self.t, y) for y in _drawn(self.y)], "o", **style)
        low, high = sorted((self.t[0], self.t[-1]))
        along = [plots.times(self.t[0], t) for t in np.clip(self.t_last, low, high)]
        members = [(t, _drawn(sol(t))) for t, sol in zip(along, self.sol, strict=True)]
        return plots.bundle(ax, members, "-", **style)


def _drawn(y: Any) -> Array:
    """Return states as they are drawn: as floats."""
    found: Array = base_array(y)
    if np.iscomplexobj(found):
        raise TypeError("plot() draws real states: plot r.y.real and r.y.imag, or abs(r.y)")
    return found.astype(float)


def _heads(shape: tuple[int, ...]) -> list[str]:
    """Return the heads of the columns of a state: of its first components."""
    names = plots.names(shape)
    return names[:COMPONENTS] + [f"… {len(names) - COMPONENTS} more"] * (len(names) > COMPONENTS)


def _components(y: Any) -> list[str]:
    """Return the columns of a state."""
    flat = np.reshape(y, -1)
    return [short(c) for c in flat[:COMPONENTS]] + [""] * (len(flat) > COMPONENTS)


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    if isinstance(value, list) and value and isinstance(value[0], (list, Solution)):
        return f"list of length {len(value)}"
    return str(value)


def inside(times: Array, t0: Any, t1: Any) -> None:
    """Raise an error unless times lie in t0..t1, in the order of integration."""
    if times.ndim != 1:
        raise ShapeMismatch(f"t_eval holds times along one axis, not {times.shape}")
    steps = np.diff(times)
    if not np.all((times >= min(t0, t1)) & (times <= max(t0, t1))):
        raise ValueError("the times of t_eval must lie within t_span")
    if not np.all(steps < 0 if t1 < t0 else steps > 0):
        raise ValueError("the times of t_eval must lie in the order of integration, each once")
