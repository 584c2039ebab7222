"""Ranger: RAdam, Lookahead and centralized gradients. Wright, github.com/lessw2020 (2019)."""

from __future__ import annotations

from typing import Any, ClassVar

from .radam import RAdam


class Ranger(RAdam):
    """RAdam's rule; base.py synchronizes and centralizes."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        **RAdam.DEFAULTS,
        "beta_1": 0.95,
        "epsilon": 1e-5,
        "sync_period": 6,
        "slow_step_size": 0.5,
        "gradient_centralization": True,
    }
