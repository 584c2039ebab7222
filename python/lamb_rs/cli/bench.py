"""``bench``: time of a step, compared with the time that moving its bytes takes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs
from lamb_rs.cli.machine import cpu, description
from lamb_rs.cli.peers import Arrays, Step, peers
from lamb_rs.cli.table import finite, text_table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from numpy.typing import NDArray

SIZES: dict[str, list[tuple[int, ...]]] = {
    "6 tensors, 235 k": [(784, 256), (256,), (256, 128), (128,), (128, 10), (10,)],
    "1 tensor, 4 M": [(2000, 2000)],
    "1 tensor, 16 M": [(4096, 4096)],
}
OURS = "lamb_rs"
FLOOR = "memory floor"
NUMPY = "floor in NumPy"
_SECONDS_PER_CASE = 1.2
SHORTEST_SAMPLE = 2e-3


@dataclass(frozen=True)
class Rule:
    """A rule to time, and the passes over memory that it needs at least.

    Attributes
    ----------
    make : callable
        Returns the optimizer.
    passes : tuple of (int, int)
        For each pass, how many arrays are read and written, and how many are only read.
    """

    make: Callable[[], Any]
    passes: tuple[tuple[int, int], ...]

    @property
    def bytes_per_element(self) -> int:
        """Bytes read and written per parameter."""
        return sum(8 * changed + 4 * read for changed, read in self.passes)


RULES = {
    "SGD": Rule(lambda: lamb_rs.SGD(1e-3, momentum=0.9, weight_decay=0.01), ((2, 1),)),
    "Lion": Rule(lambda: lamb_rs.Lion(1e-3, weight_decay=0.01), ((2, 1),)),
    "AdamW": Rule(lambda: lamb_rs.AdamW(1e-3, weight_decay=0.01), ((3, 1),)),
    # The first pass computes the moments and the norms, the second one uses the norms.
    "LAMB": Rule(lambda: lamb_rs.Lamb(1e-3, weight_decay=0.01), ((2, 2), (1, 2))),
}


@dataclass(frozen=True)
class Timing:
    """One row of the table.

    Attributes
    ----------
    rule, size, who : str
        What was timed; `who` is the library, or the floor.
    milliseconds : float
        Median time of a step.
    gigabytes_per_second : float
        Bytes of the floor per median time.
    to_floor : tuple of float
        Quartiles of the ratio to the floor in the same round, the median in the middle.
    to_ours : tuple of float
        The same for the ratio to this library.
    bytes_per_element : int
        Bytes that the floor moves.
    rounds : int
        Number of rounds.
    """

    rule: str
    size: str
    who: str
    milliseconds: float
    gigabytes_per_second: float
    to_floor: tuple[float, float, float]
    to_ours: tuple[float, float, float]
    bytes_per_element: int
    rounds: int


def add_parser(commands: Any) -> None:
    """Add ``bench`` to the subcommands."""
    parser = commands.add_parser(
        "bench",
        help="time steps, and compare them with the speed of memory and with torch and optax",
        description=(
            "Time one step of SGD, Lion, AdamW and LAMB at three sizes. In every round, these take "
            "turns: the memory floor (the same bytes read and written in place, on the threads of "
            "this library), the same in NumPy on one thread, this library, and torch and optax if "
            "they are installed. The table shows medians of the ratios within a round, because the "
            "speed of memory on a shared machine changes between rounds. Takes about 20 seconds, "
            "longer with torch and optax."
        ),
    )
    parser.add_argument("--json", action="store_true", help="results as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Time everything and print it."""
    if not arguments.json:
        print(
            f"Timing {len(RULES)} rules at {len(SIZES)} sizes. Expected time: 20 s, longer with "
            f"torch and optax.\nMachine: {description()}."
        )
    timings = [
        timing
        for size, shapes in SIZES.items()
        for rule in RULES
        for timing in time_case(rule, size, shapes, _SECONDS_PER_CASE)
    ]
    if arguments.json:
        rows = [asdict(timing) for timing in timings]
        print(json.dumps(finite({"cpu": cpu(), "info": lamb_rs.info(), "timings": rows})))
    else:
        print(f"\n{table(timings)}\n\n{explanation(timings)}")


