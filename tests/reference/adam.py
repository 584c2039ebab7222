"""Adam, AdamW and the three forms of AMSGrad.

Kingma and Ba, arXiv 1412.6980; Loshchilov and Hutter, arXiv 1711.05101; Reddi et al.,
arXiv 1904.09237.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, quotient
from .cautious import cancels, masked


def moments(g: Array, s: dict[str, Array], k: Step) -> tuple[Array, Array]:
    """Advances m and v; returns those that the direction is made of."""
    beta1, beta2 = k.h["beta_1"], k.h["beta_2"]
    share = 1 - beta1 if k.h.get("gradient_averaging", True) else 1.0
    s["momentum"] = beta1 * s["momentum"] + share * g
    s["velocity"] = beta2 * s["velocity"] + (1 - beta2) * g**2
    return k.used("momentum", s["momentum"]), k.used("velocity", s["velocity"])


def doubtful(g: Array, before: Array, k: Step) -> Array:
    """Where the sign of the momentum is decided by rounding."""
    beta1 = k.h["beta_1"]
    return cancels(beta1 * before, (1 - beta1) * g)


def corrections(k: Step) -> tuple[float, float]:
    """``1 - beta**t`` for both moments."""
    return 1 - k.h["beta_1"] ** k.t, 1 - k.h["beta_2"] ** k.t


class Adam:
    """theta - eta m_hat / (sqrt(v_hat) + eps)."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "amsgrad": False,
        "epsilon_mode": "hat",
        "epsilon_root": 0.0,
        "cautious": False,
    }
    DECAY_INSIDE: str | None = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        slots = {"momentum": 0.0, "velocity": 0.0}
        return {**slots, "velocity_max": 0.0} if h["amsgrad"] else slots

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        before = s["momentum"]
        u = Adam.direction(g, s, k)
        return k.eta * masked(u, g, k.h.get("cautious"), k, doubtful(g, before, k))

    @staticmethod
    def direction(g: Array, s: dict[str, Array], k: Step) -> Array:
        form, eps, root = k.h["amsgrad"], k.h["epsilon"], k.h["epsilon_root"]
        m, v = moments(g, s, k)
        c1, c2 = corrections(k)
        if form in ("corrected", "paper"):
            w = v / c2 if form == "corrected" else v
            w = s["velocity_max"] = np.maximum(s["velocity_max"], w)
            m_hat = m / c1 if form == "corrected" else m
            return quotient(m_hat, np.sqrt(w + root) + eps)
        w = v
        if form:
            w = s["velocity_max"] = np.maximum(s["velocity_max"], v)
        if k.h["epsilon_mode"] == "hat":
            # The paper's last remark in section 2: the corrections move into the step size.
            return np.sqrt(c2) / c1 * quotient(m, np.sqrt(w + root) + eps)
        return quotient(m / c1, np.sqrt(w / c2 + root) + eps)


class AdamW(Adam):
    """Adam with decoupled weight decay switched on."""

    DEFAULTS: ClassVar[dict[str, Any]] = {**Adam.DEFAULTS, "weight_decay": 0.004}
