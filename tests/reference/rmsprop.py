"""RMSprop. Hinton, Neural Networks for Machine Learning, lecture 6e (2012)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, quotient


class RMSprop:
    """v = rho v + (1 - rho) g^2; theta - eta g / sqrt(v + eps), or momentum on that."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "rho": 0.9,
        "momentum": 0.0,
        "epsilon": 1e-7,
        "centered": False,
        "epsilon_mode": "in",
        "initial_accumulator_value": 0.0,
        "form": "lr_inside",
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        first = h["initial_accumulator_value"]
        slots = {"velocity": 0.0 if first == "gradient" else first}
        if h["centered"]:
            slots["gradient_average"] = 0.0
        if h["momentum"]:
            slots["momentum"] = 0.0
        return slots

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        h, rho, eps, mu = k.h, k.h["rho"], k.h["epsilon"], k.h["momentum"]
        if h["initial_accumulator_value"] == "gradient" and k.t == 1:
            s["velocity"] = g**2
        v = d = s["velocity"] = rho * s["velocity"] + (1 - rho) * g**2
        if h["centered"]:
            a = s["gradient_average"] = rho * s["gradient_average"] + (1 - rho) * g
            d = np.maximum(v - a**2, 0.0)
            # A variance that is this much smaller than the two terms of the difference is rounding.
            k.uncertain = (d <= 1e-3 * v) & (v != 0)
        q = quotient(g, np.sqrt(d + eps) if h["epsilon_mode"] == "in" else np.sqrt(d) + eps)
        if not mu:
            return k.eta * q
        inside = h["form"] == "lr_inside"
        b = s["momentum"] = mu * s["momentum"] + (k.eta * q if inside else q)
        return b if inside else k.eta * b
