"""A function of two variables as contours and as a surface, with the paths of optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.plots._heights import Heights, draw_bar, draw_contour, draw_surface
from lamb_rs.plots._matplotlib import look, need, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamb_rs.plots.descent import Trajectory
    from lamb_rs.plots.functions import Pair, PlaneFunction

CONTOUR_POINTS = 241
SURFACE_POINTS = 101
_PANEL_POINTS = 81
VIEW = (55.0, -80.0)
STAR = {"marker": "*", "color": "#E69F00", "markeredgecolor": "black", "linestyle": "none"}
_PATH, _END = "#0072B2", "#D55E00"


def contour(
    function: PlaneFunction, trajectories: Sequence[Trajectory] = (), *, title: str | None = None
) -> Any:
    """Draw the contours of a function, and trajectories on them.

    Parameters
    ----------
    function : PlaneFunction
        The function to draw, within its `limits`.
    trajectories : sequence of Trajectory, default ()
        As `descend` returns them. Paths that overlap are easier to compare with `panels`.
    title : str or None, default None
        None uses the function's name and formula.

    Returns
    -------
    matplotlib.figure.Figure
        ``figure.savefig(path)`` writes it. It is not a figure of pyplot.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    figure = new_figure(10.2, 5.6)
    axes = figure.subplots()
    heights = draw_plane(axes, function, CONTOUR_POINTS)
    draw_bar(figure, axes, heights, "value")
    for index, path in enumerate(trajectories):
        axes.plot(*path.points.T, **_line(index), label=legend_line(path), zorder=3)
        axes.plot(*path.end, **_end(index), zorder=7)
    axes.set_title(heading(function) if title is None else title)
    if trajectories:
        _mark_start(axes, trajectories)
    _legend(figure, function, trajectories)
    return figure


