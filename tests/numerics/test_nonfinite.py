"""NaN and infinity: who raises, who skips, and how far they spread where they are let through."""

from __future__ import annotations

import itertools
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from lamb_rs import SGD, Adam, Lamb, LambError, Lars, NonFiniteError
from support.bad_input import changed, snapshot

F = np.float32
SHAPES = {"first": (5, 7), "middle": (64, 65), "last": (17, 3)}
VALUES = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}
CLIPS: dict[str, dict[str, Any]] = {
    "no clip": {},
    "clipvalue": {"clipvalue": 0.5},
    "clipnorm": {"clipnorm": 1.0},
    "global_clipnorm": {"global_clipnorm": 1.0},
}
POLICIES = ("auto", "propagate", "raise", "skip")


def tensors(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(F) for name, shape in SHAPES.items()}


def spoiled(seed: int, name: str, value: float, dtype: Any = F) -> dict[str, Any]:
    """Gradients of which one has two elements that are not finite."""
    grads = {key: g.astype(dtype) for key, g in tensors(seed).items()}
    grads[name][2, 1] = value
    grads[name][4, 0] = value
    return grads


def refuses(policy: str, clip: str) -> bool:
    return policy == "raise" or (policy == "auto" and clip in {"clipnorm", "global_clipnorm"})


@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("policy", POLICIES)
def test_policy(policy: Any, clip: str, window: int | None) -> None:
    for cls, (kind, value), name in itertools.product((Adam, Lamb), VALUES.items(), SHAPES):
        params = tensors(0)
        opt = cls(
            0.1,
            nonfinite=policy,
            gradient_accumulation_steps=window,
            use_ema=True,
            **CLIPS[clip],
        )
        opt.build(params)
        opt.apply(tensors(1))
        # With a window the bad call is the one that closes it, then the one that opens the next.
        for t in (2, 3):
            grads = spoiled(t, name, value)
            before = snapshot(opt, params, grads)
            updates = window is None or opt.calls % window == window - 1
            if refuses(policy, clip):
                with pytest.raises(NonFiniteError) as caught:
                    opt.apply(grads)
                assert isinstance(caught.value, LambError)
                assert isinstance(caught.value, FloatingPointError)
                assert not changed(before, snapshot(opt, params, grads))
                message = str(caught.value)
            elif policy == "skip":
                assert opt.apply(grads) is False
                assert opt.skipped_steps == t - 1
                message = opt.last_skip or ""
                counted = {"skipped_steps", "last_skip", "state optimizer/skipped_steps"}
                after = snapshot(opt, params, grads)
                assert counted - {"last_skip"} <= set(changed(before, after)) <= counted
            else:
                assert opt.apply(grads) is updates
                # Where NaN has not reached the parameters yet, it waits in the window.
                if kind == "nan" and (updates or t == 3):
                    assert np.isnan(params[name][2, 1]) or not updates
                continue
            index = 2 * SHAPES[name][1] + 1
            for word in (f"'{name}'", f" {index}:", "2 non-finite elements", kind.lstrip("-")):
                assert word.lower() in message.lower(), message
            opt.apply(tensors(t))
        assert all(np.isfinite(p).all() for p in params.values()) or policy in {
            "auto",
            "propagate",
        }


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("kind", VALUES)
def test_narrow_gradients_are_checked_too(dtype: Any, kind: str) -> None:
    for policy, arguments in itertools.product(("raise", "auto"), CLIPS.values()):
        params = tensors(0)
        opt = Lamb(0.1, nonfinite=policy, **arguments)
        opt.build(params)
        opt.apply({name: g.astype(dtype) for name, g in tensors(1).items()})
        before = snapshot(opt, params)
        if policy == "auto" and set(arguments) <= {"clipvalue"}:
            continue
        with pytest.raises(NonFiniteError, match=r"'last' has 2 .* flat index 7"):
            opt.apply(spoiled(2, "last", VALUES[kind], dtype))
        assert not changed(before, snapshot(opt, params))


@pytest.mark.parametrize("value", [6.5e4, 3e38, 1e-40, -3e38])
def test_what_is_finite_is_never_refused(value: float) -> None:
    """Squares that float32 cannot hold do not count as infinite."""
    for arguments in CLIPS.values():
        params = tensors(0)
        opt = Adam(0.1, nonfinite="raise", **arguments)
        opt.build(params)
        grads = {name: np.full(g.shape, value, F) for name, g in tensors(1).items()}
        assert opt.apply(grads)
    half = {name: np.full(g.shape, 65504, np.float16) for name, g in tensors(1).items()}
    assert SGD(nonfinite="raise").apply(half, tensors(0))


