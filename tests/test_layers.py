"""Imports point downwards only, folder by folder and file by file."""

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOUSE = {  # from the ground up; a module imports what stands before it
    "errors": [],
    "kept": [],
    "progress": [],
    "display": ["tables", "graph", "matrices", "plots"],
    "versions": [],
    "numbers": [
        "blas", "kinds", "data", "contexts", "ball_values", "balls", "formulas", "policy", "values",
        "rounding", "intervals", "factorials", "special_series", "quotient_series",
        "special_values",
    ],
    "llvm": [
        "text", "registers", "workspace", "ir", "function", "bounds", "polynomials", "kernels",
        "special", "vector", "store", "jit", "entry", "spread", "tiles", "proven", "enclosures",
    ],
    "core": [
        "advice", "choices", "held", "reads", "copies", "outside", "table", "tags", "tables",
        "products", "algebra", "graded", "structured", "powers", "functions", "binding",
        "conditions", "memory", "patterns", "singular", "slopes", "instructions", "einsum", "sides",
        "applied", "calls", "maps", "lookups", "parts", "places", "operand", "bilinear", "fillable",
        "removable", "simpler", "node", "tape", "totals", "rules", "shown", "program", "reals",
        "deciding", "scalars", "exponents", "repeat", "sweep", "loops", "dependence", "rolled",
    ],
    "linalg": [
        "degrees", "equations", "branches", "factors", "spectrum", "reflections", "__init__",
    ],
    "arrays": [
        "moves", "reductions", "products", "elementwise", "statistics", "sequences", "fourier",
        "questions",
    ],
    "machine": [
        "calls", "planar", "nests", "moves", "lookups", "contractions", "matrices", "emit", "joins",
        "triangles", "lapack", "transforms", "questions", "gathers", "stacks", "stencils", "plan",
        "regions", "degrees", "tables", "loops", "convolutions", "compose", "written", "monomials",
        "pairs", "short", "products", "windows", "substitution", "series", "afar", "machine",
        "batches", "engine", "partials",
    ],
    "series": [
        "text", "wide", "symbolic", "operands", "coefficients", "rows", "smooth", "rules", "series",
        "powers", "univariate", "multivariate",
    ],
    "drivers": [
        "columns", "labelled", "trees", "derivable", "often", "plans", "arguments", "results",
        "complexes", "taken", "overflown", "driver", "ties", "forward_mode", "reverse_mode",
        "kinks", "interpolation", "lines", "inside", "derivatives", "objective", "several",
        "transform", "pattern", "sparse", "evolution", "scan", "checkpoint", "implicit", "sided",
        "recorded", "sets", "symbolic", "forms", "typed", "patience", "tensors", "blocks",
        "entries", "methods", "compile", "again", "lanes",
    ],
    "operators": [
        "symbol", "apolar", "axes", "points", "operator", "drivers", "estimates", "__init__",
    ],
    "scipy": [
        "theirs", "given", "analytic", "formulas", "fast", "incomplete", "probability",
        "classical", "rows", "waves", "ufuncs", "special", "solved", "jumps", "integrands",
        "integrate", "averages", "descriptive", "hypotheses", "samples",
        "moments", "distributions",
        "discrete", "continuous", "uncommon", "counts", "vectors", "stats", "fft", "sylvester",
        "control",
        "patterns", "schur", "pivoted", "reflected", "linalg", "labels", "ndimage", "filters",
        "spectra", "systems", "designs", "responses", "pulses", "windows", "signal", "sparse",
        "piecewise", "splines", "polynomials", "grids", "fits", "interpolate",
        "spatial", "squares", "minima", "optimize", "__init__",
    ],
    "array_api": ["array", "functions", "fft", "linalg", "special", "__init__"],
    "numpy": ["creation", "functions", "fits", "__init__"],
    "ode": [
        "files", "control", "options", "roots", "dense", "units", "recalled", "translated",
        "system", "pieces",
        "surfaces", "zeros", "registers", "followed", "machine", "lanes", "stepper", "singular",
        "standing", "rests", "sliding", "record", "stiffness", "stops", "state", "integrator",
        "rates",
        "radau", "methods", "edges", "jets", "adjoints", "moved", "flow", "variation", "event",
        "doses", "events", "closures", "stepwise", "results",
        "complexes", "solve", "sensitivity", "regimens", "members", "crossings",
        "watched", "saved",
        "ensemble", "solver", "__init__",
    ],
    "verified": [
        "environment", "given", "rounding", "enclosing", "planes", "batches", "elementary",
        "values", "linear",
        "process", "interval", "symbols", "bounds", "scalars", "jets", "levels", "boxes", "effort",
        "compose", "model", "search", "roots", "quad",
        "compiled", "horner", "fields", "lohner", "tube", "points", "steps",
        "flows", "modelsteps", "solution", "ivp", "sections", "__init__",
    ],
    "elementary": [],
    "sparse": [],
    "__init__": [],
    "command": ["expression", "certified", "effort", "tour"],
    "__main__": [],
}  # fmt: skip
ORDER = [(folder, name) for folder, names in HOUSE.items() for name in (names or [""])]
MODULES = sorted((ROOT / "taylor").rglob("*.py"))
LATER = re.compile(r"import_module\(['\"](taylor\.[\w.]+)")


