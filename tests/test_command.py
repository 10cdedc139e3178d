"""The command line and its parser: what people type, right and wrong."""

import json
import math
import subprocess
import sys

import mpmath
import pytest

from taylor.__main__ import main
from taylor.command.expression import parse


def run(capsys, *argv):
    """Return (status, output, errors) of the command."""
    status = main(list(argv))
    out, err = capsys.readouterr()
    return status, out, err


def test_coefficients_and_derivatives(capsys):
    status, out, _ = run(capsys, "exp(sin(x))", "--at", "0.5", "--order", "10")
    rows = [line.split() for line in out.splitlines()[1:]]
    wanted = mpmath.taylor(lambda x: mpmath.exp(mpmath.sin(x)), 0.5, 10)
    assert status == 0
    assert [float(r[1]) for r in rows] == pytest.approx([float(c) for c in wanted], rel=1e-12)
    assert [float(r[2]) for r in rows] == pytest.approx(
        [float(c) * math.factorial(k) for k, c in enumerate(wanted)], rel=1e-12
    )


def test_digits(capsys):
    _, out, _ = run(capsys, "sin(0.1 + x)*pi", "--at", "0.9", "--order", "2", "--digits", "50")
    with mpmath.workdps(60):
        wanted = mpmath.nstr(mpmath.sin(1) * mpmath.pi, 50)
    assert out.splitlines()[1].split()[1] == wanted
    assert mpmath.mp.dps == 15


def test_several_variables_as_json(capsys):
    _, out, _ = run(capsys, "x^2*y + sin(x*y)", "--at", "x=1,y=2", "--order", "3", "--json")
    result = json.loads(out)
    assert result["at"] == {"x": 1.0, "y": 2.0}
    assert result["value"] == pytest.approx(2 + math.sin(2))
    assert result["gradient"] == pytest.approx([4 + 2 * math.cos(2), 1 + math.cos(2)])
    assert result["hessian"][0][1] == pytest.approx(2 + math.cos(2) - 2 * math.sin(2))
    assert result["partials"]["0,3"] == pytest.approx(-math.cos(2))


def test_exact(capsys):
    _, out, _ = run(capsys, "sqrt(x)", "--at", "9/4", "--order", "2", "--exact")
    assert [line.split()[1:] for line in out.splitlines()[1:]] == [
        ["3/2", "3/2"], ["1/3", "1/3"], ["-1/27", "-2/27"]
    ]  # fmt: skip


@pytest.mark.parametrize(
    "argv, words",
    [
        (["sni(x)"], ["unknown function 'sni'", "'sin'", "column 1"]),
        (["__import__('os')"], ["unknown function"]),
        (["x.__class__"], ["Attribute", "not arithmetic"]),
        (["(lambda: 0)()"], ["not arithmetic"]),
        (["[x for x in y]"], ["not arithmetic"]),
        (["x < 1"], ["not arithmetic"]),
        (["x if x else y"], ["not arithmetic"]),
        (["'text'"], ["not a real number"]),
        (["2j*x"], ["not a real number"]),
        (["sin(x"], ["cannot read"]),
        (["sin(x=1)"], ["plain arguments"]),
        (["sin(x, y, z)", "--at", "1,2,3"], ["argument"]),
        (["sin"], ["is a function"]),
        (["9**9**9"], ["too large"]),
        (["(" * 300 + "x" + ")" * 300], ["cannot read"]),
        (["+".join(["x"] * 400)], ["deeper"]),
        (["log(x)"], ["log", "x > 0"]),
        (["1/x"], ["zero"]),
        (["x*y", "--at", "x=1"], ["no value for y"]),
        (["x", "--at", "z=1"], ["'z'"]),
        (["x", "--at", "abc"], ["not a number"]),
        (["x", "--order", "-1"], ["--order"]),
        (["x", "--digits", "0"], ["--digits"]),
        (["exp(x)", "--at", "1/3", "--exact"], ["not rational"]),
        (["pi*x", "--exact"], ["not rational"]),
    ],
)
def test_a_mistake_says_what_to_do(capsys, argv, words):
    status, out, err = run(capsys, *argv)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert all(w in err for w in words), err


def test_parser_keeps_the_order_of_the_variables():
    assert parse("b*a + exp(c)^2 - pi").variables == ("b", "a", "c")


def test_tour_and_entry_point():
    done = subprocess.run([sys.executable, "-m", "taylor"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    assert "9.0660864" in done.stdout
    assert "0.841470984807896506652502321630298999622563060798" in done.stdout


def test_verified_digits_are_those_of_more_digits(capsys):
    for text, at, digits in (
        ("gamma(x)*zeta(x)", "3", 100), ("exp(x*x)/3", "0.1", 50), ("j0(x)^2", "-2.5", 30),
    ):  # fmt: skip
        given = (text, f"--at={at}", "--json", "--order", "1", "--digits")
        plain = json.loads(run(capsys, *given, str(digits + 20))[1])
        found = json.loads(run(capsys, *given, str(digits), "--verified")[1])
        with mpmath.workdps(digits + 30):
            for pair in zip(found["derivatives"], plain["derivatives"], strict=True):
                a, b = map(mpmath.mpf, pair)
                assert abs(a - b) <= abs(b) * mpmath.mpf(10) ** (1 - digits)


def test_a_verified_number_that_may_be_zero_has_a_bound(capsys):
    assert "+/-" in run(capsys, "sin(x)", "--at", "pi", "--order", "1", "--verified")[1]
    assert run(capsys, "x^3 - jv(0, x)", "--at=-2", "--order", "1", "--verified")[0] == 0
    assert run(capsys, "log(x)", "--at=-1", "--verified")[0] == 2
    given = ("gamma(x)*zeta(x)", "--at", "3", "--digits", "200", "--verified")
    rows = [row.split() for row in run(capsys, *given)[1].splitlines()]
    assert rows[1][1].startswith("2.40411380631918857079947632302289998")
    assert [row[0] for row in rows[1:6]] == ["0", "1", "2", "3", "4"]
