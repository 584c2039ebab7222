"""Arrays: structures of them taken apart, where they lie in memory, and aligned copies."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import numpy as np

from lamb_rs._errors import AliasError, DTypeError, ParameterSetError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sized

    from numpy.typing import NDArray

LINE = 64

Structure = TypeVar("Structure")


def aligned(params: Structure) -> Structure:
    """Copy parameters into one block of memory, each array at the start of a cache line.

    Arrays that NumPy allocates may start anywhere in a cache line, so that every access of a SIMD
    register of 64 bytes touches two lines. The results are the same bits in both cases.

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
        For anything that is not a floating-point array.

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


Arrays: TypeAlias = "NDArray[Any] | Sequence[Arrays] | Mapping[Any, Arrays]"
"""One array, or a sequence or nested mapping of arrays."""

Gradients: TypeAlias = "NDArray[Any] | Sequence[Gradients] | Mapping[Any, Gradients] | None"
"""The structure of the parameters; None leaves a parameter alone."""

Template: TypeAlias = "str | list[Template] | dict[Any, Template]"
"""A structure with the names of its arrays in their places."""


def template(params: object, path: str = "") -> Template:
    """Return the structure of parameters that are known to be legal."""
    if isinstance(params, list | tuple):
        return [template(one, _join(path, i)) for i, one in enumerate(params)]
    if isinstance(params, Mapping):
        return {key: template(one, _join(path, key)) for key, one in params.items()}
    return path or "0"


def follow(node: Template, given: object, what: str, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield name and leaf for each element of a structure.

    Parameters
    ----------
    node : Template
        The structure that was built.
    given : object
        Object that should have this structure.
    what : str
        Its name in messages.
    path : str
        Its path.

    Raises
    ------
    ParameterSetError
        For another structure.
    """
    if isinstance(node, str):
        yield node, given
        return
    place = f"{what} under '{path}'" if path else what
    if isinstance(node, list):
        if not isinstance(given, list | tuple) or len(given) != len(node):
            found = _counted(given) if isinstance(given, list | tuple) else _kind(given)
            raise ParameterSetError(
                f"{place} must be a sequence of {len(node)}, as when the optimizer was built; "
                f"got {found}"
            )
        for i, (inner, one) in enumerate(zip(node, given, strict=True)):
            yield from follow(inner, one, what, _join(path, i))
        return
    if not isinstance(given, Mapping):
        raise ParameterSetError(
            f"{place} must be a mapping, as when the optimizer was built; got {_kind(given)}"
        )
    if given.keys() != node.keys():
        raise ParameterSetError(_keys_differ(node, given, place, path))
    for key, inner in node.items():
        yield from follow(inner, given[key], what, _join(path, key))


def nested(leaves: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return nested mappings whose arrays have these names."""
    root: dict[str, Any] = {}
    for name, leaf in leaves:
        *above, last = name.split("/")
        place = root
        for key in above:
            place = place.setdefault(key, {})
        place[last] = leaf
    return root


def _keys_differ(node: dict[Any, Template], given: Mapping[Any, Any], place: str, path: str) -> str:
    missing = [key for key in node if key not in given]
    unknown = [key for key in given if key not in node]
    message = f"{place} must have the keys that the optimizer was built with"
    if missing:
        names = ", ".join(repr(_join(path, key)) for key in missing)
        message += f"; missing: {names} (pass None to leave a parameter alone)"
    if unknown:
        names = ", ".join(repr(_join(path, key)) for key in unknown)
        hint = _nested(node, str(unknown[0])) or nearest(str(unknown[0]), map(str, node))
        message += f"; unknown: {names}{hint or '; leave it out, or build an optimizer with it'}"
    return message


def _nested(node: dict[Any, Template], name: str) -> str:
    """Return how to write a flat name such as ``a/b`` or ``a.b`` if ``a`` is a structure."""
    keys = name.replace(".", "/").split("/")
    structures = [str(key) for key, inner in node.items() if not isinstance(inner, str)]
    if len(keys) < 2 or keys[0] not in structures:
        return ""
    written = "".join(f"{{'{key}': " for key in keys) + "..." + "}" * len(keys)
    return f"; the optimizer was built with nested structures: write {written} in place of '{name}'"


def _counted(given: Sized) -> str:
    return "1 item" if len(given) == 1 else f"{len(given)} items"


def _join(path: str, key: object) -> str:
    return f"{path}/{key}" if path else str(key)


def _kind(given: object) -> str:
    return type(given).__name__


class Places:
    """Arrays that the parts of an optimizer write to, each by one part.

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
        """Refuse a contiguous gradient that shares memory with an array that another part writes.

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
