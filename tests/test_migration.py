"""Pages for who comes from other packages: their calls are Python, of names that exist."""

import ast
import importlib.util
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

PAGES = Path(__file__).parent.parent / "docs" / "migration"
PEERS = {  # of which the extra `test` installs the small ones: where their names are
    "autograd": ("autograd", "autograd.extend"),
    "numdifftools": ("numdifftools",),
    "sympy": ("sympy",),
}
ALIASES = {"nd": "numdifftools"}
VALUES = set("fgxyvwabzFn") | {"expr", "guess", "params", "tree"}  # what stands for the user's own
FORMS = ("{}", "x{}", "{}0", "{}\ndef f(): 0")  # a call, .method, option=, @decorator


def calls(page):
    """Return the codes in the first column of the first table."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    rows = re.search(r"^\|---.*\n((?:\|.*\n)+)", text, re.M)[1].splitlines()
    return [code for row in rows for code in re.findall("`(.*?)`", row.split(" | ")[0])]


def parsed(code):
    for form in FORMS:
        try:
            return ast.parse(form.format(code))
        except SyntaxError:
            pass
    return None


@pytest.mark.parametrize("page", [p.stem for p in PAGES.glob("*.md") if p.stem != "index"])
def test_calls_are_python(page):
    assert calls(page) and [code for code in calls(page) if parsed(code) is None] == []


def found(node, names):
    """Return what a name or an attribute of a module stands for; nothing for a value."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    of = found(node.value, names) if isinstance(node, ast.Attribute) else None
    if isinstance(of, ModuleType):
        return pkgutil.resolve_name(f"{of.__name__}.{node.attr}")
    return getattr(of, node.attr) if isinstance(of, type) else None


@pytest.mark.parametrize("page", [p for p in PEERS if importlib.util.find_spec(p)])
def test_names_are_there(page):
    names = {page: pkgutil.resolve_name(page)}
    for module in PEERS[page]:
        names |= vars(pkgutil.resolve_name(module))
    names |= {a: names[p] for a, p in ALIASES.items() if p in names}
    for code in filter(lambda code: re.match(r"@?\w+[\w.]*(\(|$)", code), calls(page)):
        for node in ast.walk(parsed(code)):
            if isinstance(node, ast.Name):
                assert node.id in names or node.id in VALUES, code
            elif isinstance(node, ast.Attribute):
                found(node, names)
