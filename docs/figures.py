"""Draw the figures of the pages by the examples, into docs/figures: python -m docs.figures"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from unittest.mock import patch

import matplotlib

ROOT = Path(__file__).resolve().parent.parent
STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "grid.alpha": 0.3,
    "legend.fontsize": 8,
    "lines.linewidth": 1.2,
    "savefig.dpi": 100,
}


def draw(example: Path) -> Path:
    """Run an example with --plot and return the file it has drawn."""
    figure = ROOT / "docs" / "figures" / f"{example.stem}.png"
    figure.parent.mkdir(exist_ok=True)
    with (
        patch.object(sys, "argv", [str(example), "--plot", str(figure)]),
        matplotlib.rc_context({**STYLE, "backend": "agg"}),
    ):
        runpy.run_path(str(example), run_name="__main__")
    return figure


if __name__ == "__main__":
    for path in sorted((ROOT / "examples").glob("*.py")):
        drawn = path.stem.startswith(("ode_", "pde_", "verified_"))
        if drawn and "--plot" in path.read_text(encoding="utf-8"):
            print(draw(path))
