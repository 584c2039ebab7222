"""A function of the plane as contour and as surface, with the ways that optimizers went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.plots._heights import Heights, draw_contour, draw_surface, label_bar
from lamb_rs.plots._matplotlib import look, need, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamb_rs.plots.descent import Trajectory
    from lamb_rs.plots.functions import Pair, PlaneFunction

CONTOUR_POINTS = 241
SURFACE_POINTS = 101
_PANEL_POINTS = 61
VIEW = (55.0, -80.0)
STAR = {"marker": "*", "color": "#E69F00", "markeredgecolor": "black", "linestyle": "none"}


def contour(
    function: PlaneFunction, trajectories: Sequence[Trajectory] = (), *, title: str | None = None
) -> Any:
    """Draw the contour of a function from above, and trajectories on it.

    Parameters
    ----------
    function : PlaneFunction
        What to draw, within its `limits`.
    trajectories : sequence of Trajectory, default ()
        As `descend` returns them; up to about eight can be told apart.
    title : str or None, default None
        The function's name and formula by default.

    Returns
    -------
    matplotlib.figure.Figure
        Without pyplot: ``figure.savefig(path)`` writes it.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    """
    figure = new_figure(9.6, 5.6)
    axes = figure.subplots()
    heights = draw_plane(axes, function, CONTOUR_POINTS)
    label_bar(figure.colorbar(axes.collections[0], ax=axes, label="value", pad=0.02), heights)
    for index, path in enumerate(trajectories):
        axes.plot(*path.points.T, **_line(index), label=legend_line(path), zorder=3)
        axes.plot(*path.end, **_end(index), zorder=7)
    axes.set_title(heading(function) if title is None else title)
    if trajectories:
        _mark_start(axes, trajectories)
    if trajectories or function.minima:
        figure.legend(
            loc="outside right upper",
            frameon=False,
            title=_legend_title(trajectories),
            handlelength=3.2,
        )
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
        What to draw, within its `limits`; what leaves them is not drawn.
    trajectories : sequence of Trajectory, default ()
        As `descend` returns them.
    title : str or None, default None
        The function's name and formula by default.
    view : (float, float), default (55, -80)
        Elevation and azimuth of the eye, in degrees.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    """
    figure = new_figure(9.6, 6.2)
    axes = figure.add_subplot(projection="3d")
    heights = draw_relief(axes, function, view)
    for index, path in enumerate(trajectories):
        x, y, values = inside(function, path)
        axes.plot(x, y, heights(values), **_line(index), label=legend_line(path), zorder=3 + index)
        axes.plot(x[-1:], y[-1:], heights(values[-1:]), **_end(index), zorder=50 + index)
    for x, y in function.minima:
        star = {**STAR, "label": "minimum"} if (x, y) == function.minima[0] else STAR
        axes.plot([x], [y], heights([function.value(x, y)]), **star, markersize=13, zorder=90)
    axes.set_title(heading(function) if title is None else title)
    if trajectories or function.minima:
        figure.legend(
            loc="outside right upper",
            frameon=False,
            title=_legend_title(trajectories),
            handlelength=3.2,
        )
    return figure


def panels(
    function: PlaneFunction, trajectories: Sequence[Trajectory], *, title: str | None = None
) -> Any:
    """Draw one small contour per trajectory: for more of them than one picture can hold.

    Parameters
    ----------
    function : PlaneFunction
        What to draw.
    trajectories : sequence of Trajectory
        At least one.
    title : str or None, default None
        The function's name and formula by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    """
    columns = min(5, len(trajectories))
    rows = -(-len(trajectories) // columns)
    figure = new_figure(max(5.2, 2.6 * columns), max(4.0, 2.35 * rows + 0.7))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, path in zip(grid.flat, trajectories, strict=False):
        draw_plane(axes, function, _PANEL_POINTS, lines=False)
        axes.plot(*path.points.T, color="#0072B2", linewidth=1.4, zorder=3)
        axes.plot(*path.points[0], marker="o", color="black", markersize=4, zorder=4)
        axes.plot(*path.end, marker="s", color="#D55E00", markersize=5, zorder=6)
        axes.set_title(legend_line(path), fontsize=8.5)
        axes.label_outer()
    for axes in grid.flat[len(trajectories) :]:
        axes.set_visible(False)
    handles, labels = _panel_legend(bool(function.minima))
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(heading(function) if title is None else title)
    return figure


def draw_plane(axes: Any, function: PlaneFunction, points: int, *, lines: bool = True) -> Heights:
    """Draw the contour, the minima and the axes' labels; return the map of heights."""
    x, y, values = function.grid(points)
    heights = Heights.of(values, logarithmic=function.logarithmic)
    draw_contour(axes, x, y, values, heights, lines=lines)
    for index, minimum in enumerate(function.minima):
        label = None if index else "minimum"
        axes.plot(*minimum, **STAR, markersize=13, zorder=5, label=label)
    axes.set(xlim=function.limits[0], ylim=function.limits[1], xlabel="x", ylabel="y")
    return heights


def draw_relief(axes: Any, function: PlaneFunction, view: Pair) -> Heights:
    """Draw the surface and the axes' labels; return the map of heights."""
    x, y, values = function.grid(SURFACE_POINTS)
    heights = Heights.of(values, logarithmic=function.logarithmic)
    draw_surface(axes, x, y, values, heights)
    axes.set(xlim=function.limits[0], ylim=function.limits[1], xlabel="x", ylabel="y")
    axes.set_zlabel("value", labelpad=8)
    axes.view_init(*view)
    return heights


def heading(function: PlaneFunction) -> str:
    """Return the name, and behind it the formula if there is one."""
    return f"{function.name}: {function.formula}" if function.formula else function.name


def legend_line(path: Trajectory) -> str:
    """Return the label and the value at the end."""
    return f"{path.label}: {'diverged' if path.diverged else f'{path.loss:.2g}'}"


def inside(function: PlaneFunction, path: Trajectory) -> tuple[Any, Any, Any]:
    """Return x, y and value of the points; NaN outside the limits, where nothing is drawn."""
    (left, right), (low, high) = function.limits
    x, y = path.points.T
    seen = (left <= x) & (x <= right) & (low <= y) & (y <= high)
    return np.where(seen, x, np.nan), np.where(seen, y, np.nan), path.values


def halo() -> list[Any]:
    """Return the white rim of a line, without which it is lost over dark ground."""
    effects = need("matplotlib.patheffects")
    return [effects.Stroke(linewidth=3.4, foreground="white", alpha=0.8), effects.Normal()]


def _line(index: int) -> dict[str, Any]:
    return {
        **look(index),
        "linewidth": 1.8,
        "markersize": 5,
        "markevery": [],  # a marker for the legend, and at the end
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


def _panel_legend(minima: bool) -> tuple[list[Any], list[str]]:
    line = need("matplotlib.lines").Line2D
    handles = {
        "start": line([], [], marker="o", color="black", linestyle="none", markersize=4),
        "way": line([], [], color="#0072B2"),
        "end": line([], [], marker="s", color="#D55E00", linestyle="none", markersize=5),
    }
    if minima:
        handles["minimum"] = line([], [], **STAR, markersize=11)
    return list(handles.values()), list(handles)


def _legend_title(trajectories: Sequence[Trajectory]) -> str | None:
    return "value at the end" if trajectories else None
