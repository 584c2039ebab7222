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
    """A constant value that is reduced when a metric stops improving.

    The one schedule with a state: call `update` with the metric after each evaluation. After
    `patience` of them without an improvement by more than `min_delta`, the value becomes
    ``max(value * factor, minimum_learning_rate)``. The state is saved and restored with the
    optimizer's, as ``"optimizer/learning_rate/..."`` where it drives the learning rate.

    Parameters
    ----------
    initial_learning_rate : float
        Value until the first reduction; not negative.
    factor : float, default 0.1
        What the value is multiplied by; in [0, 1).
    patience : int, default 10
        Evaluations without improvement before a reduction; at least 1.
    mode : {"min", "max"}, default "min"
        Whether the metric is to fall or to rise.
    min_delta : float, default 1e-4
        Improvement that does not count yet; not negative.
    cooldown : int, default 0
        Evaluations after a reduction during which none is counted as bad.
    minimum_learning_rate : float, default 0.0
        Lowest value that a reduction leads to.

    Raises
    ------
    HyperparameterError
        For an argument that is out of range.

    Notes
    -----
    Where it is one argument of another schedule, as in ``Warmup(ReduceOnPlateau(0.1), 500)``, its
    state is saved all the same.

    References
    ----------
    Keras 3, ``keras.callbacks.ReduceLROnPlateau``.

    Examples
    --------
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
        """Return what is remembered before the first evaluation."""
        worst = math.inf if self.mode == "min" else -math.inf
        value = float(self.initial_learning_rate)
        return {"value": value, "best": worst, "bad_evaluations": 0, "cooldown_left": 0}

    def __call__(self, step: int) -> float:  # noqa: ARG002  # schedules are called with it
        """Return the value of now, whatever the step."""
        return self._state["value"]

    def update(self, metric: float) -> bool:
        """Take the metric of an evaluation into account.

        Parameters
        ----------
        metric : float
            What is to fall or rise; NaN is no improvement.

        Returns
        -------
        bool
            Whether the value was reduced.

        Raises
        ------
        TypeError, ValueError
            For something that is no number.
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
