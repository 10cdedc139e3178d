"""Binding: a call of NumPy is bound to NumPy's own signature before a handler sees it.

A handler's own parameter names are the declaration of what it does.  An argument that says NumPy's
default is dropped; `out` and `dtype` are dealt with here, once for all functions; arguments that
only mean memory layout are free; every other argument raises TypeError.  So none can be ignored.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from taylor.core.advice import FUNCTIONS_INSTEAD, WITHOUT
from taylor.numbers.kinds import Fillable, Handled, is_operand

Handler = Callable[..., Any]
X = TypeVar("X")


class Method(Protocol):  # or an operator, that gives a value of the class of its own
    def __get__(self, x: X, kind: type[X] | None = None, /) -> Callable[..., X]: ...


# arguments without effect on values, where a handler does not take them itself
LAYOUT = frozenset({
    "casting", "check_finite", "copy", "device", "kind", "optimize", "order", "overwrite_input",
    "stable", "subok",
})  # fmt: skip

# what has no signature: C functions before NumPy 2.4, ufuncs and their methods
SIGNATURES: dict[Any, Callable[..., None]] = {
    np.concatenate: lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    np.dot: lambda a, b, out=None: None,
    np.empty_like: lambda prototype, /, dtype=None, order="K", subok=True, shape=None, *,
    device=None: None,
    np.bincount: lambda x, /, weights=None, minlength=0: None,
    np.can_cast: lambda from_, to, casting="safe": None,
    np.copyto: lambda dst, src, casting="same_kind", where=True: None,
    np.inner: lambda a, b, /: None,
    np.lexsort: lambda keys, axis=-1: None,
    np.may_share_memory: lambda a, b, /, max_work=0: None,
    np.min_scalar_type: lambda a, /: None,
    np.putmask: lambda a, /, mask, values: None,
    np.ravel_multi_index: lambda multi_index, dims, mode="raise", order="C": None,
    np.result_type: lambda *arrays_and_dtypes: None,
    np.shares_memory: lambda a, b, /, max_work=-1: None,
    np.unravel_index: lambda indices, shape, order="C": None,
    np.vdot: lambda a, b, /: None,
    np.where: lambda condition, x=None, y=None, /: None,
}  # fmt: skip
UFUNC = inspect.signature(
    lambda out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True,
    signature=None, axes=np._NoValue, axis=np._NoValue, keepdims=False: None
)  # fmt: skip
OF_METHODS: dict[str, Callable[..., None]] = {
    "reduce": lambda array, /, axis=0, dtype=None, out=None, keepdims=False, initial=np._NoValue,
    where=True: None,
    "accumulate": lambda array, /, axis=0, dtype=None, out=None: None,
    "reduceat": lambda array, /, indices, axis=0, dtype=None, out=None: None,
    "at": lambda a, indices, b=None, /: None,
}  # fmt: skip

Kind = inspect._ParameterKind
REQUIRED = inspect.Parameter.empty
SIMPLE = (bool, int, float, str)
NUMBERS = frozenset((int, float, complex, bool, np.float64))


def signature(func: Any) -> inspect.Signature:
    """Return NumPy's signature of one of its functions, ufuncs or methods of ufuncs.

    >>> str(signature(np.vdot))
    '(a, b, /)'
    """
    if isinstance(func, np.ufunc):
        names = [f"x{i + 1}" for i in range(func.nin)]
        inputs = [inspect.Parameter(name, Kind.POSITIONAL_ONLY) for name in names]
        return UFUNC.replace(parameters=[*inputs, *UFUNC.parameters.values()])
    if isinstance(getattr(func, "__self__", None), np.ufunc):
        return inspect.signature(OF_METHODS[func.__name__])
    try:
        return inspect.signature(func)
    except ValueError:
        return inspect.signature(SIGNATURES[func])


class Binding:
    """A function of NumPy with its handler.

    `lift` is applied to all arguments but the mask `where`.  A handler that takes all of NumPy's
    arguments says which it is `without`.  How a form of call is bound is found once for each.
    """

    def __init__(
        self,
        func: Any,
        handler: Handler,
        lift: Callable[[Any], Any] | None = None,
        without: frozenset[str] | None = None,
    ) -> None:
        self.func, self.handler, self.lift, self.without = func, handler, lift, without
        self.plans: dict[Any, list[tuple[int | str, str, Any]]] = {}

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """NumPy's signature."""
        return signature(self.func)

    @functools.cached_property
    def takes(self) -> frozenset[str]:
        """The names of the arguments that the handler takes, as NumPy calls them."""
        numpy = self.signature.parameters.values()
        if self.without is not None:
            return frozenset(p.name for p in numpy) - self.without
        alone = [p.name for p in numpy if p.kind is Kind.POSITIONAL_ONLY]  # taken by position
        own = list(inspect.signature(self.handler).parameters.values())[len(alone) :]
        if any(p.kind is Kind.VAR_KEYWORD for p in own):
            raise TypeError(f"the handler of {self.name} must name its arguments")
        strange = {p.name for p in own} - {p.name for p in numpy}
        if strange and not any(p.kind is Kind.VAR_KEYWORD for p in numpy):
            raise TypeError(f"the handler of {self.name} takes {strange}, which NumPy does not")
        return frozenset(alone).union(p.name for p in own)

    @property
    def name(self) -> str:
        """The name users know the function by."""
        return full_name(self.func)

    def plan(self, count: int, keywords: tuple[str, ...]) -> list[tuple[int | str, str, Any]]:
        """Return where each argument stands, its name and default: none if given by position.

        Nothing is returned where all are given as the handler takes them.
        """
        try:
            bound = self.signature.bind(*range(count), **{k: k for k in keywords}).arguments
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        found = self.plans[count, keywords] = []
        for name, source in bound.items():
            p = self.signature.parameters[name]
            if p.kind is Kind.VAR_POSITIONAL:
                found += [(i, name, REQUIRED) for i in source]
            elif p.kind is Kind.VAR_KEYWORD:
                found += [(k, k, None) for k in source]
            else:
                alone = p.kind is Kind.POSITIONAL_ONLY
                found.append((source, name, REQUIRED if alone else p.default))
        if not keywords and all(name in self.takes for _, name, _ in found):
            found.clear()
        return found

    def __call__(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Return the result of the handler, or raise TypeError for what it does not take."""
        lift, plan = self.lift, self.plans.get((len(args), (*kwargs,)))
        plan = self.plan(len(args), (*kwargs,)) if plan is None else plan
        if not plan:
            return self.handler(*args) if lift is None else self.handler(*map(lift, args))
        first: list[Any] = []
        named: dict[str, Any] = {}
        out, dtype, where, of_lanes = None, None, True, isinstance(self.func, np.ufunc)
        for source, name, default in plan:
            value = args[source] if isinstance(source, int) else kwargs[source]
            if name in self.takes:
                value = value if lift is None or name == "where" else lift(value)
                if default is REQUIRED:
                    first.append(value)
                elif not is_default(value, default):
                    named[name] = value
            elif name == "out":
                out = value
            elif name == "dtype":
                dtype = None if value is np._NoValue else value
            elif name == "where" and of_lanes:
                where = value
            elif name not in LAYOUT and not is_default(value, default):
                raise refusal(self.name, name, value, self.takes)
        if dtype is not None:
            to = floating(self.name, dtype)
            first = [cast(v, to) for v in first]
            named = {k: cast(v, to) for k, v in named.items()}
        if out is None and where is True:
            return self.handler(*first, **named)
        active = any(holds(v) for v in (*first, *named.values()))
        f = functools.partial(self.handler if active else self.func, **named)
        if where is not True:
            return _where_only(self.name, f, first, where, out)
        return write(self.name, out, f(*first), broadcast=of_lanes)


# ------------------------------------------------------------------ the registry
FUNCTIONS: dict[Any, Binding] = {}


def family(function: Any, handler: Handler, but: Sequence[str] = ()) -> None:
    """Register a handler that runs NumPy's own function, and so takes all that it takes."""
    without = frozenset({"out", "dtype", "casting", *but})
    FUNCTIONS[function] = Binding(function, handler, None, without)


def method(function: Any) -> Method:
    """Return a NumPy function as a method of arrays."""

    def bound(self: Any, *args: Any, **kwargs: Any) -> Any:
        return FUNCTIONS[function]((self, *args), kwargs)

    bound.__name__ = function.__name__
    bound.__doc__ = f"Return {full_name(function)}(self, ...)."
    return bound


def call(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Return what a NumPy function means for values of the package."""
    binding = FUNCTIONS.get(function)
    if binding is None:
        raise TypeError(
            f"{full_name(function)} is not implemented for values of taylor; "
            f"{FUNCTIONS_INSTEAD.get(function.__name__, WITHOUT)}"
        )
    return binding(args, kwargs)


# ------------------------------------------------------------------ ufuncs
UFUNCS: dict[np.ufunc, Handler] = {}
SCIPY: dict[str, Handler] = {}  # ufuncs of scipy.special, which need not be installed, by name
MORE: list[Callable[[], object]] = []  # what adds to them, called when one is missed
METHODS: dict[str, Handler] = {}  # "reduce": handler(ufunc, array, axis=0, ...)


def call_ufunc(ufunc: np.ufunc, kind: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Return what a ufunc (kind "__call__") or a method of it means for values of the package."""
    handler = METHODS.get(kind) or UFUNCS.get(ufunc) or of_scipy(ufunc.__name__)
    if handler is None and kind == "__call__" and all(set(t) <= {*"O->"} for t in ufunc.types):
        return ufunc(*(np.asarray(x, dtype=object) for x in inputs), **kwargs)  # of np.frompyfunc
    if handler is None:
        raise TypeError(
            f"{full_name(ufunc)} has no derivative in taylor; "
            f"{FUNCTIONS_INSTEAD.get(ufunc.__name__, WITHOUT)}"
        )
    if kind == "outer":
        a, b = inputs
        inputs, kind = (np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b), "__call__"
    if not kwargs and kind not in METHODS:
        return handler(*inputs)
    return _bound(ufunc, kind, handler)(inputs, kwargs)


def of_scipy(name: str) -> Handler | None:
    """Return what a ufunc of scipy.special means; most of them are imported with the first."""
    while name not in SCIPY and MORE:
        MORE.pop()()
    return SCIPY.get(name)


@functools.cache
def _bound(ufunc: np.ufunc, kind: str, handler: Handler) -> Binding:
    if kind not in METHODS:
        return Binding(ufunc, handler)
    return Binding(getattr(ufunc, kind), functools.partial(handler, ufunc))


def _where_only(name: str, f: Handler, inputs: Sequence[Any], where: Any, out: Any) -> Any:
    """Return `out` with f(*inputs) written where a mask holds; nothing is computed elsewhere."""
    targets = out if isinstance(out, tuple) else (out,)
    if any(t is None for t in targets):
        raise TypeError(
            f"{name}: where= needs out=, made with np.zeros_like(x): the other elements would be "
            "undefined"
        )
    if not isinstance(where, (bool, np.bool_, np.ndarray, list)):  # a recorded condition
        return write(name, out, np.where(where, f(*inputs), targets[0]))
    mask = np.broadcast_to(np.asarray(where, dtype=bool), np.shape(targets[0]))
    if mask.any():
        found = f(*(np.broadcast_to(x, mask.shape)[mask] for x in inputs))
        parts = found if isinstance(found, tuple) else (found,)
        for target, part in zip(targets, parts, strict=True):
            if is_operand(part) and not takes_operands(target):
                raise plain_out(name)
            target[mask] = part
    return targets[0] if len(targets) == 1 else targets


# ------------------------------------------------------------------ single arguments
def full_name(function: Any) -> str:
    """Return the name of a function as it is called: np.linalg.norm.

    >>> full_name(np.linalg.norm), full_name(np.exp)
    ('np.linalg.norm', 'np.exp')
    """
    name = str(function.__name__)
    if isinstance(function, np.ufunc):
        return f"np.{name}" if getattr(np, name, None) is function else f"scipy.special.{name}"
    ufunc = getattr(function, "__self__", None)
    if isinstance(ufunc, np.ufunc):
        return f"{full_name(ufunc)}.{name}"
    return f"{function.__module__}.{name}".replace("numpy", "np", 1)


def is_default(value: Any, default: Any) -> bool:
    """Whether an argument says what NumPy assumes without it."""
    if value is default or (value is None and default is np._NoValue):
        return True
    return type(value) in SIMPLE and type(default) in SIMPLE and value == default


def refusal(function: str, name: str, value: Any, takes: Collection[str]) -> TypeError:
    """Return the error for an argument that is not implemented."""
    shown = " ".join(repr(value).split())
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    known = ", ".join(sorted(takes)) or "no keywords"
    return TypeError(
        f"{function} of a value of taylor does not take {name}={shown}; it takes {known}"
    )


def floating(function: str, dtype: Any) -> Any:
    """Return the dtype asked for, which must be able to hold derivatives."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "fcO":
        raise TypeError(
            f"{function}: dtype={dtype} would cut the derivatives off; take x.value for integers"
        )
    return dtype


def cast(value: Any, dtype: Any) -> Any:
    """Return an argument with its floating-point numbers in that type."""
    if isinstance(value, (list, tuple)) and any(
        isinstance(e, np.ndarray) or is_operand(e) for e in value
    ):
        return type(value)(cast(e, dtype) for e in value)
    plain = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc"
    return value.astype(dtype) if plain or is_operand(value) else value


def holds(value: Any, kinds: Any = Handled) -> bool:
    """Whether an argument is, or contains, a value of the package."""
    if isinstance(value, (list, tuple)):
        return not NUMBERS.issuperset(map(type, value)) and any(holds(e, kinds) for e in value)
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return any(isinstance(e, kinds) for e in value.reshape(-1))
        return isinstance(value, Fillable) and value.filled
    return isinstance(value, kinds)


def takes_operands(out: Any) -> bool:
    """Whether values of the package can be written into an array."""
    return isinstance(out, (Handled, Fillable))


def plain_out(function: str) -> TypeError:
    """Return the error for derivatives that are to be written into a plain array."""
    return TypeError(
        f"{function}: out= is a plain array, which cannot hold derivatives; make it with "
        "np.zeros_like(x), or write import taylor.numpy as np"
    )


def write(function: str, out: Any, result: Any, broadcast: bool = False) -> Any:
    """Return `out` with the result written into it, as NumPy does."""
    if isinstance(result, tuple):
        targets = out if isinstance(out, tuple) else (out,)
        return tuple(
            r if o is None else write(function, o, r, broadcast)
            for o, r in zip(targets, result, strict=True)
        )
    if isinstance(out, tuple):
        (out,) = out
    if is_operand(result) and not takes_operands(out):
        raise plain_out(function)
    if np.shape(out) != np.shape(result) and not broadcast:
        raise ValueError(
            f"{function}: out= has shape {np.shape(out)}, the result {np.shape(result)}"
        )
    out[...] = result
    return out
