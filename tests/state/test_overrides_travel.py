"""Overrides are part of copies, pickles, configurations and checkpoints."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import AdamW, HyperparameterError, Larc, Lookahead, MultiOptimizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = lamb_rs.registry()
SHAPES = {"embed": (4, 3), "head": (3, 3), "bias": (3,)}
OVERRIDES: dict[Any, Any] = {
    "embed": {"trainable": False},
    "bias": {"learning_rate_multiplier": np.float64(0.5)},
}


def arrays(value: float) -> dict[str, Any]:
    return {name: np.full(shape, value, np.float32) for name, shape in SHAPES.items()}


def through_a_file(opt: Any, folder: Path) -> Any:
    opt.save(folder / "state")
    return lamb_rs.load(folder / "state")


def through_json(opt: Any, _: Path) -> Any:
    made = type(opt).from_config(json.loads(json.dumps(opt.get_config())))
    made.load_state_dict(opt.state_dict())
    return made


WAYS: dict[str, Callable[[Any, Path], Any]] = {
    "deepcopy": lambda opt, _: copy.deepcopy(opt),
    "pickle": lambda opt, _: pickle.loads(pickle.dumps(opt)),
    "config": through_json,
    "file": through_a_file,
}
WRAPPERS: dict[str, Callable[[], Any]] = {
    "lookahead": lambda: Lookahead(AdamW(0.1)),
    "larc": lambda: Larc(AdamW(0.1)),
    "multi": lambda: MultiOptimizer([("head", lamb_rs.Lion(0.1))], default=AdamW(0.1)),
}
MADE = {row.class_name: getattr(lamb_rs, row.class_name) for row in ROWS} | WRAPPERS


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_they_hold_in_a_copy(make: Any, way: Callable[[Any, Path], Any], tmp_path: Path) -> None:
    opt, params, grads = make(), arrays(0.5), arrays(0.25)
    opt.build(params, OVERRIDES)
    opt.apply(grads)
    again, copies = way(opt, tmp_path), {name: p.copy() for name, p in params.items()}
    again.build(copies)
    for one, values in ((opt, params), (again, copies)):
        one.apply(grads, values)
    assert (copies["embed"] == 0.5).all()
    assert all((copies[name] == params[name]).all() for name in SHAPES)
    embed, _, bias = again.describe().parameters
    assert not embed.trainable
    assert bias.settings["learning_rate"].why.endswith("override 'bias'")


def test_others_replace_them() -> None:
    opt = AdamW()
    opt.build(arrays(0.5), OVERRIDES)
    for given, trainable in (({}, True), ({"head": {"trainable": False}}, True), (None, False)):
        again = copy.deepcopy(opt)
        again.build(arrays(0.5), given)
        assert again.describe().parameters[0].trainable == trainable


def test_changes_of_the_mapping_do_not_change_them() -> None:
    opt, overrides = AdamW(), {"embed": {"trainable": False}}
    opt.build(arrays(0.5), overrides)
    overrides["embed"]["trainable"] = True
    assert opt.get_config()["overrides"] == {"embed": {"trainable": False}}


def is_bias(name: str, _: Any) -> bool:
    return name == "bias"


def test_predicates_travel_in_pickles_alone() -> None:
    opt = AdamW()
    opt.build(arrays(0.5), {is_bias: {"trainable": False}})
    again = pickle.loads(pickle.dumps(opt))
    again.build(arrays(0.5))
    assert [one.trainable for one in again.describe().parameters] == [True, True, False]
    with pytest.raises(
        HyperparameterError, match=r"function .*is_bias.* cannot be saved; select it"
    ):
        opt.get_config()


def test_a_file_with_others_is_told(tmp_path: Path) -> None:
    opt = AdamW()
    opt.build(arrays(0.5), {"embed": {"trainable": False}})
    opt.save(tmp_path / "state")
    for given in ({}, {"bias": {"trainable": False}}):
        other = AdamW()
        other.build(arrays(0.5), given)
        with pytest.warns(lamb_rs.ConfigurationWarning, match="overrides was {'embed': "):
            other.load(tmp_path / "state")
    # Before `build`, it is not known which overrides there will be.
    AdamW().load(tmp_path / "state", config="error")
