"""The native registry: one row per algorithm."""

from __future__ import annotations

from functools import cache

from lamb_rs import _core


@cache
def row(algorithm: str) -> _core._Algorithm:
    """Return the row of an algorithm in the native registry."""
    return next(one for one in _core.algorithms() if one["name"] == algorithm)
