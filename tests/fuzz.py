"""Random programs as source text, and their exact derivatives from plain evaluation in mpmath.

`python tests/fuzz.py 0 5000` compares all modes on the programs of these seeds and prints the
source of every one that disagrees.  A program is ordinary NumPy code: operations on arrays, shapes,
reductions with keywords, branches, loops, integer and boolean data, writing in place.  Its
derivatives are differences of its plain values at 60 digits more than they need, so nothing of the
rules of differentiation is used on the side of the oracle.
"""

import re
import sys
import traceback
from fractions import Fraction

import mpmath
import numpy as np
from mpmath import mp

import hyperdual
import taylor
from taylor import NonAnalyticError, Taylor, TaylorN

DIGITS = 100
STEP = mpmath.mpf(10) ** -20
KINDS = ("float", "complex", "float32", "mpf", "interval", "fraction")

SMOOTH = (
    "F.sin({a})", "F.cos({a})", "F.tanh({a})", "F.exp(-{a} * {a})", "F.arctan({a})",
    "F.sqrt(1.5 + {a} * {a})", "F.log(2 + {a} * {a})", "F.arcsinh({a})", "F.log1p({a} * {a})",
    "F.cosh(F.sin({a}))", "F.square({a})", "F.expm1(-{a} * {a})", "F.reciprocal(3 + {a} * {a})",
    "{a} ** 3", "{a} ** 2", "(2 + {a} * {a}) ** 0.5", "(2 + {a} * {a}) ** -1.5", "-{a}",
    "{a} / 7", "3 * {a}", "{a} * True", "1 - {a}", "2 / (3 + {a} * {a})", "{a} * 0.25 + 1",
)  # fmt: skip
REAL = (
    "abs({a})", "F.maximum({a}, {c})", "F.minimum({a}, 0.3)", "F.erf({a})", "F.sigmoid({a})",
    "np.where({a} > {c}, {a}, -0.5 * {a})", "({a} > {c}) * {a}", "np.clip({a}, -0.4, 0.6)",
    "F.softplus({a})", "F.arctan2({a}, 2.0)", "F.hypot({a}, 1.0)", "{a} % 2", "F.sign({a}) * {a}",
    "F.lgamma(2.5 + {a} * {a})", "F.ndtr({a})", "F.logaddexp({a}, 0.2)", "F.cbrt(1 + {a} * {a})",
)  # fmt: skip
BINARY = (
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / (2 + {b} * {b})", "0.5 * {a} * {b} + {a}",
)  # fmt: skip
BINARY_REAL = ("F.maximum({a}, {b})", "F.hypot({a}, 1 + {b} * {b})", "F.arctan2({a}, 2 + {b} ** 2)")
ARRAY = (
    "{a}[1:]", "{a}[::-1]", "{a}[-1]", "{a}.T", "{a}.reshape(-1)", "np.ravel({a}) * 2",
    "np.roll({a}, 1)", "np.concatenate([{a}, {a}])", "np.stack([{a}, 2 * {a}])", "{a}[None]",
    "np.take({a}, [0, 0, -1], axis=0)", "{a}[[0, -1]]", "np.repeat({a}, 2, axis=0)",
    "np.tile({a}, 2)", "np.flip({a})", "np.diff(np.concatenate([{a}, {a} * {a}]), axis=0)",
    "np.pad({a}, 1)", "np.expand_dims({a}, -1)", "np.swapaxes({a}[None], 0, -1)",
    "np.sum({a}, axis=0)", "np.sum({a}, axis=-1, keepdims=True)", "np.mean({a}, axis=0)",
    "{a}.sum()", "{a}.mean()", "np.cumsum({a}, axis=0)", "np.prod({a} * 0.5 + 1, axis=0)",
    "np.average({a}, axis=0, weights=np.arange(1.0, 1.0 + len({a})))",
    "np.sum({a}, initial=2.0)", "np.hstack([{a}, {a}])", "np.vstack([{a}, {a}])",
    "np.tensordot({a}, {a}, axes=0) * 0.1", "np.trapezoid({a}, axis=0)",
    "np.concatenate([{a}, np.ones({a}.shape, dtype=int)])",
    "np.broadcast_to({a}, (2, *{a}.shape))", "np.trace(np.outer({a}, {a}))",
    "np.outer({a}, {a}) * 0.3", "np.dot({a}.reshape(-1), {a}.reshape(-1)) * 0.2",
    "np.einsum('...i,...i->...', {a}, {a}) * 0.2", "{a} @ {a}.T * 0.2",
    "np.sum({a}, where=np.arange({a}.shape[-1]) % 2 == 0)",
    "np.array([1, 2]) @ np.stack([{a}, {a}])",
    "np.delete({a}, 0, axis=0)", "np.append({a}, 0.5)", "np.moveaxis({a}[None], 0, -1)",
)  # fmt: skip
ARRAY_REAL = (
    "np.max({a}, axis=0)", "np.min({a})", "np.sort({a}, axis=0)", "{a}[{a} > -9]", "np.ptp({a})",
    "np.sum({a}, where={a} > {c})", "{a}[np.argmax({a}, axis=0)] if {a}.ndim == 1 else {a}",
    "np.median({a}, axis=0)", "np.maximum.reduce({a})",
)  # fmt: skip
BLOCKS = (
    "{y} = {a} * 1.0\n{y}[0] = {y}[-1] * {c}",
    "{y} = {a} * 1.0\n{y}[1:] += {c}",
    "{y} = {a} * 1.0\n{y} *= {a}",
    "{y} = {a} * 1.0\nw = {y}[::-1]\nw *= 0.5\nw[0] = 2 * w[-1]",
    "{y} = {a} * 1.0\nfor r in {y}.reshape(len({y}), -1):\n    r -= r.sum() / 7",
    "{y} = {a} * 1.0\n{y}[0], {y}[-1] = {y}[-1], {y}[0]",
    "{y} = {a} * 1.0\nnp.multiply({y}, {a}, out={y})",
    "{y} = {a} * 1.0\n{y}[[0, -1]] = {y}[[-1, 0]] * 0.5",
    "{y} = np.zeros_like({a})\n{y}[...] = {a} * {a}",
    "{y} = {a} * 1.0\ns = {y}[0]\n{y}[0] = 3.0\n{y}[-1] = {y}[-1] + s",
    "{y} = {a} * 1.0\n{y}.T[0] -= {c}",
    "{y} = [v * v for v in {a}]\n{y} = np.stack({y})",
    "{y} = {a}\nfor k in range(3):\n    {y} = {y} * 0.5 + F.sin({y}) / (k + 1)",
    "{y} = {a} * 1.0\n{y}.ravel()[0] = {c}",
)  # fmt: skip
BLOCKS_REAL = (
    "{y} = {a} * 2 if {a}.reshape(-1)[0] > {c} else {a} - 0.1",
    "{y} = {a} * 1.0\n{y}[{y} > {c}] = 0.25",
    "{y} = {a} * 1.0\n{y}[{y} > {c}] *= -1",
    "{y} = {a} if ({a} > {c}).any() else -{a}",
    "{y} = ({a} > {c}).sum() * {a}",
    "{y} = np.mean({a} > {c}) * {a}",
)


