"""Names of the literature that are switches of a class."""

from __future__ import annotations

from typing import Any, Final

_DECOUPLED: Final[dict[str, Any]] = {"weight_decay_mode": "decoupled"}

PUBLISHED: Final[dict[str, tuple[str, dict[str, Any], str]]] = {
    "AdaBoundW": (
        "AdaBound",
        {"weight_decay_mode": "fixed"},
        "AdaBound whose weight decay knows no learning rate",
    ),
    "AdadeltaW": ("Adadelta", _DECOUPLED, "Adadelta with decoupled weight decay"),
    "AdagradW": ("Adagrad", _DECOUPLED, "Adagrad with decoupled weight decay"),
    "AdamaxW": ("Adamax", _DECOUPLED, "AdaMax with decoupled weight decay"),
    "AdamC": (
        "AdamW",
        {"weight_decay_mode": "corrected"},
        "AdamW whose decay follows the schedule twice",
    ),
    "AMSBound": ("AdaBound", {"amsgrad": True}, "AdaBound with AMSGrad's second moment"),
    "AMSGrad": ("Adam", {"amsgrad": True}, "Adam with a second moment that never shrinks"),
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
    "LAMBC": ("Lamb", {"trust_clip": (0.0, 1.0)}, "LAMB with the trust ratio clamped at 1"),
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
        "RangerLars as its authors coded it",
    ),
    "Paratrooper": (
        "RangerLars",
        {"beta_1": 0.95, "trust_clip": "paratrooper"},
        "RangerLars with limits of the ratio that close around 1",
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
