"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIX = ".tmp"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path` at the end of the with block.

    Until then it has a temporary name; if the block raises, it is removed.

    Parameters
    ----------
    path : str or path-like
        A symbolic link is followed.

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        If anything fails. `path` is unchanged then.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = _mode(path)
        _remove_stale(target)
        descriptor, beside = _create(target, mode)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123
                yield file
                file.flush()
                os.fsync(descriptor)
                # Renamed before closing unlocks it, so that no process takes it for stale.
                beside.replace(target)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
        _sync(target.parent)
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(path)
        raise


def _mode(path: str | os.PathLike[str]) -> int | None:
    """Return the permissions of the file that is to be replaced, if there is one."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory")
    if not stat.S_ISREG(mode):
        raise FileExistsError(errno.EEXIST, "is not a regular file, and will not be replaced")
    return stat.S_IMODE(mode)


def _prefix(target: Path) -> str:
    # It has a fixed length, since the name itself may have the greatest length that is allowed.
    return f".lamb_rs-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}-"


def _create(target: Path, mode: int | None) -> tuple[int, Path]:
    """Create a file in the directory of the target, locked for as long as it is open."""
    while True:
        beside = target.with_name(f"{_prefix(target)}{os.urandom(8).hex()}{_SUFFIX}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        descriptor = os.open(beside, flags, 0o666 if mode is None else mode & 0o666)
        try:
            free = _lock_if_possible(descriptor)
            if mode is not None:
                os.fchmod(descriptor, mode)
        except BaseException:
            os.close(descriptor)
            beside.unlink()
            raise
        if free and os.fstat(descriptor).st_nlink:
            return descriptor, beside
        os.close(descriptor)  # another process took it for a stale one before it was locked


def _remove_stale(target: Path) -> None:
    """Remove temporary files that killed processes left: those that no process has locked."""
    prefix = _prefix(target)
    try:
        names = os.listdir(target.parent)  # noqa: PTH208
    except PermissionError:  # a directory may be writable and not readable
        return
    for name in names:
        if name.startswith(prefix) and name.endswith(_SUFFIX):
            stale = target.with_name(name)
            with suppress(OSError):
                descriptor = os.open(stale, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    if _lock(descriptor):
                        stale.unlink()
                finally:
                    os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file for as long as it is open; False if it is locked already."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_if_possible(descriptor: int) -> bool:
    """Lock a file as `_lock` does, where the file system has locks; elsewhere nothing is stale."""
    try:
        return _lock(descriptor)
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}:
            raise
        return True


def _sync(directory: Path) -> None:
    """Bring a new name in a directory to the disk, where the file system can."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
