"""The notebooks are stored without results, in one form; the build of the site runs them."""

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path, kind):
    found = json.loads(path.read_text())["cells"]
    return [("".join(c["source"]), c) for c in found if c["cell_type"] == kind]


def test_all_are_listed():
    listed = re.findall(r"^(\w+)$", (FOLDER / "index.md").read_text(), re.M)
    assert sorted(listed) == [p.stem for p in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_stored_without_results(path):
    code = cells(path, "code")
    assert all(c["outputs"] == [] and c["execution_count"] is None for _, c in code)
    for source, _ in code:
        ast.parse(source)
    assert cells(path, "markdown")[0][0].startswith("# ")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_figures_say_what_they_show(path):
    figures = [c for source, c in cells(path, "code") if "plt.show()" in source]
    assert figures
    assert all(len(c["metadata"]["mystnb"]["image"]["alt"]) > 30 for c in figures)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_numbers_are_checked(path):
    assert any("assert " in source for source, _ in cells(path, "code"))
