"""Figures that show what optimizers do, for your own functions and trainings too.

matplotlib is imported when a figure is drawn; computing the data needs NumPy only. Figures do not
use pyplot: ``figure.savefig(path)`` writes them, and notebooks display them.

Examples
--------
>>> import lamb_rs
>>> from lamb_rs import plots
>>> paths = [
...     plots.descend(plots.ravine, lamb_rs.Adam(0.1)),
...     plots.descend(plots.ravine, lamb_rs.SGD(0.01, momentum=0.9), label="Momentum"),
... ]
>>> [f"{path.label}, {path.rate}" for path in paths]
['Adam, rate 0.1', 'Momentum, rate 0.01']

``plots.panels(plots.ravine, paths).savefig("ravine.png")`` draws them.
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
from lamb_rs.plots.landscape import Landscape, loss_landscape, path_landscape
from lamb_rs.plots.landscape_figures import landscape_contour, landscape_surface
from lamb_rs.plots.movies import Movie, player, record
from lamb_rs.plots.parameter_path import ParameterPath
from lamb_rs.plots.rates import RATES, Rates
from lamb_rs.plots.sensitivity import Scan, learning_rate_panels, learning_rates, scan_rates
from lamb_rs.plots.trajectories import contour, panels, surface

__all__ = [
    "RATES",
    "History",
    "Landscape",
    "Movie",
    "ParameterPath",
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
    "path_landscape",
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
