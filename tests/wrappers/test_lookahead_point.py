"""Nesterov's gradient taken where he takes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamb_rs import SGD, ConcurrentStepError, HyperparameterError, Lookahead, NotBuiltError


def started(**arguments: Any) -> tuple[SGD, dict[str, Any]]:
    rng = np.random.default_rng(0)
    params = {"w": rng.normal(size=(70, 70)).astype("f"), "b": rng.normal(size=9).astype("f")}
    opt = SGD(**{"learning_rate": 0.1, "momentum": 0.9, **arguments})
    overrides = {"b": {"momentum": 0.5, "learning_rate_multiplier": 2.0}}
    opt.build(params, overrides)
    for _ in range(3):
        opt.apply({name: rng.normal(size=p.shape).astype("f") for name, p in params.items()})
    return opt, params


@pytest.mark.parametrize("form", ["lr_inside", "lr_outside"])
@pytest.mark.parametrize("state_dtype", ["float32", "bfloat16", "float8"])
def test_the_point_is_where_the_velocity_leads(form: Any, state_dtype: Any) -> None:
    """A step with a gradient of zero goes there, too."""
    opt, params = started(form=form, state_dtype=state_dtype)
    before = {name: p.copy() for name, p in params.items()}
    with opt.lookahead_point():
        point = {name: p.copy() for name, p in params.items()}
    for name, p in params.items():
        assert p.tobytes() == before[name].tobytes()
    opt.apply({name: np.zeros_like(p) for name, p in params.items()})
    for name, p in params.items():
        np.testing.assert_allclose(point[name], p, rtol=1e-6, atol=1e-6)
        assert (point[name] != before[name]).any()


def test_three_ways_to_nesterov() -> None:
    """On a quadratic, by the look-ahead point, and with the point itself stored."""
    curvature = np.linspace(0.5, 2.0, 8).astype("f")
    iterates = np.ones(8, np.float32)
    stored = np.ones(8, np.float32)
    by_point, by_switch = SGD(0.1, 0.9), SGD(0.1, 0.9, nesterov=True)
    by_point.build(iterates)
    by_switch.build(stored)
    for _ in range(20):
        with by_point.lookahead_point():
            g = curvature * iterates
            np.testing.assert_allclose(iterates, stored, rtol=2e-5, atol=1e-6)
        by_point.apply(g)
        by_switch.apply(curvature * stored)


def test_bits_come_back_after_an_error() -> None:
    opt, params = started()
    params["b"][0] = -0.0
    before = {name: p.tobytes() for name, p in params.items()}
    with pytest.raises(ZeroDivisionError), opt.lookahead_point():
        1 / 0  # noqa: B018
    assert {name: p.tobytes() for name, p in params.items()} == before
    assert opt.apply({name: np.ones_like(p) for name, p in params.items()})


def test_nothing_moves_inside() -> None:
    opt, params = started(use_ema=True)
    grads = {name: np.ones_like(p) for name, p in params.items()}
    with opt.lookahead_point():
        for act in (
            lambda: opt.apply(grads),
            opt.reset,
            lambda: opt.load_state_dict({}),
            opt.state_dict,
            lambda: opt.save("not-written"),
            lambda: opt.lookahead_point().__enter__(),
            lambda: opt.evaluation_weights().__enter__(),
        ):
            with pytest.raises(ConcurrentStepError, match=r"inside lookahead_point\(\); leave"):
                act()
        assert opt.iterations == 3
    with (
        opt.evaluation_weights(),
        pytest.raises(ConcurrentStepError, match=r"inside evaluation_weights\(\); leave"),
        opt.lookahead_point(),
    ):
        pass


def test_inside_a_wrapper() -> None:
    inner = SGD(0.1, 0.9)
    opt = Lookahead(inner, 2)
    params = np.ones(3, np.float32)
    opt.build(params)
    opt.apply(np.ones(3, np.float32))
    with inner.lookahead_point():
        assert (params < 0.9).all()
        with pytest.raises(ConcurrentStepError, match="leave the with block"):
            opt.apply(np.ones(3, np.float32))
    assert opt.apply(np.ones(3, np.float32))


def test_without_a_velocity_the_point_is_the_parameters() -> None:
    for opt in (SGD(), SGD(momentum=0.9)):
        params = np.ones(3, np.float32)
        opt.build(params)
        with opt.lookahead_point():
            assert (params == 1).all()


def test_refused() -> None:
    with pytest.raises(NotBuiltError), SGD().lookahead_point():
        pass
    with (
        pytest.raises(HyperparameterError, match="with nesterov=True, the parameters are the"),
        SGD(momentum=0.9, nesterov=True).lookahead_point(),
    ):
        pass
