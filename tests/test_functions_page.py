"""The generated page of functions is up to date."""

from pathlib import Path

from docs.generate import page
from taylor.core.table import TABLE

PAGE = Path(__file__).parent.parent / "docs" / "functions.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m docs.generate"


def test_every_row_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for name in TABLE:
        assert f"| `{name}(" in text


def test_equations_are_written_out():
    text = PAGE.read_text(encoding="utf-8")
    assert "| `sqrt(a)` | `np.sqrt` | (1/2)·y, a |" in text
    assert "| `exp(a)` | `np.exp` | y, 1 |" in text
    assert "| `atan(a)` | `np.arctan` | 1, 1 + a² |" in text
