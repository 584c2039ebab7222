"""Decays: Keras's schedules, with their arguments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lamb_rs import _core
from lamb_rs._errors import HyperparameterError
from lamb_rs.schedules._base import Schedule, finite, line, not_negative, positive

if TYPE_CHECKING:
    from collections.abc import Sequence

_PI = 3.141592653589793


@dataclass(frozen=True, eq=False, repr=False)
class ExponentialDecay(Schedule):
    """Exponential decay: ``initial * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Steps per factor of `decay_rate`; positive.
    decay_rate : float
        Factor; not negative.
    staircase : bool, default False
        Whether the exponent is rounded down to an integer.
    name : str, default "ExponentialDecay"
        For your own use.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False
    name: str = "ExponentialDecay"

    def __post_init__(self) -> None:
        finite(self, "initial_learning_rate")
        positive(self, "decay_steps")
        not_negative(self, "decay_rate")

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        steps = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial_learning_rate * _core.pow(self.decay_rate, steps)


@dataclass(frozen=True, eq=False, repr=False)
class PiecewiseConstantDecay(Schedule):
    """Constant values between boundaries.

    ``values[0]`` up to and including step ``boundaries[0]``, then ``values[1]`` up to and
    including ``boundaries[1]``, and so on.

    Parameters
    ----------
    boundaries : sequence of float
        Increasing steps.
    values : sequence of float
        One more than boundaries.
    name : str, default "PiecewiseConstant"
        For your own use.

    Raises
    ------
    HyperparameterError
        For lengths that do not fit, or boundaries that do not increase.
    """

    boundaries: Sequence[float]
    values: Sequence[float]
    name: str = "PiecewiseConstant"

    def __post_init__(self) -> None:
        for name in ("boundaries", "values"):
            numbers = np.asarray(getattr(self, name), dtype=np.float64).tolist()
            object.__setattr__(self, name, tuple(map(_shortest, numbers)))
        if len(self.values) != len(self.boundaries) + 1:
            raise HyperparameterError(
                f"PiecewiseConstantDecay needs one value more than boundaries; got "
                f"{len(self.boundaries)} boundaries and {len(self.values)} values"
            )
        if any(left >= right for left, right in pairwise(self.boundaries)):
            raise HyperparameterError(
                f"PiecewiseConstantDecay: boundaries must increase; got {list(self.boundaries)}"
            )

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        return float(self.values[sum(step > boundary for boundary in self.boundaries)])


@dataclass(frozen=True, eq=False, repr=False)
class PolynomialDecay(Schedule):
    """Polynomial decay: ``(initial - end) * (1 - step / decay_steps) ** power + end``.

    The value stays at the end after `decay_steps`, or with `cycle` starts again with as many times
    `decay_steps` as it takes to reach beyond the step.

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Steps until the end; positive.
    end_learning_rate : float, default 1e-4
        Value at the end.
    power : float, default 1.0
        1 is a straight line; not negative.
    cycle : bool, default False
        Whether to start again.
    name : str, default "PolynomialDecay"
        For your own use.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False
    name: str = "PolynomialDecay"

    def __post_init__(self) -> None:
        finite(self, "initial_learning_rate", "end_learning_rate")
        positive(self, "decay_steps")
        not_negative(self, "power")

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        if self.cycle:
            done = step / (self.decay_steps * max(1, -(-step // self.decay_steps)))
        else:
            done = min(step, self.decay_steps) / self.decay_steps
        span = self.initial_learning_rate - self.end_learning_rate
        return span * _core.pow(1.0 - done, self.power) + self.end_learning_rate


@dataclass(frozen=True, eq=False, repr=False)
class CosineDecay(Schedule):
    """Half a cosine, optionally after a linear warm-up.

    ``peak * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)``, where the peak is
    `initial_learning_rate`. With a `warmup_target`, the value first rises in `warmup_steps` from
    `initial_learning_rate` to `warmup_target`, which is then the peak.

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Steps of the cosine, warm-up not counted; positive.
    alpha : float, default 0.0
        Value at the end as a share of the peak.
    name : str, default "CosineDecay"
        For your own use.
    warmup_target : float or None, default None
        Value after the warm-up; None is no warm-up.
    warmup_steps : int, default 0
        Steps of the warm-up; not negative.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.
    """

    initial_learning_rate: float
    decay_steps: float
    alpha: float = 0.0
    name: str = "CosineDecay"
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        finite(self, "initial_learning_rate", "alpha")
        if self.warmup_target is not None:
            finite(self, "warmup_target")
        positive(self, "decay_steps")
        not_negative(self, "warmup_steps")

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        peak: float = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return line(peak, self.warmup_target, step / self.warmup_steps)
            peak, step = self.warmup_target, step - self.warmup_steps
        done = min(step, self.decay_steps) / self.decay_steps
        wave = 0.5 * (1.0 + _core.cos(_PI * done))
        return peak * ((1.0 - self.alpha) * wave + self.alpha)


def _shortest(number: float) -> float:
    return int(number) if number.is_integer() else number
