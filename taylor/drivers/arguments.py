"""The arguments of drivers: which of those of f vary, trees of them, and answers of their form.

`gradient(f, *args, argnums=0, has_aux=False, **kwargs)` and its like: a driver differentiates a
function of one array; here the leaves of the arguments that vary become that array.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from taylor.core.advice import PAGE
from taylor.core.conditions import Condition
from taylor.core.operand import Operand
from taylor.drivers import trees
from taylor.drivers.derivable import Derivable, watched
from taylor.drivers.often import Often, again
from taylor.drivers.plans import keep, key, plan
from taylor.errors import deprecated
from taylor.numbers.kinds import content, is_nested

Array = Any
Function = Callable[..., Any]
PLAIN = (np.ndarray, float, int, bool, complex, np.float64)
EMPTY = inspect.Parameter.empty


class Form:
    """How the results of a driver depend on the form of its point.

    axes[i] is how many of the last axes of result i run over the point (None: the point is one
    number or array); the parameters named `along` have the form of the point.  `own` are the
    driver's parameters after f and the point.  Result i has f's along its axis results[i], the
    parameter `seed` has their form (`results`); without, f is scalar-valued.
    """

    def __init__(
        self,
        g: Function,
        axes: Sequence[Any] | None,
        along: Sequence[str],
        recorded: bool,
        before: Mapping[str, str] = MappingProxyType({}),
        results: Sequence[int | None] = (),
        seed: str | None = None,
        parts: bool = False,
    ) -> None:
        self.parts = parts  # whether complex points where f is not holomorphic are taken apart
        self.results, self.seed = results, seed
        self.recorded = recorded  # for a compiled f
        self.before = before  # deprecated names
        self.one_array = axes is None
        self.g, self.axes, self.along = g, tuple(axes or (0,)), frozenset(along)
        self.own = list(inspect.signature(g).parameters.values())[2:]

    def one(self, f: Function, *x: Any) -> Any:
        """Return g(f, *x), by machine code if f has some."""
        found = answered(self.recorded, self.g, f, x)
        return self.narrowed(found, *x)

    def narrowed(self, found: Any, at: Any, *own: Any) -> Any:
        """Return results, those that have the form of the point with numbers as precise as its."""
        if not isinstance(at, (np.ndarray, np.generic)) or at.dtype.itemsize >= 8:
            return found
        each = found if isinstance(found, tuple) else (found,)
        axes = axes_of(self, own)
        given = [_as_leaf(y, [at]) if n else y for y, n in zip(each, axes, strict=True)]
        return tuple(given) if isinstance(found, tuple) else given[0]

    def signature(self) -> inspect.Signature:
        """Return how the driver is called."""
        kind = inspect.Parameter
        known = list(inspect.signature(self.g).parameters.values())
        known = known if self.own else [known[0], kind("args", kind.VAR_POSITIONAL)]
        return inspect.Signature(
            [
                *known,
                kind("argnums", kind.KEYWORD_ONLY, default=None if self.own else 0),
                kind("has_aux", kind.KEYWORD_ONLY, default=False),
                kind("kwargs", kind.VAR_KEYWORD),
            ]
        )

    def bound(self, given: Sequence[Any], named: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        """Return the arguments of f and the driver's own; `named` keeps those that are f's."""
        if not given and "x" in named:
            given = [named.pop("x")]
        if not self.own:
            return list(given), []
        own = list(given[1:])
        if len(own) > len(self.own):
            raise TypeError(
                f"{self.g.__name__}(f, x, {', '.join(p.name for p in self.own)}) takes several "
                "arguments of f as one tuple"
            )
        for p in self.own[len(own) :]:
            old = self.before.get(p.name)
            if old in named and p.name not in named:
                deprecated(f"{self.g.__name__}({old}=...)", f"{p.name}=")
                named[p.name] = named.pop(old)
            own.append(named.pop(p.name, p.default))
            if own[-1] is EMPTY and given:
                raise TypeError(f"{self.g.__name__}: the argument {p.name!r} is missing")
        return list(given[:1]), own


def answered(recorded: bool, g: Function, f: Function, x: Sequence[Any]) -> Any:
    """Return g(f, *x), by machine code if f has some, or has been asked often enough to."""
    known = f if isinstance(f, Derivable) else again(f, x)
    if known is None:
        return g(watched(f, x), *x)
    found = known.derived(g, x) if recorded else NotImplemented
    if found is NotImplemented and isinstance(known, Often):
        found = known.instead(g, x, recorded)
    return g(watched(f, x), *x) if found is NotImplemented else found


def is_plain(x: Any) -> bool:
    """Whether a point is one array or number."""
    return type(x) in PLAIN or (trees.is_leaf(x) and not trees.is_tree(x))


def several(form: Form, f: Function, given: Sequence[Any], named: dict[str, Any],
            argnums: int | Sequence[int] | None, has_aux: bool) -> Any:  # fmt: skip
    """Return what a driver gives for some arguments of f, in their form."""
    name = form.g.__name__
    if not callable(f):
        raise TypeError(
            f"{name}: the first argument must be a function, not {type(f).__name__}; write "
            f"{name}(f, x), or lambda x: {name}(f, x) where a function is wanted "
            f"({PAGE})"
        )
    return _taken_apart(form, f, given, named, argnums, has_aux)


def _taken_apart(form: Form, f: Function, given: Sequence[Any], named: dict[str, Any],
                 argnums: Any, has_aux: bool) -> Any:  # fmt: skip
    """Return what a driver gives, by the leaves of the arguments."""
    name = form.g.__name__
    asked = None if has_aux else key(form, argnums, given, named)
    args, own = form.bound(given, named)
    many = type(argnums) is tuple and len(argnums) > 1 and form.axes == (1,)
    simple = (many or type(argnums) in (int, type(None))) and not (own or named or has_aux)
    if simple and isinstance(f, Derivable) and all(map(is_plain, args)):
        vary = _numbers(argnums or 0, len(args), name)
        if all([i in vary or trees.is_input(x) for i, x in enumerate(args)]):
            by = of_several(form, vary, len(args))
            found = by.one(f, *args)
            keep(f, asked, lambda given, named: f.at_once(by, given))
            return found
    tupled = len(args) == 1 and isinstance(args[0], tuple)
    args, vary, one = varying(form, f, args, argnums)
    if is_plain(args[vary[0]]) and one and len(args) == 1 and not named and not has_aux:
        return form.one(f, args[0], *own)
    seen = Aux(f, name) if has_aux else None
    if seen is not None:
        f = seen.first(args, named)
    if one and _is_point(args[vary[0]]) and not isinstance(f, Derivable):  # the shortest way
        answer = form.one(_alone(f, args, vary[0], named), args[vary[0]], *own)
        return answer if seen is None else seen.beside(answer, form)
    g, each, structures = _spread(f, args, vary, named)
    forms = [structures[i] for i in vary]
    structure = forms[0] if one else trees.Branch(tuple, None, tuple(forms))
    leaves = list(itertools.chain.from_iterable(each))
    starts = list(itertools.accumulate(map(len, each), initial=0))
    where = tuple([k for i in vary for k in range(starts[i], starts[i + 1])])
    if not where:
        raise _no_number(name, [args[i] for i in vary])
    if form.one_array and len(where) > 1:
        raise TypeError(f"{name} is by one number or array; {len(where)} of them vary")
    tangents: list[Any] = []
    for p, value in zip(form.own, own, strict=True):
        like = p.name in form.along and structure is not trees.LEAF
        tangents += trees.like(structure, value, f"{name}: {p.name}") if like else [value]
    by = of_several(form, where, len(leaves))
    found = by.one(g, *leaves, *tangents)
    if isinstance(f, Derivable) and isinstance(g, Derivable) and len(given) > len(form.own):
        tupled = tupled and len(args) == len(given[0]) and args[0] is given[0][0]
        keep(f, asked, plan(form, by, g, structures, structure, tupled))
    answer = _shaped(form, found, structure, len(where), own)
    return answer if seen is None else seen.beside(answer, form)


def varying(
    form: Form, f: Function, args: list[Any], argnums: Any
) -> tuple[list[Any], tuple[int, ...], bool]:
    """Return the arguments of f, which of them vary, and whether the answer is that of one."""
    if _in_a_tuple(form, f, args):
        args = list(args[0])
        if argnums is None and not form.one_array:
            argnums = tuple(range(len(args)))
    vary = _numbers(0 if argnums is None else argnums, len(args), form.g.__name__)
    return args, vary, argnums is None or isinstance(argnums, (int, np.integer))


def _is_point(x: Any) -> bool:
    """Whether an argument varies as it is: a number or array of floats, or one of ours."""
    if type(x) is np.ndarray:
        return x.dtype.kind in "fc"
    return type(x) in (float, np.float64) or isinstance(x, Operand)


def _alone(f: Function, args: Sequence[Any], i: int, named: dict[str, Any]) -> Function:
    """Return f as a function of argument i."""
    before, after = args[:i], args[i + 1 :]

    def alone(x: Any) -> Any:
        return f(*before, x, *after, **named)

    alone.__wrapped__ = f  # type: ignore[attr-defined]
    return alone


def _no_number(name: str, args: Sequence[Any]) -> TypeError:
    kinds = ", ".join(type(x).__name__ for x in args)
    return TypeError(
        f"{name}: there is no number in the arguments that vary ({kinds}); a point is a number, an "
        f"array, or a list, tuple, dict or dataclass of them; others by taylor.register ({PAGE})"
    )


def _spread(
    f: Function, args: Sequence[Any], vary: Sequence[int], named: dict[str, Any]
) -> tuple[Function, list[list[Any]], list[Any]]:
    """Return f as a function of leaves, and the leaves and the structure of each argument.

    All arguments of a compiled f are taken apart, of others those that vary.
    """
    if isinstance(f, Derivable):
        found = f.of_leaves(args, vary, named)
        if found is not NotImplemented:
            return found
    still: tuple[list[Any], Any] = [], None
    parts = [trees.flatten(x) if i in vary else still for i, x in enumerate(args)]

    def g(*leaves: Any) -> Any:
        rest = iter(leaves)
        inside = [
            trees.build(structure, rest) if i in vary else x
            for i, (x, (_, structure)) in enumerate(zip(args, parts, strict=True))
        ]
        return f(*inside, **named)

    g.__wrapped__ = f  # type: ignore[attr-defined]
    return g, [leaves for leaves, _ in parts], [structure for _, structure in parts]


class Aux:
    """A function of which only the first of two results is differentiated."""

    def __init__(self, f: Function, name: str) -> None:
        self.f, self.name = f, name
        self.aux: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = self.f(*args, **kwargs)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise TypeError(f"{self.name}: with has_aux f must return (value, aux)")
        y, self.aux = found
        return y

    def first(self, args: Sequence[Any], named: dict[str, Any]) -> Function:
        """Return the function to be differentiated: of a compiled one its first result."""
        found = self.f.under(_first) if isinstance(self.f, Derivable) else NotImplemented
        if found is NotImplemented:
            return self
        self(*args, **named)
        return found

    def beside(self, answer: Any, form: Form) -> Any:
        """Return the answer of a driver with the other result, without its perturbations."""
        aux = trees.entrywise(_finished, self.aux)
        if len(form.axes) == 1:
            return answer, aux
        if form.g.__name__.startswith("value"):
            return (answer[0], aux), answer[1]
        return (*answer, aux)


def _first(f: Function, *args: Any, **named: Any) -> Any:
    return f(*args, **named)[0]


def _finished(x: Any) -> Any:
    """Return a value as it is outside of the differentiations that have ended."""
    x = content(x)
    if isinstance(x, Condition) and x.lhs.tag.closed:
        return x.mask()
    while is_nested(x) and x.tag.closed:
        x = x.value
    return x


def _numbers(argnums: int | Sequence[int], count: int, name: str) -> tuple[int, ...]:
    """Return which arguments vary, counted from the front."""
    if count == 0:
        raise TypeError(
            f"{name}: the point is missing: {name}(f, x), or the function lambda x: {name}(f, x) "
            f"({PAGE})"
        )
    many: list[Any] = list(argnums) if isinstance(argnums, (tuple, list, range)) else [argnums]
    if not many or not all(isinstance(i, (int, np.integer)) and type(i) is not bool for i in many):
        raise TypeError(
            f"{name}: argnums must be the position of an argument of f, or a tuple of such, "
            f"not {argnums!r}"
        )
    for i in many:
        if not -count <= i < count:
            raise TypeError(f"{name}: argnums={argnums} for {count} arguments of f")
    found = tuple(int(i) % count for i in many)
    if len(set(found)) != len(found):
        raise TypeError(f"{name}: argnums={argnums} names an argument twice")
    return found


def of_tuple(
    form: Form, f: Function, given: Sequence[Any], named: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of f by position and by name from those of a driver."""
    args, _ = form.bound(given, named)
    return (list(args[0]) if _in_a_tuple(form, f, args) else args), named


