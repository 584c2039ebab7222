"""Adan. Xie et al., arXiv 2208.06677; the betas are 1 - those of the paper."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, quotient


class Adan:
    """Adam with the average of the gradient's changes; decay divides the parameter."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.98,
        "beta_2": 0.92,
        "beta_3": 0.99,
        "epsilon": 1e-8,
        "form": "proximal",
    }
    DECAY_INSIDE = "decoupled"

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0, "momentum_difference": 0.0, "velocity": 0.0, "gradient": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        beta1, beta2, beta3 = (k.h[f"beta_{i}"] for i in (1, 2, 3))
        change = np.zeros_like(g) if k.t == 1 else g - s["gradient"]
        s["gradient"] = g.copy()
        m = s["momentum"] = beta1 * s["momentum"] + (1 - beta1) * g
        d = s["momentum_difference"] = beta2 * s["momentum_difference"] + (1 - beta2) * change
        v = s["velocity"] = beta3 * s["velocity"] + (1 - beta3) * (g + beta2 * change) ** 2
        c1, c2, c3 = (1 - beta**k.t for beta in (beta1, beta2, beta3))
        u = quotient(m / c1 + beta2 * d / c2, np.sqrt(v / c3) + k.h["epsilon"])
        if k.h["form"] == "proximal":
            return theta - (theta - k.eta * u) / (1 + k.eta * k.lam)
        return k.eta * (k.lam * theta + u)
