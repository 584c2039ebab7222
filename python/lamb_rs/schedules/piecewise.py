"""Constant values between boundaries."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lamb_rs._errors import HyperparameterError
from lamb_rs.schedules._base import Schedule, schedule_class

if TYPE_CHECKING:
    from collections.abc import Sequence


@schedule_class
class PiecewiseConstantDecay(Schedule):
    """PiecewiseConstantDecay changes a value at given steps and keeps it constant in between.

    The value is ``values[0]`` up to and including step ``boundaries[0]``, then ``values[1]`` up to
    and including step ``boundaries[1]``, and so on; the last value stays.

    Parameters
    ----------
    boundaries : sequence of float
        Steps after which the value changes, in increasing order.
    values : sequence of float
        Values between the boundaries, one more than there are boundaries.
    name : str, default "PiecewiseConstant"
        A name for your own use; it has no effect.

    Raises
    ------
    HyperparameterError
        If the lengths do not match, the boundaries do not increase, or a value is not finite.
    TypeError
        If an argument is unknown.

    References
    ----------
    Arguments and values are those of ``keras.optimizers.schedules.PiecewiseConstantDecay``.

    Examples
    --------
    >>> from lamb_rs.schedules import PiecewiseConstantDecay
    >>> rate = PiecewiseConstantDecay([100, 200], [0.1, 0.01, 0.001])
    >>> [rate(step) for step in (0, 100, 101, 200, 201)]
    [0.1, 0.1, 0.01, 0.01, 0.001]
    """

    boundaries: Sequence[float]
    values: Sequence[float]
    name: str = "PiecewiseConstant"

    def __post_init__(self) -> None:
        for name in ("boundaries", "values"):
            numbers = np.asarray(getattr(self, name), dtype=np.float64).tolist()
            if not np.isfinite(numbers).all():
                raise HyperparameterError(
                    f"PiecewiseConstantDecay: {name} must be finite; got {numbers}"
                )
            object.__setattr__(self, name, tuple(map(_shortest, numbers)))
        if len(self.values) != len(self.boundaries) + 1:
            raise HyperparameterError(
                f"PiecewiseConstantDecay needs one value more than boundaries; got "
                f"{len(self.boundaries)} boundaries and {len(self.values)} values"
            )
        if any(left >= right for left, right in pairwise(self.boundaries)):
            raise HyperparameterError(
                f"PiecewiseConstantDecay: boundaries must increase; got {list(self.boundaries)}"
            )

    def __call__(self, step: int) -> float:
        """Return the value for a step, counted from 0."""
        return float(self.values[bisect_left(self.boundaries, step)])


def _shortest(number: float) -> float:
    return int(number) if number.is_integer() else number
