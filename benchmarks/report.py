"""Tables and plots of results.json: `python -m benchmarks.report` writes them into the page."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import statistics
from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS

Rows = list[dict[str, Any]]
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
FIGURES = PAGE.parent / "figures"
BEGIN, END = "<!-- benchmarks: begin -->\n", "<!-- benchmarks: end -->\n"
OURS = "taylor"
TITLES = {
    "W0": "Starting, milliseconds",
    "W1": "Taylor coefficients at one point",
    "W2": "Taylor coefficients of order 10 at many points",
    "W3": "Dense polynomials in several variables",
    "W4": "Value, gradient, H·v and Hessian",
}
PLOTS = {"W1": "series", "W2": "points", "W3": "polynomials", "W4": "derivatives"}


def label(task: Any) -> str:
    """Return the first cell of a row."""
    workload, function, sizes, what = task
    if workload == "W1":
        return f"{function} operations, order {sizes[0]}"
    if workload == "W2":
        return f"{function} operations, {sizes[0]} points"
    if workload == "W3":
        return f"{function}, n = {sizes[0]}, order {sizes[1]}"
    return f"{function} {', '.join(map(str, sizes))}: {what}"


def short(value: float) -> str:
    """Return a number with two digits, without an exponent."""
    if value < 0.01:
        return f"{value:.1g}"
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def table(rows: Rows, workload: str) -> str:
    """Return the table of a workload: this package's time, and the others' as multiples of it."""
    rows = [r for r in rows if r["task"][0] == workload]
    names = [n for n in PEERS if any(r["name"] == n for r in rows)]
    if workload == "W0":
        return starting(rows, names)
    times = {(r["name"], label(r["task"])): r["us"] for r in rows}
    names.remove(OURS)
    lines = [["", f"{OURS}, μs", *names]]
    for name in dict.fromkeys(label(r["task"]) for r in rows):
        unit = times[OURS, name]
        ratios = [times[p, name] / unit if (p, name) in times else None for p in names]
        lines.append([name, short(unit), *("" if r is None else short(r) for r in ratios)])
    mine = [[r for r in rows if r["name"] == p] for p in (OURS, *names)]
    errors = [max(r["error"] for r in one) for one in mine]
    lines.append(["*largest error*", *("nan" if e == math.inf else f"{e:.0e}" for e in errors)])
    compiles = [statistics.median(r["compile"] for r in one) for one in mine]
    lines.append(["*first result, median, s*", *(f"{c:.2g}" for c in compiles)])
    return markdown(lines)


def starting(rows: Rows, names: list[str]) -> str:
    """Return the table of W0, in milliseconds; a call in microseconds."""
    found = {(r["name"], r["task"][1]): r for r in rows}
    lines = [["", "import", "first result, cold", "first result, cached", "call of x + 1, μs"]]
    for name in names:
        first, call = found.get((name, "first result")), found.get((name, "x + 1"))
        lines.append(
            [
                name,
                short(found[name, "import"]["us"] / 1e3),
                short(first["us"] / 1e3) if first else "",
                short(first["again"] / 1e3) if first else "",
                short(call["us"]) if call else "",
            ]
        )
    return markdown(lines)


def markdown(lines: list[list[str]]) -> str:
    """Return a table of which the first line is the head."""
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, "|---" + "|--:" * (len(lines[0]) - 1) + "|", *body, ""])


def tables(rows: Rows) -> str:
    """Return the tables of all workloads that were run."""
    found = [w for w in TITLES if any(r["task"][0] == w for r in rows)]
    return "\n".join(f"### {TITLES[w]}\n\n{table(rows, w)}" for w in found)


def block(found: dict[str, Any]) -> str:
    """Return the generated part of the page."""
    parts = [f"Measured on {found['machine']}, with {found['versions']}.\n"]
    for w, title in TITLES.items():
        parts.append(f"### {title}\n")
        if w in PLOTS:
            parts.append(f"![{title}](figures/{PLOTS[w]}.svg)\n")
        parts.append(table(found["rows"], w))
    return "\n".join(parts)


def page(text: str, found: dict[str, Any]) -> str:
    """Return the text of the page with its generated part made anew."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + block(found) + "\n" + END + rest.split(END)[1]


def versions(names: list[str]) -> str:
    """Return the packages with their versions, NumPy first."""
    installs = dict.fromkeys(["numpy", *(PEERS[n].install for n in names if n[:6] != OURS)])
    return ", ".join(f"{p} {importlib.metadata.version(p)}" for p in installs)