class Plain:
    """The functions by NumPy's names where NumPy has them, taylor's otherwise."""

    def __getattr__(self, name):
        return getattr(np, name, None) or getattr(taylor, name)


class Exact:
    """The functions of taylor, which take arrays of mpmath's numbers."""

    def __getattr__(self, name):
        return getattr(taylor, ALIASES.get(name, name))


ALIASES = {"arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh"}


def source(seed, kind):
    """Return the text of a random program f(x) for numbers of that kind, and its point."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    real = kind in ("float", "float32", "mpf")
    shape = [(3,), (4,), (2,), (2, 3), (3, 2), (1,), (5,)][rng.integers(7)]
    x = np.round(rng.normal(size=shape) * 0.8, 3)
    if kind == "complex":
        x = x + 1j * np.round(rng.normal(size=shape) * 0.5, 3)
    one = SMOOTH + (REAL if real else ())
    two = BINARY + (BINARY_REAL if real else ())
    many = ARRAY + (ARRAY_REAL if real else ())
    blocks = BLOCKS + (BLOCKS_REAL if real else ())
    if kind == "fraction":
        one = tuple(s for s in one if "F." not in s and " ** 0.5" not in s and "1.5" not in s)
    if kind in ("fraction", "interval"):
        blocks = tuple(s for s in blocks if "F." not in s)
    if kind == "interval":
        one = tuple(s for s in one if "F." not in s or any(k in s for k in INTERVAL))
    values, lines = {"x": x}, []
    pick = lambda options: options[rng.integers(len(options))]
    for _ in range(60):
        if len(lines) == 7:
            break
        names = list(values)
        a = pick(names[-3:])
        b = pick(names)
        y = f"y{len(lines)}"
        c = repr(round(float(rng.normal() * 0.6), 3))
        group = rng.integers(10)
        if group < 3:
            text = f"{y} = {pick(one)}"
        elif group < 5:
            text = f"{y} = {pick(two)}"
        elif group < 8:
            text = f"{y} = {pick(many)}"
        else:
            text = pick(blocks)
        if group >= 5 and values[a].ndim == 0:
            continue
        text = text.format(a=a, b=b, c=c, y=y)
        scope = {"np": np, "F": Plain(), "taylor": taylor, **{n: v + 0 for n, v in values.items()}}
        try:
            with np.errstate(all="ignore"):
                exec(text, scope)
            new = np.asarray(scope[y])
            fits = np.all(np.abs(new) < 50) and 0 < new.size <= 60
        except Exception:
            continue
        if fits and new.dtype.kind in "fc":
            values[y] = new
            lines.append(text)
    used = [n for n in values if n != "x"][-3:] or ["x"]
    total = " + ".join(
        f"np.sum({n} * {n}) * {w}" for n, w in zip(used, (0.25, 0.5, 1), strict=False)
    )
    body = "\n".join([*lines, f"return {total}"])
    text = "def f(x):\n" + "\n".join("    " + line for line in body.split("\n"))
    return text, x


INTERVAL = ("sin", "cos", "exp", "sqrt", "log(", "tanh", "square", "reciprocal")


def build(text, space, number=None):
    """Return the function of a program, its elementary functions looked up in `space`."""
    scope = {"np": np, "F": space, "taylor": taylor, "number": number}
    if number is not None:  # literals as numbers of that type
        text = re.sub(r"\d+\.\d+", r"number('\g<0>')", text)
    if isinstance(space, Exact):  # NumPy's sum of objects has no neutral element
        text = text.replace(", where=", ", initial=0, where=")
    exec(text, scope)
    return scope["f"]


# ------------------------------------------------------------------ the oracle
def exactly(x):
    """Return an array of floats as an array of mpmath's numbers, the same ones."""
    return np.frompyfunc(mp.mpmathify, 1, 1)(np.asarray(x).astype(object))


