"""matplotlib, imported when a figure is drawn, and the style that all figures share."""

from __future__ import annotations

import importlib
from typing import Any

DPI = 120

# Seven colors of Okabe and Ito, whose yellow is too faint on white, and five more. Color-blind
# readers can tell the first seven apart; line styles and markers differ as well.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#222222",
    "#7F3C8D",
    "#8C510A",
    "#7A7A7A",
    "#A50026",
    "#01665E",
)
STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = "osD^vPX<>*hp"
# After the last color, the list repeats mixed with white, then with black.
_MIXED = ((0, 0.0), (255, 0.5), (0, 0.45))


def need(name: str) -> Any:
    """Import a module of matplotlib.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed; the message names the extra to install.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModuleNotFoundError(
            'lamb_rs.plots draws with matplotlib: pip install "lamb_rs[demo]"',
            name=error.name,
        ) from None


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of a size in inches. It needs no display."""
    # pyplot would look for a display and keep every figure until it is closed.
    figure = need("matplotlib.figure").Figure(
        figsize=(width, height), dpi=DPI, layout="constrained"
    )
    need("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure


def colour(index: int) -> str:
    """Return the color of the line with this number; the first 36 differ."""
    with_what, share = _MIXED[index // len(COLOURS) % len(_MIXED)]
    text = COLOURS[index % len(COLOURS)]
    channels = (int(text[at : at + 2], 16) for at in (1, 3, 5))
    mixed = (round((1 - share) * channel + share * with_what) for channel in channels)
    return "#" + "".join(f"{channel:02X}" for channel in mixed)


def look(index: int, *, markers: bool = True) -> dict[str, Any]:
    """Return color, line style and marker of the line with this number."""
    return {
        "color": colour(index),
        "linestyle": STYLES[index % len(STYLES)],
        **({"marker": MARKERS[index % len(MARKERS)]} if markers else {}),
    }


def plain(axes: Any) -> None:
    """Remove the upper and the right edge of the frame, and draw a faint grid."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def label_decades(axis: Any) -> None:
    """Label 1, 2 and 5 of each decade of a logarithmic axis with plain numbers."""
    axis.set_major_locator(need("matplotlib.ticker").LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")