def machine() -> str:
    """Return what the figures were measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.machine()}, {platform.system()}, Python " + ".".join(
        platform.python_version_tuple()[:2]
    )


# ------------------------------------------------------------------ plots
def plots(rows: Rows) -> dict[str, Any]:
    """Return the figures by the name of their file."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    figures = {}
    for name, draw in (
        ("series", _series),
        ("points", _points),
        ("polynomials", _polynomials),
        ("derivatives", _derivatives),
    ):
        figures[name] = draw([r for r in rows if PLOTS.get(r["task"][0]) == name], plt)
    return figures


def _style(name: str) -> dict[str, Any]:
    """Return how the lines of a package look: ours black, each other one the same everywhere."""
    if name.startswith(OURS):
        dashes = {OURS: "-", "taylor, 2 threads": "-.", "taylor, eager": "--"}
        return {"color": "black", "linestyle": dashes[name], "linewidth": 2, "zorder": 3}
    others = [n for n in PEERS if not n.startswith(OURS)]
    return {"color": f"C{others.index(name)}", "linewidth": 1.2, "marker": "o", "markersize": 3}


def _panels(rows: Rows, plt: Any, of: Any, x: Any, titles: dict[str, str], below: str) -> Any:
    """Return a figure with a panel for each value of `of`, time over x on logarithmic axes."""
    figure, axes = plt.subplots(1, len(titles), figsize=(9, 3.6), sharey=True, layout="tight")
    for (key, title), axis in zip(titles.items(), axes, strict=True):
        for name in PEERS:
            mine = sorted((x(r), r["us"]) for r in rows if r["name"] == name and of(r) == key)
            if mine:
                axis.plot(*zip(*mine, strict=True), label=name, **_style(name))
        axis.set(xscale="log", yscale="log", title=title, xlabel=below)
        ticks = sorted({x(r) for r in rows})
        axis.set_xticks(ticks, [str(t) for t in ticks])
        axis.minorticks_off()
    axes[0].set_ylabel("μs")
    handles = {h.get_label(): h for a in axes for h in a.get_lines()}
    figure.legend(
        handles.values(), handles.keys(), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False
    )
    return figure


def _series(rows: Rows, plt: Any) -> Any:
    titles = {n: f"{n} operations" for n in ("8", "16", "60")}
    return _panels(rows, plt, lambda r: r["task"][1], lambda r: r["task"][2][0], titles, "order")


def _derivatives(rows: Rows, plt: Any) -> Any:
    rows = [r for r in rows if r["task"][1] == "Helmholtz"]
    titles = {q: q for q in ("f", "gradient", "H·v", "Hessian")}
    below = "n (Helmholtz)"
    return _panels(rows, plt, lambda r: r["task"][3], lambda r: r["task"][2][0], titles, below)


def _bars(rows: Rows, plt: Any, groups: list[str], group: Any, height: Any, unit: str) -> Any:
    """Return a figure of bars, side by side for the packages, in groups."""
    names = [n for n in PEERS if any(r["name"] == n for r in rows)]
    figure, axis = plt.subplots(figsize=(9, 3.4), layout="tight")
    for i, name in enumerate(names):
        mine = [(groups.index(group(r)), height(r)) for r in rows if r["name"] == name]
        at = [j + 0.8 * (i / len(names) - 0.5) for j, _ in mine]
        look = {"color": _style(name)["color"], "hatch": "//" if name == "taylor, eager" else ""}
        look["alpha"] = 0.5 if name == "taylor, 2 threads" else 1.0
        axis.bar(
            at, [h for _, h in mine], 0.75 / len(names), 0, align="edge", label=name,
            edgecolor="white", linewidth=0.3, **look,
        )  # fmt: skip
    axis.set_xticks(range(len(groups)), groups)
    axis.set(yscale="log", ylabel=unit)
    axis.grid(axis="x", visible=False)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def _points(rows: Rows, plt: Any) -> Any:
    largest: dict[Any, Any] = {}
    for r in rows:
        key = r["name"], r["task"][1]
        if key not in largest or r["task"][2][0] > largest[key]["task"][2][0]:
            largest[key] = r
    groups = [f"{n} operations" for n in ("8", "16", "60")]

    def group(r: Any) -> str:
        return f"{r['task'][1]} operations"

    def height(r: Any) -> float:
        return float(r["us"] / r["task"][2][0] * 1e3)

    return _bars(list(largest.values()), plt, groups, group, height, "ns a point")


def _polynomials(rows: Rows, plt: Any) -> Any:
    def group(r: Any) -> str:
        _, function, (n, order), _ = r["task"]
        return f"{function}\nn = {n}\norder {order}"

    return _bars(rows, plt, list(dict.fromkeys(map(group, rows))), group, lambda r: r["us"], "μs")


def main() -> None:
    """Write the page and the plots, and print the tables."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    FIGURES.mkdir(exist_ok=True)
    for name, figure in plots(found["rows"]).items():
        figure.savefig(FIGURES / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
    print(tables(found["rows"]))


if __name__ == "__main__":
    main()
