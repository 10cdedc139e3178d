"""The command `python -m taylor "exp(sin(x))" --at 0.5 --order 10`."""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from typing import Any

import numpy as np

import taylor
from taylor.command import certified
from taylor.command.effort import Effort, coefficients
from taylor.command.expression import CONSTANTS, Convert, Expression, parse
from taylor.series.multivariate import TaylorN
from taylor.series.univariate import Taylor

EXPONENT = 10_000  # of ten, in a literal that is kept exactly or to many digits
WRITTEN = 14_000  # bits of an integer that Python writes in decimal digits


class NotFinite(ArithmeticError):
    """The result is not a real number, or too large for one."""


def number(digits: int | None, exact: bool) -> Convert:
    """Return the conversion of literals and constants for the precision asked for."""
    if digits is not None:
        from mpmath import mp  # takes longer to import than most commands

    def convert(text: str) -> Any:
        if text in CONSTANTS:
            if exact:
                raise TypeError(f"{text} is not rational; leave --exact out, or use --digits")
            if digits is not None:
                return +mp.pi if text == "pi" else mp.e()
            return {"pi": math.pi, "e": math.e}[text]
        if text[:2].lower() in ("0x", "0o", "0b"):
            text = str(int(text, 0))
        mantissa, _, exponent = text.lower().replace("_", "").partition("e")
        if exact or digits is not None:
            if len(exponent) > 6 or abs(int(exponent or 0)) > EXPONENT:
                raise ValueError(f"the exponent of {text} is beyond {EXPONENT}")
            return Fraction(text) if exact else mp.mpf(text)
        if mantissa.isdigit() and not exponent:
            return int(mantissa)
        x = float(text)
        if math.isinf(x) or (x == 0 and mantissa.strip("0.")):
            raise ValueError(f"{text} is no double: use --digits")
        return x

    return convert


def points(
    text: str, names: tuple[str, ...], digits: int | None, exact: bool, convert: Convert
) -> list[Any]:
    """Return the value of every variable out of "0.5", "1,pi/4" or "x=1,y=1/3"."""
    given: dict[str, str] = {}
    for i, part in enumerate(separated(text)):
        name, equals, value = part.rpartition("=")
        if not equals and i >= len(names):
            raise ValueError(
                f"--at gives {i + 1} values, the variables are {', '.join(names) or 'none'}"
            )
        key = name.strip() if equals else names[i]
        if key not in names:
            raise ValueError(f"--at names {key!r}, the variables are {', '.join(names) or 'none'}")
        given[key] = value.strip()
    missing = [n for n in names if n not in given]
    if missing:
        raise ValueError(
            f"--at gives no value for {', '.join(missing)}: write --at {missing[0]}=0.5"
        )
    effort = Effort(0, 0, digits, exact)
    return [point(n, given[n], convert, effort) for n in names]


def separated(text: str) -> list[str]:
    """Return the parts of a text between its commas, but for those in parentheses."""
    parts, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and not depth:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def point(name: str, text: str, convert: Convert, effort: Effort) -> Any:
    """Return the value of one variable, a number or an expression of numbers."""
    try:
        f = parse(text)
    except ValueError as error:
        raise ValueError(f"{name}={text[:60]!r} is not a number: {error}") from None
    if f.variables:
        raise ValueError(f"{name}={text!r} is not a number (0.5, 1e-3, 1/3, pi/4 or sqrt(2))")
    x = evaluated(f, [], convert, effort)
    return x if effort.exact or effort.digits is not None else float(x)


def evaluated(f: Expression, x: list[Any], convert: Convert, effort: Effort) -> Any:
    """Return the value of an expression; raises NotFinite where it is no real number."""
    wrong: list[str] = []

    def after(text: str, y: Any) -> None:
        if not wrong and not all(map(finite, coefficients(y))):
            wrong.append(text.replace("**", "^"))

    y = f(*x, convert=convert, before=effort.before, after=after)
    if not all(map(finite, coefficients(y))):
        raise NotFinite(f"{wrong[0]} is no real number here, or is too large for one")
    return y


