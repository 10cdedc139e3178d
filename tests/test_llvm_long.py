"""Long programs as machine code: split into functions, made in linear time, and not at once."""

import dataclasses
import sys

import numpy as np
import pytest

import taylor
from benchmarks.compile_time import FUNCTIONS, QUANTITIES, problem
from taylor.core import rolled
from taylor.drivers import forms, patience
from taylor.llvm import text
from taylor.llvm.text import joined
from taylor.machine import machine, planar
from taylor.ode import solve_ivp


class Written:
    """Stands for code that is not needed: its text."""

    object, packed, weight, call, long = b"", b"", 0, None, 0

    def __init__(self, text, data):
        self.text, self.data = text, data


def texts(monkeypatch, name, quantity, length):
    """Return the text of the code, the number of recorded instructions, and of Python's calls."""
    monkeypatch.setenv("TAYLOR_CACHE", "")
    monkeypatch.setattr(patience, "PATIENCE", 10**9)
    monkeypatch.setattr(machine, "Code", Written)
    f, x = problem(name, length)
    c, calls = taylor.compile(f), 0
    form = {
        "series": (taylor.core.algebra.Univariate(10), (1,)),
        "gradient": taylor.value_and_gradient,
        "Hessian": taylor.hessian,
    }[quantity]

    def count(frame, event, arg):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        made = c._compile((quantity.lower(), form, x.shape), (x,), 0)
    finally:
        sys.setprofile(None)
    return made.code.text, len(taylor.record(f, x)), calls


CASES = [*((name, "gradient") for name in FUNCTIONS), ("arm", "Hessian")]
CASES += [(name, "series") for name in ("Kahan", "arm", "GARCH")]


@pytest.mark.parametrize("name, quantity", CASES)
def test_code_grows_as_the_program_does(monkeypatch, name, quantity):
    monkeypatch.setattr(text, "LARGEST", 120)  # so that the shorter one is split, too
    monkeypatch.setattr(machine, "BY_DEGREE", 0)
    monkeypatch.setattr(rolled, "SHORTEST", 1000)  # loops stay written out
    lengths = (40, 120) if quantity == "Hessian" else (150, 450)
    (short, n, few), (long, m, many) = (texts(monkeypatch, name, quantity, k) for k in lengths)
    assert long.count("\n") / m < 1.15 * short.count("\n") / n
    assert many / m < 1.15 * few / n
    assert long.count("\ndefine ") > 2 * short.count("\ndefine ")
    assert max(part.count("\n") for part in long.split("\ndefine ")) < 1000


def test_a_sum_of_sums_of_products_is_not_written_out(monkeypatch):
    def f(x):  # each of n sums holds all products before
        total = angle = 0.0
        for i in range(60):
            angle = angle + x[i % 2] * x[(i + 1) % 2] * (i + 1.0)
            total = total + angle * angle
        return total

    x = np.array([0.2, 0.3])
    series = taylor.Taylor(np.stack([x, x, *[0 * x] * 4]))
    written = []
    monkeypatch.setenv("TAYLOR_CACHE", "")
    code = machine.Code
    monkeypatch.setattr(machine, "Code", lambda *of: written.append(of[0]) or code(*of))
    np.testing.assert_allclose(taylor.compile(f)(series).coef, f(series).coef, rtol=1e-13)
    assert len(taylor.record(f, x)) > 200 and written[0].count(" @llvm.fma") < 60 * 60


POINTS = np.linspace(0.1, 0.9, 5)
SMALL = {
    **{name: problem(name, 50) for name in ("Kahan", "GARCH", "arm")},
    "arrays": (lambda x: np.sum(np.tanh(np.outer(x, x) @ np.sin(x)) / (2.0 + x * x)), POINTS),
    "complex": (lambda x: np.sum(np.exp(1j * x) / (2.0 + x * x)) * x[0], POINTS + 0.25j),
    "branches": (lambda x: np.sum(np.where(x > 0.4, x, np.sin(x)) * abs(x[0])), POINTS),
}


