"""The site: python -m sphinx -W --keep-going -j auto docs build/site"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

import taylor  # noqa: E402
from docs import reference  # noqa: E402

project = "taylor-arithmetic"
author = "The taylor-arithmetic developers"
project_copyright = author
version = release = taylor.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sphinxext.opengraph",
]
exclude_patterns = ["examples/*.ipynb", "examples/*.py", "figures", "**/.ipynb_checkpoints"]
suppress_warnings = ["toc.empty_glob"]
default_role = "code"
templates_path = ["_templates"]

# ------------------------------------------------------------------ pages and notebooks
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks")
nb_execution_raise_on_error = True
nb_execution_timeout = 120
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# ------------------------------------------------------------------ the reference
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": False}
autosummary_generate = True
autosummary_ignore_module_all = False

# inventories of other sites are fetched only where there is a network for it
intersphinx_mapping = (
    {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "mpmath": ("https://mpmath.org/doc/current", None),
    }
    if os.environ.get("TAYLOR_DOCS_INTERSPHINX")
    else {}
)

# ------------------------------------------------------------------ the examples
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "examples",
    "filename_pattern": r"/(?!ode_ensemble_dask)\w+\.py$",
    "within_subsection_order": "FileNameSortKey",
    "reset_argv": "docs.gallery.plotting",
    "reset_modules": ("docs.gallery.style",),
    "abort_on_example_error": True,
    "parallel": os.cpu_count(),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 0,
}

# ------------------------------------------------------------------ how it looks
MATHJAX = Path(str(importlib.util.find_spec("sphinx-mathjax-offline").origin)).parent / "static"  # type: ignore[union-attr]
html_theme = "pydata_sphinx_theme"
html_title = "taylor-arithmetic"
html_static_path = [str(MATHJAX)]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "collapse_navigation": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
}
mathjax_path = "mathjax/startup.js"  # of the site itself, which is whole without a network
mathjax3_config = {
    "loader": {"load": ["input/tex-base", "[tex]/ams", "output/chtml"]},
    "tex": {"packages": {"[+]": ["ams"]}},
}
ogp_site_url = os.environ.get("TAYLOR_DOCS_URL", "https://taylor-arithmetic.readthedocs.io/")
ogp_enable_meta_description = True
ogp_social_cards = {"font": "DejaVu Sans"}  # which has the signs of mathematics

EXAMPLE = re.compile(r"\]\((?:\.\./)+examples/(\w+)\.py\)")
DOCSTRING = re.compile(
    r"(^\.\. _sphx_glr_examples_\w+\.py:\n\n+)(.+?)\.\n(.*?)(?=^\.\. )", re.M | re.S
)


def titled(found: re.Match[str]) -> str:
    """Return the start of an example's page: the first line of its docstring is the title."""
    label, first, rest = found.groups()
    first = reference.escaped(" ".join(first.split()))
    return f"{label}{first}\n{'=' * len(first)}\n{reference.escaped(rest)}"


def place_examples(app: Any, name: str, source: list[str]) -> None:
    """Lead links to the files of examples to their pages, which get titles; close up code."""
    source[0] = EXAMPLE.sub(r"](/examples/\1.rst)", source[0])
    source[0] = re.sub(r"\]\((?:\.\./)+examples/?\)", "](/examples/index.rst)", source[0])
    source[0] = DOCSTRING.sub(titled, source[0])
    source[0] = source[0].replace("\n\n```\n", "\n```\n")  # doctests end in an empty line


def setup(app: Any) -> None:
    """Write the pages of the reference, and connect what changes pages."""
    reference.write(DOCS / "reference")
    app.connect("source-read", place_examples)
    app.connect("autodoc-process-docstring", reference.as_rst)
