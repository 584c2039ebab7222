"""What the gallery draws from, and how finely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamb_rs.plots.family import SUBSET, members

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lamb_rs.cli.gallery.convergence import Line
    from lamb_rs.cli.images.dataset import Data
    from lamb_rs.cli.training.small import SmallTask

Pictures = dict[str, str]
"""Names of files, each with its caption."""


@dataclass(frozen=True)
class Setting:
    """What to draw, where, and how finely.

    Attributes
    ----------
    folder : Path
        The folder for the files.
    data : Data
        Images for the trainings.
    task : SmallTask
        The training that all optimizers share.
    lines : list of Line
        Result of each optimizer.
    tick : callable
        Called after each piece of work.
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
        """Points of a loss landscape along each direction."""
        return 7 if self.quick else 41

    @property
    def factors(self) -> list[float]:
        """Multiples of an optimizer's learning rate that are also tried."""
        half_decades = (-2, 0, 2) if self.quick else range(-4, 4)
        return [10.0 ** (n / 2) for n in half_decades]

    @property
    def scanned(self) -> list[str]:
        """Optimizers to train at several rates: all, and the rest of the subset."""
        return list(dict.fromkeys([*members(), *SUBSET]))

    def save(self, figure: Any, file: str) -> None:
        """Write a figure."""
        figure.savefig(self.folder / file)
        self.tick()
