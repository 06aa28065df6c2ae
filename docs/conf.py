"""The documentation's site: ``make docs`` builds it, and every warning is an error."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
sys.path.insert(0, str(ROOT))  # the package of this checkout, whatever is installed

import winstan  # noqa: E402

project = "winstan"
author = "The winstan developers"
project_copyright = author
release = version = winstan.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
]
root_doc = "index"
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "py:obj"  # `contrast` in a docstring of `Fit` is its method
highlight_language = "none"  # equations stand in blocks; code says its language
suppress_warnings = ["config.cache", "myst.header"]

# The notebooks are in a folder beside this one, where Sphinx does not look.
NOTEBOOKS = FOLDER / "_notebooks"
shutil.rmtree(NOTEBOOKS, ignore_errors=True)
NOTEBOOKS.mkdir()
for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
    shutil.copy(notebook, NOTEBOOKS)

nb_execution_mode = "off"  # their outputs are in them, and a test runs them
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc has them from the docstrings
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = f"winstan {release}"
html_sidebars = {page: [] for page in ("index", "start", "gallery", "benchmarks")}
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["winstan.css"]
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
}

TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```", re.DOTALL)


def list_other_pages(app: Any, page: str, source: list[str]) -> None:
    """Put the pages that no table of contents names at the end of the guide's."""
    if page != "guide":
        return
    named = {"index"}
    for path in FOLDER.glob("*.md"):
        for body in TOCTREE.findall(path.read_text(encoding="utf-8")):
            named.update(body.split())
    others = sorted({path.stem for path in FOLDER.glob("*.md")} - named)
    if others:
        lines = "\n".join(others)
        source[0] += f"\n```{{toctree}}\n:caption: More\n:maxdepth: 1\n\n{lines}\n```\n"


def link_notebooks(app: Any, page: str, source: list[str]) -> None:
    """Lead links to notebooks to their pages of the site."""
    source[0] = source[0].replace("](../notebooks/", "](_notebooks/")


def setup(app: Any) -> None:
    """Register what is this site's own."""
    app.connect("source-read", link_notebooks)
    app.connect("source-read", list_other_pages)
