"""A rise, a constant value, and a fall."""

from __future__ import annotations

import math
from typing import Literal

from lamb_rs._errors import HyperparameterError
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, not_negative, wave

_FORMS = ("linear", "cosine", "sqrt")


@schedule_class
class WarmupStableDecay(Schedule):
    """A linear rise, a constant value, and a fall at the end.

    With x the share of the fall that is over::

        step < warmup_steps:  peak * step / warmup_steps
        the stable_steps:     peak
        the decay_steps:      end + (peak - end) * f(x)

    The constant part can be prolonged at will, and a fall be started from any of its checkpoints.

    Parameters
    ----------
    peak_learning_rate : float
        Value between rise and fall.
    warmup_steps : int
        Steps of the rise; not negative.
    stable_steps : int
        Steps of the constant value; not negative.
    decay_steps : int
        Steps of the fall; not negative. The value stays afterwards.
    end_learning_rate : float, default 0.0
        Value at the end.
    form : {"linear", "cosine", "sqrt"}, default "linear"
        ``f(x)``: "linear" is ``1 - x``, "cosine" ``(1 + cos(pi x)) / 2``, "sqrt"
        ``1 - sqrt(x)``.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.

    References
    ----------
    Hu et al. 2024 (MiniCPM), arXiv 2404.06395; the forms of the fall: Hägele et al. 2024,
    arXiv 2405.18392.
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
