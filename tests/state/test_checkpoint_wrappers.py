"""Checkpoints of wrappers: the whole stack in one file, and back."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    Adam,
    AdamW,
    Lamb,
    Larc,
    Lookahead,
    LossScaleOptimizer,
    MultiOptimizer,
    StateMismatchError,
)
from lamb_rs.schedules import CosineDecay, ReduceOnPlateau, Warmup
from support.checkpoints import bits, parts, stale

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHAPES = {"kernel": (20, 33), "bias": (33,), "embedding": (5000,)}
STEPS = 11


def parameters() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {k: (0.05 * rng.normal(size=s)).astype(np.float32) for k, s in SHAPES.items()}


def gradients(t: int) -> dict[str, np.ndarray]:
    """Every fifth is not finite: the scale of the loss falls."""
    rng = np.random.default_rng(1 + t)
    grads = {k: (8 * rng.normal(size=s)).astype(np.float32) for k, s in SHAPES.items()}
    if t % 5 == 3:
        grads["bias"][0] = np.inf
    return grads


def rate() -> Warmup:
    return Warmup(CosineDecay(0.01, 12), 3)


STACKS: dict[str, Callable[[], Any]] = {
    "lookahead": lambda: Lookahead(Adam(rate(), nonfinite="skip"), 4),
    "lookahead-pullback": lambda: Lookahead(
        Lamb(rate(), nonfinite="skip", use_ema=True), 4, pullback_momentum="pullback"
    ),
    "lookahead-larc": lambda: Lookahead(
        Larc(lamb_rs.SGD(rate(), momentum=0.9, nonfinite="skip", state_dtype="float8")), 3
    ),
    "loss-scale": lambda: LossScaleOptimizer(AdamW(rate()), 2.0**10, 2),
    "loss-scale-lookahead": lambda: LossScaleOptimizer(
        Lookahead(Lamb(rate(), gradient_accumulation_steps=2, state_dtype="bfloat16"), 2)
    ),
    "multi": lambda: MultiOptimizer(
        [("*embedding", AdamW(rate(), nonfinite="skip", state_dtype="float8"))],
        default=Lookahead(Lamb(0.1, nonfinite="skip"), 4),
    ),
    "loss-scale-multi": lambda: LossScaleOptimizer(
        MultiOptimizer([("kernel", lamb_rs.SGD(rate(), momentum=0.9))], default=Adam())
    ),
    "plateau-inside": lambda: LossScaleOptimizer(Lookahead(Adam(ReduceOnPlateau(0.1, 0.5, 1)), 4)),
}
each_stack = pytest.mark.parametrize("make", STACKS.values(), ids=STACKS)


def train(opt: Any, calls: range) -> None:
    for t in calls:
        opt.apply(gradients(t))


@each_stack
def test_resumed_from_every_call(make: Callable[[], Any], tmp_path: Path) -> None:
    opt = make()
    opt.build(params := parameters())
    saved = []
    for t in range(STEPS):
        opt.save(tmp_path / f"{t}")
        saved.append({name: p.copy() for name, p in params.items()})
        train(opt, range(t, t + 1))
    for t, copies in enumerate(saved):
        again = make()
        if t % 2:
            again.load(tmp_path / f"{t}")
            again.build(copies)
        else:
            again.build(copies)
            again.load(tmp_path / f"{t}")
        train(again, range(t, STEPS))
        assert {k: p.tobytes() for k, p in copies.items()} == {
            k: p.tobytes() for k, p in params.items()
        }, t
        assert bits(again) == bits(opt), t
    assert not stale(tmp_path)


@each_stack
def test_the_file_holds_the_whole_stack(make: Callable[[], Any], tmp_path: Path) -> None:
    opt = make()
    opt.build(parameters())
    opt.save(tmp_path / "state")
    metadata = parts((tmp_path / "state").read_bytes())[0]["__metadata__"]
    assert metadata["class"] == type(opt).__name__
    config = json.loads(metadata["config"])
    assert config == json.loads(json.dumps(opt.get_config()))
    again = type(opt).from_config(config)
    again.load(tmp_path / "state")
    again.build(parameters())
    assert bits(again) == bits(opt)


@each_stack
def test_state_of_something_else(make: Callable[[], Any], tmp_path: Path) -> None:
    adagrad = lamb_rs.Adagrad()
    adagrad.build(params := parameters())
    adagrad.save(tmp_path / "state")
    opt = make()
    opt.build(params)
    train(opt, range(2))
    before = pickle.dumps(bits(opt))
    with pytest.raises(StateMismatchError, match="it was saved by Adagrad, this is"):
        opt.load(tmp_path / "state")
    assert pickle.dumps(bits(opt)) == before


def test_differences_inside_are_named(tmp_path: Path) -> None:
    opt = LossScaleOptimizer(Lookahead(Adam(rate(), state_dtype="bfloat16"), 4))
    opt.build(params := parameters())
    opt.save(tmp_path / "state")
    other = LossScaleOptimizer(Lookahead(Adam(Warmup(CosineDecay(0.01, 99), 3)), 5))
    other.build(params)
    with pytest.raises(StateMismatchError) as caught:
        other.load(tmp_path / "state")
    lines = str(caught.value).splitlines()
    for wanted in (
        "inner/sync_period was 4, here it is 5",
        "inner/inner/state_dtype was 'bfloat16', here it is 'float32'",
        "inner/inner/learning_rate/schedule/decay_steps was 12, here it is 99",
    ):
        assert f"  - {wanted}" in lines, lines


def test_what_a_plateau_remembers_is_in_it(tmp_path: Path) -> None:
    plateau = ReduceOnPlateau(0.1, 0.5, 1)
    opt = LossScaleOptimizer(Lookahead(Adam(plateau), 4))
    opt.build(params := parameters())
    for _ in range(3):
        plateau.update(1.0)
    opt.save(tmp_path / "state")
    again = LossScaleOptimizer(Lookahead(Adam(fresh := ReduceOnPlateau(0.1, 0.5, 1)), 4))
    again.load(tmp_path / "state")
    assert fresh(0) == 0.1
    again.build(params)
    assert fresh.state_dict() == plateau.state_dict()
    assert again.learning_rate == 0.025
    again.reset()
    assert again.learning_rate == 0.1