def finite(c: Any) -> bool:
    """Whether a number is real and finite."""
    if isinstance(c, (int, Fraction)):
        return True
    if certified.is_ball(c):
        return bool(c.is_finite())
    if hasattr(c, "context"):
        return not isinstance(c, c.context.mpc) and bool(c.context.isfinite(c))
    return not isinstance(c, (complex, np.complexfloating)) and math.isfinite(c)


def show(c: Any, digits: int | None) -> str:
    """Return one number as the command prints it."""
    if certified.is_ball(c):
        return certified.shown(c, digits)
    if digits is not None and hasattr(c, "context"):
        return str(c.context.nstr(c, digits))
    if isinstance(c, (int, Fraction)) and max(map(abs, c.as_integer_ratio())) >> WRITTEN:
        raise ValueError("the result has more than 4000 digits: leave --exact out, or use --digits")
    return str(c) if isinstance(c, (int, Fraction)) else repr(float(c))


def plain(c: Any, digits: int | None) -> Any:
    """Return one number for JSON: a number, or text where JSON's numbers are too short."""
    if digits is not None or isinstance(c, Fraction):
        return show(c, digits)
    return c if isinstance(c, int) and show(c, digits) else float(c)


def univariate(f: Expression, x: list[Any], convert: Convert, effort: Effort) -> dict[str, Any]:
    """Return the coefficients and derivatives of an expression in one variable."""
    order = effort.order
    y = evaluated(f, [Taylor.variable(v, order) for v in x], convert, effort)
    if not isinstance(y, Taylor):
        y = Taylor.constant(y, order)
    return {"coefficients": list(y.coef), "derivatives": list(y.derivatives())}


