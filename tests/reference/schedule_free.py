"""Schedule-Free SGD and AdamW. Defazio et al., arXiv 2405.15682.

The parameters hold y, where gradients are taken; x = y + (1 - 1/beta) (z - y) is to be evaluated.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, quotient

COMMON = {"warmup_steps": 0, "r": 0.0, "weight_lr_power": 2.0, "weight_decay_mode": "update"}


def warmed_rate(k: Step) -> float:
    """The learning rate of the update, after its own warm-up."""
    warm = k.h["warmup_steps"]
    return float(k.eta * (min(1.0, k.t / warm) if warm else 1.0))


def move(theta: Array, direction: Array, s: dict[str, Array], k: Step, beta: float) -> Array:
    """y = (1 - c) y + c z + eta (beta (1 - c) - 1) G; z = z - eta G."""
    eta, c = warmed_rate(k), k.scalars["share"]
    d = direction + k.lam * theta
    y = (1 - c) * theta + c * s["z"] + eta * (beta * (1 - c) - 1) * d
    s["z"] = s["z"] - eta * d
    return theta - y


class ScheduleFreeSGD:
    """G = g + lam y."""

    DEFAULTS: ClassVar[dict[str, Any]] = {"learning_rate": 1.0, "momentum": 0.9, **COMMON}
    DECAY_INSIDE = "update"

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"z": 0.0}

    @staticmethod
    def start(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Array]:
        return {"z": theta.copy()}

    @staticmethod
    def scalars(h: dict[str, Any]) -> dict[str, float]:
        return {"weight_sum": 0.0, "largest_rate": 0.0}

    @staticmethod
    def advance(k: Step) -> None:
        s = k.scalars
        s["largest_rate"] = max(s["largest_rate"], warmed_rate(k))
        weight = k.t ** k.h["r"] * s["largest_rate"] ** k.h["weight_lr_power"]
        s["weight_sum"] += weight
        s["share"] = weight / s["weight_sum"] if s["weight_sum"] else 0.0

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        return move(theta, g, s, k, k.h["momentum"])


class ScheduleFreeAdamW(ScheduleFreeSGD):
    """G = g / (sqrt(v / c2) + eps) + lam y."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.0025,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        **COMMON,
    }

    @staticmethod
    def start(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Array]:
        return {"z": theta.copy(), "velocity": np.zeros(theta.shape)}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        beta2 = k.h["beta_2"]
        v = s["velocity"] = beta2 * s["velocity"] + (1 - beta2) * g**2
        direction = quotient(g, np.sqrt(v / (1 - beta2**k.t)) + k.h["epsilon"])
        return move(theta, direction, s, k, k.h["beta_1"])
