"""NumPy's own index, and how each of its functions is called once.

A new name in one of NumPy's `__all__` fails the tests until it has a sample here, a case in
tests/numpy_cases.py, or a place among those that take no values.
"""

from __future__ import annotations

import functools
import io
import re
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.polynomial as npp

import taylor
from taylor.core.advice import PAGE
from tests.numpy_cases import CASES

Sample = tuple[Callable[[Any], Any], Any]  # a function of one array, and the array
RNG = np.random.default_rng(7)
P4 = np.array([0.7, 1.3, 0.4, 2.1])
P23 = np.array([[0.7, 1.3, 0.4], [2.1, 1.7, 0.9]])
S22 = np.array([[2.0, 0.3], [0.5, 1.5]])
MODULES = {
    "np": np, "np.linalg": np.linalg, "np.fft": np.fft, "np.emath": np.emath,
    "np.lib.stride_tricks": np.lib.stride_tricks,
}  # fmt: skip
BASES = {
    "polynomial": ("poly", "Polynomial"), "chebyshev": ("cheb", "Chebyshev"),
    "legendre": ("leg", "Legendre"), "hermite": ("herm", "Hermite"),
    "hermite_e": ("herme", "HermiteE"), "laguerre": ("lag", "Laguerre"),
}  # fmt: skip
OURS = re.compile(r"taylor|derivative|recorded value|x\.value|; take")


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(text.split())


# what takes no numbers that could vary: types, files, settings, dates, whole numbers, windows
NOTHING = {
    "np": words("""
        __array_namespace_info__ array2string array_repr array_str bartlett base_repr binary_repr
        bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or
        bitwise_right_shift bitwise_xor blackman broadcast broadcast_shapes busday_count
        busday_offset busdaycalendar datetime_as_string datetime_data diag_indices errstate
        flatiter format_float_positional format_float_scientific frombuffer fromfile fromregex
        fromstring gcd genfromtxt get_include get_printoptions getbufsize geterr geterrcall hamming
        hanning identity indices info invert is_busday isdtype isnat isscalar issubdtype
        lcm left_shift load
        loadtxt mask_indices memmap mintypecode ndindex nested_iters packbits printoptions
        promote_types ravel_multi_index recarray record right_shift set_printoptions setbufsize
        seterr seterrcall show_config show_runtime test tri tril_indices triu_indices typename
        unpackbits unravel_index
    """),
    "np.fft": {"fftfreq", "rfftfreq"},
    "x": words("""
        base byteswap choose ctypes data device dump dumps getfield itemsize nbytes resize setfield
        setflags strides to_device tobytes tofile view dtype
    """),
}  # fmt: skip


def _reads(x: Any) -> Any:
    np.savetxt(io.BytesIO(), x)


def _both(y: Any) -> Any:
    return np.real(y) + 2.0 * np.imag(y)


