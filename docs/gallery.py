"""How the site runs the examples, each once with its figure, and what becomes of their pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib
from sphinx.util import logging

from docs import reference
from docs.computed import CHECKS
from docs.facts import EXAMPLES

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
LINK = re.compile(r"\]\((?:\.\./)+examples/(\w+)\.py\)")
DOCSTRING = re.compile(
    r"(^\.\. _sphx_glr_examples_\w+\.py:\n\n+)(.+?)\.\n(.*?)(?=^\.\. )", re.M | re.S
)


def plotting(gallery: dict[str, Any], script: dict[str, Any]) -> list[str]:
    """Return the arguments that make an example draw."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    return ["--plot", str(FIGURES / f"{Path(script['src_file']).stem}.png")]


def computed(block: Any, script: dict[str, Any], gallery: dict[str, Any]) -> str:
    """Check what an example of the integrator has computed; it adds nothing to the page."""
    if check := CHECKS.get(Path(script["src_file"]).stem):
        check(script["example_globals"])
    return ""


def style(gallery: dict[str, Any], example: str) -> None:
    """Give matplotlib the style of the site before an example."""
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(STYLE)


def titled(found: re.Match[str]) -> str:
    """Return the start of an example's page: the first line of its docstring is the title."""
    label, first, rest = found.groups()
    first = reference.escaped(" ".join(first.split()))
    return f"{label}{first}\n{'=' * len(first)}\n{reference.escaped(rest)}"


def page(app: Any, name: str, source: list[str]) -> None:
    """Lead links to the files of examples to their pages; title, describe and check these."""
    text = LINK.sub(r"](/examples/\1.rst)", source[0])
    text = re.sub(r"\]\((?:\.\./)+examples/?\)", "](/examples/index.rst)", text)
    folder, _, example = name.partition("/")
    if folder == "examples" and example in EXAMPLES:
        facts = EXAMPLES[example]
        text = DOCSTRING.sub(titled, text)
        text = re.sub(r":alt: .*", f":alt: {facts.figure}", text)
        if "sphx-glr-script-out" in text:
            for missing in facts.missing(text):
                logging.getLogger(__name__).warning("%s does not print %r", example, missing)
    source[0] = text.replace("\n\n```\n", "\n```\n")  # doctests end in an empty line
