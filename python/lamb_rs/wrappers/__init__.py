"""Optimizers around optimizers.

A wrapper is an `Optimizer`: it is built, applied, saved and read like one. Wrappers nest, and are
refused where their mathematics do not fit together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamb_rs._lazy import lazy

if TYPE_CHECKING:
    from lamb_rs.wrappers.larc import Larc
    from lamb_rs.wrappers.lookahead import Lookahead
    from lamb_rs.wrappers.loss_scale import LossScaleOptimizer
    from lamb_rs.wrappers.multi import MultiOptimizer

__all__ = ["Larc", "Lookahead", "LossScaleOptimizer", "MultiOptimizer"]

_MODULES = {
    "Larc": "larc",
    "Lookahead": "lookahead",
    "LossScaleOptimizer": "loss_scale",
    "MultiOptimizer": "multi",
}


if not TYPE_CHECKING:  # else every misspelt name would be an attribute
    __getattr__ = lazy(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
