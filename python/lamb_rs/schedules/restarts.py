"""Decay along half a cosine, with restarts."""

from __future__ import annotations

from lamb_rs import _core
from lamb_rs._errors import HyperparameterError
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, not_negative, positive, wave


@schedule_class
class CosineDecayRestarts(Schedule):
    """CosineDecayRestarts lowers a value along half a cosine, and restarts when it is done.

    Period i = 0, 1, ... has ``first_decay_steps * t_mul ** i`` steps. With x the fraction of the
    current period that is over, the value is::

        initial_learning_rate * ((1 - alpha) * m_mul ** i * (1 + cos(pi * x)) / 2 + alpha)

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    first_decay_steps : float
        Number of steps of the first period; positive.
    t_mul : float, default 2.0
        Length of each period divided by that of the one before, at least 1.
    m_mul : float, default 1.0
        Height of each period divided by that of the one before, at least 0.
    alpha : float, default 0.0
        Value at the end of each period as a fraction of `initial_learning_rate`.
    name : str, default "SGDRDecay"
        A name for your own use; it has no effect.

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    Notes
    -----
    Keras computes the number of restarts from a rounded logarithm, so that a restart may be one
    step late if `t_mul` is not a power of 2. Here it is exact. Keras also accepts `t_mul` below 1,
    and returns NaN after step ``first_decay_steps / (1 - t_mul)``.

    References
    ----------
    Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts",
    arXiv 1608.03983. Arguments are those of ``keras.optimizers.schedules.CosineDecayRestarts``.

    Examples
    --------
    The periods have 100, 200, 400, ... steps:

    >>> from lamb_rs.schedules import CosineDecayRestarts
    >>> rate = CosineDecayRestarts(0.1, first_decay_steps=100, m_mul=0.5)
    >>> [round(rate(step), 4) for step in (0, 50, 99, 100, 200, 300)]
    [0.1, 0.05, 0.0, 0.05, 0.025, 0.025]
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
