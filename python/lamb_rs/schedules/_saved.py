"""State of schedules, saved with that of the native optimizer: both are restored, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._errors import StateMismatchError
from lamb_rs.schedules._stateful import remembering

if TYPE_CHECKING:
    from collections.abc import Callable


def remembered(sources: Mapping[str, object]) -> dict[str, float]:
    """Return the state of the schedules that drive hyperparameters.

    Parameters
    ----------
    sources : mapping of str to object
        By hyperparameter.
    """
    return {
        f"{path}/{name}": value
        for hyper, source in sources.items()
        for path, schedule in remembering(source, f"optimizer/{hyper}")
        for name, value in schedule.state_dict().items()
    }


def as_state(state: object) -> dict[str, Any]:
    """Return a copy of a state, which has to be a mapping.

    Raises
    ------
    StateMismatchError
        For anything else.
    """
    if not isinstance(state, Mapping):
        raise StateMismatchError(
            f"a state must be a mapping, as state_dict() returns it; got {type(state).__name__}"
        )
    return dict(state)


def restore(
    sources: Mapping[str, object],
    state: Mapping[str, Any],
    strict: bool,
    load: Callable[[dict[str, Any], list[str]], None],
) -> None:
    """Restore the state of each schedule, and pass the rest of a state to `load`.

    Parameters
    ----------
    sources : mapping of str to object
        By hyperparameter.
    state : mapping
        The result of `state_dict`.
    strict : bool
        Whether a missing entry is an error.
    load : callable
        Takes the entries that do not belong to schedules, and the differences of those that do. It
        raises with all differences, or restores everything.

    Raises
    ------
    StateMismatchError
        With all differences, including those that `load` finds.
    """
    rest = as_state(state)
    parts = []
    differences = []
    for hyper, source in sources.items():
        for path, schedule in remembering(source, f"optimizer/{hyper}"):
            keys = {name: f"{path}/{name}" for name in schedule.initial_state()}
            part = {name: _plain(rest.pop(key)) for name, key in keys.items() if key in rest}
            differences += schedule.differences(part, strict, f"{path}/")
            parts.append((schedule, part))
    load(rest, differences)
    for schedule, part in parts:
        schedule.load_state_dict(part, strict)


def _plain(value: Any) -> Any:
    """Return a number of NumPy as a Python number."""
    alone = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if alone else value
