"""The loss around trained parameters, in a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._errors import HyperparameterError
from lamb_rs.plots._leaves import checked_leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lamb_rs.plots.functions import Pair, Values
    from lamb_rs.plots.parameter_path import ParameterPath

# Around a path, the grid is wider than the path by this share of its size on each side.
_MARGIN = 0.25
_RANDOM = ("first direction, norms of the filters", "second direction, norms of the filters")


@dataclass(frozen=True)
class Landscape:
    """Losses on a square grid in a plane through the parameters.

    Attributes
    ----------
    steps : ndarray of float64, shape (points,)
        Coordinates of the grid along each direction, seen from its middle.
    losses : ndarray of float64, shape (points, points)
        Rows follow the second direction, columns the first.
    middle : (float, float), default (0, 0)
        Coordinates of the middle of the grid. The trained parameters are at (0, 0).
    path : ndarray of float64, shape (n, 2), or None, default None
        Coordinates of the path of the training, projected onto the plane.
    labels : (str, str)
        Names of the two directions.
    trained : float or None, default None
        Loss of the trained parameters; None if they are in the middle of the grid.
    """

    steps: Values
    losses: Values
    middle: Pair = (0.0, 0.0)
    path: Values | None = None
    labels: tuple[str, str] = _RANDOM
    trained: float | None = None

    @property
    def center(self) -> float:
        """Loss of the trained parameters."""
        if self.trained is not None:
            return self.trained
        middle = len(self.steps) // 2
        return float(self.losses[middle, middle])


def loss_landscape(
    loss: Callable[[], float],
    params: object,
    *,
    span: float = 1.0,
    points: int = 31,
    filter_axis: int = -1,
    seed: int = 0,
    tick: Callable[[], object] = lambda: None,
) -> Landscape:
    """Evaluate a loss on a grid along two random, filter-normalized directions.

    A direction is drawn from N(0, 1), and each of its filters is scaled to the norm of the same
    filter of the parameters. Landscapes of networks with different scales are then comparable.
    Arrays with one axis or none (biases, scales) do not change.

    Parameters
    ----------
    loss : callable
        Returns the loss of the parameters at that moment.
    params : array, sequence or nested mapping of arrays
        float32, as for `Optimizer.build`. They change in place, and have their old values again
        when the function returns or raises.
    span : float, default 1.0
        Extent of the grid to each side, in norms of the filters.
    points : int, default 31
        Number of points along each direction. It must be odd, so that the parameters are in the
        middle. The loss is evaluated ``points**2`` times.
    filter_axis : int, default -1
        The axis that counts the filters (outputs): the last one for kernels of NumPy and Keras, 0
        for those of torch.
    seed : int, default 0
        Seed of the directions.
    tick : callable, default does nothing
        Called after each row of the grid, for progress bars.

    Returns
    -------
    Landscape

    Raises
    ------
    HyperparameterError
        If `points` is even or less than 3, or `span` is not positive.
    DTypeError, LayoutError, ReadOnlyError, AliasError
        If an array cannot be changed in place.

    References
    ----------
    Li, Xu, Taylor, Studer, Goldstein, "Visualizing the loss landscape of neural nets", 2018,
    arXiv 1712.09913.
    """
    _check_points("loss_landscape", points)
    if not span > 0:
        raise HyperparameterError(f"loss_landscape: span must be > 0; got {span}")
    arrays = checked_leaves(params)
    rng = np.random.default_rng(seed)
    first, second = ([_direction(array, filter_axis, rng) for array in arrays] for _ in range(2))
    steps = np.linspace(-span, span, points)
    losses = _evaluate(loss, arrays, (first, second), (steps, steps), tick)
    return Landscape(steps, losses)


def path_landscape(
    loss: Callable[[], float],
    params: object,
    path: ParameterPath,
    *,
    points: int = 31,
    tick: Callable[[], object] = lambda: None,
) -> Landscape:
    """Evaluate a loss on a grid around the path of a training.

    The plane goes through the parameters. Its directions are the first two principal components of
    the path, so it shows as much of the path as a plane can; the points of the path are projected
    onto it.

    Parameters
    ----------
    loss : callable
        Returns the loss of the parameters at that moment.
    params : array, sequence or nested mapping of arrays
        The trained parameters, of which `path` has copies. They change in place, and have their old
        values again when the function returns or raises.
    path : ParameterPath
        Its last copy must equal the parameters.
    points : int, default 31
        Number of points along each direction, odd. The loss is evaluated ``points**2 + 1`` times.
    tick : callable, default does nothing
        Called after each row of the grid, for progress bars.

    Returns
    -------
    Landscape

    Raises
    ------
    HyperparameterError
        If `points` is even or less than 3.
    ValueError
        If `path` has fewer than three copies, or all of them are equal.
    DTypeError, LayoutError, ReadOnlyError, AliasError
        If an array cannot be changed in place.

    References
    ----------
    Li, Xu, Taylor, Studer, Goldstein, "Visualizing the loss landscape of neural nets", 2018,
    arXiv 1712.09913, section 7.
    """
    _check_points("path_landscape", points)
    arrays = checked_leaves(params)
    plane = path.plane()
    low, high = plane.path.min(axis=0), plane.path.max(axis=0)
    x, y = (low + high) / 2
    span = (0.5 + _MARGIN) * float((high - low).max())
    steps = np.linspace(-span, span, points)
    directions = plane.first, plane.second
    trained = float(loss())
    losses = _evaluate(loss, arrays, directions, (x + steps, y + steps), tick)
    first, second = (f"{100 * share:.0f} % of the variance" for share in plane.shares)
    return Landscape(
        steps,
        losses,
        middle=(float(x), float(y)),
        path=plane.path,
        labels=(f"first component, {first}", f"second component, {second}"),
        trained=trained,
    )


def _check_points(function: str, points: int) -> None:
    if points < 3 or points % 2 == 0:
        raise HyperparameterError(f"{function}: points must be odd and >= 3; got {points}")


def _evaluate(
    loss: Callable[[], float],
    arrays: Sequence[NDArray[np.float32]],
    directions: tuple[list[Values], list[Values]],
    grid: tuple[Values, Values],
    tick: Callable[[], object],
) -> Values:
    """Return the losses on the grid."""
    first, second = directions
    columns, rows = grid
    kept = [array.copy() for array in arrays]
    losses = np.empty((len(rows), len(columns)))
    try:
        for row, along in enumerate(rows):
            for column, across in enumerate(columns):
                for array, start, one, two in zip(arrays, kept, first, second, strict=True):
                    np.add(start, across * one + along * two, out=array, casting="same_kind")
                losses[row, column] = loss()
            tick()
    finally:
        for array, start in zip(arrays, kept, strict=True):
            array[...] = start
    return losses


def _direction(
    array: NDArray[np.float32], axis: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    direction = rng.standard_normal(array.shape)
    if array.ndim < 2:
        return np.zeros(array.shape)
    others = tuple(other for other in range(array.ndim) if other != axis % array.ndim)
    wanted = np.linalg.norm(_rows(array, others), axis=0)
    found = np.linalg.norm(_rows(direction, others), axis=0)
    shape = [1] * array.ndim
    shape[axis] = -1
    scaled: NDArray[np.float64] = direction * (wanted / found).reshape(shape)
    return scaled


def _rows(array: Any, axes: tuple[int, ...]) -> NDArray[np.float64]:
    """Move these axes to the front and join them; one column per filter remains."""
    moved = np.moveaxis(array.astype(np.float64), axes, range(len(axes)))
    rows: NDArray[np.float64] = moved.reshape(-1, moved.shape[-1])
    return rows
