"""Run an optimizer on a function of the plane, and keep the way it went."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._errors import HyperparameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamb_rs.plots.functions import PlaneFunction, Values

# Nobody comes back from there, and the gradients of steep functions soon overflow float32.
_LOST = 1e6


@dataclass(frozen=True)
class Trajectory:
    """Where a descent went.

    Attributes
    ----------
    label : str
        For legends.
    points : ndarray of float64, shape (n + 1, 2)
        The parameters at the start and after each of n updates; fewer than were asked for if the
        descent diverged.
    values : ndarray of float64, shape (n + 1,)
        Of the function at each point.
    end : ndarray of float64, shape (2,)
        What the optimizer says to evaluate in the end: its average where it keeps one, else the
        last point.
    loss : float
        Value of the function at `end`.
    diverged : bool
        Whether the descent left every reasonable range before its last step.
    """

    label: str
    points: Values
    values: Values
    end: Values
    loss: float
    diverged: bool = False


def descend(
    function: PlaneFunction,
    optimizer: Any,
    start: Any = None,
    steps: int = 200,
    label: str | None = None,
) -> Trajectory:
    """Descend a function from a point.

    The parameter is one array of float32 in the shape of `start`, the gradient is computed in
    double precision and rounded.

    Parameters
    ----------
    function : PlaneFunction
        What to descend; your own, or one of `lamb_rs.plots`.
    optimizer : Optimizer
        Not built yet.
    start : array of two numbers, default `function.start`
        Of any shape: optimizers that treat matrices in a way of their own do so for ``(1, 2)``.
    steps : int, default 200
        Number of updates.
    label : str or None, default None
        For legends; the name of the optimizer's class by default.

    Returns
    -------
    Trajectory

    Raises
    ------
    HyperparameterError
        If `start` does not hold two numbers.
    ParameterSetError
        If the optimizer is built already.

    Examples
    --------
    >>> import lamb_rs
    >>> from lamb_rs.plots import descend, ravine
    >>> path = descend(ravine, lamb_rs.Adam(0.1), steps=300)
    >>> path.points.shape, bool(path.loss < 1e-3 * path.values[0])
    ((301, 2), True)
    """
    point = np.array(function.start if start is None else start, np.float32, order="C")
    if point.size != 2:
        raise HyperparameterError(
            f"descend: start must hold two numbers, x and y; got shape {point.shape}"
        )
    optimizer.build(point)
    gradient = np.empty_like(point)
    points = [_pair(point)]
    diverged = False
    for _ in range(steps):
        with np.errstate(over="ignore"):
            slope = function.slope(*points[-1]) * optimizer.scale_loss(1.0)
            gradient[...] = slope.astype(np.float32).reshape(gradient.shape)
        optimizer.apply(gradient)
        here = _pair(point)
        if not np.all(np.abs(here) < _LOST):  # NaN is not smaller either
            diverged = True
            break
        points.append(here)
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
    )


@contextmanager
def evaluated(optimizer: Any) -> Iterator[None]:
    """Put what the optimizer says to evaluate into the parameters, if that is something else."""
    with ExitStack() as stack:
        # It refuses where the parameters themselves are what to evaluate.
        with suppress(HyperparameterError):
            stack.enter_context(optimizer.evaluation_weights())
        yield


def _pair(point: Any) -> Values:
    return point.astype(np.float64).ravel()  # type: ignore[no-any-return]
