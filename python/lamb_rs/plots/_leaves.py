"""The arrays of nested parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lamb_rs.optim import SGD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def checked_leaves(params: Any) -> list[NDArray[np.float32]]:
    """Return the arrays of parameters, after the checks that `Optimizer.build` makes.

    Parameters
    ----------
    params : array, sequence or nested mapping of arrays
        As for `Optimizer.build`.

    Returns
    -------
    list of ndarray of float32
        The arrays themselves, not copies.

    Raises
    ------
    DTypeError, LayoutError, ReadOnlyError, AliasError
        If an array cannot be changed in place.
    """
    SGD().build(params)
    return list(_leaves(params))


def _leaves(node: Any) -> Any:
    if isinstance(node, Mapping):
        for child in node.values():
            yield from _leaves(child)
    elif isinstance(node, list | tuple):
        for child in node:
            yield from _leaves(child)
    else:
        yield node
