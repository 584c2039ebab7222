"""Half a cosine."""

from __future__ import annotations

from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, not_negative, positive, wave


@schedule_class
class CosineDecay(Schedule):
    """Half a cosine, optionally after a linear warm-up.

    ::

        peak * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)

    The peak is `initial_learning_rate`. With a `warmup_target`, the value first rises in
    `warmup_steps` from `initial_learning_rate` to `warmup_target`, which is then the peak. After
    `decay_steps` the value stays.

    Parameters
    ----------
    initial_learning_rate : float
        Value at step 0.
    decay_steps : float
        Steps of the cosine, warm-up not counted; positive.
    alpha : float, default 0.0
        Value at the end as a share of the peak.
    name : str, default "CosineDecay"
        For your own use.
    warmup_target : float or None, default None
        Value after the warm-up; None is no warm-up.
    warmup_steps : int, default 0
        Steps of the warm-up; not negative.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.

    References
    ----------
    Loshchilov and Hutter 2017, arXiv 1608.03983. Keras 3,
    ``keras.optimizers.schedules.CosineDecay``.
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
