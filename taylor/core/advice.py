"""What to write instead: of names of other packages, and where others cannot use our values.

Python, NumPy and SciPy know nothing of derivatives: what they say about a value of the package
is made good by a note on their error, at the place where the differentiated function was called.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Collection
from importlib import import_module
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from taylor.errors import ShapeMismatch, TaylorError, TraceError
from taylor.numbers.data import held, labels_of
from taylor.numbers.kinds import Fillable, is_operand

CALL = r"\(\) (got an unexpected|got multiple|missing \d|takes \d|takes from)"
SIGNATURE = (
    "f is called with what follows it: gradient(f, x, y, k=...) calls f(x, y, k=...); argnums= and "
    "has_aux= are the driver's own"
)
PAGE = "docs/sharp_bits.md"
OURS = ("taylor", "hyperdual")

# what others call it, and what it is called here
NAMES = {
    "taylor": {
        "grad": "gradient", "value_and_grad": "value_and_gradient", "jac": "jacobian",
        "hess": "hessian", "diff": "derivative", "deriv": "derivative",
        "differentiate": "derivative", "elementwise_grad": "derivative", "egrad": "derivative",
        "holomorphic_grad": "derivative", "grad_and_value": "value_and_gradient",
        "multigrad_dict": "gradient", "hessian_vector_product": "hvp", "make_hvp": "hvp",
        "make_jvp": "jvp", "make_vjp": "vjp", "linearize": "jvp", "jacobian_vector_product": "jvp",
        "vector_jacobian_product": "vjp", "jet": "taylor_coefficients",
        "series": "taylor_coefficients", "jit": "compile", "njit": "compile", "vmap": "lanes",
        "pmap": "map", "remat": "checkpoint", "primitive": "rule", "custom_jvp": "rule",
        "custom_vjp": "rule", "custom_gradient": "rule", "stop_grad": "stop_gradient",
        "detach": "stop_gradient", "no_grad": "stop_gradient", "make_jaxpr": "record",
        "trace": "record", "ravel_pytree": "pack", "flatten": "pack", "variable": "Taylor.variable",
        "variables": "TaylorN.variables", "HyperDual": "hyperdual.HyperDual",
        "Dual": "Taylor.variable(x, order=1)", "odeint": "ode.solve_ivp",
        "solve_ivp": "ode.solve_ivp", "root": "implicit_root", "special": "scipy.special",
        "stats": "scipy.stats", "integrate": "scipy.integrate",
        "interpolate": "scipy.interpolate", "signal": "scipy.signal", "ndimage": "scipy.ndimage",
        "optimize": "scipy.optimize", "spatial": "scipy.spatial", "fft": "scipy.fft",
        "np": "numpy", "abs": "absolute", "pow": "power",
    },
    "taylor.ode": {"odeint": "solve_ivp", "ode": "TaylorIntegrator", "gradient":
        "value_and_gradient"},
    "taylor.verified": {"integrate": "quad", "odeint": "solve_ivp", "bounds": "range",
        "root": "roots", "fsolve": "roots", "newton": "roots", "iv": "Interval"},
    "taylor.operators": {"laplace": "laplacian", "div": "divergence", "rot": "curl"},
}  # fmt: skip

# what values of other packages have, and NumPy's arrays, and what to write instead
DRIVE = "derivatives come from drivers: taylor.gradient(f, x), taylor.derivative(f, x)"
PLAIN = "x.value is the plain value; taylor.stop_gradient(x) is a constant that stays in f"
MEMORY = "x.value is the plain array"
LABELS = (
    "a column beside values of taylor is an array: give f its parameters as a Series, or make one, "
    "pd.Series(x, index=df.index)"
)
ATTRIBUTES = {
    **dict.fromkeys(("grad", "backward", "requires_grad", "requires_grad_", "retain_grad"), DRIVE),
    **dict.fromkeys(("detach", "numpy", "cpu", "primal", "aval", "data"), PLAIN),
    **dict.fromkeys(
        ("tobytes", "tofile", "dump", "dumps", "strides", "nbytes", "itemsize", "base",
         "ctypes", "byteswap", "setflags", "getfield", "setfield", "to_device"), MEMORY),
    **dict.fromkeys(("order", "coef", "coefficient", "deriv", "compose"),
                    "series have, and a driver gives it: taylor.taylor_coefficients(f, x, order)"),
    "view": "x.astype(dtype) converts the numbers; the bits are those of x.value",
    "at": "an array can be written into: y = x.copy(); y[i] = z",
    "itemset": "write x[i] = z",
    "resize": "write np.resize(x, shape) or x.reshape(shape)",
    "__dlpack__": "other packages cannot carry derivatives; give them x.value",
    **dict.fromkeys(("append", "extend"), "write np.append(x, y), or np.stack of a list"),
    "unsqueeze": "write np.expand_dims(x, axis), or x[None]",
    "permute": "write np.transpose(x, axes)",
    "dim": "write x.ndim",
    "numel": "write x.size",
    "pow": "write x**n",
    "norm": "write np.linalg.norm(x)",
    "map": "f(x) works on all elements at once",
    "apply": "f(x) works on all elements at once",
    "sigmoid": "write taylor.sigmoid(x)",
    **dict.fromkeys(
        ("groupby", "rolling", "expanding", "ewm", "resample", "shift", "pct_change", "fillna",
         "dropna", "ffill", "bfill", "interpolate", "isna", "notna", "loc", "iloc", "iat", "agg",
         "assign", "corr", "cov", "merge", "head", "tail", "nlargest", "nsmallest", "rename",
         "reindex", "sort_values", "sort_index", "reset_index", "set_index", "to_frame",
         "to_numpy", "value_counts", "sel", "isel"), LABELS),
}  # fmt: skip

# NumPy's functions that have no derivative here, and what to do
WITHOUT = (
    "write it with functions that have one, give it one with @taylor.rule, or pass x.value where "
    "none is wanted"
)
SAVED = "a series can be pickled; else save x.value"
COUNTED = "what it gives is constant: pass x.value"
FUNCTIONS_INSTEAD = {
    "frexp": "np.frexp(x.value)[1] is the exponent e, a constant; np.ldexp(x, -e) the mantissa",
    **{f: f"write np.{f}_like(x, shape=...)" for f in ("zeros", "ones", "empty", "full")},
    "nextafter": "its slope is that of x: write x + np.spacing(x.value)",
    "intersect1d": "write x[np.isin(x, y)]",
    "setxor1d": "write np.setdiff1d, both ways",
    "sort_complex": "write np.sort",
    "array_equiv": "write np.array_equal",
    "polyval2d": "write np.polynomial.polynomial.polyval twice",
    "polyvalnd": "write np.polynomial.polynomial.polyval once for each variable",
    "polygrid2d": "write np.polynomial.polynomial.polyval twice",
    "polydiv": "write np.polymul and np.polyval",
    **dict.fromkeys(("unique_all", "unique_counts", "unique_inverse"),
                    "write np.unique(x); indices and counts are those of x.value"),
    **dict.fromkeys(("histogram2d", "histogramdd", "spacing", "einsum_path",
                     "shares_memory", "array2string"), COUNTED),
    **dict.fromkeys(("save", "savez", "savez_compressed", "savetxt"), SAVED),
}  # fmt: skip

# modules of others that work on plain numbers, and what to use instead
RULE = "give it its derivative with @taylor.rule(vjp=...)"
LIBRARIES = {
    "numpy.testing.": "compare the plain values, x.value",
    "numpy.polynomial.": "coefficients with one axis can be evaluated at them; for a fit write "
    "np.polyfit, or import taylor.numpy as np",
    "scipy.optimize.": "use taylor.scipy.optimize (values in args=) or taylor.implicit_root",
    "scipy.integrate._ivp": "use taylor.ode.solve_ivp",
    "scipy.integrate._odepack": "use taylor.ode.solve_ivp",
    "scipy.integrate.": "use taylor.scipy.integrate, with the values in args=",
    "scipy.linalg.": "use np.linalg or taylor.scipy.linalg",
    "scipy.stats.": "use taylor.scipy.stats",
    "scipy.special.": "use taylor.scipy.special",
    "scipy.interpolate.": "use taylor.scipy.interpolate, whose from_scipy(obj) makes the same of "
    "an object that is there",
    "scipy.signal.": "use taylor.scipy.signal or np.convolve",
    "scipy.sparse.": "use taylor.scipy.sparse",
    "scipy.fft.": "use np.fft or taylor.scipy.fft",
    "scipy.ndimage.": "use taylor.scipy.ndimage",
    "scipy.spatial.transform.": "use Rotation of taylor.scipy.spatial.transform",
    "scipy.spatial.": "use taylor.scipy.spatial.distance",
    "scipy.": RULE,
    "pandas.": "take the numbers out, df['a'].to_numpy(), and compute with NumPy's functions",
    "xarray.": "take the numbers out, array.data, and compute with NumPy's functions",
    "numba.": "use taylor.compile",
    "mpmath.": "use NumPy's or taylor's functions, which take mpmath's numbers too",
    "sympy.": "use NumPy's functions (sympy.lambdify makes them of an expression)",
    **dict.fromkeys(("torch.", "jax.", "tensorflow.", "autograd."), "use NumPy's functions"),
    **dict.fromkeys(("fractions.", "statistics.", "json.", "random."),
                    "use NumPy's functions, or x.value where no derivative is wanted"),
}  # fmt: skip

# what Python and NumPy say of a value they cannot use, and what it means
VALUES = r"'?\b(Taylor|TaylorN|HyperDual|Node|Condition)\b'?"
SAID = {
    r"setting an array element with a sequence": "an array of floats cannot hold values of taylor, "
    "which carry derivatives: make it with np.zeros_like(x), of a list with np.stack, or write "
    "import taylor.numpy as np; where SciPy makes it, take the function of taylor.scipy",
    r"from dtype\('O'\)|has no callable \w+ method": "NumPy makes an array of objects of a list "
    "with values of taylor; np.stack makes one of numbers, and so does every function of import "
    "taylor.numpy as np",
    r"np\.sum\(generator\)": "of values of taylor write sum(...), or np.sum(np.stack([...]))",
    r"'Varying'|\(Varying\)": "of a sparse matrix whose entries vary A.toarray() is the array",
    r"NPY_ITER_REFS_OK": "np.nditer works on plain arrays: iterate over x.flat, np.ndenumerate(x)",
    r"only integers, slices|indices must be integers|sequence of integers": "a value of taylor "
    "cannot be an index or a shape; int(x.value) can, a constant",
    r"unhashable type: " + VALUES: "values of taylor are compared by all their coefficients and "
    "cannot be keys or be cached; take x.value, a constant, as the key",
    r"bit operations|unary ~|unsupported operand type\(s\) for (<<|>>|&|\||\^).*" + VALUES:
    "bits have no derivatives; write np.where(condition, a, b)",
    VALUES + " object has no attribute": "it is an array, as what SciPy's optimisers hand on; "
    "if a column or a field is wanted, taylor.pack(p) gives them a vector of the table, dict or "
    "object p, and the function that makes p of it again",
    r"unsupported operand type.*'list'": "if that list is the point: it is one array if its "
    "elements are numbers of one shape; else f gets the list",
    r"must be numpy.ndarray, not " + VALUES: "of splu(A).solve(x) write "
    "taylor.scipy.sparse.spsolve(A, x)",
    "No numeric types to aggregate": "windows of pandas are plain numbers: write "
    "np.convolve, or np.lib.stride_tricks.sliding_window_view(x, n).mean(-1), with x.to_numpy()",
    "^Series cannot interpolate|does not implement interpolate": "write np.interp with "
    "x.to_numpy()",
    r"\(s\) for \S+: ('(object|taylor)' and '|'\w+' and '(object|taylor)')": "eval of pandas "
    "works on plain numbers: write the expression with the columns, df.a * df.b",
    "^Invalid value '<Column>": "a column of floats cannot hold values of taylor: make another, "
    "df.assign(w=df.w.where(mask, p)), or start with one that is differentiated",
    r"(?s)NotImplemented from __array_ufunc__.*'str'": "text is no number: write of x.value",
    VALUES + " object is not callable": "an element is x[0]",
    "^Unknown input type$": "np.rec.array works on plain numbers: a dict of arrays has names, too",
    "^<class 'object'>$": "tables are joined by plain numbers, not by a column that is "
    "differentiated",
    VALUES + " to Decimal": "decimal numbers have no derivatives; mpmath's have many digits and do",
    r"\bnot " + VALUES: "a value of taylor carries derivatives; write it with NumPy's functions, "
    "or take x.value where none is wanted",
}  # fmt: skip


MASKED = re.compile("__[ri]?(add|sub|mul)__")
NO_INDEX = f"values of taylor cannot be an index: np.rint(x).astype(int) is; int(x.value) ({PAGE})"
WANTED = {  # what would drop derivatives, and what was wanted
    "float()": "write math.sin(x) as np.sin(x), and fill arrays made by np.zeros_like(x), or "
    "import taylor.numpy as np (with dtype=float)",
    "complex()": "write cmath.exp(x) as np.exp(x), and complex(a, b) as a + 1j * b",
    "int()": "np.trunc(x) is the piecewise constant function, int(x.value) a constant; arrays of "
    "integers cannot be filled with it, those of dtype=float of import taylor.numpy as np can",
    "an index made": "int(x.value) is a constant that serves in range(), shapes and indices",
    "an array of numbers": "use NumPy's and taylor.scipy's functions, np.zeros_like(x) or import "
    "taylor.numpy as np for arrays to fill, mu + sigma * rng.normal() for random numbers",
    "a masked array": "write np.where(mask, 0.0, x), or np.sum(x, where=~mask) and the like",
    "a function of mpmath": "use NumPy's and taylor's functions, which take mpmath's numbers too",
    "an expression of sympy": "use NumPy's functions; sympy.lambdify makes them of an expression",
}


TABLES = {
    ("pandas.core.common", "apply_if_callable"): "table",
    ("pandas.core.dtypes.missing", "_isna"): "missing",
    ("pandas.core.dtypes.missing", "array_equals"): "equals",
    ("pandas.core.dtypes.missing", "array_equivalent"): "equals",
    ("pandas.core.algorithms", "isin"): "isin",
}


def asked_by(frame: FrameType | None) -> str:
    """Return "masked" or "sparse" if arrays of these kinds ask for an array of a value.

    "table" is pandas that asks for a column: it calls what can be called; "missing" asks which
    numbers are none, "isin" for what it would hash, "equals" for what it compares.

    m + x, m - x and m * x of a masked array m are right.  Of a sparse matrix it is a product, which
    SciPy leaves to the other operand if the array that this gives has no axes.
    """
    if frame is not None and str(frame.f_globals.get("__name__")).startswith("scipy.sparse."):
        return "sparse" if frame.f_code.co_name.endswith("_dispatch") else ""
    if frame is not None and str(frame.f_globals.get("__name__")).startswith("pandas."):
        return TABLES.get((frame.f_globals["__name__"], frame.f_code.co_name), "")
    name = ""
    while frame is not None and frame.f_globals.get("__name__") == "numpy.ma.core":
        name, frame = frame.f_code.co_name, frame.f_back
    return "masked" if name != "" and not MASKED.fullmatch(name) else ""


def check_polynomial(frame: FrameType, x: Any) -> None:
    """Raise TypeError where NumPy's chebval(x, c) and its like combine a row of c with a value.

    They give rows the axes of x, but only of an x that is an array of NumPy.
    """
    if not str(frame.f_globals.get("__name__")).startswith("numpy.polynomial."):
        return
    at: Any = frame.f_locals.get("x")
    if frame.f_locals.get("tensor") is True and is_operand(at) and at.ndim and x.ndim:
        name = frame.f_code.co_name
        raise TypeError(
            f"{name}(x, c) of a value of taylor does not see that c has several axes: write "
            f"{name}(x, c.reshape(c.shape + (1,) * np.ndim(x)), tensor=False)"
        )


def check_evaluated(x: Any) -> None:
    """Raise TypeError where a value that a driver made, an array in f, is called as a series."""
    if x.tag.level < 0 and not x.tag.closed:
        raise TypeError(
            "a value of taylor inside f is an array, and x(0) would evaluate its series: an "
            "element is x[0]; the first argument of a driver is a function, gradient(f, x), not "
            f"its value ({PAGE})"
        )


# ------------------------------------------------------------------ names
def no_name(module: str, name: str, known: Collection[str]) -> AttributeError:
    """Return the error for a name that a module does not have, with the one that was meant.

    >>> str(no_name("taylor", "grad", ["gradient"]))
    "module 'taylor' has no attribute 'grad'; did you mean taylor.gradient?"
    """
    text = f"module {module!r} has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(text)
    names = NAMES.get(module, {})
    meant = names.get(name) or (_special(name) if module == "taylor" else None)
    meant = meant or _close(name, {**names, **{n: n for n in known}})
    if meant is not None:
        full = meant if meant.startswith("hyperdual.") else f"{module}.{meant}"
        text += f"; did you mean {full}?"
    elif module == "taylor" and callable(getattr(np, name, None)):
        text += f"; write np.{name}, which takes values of taylor"
    return AttributeError(text)


def suggesting(module: str) -> Callable[[str], Any]:
    """Return what a module does about a name that it does not have."""

    def find(name: str) -> Any:
        raise no_name(module, name, [n for n in dir(sys.modules[module]) if n[0] != "_"])

    return find


def _special(name: str) -> str | None:
    try:
        special = import_module("scipy.special")
    except ImportError:
        return None  # nor has taylor.scipy any without it
    return f"scipy.special.{name}" if callable(getattr(special, name, None)) else None


def no_argument(name: str, known: Collection[str]) -> TypeError:
    """Return the error for a keyword that a function does not take, with the one that was meant.

    >>> str(no_argument("tevel", ["t_span", "t_eval"]))
    "got an unexpected keyword argument 'tevel'; did you mean t_eval?"
    """
    meant = _close(name, {n: n for n in known}, 0.6)
    asked = "" if meant is None else f"; did you mean {meant}?"
    return TypeError(f"got an unexpected keyword argument {name!r}{asked}")


def _close(name: str, known: dict[str, str], least: float = 0.75) -> str | None:
    import difflib

    found = [n for n in known if sorted(n) == sorted(name)]  # two letters are exchanged
    found = found or difflib.get_close_matches(name, known, 1, least)
    return known[found[0]] if found else None


def no_attribute(what: str, name: str) -> AttributeError:
    """Return the error for an attribute that a value does not have."""
    instead = ATTRIBUTES.get(name, "use NumPy's and this package's functions")
    return AttributeError(f"{what} has no {name!r}; {instead}")


def no_entry(name: str) -> IndexError:
    """Return the error for an index that is a name."""
    return IndexError(
        f"an array has no entry {name!r}: the point may be a dict or a table, which f then gets; "
        f"taylor.pack makes a vector of one, and one of a vector ({PAGE})"
    )


# ------------------------------------------------------------------ errors of others
def called(f: Callable[..., Any], *args: Any) -> Any:
    """Return f(*args); an error that others raise about a value gets a note: what to do."""
    try:
        return f(*args)
    except Exception as error:
        annotate(error, None if hasattr(error, "__notes__") else _note(error))
        raise


def annotate(error: Exception, note: str | None) -> None:
    """Add a note to an error that comes without one."""
    if note is not None and not hasattr(error, "__notes__"):
        error.add_note(f"{note} ({PAGE})")


def not_called(error: Exception) -> bool:
    """Whether a function was called with arguments it does not take."""
    return isinstance(error, TypeError) and re.search(CALL, str(error)) is not None


def _note(error: Exception) -> str | None:
    if isinstance(error, TaylorError) and not isinstance(error, (TraceError, ShapeMismatch)):
        return None
    text = str(error)
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][1:]
    if all(map(_is_ours, frames)) and not_called(error):
        return SIGNATURE
    inside = not frames or _is_ours(frames[-1])
    for frame in frames:
        library = next(filter(_module(frame).startswith, LIBRARIES), None)
        if library is None or _module(frame).startswith("scipy._lib."):  # decorators
            continue
        if f"of {library.rstrip('.')}" in text:
            continue
        if inside or any(map(_holds, frame.f_locals.values())):
            called_by_us = any(_module(f).startswith("taylor.scipy.") for f in frames)
            if called_by_us and library in ("scipy.optimize.", "scipy.integrate."):
                return (
                    f"taylor.{_function(frame, library)} calls its function at plain numbers: hand "
                    "the values of taylor that it closes over in by args=, as its parameters"
                )
            return (
                f"{_function(frame, library)} works on plain numbers and was given values of "
                f"taylor: {LIBRARIES[library]}"
            )
    return next((n for said, n in SAID.items() if not inside and re.search(said, text)), None)


def _is_ours(frame: FrameType) -> bool:
    return _module(frame).partition(".")[0] in OURS


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")) + "."


def _function(frame: FrameType, library: str) -> str:
    """Return the name by which users know a function of a library, or else the library's."""
    public = _module(frame).partition("._")[0].rstrip(".")
    name = frame.f_code.co_qualname.partition(".__")[0]
    known = hasattr(sys.modules.get(public), name.partition(".")[0])
    known = known and (library.startswith("scipy") or f"{public}." == library)
    return f"{public}.{name}" if known else library.rstrip(".")


def _holds(x: Any) -> bool:
    """Whether something is, holds, or is a function that uses, a value of the package."""
    if isinstance(x, (tuple, list)):
        return any(map(_holds, x))
    if isinstance(x, dict):
        return any(map(_holds, x.values()))
    if isinstance(x, np.ndarray) and x.dtype == object:
        return any(map(is_operand, x.flat))
    if isinstance(x, FunctionType):
        return any(is_operand(cell.cell_contents) for cell in x.__closure__ or ())
    if labels_of(type(x)):
        x = held(x)
    return is_operand(x) or (isinstance(x, Fillable) and x.filled)
