"""The description of an optimizer and of the treatment of each parameter, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lamb_rs._optimizer.hyperparameters import hypers
from lamb_rs._registry import row

if TYPE_CHECKING:
    from collections.abc import Mapping


class Setting(NamedTuple):
    """A setting of one parameter.

    Attributes
    ----------
    value : object
        The current value. If a schedule or function drives the hyperparameter, the value in the
        last update.
    why : str
        The reason for the value: "default", "argument", the schedule or function, the override or
        exclusion, or the wrapper.
    """

    value: Any
    why: str


class Slot(NamedTuple):
    """A state array of one parameter.

    Attributes
    ----------
    name, dtype : str
        Such as "momentum" and "float32".
    bytes : int
        Its size in bytes, including the scales of blocks.
    """

    name: str
    dtype: str
    bytes: int


class Parameter(NamedTuple):
    """The treatment of one parameter.

    Attributes
    ----------
    name : str
    shape : tuple of int
    size : int
        Number of elements.
    optimizer : str
        Class of the optimizer that updates it.
    rule : str
        Algorithm that it follows. For some parameters of some optimizers, such as `Muon`, this is
        not the algorithm of the optimizer.
    formula : str
        Its update with its settings: assignments that are separated by "; ". The names are those of
        settings and state, which `Algorithm.formula` describes.
    trainable : bool
        Whether it is updated.
    settings : dict of str to Setting
        Every hyperparameter, with the learning rate and weight decay of this parameter, and
        "layer_adaptation" if the rule has a trust ratio.
    slots : tuple of Slot
        Its state arrays.
    state_bytes : int
        Size of all slots in bytes.
    """

    name: str
    shape: tuple[int, ...]
    size: int
    optimizer: str
    rule: str
    formula: str
    trainable: bool
    settings: dict[str, Setting]
    slots: tuple[Slot, ...]
    state_bytes: int


class Description(NamedTuple):
    """The current settings and counters of an optimizer.

    Attributes
    ----------
    optimizer : str
        Name of its class.
    iterations, calls, skipped_steps : int
        Counters.
    last_learning_rates : tuple of float
        Learning rate of the last update, for each optimizer inside; NaN before the first update.
    state_bytes : int
        Size of the state in bytes.
    parameters : tuple of Parameter
        One row for each parameter, in the order of `parameter_names`; empty before `build`.
    """

    optimizer: str
    iterations: int
    calls: int
    skipped_steps: int
    last_learning_rates: tuple[float, ...]
    state_bytes: int
    parameters: tuple[Parameter, ...]


def describe(optimizer: Any) -> Description:
    """Describe an optimizer: see `Optimizer.describe`."""
    where = {
        name: (leaf, i)
        for leaf in optimizer._leaves()
        for i, name in enumerate(leaf._native.parameter_names)
    }
    native = optimizer._native
    return Description(
        type(optimizer).__name__,
        native.iterations,
        native.calls,
        native.skipped_steps,
        tuple(leaf._native.last_learning_rate for leaf in optimizer._leaves()),
        native.state_bytes,
        tuple(_parameter(one, *where[one["name"]]) for one in native.describe()),
    )


def _parameter(one: Any, leaf: Any, i: int) -> Parameter:
    slots = zip(one["slots"], one["slot_bytes"], strict=True)
    return Parameter(
        one["name"],
        tuple(one["shape"]),
        one["size"],
        type(leaf).__name__,
        one["rule"],
        one["formula"],
        one["trainable"],
        _settings(one, leaf, i),
        tuple(Slot(name, dtype, size) for (name, dtype), size in slots),
        one["state_bytes"],
    )


def _settings(one: Any, leaf: Any, i: int) -> dict[str, Setting]:
    reasons = {name: reason.source for name, reason in leaf._reasons[i].items()}
    found: dict[str, Setting] = {}
    for hyper in hypers(type(leaf)):
        name = hyper["name"]
        value = leaf._settings[i].get(name, getattr(leaf, name))
        if name in reasons:
            why = reasons[name]
        elif name in leaf._held:
            why = "LossScaleOptimizer"
        elif name in leaf._sources:
            why = repr(leaf._sources[name])
        else:
            why = "default" if value == hyper["default"] else "argument"
        found[name] = Setting(value, why)
    if one["trainable"]:
        factor = reasons.get("learning_rate_multiplier")
        rate = found["learning_rate"].why
        why = rate if factor is None else f"{rate}, {factor}"
        found["learning_rate"] = Setting(one["learning_rate"], why)
        found["weight_decay"] = Setting(one["weight_decay"], found["weight_decay"].why)
    for name in ("layer_adaptation", "trainable"):
        if one[name] is not None:
            found[name] = Setting(one[name], reasons.get(name, "default"))
    return found | _of_wrappers(leaf, found)


def _of_wrappers(leaf: Any, known: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return the settings of the wrappers that are in effect."""
    rows = [hyper for hyper in row(leaf._algorithm)["hyper"] if hyper["name"] not in known]
    values = {hyper["name"]: leaf._native.get(hyper["name"]) for hyper in rows}
    active = {hyper["wrapper"] for hyper in rows if values[hyper["name"]] != hyper["default"]}
    return {
        hyper["name"]: Setting(values[hyper["name"]], wrapper)
        for hyper in rows
        if (wrapper := hyper["wrapper"]) is not None and wrapper in active
    }
