"""Exclusions and overrides: the parameters that they select, and the errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import HyperparameterError, Lamb, ParameterSetError

if TYPE_CHECKING:
    from collections.abc import Callable


def parameters() -> dict[str, Any]:
    def of(*shape: int) -> Any:
        return np.ones(shape, np.float32)

    return {"bias": of(3), "dense": {"kernel": of(4, 3), "bias": of(3)}, "norm": [of(2), of(2)]}


def values(opt: lamb_rs.Optimizer) -> dict[str, dict[str, Any]]:
    """What is set for each parameter."""
    return {
        one.name: {name: setting.value for name, setting in one.settings.items()}
        for one in opt.describe().parameters
    }


def names_where(opt: lamb_rs.Optimizer, test: Callable[[dict[str, Any]], bool]) -> list[str]:
    return [name for name, row in values(opt).items() if test(row)]


@pytest.mark.parametrize(
    ("patterns", "excluded"),
    [
        (["bias"], ["bias", "dense/bias"]),
        (["^bias$"], ["bias"]),
        (["norm/1", "kernel"], ["dense/kernel", "norm/1"]),
        (["b.*s", "dense"], ["bias", "dense/kernel", "dense/bias"]),
    ],
)
def test_exclusion_by_pattern(patterns: list[str], excluded: list[str]) -> None:
    opt = Lamb(weight_decay=0.1)
    opt.exclude_from_weight_decay(var_names=patterns)
    opt.exclude_from_layer_adaptation(var_names=patterns)
    opt.build(parameters())
    assert names_where(opt, lambda row: not row["weight_decay"]) == excluded
    assert names_where(opt, lambda row: not row["layer_adaptation"]) == excluded


def test_exclusion_by_array_is_by_identity() -> None:
    params = parameters()
    opt = Lamb(weight_decay=0.1)
    opt.exclude_from_weight_decay([params["dense"]["bias"]])
    opt.exclude_from_weight_decay(var_list=[params["norm"][0]], var_names=["kernel"])
    opt.build(params)
    excluded = names_where(opt, lambda row: not row["weight_decay"])
    assert excluded == ["dense/kernel", "dense/bias", "norm/0"]


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("*/bias", ["bias", "dense/bias"]),
        ("*bias", ["bias", "dense/bias"]),
        ("dense/*", ["dense/kernel", "dense/bias"]),
        ("*", ["bias", "dense/kernel", "dense/bias", "norm/0", "norm/1"]),
        ("norm/[1-9]", ["norm/1"]),
        ("d*s", ["dense/bias"]),
        (lambda name, _: name.startswith("norm"), ["norm/0", "norm/1"]),
        (lambda _, array: array.ndim > 1, ["dense/kernel"]),
    ],
)
def test_override_chooses(selector: Any, chosen: list[str]) -> None:
    opt = Lamb(weight_decay=0.1)
    opt.build(parameters(), overrides={selector: {"weight_decay": 0.25}})
    assert names_where(opt, lambda row: row["weight_decay"] == 0.25) == chosen


def test_globs_know_case() -> None:
    with pytest.raises(ParameterSetError):
        Lamb().build(parameters(), overrides={"*/BIAS": {"trainable": False}})


def test_later_entries_win_and_others_stay() -> None:
    opt = Lamb(0.5, weight_decay=0.1)
    opt.exclude_from_weight_decay(var_names=["bias"])
    own: dict[Any, Any] = {
        "*/bias": {"learning_rate": 0.25, "layer_adaptation": False},
        "dense/*": {"learning_rate": 0.125, "weight_decay": 0.3},
        "norm/0": {"learning_rate_multiplier": 0.5},
        "norm/1": {"trainable": False},
    }
    opt.build(parameters(), overrides=own)
    found = values(opt)
    assert [row["learning_rate"] for row in found.values()][:4] == [0.25, 0.125, 0.125, 0.25]
    assert [row["weight_decay"] for row in found.values()][:4] == [None, 0.3, 0.3, 0.1]
    assert names_where(opt, lambda row: not row["layer_adaptation"])[:2] == ["bias", "dense/bias"]
    assert names_where(opt, lambda row: not row["trainable"]) == ["norm/1"]


def test_overrides_reach_the_parameters() -> None:
    params = parameters()
    opt = lamb_rs.SGD(0.5)
    opt.build(
        params, {"*/bias": {"learning_rate_multiplier": 0.5}, "dense/kernel": {"trainable": False}}
    )
    grads = parameters()
    assert opt.apply(grads)
    assert params["bias"].tolist() == [0.75] * 3
    assert params["dense"]["bias"].tolist() == [0.75] * 3
    assert (params["dense"]["kernel"] == 1).all()
    assert params["norm"][1].tolist() == [0.5] * 2


def excluding(*args: Any, **kwargs: Any) -> Callable[[Lamb, Any], None]:
    def act(opt: Lamb, params: Any) -> None:
        opt.exclude_from_weight_decay(*args, **kwargs)
        opt.build(params)

    return act


def overriding(overrides: Any) -> Callable[[Lamb, Any], None]:
    return lambda opt, params: opt.build(params, overrides=overrides)


REFUSED: dict[str, tuple[Callable[[Lamb, Any], None], type[Exception], str]] = {
    "pattern": (
        excluding(var_names=["bias", "biass"]),
        ParameterSetError,
        r"exclude_from_weight_decay: 'biass' is found in none of the 5 parameters \('bias', .*corr",
    ),
    "array": (
        excluding(var_list=[np.ones(3, np.float32)]),
        ParameterSetError,
        r"var_list\[0\] \(array of shape \(3,\)\) is none of the 5 parameters .* array objects",
    ),
    "no regular expression": (
        excluding(var_names=["bias("]),
        HyperparameterError,
        r"'bias\(' is not a regular expression: ",
    ),
    "a string": (
        excluding(var_names="bias"),
        HyperparameterError,
        r"must be a list of patterns; write var_names=\['bias'\]",
    ),
    "nothing": (excluding(), HyperparameterError, "give var_names, var_list or both"),
    "glob": (
        overriding({"*/biass": {"weight_decay": None}}),
        ParameterSetError,
        r"overrides: '\*/biass' matches none of the 5 parameters",
    ),
    "predicate": (
        overriding({lambda *_: False: {"weight_decay": None}}),
        ParameterSetError,
        "overrides: a lambda matches none",
    ),
    "key": (overriding({3: {"weight_decay": None}}), HyperparameterError, "got 3"),
    "value": (
        overriding({"*": 0.1}),
        HyperparameterError,
        r"overrides: '\*' needs a dict .* got 0.1",
    ),
    "setting": (
        overriding({"*": {"weight_dekay": 0.1}}),
        HyperparameterError,
        r"'\*' has an unknown setting 'weight_dekay'; did you mean 'weight_decay'\?",
    ),
    "range": (overriding({"*": {"beta_1": 1.5}}), HyperparameterError, r"beta_1 .*\[0, 1\).* 1.5"),
    "switch": (
        overriding({"*": {"use_ema": True}}),
        HyperparameterError,
        "use_ema is fixed at construction",
    ),
}


@pytest.mark.parametrize(("act", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(act: Callable[[Lamb, Any], None], kind: type[Exception], message: str) -> None:
    opt, params = Lamb(weight_decay=0.1), parameters()
    with pytest.raises(kind, match=message):
        act(opt, params)
    assert not opt.built


@pytest.mark.parametrize("method", ["exclude_from_weight_decay", "exclude_from_layer_adaptation"])
def test_exclusion_after_build(method: str) -> None:
    opt = Lamb()
    opt.build(parameters())
    with pytest.raises(HyperparameterError, match=f"{method} has no effect after build; call it"):
        getattr(opt, method)(var_names=["bias"])


@pytest.mark.parametrize("method", ["exclude_from_weight_decay", "exclude_from_layer_adaptation"])
@pytest.mark.parametrize("argument", ["var_names", "var_list"])
@pytest.mark.parametrize("given", [3, memoryview(np.ones((2, 2)))], ids=["number", "view"])
def test_exclusion_by_what_is_not_a_list(method: str, argument: str, given: Any) -> None:
    with pytest.raises(HyperparameterError, match=f"{method}: {argument} must be a list, got"):
        getattr(Lamb(), method)(**{argument: given})


def test_names_to_exclude_may_come_from_a_generator() -> None:
    opt = Lamb(weight_decay=0.1)
    opt.exclude_from_weight_decay(var_names=(name for name in ["bias"]))
    opt.build(parameters())
    assert "no weight decay by 'bias'" in opt.explain()


def test_exclusion_from_adaptation_is_legal_where_there_is_none() -> None:
    opt = lamb_rs.AdamW()
    opt.exclude_from_layer_adaptation(var_names=["bias"])
    opt.build(parameters())
    assert "adapt" not in opt.explain()
