"""Every test draws the same random numbers, whichever tests ran before it in the process."""

import copy
import gc

import pytest


def pytest_collection_finish():
    gc.collect()
    gc.freeze()  # else every full collection goes through twenty thousand tests again
    gc.set_threshold(10_000)  # by default a tenth of the time of some files: trees and tables


@pytest.fixture(scope="session")
def states():
    """Return the states of the generators of modules before their first tests."""
    return {}


@pytest.fixture
def optimised(monkeypatch):
    """Code is optimised at its first call, after which Python calls it at once."""
    monkeypatch.setattr("taylor.llvm.jit.PRICE", 0.0)


@pytest.fixture(autouse=True)
def same_numbers(request, states):
    generator = getattr(request, "module", None) and getattr(request.module, "RNG", None)
    if generator is not None:
        bits = generator.bit_generator
        bits.state = copy.deepcopy(states.setdefault(request.module.__name__, bits.state))
