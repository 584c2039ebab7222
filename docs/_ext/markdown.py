"""Pieces of Markdown that several generated pages use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; empty if there are no rows."""
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    if not lines:
        return []
    return [f"| {' | '.join(head)} |", "| --- " * len(head) + "|", *lines, ""]


def rst(*lines: str) -> list[str]:
    """Lines in the markup of docstrings."""
    return ["```{eval-rst}", *lines, "```", ""]


def cell(text: str) -> str:
    """Text that is safe in a cell."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def code(text: str) -> str:
    """Code in a cell."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def sentence(text: str) -> str:
    """A phrase as a sentence."""
    return text[0].upper() + text[1:] + "."


def contents(pages: Iterable[str]) -> list[str]:
    """A hidden table of contents, which puts pages into the menu of the site."""
    lines = [f"/{page}" for page in pages]
    return ["```{toctree}", ":hidden:", "", *lines, "```", ""] if lines else []
