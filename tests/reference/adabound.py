"""AdaBound and AMSBound. Luo et al., arXiv 1902.09843, as in the authors' code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .adam import Adam, corrections, moments

if TYPE_CHECKING:
    from .base import Array, Step


class AdaBound:
    """Adam with each element's rate clipped to bounds that close in on ``final_learning_rate``."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "final_learning_rate": 0.1,
        "gamma": 0.001,
        "amsgrad": False,
        "weight_decay_mode": "l2",
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return Adam.slots(h)

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        m, v = moments(g, s, k)
        c1, c2 = corrections(k)
        w = v
        if k.h["amsgrad"]:
            w = s["velocity_max"] = np.maximum(s["velocity_max"], v)
        # The final rate follows the schedule.
        final = k.h["final_learning_rate"] * (k.eta / k.first_rate if k.first_rate else 0.0)
        low = final * (1 - 1 / (k.h["gamma"] * k.t + 1))
        narrowing = k.h["gamma"] * k.t
        high = final * (1 + 1 / narrowing if narrowing else 1e300)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = k.eta * np.sqrt(c2) / c1 / (np.sqrt(w) + k.h["epsilon"])
        return np.clip(np.nan_to_num(rate, nan=0.0, posinf=np.inf), low, high) * m
