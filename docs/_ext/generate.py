"""Pages and parts of pages that are made from the library, so that no list is kept by hand.

Pages of classes go to `docs/api`. Tables go to `docs/_made`; written pages include them.
"""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

import class_page
import combinations
import examples
import gallery
import optimizer_pages
import peer_tables
import rate_tables
from markdown import contents, rst, table

import lamb_rs

if TYPE_CHECKING:
    from types import ModuleType


@cache
def pages() -> dict[str, str]:
    """Names of generated files, relative to `docs`, and their text."""
    return {
        **optimizer_pages.pages(),
        **base_page(),
        **class_pages(wrappers(), lamb_rs, "lamb_rs"),
        **class_pages(classes_of(lamb_rs.schedules), lamb_rs.schedules, "lamb_rs.schedules"),
        **examples.pages(),
        "_made/optimizers.md": optimizer_pages.overview(),
        "_made/combinations.md": combinations.tables(),
        "_made/peers.md": peer_tables.everything(),
        "_made/wrappers.md": list_of(wrappers(), lamb_rs),
        "_made/schedules.md": list_of(classes_of(lamb_rs.schedules), lamb_rs.schedules),
        "_made/functions.md": functions(),
        "_made/exceptions.md": exceptions(),
        "_made/plots.md": plots(),
        "_made/examples.md": examples.overview(),
        "_made/gallery.md": gallery.figures(),
        "_made/starting_rates.md": rate_tables.tables(),
    }


def wrappers() -> list[str]:
    """Names of the classes other than optimizers and exceptions."""
    known = {*lamb_rs.optim.__all__, class_page.BASE}
    return [name for name in classes_of(lamb_rs) if name not in known]


def classes_of(module: ModuleType) -> list[str]:
    """Names of the public classes of a module, without exceptions."""
    found = {name: getattr(module, name) for name in module.__all__}
    return [
        name
        for name, value in found.items()
        if inspect.isclass(value) and not issubclass(value, BaseException)
    ]


def base_page() -> dict[str, str]:
    """The page of the base class: all shared arguments and all methods."""
    lines = [
        f"# {class_page.BASE}",
        "",
        "The base class of all optimizers and wrappers. This page describes the arguments, methods",
        "and attributes that all of them have.",
        "",
        *rst(
            f".. autoclass:: lamb_rs.{class_page.BASE}",
            "   :members:",
            "   :inherited-members:",
        ),
    ]
    return {f"api/{class_page.BASE}.md": "\n".join(lines)}


def class_pages(names: list[str], module: ModuleType, path: str) -> dict[str, str]:
    """A page for each of some classes."""
    found = {}
    for name in names:
        cls = getattr(module, name)
        lines = [f"# {name}", "", *class_page.described(f"{path}.{name}", own(cls))]
        if issubclass(cls, lamb_rs.Optimizer):
            lines += ["## Methods and attributes", "", "Every optimizer has these:", ""]
            lines += class_page.inherited(cls)
        found[f"api/{name}.md"] = "\n".join(lines)
    return found


def own(cls: Any) -> list[str]:
    """Members to describe on the page of a class."""
    return [name for name in class_page.own_members(cls) if inspect.getdoc(getattr(cls, name))]


def list_of(names: list[str], module: ModuleType) -> str:
    """A table of classes with the first sentence of each docstring."""
    lines = [(f"[{name}](/api/{name}.md)", summary(getattr(module, name))) for name in names]
    shown = table(("class", "purpose"), lines)
    described = [line for name in functions_of(module) for line in rst(f".. autofunction:: {name}")]
    return "\n".join([*shown, *described, *contents(f"api/{name}" for name in names)])


def functions_of(module: ModuleType) -> list[str]:
    """Full names of the functions of a module that is not the package itself."""
    if module is lamb_rs:
        return []
    names = [name for name in module.__all__ if inspect.isroutine(getattr(module, name))]
    return [f"{module.__name__}.{name}" for name in names]


def summary(value: Any) -> str:
    """The first paragraph of a docstring in one line."""
    text = (inspect.getdoc(value) or "").partition("\n\n")[0]
    return " ".join(text.replace("``", "`").split())


def functions() -> str:
    """Every function of the package."""
    names = sorted(name for name in lamb_rs.__all__ if inspect.isroutine(getattr(lamb_rs, name)))
    return "\n".join(line for name in names for line in rst(f".. autofunction:: lamb_rs.{name}"))


def exceptions() -> str:
    """Every exception with the built-in exception that it also is."""
    lines = []
    for name in sorted(lamb_rs.__all__):
        value = getattr(lamb_rs, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            lines += rst(f".. autoexception:: lamb_rs.{name}", "   :show-inheritance:")
    return "\n".join(lines)


def plots() -> str:
    """What the module of plots exports."""
    source = importlib.import_module("lamb_rs.plots")
    lines = []
    for name in source.__all__:
        value = getattr(source, name)
        if inspect.isclass(value):
            lines += rst(f".. autoclass:: lamb_rs.plots.{name}", "   :members:")
        elif inspect.isroutine(value):
            lines += rst(f".. autofunction:: lamb_rs.plots.{name}")
    return "\n".join(lines)
