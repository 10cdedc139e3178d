"""Write the pages of the reference, one for every public name: each build of the site does."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

import taylor
from docs.generate import arity, equation, value
from docs.imports import complete
from taylor.core.binding import SCIPY
from taylor.core.functions import __all__ as ELEMENTARY
from taylor.core.table import Elementary
from tests.special_cases import POINTS

# of `taylor`: file, title, what it is for, and groups of names
TAYLOR: dict[str, tuple[str, str, dict[str, str]]] = {
    "derivatives": (
        "Derivatives",
        "Functions that differentiate functions. Points are numbers, arrays or trees of them; "
        "units are those of f over those of x to the order.",
        {
            "Of one variable": "derivative derivatives taylor_coefficients",
            "Gradients and Jacobians": "gradient value_and_gradient jacobian jacfwd jacrev jvp vjp",
            "Second and higher": "hessian hvp third tensor directional partial",
            "Differential operators": "laplacian biharmonic divergence curl hessian_trace partials",
            "Sparse": "sparse_hessian sparse_jacobian jacobian_pattern "
            "SparseHessian SparseJacobian",
            "Equations and optimisers": "implicit_root fixed_point objective",
        },
    ),
    "series": (
        "Series",
        "Numbers that carry a series, and what is done with them.",
        {
            "Numbers": "Taylor TaylorN",
            "Operations": "inverse_map formal_sqrt",
        },
    ),
    "programs": (
        "Programs and code",
        "Functions as data: recorded, transformed, compiled, and run at many points.",
        {
            "Record and transform": "record Program forward reverse",
            "Machine code and many points": "compile lanes map",
            "Loops": "scan checkpoint",
            "Functions of your own": "define rule",
            "Data": "pack register from_sympy policy",
            "What is installed": "show_versions",
        },
    ),
}
# whose public names have a page each
MODULES = {
    "ode": ("taylor.ode", "Initial value problems"),
    "operators": ("taylor.operators", "Differential operators"),
    "verified": ("taylor.verified", "Validated numerics"),
    "linalg": ("taylor.linalg", "Linear algebra"),
    "hyperdual": ("hyperdual", "Hyper-dual numbers"),
}
# whose public names are another package's: described together
NAMESPACES = {
    f"scipy_{name}": (f"taylor.scipy.{name}", f"scipy.{name}")
    for name in (
        *taylor.scipy.MODULES[:-3],
        "spatial",
        "spatial.distance",
        *taylor.scipy.MODULES[-2:],
    )
} | {
    "array_api": ("taylor.array_api", "The array-API standard"),
    "array_api_linalg": ("taylor.array_api.linalg", "The array-API standard: linalg"),
    "array_api_fft": ("taylor.array_api.fft", "The array-API standard: fft"),
}


def public(module: str) -> list[str]:
    """Return the public names of a module."""
    own = pkgutil.resolve_name(module).__all__
    return sorted(set(own) - (set(taylor.errors.__all__) if module != "taylor" else set()))


def title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n\n"


def heading(text: str) -> str:
    return f"{text}\n{'-' * len(text)}\n\n"


def table(module: str, names: list[str]) -> str:
    """Return a table of names with a page for each."""
    rows = "".join(f"   {name}\n" for name in names)
    return (
        f".. currentmodule:: {module}\n\n"
        f".. autosummary::\n   :toctree: names\n   :nosignatures:\n\n{rows}\n"
    )


def described(module: str, names: list[str]) -> str:
    """Return what a module is for, and the descriptions of names, one after the other."""
    found = pkgutil.resolve_name(module)
    parts = [f".. currentmodule:: {module}\n\n"]
    if module != "taylor":
        parts.insert(0, f".. automodule:: {module}\n   :no-members:\n   :no-index:\n\n")
    for name in names:
        part = getattr(found, name)
        kind = (
            "class" if inspect.isclass(part) else "function" if inspect.isroutine(part) else "data"
        )
        if getattr(part, "__module__", "").split(".")[0] in ("taylor", "hyperdual"):
            options = "   :no-value:\n" if kind == "data" else ""
            scipys = module == "taylor.scipy.special" and name in taylor.scipy.special.UFUNCS
            given = arguments(name) if scipys else ""
            parts.append(f".. auto{kind}:: {module}.{name}{given}\n{options}\n")
            parts += [valued(name)] if scipys else []
        else:
            parts.append(f".. py:data:: {name}\n\n   As in NumPy.\n\n")
    return "".join(parts)


def arguments(name: str) -> str:
    """Return the arguments of a ufunc of SciPy by its own names, which ours does not list."""
    ufunc = getattr(special, name)
    found = re.search(r"^\s*\w+\((.*?), out=None\)$", ufunc.__doc__ or "", re.M)
    return f"({found[1]})" if found else ""


def valued(name: str) -> str:
    """Return a ufunc of SciPy at an ordinary point, which arguments are constants, SciPy's page."""
    point = POINTS[name][0]
    call = f"``special.{name}({', '.join(map(repr, point))})``"
    values = ", ".join(f"{y:.9g}" for y in np.atleast_1d(getattr(special, name)(*point)))
    fixed = getattr(SCIPY[name], "fixed", ())
    constant = f" No derivatives by {', '.join(fixed)}." if fixed else ""
    page = f"https://docs.scipy.org/doc/scipy/reference/generated/scipy.special.{name}.html"
    return f"   {call} is {values}.{constant} In SciPy: `{name} <{page}>`__.\n\n"


