"""One training run, and the plan that is the same for every optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs
from lamb_rs.cli.training.network import Layers, Network, initial_layers
from lamb_rs.schedules import CosineDecay, Schedule, Warmup

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lamb_rs.cli.images.dataset import Data

LARGEST_BATCH = 8192
# Both make 56 steps; the batch of a small data set is half of it.
_STEPS_PER_EPOCH, _EPOCHS = 7, 8
_STEPS_PER_SMALL_EPOCH, _SMALL_EPOCHS = 2, 28
WARMUP_SHARE = 0.1
WEIGHT_DECAY = 0.01
_TRIAL_STEPS = 3


@dataclass(frozen=True)
class Plan:
    """What all runs of the demo have in common.

    Attributes
    ----------
    sizes : list of int
        Widths of the network, input first.
    batch : int
        Images per step.
    steps_per_epoch, epochs : int
        Batches per pass over the training images, and number of passes. Images that do not fill a
        batch are left out of the pass.
    seed : int
        Seed of the initial parameters, the order of the images, and stochastic rounding.
    state_dtype : str
        How the optimizers store their moments.
    """

    sizes: list[int]
    batch: int
    steps_per_epoch: int
    epochs: int
    seed: int
    state_dtype: str

    @property
    def steps(self) -> int:
        """Steps of one run."""
        return self.steps_per_epoch * self.epochs

    @property
    def warmup(self) -> int:
        """Steps of linear warm-up."""
        return math.ceil(WARMUP_SHARE * self.steps)

    def schedule(self, rate: float) -> Schedule:
        """Return linear warm-up to `rate`, followed by half a cosine to zero."""
        cosine = CosineDecay(rate, decay_steps=self.steps - self.warmup)
        # The warm-up does not start at zero: a step at rate zero would change nothing.
        return Warmup(cosine, self.warmup, initial_learning_rate=rate / (self.warmup + 1))


@dataclass(frozen=True)
class Contender:
    """An optimizer, how to make it, and its learning rates.

    Attributes
    ----------
    name : str
        Name in the table.
    make : callable
        The class.
    rate, small_rate : float
        Middle of the rates to try at batch 8192, and on smaller data sets.
    """

    name: str
    make: Callable[..., Any]
    rate: float
    small_rate: float

    def rates(self, plan: Plan) -> tuple[float, float, float]:
        """Return the rates to try, a factor of four apart."""
        middle = self.rate if plan.batch == LARGEST_BATCH else self.small_rate
        return middle / 4, middle, middle * 4


def sgd(**arguments: Any) -> Any:
    """Return SGD with momentum 0.9."""
    return lamb_rs.SGD(momentum=0.9, **arguments)


# For each optimizer, the best of rates a factor of two apart: on Fashion-MNIST at batch 8192
# (mean of six seeds), and on the 5000 images of MNIST (mean of three seeds).
CONTENDERS = (
    Contender("SGD", sgd, 0.1, 0.05),
    Contender("AdamW", lamb_rs.AdamW, 4e-3, 4e-3),
    Contender("LAMB", lamb_rs.Lamb, 0.04, 0.04),
)


@dataclass
class Run:
    """Result of one training run.

    Attributes
    ----------
    optimizer : str
        Name of the contender.
    rate : float
        Peak learning rate.
    losses : list of float
        Training loss before each step.
    accuracies : list of float
        Test accuracy before the first step and after each epoch.
    seconds, optimizer_seconds : float
        Time of all steps, and of `Optimizer.apply` alone. Testing is not counted.
    state_bytes : int
        Memory of the optimizer's state.
    trust_names : list of str
        Parameters with layer-wise adaptation.
    trust_ratios : ndarray of float64, shape (steps, len(trust_names))
        Trust ratio of each of them after each step.
    """

    optimizer: str
    rate: float
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    optimizer_seconds: float = 0.0
    state_bytes: int = 0
    trust_names: list[str] = field(default_factory=list)
    trust_ratios: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def accuracy(self) -> float:
        """Test accuracy at the end."""
        return self.accuracies[-1]

    @property
    def diverged(self) -> bool:
        """Whether a training loss is not finite."""
        return not all(map(math.isfinite, self.losses))

    @property
    def share(self) -> float:
        """Share of the time spent in the optimizer."""
        return self.optimizer_seconds / self.seconds


def plan_for(
    data: Data, seed: int = 0, state_dtype: str = "float32", epochs: int | None = None
) -> Plan:
    """Choose network, batch and epochs for a data set.

    Fashion-MNIST gets a network 784-256-128-10, batch 8192 and 8 epochs. Smaller data get a batch
    of half the images, and more epochs.
    """
    pixels = data.train_images.shape[1]
    hidden = [256, 128] if pixels > 256 else [64, 32]
    count = len(data.train_images)
    if count >= _STEPS_PER_EPOCH * LARGEST_BATCH:
        batch, per_epoch, usual = LARGEST_BATCH, _STEPS_PER_EPOCH, _EPOCHS
    else:
        batch = max(1, min(LARGEST_BATCH, count // _STEPS_PER_SMALL_EPOCH))
        per_epoch, usual = _STEPS_PER_SMALL_EPOCH, _SMALL_EPOCHS
    sizes = [pixels, *hidden, data.classes]
    return Plan(sizes, batch, per_epoch, epochs or usual, seed, state_dtype)


def seconds_per_step(data: Data, plan: Plan) -> float:
    """Measure how long the forward and the backward pass of one step take."""
    rng = np.random.default_rng(plan.seed)
    layers: Layers = lamb_rs.aligned(initial_layers(plan.sizes, rng))
    network = Network(layers, lamb_rs.aligned(layers), plan.batch)
    images, labels = data.train_images[: plan.batch], data.train_labels[: plan.batch]
    network.loss_and_gradients(images, labels)
    started = perf_counter()
    for _ in range(_TRIAL_STEPS):
        network.loss_and_gradients(images, labels)
    return (perf_counter() - started) / _TRIAL_STEPS


def train(
    data: Data, plan: Plan, contender: Contender, rate: float, tick: Callable[[], object]
) -> Run:
    """Train one network from the start.

    Parameters
    ----------
    data : Data
        Images and labels.
    plan : Plan
        Everything that is the same for all runs.
    contender : Contender
        The optimizer.
    rate : float
        Peak learning rate.
    tick : callable
        Called after each step.

    Returns
    -------
    Run
    """
    rng = np.random.default_rng(plan.seed)
    layers: Layers = lamb_rs.aligned(initial_layers(plan.sizes, rng))
    gradients: Layers = lamb_rs.aligned(layers)
    optimizer = contender.make(
        learning_rate=plan.schedule(rate),
        weight_decay=WEIGHT_DECAY,
        state_dtype=plan.state_dtype,
        seed=plan.seed,
    )
    # Biases have neither weight decay nor a trust ratio, as is customary.
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.exclude_from_layer_adaptation(var_names=["bias"])
    optimizer.build(layers)
    network = Network(layers, gradients, plan.batch)
    run = Run(contender.name, rate, state_bytes=optimizer.state_bytes)
    images = np.empty((plan.batch, plan.sizes[0]), np.float32)
    ratios = []
    # A rate that is too high overflows; the table reports it.
    with np.errstate(over="ignore", invalid="ignore"):
        run.accuracies.append(network.accuracy(data.test_images, data.test_labels))
        for _ in range(plan.epochs):
            order = rng.permutation(len(data.train_images))
            for step in range(plan.steps_per_epoch):
                chosen = order[step * plan.batch : (step + 1) * plan.batch]
                started = perf_counter()
                # Every mode but the default one writes directly into `out`.
                np.take(data.train_images, chosen, axis=0, out=images, mode="clip")
                run.losses.append(network.loss_and_gradients(images, data.train_labels[chosen]))
                before = perf_counter()
                optimizer.apply(gradients)
                ended = perf_counter()
                run.optimizer_seconds += ended - before
                run.seconds += ended - started
                if optimizer.trust_ratios is not None:
                    ratios.append(np.array(optimizer.trust_ratios))
                tick()
            run.accuracies.append(network.accuracy(data.test_images, data.test_labels))
    if ratios:
        table = np.array(ratios)
        adapted = ~np.isnan(table).all(axis=0)
        names = np.array(optimizer.parameter_names)[adapted]
        run.trust_names, run.trust_ratios = names.tolist(), table[:, adapted]
    return run
