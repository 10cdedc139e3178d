"""Random programs agree with exact differences of their plain values, in every mode (see fuzz)."""

import fuzz
import numpy as np
import pytest

import taylor

SEEDS = {"float": 150, "complex": 60, "float32": 60, "mpf": 40, "interval": 40, "fraction": 60}
BLOCK = 10


CASES = [(kind, first) for kind, count in SEEDS.items() for first in range(0, count, BLOCK)]


@pytest.mark.parametrize("kind, first", CASES)
def test_all_modes_agree(kind, first):
    with np.errstate(all="ignore"):
        for seed in range(first, first + BLOCK):
            wrong, count, text, x = fuzz.disagreements(seed, kind)
            assert not wrong and count, f"seed {seed}, x = {x!r}\n{text}\n{wrong}"


@pytest.mark.parametrize("seed", range(8))
def test_machine_code_agrees(seed):
    wrong, count, text, x = fuzz.disagreements(seed, "float", compiling=True)
    assert not wrong and count, f"x = {x!r}\n{text}\n{wrong}"


def test_a_number_beside_many_lanes():
    t, y = taylor.Taylor.variable(0.5, 3), taylor.Taylor.variable(np.linspace(1.0, 2.0, 40), 3)
    for f in (np.hypot, np.arctan2, taylor.logaddexp):
        np.testing.assert_allclose(f(t, y).coef[:, 0], f(t, y[0]).coef, rtol=1e-13)
        np.testing.assert_allclose(f(y, t).coef[:, 3], f(y[3], t).coef, rtol=1e-13)


def test_a_wrong_derivative_is_seen(monkeypatch):
    # the comparison must be able to fail: a program whose slope is off by 1e-6
    f = "def f(x):\n    return np.sum(F.sin(x))"
    off = "def f(x):\n    return np.sum(F.sin(x)) + 1e-6 * (x[0] - 0.5)"
    build = fuzz.build
    monkeypatch.setattr(fuzz, "source", lambda seed, kind: (f, np.array([0.5, 0.25])))
    assert fuzz.disagreements(0, "float")[0] == []
    plain = lambda text, space, number=None: build(
        off if isinstance(space, fuzz.Plain) else text, space, number
    )
    monkeypatch.setattr(fuzz, "build", plain)
    assert any(w.startswith("gradient:") for w in fuzz.disagreements(0, "float")[0])
