"""Search the best learning rate of each rule for runs of 100, 1000 and 10 000 steps.

``python tools/starting_rates.py`` trains two small networks with every rule below and writes
``docs/_data/starting_rates.json``; with names of rules as arguments it replaces only their rows.
Rates are 1, 2 and 5 times powers of ten. A grid grows until it holds, on each side of the best
rate, a rate whose mean loss is more than 3 % larger; so the best rate is never at an edge.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

# One thread per process: the networks are small, and several processes run at a time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("LAMB_RS_NUM_THREADS", "1")

import numpy as np

import lamb_rs
from lamb_rs import schedules
from lamb_rs.cli.images.sources import load
from lamb_rs.cli.training.small import halved
from lamb_rs.plots.descent import evaluated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

FILE = Path(__file__).resolve().parents[1] / "docs" / "_data" / "starting_rates.json"
COMMAND = "python tools/starting_rates.py"
STEPS = (100, 1000, 10_000)
SEEDS = (0, 1, 2)
BATCH = 32
WARMUP_SHARE = 0.05
WIDTHS = (4, 3, 1)  # rates on each side of the first one, for each number of steps
NEAR = 1.03  # a rate is good if its mean loss is at most this multiple of the least one
DIGITS = (1, 2, 5)


@dataclass(frozen=True)
class Rule:
    """An optimizer of the search.

    Attributes
    ----------
    make : callable
        The class.
    guess : float
        Rate at which the search starts.
    arguments : dict
        Further arguments of the class.
    scheduled : bool
        Whether the rate decays to zero. It does not where the rule replaces the schedule.
    """

    make: Callable[..., Any]
    guess: float
    arguments: dict[str, Any] = field(default_factory=dict)
    scheduled: bool = True


DECAY = {"weight_decay": 0.01}
RULES = {
    "SGD": Rule(lamb_rs.SGD, 0.5),
    "SGD with momentum": Rule(lamb_rs.SGD, 0.1, {"momentum": 0.9}),
    "Adagrad": Rule(lamb_rs.Adagrad, 0.05),
    "RMSprop": Rule(lamb_rs.RMSprop, 0.005),
    "Adam": Rule(lamb_rs.Adam, 0.01),
    "AdamW": Rule(lamb_rs.AdamW, 0.01, DECAY),
    "NAdam": Rule(lamb_rs.Nadam, 0.01),
    "RAdam": Rule(lamb_rs.RAdam, 0.02),
    "Adafactor": Rule(lamb_rs.Adafactor, 0.05, {"relative_step": False}),
    "Lion": Rule(lamb_rs.Lion, 0.002, {"weight_decay": 0.1}),
    "LAMB": Rule(lamb_rs.Lamb, 0.02, DECAY),
    "LARS": Rule(lamb_rs.Lars, 5.0, {"weight_decay": 1e-4}),
    "Muon": Rule(lamb_rs.Muon, 0.02, DECAY),
    "Schedule-Free AdamW": Rule(lamb_rs.ScheduleFreeAdamW, 0.02, DECAY, scheduled=False),
    "Schedule-Free SGD": Rule(lamb_rs.ScheduleFreeSGD, 1.0, scheduled=False),
    "Prodigy": Rule(lamb_rs.Prodigy, 1.0),
    "Adadelta": Rule(lamb_rs.Adadelta, 10.0),
    "AdaBelief": Rule(lamb_rs.AdaBelief, 0.02),
    "Adan": Rule(lamb_rs.Adan, 0.02),
    "ADOPT": Rule(lamb_rs.Adopt, 0.01),
    "AdEMAMix": Rule(lamb_rs.AdEMAMix, 0.01),
    "NovoGrad": Rule(lamb_rs.NovoGrad, 0.02),
    "Ranger": Rule(lamb_rs.Ranger, 0.05),
}


class Networks:
    """Equal multi-layer perceptrons, trained side by side: a row per rate, a column per seed.

    NumPy multiplies the matrices of all of them in one call, which saves most of its overhead.

    Parameters
    ----------
    sizes : list of int
        Widths of the layers, input first.
    rates : int
        Number of rows.
    """

    def __init__(self, sizes: list[int], rates: int) -> None:
        shapes = list(pairwise(sizes))
        grid = (rates, len(SEEDS))
        self.kernels = [np.empty((*grid, *shape), np.float32) for shape in shapes]
        self.biases = [np.zeros((*grid, 1, width), np.float32) for _, width in shapes]
        for column, seed in enumerate(SEEDS):
            rng = np.random.default_rng(seed)
            for kernel, (inputs, outputs) in zip(self.kernels, shapes, strict=True):
                spread = np.sqrt(2 / inputs)  # He and others 2015
                kernel[:, column] = spread * rng.standard_normal((inputs, outputs))
        self.gradients = [np.empty_like(array) for array in (*self.kernels, *self.biases)]

    def parameters(self, row: int, column: int) -> dict[str, NDArray[np.float32]]:
        """Return the parameters of one network."""
        return self._of_one([*self.kernels, *self.biases], row, column)

    def gradient(self, row: int, column: int) -> dict[str, NDArray[np.float32]]:
        """Return the gradients of one network."""
        return self._of_one(self.gradients, row, column)

    def forward(self, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the outputs of every layer; inputs have shape (columns, batch, width)."""
        outputs = [inputs[np.newaxis]]
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            values = outputs[-1] @ kernel
            values += bias
            if kernel is not self.kernels[-1]:
                np.maximum(values, 0, out=values)
            outputs.append(values)
        return outputs

    def backward(self, outputs: list[NDArray[np.float32]], labels: NDArray[np.int64]) -> None:
        """Compute the gradients of the mean cross-entropy."""
        delta = np.exp(outputs[-1] - outputs[-1].max(axis=-1, keepdims=True))
        delta /= delta.sum(axis=-1, keepdims=True)
        columns, batch = labels.shape
        delta[:, np.arange(columns)[:, np.newaxis], np.arange(batch), labels] -= 1
        delta /= batch
        layers = len(self.kernels)
        for layer in reversed(range(layers)):
            below = outputs[layer]
            np.matmul(below.swapaxes(-1, -2), delta, out=self.gradients[layer])
            np.sum(delta, axis=-2, keepdims=True, out=self.gradients[layers + layer])
            if layer:
                delta = delta @ self.kernels[layer].swapaxes(-1, -2)
                delta *= below > 0

    def losses(self, inputs: NDArray[np.float32], labels: NDArray[np.int64]) -> Any:
        """Return the mean cross-entropy of each network on the same data."""
        logits = self.forward(inputs[np.newaxis])[-1].astype(np.float64)
        logits -= logits.max(axis=-1, keepdims=True)
        right = logits[:, :, np.arange(len(labels)), labels]
        return np.mean(np.log(np.exp(logits).sum(axis=-1)) - right, axis=-1)

    @staticmethod
    def _of_one(arrays: list[Any], row: int, column: int) -> dict[str, NDArray[np.float32]]:
        half = len(arrays) // 2
        names = [f"layer_{n}_{part}" for part in ("kernel", "bias") for n in range(half)]
        return {name: array[row, column] for name, array in zip(names, arrays, strict=True)}


