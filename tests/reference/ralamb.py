"""Ralamb, RangerLARS and the Paratrooper clamp.

RAdam (arXiv 1908.03265) with the trust ratio of LAMB (arXiv 1904.00962); the ratio of the new
weights is that of github.com/mgrankin/over9000.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import Adam, corrections, moments
from .base import Array, Step, norm, quotient
from .radam import rectification


class Ralamb:
    """theta - eta phi(|theta|) / |u| u with RAdam's direction u, decay included."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "epsilon_mode": "out",
        "threshold": 5.0,
        "form": "step",
        "phi": None,
        "trust_clip": None,
        "always_adapt": True,
        "weight_decay_mode": "update",
    }
    DECAY_INSIDE = "update"

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return Adam.slots({"amsgrad": False})

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        h, eta, eps = k.h, k.eta, k.h["epsilon"]
        m, v = moments(g, s, k)
        c1, c2 = corrections(k)
        r = rectification(k)
        if r is None:
            u = m / c1
        elif h["epsilon_mode"] == "out":
            u = r * quotient(m / c1, np.sqrt(v / c2) + eps)
        else:
            u = r * np.sqrt(c2) / c1 * quotient(m, np.sqrt(v) + eps)
        u = u + k.lam * theta
        q = 1.0
        if k.adapt:
            weight = norm(theta)
            below = norm(u) if h["form"] == "step" else norm(theta - eta * u)
            if weight > 0 and below > 0:
                q = weight if h["phi"] is None else float(np.clip(weight, *h["phi"]))
                q /= below
                if h["trust_clip"] == "paratrooper":
                    cap = 10.0 if r is None else 1 / (r * np.sqrt(c2) / c1)
                    q = max(1.0, min(cap, q))
                elif h["trust_clip"] is not None:
                    q = float(np.clip(q, *h["trust_clip"]))
            k.norms = (weight, below, q)
        return eta * q * u


class RangerLars(Ralamb):
    """Ralamb's rule; base.py synchronizes."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        **Ralamb.DEFAULTS,
        "sync_period": 6,
        "slow_step_size": 0.5,
    }
