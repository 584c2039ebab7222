"""Every option of every rule inside every wrapper, with a matrix and a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from reference import reference
from support.cases import make, own_options, refused
from support.harness import Model, lockstep
from support.options import BESIDES, EXTRA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = lamb_rs.registry()
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def problem() -> Model:
    rng = np.random.default_rng(4)
    shapes = {"kernel": (4, 4), "bias": (8,)}
    params = {name: np.float32(0.05 * rng.normal(size=s)) for name, s in shapes.items()}
    grads = [
        {name: np.float32(0.1 + rng.normal(size=s)) for name, s in shapes.items()} for _ in range(5)
    ]
    return Model(params, grads)


PROBLEM = problem()


def options(row: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The defaults and every option of a rule with state in float32."""
    besides = BESIDES.get(row.name, {})
    rows = {"defaults": {}, **own_options(row), **EXTRA.get(row.name, {})}
    for name, kwargs in rows.items():
        if kwargs.get("state_dtype", "float32") == "float32":
            yield name, {**besides, **kwargs}


@each_row
@pytest.mark.parametrize("pullback", ["none", "reset", "pullback"])
def test_lookahead(row: Any, pullback: str) -> None:
    """The momentum of each tensor is found, wherever the rule keeps it."""
    for option, kwargs in options(row):
        arguments = {"sync_period": 2, **kwargs, "pullback_momentum": pullback}
        if refused(row, arguments) is not None or arguments["sync_period"] is None:
            continue
        opt = make(row.class_name, arguments)
        try:
            lockstep(opt, reference(row.name, **arguments), PROBLEM, trajectory=False)
        except AssertionError as error:
            raise AssertionError(f"{option}: {error}") from error


@each_row
def test_larc(row: Any) -> None:
    for option, kwargs in options(row):
        arguments = {**kwargs, "larc_coefficient": 0.02}
        if refused(row, arguments) is not None:
            continue
        opt = make(row.class_name, arguments)
        try:
            lockstep(opt, reference(row.name, **arguments), PROBLEM, trajectory=False)
        except AssertionError as error:
            raise AssertionError(f"{option}: {error}") from error


def trained(opt: lamb_rs.Optimizer) -> dict[str, bytes]:
    params = PROBLEM.fresh()
    opt.build(params)
    for g in PROBLEM.grads:
        opt.apply(g)
    return {name: p.tobytes() for name, p in params.items()}


WRAPPERS: dict[str, Callable[[Any], lamb_rs.Optimizer]] = {
    "loss scale": lambda opt: lamb_rs.LossScaleOptimizer(opt, initial_scale=1.0),
    "multi": lambda opt: lamb_rs.MultiOptimizer([("*", opt)]),
    "nest": lambda opt: lamb_rs.LossScaleOptimizer(
        lamb_rs.MultiOptimizer([("*", opt)]), initial_scale=1.0
    ),
}


@each_row
@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_wrappers_that_change_no_number(row: Any, wrap: Callable[[Any], lamb_rs.Optimizer]) -> None:
    """The same bits as without the wrapper."""
    for option, kwargs in options(row):
        if "nonfinite" in kwargs:
            continue
        plain, inside = (make(row.class_name, kwargs) for _ in range(2))
        assert trained(wrap(inside)) == trained(plain), option


@pytest.mark.parametrize("pullback", ["none", "reset", "pullback"])
def test_the_second_moment_is_not_the_momentum(pullback: Any) -> None:
    """Adafactor keeps the momentum of a vector in another slot than that of a matrix."""
    params = PROBLEM.fresh()
    inner = lamb_rs.Adafactor(beta_1=0.9)
    opt = lamb_rs.Lookahead(inner, sync_period=2, pullback_momentum=pullback)
    opt.build(params)
    for g in PROBLEM.grads[:2]:
        opt.apply(g)
    state = opt.state_dict()
    assert np.all(state["bias/velocity"] > 0)
    for name in params:
        assert np.any(state[f"{name}/momentum"]) == (pullback != "reset"), name
