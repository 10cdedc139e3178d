"""What the ufuncs of scipy.special mean for values of the package: scipy.special.gammainc(a, t)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taylor.core import functions as f
from taylor.core.binding import SCIPY
from taylor.core.powers import integer_valued
from taylor.errors import DomainError, NotHolomorphic
from taylor.numbers.kinds import ValueSet, base, is_operand
from taylor.numbers.policy import current_policy, policy
from taylor.scipy import classical as classical
from taylor.scipy import probability as probability
from taylor.scipy.analytic import Analytic, partial
from taylor.scipy.formulas import FORMULAS
from taylor.scipy.rows import FRESNEL_C, FRESNEL_S, ROWS
from taylor.scipy.waves import WAVES

Handler = Callable[..., Any]


def _bessel(name: str, row: Callable[[int, Any], Any]) -> Handler:
    """Return a Bessel function: rows of the table for integer orders, else by its formula."""

    def call(v: Any, x: Any) -> Any:
        plain = not is_operand(v) and np.ndim(v) == 0 and integer_valued(v)
        return row(v, x) if plain and abs(v) < 50 else FORMULAS[name](v, x)

    return call


def _real(name: str, of: Handler) -> Handler:
    """Return a function with a factor exp(-|Im z|), which is one for real arguments only."""

    def call(v: Any, z: Any) -> Any:
        if np.iscomplexobj(getattr(z, "value", z)):
            raise NotHolomorphic(
                f"scipy.special.{name} of a complex value is not holomorphic: it has the factor "
                "exp(-|Im z|) or exp(-|Re z|); use the function without it"
            )
        return of(v, z)

    return call


def _scaled(name: str, n: int | None) -> Handler:
    """Return exp(-|x|)·I_n(x), which has a kink at zero; an order None comes with the argument."""

    def call(*args: Any) -> Any:
        v, x = (n, *args) if n is not None else args
        whole = not is_operand(v) and np.ndim(v) == 0 and integer_valued(v)
        at = base(x)
        if not whole or abs(v) >= 50 or isinstance(at, ValueSet) or not np.any(np.equal(at, 0)):
            return FORMULAS[name](*args)
        order = abs(int(v))
        over = FORMULAS["ive_over_power"](order, f.absolute(x))
        return over * x**order if order else over

    return call


def with_slope(g: Analytic, *x: Any) -> tuple[Any, Any]:
    """Return a function and its derivative in the last argument."""
    count = len(g.names)
    args = tuple(g._held(n, v) if n in g.fixed else v for n, v in zip(g.names, x, strict=True))
    return g(*x), partial(g, (*(0,) * (count - 1), 1))(*args)


def _together(*parts: Handler) -> Handler:
    """Return a function of several values: where some have no expansion, nan, as in arrays.

    So the others have theirs, as Shi has at zero, where Chi has a pole.
    """

    def call(*x: Any) -> tuple[Any, ...]:
        found, missed = [], []
        for part in parts:
            try:
                found.append(part(*x))
            except DomainError as error:
                missed.append(error)
                if len(missed) == len(parts) or current_policy().singular == "raise":
                    raise
                with policy(singular="propagate", kink=current_policy().kink):
                    found.append(part(*x))
        return tuple(found)

    return call


def _of_parts(*names: str) -> Handler:
    return _together(*(FORMULAS[name] for name in names))


def _of_size(g: Handler) -> Handler:
    """Return g of the size of real numbers."""
    return lambda x: g(x if np.iscomplexobj(base(x)) else f.absolute(x))


def _kelvin(x: Any) -> tuple[Any, ...]:
    be, ke, bep, kep = (
        (SCIPY[a](x), SCIPY[b](x))
        for a, b in (("ber", "bei"), ("ker", "kei"), ("berp", "beip"), ("kerp", "keip"))
    )
    return tuple(re + 1j * im for re, im in (be, ke, bep, kep))


def _slope(name: str) -> Handler:
    return lambda x: with_slope(FORMULAS[name], x)[1]


def _pair(name: str) -> Handler:
    return lambda v, x: with_slope(FORMULAS[name], v, x)


SCIPY.update(FORMULAS)
SCIPY.update(ROWS)
SCIPY.update(
    {name: lambda *x, pair=pair: tuple(g(*x) for g in pair) for name, pair in WAVES.items()}
)
SCIPY.update({
    "jv": _bessel("jv", f.jv),
    "jn": _bessel("jv", f.jv),
    "yv": _bessel("yv", f.yv),
    "iv": _bessel("iv", f.iv),
    "jve": _real("jve", _bessel("jv", f.jv)),
    "yve": _real("yve", _bessel("yv", f.yv)),
    "ive": _real("ive", _scaled("ive", None)),
    "i0e": _scaled("i0e", 0),
    "i1e": _scaled("i1e", 1),
    "airy": _together(f.airyai, f.airyaip, f.airybi, f.airybip),
    "airye": _of_parts("eai", "eaip", "ebi", "ebip"),
    "itairy": _of_parts("itai", "itbi", "itain", "itbin"),
    "itj0y0": _of_parts("itj0", "ity0"),
    "iti0k0": _of_parts("iti0", "itk0"),
    "it2j0y0": _of_parts("it2j0", "it2y0"),
    "it2i0k0": _of_parts("it2i0", "it2k0"),
    "modfresnelp": _of_parts("modfresnelp_f", "modfresnelp_k"),
    "modfresnelm": _of_parts("modfresnelm_f", "modfresnelm_k"),
    "ellipj": _of_parts("sn", "cn", "dn", "am"),
    "fresnel": _together(FRESNEL_S, FRESNEL_C),
    "shichi": _together(FORMULAS["shi"], _of_size(FORMULAS["chi"])),
    "sici": _together(f.si, f.ci),
    "exprel": f.exprel,
    "kelvin": _kelvin,
    **{f"{name}p": _slope(name) for name in ("ber", "bei", "ker", "kei")},
    **{name: _pair(name) for name in ("pbdv", "pbvv", "pbwa")},
    "nrdtrimn": lambda p, std, x: x - std * ROWS["ndtri"](p),
    "nrdtrisd": lambda mn, p, x: (x - mn) / ROWS["ndtri"](p),
    "round": f.rint,
})  # fmt: skip
