"""Schedules and functions that drive hyperparameters: called once per update, whoever reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    SGD,
    Adam,
    HyperparameterError,
    Lamb,
    Larc,
    Lookahead,
    LossScaleOptimizer,
    MultiOptimizer,
    NonFiniteError,
    ShapeError,
    schedules,
)

F = np.float32
Make = Callable[[Any], lamb_rs.Optimizer]
MAKES: dict[str, Make] = {
    "rule": SGD,
    "lookahead": lambda rate: Lookahead(SGD(rate)),
    "larc": lambda rate: Larc(SGD(rate)),
    "loss scale": lambda rate: LossScaleOptimizer(SGD(rate)),
    "multi": lambda rate: MultiOptimizer([("a", SGD(rate))]),
    "nest": lambda rate: LossScaleOptimizer(
        Lookahead(MultiOptimizer([("*", Larc(SGD(rate)))]), pullback_momentum="none")
    ),
}


class Counted(schedules.Schedule):
    """A schedule that records its arguments."""

    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate
        self.seen: list[int] = []

    def __call__(self, step: int) -> float:
        self.seen.append(step)
        return self.rate / (step + 1)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate}


class Function:
    """A function without arguments that counts its calls, and returns something else each time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return 0.5**self.calls


def read_everything(opt: lamb_rs.Optimizer) -> None:
    for _ in range(2):
        assert opt.learning_rate >= 0
        assert repr(opt)
        assert opt.explain()
        assert opt.summary()
        assert opt.last_learning_rate != 0
        if opt.built:
            opt.state_dict()


def problem() -> tuple[dict[str, Any], dict[str, Any]]:
    return {"a": np.ones(3, F)}, {"a": np.full(3, 0.25, F)}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_reading_calls_nothing_and_changes_nothing(make: Make) -> None:
    read, plain = Function(), Function()
    ends = []
    for function, look in ((read, True), (plain, False)):
        params, grads = problem()
        opt = make(function)
        if look:
            read_everything(opt)
        opt.build(params)
        for _ in range(5):
            if look:
                read_everything(opt)
            opt.apply(grads)
            if look:
                read_everything(opt)
                assert opt.learning_rate == opt.last_learning_rate == 0.5**function.calls
        assert function.calls == 5
        ends.append(params["a"].tobytes())
    assert ends[0] == ends[1]


@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("look", [False, True])
def test_schedules_are_called_once_per_update(window: int | None, look: bool) -> None:
    params, grads = problem()
    schedule = Counted()
    opt = SGD(schedule, gradient_accumulation_steps=window)
    opt.build(params)
    for _ in range(6):
        if look:
            read_everything(opt)
        opt.apply(grads)
    assert schedule.seen == ([0, 1, 2, 3, 4, 5] if window is None else [2, 5])
    assert opt.learning_rate == opt.last_learning_rate == 1 / 6


def test_the_value_is_that_of_the_last_update() -> None:
    params, grads = problem()
    opt = SGD(Counted())
    opt.build(params)
    assert math.isnan(opt.last_learning_rate)
    assert opt.learning_rate == 1.0
    for step in range(3):
        opt.apply(grads)
        assert opt.learning_rate == opt.last_learning_rate == 1 / (1 + step)
    opt.learning_rate = 0.125
    assert (opt.learning_rate, opt.last_learning_rate) == (0.125, 1 / 3)
    opt.learning_rate = Counted(4.0)
    # It has not driven an update yet: this is the value of the next one.
    assert (opt.learning_rate, opt.last_learning_rate) == (1.0, 1 / 3)
    opt.apply(grads)
    assert (opt.learning_rate, opt.last_learning_rate) == (1.0, 1.0)


def test_a_call_that_is_no_update_does_not_use_the_value_up() -> None:
    params, grads = problem()
    function = Function()
    opt = SGD(function, nonfinite="raise")
    opt.build(params)
    for wrong, error in (
        ({"a": np.ones(2, F)}, ShapeError),
        ({"a": np.full(3, np.nan, F)}, NonFiniteError),
    ):
        with pytest.raises(error):
            opt.apply(wrong)
    opt.apply(grads)
    assert (function.calls, opt.learning_rate) == (1, 0.5)

    skipping = SGD(Function(), nonfinite="skip")
    skipping.build({"b": (array := np.ones(3, F))})
    assert not skipping.apply({"b": np.full(3, np.inf, F)})
    assert math.isnan(skipping.last_learning_rate)
    assert skipping.apply({"b": np.ones(3, F)})
    assert skipping.last_learning_rate == 0.5
    assert array[0] == 0.5


