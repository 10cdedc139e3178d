"""How the site runs the examples: each once, with its figure in the style of the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

FIGURES = Path(__file__).parent.parent / "build" / "figures"  # docs/figures: copies that pages show
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


def plotting(gallery: dict[str, Any], script: dict[str, Any]) -> list[str]:
    """Return the arguments that make an example draw."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    return ["--plot", str(FIGURES / f"{Path(script['src_file']).stem}.png")]


def style(gallery: dict[str, Any], example: str) -> None:
    """Give matplotlib the style of the site before an example."""
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(STYLE)
