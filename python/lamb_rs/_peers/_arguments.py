"""Kinds of arguments of other packages' optimizers, and their translations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Settings: TypeAlias = dict[str, Any]
"""Arguments of an optimizer of this library."""


class RefusedError(Exception):
    """An argument that cannot be translated; the message says why and what to do instead."""


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()
"""The default of an argument that the peer wants to be given."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a peer: its default there, and the settings that a value becomes here."""

    default: Any
    settings: Callable[[Any], Settings]


def to(name: str, default: Any) -> Argument:
    """Make an argument that has another name here."""
    return Argument(default, lambda value: {name: value})


def some(name: str, default: Any) -> Argument:
    """Make an argument whose zero is None here."""
    return Argument(default, lambda value: {name: None if is_zero(value) else value})


def unless_negative(name: str, default: Any) -> Argument:
    """Make an argument that is off where it is None, zero or negative."""

    def settings(value: Any) -> Settings:
        on = value is not None and not (_is_number(value) and value <= 0)
        return {name: value if on else None}

    return Argument(default, settings)


def decay(default: Any) -> Argument:
    """Make the argument that is weight decay."""
    return some("weight_decay", default)


def several(names: tuple[str, ...], default: tuple[Any, ...]) -> Argument:
    """Make an argument that is a tuple of several settings."""

    def settings(value: Any) -> Settings:
        try:
            values = tuple(value)
        except TypeError:
            values = ()
        if len(values) != len(names):
            raise RefusedError(f"it is a tuple of {len(names)} numbers; got {value!r}")
        return dict(zip(names, values, strict=True))

    return Argument(default, settings)


def betas(*default: float) -> Argument:
    """Make the argument that is a tuple of decay rates."""
    return several(tuple(f"beta_{i}" for i in range(1, len(default) + 1)), default)


def choice(default: Any, choices: Mapping[Any, Settings], otherwise: str = "") -> Argument:
    """Make an argument with a few values; `otherwise` says why others are refused."""

    def settings(value: Any) -> Settings:
        for known, found in choices.items():
            if same(value, known):
                return dict(found)
        known = " or ".join(map(repr, choices))
        raise RefusedError(otherwise or f"it is {known}")

    return Argument(default, settings)


def switch(off: Settings, on: Settings, default: bool = False) -> Argument:
    """Make an argument that is False or True."""
    return choice(default, {False: off, True: on})


def only(default: Any, reason: str) -> Argument:
    """Make an argument that is accepted only at its default."""
    return choice(default, {default: {}}, reason)


def free(default: Any) -> Argument:
    """Make an argument that changes no number: speed and bookkeeping."""
    return Argument(default, lambda _: {})


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same; a list is the same as a tuple."""
    if isinstance(one, list):
        one = tuple(one)
    try:
        return bool(one == other)
    except (TypeError, ValueError):  # arrays, and what compares as it likes
        return False


def is_zero(value: Any) -> bool:
    """Whether a value is the number zero."""
    return _is_number(value) and value == 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (
        hasattr(value, "__float__") and getattr(value, "ndim", 1) == 0
    )
