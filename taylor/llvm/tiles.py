"""Many points through the code of one tile of them: rows of numbers in, rows of numbers out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from taylor.llvm.function import Function


def tiled(f: Function, inputs: Sequence[int], outputs: Sequence[int], flag: int) -> None:
    """Add the function `tiles`, which runs `f` over tiles of `unit` points of a batch.

    Row r of the points, x[r·n + i], is number inputs[r] in the memory of `f`, and number outputs[r]
    becomes row r of out.  The last tile is moved back so that it is whole.  Flags are added up.
    """
    unit = f.unit
    arguments = dict.fromkeys(("%data", "%x", "%out", "%flags"), "ptr")
    arguments |= dict.fromkeys(("%n", "%first", "%stop"), "i64")
    with (
        f.function("tiles", arguments, visible=True) as g,
        g.loop("%first", "%stop", maybe=True) as tile,
    ):
        point = g.least(g.whole("mul", tile.index, unit), g.whole("sub", "%n", unit))
        for start, stop in _runs(inputs):
            with g.loop(0, stop - start) as row:
                there = g.whole("mul", g.whole("add", row.index, start), "%n")
                x = g.load(g.address("%x", [(there, 1), (point, 1)], 0), unit)
                g.store(x, g.address("%data", [(row.index, unit)], inputs[start] * unit))
        g.run("f", ["%data"], [])
        for start, stop in _runs(outputs):
            with g.loop(0, stop - start) as row:
                there = g.whole("mul", g.whole("add", row.index, start), "%n")
                y = g.load(g.address("%data", [(row.index, unit)], outputs[start] * unit), unit)
                g.store(y, g.address("%out", [(there, 1), (point, 1)], 0))
        for k in (0, 1):
            total = g.address("%flags", [], k * unit)
            new = g.load(g.address("%data", [], (flag + k) * unit), unit)
            g.store(g.binary("fadd", new, g.load(total, unit)), total)


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the beginnings and ends of what lies one after the other."""
    start = 0
    for stop in range(1, len(places) + 1):
        if stop == len(places) or places[stop] != places[stop - 1] + 1:
            yield start, stop
            start = stop
