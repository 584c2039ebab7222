"""AdaMax. Kingma and Ba, arXiv 1412.6980, section 7.1."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, quotient


class Adamax:
    """u = max(beta2 u, |g|); theta - (eta / c1) m / (u + eps), or eps within the maximum."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "epsilon_mode": "out",
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0, "maximum": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        beta1, beta2, eps = k.h["beta_1"], k.h["beta_2"], k.h["epsilon"]
        within = k.h["epsilon_mode"] == "in"
        m = s["momentum"] = beta1 * s["momentum"] + (1 - beta1) * g
        size = np.abs(g) + eps if within else np.abs(g)
        u = s["maximum"] = np.maximum(beta2 * s["maximum"], size)
        return k.eta / (1 - beta1**k.t) * quotient(m, u if within else u + eps)
