"""The extension that makes this site: pages from the registry, and formulas without a script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import generate
from docutils.utils.math.latex2mathml import tex2mathml

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def write_pages(app: Sphinx) -> None:
    """Write the generated pages beside the others, those that changed only."""
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


def inline(self: Any, node: Any) -> None:
    """MathML, which browsers show themselves: a page needs no script and no network."""
    self.body.append(tex2mathml(node.astext(), as_block=False))
    raise_skip()


def block(self: Any, node: Any) -> None:
    """As `inline`, on lines of its own."""
    self.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise_skip()


def raise_skip() -> None:
    """Tell docutils that nothing inside is to be visited."""
    from docutils.nodes import SkipNode  # noqa: PLC0415

    raise SkipNode


def escape(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Glob patterns in docstrings are no emphasis."""
    del app, what, name, obj, options
    lines[:] = [line.replace('"*', '"\\*') for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what is above."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", escape)
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
