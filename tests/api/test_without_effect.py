"""The constructor refuses arguments that have no effect with the others."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import SGD, Adam, HyperparameterError, Lookahead, schedules
from support.cases import own_options
from support.harness import model
from support.options import BESIDES

Arguments = dict[str, Any]
F = np.float32
AVERAGE = {"use_ema": True}
NARROW = {"state_dtype": "bfloat16"}
CLASSES = [
    cls for cls in lamb_rs.optimizers() if hasattr(getattr(lamb_rs.optim, cls, None), "seed")
]

# Class (None for all), the argument, and what gives it an effect: any of these.
ROWS: list[tuple[str | None, Arguments, list[Arguments]]] = [
    (None, {"ema_momentum": 0.5}, [AVERAGE]),
    (None, {"ema_overwrite_frequency": 3}, [AVERAGE]),
    (None, {"ema_every": "call"}, [AVERAGE]),
    (None, {"ema_form": "uniform"}, [AVERAGE]),
    (None, {"ema_start": 3}, [AVERAGE]),
    (None, {"state_rounding": "nearest"}, [NARROW, {"state_dtype": "float8"}]),
    (None, {"clip_epsilon": 0.1}, [{"clipnorm": 1.0}, {"global_clipnorm": 1.0}]),
    ("SGD", {"nesterov": True}, [{"momentum": 0.9}]),
    ("SGD", {"dampening": 0.1, "form": "lr_outside"}, [{"momentum": 0.9}]),
    ("Lars", {"momentum": 0.0, "nesterov": True}, [{"momentum": 0.9}]),
    ("Nadam", {"form": "ruder", "momentum_decay": 1.0}, [{"form": "dozat"}]),
    ("Nadam", {"form": "optax", "momentum_decay": 1.0}, [{"form": "dozat"}]),
    ("Mars", {"form": "lion", "beta_2": 0.5}, [{"form": "adamw"}]),
    (
        "Mars",
        {"form": "lion", "optimize_1d": True, "epsilon": 0.1},
        [{"form": "adamw"}, {"optimize_1d": False}],
    ),
    ("Mars", {"optimize_1d": True, "beta_1_1d": 0.5}, [{"optimize_1d": False}]),
    ("Mars", {"optimize_1d": True, "beta_2_1d": 0.5}, [{"optimize_1d": False}]),
    ("Mars", {"optimize_1d": True, "weight_decay_1d": 0.5}, [{"optimize_1d": False}]),
    ("Mars", {"optimize_1d": True, "learning_rate_1d_factor": 2.0}, [{"optimize_1d": False}]),
    ("Adafactor", {"scale_parameter": False, "epsilon_2": 0.1}, [{"scale_parameter": True}]),
    ("Muon", {"scale": "original", "rms_rate": 0.1}, [{"scale": "match_rms"}]),
    ("AdaBelief", {"rectify": False, "threshold": 6.0}, [{"rectify": True}]),
    ("AdaBelief", {"rectify": False, "degenerate": "skip"}, [{"rectify": True}]),
    ("Ranger", {"sync_period": None, "slow_step_size": 0.8}, [{"sync_period": 5}]),
    ("RangerLars", {"sync_period": None, "slow_step_size": 0.8}, [{"sync_period": 5}]),
]
CASES = {
    f"{name}-{'-'.join(given)}": (name, given, needed)
    for cls, given, needed in ROWS
    for name in (CLASSES if cls is None else [cls])
}


def last(given: Arguments, needed: list[Arguments]) -> str:
    """The argument that has no effect."""
    *_, argument = [one for one in given if one not in needed[0] and one != "form"] or list(given)
    return argument


@pytest.mark.parametrize(("name", "given", "needed"), CASES.values(), ids=CASES)
def test_what_has_no_effect_is_refused(
    name: str, given: Arguments, needed: list[Arguments]
) -> None:
    cls: Any = getattr(lamb_rs, name)
    argument = last(given, needed)
    with pytest.raises(HyperparameterError, match=f"{argument}=.* has no effect without ") as error:
        cls(**given)
    assert all(other in str(error.value) for choice in needed for other in choice)
    for choice in needed:
        made = cls(**{**given, **choice})
        assert getattr(made, argument) == given[argument]


@pytest.mark.parametrize(("name", "given", "needed"), CASES.values(), ids=CASES)
def test_it_has_no_effect_indeed(name: str, given: Arguments, needed: list[Arguments]) -> None:
    """`from_config` leaves it out, so that saved configurations load; the training is the same."""
    cls: Any = getattr(lamb_rs, name)
    config = {**cls().get_config(), **given}
    made = cls.from_config(config)
    defaults = cls().get_config()
    left_out = {one for one in given if getattr(made, one) != given[one]}
    assert left_out
    assert all(getattr(made, one) == defaults[one] for one in left_out)
    again = cls.from_config(made.get_config())
    assert again.get_config() == made.get_config()
    assert needed


PER_PARAMETER = {
    (row.class_name, one.name)
    for row in lamb_rs.registry()
    for one in row.hyperparameters
    if one.per_parameter
}
OVERRIDES = {
    id_: (name, given, needed)
    for id_, (name, given, needed) in CASES.items()
    if (name, last(given, needed)) in PER_PARAMETER
}


@pytest.mark.parametrize(("name", "given", "needed"), OVERRIDES.values(), ids=OVERRIDES)
def test_an_override_without_effect_is_refused(
    name: str, given: Arguments, needed: list[Arguments]
) -> None:
    cls: Any = getattr(lamb_rs, name)
    argument = last(given, needed)
    rest = {key: value for key, value in given.items() if key != argument}
    params = {"a": np.ones((3, 4), F), "b": np.ones((3, 4), F)}
    override = {"b": {argument: given[argument]}}
    opt = cls(**rest)
    with pytest.raises(HyperparameterError, match=f"'b': {argument}=.* has no effect without "):
        opt.build(params, override)
    assert not opt.built
    for choice in needed:
        made = cls(**{**rest, **choice})
        made.build(params, override)
        settings = {one.name: one.settings[argument].value for one in made.describe().parameters}
        assert settings["b"] == given[argument] != settings["a"]


PROBLEM = model((17,), 12)
# What acts only on parameters with weight decay, which an override may give to some of them, or
# only where the learning rate changes or the estimate of the distance grows.
SOMETIMES = {
    "lamb": {"always_adapt=False": {"phi", "trust_clip", "trust_epsilon"}},
    "lars": {"always_adapt=False": {"epsilon", "trust_clip", "trust_coefficient"}},
    "prodigy": {"bias_correction=True": {"growth_rate"}},
    "ralamb": {"always_adapt=False": {"phi", "trust_clip"}},
    "rangerlars": {"always_adapt=False": {"phi", "trust_clip"}},
    "adamp": {"defaults": {"weight_decay_ratio"}, "nesterov=True": {"weight_decay_ratio"}},
    "sgdp": {"defaults": {"weight_decay_ratio"}, "nesterov=True": {"weight_decay_ratio"}},
    "schedulefreeadamw": {"defaults": {"weight_lr_power"}},
    "schedulefreesgd": {"defaults": {"weight_lr_power"}},
}


def trained(cls: Any, arguments: Arguments, overrides: Any = None) -> bytes:
    params = PROBLEM.fresh()
    opt = cls(**arguments)
    opt.build(params, overrides)
    for g in PROBLEM.grads:
        opt.apply(g)
    return b"".join(p.tobytes() for p in params.values())


@pytest.mark.parametrize("row", lamb_rs.registry(), ids=lambda row: row.name)
def test_every_number_beside_every_switch_has_an_effect_or_is_refused(row: Any) -> None:
    cls = getattr(lamb_rs, row.class_name)
    known = {one.name: one for one in row.hyperparameters}
    besides = BESIDES.get(row.name, {})
    switches, numbers = {"defaults": besides}, {}
    for id_, kwargs in own_options(row).items():
        name, value = list(kwargs.items())[-1]
        if known[name].kind in ("bool", "choice"):
            switches[id_] = {**besides, **kwargs}
        else:
            numbers.setdefault(name, value)
    without = set()
    for id_, switch in switches.items():
        plain = trained(cls, switch)
        for name, value in numbers.items():
            try:
                changed = trained(cls, {**switch, name: value}) != plain
            except HyperparameterError as error:
                # Otherwise it is the switch that has no effect with this number.
                if str(error).startswith(f"{name}=") and known[name].per_parameter:
                    with pytest.raises(HyperparameterError, match=f"{name}=.* has no effect"):
                        trained(cls, switch, {"*": {name: value}})
            else:
                if name not in switch and not changed:
                    without.add((id_, name))
    expected = SOMETIMES.get(row.name, {})
    assert without == {(id_, name) for id_, names in expected.items() for name in names}


def test_what_an_override_needs_may_be_in_it() -> None:
    params = {"a": np.ones(3, F), "b": np.ones(3, F)}
    opt = SGD(momentum=0.9, form="lr_outside")
    opt.build(params, {"b": {"momentum": 0.5, "dampening": 0.1}})
    opt = SGD(momentum=0.9, form="lr_outside")
    with pytest.raises(HyperparameterError, match=r"'b': dampening=0\.1 has no effect"):
        opt.build(params, {"b": {"momentum": 0.0, "dampening": 0.1}})


def test_a_default_needs_nothing() -> None:
    assert SGD(nesterov=False, dampening=0.0).nesterov is False
    assert Adam(ema_momentum=0.99, ema_start=0, clip_epsilon=0.0).ema_momentum == 0.99


def test_setting_an_attribute_is_refused_alike() -> None:
    opt = Adam()
    with pytest.raises(HyperparameterError, match=r"clip_epsilon=0\.1 has no effect"):
        opt.clip_epsilon = 0.1
    opt.clipnorm = 1.0
    opt.clip_epsilon = 0.1
    with pytest.raises(HyperparameterError, match=r"clip_epsilon=0\.1 has no effect"):
        opt.clipnorm = None
    assert opt.clipnorm == 1.0


def test_while_training_a_feature_may_be_turned_off() -> None:
    params = [np.ones(3, F)]
    opt = SGD(momentum=0.9, nesterov=True, clipnorm=1.0, clip_epsilon=0.1)
    opt.build(params)
    opt.momentum = 0.0
    opt.clipnorm = None
    assert opt.apply([np.ones(3, F)])
    with pytest.raises(HyperparameterError, match=r"clip_epsilon=0\.2 has no effect"):
        opt.clip_epsilon = 0.2
    # Its configuration still makes an optimizer.
    assert SGD.from_config(opt.get_config()).momentum == 0.0


@pytest.mark.parametrize("momentum", [lambda: 0.0, schedules.PolynomialDecay(0.9, 2, 0.0)])
def test_what_a_function_drives_counts_as_set(momentum: Any) -> None:
    params = [np.ones(3, F)]
    opt = SGD(0.1, momentum=momentum, nesterov=True)
    opt.build(params)
    for _ in range(4):
        assert opt.apply([np.ones(3, F)])
    assert opt.momentum == 0.0


def test_copies_of_what_a_schedule_drives() -> None:
    opt = SGD(momentum=schedules.CosineDecay(0.9, 10), nesterov=True)
    for made in (copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))):
        assert made.get_config() == opt.get_config()
        assert made.nesterov is True


def test_other_packages_ignore_them_and_so_does_from_peer() -> None:
    made = lamb_rs.from_peer("keras.Adam", ema_momentum=0.5)
    assert made.ema_momentum == 0.99
    assert lamb_rs.from_peer("keras.Adam", use_ema=True, ema_momentum=0.5).ema_momentum == 0.5
    assert lamb_rs.from_peer("torch.SGD", lr=0.1, dampening=0.5).dampening == 0.0


def test_wrappers_set_what_they_need_together() -> None:
    made = Lookahead(Adam(), 3, 0.8, slow_start="first_sync", pullback_momentum="reset")
    assert made.slow_step_size == 0.8
    with pytest.raises(HyperparameterError, match="Lookahead: slow_step_size must be"):
        Lookahead(Adam(), 3, 1.8)
