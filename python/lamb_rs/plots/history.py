"""Trust ratios and norms of a layer-wise optimizer, recorded after each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._errors import HyperparameterError, NotBuiltError
from lamb_rs.plots._matplotlib import MARKERS, STYLES, label_decades, need, new_figure, plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

# More lines than this cannot be told apart; a color map can show more layers.
_MOST_LINES = 8


class History:
    """Trust ratios, norms and learning rates of an optimizer after each step of your training loop.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer to observe.

    Attributes
    ----------
    learning_rates : list of float
        Learning rate of the last update before each call of `record`. NaN before the first update,
        and if the parts of a `MultiOptimizer` have different rates.

    Examples
    --------
    >>> import numpy as np, lamb_rs
    >>> params = {"kernel": np.ones((3, 2), np.float32), "bias": np.zeros(2, np.float32)}
    >>> optimizer = lamb_rs.Lamb(0.1)
    >>> optimizer.build(params)
    >>> history = lamb_rs.plots.History(optimizer)
    >>> for _ in range(4):
    ...     _ = optimizer.apply({name: np.ones_like(value) for name, value in params.items()})
    ...     history.record()
    >>> history.trust_ratios.shape
    (4, 2)
    """

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self._rows: dict[str, list[NDArray[np.float64]]] = {
            "trust_ratios": [],
            "weight_norms": [],
            "update_norms": [],
        }
        self.learning_rates: list[float] = []

    def record(self) -> None:
        """Store the values of the last step; call it after `Optimizer.apply`.

        Raises
        ------
        NotBuiltError
            If the optimizer is not built.
        """
        if not self._optimizer.built:
            raise NotBuiltError("History.record: the optimizer is not built; call apply first")
        nothing = np.full(len(self._optimizer.parameter_names), np.nan)
        for name, rows in self._rows.items():
            reading = getattr(self._optimizer, name)
            rows.append(nothing if reading is None else np.array(reading))
        try:
            rate = self._optimizer.last_learning_rate
        except HyperparameterError:  # different rates
            rate = math.nan
        self.learning_rates.append(rate)

    def __len__(self) -> int:
        return len(self.learning_rates)

    @property
    def names(self) -> list[str]:
        """Names of the parameters, in the order of the columns."""
        return list(self._optimizer.parameter_names)

    @property
    def trust_ratios(self) -> NDArray[np.float64]:
        """Trust ratios, a row per step and a column per parameter; NaN means none."""
        return self._table("trust_ratios")

    @property
    def weight_norms(self) -> NDArray[np.float64]:
        """L2 norms of the parameters, with the rows and columns of `trust_ratios`."""
        return self._table("weight_norms")

    @property
    def update_norms(self) -> NDArray[np.float64]:
        """L2 norms of the update directions, with the rows and columns of `trust_ratios`."""
        return self._table("update_norms")

    def _table(self, name: str) -> NDArray[np.float64]:
        rows = self._rows[name]
        return np.array(rows) if rows else np.empty((0, 0))


def trust_ratios(history: History, *, title: str | None = None) -> Any:
    """Draw the trust ratio of each layer over the steps.

    Up to eight layers are drawn as lines, more as a color map with one row per layer.

    Parameters
    ----------
    history : History
        Of an optimizer with trust ratios. Parameters without one are omitted.
    title : str or None, default None
        None uses "Trust ratio per layer" and the range of learning rates.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no parameter has a trust ratio in any step.
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    table = history.trust_ratios
    adapted = np.flatnonzero(np.isfinite(table).any(axis=0)).tolist()
    if not adapted:
        raise ValueError(
            "trust_ratios: this history holds none; record a layer-wise optimizer, such as Lamb"
        )
    names = [history.names[column] for column in adapted]
    table = table[:, adapted]
    figure = new_figure(8.4, max(4.6, 0.22 * len(names) + 1.2))
    axes = figure.subplots()
    axes.set(title=_heading(history) if title is None else title, xlabel="step")
    if len(names) <= _MOST_LINES:
        _draw_lines(figure, axes, names, table)
    else:
        _draw_map(figure, axes, names, table)
    return figure


def _heading(history: History) -> str:
    low, high = min(history.learning_rates), max(history.learning_rates)
    rates = f"{high:g}" if low == high else f"{low:.2g} to {high:.2g}"
    known = not math.isnan(low + high)
    return "Trust ratio per layer" + (f", learning rate {rates}" if known else "")


def _draw_lines(figure: Any, axes: Any, names: list[str], table: NDArray[np.float64]) -> None:
    # The layers are ordered, and so are the colors; markers and dashes separate neighbors.
    shades = need("matplotlib").colormaps["viridis"](np.linspace(0, 0.85, len(names)))
    steps = np.arange(1, len(table) + 1)
    for index, (name, values) in enumerate(zip(names, table.T, strict=True)):
        axes.plot(
            steps,
            values,
            label=name,
            color=shades[index],
            linestyle=STYLES[index % len(STYLES)],
            marker=MARKERS[index % len(MARKERS)],
            markevery=max(1, len(steps) // 12),
            markersize=5,
        )
    axes.set(yscale="log", ylabel="norm of the parameters / norm of the update")
    label_decades(axes.yaxis)
    plain(axes)
    figure.legend(loc="outside right upper", frameon=False, handlelength=3.2)


def _draw_map(figure: Any, axes: Any, names: list[str], table: NDArray[np.float64]) -> None:
    norm = need("matplotlib.colors").LogNorm()
    edges = np.arange(len(table) + 1) + 0.5, np.arange(len(names) + 1) - 0.5
    shown = np.ma.masked_invalid(np.where(table > 0, table, np.nan)).T
    drawn = axes.pcolormesh(*edges, shown, cmap="cividis", norm=norm)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    figure.colorbar(drawn, ax=axes, label="norm of the parameters / norm of the update", pad=0.02)
