"""A value that shrinks with the inverse of time."""

from __future__ import annotations

from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, not_negative, positive


@schedule_class
class InverseTimeDecay(Schedule):
    """Inverse time decay.

    ::

        initial_learning_rate / (1 + decay_rate * step / decay_steps)

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Unit of time, in steps; positive.
    decay_rate : float
        How fast it decays; not negative. With 1 the value is halved after `decay_steps`.
    staircase : bool, default False
        Whether ``step / decay_steps`` is rounded down to an integer.
    name : str, default "InverseTimeDecay"
        For your own use.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.

    References
    ----------
    Keras 3, ``keras.optimizers.schedules.InverseTimeDecay``.
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
