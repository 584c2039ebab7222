"""The registry of algorithms, as the pages read it."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import lamb_rs
from lamb_rs import _core


@cache
def rows() -> list[Any]:
    """Every algorithm, sorted by the name of its class."""
    return sorted(_core.algorithms(), key=lambda row: row["class_name"].lower())


def class_of(row: Any) -> Any:
    """The Python class of an algorithm."""
    return getattr(lamb_rs, row["class_name"])


def slots_of(cls: Any) -> list[str]:
    """Names of the arrays of the state of an optimizer with default arguments."""
    import numpy as np  # noqa: PLC0415

    opt = cls()
    opt.build({"matrix": np.zeros((64, 64), np.float32)})
    return list(dict.fromkeys(slot for one in opt._native.describe() for slot, _ in one["slots"]))


def own_arguments(row: Any) -> list[Any]:
    """Rows of the arguments that the class itself declares, in the order of its signature."""
    known = {one["name"]: one for one in row["hyper"]}
    written = inspect.signature(class_of(row).__init__).parameters
    return [known[name] for name in written if name in known]


def shared_arguments(row: Any) -> list[Any]:
    """Rows of the arguments that every optimizer has, apart from those that the class declares."""
    own = {one["name"] for one in own_arguments(row)}
    shown = inspect.signature(class_of(row)).parameters
    return [
        one
        for one in row["hyper"]
        if one["shared"] and one["name"] in shown and one["name"] not in own
    ]


def default(one: Any) -> str:
    """The default of an argument, as it is written in Python."""
    value = one["default"]
    whole = one["kind"] == "integer" and isinstance(value, float)
    return repr(int(value) if whole else value)
