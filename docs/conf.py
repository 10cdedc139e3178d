"""The site: python -m sphinx -W --keep-going -j auto docs build/site"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

from docutils.nodes import SkipNode  # noqa: E402
from docutils.utils.math.latex2mathml import tex2mathml  # noqa: E402

import taylor  # noqa: E402
from docs import gallery, reference  # noqa: E402
from docs.formulas import spelled  # noqa: E402

project = "taylor-arithmetic"
author = "The taylor-arithmetic developers"
project_copyright = author
version = release = taylor.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sphinxext.opengraph",
]
exclude_patterns = ["examples/*.ipynb", "examples/*.py", "figures", "**/.ipynb_checkpoints"]
suppress_warnings = ["toc.empty_glob"]
default_role = "code"
smartquotes_action = "De"  # dashes and dots: y' is a derivative
templates_path = ["_templates"]

# ------------------------------------------------------------------ pages and notebooks
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks")
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
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
    "image_scrapers": ("matplotlib", "docs.gallery.computed"),
    "reset_modules": ("docs.gallery.style",),
    "abort_on_example_error": True,
    "parallel": os.cpu_count(),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "default_thumb_file": str(DOCS / "_static" / "series.svg"),  # of those that draw nothing
    "min_reported_time": 0,
}

# ------------------------------------------------------------------ how it looks
html_theme = "pydata_sphinx_theme"
html_title = f"taylor-arithmetic {release}"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "github_url": "https://github.com/taylor-arithmetic/taylor-arithmetic",
    "collapse_navigation": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
}
ogp_site_url = os.environ.get("TAYLOR_DOCS_URL", "https://taylor-arithmetic.readthedocs.io/")
ogp_enable_meta_description = True
ogp_social_cards = {"font": "DejaVu Sans"}  # which has the signs of mathematics


def inline(self: Any, node: Any) -> None:
    """Write a formula within text as MathML, which needs no script."""
    self.body.append(tex2mathml(spelled(node.astext())))
    raise SkipNode


def displayed(self: Any, node: Any) -> None:
    """Write a formula on lines of its own."""
    tex = spelled(node.astext())
    self.body.append(f'<div class="formula">{tex2mathml(tex, as_block=True)}</div>')
    raise SkipNode


def lighter(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Drop the styles and scripts of notebooks, galleries and code from pages that have none."""
    only = ("mystnb", "notebooks"), ("sg_gallery", "examples"), ("sg-", "examples")
    unused = [kind for kind, folder in only if page.split("/")[0] != folder]
    unused += ["copybutton", "clipboard"] if page == "search" else []
    for kind in unused:
        for key in ("css_files", "script_files"):
            context[key] = [f for f in context[key] if f"_static/{kind}" not in str(f.filename)]


def setup(app: Any) -> None:
    """Write the pages of the reference, and connect what changes pages."""
    reference.write(DOCS / "reference")
    app.connect("source-read", gallery.page)
    app.connect("html-page-context", lighter, priority=900)
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    app.connect("autodoc-process-docstring", reference.as_rst)
