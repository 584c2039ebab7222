"""AdaBelief. Zhuang et al., arXiv 2010.07468."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import Adam, corrections
from .base import Array, Step, quotient
from .radam import rectification


class AdaBelief:
    """s = beta2 s + (1 - beta2) (g - m)^2 + eps in place of Adam's v; rectified as RAdam."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-16,
        "rectify": True,
        "epsilon_root": 0.0,
        "threshold": 5.0,
        "degenerate": "momentum",
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return Adam.slots({"amsgrad": False})

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array | None:
        h, eps = k.h, k.h["epsilon"]
        m = s["momentum"] = h["beta_1"] * s["momentum"] + (1 - h["beta_1"]) * g
        surprise = (1 - h["beta_2"]) * (g - m) ** 2
        v = s["velocity"] = h["beta_2"] * s["velocity"] + surprise + eps
        c1, c2 = corrections(k)
        if not h["rectify"]:
            return k.eta * quotient(m / c1, np.sqrt(v / c2 + h["epsilon_root"]) + eps)
        r = rectification(k)
        if r is None:
            return k.eta * m / c1 if h["degenerate"] == "momentum" else None
        root = np.sqrt(v + h["epsilon_root"])
        return k.eta * r * np.sqrt(c2) / c1 * quotient(m, root + eps)
