"""Fashion-MNIST from Debian's package: fetched with apt-get, without root."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lamb_rs.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = "dataset-fashion-mnist"
FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where the installed package has its files."""
SIZE = 30_900_652
"""Bytes of the package."""

_POLL_SECONDS = 0.2


def cache_folder() -> Path:
    """Return the folder that `fetch` fills."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lamb_rs" / "fashion-mnist"


def can_fetch() -> bool:
    """Return whether this machine has the programs that `fetch` runs."""
    return all(shutil.which(program) for program in ("apt-get", "dpkg-deb"))


def fetch(progress: Callable[[int], object] = lambda _: None) -> Path:
    """Download the package and unpack its files into the cache folder.

    Parameters
    ----------
    progress : callable, default does nothing
        Called with the number of bytes downloaded so far.

    Returns
    -------
    Path
        The folder that now holds the files.

    Raises
    ------
    CommandError
        If a program is missing or fails, or the cache folder cannot be written.
    """
    target = cache_folder()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            _run(["apt-get", "download", PACKAGE], Path(folder), progress)
            package = next(Path(folder).glob(f"{PACKAGE}_*.deb"), None)
            if package is None:
                raise CommandError(f"apt-get download {PACKAGE} wrote no package")
            _run(["dpkg-deb", "-x", package.name, "unpacked"], Path(folder))
            files = Path(folder, "unpacked", *FOLDER.parts[1:])
            # The files appear in the cache all at once, or not at all.
            shutil.rmtree(target, ignore_errors=True)
            files.rename(target)
    except OSError as error:
        raise CommandError(f"cannot fetch {PACKAGE} into {target}: {error.strerror}") from None
    return target


def _run(
    command: list[str], folder: Path, progress: Callable[[int], object] = lambda _: None
) -> None:
    with (folder / "log").open("w+b") as log:
        # A list of arguments, without a shell; the programs are Debian's own.
        with subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:  # noqa: S603
            while True:
                try:
                    status = process.wait(_POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    progress(sum(part.stat().st_size for part in folder.glob("*.deb")))
        if status:
            log.seek(0)
            lines = log.read().decode(errors="replace").strip().splitlines() or ["no message"]
            raise CommandError(f"{' '.join(command)} failed: {lines[-1]}")
