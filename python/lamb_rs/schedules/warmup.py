"""A linear warm-up before any schedule."""

from __future__ import annotations

from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, not_negative


@schedule_class
class Warmup(Schedule):
    """Warmup raises a value linearly, and then follows another schedule.

    The value is::

        line from initial_learning_rate to schedule(0)     (step < warmup_steps)
        schedule(step - warmup_steps)                      (later)

    Parameters
    ----------
    schedule : Schedule or float
        Schedule after the warm-up. A float is a constant value.
    warmup_steps : int
        Number of steps of the warm-up, at least 0.
    initial_learning_rate : float, default 0.0
        Value at step 0.

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    Examples
    --------
    >>> from lamb_rs.schedules import CosineDecay, Warmup
    >>> rate = Warmup(CosineDecay(0.1, decay_steps=900), warmup_steps=100)
    >>> [round(rate(step), 4) for step in (0, 50, 100, 550, 1000)]
    [0.0, 0.05, 0.1, 0.05, 0.0]
    """

    schedule: Schedule | float
    warmup_steps: int
    initial_learning_rate: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, Schedule):
            finite(self, "schedule")
        finite(self, "initial_learning_rate")
        not_negative(self, "warmup_steps")

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        if step < self.warmup_steps:
            return line(self.initial_learning_rate, self._inner(0), step / self.warmup_steps)
        return self._inner(step - self.warmup_steps)

    def _inner(self, step: int) -> float:
        return self.schedule(step) if isinstance(self.schedule, Schedule) else self.schedule
