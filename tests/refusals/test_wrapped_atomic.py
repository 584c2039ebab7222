"""A step of a wrapper that raises has changed no byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lamb_rs import (
    SGD,
    Adam,
    AdamW,
    AliasError,
    Lamb,
    LambError,
    Larc,
    Lookahead,
    LossScaleOptimizer,
    MultiOptimizer,
    ParameterSetError,
    ShapeError,
)
from support.bad_input import GRADIENTS, PARAMETERS, SHAPES, F, changed, snapshot, tensors
from support.trees import rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamb_rs import Optimizer

SHARED: dict[str, Any] = {"use_ema": True, "weight_decay": 0.01}


def multi() -> MultiOptimizer:
    return MultiOptimizer(
        [("first", Lamb(0.1, **SHARED)), ("middle", Lookahead(SGD(0.1, 0.9, **SHARED), 2))],
        default=Adam(0.1, **SHARED),
    )


EACH: dict[str, Callable[[], Optimizer]] = {
    "lookahead": lambda: Lookahead(AdamW(0.1, use_ema=True), 2, pullback_momentum="pullback"),
    "larc": lambda: Larc(SGD(0.1, 0.9, gradient_accumulation_steps=2, **SHARED)),
    "loss scale": lambda: LossScaleOptimizer(Lamb(0.1, **SHARED), 8.0, 3),
    "multi": multi,
    "loss scale of multi": lambda: LossScaleOptimizer(multi(), 8.0, 3),
    "lookahead of multi": lambda: Lookahead(
        MultiOptimizer([("*", SGD(0.1, 0.9, **SHARED))], default=Adam(0.1)), 2
    ),
}
each = pytest.mark.parametrize("make", EACH.values(), ids=EACH)


def running(make: Callable[[], Optimizer]) -> tuple[Optimizer, dict[str, Any]]:
    opt, params = make(), tensors()
    opt.build(params)
    for t in range(3):
        opt.apply(tensors(t + 1))
    return opt, params


@each
def test_bad_gradients(make: Callable[[], Optimizer]) -> None:
    opt, params = running(make)
    for bad in GRADIENTS:
        for position in SHAPES:
            grads = tensors(9)
            grads[position] = bad.make(grads[position])
            before = snapshot(opt, params)
            with pytest.raises(bad.error, match=f"'{position}'"):
                opt.apply(grads)
            assert not changed(before, snapshot(opt, params)), bad.id
    assert opt.apply(tensors(9)) or opt.apply(tensors(9))


@each
def test_bad_sets(make: Callable[[], Optimizer]) -> None:
    opt, params = running(make)
    grads = tensors(9)
    wrong: dict[str, tuple[type[LambError], Any]] = {
        "nothing": (ParameterSetError, {}),
        "missing": (ParameterSetError, {name: grads[name] for name in ("first", "last")}),
        "unknown": (ParameterSetError, grads | {"more": grads["last"]}),
        "all None": (ParameterSetError, dict.fromkeys(grads)),
        "a list": (ParameterSetError, list(grads.values())),
        "the parameters": (AliasError, params),
        "another parameter": (
            AliasError,
            grads | {"last": params["middle"].ravel()[3:15].reshape(3, 4)},
        ),
        "another average": (
            AliasError,
            grads | {"last": opt.averages["middle"].ravel()[:12].reshape(3, 4)},
        ),
        "swapped": (ShapeError, grads | {"last": grads["first"], "first": grads["last"]}),
    }
    for name, (error, given) in wrong.items():
        before = snapshot(opt, params)
        with pytest.raises(error):
            opt.apply(given)
        assert not changed(before, snapshot(opt, params)), name


@each
@pytest.mark.parametrize("position", SHAPES)
def test_bad_parameters(make: Callable[[], Optimizer], position: str) -> None:
    for bad in PARAMETERS:
        params = tensors()
        params[position] = bad.make(params[position])
        opt = make()
        with pytest.raises(bad.error, match=f"'{position}'"):
            opt.build(params)
        assert not opt.built
        assert not any(one.built for one in rules(opt))
    opt.build(tensors())


@each
def test_parameters_that_overlap(make: Callable[[], Optimizer]) -> None:
    params = tensors()
    params["last"] = params["middle"].ravel()[3:15].reshape(3, 4)
    opt = make()
    with pytest.raises(AliasError, match="'middle' and 'last' share 48 bytes"):
        opt.build(params)
    assert not opt.built


@each
def test_parameters_that_moved(make: Callable[[], Optimizer]) -> None:
    opt, params = running(make)
    for name in SHAPES:
        good = params[name]
        params[name] = good.copy()
        before = snapshot(opt, params)
        with pytest.raises(ParameterSetError, match=f"'{name}'"):
            opt.apply(tensors(9), params)
        assert not changed(before, snapshot(opt, params))
        params[name] = good
    empty = np.zeros(0, F)
    other = make()
    other.build({"first": empty, "middle": np.ones((2, 3), F), "last": np.zeros((0, 4), F)})
    grads = {"first": empty, "middle": np.ones((2, 3), F), "last": np.zeros((0, 4), F)}
    with pytest.raises(ParameterSetError, match="only the optimizer holds"):
        other.apply(grads)
