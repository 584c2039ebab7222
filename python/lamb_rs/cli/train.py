"""One training run, and the plan that is the same for every optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs
from lamb_rs.cli.network import Layers, Network, initial_layers
from lamb_rs.schedules import CosineDecay, Schedule, Warmup

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lamb_rs.cli.data import Data

LARGEST_BATCH = 8192
STEPS_PER_EPOCH = 7
WARMUP_SHARE = 0.1
WEIGHT_DECAY = 0.01


@dataclass(frozen=True)
class Plan:
    """What all runs of one demo share.

    Attributes
    ----------
    sizes : list of int
        Widths of the network, input first.
    batch : int
        Images per step.
    epochs : int
        Passes over the training images; what does not fill a batch is left for the next pass.
    seed : int
        Of the initial parameters, the order of the images, and stochastic rounding.
    state_dtype : str
        How the optimizers store their moments.
    """

    sizes: list[int]
    batch: int
    epochs: int
    seed: int
    state_dtype: str

    @property
    def steps(self) -> int:
        """Steps of one run."""
        return STEPS_PER_EPOCH * self.epochs

    @property
    def warmup(self) -> int:
        """Steps of linear warm-up."""
        return math.ceil(WARMUP_SHARE * self.steps)

    def schedule(self, rate: float) -> Schedule:
        """Linear warm-up to `rate`, then half a cosine to zero."""
        cosine = CosineDecay(rate, decay_steps=self.steps - self.warmup)
        # Not from zero: a first step at rate zero would be a step lost.
        return Warmup(cosine, self.warmup, initial_learning_rate=rate / (self.warmup + 1))


@dataclass(frozen=True)
class Contender:
    """An optimizer, how to make it, and the learning rates it is tried at."""

    name: str
    make: Callable[..., Any]
    rates: tuple[float, float, float]

    @classmethod
    def around(cls, name: str, make: Callable[..., Any], rate: float) -> Contender:
        """Rates a factor of four apart, the customary one in the middle."""
        return cls(name, make, (rate / 4, rate, rate * 4))


def sgd(**arguments: Any) -> Any:
    """SGD with the customary momentum."""
    return lamb_rs.SGD(momentum=0.9, **arguments)


# The customary rates at batch 8192, each moved to the best of its neighbours a factor of two
# apart: Fashion-MNIST, mean of six seeds, the same search for all three.
CONTENDERS = (
    Contender.around("SGD", sgd, 0.1),
    Contender.around("AdamW", lamb_rs.AdamW, 4e-3),
    Contender.around("LAMB", lamb_rs.Lamb, 0.04),
)


@dataclass
class Run:
    """What one training run left behind.

    Attributes
    ----------
    optimizer : str
        Name of the contender.
    rate : float
        Peak learning rate.
    losses : list of float
        Training loss before each step.
    accuracies : list of float
        On the test images, before the first step and after each epoch.
    seconds, optimizer_seconds : float
        Of all steps; of `apply` alone. Testing is not counted.
    state_bytes : int
        Memory of the optimizer's state.
    trust_names : list of str
        Parameters that are adapted layer by layer.
    trust_ratios : ndarray of float64, shape (steps, len(trust_names))
        Ratio of each after each step.
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
        """Whether the training loss stopped being a number."""
        return not all(map(math.isfinite, self.losses))

    @property
    def share(self) -> float:
        """Share of the time spent in the optimizer."""
        return self.optimizer_seconds / self.seconds


def plan_for(data: Data, epochs: int, seed: int, state_dtype: str) -> Plan:
    """Choose network and batch: 784-256-128-10 at 8192, or what fewer or smaller images allow."""
    pixels = data.train_images.shape[1]
    hidden = [256, 128] if pixels > 256 else [64, 32]
    batch = max(1, min(LARGEST_BATCH, len(data.train_images) // STEPS_PER_EPOCH))
    return Plan([pixels, *hidden, data.classes], batch, epochs, seed, state_dtype)


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
    # As customary: a bias is neither decayed nor given a trust ratio of its own.
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.exclude_from_layer_adaptation(var_names=["bias"])
    optimizer.build(layers)
    network = Network(layers, gradients, plan.batch)
    run = Run(contender.name, rate, state_bytes=optimizer.state_bytes)
    images = np.empty((plan.batch, plan.sizes[0]), np.float32)
    ratios = []
    # A rate that is too high overflows; the table says so, NumPy need not.
    with np.errstate(over="ignore", invalid="ignore"):
        run.accuracies.append(network.accuracy(data.test_images, data.test_labels))
        for _ in range(plan.epochs):
            order = rng.permutation(len(data.train_images))
            for step in range(STEPS_PER_EPOCH):
                chosen = order[step * plan.batch : (step + 1) * plan.batch]
                started = perf_counter()
                # Any mode but the default writes straight into `out`.
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
