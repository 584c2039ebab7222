"""`from_peer`: recorded trajectories of other packages, and the messages about arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamb_rs
from support.harness import assert_trajectory
from support.peer_runs import as_reference

FILE = Path(__file__).parents[1] / "goldens" / "torch_family.npz"
with np.load(FILE) as _archive:
    GOLDENS: dict[str, Any] = dict(_archive)
MANIFEST = json.loads(bytes(GOLDENS["manifest"]).decode())
NAMES, STEPS = MANIFEST["names"], MANIFEST["steps"]
START = {name: GOLDENS[f"p0/{name}"] for name in NAMES}
# torch takes the spacing of the parameters' dtype, and the recorded ones are float64.
RECORDED = {11: {"eps": (2.0**-52, 1e-3)}}
IDS = [f"{i}-{case['peer']}" for i, case in enumerate(MANIFEST["cases"])]
# Formulas of float32 scalars, or of 1e-15 under a root, in the peer.
ROUGH = {"torch.NAdam": 1e-5, "pytorch_optimizer.AdaBound": 1e-5}


def case(row: int) -> tuple[str, dict[str, Any]]:
    """Peer and arguments of a row of the manifest."""
    recorded = MANIFEST["cases"][row]
    return recorded["peer"], {**recorded["kwargs"], **RECORDED.get(row, {})}


def gradients() -> list[dict[str, Any]]:
    return [{name: GOLDENS[f"g{t}/{name}"] for name in NAMES} for t in range(1, max(STEPS) + 1)]


@pytest.mark.parametrize("row", range(len(IDS)), ids=IDS)
def test_translation_follows_the_recorded_peer(row: int) -> None:
    """What a peer becomes is its rule to float64's accuracy."""
    name, kwargs = case(row)
    ref = as_reference(lamb_rs.from_peer(name, **kwargs))
    ref.build(START)
    for t, g in enumerate(gradients(), start=1):
        ref.apply(g)
        if t in STEPS:
            for key, ours in ref.params.items():
                theirs = GOLDENS[f"case{row}/{t}/{key}"]
                error = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-3)
                assert error.max() <= ROUGH.get(name, 1e-9), (t, key)


@pytest.mark.parametrize("row", range(len(IDS)), ids=IDS)
def test_library_follows_the_recorded_peer(row: int) -> None:
    name, kwargs = case(row)
    params = {key: p.copy() for key, p in START.items()}
    opt = lamb_rs.from_peer(name, **kwargs)
    opt.build(params)
    for t, g in enumerate(gradients(), start=1):
        opt.apply(g)
        if t in STEPS:
            for key, p in params.items():
                where = f"step {t}, {key}"
                assert_trajectory(p, GOLDENS[f"case{row}/{t}/{key}"], START[key], where=where)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("torch.optim.AdamW", "torch.AdamW"),
        ("keras.optimizers.Lamb", "keras.Lamb"),
        ("keras.src.optimizers.lamb.Lamb", "keras.Lamb"),
        ("timm.optim.lars.Lars", "timm.Lars"),
        ("timm.optim.AdamW", "torch.AdamW"),
        ("pytorch_optimizer.NAdam", "torch.NAdam"),
        ("tfa.optimizers.LAMB", "tfa.LAMB"),
        ("tensorflow_addons.optimizers.LAMB", "tfa.LAMB"),
        ("bnb.optim.PagedAdamW32bit", "bitsandbytes.AdamW"),
        ("optax.ademamix", "optax.contrib.ademamix"),
        ("apex.optimizers.FusedLAMB", "apex.FusedLAMB"),
    ],
)
def test_names_with_modules(name: str, same: str) -> None:
    arguments = {"learning_rate": 0.01} if name.startswith("optax") else {}
    one, other = (lamb_rs.from_peer(each, **arguments) for each in (name, same))
    assert one.get_config() == other.get_config()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torch.Adamw", "did you mean 'torch.AdamW'"),
        ("timm.LAMB", "did you mean 'timm.Lamb'"),
        ("optax.lambda", "did you mean 'optax.lamb'"),
        ("AdamW", "torch.AdamW, keras.AdamW"),
        ("", "unknown peer ''"),
        ("tf.keras.optimizers.Lamb", "Keras 3 is 'keras.Lamb'"),
        (None, "is a string"),
    ],
)
def test_unknown_names(name: Any, words: str) -> None:
    with pytest.raises(lamb_rs.HyperparameterError) as raised:
        lamb_rs.from_peer(name)
    assert words in str(raised.value)


def test_unknown_arguments_name_the_nearest() -> None:
    with pytest.raises(
        TypeError, match=r"timm.Lamb\(\) has no argument 'bets'; did you mean 'betas'"
    ):
        lamb_rs.from_peer("timm.Lamb", bets=(0.9, 0.99))
    with pytest.raises(TypeError, match="give params to build"):
        lamb_rs.from_peer("torch.AdamW", params=[])
    with pytest.raises(TypeError, match=r"optax.lamb\(\) needs learning_rate, as it does there"):
        lamb_rs.from_peer("optax.lamb")
    with pytest.raises(TypeError, match=r"torch.SGD\(\) has no argument 'base'"):
        lamb_rs.from_peer("torch.SGD", base="torch.SGD")


