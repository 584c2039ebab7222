"""Nadam: Dozat (2016); its simplification by Ruder, arXiv 1609.04747; and that of optax."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import Adam, corrections, moments
from .base import Array, Step, quotient


def momentum_at(t: int, h: dict[str, Any]) -> float:
    """Dozat's schedule, mu_t."""
    return float(h["beta_1"] * (1 - 0.5 * 0.96 ** (t * h["momentum_decay"])))


class Nadam:
    """Adam along Nesterov's momentum; Dozat's has a product of the momenta so far, Pi."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "form": "dozat",
        "momentum_decay": 0.004,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return Adam.slots({"amsgrad": False})

    @staticmethod
    def scalars(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum_product": 1.0} if h["form"] == "dozat" else {}

    @staticmethod
    def advance(k: Step) -> None:
        if k.h["form"] == "dozat":
            k.scalars["momentum_product"] *= momentum_at(k.t, k.h)

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        beta1 = k.h["beta_1"]
        m, v = moments(g, s, k)
        c1, c2 = corrections(k)
        if k.h["form"] == "dozat":
            now, after = momentum_at(k.t, k.h), momentum_at(k.t + 1, k.h)
            product = k.scalars["momentum_product"]
            n = after * m / (1 - product * after) + (1 - now) * g / (1 - product)
        elif k.h["form"] == "ruder":
            n = (beta1 * m + (1 - beta1) * g) / c1
        else:
            n = beta1 * m / (1 - beta1 ** (k.t + 1)) + (1 - beta1) * g / c1
        return k.eta * quotient(n, np.sqrt(v / c2) + k.h["epsilon"])
