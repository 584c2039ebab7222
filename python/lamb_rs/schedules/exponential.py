"""Exponential decay."""

from __future__ import annotations

from lamb_rs import _core
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, not_negative, positive


@schedule_class
class ExponentialDecay(Schedule):
    """ExponentialDecay multiplies a value by the same factor every so many steps.

    The value at a step is::

        initial_learning_rate * decay_rate ** (step / decay_steps)

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Number of steps in which the value is multiplied by `decay_rate` once; positive.
    decay_rate : float
        Factor, at least 0.
    staircase : bool, default False
        Whether ``step / decay_steps`` is rounded down, so that the value is constant in between.
    name : str, default "ExponentialDecay"
        A name for your own use; it has no effect.

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    References
    ----------
    Arguments and values are those of ``keras.optimizers.schedules.ExponentialDecay``.

    Examples
    --------
    >>> from lamb_rs.schedules import ExponentialDecay
    >>> smooth = ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
    >>> steps = ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5, staircase=True)
    >>> [round(smooth(step), 4) for step in (0, 50, 100, 150)]
    [0.1, 0.0707, 0.05, 0.0354]
    >>> [steps(step) for step in (0, 50, 100, 150)]
    [0.1, 0.1, 0.05, 0.05]
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
