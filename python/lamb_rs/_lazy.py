"""Names of a package whose modules are imported when a name is first used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package.

    Parameters
    ----------
    package : str
        Its name.
    modules : mapping of str to str
        Name to the module that has it, relative to the package.
    """

    def attribute(name: str) -> Any:
        module = modules.get(name)
        if module is not None:
            found = getattr(import_module(f"{package}.{module}"), name)
            setattr(sys.modules[package], name, found)
            return found
        if name in modules.values():
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return attribute
