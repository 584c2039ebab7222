"""Arithmetic of the schedules, and checks of their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lamb_rs import _core
from lamb_rs._errors import HyperparameterError

if TYPE_CHECKING:
    from lamb_rs.schedules._base import Schedule

_PI = 3.141592653589793


def line(start: float, end: float, share: float) -> float:
    """Return the value at a fraction of the way from start to end."""
    return start + (end - start) * share


def wave(share: float) -> float:
    """Return the value of half a cosine, which falls from 1 at 0 to 0 at 1."""
    return 0.5 * (1.0 + _core.cos(_PI * share))


def finite(schedule: Schedule, *names: str) -> None:
    for name in names:
        _check(schedule, name, "a finite number", lowest=float("-inf"))


def positive(schedule: Schedule, name: str) -> None:
    _check(schedule, name, "a finite number > 0", lowest=5e-324)


def not_negative(schedule: Schedule, name: str) -> None:
    _check(schedule, name, "a finite number >= 0", lowest=0.0)


def share(schedule: Schedule, name: str) -> None:
    _check(schedule, name, "a number in [0, 1]", lowest=0.0, highest=1.0)


def count(schedule: Schedule, name: str, lowest: int) -> None:
    _check(schedule, name, f"an integer >= {lowest}", lowest=lowest)
    value = getattr(schedule, name)
    if value != int(value):
        raise HyperparameterError(
            f"{type(schedule).__name__}: {name} must be an integer >= {lowest}; got {value!r}"
        )
    object.__setattr__(schedule, name, int(value))


def _check(
    schedule: Schedule, name: str, wanted: str, lowest: float, highest: float = float("inf")
) -> None:
    value = getattr(schedule, name)
    if isinstance(value, np.generic):
        value = value.item()
        object.__setattr__(schedule, name, value)
    try:
        legal = lowest <= value <= highest and abs(value) < float("inf")
    except TypeError:
        legal = False
    if not legal:
        raise HyperparameterError(
            f"{type(schedule).__name__}: {name} must be {wanted}; got {value!r}"
        )
