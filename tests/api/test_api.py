"""Constructors and hyperparameters as a user meets them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    SGD,
    Adam,
    AdamW,
    HyperparameterError,
    Lamb,
    Lars,
    optim,
    schedules,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = [getattr(optim, name) for name in optim.__all__]
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def problem() -> tuple[dict[str, Any], dict[str, Any]]:
    return {"w": ones(4, 3), "b": ones(3)}, {"w": ones(4, 3), "b": ones(3)}


# Arguments

UNKNOWN = {
    "learning_rat": "did you mean 'learning_rate'",
    "lr": "did you mean 'learning_rate'",
    "eps": "did you mean 'epsilon'",
    "betas": "did you mean 'beta_1' and 'beta_2'",
    "beta1": "did you mean 'beta_1'",
    "max_grad_norm": "did you mean 'global_clipnorm'",
    "clip_norm": "did you mean 'clipnorm'",
    "wd": "did you mean 'weight_decay'",
}


@pytest.mark.parametrize(("name", "hint"), UNKNOWN.items(), ids=UNKNOWN)
def test_unknown_argument_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(TypeError, match=rf"Lamb\(\) has no argument '{name}'; {hint}\?"):
        Lamb(**{name: 1.0})


def test_unknown_argument_far_from_all() -> None:
    with pytest.raises(TypeError, match=r"SGD\(\) has no argument 'zzz'$"):
        SGD(zzz=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"no argument 'betas'$"):
        SGD(betas=(0.9, 0.99))  # type: ignore[call-arg]


@each_class
def test_assigning_what_does_not_exist(cls: Any) -> None:
    opt = cls()
    with pytest.raises(AttributeError, match="'learningrate'; did you mean 'learning_rate'"):
        opt.learningrate = 0.1
    with pytest.raises(AttributeError, match="iterations"):
        opt.iterations = 3


def test_positions_are_those_of_keras() -> None:
    opt = Lamb(0.5, 0.25, 0.75, 1e-3)
    assert (opt.learning_rate, opt.beta_1, opt.beta_2, opt.epsilon) == (0.5, 0.25, 0.75, 1e-3)
    adamw = AdamW(0.5, 0.125, 0.25, 0.75, 1e-3, True)
    assert (adamw.weight_decay, adamw.beta_1, adamw.amsgrad) == (0.125, 0.25, True)
    sgd = SGD(0.5, 0.25, True)
    assert (sgd.momentum, sgd.nesterov) == (0.25, True)


@each_class
def test_name(cls: Any) -> None:
    assert cls().name == cls.__name__.lower()
    assert cls(name="mine").name == "mine"


def test_the_base_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="base class of all optimizers"):
        lamb_rs.Optimizer()


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "negative rate": (lambda: Lamb(-1.0), r"learning_rate must be .*>= 0.*-1"),
    "nan": (lambda: Lamb(math.nan), "learning_rate .*nan"),
    "infinite": (lambda: Lamb(math.inf), "learning_rate .*inf"),
    "beta": (lambda: Lamb(beta_1=1.0), r"beta_1 .*\[0, 1\).* 1"),
    "epsilon": (lambda: Adam(epsilon=-1e-8), "epsilon"),
    "text": (lambda: Lamb("0.1"), "learning_rate .*'0.1'"),  # type: ignore[arg-type]
    "clip": (lambda: Lamb(clipnorm=0.0), "clipnorm must be .*> 0.* 0"),
    "clips": (
        lambda: Lamb(clipnorm=1.0, clipvalue=1.0),
        "clipnorm and clipvalue are set together: set at most one",
    ),
    "window": (lambda: Lamb(gradient_accumulation_steps=1), "gradient_accumulation_steps .*>= 2"),
    "fraction": (
        lambda: Lamb(gradient_accumulation_steps=2.5),  # type: ignore[arg-type]
        "gradient_accumulation_steps must be an integer.*2.5",
    ),
    "overwrite": (
        lambda: Lamb(ema_overwrite_frequency=3),
        "ema_overwrite_frequency=3 has no effect without use_ema=True; set that too",
    ),
    "choice": (
        lambda: Lamb(weight_decay_mode="inside"),  # type: ignore[arg-type]
        "weight_decay_mode must be one of 'decoupled', 'update', .*'inside'",
    ),
    "switch": (lambda: Lamb(use_ema=1), "use_ema must be True or False; got 1"),  # type: ignore[arg-type]
    "pair": (lambda: Lamb(trust_clip=(2.0, 1.0)), r"trust_clip .*low <= high.*\(2.0, 1.0\)"),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(HyperparameterError, match=message):
        make()


def test_legal_edges() -> None:
    for opt in (Lamb(0.0), Adam(epsilon=0.0), AdamW(weight_decay=None), SGD(np.float32(0.5))):
        params, grads = problem()
        assert opt.apply(grads, params)


# Hyperparameters between steps


def test_numbers_change_between_steps() -> None:
    params, grads = problem()
    opt = SGD(0.5)
    opt.apply(grads, params)
    assert params["b"].tolist() == [0.5] * 3
    opt.learning_rate = 0.25
    assert opt.learning_rate == 0.25
    opt.apply(grads)
    assert params["b"].tolist() == [0.25] * 3


def test_a_refused_number_changes_nothing() -> None:
    opt = Lamb(0.5)
    with pytest.raises(HyperparameterError, match="beta_1"):
        opt.beta_1 = 2.0
    assert opt.beta_1 == 0.9


def test_switches_are_fixed_once_built() -> None:
    opt = Lamb()
    opt.use_ema = True
    opt.build(problem()[0])
    with pytest.raises(HyperparameterError, match="use_ema is fixed once the optimizer is built"):
        opt.use_ema = False
    assert opt.use_ema


# Schedules and functions


class Steps(schedules.Schedule):
    """Records its calls."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, step: int) -> float:
        self.seen.append(step)
        return 0.5 ** (step + 1)


