"""The README: its example runs, and its tables say what the library does."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamb_rs

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHAPE = (256, 256)


def code(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells[1:] if set(row[0]) != {"-"}]


def make(call: str, **more: Any) -> Any:
    """The optimizer that a call with plain keywords stands for."""
    tree = ast.parse(call.strip("`"), mode="eval").body
    assert isinstance(tree, ast.Call)
    assert isinstance(tree.func, ast.Name)
    keywords = {str(one.arg): ast.literal_eval(one.value) for one in tree.keywords}
    return getattr(lamb_rs, tree.func.id)(**keywords, **more)


def state_per_parameter(call: str, **more: Any) -> float:
    opt = make(call, **more)
    opt.build([np.zeros(SHAPE, np.float32)])
    return float(opt.state_bytes / math.prod(SHAPE))


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = code("python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 15
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102 - what a reader would run
    assert np.square(names["error"]).mean() < 1e-3
    printed = capsys.readouterr().out
    assert printed.startswith("mean squared error: ")
    assert names["opt"].summary() in printed


@pytest.mark.parametrize("row", rows("Optimizers"), ids=lambda row: row[0])
def test_state_bytes(row: list[str]) -> None:
    found = [
        f"{state_per_parameter(row[0], state_dtype=dtype):.3f}"
        for dtype in ("float32", "bfloat16", "float8")
    ]
    assert [f"{float(cell):.3f}" for cell in row[2:]] == found
    plain = state_per_parameter(row[0])
    assert state_per_parameter(row[0], use_ema=True) == plain + 4
    assert state_per_parameter(row[0], gradient_accumulation_steps=2) == plain + 4


def test_every_optimizer_is_in_the_table() -> None:
    named = {row[0].strip("`").partition("(")[0] for row in rows("Optimizers")}
    assert named == set(lamb_rs.optim.__all__)


def test_exceptions_exist() -> None:
    named = [row[-1].strip("`") for row in rows("What happens on bad input")]
    assert len(named) == len(set(named))
    for name in named:
        error = getattr(lamb_rs, name)
        assert issubclass(error, lamb_rs.LambError)
        assert len(error.__mro__) > len(lamb_rs.LambError.__mro__) + 1, "no built-in base"


def test_a_nan_goes_through_unless_a_norm_is_taken() -> None:
    grads = [np.array([np.nan, 1.0], np.float32)]
    params = [np.ones(2, np.float32)]
    assert lamb_rs.SGD().apply(grads, params)
    assert np.isnan(params[0]).tolist() == [True, False]
    for arguments in ({"global_clipnorm": 1.0}, {"clipnorm": 1.0}, {"nonfinite": "raise"}):
        with pytest.raises(lamb_rs.NonFiniteError):
            lamb_rs.SGD(**arguments).apply(grads, [np.ones(2, np.float32)])
    assert not lamb_rs.SGD(nonfinite="skip").apply(grads, [np.ones(2, np.float32)])


def test_published_names_are_known() -> None:
    for name in ("AMSGrad", "LAMBC"):
        assert name in README
        assert name in lamb_rs.optimizers()


def test_benchmarks_are_marked_and_name_their_commands() -> None:
    start, end = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"
    assert README.count(start) == README.count(end) == 1
    table = README.partition(start)[2].partition(end)[0]
    for word in ("Machine", "Date", "command"):
        assert word in table
    for script in re.findall(r"benches/[\w./]+", table):
        assert (ROOT / script).exists(), script