def along(f, x, v, order=3):
    """Return f^(k)(x + t v)/k! at t = 0, k = 0..order, from plain values at 100 digits."""
    with mp.workdps(DIGITS):
        x, v = exactly(x), exactly(v)
        nodes = range(-2, 3)
        values = [mp.mpmathify(f(x + v * (STEP * j))) for j in nodes]
        inverse = mp.inverse(mp.matrix([[mp.mpf(j) ** k for k in range(5)] for j in nodes]))
        c = inverse * mp.matrix(values)
        return [complex(c[k] / STEP**k) for k in range(order + 1)]


def mixed(f, x, v, w):
    """Return v·H·w from plain values at 100 digits."""
    with mp.workdps(DIGITS):
        x, v, w = exactly(x), exactly(v) * STEP, exactly(w) * STEP
        d = f(x + v + w) - f(x + v - w) - f(x - v + w) + f(x - v - w)
        return complex(d / (4 * STEP**2))


# ------------------------------------------------------------------ all modes of one program
def modes(text, x, kind, deep=True):
    """Yield (mode, got, wanted) for one program."""
    f = build(text, Plain() if kind in ("float", "complex", "float32") else Exact())
    oracle = build(text, Exact())
    rng = np.random.default_rng(1)
    v, w = np.round(rng.normal(size=(2, *x.shape)), 2)
    c = along(oracle, x, v)
    vHw = mixed(oracle, x, v, w)
    if kind == "float32":
        x, v, w = (a.astype(np.float32) for a in (x, v, w))
    if kind == "mpf":
        x = exactly(x)
    if kind == "interval":
        yield from enclosed(f, x, v, w, c, vHw)
        return
    if kind == "fraction":
        yield from rational(build(text, Plain(), Fraction), x, v, w, c, vHw)
        return
    start = np.array(x)
    plain = f(np.array(x))
    yield "value", plain, c[0]
    t = f(Taylor.variable(x, 3, direction=v))
    yield "Taylor", t.coef, c
    kinds = (x.dtype, np.asarray(plain).dtype)
    yield "dtype of Taylor", t.coef.dtype in kinds, True
    y, slope = taylor.jvp(f, x, v)
    yield "jvp", (y, slope), c[:2]
    gradient = taylor.gradient(f, x)
    yield "gradient", np.sum(gradient * v), c[1]
    yield "dtype of gradient", np.asarray(gradient).dtype in kinds, True
    yield "vjp", np.sum(taylor.vjp(f, x, 2.0)[1] * v), 2 * c[1]
    hv = taylor.hvp(f, x, v)
    yield "hvp", np.sum(hv * w), vHw
    yield "the point is untouched", np.array_equal(x, start), True
    if not deep:
        return
    H = taylor.hessian(f, x).reshape(x.size, x.size)
    yield "hessian", v.reshape(-1) @ H @ w.reshape(-1), vHw
    yield "hessian is symmetric", np.array_equal(H, H.T), True
    nested = taylor.gradient(lambda s: taylor.jvp(f, s, v)[1], x)
    yield "gradient of jvp", np.sum(nested * w), vHw
    nested = taylor.jvp(lambda s: taylor.gradient(f, s), x, v)[1]
    yield "jvp of gradient", np.sum(nested * w), vHw
    ts, _ = variables = TaylorN.variables([0.0, 0.0], 2)
    plane = f(x + v * ts + w * variables[1])
    yield "TaylorN", plane.partial((1, 1)), vHw
    dual = hyperdual.hessian(f, x)
    yield "HyperDual", v.reshape(-1) @ np.reshape(dual, (x.size, x.size)) @ w.reshape(-1), vHw
    program = taylor.record(f, x)
    yield "reverse of a program", np.sum(taylor.reverse(program)(x, 1.0)[1] * v), c[1]
    yield "recorded", program(x), c[0]


