"""Sphinx configuration. `make docs` builds the site into docs/_build/html."""

import os
import sys
from pathlib import Path

import lamb_rs

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "lamb_rs"
copyright = "the authors of lamb_rs"  # noqa: A001 - Sphinx calls it so
version = release = lamb_rs.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "website",
]
exclude_patterns = ["_build", "_data", "_ext", "_made", "_static", "decisions"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]  # types in docstrings are words for people

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

smartquotes = False
default_role = "literal"  # one backtick in a docstring is a name of Python
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
napoleon_google_docstring = False
napoleon_use_rtype = False
add_module_names = False
python_maximum_signature_line_length = 72
viewcode_line_numbers = True

copybutton_exclude = ".linenos, .gp, .go"
copybutton_selector = "div:not(.output) > div.highlight pre"

html_theme = "furo"
html_title = f"lamb_rs {version}"
html_favicon = "_static/favicon.svg"
html_show_sphinx = False
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}
# Address of the repository, for the links "edit this page"; without it, pages link to their text.
if repository := os.environ.get("LAMB_RS_REPOSITORY"):
    html_theme_options |= {
        "source_repository": repository,
        "source_branch": "main",
        "source_directory": "docs/",
    }
pygments_style = "default"
highlight_language = "none"  # formulas in docstrings are not code
