"""Adadelta. Zeiler, arXiv 1212.5701."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, quotient


class Adadelta:
    """d = g sqrt(x + eps) / sqrt(v + eps) with the averages v of g^2 and x of earlier d^2."""

    DEFAULTS: ClassVar[dict[str, Any]] = {"learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-7}
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"velocity": 0.0, "velocity_step": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        rho, eps = k.h["rho"], k.h["epsilon"]
        v = s["velocity"] = rho * s["velocity"] + (1 - rho) * g**2
        d = quotient(g * np.sqrt(s["velocity_step"] + eps), np.sqrt(v + eps))
        s["velocity_step"] = rho * s["velocity_step"] + (1 - rho) * d**2
        return k.eta * d
