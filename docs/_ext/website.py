"""The extension that makes this site: generated pages, outputs, formulas, and links."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import class_page
import figures
import gallery
import generate
import links
import mathematics
import narrow
import outputs

if TYPE_CHECKING:
    from sphinx.application import Sphinx

GENERATED = ("_made", "api", "examples")


def write_pages(app: Sphinx) -> None:
    """Write the generated files next to the written ones; files that did not change are left."""
    source = Path(app.srcdir)
    figures.draw(source / "_static" / "drawn")
    gallery.draw()
    mathematics.write_font(source / "_static" / "drawn" / mathematics.FONT)
    wanted = generate.pages()
    for name, text in wanted.items():
        path = source / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for folder in GENERATED:
        for path in (source / folder).glob("*.md"):
            if f"{folder}/{path.name}" not in wanted:
                path.unlink()


def link_classes(app: Sphinx, page: str, source: list[str]) -> None:
    """Link the names of classes on written pages."""
    del app
    if not page.startswith(("api/", "reference/", "changelog")):
        source[0] = links.linked(source[0], page)


def escape(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep glob patterns and norms in docstrings from being read as markup."""
    del app, what, name, obj, options
    literal: int | None = None  # indentation of the line before a block of code
    for number, line in enumerate(lines):
        indentation = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and indentation <= literal:
            literal = None
        if literal is None and not line.lstrip().startswith(">>>"):
            parts = line.split("``")
            parts[::2] = [part.replace('"*', '"\\*').replace("|", "\\|") for part in parts[::2]]
            lines[number] = "``".join(parts)
            if line.endswith("::"):
                literal = indentation


def show_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """Show the arguments that a class declares, with their types."""
    del app, name, options, signature
    if what != "class" or not inspect.isclass(obj) or "__init__" not in vars(obj):
        return None
    if issubclass(obj, BaseException) or obj.__name__ == class_page.BASE:
        return None
    return str(class_page.signature(obj)), returns


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the parts above."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", link_classes)
    # Before the images of a page are collected.
    app.connect("doctree-read", outputs.show_outputs, priority=400)
    app.connect("autodoc-process-docstring", escape)
    app.connect("autodoc-process-signature", show_signature)
    app.set_translator("html", narrow.Translator)
    app.add_html_math_renderer("mathml", (mathematics.inline, None), (mathematics.block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
