"""Schedules: hyperparameters as functions of the step.

A schedule is called with the number of the call of `apply`, from 0, and returns a float: the same
bits on every machine, because the functions behind it do not come from the platform. All but
`ReduceOnPlateau` are pure functions.
"""

from lamb_rs.schedules._base import Schedule, deserialize, serialize
from lamb_rs.schedules._stateful import StatefulSchedule
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
