"""How many threads, who said so, and that other Python threads go on meanwhile."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import Adam, Lamb
from support.children import THREAD_VARIABLES, run

F = np.float32
OURS, RAYON, OMP = THREAD_VARIABLES
REPORT = "i = info(); print(i['threads'], i['threads_source'], sep='|')"

# Variables, number, and what info() names as its source.
SOURCES: dict[str, tuple[dict[str, str], int, str]] = {
    "ours first": ({OURS: "7", RAYON: "5", OMP: "3"}, 7, OURS),
    "then rayon's": ({RAYON: "5", OMP: "3"}, 5, RAYON),
    "then OpenMP's": ({OMP: "3"}, 3, OMP),
    "nested levels": ({OMP: " 4,2,1"}, 4, OMP),
    "more than CPUs": ({OURS: "64"}, 64, OURS),
    "spaces": ({OURS: " 6 "}, 6, OURS),
    "rayon's zero is not set": ({RAYON: "0", OMP: "3"}, 3, OMP),
    "empty is not set": ({OURS: "", OMP: "3"}, 3, OMP),
    "nonsense of others is not set": ({OMP: "-2", RAYON: "5"}, 5, RAYON),
}


@pytest.mark.parametrize(("variables", "number", "source"), SOURCES.values(), ids=SOURCES)
def test_environment(variables: dict[str, str], number: int, source: str) -> None:
    found = run(REPORT, **variables).strip().split("|")
    assert found == [str(number), source]


@pytest.mark.parametrize("value", ["abc", "0", "-1", "2.0", "4,2", "1e3", str(2**31), str(2**70)])
def test_a_number_of_threads_that_is_none_is_refused_at_import(value: str) -> None:
    code = f"""
import os, subprocess
found = subprocess.run(
    [sys.executable, "-c", "import lamb_rs"],
    env={{**os.environ, "{OURS}": {value!r}}}, capture_output=True, text=True,
)
print(found.returncode, found.stderr.strip().splitlines()[-1])
"""
    status, message = run(code).strip().split(" ", 1)
    assert status == "1"
    assert message.partition("HyperparameterError: ")[2] == (
        f"the environment variable {OURS} must be an integer "
        f">= 1, such as 4, or not be set; got '{value}'"
    )


def test_a_number_of_threads_that_is_none_is_refused_at_first_use() -> None:
    code = f"""
import os
os.environ["{OURS}"] = "abc"
try:
    Lamb().build([np.ones(3, np.float32)])
except HyperparameterError as error:
    print(error)
del os.environ["{OURS}"]
Lamb().build([np.ones(3, np.float32)])
"""
    assert "got 'abc'" in run(code)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_affinity_decides_where_nothing_is_set() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "import lamb_rs; i = lamb_rs.info(); print(i['threads'], i['threads_source'], sep='|')"
    )
    # Before the prelude's import: what counts is what the process may use then or at first use.
    found = run(f"import subprocess\nsubprocess.run([sys.executable, '-c', {code!r}], check=True)")
    number, source = found.strip().split("|")
    assert number == "1"
    assert "affinity" in source


def test_settings_win_over_the_environment() -> None:
    code = """
def report():
    i = info(); print(i['threads'], i['threads_source'], sep='|')
set_num_threads(2); report()
with threads(7):
    report()
    with threads(1): report()
    report()
report()
"""
    lines = run(code, **{OURS: "5"}).split()
    assert lines == [
        "2|set_num_threads",
        "7|threads(n)",
        "1|threads(n)",
        "7|threads(n)",
        "2|set_num_threads",
    ]


def test_a_context_is_the_calling_threads_alone() -> None:
    inside, done = threading.Event(), threading.Event()
    seen: list[int] = []

    def other() -> None:
        with lamb_rs.threads(3):
            inside.set()
            done.wait(10)
            seen.append(lamb_rs.get_num_threads())

    thread = threading.Thread(target=other)
    with lamb_rs.threads(5):
        thread.start()
        assert inside.wait(10)
        assert lamb_rs.get_num_threads() == 5
        done.set()
        thread.join()
    assert seen == [3]


def problem(n: int) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(n)
    shapes = {"large": n, "small": 100, "middle": 40_000}
    params = {name: rng.normal(size=size).astype(F) for name, size in shapes.items()}
    grads = {name: rng.normal(size=size).astype(F) for name, size in shapes.items()}
    return params, grads


def test_more_threads_than_cpus_give_the_same_bits() -> None:
    results = []
    for n in (1, 7, 32, 2):
        params, grads = problem(600_000)
        opt = Lamb(0.01, weight_decay=0.01, global_clipnorm=1.0, use_ema=True)
        opt.build(params)
        with lamb_rs.threads(n):
            for _ in range(3):
                opt.apply(grads)
        state = opt.state_dict()
        arrays = [*params.values(), *(x for x in state.values() if isinstance(x, np.ndarray))]
        results.append([array.tobytes() for array in arrays])
    assert all(result == results[0] for result in results)


def test_the_number_may_change_between_any_two_steps() -> None:
    params, grads = problem(300_000)
    twins, _ = problem(300_000)
    opt, twin = Lamb(0.01), Lamb(0.01)
    opt.build(params)
    twin.build(twins)
    for n in (1, 3, 2, 9, 1, 4):
        with lamb_rs.threads(n):
            opt.apply(grads)
        twin.apply(grads)
    assert all(p.tobytes() == twins[name].tobytes() for name, p in params.items())


def test_other_python_threads_run_during_a_large_step() -> None:
    params, grads = problem(6_000_000)
    opt = Adam(0.01)
    opt.build(params)
    opt.apply(grads)
    stop = threading.Event()
    stamps: list[float] = []

    def tick() -> None:
        while not stop.is_set():
            stamps.append(time.perf_counter())
            time.sleep(0.0005)

    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        during, last = 0, time.perf_counter() + 20
        while during <= 5 and time.perf_counter() < last:
            start = time.perf_counter()
            with lamb_rs.threads(1):
                opt.apply(grads)
            end = time.perf_counter()
            # Well inside the step: between Python's own instructions anybody may run.
            edge = (end - start) / 4
            during += sum(start + edge < stamp < end - edge for stamp in stamps)
    finally:
        stop.set()
        ticker.join()
    assert during > 5
