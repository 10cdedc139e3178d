"""What a process imports, and when: a program that needs a few derivatives starts soon."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import taylor
from taylor.numbers.formulas import CONSTANTS
from taylor.numbers.kinds import private

ROOT = Path(taylor.__file__).parent.parent
SLOW = {"mpmath", "scipy", "sympy", "difflib"}
PARTS = (
    "command.effort", "drivers.compile", "drivers.derivatives", "drivers.implicit",
    "drivers.sparse", "drivers.transform", "ode",
)  # fmt: skip


AT_EXIT = "import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """Run code in a process of its own; return its output and the modules that it has imported."""
    bytecode = {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode"))}
    env = os.environ | bytecode | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(ROOT)}

    def run(code, *args, cache=""):
        done = subprocess.run(
            [sys.executable, "-c", AT_EXIT + code, *args],
            capture_output=True,
            text=True,
            env=env | {"TAYLOR_CACHE": str(cache)},
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout, set(done.stderr.splitlines()[-1].split())

    return run


def parts(found):
    return {name for name in PARTS if f"taylor.{name}" in found}


def test_the_package_imports_only_what_every_series_needs(process):
    _, found = process("import taylor, hyperdual")
    assert not found & {*SLOW, "llvmlite", "taylor.display", "taylor.core.shown"}
    assert parts(found) == set()


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("taylor.derivative(lambda x: np.exp(np.sin(x)) + np.log2(x), 0.5, 3)", set()),
        ("taylor.gradient(lambda x: np.sum(x * x), [0.5, 2])", {"drivers.derivatives"}),
        ("taylor.Taylor.variable(0.5, 3) ** 0.5 / 3", set()),
    ],
)
def test_an_operation_imports_its_own_part(process, code, needed):
    _, found = process(f"import numpy as np, taylor\n{code}")
    assert not found & SLOW
    assert parts(found) == needed


def test_compiled_code_from_the_disk_imports_llvmlite_and_writes_nothing(process, tmp_path):
    compiled = "f = taylor.compile(lambda x: np.exp(np.sin(x)))\nprint(f(0.5), *f.reasons)"
    first, _ = process(f"import numpy as np, taylor\n{compiled}", cache=tmp_path)
    no_writing = "from taylor.machine.machine import Machine\nMachine._write = None"
    again, found = process(f"import numpy as np, taylor\n{no_writing}\n{compiled}", cache=tmp_path)
    assert again == first
    assert "llvmlite" in found and not found & SLOW
    assert parts(found) == {"drivers.compile", "drivers.derivatives"}


def test_the_command_imports_what_its_options_need(process):
    command = "from taylor.__main__ import main\nmain()", "exp(sin(x))", "--at", "0.5"
    text, found = process(*command, "--order", "10")
    assert len(text.splitlines()) == 12
    assert not found & SLOW
    assert parts(found) == {"command.effort"}
    assert "mpmath" in process(*command, "--digits", "30")[1]


def test_every_public_name_is_there():
    everything = {}
    exec("from taylor import *", everything)
    assert set(taylor.__all__) <= {*everything} & {*dir(taylor)}
    assert not {*dir(taylor)} & {"Any", "LATER", "TYPE_CHECKING", "import_module", "moves"}
    assert all(getattr(taylor, name) is everything[name] for name in taylor.__all__)
    assert taylor.sparse.sparse_jacobian is taylor.sparse_jacobian
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = taylor.nothing


@pytest.mark.parametrize("order", [("taylor", "mpmath"), ("mpmath", "taylor")])
def test_intervals_know_values_of_the_package_whichever_is_imported_first(process, order):
    code = f"""
import {order[0]}, pickle
x = taylor.Taylor.variable(0.5, 2) if {order[0] == "taylor"} else None
import {order[1]}
x = x or taylor.Taylor.variable(0.5, 2)
left = [mpmath.iv.mpf([1, 2]) * x, mpmath.iv.mpc(1, 2) - x]
right = [x * mpmath.iv.mpf([1, 2]), -(x - mpmath.iv.mpc(1, 2))]
print(str(left) == str(right), str(pickle.loads(pickle.dumps(left))) == str(left))
"""
    assert process(code)[0].split() == ["True", "True"]


@pytest.mark.parametrize("constant", CONSTANTS, ids=repr)
def test_the_float_of_a_constant_is_that_of_its_formula(constant):
    assert float(constant) == float(constant.formula(private(80)))
