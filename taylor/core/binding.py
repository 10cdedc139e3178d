"""Binding: a call of NumPy is bound to NumPy's own signature before a handler sees it.

A handler's own parameter names are the declaration of what it does.  An argument that says NumPy's
default is dropped; `out` and `dtype` are dealt with here, once for all functions; arguments that
only mean memory layout are free; every other argument raises TypeError.  So none can be ignored.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from taylor.numbers.kinds import Handled, is_operand

Handler = Callable[..., Any]

# arguments without effect on values, where a handler does not take them itself
LAYOUT = frozenset({
    "casting", "check_finite", "copy", "device", "kind", "optimize", "order", "overwrite_input",
    "stable", "subok",
})  # fmt: skip

# C functions, which have no signature before NumPy 2.4
SIGNATURES: dict[Any, Callable[..., None]] = {
    np.concatenate: lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    np.dot: lambda a, b, out=None: None,
    np.empty_like: lambda prototype, /, dtype=None, order="K", subok=True, shape=None, *,
    device=None: None,
    np.inner: lambda a, b, /: None,
    np.vdot: lambda a, b, /: None,
    np.where: lambda condition, x=None, y=None, /: None,
}  # fmt: skip

Kind = inspect._ParameterKind
REQUIRED = inspect.Parameter.empty
SIMPLE = (bool, int, float, str)


def signature(func: Any) -> inspect.Signature:
    """Return NumPy's signature of one of its functions.

    >>> str(signature(np.vdot))
    '(a, b, /)'
    """
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
        numpy = list(self.signature.parameters.values())
        if self.without is not None:
            return frozenset(p.name for p in numpy) - self.without
        names = []
        for i, p in enumerate(inspect.signature(self.handler).parameters.values()):
            if p.kind is Kind.VAR_KEYWORD:
                raise TypeError(f"the handler of {self.name} must name its arguments")
            alone = i < len(numpy) and numpy[i].kind in (Kind.POSITIONAL_ONLY, Kind.VAR_POSITIONAL)
            names.append(numpy[i].name if alone else p.name)
        strange = set(names) - {p.name for p in numpy}
        if strange and not any(p.kind is Kind.VAR_KEYWORD for p in numpy):
            raise TypeError(f"the handler of {self.name} takes {strange}, which NumPy does not")
        return frozenset(names)

    @functools.cached_property
    def lead(self) -> float:
        """How many positional arguments need no binding."""
        count = 0.0
        for p in self.signature.parameters.values():
            if p.name not in self.takes:
                break
            count = np.inf if p.kind is Kind.VAR_POSITIONAL else count + 1
        return count

    @property
    def name(self) -> str:
        """The name users know the function by."""
        return full_name(self.func)

    def plan(self, count: int, keywords: tuple[str, ...]) -> list[tuple[int | str, str, Any]]:
        """Return where each argument stands, its name and default: none if given by position."""
        found = self.plans.get((count, keywords))
        if found is not None:
            return found
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
        return found

    def __call__(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Return the result of the handler, or raise TypeError for what it does not take."""
        lift = self.lift
        if not kwargs and len(args) <= self.lead:
            return self.handler(*args) if lift is None else self.handler(*map(lift, args))
        first: list[Any] = []
        named: dict[str, Any] = {}
        out = dtype = None
        for source, name, default in self.plan(len(args), tuple(kwargs)):
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
            elif name not in LAYOUT and not is_default(value, default):
                raise refusal(self.name, name, value, self.takes)
        if dtype is not None:
            to = floating(self.name, dtype)
            first = [cast(v, to) for v in first]
            named = {k: cast(v, to) for k, v in named.items()}
        if out is None:
            return self.handler(*first, **named)
        active = any(holds(v) for v in (*first, *named.values()))
        return write(self.name, out, (self.handler if active else self.func)(*first, **named))


# ------------------------------------------------------------------ the registry
FUNCTIONS: dict[Any, Binding] = {}


def family(function: Any, handler: Handler, but: Sequence[str] = ()) -> None:
    """Register a handler that runs NumPy's own function, and so takes all that it takes."""
    without = frozenset({"out", "dtype", "casting", *but})
    FUNCTIONS[function] = Binding(function, handler, None, without)


def method(function: Any) -> Callable[..., Any]:
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
            f"{full_name(function)} is not implemented for values of taylor; write it with "
            "functions that are, give it its derivative with taylor.rule, or pass x.value where "
            "no derivative is wanted"
        )
    return binding(args, kwargs)


# ------------------------------------------------------------------ ufuncs
UFUNCS: dict[np.ufunc, Handler] = {}
SCIPY: dict[str, Handler] = {}  # ufuncs of scipy.special, which need not be installed, by name
METHODS: dict[str, Handler] = {}  # "reduce": handler(ufunc, array, axis=0, ...)


def call_ufunc(ufunc: np.ufunc, kind: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Return what a ufunc (kind "__call__") or a method of it means for values of the package."""
    handler = _ufunc_handler(ufunc, kind)
    if kind == "outer":
        a, b = inputs
        inputs, kind = (np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b), "__call__"
    if not kwargs:
        return handler(*inputs)
    name = full_name(ufunc) + (f".{kind}" if kind in METHODS else "")
    own = _keywords(METHODS.get(kind, handler))
    given = {k: v for k, v in kwargs.items() if v is not np._NoValue}
    named = {k: v for k, v in given.items() if k in own}
    rest = {k: v for k, v in given.items() if k not in own}
    out, dtype = rest.pop("out", None), rest.pop("dtype", None)
    where = rest.pop("where", True) if kind == "__call__" else True
    for key, value in rest.items():
        if key not in LAYOUT and value is not None:
            raise refusal(name, key, value, own | {"dtype", "out"})
    if dtype is not None:
        inputs = [cast(x, floating(name, dtype)) for x in inputs]
    if where is not True:
        return _where_only(name, lambda *x: handler(*x, **named), inputs, where, out)
    result = handler(*inputs, **named)
    return result if out is None else write(name, out, result, broadcast=kind == "__call__")


def _ufunc_handler(ufunc: np.ufunc, kind: str) -> Handler:
    """Return the handler of a ufunc or of a method of it."""
    if kind in METHODS:
        return functools.partial(METHODS[kind], ufunc)
    handler = UFUNCS.get(ufunc) or SCIPY.get(ufunc.__name__)
    if handler is None:
        raise TypeError(
            f"{full_name(ufunc)} has no derivative in taylor; write it with functions that have "
            "one, or give it one with taylor.rule"
        )
    return handler


@functools.cache
def _keywords(handler: Handler) -> frozenset[str]:
    """Return the arguments with defaults that a handler of a ufunc declares."""
    own = inspect.signature(handler).parameters.values()
    return frozenset(p.name for p in own if p.default is not REQUIRED)


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
            if is_operand(part) and not is_operand(target):
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
        return any(holds(e, kinds) for e in value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return any(isinstance(e, kinds) for e in value.reshape(-1))
    return isinstance(value, kinds)


def plain_out(function: str) -> TypeError:
    """Return the error for derivatives that are to be written into a plain array."""
    return TypeError(
        f"{function}: out= is a plain array, which cannot hold derivatives; make it with "
        "np.zeros_like(x)"
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
    if is_operand(result) and not is_operand(out):
        raise plain_out(function)
    if np.shape(out) != np.shape(result) and not broadcast:
        raise ValueError(
            f"{function}: out= has shape {np.shape(out)}, the result {np.shape(result)}"
        )
    out[...] = result
    return out
