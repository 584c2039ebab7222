"""Descents as they happen: a race over a contour or over a surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.plots._matplotlib import look, need, new_figure
from lamb_rs.plots.trajectories import (
    CONTOUR_POINTS,
    draw_plane,
    draw_relief,
    halo,
    heading,
    inside,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamb_rs.plots._heights import Heights
    from lamb_rs.plots.descent import Trajectory
    from lamb_rs.plots.functions import Pair, PlaneFunction

_SIZE = (7.2, 4.8)
_DPI = 100
MILLISECONDS = 80
"""Between two pictures."""


@dataclass(frozen=True)
class Race:
    """Descents that run over a picture.

    Attributes
    ----------
    title : str
        What it shows.
    figure : matplotlib.figure.Figure
        What `show` draws on. What moves in it is marked as ``animated``.
    counts : list of int
        Number of updates done in each picture.
    show : callable
        ``show(count)`` moves everything to where it was after so many updates.
    """

    title: str
    figure: Any
    counts: list[int]
    show: Callable[[int], None]

    def animation(self) -> Any:
        """Return it as matplotlib's own kind, for notebooks and other formats.

        Returns
        -------
        matplotlib.animation.FuncAnimation
        """

        def show(count: int) -> list[Any]:
            self.show(count)
            return []

        return need("matplotlib.animation").FuncAnimation(
            self.figure,
            show,
            frames=self.counts,
            init_func=list,
            interval=MILLISECONDS,
            cache_frame_data=False,
        )


def race(
    function: PlaneFunction,
    trajectories: Sequence[Trajectory],
    *,
    frames: int = 60,
    title: str | None = None,
) -> Race:
    """Let trajectories run over the contour of a function.

    Parameters
    ----------
    function : PlaneFunction
        What to draw, within its `limits`.
    trajectories : sequence of Trajectory
        As `descend` returns them. All keep the same time; one that is shorter waits at its end.
    frames : int, default 60
        Number of pictures, spread evenly over the updates.
    title : str or None, default None
        The function's name and formula by default.

    Returns
    -------
    Race

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    """
    figure = _figure()
    axes = figure.subplots()
    draw_plane(axes, function, CONTOUR_POINTS)
    lines = [_line(axes.plot, index, path) for index, path in enumerate(trajectories)]
    heads = [_head(axes.plot, index) for index in range(len(trajectories))]

    def draw(count: int) -> None:
        for path, line, head in zip(trajectories, lines, heads, strict=True):
            way = path.points[: count + 1].T
            line.set_data(*way)
            head.set_data(*way[:, -1:])

    return _race(figure, axes, function, trajectories, draw, frames, title)


def race_surface(
    function: PlaneFunction,
    trajectories: Sequence[Trajectory],
    *,
    frames: int = 60,
    title: str | None = None,
    view: Pair = (32.0, -62.0),
) -> Race:
    """Let trajectories run over the surface of a function.

    Parameters
    ----------
    function : PlaneFunction
        What to draw, within its `limits`.
    trajectories : sequence of Trajectory
        As `descend` returns them. One that leaves the limits stops at their edge.
    frames : int, default 60
        Number of pictures, spread evenly over the updates.
    title : str or None, default None
        The function's name and formula by default.
    view : (float, float), default (32, -62)
        Elevation and azimuth of the eye, in degrees.

    Returns
    -------
    Race

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    """
    figure = _figure()
    axes = figure.add_subplot(projection="3d")
    heights = draw_relief(axes, function, view)
    ways = [_until_the_edge(function, path, heights) for path in trajectories]
    lines = [_line(axes.plot, index, path, 3) for index, path in enumerate(trajectories)]
    heads = [_head(axes.plot, index, 3) for index in range(len(trajectories))]

    def draw(count: int) -> None:
        for way, line, head in zip(ways, lines, heads, strict=True):
            gone = way[:, : count + 1]
            line.set_data_3d(*gone)
            head.set_data_3d(*gone[:, -1:])

    return _race(figure, axes, function, trajectories, draw, frames, title)


def _figure() -> Any:
    figure = new_figure(*_SIZE)
    figure.set_dpi(_DPI)
    return figure


def _race(
    figure: Any,
    axes: Any,
    function: PlaneFunction,
    trajectories: Sequence[Trajectory],
    draw: Any,
    frames: int,
    title: str | None,
) -> Race:
    words = heading(function) if title is None else title
    last = max(len(path.points) for path in trajectories) - 1
    figure.legend(loc="outside right upper", frameon=False, handlelength=3.2)

    def show(count: int) -> None:
        axes.set_title(f"{words}\nupdate {count} of {last}", fontsize=11)
        draw(count)

    show(0)
    axes.title.set_animated(True)
    # The layout is found once: found anew for each picture, it would make the axes tremble.
    figure.canvas.draw()
    figure.set_layout_engine("none")
    counts = np.unique(np.linspace(0, last, frames).round().astype(int))
    return Race(words, figure, counts.tolist(), show)


def _until_the_edge(function: PlaneFunction, path: Trajectory, heights: Heights) -> Any:
    x, y, values = inside(function, path)
    outside = np.flatnonzero(np.isnan(x))
    count = max(1, int(outside[0])) if outside.size else len(x)
    return np.array([x[:count], y[:count], heights(values[:count])])


def _line(plot: Any, index: int, path: Trajectory, axes: int = 2) -> Any:
    style = look(index, markers=False)
    empty: list[list[float]] = [[]] * axes
    # Shown in the legend with the marker of its head.
    (line,) = plot(
        *empty,
        **style,
        linewidth=2.0,
        marker=look(index)["marker"],
        markevery=[],
        path_effects=halo(),
        label=path.label,
        zorder=10 + index,
        animated=True,
    )
    return line


def _head(plot: Any, index: int, axes: int = 2) -> Any:
    empty: list[list[float]] = [[]] * axes
    (head,) = plot(
        *empty,
        **{**look(index), "linestyle": "none"},
        markersize=9,
        markeredgecolor="white",
        zorder=60 + index,
        animated=True,
    )
    return head
