"""What lets tables and code fit into narrow windows.

Below a width that the style sheet sets, each row of a table becomes a block; there a cell shows the
title of its column. Long lines of code wrap with an indent.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.writers.html5 import HTML5Translator

PRE = re.compile(r"(<pre>)(.*?)(</pre>)", re.DOTALL)
# Long names may break after these characters.
BREAKS = re.compile(r"([_.,=(/:])(?=\S)")


class Translator(HTML5Translator):
    """The HTML of Sphinx, with column titles in cells and lines in code."""

    def visit_entry(self, node: nodes.Element) -> None:
        super().visit_entry(node)
        label = column_title(node)
        if label:
            opened = self.body[-1]
            self.body[-1] = re.sub(
                r"^(\s*<t[dh])\b", rf'\1 data-label="{escape(label)}"', opened, count=1
            )

    def visit_literal(self, node: nodes.Element) -> None:
        if not in_table(node):
            super().visit_literal(node)
            return
        words = BREAKS.sub(r"\1<wbr>", escape(node.astext(), quote=False))
        self.body.append(f'<code class="docutils literal notranslate">{words}</code>')
        raise nodes.SkipNode

    def visit_literal_block(self, node: nodes.Element) -> None:
        try:
            super().visit_literal_block(node)
        except nodes.SkipNode:
            self.body[-1] = PRE.sub(in_lines, self.body[-1])
            raise

    def visit_doctest_block(self, node: nodes.Element) -> None:
        self.visit_literal_block(node)


def in_lines(block: re.Match[str]) -> str:
    """A block of code with each line in an element of its own."""
    lines = block[2].rstrip("\n").split("\n")
    return block[1] + "".join(f'<span class="line">{line}\n</span>' for line in lines) + block[3]


def in_table(node: nodes.Node) -> bool:
    """Whether a node is inside a cell."""
    parent: Any = node.parent
    while parent is not None:
        if isinstance(parent, nodes.entry):
            return True
        parent = parent.parent
    return False


def column_title(entry: nodes.Element) -> str:
    """The title of the column of a cell in the body of a table; empty elsewhere."""
    row = entry.parent
    body = row.parent
    if not isinstance(body, nodes.tbody):
        return ""
    heads = [one for one in body.parent.children if isinstance(one, nodes.thead)]
    if not heads:
        return ""
    titles = heads[0].children[0].children
    return str(titles[row.index(entry)].astext())
