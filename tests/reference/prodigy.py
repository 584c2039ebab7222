"""Prodigy. Mishchenko and Defazio, arXiv 2306.06101, as in the authors' code."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .adam import corrections
from .base import Array, Step, Tensor, quotient


class Prodigy:
    """Adam with the rate d eta, where d estimates the distance to the solution."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        "learning_rate": 1.0,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "beta_3": None,
        "initial_distance": 1e-6,
        "distance_coefficient": 1.0,
        "growth_rate": None,
        "bias_correction": False,
        "safeguard_warmup": False,
    }
    DECAY_INSIDE = None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        return {"momentum": 0.0, "velocity": 0.0, "distance": 0.0, "start": 0.0}

    @staticmethod
    def start(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Array]:
        zeros = {slot: np.zeros(theta.shape) for slot in ("momentum", "velocity", "distance")}
        return {**zeros, "start": theta.copy()}

    @staticmethod
    def scalars(h: dict[str, Any]) -> dict[str, float]:
        first = h["initial_distance"]
        return {"distance": first, "largest_distance": first, "numerator": 0.0}

    @staticmethod
    def advance(k: Step) -> None:
        c1, c2 = corrections(k)
        d = k.scalars["distance"] * (np.sqrt(c2) / c1 if k.h["bias_correction"] else 1.0)
        k.scalars["rate"], k.scalars["common"] = float(d * k.eta), float(d * k.common_rate)

    @staticmethod
    def decay_rate(k: Step) -> float:
        return k.scalars["rate"]

    @staticmethod
    def whole(tensors: list[Tensor], scalars: list[dict[str, float]]) -> None:
        """The moments, two sums over all tensors, and the next d."""
        h, old = tensors[0].k.h, tensors[0].k.scalars
        d, d0 = old["distance"], h["initial_distance"]
        beta3 = np.sqrt(h["beta_2"]) if h["beta_3"] is None else h["beta_3"]
        numerator, denominator = beta3 * old["numerator"], 0.0
        for tensor in tensors:
            g, s, k = tensor.g, tensor.s, tensor.k
            rate = k.scalars["common"]
            numerator += d / d0 * rate * np.sum(g * (s["start"] - k.before))
            s["momentum"] = k.h["beta_1"] * s["momentum"] + d * (1 - k.h["beta_1"]) * g
            s["velocity"] = h["beta_2"] * s["velocity"] + d**2 * (1 - h["beta_2"]) * g**2
            take = d / d0 * (d if h["safeguard_warmup"] else rate)
            s["distance"] = beta3 * s["distance"] + take * g
            denominator += np.sum(np.abs(k.used("distance", s["distance"])))
        largest = old["largest_distance"]
        new = d
        if denominator:
            estimate = h["distance_coefficient"] * numerator / denominator
            if d == d0:
                new = max(d, estimate)
            largest = max(largest, estimate)
            growth = np.inf if h["growth_rate"] is None else h["growth_rate"]
            new = min(largest, new * growth)
        for own in scalars:
            own["distance"], own["largest_distance"] = float(new), float(largest)
            own["numerator"], own["skip"] = float(numerator), float(not denominator)

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array | None:
        if k.scalars["skip"]:
            return None
        rate, eps = k.scalars["rate"], k.scalars["distance"] * k.h["epsilon"]
        m, v = k.used("momentum", s["momentum"]), k.used("velocity", s["velocity"])
        return rate * quotient(m, np.sqrt(v) + eps)