# by name, where tests/numpy_cases.py has none: a function of x (and the point)
SAMPLES: dict[str, Sample] = {
    f"np.{name}": given if isinstance(given, tuple) else (given, P4)
    for name, given in {
        "array": lambda x: np.array(x) * x,
        "asarray": lambda x: np.asarray(x) * x,
        "asanyarray": lambda x: np.asanyarray(x) * x,
        "ascontiguousarray": lambda x: np.ascontiguousarray(x) * x,
        "asfortranarray": lambda x: np.asfortranarray(x) * x,
        "asarray_chkfinite": lambda x: np.asarray_chkfinite(x) * x,
        "require": lambda x: np.require(x) * x,
        "asmatrix": lambda x: np.asmatrix(x) * 2.0,
        "matrix": lambda x: np.matrix(x) * 2.0,
        "bmat": lambda x: np.bmat([[x, x]]),
        "iterable": lambda x: x * np.iterable(x),
        "arange": lambda x: np.arange(x[0], 5.0, 1.0),
        "full": lambda x: np.full((2, 2), x[0]),
        "zeros": lambda x: np.zeros(np.shape(x)) + x,
        "ones": lambda x: np.ones(np.shape(x)) * x,
        "empty": lambda x: np.sum(np.empty(0)) + x,
        "empty_like": lambda x: np.sum(np.empty_like(x, shape=0)) + x,
        "eye": lambda x: np.eye(np.shape(x)[0]) @ x,
        "fromfunction": lambda x: np.fromfunction(lambda i: i * x[0], (3,)),
        "fromiter": lambda x: np.fromiter((e * e for e in x), float),
        "from_dlpack": lambda x: np.from_dlpack(x) * 1.0,
        "histogram2d": lambda x: np.histogram2d(x, P4, bins=3)[0],
        "histogramdd": lambda x: np.histogramdd(np.stack([x, P4], 1), bins=3)[0],
        "intersect1d": lambda x: np.intersect1d(x, [0.7, 0.4]),
        "setxor1d": lambda x: np.setxor1d(x, [0.6, 5.0]),
        "unique_all": lambda x: np.unique_all(x).values,
        "unique_counts": lambda x: np.unique_counts(x).values,
        "unique_inverse": lambda x: np.unique_inverse(x).values,
        "sort_complex": lambda x: _both(np.sort_complex(x + 1j * x)),
        "array_equiv": lambda x: np.array_equiv(x, x + 1.0) * 1.0,
        "row_stack": lambda x: np.vstack([x, x**2]),
        "ix_": (lambda x: x[np.ix_([0, 1], [0, 2])], P23),
        "polydiv": lambda x: np.polydiv(x, [1.0, 2.0])[0],
        "kaiser": lambda x: np.kaiser(5, x[0]),
        "frexp": lambda x: np.frexp(x)[0],
        "spacing": np.spacing,
        "nextafter": lambda x: np.nextafter(x, 9.0),
        "may_share_memory": lambda x: np.may_share_memory(x, x[1:]) * 1.0,
        "shares_memory": lambda x: np.shares_memory(x, x[1:]) * 1.0,
        "isfortran": lambda x: np.isfortran(x) * 1.0,
        "einsum_path": lambda x: len(np.einsum_path("i,i", x, x)[0]) * 1.0,
        "ndenumerate": lambda x: sum(e**2 for _, e in np.ndenumerate(x)),
        "nditer": lambda x: sum(e * e for e in np.nditer(x)),
        "vectorize": lambda x: np.vectorize(lambda t: t**2)(x),
        "frompyfunc": lambda x: np.frompyfunc(lambda t: t**2, 1, 1)(x),
        "poly1d": lambda x: np.poly1d(x)(0.5),
        "save": lambda x: np.save(io.BytesIO(), x),
        "savez": lambda x: np.savez(io.BytesIO(), x),
        "savez_compressed": lambda x: np.savez_compressed(io.BytesIO(), x),
        "savetxt": _reads,
        "lib.stride_tricks.as_strided": lambda x: np.lib.stride_tricks.as_strided(x, (2,), (8,)),
    }.items()
}  # fmt: skip
for _base, (_short, _class) in BASES.items():
    for _name, _call in {
        f"{_short}val": lambda x, f: f(x, [1.0, 2.0, 3.0]),
        f"{_short}val2d": lambda x, f: f(x, x * x, np.ones((2, 2))),
        f"{_short}val3d": lambda x, f: f(x, x, x, np.ones((2, 2, 2))),
        f"{_short}valnd": lambda x, f: f((x, x * x), np.ones((2, 2))),
        f"{_short}grid2d": lambda x, f: f(x, x, np.ones((2, 2))),
        f"{_short}grid3d": lambda x, f: f(x, x, x, np.ones((2, 2, 2))),
        f"{_short}valfromroots": lambda x, f: f(x, [1.0, 2.0]),
        f"{_short}vander": lambda x, f: f(x, 2),
        f"{_short}vander2d": lambda x, f: f(x, x, [1, 2]),
        f"{_short}vander3d": lambda x, f: f(x, x, x, [1, 1, 1]),
    }.items():
        _f = getattr(getattr(npp, _base), _name, None)
        SAMPLES[f"np.polynomial.{_base}.{_name}"] = functools.partial(_call, f=_f), P4
    _f = getattr(npp, _class)
    SAMPLES[f"np.polynomial.{_class}"] = lambda x, f=_f: f([1.0, 2.0, 3.0])(x), P4

