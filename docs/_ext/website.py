"""The extension that makes this site: pages from the registry, and formulas without a script."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import figures
import generate
import outputs
from docutils.utils.math.latex2mathml import tex2mathml

import lamb_rs
from lamb_rs import _core

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def write_pages(app: Sphinx) -> None:
    """Write the generated pages beside the others, those that changed only."""
    figures.draw(Path(app.srcdir, "_static", "drawn"))
    wanted = generate.pages()
    for name, text in wanted.items():
        path = Path(app.srcdir, name)
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for folder in {str(Path(name).parent) for name in wanted}:
        for path in Path(app.srcdir, folder).glob("*.md"):
            if f"{folder}/{path.name}" not in wanted:
                path.unlink()


def mathml(tex: str, as_block: bool) -> str:
    """MathML of a formula, with what docutils leaves open said: which bar opens, what is large."""
    text: str = tex2mathml(tex, as_block=as_block)
    plain = "" if as_block else ' stretchy="false"'
    for bar in ("\N{DOUBLE VERTICAL LINE}", "|"):
        opening, closing = f'<mo class="mathopen">{bar}</mo>', f"<mo>{bar}</mo>"
        text = text.replace(opening, f'<mo form="prefix"{plain}>{bar}</mo>')
        text = text.replace(closing, f'<mo form="postfix"{plain}>{bar}</mo>')
    text = re.sub(r"(<mtd>\s*)<mo>", r'\1<mo form="infix">', text)
    return text.replace("<mtable ", '<mtable displaystyle="true" ')


def inline(self: Any, node: Any) -> None:
    """Formulas that browsers show themselves: a page needs no script and no network."""
    self.body.append(mathml(node.astext(), as_block=False))
    raise_skip()


def block(self: Any, node: Any) -> None:
    """As `inline`, on lines of its own."""
    self.body.append(f'<div class="math">{mathml(node.astext(), as_block=True)}</div>')
    raise_skip()


def raise_skip() -> None:
    """Tell docutils that nothing inside is to be visited."""
    from docutils.nodes import SkipNode  # noqa: PLC0415

    raise SkipNode


def escape(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make text of what is markup by accident: glob patterns and norms in docstrings."""
    del app, what, name, obj, options
    literal: int | None = None  # indentation of the line before a block of code
    for number, line in enumerate(lines):
        indentation = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and indentation <= literal:
            literal = None
        if literal is None:
            parts = line.split("``")
            parts[::2] = [part.replace('"*', '"\\*').replace("|", "\\|") for part in parts[::2]]
            lines[number] = "``".join(parts)
            if line.endswith("::"):
                literal = indentation


def link_classes(app: Sphinx, docname: str, source: list[str]) -> None:
    """Lead from each name of an optimizer on a written page to its own page."""
    del app
    if docname.startswith(("optimizers/", "reference/", "changelog")):
        return
    pages = {row["class_name"]: row["name"] for row in _core.algorithms()}

    def linked(found: re.Match[str]) -> str:
        page = pages.get(found[2])
        return f"[{found[1]}](/optimizers/{page}.md)" if page else found[0]

    name = re.compile(r"(?<![\[`])(`(\w+)(?:\([^`\n]*\))?`)(?![\]`])")
    parts = re.split(r"(^```.*?^```$)", source[0], flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [name.sub(linked, part) for part in parts[::2]]
    source[0] = "".join(parts)


def own_arguments(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """Show the arguments that are an optimizer's own; those of all are explained once."""
    del app, name, options, signature
    if what != "class" or not issubclass(obj, lamb_rs.Optimizer) or obj is lamb_rs.Optimizer:
        return None
    written = inspect.signature(obj.__init__).parameters.values()
    bare = [one.replace(annotation=one.empty) for one in written if one.name != "self"]
    return str(inspect.Signature(bare)), returns


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what is above."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", link_classes)
    # Before the images of a page are collected.
    app.connect("doctree-read", outputs.show_outputs, priority=400)
    app.connect("autodoc-process-docstring", escape)
    app.connect("autodoc-process-signature", own_arguments)
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
