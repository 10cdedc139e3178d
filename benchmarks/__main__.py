"""Runs this package and its installed peers on the same work; prints ratios, writes the page.

python -m benchmarks                            everything; writes docs/performance.md and its plots
python -m benchmarks W1 W3 --peers heyoka,dace  some of it, printed only
python -m benchmarks verified                   bounds, roots, integrals, ODEs with proofs; alkahest
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from benchmarks import report, verified, verified_ode
from benchmarks.peers import PEERS, missing, run
from benchmarks.workloads import error, reference, tasks

TOLERANCE = 1e-6  # of what counts as the same result; the errors themselves are in the tables


def measure(workloads: list[str], names: list[str], limit: float) -> list[dict[str, Any]]:
    """Return one row of figures for each task and package."""
    rows = []
    for workload in workloads:
        work = tasks(workload)
        for name in names:
            done = list(run(name, work, limit))
            print(f"{workload} {name}: {sum(bool(r) for _, r in done)} tasks", flush=True)
            if len(done) < len(work):
                print(f"  {len(work) - len(done)} not done within {limit:.0f} s")
            for task, result in done:
                values = result.pop("values", None)
                if values is not None:
                    result["error"] = error(values, reference(task))
                    if result["error"] > TOLERANCE:
                        print(f"  {' '.join(map(str, task))}: error {result['error']:.0e}")
                if result:
                    rows.append({"name": name, "task": task, **result})
    return rows


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="W0..W4", help="default: all; or verified")
    parser.add_argument("--peers", help="names with commas between; default: all installed ones")
    parser.add_argument("--limit", type=float, default=50, help="seconds a package has for each")
    given = parser.parse_args()
    if given.workloads == ["verified"]:
        verified.main()
        verified_ode.main()
        return
    ours = [name for name in PEERS if name.startswith("taylor")]
    chosen = given.peers.split(",") if given.peers else list(PEERS)[len(ours) :]
    unknown = [n for n in chosen if n not in PEERS] + [w for w in given.workloads if not tasks(w)]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    lines = [missing(name) for name in chosen]
    print(*filter(None, lines), sep="\n")
    names = ours + [name for name, line in zip(chosen, lines, strict=True) if line is None]
    rows = measure(given.workloads or list(report.TITLES), names, given.limit)
    if given.workloads or given.peers:
        print(report.tables(rows))
        return
    found = {"versions": report.versions(names), "machine": report.machine(), "rows": rows}
    report.RESULTS.write_text(json.dumps(found, indent=0, ensure_ascii=False), encoding="utf-8")
    report.main()


if __name__ == "__main__":
    main()
