"""Decay along half a cosine."""

from __future__ import annotations

from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, not_negative, positive, wave


@schedule_class
class CosineDecay(Schedule):
    """CosineDecay lowers a value along half a cosine, optionally after a linear warm-up.

    The value at a step is::

        peak * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)

    until ``decay_steps``, and ``peak * alpha`` afterwards. The peak is `initial_learning_rate`.
    With a `warmup_target`, the value first rises linearly from `initial_learning_rate` to
    `warmup_target`, which is then the peak, and the decay starts after `warmup_steps`.

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Number of steps of the decay, without the warm-up; positive.
    alpha : float, default 0.0
        Value at the end as a fraction of the peak.
    name : str, default "CosineDecay"
        A name for your own use; it has no effect.
    warmup_target : float or None, default None
        Value at the end of the warm-up. None means no warm-up.
    warmup_steps : int, default 0
        Number of steps of the warm-up, at least 0. It has no effect without a `warmup_target`.

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    References
    ----------
    Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts",
    arXiv 1608.03983. Arguments and values are those of ``keras.optimizers.schedules.CosineDecay``.

    Examples
    --------
    >>> from lamb_rs.schedules import CosineDecay
    >>> rate = CosineDecay(0.0, decay_steps=1000, warmup_target=0.1, warmup_steps=100)
    >>> [round(rate(step), 4) for step in (0, 50, 100, 600, 1100, 2000)]
    [0.0, 0.05, 0.1, 0.05, 0.0, 0.0]
    """

    initial_learning_rate: float
    decay_steps: float
    alpha: float = 0.0
    name: str = "CosineDecay"
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        finite(self, "initial_learning_rate", "alpha")
        if self.warmup_target is not None:
            finite(self, "warmup_target")
        positive(self, "decay_steps")
        not_negative(self, "warmup_steps")

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        peak: float = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return line(peak, self.warmup_target, step / self.warmup_steps)
            peak, step = self.warmup_target, step - self.warmup_steps
        done = min(step, self.decay_steps) / self.decay_steps
        return peak * ((1.0 - self.alpha) * wave(done) + self.alpha)
