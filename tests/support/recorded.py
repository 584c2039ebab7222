"""What other packages compute: as recorded in ``tests/goldens``, or by the packages themselves.

The tests read recorded results, so that they need none of these packages. With
``LAMB_RS_LIVE_PEERS=1`` the packages that are installed compute them anew.
``tools/record_goldens.py`` writes the files.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Array = np.ndarray

FOLDER = Path(__file__).parents[1] / "goldens"
LIVE = os.environ.get("LAMB_RS_LIVE_PEERS") == "1"
computed: dict[str, dict[str, dict[str, Array]]] = {}
"""What was computed in this process: package, key and name of the array."""


def live(package: str) -> bool:
    """Whether the package itself is to be called."""
    return LIVE and find_spec(package) is not None


def need(package: str) -> None:
    """Skip a test that needs the package itself, unless it is to be called."""
    if not LIVE:
        pytest.skip(f"calls {package} itself: set LAMB_RS_LIVE_PEERS=1")
    pytest.importorskip(package, reason=f"{package} is not installed")


def recorded(package: str, key: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Array]:
    """The arrays that a package computes.

    Parameters
    ----------
    package : str
        Name of the package, which is also that of the file.
    key : str
        What is computed, unique within the package.
    compute : callable
        Runs the package and returns arrays by name. Names must not contain a slash.

    Returns
    -------
    dict of str to ndarray
    """
    if live(package):
        results = {name: np.array(value) for name, value in compute().items()}
        computed.setdefault(package, {})[key] = results
        return results
    found = archive(package).get(key)
    assert found is not None, (
        f"{key!r} is not in tests/goldens/{package}.npz: "
        f"install {package} and run python tools/record_goldens.py"
    )
    return found


@cache
def archive(package: str) -> dict[str, dict[str, Array]]:
    """All that is recorded of a package."""
    found: dict[str, dict[str, Array]] = {}
    path = FOLDER / f"{package}.npz"
    if path.exists():
        with np.load(path) as arrays:
            for name in arrays.files:
                key, _, part = name.rpartition("/")
                found.setdefault(key, {})[part] = arrays[name]
    return found
