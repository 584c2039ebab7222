"""Final results of each optimizer: on Rosenbrock's function, and in a small training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs
from lamb_rs.cli.table import text_table
from lamb_rs.cli.training.small import WARMUP
from lamb_rs.plots.family import PLANE_STEPS, make, members, on_plane, rates
from lamb_rs.plots.functions import rosenbrock

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamb_rs.cli.training.small import Ending, SmallTask
    from lamb_rs.plots.descent import Trajectory


@dataclass(frozen=True)
class Contestant:
    """An optimizer, or a wrapper around one.

    Attributes
    ----------
    label : str
        Name in the table.
    inner : str
        The optimizer, which also determines the learning rates.
    wrap : callable
        Wraps the inner optimizer.
    """

    label: str
    inner: str
    wrap: Callable[[Any], Any] = lambda inner: inner

    def on_plane(self, steps: int = PLANE_STEPS) -> Trajectory:
        """Minimize Rosenbrock's function."""
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
    """Return every optimizer, then the wrappers."""
    return [*(Contestant(name, name) for name in members()), *WRAPPERS]


@dataclass(frozen=True)
class Line:
    """One row of the table.

    Attributes
    ----------
    contestant : Contestant
        The optimizer.
    plane : Trajectory
        Its path on Rosenbrock's function.
    images : Ending
        Its training.
    """

    contestant: Contestant
    plane: Trajectory
    images: Ending

    @property
    def distance(self) -> float:
        """Distance from the end of the path to the minimum."""
        return float(np.linalg.norm(self.plane.end - np.array(rosenbrock.minima[0])))

    def cells(self) -> list[str]:
        """Return the cells of the columns in `HEADER`."""
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
    """Run every optimizer.

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
    """Return the meaning of the columns of the table."""
    start = rosenbrock.value(*rosenbrock.start)
    return (
        f"Rosenbrock: value after {PLANE_STEPS} updates, {start:.3g} at the start "
        f"{rosenbrock.start}. Distance: from the end to the minimum. Loss: mean loss of the "
        f"training images after {task.steps} updates, {lines[0].images.initial_loss:.3f} before "
        "them. Rate: peak learning rate. It decays to zero, except for Ftrl and the schedule-free "
        "optimizers, and warms up in the training."
    )


def table(lines: list[Line]) -> str:
    """Return the table as text."""
    return text_table(HEADER, [line.cells() for line in lines])
