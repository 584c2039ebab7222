"""A set of labeled images, scaled and split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Data:
    """A classification task on gray images.

    Attributes
    ----------
    name : str
        Name of the data set.
    source : str
        The folder or package it was read from.
    train_images, test_images : ndarray of float32, shape (n, pixels)
        C-contiguous, from -1 (black) to 1 (white).
    train_labels, test_labels : ndarray of int64, shape (n,)
        Class of each image, from 0.
    hint : str
        How to get a larger data set, or how to choose another one.
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
        """Return the data with only the first `count` training images."""
        return replace(
            self,
            train_images=self.train_images[:count],
            train_labels=self.train_labels[:count],
        )


def scaled(images: NDArray[Any], white: int) -> NDArray[np.float32]:
    """Return images as rows of float32 from -1 to 1; `white` is the largest value of a pixel."""
    rows = np.array(images.reshape(len(images), -1), dtype=np.float32, order="C")
    rows *= np.float32(2 / white)
    rows -= 1
    return rows
