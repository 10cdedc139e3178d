"""Plots of solutions, enclosures and patterns, by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.display.matrices import colour

POINTS = 512  # along a curve


def axes(ax: Any, what: str) -> Any:
    """Return the axes to draw into: those given, or those of pyplot.

    Raises ImportError, with the name of the extra, where matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError(
            f"{what} needs matplotlib: pip install 'taylor-arithmetic[plot]'"
        ) from None
    return pyplot.gca()


def times(t0: float, t1: float) -> Any:
    """Return times along a curve."""
    return np.linspace(t0, t1, POINTS)


def sized(style: dict[str, Any]) -> dict[str, Any]:
    """Return a style with small points, unless it says how large they are.

    >>> sized({"lw": 2}), sized({"ms": 5})
    ({'markersize': 3, 'lw': 2}, {'ms': 5})
    """
    return style if {"ms", "markersize"} & style.keys() else {"markersize": 3} | style


def curves(ax: Any, t: Any, y: Any, marker: str, **style: Any) -> Any:
    """Draw the components of y (the last axis is that of t) over t, with their names."""
    flat = np.reshape(y, (-1, len(t)))
    for name, line in zip(names(np.shape(y)[:-1]), flat, strict=True):
        ax.plot(t, line, marker, label=name, **sized(style))
    return described(ax, "t", len(flat))


def bundle(ax: Any, members: Sequence[tuple[Any, Any]], marker: str, **style: Any) -> Any:
    """Draw the components of members (t, y) over t, each component in a colour of its own."""
    faint = {"alpha": max(0.1, len(members) ** -0.5)}
    colours: dict[str, Any] = {}
    for t, y in members:
        flat = np.reshape(y, (-1, len(t)))
        for name, line in zip(names(np.shape(y)[:-1]), flat, strict=True):
            own = {"label": name} if name not in colours else {"color": colours[name]}
            (drawn,) = ax.plot(t, line, marker, **sized(own | faint | style))
            colours[name] = drawn.get_color()
    return described(ax, "t", len(colours))


def band(ax: Any, ends: Any, low: Any, high: Any) -> Any:
    """Draw what lies between the bounds of the components over pieces of time, with their names."""
    edges = np.concatenate([ends[:1], ends[1:-1].repeat(2), ends[-1:]])
    for name, lo, hi in zip(names(low.shape[:-1]), low, high, strict=True):
        lines = ax.plot(edges, np.repeat((lo + hi) / 2, 2), lw=0.8, label=name)
        ax.fill_between(
            edges, np.repeat(lo, 2), np.repeat(hi, 2), color=lines[0].get_color(), alpha=0.35
        )
    return described(ax, "t", len(low))


def entries(ax: Any, shape: tuple[int, int], rows: Any, cols: Any, groups: Any) -> Any:
    """Draw the entries of a matrix, coloured by their groups."""
    size = min(60.0, (240.0 / max(*shape, 1)) ** 2)
    ax.scatter(cols, rows, c=[colour(g) for g in groups], s=size, marker="s", linewidths=0)
    ax.set(xlim=(-0.5, shape[1] - 0.5), ylim=(shape[0] - 0.5, -0.5), aspect="equal")
    ax.set(xlabel="column", ylabel="row")
    return ax


def names(shape: Sequence[int]) -> list[str]:
    """Return the names of the components of a state.

    >>> names((2,)), names(())
    (['y[0]', 'y[1]'], ['y'])
    """
    return [f"y[{', '.join(map(str, i))}]" if i else "y" for i in np.ndindex(*shape)]


def described(ax: Any, label: str, count: int) -> Any:
    """Name the axis of times, and the curves if they are few."""
    ax.set_xlabel(label)
    if count <= 10:
        ax.legend()
    return ax
