"""NovoGrad. Ginsburg et al., arXiv 1905.11286."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, norm


class NovoGrad:
    """m = beta1 m + g / (sqrt(v) + eps) + lam theta with one v per tensor, of |g|^2."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.95,
        "beta_2": 0.98,
        "epsilon": 1e-8,
        "gradient_averaging": False,
        "weight_decay_mode": "l2",
    }
    DECAY_INSIDE = "l2"

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0}

    @staticmethod
    def scalars(h: dict[str, Any]) -> dict[str, float]:
        return {"velocity": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        beta1, beta2 = k.h["beta_1"], k.h["beta_2"]
        square, old = norm(g) ** 2, k.scalars["velocity"]
        v = k.scalars["velocity"] = beta2 * old + (1 - beta2) * square if old else square
        below = np.sqrt(v) + k.h["epsilon"]
        d = (g / below if below else np.zeros_like(g)) + k.lam * theta
        share = 1 - beta1 if k.h["gradient_averaging"] else 1.0
        m = s["momentum"] = beta1 * s["momentum"] + share * d
        return k.eta * m
