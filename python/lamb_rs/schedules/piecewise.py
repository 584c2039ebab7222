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
    """Constant values between boundaries.

    ``values[0]`` up to and including step ``boundaries[0]``, then ``values[1]`` up to and
    including ``boundaries[1]``, and so on.

    Parameters
    ----------
    boundaries : sequence of float
        Increasing steps.
    values : sequence of float
        One more than boundaries.
    name : str, default "PiecewiseConstant"
        For your own use.

    Raises
    ------
    HyperparameterError
        For lengths that do not fit, boundaries that do not increase, or values that are not finite.

    References
    ----------
    Keras 3, ``keras.optimizers.schedules.PiecewiseConstantDecay``.
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
