"""Packages that only some commands need, imported where they are used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from lamb_rs.cli.errors import CommandError

if TYPE_CHECKING:
    from types import ModuleType

# Packages of the ``demo`` extra: the name each is imported by, and the one it installs under.
_DEMO = {"sklearn": "scikit-learn", "tqdm": "tqdm", "matplotlib": "matplotlib"}


def load(module: str) -> ModuleType | None:
    """Import an optional module; None if it is not there, or there but broken."""
    try:
        return importlib.import_module(module)
    except (ImportError, OSError, ValueError):  # the last two: torch without its libraries
        return None


def require(*modules: str) -> tuple[ModuleType, ...]:
    """Import modules of the ``demo`` extra.

    Parameters
    ----------
    *modules : str
        Such as ``"sklearn.datasets"``.

    Returns
    -------
    tuple of module
        In the order asked for.

    Raises
    ------
    CommandError
        Naming every package that is missing and the command that installs them.
    """
    loaded = [(name, load(name)) for name in modules]
    missing = {_DEMO[name.partition(".")[0]]: None for name, module in loaded if module is None}
    if missing:
        raise CommandError(f'the demo needs {" and ".join(missing)}: pip install "lamb_rs[demo]"')
    return tuple(module for _, module in loaded if module is not None)
