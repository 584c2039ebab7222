"""The base class of schedules, and their serialization."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast, dataclass_transform

import numpy as np

from lamb_rs._errors import HyperparameterError, nearest, unknown_argument

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

_PACKAGE = __name__.rpartition(".")[0]


class Schedule(ABC):
    """Base class of all schedules, which compute a value from the number of the step.

    To write a schedule, subclass it and define `__call__`. A schedule that is saved needs
    `get_config` too; a dataclass inherits one that returns its fields.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Harmonic(Schedule):
    ...     first: float
    ...
    ...     def __call__(self, step: int) -> float:
    ...         return self.first / (1 + step)
    >>> Harmonic(0.1)(1)
    0.05
    """

    _known: ClassVar[dict[str, type[Schedule]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Schedule._known[_full_name(cls)] = cls

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor as values that JSON can represent.

        Returns
        -------
        dict

        Raises
        ------
        HyperparameterError
            If the class is not a dataclass and does not define `get_config`.
        """
        if not is_dataclass(self):
            raise HyperparameterError(
                f"{type(self).__name__} cannot be saved: give it a method get_config() that "
                "returns the arguments of its constructor"
            )
        return {name: _plain(getattr(self, name)) for name in field_names(self)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a schedule of this class from the result of `get_config`.

        Parameters
        ----------
        config : mapping

        Returns
        -------
        Schedule
        """
        return cls(**{name: _revived(value) for name, value in config.items()})

    def plot(self, steps: int, ax: Any = None) -> Any:
        """Draw the values of the first steps.

        Parameters
        ----------
        steps : int
            Number of steps, at least 1. If there are more than 2000, 2000 evenly spaced ones are
            drawn.
        ax : matplotlib.axes.Axes, optional
            Axes to draw into. By default, a new figure is made.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the number of steps is below 1.
        """
        from lamb_rs.schedules._plot import draw  # noqa: PLC0415

        return draw(self, steps, ax)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        name = type(self).__name__
        if not is_dataclass(self):
            return f"<{_full_name(type(self))}>"
        from dataclasses import MISSING, fields  # noqa: PLC0415 - see `is_dataclass`

        parts = []
        for one in fields(cast("Any", self)):
            value = getattr(self, one.name)
            if one.default is MISSING and one.init:
                parts.append(repr(value))
            elif value != one.default:
                parts.append(f"{one.name}={value!r}")
        module = "schedules." if _own(type(self)) else ""
        return f"{module}{name}({', '.join(parts)})"


def is_dataclass(schedule: Schedule) -> bool:
    """Whether the class of a schedule is a dataclass.

    `dataclasses` takes longer to import than most of this package, and is imported with the first
    class that needs it.
    """
    return hasattr(type(schedule), "__dataclass_fields__")


def field_names(schedule: Schedule) -> list[str]:
    """Return the names of the fields of a dataclass, those of no other class."""
    from dataclasses import fields  # noqa: PLC0415

    return [one.name for one in fields(cast("Any", schedule))] if is_dataclass(schedule) else []


Made = TypeVar("Made")


@dataclass_transform(frozen_default=True, eq_default=False)
def schedule_class(cls: type[Made]) -> type[Made]:
    """Turn a class into a frozen dataclass whose constructor explains unknown arguments.

    Equality, hash and representation are those of `Schedule`. An unknown keyword argument raises
    `TypeError` with the name of the class and the nearest argument that it has.
    """
    from dataclasses import dataclass, fields  # noqa: PLC0415 - see `is_dataclass`

    made: Any = dataclass(frozen=True, eq=False, repr=False)(cls)
    plain = made.__init__
    known = [one.name for one in fields(made)]

    @wraps(plain)
    def checked(self: object, *args: Any, **arguments: Any) -> None:
        for name in arguments:
            if name not in known:
                raise unknown_argument(type(self).__name__, name, known)
        plain(self, *args, **arguments)

    made.__init__ = checked
    return cls


def serialize(schedule: Schedule) -> dict[str, Any]:
    """Return class and arguments of a schedule as values that JSON can represent.

    Parameters
    ----------
    schedule : Schedule

    Returns
    -------
    dict
        ``{"class_name": ..., "config": ...}``
    """
    return {"class_name": _full_name(type(schedule)), "config": schedule.get_config()}


def deserialize(config: Mapping[str, Any]) -> Schedule:
    """Make a schedule from the result of `serialize`.

    A class of your own has to be defined before the call: nothing is imported.

    Parameters
    ----------
    config : mapping
        ``{"class_name": ..., "config": ...}``

    Returns
    -------
    Schedule

    Raises
    ------
    HyperparameterError
        If the class is unknown.
    """
    name = config["class_name"]
    known = Schedule._known.get(name) or _own_class(name)
    if known is None:
        names = {*Schedule._known, *sys.modules[_PACKAGE].__all__}
        raise HyperparameterError(
            f"unknown schedule '{name}'{nearest(name, names)}; "
            "a class of your own has to be defined or imported before"
        )
    return known.from_config(config["config"])


def _own_class(name: object) -> type[Schedule] | None:
    """Return a schedule of this package, whose module may not be imported yet."""
    package = sys.modules[_PACKAGE]
    found = getattr(package, str(name), None) if name in package.__all__ else None
    return found if isinstance(found, type) and issubclass(found, Schedule) else None


def _full_name(cls: type[Schedule]) -> str:
    return cls.__name__ if _own(cls) else f"{cls.__module__}.{cls.__qualname__}"


def _own(cls: type[Schedule]) -> bool:
    return cls.__module__.startswith(f"{_PACKAGE}.")


def _plain(value: Any) -> Any:
    if isinstance(value, Schedule):
        return serialize(value)
    if isinstance(value, np.generic):
        return value.item()
    return list(value) if isinstance(value, tuple) else value


def _revived(value: Any) -> Any:
    return deserialize(value) if isinstance(value, dict) and "class_name" in value else value
