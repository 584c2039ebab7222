"""Parts that the page of every public class has: signature, arguments, methods."""

from __future__ import annotations

import inspect
import re
from typing import Any

import rows
from markdown import cell, code, rst, table

import lamb_rs

BASE = "Optimizer"
ALIASES = {
    "Source": "float | Schedule | Callable[[], float]",
    "Pair": "tuple[float, float]",
}
DRIVEN = "or a schedule, or a function without arguments"


def described(name: str, members: list[str]) -> list[str]:
    """The signature and the docstring of a class, and those of some of its members."""
    wanted = [f"   :members: {', '.join(members)}"] if members else []
    return rst(f".. autoclass:: {name}", *wanted)


def signature(cls: Any) -> inspect.Signature:
    """The arguments that a class declares, with their types and defaults.

    The arguments of every optimizer are left as ``**shared``; the page has a table of them.
    """
    written = inspect.signature(cls.__init__).parameters.values()
    shown = [typed(one) for one in written if one.name != "self"]
    return inspect.Signature(shown)


class Written(str):
    """A type that is shown as it is written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def typed(one: inspect.Parameter) -> inspect.Parameter:
    """A parameter with its type as a reader writes it."""
    if one.kind is one.VAR_KEYWORD or one.annotation is one.empty:
        return one.replace(annotation=one.empty)
    text = str(one.annotation)
    for alias, meaning in ALIASES.items():
        text = re.sub(rf"\b{alias}\b", meaning, text)
    return one.replace(annotation=Written(text))


def values_table(cls: Any, shown: list[Any]) -> list[str]:
    """Default and allowed values of arguments that the docstring describes."""
    lines = [(code(one.name), code(rows.default(one)), allowed(cls, one)) for one in shown]
    return table(("argument", "default", "allowed values"), lines)


def arguments_table(cls: Any, shown: list[Any]) -> list[str]:
    """Default, allowed values and meaning of arguments."""
    lines = [
        (code(one.name), code(rows.default(one)), allowed(cls, one), cell(one.meaning))
        for one in shown
    ]
    return table(("argument", "default", "allowed values", "meaning"), lines)


def allowed(cls: Any, one: Any) -> str:
    """The values that an argument takes, as a cell."""
    return cell(one.range) + (f"; {DRIVEN}" if is_driven(cls, one.name) else "")


def is_driven(cls: Any, name: str) -> bool:
    """Whether an argument takes a function: this is tried."""
    try:
        cls(**{name: lambda: 0.5})
    except (lamb_rs.HyperparameterError, TypeError):
        return False
    return True


def own_members(cls: Any) -> list[str]:
    """Public methods and properties that a class does not inherit."""
    return [
        name
        for name, value in vars(cls).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    ]


def inherited(cls: Any) -> list[str]:
    """A table of the methods and properties of the base class, with links to it."""
    own = set(own_members(cls))
    found = []
    for name, value in inspect.getmembers(getattr(lamb_rs, BASE)):
        method = inspect.isfunction(value) or inspect.ismethod(value)
        if name.startswith("_") or name in own or not (method or isinstance(value, property)):
            continue
        text = (inspect.getdoc(value) or "").partition("\n\n")[0]
        link = f"[`{name}`](#lamb_rs.{BASE}.{name})"
        found.append((link, cell(" ".join(text.split()).replace("`", ""))))
    return table(("name", "purpose"), found)