# What is refused, and a word of the reason.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("pytorch_optimizer.Ranger", {}, "go up the gradient"),
    ("optax.adan", {"learning_rate": 0.1}, "1 - b2"),
    ("optax.adadelta", {}, "go up the gradient"),
    ("bitsandbytes.LAMB", {}, "no trust ratio"),
    ("bitsandbytes.LARS", {"lr": 0.1}, "no trust ratio"),
    ("bitsandbytes.AdamW8bit", {}, "float8"),
    ("bitsandbytes.Adam", {"optim_bits": 8}, "float8"),
    ("bitsandbytes.AdamW", {"amsgrad": True}, "ignored there"),
    ("keras.ScheduleFreeAdamW", {}, "1/t"),
    ("keras.AdamW", {"weight_decay": None}, "is an error there"),
    ("keras.Muon", {"muon_a": 3.0}, "Jordan's"),
    ("torch.SGD", {"nesterov": True}, "needs a momentum"),
    ("torch.AdamW", {"differentiable": True}, "automatic differentiation"),
    ("torch.AdamW", {"betas": 0.9}, "tuple of 2"),
    ("torch.AdamW", {"amsgrad": "yes"}, "False or True"),
    ("torch.LBFGS", {}, "not in this library"),
    ("torch.Muon", {"ns_coefficients": (3.0, -4.0, 2.0)}, "Jordan's"),
    ("timm.Muon", {}, "bfloat16"),
    ("timm.Adan", {"caution": True}, "no cautious form"),
    ("timm.Lars", {"momentum": 0.9, "dampening": 0.1}, "no dampening"),
    ("timm.Lamb", {"corrected_weight_decay": True}, "without decoupled_decay"),
    ("timm.AdaBelief", {"degenerated_to_sgd": False, "weight_decay": 0.1}, "decay there"),
    ("pytorch_optimizer.LARS", {}, "fewer than two axes"),
    ("pytorch_optimizer.MARS", {}, "1e-15"),
    ("pytorch_optimizer.ADOPT", {}, "one ahead"),
    ("pytorch_optimizer.AdaFactor", {}, "from update 5,623 on"),
    ("pytorch_optimizer.Grams", {"weight_decouple": False, "weight_decay": 0.1}, "no effect"),
    ("pytorch_optimizer.Lamb", {"max_grad_norm": 2.0}, "without pre_norm"),
    ("pytorch_optimizer.NovoGrad", {"grad_averaging": True}, "first gradient"),
    ("torch_optimizer.SGDW", {"weight_decay": 0.1}, "subtracts a constant"),
    ("torch_optimizer.Lamb", {"adam": True}, "no LAMB"),
    ("deepspeed.FusedLamb", {"max_grad_norm": 1.0}, "global_clipnorm"),
    ("prodigyopt.Prodigy", {"slice_p": 11}, "every element"),
    ("optax.lamb", {"learning_rate": 0.1, "mask": {"w": True}}, "overrides"),
    ("optax.adabelief", {"learning_rate": 0.1, "eps": 1e-8}, "both alike"),
    ("ranger.Ranger", {"use_gc": False}, "ignored there"),
    ("tfa.RectifiedAdam", {"total_steps": 100}, "Warmup"),
]


@pytest.mark.parametrize(("name", "kwargs", "word"), REFUSED)
def test_refused_with_the_reason(name: str, kwargs: dict[str, Any], word: str) -> None:
    with pytest.raises(lamb_rs.HyperparameterError) as raised:
        lamb_rs.from_peer(name, **kwargs)
    assert word in str(raised.value)
    assert name in str(raised.value)


def test_speed_flags_are_taken() -> None:
    plain = lamb_rs.from_peer("torch.AdamW").get_config()
    for flags in ({"fused": True}, {"foreach": False}, {"capturable": True, "fused": False}):
        assert lamb_rs.from_peer("torch.AdamW", **flags).get_config() == plain


def test_schedules_are_taken_as_rates() -> None:
    schedule = lamb_rs.schedules.CosineDecay(0.1, 100)
    opt = lamb_rs.from_peer("timm.Lamb", lr=schedule)
    assert opt.get_config()["learning_rate"]["class_name"] == "CosineDecay"
    assert lamb_rs.from_peer("optax.adamw", learning_rate=schedule).learning_rate == 0.1


def test_values_out_of_range_raise_as_ours_do() -> None:
    with pytest.raises(lamb_rs.HyperparameterError, match="learning_rate"):
        lamb_rs.from_peer("torch.SGD", lr=-1.0)


def test_result_is_plain() -> None:
    """The optimizer of a peer is made with its public arguments, and `explain` describes them."""
    opt = lamb_rs.from_peer("timm.Lamb", lr=0.02, weight_decay=0.05)
    assert type(opt) is lamb_rs.Lamb
    by_hand = lamb_rs.Lamb(
        0.02,
        epsilon=1e-6,
        weight_decay=0.05,
        global_clipnorm=1.0,
        always_adapt=False,
        nonfinite="propagate",
    )
    assert opt.get_config() == by_hand.get_config()
    told = {line.split()[0]: line for line in opt.explain().splitlines() if line}
    assert "without weight decay" in told["always_adapt"]
    assert "norm of all gradients together" in told["global_clipnorm"]
    assert lamb_rs.Lamb.from_config(opt.get_config()).get_config() == opt.get_config()


