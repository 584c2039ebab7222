"""A multi-layer perceptron in NumPy, with ReLU between layers and softmax cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Layers = dict[str, dict[str, Array]]
"""Name of each layer, with its ``kernel`` (inputs, outputs) and ``bias`` (outputs,)."""


def initial_layers(sizes: list[int], rng: np.random.Generator, dtype: Any = np.float32) -> Layers:
    """Draw kernels from N(0, 2 / inputs), which preserves the variance through ReLU.

    Biases are zero.

    Parameters
    ----------
    sizes : list of int
        Widths of the input, the hidden layers and the output.
    rng : numpy.random.Generator
        Draws the kernels.
    dtype : dtype, default float32
        Type of every array.

    Returns
    -------
    dict
        Layers ``hidden_1``, ``hidden_2``, ... and ``output``.

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015.
    """
    names = [f"hidden_{n}" for n in range(1, len(sizes) - 1)] + ["output"]
    layers: Layers = {}
    for name, inputs, outputs in zip(names, sizes[:-1], sizes[1:], strict=True):
        kernel = rng.standard_normal((inputs, outputs)) * np.sqrt(2.0 / inputs)
        layers[name] = {"kernel": kernel.astype(dtype), "bias": np.zeros(outputs, dtype)}
    return layers


class Network:
    """Forward and backward pass over parameters that the caller owns and updates.

    Parameters
    ----------
    layers : dict
        As `initial_layers` returns it; read at every call, never written.
    gradients : dict
        The same structure; `loss_and_gradients` writes into these arrays.
    batch : int
        Largest number of rows per call. All buffers are allocated once.
    """

    def __init__(self, layers: Layers, gradients: Layers, batch: int) -> None:
        self._layers = list(layers.values())
        self._gradients = list(gradients.values())
        widths = [layer["bias"].size for layer in self._layers]
        dtype = self._layers[0]["bias"].dtype
        self._outputs = [np.empty((batch, width), dtype) for width in widths]
        self._deltas = [np.empty((batch, width), dtype) for width in widths]
        self._batch = batch

    def loss_and_gradients(self, images: Array, labels: NDArray[np.int64]) -> float:
        """Return the mean cross-entropy of a batch, and write its gradients.

        Parameters
        ----------
        images : ndarray, shape (n, inputs)
            With n at most `batch`.
        labels : ndarray of int64, shape (n,)
            Class of each image.

        Returns
        -------
        float
        """
        count = len(images)
        rows = np.arange(count)
        logits = self._forward(images)
        logits -= logits.max(axis=1, keepdims=True)
        delta = self._deltas[-1][:count]
        np.exp(logits, out=delta)
        sums = delta.sum(axis=1, keepdims=True)
        loss = float(np.mean(np.log(sums[:, 0]) - logits[rows, labels]))
        delta /= sums
        delta[rows, labels] -= 1
        delta /= count
        for index in range(len(self._layers) - 1, 0, -1):
            self._into_gradients(index, self._outputs[index - 1][:count], delta)
            below = self._deltas[index - 1][:count]
            np.matmul(delta, self._layers[index]["kernel"].T, out=below)
            below *= self._outputs[index - 1][:count] > 0
            delta = below
        self._into_gradients(0, images, delta)
        return loss

    def loss(self, images: Array, labels: NDArray[np.int64]) -> float:
        """Return the mean cross-entropy of any number of images, without gradients."""
        total = 0.0
        for start in range(0, len(images), self._batch):
            part = slice(start, start + self._batch)
            logits = self._forward(images[part])
            logits -= logits.max(axis=1, keepdims=True)
            right = logits[np.arange(len(logits)), labels[part]]
            np.exp(logits, out=logits)
            total += float(np.sum(np.log(logits.sum(axis=1)) - right))
        return total / len(images)

    def accuracy(self, images: Array, labels: NDArray[np.int64]) -> float:
        """Return the share of images whose largest output is their class."""
        hits = 0
        for start in range(0, len(images), self._batch):
            part = slice(start, start + self._batch)
            hits += int(np.sum(self._forward(images[part]).argmax(axis=1) == labels[part]))
        return hits / len(images)

    def _forward(self, images: Array) -> Array:
        values = images
        for layer, buffer in zip(self._layers, self._outputs, strict=True):
            output = buffer[: len(images)]
            np.matmul(values, layer["kernel"], out=output)
            output += layer["bias"]
            if buffer is not self._outputs[-1]:
                np.maximum(output, 0, out=output)
            values = output
        return values

    def _into_gradients(self, index: int, inputs: Array, delta: Array) -> None:
        np.matmul(inputs.T, delta, out=self._gradients[index]["kernel"])
        np.sum(delta, axis=0, out=self._gradients[index]["bias"])
