"""The one-cycle schedule."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from lamb_rs._errors import HyperparameterError
from lamb_rs.schedules._base import Schedule, schedule_class
from lamb_rs.schedules._numbers import finite, line, positive, share, wave

_FORMS = ("cosine", "linear")


@schedule_class
class OneCycle(Schedule):
    """OneCycle raises a value to a peak and lowers it to a small fraction of its start.

    The value is ``peak / initial_divisor`` at step 0, the peak at step
    ``rise_share * total_steps - 1``, and ``peak / initial_divisor / final_divisor`` from step
    ``total_steps - 1`` on. Between these steps it follows half a cosine, or a line. With
    `three_phase`, it falls to its start in as many steps as it rose, and then to the end.

    Parameters
    ----------
    peak_learning_rate : float
        Highest value.
    total_steps : float
        Number of steps of the cycle; positive.
    rise_share : float, default 0.3
        Fraction of the steps in which the value rises, in [0, 1]; at most 0.5 with `three_phase`.
    initial_divisor : float, default 25.0
        Peak divided by the value at step 0; positive.
    final_divisor : float, default 10000.0
        Value at step 0 divided by the value at the end; positive.
    form : {"cosine", "linear"}, default "cosine"
        Shape of the rise and the fall.
    three_phase : bool, default False
        Whether the fall has two phases, as in the papers.

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    Notes
    -----
    The values are those of ``torch.optim.lr_scheduler.OneCycleLR``. torch also moves the momentum
    in the opposite direction. A second schedule does the same here:
    ``OneCycle(0.85, total, initial_divisor=0.85 / 0.95, final_divisor=1)`` falls from 0.95 to 0.85
    and rises back to 0.95.

    References
    ----------
    Smith and Topin 2017, "Super-Convergence", arXiv 1708.07120. Smith 2018, arXiv 1803.09820.

    Examples
    --------
    >>> from lamb_rs.schedules import OneCycle
    >>> rate = OneCycle(1.0, total_steps=100)
    >>> [round(rate(step), 6) for step in (0, 29, 64, 99)]
    [0.04, 1.0, 0.500002, 4e-06]
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
