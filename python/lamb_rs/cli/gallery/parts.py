"""The parts of the gallery, in the order of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamb_rs.cli.gallery.plane import draw_animations, draw_rosenbrock
from lamb_rs.cli.gallery.trainings import draw_landscapes, draw_rates, draw_trust_ratios

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamb_rs.cli.gallery.setting import Pictures, Setting


@dataclass(frozen=True)
class Part:
    """Figures of one kind.

    Attributes
    ----------
    title : str
        Heading on the page and text of the progress bar.
    ticks : callable
        Returns the number of pieces of work.
    draw : callable
        Draws and writes the figures.
    """

    title: str
    ticks: Callable[[Setting], int]
    draw: Callable[[Setting], Pictures]


PARTS = (
    Part("Rosenbrock's function", lambda _: 3, draw_rosenbrock),
    Part("Animations", lambda setting: 2 * setting.frames, draw_animations),
    Part("Loss landscapes", lambda setting: 2 * setting.points + 3, draw_landscapes),
    Part("Trust ratios", lambda _: 1, draw_trust_ratios),
    Part("Learning rates", lambda setting: len(setting.scanned) + 2, draw_rates),
)
