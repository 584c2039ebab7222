"""What other packages call the same rule, from `lamb_rs.peers`."""

from __future__ import annotations

import re
from typing import Any

import lamb_rs
from lamb_rs import _core

INTRODUCTION = """\
# Peers

What `lamb_rs.from_peer` takes, by package, as `lamb_rs.peers()` lists it. *Compared*: trajectories
were compared with the running package. *Read*: its code or its paper was read. What each sets is
what differs from the defaults here, at the defaults there; arguments that you give are translated
on top. How to use it: [Migrating](../migrating/index.md).
"""


def of_class(class_name: str) -> list[str]:
    """The section of an optimizer's page."""
    found = [one for one in lamb_rs.peers() if class_name in classes(one)]
    if not found:
        return []
    return [
        "## In other packages",
        "",
        "`lamb_rs.from_peer(name, ...)` takes the other package's arguments and makes this class.",
        "The second column is what its defaults there set that differs from the defaults here.",
        "",
        "| name | sets | checked | remarks |",
        "| --- | --- | --- | --- |",
        *(
            f"| `{one.name}` | {switches(one)} | {one.checked} | {text(one.note)} |"
            for one in found
        ),
        "",
    ]


def pages() -> dict[str, str]:
    """The table of all peers."""
    variants = list(lamb_rs.peers())
    lines = [INTRODUCTION]
    usable = [one for one in variants if one.checked != "refused"]
    for package in dict.fromkeys(one.name.partition(".")[0] for one in usable):
        lines += [f"## {package}", "", "| name | here | sets | checked | remarks |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        lines += [
            f"| `{one.name}` | {here(one)} | {switches(one)} | {one.checked} | {text(one.note)} |"
            for one in usable
            if one.name.partition(".")[0] == package
        ]
        lines.append("")
    lines += ["## Refused", "", "| name | why |", "| --- | --- |"]
    lines += [f"| `{one.name}` | {text(one.note)} |" for one in variants if one not in usable]
    return {"reference/peers.md": "\n".join(lines) + "\n"}


def classes(one: Any) -> list[str]:
    """The classes of this library that a variant is made of."""
    return re.findall(r"\w+", one.optimizer or "")


def here(one: Any) -> str:
    """Links to the pages of these classes."""
    known = {row["class_name"]: row["name"] for row in _core.algorithms()}
    linked = [
        f"[{name}](../optimizers/{known[name]}.md)" if name in known else f"`{name}`"
        for name in classes(one)
    ]
    return " around ".join(linked) or "its base"


def switches(one: Any) -> str:
    """Arguments as they are written in Python."""
    return ", ".join(f"`{name}={value!r}`" for name, value in one.switches.items())


def text(note: str) -> str:
    """A note as a cell of a table."""
    return note.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")
