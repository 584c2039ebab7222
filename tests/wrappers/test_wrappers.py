"""Wrappers as optimizers: steps, nesting, texts and saved state."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    SGD,
    Adam,
    AdamW,
    HyperparameterError,
    Lamb,
    Larc,
    Lookahead,
    LossScaleOptimizer,
    MultiOptimizer,
    NotBuiltError,
    ParameterSetError,
    Ranger,
    ScheduleFreeSGD,
    StateMismatchError,
    schedules,
    wrappers,
)
from support.trees import rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def parameters() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "dense": {
            "kernel": rng.normal(size=(90, 60)).astype("f"),
            "bias": rng.normal(size=60).astype("f"),
        },
        "scale": rng.normal(size=5).astype("f"),
    }


def gradients(t: int) -> dict[str, Any]:
    rng = np.random.default_rng(t + 1)
    return {
        "dense": {
            "kernel": rng.normal(size=(90, 60)).astype("f"),
            "bias": rng.normal(size=60).astype("f"),
        },
        "scale": rng.normal(size=5).astype("f"),
    }


def flat(params: Any) -> dict[str, bytes]:
    return {
        "kernel": params["dense"]["kernel"].tobytes(),
        "bias": params["dense"]["bias"].tobytes(),
        "scale": params["scale"].tobytes(),
    }


def run(opt: lamb_rs.Optimizer, steps: range, params: Any = None) -> Any:
    params = params or parameters()
    if not opt.built:
        opt.build(params)
    for t in steps:
        opt.apply(gradients(t))
    return params


def rate() -> schedules.Schedule:
    return schedules.Warmup(schedules.CosineDecay(0.1, 20), 3)


def multi() -> MultiOptimizer:
    return MultiOptimizer([("*/kernel", Lamb(rate()))], default=Lookahead(SGD(0.1, 0.9), 2))


EACH: dict[str, Callable[[], lamb_rs.Optimizer]] = {
    "lookahead": lambda: Lookahead(AdamW(rate()), 3, 0.25, pullback_momentum="pullback"),
    "larc": lambda: Larc(SGD(0.1, momentum=0.9, weight_decay=0.1), clip=False),
    "loss scale": lambda: LossScaleOptimizer(Lamb(0.1), dynamic_growth_steps=3),
    "multi": multi,
    "lookahead of larc": lambda: Lookahead(Larc(SGD(0.1, 0.9), 0.5), name="mine"),
    "larc of lookahead": lambda: Larc(Lookahead(SGD(0.1, 0.9), 2)),
    "lookahead of loss scale": lambda: Lookahead(LossScaleOptimizer(Adam(), 2.0**20), 2),
    "loss scale of all": lambda: LossScaleOptimizer(Lookahead(Larc(Adam(0.1)), 2)),
    "lookahead of multi": lambda: Lookahead(
        MultiOptimizer([("*/bias", SGD(0.5))], default=AdamW()), 2
    ),
    "loss scale of multi": lambda: LossScaleOptimizer(multi(), dynamic_growth_steps=2),
}
each = pytest.mark.parametrize("make", EACH.values(), ids=EACH)


# As optimizers


@each
def test_a_wrapper_is_an_optimizer(make: Callable[[], lamb_rs.Optimizer]) -> None:
    opt = make()
    assert isinstance(opt, lamb_rs.Optimizer)
    assert not opt.built
    with pytest.raises(NotBuiltError, match=r"build\(params\)"):
        opt.state_dict()
    params = parameters()
    before = flat(params)
    opt.build(params)
    scale = opt.scale_loss(1.0)
    for _ in range(2):
        assert opt.apply(
            {
                "dense": {name: g * scale for name, g in gradients(0)["dense"].items()},
                "scale": gradients(0)["scale"] * scale,
            },
            params,
        )
    assert opt.built
    assert flat(params) != before
    assert (opt.iterations, opt.calls, opt.skipped_steps) == (2, 2, 0)
    assert opt.parameter_names == ["dense/kernel", "dense/bias", "scale"]
    assert opt.state_bytes == sum(one.state_bytes for one in opt.describe().parameters)
    with pytest.raises(ParameterSetError, match="is built already"):
        opt.build(parameters())
    with pytest.raises(ParameterSetError, match="is not the array"):
        opt.apply(gradients(1), parameters())
    opt.finalize_variable_values(params)
    opt.reset()
    assert opt.iterations == 0


@each
@pytest.mark.parametrize(
    "way",
    [
        lambda opt: type(opt).from_config(json.loads(json.dumps(opt.get_config()))),
        lambda opt: pickle.loads(pickle.dumps(opt)),
        copy.deepcopy,
    ],
    ids=["config", "pickle", "deepcopy"],
)
def test_training_goes_on_alike(make: Callable[[], Any], way: Callable[[Any], Any]) -> None:
    opt = make()
    params = run(opt, range(5))
    state, kept = opt.state_dict(), copy.deepcopy(params)
    again = way(opt)
    assert repr(again) == repr(make())
    again.load_state_dict(state)
    again.build(kept)
    run(opt, range(5, 12), params)
    run(again, range(5, 12), kept)
    assert flat(kept) == flat(params)
    assert_same(again.state_dict(), opt.state_dict())


@each
def test_files(make: Callable[[], Any], tmp_path: Path) -> None:
    opt = make()
    params = run(opt, range(5))
    opt.save(tmp_path / "state")
    again = make()
    again.load(tmp_path / "state")
    again.build(kept := copy.deepcopy(params))
    run(opt, range(5, 9), params)
    run(again, range(5, 9), kept)
    assert flat(kept) == flat(params)


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert np.array_equal(found[name], value), name


@each
def test_a_state_that_does_not_fit_changes_nothing(make: Callable[[], Any]) -> None:
    opt = make()
    params = run(opt, range(3))
    before = opt.state_dict()
    wrong = {key: value for key, value in before.items() if not key.endswith("/iterations")}
    wrong["dense/kernel/nothing"] = np.ones(3, np.float32)
    with pytest.raises(StateMismatchError, match="nothing was changed") as caught:
        opt.load_state_dict(wrong)
    assert "iterations' is missing" in str(caught.value)
    assert "'dense/kernel/nothing' is unknown" in str(caught.value)
    assert_same(opt.state_dict(), before)
    # Before build, it is told in build, and nothing is built.
    fresh = make()
    fresh.load_state_dict(wrong)
    with pytest.raises(StateMismatchError, match="iterations' is missing"):
        fresh.build(params)
    assert not fresh.built
    fresh.load_state_dict(before)
    fresh.build(params)
    assert_same(fresh.state_dict(), before)


@each
def test_repr_is_the_call_that_makes_it(make: Callable[[], Any]) -> None:
    opt = make()
    assert repr(eval(repr(opt), vars(lamb_rs))) == repr(opt)  # noqa: S307
    run(opt, range(2))
    assert repr(opt).endswith("# 3 tensors, 5,465 parameters, step 2")


@each
def test_explain_tells_the_whole_stack(make: Callable[[], Any]) -> None:
    opt = make()
    inside = [type(one).__name__ for one in rules(opt)]
    for _ in range(2):
        text = opt.explain()
        assert text.startswith(f"{type(opt).__name__}: ")
        for name in inside:
            assert f"\n{name}: " in text
        for name in wrappers.__all__:
            assert (f"{name}: " in text) is (f"{name}(" in repr(opt))
        assert all(line == line.rstrip() for line in (text + opt.summary()).splitlines())
        if not opt.built:
            run(opt, range(2))
    for name in opt.parameter_names:
        assert f"\n{name} " in text


@each
def test_a_refused_build_leaves_it_unbuilt(make: Callable[[], Any]) -> None:
    opt = make()
    params = parameters()
    for overrides in ({"nothing": {"weight_decay": None}}, {"*": {"nothing": 1}}):
        with pytest.raises((ParameterSetError, HyperparameterError)):
            opt.build(params, overrides)
        assert not opt.built
        assert not any(one.built for one in rules(opt))
    opt.build(params, {"*/bias": {"learning_rate_multiplier": 0.0}})
    before = params["dense"]["bias"].copy()
    run(opt, range(1), params)
    assert (params["dense"]["bias"] == before).all()


@pytest.mark.parametrize("name", wrappers.__all__)
def test_arguments_are_attributes_and_documented(name: str) -> None:
    cls = getattr(wrappers, name)
    arguments = inspect.signature(cls).parameters
    text = inspect.getdoc(cls)
    for argument, one in arguments.items():
        assert f"\n{argument} : " in text
        if one.default is not one.empty and argument not in {"name", "default"}:
            entry = re.search(rf"^{argument} : .*default (.*)$", text, re.MULTILINE)
            assert entry
            assert entry[1].strip('"') == str(one.default) or float(entry[1]) == one.default
            assert getattr(cls(SGD()), argument) == one.default
    for section in ("State: ", "Raises\n---", "Notes\n---"):
        assert section in text


# Hyperparameters


def test_shared_hyperparameters_are_those_inside() -> None:
    opt = Lookahead(Larc(Adam(0.1)))
    assert opt.learning_rate == 0.1
    opt.learning_rate = 0.2
    assert opt.inner.inner.learning_rate == 0.2
    opt.inner.inner.beta_1 = 0.8
    with pytest.raises(AttributeError, match=r"no attribute 'beta_1'.*on the Larc|Adam inside"):
        _ = opt.inner.beta_1
    with pytest.raises(AttributeError, match="did you mean 'sync_period'"):
        opt.sync_perod = 3  # type: ignore[attr-defined]


def test_own_arguments_change_before_build_only() -> None:
    opt = Lookahead(Larc(SGD(0.1)), 3)
    opt.sync_period = 5
    opt.inner.trust_coefficient = 0.5
    assert (opt.sync_period, opt.inner.trust_coefficient, opt.inner.clip) == (5, 0.5, True)
    with pytest.raises(HyperparameterError, match="Lookahead: sync_period must be"):
        opt.sync_period = 0
    with pytest.raises(HyperparameterError, match="Larc: trust_coefficient must be"):
        opt.inner.trust_coefficient = -1.0
    opt.build(parameters())
    with pytest.raises(HyperparameterError, match="fixed once the optimizer is built"):
        opt.sync_period = 6
    assert opt.sync_period == 5


def test_exclusions_reach_the_rule_inside() -> None:
    opt = Lookahead(LossScaleOptimizer(AdamW(weight_decay=0.1)))
    opt.exclude_from_weight_decay(var_names=["bias"])
    assert "To be excluded from weight decay: 'bias'" in opt.explain()
    opt.build(parameters())
    decays = {one.name: one.settings["weight_decay"].value for one in opt.describe().parameters}
    assert decays == {"dense/kernel": 0.1, "dense/bias": None, "scale": 0.1}


# What is refused


def built() -> SGD:
    opt = SGD()
    opt.build([np.ones(2, np.float32)])
    return opt


def used() -> SGD:
    opt = SGD()
    Lookahead(opt)
    return opt


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no optimizer": (lambda: Lookahead(SGD), "goes around an optimizer such as.*got <class"),  # type: ignore[arg-type]
    "built": (lambda: Larc(built()), "this SGD is built already; put it into Larc before"),
    "wrapped": (lambda: Larc(used()), "is inside a Lookahead already; make another"),
    "twice": (
        lambda: Lookahead(Larc(Lookahead(SGD()))),
        "Lookahead cannot go around Lookahead: it synchronizes with slow weights already",
    ),
    "ranger": (lambda: Lookahead(Ranger()), "Ranger: it synchronizes.*set its sync_period"),
    "schedule-free": (lambda: Lookahead(ScheduleFreeSGD()), "averages its iterates already"),
    "period": (lambda: Lookahead(SGD(), 0), "Lookahead: sync_period must be an integer >= 1"),
    "no period": (lambda: Lookahead(SGD(), None), "sync_period must be.*without Lookahead"),  # type: ignore[arg-type]
    "step": (lambda: Lookahead(SGD(), 5, 1.5), r"slow_step_size must be .*\[0, 1\].*1.5"),
    "momentum": (
        lambda: Lookahead(SGD(), pullback_momentum="zero"),  # type: ignore[arg-type]
        "pullback_momentum must be one of 'none'.*'zero'",
    ),
    "two ratios": (lambda: Larc(Lamb()), "cannot go around Lamb: it scales its step by a trust"),
    "larc twice": (
        lambda: Larc(Lookahead(Larc(SGD()))),
        "scales gradients by a trust ratio already",
    ),
    "coefficient": (lambda: Larc(SGD(), 0.0), "Larc: trust_coefficient must be .*> 0.*0"),
    "no coefficient": (lambda: Larc(SGD(), None), "trust_coefficient must be.*without Larc"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises((HyperparameterError, ParameterSetError), match=message):
        make()


def test_a_refused_wrapper_leaves_the_optimizer_as_it_was() -> None:
    inner = MultiOptimizer([("*/kernel", SGD(0.1))], default=SGD(0.1, state_dtype="bfloat16"))
    # Refused by the second part only.
    with pytest.raises(HyperparameterError, match="state_dtype"):
        Lookahead(inner, pullback_momentum="pullback")
    assert Lookahead(copy.deepcopy(inner)).sync_period == 6
    inner.build(parameters())
    assert not any("slow" in key for key in inner.state_dict())


# Lookahead


def test_lookahead_with_a_whole_step_is_the_optimizer_inside() -> None:
    plain, wrapped = AdamW(0.1), Lookahead(AdamW(0.1), 2, 1.0)
    assert flat(run(plain, range(7))) == flat(run(wrapped, range(7)))


@pytest.mark.parametrize("phase", [0, 1, 4])
def test_lookahead_by_hand(phase: int) -> None:
    plain, wrapped = SGD(0.1, momentum=0.5), Lookahead(SGD(0.1, momentum=0.5), 3, sync_phase=phase)
    p, q = np.ones(4, np.float32), np.ones(4, np.float32)
    plain.build(p)
    wrapped.build(q)
    slow = p.copy()
    for t in range(1, 10):
        g = np.full(4, t, np.float32)
        plain.apply(g)
        wrapped.apply(g)
        if t % 3 == phase % 3:
            slow = np.float32(0.5) * slow + np.float32(0.5) * p
            p[...] = slow
        assert q.tobytes() == p.tobytes()
        with wrapped.evaluation_weights():
            assert q.tobytes() == slow.tobytes()
        assert q.tobytes() == p.tobytes()


def test_the_first_synchronization_of_first_sync_changes_nothing() -> None:
    plain, wrapped = SGD(0.1), Lookahead(SGD(0.1), 3, slow_start="first_sync")
    p, q = np.ones(4, np.float32), np.ones(4, np.float32)
    for t in range(6):
        plain.apply(g := np.full(4, t, np.float32), p)
        wrapped.apply(g, q)
        assert (p.tobytes() == q.tobytes()) is (t < 5)


# LARC


@pytest.mark.parametrize("clip", [True, False])
def test_larc_by_hand(clip: bool) -> None:
    rng = np.random.default_rng(0)
    p, zero = rng.normal(size=50).astype("f"), np.zeros(3, np.float32)
    start = p.astype(float)
    g = [rng.normal(size=50).astype("f"), np.ones(3, np.float32)]
    opt = Larc(SGD(0.5, weight_decay=0.1), 0.9, clip)
    opt.build([p, zero])
    opt.apply(g)
    norm_p, norm_g = np.linalg.norm(start), np.linalg.norm(g[0].astype(float))
    q = 0.9 * norm_p / (norm_g + 0.1 * norm_p + 1e-8)
    q = min(q / 0.5, 1) if clip else q
    np.testing.assert_allclose(p, start - 0.5 * q * (g[0] + 0.1 * start), rtol=1e-6, atol=1e-7)
    # A zero norm: the gradient as it is, and no decay.
    assert zero.tolist() == [-0.5] * 3
