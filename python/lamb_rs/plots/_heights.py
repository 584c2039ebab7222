"""Heights of a function or of a loss: where they are drawn, and how their axis is labelled."""

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
        """Return the map for these values; what is not finite is ignored."""
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        if logarithmic and low >= 0:
            return cls(0.0, high, logarithmic=True)
        return cls(low, high, logarithmic=False)

    def __call__(self, values: Any) -> Values:
        """Return the heights of values; a value above the largest has the largest's."""
        cut = np.clip(np.asarray(values, np.float64), self.low, self.high)
        heights: Values = np.log1p(cut) if self.logarithmic else cut
        return heights

    @property
    def levels(self) -> Values:
        """Heights of the contour lines, the same distance apart."""
        bottom, top = self([self.low, self.high])
        return np.linspace(bottom, max(top, bottom + 1e-12), LEVELS)

    def ticks(self) -> tuple[Values, list[str]]:
        """Return where to put ticks, as heights, and the values to write there."""
        if not self.logarithmic:
            values = need("matplotlib.ticker").MaxNLocator(6).tick_values(self.low, self.high)
        else:
            decades = 10.0 ** np.arange(-2, 16)
            if self.high < 30:  # a narrow range needs more than its decades
                decades = np.sort(np.concatenate([decades, 2 * decades, 5 * decades]))
            values = np.concatenate([[0.0], decades])
        shown = values[(values >= self.low) & (values <= self.high)]
        if self.logarithmic:
            shown = _apart(shown, 0.04 * (np.log1p(self.high) - np.log1p(self.low)))
        return self(shown), [f"{value:g}".replace("-", "\N{MINUS SIGN}") for value in shown]


def _apart(values: Values, least: float) -> Values:
    """Leave out values whose heights are too near to the one before for their labels."""
    kept: list[float] = []
    for value in values:
        if not kept or np.log1p(value) - np.log1p(kept[-1]) >= least:
            kept.append(float(value))
    return np.array(kept)


def greys() -> Any:
    """Return a colour map from white to a middle grey, on which every colour can be seen."""
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
) -> Any:
    """Draw filled contours, with thin lines between them; return what a colour bar wants."""
    z = heights(values)
    filled = axes.contourf(x, y, z, levels=heights.levels, cmap=colours or greys())
    if lines:
        axes.contour(x, y, z, levels=heights.levels, colors="white", linewidths=0.5)
    return filled


def draw_surface(axes: Any, x: Values, y: Values, values: Values, heights: Heights) -> None:
    """Draw a surface whose colour is its height, and label the height's axis."""
    # Otherwise matplotlib sorts whole artists by depth, and hides lines behind the surface they
    # run on.
    axes.computed_zorder = False
    axes.plot_surface(
        x,
        y,
        heights(values),
        cmap="cividis",
        rcount=100,
        ccount=100,
        linewidth=0,
        antialiased=False,
        zorder=1,
    )
    axes.set_zticks(*heights.ticks())


def label_bar(bar: Any, heights: Heights) -> None:
    """Write values instead of heights beside a colour bar."""
    positions, labels = heights.ticks()
    bar.set_ticks(positions, labels=labels)
    bar.ax.tick_params(which="minor", size=0)
