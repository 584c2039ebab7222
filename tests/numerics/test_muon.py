"""Which parameters Muon sends to AdamW, and how that is said."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lamb_rs import Adafactor, Adam, HyperparameterError, Lookahead, Mars, Muon, ParameterSetError

if TYPE_CHECKING:
    from collections.abc import Callable


def parameters() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shapes = {
        "hidden": (30, 40),
        "head": (4, 30),
        "embedding": (9, 5),
        "bias": (40,),
        "stack": (2, 3, 4),
    }
    return {name: rng.normal(size=shape).astype("f") for name, shape in shapes.items()}


def rules(opt: Any, overrides: Any = None) -> dict[str, str]:
    opt.build(parameters(), overrides)
    return {one.name: one.rule for one in opt.describe().parameters}


def test_what_is_no_matrix_follows_adamw() -> None:
    found = rules(Muon())
    assert found == dict.fromkeys(found, "adamw") | {"hidden": "muon", "head": "muon"}
    assert rules(Muon(exclude_embeddings=False))["embedding"] == "muon"


def test_layers_are_excluded_by_pattern_and_by_override() -> None:
    opt = Muon(exclude_layers=["^head$"])
    found = rules(opt, {"hid*": {"own_rule": False}})
    assert set(found.values()) == {"adamw"}
    text = opt.explain()
    assert "follows adamw; no Muon by '^head$'" in text
    assert "follows adamw; own_rule=False by 'hid*'" in text
    assert rules(Lookahead(Muon(exclude_layers=["head"])))["head"] == "adamw"


WAYS: dict[str, Callable[[Muon], Any]] = {
    "config": lambda opt: Muon.from_config(json.loads(json.dumps(opt.get_config()))),
    "pickle": lambda opt: pickle.loads(pickle.dumps(opt)),
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_excluded_layers_are_kept(way: Callable[[Muon], Any]) -> None:
    opt = Muon(0.5, exclude_layers=["head"])
    assert repr(opt) == "Muon(exclude_layers=('head',), learning_rate=0.5)"
    again = way(opt)
    assert repr(again) == repr(opt)
    assert again.exclude_layers == ("head",)
    assert rules(again)["head"] == "adamw"


def test_excluded_layers_change_before_build_only() -> None:
    opt = Muon(exclude_layers=["nothing"])
    with pytest.raises(ParameterSetError, match="exclude_layers: 'nothing' is found in none"):
        opt.build(parameters())
    opt.exclude_layers = ["head"]
    assert rules(opt)["head"] == "adamw"
    with pytest.raises(HyperparameterError, match="exclude_layers has no effect after build"):
        opt.exclude_layers = []
    for wrong in ("head", ["("], [3]):
        with pytest.raises(HyperparameterError, match="exclude_layers"):
            Muon(exclude_layers=wrong)  # type: ignore[arg-type]


def test_own_rule_is_for_rules_that_have_another() -> None:
    override = {"hidden": {"own_rule": False}}
    assert rules(Mars(), override)["hidden"] == "adamw"
    opt = Adafactor()
    opt.build(parameters(), override)
    slots = {one.name: [slot.name for slot in one.slots] for one in opt.describe().parameters}
    assert slots["hidden"] == ["velocity"]
    assert set(slots["head"]) == {"row", "column"}
    with pytest.raises(HyperparameterError, match="unknown setting 'own_rule'"):
        Adam().build(parameters(), override)
    with pytest.raises(HyperparameterError, match="own_rule=True; only False has an effect"):
        Muon().build(parameters(), {"bias": {"own_rule": True}})
