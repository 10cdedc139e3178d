"""Drivers at complex points of functions that are not holomorphic: by real and imaginary parts.

Of a real u(z), z = x + iy, the gradient is g = ∂u/∂x - i ∂u/∂y, so that du = Re(Σ g·dz): that of a
holomorphic function where there is one (Re f has f'), and the convention of reverse mode
(`core/parts`).  For steepest descent go along -conj(g).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    if not form.parts:
        raise error
    rest = {**named}
    args, own = form.bound(given, rest)
    args, vary, one = varying(form, f, args, options[1])
    taken = [trees.flatten(args[i]) for i in vary]
    leaves = [leaf for found, _ in taken for leaf in found]
    split = [is_complex(leaf) for leaf in leaves]
    if not any(split):
        raise error

    def whole(cells: Iterator[Any]) -> list[Any]:
        parts = iter([next(cells) + 1j * next(cells) if s else next(cells) for s in split])
        return [trees.build(structure, parts) for _, structure in taken]

    def g(*cells: Any) -> Any:
        inside = list(args)
        for i, x in zip(vary, whole(iter(cells)), strict=True):
            inside[i] = x
        return f(*inside, **rest)

    def cells(leaves: Sequence[Any]) -> tuple[Any, ...]:
        parts = (("real", "imag") if s else ("",) for s in split)
        return tuple(
            part(name, x) if name else x
            for x, names in zip(leaves, parts, strict=True)
            for name in names
        )

    def joined(found: Any) -> Any:
        if type(found) is not tuple or (form.seed is None and any(map(is_complex, found))):
            raise error
        parts = iter(found)
        slopes = iter([_slope(next(parts), next(parts)) if s else next(parts) for s in split])
        each = [trees.build(structure, slopes) for _, structure in taken]
        return each[0] if one else tuple(each)

    tangents = []
    for p, value in zip(form.own, own, strict=True):
        if p.name in form.along:
            like = [(value,)] if one else [(v,) for v in value]
            pairs = zip(taken, like, strict=True)
            value = cells([x for (_, s), (v,) in pairs for x in trees.like(s, v, p.name)])
        tangents.append(value)
    point = cells(leaves)
    where = (point, *tangents) if form.own else point
    found = run(g, *where, argnums=tuple(range(len(point))), has_aux=options[2])
    if len(form.axes) == 1:
        return (joined(found[0]), found[1]) if options[2] else joined(found)
    answers = [joined(y) if n else y for y, n in zip(found, form.axes, strict=False)]
    return (*answers, *found[len(answers) :])


def _slope(by_real: Any, by_imaginary: Any) -> Any:
    """Return what stands for Re(slope·dz)."""
    real, imaginary = (part("real", x) if is_complex(x) else x for x in (by_real, by_imaginary))
    return np.subtract(real, 1j * imaginary)[()]
