"""A constant value, then half a cosine."""

from __future__ import annotations

from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, positive, share, wave


@schedule_class
class FlatAndAnneal(Schedule):
    """A constant value for most of the run, then half a cosine.

    With s the first step of the cosine, ``flat_share * total_steps``::

        step < s:  initial_learning_rate
        then:      end + (initial - end) * (1 + cos(pi * (step - s) / (total_steps - s))) / 2

    Parameters
    ----------
    initial_learning_rate : float
        Value until the cosine starts.
    total_steps : float
        Steps of the whole; positive. The value stays afterwards.
    flat_share : float, default 0.75
        Share of the steps before the cosine starts, in [0, 1].
    end_learning_rate : float, default 0.0
        Value at the end.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.

    References
    ----------
    The schedule that Ranger and RangerLars were tuned with (``fit_flat_cos`` of fastai;
    github.com/mgrankin/over9000).
    """

    initial_learning_rate: float
    total_steps: float
    flat_share: float = 0.75
    end_learning_rate: float = 0.0

    def __post_init__(self) -> None:
        finite(self, "initial_learning_rate", "end_learning_rate")
        positive(self, "total_steps")
        share(self, "flat_share")

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        start = self.flat_share * self.total_steps
        if step >= self.total_steps:
            return self.end_learning_rate
        if step <= start:
            return self.initial_learning_rate
        done = (step - start) / (self.total_steps - start)
        return line(self.end_learning_rate, self.initial_learning_rate, wave(done))
