"""Parameters and state can be read without a copy, in any storage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import Adam, AdamW, Lookahead, MultiOptimizer, NotBuiltError, ParameterSetError

ROWS = lamb_rs.registry()
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
SHAPES = {"kernel": (70, 64), "bias": (64,)}


def arrays(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def trained(opt: Any, steps: int = 3) -> tuple[Any, dict[str, Any]]:
    params = arrays(0)
    for t in range(steps):
        opt.apply(arrays(1 + t), params)
    return opt, params


@each_row
def test_views_are_the_state(row: Any) -> None:
    opt, params = trained(getattr(lamb_rs, row.class_name)(use_ema=True))
    saved = opt.state_dict()
    for name in params:
        slots = opt.state[name]
        assert {f"{name}/{slot}" for slot in slots} == {
            key for key in saved if key.startswith(f"{name}/")
        }
        for slot, view in slots.items():
            assert (view == saved[f"{name}/{slot}"]).all()
            assert view.shape == saved[f"{name}/{slot}"].shape
            assert np.shares_memory(view, opt.state[name][slot])
            assert (opt.read_state(name, slot) == view).all()
            with pytest.raises(ValueError, match="read-only"):
                view[...] = 0.0


def test_views_follow_the_training_and_outlive_the_optimizer() -> None:
    opt, _ = trained(Adam())
    view = opt.state["kernel"]["momentum"]
    before = view.copy()
    opt.apply(arrays(9))
    assert (view != before).any()
    last = opt.read_state("kernel", "momentum")
    del opt
    assert (view == last).all()


@each_row
def test_narrow_state_can_be_read(row: Any) -> None:
    for dtype in ("bfloat16", "float8"):
        try:
            made = getattr(lamb_rs, row.class_name)(state_dtype=dtype)
        except lamb_rs.HyperparameterError:
            continue
        opt, _ = trained(made)
        for parameter in opt.describe().parameters:
            for slot in parameter.slots:
                found = opt.read_state(parameter.name, slot.name)
                saved = opt.state_dict()[f"{parameter.name}/{slot.name}"]
                assert found.dtype == np.float32
                assert found.shape == saved.shape
                assert np.isfinite(found).all()
                narrow = slot.dtype != "float32"
                assert (slot.name in opt.state[parameter.name]) != narrow
                if slot.dtype == "bfloat16":
                    wide = (saved.astype(np.uint32) << 16).view(np.float32)
                    assert (found == wide).all()


def test_float8_reads_near_the_float32_moments() -> None:
    wide, _ = trained(AdamW(0.0))
    narrow, _ = trained(AdamW(0.0, state_dtype="float8"))
    for slot in ("momentum", "velocity"):
        exact, found = (opt.read_state("kernel", slot) for opt in (wide, narrow))
        # A code has four significant bits, and the moments were rounded three times.
        assert np.abs(found - exact).max() <= 3 * 2**-4 * np.abs(exact).max()
        assert np.corrcoef(found.ravel(), exact.ravel())[0, 1] > 0.99


def test_parameters_are_the_bound_arrays() -> None:
    opt, params = trained(Adam())
    assert list(opt.parameters) == opt.parameter_names
    assert all(opt.parameters[name] is params[name] for name in params)
    with pytest.raises(TypeError):
        opt.parameters["kernel"] = params["bias"]  # type: ignore[index]


def test_in_wrappers() -> None:
    parts = MultiOptimizer([("bias", lamb_rs.Lion())], default=Adam())
    for opt in (Lookahead(Adam()), parts):
        made, params = trained(opt)
        assert all(made.parameters[name] is params[name] for name in params)
        assert list(made.state) == made.parameter_names
        first = made.state["kernel"]["momentum"]
        assert (first == made.read_state("kernel", "momentum")).all()


def test_before_build_and_by_wrong_names() -> None:
    opt = Adam()
    assert not opt.parameters
    assert not opt.state
    with pytest.raises(NotBuiltError):
        opt.read_state("kernel", "momentum")
    opt, _ = trained(opt)
    with pytest.raises(ParameterSetError, match=r"no parameter 'kernal'.*did you mean 'kernel'"):
        opt.read_state("kernal", "momentum")
    with pytest.raises(ParameterSetError, match="has no slot 'm'; it has momentum, velocity"):
        opt.read_state("kernel", "m")
