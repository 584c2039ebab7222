"""One cycle: up, down, and far below."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from lamb_rs._errors import HyperparameterError
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, positive, share, wave

_FORMS = ("cosine", "linear")


@schedule_class
class OneCycle(Schedule):
    """One cycle: up to a peak, down, and far below where it began.

    The value rises from ``peak / initial_divisor`` to the peak at step
    ``rise_share * total_steps - 1`` and falls until the last step, ``total_steps - 1``, to
    ``peak / initial_divisor / final_divisor``. With `three_phase` it falls to where it began in as
    many steps as it rose, and in the rest to the end.

    Parameters
    ----------
    peak_learning_rate : float
        Highest value.
    total_steps : float
        Steps of the whole; positive. The value stays afterwards.
    rise_share : float, default 0.3
        Share of the steps in which the value rises, in [0, 1]; at most 0.5 with `three_phase`.
    initial_divisor : float, default 25.0
        Peak over value at step 0; positive.
    final_divisor : float, default 10000.0
        Value at step 0 over value at the end; positive.
    form : {"cosine", "linear"}, default "cosine"
        Form of each rise and fall.
    three_phase : bool, default False
        Whether the way down and the way far below are two phases, as Smith has them.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.

    Notes
    -----
    The values are those of ``torch.optim.lr_scheduler.OneCycleLR``. The momentum that moves against
    the rate is a cycle of its own: ``OneCycle(0.85, total, initial_divisor=0.85 / 0.95,
    final_divisor=1)`` goes from 0.95 down to 0.85 and back.

    References
    ----------
    Smith and Topin 2017, arXiv 1708.07120; Smith 2018, arXiv 1803.09820.
    """

    peak_learning_rate: float
    total_steps: float
    rise_share: float = 0.3
    initial_divisor: float = 25.0
    final_divisor: float = 10000.0
    form: Literal["cosine", "linear"] = "cosine"
    three_phase: bool = False

    def __post_init__(self) -> None:
        finite(self, "peak_learning_rate")
        for name in ("total_steps", "initial_divisor", "final_divisor"):
            positive(self, name)
        share(self, "rise_share")
        if self.three_phase and self.rise_share > 0.5:
            raise HyperparameterError(
                "OneCycle: rise_share must be at most 0.5 with three_phase, which falls for as "
                f"long as it rises; got {self.rise_share!r}"
            )
        if self.form not in _FORMS:
            raise HyperparameterError(
                f"OneCycle: form must be one of {', '.join(_FORMS)}; got {self.form!r}"
            )

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        peak = self.peak_learning_rate
        first = peak / self.initial_divisor
        last = first / self.final_divisor
        top = self.rise_share * self.total_steps - 1.0
        corners = [(0.0, first), (top, peak), (self.total_steps - 1.0, last)]
        if self.three_phase:
            corners.insert(2, (2.0 * top, first))
        for (start, low), (end, high) in pairwise(corners):
            if start < end and step <= end:
                return self._between(low, high, (step - start) / (end - start))
        return last

    def _between(self, start: float, end: float, done: float) -> float:
        if self.form == "linear":
            return line(start, end, done)
        return line(end, start, wave(done))
