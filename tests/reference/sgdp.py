"""SGDP. Heo et al., arXiv 2006.08217, algorithm 1, and the authors' code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .adamp import AdamP, projected

if TYPE_CHECKING:
    from .base import Array, Step


class Sgdp:
    """theta - eta Pi(b) with b = mu b + (1 - tau) g, or Nesterov's g + mu b."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.1,
        "momentum": 0.9,
        "dampening": 0.0,
        "epsilon": 1e-8,
        "delta": 0.1,
        "weight_decay_ratio": 0.1,
        "nesterov": False,
    }
    DECAY_INSIDE: str | None = None
    decay_factor = AdamP.decay_factor

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        mu = k.h["momentum"]
        s["momentum"] = mu * s["momentum"] + (1 - k.h["dampening"]) * g
        b = k.used("momentum", s["momentum"])
        return k.eta * projected(k.before, g, g + mu * b if k.h["nesterov"] else b, k)
