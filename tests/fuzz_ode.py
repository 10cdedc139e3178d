"""Random initial value problems as source text: is what `solve_ivp` says of its errors true?

`python tests/fuzz_ode.py 0 1000` solves the problems of these seeds, prints the distribution of
true errors by estimated ones, and the source of every problem with a wrong number that was returned
as a success.

A right-hand side is made of elementary functions, roots, kinks, jumps and nearly singular terms.
The true solution comes from the method of Dormand & Prince of order 8 in long double, twice: with
steps for two tolerances, far below those asked for (it knows nothing of branches: there its steps
get short).  What one error may grow to on the way to the end is found by disturbing the solution.
"""

import collections
import re
import sys
import warnings
from typing import NamedTuple

import numpy as np
from scipy.integrate._ivp import dop853_coefficients as dop

from taylor.errors import IntegrationError
from taylor.ode import solve_ivp

LONG = np.longdouble
SMOOTH = (
    "np.sin({a})", "np.cos({a})", "np.tanh({a})", "np.exp(-{a} ** 2)", "np.arctan({a})",
    "np.sqrt(1 + {a} ** 2)", "np.log(2 + {a} ** 2)", "np.arcsinh({a})", "np.log1p({a} ** 2)",
    "np.cosh(np.sin({a}))", "1 / (1 + {a} ** 2)", "{a} ** 2", "np.expm1(-{a} ** 2)",
    "(2 + {a} ** 2) ** -1.5", "np.exp(np.cos({a}))", "{c} * {a}", "{a} / 3", "{a} - {c}",
    "np.cbrt(2 + np.sin({a}))", "np.hypot({a}, 1.5)", "np.arctan2({a}, 2.0)", "1.3 ** np.sin({a})",
)  # fmt: skip
BRANCHES = (
    "abs({a})", "np.maximum({a}, {c})", "np.minimum({a}, {c})", "np.clip({a}, -0.5, 0.5)",
    "np.where({a} > {c}, {a}, {c})", "np.where({a} > {c}, np.sin({a}), -0.3)", "np.sign({a})",
    "np.sqrt({a} ** 2)", "({a} > {c}) * {a}", "{a} % 1.5", "np.floor({a})",
    "np.arctan2(np.sin({a}), np.cos({a}))", "np.arcsin(np.sin({a}))", "np.hypot({a}, 0.0)",
    "np.maximum({a}, 0) ** 1.5", "np.sqrt(abs({a}))", "abs({a}) ** 2.5", "np.cbrt({a})",
    "np.heaviside({a} - {c}, 0.5)", "np.interp({a}, [-1.0, 0.0, 0.7, 2.0], [0.0, 1.0, 0.2, 0.5])",
)  # fmt: skip
NEARLY = (
    "np.sqrt({a} ** 2 + {e} ** 2)", "np.hypot({a} - {c}, {e})", "np.tanh(({a} - {c}) / {e})",
    "np.arctan({a} / {e})", "{e} / ({e} ** 2 + ({a} - {c}) ** 2)", "np.log({e} + {a} ** 2)",
    "np.exp(-(({a} - {c}) / 0.2) ** 2)", "1 / (1 + np.exp(-({a} - {c}) / {e}))",
    "({a} ** 2 + {e} ** 2) ** 0.25", "1 / (1 + {e} + np.sin({a}))",
)  # fmt: skip
BINARY = ("{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / (2 + {b} ** 2)", "{a} * np.cos({b})")
BINARY_BRANCHES = (
    "np.maximum({a}, {b})",
    "np.where({a} > {b}, {b}, {a} / 2)",
    "np.hypot({a}, {b})",
)
KINDS = {"smooth": SMOOTH, "branches": SMOOTH + 2 * BRANCHES, "nearly": SMOOTH + 3 * NEARLY}
EVALUATIONS = 200_000  # of a reference, at most
SMALL = 1e-7  # a disturbance of the solution, by which is found what errors grow by
FACTOR = 100.0  # times the estimate: the sum of the errors of all steps may be


class Problem(NamedTuple):
    """A random problem: the text of fun(t, y), and what solve_ivp is called with."""

    text: str
    span: tuple[float, float]
    y0: np.ndarray
    options: dict


