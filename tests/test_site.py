"""The site: every public name is in the reference; what is wrong with a page is found."""

import builtins
import doctest
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import taylor
from docs import check, facts, formulas, imports, reference
from taylor.core.table import Elementary

DOCS = Path(__file__).parent.parent / "docs"
PAGES = reference.MODULES | reference.NAMESPACES


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


@pytest.mark.parametrize("module", ["taylor", *(m for m, _ in PAGES.values())])
def test_examples_import_what_they_use(module):
    found = pkgutil.resolve_name(module)
    public = taylor.__all__ if module == "taylor" else reference.public(module)
    for name in public:
        thing = getattr(found, name)
        members = vars(thing).items() if inspect.isclass(thing) else ()
        for path, part in [(name, thing), *((f"{name}.{n}", p) for n, p in members if n[0] != "_")]:
            lines = (inspect.getdoc(part) or "").splitlines()
            reference.as_rst(None, "", f"{module}.{path}", part, None, lines)
            code = "".join(e.source for e in doctest.DocTestParser().get_examples("\n".join(lines)))
            assert imports.free(code) <= {*dir(builtins)}, path


def test_every_row_has_an_example(pages):
    count = sum(isinstance(getattr(taylor, name), Elementary) for name in reference.ELEMENTARY)
    aliases = pages["elementary"].count("by its name in NumPy")
    assert pages["elementary"].count("   >>> taylor.") == count - aliases
    assert pages["scipy_special"].count("   ``special.") == len(taylor.scipy.special.UFUNCS)


@pytest.mark.parametrize("module", [check, facts, formulas, imports])
def test_the_code_of_the_site_does_what_it_says(module):
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


def test_faint_texts_are_found(tmp_path):
    """Greys on white: the contrast of #767676 is 4.54 and that of #777777 is 4.48."""
    named = "".join(f"--pst-color-{name}:#767676;" for name in check.TEXTS)
    grounds = "".join(f"--pst-color-{name}:#fff;" for name in check.GROUNDS)
    theme = "".join(f"html[data-theme={m}]{{{named}{grounds}}}" for m in ("light", "dark"))
    styles = {"styles/pydata-sphinx-theme.css": theme, "site.css": ""}
    styles["pygments.css"] = 'html[data-theme="dark"] .highlight .k { color: #777777 }'
    for name, text in styles.items():
        path = tmp_path / "_static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert check.faint(tmp_path) == ["dark code .k: #777777 on #fff has contrast 4.5"]


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
