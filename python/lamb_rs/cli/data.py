"""Real images to train on: Fashion-MNIST where it is found, else scikit-learn's digits."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.extras import require
from lamb_rs.cli.idx import read_idx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

VARIABLE = "LAMB_RS_DATA"
PACKAGE = "dataset-fashion-mnist"
PACKAGE_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# SHA-256 of the four uncompressed files, so that a recompressed copy is recognised too.
_FASHION_MNIST = (
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
)
# A package unpacked with `dpkg -x` has its files four folders down.
_DEPTH = 6

GET_FASHION_MNIST = (
    f"Fashion-MNIST: apt-get install {PACKAGE}\n"
    f"  without root: apt-get download {PACKAGE} && dpkg -x {PACKAGE}_*.deb DIR, "
    f"then {VARIABLE}=DIR"
)
GET_DIGITS = "scikit-learn's digits: --data digits"


@dataclass(frozen=True)
class Data:
    """A classification task on grey images.

    Attributes
    ----------
    name : str
        What it is.
    source : str
        Where it came from.
    train_images, test_images : ndarray of float32, shape (n, pixels)
        C-contiguous, from -1 (black) to 1 (white).
    train_labels, test_labels : ndarray of int64, shape (n,)
        Class of each image, from 0.
    hint : str
        How to get the other data set.
    """

    name: str
    source: str
    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    hint: str

    @property
    def classes(self) -> int:
        """Number of classes."""
        return 1 + int(max(self.train_labels.max(), self.test_labels.max()))

    def first(self, count: int) -> Data:
        """Keep only the first `count` images to train on."""
        return replace(
            self,
            train_images=self.train_images[:count],
            train_labels=self.train_labels[:count],
        )


def load(where: str | None) -> Data:
    """Find and read the images.

    Parameters
    ----------
    where : str or None
        ``"digits"``, or a folder to search; None looks at the environment variable
        ``LAMB_RS_DATA``, then where Debian's package puts its files, then takes the digits.

    Returns
    -------
    Data

    Raises
    ------
    CommandError
        A folder was named and holds no complete set, or a file in it is damaged; or the digits
        are needed and scikit-learn is missing.
    """
    if where == "digits":
        return load_digits()
    named = where or os.environ.get(VARIABLE)
    if named:
        return load_idx(find(Path(named)))
    if any(PACKAGE_FOLDER.glob(f"{_FILES[0]}*")):
        return load_idx(find(PACKAGE_FOLDER))
    return load_digits()


def find(root: Path) -> list[Path]:
    """Search a folder, and those below it, for the four files of an MNIST-like set.

    Parameters
    ----------
    root : Path
        The folder itself or one above it, such as the root of an unpacked package.

    Returns
    -------
    list of Path
        Training images and labels, test images and labels, all in one folder.

    Raises
    ------
    CommandError
        There is no such folder, or none below it holds all four.
    """
    if not root.is_dir():
        raise CommandError(f"{root} is not a folder")
    partial: tuple[Path, list[str]] | None = None
    for folder in _folders(root):
        found = [_existing(folder, name) for name in _FILES]
        complete = [path for path in found if path is not None]
        if len(complete) == len(_FILES):
            return complete
        if complete and partial is None:
            missing = [name for name, path in zip(_FILES, found, strict=True) if path is None]
            partial = folder, missing
    if partial is not None:
        raise CommandError(f"{partial[0]} lacks {' and '.join(partial[1])} (.gz or plain)")
    raise CommandError(f"neither {root} nor a folder below it holds {_FILES[0]}.gz")


def load_idx(paths: list[Path]) -> Data:
    """Read the four files, check them against each other, and scale the images.

    Parameters
    ----------
    paths : list of Path
        As `find` returns them.

    Returns
    -------
    Data
        Named Fashion-MNIST only if all four have the SHA-256 of the published files.

    Raises
    ------
    CommandError
        A file is damaged, or the files do not belong together.
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
        train_images=_scaled(arrays[0], 255),
        train_labels=arrays[1].astype(np.int64),
        test_images=_scaled(arrays[2], 255),
        test_labels=arrays[3].astype(np.int64),
        hint=GET_DIGITS,
    )


def load_digits() -> Data:
    """Read the 1797 digits of 8 x 8 pixels that come with scikit-learn; every fifth is a test."""
    (datasets,) = require("sklearn.datasets")
    bundle = datasets.load_digits()
    images, labels = np.asarray(bundle.images), np.asarray(bundle.target).astype(np.int64)
    test = np.arange(len(images)) % 5 == 4
    return Data(
        name="digits",
        source="scikit-learn",
        train_images=_scaled(images[~test], 16),
        train_labels=labels[~test],
        test_images=_scaled(images[test], 16),
        test_labels=labels[test],
        hint=GET_FASHION_MNIST,
    )


def _scaled(images: NDArray[Any], white: int) -> NDArray[np.float32]:
    rows = np.array(images.reshape(len(images), -1), dtype=np.float32, order="C")
    rows *= np.float32(2 / white)
    rows -= 1
    return rows


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
