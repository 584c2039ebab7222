"""What ``state_dict()`` of optimizers of torch returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamb_rs._peer_state.base import Found, Target, as_array

# Names there and slots here.
_MOMENTS = {"exp_avg": "momentum", "exp_avg_sq": "velocity"}
_SLOTS: dict[str, dict[str, str]] = {
    "sgd": {"momentum_buffer": "momentum"},
    "adagrad": {"sum": "accumulator"},
    "rmsprop": {
        "square_avg": "velocity",
        "momentum_buffer": "momentum",
        "grad_avg": "gradient_average",
    },
    "adadelta": {"square_avg": "velocity", "acc_delta": "velocity_step"},
    "adam": {**_MOMENTS, "max_exp_avg_sq": "velocity_max"},
    "adamw": {**_MOMENTS, "max_exp_avg_sq": "velocity_max"},
    "adamax": {"exp_avg": "momentum", "exp_inf": "maximum"},
    "nadam": _MOMENTS,
    "radam": _MOMENTS,
    "adafactor": {"row_var": "row", "col_var": "column", "variance": "velocity"},
    "muon": {"momentum_buffer": "momentum"},
}
# What the slots mean depends on this.
_FORMS: dict[str, tuple[str, object]] = {
    "sgd": ("form", "lr_outside"),
    "rmsprop": ("form", "lr_outside"),
    "adamax": ("epsilon_mode", "in"),
    "nadam": ("form", "dozat"),
    "adafactor": ("epsilon_mode", "clamp"),
    "muon": ("form", "ema"),
}
# Keys of a parameter group that tell the classes with the same state apart.
_GROUPS: dict[str, tuple[str, bool]] = {
    "adam": ("amsgrad", True),
    "adamw": ("amsgrad", True),
    "nadam": ("momentum_decay", True),
    "radam": ("amsgrad", False),
}


def read(target: Target, state: Any) -> Found:
    """Read the state of a torch optimizer.

    Parameters
    ----------
    target : Target
    state : mapping
        It has the keys "state" and "param_groups".
    """
    found = Found()
    slots = _SLOTS.get(target.rule)
    if slots is None:
        found.problems.append(f"torch.optim has no {type(target.optimizer).__name__}")
        return found
    try:
        groups = list(state["param_groups"])
        order = [key for group in groups for key in group["params"]]
        own = dict(state["state"])
    except (KeyError, TypeError, ValueError):
        found.problems.append('it is not what state_dict() returned: "state" and "param_groups"')
        return found
    if len(order) != len(target.names):
        found.problems.append(f"it has {len(order)} parameters, not {len(target.names)}")
        return found
    _check_forms(target, groups, found)
    steps: dict[int, list[str]] = {}
    for i, key in enumerate(order):
        _read_parameter(target, i, own.get(key), slots, steps, found)
    if len(steps) > 1:
        counts = ", ".join(f"{step} ({', '.join(names)})" for step, names in steps.items())
        found.problems.append(
            f"its parameters are at different steps, here they are at one: {counts}"
        )
    if steps:
        found.iterations = max(steps)
    return found


def _check_forms(target: Target, groups: list[Any], found: Found) -> None:
    setting = _FORMS.get(target.rule)
    if setting is not None and (target.rule != "rmsprop" or _has(target, "momentum")):
        found.demand(target, *setting, "what torch keeps")
    if _has(target, "velocity_max"):
        found.demand(target, "amsgrad", True, "torch's maximum")
    key, present = _GROUPS.get(target.rule, ("params", True))
    if any((key in group) != present for group in groups):
        there = "lack" if present else "have"
        found.problems.append(
            f"its groups {there} {key!r}, so it is not of torch's {type(target.optimizer).__name__}"
        )


def _has(target: Target, slot: str) -> bool:
    return any(slot in slots for slots in target.slots)


def _read_parameter(
    target: Target,
    index: int,
    state: Any,
    slots: dict[str, str],
    steps: dict[int, list[str]],
    found: Found,
) -> None:
    name = target.names[index]
    if state is None:
        # The parameter never had a gradient. Missing entries are noted later.
        return
    if not isinstance(state, Mapping):
        found.problems.append(f"the state of {name!r} is not a mapping")
        return
    for key, value in state.items():
        path = f"{key} of {name!r}"
        if value is None:
            continue
        if key in {"step", "mu_product"}:
            number = as_array(value)
            if number is None or number.size != 1:
                found.problems.append(f"{path} is not a number")
            elif key == "step":
                steps.setdefault(int(number), []).append(name)
            else:
                found.scalars["momentum_product"] = float(number)
        elif key not in slots:
            found.problems.append(f"{path} is unknown here")
        else:
            array = as_array(value)
            axis = {"row_var": -1, "col_var": -2}.get(key)
            if array is not None and axis is not None and array.ndim >= 2:
                array = array.squeeze(axis) if array.shape[axis] == 1 else array
            found.put(target, index, slots[key], value if array is None else array, path)
