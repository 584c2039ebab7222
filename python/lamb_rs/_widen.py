"""Moments of a state as float32, whatever they are stored in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

BLOCK = 256


def widened(state: Mapping[str, object], key: str) -> NDArray[np.float32]:
    """Return a signed moment of a state in float32, exactly.

    Parameters
    ----------
    state : mapping
        From `state_dict`.
    key : str
        Of the moment: float32, raw bfloat16 (uint16), or 8-bit codes (uint8) with their scales.
    """
    raw = np.asarray(state[key])
    if raw.dtype == np.uint16:
        return (raw.astype(np.uint32) << 16).view(np.float32)
    if raw.dtype != np.uint8:
        return raw
    # A code is sign, exponent and fraction of a small float; each block of them has an exponent.
    small = ((raw & 0x7F).astype(np.uint32) << 20).view(np.float32).astype(np.float64)
    scale = np.asarray(state[f"{key}_scale"]).astype(np.int64)
    factor = np.where(scale == 0, 0.0, np.ldexp(1.0, scale - 128 + 120))
    factor = np.where(scale == 255, np.nan, factor)
    sizes = np.repeat(factor, BLOCK)[: raw.size].reshape(raw.shape)
    signed = np.where(raw > 0x7F, -small, small)
    return np.asarray(signed * sizes, np.float32)
