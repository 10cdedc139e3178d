"""What an editor and mypy know of the results of the public interface."""

import pytest

import taylor

api = pytest.importorskip("mypy.api")
START = """
import numpy as np
import hyperdual
import taylor
from taylor import Taylor, TaylorN

t = Taylor.variable(0.5, 3)
x, y = TaylorN.variables([1.0, 2.0], 2)
h = hyperdual.HyperDual(1.0, 1.0)
"""
SERIES, ARRAY = (
    "taylor.series.univariate.Taylor",
    "numpy.ndarray[tuple[Any, ...], numpy.dtype[Any]]",
)
TYPES = {
    SERIES: [
        "t + 1", "1 + t", "t - 2.0", "2.0 - t", "t * t", "t / 3", "1 / t", "t**2", "2.0**t", "-t",
        "abs(t)", "t % 2.0", "t @ t", "t[0]", "t.T", "t.reshape(2)", "t.sum()", "t.mean(axis=0)",
        "t.copy()", "next(iter(t))", "t.compose(t)", "t.inverse()", "t.deriv()", "t.integ()",
        "t.truncate(1)", "taylor.exp(t)", "taylor.exp(t).compose(t)", "taylor.arcsin(t)",
        "taylor.formal_sqrt(t)",
    ],
    "taylor.series.multivariate.TaylorN": [
        "x * y", "x.compose([x, y])", "x.subs(0, 1.0)", "x.deriv(0)", "taylor.atan2(x, y)",
        "taylor.inverse_map([x, y])[0]",
    ],
    "hyperdual.number.HyperDual": ["h * h + 1", "taylor.log(h)"],
    ARRAY: [
        "t.coef", "t.derivatives()", "t.roots()", "x.gradient()", "x.hessian()", "x.tensor(2)",
        "taylor.gradient(taylor.exp, [1.0])", "taylor.hessian(taylor.exp, [1.0])",
        "taylor.derivatives(taylor.exp, 0.5, 3)",
    ],
    "float": ["t.radius()"],
    "int": ["t.order", "t.size"],
    "tuple[int, ...]": ["t.shape"],
    "numpy.dtype[Any]": ["t.dtype"],
    "taylor.core.program.Program": [
        "taylor.record(taylor.exp, 0.5)", "taylor.reverse(taylor.record(taylor.exp, 0.5))",
    ],
    "taylor.ode.results.OdeResult": ["taylor.ode.solve_ivp(lambda t, y: y, (0, 1), [1.0])"],
}  # fmt: skip
NAMES = f"""
from taylor import {", ".join(taylor.__all__)}
taylor.gradiant  # type: ignore[attr-defined]
"""


def test_results_have_types(tmp_path):
    rows = [(code, kind) for kind, codes in TYPES.items() for code in codes]
    file = tmp_path / "user.py"
    file.write_text(START + NAMES + "".join(f"reveal_type({code})\n" for code, _ in rows))
    found, errors, status = api.run(["--strict", str(file)])
    assert (status, errors) == (0, ""), found
    shown = [line.partition('"')[2].rpartition('"')[0] for line in found.splitlines()[:-1]]
    assert list(zip([code for code, _ in rows], shown, strict=True)) == rows
