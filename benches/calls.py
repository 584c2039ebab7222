"""Instructions of one call of `apply`, from Python to the kernel and back, counted under callgrind.

A call on small tensors takes about a microsecond, which a clock on a shared machine does not tell
from two. Everything between two calls is counted: the interpreter, the checks of the arrays, the
scalars of the step and the kernels, at the AVX2 level on one thread.

    python benches/calls.py             # prints the table; fails where a limit is exceeded
    python benches/calls.py --keep DIR  # keeps callgrind's files, for callgrind_annotate

Needs valgrind and an x86-64 CPU with AVX2.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import lamb_rs

# Calls before and after which callgrind writes its counts.
MARKS = ("getpgid", "__getpgid")
FEW, MANY = 10, 50


@dataclass(frozen=True)
class Case:
    """An optimizer over some tensors.

    Attributes
    ----------
    algorithm : str
    shapes : list of tuple of int
    structure : type
        What holds the arrays: `list` or `dict`.
    limit : int
        The most instructions of a call.
    """

    algorithm: str
    shapes: list[tuple[int, ...]]
    structure: type
    limit: int


TINY = [(10, 10), (10,), (10, 10), (2,)]
MANY_TENSORS = [(16,)] * 1000
CASES = [
    Case("adamw", TINY, list, 6_900),
    Case("lamb", TINY, list, 12_700),
    Case("adamw", TINY, dict, 7_450),
    Case("lamb", TINY, dict, 13_150),
    Case("adamw", MANY_TENSORS, dict, 560_000),
    Case("lamb", MANY_TENSORS, dict, 1_900_000),
]


def steps(case: Case) -> None:
    """Make a few calls, then many, with marks around."""
    rng = np.random.default_rng(0)
    params, grads = (
        [rng.normal(size=shape).astype(np.float32) for shape in case.shapes] for _ in range(2)
    )
    if case.structure is dict:
        names = [str(i) for i in range(len(params))]
        params, grads = (dict(zip(names, arrays, strict=True)) for arrays in (params, grads))
    optimizer = lamb_rs.get(case.algorithm, weight_decay=0.01)
    optimizer.build(params)
    for _ in range(MANY):
        optimizer.apply(grads)
    for n in (FEW, MANY):
        os.getpgid(0)
        for _ in range(n):
            optimizer.apply(grads)
        os.getpgid(0)


def count(folder: str) -> list[float]:
    """Instructions of a call in each case."""
    marks = [f"--dump-before={mark}" for mark in MARKS]
    out = Path(folder, "calls")
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *marks]
    # Every file with all names in it.
    valgrind += ["--compress-strings=no", "--compress-pos=no"]
    settings = {"LAMB_RS_NUM_THREADS": "1", "LAMB_RS_SIMD": "avx2", "PYTHONHASHSEED": "0"}
    done = subprocess.run(  # noqa: S603 - this file
        [*valgrind, sys.executable, __file__, "--steps"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    dumps = sorted(out.parent.glob("calls.*"), key=lambda path: int(path.suffix[1:]))
    totals = [
        int(re.findall(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)[-1]) for dump in dumps
    ]
    # Before each mark; the first of four is what came before the case.
    few, many = totals[1::4], totals[3::4]
    if len(few) != len(CASES):
        raise SystemExit(f"callgrind did not find the marks {MARKS}")
    return [(b - a) / (MANY - FEW) for a, b in zip(few, many, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", metavar="DIR", help="where callgrind's files are left")
    parser.add_argument("--steps", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.steps:
        for case in CASES:
            steps(case)
        return
    with TemporaryDirectory() as folder:
        counts = count(arguments.keep or folder)
    print(f"{'':<10}{'tensors':>8}  {'in a':<6}{'a call':>12}{'a tensor':>12}{'limit':>12}")
    for case, n in zip(CASES, counts, strict=True):
        tensors = len(case.shapes)
        print(
            f"{case.algorithm:<10}{tensors:>8}  {case.structure.__name__:<6}{n:>12,.0f}"
            f"{n / tensors:>12,.0f}{case.limit:>12,}"
        )
    sys.exit(any(n > case.limit for case, n in zip(CASES, counts, strict=True)))


if __name__ == "__main__":
    main()
