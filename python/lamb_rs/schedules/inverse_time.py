"""Decay with the inverse of the step."""

from __future__ import annotations

from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, not_negative, positive


@schedule_class
class InverseTimeDecay(Schedule):
    """InverseTimeDecay divides a value by a number that grows linearly with the steps.

    The value at a step is::

        initial_learning_rate / (1 + decay_rate * step / decay_steps)

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Number of steps that `decay_rate` refers to; positive.
    decay_rate : float
        Growth of the denominator in `decay_steps` steps, at least 0. With 1, the value is halved
        after `decay_steps`.
    staircase : bool, default False
        Whether ``step / decay_steps`` is rounded down, so that the value is constant in between.
    name : str, default "InverseTimeDecay"
        A name for your own use; it has no effect.

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    References
    ----------
    Arguments and values are those of ``keras.optimizers.schedules.InverseTimeDecay``.

    Examples
    --------
    >>> from lamb_rs.schedules import InverseTimeDecay
    >>> rate = InverseTimeDecay(0.1, decay_steps=100, decay_rate=1.0)
    >>> [rate(step) for step in (0, 100, 300, 900)]
    [0.1, 0.05, 0.025, 0.01]
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False
    name: str = "InverseTimeDecay"

    def __post_init__(self) -> None:
        finite(self, "initial_learning_rate")
        positive(self, "decay_steps")
        not_negative(self, "decay_rate")

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        units = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial_learning_rate / (1.0 + self.decay_rate * units)
