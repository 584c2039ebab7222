"""Narrow state does not drift: 4000 steps at beta_2 = 0.999, against float32 state.

With round-to-nearest the second moment stalls, since one step changes it by less than half a
unit in the last place. Stochastic rounding leaves noise but no bias; the bounds are four standard
errors of that noise, which is independent between elements.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import lamb_rs
from support.harness import Array, decode, float8_scales, float8_values

ELEMENTS = 16384
STEPS = 4000
# Mean relative error of sqrt(v): the concave root of unbiased noise is low by var/8.
ROOT_BOUND = {"bfloat16": 0.0005, "float8": 0.01}


def gradients() -> Any:
    """Signal and noise, with scales of elements over two decades."""
    rng = np.random.default_rng(11)
    scale = (10.0 ** rng.uniform(-2, 0, ELEMENTS)).astype(np.float32)
    for _ in range(STEPS):
        yield scale * (np.float32(0.5) + rng.standard_normal(ELEMENTS, dtype=np.float32))


@cache
def trained(name: str, state_dtype: str, rounding: str) -> dict[str, Array]:
    """Decoded moments after all steps."""
    opt = getattr(lamb_rs, name)(
        learning_rate=1e-4, state_dtype=state_dtype, state_rounding=rounding
    )
    rng = np.random.default_rng(12)
    params = {"w": (0.05 * rng.standard_normal(ELEMENTS)).astype(np.float32)}
    opt.build(params)
    for g in gradients():
        opt.apply({"w": g})
    assert np.isfinite(params["w"]).all()
    state = opt.state_dict()
    return {slot: decode(state, f"w/{slot}") for slot in ("momentum", "velocity")}


def bias(x: Array, exact: Array) -> tuple[float, float]:
    """Mean relative error over elements and its standard error."""
    error = x / exact - 1
    return float(error.mean()), float(error.std() / np.sqrt(error.size))


@pytest.mark.parametrize("name", ["Adam", "Lamb"])
@pytest.mark.parametrize("state_dtype", ["bfloat16", "float8"])
def test_second_moment_is_unbiased(name: str, state_dtype: str) -> None:
    exact = trained(name, "float32", "stochastic")["velocity"]
    narrow = trained(name, state_dtype, "stochastic")["velocity"]
    mean, error = bias(narrow, exact)
    assert abs(mean) <= 4 * error
    # The noise itself: a few units in the last place, never a multiple of the value.
    assert error * np.sqrt(ELEMENTS) <= {"bfloat16": 0.1, "float8": 0.4}[state_dtype]
    root, _ = bias(np.sqrt(narrow), np.sqrt(exact))
    assert abs(root) <= ROOT_BOUND[state_dtype]


@pytest.mark.parametrize("name", ["Adam", "Lamb"])
@pytest.mark.parametrize("state_dtype", ["bfloat16", "float8"])
def test_first_moment_is_unbiased(name: str, state_dtype: str) -> None:
    """Relative to the size of each element's gradients, as a mean may be near 0."""
    exact = trained(name, "float32", "stochastic")
    narrow = trained(name, state_dtype, "stochastic")["momentum"]
    error = (narrow - exact["momentum"]) / np.sqrt(exact["velocity"])
    assert abs(error.mean()) <= 4 * error.std() / np.sqrt(ELEMENTS)
    assert error.std() <= {"bfloat16": 0.01, "float8": 0.2}[state_dtype]


@pytest.mark.parametrize(("state_dtype", "least"), [("bfloat16", 0.05), ("float8", 0.3)])
def test_nearest_is_biased(state_dtype: str, least: float) -> None:
    """What stochastic rounding is there for; and proof that the tests above can fail."""
    exact = trained("Adam", "float32", "stochastic")["velocity"]
    narrow = trained("Adam", state_dtype, "nearest")["velocity"]
    root, _ = bias(np.sqrt(narrow), np.sqrt(exact))
    assert abs(root) >= least
    mean, error = bias(narrow, exact)
    assert abs(mean) > 20 * error


def test_zero_gradients_keep_zero_moments() -> None:
    """Zero is a code of its own: an element without gradients never moves."""
    for state_dtype in ("bfloat16", "float8"):
        opt = lamb_rs.Adam(state_dtype=state_dtype, epsilon=0.0)
        p = np.ones(ELEMENTS, np.float32)
        g = np.random.default_rng(1).standard_normal(ELEMENTS).astype(np.float32)
        g[::3] = 0.0
        opt.build([p])
        for _ in range(200):
            opt.apply([g])
        assert (p[::3] == 1.0).all()
        state = opt.state_dict()
        assert not decode(state, "0/momentum")[::3].any()
        assert not decode(state, "0/velocity")[::3].any()


def test_small_tensors_stay_float32() -> None:
    opt = lamb_rs.Adam(state_dtype="float8")
    params = [np.ones(4095, np.float32), np.ones(4096, np.float32)]
    opt.build(params)
    opt.apply([np.ones(4095, np.float32), np.ones(4096, np.float32)])
    state = opt.state_dict()
    assert state["0/momentum"].dtype == np.float32
    assert state["1/momentum"].dtype == np.uint8
    assert state["1/momentum_scale"].size == 16


def test_running_maximum_stays_float32() -> None:
    for state_dtype in ("bfloat16", "float8"):
        opt = lamb_rs.Adam(amsgrad=True, state_dtype=state_dtype, use_ema=True)
        params = [np.ones(4096, np.float32)]
        opt.build(params)
        opt.apply([np.ones(4096, np.float32)])
        state = opt.state_dict()
        assert state["0/velocity_max"].dtype == np.float32
        assert state["0/average"].dtype == np.float32


def test_codes() -> None:
    """The two small floats: monotone, zero is zero, the largest is 480 scales."""
    for signed in (True, False):
        values = float8_values(signed=signed)
        positive = values[:128] if signed else values
        assert positive[0] == 0
        assert positive[-1] == 480
        assert (np.diff(positive) > 0).all()
    assert (float8_values(signed=True)[128:] == -float8_values(signed=True)[:128]).all()
    np.testing.assert_array_equal(float8_scales(np.array([0, 128, 130])), [0.0, 1.0, 4.0])
