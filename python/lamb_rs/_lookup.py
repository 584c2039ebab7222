"""Optimizers by name."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from lamb_rs import _core, optim, wrappers
from lamb_rs._errors import HyperparameterError

if TYPE_CHECKING:
    from lamb_rs._optimizer.base import Optimizer

_DECOUPLED: Final[dict[str, Any]] = {"weight_decay_mode": "decoupled"}

PUBLISHED: Final[dict[str, tuple[str, dict[str, Any], str]]] = {
    "AdaBoundW": (
        "AdaBound",
        {"weight_decay_mode": "fixed"},
        "AdaBound with weight decay that does not depend on the learning rate",
    ),
    "AdadeltaW": ("Adadelta", _DECOUPLED, "Adadelta with decoupled weight decay"),
    "AdagradW": ("Adagrad", _DECOUPLED, "Adagrad with decoupled weight decay"),
    "AdamaxW": ("Adamax", _DECOUPLED, "AdaMax with decoupled weight decay"),
    "AdamC": (
        "AdamW",
        {"weight_decay_mode": "corrected"},
        "AdamW with weight decay proportional to the square of the learning rate",
    ),
    "AMSBound": ("AdaBound", {"amsgrad": True}, "AdaBound with AMSGrad's second moment"),
    "AMSGrad": ("Adam", {"amsgrad": True}, "Adam with a second moment that never decreases"),
    "AMSGradW": ("AdamW", {"amsgrad": True}, "AMSGrad with decoupled weight decay"),
    "C-Adam": ("Adam", {"cautious": True}, "Adam that moves only where step and gradient agree"),
    "C-AdamW": ("AdamW", {"cautious": True}, "AdamW that moves only where step and gradient agree"),
    "C-Lamb": ("Lamb", {"cautious": True}, "LAMB that moves only where step and gradient agree"),
    "C-Lion": ("Lion", {"cautious": "sum1"}, "Lion that moves only where step and gradient agree"),
    "Cautious-Adam": ("Adam", {"cautious": True}, "the long name of C-Adam"),
    "Cautious-AdamW": ("AdamW", {"cautious": True}, "the long name of C-AdamW"),
    "Cautious-Lamb": ("Lamb", {"cautious": True}, "the long name of C-Lamb"),
    "Cautious-Lion": ("Lion", {"cautious": "sum1"}, "the long name of C-Lion"),
    "CWD": (
        "AdamW",
        {"weight_decay_mode": "cautious"},
        "cautious weight decay: only where step and decay agree",
    ),
    "FTRL-Proximal": ("Ftrl", {}, "the long name of Ftrl"),
    "GD": ("SGD", {}, "gradient descent"),
    "Gradient Descent": ("SGD", {}, "the long name of GD"),
    "Heavy-Ball": ("SGD", {"momentum": 0.9}, "gradient descent with Polyak's momentum"),
    "LAMBC": ("Lamb", {"trust_clip": (0.0, 1.0)}, "LAMB with a trust ratio of at most 1"),
    "Momentum": ("SGD", {"momentum": 0.9}, "gradient descent with momentum"),
    "NAdamW": (
        "Nadam",
        {"form": "ruder", **_DECOUPLED},
        "Nadam without warm-up of the momentum, with decoupled weight decay",
    ),
    "NAG": ("SGD", {"momentum": 0.9, "nesterov": True}, "the short name of Nesterov"),
    "Nesterov": (
        "SGD",
        {"momentum": 0.9, "nesterov": True},
        "gradient descent with Nesterov's acceleration",
    ),
    "NVLAMB": (
        "Lamb",
        {"epsilon": 1e-6, "global_clipnorm": 1.0, "always_adapt": True},
        "NVIDIA's LAMB: gradients clipped together, every layer adapted",
    ),
    "Over9000": (
        "RangerLars",
        {"epsilon_mode": "hat", "form": "new_weights", "phi": (0.0, 10.0), **_DECOUPLED},
        "RangerLars with the settings of the code of its author",
    ),
    "Paratrooper": (
        "RangerLars",
        {"beta_1": 0.95, "trust_clip": "paratrooper"},
        "RangerLars with limits of the trust ratio that tend to 1",
    ),
    "RAdamW": ("RAdam", _DECOUPLED, "RAdam with decoupled weight decay"),
    "RaLars": ("Ralamb", {}, "another name of Ralamb"),
    "Rectified Adam": ("RAdam", {}, "the long name of RAdam"),
    "RMSpropW": ("RMSprop", _DECOUPLED, "RMSprop with decoupled weight decay"),
    "Schedule-Free": ("ScheduleFreeAdamW", {}, "the short name of ScheduleFreeAdamW"),
    "SGDM": ("SGD", {"momentum": 0.9}, "the short name of Momentum"),
    "SGDW": ("SGD", _DECOUPLED, "gradient descent with decoupled weight decay"),
}
"""Name to class, switches and one line."""


def optimizers() -> dict[str, str]:
    """List every name that `get` knows.

    Returns
    -------
    dict
        Maps each name to a description in one line: the classes, the wrappers, then published names
        for settings of a class.
    """
    lines = {one["class_name"]: one["summary"] for one in _core.algorithms()}
    for name in wrappers.__all__:
        lines[name] = f"wrapper: {getattr(wrappers, name)._summary}"
    for name, (class_name, switches, words) in PUBLISHED.items():
        call = ", ".join(f"{switch}={value!r}" for switch, value in switches.items())
        lines[name] = f"{words}: {class_name}({call})"
    return lines


def get(name: str, /, *positional: Any, **arguments: Any) -> Optimizer:
    """Make an optimizer by its name.

    Parameters
    ----------
    name : str
        Name of a class, or a published name for settings of a class: ``get("amsgrad")`` is
        ``Adam(amsgrad=True)``. Case, hyphens, underscores and spaces are ignored.
    *positional, **arguments
        Arguments of the constructor. They take precedence over the settings of the name. Wrappers
        need the optimizer inside: ``get("lookahead", Adam())``. Without one, "larc" wraps `SGD`,
        which gets the arguments that `Larc` does not have.

    Returns
    -------
    Optimizer

    Raises
    ------
    HyperparameterError
        For an unknown name. The message names the most similar one.
    TypeError
        For an unknown argument.
    """
    found = _find(name)
    if found == "Larc" and not positional and "inner" not in arguments:
        own = {
            one: arguments.pop(one)
            for one in (*wrappers.Larc._meanings, "name")
            if one in arguments
        }
        return wrappers.Larc(optim.SGD(**arguments), **own)
    class_name, switches, _ = PUBLISHED.get(found, (found, {}, ""))
    cls = getattr(optim, class_name, None) or getattr(wrappers, class_name)
    made: Optimizer = cls(*positional, **{**switches, **arguments})
    return made


@cache
def _spellings() -> dict[str, str]:
    return {_folded(name): name for name in optimizers()}


def _find(name: str) -> str:
    """Return a name as it is written in the list."""
    known = _spellings()
    spelled = _folded(str(name))
    found = known.get(spelled)
    if found is None:
        # Only needed for the error message.
        import difflib  # noqa: PLC0415

        close = difflib.get_close_matches(spelled, known, n=3, cutoff=0.6)
        first, *others = [repr(known[one]) for one in close] or [""]
        hint = f"; did you mean {first}?" if first else ""
        hint += f" (or {', '.join(others)})" if others else ""
        raise HyperparameterError(
            f"unknown optimizer {name!r}{hint}; lamb_rs.optimizers() lists all"
        )
    return found


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter not in "-_ ")
