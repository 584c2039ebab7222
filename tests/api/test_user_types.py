"""A user's file under type checkers: the good lines are clean, and every bad line is found."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lamb_rs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PYTHON = str(Path(lamb_rs.__file__).parents[1])
PREAMBLE = """
from collections import OrderedDict
from typing import Any
import numpy as np
from numpy.typing import NDArray
import lamb_rs
from lamb_rs import SGD, Adam, Lamb, Larc, Lookahead, LossScaleOptimizer, MultiOptimizer, schedules

params = {"kernel": np.ones((4, 3), np.float32), "bias": np.zeros(3, np.float32)}
grads = {name: np.ones_like(p) for name, p in params.items()}
opt = Lamb(0.01, weight_decay=0.1)
"""

GOOD = """
opt.build(params, {"*/bias": {"weight_decay": None}})
done: bool = opt.apply(grads)
Adam().build(np.ones(3, np.float32))
Adam().build([np.ones(3, np.float32), np.ones(2, np.float32)])
Adam().build((np.ones(3, np.float32), {"a": [np.ones(2, np.float32)]}))
Adam().build(OrderedDict(params))
opt.apply({"kernel": grads["kernel"], "bias": None})
Adam().apply(grads, params)
opt.learning_rate = schedules.CosineDecay(0.1, 10)
opt.learning_rate = lambda: 0.1
rate: float = opt.learning_rate
opt.weight_decay = None
mode: str = opt.epsilon_mode
SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0)
Lookahead(Adam(), 5, 0.5, pullback_momentum="reset").build(params)
Larc(SGD(0.1), clip=False)
LossScaleOptimizer(Lookahead(Adam())).scale_loss(2.0)
MultiOptimizer([("*/kernel", Lamb())], default=Adam()).build(params)
state: dict[str, Any] = opt.state_dict()
opt.load_state_dict(state)
opt.save("file")
with opt.evaluation_weights():
    pass
ratios: NDArray[np.float64] | None = opt.trust_ratios
text: str = opt.explain() + opt.summary()
for row in lamb_rs.registry():
    names: list[str] = [one.name for one in row.hyperparameters]
for one in opt.describe().parameters:
    why: str = one.settings["weight_decay"].why
    size: int = one.slots[0].bytes
made: lamb_rs.Optimizer = lamb_rs.get("adamw", 0.1)
last: float = made.last_learning_rate
config: dict[str, Any] = opt.get_config()
again: Lamb = Lamb.from_config(config)


def decayed(rate: lamb_rs.typing.Source, overrides: lamb_rs.typing.Overrides) -> lamb_rs.Optimizer:
    made = lamb_rs.AdamW(rate, weight_decay=0.1)
    made.build(params, overrides)
    return made


decayed(0.1, {"*/bias": {"weight_decay": None}})
decayed(schedules.CosineDecay(0.1, 10), {})
"""

BAD = """
opt.build(3)
opt.build([1, 2])
opt.apply(3)
opt.learnig_rate = 0.1
opt.learning_rate = "0.1"
opt.epsilon_mode = "foo"
Adam(epsilon_mode="foo")
Adam(learnig_rate=0.1)
Adam("0.1")
Lamb(state_dtype="float16")
opt.seed = "1"
opt.use_ema = 3
Lookahead(3)
Lookahead(Adam(), pullback_momentum="some")
opt.epsilonn
opt.describe().parameter
lamb_rs.Adamm()
lamb_rs.Lookahead(opt).step()
decayed("0.1", {})
"""


def of_choices() -> Iterator[tuple[str, bool]]:
    """A line for every choice of every optimizer, and lines with others; whether each is good."""
    for row in lamb_rs.registry():
        opt = row.name
        yield f"{opt} = lamb_rs.{row.class_name}()", True
        for one in row.hyperparameters:
            if one.choices:
                yield f"lamb_rs.{row.class_name}({one.name}='foo')", False
                yield f"{opt}.{one.name} = 'foo'", False
                for choice in one.choices:
                    yield f"{opt}.{one.name} = {choice!r}", True


def run(folder: Path, *command: str, **variables: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *command, "user.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | variables,
    ).stdout


def mypy(folder: Path) -> list[tuple[int, str]]:
    """Line and message of each error that mypy finds, in its strict mode."""
    said = run(folder, "mypy", "--strict", "--cache-dir", str(folder / "cache"), MYPYPATH=PYTHON)
    return [(int(line), text) for line, text in re.findall(r"user\.py:(\d+): error: (.*)", said)]


def pyright(folder: Path) -> list[tuple[int, str]]:
    """Line and message of each error that pyright finds, in its standard mode."""
    settings = {"typeCheckingMode": "standard", "extraPaths": [PYTHON]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = ("basedpyright", "--pythonpath", sys.executable, "--outputjson")
    said = json.loads(run(folder, *command))
    errors = [one for one in said["generalDiagnostics"] if one["severity"] == "error"]
    return [(one["range"]["start"]["line"] + 1, one["message"]) for one in errors]


@pytest.mark.parametrize(
    ("checker", "package"), [(mypy, "mypy"), (pyright, "basedpyright")], ids=["mypy", "pyright"]
)
def test_types_of_a_users_file(
    checker: Callable[[Path], list[tuple[int, str]]], package: str, tmp_path: Path
) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install 'lamb_rs[check]'")
    choices = list(of_choices())
    good = [*GOOD.strip().splitlines(), *(line for line, is_good in choices if is_good)]
    bad = [*BAD.strip().splitlines(), *(line for line, is_good in choices if not is_good)]
    lines = [*PREAMBLE.splitlines(), *good, *bad]
    (tmp_path / "user.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found: dict[str, Any] = {lines[number - 1]: text for number, text in checker(tmp_path)}
    assert {line: text for line, text in found.items() if line not in bad} == {}
    assert set(found) == set(bad)
