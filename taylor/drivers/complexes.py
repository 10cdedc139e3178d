"""Drivers at complex points of functions that are not holomorphic: by real and imaginary parts.

Of a real u(z), z = x + iy, the gradient is g = ∂u/∂x - i ∂u/∂y, so that du = Re(Σ g·dz): that of a
holomorphic function where there is one (Re f has f'), and the convention of reverse mode
(`core/parts`).  For steepest descent go along -conj(g).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core.parts import part
from taylor.drivers import trees
from taylor.drivers.arguments import Form, varying
from taylor.drivers.results import Options
from taylor.errors import NotHolomorphic
from taylor.numbers.values import is_complex

Function = Callable[..., Any]


def by_parts(
    form: Form, run: Function, f: Function, given: Sequence[Any], named: dict[str, Any],
    options: Options, error: NotHolomorphic,
) -> Any:  # fmt: skip
    """Return a driver's answer from that by the parts of all complex leaves, which are real.

    What has none, such as the gradient of a complex result, raises the error.
    """
    rest = {**named}
    args, own = form.bound(given, rest)
    args, vary, one = varying(form, f, args, options[1])
    point = Planes([args[i] for i in vary])
    if not form.parts or not any(point.split):
        raise error

    def g(*cells: Any) -> Any:
        inside = list(args)
        for i, x in zip(vary, point.whole(cells), strict=True):
            inside[i] = x
        return f(*inside, **rest)

    def joined(found: Any) -> Any:
        if type(found) is not tuple or (form.seed is None and any(map(is_complex, found))):
            raise error
        each = point.whole(found, _slope)
        return each[0] if one else tuple(each)

    tangents = [
        point.like([v] if one else v, p.name) if p.name in form.along else v
        for p, v in zip(form.own, own, strict=True)
    ]
    cells = point.cells(point.leaves)
    where = (cells, *tangents) if form.own else cells
    found = run(g, *where, argnums=tuple(range(len(cells))), has_aux=options[2])
    if len(form.axes) == 1:
        return (joined(found[0]), found[1]) if options[2] else joined(found)
    answers = [joined(y) if n else y for y, n in zip(found, form.axes, strict=False)]
    return (*answers, *found[len(answers) :])


class Planes:
    """Trees as cells: two parts for each complex leaf, and the other leaves."""

    def __init__(self, args: Sequence[Any]) -> None:
        taken = [trees.flatten(x) for x in args]
        self.structures = [structure for _, structure in taken]
        self.leaves = [leaf for leaves, _ in taken for leaf in leaves]
        self.split = [is_complex(leaf) for leaf in self.leaves]

    def cells(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """Return the cells of such leaves."""
        found: list[Any] = []
        for x, s in zip(leaves, self.split, strict=True):
            found += [part("real", x), part("imag", x)] if s else [x]
        return tuple(found)

    def like(self, args: Sequence[Any], name: str) -> tuple[Any, ...]:
        """Return the cells of trees that must be like these."""
        pairs = zip(self.structures, args, strict=True)
        return self.cells([x for structure, v in pairs for x in trees.like(structure, v, name)])

    def whole(self, cells: Sequence[Any], join: Function | None = None) -> list[Any]:
        """Return the trees of cells, pairs of which are joined (None: x + iy)."""
        rest = iter(cells)
        join = join or (lambda x, y: x + 1j * y)
        leaves = iter([join(next(rest), next(rest)) if s else next(rest) for s in self.split])
        return [trees.build(structure, leaves) for structure in self.structures]


def _slope(by_real: Any, by_imaginary: Any) -> Any:
    """Return what stands for Re(slope·dz)."""
    real, imaginary = (part("real", x) if is_complex(x) else x for x in (by_real, by_imaginary))
    return np.subtract(real, 1j * imaginary)[()]