def _expression(rng, n, functions, depth):
    """Return the text of a random expression in t and y[0], ..., y[n - 1]."""
    pick = lambda options: options[rng.integers(len(options))]
    if depth == 0:
        return pick(["t", *[f"y[{i}]" for i in range(n)] * 2])
    a = _expression(rng, n, functions, depth - 1 if rng.random() < 0.8 else 0)
    both = BINARY + (BINARY_BRANCHES if functions is KINDS["branches"] else ())
    if rng.random() < 0.4:
        b = _expression(rng, n, functions, int(rng.integers(depth)))
        return f"({pick(both).format(a=a, b=b)})"
    c = repr(round(float(rng.normal() * 0.6), 3)).replace("-", "-0.5 + -")
    e = repr(float(10.0 ** -rng.integers(1, 7)))
    return f"({pick(functions).format(a=a, c=f'({c})', e=e)})"


def problem(seed):
    """Return the problem of a seed."""
    rng = np.random.default_rng([seed, 14])
    functions = KINDS[list(KINDS)[seed % 3]]
    n, depth = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    rows = []
    for i in range(n):
        row = _expression(rng, n, functions, depth)
        if rng.random() < 0.7:  # mostly solutions that stay
            row = f"{round(float(rng.uniform(0.5, 2)), 2)} * np.tanh({row}) - 0.2 * y[{i}]"
        rows.append(row)
    t0 = round(float(rng.uniform(-1, 1)), 2) if rng.random() < 0.7 else 0.0
    length = float(np.exp(rng.uniform(np.log(0.1), np.log(10))))
    span = t0, t0 + (length if rng.random() < 0.8 else -length)
    y0 = np.round(rng.normal(size=n), 2) * (rng.random(n) < 0.9)
    options = {"tol": [None, None, 1e-12, 1e-9, 1e-6, 1e-4][rng.integers(6)]}
    if rng.random() < 0.2:
        options["atol"] = 10.0 ** -rng.integers(3, 9)
    if rng.random() < 0.15:
        options["order"] = int(rng.integers(6, 26))
    return Problem(f"def fun(t, y):\n    return [{', '.join(rows)}]", span, y0, options)


def built(text):
    """Return the function of a text."""
    scope = {"np": np}
    exec(text, scope)
    return scope["fun"]


# ------------------------------------------------------------------ the true solution
class NoReference(Exception):
    """The true solution is not known: it ends, or slides, or is too long in coming."""


def integrate(fun, times, y, tol):
    """Return the states at times[1:], by Dormand & Prince of order 8 in long double."""
    A, B, C = (np.asarray(x, LONG) for x in (dop.A[:12, :12], dop.B, dop.C))
    E3, E5 = (np.asarray(x, LONG) for x in (dop.E3, dop.E5))
    t, y, found, count = LONG(times[0]), np.asarray(y, LONG), [], 0
    f = lambda t, y: np.array(fun(t, y), LONG)
    k0, h = f(t, y), LONG(times[-1] - times[0]) / 1000
    K = np.zeros((13, len(y)), LONG)
    for end in map(LONG, times[1:]):
        while t != end:
            last = abs(h) >= abs(end - t)
            step = end - t if last else h
            K[0] = k0
            for s in range(1, 12):
                K[s] = f(t + C[s] * step, y + step * (A[s, :s] @ K[:s]))
            new = y + step * (B @ K[:12])
            K[12] = f(t + step, new)
            count += 12
            scale = max(np.max(np.abs(y)), np.max(np.abs(new)), LONG(1e-300))
            e3, e5 = (np.max(np.abs(E @ K)) / scale for E in (E3, E5))
            error = abs(step) * e5 * e5 / np.hypot(e5, e3 / 10) if e5 or e3 else LONG(0)
            if not np.isfinite(error) or not np.all(np.isfinite(new)) or scale > 1e6:
                raise NoReference("the solution ends")
            if count > EVALUATIONS:
                raise NoReference("too many steps")
            least = abs(step) <= 1e-18 * max(abs(t), abs(end - times[0]))
            factor = 0.9 * (tol / error) ** LONG(0.125) if error else LONG(5)
            if error <= tol or least:
                t, y, k0 = end if last else t + step, new, K[12].copy()
            if not (last and error <= tol):
                h = step * min(max(factor, LONG(0.1)), LONG(5))
        found.append(y)
    return np.array(found)


