"""Functions of whole vectors by their kernels: no call of the C library for each lane.

Each is written once in a module, as a function from vectors to vectors of WIDEST lanes or fewer;
wider ones are taken apart.  Where a kernel holds for a part of the arguments only, the other lanes
go to the C library.  This is the table of the kernels, and the one place to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from taylor.llvm import kernels, special
from taylor.llvm.function import Function
from taylor.llvm.ir import WIDTH
from taylor.llvm.registers import Scalar, type_of

WIDEST = 2 * WIDTH


class Kernel(NamedTuple):
    """A kernel, and where it holds: everywhere, if that is not said."""

    formula: Callable[..., list[Scalar]]
    ordinary: Callable[..., Scalar] | None = None
    arguments: int = 1


def _near(x: Scalar) -> Scalar:
    return abs(x) <= 65536.0


def _positive(x: Scalar, y: Scalar) -> Scalar:
    greatest = float.fromhex("0x1.fffffffffffffp1023")
    return (x >= kernels.LEAST) & (x <= greatest) & (abs(y) <= greatest)


def _of_size(x: Scalar, y: Scalar) -> Scalar:
    x, y = abs(x), abs(y)
    return (x <= 1e140) & (y <= 1e140) & (x.function("maxnum", y) >= 1e-140)


def _in_range(y: Scalar, x: Scalar) -> Scalar:
    smaller = abs(y).function("minnum", abs(x))
    return _of_size(x, y) & ((smaller >= 1e-140) | smaller.equals(0.0))


# the functions that are computed together, by their names in the C library (but OWN)
KERNELS: dict[tuple[str, ...], Kernel] = {
    ("exp",): Kernel(kernels.exp),
    ("exp2",): Kernel(kernels.exp2),
    ("expm1",): Kernel(kernels.expm1),
    ("tanh", "sech2"): Kernel(kernels.tanh_sech2),
    ("sigmoid",): Kernel(kernels.sigmoid),
    ("sinh", "cosh"): Kernel(kernels.sinh_cosh),
    ("log",): Kernel(kernels.log),
    ("log1p",): Kernel(kernels.log1p),
    ("log2",): Kernel(kernels.log2),
    ("log10",): Kernel(kernels.log10),
    ("asinh",): Kernel(kernels.asinh),
    ("acosh",): Kernel(kernels.acosh),
    ("atanh",): Kernel(kernels.atanh),
    ("pow",): Kernel(kernels.power, _positive, 2),
    ("cbrt",): Kernel(kernels.cbrt),
    ("sin", "cos"): Kernel(kernels.sin_cos, _near),
    ("tan",): Kernel(kernels.tan, _near),
    ("atan",): Kernel(kernels.atan),
    ("atan2",): Kernel(kernels.atan2, _in_range, 2),
    ("asin", "acos"): Kernel(kernels.asin_acos),
    ("hypot",): Kernel(kernels.hypot, _of_size, 2),
    ("gauss",): Kernel(special.gauss),
    ("growing",): Kernel(special.growing),
    ("npdf",): Kernel(special.normal_density),
    ("erf", "erfc"): Kernel(special.erf_erfc),
    ("erfcx",): Kernel(special.erfcx),
    ("ndtr",): Kernel(special.ndtr),
    ("log_ndtr",): Kernel(special.log_ndtr),
    ("erfcx_slope",): Kernel(special.erfcx_slope),
    ("digamma",): Kernel(special.digamma),
    ("trigamma",): Kernel(special.trigamma),
}
# the C library does not know these
OWN = {
    "sech2", "sigmoid", "gauss", "growing", "npdf", "erfcx", "erfcx_slope", "ndtr", "log_ndtr",
    "digamma", "trigamma",
}  # fmt: skip
_GROUPS = {name: group for group in KERNELS for name in group}


def has_kernel(name: Any) -> bool:
    """Whether there is a kernel for the code of a function, which may be more than a name."""
    return isinstance(name, str) and name in _GROUPS


def call(f: Function, name: str, *xs: Scalar) -> Scalar:
    """Return a function of vectors: of all lanes at once where there is a kernel for it."""
    group, width = _GROUPS.get(name), max(x.width for x in xs)
    if group is None or (width == 1 and name not in OWN):
        return f.call(name, *xs)
    given = [f.splat(x, width) for x in xs]
    key = group, *(x.text for x in given)
    found: list[Scalar] = f.once(key, lambda: _run(f, group, given))
    return found[group.index(name)]


def _run(f: Function, group: tuple[str, ...], given: Sequence[Scalar]) -> list[Scalar]:
    """Return the results of a function of vectors, which is written if it is not there."""
    width = given[0].width
    full = f"{'.'.join(group)}.{width}"
    if full not in f.helpers:
        (_write if width <= WIDEST else _take_apart)(f, full, group, width)
    return f.run(full, given, [given[0].type] * len(group))


def _arguments(group: tuple[str, ...], width: int) -> dict[str, str]:
    return {f"%x{i}": type_of(width) for i in range(KERNELS[group].arguments)}


def _take_apart(f: Function, full: str, group: tuple[str, ...], width: int) -> None:
    """Write the function of a wide vector by that of its parts."""
    arguments = _arguments(group, width)
    with f.function(full, arguments) as g:
        whole = [Scalar(g, x, width) for x in arguments]
        parts = []
        for start in range(0, width, WIDEST):
            lanes = range(start, start + WIDEST)
            parts.append(_run(g, group, [g.shuffle(lanes, x, x) for x in whole]))
        g.results = [_joined(g, result) for result in zip(*parts, strict=True)]


def _joined(g: Function, parts: Sequence[Scalar]) -> Scalar:
    """Return vectors, a power of two of them, one after the other."""
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [g.shuffle(range(2 * a.width), a, b) for a, b in pairs]
    return parts[0]


def _write(f: Function, full: str, group: tuple[str, ...], width: int) -> None:
    """Write the function of a vector."""
    kernel, arguments = KERNELS[group], _arguments(group, width)
    with f.function(full, arguments) as g:
        given = [Scalar(g, x, width) for x in arguments]
        g.results = kernel.formula(*given)
        if kernel.ordinary is not None:
            g.results = _with_library(g, group, given, kernel.ordinary(*given))


def _with_library(
    g: Function, group: tuple[str, ...], given: Sequence[Scalar], ordinary: Scalar
) -> list[Scalar]:
    """Return the results with those of the C library in the lanes that are not ordinary."""
    held = [ordinary.where(0.0, 1.0), *given, *g.results]
    places = [g.local(ordinary.width) for _ in held]
    first = 1 + len(given)
    with g.when(~g.every(ordinary)) as branch:
        for x, place in zip(held, places, strict=True):
            g.store(x, place)
        with g.loop(0, ordinary.width) as loop:
            flag, *lanes = (g.address(place, [(loop.index, 1)], 0) for place in places)
            with g.when(g.load(flag).compared("one", 0.0)):
                xs = [g.load(lane) for lane in lanes[: first - 1]]
                for name, lane in zip(group, lanes[first - 1 :], strict=True):
                    g.store(g.call(name, *xs), lane)
        new = [g.load(place, ordinary.width) for place in places[first:]]
    return [branch.merged(y, old) for y, old in zip(new, g.results, strict=True)]
