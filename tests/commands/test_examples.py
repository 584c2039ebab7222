"""The scripts in ``examples``: they run, and print the promised results."""

from __future__ import annotations

import ast
import re
import runpy
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
PACKAGES = {"jax", "lamb_rs", "numpy"} | sys.stdlib_module_names


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    """Run a script and return its output."""
    monkeypatch.chdir(tmp_path)

    def printed(name: str) -> str:
        path = next(path for path in SCRIPTS if path.stem == name)
        runpy.run_path(str(path), run_name="__main__")
        assert list(tmp_path.iterdir()) == []
        return capsys.readouterr().out

    return printed


def numbers(line: str) -> list[float]:
    return [float(text) for text in re.findall(r"-?\d+\.\d+", line)]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_are_short_and_described(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    title, _, description = (ast.get_docstring(tree) or "").partition("\n\n")
    assert re.fullmatch(r"[A-Z].{10,80}\.", title), title
    assert len(description) > 100
    assert len(text.splitlines()) <= 100
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= PACKAGES
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] in PACKAGES
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_"), f"private name {node.attr}"


def test_training_loop(run) -> None:
    lines = run("training_loop").splitlines()
    first, *_, last = (line for line in lines if line.startswith("step"))
    assert "learning rate 0.0000" in first
    assert numbers(last)[1] > 97  # percent of the test points
    assert sum("not adapted" in line for line in lines) == 3


def test_mixed_precision(run) -> None:
    exact, half, scaled = re.findall(
        r"that are zero +(\d+) %\n +error that is left +(\d+) %\n +updates skipped +(\d+)",
        run("mixed_precision"),
    )
    assert exact[0] == "0"
    assert int(half[0]) > 95
    assert int(half[1]) > 95
    assert int(scaled[1]) < 30
    assert int(exact[1]) < 30
    assert (exact[2], half[2]) == ("0", "0")


def test_averages(run) -> None:
    lines = run("averages").splitlines()
    ends = {line[:17].strip(): numbers(line)[-1] for line in lines if len(numbers(line)) == 3}
    for name in ("SGD with EMA", "Lookahead(SGD)", "ScheduleFreeSGD"):
        assert ends[name] < ends["SGD"] / 3
    training, evaluation, again = (line.split("[")[1] for line in lines[-3:])
    assert training == again != evaluation


def test_large_batch(run) -> None:
    found = {}
    for line in run("large_batch").splitlines()[2:]:
        name, batch, _, same, root, linear = line.split()
        found[name, int(batch)] = float(same), float(root), float(linear)
    assert len(found) == 9
    for name in ("SGD", "Adam", "LAMB"):
        assert len(set(found[name, 64])) == 1
        same, root, _ = found[name, 4096]
        assert root > same + 5


def test_fine_tuning(run) -> None:
    printed = run("fine_tuning")
    assert "first  layer changed by 0.00 %" in printed
    assert not re.search(r"second layer changed by 0\.00", printed)
    for words in ("frozen by 'encoder/first'", "learning_rate_multiplier=0.1", "by '*/bias'"):
        assert words in printed
    first, second = (numbers(line)[0] for line in printed.splitlines()[:2])
    assert first < 0.05
    assert second < 0.2


def test_resume(run) -> None:
    printed = run("resume")
    assert "same parameters: True, same average: True" in printed
    whole, resumed = re.findall(r"threads?: ([0-9a-f]{16})", printed)
    assert whole == resumed
    assert "gradient_accumulation_steps was 4" in printed


def test_jax_on_the_host(run) -> None:
    pytest.importorskip("jax", reason="jax is not installed (extra: test)")
    printed = run("jax_on_the_host")
    first, *_, last = (numbers(line)[-1] for line in printed.splitlines() if "loss" in line)
    assert last < 0.02 * first
    assert "follows adamw" in printed