def test_other_hyperparameters_are_called_once_too() -> None:
    params, grads = problem()
    functions = {name: Function() for name in ("learning_rate", "beta_1", "beta_2")}
    opt = Adam(**functions)
    for _ in range(3):
        assert (opt.beta_1, opt.beta_2) == (0.5, 0.5)
    opt.build(params)
    for step in range(1, 4):
        opt.apply(grads)
        assert (opt.learning_rate, opt.beta_1, opt.beta_2) == (0.5**step,) * 3
    assert [function.calls for function in functions.values()] == [3, 3, 3]


def test_a_wrong_value_is_not_kept() -> None:
    params, grads = problem()
    values = iter([-1.0, math.nan, 0.5])
    opt = SGD(lambda: next(values))
    opt.build(params)
    for _ in range(2):
        with pytest.raises(HyperparameterError, match="learning_rate must be a finite number >= 0"):
            opt.apply(grads)
    assert opt.apply(grads)
    assert opt.last_learning_rate == 0.5


def test_a_function_may_read_its_optimizer() -> None:
    params, grads = problem()
    opt = SGD(lambda: 1 / (1 + opt.iterations))
    opt.build(params)
    for step in range(3):
        opt.apply(grads)
        assert opt.last_learning_rate == 1 / (1 + step)


def test_overrides_follow_the_rate_that_is_told() -> None:
    params, grads = problem()
    function = Function()
    opt = SGD(function)
    opt.build(params, {"a": {"learning_rate_multiplier": 0.5}})
    assert "0.25" in opt.explain()
    opt.apply(grads)
    assert params["a"][0] == 1 - 0.25 * 0.25
    assert function.calls == 1
    assert "0.25" in opt.explain()


def test_the_last_rate_is_part_of_the_state() -> None:
    params, grads = problem()
    opt = Lamb(Counted())
    opt.build(params)
    opt.apply(grads)
    opt.apply(grads)
    state = opt.state_dict()
    assert state["optimizer/last_learning_rate"] == 0.5
    again = Lamb(Counted())
    again.build(problem_params := {"a": params["a"].copy()})
    assert again.state_dict()["optimizer/last_learning_rate"] is None
    again.load_state_dict(state)
    assert again.last_learning_rate == 0.5
    # No update of this schedule yet: the next one.
    assert again.learning_rate == 1 / 3
    again.apply(grads)
    assert again.last_learning_rate == 1 / 3
    assert problem_params["a"][0] != params["a"][0]
    again.reset()
    assert math.isnan(again.last_learning_rate)
    assert again.learning_rate == 1.0


def test_states_of_the_first_files_have_no_last_rate() -> None:
    params, grads = problem()
    opt = Lamb(0.5)
    opt.build(params)
    opt.apply(grads)
    state = opt.state_dict()
    del state["optimizer/last_learning_rate"]
    opt.load_state_dict(state)
    assert math.isnan(opt.last_learning_rate)
    assert opt.iterations == 1


def test_the_last_rate_of_several_parts() -> None:
    params = {"a": np.ones(3, F), "b": np.ones(3, F)}
    opt = MultiOptimizer([("a", SGD(0.5))], default=SGD(0.25))
    opt.build(params)
    assert math.isnan(opt.last_learning_rate)
    opt.apply({"a": np.ones(3, F), "b": None})
    assert opt.last_learning_rate == 0.5
    opt.apply({"a": np.ones(3, F), "b": np.ones(3, F)})
    with pytest.raises(HyperparameterError, match=r"last_learning_rate \(0.5, 0.25\)"):
        assert opt.last_learning_rate


def test_histories_have_the_rate_of_the_step() -> None:
    params, grads = problem()
    opt = Lamb(Counted())
    opt.build(params)
    history = lamb_rs.plots.History(opt)
    for _ in range(3):
        opt.apply(grads)
        history.record()
    assert history.learning_rates == [1.0, 1 / 2, 1 / 3]
