"""Reader of IDX files, the format of MNIST and Fashion-MNIST, plain or compressed with gzip.

Layout: two zero bytes, a type code (8 = unsigned byte), the number of axes, each length as a
big-endian 32-bit integer, then the elements.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from typing import TYPE_CHECKING

import numpy as np

from lamb_rs.cli.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_UNSIGNED_BYTE = 8


def read_idx(path: Path, axes: int) -> tuple[NDArray[np.uint8], str]:
    """Read one file.

    Parameters
    ----------
    path : Path
        A file whose name ends in ``.gz`` is decompressed.
    axes : int
        Expected number of axes: 3 for images, 1 for labels.

    Returns
    -------
    values : ndarray of uint8
        Read-only.
    digest : str
        SHA-256 of the uncompressed file, in hexadecimal.

    Raises
    ------
    CommandError
        If the file cannot be read, is truncated or damaged, or is not such a file.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CommandError(f"{path} is truncated or damaged ({error}): fetch it again") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    header = 4 + 4 * axes
    if data[:4] != bytes([0, 0, _UNSIGNED_BYTE, axes]):
        raise CommandError(
            f"{path} is not an IDX file of unsigned bytes with {axes} axes: "
            f"it starts with {data[:4].hex(' ') or 'nothing'}"
        )
    shape = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(4, header, 4))
    if len(data) != header + math.prod(shape):
        raise CommandError(
            f"{path} announces {' x '.join(map(str, shape))} bytes after its header "
            f"but holds {max(0, len(data) - header)}: fetch it again"
        )
    values = np.frombuffer(data, np.uint8, offset=header).reshape(shape)
    return values, hashlib.sha256(data).hexdigest()
