"""What the pictures of the gallery are drawn from, and how finely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamb_rs.plots.family import SUBSET, members

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lamb_rs.cli.convergence import Line
    from lamb_rs.cli.data import Data
    from lamb_rs.cli.small import SmallTask

Pictures = dict[str, str]
"""Files, each with a caption that says what is to be seen."""


@dataclass(frozen=True)
class Setting:
    """What is drawn, where, and how finely.

    Attributes
    ----------
    folder : Path
        Where to write.
    data : Data
        Images for trainings.
    task : SmallTask
        The training that every optimizer goes through.
    lines : list of Line
        Where each ended.
    tick : callable
        Called when a piece of work is done.
    quick : bool
        Whether to draw coarsely.
    """

    folder: Path
    data: Data
    task: SmallTask
    lines: list[Line]
    tick: Callable[[], object]
    quick: bool

    @property
    def frames(self) -> int:
        """Pictures per animation."""
        return 6 if self.quick else 60

    @property
    def points(self) -> int:
        """Points of the loss landscape along each direction."""
        return 7 if self.quick else 41

    @property
    def factors(self) -> list[float]:
        """Multiples of an optimizer's rate at which it is tried too."""
        half_decades = (-2, 0, 2) if self.quick else range(-4, 4)
        return [10.0 ** (n / 2) for n in half_decades]

    @property
    def scanned(self) -> list[str]:
        """Optimizers that are trained at several rates: all, and what else is in the subset."""
        return list(dict.fromkeys([*members(), *SUBSET]))

    def save(self, figure: Any, file: str) -> None:
        """Write a figure."""
        figure.savefig(self.folder / file)
        self.tick()


@dataclass(frozen=True)
class Part:
    """Pictures of one kind.

    Attributes
    ----------
    title : str
        For the page and the progress bar.
    ticks : callable
        Number of pieces of work.
    draw : callable
        Draws them and writes them.
    """

    title: str
    ticks: Callable[[Setting], int]
    draw: Callable[[Setting], Pictures]
