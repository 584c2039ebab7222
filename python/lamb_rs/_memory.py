"""Parameters in memory that suits the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from lamb_rs._errors import DTypeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LINE = 64

Structure = TypeVar("Structure")


def aligned(params: Structure) -> Structure:
    """Copy parameters into one block of memory, each array at the start of a cache line.

    Arrays that NumPy allocates start anywhere; SIMD registers of 64 bytes then cross a cache line
    with every access. The results are the same bits either way.

    Parameters
    ----------
    params : array, sequence or nested mapping of arrays
        Floating-point arrays of any layout; dtypes other than float32 are converted.

    Returns
    -------
    same structure as `params`
        C-contiguous float32 arrays on 64-byte boundaries. Mappings become dicts, sequences become
        lists or tuples.

    Raises
    ------
    DTypeError
        For anything that is no floating-point array.

    Examples
    --------
    >>> import numpy as np
    >>> params = aligned({"kernel": np.ones((3, 5)), "bias": np.zeros(5)})
    >>> params["bias"].ctypes.data % 64
    0
    """
    arrays = list(_leaves(params, ""))
    sizes = [-(-4 * array.size // LINE) * LINE for array in arrays]
    block = np.empty(sum(sizes) + LINE, dtype=np.uint8)
    start = -block.ctypes.data % LINE
    copies = []
    for array, size in zip(arrays, sizes, strict=True):
        place = block[start : start + 4 * array.size]
        copy = place.view(np.float32).reshape(array.shape)
        copy[...] = array
        copies.append(copy)
        start += size
    return cast("Structure", _rebuilt(params, iter(copies)))


def _leaves(params: object, path: str) -> Iterator[NDArray[Any]]:
    if isinstance(params, np.ndarray):
        if params.dtype.kind != "f" and params.dtype.name != "bfloat16":
            raise DTypeError(
                f"aligned: {path or 'params'} has dtype {params.dtype}; "
                "floating-point arrays are needed: use .astype(numpy.float32)"
            )
        yield params
    elif isinstance(params, Mapping):
        for key, value in params.items():
            yield from _leaves(value, f"{path}/{key}" if path else str(key))
    elif isinstance(params, list | tuple):
        for i, value in enumerate(params):
            yield from _leaves(value, f"{path}/{i}" if path else str(i))
    else:
        raise DTypeError(
            f"aligned: {path or 'params'} is of type {type(params).__name__}; "
            "arrays, or lists, tuples and mappings of arrays are needed"
        )


def _rebuilt(params: object, copies: Iterator[NDArray[np.float32]]) -> object:
    if isinstance(params, np.ndarray):
        return next(copies)
    if isinstance(params, Mapping):
        return {key: _rebuilt(value, copies) for key, value in params.items()}
    members = cast("list[object] | tuple[object, ...]", params)
    parts = [_rebuilt(value, copies) for value in members]
    if isinstance(members, list):
        return parts
    # A named tuple takes its fields one by one.
    return type(members)._make(parts) if hasattr(members, "_make") else tuple(parts)
