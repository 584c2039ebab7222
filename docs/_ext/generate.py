"""Pages that are made from the library itself, so that no list of it is kept by hand."""

from __future__ import annotations

import importlib
import inspect

import combinations_table
import optimizer_pages
import peer_tables

import lamb_rs


def pages() -> dict[str, str]:
    """Names of generated pages, relative to `docs`, and their text."""
    return {
        **optimizer_pages.pages(),
        "optimizers/combinations.md": combinations_table.page(),
        **peer_tables.pages(),
        "reference/index.md": reference(),
        "reference/schedules.md": module("Schedules", "schedules"),
        "reference/exceptions.md": exceptions(),
        **({"reference/plots.md": module("Plots", "plots")} if has("plots") else {}),
    }


def has(name: str) -> bool:
    """Whether the package has a public module of this name."""
    try:
        return bool(importlib.import_module(f"lamb_rs.{name}").__all__)
    except (ImportError, AttributeError):
        return False


def rst(*lines: str) -> str:
    """Lines in the language of docstrings."""
    return "\n".join(["```{eval-rst}", *lines, "```", ""])


def reference() -> str:
    """The base class, the wrappers and the functions."""
    classes = set(lamb_rs.optim.__all__)
    public = [name for name in lamb_rs.__all__ if name not in classes]
    values = {name: getattr(lamb_rs, name) for name in public}
    functions = [name for name, value in values.items() if inspect.isroutine(value)]
    others = [
        name
        for name, value in values.items()
        if inspect.isclass(value) and not issubclass(value, Exception) and name != "Optimizer"
    ]
    lines = [
        "# Reference",
        "",
        "Everything public. Each optimizer has [a page of its own](../optimizers/index.md).",
        "",
        "```{toctree}",
        ":hidden:",
        "",
        "schedules",
        *(["plots"] if has("plots") else []),
        "peers",
        "exceptions",
        "```",
        "",
        "## Every optimizer",
        "",
        rst(
            ".. autoclass:: lamb_rs.Optimizer",
            "   :members:",
            "   :inherited-members:",
        ),
    ]
    shared = [one for one in optimizer_pages.usual_row()["hyper"] if one["shared"]]
    shown = [one for one in shared if one["name"] in inspect.signature(lamb_rs.SGD).parameters]
    lines += ["### What the arguments allow", "", *optimizer_pages.ranges(lamb_rs.SGD, shown), ""]
    if others:
        lines += ["## Wrappers", "", "With examples: [Wrappers](../wrappers.md).", ""]
        lines += [rst(f".. autoclass:: lamb_rs.{name}", "   :members:") for name in others]
    lines += ["## Functions", ""]
    lines += [rst(f".. autofunction:: lamb_rs.{name}") for name in sorted(functions)]
    return "\n".join(lines)


def module(title: str, name: str) -> str:
    """What a module exports."""
    source = importlib.import_module(f"lamb_rs.{name}")
    lines = [f"# {title}", "", rst(f".. automodule:: lamb_rs.{name}")]
    for one in source.__all__:
        value = getattr(source, one)
        if inspect.isclass(value):
            lines.append(rst(f".. autoclass:: lamb_rs.{name}.{one}", "   :members:"))
        elif inspect.isroutine(value):
            lines.append(rst(f".. autofunction:: lamb_rs.{name}.{one}"))
    return "\n".join(lines)


def exceptions() -> str:
    """Every exception with the built-in that it is too."""
    lines = [
        "# Exceptions",
        "",
        "All are subclasses of `lamb_rs.LambError` and of a built-in exception, so that code which",
        "catches `ValueError` or `TypeError` goes on working.",
        "",
    ]
    for name in sorted(lamb_rs.__all__):
        value = getattr(lamb_rs, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            lines.append(rst(f".. autoexception:: lamb_rs.{name}", "   :show-inheritance:"))
    return "\n".join(lines)
