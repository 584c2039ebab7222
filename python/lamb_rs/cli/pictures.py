"""The demo's picture: how each optimizer learned, and what LAMB did to each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.extras import require
from lamb_rs.cli.train import STEPS_PER_EPOCH

if TYPE_CHECKING:
    from pathlib import Path

    from lamb_rs.cli.results import Results
    from lamb_rs.cli.train import Run

# Okabe and Ito's colours, told apart by colour-blind eyes; dashes and markers help in grey.
_OPTIMIZERS = (
    {"color": "#009E73", "linestyle": ":", "marker": "s"},
    {"color": "#D55E00", "linestyle": "--", "marker": "^"},
    {"color": "#0072B2", "linestyle": "-", "marker": "o"},
)
# Layers of one network: one colour from light to dark, so that none is taken for an optimizer.
_LAYERS = (
    {"color": "#56B4E9", "linestyle": "-.", "marker": "v"},
    {"color": "#2A7AB0", "linestyle": "--", "marker": "D"},
    {"color": "#0B2F4A", "linestyle": "-", "marker": "P"},
)


def save_picture(results: Results, path: Path) -> None:
    """Draw training loss, test error and trust ratios, and write them as PNG.

    Parameters
    ----------
    results : Results
        Every run; in the middle, those that are not the best of their optimizer are faint.
    path : Path
        Overwritten if it exists.

    Raises
    ------
    CommandError
        matplotlib is missing, or the file cannot be written.
    """
    # Figure and its Agg canvas alone: pyplot would look for a display.
    figures, canvases, ticker = require(
        "matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.ticker"
    )
    figure = figures.Figure(figsize=(15, 5.4), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    canvases.FigureCanvasAgg(figure)
    losses, errors, ratios = figure.subplots(1, 3)
    best, plan = results.best, results.plan
    _draw_losses(losses, best)
    _draw_errors(errors, results.runs, best)
    _draw_ratios(ratios, best)
    for axes in (losses, errors, ratios):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        axes.yaxis.set_minor_locator(ticker.LogLocator(subs=range(1, 10)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"{results.data.name}, network {'-'.join(map(str, plan.sizes))}, batch {plan.batch}, "
        f"{plan.state_dtype} state"
    )
    try:
        figure.savefig(path, dpi=120, format="png")
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from None


def _draw_losses(axes: Any, best: dict[str, Run]) -> None:
    for look, run in zip(_OPTIMIZERS, best.values(), strict=False):
        steps = np.arange(1, len(run.losses) + 1)
        axes.plot(steps, run.losses, label=_label(run), **look, markevery=7, markersize=5)
    axes.set(title="Training loss", xlabel="step", ylabel="cross-entropy of the batch")
    axes.legend(frameon=False)


def _draw_errors(axes: Any, runs: list[Run], best: dict[str, Run]) -> None:
    looks = dict(zip(best, _OPTIMIZERS, strict=False))
    for run in runs:
        chosen = run is best[run.optimizer]
        # No error at all has no place on a logarithmic axis: draw it at the foot.
        errors = [max(100 * (1 - accuracy), 0.1) for accuracy in run.accuracies]
        axes.plot(
            range(len(errors)),
            errors,
            **looks[run.optimizer],
            markersize=5 if chosen else 0,
            linewidth=2 if chosen else 1,
            alpha=1 if chosen else 0.4,
            label=f"{run.optimizer}, {100 * run.accuracy:.1f} % right" if chosen else None,
        )
    axes.set(
        title="Test error (faint: the other rates)" if len(runs) > len(best) else "Test error",
        xlabel=f"epoch ({STEPS_PER_EPOCH} steps each)",
        ylabel="test images wrong, %",
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, loc="best")


def _draw_ratios(axes: Any, best: dict[str, Run]) -> None:
    run = next(run for run in best.values() if run.trust_names)
    for index, (look, name) in enumerate(zip(_LAYERS, run.trust_names, strict=False)):
        values = run.trust_ratios[:, index]
        steps = np.arange(1, len(values) + 1)
        axes.plot(steps, values, label=name, **look, markevery=7, markersize=5)
    axes.set(
        title=f"Trust ratio per layer, {_label(run)}",
        xlabel="step",
        ylabel="norm of the weights / norm of the update",
    )
    axes.legend(frameon=False)


def _label(run: Run) -> str:
    return f"{run.optimizer} at rate {run.rate:g}"
