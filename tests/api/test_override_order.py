"""Settings of one parameter are merged and resolved once: their order does not matter."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

import lamb_rs

F = np.float32
Settings = dict[str, Any]
SETTINGS: Settings = {
    "learning_rate": 0.01,
    "learning_rate_multiplier": 0.5,
    "weight_decay": 0.1,
    "layer_adaptation": False,
}


def trained(cls: Any, overrides: Any) -> bytes:
    params = {"kernel": np.ones((2, 3), F), "bias": np.ones(3, F)}
    opt = cls(0.1)
    opt.build(params, overrides)
    for _ in range(2):
        opt.apply({name: np.full_like(p, 0.25) for name, p in params.items()})
    return b"".join(p.tobytes() for p in params.values())


def step_of_bias(overrides: Any) -> float:
    params = {"kernel": np.ones(3, F), "bias": np.ones(3, F)}
    opt = lamb_rs.SGD(0.1)
    opt.build(params, overrides)
    opt.apply({name: np.ones_like(p) for name, p in params.items()})
    return float(1 - params["bias"][0])


@pytest.mark.parametrize("cls", [getattr(lamb_rs, name) for name in lamb_rs.optim.__all__])
def test_the_order_of_keys_does_not_matter(cls: Any) -> None:
    found = {
        trained(cls, {"bias": dict(order), "kernel": {"weight_decay": 0.2}})
        for order in permutations(SETTINGS.items())
    }
    assert len(found) == 1


@pytest.mark.parametrize("order", list(permutations(["*", "bias", "b*"])))
def test_settings_from_several_patterns_are_merged(order: tuple[str, ...]) -> None:
    settings = {
        "*": {"learning_rate_multiplier": 0.5},
        "bias": {"learning_rate": 0.01},
        "b*": {"weight_decay": 0.0},
    }
    step = step_of_bias({pattern: settings[pattern] for pattern in order})
    assert step == pytest.approx(0.005, rel=1e-4)


@pytest.mark.parametrize("keys", list(permutations(["learning_rate", "learning_rate_multiplier"])))
def test_the_multiplier_is_of_the_rate_beside_it(keys: tuple[str, ...]) -> None:
    step = step_of_bias({"bias": {key: SETTINGS[key] for key in keys}})
    assert step == pytest.approx(0.005, rel=1e-4)


def test_what_is_told_is_what_is_done() -> None:
    params = {"kernel": np.ones(3, F), "bias": np.ones(3, F)}
    opt = lamb_rs.SGD(0.1)
    overrides = {"*": {"learning_rate_multiplier": 0.5}, "bias": {"learning_rate": 0.01}}
    opt.build(params, overrides)
    line = next(row for row in opt.explain().splitlines() if row.lstrip().startswith("bias"))
    assert "0.005" in line
    opt.apply({name: np.ones_like(p) for name, p in params.items()})
    assert 1 - params["kernel"][0] == pytest.approx(0.05, rel=1e-5)
