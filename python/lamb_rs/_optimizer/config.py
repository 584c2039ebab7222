"""Optimizers as plain data: configuration and pickles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lamb_rs import _core
from lamb_rs._errors import HyperparameterError
from lamb_rs._optimizer.hyperparameters import hypers
from lamb_rs._optimizer.overrides import EXCLUSIONS
from lamb_rs.schedules import Schedule, deserialize, serialize

if TYPE_CHECKING:
    from lamb_rs._optimizer.overrides import Exclusion

    Kind = TypeVar("Kind")

# Where a configuration has the overrides that were given to `build`.
OVERRIDES = "overrides"


def get_config(optimizer: Any) -> dict[str, Any]:
    """Arguments of the constructor, and exclusions, as JSON can hold them."""
    found = {
        name: serialize(value) if isinstance(value, Schedule) else value
        for name, value in arguments(optimizer).items()
    }
    for selector in found.get(OVERRIDES, ()):
        if not isinstance(selector, str):
            raise HyperparameterError(
                f"an override is selected by the function {selector!r}, which cannot be saved; "
                "select it by a pattern"
            )
    return found


def arguments(optimizer: Any) -> dict[str, Any]:
    """Arguments of the constructor, schedules as they are; and exclusions, if there are any."""
    found: dict[str, Any] = {}
    for hyper in hypers(type(optimizer)):
        name = hyper["name"]
        if name in optimizer._held:
            # The wrapper sets it again.
            found[name] = optimizer._held[name]
            continue
        source = optimizer._sources.get(name)
        if source is not None and not isinstance(source, Schedule):
            raise HyperparameterError(
                f"{name} is the function {source!r}, which cannot be saved; "
                "set a number, or a subclass of lamb_rs.schedules.Schedule"
            )
        found[name] = getattr(optimizer, name) if source is None else source
    found["name"] = optimizer.name
    for method, exclusion in optimizer._exclusions.items():
        if exclusion.arrays:
            raise HyperparameterError(
                f"{method} was given arrays (var_list), which have names only once the optimizer "
                "is built; build it before saving, or use var_names"
            )
        if exclusion.patterns:
            found[method] = list(exclusion.patterns)
    if optimizer._overrides:
        found[OVERRIDES] = copied(optimizer._overrides)
    return found


def copied(overrides: Any) -> dict[Any, dict[str, Any]]:
    """Copy overrides, so that changes of the caller's mapping do not change them."""
    return {
        selector: {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in settings.items()
        }
        for selector, settings in (overrides or {}).items()
    }


def from_config(cls: type[Kind], config: Mapping[str, Any]) -> Kind:
    """Make an optimizer from what `get_config` or `arguments` returned."""
    if not isinstance(config, Mapping):
        raise HyperparameterError(f"config must be the result of get_config; got {config!r}")
    given = {
        name: deserialize(value) if isinstance(value, Mapping) and "class_name" in value else value
        for name, value in config.items()
    }
    overrides = given.pop(OVERRIDES, None)
    patterns = {method: given.pop(method, None) for method in EXCLUSIONS}
    optimizer = cls(**(effective(cls, given) if hasattr(cls, "_algorithm") else given))
    for method, names in patterns.items():
        if names:
            getattr(optimizer, method)(var_names=names)
    if overrides:
        made: Any = optimizer
        made._overrides = copied(overrides)
    return optimizer


def effective(cls: type[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments without those that have no effect with the others.

    The constructor refuses such arguments, but a saved configuration or the arguments of another
    package may contain them.
    """
    known = {one["name"] for one in hypers(cls)}
    if not known.issuperset(arguments.keys() - {"name", "exclude_layers"}):
        return dict(arguments)  # the constructor reports the unknown one
    sources = [name for name, value in arguments.items() if callable(value)]
    plain = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in arguments.items()
        if name in known and name not in sources
    }
    dropped = _core.without_effect(cls._algorithm, plain, [one for one in sources if one in known])
    return {name: value for name, value in arguments.items() if name not in dropped}


def restore(
    cls: type[Kind], config: Mapping[str, Any], pending: tuple[dict[str, Any], bool] | None
) -> Kind:
    """Make an optimizer from its pickle. It is not built; `build` restores its state."""
    optimizer = from_config(cls, config)
    made: Any = optimizer
    made._pending = pending
    return optimizer


def attributes(optimizer: Any) -> tuple[dict[str, Any] | None, dict[str, Any]] | None:
    """Return the attributes that a subclass added, in the form that pickle and copy use."""
    own = getattr(optimizer, "__dict__", None)
    slots = {
        name: getattr(optimizer, name)
        for cls in type(optimizer).__mro__
        if not cls.__module__.startswith("lamb_rs.")
        for name in _names(cls.__dict__.get("__slots__", ()))
        if hasattr(optimizer, name)
    }
    return (own or None, slots) if own or slots else None


def _names(slots: Any) -> list[str]:
    names = [slots] if isinstance(slots, str) else list(slots)
    return [name for name in names if name not in {"__dict__", "__weakref__"}]


def with_attributes(made: Kind, optimizer: Kind) -> Kind:
    """Copy the attributes that a subclass added from one optimizer to a new one."""
    own, slots = attributes(optimizer) or (None, {})
    for name, value in {**(own or {}), **slots}.items():
        setattr(made, name, value)
    return made


def by_name(exclusion: Exclusion, names: list[str], arrays: list[Any]) -> None:
    """Replace the arrays of an exclusion by patterns that find their names."""
    for i, array in enumerate(arrays):
        if any(array is wanted for wanted in exclusion.arrays):
            exclusion.patterns.append(f"^{re.escape(names[i])}$")
    exclusion.arrays.clear()
