"""Imports point downwards only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = [
    "errors", "text", "values", "rounding", "intervals", "binding", "conditions", "factorials",
    "tags", "store", "kept", "jit", "pairs", "blocks", "algebra", "local", "elementary",
    "memory", "linalg", "arrays", "reductions", "products", "functions", "statistics",
    "sequences", "tape", "rules", "program", "expand", "sweep", "wide", "branches", "llvm",
    "series", "univariate", "multivariate", "forward_mode", "kinks", "interpolation", "drivers",
    "several", "transform", "pattern", "sparse", "evolution", "checkpoint", "implicit",
    "compiled", "ode", "__init__", "effort", "expression", "tour", "__main__",
]  # fmt: skip


def imported(path, package):
    """Yield the modules of the package that a file imports, at any place in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == package:
                names = [parts[1]] if parts[1:] else [a.name for a in node.names]
                yield from (n if n in ORDER else "__init__" for n in names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == package:
                    yield parts[1] if parts[1:] else "__init__"


MODULES = sorted((ROOT / "taylor").rglob("*.py"))


def layer(path):
    """Return the layer of a module; a package inside taylor is one."""
    parts = path.relative_to(ROOT / "taylor").with_suffix("").parts
    return parts[0]


def inside(path):
    """Return the modules of the own package that a module of a package may import."""
    return [layer(path)] if path.parent.name != "taylor" else []


def test_every_module_has_its_layer():
    assert {layer(p) for p in MODULES} == set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: "/".join(p.parts[-2:]))
def test_imports_point_downwards(path):
    below = ORDER[: ORDER.index(layer(path))] + inside(path)
    assert [m for m in imported(path, "taylor") if m not in below] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: "/".join(p.parts[-2:]))
def test_taylor_never_imports_hyperdual(path):
    assert list(imported(path, "hyperdual")) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: "/".join(p.parts[-2:]))
def test_no_private_name_is_imported(path):
    tree = ast.walk(ast.parse(path.read_text()))
    names = (a.name for n in tree if isinstance(n, ast.ImportFrom) for a in n.names)
    assert [n for n in names if n.startswith("_")] == []


def test_the_check_can_fail(tmp_path):
    wrong = tmp_path / "values.py"
    wrong.write_text("from taylor.series import Series\n")
    assert list(imported(wrong, "taylor")) == ["series"]
    assert "series" not in ORDER[: ORDER.index("values")]
