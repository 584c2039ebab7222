"""Heights of a function or a loss: how they are drawn, and how their axis is labeled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.plots._matplotlib import need

if TYPE_CHECKING:
    from lamb_rs.plots.functions import Values

LEVELS = 24


@dataclass(frozen=True)
class Heights:
    """A map from values to drawn heights.

    Attributes
    ----------
    low, high : float
        Least and largest value.
    logarithmic : bool
        Whether the height is ``log(1 + value)``.
    """

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def of(cls, values: Values, *, logarithmic: bool) -> Heights:
        """Return the map for these values; values that are not finite are ignored."""
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        if logarithmic and low >= 0:
            return cls(0.0, high, logarithmic=True)
        return cls(low, high, logarithmic=False)

    def __call__(self, values: Any) -> Values:
        """Return the heights of values; values outside [low, high] are clipped."""
        cut = np.clip(np.asarray(values, np.float64), self.low, self.high)
        heights: Values = np.log1p(cut) if self.logarithmic else cut
        return heights

    @property
    def levels(self) -> Values:
        """Heights of the contour lines, evenly spaced."""
        bottom, top = self([self.low, self.high])
        return np.linspace(bottom, max(top, bottom + 1e-12), LEVELS)

    def ticks(self) -> tuple[Values, list[str]]:
        """Return the heights of the ticks, and their labels."""
        if not self.logarithmic:
            values = need("matplotlib.ticker").MaxNLocator(6).tick_values(self.low, self.high)
        else:
            decades = 10.0 ** np.arange(-2, 16)
            if self.high < 30:  # a narrow range needs ticks within the decades
                decades = np.sort(np.concatenate([decades, 2 * decades, 5 * decades]))
            values = np.concatenate([[0.0], decades])
        shown = values[(values >= self.low) & (values <= self.high)]
        if self.logarithmic:
            shown = _apart(shown, 0.04 * (np.log1p(self.high) - np.log1p(self.low)))
        return self(shown), [f"{value:g}".replace("-", "\N{MINUS SIGN}") for value in shown]


def _apart(values: Values, least: float) -> Values:
    """Drop each value whose height is too close to the one before for its label."""
    kept: list[float] = []
    for value in values:
        if not kept or np.log1p(value) - np.log1p(kept[-1]) >= least:
            kept.append(float(value))
    return np.array(kept)


def greys() -> Any:
    """Return a color map from white to middle gray, on which every line color is visible."""
    colours = need("matplotlib.colors")
    return colours.LinearSegmentedColormap.from_list("greys", ["#ffffff", "#a8a8a8"])


def draw_contour(
    axes: Any,
    x: Values,
    y: Values,
    values: Values,
    heights: Heights,
    *,
    colours: Any = None,
    lines: bool = True,
) -> None:
    """Draw filled contours, with thin lines between them."""
    z = heights(values)
    axes.contourf(x, y, z, levels=heights.levels, cmap=colours or greys())
    if lines:
        axes.contour(x, y, z, levels=heights.levels, colors="white", linewidths=0.5)


def draw_surface(axes: Any, x: Values, y: Values, values: Values, heights: Heights) -> None:
    """Draw a surface colored by its height, and label the vertical axis."""
    # By default matplotlib sorts whole artists by depth, which hides lines on the surface.
    axes.computed_zorder = False
    levels = heights.levels
    axes.plot_surface(
        x,
        y,
        heights(values),
        cmap="cividis",
        vmin=levels[0],
        vmax=levels[-1],
        rcount=100,
        ccount=100,
        linewidth=0,
        antialiased=False,
        zorder=1,
    )
    axes.set_zticks(*heights.ticks())


def draw_bar(figure: Any, axes: Any, heights: Heights, label: str, **where: Any) -> None:
    """Draw a color bar, labeled with values, for the first thing drawn in the axes."""
    bar = figure.colorbar(axes.collections[0], ax=axes, label=label, **{"pad": 0.02, **where})
    positions, labels = heights.ticks()
    bar.set_ticks(positions, labels=labels)
    bar.ax.tick_params(which="minor", size=0)