class TestWrappers:
    def test_lookahead(self) -> None:
        opt = lamb_rs.from_peer(
            "timm.Lookahead", base="torch.optim.AdamW", base_kwargs={"lr": 0.01}, k=5
        )
        assert type(opt) is lamb_rs.Lookahead
        assert opt.sync_period == 5
        assert opt.slow_start == "first_sync"
        assert opt.learning_rate == 0.01
        assert "Lookahead" in opt.explain()

    def test_of_another_package(self) -> None:
        base = {"learning_rate": 0.1, "momentum": 0.9}
        opt = lamb_rs.from_peer(
            "torch_optimizer.Lookahead", base="keras.SGD", base_kwargs=base, alpha=0.25
        )
        assert opt.slow_step_size == 0.25
        assert opt.inner.momentum == 0.9

    def test_loss_scale(self) -> None:
        opt = lamb_rs.from_peer("keras.LossScaleOptimizer", base="keras.Lamb", initial_scale=1024.0)
        assert type(opt) is lamb_rs.LossScaleOptimizer
        assert opt.scale_loss(1.0) == 1024.0

    def test_larc(self) -> None:
        opt = lamb_rs.from_peer("apex.LARC", base="torch.SGD", base_kwargs={"weight_decay": 0.1})
        assert type(opt) is lamb_rs.Larc

    def test_arguments_of_the_base(self) -> None:
        accumulating = {
            "base": "optax.clip",
            "base_kwargs": {
                "base": "optax.adam",
                "base_kwargs": {"learning_rate": 0.1},
                "max_delta": 2.0,
            },
        }
        opt = lamb_rs.from_peer("optax.MultiSteps", **accumulating, every_k_schedule=3)
        assert type(opt) is lamb_rs.Adam
        assert opt.gradient_accumulation_steps == 3
        assert opt.clipvalue == 2.0
        once = lamb_rs.from_peer("optax.MultiSteps", **accumulating, every_k_schedule=1)
        assert once.gradient_accumulation_steps is None

    def test_swa(self) -> None:
        opt = lamb_rs.from_peer("torch.optim.swa_utils.AveragedModel", base="torch.SGD")
        assert opt.use_ema
        assert opt.ema_form == "uniform"

    def test_refused(self) -> None:
        with pytest.raises(lamb_rs.HyperparameterError, match="wraps an optimizer"):
            lamb_rs.from_peer("timm.Lookahead")
        with pytest.raises(lamb_rs.HyperparameterError, match="wraps an optimizer"):
            lamb_rs.from_peer("timm.Lookahead", base=lamb_rs.SGD())
        with pytest.raises(lamb_rs.HyperparameterError, match=r"torch\.AdamW'"):
            lamb_rs.from_peer("timm.Lookahead", base="torch.Adamw")
        rate = {"learning_rate": 0.1}
        twice = {"base": "optax.sgd", "base_kwargs": rate, "max_norm": 1.0}
        with pytest.raises(lamb_rs.HyperparameterError, match="global_clipnorm is set twice"):
            lamb_rs.from_peer(
                "optax.clip_by_global_norm",
                base="optax.clip_by_global_norm",
                base_kwargs=twice,
                max_norm=2.0,
            )
        with pytest.raises(lamb_rs.HyperparameterError, match="after they are accumulated"):
            lamb_rs.from_peer(
                "optax.clip",
                base="optax.MultiSteps",
                base_kwargs={"base": "optax.sgd", "base_kwargs": rate, "every_k_schedule": 2},
                max_delta=1.0,
            )
        with pytest.raises(lamb_rs.HyperparameterError, match="sees the number of calls"):
            lamb_rs.from_peer(
                "optax.MultiSteps",
                base="optax.sgd",
                base_kwargs={"learning_rate": lamb_rs.schedules.ExponentialDecay(0.1, 10, 0.5)},
                every_k_schedule=2,
            )
        with pytest.raises(lamb_rs.HyperparameterError, match="momentum_buffer"):
            lamb_rs.from_peer(
                "pytorch_optimizer.Lookahead", base="torch.AdamW", pullback_momentum="reset"
            )


def test_exclusions_of_addons() -> None:
    """Its patterns for layer adaptation are those for weight decay, unless they are given."""
    both = lamb_rs.from_peer("tfa.LAMB", exclude_from_weight_decay=["bias"], weight_decay=0.1)
    params = {"kernel": np.ones((2, 2), np.float32), "bias": np.ones(2, np.float32)}
    both.build(params)
    lines = both.explain().splitlines()
    bias = next(line for line in lines if line.startswith("bias "))
    assert "no weight decay, no layer adaptation by" in bias


def test_shapes_that_matter_are_told() -> None:
    with pytest.warns(UserWarning, match="three or more axes"):
        lamb_rs.from_peer("timm.Adafactor")
