"""LARS. You, Gitman and Ginsburg, arXiv 1708.03888."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, norm


class Lars:
    """Momentum on d = g + lam theta, scaled per layer by q = tc |theta| / (|g| + lam |theta|)."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 1.0,
        "momentum": 0.9,
        "trust_coefficient": 1e-3,
        "nesterov": False,
        "epsilon": 0.0,
        "form": "lr_inside",
        "trust_clip": None,
        "always_adapt": True,
        "weight_decay_mode": "l2",
    }
    DECAY_INSIDE = "l2"

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0} if h["momentum"] else {}

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        h, eta, mu, lam = k.h, k.eta, k.h["momentum"], k.lam
        d = g + lam * theta
        q = 1.0
        form = h["form"]
        averaged = form in ("momentum_norm", "ratio_outside")
        m = d
        if averaged and mu:
            s["momentum"] = mu * s["momentum"] + (1 - mu) * d
            m = k.used("momentum", s["momentum"])
        if k.adapt:
            weight = norm(theta)
            # The quantity in the denominator decides whether there is a gradient.
            measured = norm({"joint_norm": d, "momentum_norm": m}.get(form, g))
            below = measured + h["epsilon"]
            if form not in ("joint_norm", "momentum_norm"):
                below += lam * weight
            if weight > 0 and measured > 0:
                q = h["trust_coefficient"] * weight / below
                if h["trust_clip"] is not None and eta:
                    q = float(np.clip(q / eta, *h["trust_clip"]))
            k.norms = (weight, below, q)
        if averaged:
            return eta * q * m
        outside = form == "lr_outside"
        now = q * d if outside else eta * q * d
        v = now
        if mu:
            v = s["momentum"] = mu * s["momentum"] + now
            v = k.used("momentum", v)
            if h["nesterov"]:
                v = now + mu * v
        return eta * v if outside else v
