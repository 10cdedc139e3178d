"""The site: every public name is in the reference; what is wrong with a page is found."""

import re
from pathlib import Path

import pytest

import taylor
from docs import check, reference

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def pages():
    return dict(reference.pages())


def test_every_public_name_is_in_the_reference(pages):
    groups = [names for _, _, groups in reference.TAYLOR.values() for names in groups.values()]
    rows = re.findall(r"function:: (?:taylor\.)?(\w+)", pages["elementary"])
    named = {*" ".join(groups).split(), *rows, *taylor.errors.__all__, "linalg", "ode"}
    assert sorted(named ^ set(taylor.__all__)) == [], "give them a group in docs/reference.py"


@pytest.mark.parametrize("file", [*reference.MODULES, *reference.NAMESPACES])
def test_modules_have_all_their_names(file, pages):
    module = (reference.MODULES | reference.NAMESPACES)[file][0]
    missing = [n for n in reference.public(module) if not re.search(rf"\b{n}\b", pages[file])]
    assert reference.public(module) and missing == []


def test_every_page_is_listed(pages):
    listed = (DOCS / "reference" / "index.md").read_text(encoding="utf-8").split()
    assert [name for name in pages if name not in listed] == []


def test_docstrings_are_taken_as_they_are():
    lines = ["|x|² of *args and `a * b`, x_ too", "", ">>> f(*args)", "|x|", ""]
    reference.as_rst(None, "function", "f", None, None, lines)
    assert lines == [r"\|x\|² of \*args and `a * b`, x\_ too", "", ">>> f(*args)", "|x|", ""]


def test_faults_are_found(tmp_path):
    (tmp_path / "whole.html").write_text('<p id="here"></p><a href="#here">a</a>')
    (tmp_path / "broken.html").write_text(
        '<a href="whole.html#there">a</a><a href="gone.html">b</a><img src="gone.png">'
        '<a href="https://example.org">c</a><a href="whole.html#here">d</a>'
    )
    assert check.faults(tmp_path) == [
        "broken.html: whole.html#there has no such anchor",
        "broken.html: gone.html leads nowhere",
        "broken.html: the figure gone.png is missing",
        "broken.html: the figure gone.png has no alt text",
    ]
