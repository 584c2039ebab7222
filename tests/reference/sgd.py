"""Gradient descent with momentum and Nesterov's momentum.

Polyak (1964); Nesterov (1983); Sutskever et al. (2013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .base import Array, Step


class Sgd:
    """``lr_inside``: v = mu v - eta g; ``lr_outside``: b = mu b + (1 - tau) g, first b = g."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.01,
        "momentum": 0.0,
        "nesterov": False,
        "form": "lr_inside",
        "dampening": 0.0,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0} if h["momentum"] else {}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        mu, eta = k.h["momentum"], k.eta
        if not mu:
            return eta * g
        if k.h["form"] == "lr_inside":
            v = s["momentum"] = mu * s["momentum"] - eta * g
            return -(mu * v - eta * g) if k.h["nesterov"] else -v
        tau = 0.0 if k.t == 1 else k.h["dampening"]
        b = s["momentum"] = mu * s["momentum"] + (1 - tau) * g
        return eta * (g + mu * b) if k.h["nesterov"] else eta * b