def compiled(text, x, kind):
    """Yield (mode, got, wanted) for the compiled forms of one program."""
    f, oracle = build(text, Plain()), build(text, Exact())
    rng = np.random.default_rng(1)
    v, w = np.round(rng.normal(size=(2, *x.shape)), 2)
    c, vHw = along(oracle, x, v), mixed(oracle, x, v, w)
    g = taylor.compile(f)
    yield "compiled", g(x), c[0]
    yield "compiled gradient", np.sum(taylor.gradient(g, x) * v), c[1]
    yield "compiled hvp", np.sum(taylor.hvp(g, x, v) * w), vHw
    yield "compiled series", g(Taylor.variable(x, 3, direction=v)).coef, c


def enclosed(f, x, v, w, c, vHw):
    """Yield whether intervals around the point enclose what holds at it."""
    iv = mpmath.iv
    wide = np.frompyfunc(lambda e: iv.mpf([e - 1e-9, e + 1e-9]), 1, 1)(x.astype(object))
    slack = iv.mpf([-1, 1]) * 1e-12  # the oracle's result is a float

    def inside(value, box):
        box = iv.mpf(box) + slack * (1 + abs(value))
        return bool(mp.mpf(box.a) <= value.real <= mp.mpf(box.b))

    t = f(Taylor.variable(wide, 3, direction=v))
    yield "intervals", all(inside(a, b) for a, b in zip(c, t.coef, strict=True)), True
    gradient = taylor.gradient(f, wide)
    yield "intervals, gradient", inside(c[1], np.sum(gradient * v)), True
    H = taylor.hessian(f, wide).reshape(x.size, x.size)
    yield "intervals, Hessian", inside(vHw, v.reshape(-1) @ H @ w.reshape(-1)), True


def rational(f, x, v, w, c, vHw):
    """Yield the derivatives in fractions, and whether they are fractions."""
    x, v, w = (np.vectorize(lambda e: Fraction(str(e)), otypes=[object])(a) for a in (x, v, w))
    t = f(Taylor.variable(x, 3, direction=v))
    yield "fractions", t.coef, c
    gradient = taylor.gradient(f, x)
    yield "fractions, gradient", np.sum(gradient * v), c[1]
    H = taylor.hessian(f, x)
    yield "fractions, Hessian", v.reshape(-1) @ H.reshape(x.size, x.size) @ w.reshape(-1), vHw
    yield "fractions, jvp", taylor.jvp(f, x, v)[1], c[1]
    found = [*t.coef.reshape(-1), *gradient.reshape(-1), *H.reshape(-1)]
    yield "all of them are exact", all(isinstance(e, (int, Fraction)) for e in found), True


def tolerance(kind):
    return 2e-3 if kind == "float32" else 1e-9


def agree(mode, got, wanted, kind):
    """Whether two results are the same; at ties a reversed program, which has no view, has nan."""
    got = np.vectorize(complex, otypes=[complex])(np.array(got, dtype=object))
    if mode == "reverse of a program" and np.isnan(got).all():
        return True
    scale = max(1.0, np.max(np.abs(wanted)))
    return bool(np.all(np.abs(got - wanted) <= tolerance(kind) * scale))


def disagreements(seed, kind, compiling=False):
    """Return what is wrong with the program of a seed, and how much was compared."""
    text, x = source(seed, kind)
    wrong, count = [], 0
    try:
        for mode, got, wanted in (compiled if compiling else modes)(text, x, kind):
            count += 1
            if not agree(mode, got, wanted, kind):
                wrong.append(f"{mode}: {got}, not {np.array(wanted)}")
    except NonAnalyticError:
        pass  # equal copies of one value meet: not every nesting decides such a tie
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        wrong.append(f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})")
    return wrong, count, text, x


def main(first, last, *kinds):
    """Compare the programs of some seeds in all modes and print those that disagree."""
    total = bad = 0
    with np.errstate(all="ignore"):
        for kind in kinds or KINDS:
            for seed in range(first, last):
                wrong, count, text, x = disagreements(seed, kind)
                total += count
                if wrong:
                    bad += 1
                    print(f"# {kind} {seed}: {'; '.join(wrong)}\n{text}\n# x = {x!r}\n", flush=True)
    print(f"{(last - first) * len(kinds or KINDS)} programs, {total} comparisons, {bad} wrong")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
