"""Plans: how arguments of one form go through the code of a compiled function at once.

The first call of a driver takes its arguments apart, with all the questions that there are to ask.
A plan takes others of that form apart and builds the answer, and is kept with the function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.drivers import trees
from taylor.drivers.derivable import Derivable

Plan = Callable[[Sequence[Any], dict[str, Any]], Any]  # the answer, or None for another form
FIXED = (int, str, bool, type(None))
MOST = 64  # plans of one function


def key(form: Any, argnums: Any, given: Sequence[Any], named: dict[str, Any]) -> Any:
    """Return what the plan of a call is kept by; None where there is none."""
    if argnums is not None and type(argnums) is not int:
        if type(argnums) is not tuple:
            return None
        argnums = (tuple, *map(type, argnums), *argnums)
    return (form, argnums, len(given), *named) if named else (form, argnums, len(given))


def at_once(f: Derivable, form: Any, argnums: Any, given: Sequence[Any], named: Any) -> Any:
    """Return what a driver of f gives by a plan that is kept; None if there is none."""
    if not f.plans or (asked := key(form, argnums, given, named)) is None:
        return None
    found = f.plans.get(asked)
    return None if found is None else found(given, named)


def keep(f: Any, asked: Any, made: Plan | None) -> None:
    """Keep a plan with a compiled function."""
    if f.plans is not None and asked is not None and made is not None and len(f.plans) < MOST:
        f.plans[asked] = made


def plan(
    form: Any, driver: Any, g: Derivable, structures: Sequence[Any], structure: Any, tupled: bool
) -> Plan | None:
    """Return the plan of a driver of g, a function of leaves; None where an argument may hide more.

    `structures` are those of the arguments, in one tuple if `tupled`, and of the keywords;
    `structure` is that of what varies.
    """
    named = structures[-1].children
    takes = [*map(_take, (*structures[:-1], *named))]
    spread = []  # which of the driver's own are tuples like the arguments
    for p in form.own:
        like: Any = structure if p.name in form.along else trees.LEAF
        tuples = like is not trees.LEAF and like.cls is tuple
        spread.append(len(like.children) if tuples else 0)
        takes += map(_take, like.children if tuples else [like])
    if False in takes or not all([type(n) is int for n in form.axes]):
        return None
    count = len(structures) - 1
    ends = 1 if form.own else count
    answer, first = _answers(form, driver, g, structure), takes[0]

    def of_one(given: Sequence[Any], named: dict[str, Any]) -> Any:
        leaves = first(given[0])
        return None if leaves is None else answer(leaves)

    def of_all(given: Sequence[Any], named: dict[str, Any]) -> Any:
        if tupled and type(given[0]) is not tuple:
            return None
        args: list[Any] = [*given[0]] if tupled else [*given[:ends]]
        if len(args) != count:
            return None
        args += named.values()
        for x, many in zip(given[ends:], spread, strict=True):
            if many and not (type(x) is tuple and len(x) == many):
                return None
            args += x if many else [x]
        leaves: list[Any] = []
        for x, take in zip(args, takes, strict=True):
            if take is None:
                leaves.append(x)
            elif (part := take(x)) is None:
                return None
            else:
                leaves += part
        return answer(leaves)

    return of_all if tupled or len(takes) > 1 or first is None else of_one


def _answers(form: Any, driver: Any, g: Derivable, structure: Any) -> Callable[[list[Any]], Any]:
    """Return what gives the driver's answer at leaves, in the form of what varies."""
    alone = len(form.axes) == 1
    one, (build, *more) = alone and len(driver.vary) == 1, _nested(structure, form.axes)

    def answer(leaves: list[Any]) -> Any:
        if (found := g.at_once(driver, leaves)) is None:
            if not all(map(_is_number, leaves)):
                return None
            found = driver.one(g, *leaves)
        if structure is trees.LEAF:
            return found
        parts = iter([found] if one else found)
        return build(parts) if alone else (build(parts), *[make(parts) for make in more])

    return answer


def _is_number(x: Any) -> bool:
    return type(x) in trees.PLAIN or (type(x) is np.ndarray and x.dtype.kind in "fc")


def _take(structure: Any) -> Any:
    """Return what takes the leaves of what has a structure; None: it is one, False: there is none.

    Whether a leaf is a number or an array the code sees.
    """
    if structure is trees.LEAF:
        return None
    if type(structure) is not trees.Still:
        return trees.taker(structure) or False
    cls, value = structure
    return (lambda x: [] if type(x) is cls and x == value else None) if cls in FIXED else False


def _nested(structure: Any, axes: Sequence[int]) -> list[Callable[[Any], Any]]:
    """Return what builds each result of its leaves: a tree along each of its axes."""
    make, count = trees.maker(structure), trees.count(structure)

    def along(n: int) -> Callable[[Any], Any]:
        if n < 2:
            return make if n else next
        inner = along(n - 1)
        return lambda parts: make(iter([inner(parts) for _ in range(count)]))

    return [along(n) for n in axes]
