"""CAME. Luo et al., arXiv 2307.02047, algorithm 2, with the settings of the authors' code."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adafactor import factored, rms
from .base import Array, Step, quotient


def estimate(row: Array, column: Array) -> Array:
    """The matrix whose row and column means these are, up to a factor of each."""
    return quotient(row[..., :, None] * column[..., None, :], row.mean(axis=-1)[..., None, None])


class Came:
    """theta - eta m / sqrt(S); S estimates (u - m)^2, u = g / sqrt(v) is clipped by its rms."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 2e-4,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "beta_3": 0.9999,
        "epsilon_1": 1e-30,
        "epsilon_2": 1e-16,
        "clip_threshold": 1.0,
        "min_dim_size_to_factor": 0,
    }
    DECAY_INSIDE: str | None = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0, "velocity": 0.0}

    @staticmethod
    def start(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Array]:
        if not factored(theta, h):
            return {"momentum": np.zeros(theta.shape), "velocity": np.zeros(theta.shape)}
        *lead, rows, columns = theta.shape
        return {
            "momentum": np.zeros(theta.shape),
            "row": np.zeros((*lead, rows)),
            "column": np.zeros((*lead, columns)),
            "instability_row": np.zeros((*lead, rows)),
            "instability_column": np.zeros((*lead, columns)),
        }

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array:
        h = k.h
        if not g.size:
            return np.zeros_like(g)
        moves = factored(theta, h)

        def blend(names: tuple[str, str], beta: float, x: Array) -> Array:
            row, column = names
            s[row] = beta * s[row] + (1 - beta) * x.mean(axis=-1)
            s[column] = beta * s[column] + (1 - beta) * x.mean(axis=-2)
            return estimate(s[row], s[column])

        squares = g**2 + h["epsilon_1"]
        if moves:
            v = blend(("row", "column"), h["beta_2"], squares)
        else:
            v = s["velocity"] = h["beta_2"] * s["velocity"] + (1 - h["beta_2"]) * squares
        u = quotient(g, np.sqrt(v))
        u = u / max(1.0, rms(u) / h["clip_threshold"])
        m = s["momentum"] = h["beta_1"] * s["momentum"] + (1 - h["beta_1"]) * u
        if not moves:
            return k.eta * m
        away = blend(
            ("instability_row", "instability_column"), h["beta_3"], (u - m) ** 2 + h["epsilon_2"]
        )
        return k.eta * quotient(m, np.sqrt(away))
