"""Muon. Jordan (2024), kellerjordan.github.io/posts/muon; scale by Liu et al., arXiv 2502.16982.

Coefficients: Jordan; leloykun.github.io/ponder/muon-opt-coeffs; Amsel et al., arXiv 2505.16932.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import numpy as np

from .adam import Adam
from .base import Array, Step, norm

COEFFICIENTS = {
    "keller": [(3.4445, -4.7750, 2.0315)],
    "quintic": [
        (4.0848, -6.8946, 2.9270),
        (3.9505, -6.3029, 2.6377),
        (3.7418, -5.5913, 2.3037),
        (2.8769, -3.1427, 1.2046),
        (2.8366, -3.0525, 1.2012),
    ],
    "polar_express": [
        (8.237312490495555, -23.157747414558198, 16.680568411445915),
        (4.082441999064835, -2.893047735332586, 0.5252849256975648),
        (3.9263479922546582, -2.8547468034765298, 0.5318022422894988),
        (3.2982187133085143, -2.424541981026706, 0.48632008358844075),
        (2.2970369434552573, -1.63662558125903, 0.4002628455953627),
        (1.8763805351440397, -1.2347896577722228, 0.35891887501668385),
        (1.8564423485617974, -1.2132449880935525, 0.3568003487825883),
        (1.8749994008682747, -1.2499988017229169, 0.3749994008546422),
    ],
}


def by_adamw(name: str, theta: Array, h: dict[str, Any]) -> bool:
    """Whether a parameter follows AdamW."""
    if theta.ndim != 2 or (h["exclude_embeddings"] and "embedding" in name.lower()):
        return True
    return any(re.search(pattern, name) for pattern in h["exclude_layers"])


def orthogonal(u: Array, h: dict[str, Any]) -> Array:
    """Newton-Schulz: singular values of the matrix toward 1."""
    rows = COEFFICIENTS[h["coefficients"]]
    x = u.T if u.shape[0] > u.shape[1] else u
    x = x / (norm(x) + 1e-7)
    for i in range(h["ns_steps"]):
        a, b, c = rows[min(i, len(rows) - 1)]
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if u.shape[0] > u.shape[1] else x


class Muon:
    """theta - eta k X, with X the orthogonalized momentum; AdamW where that is not a matrix."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "adam_beta_1": 0.9,
        "adam_beta_2": 0.999,
        "adam_weight_decay": 0.004,
        "epsilon": 1e-7,
        "adam_lr_ratio": 1.0,
        "momentum": 0.95,
        "ns_steps": 5,
        "nesterov": True,
        "exclude_embeddings": True,
        "rms_rate": 0.2,
        "form": "sum",
        "scale": "match_rms",
        "coefficients": "keller",
        "weight_decay": 0.004,
    }
    DECAY_INSIDE = None
    # Small singular values are multiplied by up to 1e3, and their rounding with them.
    NOISE = 2e-5
    # An argument of the class that names parameters.
    NAMES: ClassVar[dict[str, Any]] = {"exclude_layers": ()}

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0}

    @staticmethod
    def start(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Array]:
        slots = ("momentum", "velocity") if by_adamw(name, theta, h) else ("momentum",)
        return {slot: np.zeros(theta.shape) for slot in slots}

    @staticmethod
    def route(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Any]:
        if not by_adamw(name, theta, h):
            return h
        adamw = {"beta_1": h["adam_beta_1"], "beta_2": h["adam_beta_2"]}
        adamw["weight_decay"] = h["adam_weight_decay"]
        rate = h["learning_rate"] * h["adam_lr_ratio"]
        own = {**Adam.DEFAULTS, **h, **adamw, "learning_rate": rate}
        return {**own, "epsilon_mode": "hat", "decay_learning_rate": h["learning_rate"]}

    @staticmethod
    def decay_rate(k: Step) -> float:
        multiplier = k.h.get("learning_rate_multiplier", 1.0)
        return float(k.h.get("decay_learning_rate", k.h["learning_rate"]) * multiplier)

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        if "velocity" in s:
            k.stored = None
            return Adam.step(theta, g, s, k)
        h, mu, nesterov = k.h, k.h["momentum"], k.h["nesterov"]
        share = 1.0 if h["form"] == "sum" else 1 - mu
        s["momentum"] = mu * s["momentum"] + share * g
        b = k.used("momentum", s["momentum"])
        if h["form"] == "debiased":
            later, now = 1 - mu ** (k.t + 1), 1 - mu**k.t
            u = mu * b / later + (1 - mu) * g / now if nesterov else b / now
        else:
            u = share * g + mu * b if nesterov else b
        if not u.size:
            return np.zeros_like(u)
        rows, columns = u.shape
        scale = {
            "match_rms": h["rms_rate"] * np.sqrt(max(rows, columns)),
            "original": np.sqrt(max(1.0, rows / columns)),
            "columns": np.sqrt(max(1.0, columns / rows)),
            "none": 1.0,
        }
        return k.eta * scale[h["scale"]] * orthogonal(u, h)
