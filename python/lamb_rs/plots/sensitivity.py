"""The final loss of a training as a function of the learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.plots._matplotlib import label_decades, look, need, new_figure, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamb_rs.plots.functions import Values


@dataclass(frozen=True)
class Scan:
    """Final losses at several learning rates.

    Attributes
    ----------
    label : str
        For legends.
    rates : ndarray of float64, shape (n,)
        Learning rates, ascending.
    losses : ndarray of float64, shape (n,)
        Loss at the end of the training at each rate; infinite if it diverged.
    """

    label: str
    rates: Values
    losses: Values

    @property
    def best(self) -> int:
        """Index of the rate with the least loss."""
        return int(np.argmin(self.losses))


def scan_rates(
    final_loss: Callable[[float], float], rates: Sequence[float], label: str = ""
) -> Scan:
    """Train once per learning rate.

    Parameters
    ----------
    final_loss : callable
        ``final_loss(rate)`` trains from the start at this rate and returns the final loss.
    rates : sequence of float
        Learning rates, > 0, in any order.
    label : str, default ""
        For legends.

    Returns
    -------
    Scan
    """
    ordered = np.sort(np.asarray(rates, np.float64))
    losses = np.array([final_loss(float(rate)) for rate in ordered], np.float64)
    return Scan(label, ordered, np.where(np.isnan(losses), np.inf, losses))


def learning_rates(
    scans: Sequence[Scan], *, initial_loss: float | None = None, title: str | None = None
) -> Any:
    """Plot final losses against learning rates, both on logarithmic axes.

    Parameters
    ----------
    scans : sequence of Scan
        As `scan_rates` returns them. More than twelve are easier to read with
        `learning_rate_panels`.
    initial_loss : float or None, default None
        Loss before the training, drawn as a horizontal line. Losses above twice this value are
        drawn at the upper edge.
    title : str or None, default None
        None uses "Sensitivity to the learning rate".

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    figure = new_figure(9.0, 5.2)
    axes = figure.subplots()
    top = _top(scans, initial_loss)
    for index, scan in enumerate(scans):
        axes.plot(
            scan.rates, np.minimum(scan.losses, top), label=scan.label, markersize=5, **look(index)
        )
    _finish(axes, initial_loss, (_bottom(scans), top))
    axes.set(
        title="Sensitivity to the learning rate" if title is None else title,
        xlabel="learning rate",
        ylabel="loss at the end of the training",
    )
    figure.legend(loc="outside right upper", frameon=False, handlelength=3.2)
    return figure


def learning_rate_panels(
    scans: Sequence[Scan], *, initial_loss: float | None = None, title: str | None = None
) -> Any:
    """Draw one small plot per scan, all with the same vertical axis.

    Parameters
    ----------
    scans : sequence of Scan
        At least one.
    initial_loss : float or None, default None
        As for `learning_rates`.
    title : str or None, default None
        None uses "Sensitivity to the learning rate".

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    columns = min(6, len(scans))
    rows = -(-len(scans) // columns)
    figure = new_figure(max(5.2, 2.2 * columns), max(4.0, 1.9 * rows + 0.8))
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    top = _top(scans, initial_loss)
    for axes, scan in zip(grid.flat, scans, strict=False):
        shown = np.minimum(scan.losses, top)
        axes.plot(scan.rates, shown, color="#0072B2", marker="o", markersize=3.5)
        best = scan.best
        axes.plot(scan.rates[best], shown[best], color="#D55E00", marker="s", markersize=6)
        _finish(axes, initial_loss, (_bottom(scans), top))
        axes.xaxis.set_major_locator(need("matplotlib.ticker").LogLocator(numticks=4))
        axes.set_title(f"{scan.label}: best {scan.rates[best]:.2g}", fontsize=9)
    for axes in grid.flat[len(scans) :]:
        axes.set_visible(False)
    figure.supxlabel("learning rate")
    figure.supylabel("loss at the end of the training")
    figure.suptitle("Sensitivity to the learning rate" if title is None else title)
    return figure


def _top(scans: Sequence[Scan], initial_loss: float | None) -> float:
    """Return the upper edge; larger losses are drawn there."""
    if initial_loss is not None:
        return 2 * initial_loss
    finite = [loss for scan in scans for loss in scan.losses if np.isfinite(loss)]
    return 2 * max(finite) if finite else 1.0


def _bottom(scans: Sequence[Scan]) -> float:
    least = min(float(scan.losses[scan.best]) for scan in scans)
    return 0.85 * least if 0 < least < np.inf else 1e-3


def _finish(axes: Any, initial_loss: float | None, limits: tuple[float, float]) -> None:
    axes.set(xscale="log", yscale="log", ylim=(limits[0], 1.1 * limits[1]))
    label_decades(axes.yaxis)
    plain(axes)
    if initial_loss is not None:
        axes.axhline(initial_loss, color="#555555", linewidth=1, linestyle=(0, (2, 2)), zorder=1)
