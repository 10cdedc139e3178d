"""Whatever is typed, the command answers or refuses in short: no input takes seconds or memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taylor.__main__ import main
from taylor.command.expression import FUNCTIONS

SECONDS, MEGABYTES = 2.0, 500

REFUSED = [
    ["(9**9999)**9999"], ["x^1e10", "--exact"], ["x^(10^10)", "--exact", "--at", "2"],
    ["2**(2**40)"], ["2**2**2**2**2**2"], ["9**9**9"], ["(9**9999)*x"], ["exp2(10^9)*x"],
    ["jv(1000000, x)"], ["yv(10^9, x)", "--at", "1"], ["iv(-1000000, x)"], ["gamma(10^9)*x"],
    ["gamma(1e12+x)", "--digits", "30"], ["zeta(1e100)"], ["erf(1e100)", "--digits", "30"],
    ["exp(x)", "--order", "100000"], ["x", "--order", "9" * 30], ["x", "--digits", "1000000"],
    ["gamma(x)", "--at", "1", "--digits", "1000"], ["y0(x)", "--at", "1", "--digits", "100"],
    ["zeta(x)", "--at", "3", "--order", "1000"], ["y0(x)", "--at", "1", "--order", "1000"],
    ["x", "--at", "1e1000000000"], ["x", "--at", "1e1000000000", "--exact"],
    ["x", "--at", "1e1000000000", "--digits", "30"], ["x", "--at", "9**9**9"],
    ["x", "--at", "1/1e999999999", "--exact"], ["1e999999*x", "--exact"], ["1e999999*x"],
    ["1e-999999*x"], ["1e9999999999999999999*x", "--digits", "20"], ["1e-99999999*x", "--exact"],
    ["x*y*z*w", "--order", "60"], ["x*y", "--order", "1000"], ["+".join(f"(a{i}" for i in range(60))
     + ")" * 60], ["x" * 1_000_000], ["(" * 100_000 + "x" + ")" * 100_000],
    ["(" * 4000 + "x" + ")" * 4000], ["-" * 9999 + "x"], ["**".join("x" * 3000)],
    ["+".join("x" * 4000)], ["sin(" * 2000 + "x" + ")" * 2000], ["9" * 9000], ["9" * 9000 + ".5*x"],
    ["[" * 5000], ["x" + "\0"], ["exp(exp(exp(exp(exp(x)))))", "--digits", "50", "--at", "1"],
    ["sin(exp(exp(exp(x))))", "--digits", "50", "--at", "3"], ["x % 1e-9999", "--digits", "20"],
    ["(x^1000)^1000", "--exact", "--at", "3/7"], ["1/(1+x+x^2)^50", "--exact", "--order", "900"],
    ["sqrt(x*y*z) + (x*y+z)/(1+y+z)", "--exact", "--at", "1,1,1", "--order", "25"],
    ["x^1e300", "--at", "2", "--order", "1000"], ["exp(exp(exp(exp(exp(x)))))"],
    ["y0(x)", "--at", "3", "--digits", "900", "--order", "300", "--verified"],
]  # fmt: skip
ANSWERED = [
    ["exp(sin(x))", "--at", "0.5", "--order", "10"], ["tan(x)", "--order", "900", "--json"],
    ["exp(sin(x))", "--at", "0.5", "--order", "100", "--digits", "50"], ["jv(3, x)", "--at", "1"],
    ["exp(x)", "--digits", "1000"], ["2^4000*x", "--exact"],
    ["sqrt(1+x)", "--exact", "--order", "90"],
    ["x*y*z*w", "--order", "8"], ["x^100", "--exact", "--at", "1/3"], ["zeta(x)", "--at", "2.5"],
    ["gamma(x)", "--at", "3.5", "--order", "20", "--digits", "40"], ["x^.5", "--at", "1e300"],
    ["sin(x*y)*exp(z)", "--at", "1,pi/4,sqrt(2)", "--order", "6"], ["exp(exp(exp(x)))"],
    ["gamma(x)*zeta(x)", "--at", "3", "--digits", "200", "--order", "40", "--verified"],
    ["x*1e-5000", "--digits", "30"], ["airyai(x)", "--at", "2", "--digits", "60"],
]  # fmt: skip

# All cases in one process, in terms of its own CPU time, with a ceiling that ends a runaway
SCRIPT = """
import contextlib, io, json, resource, sys, time
from taylor.__main__ import main
cases = json.load(sys.stdin)
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
def peak():  # in KiB; what getrusage says counts the memory of the parent process, too
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for argv in cases:
    out, err, start = io.StringIO(), io.StringIO(), time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(argv)
        except SystemExit as stop:
            status = stop.code
        except BaseException as error:
            status = repr(error)
    memory = peak() / 1024
    seconds = time.process_time() - start
    print(json.dumps([status, seconds, memory, err.getvalue()[:300]]), flush=True)
"""


def outcomes(cases):
    """Return (status, seconds, megabytes, errors) of the command for each of the arguments."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(cases),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(cases), (cases[len(found)], done.returncode, done.stderr[-500:])
    return list(zip(cases, found, strict=True))


