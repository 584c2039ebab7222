"""Optimizers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamb_rs import _core, optim
from lamb_rs._errors import HyperparameterError, nearest

if TYPE_CHECKING:
    from lamb_rs._optimizer import Optimizer

# Names of the literature that are switches of another optimizer, and what they mean.
_PUBLISHED: dict[str, tuple[str, dict[str, Any], str]] = {
    "AdamC": (
        "AdamW",
        {"weight_decay_mode": "corrected"},
        "AdamW whose decay follows the schedule twice",
    ),
    "AMSGrad": ("Adam", {"amsgrad": True}, "Adam with a second moment that never shrinks"),
    "CWD": (
        "AdamW",
        {"weight_decay_mode": "cautious"},
        "cautious weight decay: only where step and decay agree",
    ),
    "LAMBC": ("Lamb", {"trust_clip": (0.0, 1.0)}, "LAMB with the trust ratio clamped at 1"),
    "Momentum": ("SGD", {"momentum": 0.9}, "gradient descent with momentum"),
    "Nesterov": (
        "SGD",
        {"momentum": 0.9, "nesterov": True},
        "gradient descent with Nesterov's acceleration",
    ),
    "RAdamW": (
        "RAdam",
        {"weight_decay_mode": "decoupled"},
        "RAdam with decoupled weight decay",
    ),
}


def optimizers() -> dict[str, str]:
    """List every name that `get` knows.

    Returns
    -------
    dict
        Name to one line about it: the classes, then published names that are switches of a class.
    """
    lines = {one["class_name"]: one["summary"] for one in _core.algorithms()}
    for name, (class_name, switches, words) in _PUBLISHED.items():
        call = ", ".join(f"{switch}={value!r}" for switch, value in switches.items())
        lines[name] = f"{words}: {class_name}({call})"
    return lines


def get(name: str, **arguments: Any) -> Optimizer:
    """Make an optimizer by its name.

    Parameters
    ----------
    name : str
        Of a class, or a published name that is a switch of a class: ``get("amsgrad")`` is
        ``Adam(amsgrad=True)``. Case, hyphens, underscores and spaces do not matter.
    **arguments
        Of the constructor; they go before the switches that the name sets.

    Returns
    -------
    Optimizer

    Raises
    ------
    HyperparameterError
        For an unknown name; the message says the nearest.
    TypeError
        For an unknown argument.
    """
    known = {_folded(other): other for other in optimizers()}
    found = known.get(_folded(str(name)))
    if found is None:
        hint = nearest(str(name), known.values())
        raise HyperparameterError(
            f"unknown optimizer {name!r}{hint}; lamb_rs.optimizers() lists all"
        )
    class_name, switches, _ = _PUBLISHED.get(found, (found, {}, ""))
    made: Optimizer = getattr(optim, class_name)(**{**switches, **arguments})
    return made


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter not in "-_ ")
