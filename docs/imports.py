"""An example of the reference imports what it uses, so that it runs when it is copied."""

from __future__ import annotations

import ast
import doctest
import pkgutil
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any


def free(code: str) -> set[str]:
    """Return the names that code reads and does not make.

    >>> sorted(free("import taylor\\ny = taylor.sin(x) + sum(n for n in z)"))
    ['sum', 'x', 'z']
    """
    made, read = set(), set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            made.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            made |= {(a.asname or a.name).partition(".")[0] for a in node.names}
    return read - made


def imports(code: str, module: ModuleType, homes: Iterable[str]) -> list[str]:
    """Return the lines that import what code uses of a module, by the first home that has it.

    >>> import taylor.ode.solve as module
    >>> imports("solve_ivp(lambda t, y: np.sin(y), (0, 1), [1.0])", module, ["taylor.ode"])
    ['import numpy as np', 'from taylor.ode import solve_ivp']
    """
    whole, parts = [], dict[str, list[str]]()
    for name in sorted(free(code)):
        if name not in vars(module):
            continue
        value = vars(module)[name]
        if isinstance(value, ModuleType):
            whole.append(value.__name__ + (f" as {name}" if name != value.__name__ else ""))
            continue
        found = (home for home in homes if _has(pkgutil.resolve_name(home), name, value))
        home = next(found, getattr(value, "__module__", module.__name__))
        parts.setdefault(home, []).append(name)
    lines = [f"import {', '.join(whole)}"] if whole else []
    return lines + [f"from {home} import {', '.join(names)}" for home, names in parts.items()]


def _has(home: ModuleType, name: str, value: Any) -> bool:
    return name in getattr(home, "__all__", vars(home)) and getattr(home, name) is value


def complete(lines: list[str], owner: Any, homes: Iterable[str]) -> None:
    """Put the imports before the first example of a docstring, which is that of `owner`."""
    owner = getattr(owner, "fget", None) or owner
    name = getattr(owner, "__module__", None) or getattr(owner, "__name__", "")
    module = sys.modules.get(name)
    code = "".join(e.source for e in doctest.DocTestParser().get_examples("\n".join(lines)))
    if module is None or not code:
        return
    first = next(i for i, line in enumerate(lines) if line.lstrip().startswith(">>>"))
    margin = lines[first][: -len(lines[first].lstrip())]
    lines[first:first] = [f"{margin}>>> {line}" for line in imports(code, module, homes)]
