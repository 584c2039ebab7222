"""Building and stepping as a user meets them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lamb_rs import (
    SGD,
    Lamb,
    LambError,
    NotBuiltError,
    ParameterSetError,
    optim,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = [getattr(optim, name) for name in optim.__all__]
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def problem() -> tuple[dict[str, Any], dict[str, Any]]:
    return {"w": ones(4, 3), "b": ones(3)}, {"w": ones(4, 3), "b": ones(3)}


@each_class
def test_apply_builds_as_in_keras(cls: Any) -> None:
    params, grads = problem()
    # Of gradients that are all alike, centralization would leave nothing.
    opt = cls(0.1, gradient_centralization=False)
    assert not opt.built
    assert opt.apply(grads, params) is True
    assert opt.built
    assert opt.parameter_names == ["w", "b"]
    assert opt.apply(grads, params) is True
    assert opt.apply(grads) is True
    assert opt.iterations == opt.calls == 3
    assert not (params["w"] == 1).any()
    assert (grads["w"] == 1).all()
    with pytest.raises(ParameterSetError, match="'w' is not the array"):
        opt.apply(grads, problem()[0])


def test_build_twice() -> None:
    params, _ = problem()
    opt = Lamb()
    opt.build(params)
    with pytest.raises(ParameterSetError, match="built already, for 2 parameters; make a new"):
        opt.build(params)


BEFORE: dict[str, Callable[[Lamb], Any]] = {
    "apply": lambda opt: opt.apply([ones(2)]),
    "state_dict": lambda opt: opt.state_dict(),
    "reset": lambda opt: opt.reset(),
    "finalize": lambda opt: opt.finalize_variable_values(),
    "averages": lambda opt: opt.averages,
    "evaluation_weights": lambda opt: opt.evaluation_weights().__enter__(),
}


@pytest.mark.parametrize("act", BEFORE.values(), ids=BEFORE)
def test_before_build(act: Callable[[Lamb], Any]) -> None:
    with pytest.raises(NotBuiltError, match=r"build\(params\)") as caught:
        act(Lamb(use_ema=True))
    assert isinstance(caught.value, LambError | RuntimeError)


def test_nothing_to_read_before_the_first_step() -> None:
    opt = Lamb(global_clipnorm=1.0)
    for _ in range(2):
        assert opt.trust_ratios is None
        assert opt.weight_norms is None
        assert opt.update_norms is None
        assert opt.gradient_norm is None
        assert opt.last_skip is None
        assert opt.iterations == opt.calls == opt.skipped_steps == 0
        if not opt.built:
            assert opt.parameter_names == []
            assert opt.state_bytes == 0
            opt.build(problem()[0])
    assert opt.state_bytes >= 15 * 8


def test_ratios_and_norms() -> None:
    params, grads = problem()
    opt = Lamb(0.1, global_clipnorm=1.0)
    opt.exclude_from_layer_adaptation(var_names=["b"])
    opt.apply(grads, params)
    ratios, weights, updates = opt.trust_ratios, opt.weight_norms, opt.update_norms
    assert ratios is not None
    assert weights is not None
    assert updates is not None
    assert ratios.dtype == weights.dtype == updates.dtype == np.float64
    assert weights[0] == pytest.approx(math.sqrt(12))
    assert ratios[0] == pytest.approx(weights[0] / updates[0])
    assert np.isnan([ratios[1], weights[1], updates[1]]).all()
    assert opt.gradient_norm == pytest.approx(math.sqrt(15))
    assert SGD().trust_ratios is None


def test_loss_scale() -> None:
    params, grads = problem()
    opt = SGD(0.5, loss_scale_factor=4.0)
    assert opt.scale_loss(2.0) == 8.0
    assert SGD().scale_loss(2.0) == 2.0
    opt.build(params)
    opt.apply({name: 4 * g for name, g in grads.items()})
    assert params["b"].tolist() == [0.5] * 3


def test_skipped_steps() -> None:
    params, grads = problem()
    opt = Lamb(nonfinite="skip")
    opt.build(params)
    grads["b"][1] = np.nan
    assert opt.apply(grads) is False
    assert (opt.skipped_steps, opt.iterations) == (1, 0)
    assert opt.last_skip is not None
    assert "'b'" in opt.last_skip
    assert (params["w"] == 1).all()
