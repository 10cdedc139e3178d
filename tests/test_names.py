"""The names people type: NumPy's spellings, one word for one thing, what old names do."""

import importlib

import numpy as np
import pytest

import taylor
import taylor.scipy
from taylor import Taylor
from taylor.core.binding import UFUNCS
from taylor.core.table import TABLE

ROWS = set(map(id, TABLE.values()))
SPELLED = sorted(u.__name__ for u, row in UFUNCS.items() if id(row) in ROWS)
RENAMED = {
    "taylor.derivative(np.exp, 0.0, n=2)": "order=",
    "taylor.derivative(taylor.compile(np.exp), 0.0, n=2)": "order=",
    "taylor.directional(np.exp, 0.0, 1.0, n=2)": "order=",
    "taylor.ode.Taylor": "taylor.ode.TaylorSolver",
}


@pytest.mark.parametrize("name", SPELLED)
def test_a_row_has_the_name_of_its_ufunc(name):
    assert getattr(taylor, name) is UFUNCS[getattr(np, name)] and name in taylor.__all__


@pytest.mark.parametrize("code", RENAMED)
def test_an_old_name_works_and_says_the_new_one(code):
    with pytest.warns(DeprecationWarning, match="deprecated.*1.0; write ") as said:
        found = eval(code)
    assert RENAMED[code] in str(said[0].message)
    assert said[0].filename == "<string>" and (callable(found) or found == 1)


@pytest.mark.parametrize(
    "module", [f"taylor.scipy.{name}" for name in taylor.scipy.MODULES] + ["taylor.linalg"]
)
def test_modules_list_their_names(module):
    names: dict = {}
    exec(f"from {module} import *", names)
    listed = importlib.import_module(module).__all__
    assert len(set(listed)) == len(listed) and set(names) - {"__builtins__"} == set(listed)


def test_keywords_of_the_function_are_not_renamed():
    assert taylor.derivative(lambda x, n: x**n, 1.0, 2, n=3) == 6
    assert taylor.derivative(lambda x, n: x**n, 1.0, order=2, n=3) == 6


def test_the_coefficients_of_a_series_one_by_one():
    t = np.exp(Taylor.variable(np.array([0.0, 1.0]), 5))
    for k in range(6):
        np.testing.assert_array_equal(t.coefficient(k), t.coef[k])


def test_the_table_of_a_program_is_that_at_the_recorded_point():
    program = taylor.record(lambda x, y: np.log(x) + x * y, 2.0, 5.0)
    assert program.show() == program.show(2.0, 5.0)
    assert "adjoint" in program.show(adjoint=1.0)
