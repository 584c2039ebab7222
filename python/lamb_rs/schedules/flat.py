"""A constant value, then a decay along half a cosine."""

from __future__ import annotations

from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, positive, share, wave


@schedule_class
class FlatAndAnneal(Schedule):
    """FlatAndAnneal keeps a value constant, and then lowers it along half a cosine.

    With ``start = flat_share * total_steps``, the value at a step is::

        initial_learning_rate                                                  (step <= start)
        end + (initial - end) * (1 + cos(pi * (step - start) / (total_steps - start))) / 2   (later)

    and `end_learning_rate` from `total_steps` on.

    Parameters
    ----------
    initial_learning_rate : float
        Value until the decay starts.
    total_steps : float
        Number of steps of both parts; positive.
    flat_share : float, default 0.75
        Fraction of the steps in which the value is constant, in [0, 1].
    end_learning_rate : float, default 0.0
        Value at the end.

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    References
    ----------
    ``fit_flat_cos`` of fastai, which `Ranger` and `RangerLars` were tuned with:
    https://github.com/mgrankin/over9000.

    Examples
    --------
    >>> from lamb_rs.schedules import FlatAndAnneal
    >>> rate = FlatAndAnneal(0.1, total_steps=1000)
    >>> [round(rate(step), 4) for step in (0, 750, 800, 875, 1000)]
    [0.1, 0.1, 0.0905, 0.05, 0.0]
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
