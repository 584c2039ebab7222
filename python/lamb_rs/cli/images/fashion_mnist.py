"""Fashion-MNIST, or any other set in the four files of MNIST."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.images.dataset import Data, scaled
from lamb_rs.cli.images.idx import read_idx

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# SHA-256 of the four uncompressed files, so that a copy compressed again is recognized too.
_FASHION_MNIST = (
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
)
# An unpacked Debian package has its files four folders down.
_DEPTH = 6


def find(root: Path) -> list[Path]:
    """Search a folder and the folders below it for the four files.

    Parameters
    ----------
    root : Path
        The folder of the files, or one above it, such as the root of an unpacked package.

    Returns
    -------
    list of Path
        Training images and labels, test images and labels, all in the same folder.

    Raises
    ------
    CommandError
        If the folder does not exist, or no folder below it holds all four files.
    """
    if not root.is_dir():
        raise CommandError(f"{root} is not a folder")
    partial: tuple[Path, list[str]] | None = None
    for folder in _folders(root):
        found = [_existing(folder, name) for name in FILES]
        complete = [path for path in found if path is not None]
        if len(complete) == len(FILES):
            return complete
        if complete and partial is None:
            missing = [name for name, path in zip(FILES, found, strict=True) if path is None]
            partial = folder, missing
    if partial is not None:
        raise CommandError(f"{partial[0]} lacks {' and '.join(partial[1])} (.gz or plain)")
    raise CommandError(f"neither {root} nor a folder below it holds {FILES[0]}.gz")


def load_idx(paths: list[Path], hint: str) -> Data:
    """Read the four files, check that they belong together, and scale the images.

    Parameters
    ----------
    paths : list of Path
        As `find` returns them.
    hint : str
        How to choose another data set.

    Returns
    -------
    Data
        Named Fashion-MNIST only if all four files have the published SHA-256.

    Raises
    ------
    CommandError
        If a file is damaged, or the files do not belong together.
    """
    arrays, digests = zip(
        *(read_idx(path, axes) for path, axes in zip(paths, (3, 1, 3, 1), strict=True)),
        strict=True,
    )
    for images, labels, path in ((arrays[0], arrays[1], paths[1]), (*arrays[2:], paths[3])):
        if len(images) != len(labels) or not len(images):
            raise CommandError(f"{path} holds {len(labels)} labels for {len(images)} images")
    if arrays[0].shape[1:] != arrays[2].shape[1:]:
        raise CommandError(f"{paths[2]} holds images of another size than {paths[0]}")
    known = digests == _FASHION_MNIST
    return Data(
        name="Fashion-MNIST" if known else "images that are not a known copy of Fashion-MNIST",
        source=str(paths[0].parent),
        train_images=scaled(arrays[0], 255),
        train_labels=arrays[1].astype(np.int64),
        test_images=scaled(arrays[2], 255),
        test_labels=arrays[3].astype(np.int64),
        hint=hint,
    )


def _folders(root: Path) -> Iterator[Path]:
    for current, below, _ in os.walk(root):
        folder = Path(current)
        yield folder
        below.sort()
        if len(folder.relative_to(root).parts) >= _DEPTH:
            below.clear()


def _existing(folder: Path, name: str) -> Path | None:
    candidates = (folder / f"{name}.gz", folder / name)
    return next((path for path in candidates if path.is_file()), None)
