"""Record what the installed optimizer packages compute into ``tests/goldens``.

Runs the tests of ``tests/peers`` against the packages and keeps what these computed. A package that
is not installed keeps its file. Needs the packages to be recorded and those of ``make test``:

    pip install "lamb_rs[peers]"      # jax, keras, optax
    pip install torch timm ...        # any of the packages in tests/support/peer_runs.py
    python tools/record_goldens.py

With arguments of pytest that select some tests, everything else in the files is kept:

    python tools/record_goldens.py tests/peers/test_optax.py -k lamb
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run the tests, then write the files; returns the status of pytest."""
    os.environ["LAMB_RS_LIVE_PEERS"] = "1"
    selected = sys.argv[1:]
    status = pytest.main(["-q", *(selected or [str(ROOT / "tests" / "peers")])])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        return int(status)
    sys.path.insert(0, str(ROOT / "tests"))
    from support.recorded import FOLDER, archive, computed  # noqa: PLC0415 - after LIVE is set

    for package, new in sorted(computed.items()):
        results = {**archive(package), **new} if selected else new
        arrays = {f"{key}/{name}": x for key, parts in results.items() for name, x in parts.items()}
        path = FOLDER / f"{package}.npz"
        np.savez_compressed(path, allow_pickle=False, **dict(sorted(arrays.items())))
        size = path.stat().st_size / 1e6
        sys.stdout.write(f"{path.name}: {package} {version(package)}, {size:.2f} MB\n")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
