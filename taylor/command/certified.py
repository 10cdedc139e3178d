"""Digits that are proven: balls of flint, with as many bits as it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from taylor.numbers.ball_values import at
from taylor.numbers.kinds import of_type

DIGITS = 15  # if none are asked for
MORE = (10, 40, 200, 1000)  # digits that are tried beside those


def is_ball(x: Any) -> bool:
    """Whether x is a ball of flint."""
    return type(x).__name__ == "arb" and of_type(type(x)) is not None


def convert(text: str) -> Any:
    """Return a ball around a literal or a constant."""
    from flint import arb

    if text in ("pi", "e"):
        return arb.pi() if text == "pi" else arb(1).exp()
    if text[:2].lower() in ("0x", "0o", "0b"):
        return arb(int(text, 0))
    return arb(text.replace("_", ""))


def run(digits: int | None, compute: Callable[[int], tuple[list[Any], str]]) -> str:
    """Return the text for the fewest bits with which all numbers have those digits.

    Numbers that have not even with the most are printed with the digits they have, and a bound.
    """
    try:
        import flint
    except ImportError:
        raise ValueError(
            "--verified needs python-flint: pip install 'taylor-arithmetic[verified]'"
        ) from None
    assert flint
    wanted, text = digits or DIGITS, ""
    for more in MORE:
        with at(bits=int((wanted + more) * 3.33)):
            found, text = compute(wanted)
            if all(has(c, wanted) for c in found):
                break
    return text


def has(c: Any, digits: int) -> bool:
    """Whether a number is known to so many digits."""
    return not is_ball(c) or bool(c.is_exact()) or c.rel_accuracy_bits() > 3.33 * digits


def shown(c: Any, digits: int | None) -> str:
    """Return a ball in digits that are proven, but for one unit of the last; or with a bound."""
    digits = digits or DIGITS
    return str(c.str(digits, radius=not has(c, digits)))
