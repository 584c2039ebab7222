"""A short training on real images with a small network."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs
from lamb_rs.cli.training.network import Layers, Network, initial_layers
from lamb_rs.plots.descent import evaluated

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lamb_rs.cli.images.dataset import Data

IMAGES = 1500
TEST_IMAGES = 500
# So small that BLAS computes each product on one thread.
BATCH = 32
HIDDEN = (40, 20)
EPOCHS = 3
WARMUP = 8
_LARGE = 16


@dataclass(frozen=True)
class Ending:
    """Result of a training.

    Attributes
    ----------
    initial_loss, loss : float
        Mean cross-entropy of all training images before the first and after the last step.
    accuracy : float
        Share of the test images that are classified correctly.
    layers : dict
        The trained parameters.
    """

    initial_loss: float
    loss: float
    accuracy: float
    layers: Layers = field(repr=False)


class SmallTask:
    """The same short training for every optimizer.

    Parameters
    ----------
    data : Data
        Images. Only the first 1500 are used; large ones are halved in width and height.
    epochs : int, default 3
        Number of passes over the training images.
    hidden : tuple of int, default (40, 20)
        Widths of the hidden layers.
    """

    def __init__(self, data: Data, epochs: int = EPOCHS, hidden: tuple[int, ...] = HIDDEN) -> None:
        self.images, self.labels = halved(data.train_images[:IMAGES]), data.train_labels[:IMAGES]
        self._test = halved(data.test_images[:TEST_IMAGES]), data.test_labels[:TEST_IMAGES]
        self.sizes = [self.images.shape[1], *hidden, data.classes]
        self._epochs = epochs
        self._per_epoch = len(self.images) // BATCH

    @property
    def steps(self) -> int:
        """Number of updates of one training."""
        return self._epochs * self._per_epoch

    def train(
        self,
        optimizer: Any,
        after: Callable[[], object] = lambda: None,
        before: Callable[[Layers], object] = lambda _: None,
    ) -> Ending:
        """Train from the start.

        Parameters
        ----------
        optimizer : Optimizer
            Not built yet.
        after : callable, default does nothing
            Called after each update.
        before : callable, default does nothing
            Called with the parameters before the first update.

        Returns
        -------
        Ending
        """
        rng = np.random.default_rng(0)
        layers: Layers = lamb_rs.aligned(initial_layers(self.sizes, rng))
        gradients: Layers = lamb_rs.aligned(layers)
        network = Network(layers, gradients, BATCH)
        optimizer.build(layers)
        initial = network.loss(self.images, self.labels)
        before(layers)
        arrays = [array for layer in gradients.values() for array in layer.values()]
        # A rate that is too high overflows, which the final loss shows.
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(self._epochs):
                order = rng.permutation(len(self.images))
                for batch in order[: self._per_epoch * BATCH].reshape(-1, BATCH):
                    network.loss_and_gradients(self.images[batch], self.labels[batch])
                    scale = optimizer.scale_loss(1.0)
                    for array in arrays if scale != 1 else ():
                        np.multiply(array, scale, out=array)
                    optimizer.apply(gradients)
                    after()
            with evaluated(optimizer):
                loss = network.loss(self.images, self.labels)
                accuracy = network.accuracy(*self._test)
                kept = {
                    name: {part: values.copy() for part, values in layer.items()}
                    for name, layer in layers.items()
                }
        return Ending(initial, loss, accuracy, kept)


def halved(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of squares of 2 x 2 pixels if the images are square and large."""
    count, pixels = images.shape
    side = math.isqrt(pixels)
    if side * side != pixels or side % 2 or side < _LARGE:
        return images
    half = side // 2
    squares = images.reshape(count, half, 2, half, 2).mean(axis=(2, 4), dtype=np.float32)
    return np.ascontiguousarray(squares.reshape(count, half * half))
