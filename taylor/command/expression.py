"""Safe parsing of mathematical expressions: numbers, operators, variables, names of the table."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from taylor.arrays.reductions import logsumexp
from taylor.core import functions
from taylor.core.table import TABLE

Convert = Callable[[str], Any]
Before = Callable[[str, Sequence[Any]], None]
After = Callable[[str, Any], None]
MAX_LENGTH = 10_000
MAX_DEPTH = 100

OPERATORS: dict[type[ast.AST], tuple[str, Callable[..., Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.Pow: ("^", functions.power),
    ast.Mod: ("%", functions.mod),
    ast.USub: ("-", operator.neg),
    ast.UAdd: ("+", operator.pos),
}
NUMPY = {row.ufunc.__name__: row for row in TABLE.values() if row.ufunc is not None}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: row for name, row in NUMPY.items() if name.startswith("arc")},
    **TABLE,
    "ln": functions.log,
    "pow": functions.power,
    "max": functions.maximum,
    "min": functions.minimum,
    "expint": functions.expint,
    "jv": functions.jv,
    "yv": functions.yv,
    "iv": functions.iv,
    "logsumexp": lambda *x: logsumexp(list(x)),
}
CONSTANTS = ("pi", "e")


def ignore(what: str, values: Any) -> None:
    """Do nothing with an operation or its result."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression; call it with the values of its variables.

    `convert` makes a number out of the text of a literal and out of the names pi and e, so that 0.1
    and pi have the precision of the computation.  `before` is called with the name of every
    operation and its operands, `after` with the text of what was computed and its value.
    """

    text: str
    variables: tuple[str, ...]
    tree: ast.expr

    def __call__(
        self, *values: Any, convert: Convert, before: Before = ignore, after: After = ignore
    ) -> Any:
        if len(values) != len(self.variables):
            raise TypeError(f"{self.text} has the variables {', '.join(self.variables)}")
        names = dict(zip(self.variables, values, strict=True))

        def value(node: ast.expr) -> Any:
            if isinstance(node, ast.Constant):
                return convert(self.source(node))
            if isinstance(node, ast.Name):
                return names[node.id] if node.id in names else convert(node.id)
            name, f, nodes = _operation(node)
            args = [value(n) for n in nodes]
            before(name, args)
            try:
                y = f(*args)
            except TypeError as error:
                if "argument" not in str(error):
                    raise
                raise ValueError(f"{name} does not take {len(args)} argument(s)") from None
            after(self.source(node), y)
            return y

        return value(self.tree)

    def source(self, node: ast.expr) -> str:
        """Return the text of a part of the expression."""
        return self.text.encode()[node.col_offset : node.end_col_offset].decode()


def _operation(node: ast.expr) -> tuple[str, Callable[..., Any], list[ast.expr]]:
    """Return the name, the function and the operands of an operation."""
    if isinstance(node, ast.BinOp):
        return *OPERATORS[type(node.op)], [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        return *OPERATORS[type(node.op)], [node.operand]
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return node.func.id, FUNCTIONS[node.func.id], node.args


def parse(text: str) -> Expression:
    """Return the expression a text stands for; ^ and ** both mean a power.

    Raises ValueError, with the place, for anything that is not arithmetic.

    >>> parse("exp(-x^2) * y").variables
    ('x', 'y')
    >>> parse("sni(x)")
    Traceback (most recent call last):
    ValueError: unknown function 'sni' at column 1; did you mean 'si' or 'sin'?
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the expression has {len(text)} characters, more than {MAX_LENGTH}")
    source = " ".join(text.replace("^", "**").split())
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as error:
        place, reason = getattr(error, "offset", None), getattr(error, "msg", "nested too deeply")
        where = f" at column {place}" if place else ""
        raise ValueError(f"cannot read {text[:60]!r}{where}: {reason}") from None
    variables: dict[str, None] = {}
    _check(tree, variables, 0)
    return Expression(source, tuple(variables), tree)


def _check(node: ast.expr, variables: dict[str, None], depth: int) -> None:
    """Raise ValueError unless the tree is arithmetic; collect its free names in order."""
    if depth > MAX_DEPTH:
        raise ValueError(f"the expression is nested deeper than {MAX_DEPTH} levels")
    place = f"at column {node.col_offset + 1}"
    if isinstance(node, ast.Constant):
        if type(node.value) not in (int, float):
            raise ValueError(f"{node.value!r} {place} is not a real number")
    elif isinstance(node, ast.Name):
        if node.id in FUNCTIONS:
            raise ValueError(f"{node.id!r} {place} is a function: write {node.id}(...)")
        if node.id.startswith("_"):
            raise ValueError(f"{node.id!r} {place} is no name for a variable")
        if node.id not in CONSTANTS:
            variables[node.id] = None
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        _check(node.left, variables, depth + 1)
        _check(node.right, variables, depth + 1)
    elif isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        _check(node.operand, variables, depth + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id not in FUNCTIONS:
            raise ValueError(f"unknown function {node.func.id!r} {place}{_hint(node.func.id)}")
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise ValueError(f"{node.func.id} {place} takes plain arguments only")
        for argument in node.args:
            _check(argument, variables, depth + 1)
    else:
        raise ValueError(
            f"{type(node).__name__} {place} is not arithmetic: use numbers, + - * / ^, variables "
            "and functions of the table"
        )


def _hint(name: str) -> str:
    import difflib

    close = [repr(n) for n in difflib.get_close_matches(name, FUNCTIONS, 3)]
    if not close:
        return "; the functions are listed in docs/functions.md"
    return f"; did you mean {', '.join(close[:-1])}{' or ' if close[1:] else ''}{close[-1]}?"