def test_a_value_that_many_sums_share_is_looked_at_once():
    def thermostat(p):
        t, heat, energy = 15.0, 0.0, 0.0
        for k in range(35):
            heat = p[2] if t < p[0] + (p[1] if k % 7 else 0.0) else 0.0
            t = t + 0.1 * (heat - 0.3 * (t - np.sin(k)))
            energy = energy + 0.1 * heat * t
        return energy + t

    x = np.array([14.0, 2.0, 6.0])
    assert np.allclose(
        taylor.gradient(taylor.compile(thermostat), x), taylor.gradient(thermostat, x), 1e-14
    )


@pytest.fixture
def split(monkeypatch):
    """Make functions and blocks of a few lines."""
    monkeypatch.setenv("TAYLOR_CACHE", "")
    monkeypatch.setattr(text, "LARGEST", 30)
    monkeypatch.setattr(text, "LONGEST", 10)
    monkeypatch.setattr(machine, "BY_DEGREE", 200)
    monkeypatch.setattr(patience, "PATIENCE", 10**9)


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("name", SMALL)
def test_split_code_agrees(split, name, quantity):
    f, x = SMALL[name]
    c, ask = taylor.compile(f), QUANTITIES[quantity]
    wanted, found = ask(f, x), ask(c, x)
    assert c.reasons == {} and c.machines
    if quantity == "series":
        wanted, found = wanted.coef, found.coef
    scale = np.max(np.abs(wanted))
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14 * scale)


def test_split_tiles_agree(split):
    def f(x):
        for _ in range(2):
            x = np.sin(x) * np.exp(-x) / (1.5 + np.cos(x) ** 2)
        return x

    c, x = taylor.compile(f), np.linspace(0.1, 0.9, 80)
    np.testing.assert_allclose(
        taylor.taylor_coefficients(c, x, 6), taylor.taylor_coefficients(f, x, 6), rtol=1e-9
    )
    assert [where[0] for where in c.machines] == ["points"]


def test_split_multivariate_series_and_steps_agree(split):
    def f(x, y):
        return np.exp(np.sin(x * y)) / (1.0 + x * x)

    x, y = taylor.TaylorN.variables([0.3, 0.5], order=5)
    c = taylor.compile(f)
    np.testing.assert_allclose(c(x, y).coef, f(x, y).coef, rtol=1e-12, atol=1e-15)

    def motion(t, y):
        r = (y[0] ** 2 + y[1] ** 2) ** 1.5
        return np.stack([y[2], y[3], -y[0] / r, -y[1] / r])

    start = np.array([0.5, 0.0, 0.0, np.sqrt(3.0)])
    end = solve_ivp(motion, (0, 2 * np.pi), start, rtol=1e-14, atol=1e-16).y[:, -1]
    np.testing.assert_allclose(end, start, atol=1e-11)


def test_registers_between_parts():
    part = ["next1:", "  %v2 = fmul double %v1, 0x3FF0000000000000"]
    main = ["entry:", "  %v1 = load double, ptr %data, align 8", "  call void @part1(ptr %data)"]
    main += ["  br label %loop", "loop:", "  %v3 = phi double [%v2, %entry], [%v3, %loop]"]
    types = dict.fromkeys(("%v1", "%v2", "%v3"), "double")
    (first, second), end = joined([main, part], types, 8)
    assert "store double %v1" in first and "%v2.entry = load double" in first
    assert "%v3 = phi double [%v2.entry, %entry], [%v3, %loop]" in first
    assert "fmul double %v1.next1, " in second and "store double %v2" in second and end == 24


# ------------------------------------------------------------------ calls that do not wait
def long(x):
    for _ in range(40):
        x = np.sin(x) * 0.9
    return x


