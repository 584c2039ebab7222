"""Time of ``import lamb_rs`` beyond that of ``import numpy``, in interleaved runs.

``python benches/import_time.py --runs 20`` prints the least and the median of CPU time and of wall
time, in milliseconds. The least CPU time depends the least on what else the machine does.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

CODE = """
import time
def now(): return time.process_time(), time.perf_counter()
a = now(); import numpy; b = now(); import lamb_rs; c = now()
print(b[0] - a[0], b[1] - a[1], c[0] - b[0], c[1] - b[1])
"""


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="interpreters to start; default: 20")
    runs = parser.parse_args().runs
    rows = []
    for _ in range(runs):
        found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True)  # noqa: S603
        rows.append([1e3 * float(one) for one in found.stdout.split()])
    names = ("numpy, CPU", "numpy, wall", "lamb_rs beyond numpy, CPU", "lamb_rs beyond numpy, wall")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        least, middle = min(values), statistics.median(values)
        print(f"{name:28} least {least:7.1f} ms, median {middle:7.1f} ms")


if __name__ == "__main__":
    main()
