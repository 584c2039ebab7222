"""Where arrays lie in memory, so that no part reads what another one writes."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._errors import AliasError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class Places:
    """Arrays that are written to, each by one part.

    Parameters
    ----------
    arrays : iterable of (array, description, part)
        Contiguous and without overlap.
    """

    def __init__(self, arrays: Iterable[tuple[NDArray[Any], str, int]]) -> None:
        spans = ((*_span(array), what, part) for array, what, part in arrays if array.size)
        self._spans = sorted(spans)
        self._ends = [end for _, end, *_ in self._spans]

    def refuse(self, gradient: object, name: str, part: int) -> None:
        """Refuse a contiguous gradient that lies where another part writes.

        Parameters
        ----------
        gradient : array or None
        name : str
            Of its parameter.
        part : int
            The part that reads it.

        Raises
        ------
        AliasError
            If it does.
        """
        if not isinstance(gradient, np.ndarray) or not gradient.size:
            return
        start, end = _span(gradient)
        for first, last, what, owner in self._spans[bisect_left(self._ends, start + 1) :]:
            if first >= end:
                return
            if owner != part:
                shared = min(end, last) - max(start, first)
                raise AliasError(
                    f"gradient of '{name}' shares {shared} bytes of memory with {what}; "
                    "pass a .copy() of it"
                )


def _span(array: NDArray[Any]) -> tuple[int, int]:
    start: int = array.__array_interface__["data"][0]
    return start, start + array.nbytes
