"""`peers`: the table of other packages' optimizers."""

from __future__ import annotations

import contextlib
import inspect
import re
import warnings
from typing import Any

import numpy as np
import pytest

import lamb_rs

PEERS = {one.name: one for one in lamb_rs.peers()}
USABLE = [name for name, peer in PEERS.items() if peer.checked != "refused"]
# Their own defaults are refused, with a reason; these are not.
OTHERWISE = {
    "optax.adadelta": {"learning_rate": 1.0},
    "pytorch_optimizer.ADOPT": {"clip_lambda": None},
    "pytorch_optimizer.AdaFactor": {"betas": (None, 0.999999999)},
    "pytorch_optimizer.Ranger": {"degenerated_to_sgd": True},
}
BASES = {"keras": "keras.Adam", "optax": "optax.adagrad"}


def required(peer: Any) -> list[str]:
    """The arguments that have no default."""
    empty = inspect.Parameter.empty
    return [name for name, default in peer.arguments.items() if default is empty]


def make(name: str) -> lamb_rs.Optimizer:
    """A peer at its defaults, or near them."""
    peer = PEERS[name]
    kwargs = dict.fromkeys(required(peer), 2)
    kwargs |= {key: 0.1 for key in kwargs if "rate" in key or "step_size" in key or key == "lr"}
    kwargs |= {key: 0.1 for key in kwargs if key == "weight_decay"}
    kwargs |= OTHERWISE.get(name, {})
    if peer.wraps:
        base = BASES.get(name.partition(".")[0], "torch.SGD")
        rate = {"learning_rate": 0.1} if base.startswith("optax") else {}
        kwargs |= {"base": base, "base_kwargs": rate}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return lamb_rs.from_peer(name, **kwargs)


@pytest.mark.parametrize("name", USABLE)
def test_every_peer_can_be_made_and_explained(name: str) -> None:
    opt = make(name)
    params = {"matrix": np.ones((3, 4), np.float32), "vector": np.ones(3, np.float32)}
    opt.build(params)
    opt.apply({key: np.ones_like(p) for key, p in params.items()})
    assert type(opt).__name__ in opt.explain()
    leaf = opt
    while hasattr(leaf, "inner"):
        leaf = leaf.inner
    # A loss scale skips gradients that are not finite.
    assert leaf.nonfinite == ("skip" if "scale" in name.lower() else "propagate")


WRONG = [None, -1, "x", (), (1, 2, 3), [0.9, 0.99], object(), True, float("nan"), {}, min, 1e400]


@pytest.mark.parametrize("name", USABLE)
def test_values_of_the_wrong_kind_are_told_so(name: str) -> None:
    """Whatever is passed, it is taken or refused; nothing else is raised."""
    peer = PEERS[name]
    needed = dict.fromkeys(required(peer), 0.1)
    base = {"base": "torch.SGD"} if peer.wraps else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for key in peer.arguments:
            for value in WRONG:
                with contextlib.suppress(lamb_rs.HyperparameterError):
                    lamb_rs.from_peer(name, **{**needed, key: value, **base})


def test_the_list() -> None:
    listed = lamb_rs.peers()
    assert [one.name for one in listed if one.checked != "refused"] == USABLE
    assert {one.checked for one in listed} == {"compared", "read", "refused"}
    assert all(one.note for one in listed if one.checked == "refused")
    found = {one.name: one for one in listed}
    assert found["timm.Lamb"].optimizer == "Lamb"
    assert found["timm.Lamb"].switches == {
        "epsilon": 1e-6,
        "weight_decay": 0.01,
        "global_clipnorm": 1.0,
        "always_adapt": False,
    }
    assert found["optax.nadam"].optimizer == "Nadam"
    assert found["optax.lamb"].switches == {"epsilon": 1e-6}
    assert found["over9000.RangerLars"].optimizer == "Lookahead(Ralamb)"
    assert "go up the gradient" in found["pytorch_optimizer.Ranger"].note
    assert found["apex.FusedLAMB"].checked == "read"
    assert found["keras.Lamb"].checked == "compared"
    assert found["optax.MultiSteps"].optimizer is None


