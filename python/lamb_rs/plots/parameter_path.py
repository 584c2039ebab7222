"""The path that parameters take during a training, and the plane that holds most of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamb_rs.plots._leaves import checked_leaves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamb_rs.plots.functions import Values


class ParameterPath:
    """Copies of the parameters, taken during a training.

    Parameters
    ----------
    params : array, sequence or nested mapping of arrays
        float32, as for `Optimizer.build`. The first copy is taken at once.

    Examples
    --------
    >>> import numpy as np, lamb_rs
    >>> params = {"kernel": np.ones((3, 2), np.float32)}
    >>> optimizer = lamb_rs.SGD(0.1)
    >>> optimizer.build(params)
    >>> path = lamb_rs.plots.ParameterPath(params)
    >>> for _ in range(4):
    ...     _ = optimizer.apply({"kernel": params["kernel"] * 2})
    ...     path.record()
    >>> len(path)
    5
    """

    def __init__(self, params: object) -> None:
        self._arrays = checked_leaves(params)
        self._copies: list[NDArray[np.float32]] = []
        self.record()

    def record(self) -> None:
        """Copy the parameters; call it after `Optimizer.apply`, as often as memory allows."""
        self._copies.append(np.concatenate([array.ravel() for array in self._arrays]))

    def __len__(self) -> int:
        return len(self._copies)

    def plane(self) -> Plane:
        """Return the plane through the last copy that holds most of the path.

        Its directions are the first two principal components of the copies.

        Returns
        -------
        Plane

        Raises
        ------
        ValueError
            If there are fewer than three copies, or the parameters never changed.
        """
        if len(self) < 3:
            raise ValueError(
                f"ParameterPath.plane needs at least 3 copies and has {len(self)}; call record "
                "after each update"
            )
        copies = np.array(self._copies, np.float64)
        _, sizes, components = np.linalg.svd(copies - copies.mean(axis=0), full_matrices=False)
        variances = sizes**2
        if not variances[0] > 0:
            raise ValueError("ParameterPath.plane: the parameters are the same in every copy")
        directions = components[:2]
        steps = copies - copies[-1]
        # The sign of a component is arbitrary: the path starts on the left and bends upwards.
        x, y = directions @ steps.T
        signs = np.where([x[0] > 0, -y.min() > y.max()], -1.0, 1.0)
        directions = directions * signs[:, np.newaxis]
        edges = np.cumsum([array.size for array in self._arrays])[:-1]
        shaped = [
            [part.reshape(array.shape) for part, array in zip(parts, self._arrays, strict=True)]
            for parts in (np.split(direction, edges) for direction in directions)
        ]
        first, second = variances[:2] / variances.sum()
        path = steps @ directions.T
        return Plane(shaped[0], shaped[1], path, (float(first), float(second)))


@dataclass(frozen=True)
class Plane:
    """A plane in the space of the parameters, through the last point of a path.

    Attributes
    ----------
    first, second : list of ndarray of float64
        Orthogonal directions of length 1, one array per parameter.
    path : ndarray of float64, shape (n, 2)
        Coordinates of the path, projected onto the plane; the last point is (0, 0).
    shares : (float, float)
        Share of the variance of the path along each direction.
    """

    first: list[Values]
    second: list[Values]
    path: Values
    shares: tuple[float, float]