@dataclass(frozen=True)
class Problem:
    """A data set, and the network that learns it.

    Attributes
    ----------
    about : str
        One sentence for the results.
    sizes : list of int
        Widths of the network, input first.
    draw : callable
        ``draw(rng, steps)`` yields that many batches of inputs and labels.
    held_out : tuple of arrays
        Inputs and labels of the loss that is compared; never trained on.
    """

    about: str
    sizes: list[int]
    draw: Callable[[np.random.Generator, int], Iterator[tuple[Any, Any]]]
    held_out: tuple[Any, Any]

    def losses(self, rule: Rule, rates: list[float], steps: int) -> list[list[float]]:
        """Train once per rate and seed, and return the losses on the held-out data."""
        networks = Networks(self.sizes, len(rates))
        runs = []
        for row, rate in enumerate(rates):
            for column, seed in enumerate(SEEDS):
                optimizer = make(rule, rate, steps, seed)
                optimizer.build(networks.parameters(row, column))
                runs.append((optimizer, networks.gradient(row, column)))
        batches = [self.draw(np.random.default_rng(seed), steps) for seed in SEEDS]
        with np.errstate(all="ignore"):
            for batch in zip(*batches, strict=True):
                inputs, labels = (np.stack(arrays) for arrays in zip(*batch, strict=True))
                networks.backward(networks.forward(inputs), labels)
                for optimizer, gradient in runs:
                    optimizer.apply(gradient)
            with ExitStack() as stack:
                for optimizer, _ in runs:
                    stack.enter_context(evaluated(optimizer))
                found = networks.losses(*self.held_out)
        return np.where(np.isfinite(found), found, np.inf).tolist()


