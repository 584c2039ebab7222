"""AdamP and SGDP. Heo et al., arXiv 2006.08217, algorithms 1 and 2, and the authors' code."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import corrections, moments
from .base import Array, Step, quotient


def views(x: Array) -> list[tuple[int, int]]:
    """Shapes of a matrix with a row per channel, and of one with a single row."""
    return [(x.shape[0], x.size // x.shape[0]), (1, x.size)] if x.ndim > 1 and x.size else []


def view_of(theta: Array, g: Array, k: Step) -> tuple[int, int] | None:
    """The view in which no gradient has a part along its weights, or None."""
    for view in views(theta):
        a, b = g.reshape(view), theta.reshape(view)
        lengths = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
        below = np.maximum(lengths[0] * lengths[1], k.h["epsilon"])
        cosine = np.abs(quotient(np.sum(a * b, axis=1), below)).max()
        limit = k.h["delta"] / np.sqrt(view[1])
        if abs(cosine - limit) <= 1e-3 * limit:
            # Rounding in the steps before may decide.
            k.uncertain = np.ones(theta.shape, dtype=bool)
        if cosine < limit:
            return view
    return None


def projected(theta: Array, g: Array, u: Array, k: Step) -> Array:
    """The direction without its part along the weights, where they do not depend on their scale."""
    view = view_of(theta, g, k)
    if view is None:
        return u
    rows, step = theta.reshape(view), u.reshape(view)
    unit = quotient(rows, np.linalg.norm(rows, axis=1, keepdims=True) + k.h["epsilon"])
    return (step - unit * np.sum(unit * step, axis=1, keepdims=True)).reshape(u.shape)


class AdamP:
    """theta - eta Pi(m_hat / (sqrt(v_hat) + eps))."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "delta": 0.1,
        "weight_decay_ratio": 0.1,
        "nesterov": False,
    }
    DECAY_INSIDE: str | None = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0, "velocity": 0.0}

    @staticmethod
    def decay_factor(theta: Array, g: Array, k: Step) -> float:
        return k.h["weight_decay_ratio"] if view_of(theta, g, k) is not None else 1.0

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        beta1 = k.h["beta_1"]
        m, v = moments(g, s, k)
        c1, c2 = corrections(k)
        ahead = beta1 * m + (1 - beta1) * g if k.h["nesterov"] else m
        u = quotient(ahead / c1, np.sqrt(v / c2) + k.h["epsilon"])
        return k.eta * projected(k.before, g, u, k)