def place(path):
    """Return (folder, name) of a module; a module of the ground floor has no name in a folder."""
    parts = path.relative_to(ROOT / "taylor").with_suffix("").parts
    return (parts[0], parts[1] if parts[1:] else "")


def named(module):
    """Return where taylor.a.b stands; a package stands for its __init__."""
    _, *parts = module.split(".")
    folder = parts[0] if parts and parts[0] in HOUSE else "__init__"
    known = parts[1:] and parts[1] in HOUSE[folder]
    return (folder, parts[1] if known else "__init__" if "__init__" in HOUSE[folder] else "")


@functools.cache
def nodes(path):
    """Return the imports and the constants of a module."""
    kinds = ast.ImportFrom, ast.Import, ast.Constant
    return [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, kinds)]


def imported(path):
    """Yield the places of the modules of the package that a file imports, anywhere in it."""
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("taylor"):
            yield from (named(f"{node.module}.{a.name}") for a in node.names)
        elif isinstance(node, ast.Import):
            yield from (named(a.name) for a in node.names if a.name.split(".")[0] == "taylor")
    yield from map(named, LATER.findall(path.read_text()))


def wrong(found):
    """Return what is found in modules that should not be there, by module."""
    return {str(path): what for path in MODULES if (what := list(found(path)))}


def test_every_module_has_its_place():
    empty = {(folder, "__init__") for folder in HOUSE} - set(ORDER)  # say what a folder is for
    assert {place(p) for p in MODULES} - empty == set(ORDER)


def test_imports_point_downwards():
    def upwards(path):
        below = ORDER[: ORDER.index(place(path))] if place(path) in ORDER else []
        return (m for m in imported(path) if m not in below)

    assert wrong(upwards) == {}


def test_taylor_never_imports_hyperdual():
    froms = ((n for n in nodes(p) if isinstance(n, ast.ImportFrom)) for p in MODULES)
    assert not [n for each in froms for n in each if "hyperdual" in str(n.module)]


def test_no_private_name_is_imported():
    def private(path):
        names = (a.name for n in nodes(path) if isinstance(n, ast.ImportFrom) for a in n.names)
        return (n for n in names if n.startswith("_"))

    assert wrong(private) == {}


INSTRUCTIONS = (
    "input|constant|parameter|add|mul|div|linear|scale|gather|scatter|reshape|sum|cumsum|einsum|"
    "choose|elementary|integral|local|jump|call"
)
NAMED = re.compile(rf"\bop\b *(==|!=|in|not in) *\(?['\"]({INSTRUCTIONS})['\"]")


def test_an_instruction_is_told_by_its_class():
    assert wrong(lambda path: NAMED.findall(path.read_text())) == {}


LLVM = re.compile(
    r"%[A-Za-z]\w* = |getelementptr|(insert|extract)(element|value)|shufflevector|label %|@llvm\.|"
    r"\b([if]cmp|f(add|sub|mul|div|neg)|phi|load|store|ret|call|alloca) (double|i\d|ptr|void|[<{])|"
    r"\bbr i1|(define|declare) (internal )?\S+ @|<\d+ x "
)


def test_only_the_builder_writes_llvm():
    def text(path):
        strings = (n.value for n in nodes(path) if isinstance(n, ast.Constant))
        return (t for s in strings if isinstance(s, str) for t in LLVM.findall(s))

    builders = {str(ROOT / "taylor" / "llvm" / name) for name in ("ir.py", "text.py", "entry.py")}
    assert wrong(text).keys() == builders


def test_the_check_can_fail(tmp_path):
    wrong = tmp_path / "values.py"
    wrong.write_text("from taylor.series.series import Series\n")
    assert list(imported(wrong)) == [("series", "series")]
    assert LATER.findall('import_module("taylor.ode.pieces").later') == ["taylor.ode.pieces"]
    assert LLVM.search("  %sum = fadd double %x, %y") and LLVM.search("  br i1 %c, label %a")
    assert NAMED.search('if op == "linear" and more') and NAMED.search("i.op in ('add', 'mul')")
    assert ("series", "series") not in ORDER[: ORDER.index(("numbers", "values"))]
