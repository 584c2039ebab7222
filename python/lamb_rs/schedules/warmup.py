"""A linear rise in front of any schedule."""

from __future__ import annotations

from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, not_negative


@schedule_class
class Warmup(Schedule):
    """A linear warm-up in front of any schedule.

    The value rises in `warmup_steps` steps from `initial_learning_rate` to the first value of
    `schedule`, which then starts: it sees ``step - warmup_steps``.

    Parameters
    ----------
    schedule : Schedule or float
        What comes after the warm-up; a float is constant.
    warmup_steps : int
        Steps of the warm-up; not negative.
    initial_learning_rate : float, default 0.0
        Value at step 0.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.

    Examples
    --------
    >>> rate = Warmup(CosineDecay(0.1, decay_steps=900), warmup_steps=100)
    >>> rate(0), rate(50), rate(100)
    (0.0, 0.05, 0.1)
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
