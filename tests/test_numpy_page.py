"""The page of NumPy's functions is what calls of them give, and holds NumPy's whole index."""

from pathlib import Path

import numpy as np
import pytest

from docs import numpy_index

PAGE = Path(__file__).parent.parent / "docs" / "numpy_functions.md"
NAMES = [(part, name) for part, names in numpy_index.names().items() for name in names]
GROUPS = sorted({(part, name[0].lower()) for part, name in NAMES if part == "np"}) + sorted(
    {(part, "") for part, _ in NAMES if part != "np"}
)


def test_every_name_of_numpy_has_its_place():
    unknown = []
    for part, name in NAMES:
        try:
            numpy_index.sample(part, name)
        except KeyError:
            unknown.append(f"{part}.{name}")
    assert unknown == [], "give them a case in tests/numpy_cases.py or a sample in docs"


@pytest.mark.parametrize("part, first", GROUPS)
@pytest.mark.filterwarnings("ignore")
def test_the_page_says_what_calls_give(part, first):
    lines = set(PAGE.read_text(encoding="utf-8").splitlines(keepends=True))
    for _, name in (e for e in NAMES if e[0] == part and e[1].lower().startswith(first)):
        line = numpy_index.row(part, name)
        assert line is None or line in lines, (
            f"{line} is not so in the page: python -m docs.generate"
        )
        assert line is None or "| wrong" not in line


@pytest.mark.filterwarnings("ignore")
def test_masked_arrays_are_as_the_page_says():
    if np.lib.NumpyVersion(np.__version__) >= "2.4.0":  # of which the page is
        assert PAGE.read_text(encoding="utf-8").endswith(numpy_index.masked_arrays())


def test_a_wrong_value_or_derivative_would_be_seen():
    def f(x):
        return np.sin(x) if isinstance(x, np.ndarray) else x * 1.0

    assert numpy_index.state(f, np.array([0.5, 1.5])).kind == "wrong"