@cache
def images() -> Problem:
    """Classify Fashion-MNIST at 14 x 14 pixels."""
    data = load()
    if data.name != "Fashion-MNIST":
        sys.exit(
            f"starting_rates: the search needs Fashion-MNIST and found {data.name}; "
            "python -m lamb_rs demo --fetch downloads it"
        )
    inputs, labels = halved(data.train_images), data.train_labels

    def draw(rng: np.random.Generator, steps: int) -> Iterator[tuple[Any, Any]]:
        order = rng.permutation(len(inputs))
        for step in range(steps):
            first = step * BATCH % (len(order) - BATCH)
            chosen = order[first : first + BATCH]
            yield inputs[chosen], labels[chosen]

    sizes = [inputs.shape[1], 48, 24, data.classes]
    about = "Fashion-MNIST at 14 x 14 pixels, 10 classes; loss of 2000 test images"
    held_out = halved(data.test_images[:2000]), data.test_labels[:2000]
    return Problem(about, sizes, draw, held_out)


@cache
def text() -> Problem:
    """Predict the next character of the Python reference from the eight before it."""
    symbols = "\0 \n.,'abcdefghijklmnopqrstuvwxyz"
    context = 8
    written = re.sub(f"[^{symbols[1:]}]+", "\0", corpus().lower())
    codes = np.array([symbols.index(character) for character in written])
    windows = np.lib.stride_tricks.sliding_window_view(codes, context + 1)
    split = len(windows) * 9 // 10
    ones = np.eye(len(symbols), dtype=np.float32)

    def encode(rows: NDArray[np.int64]) -> tuple[Any, Any]:
        return ones[rows[:, :-1]].reshape(len(rows), -1), rows[:, -1]

    def draw(rng: np.random.Generator, steps: int) -> Iterator[tuple[Any, Any]]:
        for _ in range(steps):
            yield encode(windows[rng.integers(0, split, BATCH)])

    held_out = np.random.default_rng(0).integers(split + context, len(windows), 2000)
    sizes = [context * len(symbols), 64, len(symbols)]
    about = (
        f"text of the Python reference ({len(codes)} characters, 32 symbols): the next character "
        "from the eight before it, as one-hot vectors; loss of 2000 held-out positions"
    )
    return Problem(about, sizes, draw, encode(windows[held_out]))


def corpus() -> str:
    """Return the text that Python's own help shows."""
    from pydoc_data.topics import topics  # noqa: PLC0415

    return "\n".join(topics[name] for name in sorted(topics))


PROBLEMS = {"images": images, "text": text}


def rate_of(index: int) -> float:
    """Return the rate with this place in the grid; 0 is 1."""
    decade, digit = divmod(index, len(DIGITS))
    return float(f"{DIGITS[digit]}e{decade}")


def index_of(rate: float) -> int:
    """Return the place of a rate in the grid."""
    return next(index for index in range(-30, 30) if rate_of(index) >= 0.999 * rate)


def make(rule: Rule, rate: float, steps: int, seed: int) -> Any:
    """Make the optimizer of one run."""
    warmup = max(1, round(WARMUP_SHARE * steps))
    learning_rate: Any = rate
    arguments = dict(rule.arguments)
    if rule.scheduled:
        cosine = schedules.CosineDecay(rate, decay_steps=steps - warmup)
        learning_rate = schedules.Warmup(cosine, warmup, rate / (warmup + 1))
    else:
        arguments["warmup_steps"] = warmup
    optimizer = rule.make(learning_rate, seed=seed, **arguments)
    if rule.arguments.get("weight_decay"):
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.exclude_from_layer_adaptation(var_names=["bias"])
    return optimizer


def search(name: str, problem: str) -> dict[str, Any]:
    """Search the best rate of one rule on one problem, for every number of steps.

    A longer run starts from the best rate of the shorter one.
    """
    rule, task = RULES[name], PROBLEMS[problem]()
    found: dict[str, Any] = {}
    middle = index_of(rule.guess)
    for steps, width in zip(STEPS, WIDTHS, strict=True):
        losses: dict[int, list[float]] = {}
        wanted = list(range(middle - width, middle + width + 1))
        while wanted:
            tried = task.losses(rule, [rate_of(index) for index in wanted], steps)
            losses.update(zip(wanted, tried, strict=True))
            low, middle, high = good_range(losses)
            wanted = [index for index in (low - 1, high + 1) if index not in losses]
        found[str(steps)] = summary(losses)
    return found


