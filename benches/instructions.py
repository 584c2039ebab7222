"""Instructions per element of every rule, state storage and SIMD level, counted under callgrind.

Times on a shared machine hide a loop that is no longer vectorized; instructions do not. Each count
is the difference between two sizes, divided by the elements and steps between them, so that only
the work per element remains. Valgrind does not know AVX-512, so the levels are SSE2 and AVX2.

    python benches/instructions.py            # compare with instructions.txt; fails when above
    python benches/instructions.py --write    # lower the limits to what is measured, add new rules
    python benches/instructions.py --write --raise NAME...    # and raise the limits of these rules

Needs valgrind, cargo and an x86-64 CPU with AVX2. `make instructions` calls it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
BUDGETS = Path(__file__).with_name("instructions.txt")
STORAGES = ("float32", "bfloat16", "float8")
LEVELS = ("sse2", "avx2")
SIZES = (16384, 49152)
STEPS = 3
ROOM = 1.1
HEADER = f"""\
# Most instructions per element and step on one thread: the lowest count measured, and 10 % more.
# Written by python benches/instructions.py --write
# {"algorithm":<18}{"level":<6}{"".join(f"{storage:>10}" for storage in STORAGES)}
"""

# (algorithm, level) -> a number for each storage.
Table = dict[tuple[str, str], tuple[float, ...]]


def output(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder of the crate."""
    done = subprocess.run(  # noqa: S603 - the commands are those of this file
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done


def build() -> str:
    """Build examples/steps.rs and return the program."""
    command = ["cargo", "build", "--release", "--example", "steps", "--message-format=json"]
    (program,) = re.findall(r'"executable":"([^"]*)"', output(command).stdout)
    return str(program)


def count(program: str, algorithm: str, level: str, storage: str, elements: int) -> int:
    """Instructions of all steps over one tensor."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    steps = [program, algorithm, storage, str(elements), str(STEPS), level]
    done = output([*valgrind, "--toggle-collect=steps::train*", *steps])
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if collected is None or int(collected[1]) < elements:
        raise SystemExit(f"callgrind did not find what to count:\n{done.stderr}")
    return int(collected[1])


def slopes(counts: Iterator[int]) -> tuple[float, ...]:
    """Instructions per element and step for each storage, from counts at both sizes."""
    return tuple((next(counts) - small) / (SIZES[1] - SIZES[0]) / STEPS for small in counts)


def measure(program: str) -> Table:
    """Measure every registered algorithm, level and storage, and print the rows."""
    print("instructions per element and step")
    print(f"{'':<26}{''.join(f'{storage:>10}' for storage in STORAGES)}")
    rows = list(product(output([program, "list"]).stdout.split(), LEVELS))
    runs = [(program, *row, *run) for row in rows for run in product(STORAGES, SIZES)]
    measured = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(lambda run: count(*run), runs)
        for row in rows:
            measured[row] = slopes(islice(counts, len(STORAGES) * len(SIZES)))
            print(
                f"{row[0]:<20}{row[1]:<6}{''.join(f'{x:>10.2f}' for x in measured[row])}",
                flush=True,
            )
    return measured


def read_budgets() -> Table:
    """The committed limits."""
    lines = [line.split() for line in BUDGETS.read_text().splitlines() if line[:1] != "#"]
    return {(name, level): tuple(map(float, limits)) for name, level, *limits in lines}


def write_budgets(budgets: Table) -> None:
    """Write the file of limits."""
    lines = [
        f"{name:<20}{level:<6}{''.join(f'{x:>10.2f}' for x in limits)}\n"
        for (name, level), limits in budgets.items()
    ]
    BUDGETS.write_text(HEADER + "".join(lines))


def lowered(measured: Table, budgets: Table, raised: list[str]) -> Table:
    """Limits that follow from what was measured; those of `raised` may be higher than before."""
    new = {}
    for row, counts in measured.items():
        old = budgets.get(row, ()) if row[0] not in raised else ()
        room = tuple(round(ROOM * x, 2) for x in counts)
        new[row] = tuple(map(min, room, old)) if old else room
    return new


def complaints(measured: Table, budgets: Table) -> list[str]:
    """A sentence for each count above its limit, and each row on one side only."""
    found = [f"{' '.join(row)} has no limit: --write adds one" for row in measured.keys() - budgets]
    found += [f"{' '.join(row)} has a limit but no rule" for row in budgets.keys() - measured]
    for row in measured.keys() & budgets:
        found += [
            f"{' '.join(row)} {storage}: {x:.2f} instructions per element, at most {limit:.2f}"
            for storage, x, limit in zip(STORAGES, measured[row], budgets[row], strict=True)
            if x > limit
        ]
    return sorted(found)


def missing() -> str | None:
    """What keeps this machine from counting, if anything does."""
    tools = [tool for tool in ("valgrind", "cargo") if shutil.which(tool) is None]
    if tools:
        return f"not installed: {', '.join(tools)}"
    cpu = Path("/proc/cpuinfo")
    if not cpu.exists() or " avx2 " not in cpu.read_text():
        return "this CPU does not have AVX2"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="rewrite instructions.txt")
    parser.add_argument("--raise", nargs="+", default=[], metavar="NAME", dest="raised")
    arguments = parser.parse_args()
    if (reason := missing()) is not None:
        parser.exit(2, f"instructions cannot be counted: {reason}\n")
    measured = measure(build())
    budgets = read_budgets()
    if arguments.write:
        budgets = lowered(measured, budgets, arguments.raised)
        write_budgets(budgets)
    found = complaints(measured, budgets)
    print("\n".join(found) or "all within their limits")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
