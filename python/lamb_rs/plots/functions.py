"""Functions of two variables to minimize, with their gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Values = NDArray[np.float64]
Pair = tuple[float, float]

# The cube root of the precision of float64: there, truncation and rounding errors of a central
# difference are about equal.
_WIDTH = 6e-6


@dataclass(frozen=True)
class PlaneFunction:
    """A function of two variables, and the part of the plane to draw.

    Parameters
    ----------
    name : str
        For titles.
    value : callable
        ``value(x, y)`` for two arrays of float64 of one shape; returns an array of that shape.
    start : (float, float)
        Where a descent starts.
    limits : ((float, float), (float, float))
        The part of the plane to draw: least and largest x, least and largest y.
    gradient : callable or None, default None
        ``gradient(x, y)``, the two partial derivatives; central differences if None.
    minima : tuple of (float, float), default ()
        The global minima; figures mark them with stars.
    logarithmic : bool, default False
        Whether figures draw ``log(1 + value)``; for functions >= 0 with a wide range.
    formula : str, default ""
        For titles, as plain text.

    Examples
    --------
    >>> bowl = PlaneFunction("bowl", lambda x, y: x**2 + y**2, (1.0, 2.0), ((-3, 3), (-3, 3)))
    >>> bowl.slope(1.0, 2.0).round(6)
    array([2., 4.])
    """

    name: str
    value: Callable[[Any, Any], Any]
    start: Pair
    limits: tuple[Pair, Pair]
    gradient: Callable[[Any, Any], tuple[Any, Any]] | None = None
    minima: tuple[Pair, ...] = ()
    logarithmic: bool = False
    formula: str = ""

    def slope(self, x: float, y: float) -> Values:
        """Return the gradient at a point.

        Parameters
        ----------
        x, y : float
            The point.

        Returns
        -------
        ndarray of float64, shape (2,)
        """
        if self.gradient is not None:
            return np.array(self.gradient(x, y), np.float64)
        wide, high = _WIDTH * max(1.0, abs(x)), _WIDTH * max(1.0, abs(y))
        across = (self.value(x + wide, y) - self.value(x - wide, y)) / (2 * wide)
        along = (self.value(x, y + high) - self.value(x, y - high)) / (2 * high)
        return np.array([across, along], np.float64)

    def grid(self, points: int) -> tuple[Values, Values, Values]:
        """Return x, y and the value on an even grid over `limits`.

        Parameters
        ----------
        points : int
            Along each axis.

        Returns
        -------
        tuple of three ndarrays of float64, shape (points, points)
        """
        x, y = np.meshgrid(*(np.linspace(low, high, points) for low, high in self.limits))
        return x, y, np.asarray(self.value(x, y), np.float64)


rosenbrock = PlaneFunction(
    "Rosenbrock's function",
    lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
    start=(-1.2, 1.0),
    limits=((-1.75, 1.75), (-0.75, 2.25)),
    gradient=lambda x, y: (2 * (x - 1) - 400 * x * (y - x**2), 200 * (y - x**2)),
    minima=((1.0, 1.0),),
    logarithmic=True,
    formula="(1 − x)² + 100 (y − x²)²",
)
"""Rosenbrock 1960: a flat, curved valley; the customary starting point."""


def _beale_parts(x: Any, y: Any) -> list[tuple[Any, Any, Any]]:
    """Return each of the three terms before squaring, and its two derivatives."""
    return [
        (height - x + x * y**n, y**n - 1, n * x * y ** (n - 1))
        for n, height in ((1, 1.5), (2, 2.25), (3, 2.625))
    ]


def _beale(x: Any, y: Any) -> Any:
    return sum(part**2 for part, _, _ in _beale_parts(x, y))


def _beale_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    parts = _beale_parts(x, y)
    return (
        sum(2 * part * across for part, across, _ in parts),
        sum(2 * part * along for part, _, along in parts),
    )


beale = PlaneFunction(
    "Beale's function",
    _beale,
    start=(1.0, 1.5),
    limits=((-1.5, 4.0), (-1.5, 2.25)),
    gradient=_beale_gradient,
    minima=((3.0, 0.5),),
    logarithmic=True,
    formula="(1.5 − x + x y)² + (2.25 − x + x y²)² + (2.625 − x + x y³)²",
)
"""Beale 1958: steep at the corners, flat in between."""

himmelblau = PlaneFunction(
    "Himmelblau's function",
    lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
    start=(-0.5, -1.0),
    limits=((-5.0, 5.0), (-5.0, 5.0)),
    gradient=lambda x, y: (
        4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7),
        2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7),
    ),
    minima=(
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286170),
        (3.584428340330492, -1.848126526964404),
    ),
    logarithmic=True,
    formula="(x² + y − 11)² + (x + y² − 7)²",
)
"""Himmelblau 1972: four minima of equal depth."""

rastrigin = PlaneFunction(
    "Rastrigin's function",
    lambda x, y: 20 + x**2 + y**2 - 10 * (np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y)),
    start=(-3.2, 2.3),
    limits=((-5.12, 5.12), (-5.12, 5.12)),
    gradient=lambda x, y: (
        2 * x + 20 * np.pi * np.sin(2 * np.pi * x),
        2 * y + 20 * np.pi * np.sin(2 * np.pi * y),
    ),
    minima=((0.0, 0.0),),
    formula="20 + x² + y² − 10 (cos 2πx + cos 2πy)",
)
"""Rastrigin 1974: a grid of local minima."""

ravine = PlaneFunction(
    "Ravine",
    lambda x, y: 0.5 * (x**2 + 100 * y**2),
    start=(-4.5, 0.8),
    limits=((-5.0, 5.0), (-1.25, 1.25)),
    gradient=lambda x, y: (x, 100 * y),
    minima=((0.0, 0.0),),
    logarithmic=True,
    formula="(x² + 100 y²) / 2",
)
"""A quadratic function with condition number 100."""

saddle = PlaneFunction(
    "Saddle point",
    lambda x, y: x**2 - y**2,
    start=(-1.0, -1e-3),
    limits=((-1.25, 1.25), (-1.25, 1.25)),
    gradient=lambda x, y: (2 * x, -2 * y),
    formula="x² − y²",
)
"""A saddle point at (0, 0); the start lies almost on the ridge that leads to it."""
