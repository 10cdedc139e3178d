"""`progress=` has one meaning wherever work is long: nothing, a bar, a function of two numbers."""

import sys
from itertools import pairwise

import numpy as np
import pytest

import taylor
import taylor.verified as tv
from taylor.ode import solve_ensemble, solve_ivp, value_and_gradient

LONG = {
    "solve_ivp": lambda p: solve_ivp(lambda t, y: -y, (0.0, 3.0), [1.0], progress=p),
    "backwards": lambda p: solve_ivp(lambda t, y: -y, (3.0, 0.0), [1.0], progress=p),
    "ensemble": lambda p: solve_ensemble(lambda t, y: -y, (0.0, 3.0), [[1.0], [2.0]], progress=p),
    "one by one": lambda p: solve_ensemble(
        lambda t, y: -y, (0.0, 3.0), [[1.0], [2.0]], method="RadauIIA", progress=p
    ),
    "sensitivity": lambda p: value_and_gradient(
        lambda y: y[0], lambda t, y: -y, (0.0, 3.0), [1.0], progress=p
    ),
    "checkpoints": lambda p: value_and_gradient(
        lambda y: y[0], lambda t, y: -y, (0.0, 30.0), [1.0], checkpoints=3, progress=p
    ),
    "loop": lambda p: taylor.checkpoint(lambda x: x / 2, 9, progress=p)(1.0),
    "loop, reversed": lambda p: taylor.gradient(
        taylor.checkpoint(lambda x: x / 2, 9, snapshots=2, progress=p), 1.0
    ),
    "loop, compiled": lambda p: taylor.gradient(
        taylor.compile(taylor.checkpoint(lambda x: x / 2, 9, progress=p)), 1.0
    ),
    "stream": lambda p: list(
        taylor.compile(lambda x: np.exp(x)).stream(np.ones(9), 2, chunk=4, progress=p)
    ),
    "minimize": lambda p: tv.minimize(lambda x: x[0] ** 2, [(-1.0, 2.0)], progress=p),
    "quad": lambda p: tv.quad(np.exp, 0.0, 1.0, progress=p),
}
by_long = pytest.mark.parametrize("work", LONG.values(), ids=LONG)


@by_long
def test_a_function_gets_what_is_done_and_left(work):
    seen = []
    work(lambda done, left: seen.append((done, left)))
    assert all(b >= a or not left for (a, left), (b, _) in pairwise(seen))  # or a new pass
    assert seen[-1][0] > 0 and min(left for _, left in seen) >= 0


@by_long
def test_true_is_a_bar_and_false_is_none(work, capsys):
    work(False)
    assert capsys.readouterr().err == ""
    work(True)
    assert "|" in capsys.readouterr().err


@by_long
def test_what_is_no_progress_is_refused(work):
    with pytest.raises(TypeError, match="progress is True, False or a function of two numbers"):
        work(3)


@by_long
def test_a_function_of_the_share_still_gets_it(work):
    seen = []
    with pytest.warns(DeprecationWarning, match=r"write progress\(done, left\)"):
        work(seen.append)
    assert seen and all(0 <= share <= 1 for share in seen)


@pytest.mark.parametrize("more", [{"method": "RadauIIA"}, {"events": lambda t, y: y[0] - 0.5}])
def test_progress_that_cannot_be_told_is_refused(more):
    with pytest.raises(TypeError, match=r"progress is .* leave it out"):
        value_and_gradient(
            lambda y: y[0], lambda t, y: -y, (0.0, 1.0), [1.0], progress=True, **more
        )


def test_a_bar_without_tqdm_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install 'taylor-arithmetic\\[progress\\]'"):
        LONG["solve_ivp"](True)
