"""Plots of schedules; the only module of this package that needs matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_POINTS = 2000


def draw(schedule: Callable[[int], float], steps: int, ax: Any) -> Any:
    """Draw the values of a schedule for the first steps; without axes, into a new figure."""
    if steps < 1:
        raise ValueError(f"plot needs at least 1 step; got {steps!r}")
    if ax is None:
        ax = _new_axes()
    shown = np.unique(np.linspace(0, steps - 1, min(steps, _POINTS)).round().astype(np.int64))
    ax.plot(shown, [schedule(int(step)) for step in shown], label=type(schedule).__name__)
    ax.set_xlabel("step")
    ax.set_ylabel("value")
    return ax


def _new_axes() -> Any:
    try:
        from matplotlib import pyplot as plt  # noqa: PLC0415
    except ImportError as error:
        raise ImportError('plot() needs matplotlib: pip install "lamb_rs[demo]"') from error
    return plt.subplots(layout="constrained")[1]