def _in_a_tuple(form: Form, f: Function, args: Sequence[Any]) -> bool:
    """Whether a driver got the arguments of f as one tuple."""
    own = bool(form.own and args) and isinstance(args[0], tuple)
    return own and _are_arguments(f, args[0])


def _are_arguments(f: Function, x: tuple[Any, ...]) -> bool:
    """Whether a tuple holds the arguments of f; else it is a point: of numbers, one array.

    It does unless it is of several plain numbers and f takes one argument, or not so many.
    """
    if hasattr(x, "_fields"):
        return False
    if len(x) == 1 or not trees.is_array(x):
        return True
    g = inspect.unwrap(f)
    if isinstance(g, np.ufunc):  # which may take `out`, too
        return bool(g.nin == len(x))
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return False
    kind = inspect.Parameter
    places = [p for p in parameters if p.kind in (kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD)]
    fewest = sum(p.default is EMPTY for p in places)
    if any(p.kind is kind.VAR_POSITIONAL for p in parameters):
        return fewest <= len(x)
    return len(places) > 1 and fewest <= len(x) <= len(places)


class OfSeveral:
    """A driver of a function of several arrays, by those of them that vary."""

    def __init__(self, form: Form, vary: tuple[int, ...], count: int) -> None:
        self.form, self.vary, self.count = form, vary, count
        self.__name__ = form.g.__name__

    def one(self, f: Function, *z: Any) -> Any:
        """Return the driver's results as one tuple, by the machine code of f if it has some."""
        return answered(self.form.recorded, self, f, z)

    def __call__(self, f: Function, *z: Any) -> Any:
        form, vary = self.form, self.vary
        leaves, rest = list(z[: self.count]), iter(z[self.count :])
        at = [leaves[i] for i in vary]
        vector, apart = trees.as_one(at)

        def of_one(x: Any) -> Any:
            inside = list(leaves)
            for i, part in zip(vary, apart(x), strict=True):
                inside[i] = part
            return f(*inside)

        own = []
        for p in form.own:
            if p.name in form.along and len(at) > 1:
                parts = [np.broadcast_to(next(rest), np.shape(x)) for x in at]
                own.append(trees.joined(parts)[0])
            else:
                own.append(next(rest))
        found = form.g(of_one, vector, *own)
        if len(at) == 1:
            return form.narrowed(found, at[0], *own)
        many = found if len(form.axes) > 1 else (found,)
        blocks: list[Any] = []
        for y, axes in zip(many, axes_of(form, own), strict=True):
            blocks += _blocks(y, axes, at)
        return tuple(blocks)


