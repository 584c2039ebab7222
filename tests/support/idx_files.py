"""Small data sets in the four files of MNIST."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx(values: np.ndarray) -> bytes:
    """The bytes of one file."""
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(np.uint8).tobytes()


def write_set(folder: Path, *, compressed: bool = True, images: int = 70) -> Path:
    """Write four files of random images whose brightness tells their class."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for start, count in ((0, images), (2, 20)):
        labels = np.arange(count) % 10
        pictures = rng.integers(0, 60, (count, 4, 5)) + 19 * labels[:, None, None]
        for name, values in zip(NAMES[start : start + 2], (pictures, labels), strict=True):
            data = idx(values)
            path = folder / (f"{name}.gz" if compressed else name)
            path.write_bytes(gzip.compress(data) if compressed else data)
    return folder
