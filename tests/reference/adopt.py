"""ADOPT. Taniguchi et al., arXiv 2411.02853."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import Adam
from .base import Array, Step, quotient


class Adopt:
    """m = beta1 m + (1 - beta1) clip(g / max(sqrt(v), eps)) with the v of earlier gradients."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.9999,
        "epsilon": 1e-6,
        "clip_exponent": 0.25,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return Adam.slots({"amsgrad": False})

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array | None:
        h, old = k.h, s["velocity"]
        if k.t == 1:
            s["velocity"] = g**2
            return None
        n = quotient(g, np.maximum(np.sqrt(old), h["epsilon"]))
        if h["clip_exponent"] is not None:
            bound = (k.t - 1) ** h["clip_exponent"]
            n = np.clip(n, -bound, bound)
        m = s["momentum"] = h["beta_1"] * s["momentum"] + (1 - h["beta_1"]) * n
        s["velocity"] = h["beta_2"] * old + (1 - h["beta_2"]) * g**2
        return k.eta * m
