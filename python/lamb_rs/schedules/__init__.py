"""Schedules: hyperparameters as pure functions of the step.

A schedule is called with the number of the call of `apply`, from 0, and returns a float: the same
bits on every machine, because the functions behind it do not come from the platform.
"""

from lamb_rs.schedules._base import Schedule, deserialize, serialize
from lamb_rs.schedules.decay import (
    CosineDecay,
    ExponentialDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from lamb_rs.schedules.warmup import Warmup

__all__ = [
    "CosineDecay",
    "ExponentialDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Schedule",
    "Warmup",
    "deserialize",
    "serialize",
]
