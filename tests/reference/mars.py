"""MARS. Yuan et al., arXiv 2411.10438."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import Adam
from .base import Array, Step, norm, quotient


def by_adamw(theta: Array, h: dict[str, Any]) -> bool:
    """Whether a parameter follows AdamW."""
    return theta.ndim < 2 and not h["optimize_1d"]


class Mars:
    """AdamW or the sign of the momentum on c = g + gamma beta1 / (1 - beta1) (g - g_before)."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.003,
        "beta_1": 0.95,
        "beta_2": 0.99,
        "gamma": 0.025,
        "epsilon": 1e-8,
        "form": "adamw",
        "correct_first_step": True,
        "optimize_1d": False,
        "learning_rate_1d_factor": 1.0,
        "beta_1_1d": 0.9,
        "beta_2_1d": 0.95,
        "weight_decay_1d": 0.1,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0, "velocity": 0.0, "gradient": 0.0}

    @staticmethod
    def start(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Array]:
        slots = ["momentum"]
        if h["form"] == "adamw" or by_adamw(theta, h):
            slots.append("velocity")
        if not by_adamw(theta, h):
            slots.append("gradient")
        return {slot: np.zeros(theta.shape) for slot in slots}

    @staticmethod
    def route(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Any]:
        if not by_adamw(theta, h):
            return h
        adamw = {name: h[f"{name}_1d"] for name in ("beta_1", "beta_2")}
        adamw["learning_rate"] = h["learning_rate"] * h["learning_rate_1d_factor"]
        adamw["weight_decay"] = h["weight_decay_1d"]
        return {**Adam.DEFAULTS, **h, **adamw, "epsilon_mode": "out"}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        if "gradient" not in s:
            return Adam.step(theta, g, s, k)
        h, beta1, beta2 = k.h, k.h["beta_1"], k.h["beta_2"]
        plain = k.t == 1 and not h["correct_first_step"]
        change = np.zeros_like(g) if plain else g - s["gradient"]
        s["gradient"] = g.copy()
        c = g + h["gamma"] * beta1 / (1 - beta1) * change
        c = c / max(1.0, norm(c))
        old, new = beta1 * s["momentum"], (1 - beta1) * c
        s["momentum"] = old + new
        m = k.used("momentum", s["momentum"])
        if h["form"] == "lion":
            k.uncertain = (np.abs(m) <= 1e-5 * (np.abs(old) + np.abs(new))) & (m != 0)
            return k.eta * np.sign(m)
        s["velocity"] = beta2 * s["velocity"] + (1 - beta2) * c**2
        root = np.sqrt(k.used("velocity", s["velocity"]) / (1 - beta2**k.t))
        return k.eta * quotient(m / (1 - beta1**k.t), root + h["epsilon"])
