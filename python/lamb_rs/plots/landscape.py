"""The loss around trained parameters, along two random directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs import _core
from lamb_rs._errors import HyperparameterError
from lamb_rs.plots._heights import Heights, draw_contour, draw_surface, label_bar
from lamb_rs.plots._matplotlib import new_figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lamb_rs.plots.functions import Pair, Values


@dataclass(frozen=True)
class Landscape:
    """Losses on a grid around the parameters.

    Attributes
    ----------
    steps : ndarray of float64, shape (points,)
        How far the grid goes along each direction; 0 in the middle is the parameters themselves,
        1 a change of every filter as large as the filter.
    losses : ndarray of float64, shape (points, points)
        Rows go along the second direction, columns along the first.
    """

    steps: Values
    losses: Values

    @property
    def center(self) -> float:
        """Loss of the parameters themselves."""
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
    """Evaluate a loss on a grid along two random, filter-normalised directions.

    A direction is drawn from N(0, 1), and each filter of it scaled to the norm of the same filter
    of the parameters, so that landscapes of differently scaled networks can be compared. Arrays
    with one axis or none (biases, scales) are not moved.

    Parameters
    ----------
    loss : callable
        Returns the loss of the parameters as they are at that moment.
    params : array, sequence or nested mapping of arrays
        float32, as for `Optimizer.build`. They are moved in place and have their old bits when the
        function returns or raises.
    span : float, default 1.0
        How far to go, in norms of the filters, to each side.
    points : int, default 31
        Along each direction, odd, so that the parameters themselves are in the middle. The loss is
        evaluated ``points**2`` times.
    filter_axis : int, default -1
        The axis that numbers the filters (outputs): the last in NumPy's and Keras's kernels, 0 in
        torch's.
    seed : int, default 0
        Of the directions.
    tick : callable, default does nothing
        Called after each row, for a progress bar.

    Returns
    -------
    Landscape

    Raises
    ------
    HyperparameterError
        If `points` is even or less than 3, or `span` is not positive.
    DTypeError, LayoutError, ReadOnlyError, AliasError
        For an array that cannot be moved in place.

    References
    ----------
    Li, Xu, Taylor, Studer, Goldstein, "Visualizing the loss landscape of neural nets", 2018,
    arXiv 1712.09913.
    """
    if points < 3 or points % 2 == 0:
        raise HyperparameterError(f"loss_landscape: points must be odd and >= 3; got {points}")
    if not span > 0:
        raise HyperparameterError(f"loss_landscape: span must be > 0; got {span}")
    arrays = _arrays(params)
    kept = [array.copy() for array in arrays]
    rng = np.random.default_rng(seed)
    first, second = ([_direction(array, filter_axis, rng) for array in kept] for _ in range(2))
    steps = np.linspace(-span, span, points)
    losses = np.empty((points, points))
    try:
        for row, along in enumerate(steps):
            for column, across in enumerate(steps):
                for array, start, one, two in zip(arrays, kept, first, second, strict=True):
                    np.add(start, across * one + along * two, out=array, casting="same_kind")
                losses[row, column] = loss()
            tick()
    finally:
        for array, start in zip(arrays, kept, strict=True):
            array[...] = start
    return Landscape(steps, losses)


def landscape_contour(landscape: Landscape, *, title: str | None = None) -> Any:
    """Draw a loss landscape from above.

    Parameters
    ----------
    landscape : Landscape
        As `loss_landscape` returns it.
    title : str or None, default None
        "Loss landscape" by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    """
    figure = new_figure(7.2, 5.6)
    axes = figure.subplots()
    x, y = np.meshgrid(landscape.steps, landscape.steps)
    heights = Heights.of(landscape.losses, logarithmic=True)
    filled = draw_contour(axes, x, y, landscape.losses, heights, colours="cividis")
    label_bar(figure.colorbar(filled, ax=axes, label="loss", pad=0.02), heights)
    axes.plot(
        0,
        0,
        marker="*",
        markersize=15,
        color="white",
        markeredgecolor="black",
        linestyle="none",
        label=f"trained parameters, loss {landscape.center:.3g}",
    )
    _label(axes, title, ", norms of the filters")
    axes.set_aspect("equal")
    figure.legend(loc="outside lower center", frameon=False)
    return figure


def landscape_surface(
    landscape: Landscape, *, title: str | None = None, view: Pair = (35.0, -60.0)
) -> Any:
    """Draw a loss landscape as a surface.

    Parameters
    ----------
    landscape : Landscape
        As `loss_landscape` returns it.
    title : str or None, default None
        "Loss landscape" by default.
    view : (float, float), default (35, -60)
        Elevation and azimuth of the eye, in degrees.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    """
    figure = new_figure(7.6, 6.0)
    axes = figure.add_subplot(projection="3d")
    x, y = np.meshgrid(landscape.steps, landscape.steps)
    draw_surface(axes, x, y, landscape.losses, Heights.of(landscape.losses, logarithmic=True))
    _label(axes, title)
    # Fewer than by default, which run into the labels of the axes.
    ticks = landscape.steps[0] * np.array([-1, -0.5, 0, 0.5, 1])
    axes.set(xticks=ticks, yticks=ticks)
    axes.set_zlabel("loss")
    axes.view_init(*view)
    return figure


def _label(axes: Any, title: str | None, unit: str = "") -> None:
    axes.set(
        title="Loss landscape" if title is None else title,
        xlabel=f"first direction{unit}",
        ylabel=f"second direction{unit}",
    )


def _arrays(params: object) -> list[NDArray[np.float32]]:
    """Return the arrays of a structure, checked as `build` checks them."""
    probe = _core.Optimizer("sgd", {})
    probe.build(params, None, None)
    return list(probe.parameters)


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
    """Move these axes to the front and join them; what is left is one column per filter."""
    moved = np.moveaxis(array.astype(np.float64), axes, range(len(axes)))
    rows: NDArray[np.float64] = moved.reshape(-1, moved.shape[-1])
    return rows
