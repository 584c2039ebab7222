"""Adagrad. Duchi, Hazan and Singer, JMLR 12:2121 (2011)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, quotient


class Adagrad:
    """G = G + g^2; theta - eta_t g / sqrt(G + eps), or with eps outside the root."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "initial_accumulator_value": 0.1,
        "epsilon": 1e-7,
        "epsilon_mode": "in",
        "learning_rate_decay": 0.0,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"accumulator": h["initial_accumulator_value"]}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        eps = k.h["epsilon"]
        sums = s["accumulator"] = s["accumulator"] + g**2
        root = np.sqrt(sums + eps) if k.h["epsilon_mode"] == "in" else np.sqrt(sums) + eps
        return Adagrad.decay_rate(k) * quotient(g, root)

    @staticmethod
    def decay_rate(k: Step) -> float:
        """The rate of everything, eta_t."""
        return float(k.eta / (1 + (k.t - 1) * k.h["learning_rate_decay"]))
