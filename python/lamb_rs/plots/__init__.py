"""Pictures of what optimizers do, on functions and trainings of your own.

matplotlib is imported where a figure is drawn; what is computed before that needs NumPy alone.
Figures do not go through pyplot: ``figure.savefig(path)`` writes them, and notebooks show them.

Examples
--------
>>> import lamb_rs
>>> from lamb_rs import plots
>>> ways = [
...     plots.descend(plots.ravine, lamb_rs.Adam(0.1)),
...     plots.descend(plots.ravine, lamb_rs.SGD(0.01, momentum=0.9), label="Momentum"),
... ]
>>> [way.label for way in ways]
['Adam', 'Momentum']

``plots.contour(plots.ravine, ways).savefig("ravine.png")`` draws them.
"""

from lamb_rs.plots.animations import Race, race, race_surface
from lamb_rs.plots.descent import Trajectory, descend
from lamb_rs.plots.family import descend_family
from lamb_rs.plots.functions import (
    PlaneFunction,
    beale,
    himmelblau,
    rastrigin,
    ravine,
    rosenbrock,
    saddle,
)
from lamb_rs.plots.history import History, trust_ratios
from lamb_rs.plots.landscape import (
    Landscape,
    landscape_contour,
    landscape_surface,
    loss_landscape,
)
from lamb_rs.plots.movies import Movie, player, record
from lamb_rs.plots.rates import RATES, Rates
from lamb_rs.plots.sensitivity import Scan, learning_rate_panels, learning_rates, scan_rates
from lamb_rs.plots.trajectories import contour, panels, surface

__all__ = [
    "RATES",
    "History",
    "Landscape",
    "Movie",
    "PlaneFunction",
    "Race",
    "Rates",
    "Scan",
    "Trajectory",
    "beale",
    "contour",
    "descend",
    "descend_family",
    "himmelblau",
    "landscape_contour",
    "landscape_surface",
    "learning_rate_panels",
    "learning_rates",
    "loss_landscape",
    "panels",
    "player",
    "race",
    "race_surface",
    "rastrigin",
    "ravine",
    "record",
    "rosenbrock",
    "saddle",
    "scan_rates",
    "surface",
    "trust_ratios",
]
