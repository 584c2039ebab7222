"""Overrides, exclusions and hyperparameters that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    SGD,
    HyperparameterError,
    Lamb,
    LambError,
    ParameterSetError,
)
from support.bad_input import (
    changed,
    snapshot,
    tensors,
)

Array = np.ndarray


WRONG_OVERRIDES: dict[str, tuple[Any, type[Exception], str]] = {
    "no match": ({"kernel": {"weight_decay": None}}, ParameterSetError, "'kernel' matches none"),
    "no match among others": (
        {"first": {"weight_decay": None}, "*/bias": {"weight_decay": None}},
        ParameterSetError,
        r"'\*/bias' matches none of the 3.*'first'",
    ),
    "predicate that is never true": (
        {(lambda *_: False): {"weight_decay": None}},
        ParameterSetError,
        "lambda matches none",
    ),
    "unknown setting": (
        {"*": {"weight_deca": 1}},
        HyperparameterError,
        "unknown setting 'weight_deca'; did you mean 'weight_decay'",
    ),
    "no mapping of settings": ({"*": 0.1}, HyperparameterError, "needs a dict.*0.1"),
    "no pattern": ({3: {}}, HyperparameterError, "glob patterns or predicates.*3"),
    "no mapping": ([("*", {})], HyperparameterError, "overrides"),
    "text": ("*", HyperparameterError, "overrides"),
    "switch": ({"*": {"use_ema": True}}, HyperparameterError, "'first'.*use_ema is fixed"),
    "decay": ({"last": {"weight_decay": -1}}, HyperparameterError, "weight_decay.*>= 0.*-1"),
    "rate": ({"last": {"learning_rate": -1}}, HyperparameterError, "learning_rate.*>= 0.*-1"),
    "rate nan": ({"last": {"learning_rate": np.nan}}, HyperparameterError, "learning_rate"),
    "rate text": ({"last": {"learning_rate": "1"}}, HyperparameterError, "learning_rate.*'1'"),
    "rate None": ({"last": {"learning_rate": None}}, HyperparameterError, "learning_rate"),
    "rate schedule": (
        {"last": {"learning_rate": lamb_rs.schedules.CosineDecay(0.1, 5)}},
        HyperparameterError,
        "learning_rate",
    ),
    "multiplier": (
        {"last": {"learning_rate_multiplier": -1}},
        HyperparameterError,
        "learning_rate_multiplier.*-1",
    ),
    "multiplier text": (
        {"last": {"learning_rate_multiplier": "1"}},
        HyperparameterError,
        "learning_rate_multiplier",
    ),
    "trainable": ({"last": {"trainable": 1}}, HyperparameterError, "trainable"),
    "adaptation": ({"last": {"layer_adaptation": None}}, HyperparameterError, "layer_adaptation"),
    "beta": ({"last": {"beta_1": 1.0}}, HyperparameterError, r"beta_1.*\[0, 1\).*1"),
}


@pytest.mark.parametrize(
    ("overrides", "error", "message"), WRONG_OVERRIDES.values(), ids=WRONG_OVERRIDES
)
def test_wrong_overrides(overrides: Any, error: type[Exception], message: str) -> None:
    opt = Lamb()
    params = tensors()
    with pytest.raises(error, match=message) as caught:
        opt.build(params, overrides=overrides)
    assert isinstance(caught.value, LambError)
    assert not opt.built
    opt.build(params)


@pytest.mark.parametrize("method", ["exclude_from_weight_decay", "exclude_from_layer_adaptation"])
def test_exclusions_that_match_nothing(method: str) -> None:
    params = tensors()
    for argument, message in (
        ({"var_names": ["bias"]}, "'bias' is found in none of the 3"),
        ({"var_list": [params["first"].copy()]}, r"var_list\[0\]"),
    ):
        opt = Lamb()
        getattr(opt, method)(**argument)
        with pytest.raises(ParameterSetError, match=f"{method}.*{message}"):
            opt.build(params)
        assert not opt.built
    for argument in ({"var_names": "bias"}, {"var_names": ["("]}, {"var_names": [3]}):
        with pytest.raises(HyperparameterError, match=method):
            getattr(Lamb(), method)(**argument)
    opt = Lamb()
    opt.build(params)
    with pytest.raises(HyperparameterError, match=f"{method} has no effect after build"):
        getattr(opt, method)(var_names=["first"])


MOVING_OVERRIDES = {
    "clipnorm": 1e-3,
    "clipvalue": 1e-3,
    "global_clipnorm": 1e-3,
    "ema_momentum": 0.0,
    "loss_scale_factor": 1e3,
}


@pytest.mark.parametrize(("name", "value"), MOVING_OVERRIDES.items(), ids=MOVING_OVERRIDES)
def test_an_override_has_an_effect_or_is_refused(name: str, value: float) -> None:
    run = []
    for overrides in ({}, {"middle": {name: value}}):
        params = tensors()
        opt = SGD(0.1, use_ema=True, ema_momentum=0.9)
        try:
            opt.build(params, overrides=overrides)
        except HyperparameterError as error:
            assert name in str(error)  # noqa: PT017
            return
        for t in range(1, 3):
            opt.apply(tensors(t))
        run.append(snapshot(opt, params))
    assert any("middle" in name for name in changed(*run))


# Hyperparameters


def out_of_range(hyper: Any) -> list[Any]:
    """Values that no hyperparameter of this kind takes."""
    domain, kind = hyper.range, hyper.kind
    bad: list[Any] = ["x", b"x", [1.0, 2.0, 3.0], object(), 1j, (1.0,), np.ones(3)]
    if kind in {"number", "integer"}:
        bad += [np.nan, np.inf, -np.inf, True, np.bool_(True), 10**400, (1.0, 2.0)]
        bad += [1, 1e-30] if "<= 0" in domain else [-1, -1e-30]
        bad += [1.5, 2.5] if kind == "integer" else []
        bad += [1.0, 1.5] if "[0, 1)" in domain else []
        bad += [1.5] if "[0, 1]" in domain else []
        bad += [0.0, 1.0] if "(0, 1)" in domain else []
        bad += [0.0] if "> 0" in domain else []
    if kind == "pair":
        bad += [(2.0, 1.0), (-1.0, 1.0), (0.0, np.inf), (np.nan, 1.0), ("0", "1"), 1.0, True]
    if kind in {"bool", "choice"}:
        bad += [1, 0, 2.5, np.nan]
    if "None" not in domain and None not in hyper.choices:
        bad.append(None)
    return bad


def same(a: Any, b: Any) -> bool:
    return bool(a == b) or (a != a and b != b)  # noqa: PLR0124


HYPERS = [
    pytest.param(row, hyper, id=f"{row.name}-{hyper.name}")
    for row in lamb_rs.registry()
    for hyper in row.hyperparameters
    if not hyper.shared or row.name == "lamb"
]


@pytest.mark.parametrize(("row", "hyper"), HYPERS)
def test_out_of_range(row: Any, hyper: Any) -> None:
    cls, name = getattr(lamb_rs, row.class_name), hyper.name
    for built in (False, True):
        opt = cls()
        value = getattr(opt, name)
        params = tensors()
        if built:
            opt.build(params)
            opt.apply(tensors(1))
            before = snapshot(opt, params)
        for bad in out_of_range(hyper):
            with pytest.raises(HyperparameterError, match=name) as caught:
                setattr(opt, name, bad)
            assert isinstance(caught.value, ValueError)
            assert same(getattr(opt, name), value)
            if not built:
                with pytest.raises(HyperparameterError, match=name) as caught:
                    cls(**{name: bad})
            if hyper.dynamic or not built:
                assert hyper.range in str(caught.value)
        if built:
            assert not changed(before, snapshot(opt, params))


def test_two_clips() -> None:
    clips = ("clipnorm", "clipvalue", "global_clipnorm")
    for first in clips:
        for second in clips:
            if first == second:
                continue
            for both in ({first: 1.0, second: 1.0}, {first: 1.0, second: 2.0}):
                with pytest.raises(HyperparameterError, match="at most one"):
                    Lamb(**both)
            for built in (False, True):
                opt = Lamb(**{first: 1.0})
                params = tensors()
                if built:
                    opt.build(params)
                with pytest.raises(HyperparameterError, match=f"{first}.*at most one"):
                    setattr(opt, second, 1.0)
                assert getattr(opt, second) is None
                setattr(opt, first, None)
                setattr(opt, second, 1.0)
                assert getattr(opt, second) == 1.0
