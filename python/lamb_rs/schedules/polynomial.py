"""A power of what is left of the time."""

from __future__ import annotations

from lamb_rs import _core
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, not_negative, positive


@schedule_class
class PolynomialDecay(Schedule):
    """Polynomial decay.

    ::

        (initial - end) * (1 - step / decay_steps) ** power + end

    The value stays at the end after `decay_steps`, or with `cycle` starts again with as many times
    `decay_steps` as it takes to reach beyond the step.

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Steps until the end; positive.
    end_learning_rate : float, default 1e-4
        Value at the end.
    power : float, default 1.0
        1 is a straight line; not negative.
    cycle : bool, default False
        Whether to start again.
    name : str, default "PolynomialDecay"
        For your own use.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.

    References
    ----------
    Keras 3, ``keras.optimizers.schedules.PolynomialDecay``.
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
