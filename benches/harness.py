"""Times whoever competes in a case in turns, and reports quotients of the same round.

The memory bandwidth of a shared machine moves from second to second: one after the other, two
programs meet different machines. Within a round they meet nearly the same one.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lamb_rs
from lamb_rs.cli.bench import SHORTEST_SAMPLE, quartiles, seconds_of
from lamb_rs.cli.peers import Step

Shapes = list[tuple[int, ...]]
Sizes = dict[str, Shapes]
Contestant = Callable[[Shapes], Step | None]
Samples = dict[str, NDArray[np.float64]]

MISSING = "not installed"
UNITS = {"ratio": 1.0, "us": 1e6, "ms": 1e3}
PACKAGES = ("numpy", "torch", "jax", "optax", "timm", "pytorch_optimizer")
SHORTEST_CASE = 0.3
# Seconds before each sample: the OpenMP threads of the contestant before it spin for milliseconds.
PAUSE = 0.02


@dataclass(frozen=True)
class Claim:
    """The comparison in a row of the table, and its goal.

    Attributes
    ----------
    who : str
        A contestant of the case.
    to : str, optional
        Another, to compare with; without it the time itself is reported.
    goal : str
        Such as ``"<= 1.05"``; empty for none.
    unit : str
        ``"ratio"`` is `who` over `to`; ``"us"`` and ``"ms"`` are a time, less that of `to`.
    """

    who: str
    to: str = ""
    goal: str = ""
    unit: str = "ratio"


@dataclass(frozen=True)
class Case:
    """Contestants that take turns.

    Attributes
    ----------
    name : str
        For the table and for ``--only``.
    size : str
        Name of the shapes of the parameters.
    contestants : dict
        Name to a function from shapes to a step, or to None where a package is missing. A pair
        of the name of other shapes and such a function runs on those.
    claims : sequence of Claim
        Rows of the table.
    """

    name: str
    size: str
    contestants: dict[str, Contestant | tuple[str, Contestant]]
    claims: Sequence[Claim]


@dataclass(frozen=True)
class Result:
    """A row of the table; times in milliseconds, `quartiles` with the median in the middle."""

    case: str
    size: str
    who: str
    to: str
    unit: str
    goal: str
    best: float | None = None
    median: float | None = None
    quartiles: tuple[float, float, float] | None = None
    rounds: int = 0
    met: bool | None = None


def run(case: Case, sizes: Sizes, rounds: int) -> list[Result]:
    """Time a case."""
    steps = {}
    for name, entry in case.contestants.items():
        size, make = entry if isinstance(entry, tuple) else (case.size, entry)
        step = make(sizes[size])
        if step is not None:
            steps[name] = step
    samples = interleaved(steps, rounds)
    return [judge(case, claim, samples) for claim in case.claims]


def interleaved(steps: dict[str, Step], rounds: int) -> Samples:
    """Seconds per step, one sample of each in every round; more rounds while they are short."""
    repeats = {}
    for name, step in steps.items():
        step()
        once = min(seconds_of(step, 1) for _ in range(3))
        repeats[name] = max(1, round(SHORTEST_SAMPLE / once))
    samples: dict[str, list[float]] = {name: [] for name in steps}
    ended = perf_counter() + SHORTEST_CASE
    done = 0
    while done < rounds or perf_counter() < ended:
        for name, step in steps.items():
            sleep(PAUSE)
            samples[name].append(seconds_of(step, repeats[name]))
        done += 1
    return {name: np.array(seconds) for name, seconds in samples.items()}


def judge(case: Case, claim: Claim, samples: Samples) -> Result:
    """Compare within the rounds."""
    row = Result(case.name, case.size, claim.who, claim.to, claim.unit, claim.goal)
    if claim.who not in samples or (claim.to and claim.to not in samples):
        return row
    seconds = samples[claim.who]
    if claim.unit == "ratio":
        values = seconds / samples[claim.to]
    else:
        values = UNITS[claim.unit] * (seconds - samples[claim.to] if claim.to else seconds)
    return measured(row, quartiles(values), 1e3 * seconds)


def measured(
    row: Result, quartiles: tuple[float, float, float], milliseconds: NDArray[np.float64]
) -> Result:
    """A row with its numbers, and whether the median meets the goal."""
    numbers = {
        "best": float(milliseconds.min()) if milliseconds.size else None,
        "median": float(np.median(milliseconds)) if milliseconds.size else None,
        "quartiles": quartiles,
        "rounds": milliseconds.size,
        "met": meets(quartiles[1], row.goal),
    }
    return Result(**{**asdict(row), **numbers})


def meets(value: float, goal: str) -> bool | None:
    """Whether a value meets a goal such as ``"<= 1.05"``; None without a goal."""
    if not goal:
        return None
    sign, limit = goal.split()
    return value <= float(limit) if sign == "<=" else value >= float(limit)


COLUMNS = ("case", "parameters", "measured", "best", "median", "result", "goal", "met")


def markdown(result: Result | None) -> str:
    """A line of the table; its head for None."""
    if result is None:
        return f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}"
    sign = "/" if result.unit == "ratio" else "-"
    what = f"{result.who} {sign} {result.to}" if result.to else result.who
    unit = "" if result.unit == "ratio" else f" {result.unit}"
    times, value = ("", ""), MISSING
    if result.quartiles is not None:
        low, middle, high = result.quartiles
        value = f"{middle:.2f} [{low:.2f} {high:.2f}]{unit}"
    if result.best is not None and result.median is not None:
        times = (_time(result.best), _time(result.median))
    met = {None: "", True: "yes", False: "no"}[result.met]
    goal = result.goal + unit if result.goal else ""
    return f"| {' | '.join((result.case, result.size, what, *times, value, goal, met))} |"


def header() -> dict[str, Any]:
    """Where, when, with what and how: what a table without is not worth reading."""
    information = lamb_rs.info()
    return {
        "machine": f"{_processor()}, {os.cpu_count()} logical CPUs, {platform.system()}",
        "load": f"{os.getloadavg()[0]:.1f} when started",
        "SIMD": information["simd"],
        "threads": f"{information['threads']} ({information['threads_source']})",
        "versions": ", ".join(
            [f"lamb_rs {information['version']}", f"Python {platform.python_version()}"]
            + [f"{name} {_version(name)}" for name in PACKAGES]
        ),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": f"python {shlex.join(sys.argv)}",
    }


def _time(milliseconds: float) -> str:
    return f"{1e3 * milliseconds:.3g} us" if milliseconds < 1 else f"{milliseconds:.4g} ms"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", path.read_text()) if path.exists() else None
    return found[1] if found else platform.machine()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return MISSING