SAMPLES |= {
    f"x.{name}": (f, P23)
    for name, f in {
        "T": lambda x: x.T, "conj": lambda x: x.conj(),
        "conjugate": lambda x: x.conjugate(), "fill": lambda x: _filled(x * 1.0, x[0, 0]),
        "flags": lambda x: x.flags.c_contiguous * 1.0, "flat": lambda x: x.flat[3] ** 2,
        "imag": lambda x: x.imag, "real": lambda x: x.real, "ndim": lambda x: x.ndim,
        "put": lambda x: _put(x * 1.0, x[0, 0] ** 2), "shape": lambda x: x.shape,
        "size": lambda x: x.size, "transpose": lambda x: x.transpose(),
        "argpartition": lambda x: x.argpartition(1),
        "searchsorted": lambda x: np.sort(x[0]).searchsorted([0.5, 1.0]),
    }.items()
}  # fmt: skip


def _filled(y: Any, value: Any) -> Any:
    y.fill(value)
    return y


def _put(y: Any, value: Any) -> Any:
    y.put([0, -1], value)
    return y


# random numbers: the parameters that vary; those without such are constants
DRAWN: dict[str, Callable[[Any, Any], Any]] = {
    **{
        name: lambda rng, x, name=name: getattr(rng, name)(x)
        for name in words(
            "chisquare exponential geometric gumbel laplace logistic lognormal logseries normal "
            "pareto poisson power rayleigh standard_gamma standard_t weibull zipf "
            "permutation choice permuted"
        )
    },
    **{
        name: lambda rng, x, name=name: getattr(rng, name)(x, x)
        for name in words("beta f gamma noncentral_chisquare vonmises wald")
    },
    "uniform": lambda rng, x: rng.uniform(x, 9.0),
    "binomial": lambda rng, x: rng.binomial(3, x / 9),
    "negative_binomial": lambda rng, x: rng.negative_binomial(3, x / 9),
    "noncentral_f": lambda rng, x: rng.noncentral_f(x, x, x),
    "triangular": lambda rng, x: rng.triangular(x, 2 * x, 3 * x),
    "dirichlet": lambda rng, x: rng.dirichlet(x),
    "multinomial": lambda rng, x: rng.multinomial(3, x / np.sum(x)),
    "multivariate_normal": lambda rng, x: rng.multivariate_normal(x, np.eye(4)),
    "shuffle": lambda rng, x: _shuffled(rng, x * 1.0),
}
STILL = words("""
    bit_generator bytes hypergeometric integers multivariate_hypergeometric random spawn
    standard_cauchy standard_exponential standard_normal
""")


def _shuffled(rng: Any, y: Any) -> Any:
    rng.shuffle(y)
    return y


SAMPLES |= {
    f"np.random.Generator.{name}": (
        lambda x, f=f: f(np.random.default_rng(0), x) * 1.0,
        P4 / 4 if name in ("geometric", "logseries") else P4 + 1,
    )
    for name, f in DRAWN.items()
}


# ------------------------------------------------------------------ the index
def _public(module: Any) -> list[str]:
    known = getattr(module, "__all__", None) or [n for n in dir(module) if not n.startswith("_")]
    return sorted(n for n in known if callable(getattr(module, n)))


def names() -> dict[str, list[str]]:
    """Return NumPy's public names, part by part."""
    methods = [n for n in dir(np.ndarray) if not n.startswith("_")]
    found = {prefix: _public(module) for prefix, module in MODULES.items()}
    found["x"] = methods
    found["np.ufunc"] = ["reduce", "accumulate", "reduceat", "outer", "at"]
    for base, (short, _) in BASES.items():
        module = getattr(npp, base)
        found[f"np.polynomial.{base}"] = [
            n for n in _public(module)
            if n.startswith((f"{short}val", f"{short}grid", f"{short}vander"))
        ]  # fmt: skip
    found["np.polynomial"] = [n for n in npp.__all__ if isinstance(getattr(npp, n), type)]
    found["np.random.Generator"] = [n for n in dir(np.random.Generator) if not n.startswith("_")]
    return found


