"""A warm-up, a constant value, and a decay."""

from __future__ import annotations

import math
from typing import Literal

from lamb_rs._errors import HyperparameterError
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, not_negative, wave

_FORMS = ("linear", "cosine", "sqrt")


@schedule_class
class WarmupStableDecay(Schedule):
    """WarmupStableDecay raises a value linearly, keeps it constant, and lowers it at the end.

    The value is::

        peak * step / warmup_steps        in the first warmup_steps
        peak                              in the next stable_steps
        end + (peak - end) * f(x)         in the last decay_steps

    where x is the fraction of the decay that is over, and `end_learning_rate` afterwards. The
    length of the run need not be known in advance: train at the peak as long as you like, and start
    the decay from any checkpoint.

    Parameters
    ----------
    peak_learning_rate : float
        Value between the warm-up and the decay.
    warmup_steps : int
        Number of steps of the warm-up, at least 0.
    stable_steps : int
        Number of steps at the peak, at least 0.
    decay_steps : int
        Number of steps of the decay, at least 0.
    end_learning_rate : float, default 0.0
        Value at the end.
    form : {"linear", "cosine", "sqrt"}, default "linear"
        Shape f of the decay: ``1 - x`` ("linear"), ``(1 + cos(pi * x)) / 2`` ("cosine") or
        ``1 - sqrt(x)`` ("sqrt").

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    References
    ----------
    Hu et al. 2024, "MiniCPM", arXiv 2404.06395. Shapes of the decay: Hägele et al. 2024,
    arXiv 2405.18392.

    Examples
    --------
    >>> from lamb_rs.schedules import WarmupStableDecay
    >>> rate = WarmupStableDecay(0.1, warmup_steps=100, stable_steps=700, decay_steps=200)
    >>> [round(rate(step), 4) for step in (0, 50, 100, 800, 900, 1000)]
    [0.0, 0.05, 0.1, 0.1, 0.05, 0.0]
    """

    peak_learning_rate: float
    warmup_steps: int
    stable_steps: int
    decay_steps: int
    end_learning_rate: float = 0.0
    form: Literal["linear", "cosine", "sqrt"] = "linear"

    def __post_init__(self) -> None:
        finite(self, "peak_learning_rate", "end_learning_rate")
        for name in ("warmup_steps", "stable_steps", "decay_steps"):
            not_negative(self, name)
        if self.form not in _FORMS:
            raise HyperparameterError(
                f"WarmupStableDecay: form must be one of {', '.join(_FORMS)}; got {self.form!r}"
            )

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        if step < self.warmup_steps:
            return line(0.0, self.peak_learning_rate, step / self.warmup_steps)
        step -= self.warmup_steps + self.stable_steps
        if step <= 0 and (step < 0 or self.decay_steps):
            return self.peak_learning_rate
        if step >= self.decay_steps:
            return self.end_learning_rate
        return line(self.end_learning_rate, self.peak_learning_rate, self._left(step))

    def _left(self, step: int) -> float:
        done = step / self.decay_steps
        if self.form == "cosine":
            return wave(done)
        return 1.0 - (math.sqrt(done) if self.form == "sqrt" else done)
