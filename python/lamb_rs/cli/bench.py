"""``bench``: what a step costs, as a multiple of the least time its bytes need in memory."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs
from lamb_rs import _core
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
NUMPY = "floor by NumPy"
_SECONDS_PER_CASE = 1.2
_SHORTEST_SAMPLE = 2e-3


@dataclass(frozen=True)
class Rule:
    """A rule to time, and the passes over memory that it cannot do without.

    Attributes
    ----------
    make : callable
        Returns the optimizer.
    passes : tuple of (int, int)
        For each pass, how many arrays are read and written, and how many only read.
    """

    make: Callable[[], Any]
    passes: tuple[tuple[int, int], ...]

    @property
    def bytes_per_element(self) -> int:
        """Read and written, per parameter."""
        return sum(8 * changed + 4 * read for changed, read in self.passes)


RULES = {
    "SGD": Rule(lambda: lamb_rs.SGD(1e-3, momentum=0.9, weight_decay=0.01), ((2, 1),)),
    "Lion": Rule(lambda: lamb_rs.Lion(1e-3, weight_decay=0.01), ((2, 1),)),
    "AdamW": Rule(lambda: lamb_rs.AdamW(1e-3, weight_decay=0.01), ((3, 1),)),
    # Moments and norms first; the step needs the norms, and so a second pass.
    "LAMB": Rule(lambda: lamb_rs.Lamb(1e-3, weight_decay=0.01), ((2, 2), (1, 2))),
}


@dataclass(frozen=True)
class Timing:
    """One line of the result.

    Attributes
    ----------
    rule, size, who : str
        What was timed; `who` is the library.
    milliseconds : float
        Median time of a step.
    to_floor : tuple of float
        Quartiles, median in the middle, of the ratio to the floor of the same round.
    to_ours : tuple of float
        The same, to this library's step.
    bytes_per_element : int
        Behind the floor.
    rounds : int
        Number of rounds.
    """

    rule: str
    size: str
    who: str
    milliseconds: float
    to_floor: tuple[float, float, float]
    to_ours: tuple[float, float, float]
    bytes_per_element: int
    rounds: int


def add_parser(commands: Any) -> None:
    """Add ``bench`` to the subcommands."""
    parser = commands.add_parser(
        "bench",
        help="time steps against the speed of memory, and against torch and optax if installed",
        description=(
            "Time one step of SGD, Lion, AdamW and LAMB at three sizes. In every round the floor "
            "(the same bytes streamed in place, on this library's threads), the same by NumPy on "
            "one thread, this library and each installed peer take turns; the table shows medians "
            "of the ratios within a round, because memory on a shared machine changes its speed "
            "between rounds. Takes about 20 seconds, longer with peers."
        ),
    )
    parser.add_argument("--json", action="store_true", help="results as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Time everything and print it."""
    if not arguments.json:
        print(
            f"{lamb_rs.get_num_threads()} threads, SIMD {lamb_rs.info()['simd']}. Floor: the same "
            f"bytes streamed in place on as many threads."
        )
    timings = [
        timing
        for size, shapes in SIZES.items()
        for rule in RULES
        for timing in time_case(rule, size, shapes, _SECONDS_PER_CASE)
    ]
    if arguments.json:
        rows = [asdict(timing) for timing in timings]
        print(json.dumps(finite({"info": lamb_rs.info(), "timings": rows})))
    else:
        print(f"\n{table(timings)}\n")
        print("x: median of the ratios within each round [quartiles]; less is faster.")


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
        This library, NumPy's floor, then the peers.
    """
    parameters: Arrays = lamb_rs.aligned([np.full(shape, 0.1, np.float32) for shape in shapes])
    gradients: Arrays = lamb_rs.aligned([np.full(shape, 0.01, np.float32) for shape in shapes])
    optimizer = RULES[rule].make()
    optimizer.build(parameters)
    size_of_all = sum(array.size for array in parameters)
    steps: dict[str, Step] = {
        "floor": _floor(RULES[rule], size_of_all, _core.stream_floor),
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
            to_floor=_quartiles(samples[who] / samples["floor"]),
            to_ours=_quartiles(samples[who] / samples[OURS]),
            bytes_per_element=RULES[rule].bytes_per_element,
            rounds=len(samples[who]),
        )
        for who in steps
        if who != "floor"
    ]


def table(timings: list[Timing]) -> str:
    """Lay the timings out as text."""
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
                str(timing.bytes_per_element),
                _ratio(timing.to_floor),
                "" if timing.who == OURS else _ratio(timing.to_ours),
            ]
        )
    header = ["parameters", "rule", "library", "ms", "B/element", "x floor", f"x {OURS}"]
    return text_table(header, rows, left=3)


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
        once = _seconds(step, 3)
        repeats[who] = max(1, round(_SHORTEST_SAMPLE / max(once, 1e-9)))
    rounds: dict[str, list[float]] = {who: [] for who in steps}
    ended = perf_counter() + seconds
    while len(rounds["floor"]) < 5 or perf_counter() < ended:
        for who, step in steps.items():
            rounds[who].append(_seconds(step, repeats[who]))
    return {who: np.array(samples) for who, samples in rounds.items()}


def _seconds(step: Step, times: int) -> float:
    started = perf_counter()
    for _ in range(times):
        step()
    return (perf_counter() - started) / times


def _quartiles(ratios: NDArray[np.float64]) -> tuple[float, float, float]:
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    return float(low), float(middle), float(high)


def _ratio(quartiles: tuple[float, float, float]) -> str:
    low, middle, high = quartiles
    return f"{middle:.2f} [{low:.2f} {high:.2f}]"
