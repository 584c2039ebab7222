"""Optimizers around optimizers.

A wrapper is an `Optimizer`: it is built, applied, saved and read like one. Wrappers nest, and are
refused where their mathematics do not fit together.
"""

from lamb_rs.wrappers.larc import Larc
from lamb_rs.wrappers.lookahead import Lookahead
from lamb_rs.wrappers.loss_scale import LossScaleOptimizer
from lamb_rs.wrappers.multi import MultiOptimizer

__all__ = ["Larc", "Lookahead", "LossScaleOptimizer", "MultiOptimizer"]