class Verdict(NamedTuple):
    """What became of a problem: errors relative to the solution, true and estimated."""

    what: str  # "right", "wrong", "refused", "no reference"
    true: float = 0.0
    estimated: float = 0.0  # or the tolerance, if that is larger, times what it grows by
    growth: float = 0.0
    message: str = ""


def solved(p):
    """Return the result of `solve_ivp` at the middle and the end, or why there is none."""
    t0, t1 = p.span
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            r = solve_ivp(
                built(p.text),
                p.span,
                p.y0,
                t_eval=[(t0 + t1) / 2, t1],
                max_steps=20_000,
                **p.options,
            )
        except IntegrationError as error:
            return str(error)
        return r if r.success else r.message


def judged(p):
    """Return the verdict on what `solve_ivp` gives for a problem."""
    r = solved(p)
    if isinstance(r, str):
        return Verdict("refused", message=r)
    fun, (t0, t1) = built(p.text), p.span
    ends = np.linspace(t0, t1, 9)
    # what is narrow there, the reference would step over
    centres = map(eval, re.findall(r"\(t - \((.*?)\)\)", p.text))
    inside = [c for c in centres if min(t0, t1) < c < max(t0, t1)]
    times = np.array(sorted({*ends, *inside}, reverse=bool(t1 < t0)))
    at = np.isin(times, ends)[1:]
    with np.errstate(all="ignore"):
        try:
            exact, other = (integrate(fun, times, p.y0, LONG(tol)) for tol in (1e-17, 1e-15))
            growth = grown(fun, times, p.y0, exact)
        except NoReference as reason:
            return Verdict("no reference", message=str(reason))
    scale = np.max(np.abs(np.vstack([exact, [p.y0]]))) or LONG(1)
    unsure = float(np.max(np.abs(exact - other)) / scale)
    if unsure > 1e-11:
        return Verdict("no reference", message=f"it is known to {unsure:.0e} only")
    tol = max(p.options["tol"] or 0.0, 2.0**-53)
    size = max(1.0, float(p.options.get("atol", 0.0) / tol / scale))
    true = float(np.max(np.abs(exact[at][[3, 7]] - r.y.T)) / scale)
    estimated = growth * size * max(r.error, tol)
    what = "right" if true <= FACTOR * estimated + 10 * unsure else "wrong"
    return Verdict(what, true, estimated, growth)


def grown(fun, times, y0, states):
    """Return how much a disturbance on the way grows to the end or the middle, at least 1."""
    most, rng = 1.0, np.random.default_rng(1)
    scale = np.max(np.abs(states)) or 1.0
    for i, start in enumerate([np.asarray(y0, LONG), *states[:-1]]):
        d = rng.choice([-1, 1], len(y0)) * LONG(SMALL) * scale
        moved = integrate(fun, times[i:], start + d, LONG(1e-10))
        most = max(most, float(np.max(np.abs(moved - states[i:])) / (SMALL * scale)))
    return most


# ------------------------------------------------------------------ all of them
def main(first, last):
    """Judge the problems of some seeds, and print what became of them."""
    ratios, counts, refused = collections.defaultdict(list), collections.Counter(), []
    for seed in range(first, last):
        p, kind = problem(seed), list(KINDS)[seed % 3]
        try:
            v = judged(p)
        except Exception as error:
            v = Verdict("raised", message=f"{type(error).__name__}: {error}")
        counts[kind, v.what] += 1
        if v.what == "right":
            ratios[kind].append(v.true / v.estimated)
        if v.what in ("refused", "raised"):
            refused.append(f"{seed}: {v.what}: {v.message[:150]}")
        if v.what in ("wrong", "raised"):
            print(f"# {seed}: {v}\n{p.text}\n# {p[1:]}\n", flush=True)
    print("\n".join(refused))
    for kind in KINDS:
        print(f"{kind}: {dict((w, n) for (k, w), n in counts.items() if k == kind)}")
        quantiles = (
            np.quantile(ratios[kind], [0.01, 0.1, 0.5, 0.9, 0.99, 1]) if ratios[kind] else []
        )
        print("  true error / estimated, 1 10 50 90 99 100 %:",
              *(f"{q:.1e}" for q in quantiles))  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
