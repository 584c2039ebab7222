"""Links from the names of classes in the text of written pages to the pages of these classes."""

from __future__ import annotations

import re
from functools import cache

import generate

NAME = re.compile(r"(?<![\[`])(`(?:lamb_rs\.|schedules\.)*(\w+)(?:\([^`\n]*\))?`)(?![\]`])")
CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


@cache
def classes() -> frozenset[str]:
    """Classes that have a page."""
    return frozenset(
        name.removeprefix("api/").removesuffix(".md")
        for name in generate.pages()
        if name.startswith("api/")
    )


def linked(text: str, page: str) -> str:
    """A page in Markdown with a link on each name of a class, apart from code and headings."""

    def link(found: re.Match[str]) -> str:
        name = found[2]
        if name not in classes() or page == f"api/{name}":
            return found[0]
        return f"[{found[1]}](/api/{name}.md)"

    def lines(part: str) -> str:
        return "\n".join(
            line if line.startswith("#") else NAME.sub(link, line) for line in part.split("\n")
        )

    parts = CODE.split(text)
    parts[::2] = [lines(part) for part in parts[::2]]
    return "".join(parts)
