"""Adafactor. Shazeer and Stern, arXiv 1804.04235."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .base import Array, Step, norm, quotient


def factored(theta: Array, h: dict[str, Any]) -> bool:
    """Whether the second moment is kept as row and column means of the last two axes."""
    return theta.ndim >= 2 and min(theta.shape[-2:]) >= h["min_dim_size_to_factor"]


def rms(x: Array) -> float:
    """Root of the mean square; 0 for an empty tensor."""
    return norm(x) / np.sqrt(x.size) if x.size else 0.0


class Adafactor:
    """theta - alpha_t u with u = g / sqrt(v), clipped by its rms, and v = r c / mean(r)."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_2_decay": -0.8,
        "epsilon_1": 1e-30,
        "epsilon_2": 0.001,
        "clip_threshold": 1.0,
        "relative_step": True,
        "scale_parameter": True,
        "epsilon_mode": "clamp",
        "beta_1": 0.0,
        "min_dim_size_to_factor": 0,
    }
    DECAY_INSIDE = "update"

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"velocity": 0.0, **({"momentum": 0.0} if h["beta_1"] else {})}

    @staticmethod
    def start(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Array]:
        if factored(theta, h):
            *lead, rows, columns = theta.shape
            state = {"row": np.zeros((*lead, rows)), "column": np.zeros((*lead, columns))}
        else:
            state = {"velocity": np.zeros(theta.shape)}
        if h["beta_1"]:
            state["momentum"] = np.zeros(theta.shape)
        return state

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        h, eps1 = k.h, k.h["epsilon_1"]
        if not g.size:
            return np.zeros_like(g)
        clamp, take = h["epsilon_mode"] == "clamp", k.t ** h["beta_2_decay"]
        squares = g**2 if clamp else g**2 + eps1
        if factored(theta, h):
            r = s["row"] = (1 - take) * s["row"] + take * squares.mean(axis=-1)
            c = s["column"] = (1 - take) * s["column"] + take * squares.mean(axis=-2)
            below = r.mean(axis=-1)[..., None, None]
            below = np.maximum(below, eps1) if clamp else below
            v = quotient(r[..., :, None] * c[..., None, :], below)
        else:
            v = s["velocity"] = (1 - take) * s["velocity"] + take * squares
        u = quotient(g, np.sqrt(np.maximum(v, eps1**2) if clamp else v))
        u = u / max(1.0, rms(u) / h["clip_threshold"])
        rho = min(k.eta, 1 / np.sqrt(k.t)) if h["relative_step"] else k.eta
        alpha = rho * (max(h["epsilon_2"], rms(k.before)) if h["scale_parameter"] else 1.0)
        decay = alpha * k.lam * theta
        if not h["beta_1"]:
            return alpha * u + decay
        m = s["momentum"] = h["beta_1"] * s["momentum"] + (1 - h["beta_1"]) * alpha * u
        return m + decay
