"""Schedules that remember: what they remember is saved with the optimizer."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from lamb_rs._errors import StateMismatchError
from lamb_rs.schedules._base import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class StatefulSchedule(Schedule):
    """Base of schedules that remember numbers from one step to the next.

    A subclass says in `initial_state` what it remembers at first, calls `reset` in its constructor,
    and keeps the numbers in ``self._state``. Integers stay integers and are not negative.
    """

    _state: dict[str, float]

    @abstractmethod
    def initial_state(self) -> dict[str, float]:
        """Return what is remembered before the first step."""

    def reset(self) -> None:
        """Forget everything."""
        object.__setattr__(self, "_state", self.initial_state())

    def state_dict(self) -> dict[str, float]:
        """Copy what is remembered."""
        return dict(self._state)

    def load_state_dict(self, state: Mapping[str, float], strict: bool = True) -> None:
        """Restore what `state_dict` returned.

        Parameters
        ----------
        state : mapping of str to float
        strict : bool, default True
            Whether a missing or unknown entry is an error.

        Raises
        ------
        StateMismatchError
            For a state of something else; it lists all differences and changes nothing.
        """
        differences = self.differences(state, strict)
        if differences:
            lines = "".join(f"\n  - {line}" for line in differences)
            raise StateMismatchError(
                f"the state does not fit this {type(self).__name__}; nothing was changed:{lines}"
            )
        for name, old in self._state.items():
            self._state[name] = type(old)(state.get(name, old))

    def differences(
        self, state: Mapping[str, object], strict: bool = True, prefix: str = ""
    ) -> list[str]:
        """Say what in a state does not fit.

        Parameters
        ----------
        state : mapping
        strict : bool, default True
            Whether a missing or unknown entry is a difference.
        prefix : str, default ""
            What the names start with in the result.

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
    """Find the schedules with state in a schedule, itself included, each with its path.

    Parameters
    ----------
    source : object
        A schedule, or anything else, in which there is none.
    prefix : str
        Path of `source`.

    Yields
    ------
    tuple of (str, StatefulSchedule)
    """
    if isinstance(source, StatefulSchedule):
        yield prefix, source
    if isinstance(source, Schedule) and is_dataclass(source):
        for one in fields(source):
            yield from remembering(getattr(source, one.name), f"{prefix}/{one.name}")
