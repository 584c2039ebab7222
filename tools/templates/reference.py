"""NewRule. SOURCE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .base import Array, Step


class NewRule:
    """m = beta m + (1 - beta) g; theta - eta m."""

    DEFAULTS: ClassVar[dict[str, Any]] = {"learning_rate": 0.01, "beta_1": 0.9}
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        s["momentum"] = k.h["beta_1"] * s["momentum"] + (1 - k.h["beta_1"]) * g
        return k.eta * s["momentum"]
