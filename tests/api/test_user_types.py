"""A user's file under mypy: the good lines are clean, and every bad line is found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

pytest.importorskip("mypy", reason="types are checked where mypy is installed")

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
"""


def check(lines: Sequence[str], folder: Path) -> dict[str, str]:
    """What mypy says of each line."""
    path = folder / "user.py"
    path.write_text(PREAMBLE + "\n".join(lines) + "\n", encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(Path(lamb_rs_folder()).parent)},
    ).stdout
    text = path.read_text(encoding="utf-8").splitlines()
    said = re.findall(r"user\.py:(\d+): error: (.*)", found)
    return {text[int(number) - 1]: message for number, message in said}


def lamb_rs_folder() -> str:
    import lamb_rs  # noqa: PLC0415

    return str(Path(lamb_rs.__file__).parent)


def test_types_of_a_users_file(tmp_path: Path) -> None:
    good = GOOD.strip().splitlines()
    bad = BAD.strip().splitlines()
    found = check([*good, *bad], tmp_path)
    assert {line: message for line, message in found.items() if line in good} == {}
    assert set(found) == set(bad)
