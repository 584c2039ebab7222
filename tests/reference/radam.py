"""Rectified Adam. Liu et al., arXiv 1908.03265."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import corrections, moments
from .base import Array, Step, quotient


def tractable_length(t: int, beta2: float) -> float:
    """rho_t, the length of the average of squares in update t."""
    return 2 / (1 - beta2) - 1 - 2 * t * beta2**t / (1 - beta2**t)


def rectification(k: Step) -> float | None:
    """r_t, or None while the variance of the adaptive rate is not tractable."""
    beta2 = k.h["beta_2"]
    rho_inf, rho = 2 / (1 - beta2) - 1, tractable_length(k.t, beta2)
    if not rho > k.h["threshold"]:
        return None
    return float(np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)))


class RAdam:
    """Adam times r_t where the variance of the adaptive rate is tractable, momentum before."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "epsilon_mode": "hat",
        "threshold": 5.0,
        "degenerate": "momentum",
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0, "velocity": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array | None:
        eps = k.h["epsilon"]
        m, v = moments(g, s, k)
        c1, c2 = corrections(k)
        r = rectification(k)
        if r is None:
            return k.eta * m / c1 if k.h["degenerate"] == "momentum" else None
        if k.h["epsilon_mode"] == "hat":
            return k.eta * r * np.sqrt(c2) / c1 * quotient(m, np.sqrt(v) + eps)
        return k.eta * r * quotient(m / c1, np.sqrt(v / c2) + eps)
