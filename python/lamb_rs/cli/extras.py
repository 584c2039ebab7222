"""Optional packages, imported when a command uses them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from lamb_rs.cli.errors import CommandError

if TYPE_CHECKING:
    from types import ModuleType

# Packages of the ``demo`` extra: the name of the module, and the name to install.
_DEMO = {
    "matplotlib": "matplotlib",
    "mlxtend": "mlxtend",
    "sklearn": "scikit-learn",
    "tqdm": "tqdm",
}


def load(module: str) -> ModuleType | None:
    """Import an optional module; return None if it is missing or broken."""
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
        In the order of the names.

    Raises
    ------
    CommandError
        If a package is missing; the message names all missing ones and how to install them.
    """
    loaded = [(name, load(name)) for name in modules]
    missing = {_DEMO[name.partition(".")[0]]: None for name, module in loaded if module is None}
    if missing:
        raise CommandError(
            f'this command needs {" and ".join(missing)}: pip install "lamb_rs[demo]"'
        )
    return tuple(module for _, module in loaded if module is not None)
