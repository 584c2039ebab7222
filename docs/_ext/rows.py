"""The registry of algorithms, as the pages read it."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import lamb_rs


@cache
def rows() -> list[Any]:
    """Every algorithm, sorted by the name of its class."""
    return sorted(lamb_rs.registry(), key=lambda row: row.class_name.lower())


def class_of(row: Any) -> Any:
    """The Python class of an algorithm."""
    return getattr(lamb_rs, row.class_name)


def own_arguments(row: Any) -> list[Any]:
    """Rows of the arguments that the class itself declares, in the order of its signature."""
    known = {one.name: one for one in row.hyperparameters}
    written = inspect.signature(class_of(row).__init__).parameters
    return [known[name] for name in written if name in known]


def shared_arguments(row: Any) -> list[Any]:
    """Rows of the arguments that every optimizer has, apart from those that the class declares."""
    own = {one.name for one in own_arguments(row)}
    shown = inspect.signature(class_of(row)).parameters
    return [
        one
        for one in row.hyperparameters
        if one.shared and one.name in shown and one.name not in own
    ]


def default(one: Any) -> str:
    """The default of an argument, as it is written in Python."""
    return repr(one.default)
