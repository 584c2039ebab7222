"""Schedules: learning rates and other hyperparameters as functions of the step.

A schedule is passed in place of a number, as in ``Adam(CosineDecay(0.1, decay_steps=1000))``. The
optimizer calls it with the number of the call of `apply`, counted from 0, and uses the float that
it returns. Values are the same bits on every machine, because the mathematical functions do not
come from the platform. All schedules but `ReduceOnPlateau` are pure functions of the step.

Examples
--------
>>> from lamb_rs.schedules import CosineDecay, Warmup
>>> rate = Warmup(CosineDecay(0.1, decay_steps=900), warmup_steps=100)
>>> rate(50), rate(100), rate(1000)
(0.05, 0.1, 0.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamb_rs._lazy import lazy
from lamb_rs.schedules._base import Schedule, deserialize, serialize
from lamb_rs.schedules._stateful import StatefulSchedule

if TYPE_CHECKING:
    from lamb_rs.schedules.cosine import CosineDecay
    from lamb_rs.schedules.exponential import ExponentialDecay
    from lamb_rs.schedules.flat import FlatAndAnneal
    from lamb_rs.schedules.inverse_time import InverseTimeDecay
    from lamb_rs.schedules.one_cycle import OneCycle
    from lamb_rs.schedules.piecewise import PiecewiseConstantDecay
    from lamb_rs.schedules.plateau import ReduceOnPlateau
    from lamb_rs.schedules.polynomial import PolynomialDecay
    from lamb_rs.schedules.restarts import CosineDecayRestarts
    from lamb_rs.schedules.stable import WarmupStableDecay
    from lamb_rs.schedules.warmup import Warmup

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "FlatAndAnneal",
    "InverseTimeDecay",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "ReduceOnPlateau",
    "Schedule",
    "StatefulSchedule",
    "Warmup",
    "WarmupStableDecay",
    "deserialize",
    "serialize",
]

_MODULES = {
    "CosineDecay": "cosine",
    "ExponentialDecay": "exponential",
    "FlatAndAnneal": "flat",
    "InverseTimeDecay": "inverse_time",
    "OneCycle": "one_cycle",
    "PiecewiseConstantDecay": "piecewise",
    "ReduceOnPlateau": "plateau",
    "PolynomialDecay": "polynomial",
    "CosineDecayRestarts": "restarts",
    "WarmupStableDecay": "stable",
    "Warmup": "warmup",
}


if not TYPE_CHECKING:  # else every misspelt name would be an attribute
    __getattr__ = lazy(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
