"""`lamb_rs.registry()` and `Optimizer.describe()`: what the library says of itself, as data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import SGD, Adam, Lamb, Larc, Lookahead, LossScaleOptimizer, MultiOptimizer, schedules

F = np.float32
ROWS = {row.class_name: row for row in lamb_rs.registry()}


def problem() -> tuple[dict[str, Any], dict[str, Any]]:
    params = {"kernel": np.ones((4, 3), F), "bias": np.ones(3, F)}
    return params, {name: np.ones_like(p) for name, p in params.items()}


def test_the_registry_has_a_row_per_class() -> None:
    assert set(ROWS) == set(lamb_rs.optim.__all__)
    assert lamb_rs.registry() is lamb_rs.registry()


@pytest.mark.parametrize("name", ROWS)
def test_rows_say_what_the_class_has(name: str) -> None:
    row, made = ROWS[name], getattr(lamb_rs, name)()
    assert row.hyperparameters[0].name == "learning_rate"
    for one in row.hyperparameters:
        assert getattr(made, one.name) == one.default
        assert one.meaning
        assert one.range
    for text in (row.summary, row.formula, row.source):
        assert text


@pytest.mark.parametrize("name", ROWS)
def test_every_setting_of_a_built_optimizer(name: str) -> None:
    params, grads = problem()
    opt = getattr(lamb_rs, name)()
    assert opt.describe().parameters == ()
    opt.build(params)
    opt.apply(grads)
    found = opt.describe()
    assert (found.optimizer, found.iterations, found.calls, found.skipped_steps) == (name, 1, 1, 0)
    assert found.last_learning_rates == (opt.learning_rate,)
    assert found.state_bytes == opt.state_bytes == sum(one.state_bytes for one in found.parameters)
    for one, (key, array) in zip(found.parameters, params.items(), strict=True):
        assert (one.name, one.shape, one.size) == (key, array.shape, array.size)
        assert one.state_bytes == sum(slot.bytes for slot in one.slots)
        for hyper in ROWS[name].hyperparameters[1:]:
            if hyper.name != "weight_decay":
                assert one.settings[hyper.name] == (hyper.default, "default")
        assert one.settings["trainable"] == (True, "default")
        assert ("layer_adaptation" in one.settings) == ROWS[name].layerwise


def test_reasons() -> None:
    params, grads = problem()
    rate = schedules.ExponentialDecay(0.5, 1, 0.5)
    opt = Lamb(rate, weight_decay=0.1, beta_1=0.8, state_dtype="bfloat16")
    opt.exclude_from_layer_adaptation(var_names=["bias"])
    opt.build(params, {"bias": {"weight_decay": None, "learning_rate_multiplier": 0.5}})
    opt.apply(grads)
    opt.apply(grads)
    kernel, bias = (one.settings for one in opt.describe().parameters)
    assert kernel["learning_rate"] == (0.25, repr(rate))
    assert bias["learning_rate"] == (0.125, f"{rate!r}, override 'bias'")
    assert kernel["weight_decay"] == (0.1, "argument")
    assert bias["weight_decay"] == (None, "override 'bias'")
    assert kernel["beta_1"] == (0.8, "argument")
    assert kernel["beta_2"] == (0.999, "default")
    assert kernel["layer_adaptation"] == (True, "default")
    assert bias["layer_adaptation"] == (False, "exclude_from_layer_adaptation 'bias'")
    assert [tuple(slot) for slot in opt.describe().parameters[0].slots] == [
        ("momentum", "bfloat16", 24),
        ("velocity", "bfloat16", 24),
    ]


def test_frozen_and_routed_parameters() -> None:
    params, _ = problem()
    opt = lamb_rs.Muon()
    opt.build(params, {"kernel": {"own_rule": False}, "bias": {"trainable": False}})
    kernel, bias = opt.describe().parameters
    assert (kernel.rule, kernel.trainable) == ("adamw", True)
    assert bias.settings["trainable"] == (False, "override 'bias'")
    assert not bias.trainable


WRAPPED: dict[str, Any] = {
    "lookahead": lambda: Lookahead(SGD(0.5, momentum=0.9)),
    "larc": lambda: Larc(SGD(0.5)),
    "loss scale": lambda: LossScaleOptimizer(Adam(0.5)),
    "multi": lambda: MultiOptimizer([("bias", SGD(0.5))], default=Lamb(0.25)),
    "nest": lambda: LossScaleOptimizer(Lookahead(MultiOptimizer([("*", Larc(Adam(0.5)))]))),
}


@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
def test_wrappers(make: Any) -> None:
    params, grads = problem()
    opt = make()
    assert all(map(math.isnan, opt.describe().last_learning_rates))
    opt.build(params)
    opt.apply(grads)
    found = opt.describe()
    assert found.optimizer == type(opt).__name__
    assert [one.name for one in found.parameters] == list(params)
    assert found.state_bytes == sum(one.state_bytes for one in found.parameters)
    for one in found.parameters:
        assert one.settings["learning_rate"].why == "argument"


def test_settings_of_wrappers_name_them() -> None:
    params, _ = problem()
    opt = LossScaleOptimizer(Lookahead(Adam(), 3))
    opt.build(params)
    settings = opt.describe().parameters[0].settings
    assert settings["sync_period"] == (3, "Lookahead")
    assert settings["loss_scale_factor"] == (2.0**15, "LossScaleOptimizer")
    assert settings["nonfinite"] == ("skip", "LossScaleOptimizer")


def test_parts_of_several_optimizers_have_their_own_settings() -> None:
    params, _ = problem()
    opt = MultiOptimizer([("bias", SGD(0.5))], default=Lamb(0.25))
    opt.build(params)
    kernel, bias = opt.describe().parameters
    assert (kernel.optimizer, kernel.settings["learning_rate"].value) == ("Lamb", 0.25)
    assert (bias.optimizer, bias.settings["learning_rate"].value) == ("SGD", 0.5)
