"""Hyperparameters that are integers: exact up to 2**63 - 1, refused beyond."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import Adam, HyperparameterError, Lookahead, LossScaleOptimizer

LARGEST = 2**63 - 1
# Each integer argument of each class, and of the wrappers.
INTEGERS: dict[str, tuple[type[lamb_rs.Optimizer], str]] = {
    f"{row.class_name}-{one.name}": (getattr(lamb_rs, row.class_name), one.name)
    for row in lamb_rs.registry()
    for one in row.hyperparameters
    if one.kind == "integer"
}


def make(cls: type[lamb_rs.Optimizer], name: str, value: Any) -> lamb_rs.Optimizer:
    needed = {"use_ema": True} if name.startswith("ema_") else {}
    return cls(**{name: value}, **needed)


@pytest.mark.parametrize(("cls", "name"), INTEGERS.values(), ids=INTEGERS)
def test_integers_are_exact(cls: type[lamb_rs.Optimizer], name: str) -> None:
    for value in (2**53 + 1, LARGEST, np.int64(2**53 + 1), np.uint64(LARGEST)):
        found = getattr(make(cls, name, value), name)
        assert found == int(value)
        assert type(found) is int
    made = make(cls, name, 2**53 + 1)
    assert cls.from_config(made.get_config()).get_config()[name] == 2**53 + 1
    assert getattr(make(cls, name, 4.0), name) == 4


@pytest.mark.parametrize(("cls", "name"), INTEGERS.values(), ids=INTEGERS)
def test_integers_beyond_64_bits_are_refused(cls: type[lamb_rs.Optimizer], name: str) -> None:
    for value in (2**63, 10**400):
        shown = str(value)[:60]  # a message shortens a long number
        with pytest.raises(HyperparameterError, match=rf"{name} must be.*2\*\*63 - 1; got {shown}"):
            make(cls, name, value)
    for value in (2.0**63, 4.5, -1, True, "4"):
        with pytest.raises(HyperparameterError, match=f"{name} must be an integer >= "):
            make(cls, name, value)


@pytest.mark.parametrize("name", ["sync_period", "sync_phase"])
def test_integers_of_lookahead(name: str) -> None:
    arguments: dict[str, Any] = {name: 2**53 + 1}
    assert getattr(Lookahead(Adam(), **arguments), name) == 2**53 + 1
    arguments[name] = 2**63
    with pytest.raises(HyperparameterError, match=rf"Lookahead: {name}.*2\*\*63 - 1"):
        Lookahead(Adam(), **arguments)


def test_integers_of_loss_scaling() -> None:
    made = LossScaleOptimizer(Adam(), dynamic_growth_steps=2**53 + 1)
    assert made.dynamic_growth_steps == 2**53 + 1
    with pytest.raises(HyperparameterError, match=r"dynamic_growth_steps.*2\*\*63 - 1"):
        LossScaleOptimizer(Adam(), dynamic_growth_steps=2**63)
    params = [np.ones(2, np.float32)]
    made.build(params)
    state = {**made.state_dict(), "optimizer/dynamic_growth_counter": 2**53 + 1}
    made.load_state_dict(state)
    assert made.dynamic_growth_counter == 2**53 + 1


def test_neighbouring_seeds_round_differently() -> None:
    moments = []
    for seed in (2**53, 2**53 + 1):
        opt = Adam(state_dtype="bfloat16", seed=seed)
        params = [np.ones(4096, np.float32)]
        opt.build(params)
        opt.apply([np.linspace(0.1, 1, 4096, dtype=np.float32)])
        moments.append(opt.state_dict()["0/momentum"])
    assert (moments[0] != moments[1]).any()