def sample(part: str, name: str) -> Sample | None:
    """Return how a function is called; None if it takes no values.  KeyError: nobody has said."""
    full = f"{part}.{name}"
    if full in SAMPLES:
        return SAMPLES[full]
    if name in NOTHING.get(part, ()) or (part == "np.random.Generator" and name in STILL):
        return None
    if part == "np.ufunc":
        case = CASES[f"add.{name}"][0]
    elif part == "x":
        case = CASES[full][0]
    else:
        f = getattr(MODULES[part], name)
        if isinstance(f, type):
            return None
        case = FUNCTIONS[f]
    return case.call, next(x for x in case.points if _taken(case.call, x))


def _taken(f: Callable[[Any], Any], x: Any) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _numbers(f(x.copy()))
    except (ValueError, TypeError, AttributeError, IndexError, NotImplementedError):
        return False
    return True


FUNCTIONS = {case.function: case for cases in reversed(CASES.values()) for case in cases[::-1]}


# ------------------------------------------------------------------ what a call gives
class State(NamedTuple):
    """What came of a call: its kind, and a remark."""

    kind: str
    remark: str = ""


def _flat(y: Any) -> Any:
    if isinstance(y, (tuple, list)):
        return np.concatenate([np.zeros(0), *map(_flat, y)])
    return np.reshape(y, -1)


def _numbers(y: Any) -> Any:
    return np.asarray(_flat(y), dtype=float)


def _error(error: Exception) -> str | None:
    """Return what an error tells to do; None if it tells nothing."""
    notes = getattr(error, "__notes__", ())
    text = notes[0] if notes else str(error)
    ours = notes or (
        isinstance(error, (TypeError, AttributeError, BufferError)) and OURS.search(text)
    )
    return text.replace(f" ({PAGE})", "").replace("|", "\\|") if ours else None


def state(f: Callable[[Any], Any], x: Any) -> State:
    """Return what a call gives: compared with NumPy and with differences, in every mode.

    The kind is "differentiated", "constant", "refused" (the remark says what to do) or "wrong".
    """
    draw = np.random.default_rng(3)
    v = draw.normal(size=x.shape)

    def g(x: Any) -> Any:
        return _flat(f(x))

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = _numbers(f(x.copy()))
        near = [_numbers(f(x + h * v)) for h in (1e-5, -1e-5, 2e-5, -2e-5)]
        slope = (8 * (near[0] - near[1]) - (near[2] - near[3])) / 12e-5
        w = draw.normal(size=value.shape)
        found: list[Any] = []
        for mode in (_forward, _reverse, _compiled):
            try:
                found.append(_same(*mode(g, x, v, w), value, slope, w))
            except Exception as error:
                found.append(_error(error) or f"{type(error).__name__}: {error}")
                if _error(error) is None:
                    return State("wrong", f"{mode.__name__[1:]}: {found[-1]}")
        if all(e is True for e in found):
            return State("differentiated" if np.any(slope) else "constant")
        told = [e for e in found if isinstance(e, str)]
        return State("wrong", str(found)) if False in found else State("refused", told[0])


def _forward(g: Any, x: Any, v: Any, w: Any) -> tuple[Any, Any]:
    return taylor.jvp(g, x, v)


def _reverse(g: Any, x: Any, v: Any, w: Any) -> tuple[Any, Any]:
    y, bar = taylor.vjp(g, x, w)
    return y, np.sum(bar * v)


def _compiled(g: Any, x: Any, v: Any, w: Any) -> tuple[Any, Any]:
    return taylor.jvp(taylor.compile(g), x, v)


def _same(y: Any, dot: Any, value: Any, slope: Any, w: Any) -> bool:
    wanted = slope if np.shape(dot) else np.sum(w * slope)
    if not np.shape(dot) and not np.isfinite(wanted):
        wanted = dot
    scale = 1 + np.max(np.abs(slope), initial=0.0)
    return np.allclose(np.asarray(y, float), value, rtol=1e-9, equal_nan=True) and np.allclose(
        np.asarray(dot, float), wanted, atol=1e-6 * scale, equal_nan=True
    )