def test_the_classes_exist() -> None:
    for one in lamb_rs.peers():
        for name in re.findall(r"\w+", one.optimizer or ""):
            assert hasattr(lamb_rs, name), one.name


def test_switches_are_arguments() -> None:
    """Every switch is a public argument of the class, so that anybody can write it by hand."""
    for one in lamb_rs.peers():
        if one.optimizer is None or "(" in one.optimizer:
            continue
        known = inspect.signature(getattr(lamb_rs, one.optimizer)).parameters
        assert set(one.switches) <= set(known), one.name


def test_it_prints_as_a_table() -> None:
    lines = str(lamb_rs.peers()).splitlines()
    assert lines[0].split() == ["peer", "optimizer", "checked", "switches"]
    assert sum(line.startswith("bitsandbytes.LAMB ") for line in lines) == 1
    assert "Notes" in lines
    assert "Refused" in lines
    assert repr(lamb_rs.peers()) == str(lamb_rs.peers())


def test_remedies_exist() -> None:
    """What a refusal says to take instead can be taken."""
    named = re.compile(r"from_peer\('([\w.]+)'")
    classes = re.compile(r"lamb_rs\.([A-Z]\w+)")
    for one in lamb_rs.peers():
        for name in named.findall(one.note):
            assert name in USABLE, one.name
        for name in classes.findall(one.note):
            assert hasattr(lamb_rs, name), one.name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("paper.LambV5", {}), ("optax.lamb", {"learning_rate": 0.001, "weight_decay": 0.01})),
        (("paper.LambV1", {}), ("tfa.LAMB", {"weight_decay": 0.01})),
        (("paper.LambV3", {"phi": (0.0, 10.0)}), ("torch_optimizer.Lamb", {"weight_decay": 0.01})),
        (("over9000.Lamb", {}), ("torch_optimizer.Lamb", {})),
        (("radam.RAdam", {"degenerated_to_sgd": True}), ("timm.RAdamLegacy", {})),
        (("radam.RAdam", {}), ("pytorch_optimizer.RAdam", {})),
        (
            ("optimizers_page.RAdam", {}),
            ("optax.radam", {"learning_rate": 0.001, "threshold": 4.0}),
        ),
        (("optimizers_page.Nadam", {}), ("timm.NAdamW", {"weight_decay": 0.0})),
        (
            ("optimizers_page.AMSGrad", {}),
            (
                "optax.amsgrad",
                {"learning_rate": 0.001, "bias_correction_mu": False, "bias_correction_nu": False},
            ),
        ),
        (("optimizers_page.AdaBound", {}), ("adabound.AdaBound", {})),
        (("optimizers_page.AMSBound", {}), ("torch_optimizer.AdaBound", {"amsbound": True})),
        (("paper.Ranger", {}), ("ranger.Ranger", {})),
        (("apex.FusedLAMB", {}), ("timm.Lamb", {})),
        (("deepspeed.FusedAdam", {"adam_w_mode": False}), ("torch.Adam", {})),
        (
            ("deepspeed.DeepSpeedCPUAdam", {"weight_decay": 0.1}),
            ("bitsandbytes.Adam", {"weight_decay": 0.1}),
        ),
        (("apex.FusedAdagrad", {}), ("torch.Adagrad", {})),
        (("pytorch_ranger.Ranger", {}), ("torch_optimizer.Ranger", {})),
    ],
)
def test_forms_that_are_the_same(one: Any, other: Any) -> None:
    """What was read in two places, or read here and compared there."""
    configs = [lamb_rs.from_peer(name, **kwargs).get_config() for name, kwargs in (one, other)]
    assert configs[0] == configs[1]
