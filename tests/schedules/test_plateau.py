"""The schedule that has a state: it counts evaluations, and its state goes where others go."""

from __future__ import annotations

import copy
import json
import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import StateMismatchError
from lamb_rs.schedules import (
    CosineDecay,
    ReduceOnPlateau,
    Schedule,
    StatefulSchedule,
    Warmup,
    deserialize,
    serialize,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PREFIX = "optimizer/learning_rate/"


def tired(metrics: tuple[float, ...] = (1.0, 2.0, 2.0)) -> ReduceOnPlateau:
    rate = ReduceOnPlateau(0.1, factor=0.5, patience=2, cooldown=3)
    for metric in metrics:
        rate.update(metric)
    return rate


PARAMETERS = [np.ones(3, np.float32)]
GRADIENTS = [np.ones(3, np.float32)]


def built(source: Any) -> lamb_rs.Adam:
    opt = lamb_rs.Adam(source)
    opt.build(PARAMETERS)
    return opt


def test_waits_then_reduces_then_cools_down() -> None:
    rate = ReduceOnPlateau(0.1, factor=0.5, patience=2, cooldown=3, min_delta=0.1)
    reduced = [rate.update(x) for x in (1.0, 0.95, 0.8, 0.75, 0.75, 9.0, 9.0, 9.0, 9.0)]
    #          best              not by 0.1   best  bad   bad: reduced; 2 of 3 cool, then 2 bad
    assert reduced == [False] * 4 + [True] + [False] * 3 + [True]
    assert rate(0) == rate(10**9) == 0.025


def test_maximum_and_minimum_learning_rate() -> None:
    rate = ReduceOnPlateau(0.1, 0.1, 1, "max", minimum_learning_rate=0.03)
    assert [rate.update(x) for x in (0.5, 0.6, 0.6, 0.6, 0.6)] == [False, False, True, False, False]
    assert rate(0) == 0.03
    assert not ReduceOnPlateau(0.1, patience=1, minimum_learning_rate=0.5).update(1.0)


def test_nan_is_no_improvement() -> None:
    rate = ReduceOnPlateau(0.1, 0.5, 2)
    assert [rate.update(math.nan), rate.update(math.nan)] == [False, True]
    rate.update(1.0)
    assert rate.state_dict()["best"] == 1.0
    with pytest.raises((TypeError, ValueError)):
        rate.update("good")  # type: ignore[arg-type]


def test_drives_the_optimizer() -> None:
    params = [np.zeros(3, np.float32)]
    rate = ReduceOnPlateau(1.0, 0.5, 1)
    opt = lamb_rs.SGD(rate)
    opt.build(params)
    opt.apply(GRADIENTS)
    rate.update(1.0)
    assert rate.update(1.0)
    opt.apply(GRADIENTS)
    assert opt.learning_rate == 0.5
    assert (params[0] == -1.5).all()


def test_description_has_no_state() -> None:
    rate = tired()
    assert deserialize(json.loads(json.dumps(serialize(rate)))) == ReduceOnPlateau(
        0.1, factor=0.5, patience=2, cooldown=3
    )
    assert copy.deepcopy(rate) == pickle.loads(pickle.dumps(rate)) == rate != tired(())
    assert copy.deepcopy(rate).state_dict() is not rate.state_dict()


def through_state(opt: lamb_rs.Adam, folder: Path) -> lamb_rs.Adam:
    again = lamb_rs.Adam.from_config(json.loads(json.dumps(opt.get_config())))
    again.load_state_dict(opt.state_dict())
    return again


def through_arrays(opt: lamb_rs.Adam, folder: Path) -> lamb_rs.Adam:
    again = lamb_rs.Adam.from_config(opt.get_config())
    again.load_state_dict({key: np.asarray(x)[()] for key, x in opt.state_dict().items()})
    return again


def through_file(opt: lamb_rs.Adam, folder: Path) -> lamb_rs.Adam:
    opt.save(folder / "state")
    again = lamb_rs.Adam.from_config(opt.get_config())
    again.load(folder / "state")
    return again


WAYS: dict[str, Callable[[lamb_rs.Adam, Path], lamb_rs.Adam]] = {
    "state": through_state,
    "arrays": through_arrays,
    "file": through_file,
    "pickle": lambda opt, _: pickle.loads(pickle.dumps(opt)),
    "copy": lambda opt, _: copy.deepcopy(opt),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("inside", [False, True])
def test_state_travels_with_the_optimizer(
    way: Callable[..., lamb_rs.Adam], inside: bool, tmp_path: Path
) -> None:
    rate = tired()
    opt = built(Warmup(rate, 0) if inside else rate)
    again = way(opt, tmp_path)
    again.build(PARAMETERS)
    assert again.state_dict().keys() == opt.state_dict().keys()
    prefix = PREFIX + ("schedule/" if inside else "")
    found = {key: x for key, x in again.state_dict().items() if key.startswith(prefix)}
    assert found == {prefix + key: x for key, x in rate.state_dict().items()}
    assert [type(x) for x in found.values()] == [float, float, int, int]
    rate.update(0.0)
    assert again.state_dict().items() >= found.items(), "it has a schedule of its own"
    assert again.learning_rate == 0.05


def test_keys() -> None:
    rate = tired()
    assert built(Warmup(rate, 3)).state_dict()[f"{PREFIX}schedule/value"] == 0.05
    state = built(rate).state_dict()
    assert {key: x for key, x in state.items() if key.startswith(PREFIX)} == {
        f"{PREFIX}value": 0.05,
        f"{PREFIX}best": 1.0,
        f"{PREFIX}bad_evaluations": 0,
        f"{PREFIX}cooldown_left": 3,
    }


SPOILED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "missing": (lambda s: s.pop(f"{PREFIX}best"), f"'{PREFIX}best' is missing"),
    "nan": (lambda s: s.update({f"{PREFIX}value": math.nan}), f"'{PREFIX}value' is not a number"),
    "text": (lambda s: s.update({f"{PREFIX}value": "x"}), f"'{PREFIX}value' is not a number"),
    "half": (
        lambda s: s.update({f"{PREFIX}cooldown_left": 0.5}),
        f"'{PREFIX}cooldown_left' is not a count; got 0.5",
    ),
    "negative": (
        lambda s: s.update({f"{PREFIX}bad_evaluations": -1}),
        f"'{PREFIX}bad_evaluations' is not a count",
    ),
}


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize(("spoil", "message"), SPOILED.values(), ids=SPOILED)
def test_spoiled_state_changes_nothing(
    spoil: Callable[[dict[str, Any]], Any], message: str, waiting: bool
) -> None:
    state = built(tired()).state_dict()
    spoil(state)
    rate = tired(())
    opt = lamb_rs.Adam(rate)
    before: dict[str, Any] = {}
    if not waiting:
        opt.build(PARAMETERS)
        opt.apply(GRADIENTS)
        before = opt.state_dict()
    if waiting:
        opt.load_state_dict(state)
    with pytest.raises(StateMismatchError, match=message):
        opt.build(PARAMETERS) if waiting else opt.load_state_dict(state)
    assert opt.built != waiting
    assert rate.state_dict() == tired(()).state_dict()
    if not waiting:
        after = opt.state_dict()
        assert {k: np.asarray(x).tobytes() for k, x in after.items()} == {
            k: np.asarray(x).tobytes() for k, x in before.items()
        }


@pytest.mark.parametrize("count_too", [False, True])
def test_all_differences_at_once(count_too: bool) -> None:
    state = built(tired()).state_dict()
    del state["0/momentum"], state[f"{PREFIX}best"]
    if count_too:
        del state["optimizer/calls"]
    with pytest.raises(StateMismatchError) as caught:
        built(tired(())).load_state_dict(state)
    lines = str(caught.value).splitlines()
    wanted = ["0/momentum", f"{PREFIX}best"] + ["optimizer/calls"] * count_too
    assert sorted(lines[1:]) == sorted(f"  - '{key}' is missing" for key in wanted)


def test_strict_or_not() -> None:
    state = built(tired()).state_dict()
    plain = built(0.1)
    with pytest.raises(StateMismatchError, match=f"'{PREFIX}value' is unknown"):
        plain.load_state_dict(state)
    plain.load_state_dict(state, strict=False)
    rate = tired(())
    with pytest.raises(StateMismatchError, match=f"'{PREFIX}value' is missing"):
        built(rate).load_state_dict(plain.state_dict())
    built(rate).load_state_dict(plain.state_dict(), strict=False)
    assert rate(0) == 0.1
    del state[f"{PREFIX}best"]
    built(rate).load_state_dict(state, strict=False)
    assert rate.state_dict() == tired().state_dict() | {"best": math.inf}


def test_reset() -> None:
    rate = tired()
    built(Warmup(rate, 3)).reset()
    assert rate.state_dict() == tired(()).state_dict()


def test_alone() -> None:
    rate = tired(())
    with pytest.raises(StateMismatchError, match=r"ReduceOnPlateau.*(?s:.)*'best' .*(?s:.)*'x'"):
        rate.load_state_dict({"value": 0.1, "bad_evaluations": 0, "cooldown_left": 0, "x": 1})
    rate.load_state_dict(tired().state_dict())
    assert rate == tired()


class Counting(StatefulSchedule):
    """A user's own."""

    def __init__(self) -> None:
        self.reset()

    def initial_state(self) -> dict[str, float]:
        return {"seen": 0}

    def __call__(self, step: int) -> float:
        self._state["seen"] += 1
        return 0.5

    def get_config(self) -> dict[str, Any]:
        return {}


def test_own_schedule_with_state() -> None:
    schedule: Schedule = Counting()
    opt = built(schedule)
    opt.apply(GRADIENTS)
    assert opt.state_dict()[f"{PREFIX}seen"] == 1
    again = pickle.loads(pickle.dumps(opt))
    again.build(PARAMETERS)
    assert again.state_dict()[f"{PREFIX}seen"] == 1


def test_pure_schedules_have_no_state() -> None:
    assert not [key for key in built(CosineDecay(0.1, 5)).state_dict() if key.startswith(PREFIX)]
