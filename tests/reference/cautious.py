"""The cautious mask. Liang et al., arXiv 2411.16085."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .base import Array, Step


def masked(u: Array, g: Array, form: Any, k: Step, doubtful: Array) -> Array:
    """The elements of the direction that agree with the gradient, scaled up for the others.

    ``doubtful`` marks elements whose direction has a sign that rounding decides.
    """
    if not form or not u.size:
        return u
    mask = (u * g > 0).astype(np.float64)
    doubtful = (doubtful | (np.abs(g) <= 1e-5 * k.terms)) & (g != 0)
    k.uncertain = doubtful if k.uncertain is None else k.uncertain | doubtful
    k.shaken = bool(doubtful.any())
    if form == "sum1":
        return u * mask * (mask.size / (mask.sum() + 1))
    return u * mask / max(float(mask.mean()), 1e-3)


def cancels(old: Array, new: Array) -> Array:
    """Where a sum in float32 may come out with either sign."""
    return (np.abs(old + new) <= 1e-5 * (np.abs(old) + np.abs(new))) & (old + new != 0)
