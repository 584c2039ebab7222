"""Follow the regularized leader, proximal. McMahan et al., KDD 2013."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from .base import Array, Step


class Ftrl:
    """theta = (clip(z, -l1, l1) - z) / (n^p / eta + 2 l2 + beta / eta)."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "learning_rate_power": -0.5,
        "initial_accumulator_value": 0.1,
        "l1_regularization_strength": 0.0,
        "l2_regularization_strength": 0.0,
        "l2_shrinkage_regularization_strength": 0.0,
        "beta": 0.0,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"accumulator": h["initial_accumulator_value"], "linear": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array | None:
        h, eta, p = k.h, k.eta, -k.h["learning_rate_power"]
        if not eta:
            return None
        l1, l2 = h["l1_regularization_strength"], h["l2_regularization_strength"]
        n, z = s["accumulator"], s["linear"]
        new = s["accumulator"] = n + g**2
        sigma = (new**p - n**p) / eta
        z = s["linear"] = z + g + 2 * h["l2_shrinkage_regularization_strength"] * theta
        z = s["linear"] = z - sigma * theta
        below = new**p / eta + 2 * (l2 + h["beta"] / (2 * eta))
        there = np.divide(np.clip(z, -l1, l1) - z, below, out=np.array(theta), where=below != 0)
        return theta - there
