"""Without SciPy the special functions come from mpmath, with the same results."""

import sys
from importlib import import_module

import numpy as np
import pytest

from taylor import Taylor
from taylor.core.table import TABLE
from taylor.ode import solve_ivp

NAMES = [
    "digamma", "erfcx", "dawsn", "ndtr", "log_ndtr", "j0", "y1", "i0", "airyai", "lambertw", "expi",
    "exp1", "si", "ci", "sinc",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_same_series(name, monkeypatch):
    points = np.array([0.3, 1.7])
    with_scipy = TABLE[name](Taylor.variable(points, 4)).coef
    monkeypatch.setitem(sys.modules, "scipy", None)
    without = TABLE[name](Taylor.variable(points, 4)).coef
    assert without == pytest.approx(with_scipy, rel=1e-12)


def test_the_modules_that_need_scipy_say_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    for name in [m for m in sys.modules if m.startswith("taylor.scipy")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(
        ImportError, match=r"taylor\.scipy needs SciPy: python -m pip install scipy"
    ):
        import_module("taylor.scipy.stats")


def test_stiff_problems_need_no_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    for method in ("RadauIIA", "auto"):
        r = solve_ivp(lambda t, y: 1e6 * (np.cos(t) - y), (0.0, 5.0), [0.0], method, rtol=1e-6)
        assert abs(r.y[0, -1] - np.cos(5.0)) < 2e-6
    with pytest.raises(ImportError, match="method='BDF' is SciPy's"):
        solve_ivp(lambda t, y: -y, (0.0, 5.0), [0.0], "BDF")
