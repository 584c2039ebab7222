"""More threads than cores, of this library or of others: slower, but in proportion.

Each test compares medians of steps that take turns in one process on two cores, and allows three
times what is expected of an idle machine. What they guard against, waiting for a thread that does
not run, costs ten times and more.
"""

from __future__ import annotations

import os

import pytest

from support.children import run

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="the system has no affinity"
)

SETUP = """
import hashlib
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
SIZES = {'one': [1_000_000], 'layers': [200_704, 256, 32_768, 128, 1280, 10]}

def make(rule, name):
    params = [np.full(n, 0.5, F) for n in SIZES[name]]
    grads = [np.full(n, 1e-3, F) for n in SIZES[name]]
    opt = get(rule, weight_decay=0.01)
    opt.build(params)
    # The lambda holds the parameters, too.
    return lambda params=params: opt.apply(grads)

def medians(numbers, rule, name, rounds=40):
    # Milliseconds of a step for each number of threads; they take turns.
    step = make(rule, name)
    spent = {n: [] for n in numbers}
    for _ in range(rounds):
        for n in numbers:
            with threads(n):
                step()
                start = time.perf_counter()
                step()
                spent[n].append(1e3 * (time.perf_counter() - start))
    return {n: float(np.median(times)) for n, times in spent.items()}

def ratios(numbers):
    for rule in ('adamw', 'lamb'):
        for name in SIZES:
            found = medians(numbers, rule, name)
            print(*(found[n] / found[numbers[0]] for n in numbers[1:]))
"""


def ratios(code: str) -> list[float]:
    return [float(x) for x in run(SETUP + code, timeout=120).split()]


def test_more_threads_than_cores() -> None:
    """With four and eight threads a step on two cores takes about as long as with two."""
    found = ratios("ratios([2, 4, 8])")
    assert len(found) == 8
    assert max(found) < 3, found


def test_cores_that_other_threads_use() -> None:
    """Beside two threads of somebody else that never rest, a second thread does no harm."""
    busy = """
block, stop = bytes(1 << 20), False
def work():
    # The interpreter's lock is released meanwhile.
    while not stop: hashlib.sha256(block)
others = [threading.Thread(target=work) for _ in range(2)]
for other in others: other.start()
try:
    ratios([1, 2])
finally:
    stop = True
    for other in others: other.join()
"""
    found = ratios(busy)
    assert len(found) == 4
    assert max(found) < 3, found