def good_range(losses: dict[int, list[float]]) -> tuple[int, int, int]:
    """Return the least good rate, the best and the largest good one, as places in the grid."""
    means = {index: float(np.mean(values)) for index, values in losses.items()}
    best = min(means, key=means.__getitem__)
    low = high = best
    while means.get(low - 1, np.inf) <= NEAR * means[best]:
        low -= 1
    while means.get(high + 1, np.inf) <= NEAR * means[best]:
        high += 1
    return low, best, high


def summary(losses: dict[int, list[float]]) -> dict[str, Any]:
    """Describe the results of one grid; a loss of null is a run that diverged."""
    low, best, high = good_range(losses)
    return {
        "best": rate_of(best),
        "good": [rate_of(low), rate_of(high)],
        "loss": round(float(np.mean(losses[best])), 4),
        "spread": round(float(np.std(losses[best], ddof=1)), 4),
        "rates": [rate_of(index) for index in sorted(losses)],
        "losses": [
            [round(loss, 4) if np.isfinite(loss) else None for loss in losses[index]]
            for index in sorted(losses)
        ],
    }


def about() -> dict[str, Any]:
    """Describe what all searches have in common."""
    problems = {name: make_problem() for name, make_problem in PROBLEMS.items()}
    return {
        "command": COMMAND,
        "lamb_rs": lamb_rs.__version__,
        "numerics_version": lamb_rs.info()["numerics_version"],
        "numpy": np.__version__,
        "python": platform.python_version(),
        "text_sha256": hashlib.sha256(corpus().encode()).hexdigest(),
        "seeds": list(SEEDS),
        "batch": BATCH,
        "schedule": (
            f"linear warm-up over {WARMUP_SHARE:.0%} of the steps, then half a cosine to zero; "
            "schedule-free rules keep the rate after the warm-up"
        ),
        "good": f"mean loss at most {NEAR} times the least",
        "spread": "standard deviation of the loss at the best rate over the seeds",
        "problems": {
            name: {"about": problem.about, "network": "-".join(map(str, problem.sizes))}
            for name, problem in problems.items()
        },
    }


def row(name: str) -> dict[str, Any]:
    """Describe one rule, without results."""
    rule = RULES[name]
    return {
        "class": rule.make.__name__,
        "arguments": rule.arguments,
        "decays": rule.scheduled,
        "results": {},
    }


def main() -> None:
    """Search, and write the file after each rule."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rules", nargs="*", metavar="RULE", help="default: all")
    parser.add_argument("--processes", type=int, default=2, help="default: 2")
    arguments = parser.parse_args()
    names = arguments.rules or list(RULES)
    unknown = [name for name in names if name not in RULES]
    if unknown:
        parser.error(f"unknown rule {unknown[0]!r}; known: {', '.join(RULES)}")
    table = json.loads(FILE.read_text(encoding="utf-8"))["rules"] if FILE.exists() else {}
    table.update({name: row(name) for name in names})
    units = [(name, problem) for name in names for problem in PROBLEMS]
    started = perf_counter()
    with ProcessPoolExecutor(arguments.processes) as pool:
        pending = {pool.submit(search, *unit): unit for unit in units}
        for done, future in enumerate(as_completed(pending), 1):
            name, problem = pending[future]
            table[name]["results"][problem] = future.result()
            write(table)
            best = ", ".join(f"{cell['best']:g}" for cell in future.result().values())
            seconds = perf_counter() - started
            print(f"{done} of {len(units)}, {seconds:.0f} s: {name}, {problem}: {best}", flush=True)


def write(table: dict[str, Any]) -> None:
    """Write the finished rules, in the order of `RULES`."""
    rules = {}
    for name in RULES:
        if table.get(name, {}).get("results"):
            results = table[name]["results"]
            ordered = {problem: results[problem] for problem in PROBLEMS if problem in results}
            rules[name] = {**table[name], "results": ordered}
    written = compact(json.dumps({**about(), "rules": rules}, indent=1))
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(written + "\n", encoding="utf-8")


def compact(written: str) -> str:
    """Put lists of numbers on one line each."""
    joined = re.compile(r"\[[^\[\]{}\"]*\]")
    return joined.sub(lambda found: re.sub(r"\s+", " ", found[0]), written)


if __name__ == "__main__":
    main()
