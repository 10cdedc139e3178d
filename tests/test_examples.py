"""The examples: the build of the site runs all but one, and checks what they print and compute."""

import runpy
from pathlib import Path

import pytest

from docs.computed import CHECKS
from docs.facts import EXAMPLES

PATHS = {path.stem: path for path in (Path(__file__).parent.parent / "examples").glob("*.py")}


def test_every_example_is_listed_with_what_it_prints():
    assert set(EXAMPLES) == set(PATHS)
    assert all(facts.printed for facts in EXAMPLES.values())
    integrated = {name for name in PATHS if name.startswith("ode_")}
    assert set(CHECKS) == integrated - {"ode_ensemble_dask"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_figures_say_what_they_show(name):
    draws = "savefig" in PATHS[name].read_text(encoding="utf-8")
    assert (len(EXAMPLES[name].figure) > 60) == draws


def test_ensemble_on_a_cluster(capsys):
    """Not in the site, whose examples run in processes that have no children."""
    runpy.run_path(str(PATHS["ode_ensemble_dask"]), run_name="__main__")
    assert EXAMPLES["ode_ensemble_dask"].missing(capsys.readouterr().out) == []
