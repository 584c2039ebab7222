"""Schedules with a state, which is saved with that of the optimizer."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING

from lamb_rs._errors import StateMismatchError
from lamb_rs.schedules._base import Schedule, field_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class StatefulSchedule(Schedule):
    """Base class of schedules with a state: numbers that change during training.

    A subclass returns the initial numbers from `initial_state`, calls `reset` in its constructor,
    and updates ``self._state``. Integers stay integers and are not negative. Optimizers save and
    restore the state.

    Examples
    --------
    >>> class Halved(StatefulSchedule):
    ...     def __init__(self, first):
    ...         self.first = first
    ...         self.reset()
    ...
    ...     def initial_state(self):
    ...         return {"value": self.first}
    ...
    ...     def __call__(self, step):
    ...         return self._state["value"]
    ...
    ...     def halve(self):
    ...         self._state["value"] /= 2
    >>> rate = Halved(0.1)
    >>> rate.halve()
    >>> rate(0)
    0.05
    """

    _state: dict[str, float]

    @abstractmethod
    def initial_state(self) -> dict[str, float]:
        """Return the state before the first step."""

    def reset(self) -> None:
        """Set the state to the initial one."""
        object.__setattr__(self, "_state", self.initial_state())

    def state_dict(self) -> dict[str, float]:
        """Return a copy of the state."""
        return dict(self._state)

    def load_state_dict(self, state: Mapping[str, float], strict: bool = True) -> None:
        """Restore a state that `state_dict` returned.

        Parameters
        ----------
        state : mapping of str to float
        strict : bool, default True
            Whether a missing or unknown entry is an error.

        Raises
        ------
        StateMismatchError
            If the state does not fit. The message lists all differences; nothing is changed.
        """
        differences = self.differences(state, strict)
        if differences:
            raise StateMismatchError(
                f"the state does not fit this {type(self).__name__}; nothing was changed:",
                differences,
            )
        for name, old in self._state.items():
            self._state[name] = type(old)(state.get(name, old))

    def differences(
        self, state: Mapping[str, object], strict: bool = True, prefix: str = ""
    ) -> list[str]:
        """Return the differences between a state and the one that is expected.

        Parameters
        ----------
        state : mapping
        strict : bool, default True
            Whether a missing or unknown entry is a difference.
        prefix : str, default ""
            Prefix of the names in the result.

        Returns
        -------
        list of str
        """
        known = self.initial_state()
        found = []
        for name, first in known.items():
            key = f"'{prefix}{name}'"
            value = state.get(name)
            if name not in state:
                found += [f"{key} is missing"] if strict else []
            elif isinstance(first, int) and not (isinstance(value, int) and 0 <= value < 2**63):
                found.append(f"{key} is not a count; got {value!r}")
            elif not isinstance(value, int | float) or math.isnan(value):
                found.append(f"{key} is not a number; got {value!r}")
        if strict:
            found += [f"'{prefix}{name}' is unknown" for name in state if name not in known]
        return found


def remembering(source: object, prefix: str) -> Iterator[tuple[str, StatefulSchedule]]:
    """Find the schedules with a state in a schedule, itself included.

    Parameters
    ----------
    source : object
        A schedule. In any other object there are none.
    prefix : str
        Path of `source`.

    Yields
    ------
    tuple of (str, StatefulSchedule)
    """
    if isinstance(source, StatefulSchedule):
        yield prefix, source
    if isinstance(source, Schedule):
        for name in field_names(source):
            yield from remembering(getattr(source, name), f"{prefix}/{name}")
