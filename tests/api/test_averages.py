"""Averages of the parameters: read, taken over, put in for a while."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from lamb_rs import (
    SGD,
    ConcurrentStepError,
    HyperparameterError,
    Lamb,
    ParameterSetError,
)


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def problem() -> tuple[dict[str, Any], dict[str, Any]]:
    return {"w": ones(4, 3), "b": ones(3)}, {"w": ones(4, 3), "b": ones(3)}


def averaging(**arguments: Any) -> tuple[SGD, Any, Any]:
    params, grads = problem()
    opt = SGD(0.5, use_ema=True, ema_momentum=0.5, **arguments)
    opt.build(params)
    return opt, params, grads


def test_averages_can_be_read_but_not_written() -> None:
    opt, params, grads = averaging()
    opt.apply(grads)
    opt.apply(grads)
    assert params["b"].tolist() == [0.0] * 3
    assert opt.averages["b"].tolist() == [0.25] * 3
    assert list(opt.averages) == ["w", "b"]
    with pytest.raises(ValueError, match="read-only"):
        opt.averages["b"][0] = 1


def test_averages_start_as_the_parameters() -> None:
    """So that one whose gradient comes late, or never, has an average that means something."""
    opt, params, grads = averaging()
    assert opt.averages["w"].tolist() == params["w"].tolist()
    opt.apply({"w": None, "b": grads["b"]})
    opt.apply({"w": None, "b": grads["b"]})
    opt.finalize_variable_values()
    assert (params["w"] == 1).all()
    assert params["b"].tolist() == [0.25] * 3


def test_averages_of_frozen_parameters() -> None:
    params, grads = problem()
    opt = SGD(0.5, use_ema=True)
    opt.build(params, {"w": {"trainable": False}})
    opt.apply(grads)
    with opt.evaluation_weights():
        assert (params["w"] == 1).all()
    opt.finalize_variable_values()
    assert (params["w"] == 1).all()


def test_finalize_checks_what_it_is_given() -> None:
    opt, params, grads = averaging()
    opt.apply(grads)
    with pytest.raises(ParameterSetError):
        opt.finalize_variable_values(problem()[0])
    opt.finalize_variable_values(params)
    plain = SGD(0.5)
    plain.apply(grads, other := problem()[0])
    plain.finalize_variable_values()
    assert other["b"].tolist() == [0.5] * 3


def test_evaluation_weights() -> None:
    opt, params, grads = averaging()
    opt.apply(grads)
    opt.apply(grads)
    # The sign of a zero is one of the bits that have to come back.
    params["w"][0] = -0.0
    before = {name: p.tobytes() for name, p in params.items()}
    with opt.evaluation_weights():
        assert params["b"].tolist() == [0.25] * 3
        for act in (
            lambda: opt.apply(grads),
            lambda: opt.apply(grads, params),
            opt.reset,
            opt.finalize_variable_values,
            lambda: opt.load_state_dict({}),
            opt.state_dict,
            lambda: opt.save("not-written"),
            lambda: pickle.dumps(opt),
            lambda: copy.deepcopy(opt),
        ):
            with pytest.raises(ConcurrentStepError, match="leave the with block"):
                act()
        assert opt.iterations == 2
        with opt.evaluation_weights():
            assert params["b"].tolist() == [0.25] * 3
    assert {name: p.tobytes() for name, p in params.items()} == before
    assert opt.apply(grads)


def test_evaluation_weights_after_an_error() -> None:
    opt, params, grads = averaging()
    opt.apply(grads)
    opt.apply(grads)
    with pytest.raises(ZeroDivisionError), opt.evaluation_weights():
        1 / 0  # noqa: B018
    assert params["b"].tolist() == [0.0] * 3
    assert opt.apply(grads)


def test_evaluation_weights_before_the_first_step() -> None:
    opt, params, _ = averaging()
    with opt.evaluation_weights():
        assert (params["w"] == 1).all()


def test_evaluation_weights_need_averages() -> None:
    with pytest.raises(HyperparameterError, match="set use_ema=True"), Lamb().evaluation_weights():
        pass
