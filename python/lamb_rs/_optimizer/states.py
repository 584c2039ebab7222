"""The float32 state of an optimizer as a mapping of views, which are made when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from lamb_rs._optimizer.native import Native


class States(Mapping[str, "Mapping[str, NDArray[np.float32]]"]):
    """Parameter name to slot to a read-only view."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def __getitem__(self, name: str) -> Mapping[str, NDArray[np.float32]]:
        slots = self._native.state(name)
        if slots is None:
            raise KeyError(name)
        return MappingProxyType(slots)

    def __iter__(self) -> Iterator[str]:
        return iter(self._native.parameter_names)

    def __len__(self) -> int:
        return len(self._native.parameter_names)
