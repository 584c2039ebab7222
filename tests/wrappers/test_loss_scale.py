"""Dynamic scaling of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lamb_rs import (
    SGD,
    Adam,
    HyperparameterError,
    Lookahead,
    LossScaleOptimizer,
    MultiOptimizer,
    StateMismatchError,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def ones(value: float = 1.0) -> Any:
    return np.full(4, value, np.float32)


def test_the_scale_moves_as_in_keras() -> None:
    opt = LossScaleOptimizer(SGD(0.5), 8.0, dynamic_growth_steps=2)
    params = ones()
    opt.build(params)
    seen = []
    for finite in (True, True, True, False, True, False, False, True, True):
        scale = opt.dynamic_scale
        assert opt.scale_loss(3.0) == 3.0 * scale
        # The gradient of the scaled loss is always of the same unscaled size.
        changed = opt.apply(ones(0.25 * scale if finite else np.inf))
        assert changed is finite
        seen.append((opt.dynamic_scale, opt.dynamic_growth_counter))
    assert seen == [(8, 1), (16, 0), (16, 1), (8, 0), (8, 1), (4, 0), (2, 0), (2, 1), (4, 0)]
    assert (opt.iterations, opt.skipped_steps) == (6, 3)
    assert params.tolist() == [1 - 6 * 0.5 * 0.25] * 4
    assert "not finite" in str(opt.last_skip) or "inf" in str(opt.last_skip).lower()


def test_the_scale_stays_in_its_limits() -> None:
    opt = LossScaleOptimizer(SGD(), 4.0, 1, minimum_scale=2.0)
    params = ones()
    opt.build(params)
    for _ in range(3):
        opt.apply(ones(np.nan))
    assert opt.dynamic_scale == 2.0
    opt = LossScaleOptimizer(SGD(), 2.0**126, 1)
    opt.build(params)
    for _ in range(3):
        opt.apply(ones())
    assert opt.dynamic_scale == 2.0**127


def test_a_window_counts_its_calls() -> None:
    opt = LossScaleOptimizer(SGD(0.5, gradient_accumulation_steps=2), 8.0, 2)
    params = ones()
    opt.build(params)
    assert not opt.apply(ones(8))
    assert not opt.apply(ones(np.inf))
    # The scale has changed within the window: each gradient is divided by its own.
    assert opt.dynamic_scale == 4.0
    assert opt.apply(ones(4))
    assert params.tolist() == [0.5] * 4


@pytest.mark.parametrize("bad", [0, 1])
def test_all_parts_skip_together(bad: int) -> None:
    opt = LossScaleOptimizer(MultiOptimizer([("0", SGD(0.5))], default=Adam()), 8.0)
    params = [ones(), ones()]
    opt.build(params)
    grads = [ones(8), ones(8)]
    grads[bad] = ones(np.nan)
    assert not opt.apply(grads)
    assert all((p == 1).all() for p in params)
    assert (opt.skipped_steps, opt.iterations, opt.dynamic_scale) == (1, 0, 4.0)
    assert f"'{bad}'" in str(opt.last_skip)
    again = LossScaleOptimizer(MultiOptimizer([("0", SGD(0.5))], default=Adam()), 8.0)
    again.load_state_dict(opt.state_dict())
    again.build([ones(), ones()])
    assert (again.skipped_steps, again.dynamic_scale) == (1, 4.0)
    assert opt.apply([ones(4), ones(4)])
    assert params[0].tolist() == [0.5] * 4
    opt.reset()
    assert (opt.skipped_steps, opt.dynamic_scale, opt.loss_scale_factor) == (0, 8.0, 8.0)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "scaled": (
        lambda: LossScaleOptimizer(SGD(loss_scale_factor=8.0)),
        "its loss_scale_factor is 8.*leave it None",
    ),
    "policy": (
        lambda: LossScaleOptimizer(SGD(nonfinite="raise")),
        "nonfinite='raise', but steps that are not finite are skipped; leave it 'auto'",
    ),
    "twice": (
        lambda: LossScaleOptimizer(Lookahead(LossScaleOptimizer(SGD()))),
        "it scales the loss already",
    ),
    "scale": (lambda: LossScaleOptimizer(SGD(), 0.0), "initial_scale must be a number > 0.*0.0"),
    "text": (lambda: LossScaleOptimizer(SGD(), "8"), "initial_scale must be.*'8'"),  # type: ignore[arg-type]
    "growth": (lambda: LossScaleOptimizer(SGD(), 8.0, 0), "dynamic_growth_steps must be.*>= 1"),
    "fraction": (
        lambda: LossScaleOptimizer(SGD(), 8.0, 1.5),  # type: ignore[arg-type]
        "dynamic_growth_steps must be an integer.*1.5",
    ),
    "floor": (
        lambda: LossScaleOptimizer(SGD(), 8.0, minimum_scale=16.0),
        "initial_scale 8.0 is less than minimum_scale 16.0",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(HyperparameterError, match=message):
        make()


def test_what_it_sets_is_set_from_there_only() -> None:
    inner = SGD()
    opt = LossScaleOptimizer(inner)
    for one in (inner, opt):
        with pytest.raises(HyperparameterError, match="set by the LossScaleOptimizer around it"):
            one.loss_scale_factor = 3.0
        with pytest.raises(HyperparameterError, match="set by the LossScaleOptimizer around it"):
            one.nonfinite = "raise"
    assert opt.loss_scale_factor == opt.dynamic_scale == 2.0**15
    assert opt.get_config()["inner"]["config"]["loss_scale_factor"] is None
    assert opt.get_config()["inner"]["config"]["nonfinite"] == "auto"
    with pytest.raises(AttributeError):
        opt.dynamic_scale = 3.0  # type: ignore[misc]


def test_a_wrong_scale_in_a_state() -> None:
    opt = LossScaleOptimizer(SGD())
    opt.build(params := ones())
    before = opt.state_dict()
    for key, value in (
        ("optimizer/dynamic_scale", 0.0),
        ("optimizer/dynamic_scale", np.nan),
        ("optimizer/dynamic_scale", "8"),
        ("optimizer/dynamic_growth_counter", -1),
        ("optimizer/dynamic_growth_counter", 1.5),
        ("optimizer/dynamic_growth_counter", None),
    ):
        wrong = {**before, key: value, "nothing": 1}
        with pytest.raises(StateMismatchError, match=f"'{key}' is not a") as caught:
            opt.load_state_dict(wrong)
        assert "'nothing' is unknown" in str(caught.value)
        assert opt.state_dict() == before
    del wrong[key], wrong["nothing"]
    with pytest.raises(StateMismatchError, match=f"'{key}' is missing"):
        opt.load_state_dict(wrong)
    opt.load_state_dict(wrong, strict=False)
    assert opt.apply(params + 1)
