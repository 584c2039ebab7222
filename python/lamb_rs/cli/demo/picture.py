"""The picture of the demo: losses, test errors and the trust ratios of LAMB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.extras import require

if TYPE_CHECKING:
    from pathlib import Path

    from lamb_rs.cli.demo.results import Results
    from lamb_rs.cli.demo.training import Plan, Run

# Colors of Okabe and Ito, which color-blind readers can tell apart.
_OPTIMIZERS = (
    {"color": "#009E73", "linestyle": ":", "marker": "s"},
    {"color": "#D55E00", "linestyle": "--", "marker": "^"},
    {"color": "#0072B2", "linestyle": "-", "marker": "o"},
)
# Layers of one network have other colors than the optimizers.
_LAYERS = (
    {"color": "#E69F00", "linestyle": "-.", "marker": "v"},
    {"color": "#CC79A7", "linestyle": "--", "marker": "D"},
    {"color": "#222222", "linestyle": "-", "marker": "P"},
)


def save_picture(results: Results, path: Path) -> None:
    """Draw training losses, test errors and trust ratios, and write a PNG file.

    Parameters
    ----------
    results : Results
        All runs. The panel of the test errors shows those at the other rates faintly.
    path : Path
        Overwritten if it exists.

    Raises
    ------
    CommandError
        If matplotlib is not installed, or the file cannot be written.
    """
    # Without pyplot, which would look for a display.
    figures, canvases, ticker = require(
        "matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.ticker"
    )
    figure = figures.Figure(figsize=(15, 5.4), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    canvases.FigureCanvasAgg(figure)
    losses, errors, ratios = figure.subplots(1, 3)
    best, plan = results.best, results.plan
    _draw_losses(losses, best)
    _draw_errors(errors, results.runs, best, plan)
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


def _draw_errors(axes: Any, runs: list[Run], best: dict[str, Run], plan: Plan) -> None:
    looks = dict(zip(best, _OPTIMIZERS, strict=False))
    for run in runs:
        chosen = run is best[run.optimizer]
        # A logarithmic axis has no zero.
        errors = [max(100 * (1 - accuracy), 0.1) for accuracy in run.accuracies]
        axes.plot(
            range(len(errors)),
            np.array(errors),
            **looks[run.optimizer],
            markersize=5 if chosen else 0,
            linewidth=2 if chosen else 1,
            alpha=1 if chosen else 0.4,
            label=f"{_label(run)}: {100 * run.accuracy:.1f} % correct" if chosen else None,
        )
    axes.set(
        title="Test error",
        xlabel=f"epoch ({plan.steps_per_epoch} steps each)",
        ylabel="test images wrong, %",
    )
    if len(runs) > len(best):
        axes.text(
            *(0.5, 0.97, f"faint: {_others(runs, best)}"),
            transform=axes.transAxes,
            ha="center",
            fontsize=8,
        )
    axes.xaxis.get_major_locator().set_params(integer=True)
    # Room for the legend below the lowest line.
    axes.set_ylim(bottom=0.4 * min(line.get_ydata().min() for line in axes.get_lines()))
    axes.legend(frameon=False, loc="lower left")


def _draw_ratios(axes: Any, best: dict[str, Run]) -> None:
    run = next(run for run in best.values() if run.trust_names)
    for index, (look, name) in enumerate(zip(_LAYERS, run.trust_names, strict=False)):
        values = run.trust_ratios[:, index]
        steps = np.arange(1, len(values) + 1)
        axes.plot(steps, values, label=name, **look, markevery=7, markersize=5)
    axes.set(
        title=f"Trust ratio per layer, {_label(run)}",
        xlabel="step",
        ylabel="norm of the parameters / norm of the update",
    )
    axes.legend(frameon=False)


def _others(runs: list[Run], best: dict[str, Run]) -> str:
    """Return the rates of the faint lines."""
    rates = {name: [run.rate for run in runs if run.optimizer == name] for name in best}
    texts = (
        f"{name} " + " and ".join(f"{rate:g}" for rate in tried if rate != best[name].rate)
        for name, tried in rates.items()
    )
    return ", ".join(texts)


def _label(run: Run) -> str:
    return f"{run.optimizer} at rate {run.rate:g}"