def test_everything_ends_in_time_and_memory():
    pytest.importorskip("resource")
    wrong = []
    names = {f: name for name, f in FUNCTIONS.items()}.values()  # one of those of a function
    functions = [
        [f"{name}({'2, x' if name in ('jv', 'yv', 'iv') else 'x'})", *options.split()]
        for name in names
        for options in (
            "--at=0.7 --order=1000", "--at=1e300", "--at=-1e15 --digits=30", "--at=10^4000 --exact",
            "--at=1e300 --digits=200 --order=10",
        )
    ]  # fmt: skip
    functions += [
        [f"{name}({arguments})", "--at=10^4000", "--exact", "--order=2"]
        for name in names
        for arguments in ("", "2, x", "x, x", "x, 2, x")
    ]
    kinds = [(REFUSED, (1, 2)), (ANSWERED, (0,)), (functions, (0, 1, 2))]
    for argv, (status, seconds, memory, error) in outcomes([c for k, _ in kinds for c in k]):
        expected = next(s for k, s in kinds if argv in k)
        if status not in expected or seconds > SECONDS or memory > MEGABYTES:
            wrong.append(([a[:40] for a in argv], status, round(seconds, 2), round(memory), error))
        elif status:
            assert error.strip().count("\n") == 0 or "usage" in error, error
    assert not wrong


@pytest.mark.parametrize(
    "argv, words",
    [
        (["(9**9999)**9999"], "too large"),
        (["x^1e10", "--exact"], "at most 10000"),
        (["jv(1000000, x)"], "orders up to 100"),
        (["x", "--order", "100000"], "at most 1000"),
        (["x", "--digits", "1000000"], "at most 1000"),
        (["x", "--at", "1e1000000000"], "use --digits"),
        (["x", "--at", "1e1000000000", "--exact"], "beyond 10000"),
        (["x*y*z*w", "--order", "60"], "more than 1500000: lower --order"),
        (["1/(1+x+x^2)^50", "--exact", "--order", "900"], "lower --order"),
    ],
)
def test_a_refusal_says_the_bound(capsys, argv, words):
    assert main(argv) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["sqrt(-1)*x"], ["sqrt(-1)*x", "--digits", "30"], ["log(-2)+x"], ["asin(3)*x"],
        ["(-8)^(1/3)*x"], ["(-8)^0.5*x", "--digits", "20"], ["exp(1000)*x"], ["x*y+acosh(0.5)"],
        ["x*y/1e-300/1e-300", "--at", "1,1"], ["0*log(-x)", "--at", "2"], ["x", "--at", "sqrt(-1)"],
    ],
)  # fmt: skip
def test_what_is_no_finite_number_is_an_error(capsys, argv):
    assert main(argv) in (1, 2)
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ")


def test_the_error_names_the_part_that_is_no_number(capsys):
    assert main(["2*x + sqrt(-1)*x"]) == 1
    assert "sqrt(-1) is no real number" in capsys.readouterr().err


def test_derivatives_beyond_doubles_are_infinite_beside_their_coefficients(capsys):
    assert main(["exp(-x)/(1-x)", "--order", "200", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert all(abs(c) <= 1 for c in result["coefficients"])
    assert result["derivatives"][-1] == float("inf")


# ------------------------------------------------------------------ points and constants
VALUES = [
    ("pi", [], "3.141592653589793"),
    ("pi/4", [], "0.7853981633974483"),
    ("sqrt(2)", [], "1.4142135623730951"),
    ("1/3", [], "0.3333333333333333"),
    ("-1e-3", [], "-0.001"),
    ("2^-2", [], "0.25"),
    ("atan2(0, 1)", [], "0.0"),
    ("1/3", ["--exact"], "1/3"),
    ("sqrt(9/4)", ["--exact"], "3/2"),
    ("0.1 + 2^-3", ["--exact"], "9/40"),
    ("pi", ["--digits", "30"], "3.14159265358979323846264338328"),
    ("1/3", ["--digits", "30"], "0.333333333333333333333333333333"),
    ("sqrt(2)", ["--digits", "30"], "1.41421356237309504880168872421"),
    ("3^-2", ["--digits", "30"], "0.111111111111111111111111111111"),
]


@pytest.mark.parametrize("text, options, wanted", VALUES)
def test_points_and_constants_are_expressions(capsys, text, options, wanted):
    for argv in (
        ["x", f"--at={text}"],
        [f"0*x + ({text})", "--at=1"],
        ["x+0*y", f"--at=x={text},y=1"],
    ):
        assert main([*argv, "--order", "0", *options]) == 0
        assert (
            capsys.readouterr().out.split("gradient")[0].split()[-1 if "y" in argv[0] else 5]
            == wanted
        )


@pytest.mark.parametrize(
    "text, options",
    [("pi", ["--exact"]), ("sqrt(2)", ["--exact"]), ("x", []), ("nan", []), ("1/0", [])],
)
def test_points_that_are_none(capsys, text, options):
    assert main(["x", f"--at={text}", *options]) == 2
    assert capsys.readouterr().err.startswith("error: ")
