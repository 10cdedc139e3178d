"""The house stays readable: lines of folders against their budgets, of files, of functions.

`python tests/test_sizes.py` prints the table.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {  # lines that a folder may have
    "display": 322,
    "numbers": 3874,
    "llvm": 4253,
    "core": 14348,
    "linalg": 1802,
    "arrays": 2474,
    "machine": 8114,
    "series": 3158,
    "drivers": 9983,
    "scipy": 13586,
    "ode": 14167,
    "command": 495,
    ".": 849,
    "hyperdual": 204,
    "array_api": 654,
    "numpy": 393,
    "operators": 1687,
    "verified": 6841,
}
FILE, FUNCTION = 600, 45
TABLES = {"core/functions.py"}
MODULES = sorted(p for name in ("taylor", "hyperdual") for p in (ROOT / name).rglob("*.py"))


def name(path):
    return str(path.relative_to(ROOT)).removeprefix("taylor/")


def lines(path):
    return len(path.read_text().splitlines())


def folder(path):
    *folders, _ = name(path).split("/")
    return folders[0] if folders else "."


def body(f):
    """Return the number of lines of a function without its signature and docstring."""
    first = f.body[min(ast.get_docstring(f) is not None, len(f.body) - 1)]
    return f.end_lineno - first.lineno + 1


def sizes():
    """Return the number of lines of each folder."""
    found = dict.fromkeys(FOLDERS, 0)
    for path in MODULES:
        found[folder(path)] += lines(path)
    return found


@pytest.mark.parametrize("part", FOLDERS)
def test_folders_keep_to_their_budget(part):
    assert sizes()[part] <= FOLDERS[part]


def test_files_can_be_read_in_one_sitting():
    assert [name(p) for p in MODULES if lines(p) > FILE and name(p) not in TABLES] == []


def test_functions_fit_on_a_screen():
    long = [
        f"{name(path)}:{f.lineno} {f.name}"
        for path in MODULES
        for f in ast.walk(ast.parse(path.read_text()))
        if isinstance(f, ast.FunctionDef) and body(f) > FUNCTION
    ]
    assert long == []


if __name__ == "__main__":
    for part, count in sizes().items():
        print(f"{part:10} {count:6} of {FOLDERS[part]:6}")
        for path in MODULES:
            if folder(path) == part:
                print(f"  {name(path):34} {lines(path):5}")
    print(f"{'all':10} {sum(sizes().values()):6} of {sum(FOLDERS.values()):6}")
