"""What narrow states save and cost: memory and accuracy on the demo, time, and small gradients.

    python benches/narrow_states.py              # all three tables, as Markdown: some minutes
    python benches/narrow_states.py small        # one of them: small, demo or time

The table of times needs a quiet machine; the others are the same on every machine.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from statistics import mean, median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs
from lamb_rs.cli.demo.training import CONTENDERS, plan_for, train
from lamb_rs.cli.images.sources import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STORAGES = ("float32", "bfloat16", "float8")
# Small gradients: elements, updates, and the constant part of the gradient beside noise of 1.
ELEMENTS, UPDATES, SIGNAL = 16384, 300, 0.3
BLOCK = 256
SEEDS = range(3)
LARGE, ROUNDS = 1 << 25, 15


def small() -> Iterator[str]:
    """How many times slower elements move whose gradients are small in their block."""
    titles = [f"{rule}, {storage}" for rule in ("AdamW", "Lamb") for storage in STORAGES[1:]]
    yield f"| gradient | {' | '.join(titles)} |"
    yield "| --- " * 5 + "|"
    for exponent in range(8):
        share = 10.0**-exponent
        cells = []
        for rule in (lamb_rs.AdamW, lamb_rs.Lamb):
            full = moved(rule, "float32", share)
            cells += [f"{full / moved(rule, storage, share):.3g}" for storage in STORAGES[1:]]
        yield f"| 1e-{exponent} | {' | '.join(cells)} |"


def moved(rule: Callable[..., Any], storage: str, share: float) -> float:
    """How far the small elements of all blocks go, on average.

    The gradient is signal and noise. The first element of each block has a scale of 1, all others
    have the scale `share`.
    """
    rng = np.random.default_rng(0)
    scale = np.full(ELEMENTS, share, np.float32)
    scale[::BLOCK] = 1.0
    # Epsilon would slow small elements down in any storage.
    optimizer = rule(learning_rate=1e-3, weight_decay=0.0, epsilon=1e-12, state_dtype=storage)
    params = [np.ones(ELEMENTS, np.float32)]
    optimizer.build(params)
    for _ in range(UPDATES):
        noise = rng.standard_normal(ELEMENTS, dtype=np.float32)
        optimizer.apply([scale * (np.float32(SIGNAL) + noise)])
    is_small = np.arange(ELEMENTS) % BLOCK != 0
    return float(1.0 - params[0][is_small].mean(dtype=np.float64))


def demo() -> Iterator[str]:
    """Memory of the state and accuracy on the demo, the mean over the seeds."""
    data = load(None)
    yield f"{data.name}, {len(SEEDS)} seeds:"
    yield ""
    yield "| optimizer | state | bytes per parameter | test accuracy, % | lowest and highest |"
    yield "| --- " * 5 + "|"
    for contender in CONTENDERS:
        for storage in STORAGES:
            plans = [plan_for(data, seed, storage, None) for seed in SEEDS]
            runs = [train(data, plan, contender, contender.rates(plan)[1], int) for plan in plans]
            sizes = plans[0].sizes
            count = sum((a + 1) * b for a, b in pairwise(sizes))
            accuracies = [100.0 * run.accuracy for run in runs]
            yield (
                f"| {contender.name} | {storage} | {runs[0].state_bytes / count:.2f} "
                f"| {mean(accuracies):.2f} | {min(accuracies):.2f} to {max(accuracies):.2f} |"
            )


def time() -> Iterator[str]:
    """Time of a step, relative to that with float32 state; medians of interleaved rounds."""
    yield f"SIMD level {lamb_rs.info()['simd']}, {LARGE >> 20} Mi elements:"
    yield ""
    yield "| optimizer | " + " | ".join(STORAGES) + " |"
    yield "| --- " * 4 + "|"
    for rule in (lamb_rs.AdamW, lamb_rs.Lamb, lamb_rs.Lion):
        optimizers = [rule(state_dtype=storage) for storage in STORAGES]
        params = lamb_rs.aligned([np.ones(LARGE, np.float32)])
        gradients = lamb_rs.aligned([np.full(LARGE, 1e-3, np.float32)])
        for optimizer in optimizers:
            optimizer.build(params)
            optimizer.apply(gradients)
        rounds = [[seconds(one, gradients) for one in optimizers] for _ in range(ROUNDS)]
        ratios = [median(row[k] / row[0] for row in rounds) for k in range(len(STORAGES))]
        yield f"| {rule.__name__} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |"


def seconds(optimizer: Any, gradients: Any) -> float:
    """Time of one step."""
    started = perf_counter()
    optimizer.apply(gradients)
    return perf_counter() - started


TABLES: dict[str, Callable[[], Iterator[str]]] = {"small": small, "demo": demo, "time": time}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("table", nargs="?", choices=TABLES, help="default: all of them")
    chosen = parser.parse_args().table
    for name, table in TABLES.items():
        if chosen in (None, name):
            for line in table():
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main()
