"""AdEMAMix. Pagliardini et al., arXiv 2409.03137; the warm-ups are those of the authors' code."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, quotient


def warmed_beta(t: int, steps: int | None, first: float, last: float) -> float:
    """beta_3 on its way from beta_1: its half-life grows linearly."""
    if not steps or t >= steps:
        return last

    def half_life(beta: float) -> float:
        return float(np.log(0.5) / np.log(beta + 1e-8) - 1)

    now = (1 - t / steps) * half_life(first) + t / steps * half_life(last)
    return float(0.5 ** (1 / (now + 1)))


class AdEMAMix:
    """Adam along m + alpha m_slow, whose average is much longer and not corrected."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "beta_3": 0.9999,
        "alpha": 5.0,
        "epsilon": 1e-8,
        "alpha_warmup_steps": None,
        "beta_3_warmup_steps": None,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0, "momentum_slow": 0.0, "velocity": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        h, beta1, beta2 = k.h, k.h["beta_1"], k.h["beta_2"]
        beta3 = warmed_beta(k.t, h["beta_3_warmup_steps"], beta1, h["beta_3"])
        warm = h["alpha_warmup_steps"]
        alpha = h["alpha"] * (min(1.0, k.t / warm) if warm else 1.0)
        m = s["momentum"] = beta1 * s["momentum"] + (1 - beta1) * g
        slow = s["momentum_slow"] = beta3 * s["momentum_slow"] + (1 - beta3) * g
        v = s["velocity"] = beta2 * s["velocity"] + (1 - beta2) * g**2
        root = np.sqrt(v / (1 - beta2**k.t))
        return k.eta * quotient(m / (1 - beta1**k.t) + alpha * slow, root + h["epsilon"])
