"""Parameters that are not trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamb_rs

F = np.float32
FROZEN: dict[str, Any] = {"trainable": False}


@pytest.mark.parametrize("name", lamb_rs.optim.__all__)
@pytest.mark.parametrize("wrapped", [False, True])
def test_everything_frozen_changes_nothing(name: str, wrapped: bool) -> None:
    """``apply`` tells whether parameters were updated."""
    params = {"kernel": np.ones((2, 3), F), "bias": np.ones(3, F)}
    grads = {key: np.ones_like(p) for key, p in params.items()}
    opt: Any = getattr(lamb_rs, name)(0.1)
    if wrapped:
        opt = lamb_rs.LossScaleOptimizer(opt)
    opt.build(params, {"*": FROZEN})
    assert opt.apply(grads) is False
    assert all((p == 1).all() for p in params.values())


@pytest.mark.parametrize("name", lamb_rs.optim.__all__)
def test_one_of_several_frozen(name: str) -> None:
    params = {"kernel": np.ones((2, 3), F), "bias": np.ones(3, F)}
    opt = getattr(lamb_rs, name)(0.1)
    opt.build(params, {"kernel": FROZEN})
    before = opt.state_dict()
    assert opt.apply({key: np.ones_like(p) for key, p in params.items()}) is True
    assert (params["kernel"] == 1).all()
    for key, x in opt.state_dict().items():
        if key.startswith("kernel/"):
            np.testing.assert_array_equal(x, before[key], err_msg=key)


@pytest.mark.parametrize("opt", [lamb_rs.Adopt(), lamb_rs.SGD(0.0)], ids=["adopt", "rate 0"])
def test_an_update_that_moves_nothing_is_an_update(opt: lamb_rs.Optimizer) -> None:
    """``apply`` does not look at the parameters."""
    params = np.ones(3, F)
    opt.build(params)
    assert opt.apply(np.ones(3, F)) is True
    assert (params == 1).all()
    assert opt.iterations == 1
