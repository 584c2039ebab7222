"""Animated descents, on contours or on a surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.plots._heights import draw_bar
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

_WIDE = (8.6, 4.8)
_HIGH = (7.2, 6.0)
_DPI = 100
MILLISECONDS = 80
"""Time between two pictures."""


@dataclass(frozen=True)
class Race:
    """Several descents in one animated figure.

    Attributes
    ----------
    title : str
        Title of the figure, as plain text.
    figure : matplotlib.figure.Figure
        The figure that `show` changes. The artists that change are marked as ``animated``.
    counts : list of int
        Number of updates done in each picture.
    show : callable
        ``show(count)`` draws the state after that many updates.
    """

    title: str
    figure: Any
    counts: list[int]
    show: Callable[[int], None]

    def animation(self) -> Any:
        """Return matplotlib's own animation object, for notebooks and other file formats.

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
    """Animate trajectories on the contours of a function.

    Parameters
    ----------
    function : PlaneFunction
        The function to draw, within its `limits`.
    trajectories : sequence of Trajectory
        As `descend` returns them. A shorter one stays at its end.
    frames : int, default 60
        Number of pictures, evenly spaced over the updates.
    title : str or None, default None
        None uses the function's name and formula.

    Returns
    -------
    Race

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    figure = _figure(_WIDE)
    axes = figure.subplots()
    draw_bar(figure, axes, draw_plane(axes, function, CONTOUR_POINTS), "value")
    lines = [_line(axes.plot, index, path) for index, path in enumerate(trajectories)]
    heads = [_head(axes.plot, index) for index in range(len(trajectories))]

    def draw(count: int) -> None:
        for path, line, head in zip(trajectories, lines, heads, strict=True):
            done = path.points[: count + 1].T
            line.set_data(*done)
            head.set_data(*done[:, -1:])

    figure.legend(loc="outside right upper", frameon=False, handlelength=3.2)
    return _race(figure, axes, function, trajectories, draw, frames, title)


def race_surface(
    function: PlaneFunction,
    trajectories: Sequence[Trajectory],
    *,
    frames: int = 60,
    title: str | None = None,
    view: Pair = (32.0, -62.0),
) -> Race:
    """Animate trajectories on the surface of a function.

    Parameters
    ----------
    function : PlaneFunction
        The function to draw, within its `limits`.
    trajectories : sequence of Trajectory
        As `descend` returns them. One that leaves the limits stops at their edge.
    frames : int, default 60
        Number of pictures, evenly spaced over the updates.
    title : str or None, default None
        None uses the function's name and formula.
    view : (float, float), default (32, -62)
        Elevation and azimuth of the viewer, in degrees.

    Returns
    -------
    Race

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    figure = _figure(_HIGH)
    axes = figure.add_subplot(projection="3d")
    heights = draw_relief(axes, function, view)
    draw_bar(figure, axes, heights, "value", pad=0.12, shrink=0.7)
    paths = [_until_the_edge(function, path, heights) for path in trajectories]
    lines = [_line(axes.plot, index, path, 3) for index, path in enumerate(trajectories)]
    heads = [_head(axes.plot, index, 3) for index in range(len(trajectories))]

    def draw(count: int) -> None:
        for path, line, head in zip(paths, lines, heads, strict=True):
            done = path[:, : count + 1]
            line.set_data_3d(*done)
            head.set_data_3d(*done[:, -1:])

    figure.legend(loc="outside lower center", frameon=False, handlelength=3.2, ncols=3)
    return _race(figure, axes, function, trajectories, draw, frames, title)


def _figure(size: Pair) -> Any:
    figure = new_figure(*size)
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

    def show(count: int) -> None:
        axes.set_title(f"{words}\nupdate {count} of {last}", fontsize=10)
        draw(count)

    show(0)
    axes.title.set_animated(True)
    # The layout is computed once. Computed for each picture, it would make the axes tremble.
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
    # The legend shows the line together with the marker of its head.
    (line,) = plot(
        *empty,
        **style,
        linewidth=2.0,
        marker=look(index)["marker"],
        markevery=[],
        path_effects=halo(),
        label=f"{path.label}, {path.rate}",
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