def example(name: str, found: Elementary) -> str:
    """Return what the derivatives of a row are at the plainest point of its samples."""
    samples = found.samples or (0.5,)
    at = min(samples, key=lambda x: (np.any(np.array(x) <= 0), len(repr(x)), np.abs(x).max()))
    if isinstance(at, tuple):
        numbers = ", ".join(map(repr, at))
        call = f"taylor.gradient(taylor.{name}, {numbers}, argnums={tuple(range(len(at)))})"
    else:
        call = f"taylor.derivatives(taylor.{name}, {at!r}, 3)"
    return f"   >>> {call}\n   {eval(call)!r}\n\n"


def row(name: str, found: Elementary) -> str:
    """Return the description of a row of the table."""
    head = f".. py:function:: {name}({', '.join('abc'[: arity(found)])})\n   :module: taylor\n\n"
    if found.name != name and found.name in ELEMENTARY:
        return f"{head}   `taylor.{found.name}` by its name in NumPy.\n\n"
    ufunc = f" NumPy's ``np.{found.ufunc.__name__}`` is the same row." if found.ufunc else ""
    law = equation(found)
    law = f"p·y' = q·a' with q, p = ``{law}``" if "," in law else law.capitalize()
    return (
        f"{head}   {law}. Domain: ``{found.domain}``.{ufunc} "
        f"Its value in machine code: {value(found).replace('`', '``')}.\n\n" + example(name, found)
    )


def elementary() -> str:
    """Return the page of the elementary functions."""
    rows = {name: getattr(taylor, name) for name in ELEMENTARY}
    text = title("Elementary functions") + (
        "Every row of the table works for every kind of number, in every mode, to any order; what "
        "the columns mean is said in :doc:`/functions`. A point outside the domain raises "
        "`DomainError`, `PoleError` or `NonAnalyticError`; in an array its lane becomes nan.\n\n"
        ">>> import taylor\n\n"
    )
    for name, found in rows.items():
        if isinstance(found, Elementary):
            text += row(name, found)
    made = [name for name, found in rows.items() if not isinstance(found, Elementary)]
    return text + heading("Made of these") + described("taylor", [*made, "where", "logsumexp"])


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page."""
    for file, (head, about, groups) in TAYLOR.items():
        parts = (heading(g) + table("taylor", names.split()) for g, names in groups.items())
        yield file, title(head) + f"{about}\n\n" + "".join(parts)
    yield "elementary", elementary()
    yield "errors", title("Errors") + table("taylor", sorted(taylor.errors.__all__))
    for file, (module, head) in MODULES.items():
        yield file, title(f"{module}: {head[0].lower()}{head[1:]}") + table(module, public(module))
    for file, (module, _) in NAMESPACES.items():
        yield file, title(module) + described(module, public(module))


def write(folder: Path) -> None:
    """Write the pages into a folder, but for those that have not changed."""
    folder.mkdir(exist_ok=True)
    for name, text in pages():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def escaped(text: str) -> str:
    """Escape in text what reStructuredText would take for its own."""
    parts = re.split(r"(``.*?``|`.*?`)", text)
    parts[::2] = [re.sub(r"([*|]|_(?=\W|$))", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def as_rst(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Import what the examples of a docstring use, and escape it, but for its code."""
    homes = ["taylor", *(module for module, _ in (*MODULES.values(), *NAMESPACES.values()))]
    homes.sort(key=lambda home: -len(home) * name.startswith(f"{home}."))  # its own first
    complete(lines, obj, homes)
    code = False
    for i, line in enumerate(lines):
        code = line.lstrip().startswith(">>>") or (code and bool(line.strip()))
        if not code and not line.startswith("   "):
            lines[i] = escaped(line)
