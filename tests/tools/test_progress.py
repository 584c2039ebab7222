"""`make` shows which step runs, how long it takes, and the output of a step that fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PROGRESS = Path(__file__).resolve().parents[2] / "tools" / "progress.py"


def step(code: str, *options: str, number: int = 1) -> subprocess.CompletedProcess[str]:
    """Run Python code as one of two steps of 20 and 70 seconds."""
    head = [sys.executable, str(PROGRESS), str(number), "20,70", "20", *options, "Native module"]
    command = [*head, "--", sys.executable, "-c", code]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_step_says_its_number_and_its_expected_and_real_time() -> None:
    done = step("print('Collecting numpy')")
    first, second, last = done.stdout.splitlines()
    assert first == "2 steps, about 90 s if nothing is built yet"
    assert second == "[1/2] Native module (about 20 s)"
    assert re.fullmatch(r"\[1/2\] Native module: \d+\.\d s", last)
    assert done.returncode == 0


def test_the_sum_is_told_once() -> None:
    assert "2 steps" not in step("", number=2).stdout


def test_a_step_that_fails_shows_its_output_and_keeps_the_exit_code() -> None:
    done = step(
        "import sys; print('error: no memory'); print('at all', file=sys.stderr); sys.exit(3)"
    )
    assert done.returncode == 3
    assert "[1/2] Native module failed after" in done.stdout
    assert "error: no memory\n" in done.stdout
    assert "at all\n" in done.stdout


def test_the_output_of_a_step_is_shown_on_request() -> None:
    assert "4 passed\n" in step("print('4 passed')", "--show").stdout
    assert "4 passed\n" not in step("print('4 passed')").stdout
