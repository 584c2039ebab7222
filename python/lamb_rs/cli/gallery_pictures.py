"""The pictures of the gallery, with their captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamb_rs
from lamb_rs import plots
from lamb_rs.cli.gallery_setting import Part
from lamb_rs.cli.gallery_trainings import draw_landscape, draw_rates, draw_trust_ratios
from lamb_rs.plots.family import PLANE_STEPS

if TYPE_CHECKING:
    from lamb_rs.cli.gallery_setting import Pictures, Setting
    from lamb_rs.plots import PlaneFunction, Trajectory

# Constant rates at which these two are worth watching: all set off at about the same speed.
RACE = {
    "SGD": 0.01,
    "Momentum": 0.0015,
    "Adagrad": 0.4,
    "RMSprop": 0.03,
    "Adam": 0.1,
    "Lion": 0.03,
    "Lamb": 0.03,
}
SADDLE = {
    "SGD": 0.02,
    "Momentum": 0.005,
    "Adagrad": 0.1,
    "RMSprop": 0.01,
    "Adam": 0.03,
    "Lion": 0.02,
    "Lamb": 0.03,
}
_UPDATES = 150


def draw_rosenbrock(setting: Setting) -> Pictures:
    """Draw contour and surface with a few optimizers, and panels with all."""
    few = plots.descend_family()
    setting.save(plots.contour(plots.rosenbrock, few), "rosenbrock_contour.png")
    setting.save(plots.surface(plots.rosenbrock, few), "rosenbrock_surface.png")
    everyone = [line.plane for line in setting.lines]
    setting.save(plots.panels(plots.rosenbrock, everyone), "rosenbrock_family.png")
    return {
        "rosenbrock_contour.png": (
            f"Each optimizer makes {PLANE_STEPS} updates from the same start. The valley is "
            "reached at once; along it the gradient is small while the curvature across it is "
            "large, and there optimizers differ. A large marker is where one ends."
        ),
        "rosenbrock_surface.png": "The same as a surface; its height is logarithmic.",
        "rosenbrock_family.png": (
            "Every optimizer alone, at the rate that the table below names. The number is the "
            "value at the end."
        ),
    }


def draw_animations(setting: Setting) -> Pictures:
    """Draw the race over a contour and the saddle point, as GIF and as a page."""
    race = plots.race(plots.beale, _run(plots.beale, RACE), frames=setting.frames)
    saddle = plots.race_surface(plots.saddle, _run(plots.saddle, SADDLE), frames=setting.frames)
    movies = [plots.record(one, tick=setting.tick) for one in (race, saddle)]
    for movie, file in zip(movies, ("race.gif", "saddle.gif"), strict=True):
        movie.save(setting.folder / file)
    page = plots.player(movies, "Descents of optimizers")
    (setting.folder / "animations.html").write_text(page, encoding="utf-8")
    return {
        "race.gif": (
            "A race to the minimum at constant rates. Momentum overshoots and comes back; rules "
            "that divide by the size of past gradients, and Lion's sign, set off along the "
            "diagonal."
        ),
        "saddle.gif": (
            "The start is almost on the ridge: the slope to the side is a thousandth of the slope "
            "along. Steps as large as the gradient wait at the saddle point for long; steps that "
            "are rescaled coordinate by coordinate leave it at once."
        ),
        "animations.html": "Both with a slider, to stop and to go picture by picture.",
    }


def _run(function: PlaneFunction, rates: dict[str, float]) -> list[Trajectory]:
    return [
        plots.descend(function, lamb_rs.get(name, learning_rate=rate), steps=_UPDATES, label=name)
        for name, rate in rates.items()
    ]


PARTS = (
    Part("Rosenbrock's function", lambda _: 3, draw_rosenbrock),
    Part("Animations", lambda setting: 2 * setting.frames, draw_animations),
    Part("Loss landscape", lambda setting: setting.points + 2, draw_landscape),
    Part("Trust ratios", lambda _: 1, draw_trust_ratios),
    Part("Learning rates", lambda setting: len(setting.scanned) + 2, draw_rates),
)