def time_case(rule: str, size: str, shapes: list[tuple[int, ...]], seconds: float) -> list[Timing]:
    """Time one rule at one size.

    Parameters
    ----------
    rule : str
        Key of `RULES`.
    size : str
        Name for the table.
    shapes : list of tuple
        Of the parameters.
    seconds : float
        Time to spend, after warm-up; at least five rounds are made.

    Returns
    -------
    list of Timing
        The floor, this library, the floor in NumPy, then the other packages.
    """
    parameters: Arrays = lamb_rs.aligned([np.full(shape, 0.1, np.float32) for shape in shapes])
    gradients: Arrays = lamb_rs.aligned([np.full(shape, 0.01, np.float32) for shape in shapes])
    optimizer = RULES[rule].make()
    optimizer.build(parameters)
    size_of_all = sum(array.size for array in parameters)
    steps: dict[str, Step] = {
        FLOOR: _floor(RULES[rule], size_of_all, lamb_rs.stream_floor),
        OURS: lambda: optimizer.apply(gradients),
        NUMPY: _floor(RULES[rule], size_of_all, _numpy_stream),
        **peers(rule, shapes),
    }
    samples = _interleaved(steps, seconds)
    return [
        Timing(
            rule=rule,
            size=size,
            who=who,
            milliseconds=1e3 * float(np.median(samples[who])),
            gigabytes_per_second=(
                1e-9 * RULES[rule].bytes_per_element * size_of_all / float(np.median(samples[who]))
            ),
            to_floor=quartiles(samples[who] / samples[FLOOR]),
            to_ours=quartiles(samples[who] / samples[OURS]),
            bytes_per_element=RULES[rule].bytes_per_element,
            rounds=len(samples[who]),
        )
        for who in steps
    ]


def table(timings: list[Timing]) -> str:
    """Return the timings as text."""
    rows: list[list[str]] = []
    for previous, timing in zip([None, *timings], timings, strict=False):
        if previous is not None and previous.size != timing.size:
            rows.append([])
        rows.append(
            [
                timing.size,
                timing.rule,
                timing.who,
                f"{timing.milliseconds:.3f}",
                f"{timing.gigabytes_per_second:.1f}",
                "" if timing.who == FLOOR else _ratio(timing.to_floor),
                "" if timing.who == OURS else _ratio(timing.to_ours),
            ]
        )
    header = ["parameters", "rule", "library", "ms", "GB/s", "time / floor", f"time / {OURS}"]
    return text_table(header, rows, left=3)


def explanation(timings: list[Timing]) -> str:
    """Return the meaning of the columns, with the machine and the speed of its memory."""
    fastest = max(timing.gigabytes_per_second for timing in timings if timing.who == FLOOR)
    slowest = min(timing.gigabytes_per_second for timing in timings if timing.who == FLOOR)
    return (
        "Ratios: median of the rounds [quartiles]; less is faster. GB/s: bytes of the memory floor "
        f"per time of a step.\n{description()}; memory floor {slowest:.0f} to {fastest:.0f} GB/s."
    )


def _floor(rule: Rule, size: int, stream: Callable[[Arrays, int], None]) -> Step:
    changed, read = np.max(rule.passes, axis=0)
    arrays: Arrays = lamb_rs.aligned([np.ones(size, np.float32) for _ in range(changed + read)])

    def step() -> None:
        for changing, reading in rule.passes:
            stream(arrays[: changing + reading], reading)

    return step


def _numpy_stream(arrays: Arrays, reads: int) -> None:
    for array in arrays[: len(arrays) - reads]:
        np.multiply(array, 1, out=array)
    for array in arrays[len(arrays) - reads :]:
        array.max()


def _interleaved(steps: dict[str, Step], seconds: float) -> dict[str, NDArray[np.float64]]:
    repeats = {}
    for who, step in steps.items():
        step()
        step()
        once = seconds_of(step, 3)
        repeats[who] = max(1, round(SHORTEST_SAMPLE / max(once, 1e-9)))
    rounds: dict[str, list[float]] = {who: [] for who in steps}
    ended = perf_counter() + seconds
    while len(rounds[FLOOR]) < 5 or perf_counter() < ended:
        for who, step in steps.items():
            rounds[who].append(seconds_of(step, repeats[who]))
    return {who: np.array(samples) for who, samples in rounds.items()}


def seconds_of(step: Step, times: int) -> float:
    """Return the mean time of a step."""
    started = perf_counter()
    for _ in range(times):
        step()
    return (perf_counter() - started) / times


def quartiles(ratios: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile."""
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    return float(low), float(middle), float(high)


def _ratio(quartiles: tuple[float, float, float]) -> str:
    low, middle, high = quartiles
    return f"{middle:.2f} [{low:.2f} {high:.2f}]"
