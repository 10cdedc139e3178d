"""Kinks in drivers: derivatives of functions that are smooth where their sides meet.

A driver that finds no number at a point, or wherever kinks are no errors, asks for the ties there
and differentiates the function with shares of its sides instead: with their means and others, for
first derivatives, which are those of f if they agree; on all sides for higher ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from taylor.core.maps import unbroadcast
from taylor.core.memory import fresh
from taylor.core.program import recording
from taylor.core.rules import adjoints
from taylor.core.singular import masked
from taylor.drivers import ties
from taylor.drivers.driver import all_finite, alone, finite, has_nan, result
from taylor.drivers.forward_mode import along
from taylor.drivers.reverse_mode import pulled
from taylor.drivers.ties import Shares, Tied
from taylor.errors import NonAnalyticError, ShapeMismatch, TaylorError
from taylor.numbers.kinds import base, is_operand
from taylor.numbers.policy import current_policy, policy
from taylor.series.series import Series

Array = Any
Function = Callable[..., Any]
SURFACES = 64  # of so many at most the sides beside each of them are compared


def tied_at(f: Function, x: Any) -> Tied | None:
    """Return f recorded at x with its ties; None if there are none, or it cannot be recorded."""
    try:
        program, v = recording(lambda y: result(f, y), x if is_operand(x) else x[()])
    except TaylorError:
        return None
    return ties.tied(program.code, v, program.outputs[0])


def first(driver: Function, f: Function, x: Any, what: str) -> Any:
    """Return driver(f), made of first derivatives of f at x and of the shape of f(x) in front.

    Entries that a kink leaves without derivative are nan or, if kinks are no errors, those of the
    conventions of the ties that cancel in no element of f.
    """
    if is_operand(x):
        return driver(f)
    found, _ = _untied(driver, f, x)
    if found is not None:
        return found
    t = tied_at(f, x)
    return driver(f) if t is None else first_at(t, driver, x, what, len(t.code[t.out].shape))


def first_at(t: Tied, driver: Function, x: Any, what: str, front: int) -> Any:
    """Return what a driver of first derivatives gives at ties: see `first`.

    The results of different elements of the first `front` axes do not depend on each other.
    """
    if not t.simple:
        return smooth(t, driver, x, 1, what)
    sided = ties.one_sided(t)
    if sided is not None:
        return driver(ties.function(t, sided))
    found = driver(ties.function(t, ties.means(t)))
    rough = ~ties.alike(found, driver(ties.function(t, ties.apart(t))))
    if not rough.any():
        return found
    real = _generic(t)
    if current_policy().kink != "error":
        rows = rough.any(axis=tuple(range(front, rough.ndim)), keepdims=True)
        chosen: Array = np.where(rows, driver(ties.function(t, ties.settled(t, real))), found)
        return chosen[()]
    if t.code[t.out].shape == ():
        raise NonAnalyticError(ties.message(t, real or t.ties, what, ""))
    return masked(found, rough)


def removable(code: Any, v: list[Any], out: int, x: Any, pull: Function, what: str) -> bool:
    """Return whether f has ties at a recorded x where its adjoint is that of their means.

    `pull` gives the adjoint of the plain point for a function with shares.
    """
    if not is_operand(x) or isinstance(x, Series) or current_policy().kink != "error":
        return False
    t = ties.tied(code, v, out)
    if t is None or not t.simple:
        return False
    if not all_finite(first_at(t, pull, base(x), what, 0)):
        raise NonAnalyticError(ties.message(t, t.ties, what, ""))
    return True


def beside(
    found: Any, lost: bool, code: Any, v: list[Any], out: int, x: Any, w: Any, pull: Any, what: str
) -> tuple[Any, Any]:
    """Return value and adjoint of x at the ties of a recorded f; `found` is what the rules give."""
    t = ties.tied(code, v, out)
    if t is not None:
        return ties.beside(t, found[0]), _adjoint_at(t, x, found[1], pull, what)
    if not lost or not ties.any_tied(code, v):
        return found[0], found[1]
    with policy(singular=current_policy().singular, kink="subgradient"):  # what is tied stays so
        return found[0], pulled(code, v, {out: w}, x)


def _adjoint_at(t: Tied, x: Any, found: Any, pull: Function, what: str) -> Any:
    """Return the adjoint of x at ties; `found` is what the rules give."""
    if is_operand(x):
        if all_finite(found) or not all_finite(first_at(t, pull, base(x), what, 0)):
            return found
        raise NonAnalyticError(
            f"{what}: a derivative of first derivatives at a kink, which has none by convention; "
            "move the point"
        )
    return first_at(t, pull, x, what, 0)


def _untied(driver: Function, f: Function, x: Any) -> tuple[Any, TaylorError | None]:
    """Return driver(f) if it is finite, else None and its error; None if kinks are no errors.

    Where x is not a number, no way has more.
    """
    if current_policy().kink != "error":
        return None, None
    try:
        found = driver(f)
    except ShapeMismatch:
        raise
    except TaylorError as error:
        return None, error
    return (found if all_finite(found) or has_nan(x) else None), None


def _generic(t: Tied) -> dict[int, Array]:
    """Return where ties leave some element of the function without a derivative."""
    bars: dict[int, Any] = {}
    w = np.random.default_rng(1).uniform(1.0, 2.0, t.code[t.out].shape)[()]
    adjoints(ties.code(t, ties.means(t)), t.v, {t.out: w}, (), bars)
    return ties.real_ties(t, bars)


def decided(
    driver: Function,
    f: Function,
    x: Any,
    order: int,
    what: str,
    slow: Function | None = None,
    scalar: bool = False,
) -> Any:
    """Return driver(f), made of derivatives of f at x up to that order; exact at ties, too.

    `slow` is for functions for which the driver finds no number and that have no ties.  A
    scalar-valued f (`scalar`: an array of one element is a number) without these derivatives raises
    NonAnalyticError; else they are nan.
    """

    def either(g: Function) -> Any:
        try:
            found = driver(g)
        except ShapeMismatch:
            raise
        except TaylorError:
            if slow is None:
                raise
            return slow(g)
        if slow is None or all_finite(found):
            return found
        other = slow(g)
        if is_operand(x) or is_operand(other):
            return other
        with np.errstate(all="ignore"):
            known = all_finite(result(g, fresh(x)[()]))
        whole: Array = np.where(finite(found), found, other)
        return whole[()] if known else other

    found, error = _untied(driver, f, x)
    if found is not None:
        return found
    t = tied_at(alone(f) if scalar else f, x)
    if t is None:
        return either(f)
    found = smooth(t, either, x, order, what)
    if isinstance(error, NonAnalyticError) and not all_finite(found):
        raise error
    return found


def smooth(t: Tied, driver: Function, x: Any, order: int, what: str) -> Any:
    """Return what a driver gives for the function, if it is the same on all sides of its ties.

    Along one generic line the series of the sides are compared up to that order, and of two
    opposite sides the results.  These are the sides met in many directions from x.  If they are
    alike, and any shares give the same, then all sides are: a series is a polynomial in the shares,
    which is constant, with probability one, if it is the same at random ones.  Otherwise the sides
    on both sides of every surface follow, however thin they are.  A scalar-valued function with
    unlike sides raises NonAnalyticError, other results are nan.
    """
    if is_operand(x):
        raise NonAnalyticError(f"{what} at a kink inside another derivative; move the point")
    scalar, line = t.code[t.out].shape == (), next(ties.directions(base(x)))
    results: list[Any] = []
    first: tuple[Any, Shares] | None = None
    bad = np.zeros(t.code[t.out].shape, dtype=bool)

    def compare(shares: Shares) -> None:
        nonlocal first, bad
        if first is not None and all(np.array_equal(first[1][i], shares[i]) for i in shares):
            return
        g = ties.function(t, shares)
        c = along(g, x, line, order)
        if len(results) < 2:
            results.append(driver(g))
        first = first or (c, shares)
        bad = bad | ~ties.alike(c, first[0]).all(0)
        if scalar and (bad.any() or not ties.alike(results[-1], results[0]).all()):
            unlike = {i: s != first[1][i] for i, s in shares.items() if np.any(s != first[1][i])}
            raise NonAnalyticError(ties.message(t, unlike, what, f", without derivative {order}"))

    for d in ties.directions(base(x)):
        compare(ties.towards(t, d, order + 2))
    if (
        first is not None
        and not ties.alike(along(ties.function(t, ties.drawn(t)), x, line, order), first[0]).all()
    ):
        for shares in itertools.chain([_standing(t, first[1])], _beside(t, order)):
            compare(shares)
    lost = ~ties.alike(results[-1], results[0])
    lost = lost | bad.reshape(bad.shape + (1,) * (lost.ndim - bad.ndim))
    return masked(results[0], lost)


def _standing(t: Tied, shares: Shares) -> Shares:
    """Return the shares of a side, with random ones of ties that stay ties wherever x moves.

    Whatever is chosen there must be the same.
    """
    free = ties.drawn(t)
    return {i: np.where(t.ties[i] & (s == 0.5), free[i], s) for i, s in shares.items()}


def _beside(t: Tied, order: int) -> Iterator[Shares]:
    """Yield the sides met close to each of the surfaces u = 0, on both sides of it.

    With directions within the tangent plane of the surface, so that nothing lies between; of many
    surfaces none: there the directions must do.
    """
    (p, q), _ = ties.moves(t, t.ties)
    by_class, starts = ties.classes(p, q)
    if len(starts) > SURFACES:
        return
    places = [(i, e) for i, tie in t.ties.items() for e in np.argwhere(tie)]
    held = ties.code(t, ties.means(t))
    for members in np.split(by_class, starts[1:]):
        i, e = places[members[0]]
        unit = np.zeros(t.ties[i].shape)
        unit[tuple(e)] = 1.0
        seeds = {a: s * unbroadcast(unit, unit.shape, t.code[a].shape)
                 for a, s in zip(t.code[i].args[:2], (1.0, -1.0), strict=True)}  # fmt: skip
        (normal,) = adjoints(held, t.v, seeds)
        if normal is None or not np.any(normal):
            continue
        for d in itertools.islice(ties.directions(ties.point_of(t)), 4):
            d = d - normal * (np.sum(d * normal) / np.sum(normal * normal))
            shares = ties.towards(t, d, order + 2)
            at_ties = ties.joined(t, t.ties, shares)
            for side in (1, -1):
                at_ties[members] = (1 + side * np.sign(p[members])) / 2
                yield {
                    j: ties.share(t, j, part) for j, part in ties.each_part(t, t.ties, at_ties, 0.5)
                }
