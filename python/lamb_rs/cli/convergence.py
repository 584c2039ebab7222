"""Where each optimizer ends: on Rosenbrock's function, and in a small real training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs
from lamb_rs.cli.small import WARMUP
from lamb_rs.cli.table import text_table
from lamb_rs.plots.family import PLANE_STEPS, make, members, on_plane, rates
from lamb_rs.plots.functions import rosenbrock

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamb_rs.cli.small import Ending, SmallTask
    from lamb_rs.plots.descent import Trajectory


@dataclass(frozen=True)
class Contestant:
    """An optimizer, or a wrapper around one.

    Attributes
    ----------
    label : str
        For the table.
    inner : str
        The optimizer whose rates are used.
    wrap : callable
        Makes the whole of the inner optimizer.
    """

    label: str
    inner: str
    wrap: Callable[[Any], Any] = lambda inner: inner

    def on_plane(self, steps: int = PLANE_STEPS) -> Trajectory:
        """Descend Rosenbrock's function."""
        return on_plane(self.inner, steps, label=self.label, wrap=self.wrap)

    def on_images(self, task: SmallTask) -> Ending:
        """Train the small network."""
        rate = rates(self.inner).network
        return task.train(self.wrap(make(self.inner, rate, task.steps, warmup=WARMUP)))


WRAPPERS = (
    Contestant("Lookahead(Adam)", "Adam", lamb_rs.Lookahead),
    Contestant("Larc(Momentum)", "Momentum", lamb_rs.Larc),
    Contestant("LossScaleOptimizer(Adam)", "Adam", lamb_rs.LossScaleOptimizer),
    Contestant(
        "MultiOptimizer(Lamb)", "Lamb", lambda inner: lamb_rs.MultiOptimizer([("*", inner)])
    ),
)


def contestants() -> list[Contestant]:
    """Return every optimizer that exists, then the wrappers."""
    return [*(Contestant(name, name) for name in members()), *WRAPPERS]


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes
    ----------
    contestant : Contestant
        Which optimizer.
    plane : Trajectory
        Its descent of Rosenbrock's function.
    images : Ending
        Its training.
    """

    contestant: Contestant
    plane: Trajectory
    images: Ending

    @property
    def distance(self) -> float:
        """From the end of the descent to the minimum."""
        return float(np.linalg.norm(self.plane.end - np.array(rosenbrock.minima[0])))

    def cells(self) -> list[str]:
        """Return what stands in the columns of `HEADER`."""
        row = rates(self.contestant.inner)
        return [
            self.contestant.label,
            f"{row.plane:g}",
            "diverged" if self.plane.diverged else f"{self.plane.loss:.2g}",
            f"{self.distance:.2g}",
            f"{row.network:g}",
            f"{self.images.loss:.3f}",
            f"{100 * self.images.accuracy:.1f} %",
        ]


HEADER = ["optimizer", "rate", "Rosenbrock", "distance", "rate", "loss", "test accuracy"]


def endings(task: SmallTask, tick: Callable[[], object] = lambda: None) -> list[Line]:
    """Run everything.

    Parameters
    ----------
    task : SmallTask
        The training.
    tick : callable, default does nothing
        Called after each optimizer.

    Returns
    -------
    list of Line
    """
    lines = []
    for one in contestants():
        lines.append(Line(one, one.on_plane(), one.on_images(task)))
        tick()
    return lines


def explanation(task: SmallTask, lines: list[Line]) -> str:
    """Say what the columns of the table mean."""
    start = rosenbrock.value(*rosenbrock.start)
    return (
        f"Rosenbrock: value after {PLANE_STEPS} updates from {rosenbrock.start}, where it is "
        f"{start:.3g}; distance: to the minimum. loss: of the training images after {task.steps} "
        f"updates, {lines[0].images.initial_loss:.3f} before them. Rates are those at the peak: "
        "they decay to zero, save for Ftrl and schedule-free rules, and warm up in the training."
    )


def table(lines: list[Line]) -> str:
    """Lay the lines out as text."""
    return text_table(HEADER, [line.cells() for line in lines])
