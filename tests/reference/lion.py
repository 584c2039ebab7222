"""Lion. Chen et al., arXiv 2302.06675."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .cautious import cancels, masked

if TYPE_CHECKING:
    from .base import Array, Step


class Lion:
    """theta - eta sign(beta1 m + (1 - beta1) g); then m = beta2 m + (1 - beta2) g."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.99,
        "cautious": False,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        beta1, beta2 = k.h["beta_1"], k.h["beta_2"]
        old, new = beta1 * s["momentum"], (1 - beta1) * g
        # A momentum that was rounded along a whole trajectory is off by more than one rounding.
        k.uncertain = cancels(old, new)
        s["momentum"] = beta2 * s["momentum"] + (1 - beta2) * g
        return k.eta * masked(np.sign(old + new), g, k.h["cautious"], k, k.uncertain)
