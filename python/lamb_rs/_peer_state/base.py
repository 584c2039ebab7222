"""State of running optimizers of other packages."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._errors import HyperparameterError, StateMismatchError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray


_READERS = {"keras": "keras", "torch": "torch"}
# Slots of stages, which no peer has: they start from the parameters, or from nothing.
_COPIES = frozenset({"average", "slow"})
_ZEROS = frozenset({"gradient_accumulator"})
# Slots of stages that start from a slot of the rule.
_FOLLOWS = {"slow_momentum": "momentum"}


@dataclass(slots=True)
class Target:
    """The optimizer that gets the state: its rule and its parameters."""

    optimizer: Any
    rule: str
    names: list[str]
    shapes: list[tuple[int, ...]]
    trainable: list[bool]
    slots: list[set[str]]


@dataclass(slots=True)
class Found:
    """The content of a peer's state in the terms of this library, and the problems with it."""

    arrays: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    scalars: dict[str, float] = field(default_factory=dict)
    iterations: int | None = None
    calls: int | None = None
    problems: list[str] = field(default_factory=list)

    def put(self, target: Target, index: int, slot: str, value: Any, path: str) -> None:
        """Take an array for a slot of a parameter, or note the problem."""
        array = as_array(value)
        name = target.names[index]
        if array is None:
            self.problems.append(f"{path} is not an array of numbers: {value!r:.60}")
        elif slot not in target.slots[index]:
            self.problems.append(f"{path}: {name!r} has no {slot} here; {_why_not(target, slot)}")
        else:
            self.arrays[f"{name}/{slot}"] = array

    def demand(self, target: Target, setting: str, value: object, because: str) -> None:
        """Note a problem if the optimizer has another form than the state."""
        own = getattr(leaf(target.optimizer), setting)
        if own != value:
            self.problems.append(f"{setting} is {own!r} here; {because} is {value!r}")


def load(optimizer: Any, framework: str, state: Any, iterations: int | None) -> None:
    """Load the state of another package into an optimizer: see `load_peer_state`."""
    reader = _READERS.get(str(framework))
    if reader is None:
        hint = nearest(str(framework), _READERS)
        raise HyperparameterError(
            f"state of {framework!r} cannot be read{hint}; only that of 'torch' and 'keras' can"
        )
    inner = leaf(optimizer)
    current = optimizer.state_dict()
    read: Callable[[Target, Any], Found] = import_module(f"{__package__}.{reader}").read
    target = _target(optimizer, inner, current)
    if inner.state_dtype != "float32":
        raise HyperparameterError(
            f"state_dtype is {inner.state_dtype!r}; a peer's state is taken in float32 only"
        )
    found = read(target, state)
    _count(inner, found, iterations)
    new = _merged(target, current, found)
    if found.problems:
        raise StateMismatchError(
            f"this state of {framework} does not belong to this {type(inner).__name__}; "
            "nothing was changed:",
            found.problems,
        )
    optimizer.load_state_dict(new)


def leaf(optimizer: Any) -> Any:
    """Return the one optimizer with a rule inside of any wrappers."""
    leaves = optimizer._leaves()
    if len(leaves) != 1:
        raise HyperparameterError(
            f"{type(optimizer).__name__} holds {len(leaves)} optimizers, and a peer's state is of "
            "one; load it into one optimizer and distribute the entries of its state_dict()"
        )
    return leaves[0]


def as_array(value: Any) -> NDArray[np.float32] | None:
    """Return a float32 copy of an array or tensor, and None for any other object."""
    for method in ("detach", "cpu"):
        if hasattr(value, method):
            value = getattr(value, method)()
    if str(getattr(value, "dtype", "")).endswith("bfloat16"):
        # A bfloat16 tensor of torch cannot be converted to a NumPy array.
        value = value.float() if hasattr(value, "float") else value
    if not hasattr(value, "__array__") and hasattr(value, "numpy"):
        value = value.numpy()
    try:
        array = np.asarray(value)
        return array.astype(np.float32) if array.dtype.kind in "biuf" else _narrow(array)
    except (TypeError, ValueError):
        return None


def _narrow(array: NDArray[Any]) -> NDArray[np.float32] | None:
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else None


def _target(optimizer: Any, inner: Any, state: Mapping[str, Any]) -> Target:
    rows = inner._native.describe()
    names = [row["name"] for row in rows]
    slots: list[set[str]] = []
    for name in names:
        start = f"{name}/"
        own = {key[len(start) :] for key in state if key.startswith(start)}
        slots.append({slot for slot in own if "/" not in slot})
    return Target(
        optimizer,
        inner._algorithm,
        names,
        [tuple(row["shape"]) for row in rows],
        [row["trainable"] for row in rows],
        slots,
    )


def _count(inner: Any, found: Found, iterations: Any) -> None:
    """Settle the counters."""
    if iterations is not None:
        if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 0:
            raise HyperparameterError(f"iterations must be an integer >= 0; got {iterations!r}")
        if found.iterations not in {None, iterations}:
            found.problems.append(
                f"iterations={iterations} was given, but the state has {found.iterations}"
            )
        found.iterations = iterations
    elif found.iterations is None:
        if inner._sources:
            found.problems.append(
                "the state does not say how many updates were done, which "
                f"{', '.join(inner._sources)} depends on; pass iterations="
            )
        found.iterations = 1 if found.arrays else 0
    if found.calls is None:
        found.calls = found.iterations * (inner.gradient_accumulation_steps or 1)


def _merged(target: Target, current: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Return the state to load, and note entries that are missing or have another shape."""
    new = dict(current)
    arrays = dict(found.arrays)
    parameters = leaf(target.optimizer)._native.parameters
    for i, name in enumerate(target.names):
        for slot in sorted(target.slots[i], key=lambda one: (one in _FOLLOWS, one)):
            key = f"{name}/{slot}"
            old = np.asarray(current[key])
            given = arrays.pop(key, None)
            if given is not None and given.shape != old.shape:
                found.problems.append(f"{key} is {_shape(given.shape)}, not {_shape(old.shape)}")
            elif given is not None:
                new[key] = given
            elif slot in _COPIES:
                new[key] = parameters[i].copy()
            elif slot in _FOLLOWS:
                start = new.get(f"{name}/{_FOLLOWS[slot]}")
                new[key] = np.zeros_like(old) if start is None else start.copy()
            elif slot in _ZEROS or not (target.trainable[i] and found.iterations):
                new[key] = old if not target.trainable[i] else np.zeros_like(old)
            else:
                found.problems.append(f"{key} is not in it")
    for key, value in current.items():
        scalar = key.removeprefix("optimizer/")
        if key.startswith("optimizer/") and scalar in found.scalars:
            new[key] = np.full_like(value, found.scalars.pop(scalar))
    found.problems += [f"optimizer/{scalar} does not exist here" for scalar in found.scalars]
    new["optimizer/iterations"] = found.iterations
    new["optimizer/calls"] = found.calls
    new["optimizer/last_learning_rate"] = None
    return new


def _why_not(target: Target, slot: str) -> str:
    kind = type(leaf(target.optimizer)).__name__
    return f"make the {kind} by from_peer with the peer's arguments ({slot})"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a scalar"
