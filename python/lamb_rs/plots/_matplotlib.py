"""matplotlib, imported where a figure is drawn; and what all figures look like."""

from __future__ import annotations

import importlib
from typing import Any

DPI = 120

# Okabe and Ito's colours without their yellow, which is faint on white: colour-blind eyes tell them
# apart. From the eighth look on, the line style differs too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = "osD^vPX<>*hp"


def need(name: str) -> Any:
    """Import a module of matplotlib.

    Raises
    ------
    ModuleNotFoundError
        Naming the extra to install.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModuleNotFoundError(
            'lamb_rs.plots draws with matplotlib: pip install "lamb_rs[demo]"',
            name=error.name,
        ) from None


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of a size in inches, which needs no display."""
    # Without pyplot, which would look for a display and keep the figure for ever.
    figure = need("matplotlib.figure").Figure(
        figsize=(width, height), dpi=DPI, layout="constrained"
    )
    need("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure


def look(index: int, *, markers: bool = True) -> dict[str, Any]:
    """Return colour, line style and marker of the line with this number."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "linestyle": STYLES[(index + index // len(COLOURS)) % len(STYLES)],
        **({"marker": MARKERS[index % len(MARKERS)]} if markers else {}),
    }


def plain(axes: Any) -> None:
    """Take the frame away where nothing is measured, and draw a faint grid."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def label_decades(axis: Any) -> None:
    """Label 1, 2 and 5 of each decade of a logarithmic axis, without powers of ten."""
    axis.set_major_locator(need("matplotlib.ticker").LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")
