"""A value that shrinks by a constant factor."""

from __future__ import annotations

from lamb_rs import _core
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, not_negative, positive


@schedule_class
class ExponentialDecay(Schedule):
    """Exponential decay.

    ::

        initial_learning_rate * decay_rate ** (step / decay_steps)

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

    References
    ----------
    Keras 3, ``keras.optimizers.schedules.ExponentialDecay``.
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
