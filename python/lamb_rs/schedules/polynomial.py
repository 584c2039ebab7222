"""Polynomial decay."""

from __future__ import annotations

from lamb_rs import _core
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, not_negative, positive


@schedule_class
class PolynomialDecay(Schedule):
    """PolynomialDecay lowers a value to an end value by a power of the remaining steps.

    The value at a step is::

        (initial - end) * (1 - step / decay_steps) ** power + end

    until `decay_steps`, and `end_learning_rate` afterwards. With `cycle`, the decay continues with
    the smallest multiple of `decay_steps` that is not below the step in place of `decay_steps`.

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Number of steps of the decay; positive.
    end_learning_rate : float, default 1e-4
        Value at the end.
    power : float, default 1.0
        Exponent, at least 0. With 1, the decay is linear.
    cycle : bool, default False
        Whether the value rises again after `decay_steps`.
    name : str, default "PolynomialDecay"
        A name for your own use; it has no effect.

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    References
    ----------
    Arguments and values are those of ``keras.optimizers.schedules.PolynomialDecay``.

    Examples
    --------
    >>> from lamb_rs.schedules import PolynomialDecay
    >>> linear = PolynomialDecay(0.1, decay_steps=100, end_learning_rate=0.0)
    >>> square = PolynomialDecay(0.1, decay_steps=100, end_learning_rate=0.0, power=2.0)
    >>> [round(linear(step), 4) for step in (0, 25, 50, 100, 150)]
    [0.1, 0.075, 0.05, 0.0, 0.0]
    >>> [round(square(step), 4) for step in (0, 25, 50, 100, 150)]
    [0.1, 0.0563, 0.025, 0.0, 0.0]
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False
    name: str = "PolynomialDecay"

    def __post_init__(self) -> None:
        finite(self, "initial_learning_rate", "end_learning_rate")
        positive(self, "decay_steps")
        not_negative(self, "power")

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        if self.cycle:
            done = step / (self.decay_steps * max(1, -(-step // self.decay_steps)))
        else:
            done = min(step, self.decay_steps) / self.decay_steps
        span = self.initial_learning_rate - self.end_learning_rate
        return span * _core.pow(1.0 - done, self.power) + self.end_learning_rate
