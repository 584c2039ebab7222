"""Figures of descents on functions of two variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamb_rs
from lamb_rs import plots
from lamb_rs.plots.family import PLANE_STEPS

if TYPE_CHECKING:
    from lamb_rs.cli.gallery.setting import Pictures, Setting
    from lamb_rs.plots import PlaneFunction, Trajectory

# Constant rates at which all optimizers start at about the same speed.
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
# As many as remain distinguishable on a surface.
_ON_SURFACE = ("Momentum", "Adagrad", "Adam")


def draw_rosenbrock(setting: Setting) -> Pictures:
    """Draw a few optimizers as small multiples and on a surface, and all as small multiples."""
    few = plots.descend_family()
    fewer = [path for path in few if path.label in _ON_SURFACE]
    setting.save(plots.panels(plots.rosenbrock, few), "rosenbrock_contour.png")
    setting.save(plots.surface(plots.rosenbrock, fewer), "rosenbrock_surface.png")
    everyone = [line.plane for line in setting.lines]
    setting.save(plots.panels(plots.rosenbrock, everyone), "rosenbrock_family.png")
    rates = "The learning rates decay to zero along half a cosine."
    return {
        "rosenbrock_contour.png": (
            f"Each optimizer makes {PLANE_STEPS} updates from the same start. All reach the valley "
            "in a few updates. Along the valley the gradient is small and the curvature across it "
            f"is large, and there the optimizers differ. {rates}"
        ),
        "rosenbrock_surface.png": (
            f"Three of the paths on the surface of the function. Its height is logarithmic. {rates}"
        ),
        "rosenbrock_family.png": (
            "Every optimizer and wrapper, each with its learning rate and the value at the end. "
            f"{rates} Those of Ftrl and the schedule-free optimizers are constant."
        ),
    }


def draw_animations(setting: Setting) -> Pictures:
    """Draw the race on contours and the saddle point, as GIF files and as a page."""
    race = plots.race(plots.beale, _run(plots.beale, RACE), frames=setting.frames)
    saddle = plots.race_surface(plots.saddle, _run(plots.saddle, SADDLE), frames=setting.frames)
    movies = [plots.record(one, tick=setting.tick) for one in (race, saddle)]
    for movie, file in zip(movies, ("race.gif", "saddle.gif"), strict=True):
        movie.save(setting.folder / file)
    page = plots.player(movies, "Descents of optimizers")
    (setting.folder / "animations.html").write_text(page, encoding="utf-8")
    return {
        "race.gif": (
            "Descents to the minimum of Beale's function at the constant learning rates in the "
            "legend. Momentum overshoots and returns. Optimizers that divide by the size of past "
            "gradients, and Lion, which uses the sign, start along the diagonal."
        ),
        "saddle.gif": (
            "The start is almost on the ridge: the slope across it is a thousandth of the slope "
            "along it. SGD and Momentum take steps proportional to the gradient and stay near the "
            "saddle point for long. Optimizers that scale each coordinate separately leave it "
            "soon."
        ),
        "animations.html": "Both animations with a slider and a button to pause.",
    }


def _run(function: PlaneFunction, rates: dict[str, float]) -> list[Trajectory]:
    return [
        plots.descend(function, lamb_rs.get(name, learning_rate=rate), steps=_UPDATES, label=name)
        for name, rate in rates.items()
    ]