def test_schedule_gets_the_call_count_from_zero() -> None:
    params, grads = problem()
    schedule = Steps()
    opt = SGD(schedule)
    opt.build(params)
    for _ in range(3):
        opt.apply(grads)
    assert schedule.seen == [0, 1, 2]
    assert params["b"].tolist() == [1 - 0.5 - 0.25 - 0.125] * 3
    assert opt.learning_rate == 0.125


def test_schedule_sees_every_call_of_a_window() -> None:
    params, grads = problem()
    opt = SGD(
        schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25]), gradient_accumulation_steps=2
    )
    opt.build(params)
    assert [opt.apply(grads) for _ in range(4)] == [False, True, False, True]
    assert params["b"].tolist() == [1 - 0.5 - 0.25] * 3
    assert (opt.iterations, opt.calls) == (2, 4)


@pytest.mark.parametrize("name", ["learning_rate", "beta_1", "beta_2"])
def test_functions_are_called_once_per_update(name: str) -> None:
    called = []

    def value() -> float:
        called.append(1)
        return 0.5

    params, grads = problem()
    opt = Lamb(**{name: value})
    opt.build(params)
    for _ in range(3):
        opt.apply(grads)
    assert len(called) == 3
    assert getattr(opt, name) == 0.5


def test_reading_one_number_calls_nothing_for_others() -> None:
    called = []
    opt = Lamb(lambda: called.append(1) or 0.5)
    assert opt.epsilon == 1e-7
    assert opt.beta_1 == 0.9
    assert not called


@pytest.mark.parametrize("driver", [lambda: 0.5, schedules.PolynomialDecay(0.5, 10)])
def test_a_number_replaces_what_drives(driver: Any) -> None:
    params, grads = problem()
    opt = SGD(driver)
    assert opt.learning_rate == 0.5
    opt.learning_rate = 0.25
    opt.apply(grads, params)
    assert opt.learning_rate == 0.25
    assert params["b"].tolist() == [0.75] * 3
    opt.learning_rate = driver
    assert opt.learning_rate == pytest.approx(0.5, rel=0.2)


def test_momentum_may_be_driven() -> None:
    assert SGD(momentum=lambda: 0.5).momentum == 0.5
    assert Lars(momentum=schedules.PiecewiseConstantDecay([5], [0.5, 0.9])).momentum == 0.5


DRIVERS: dict[str, tuple[str, Any, str]] = {
    "takes a step": (
        "learning_rate",
        lambda step: 0.1 / step,
        "subclass lamb_rs.schedules.Schedule",
    ),
    "a class": ("beta_1", schedules.CosineDecay, "takes arguments"),
    "no place": ("epsilon", lambda: 0.1, "epsilon must be a plain value.*learning_rate, beta_1"),
    "no place for a schedule": (
        "weight_decay",
        schedules.PolynomialDecay(0.1, 10),
        "weight_decay must be a plain value; got schedules.PolynomialDecay",
    ),
}


@pytest.mark.parametrize(("name", "driver", "message"), DRIVERS.values(), ids=DRIVERS)
def test_refused_drivers(name: str, driver: Any, message: str) -> None:
    with pytest.raises(HyperparameterError, match=message):
        Lamb(**{name: driver})
    opt = Lamb()
    with pytest.raises(HyperparameterError, match=message):
        setattr(opt, name, driver)


@pytest.mark.parametrize("value", [-1.0, math.nan, "x", None])
def test_a_driver_that_returns_nonsense(value: Any) -> None:
    params, grads = problem()
    opt = Lamb(lambda: value)
    opt.build(params)
    with pytest.raises(HyperparameterError, match="learning_rate"):
        opt.apply(grads)
    assert (params["w"] == 1).all()
    assert opt.iterations == opt.calls == 0


def test_a_driver_that_raises_changes_nothing() -> None:
    params, grads = problem()

    def fails() -> float:
        raise RuntimeError("no rate today")

    opt = Lamb(fails)
    opt.build(params)
    with pytest.raises(RuntimeError, match="no rate today"):
        opt.apply(grads)
    assert (params["w"] == 1).all()
    assert opt.calls == 0
