"""A value that is reduced when a metric stops improving."""

from __future__ import annotations

import math
from typing import Literal

from lamb_rs._errors import HyperparameterError
from lamb_rs.schedules._base import schedule_class
from lamb_rs.schedules._numbers import count, not_negative, share
from lamb_rs.schedules._stateful import StatefulSchedule

_MODES = ("min", "max")


@schedule_class
class ReduceOnPlateau(StatefulSchedule):
    """ReduceOnPlateau multiplies a value by a factor when a metric has stopped improving.

    It is the one schedule with a state: call `update` with the metric after each evaluation. After
    `patience` evaluations without an improvement of more than `min_delta`, the value is::

        max(value * factor, minimum_learning_rate)

    Optimizers save and restore the state, in the entries ``"optimizer/learning_rate/..."`` if it
    sets the learning rate, and also if it is an argument of another schedule, as in
    ``Warmup(ReduceOnPlateau(0.1), 500)``.

    Parameters
    ----------
    initial_learning_rate : float
        Value until the first reduction, at least 0.
    factor : float, default 0.1
        Factor of each reduction, in [0, 1).
    patience : int, default 10
        Number of evaluations without an improvement before a reduction, at least 1.
    mode : {"min", "max"}, default "min"
        Whether a lower metric is better, such as a loss ("min"), or a higher one, such as an
        accuracy ("max").
    min_delta : float, default 1e-4
        Change of the metric that does not count as an improvement yet, at least 0.
    cooldown : int, default 0
        Number of evaluations after a reduction that are not counted, at least 0.
    minimum_learning_rate : float, default 0.0
        Lowest value that a reduction leads to, at least 0.

    Raises
    ------
    HyperparameterError
        If an argument is out of range.
    TypeError
        If an argument is unknown.

    References
    ----------
    Arguments and values are those of ``keras.callbacks.ReduceLROnPlateau``.

    Examples
    --------
    >>> from lamb_rs.schedules import ReduceOnPlateau
    >>> rate = ReduceOnPlateau(0.1, factor=0.5, patience=2)
    >>> [rate.update(loss) for loss in (1.0, 0.9, 0.95, 0.92)]
    [False, False, False, True]
    >>> rate(0)
    0.05
    """

    initial_learning_rate: float
    factor: float = 0.1
    patience: int = 10
    mode: Literal["min", "max"] = "min"
    min_delta: float = 1e-4
    cooldown: int = 0
    minimum_learning_rate: float = 0.0

    def __post_init__(self) -> None:
        for name in ("initial_learning_rate", "min_delta", "minimum_learning_rate"):
            not_negative(self, name)
        share(self, "factor")
        if self.factor == 1:
            raise HyperparameterError(f"ReduceOnPlateau: factor must be < 1; got {self.factor!r}")
        count(self, "patience", 1)
        count(self, "cooldown", 0)
        if self.mode not in _MODES:
            raise HyperparameterError(
                f"ReduceOnPlateau: mode must be one of {', '.join(_MODES)}; got {self.mode!r}"
            )
        self.reset()

    def initial_state(self) -> dict[str, float]:
        """Return the state before the first evaluation."""
        worst = math.inf if self.mode == "min" else -math.inf
        value = float(self.initial_learning_rate)
        return {"value": value, "best": worst, "bad_evaluations": 0, "cooldown_left": 0}

    def __call__(self, step: int) -> float:  # noqa: ARG002  # schedules are called with it
        """Return the current value, which does not depend on the step."""
        return self._state["value"]

    def update(self, metric: float) -> bool:
        """Tell the schedule the metric of an evaluation.

        Parameters
        ----------
        metric : float
            The metric; NaN does not count as an improvement.

        Returns
        -------
        bool
            Whether the value was reduced.

        Raises
        ------
        TypeError, ValueError
            If the metric is not a number.
        """
        metric = float(metric)
        state = self._state
        if state["cooldown_left"]:
            state["cooldown_left"] -= 1
            state["bad_evaluations"] = 0
        if self._better(metric):
            state["best"] = metric
            state["bad_evaluations"] = 0
            return False
        if state["cooldown_left"]:
            return False
        state["bad_evaluations"] += 1
        value = state["value"]
        if state["bad_evaluations"] < self.patience or value <= self.minimum_learning_rate:
            return False
        state["value"] = max(value * self.factor, float(self.minimum_learning_rate))
        state["cooldown_left"] = self.cooldown
        state["bad_evaluations"] = 0
        return True

    def _better(self, metric: float) -> bool:
        if self.mode == "min":
            return metric < self._state["best"] - self.min_delta
        return metric > self._state["best"] + self.min_delta
