"""What the library costs before its first step: the time to import it, and its size."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import lamb_rs
from harness import Case, Claim, Contestant, Result, Shapes, measured

if TYPE_CHECKING:
    from lamb_rs.cli.peers import Step

NAME = "Size of the package"


def python(code: str) -> Contestant:
    """A new interpreter that runs the code."""

    def contestant(shapes: Shapes) -> Step:  # noqa: ARG001 - it has no parameters
        return partial(subprocess.run, [sys.executable, "-c", code], check=True)

    return contestant


IMPORT = Case(
    "Import",
    "none",
    {"numpy": python("import numpy"), "lamb_rs": python("import numpy, lamb_rs")},
    [Claim("lamb_rs", "numpy", "<= 60", "ms")],
)


def sizes() -> list[Result]:
    """The native module, and the whole package compressed as in a wheel, in megabytes."""
    folder = Path(lamb_rs.__file__).parent
    files = [
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in files:
            wheel.write(path, path.relative_to(folder.parent))
    (module,) = [path for path in files if path.name.startswith("_core.") and path.suffix != ".pyi"]
    rows = [
        ("native module", module.stat().st_size, ""),
        ("package, compressed", packed.tell(), "<= 5"),
    ]
    return [
        measured(Result(NAME, "none", what, "", "MB", goal), (size / 1e6,) * 3, np.array([]))
        for what, size, goal in rows
    ]
