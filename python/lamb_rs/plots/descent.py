"""Run an optimizer on a function of two variables and record its path."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._errors import HyperparameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamb_rs.plots.functions import PlaneFunction, Values

# A descent does not return from there, and gradients of steep functions soon overflow float32.
_LOST = 1e6


@dataclass(frozen=True)
class Trajectory:
    """The path of one descent.

    Attributes
    ----------
    label : str
        For legends.
    points : ndarray of float64, shape (n + 1, 2)
        The parameters at the start and after each of n updates; fewer than requested if the
        descent diverged.
    values : ndarray of float64, shape (n + 1,)
        Value of the function at each point.
    end : ndarray of float64, shape (2,)
        The parameters to evaluate at the end: the optimizer's average if it keeps one, else the
        last point.
    loss : float
        Value of the function at `end`.
    diverged : bool
        Whether a parameter left the range of ±1e6 before the last update.
    rates : ndarray of float64, shape (n,)
        Learning rate of each update.
    """

    label: str
    points: Values
    values: Values
    end: Values
    loss: float
    diverged: bool = False
    rates: Values = field(default_factory=lambda: np.empty(0))

    @property
    def rate(self) -> str:
        """The learning rate for legends: ``"rate 0.3"``, or ``"peak rate 0.3"`` if it varies."""
        if not self.rates.size:
            return "rate unknown"
        peak = float(self.rates.max())
        return f"{'rate' if peak == self.rates.min() else 'peak rate'} {peak:g}"


def descend(
    function: PlaneFunction,
    optimizer: Any,
    start: Any = None,
    steps: int = 200,
    label: str | None = None,
) -> Trajectory:
    """Minimize a function, starting at a point.

    The parameter is one float32 array with the shape of `start`. The gradient is computed in
    double precision and rounded to float32.

    Parameters
    ----------
    function : PlaneFunction
        One of the functions of `lamb_rs.plots`, or your own.
    optimizer : Optimizer
        Not built yet.
    start : array of two numbers, default `function.start`
        Of any shape. Optimizers that treat matrices differently do so for shape ``(1, 2)``.
    steps : int, default 200
        Number of updates.
    label : str or None, default None
        For legends. None uses the name of the optimizer's class.

    Returns
    -------
    Trajectory

    Raises
    ------
    HyperparameterError
        If `start` does not hold two numbers.
    ParameterSetError
        If the optimizer is already built.

    Examples
    --------
    >>> import lamb_rs
    >>> from lamb_rs.plots import descend, ravine
    >>> path = descend(ravine, lamb_rs.Adam(0.1), steps=300)
    >>> path.points.shape, path.rate, bool(path.loss < 1e-3 * path.values[0])
    ((301, 2), 'rate 0.1', True)
    """
    point = np.array(function.start if start is None else start, np.float32, order="C")
    if point.size != 2:
        raise HyperparameterError(
            f"descend: start must hold two numbers, x and y; got shape {point.shape}"
        )
    optimizer.build(point)
    gradient = np.empty_like(point)
    points, rates = [_pair(point)], []
    diverged = False
    for _ in range(steps):
        with np.errstate(over="ignore"):
            slope = function.slope(*points[-1]) * optimizer.scale_loss(1.0)
            gradient[...] = slope.astype(np.float32).reshape(gradient.shape)
        optimizer.apply(gradient)
        here = _pair(point)
        if not np.all(np.abs(here) < _LOST):  # also true for NaN
            diverged = True
            break
        points.append(here)
        rates.append(optimizer.last_learning_rate)
    with evaluated(optimizer):
        end = points[-1] if diverged else _pair(point)
    path = np.array(points)
    return Trajectory(
        label=type(optimizer).__name__ if label is None else label,
        points=path,
        values=np.asarray(function.value(path[:, 0], path[:, 1]), np.float64),
        end=end,
        loss=float(function.value(*end)),
        diverged=diverged,
        rates=np.array(rates, np.float64),
    )


@contextmanager
def evaluated(optimizer: Any) -> Iterator[None]:
    """Swap the weights to evaluate into the parameters, if the optimizer keeps such weights."""
    with ExitStack() as stack:
        # `evaluation_weights` raises where the parameters themselves are the weights to evaluate.
        with suppress(HyperparameterError):
            stack.enter_context(optimizer.evaluation_weights())
        yield


def _pair(point: Any) -> Values:
    return point.astype(np.float64).ravel()  # type: ignore[no-any-return]
