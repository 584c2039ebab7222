"""Instructions per element of every rule and state storage, counted under callgrind.

Times on a shared machine hide a loop that is no longer vectorised; instructions do not. Each count
is the difference between two sizes, divided by the elements and steps between them, so that only
what is done per element remains. The level is AVX2: valgrind does not know AVX-512.

    python benches/instructions.py            # compare with instructions.txt; fails when above
    python benches/instructions.py --write    # measure, and rewrite instructions.txt

Needs valgrind, cargo and an x86-64 CPU with AVX2.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUDGETS = Path(__file__).with_name("instructions.txt")
STORAGES = ("float32", "bfloat16", "float8")
LEVEL = "avx2"
SIZES = (16384, 49152)
STEPS = 3
ROOM = 1.1
HEADER = f"""\
# Most instructions per element and step, AVX2, one thread: what was measured, and 10 % more.
# Written by python benches/instructions.py --write
# {"algorithm":<18}{"".join(f"{storage:>10}" for storage in STORAGES)}
"""

Table = dict[str, tuple[float, ...]]


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


def count(program: str, algorithm: str, storage: str, elements: int) -> int:
    """Instructions of all steps over one tensor."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    steps = [program, algorithm, storage, str(elements), str(STEPS), LEVEL]
    done = output([*valgrind, "--toggle-collect=steps::train*", *steps])
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if collected is None or int(collected[1]) < elements:
        raise SystemExit(f"callgrind did not find what to count:\n{done.stderr}")
    return int(collected[1])


def measure(program: str) -> Table:
    """Instructions per element and step, for every registered algorithm and storage."""
    algorithms = output([program, "list"]).stdout.split()
    with ThreadPoolExecutor(2) as pool:
        runs = product(algorithms, STORAGES, SIZES)
        counts = list(pool.map(lambda run: count(program, *run), runs))
    slopes = [
        (large - small) / (SIZES[1] - SIZES[0]) / STEPS
        for small, large in zip(counts[::2], counts[1::2], strict=True)
    ]
    width = len(STORAGES)
    return {name: tuple(slopes[i * width : (i + 1) * width]) for i, name in enumerate(algorithms)}


def read_budgets() -> Table:
    """The committed limits."""
    lines = [line.split() for line in BUDGETS.read_text().splitlines() if line[:1] != "#"]
    return {name: tuple(map(float, limits)) for name, *limits in lines}


def write_budgets(measured: Table) -> None:
    """Make what was measured, and some room, the limits."""
    lines = [
        f"{name:<20}{''.join(f'{ROOM * x:>10.2f}' for x in counts)}\n"
        for name, counts in measured.items()
    ]
    BUDGETS.write_text(HEADER + "".join(lines))


def complaints(measured: Table, budgets: Table) -> list[str]:
    """A sentence for each count above its limit, and each algorithm on one side only."""
    found = [f"{name} has no budget: --write makes one" for name in measured.keys() - budgets]
    found += [f"{name} has a budget but is not registered" for name in budgets.keys() - measured]
    for name in measured.keys() & budgets:
        found += [
            f"{name} with {storage} state: {x:.2f} instructions per element, at most {limit:.2f}"
            for storage, x, limit in zip(STORAGES, measured[name], budgets[name], strict=True)
            if x > limit
        ]
    return sorted(found)


def missing() -> str | None:
    """What keeps this machine from counting, if anything does."""
    tools = [tool for tool in ("valgrind", "cargo") if shutil.which(tool) is None]
    if tools:
        return f"{' and '.join(tools)} not installed"
    cpu = Path("/proc/cpuinfo")
    if not cpu.exists() or " avx2 " not in cpu.read_text():
        return "this CPU does not have AVX2"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="rewrite instructions.txt")
    arguments = parser.parse_args()
    if (reason := missing()) is not None:
        parser.exit(2, f"{reason}\n")
    measured = measure(build())
    print(f"instructions per element and step, {LEVEL}")
    print(f"{'':<20}{''.join(f'{storage:>10}' for storage in STORAGES)}")
    for name, counts in measured.items():
        print(f"{name:<20}{''.join(f'{x:>10.2f}' for x in counts)}")
    if arguments.write:
        write_budgets(measured)
        return
    found = complaints(measured, read_budgets())
    print("\n".join(found) or "all within their budgets")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