def surface(
    function: PlaneFunction,
    trajectories: Sequence[Trajectory] = (),
    *,
    title: str | None = None,
    view: Pair = VIEW,
) -> Any:
    """Draw the surface of a function, and trajectories on it.

    Parameters
    ----------
    function : PlaneFunction
        The function to draw, within its `limits`. Parts of a path outside are not drawn.
    trajectories : sequence of Trajectory, default ()
        As `descend` returns them.
    title : str or None, default None
        None uses the function's name and formula.
    view : (float, float), default (55, -80)
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
    heights = draw_relief(axes, function, view)
    draw_bar(figure, axes, heights, "value", pad=0.1, shrink=0.7)
    for index, path in enumerate(trajectories):
        x, y, values = inside(function, path)
        axes.plot(x, y, heights(values), **_line(index), label=legend_line(path), zorder=3 + index)
        axes.plot(x[-1:], y[-1:], heights(values[-1:]), **_end(index), zorder=50 + index)
    for x, y in function.minima:
        star = {**STAR, "label": "minimum"} if (x, y) == function.minima[0] else STAR
        axes.plot([x], [y], heights([function.value(x, y)]), **star, markersize=13, zorder=90)
    axes.set_title(heading(function) if title is None else title)
    _legend(figure, function, trajectories, loc="outside lower center", ncols=2)
    return figure


def panels(
    function: PlaneFunction, trajectories: Sequence[Trajectory], *, title: str | None = None
) -> Any:
    """Draw one small contour plot per trajectory, all with the same axes.

    Parameters
    ----------
    function : PlaneFunction
        The function to draw.
    trajectories : sequence of Trajectory
        At least one.
    title : str or None, default None
        None uses the function's name and formula.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    columns = min(4 if len(trajectories) <= 8 else 5, len(trajectories))
    rows = -(-len(trajectories) // columns)
    figure = new_figure(max(5.2, 2.7 * columns), max(4.0, 2.5 * rows + 0.9))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, path in zip(grid.flat, trajectories, strict=False):
        draw_plane(axes, function, _PANEL_POINTS, lines=False)
        axes.plot(*path.points.T, color=_PATH, linewidth=1.4, zorder=3)
        axes.plot(*path.points[0], marker="o", color="black", markersize=4, zorder=4)
        axes.plot(*path.end, marker="s", color=_END, markersize=5, zorder=6)
        axes.set_title(f"{path.label}\n{path.rate}, value {result(path)}", fontsize=9)
        axes.label_outer()
    _hide_unused(grid, len(trajectories))
    handles, labels = _panel_legend(bool(function.minima))
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    most = max(len(path.points) for path in trajectories) - 1
    words = heading(function) if title is None else title
    figure.suptitle(f"{words}\nlearning rate, and value after {most} updates", fontsize=12)
    return figure


def draw_plane(axes: Any, function: PlaneFunction, points: int, *, lines: bool = True) -> Heights:
    """Draw the contours, the minima and the labels of the axes; return the map of heights."""
    x, y, values = function.grid(points)
    heights = Heights.of(values, logarithmic=function.logarithmic)
    draw_contour(axes, x, y, values, heights, lines=lines)
    for index, minimum in enumerate(function.minima):
        label = None if index else "minimum"
        axes.plot(*minimum, **STAR, markersize=13, zorder=5, label=label)
    axes.set(xlim=function.limits[0], ylim=function.limits[1], xlabel="x", ylabel="y")
    return heights


def draw_relief(axes: Any, function: PlaneFunction, view: Pair) -> Heights:
    """Draw the surface and the labels of the axes; return the map of heights."""
    x, y, values = function.grid(SURFACE_POINTS)
    heights = Heights.of(values, logarithmic=function.logarithmic)
    draw_surface(axes, x, y, values, heights)
    axes.set(xlim=function.limits[0], ylim=function.limits[1], xlabel="x", ylabel="y")
    axes.view_init(*view)
    return heights


def heading(function: PlaneFunction) -> str:
    """Return the name, followed by the formula if there is one."""
    return f"{function.name}: {function.formula}" if function.formula else function.name


def result(path: Trajectory) -> str:
    """Return the value at the end as text."""
    return "diverged" if path.diverged else f"{path.loss:.2g}"


def legend_line(path: Trajectory) -> str:
    """Return the label, the learning rate and the value at the end."""
    return f"{path.label}, {path.rate}: {result(path)}"


def inside(function: PlaneFunction, path: Trajectory) -> tuple[Any, Any, Any]:
    """Return x, y and value of the points; x and y are NaN outside the limits."""
    (left, right), (low, high) = function.limits
    x, y = path.points.T
    seen = (left <= x) & (x <= right) & (low <= y) & (y <= high)
    return np.where(seen, x, np.nan), np.where(seen, y, np.nan), path.values


def halo() -> list[Any]:
    """Return the white outline that keeps a line visible on a dark ground."""
    effects = need("matplotlib.patheffects")
    return [effects.Stroke(linewidth=3.4, foreground="white", alpha=0.8), effects.Normal()]


def _line(index: int) -> dict[str, Any]:
    return {
        **look(index),
        "linewidth": 1.8,
        "markersize": 5,
        "markevery": [],  # the marker appears in the legend and at the end only
        "path_effects": halo(),
    }


def _end(index: int) -> dict[str, Any]:
    return {**look(index), "markersize": 9, "markeredgecolor": "white", "markeredgewidth": 1.2}


def _mark_start(axes: Any, trajectories: Sequence[Trajectory]) -> None:
    axes.plot(
        *trajectories[0].points[0],
        marker="o",
        markersize=9,
        color="white",
        markeredgecolor="black",
        markeredgewidth=1.5,
        linestyle="none",
        label="start",
        zorder=6,
    )


def _legend(
    figure: Any, function: PlaneFunction, trajectories: Sequence[Trajectory], **where: Any
) -> None:
    if trajectories or function.minima:
        figure.legend(
            **{"loc": "outside right upper", "frameon": False, "handlelength": 3.2, **where},
            title="value at the end" if trajectories else None,
        )


def _panel_legend(minima: bool) -> tuple[list[Any], list[str]]:
    line = need("matplotlib.lines").Line2D
    handles = {
        "start": line([], [], marker="o", color="black", linestyle="none", markersize=4),
        "path": line([], [], color=_PATH),
        "end": line([], [], marker="s", color=_END, linestyle="none", markersize=5),
    }
    if minima:
        handles["minimum"] = line([], [], **STAR, markersize=11)
    return list(handles.values()), list(handles)


def _hide_unused(grid: Any, used: int) -> None:
    """Hide the panels after the last used one, and label the axes above them."""
    columns = grid.shape[1]
    for index, axes in enumerate(grid.flat):
        if index >= used:
            axes.set_visible(False)
        elif index + columns >= used:
            axes.xaxis.label.set_visible(True)
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("x")