# ------------------------------------------------------------------ masked arrays
FILLS = words("maximum_fill_value minimum_fill_value set_fill_value default_fill_value")


def masked(name: str) -> Sample | None:
    """Return a call of np.ma that it takes: with one array, two, or an array and a number."""
    f = getattr(np.ma, name)
    calls: list[Callable[[Any], Any]] = [
        lambda x: f(x), lambda x: f(x, x * x), lambda x: f(x, 2), lambda x: f([x, x]),
        lambda x: f(x > 1, x),
    ]  # fmt: skip
    return next(((call, P4) for call in calls if name not in FILLS and _taken(call, P4)), None)


# ------------------------------------------------------------------ the page
HEAD = """\
# NumPy's functions

Generated by `python -m docs.generate`: each function is called, and its value and derivative,
forward, in reverse and in machine code, are compared with NumPy's and with differences.

- *differentiated*: of any order, in every mode;
- *constant*: piecewise constant, such as `np.argsort`: the result is plain, its derivative zero;
- *of shapes*: it asks for no numbers;
- *refused*: a TypeError that says what is written here. `x.value` is the plain value of x.

All functions take their arguments as NumPy does, or refuse them by name:
[semantics](semantics.md). How to add one: [add a numpy function](add_a_numpy_function.md).
"""
TITLES = {
    "x": "Methods and attributes of arrays",
    "np.ufunc": "Methods of ufuncs",
    "np.random.Generator": "Random numbers",
}
REMARKS = {
    "np.random.Generator": "Numbers drawn without parameters are constants; give them parameters "
    "by arithmetic: `mu + sigma * rng.normal()`.",
} | {
    f"np.polynomial.{base}": "Of coefficients with one axis. NumPy reshapes others of arrays: "
    "give `c.reshape(c.shape + (1,) * np.ndim(x))`."
    for base in BASES
}  # fmt: skip
INSTEAD = {  # where the error says more than that
    "arange": "write x[0] + np.arange(n)",
    "fromiter": "write np.stack",
}
SHAPES = words("""
    can_cast common_type diag_indices_from empty empty_like eye flags isarray iscomplexobj isfortran
    iterable isrealobj may_share_memory min_scalar_type ndim ones ones_like result_type shape size
    tril_indices_from triu_indices_from zeros zeros_like
""")


def row(part: str, name: str) -> str | None:
    """Return the row of a function in the page; None if it takes no values."""
    given = sample(part, name)
    if given is None:
        return None
    found = state(*given)
    kind = "of shapes" if name in SHAPES and found.kind != "wrong" else found.kind
    remark = INSTEAD.get(name, re.split(r"; |: ", found.remark, maxsplit=1)[-1])
    if remark and part not in REMARKS:
        kind += f": {remark}"
    return f"| `{part}.{name}` | {kind} |\n"


def page() -> str:
    """Return the whole page."""
    text = HEAD
    for part, known in names().items():
        rows = {name: row(part, name) for name in known}
        text += f"\n## {TITLES.get(part, part)}\n\n{REMARKS.get(part, '')}\n\n".replace(
            "\n\n\n", "\n"
        )
        text += "| function | derivative |\n|---|---|\n" + "".join(filter(None, rows.values()))
        nothing = ", ".join(f"`{name}`" for name, line in rows.items() if line is None)
        text += f"\nTake no values that could vary: {nothing}.\n" if nothing else ""
    return text + masked_arrays()


def masked_arrays() -> str:
    """Return the part of the page on np.ma."""
    kinds: dict[str, list[str]] = {"refused": [], "differentiated": [], "constant": [], "": []}
    for name in _public(np.ma):
        given = None if isinstance(getattr(np.ma, name), type) else masked(name)
        kinds[state(*given).kind if given else ""].append(f"`{name}`")
    return f"""
## np.ma

A mask beside values of taylor is refused: write `np.where(mask, 0.0, x)`, or
`np.sum(x, where=~mask)` and the like. Refused: {", ".join(kinds["refused"])}.

What makes no masked array does what the function of NumPy does:
{", ".join(kinds["differentiated"])}; constant: {", ".join(kinds["constant"])}.

Take no values that could vary: {", ".join(kinds[""])}.
"""
