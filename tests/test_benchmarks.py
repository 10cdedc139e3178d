"""The benchmarks check what they measure, and the page shows what they found."""

import importlib
import json
import math

import pytest

from benchmarks import ode_stiff, report
from benchmarks.peers import PEERS, compiled, eager
from benchmarks.workloads import Task, error, reference, tasks

SMALL = [
    Task("W0", "x + 1", (), ""),
    *(Task("W1", f, (12,), "") for f in ("8", "16", "60")),
    Task("W2", "16", (100, 10), ""),
    *(Task("W3", f, (3, 5), "") for f in ("x·y", "exp(sin(x))")),
    *(Task("W4", "Helmholtz", (5,), q) for q in ("f", "gradient", "H·v", "Hessian")),
    *(Task("W4", "Rosenbrock", (120,), q) for q in ("f", "gradient", "H·v", "Hessian")),
    *(Task("W4", "GMM", (2, 3, 10), q) for q in ("f", "gradient", "H·v")),
]


@pytest.mark.parametrize("task", SMALL, ids=lambda t: " ".join(map(str, t)))
def test_this_package_does_every_task(task):
    for module in (compiled, eager):
        prepared = module.prepare(task)
        if prepared is not None:
            call, read = prepared
            assert error(read(call()), reference(task)) < 1e-14
    assert compiled.prepare(task) is not None


def test_an_error_is_seen():
    task = Task("W1", "16", (12,), "")
    right = [[float(c) for c in reference(task)[0]]]
    assert error(right, reference(task)) < 1e-16
    for k in range(13):
        wrong = [[*right[0]]]
        wrong[0][k] *= 1 + 1e-3
        assert error(wrong, reference(task)) > 1e-8
    assert error([[math.nan] * 13], reference(task)) == math.inf
    with pytest.raises(ValueError):
        error([right[0][:5]], reference(task))


def test_every_workload_and_package_has_its_place():
    assert all(tasks(w) for w in report.TITLES)
    assert tasks("W9") == []
    for peer in PEERS.values():
        assert importlib.util.find_spec(f"benchmarks.peers.{peer.module}") is not None


def test_the_page_is_up_to_date():
    found = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    text = report.PAGE.read_text(encoding="utf-8")
    assert text == report.page(text, found), "run: python -m benchmarks.report"
    assert {row["name"] for row in found["rows"]} <= set(PEERS)


@pytest.mark.parametrize("name", ode_stiff.PROBLEMS)
def test_stiff_problems_end_where_the_literature_says(name):
    _, off, steps = ode_stiff.measured(name, "RadauIIA", 1e-11, enough=0.0)
    assert off < 1e-11 and steps < 1000
