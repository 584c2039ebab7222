"""LAMB. You et al., arXiv 1904.00962."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import Adam, corrections, doubtful, moments
from .base import Array, Step, norm, quotient
from .cautious import masked


class Lamb:
    """theta - eta phi(|theta|) / |u| u with u = m_hat / (sqrt(v_hat) + eps) + lam theta."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "epsilon_mode": "out",
        "bias_correction": True,
        "form": "joint",
        "phi": None,
        "trust_clip": None,
        "always_adapt": True,
        "gradient_averaging": True,
        "cautious": False,
        "trust_epsilon": 0.0,
        "weight_decay_mode": "update",
    }
    DECAY_INSIDE = "update"

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return Adam.slots({"amsgrad": False})

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        h, eta, eps, before = k.h, k.eta, k.h["epsilon"], s["momentum"]
        m, v = moments(g, s, k)
        c1, c2 = corrections(k)
        correct = h["bias_correction"]
        if correct is True and h["epsilon_mode"] == "out":
            r = quotient(m / c1, np.sqrt(v / c2) + eps)
        elif correct is True and h["epsilon_mode"] == "in":
            r = quotient(m / c1, np.sqrt(v / c2 + eps))
        elif correct is True:
            r = np.sqrt(c2) / c1 * quotient(m, np.sqrt(v) + eps)
        else:
            inside = h["epsilon_mode"] == "in"
            r = quotient(m, np.sqrt(v + eps) if inside else np.sqrt(v) + eps)
            # Corrections of the rate stay outside the trust ratio, which would cancel them.
            factor = {"rate": np.sqrt(c2) / c1, "first_moment": 1 / c1}
            eta = eta * factor.get(correct, 1.0)
        r = masked(r, g, h["cautious"], k, doubtful(g, before, k))
        decay = k.lam * theta
        u = r + decay
        q = 1.0
        if k.adapt:
            weight = norm(theta)
            below = norm(u) if h["form"] == "joint" else norm(r) + norm(decay)
            if weight > 0 and below > 0:
                q = weight if h["phi"] is None else float(np.clip(weight, *h["phi"]))
                q /= below + h["trust_epsilon"]
                if h["trust_clip"] is not None:
                    q = float(np.clip(q, *h["trust_clip"]))
            k.norms = (weight, below, q)
        return eta * q * u