def multivariate(f: Expression, x: list[Any], convert: Convert, effort: Effort) -> dict[str, Any]:
    """Return value, gradient, Hessian and the partial derivatives of the highest order."""
    order = effort.order
    variables = TaylorN.variables(x, order)
    y = evaluated(f, list(variables), convert, effort)
    y = y if isinstance(y, TaylorN) else variables[0] * 0 + y
    top = y.algebra.exponents[y.algebra.part(order)]
    partials = {tuple(map(int, a)): y.partial(a) for a in top} if order >= 3 else {}
    return {
        "value": y.value,
        "gradient": list(y.gradient()),
        "hessian": [list(row) for row in y.hessian()],
        "partials": {a: c for a, c in partials.items() if c != 0},
    }


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned columns."""
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.rjust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
    )


def report(result: dict[str, Any], names: tuple[str, ...], digits: int | None) -> str:
    """Return a result as text."""
    if "coefficients" in result:
        pairs = zip(result["coefficients"], result["derivatives"], strict=True)
        body = [[str(k), show(c, digits), show(d, digits)] for k, (c, d) in enumerate(pairs)]
        return table([["k", "Taylor coefficient", "derivative"], *body])
    lines = [f"value     {show(result['value'], digits)}", "", "gradient"]
    lines.append(
        table([[n, show(c, digits)] for n, c in zip(names, result["gradient"], strict=True)])
    )
    lines += ["", "Hessian"]
    rows = zip(names, result["hessian"], strict=True)
    lines.append(table([["", *names], *([n, *(show(c, digits) for c in row)] for n, row in rows)]))
    if result["partials"]:
        listing = [[str(a), show(c, digits)] for a, c in result["partials"].items()]
        lines += ["", f"partial derivatives in {', '.join(names)}, by multi-index", table(listing)]
    return "\n".join(lines)


def as_json(f: Expression, x: list[Any], result: dict[str, Any], digits: int | None) -> str:
    """Return a result as one JSON object."""
    import json

    def walk(v: Any) -> Any:
        if isinstance(v, dict):
            return {
                ",".join(map(str, k)) if isinstance(k, tuple) else k: walk(c) for k, c in v.items()
            }
        return [walk(c) for c in v] if isinstance(v, list) else plain(v, digits)

    at = {n: plain(v, digits) for n, v in zip(f.variables, x, strict=True)}
    return json.dumps({"expression": f.text, "at": at, **walk(result)})


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    p = argparse.ArgumentParser(
        prog="python -m taylor",
        description="Taylor coefficients and derivatives of an expression; alone: a short tour.",
        epilog='example: python -m taylor "x^2*y + sin(x*y)" --at x=1,y=2 --order 3',
    )
    p.add_argument("expression", nargs="?", help="for example exp(sin(x)); ^ and ** are powers")
    p.add_argument("--at", default="0", help="the point: 0.5, pi/4, or x=1,y=1/3 (default 0)")
    p.add_argument("--order", type=int, default=4, help="highest derivative (default 4)")
    p.add_argument("--digits", type=int, help="compute with that many decimal digits")
    p.add_argument(
        "--verified", action="store_true", help="print only digits that are proven (python-flint)"
    )
    p.add_argument("--exact", action="store_true", help="compute with fractions")
    p.add_argument("--json", action="store_true", help="print one JSON object")
    p.add_argument("--clear-cache", action="store_true", help="remove compiled code from the disk")
    p.add_argument("--version", action="version", version=f"taylor-arithmetic {taylor.__version__}")
    return p


def run(options: argparse.Namespace) -> str:
    """Return what the command prints for its options."""
    if options.digits is not None and options.digits < 1:
        raise ValueError(f"--digits must be at least 1, not {options.digits}")
    if options.order < 0:
        raise ValueError(f"--order must be >= 0, not {options.order}")
    if options.verified and options.exact:
        raise ValueError("--exact is without rounding already: leave --verified out")
    f = parse(options.expression)
    one = len(f.variables) < 2
    order = options.order if one else max(options.order, 2)
    effort = Effort(order, len(f.variables), options.digits, options.exact)
    at = ",".join(["0"] * len(f.variables)) if options.at == "0" else options.at
    if options.verified:
        return certified.run(
            options.digits, lambda digits: _verified(f, at, order, digits, options)
        )
    convert = number(options.digits, options.exact)
    precise: AbstractContextManager[Any] = nullcontext()
    if options.digits is not None:
        from mpmath import mp

        precise = mp.workdps(options.digits + 10)
    with precise, np.errstate(all="ignore"):
        x = points(at, f.variables, options.digits, options.exact, convert) if f.variables else []
        result = (univariate if one else multivariate)(f, x, convert, effort)
        if options.json:
            return as_json(f, x, result, options.digits)
        return report(result, f.variables, options.digits)


def _verified(
    f: Expression, at: str, order: int, digits: int, options: argparse.Namespace
) -> tuple[list[Any], str]:
    """Return the numbers that balls give, and the text that says so."""
    effort, one = Effort(order, len(f.variables), digits, False), len(f.variables) < 2
    x = points(at, f.variables, digits, False, certified.convert) if f.variables else []
    result = (univariate if one else multivariate)(f, x, certified.convert, effort)
    found = [c for v in result.values() for c in np.ravel(np.array(v, dtype=object)).tolist()]
    text = as_json(f, x, result, digits) if options.json else report(result, f.variables, digits)
    return found, text


def clear_cache() -> int:
    """Remove the compiled objects from the disk, and say where and how many."""
    from taylor.llvm import store

    try:
        count = store.clear()
    except (store.Unsafe, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    place = store.folder()
    objects = "1 object" if count == 1 else f"{count} objects"
    print(f"removed {objects} from {place}" if place else "the cache is switched off")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status.

    1: the result is not a real number, or not finite; 2: an error that the user can mend.
    """
    options = parser().parse_args(argv)
    if options.clear_cache:
        return clear_cache()
    if options.expression is None:
        from taylor.command import tour

        tour.main()
        return 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            print(run(options))
    except (ValueError, TypeError, ArithmeticError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if isinstance(error, NotFinite) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