def moved(params: dict[str, Any], clean: dict[str, Any], name: str) -> np.ndarray[Any, Any]:
    """Where the bytes differ from a run without the bad elements."""
    return np.asarray(params[name].view(np.uint32) != clean[name].view(np.uint32))


@pytest.mark.parametrize("policy", ["auto", "propagate"])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_element_wise_rules_keep_it_to_its_element(policy: Any, name: str, value: float) -> None:
    params, clean = tensors(0), tensors(0)
    Adam(0.1, nonfinite=policy).apply(spoiled(1, name, value), params)
    Adam(0.1, nonfinite=policy).apply(tensors(1), clean)
    for other in SHAPES:
        differs = moved(params, clean, other)
        if other != name:
            assert not differs.any()
            continue
        assert sorted(np.flatnonzero(differs)) == [2 * SHAPES[name][1] + 1, 4 * SHAPES[name][1]]
        assert np.isnan(params[name][differs]).all()


@pytest.mark.parametrize("clip", ["no clip", "clipnorm", "clipvalue"])
@pytest.mark.parametrize("name", SHAPES)
def test_layer_wise_rules_keep_it_to_its_layer(clip: str, name: str) -> None:
    for cls in (Lamb, Lars):
        params, clean = tensors(0), tensors(0)
        opt = cls(0.1, nonfinite="propagate", **CLIPS[clip])
        opt.apply(spoiled(1, name, np.nan), params)
        cls(0.1, nonfinite="propagate", **CLIPS[clip]).apply(tensors(1), clean)
        for other in SHAPES:
            if other != name:
                assert not moved(params, clean, other).any()
        assert np.isnan(params[name]).any()
        assert opt.trust_ratios is not None
        finite = dict(zip(opt.parameter_names, np.isfinite(opt.trust_ratios), strict=True))
        assert all(finite[other] for other in SHAPES if other != name)


def test_a_global_clip_spreads_it_over_everything() -> None:
    """As in Keras: there is one norm."""
    params = tensors(0)
    SGD(0.1, nonfinite="propagate", global_clipnorm=1.0).apply(spoiled(1, "last", np.nan), params)
    assert all(np.isnan(p).all() for p in params.values())


def test_a_value_clip_makes_infinity_finite() -> None:
    params = {"w": np.zeros(3, F)}
    SGD(1.0, clipvalue=0.5).apply({"w": np.array([np.inf, -np.inf, 0.25], F)}, params)
    assert params["w"].tolist() == [-0.5, 0.5, -0.25]


@pytest.mark.parametrize("arguments", [{}, {"clipnorm": 1.0}, {"global_clipnorm": 1.0}])
def test_a_sum_that_overflows(arguments: dict[str, Any]) -> None:
    """Every gradient is finite, their sum is not."""
    params = {"a": np.ones(4, F), "b": np.ones(20, F)}
    opt = SGD(0.1, gradient_accumulation_steps=2, nonfinite="raise", **arguments)
    opt.build(params)
    grads = {"a": np.ones(4, F), "b": np.full(20, 3e38, F)}
    assert opt.apply(grads) is False
    before = snapshot(opt, params)
    with pytest.raises(NonFiniteError, match=r"accumulated gradient of 'b'"):
        opt.apply(grads)
    assert not changed(before, snapshot(opt, params))
    assert opt.apply({"a": np.ones(4, F), "b": np.ones(20, F)})
    assert np.isfinite(params["b"]).all()


def test_unscaling_that_overflows() -> None:
    """The message does not speak of accumulation: nothing was accumulated here."""
    params = {"a": np.ones(4, F), "b": np.ones(20, F)}
    opt = SGD(0.1, loss_scale_factor=1e-30, nonfinite="raise")
    opt.build(params)
    before = snapshot(opt, params)
    grads = {"a": np.zeros(4, F), "b": np.full(20, 1e30, F)}
    with pytest.raises(NonFiniteError, match=r"gradient of 'b'") as caught:
        opt.apply(grads)
    assert "accumulated" not in str(caught.value)
    assert "loss_scale_factor" in str(caught.value)
    assert not changed(before, snapshot(opt, params))


def test_a_parameter_that_is_left_alone_may_have_any_gradient() -> None:
    params = {"a": np.ones(4, F), "b": np.ones(20, F)}
    opt = SGD(0.1, nonfinite="raise")
    opt.build(params)
    assert opt.apply({"a": np.ones(4, F), "b": None})
    assert (params["b"] == 1).all()
