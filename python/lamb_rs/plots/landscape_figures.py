"""A loss landscape as contours and as a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.plots._heights import Heights, draw_bar, draw_contour, draw_surface
from lamb_rs.plots._matplotlib import new_figure

if TYPE_CHECKING:
    from lamb_rs.plots.functions import Pair, Values
    from lamb_rs.plots.landscape import Landscape

_STAR = {
    "marker": "*",
    "markersize": 15,
    "color": "white",
    "markeredgecolor": "black",
    "linestyle": "none",
}
_START = {**_STAR, "marker": "o", "markersize": 8}
_PATH = {"color": "#E69F00", "linewidth": 2.0, "marker": "o", "markersize": 2.5}


def landscape_contour(landscape: Landscape, *, title: str | None = None) -> Any:
    """Draw a loss landscape as contours, with the path of the training if it is known.

    Parameters
    ----------
    landscape : Landscape
        As `loss_landscape` or `path_landscape` returns it.
    title : str or None, default None
        None uses "Loss landscape".

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    figure = new_figure(7.4, 6.0)
    axes = figure.subplots()
    heights = Heights.of(landscape.losses, logarithmic=True)
    draw_contour(axes, *_grid(landscape), landscape.losses, heights, colours="cividis")
    draw_bar(figure, axes, heights, "loss")
    if landscape.path is not None:
        axes.plot(*landscape.path.T, **_PATH, label="path of the training")
        axes.plot(*landscape.path[0], **_START, label="start")
    axes.plot(0, 0, **_STAR, label=f"trained parameters, loss {landscape.center:.3g}")
    axes.set(
        title="Loss landscape" if title is None else title,
        xlabel=landscape.labels[0],
        ylabel=landscape.labels[1],
        aspect="equal",
    )
    figure.legend(loc="outside lower center", frameon=False, ncols=3)
    return figure


def landscape_surface(
    landscape: Landscape, *, title: str | None = None, view: Pair = (35.0, -60.0)
) -> Any:
    """Draw a loss landscape as a surface, with the path of the training if it is known.

    Parameters
    ----------
    landscape : Landscape
        As `loss_landscape` or `path_landscape` returns it. The path is drawn on the surface; its
        losses outside of the plane are not shown.
    title : str or None, default None
        None uses "Loss landscape".
    view : (float, float), default (35, -60)
        Elevation and azimuth of the viewer, in degrees.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    figure = new_figure(8.4, 6.8)
    axes = figure.add_subplot(projection="3d")
    heights = Heights.of(landscape.losses, logarithmic=True)
    draw_surface(axes, *_grid(landscape), landscape.losses, heights)
    draw_bar(figure, axes, heights, "loss", pad=0.12, shrink=0.7)
    if landscape.path is not None:
        height = heights(_on_surface(landscape, landscape.path))
        axes.plot(*landscape.path.T, height, **_PATH, zorder=5, label="path of the training")
        axes.plot(*landscape.path[:1].T, height[:1], **_START, zorder=6, label="start")
    label = f"trained parameters, loss {landscape.center:.3g}"
    axes.plot([0], [0], heights([landscape.center]), **_STAR, zorder=7, label=label)
    axes.set(
        title="Loss landscape" if title is None else title,
        xlabel=_broken(landscape.labels[0]),
        ylabel=_broken(landscape.labels[1]),
    )
    axes.xaxis.labelpad = axes.yaxis.labelpad = 10
    # Fewer ticks than by default, so that they do not reach the labels of the axes.
    axes.locator_params(axis="x", nbins=5)
    axes.locator_params(axis="y", nbins=5)
    axes.view_init(*view)
    figure.legend(loc="outside lower center", frameon=False, ncols=3)
    return figure


def _grid(landscape: Landscape) -> tuple[Values, Values]:
    x, y = np.meshgrid(landscape.middle[0] + landscape.steps, landscape.middle[1] + landscape.steps)
    return x, y


def _on_surface(landscape: Landscape, path: Values) -> Values:
    """Return the loss of the grid at each point of a path, by bilinear interpolation."""
    width = landscape.steps[1] - landscape.steps[0]
    places = (path - landscape.middle - landscape.steps[0]) / width
    cells = np.clip(places.astype(int), 0, len(landscape.steps) - 2)
    (column, row), (x, y) = cells.T, (places - cells).T
    losses = landscape.losses
    lower = (1 - x) * losses[row, column] + x * losses[row, column + 1]
    upper = (1 - x) * losses[row + 1, column] + x * losses[row + 1, column + 1]
    values: Values = (1 - y) * lower + y * upper
    return values


def _broken(label: str) -> str:
    return label.replace(", ", "\n")
