"""Half cosines, one after the other."""

from __future__ import annotations

from lamb_rs import _core
from lamb_rs._errors import HyperparameterError
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, not_negative, positive, wave


@schedule_class
class CosineDecayRestarts(Schedule):
    """Half cosines that start again and again, longer and lower each time.

    With i the number of restarts so far and x the share of the period that is over::

        initial_learning_rate * ((1 - alpha) * m_mul ** i * (1 + cos(pi * x)) / 2 + alpha)

    Period i has ``first_decay_steps * t_mul ** i`` steps.

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    first_decay_steps : float
        Steps of the first period; positive.
    t_mul : float, default 2.0
        Length of each period as a multiple of the one before; at least 1.
    m_mul : float, default 1.0
        Height of each period as a multiple of the one before; not negative.
    alpha : float, default 0.0
        Value at the end of each period as a share of `initial_learning_rate`.
    name : str, default "SGDRDecay"
        For your own use.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.

    Notes
    -----
    Keras takes the number of restarts from a rounded logarithm, which may place a restart one step
    late where `t_mul` is no power of two; here it is corrected. Keras lets `t_mul` be below 1,
    where the periods end at ``first_decay_steps / (1 - t_mul)`` and NaN follows.

    References
    ----------
    Loshchilov and Hutter 2017, arXiv 1608.03983. Keras 3,
    ``keras.optimizers.schedules.CosineDecayRestarts``.
    """

    initial_learning_rate: float
    first_decay_steps: float
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0
    name: str = "SGDRDecay"

    def __post_init__(self) -> None:
        finite(self, "initial_learning_rate", "alpha", "t_mul")
        positive(self, "first_decay_steps")
        not_negative(self, "m_mul")
        if self.t_mul < 1:
            raise HyperparameterError(
                f"CosineDecayRestarts: t_mul must be at least 1; got {self.t_mul!r}"
            )

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        time = step / self.first_decay_steps
        period = self._period(time)
        done = (time - self._start(period)) / _core.pow(self.t_mul, period)
        height = (1.0 - self.alpha) * _core.pow(self.m_mul, period)
        return self.initial_learning_rate * (height * wave(done) + self.alpha)

    def _period(self, time: float) -> int:
        """Return the number of the period, from 0; time is in units of the first one."""
        if self.t_mul == 1:
            return int(time)
        guess = _core.log(1.0 + time * (self.t_mul - 1.0)) / _core.log(self.t_mul)
        period = int(guess)
        while self._start(period + 1) <= time:
            period += 1
        while self._start(period) > time:
            period -= 1
        return period

    def _start(self, period: int) -> float:
        if self.t_mul == 1:
            return float(period)
        return (_core.pow(self.t_mul, period) - 1.0) / (self.t_mul - 1.0)
