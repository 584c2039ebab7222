"""What other packages call the same rule, from `lamb_rs.peers`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from markdown import cell, table
from rows import rows

import lamb_rs


@cache
def peers() -> list[Any]:
    """Every variant that `lamb_rs.peers` lists."""
    return list(lamb_rs.peers())


def of_class(class_name: str) -> list[str]:
    """The section of an optimizer's page."""
    found = [one for one in peers() if class_name in classes(one)]
    if not found:
        return []
    lines = [(f"`{one.name}`", settings(one), remarks(one)) for one in found]
    return [
        "## In other packages",
        "",
        "`lamb_rs.from_peer(name, ...)` accepts the arguments of the other package and makes this",
        "class. The second column lists the settings that differ from the defaults here when the",
        "defaults of the other package are used.",
        "",
        *table(("name", "settings", "remarks"), lines),
    ]


def everything() -> str:
    """The tables of all peers, by package."""
    variants = peers()
    usable = [one for one in variants if one.checked != "refused"]
    parts = []
    for package in dict.fromkeys(one.name.partition(".")[0] for one in usable):
        lines = [
            (f"`{one.name.partition('.')[2]}`", here(one), settings(one), remarks(one))
            for one in usable
            if one.name.partition(".")[0] == package
        ]
        parts += [f"## {package}", ""]
        parts += table(("name", "lamb_rs", "settings", "remarks"), lines)
    refused = [(f"`{one.name}`", cell(one.note)) for one in variants if one not in usable]
    parts += ["## Refused", "", *table(("name", "reason"), refused)]
    return "\n".join(parts)


def classes(one: Any) -> list[str]:
    """The classes of this library that a variant is made of."""
    return re.findall(r"\w+", one.optimizer or "")


def here(one: Any) -> str:
    """Links to the pages of these classes."""
    known = {row.class_name for row in rows()}
    linked = [
        f"[{name}](/api/{name}.md)" if name in known else f"`{name}`" for name in classes(one)
    ]
    return " around ".join(linked) or "its base"


def settings(one: Any) -> str:
    """Arguments as they are written in Python."""
    return ", ".join(f"`{name}={value!r}`" for name, value in one.switches.items())


def remarks(one: Any) -> str:
    """How a variant was checked, and what there is to know about it."""
    return one.checked + (f"; {cell(one.note)}" if one.note else "")