def test_what_takes_long_to_compile_is_compiled_at_a_later_call(monkeypatch, tmp_path):
    monkeypatch.setattr(patience, "PATIENCE", 30)
    monkeypatch.setenv("TAYLOR_CACHE", str(tmp_path))
    c, n = taylor.compile(long), len(taylor.record(long, 0.5))
    needed = -(-n // 30)
    for call in range(1, needed):
        assert c(0.5) == long(0.5)
        assert not any(c.machines.values()) and "takes long" in next(iter(c.reasons.values()))
        assert f"call {2 if call == 1 else needed} makes it" in next(iter(c.reasons.values()))
    assert c(0.5) == pytest.approx(long(0.5), rel=1e-14)
    assert c.reasons == {} and sum(map(len, c.machines.values())) == 1

    again = taylor.compile(long)  # longer than what is recorded in a first call, but on disk
    again(0.5)
    assert again.reasons
    again(0.5)
    assert again.reasons == {} and sum(map(len, again.machines.values())) == 1
    monkeypatch.setattr(patience, "PATIENCE", n)  # not longer: at once
    at_once = taylor.compile(long)
    at_once(0.5)
    assert at_once.reasons == {}


def test_derivatives_of_arrays_wait_too(monkeypatch):
    monkeypatch.setenv("TAYLOR_CACHE", "")
    monkeypatch.setattr(patience, "PATIENCE", 10)
    c, x = taylor.compile(lambda x: np.sum(np.sin(x) * np.exp(x))), np.linspace(0.1, 0.9, 3)
    calls = 0
    while not any(c.machines.values()):
        np.testing.assert_allclose(taylor.hessian(c, x), taylor.hessian(c.f, x), rtol=1e-12)
        calls += 1
    assert calls > 1 and c.reasons == {}


def test_what_has_no_code_is_found_out_at_a_later_call(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 30)
    c = taylor.compile(lambda z: long(z) if z[0] > z[1] else z)
    with pytest.warns(taylor.PerformanceWarning, match=planar.UNORDERED):
        for _ in range(6):
            c(np.array([0.5 + 0j, 0.2]))
    assert c.waiting == {} and planar.UNORDERED in next(iter(c.reasons.values()))


@dataclasses.dataclass
class Square:
    rate: float

    def __call__(self, x):
        return np.sum(self.rate * x**2)


RATE = {"now": 1.0}
OF_MORE = {  # a function, and the n-th point and direction or what else it is given
    "lengths": (lambda x: np.sum(np.sin(x) ** 2), lambda n: (np.linspace(0.1, 0.9, n + 2),)),
    "an object without a hash": (Square(2.0), lambda n: (np.linspace(0.1, 0.9, n + 2),)),
    "whole numbers": (lambda x, n: np.sum(x**n), lambda n: (np.linspace(0.1, 0.9, 3), n + 2)),
    "a dict it reads": (
        lambda x: np.sum(np.exp(RATE["now"] * x)),
        lambda n: (np.linspace(0.1, 0.9, 3), RATE.update(now=1 + n / 8))[:1],
    ),
}
DRIVERS = {"value": lambda f, *x: f(*x), "gradient": taylor.gradient, "hessian": taylor.hessian}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("more", OF_MORE)
def test_code_for_more_and_more_is_made_where_it_pays(more, driver, monkeypatch):
    made, machine = [], forms.machine
    monkeypatch.setattr(forms, "machine", lambda *of: made.append(of) or machine(*of))
    monkeypatch.setattr(patience, "MAKING", (0.0, 0.0, 0.0002))  # so that it pays soon
    f, given = OF_MORE[more]
    c, ask = taylor.compile(f), DRIVERS[driver]

    def call(n):
        x = given(n)
        with taylor.policy(compile_after=0):
            np.testing.assert_allclose(ask(c, *x), ask(f, *x), rtol=1e-12)
        return len(made)

    assert call(0) == 1
    counts = [call(n) for n in range(1, 12)]
    assert counts[-1] <= patience.SHAPES
    paid = c.crowd.paid[next(iter(c.crowd.paid))]
    reasons = [c.reasons, *(part.reasons for part in c.forms.values())]
    assert 4 < paid < 80 and "is made at call" in str(reasons)
    steady = [call(11) for _ in range(2 * paid + 1)]
    assert steady[-1] == counts[-1] + 1
