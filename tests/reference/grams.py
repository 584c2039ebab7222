"""Grams. Cao et al., arXiv 2412.17107."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import Adam, corrections, moments
from .base import Array, Step, quotient


class Grams:
    """theta - eta |u| sign(g) with Adam's direction u."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-6,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return Adam.slots({"amsgrad": False})

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        m, v = moments(g, s, k)
        c1, c2 = corrections(k)
        u = quotient(m / c1, np.sqrt(v / c2) + k.h["epsilon"])
        return k.eta * np.abs(u) * np.sign(g)
