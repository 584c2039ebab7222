"""Every published name, and its meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import SGD, Adam, HyperparameterError, Larc, wrappers

SWITCHES = {
    "adabound-w": "AdaBound(weight_decay_mode='fixed')",
    "AdagradW": "Adagrad()",
    "adam_c": "AdamW(weight_decay_mode='corrected')",
    "AMSBound": "AdaBound(amsgrad=True)",
    "amsgrad": "Adam(amsgrad=True)",
    "amsgrad-w": "AdamW(amsgrad=True)",
    "c-adam": "Adam(cautious=True)",
    "C-AdamW": "AdamW(cautious=True)",
    "cautious adamw": "AdamW(cautious=True)",
    "c-lamb": "Lamb(cautious=True)",
    "C-Lion": "Lion(cautious='sum1')",
    "cautious_lion": "Lion(cautious='sum1')",
    "cwd": "AdamW(weight_decay_mode='cautious')",
    "FTRL-proximal": "Ftrl()",
    "gradient descent": "SGD()",
    "heavy-ball": "SGD(momentum=0.9)",
    "lambc": "Lamb(trust_clip=(0.0, 1.0))",
    "NAdamW": "Nadam(form='ruder')",
    "NAG": "SGD(momentum=0.9, nesterov=True)",
    "NVLAMB": "Lamb(epsilon=1e-06, global_clipnorm=1.0)",
    "over9000": (
        "RangerLars(epsilon_mode='hat', form='new_weights', phi=(0.0, 10.0), "
        "weight_decay_mode='decoupled')"
    ),
    "paratrooper": "RangerLars(beta_1=0.95, trust_clip='paratrooper')",
    "RAdamW": "RAdam()",
    "rectified-adam": "RAdam()",
    "schedule-free": "ScheduleFreeAdamW()",
    "schedule_free_sgd": "ScheduleFreeSGD()",
    "sgdw": "SGD()",
    "ranger lars": "RangerLars()",
    "larc": "Larc(SGD())",
}


@pytest.mark.parametrize(("name", "call"), SWITCHES.items(), ids=SWITCHES)
def test_published_names(name: str, call: str) -> None:
    made = lamb_rs.get(name)
    assert repr(made) == call
    assert repr(eval(call, vars(lamb_rs))) == call  # noqa: S307


@pytest.mark.parametrize("name", lamb_rs.optimizers())
def test_every_name_makes_something_that_steps(name: str) -> None:
    inner = [SGD()] if name in wrappers.__all__ and name != "MultiOptimizer" else []
    made = (
        lamb_rs.get(name, [("*", SGD())]) if name == "MultiOptimizer" else lamb_rs.get(name, *inner)
    )
    params = {"matrix": np.ones((4, 3), np.float32), "vector": np.ones(3, np.float32)}
    grads = {"matrix": np.full((4, 3), 0.5, np.float32), "vector": np.ones(3, np.float32)}
    made.build(params)
    for _ in range(2):  # the first update of some rules only looks
        assert made.apply(grads)
    assert np.isfinite(params["matrix"]).all()
    assert (params["vector"] != 1).all()


def test_the_list_shows_calls_that_are_right() -> None:
    listed = lamb_rs.optimizers()
    for name, line in listed.items():
        _, colon, call = line.rpartition(": ")
        if name in wrappers.__all__:
            assert line.startswith("wrapper: ")
        elif name not in lamb_rs.optim.__all__:
            assert colon
            assert repr(eval(call, vars(lamb_rs))) == repr(lamb_rs.get(name))  # noqa: S307
    folded = [name.lower().replace("-", "").replace(" ", "") for name in listed]
    assert len(set(folded)) == len(folded)


def test_wrappers_by_name() -> None:
    assert repr(lamb_rs.get("lookahead", Adam(), 5)) == "Lookahead(Adam(), sync_period=5)"
    assert repr(lamb_rs.get("larc", Adam())) == "Larc(Adam())"
    assert repr(lamb_rs.get("larc", inner=Adam(), clip=False)) == "Larc(Adam(), clip=False)"
    made = lamb_rs.get("LARC", learning_rate=0.5, momentum=0.9, trust_coefficient=0.1, name="mine")
    assert isinstance(made, Larc)
    inside = "SGD(learning_rate=0.5, momentum=0.9)"
    assert repr(made) == f"Larc({inside}, trust_coefficient=0.1, name='mine')"
    assert repr(lamb_rs.get("loss-scale-optimizer", Adam())) == "LossScaleOptimizer(Adam())"
    with pytest.raises(TypeError, match="inner"):
        lamb_rs.get("lookahead")


def test_positions_are_passed_on() -> None:
    assert repr(lamb_rs.get("nesterov", 0.5)) == (
        "SGD(learning_rate=0.5, momentum=0.9, nesterov=True)"
    )


UNKNOWN: dict[Any, str] = {
    "asgd": "did you mean 'SGD'",
    "rprop": "did you mean 'RMSprop'",
    "adamx": "did you mean 'Adam",
    "lookahed": "did you mean 'Lookahead'",
    "zzz": r"unknown optimizer 'zzz'; lamb_rs.optimizers\(\) lists all$",
}


@pytest.mark.parametrize(("name", "hint"), UNKNOWN.items(), ids=UNKNOWN)
def test_unknown_names(name: str, hint: str) -> None:
    with pytest.raises(HyperparameterError, match=hint):
        lamb_rs.get(name)
