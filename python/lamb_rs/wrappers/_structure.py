"""Structures of arrays taken apart, so that each part of them goes to another optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from lamb_rs._errors import ParameterSetError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    """Yield name and leaf for each place of a structure.

    Parameters
    ----------
    node : Template
        The structure that was built.
    given : object
        What should have this structure.
    what : str
        How it is called in messages.
    path : str
        Where it is.

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
            found = f"{len(given)} items" if isinstance(given, list | tuple) else _kind(given)
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
        message += f"; unknown: {names}{nearest(str(unknown[0]), map(str, node))}"
    return message


def _join(path: str, key: object) -> str:
    return f"{path}/{key}" if path else str(key)


def _kind(given: object) -> str:
    return type(given).__name__