@functools.lru_cache(maxsize=1024)
def of_several(form: Form, vary: tuple[int, ...], count: int) -> OfSeveral:
    """Return a driver as one of a function of so many arrays: one object, kept."""
    return OfSeveral(form, vary, count)


def axes_of(form: Form, own: Sequence[Any]) -> list[int]:
    """Return how many axes of each result run over the point."""
    names = [p.name for p in form.own]
    return [own[names.index(a)] if isinstance(a, str) else a for a in form.axes]


def _blocks(y: Any, axes: int, at: Sequence[Any]) -> Iterator[Any]:
    """Yield the parts of a result for each choice of leaves along its last axes."""
    if axes == 0:
        yield y
        return
    shapes = [np.shape(x) for x in at]
    ends = list(itertools.accumulate((int(np.prod(s)) for s in shapes), initial=0))
    first = np.shape(y)[: np.ndim(y) - axes]
    for which in itertools.product(range(len(at)), repeat=axes):
        part = y[(..., *(slice(ends[i], ends[i + 1]) for i in which))]
        shape = sum((shapes[i] for i in which), first)
        yield _as_leaf(part.reshape(shape)[()], [at[i] for i in which])


def _as_leaf(y: Any, at: Sequence[Any]) -> Any:
    """Return a derivative in the type of its leaves, as they were before they were one vector."""
    if isinstance(y, Operand) or not all(hasattr(x, "dtype") for x in (y, *at)):
        return y
    kind = np.result_type(*(x.dtype for x in at))
    if kind.kind == "f" and y.dtype.kind == "c":
        kind = np.result_type(kind, np.complex64)
    narrower = kind.kind in "fc" and kind.kind == y.dtype.kind and kind.itemsize < y.dtype.itemsize
    return y.astype(kind) if narrower else y


def _shaped(form: Form, found: Any, structure: Any, count: int, own: Sequence[Any]) -> Any:
    """Return the results of a driver in the form of its point: along each axis a tree."""
    if structure is trees.LEAF:
        return found
    if form.axes == (1,):  # the usual case
        return trees.build(structure, iter([found] if count == 1 else found))
    parts = iter([found] if count == 1 and len(form.axes) == 1 else found)

    def tree(axes: int) -> Any:
        if axes < 2:
            return trees.build(structure, parts) if axes else next(parts)
        return trees.build(structure, iter([tree(axes - 1) for _ in range(count)]))

    answers = [tree(axes) for axes in axes_of(form, own)]
    return answers[0] if len(answers) == 1 else tuple(answers)
