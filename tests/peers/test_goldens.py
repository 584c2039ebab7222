"""Trajectories of torch, timm and torch_optimizer, by the reference and by the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference import reference
from support.harness import assert_trajectory

FILE = Path(__file__).parents[1] / "goldens" / "torch_family.npz"

TORCH_EPSILON = {"epsilon": 1e-8, "epsilon_mode": "out"}
TIMM_LAMB = {"weight_decay": 0.05, "epsilon": 1e-6, "global_clipnorm": 1.0, "always_adapt": False}
# Row of the manifest, the peer (to notice if the file changes), our class and arguments.
ROWS: list[tuple[int, str, str, dict[str, Any]]] = [
    (0, "torch.SGD", "SGD", {"momentum": 0.9, "form": "lr_outside"}),
    (
        1,
        "torch.SGD",
        "SGD",
        {
            "momentum": 0.9,
            "form": "lr_outside",
            "nesterov": True,
            "weight_decay": 0.05,
            "weight_decay_mode": "l2",
        },
    ),
    (
        2,
        "torch.Adagrad",
        "Adagrad",
        {
            "learning_rate": 0.02,
            "initial_accumulator_value": 0.0,
            "epsilon": 1e-10,
            "epsilon_mode": "out",
        },
    ),
    (3, "torch.RMSprop", "RMSprop", {"rho": 0.99, **TORCH_EPSILON}),
    (4, "torch.Adadelta", "Adadelta", {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6}),
    (5, "torch.Adam", "Adam", TORCH_EPSILON),
    (6, "torch.Adam", "Adam", {"amsgrad": True, **TORCH_EPSILON}),
    (7, "torch.AdamW", "AdamW", {"weight_decay": 0.1, **TORCH_EPSILON}),
    (8, "torch.Adamax", "Adamax", {"epsilon": 1e-8, "epsilon_mode": "in"}),
    (9, "torch.NAdam", "Nadam", {"epsilon": 1e-8}),
    (10, "torch.RAdam", "RAdam", {}),
    (11, "torch.Adafactor", "Adafactor", {"epsilon_1": float(np.finfo(np.float64).eps)}),
    (12, "timm.Lamb", "Lamb", {"weight_decay": 0.01, "epsilon": 1e-6}),
    (13, "timm.Lamb", "Lamb", {"learning_rate": 0.02, **TIMM_LAMB}),
    (
        14,
        "timm.Lars",
        "Lars",
        {
            "learning_rate": 1.0,
            "momentum": 0.9,
            "weight_decay": 0.01,
            "form": "lr_outside",
            "epsilon": 1e-8,
            "always_adapt": False,
        },
    ),
    (15, "timm.Lion", "Lion", {"learning_rate": 0.003, "weight_decay": 0.1}),
    (16, "timm.Adan", "Adan", {"weight_decay": 0.02}),
    (17, "timm.NAdamW", "Nadam", {"form": "ruder", "weight_decay": 0.05, "epsilon": 1e-8}),
    (18, "timm.AdaBelief", "AdaBelief", {"weight_decay": 0.01}),
    (
        19,
        "timm.Lookahead",
        "AdamW",
        {"weight_decay": 0.1, **TORCH_EPSILON, "sync_period": 6, "slow_start": "first_sync"},
    ),
    (
        20,
        "pytorch_optimizer.Lookahead",
        "SGD",
        {"momentum": 0.9, "form": "lr_outside", "sync_period": 5},
    ),
    (21, "pytorch_optimizer.Ranger", "Ranger", {}),
    (22, "pytorch_optimizer.AdaBound", "AdaBound", {}),
    (23, "pytorch_optimizer.AdEMAMix", "AdEMAMix", {"learning_rate": 0.003}),
    (
        24,
        "torch_optimizer.Lamb",
        "Lamb",
        {"weight_decay": 0.01, "epsilon": 1e-6, "bias_correction": False, "phi": (0.0, 10.0)},
    ),
    (
        25,
        "schedulefree.AdamWScheduleFree",
        "ScheduleFreeAdamW",
        {"weight_decay": 0.05, "warmup_steps": 4},
    ),
]
# Relative differences beyond rounding. torch keeps the product of momenta in float32;
# pytorch_optimizer adds 1e-15 under a root.
BOUNDS = {9: 1e-5, 22: 1e-6}
IDS = [f"{row[0]}-{row[1]}" for row in ROWS]


@pytest.fixture(scope="module")
def goldens() -> dict[str, Any]:
    with np.load(FILE) as archive:
        data: dict[str, Any] = dict(archive)
    data["manifest"] = json.loads(bytes(data["manifest"]).decode())
    return data


def problem(goldens: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    names = goldens["manifest"]["names"]
    params = {name: goldens[f"p0/{name}"] for name in names}
    steps = max(goldens["manifest"]["steps"])
    grads = [{name: goldens[f"g{t}/{name}"] for name in names} for t in range(1, steps + 1)]
    return params, grads


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_reference_follows_the_peer(row: Any, goldens: dict[str, Any]) -> None:
    """The reference itself is right: both are float64."""
    case, peer, class_name, kwargs = row
    assert goldens["manifest"]["cases"][case]["peer"] == peer
    params, grads = problem(goldens)
    ref = reference(class_name.lower(), **{"learning_rate": 0.01, **kwargs})
    ref.build(params)
    for t, g in enumerate(grads, start=1):
        ref.apply(g)
        if t in goldens["manifest"]["steps"]:
            for name in params:
                theirs = goldens[f"case{case}/{t}/{name}"]
                error = np.abs(ref.params[name] - theirs) / np.maximum(np.abs(theirs), 1e-3)
                assert error.max() <= BOUNDS.get(case, 1e-9), (t, name)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_library_follows_the_peer(row: Any, goldens: dict[str, Any]) -> None:
    cases = pytest.importorskip("support.cases", reason="the library is not installed")
    case, _, class_name, kwargs = row
    start, grads = problem(goldens)
    params = {name: p.copy() for name, p in start.items()}
    opt = cases.make(class_name, {"learning_rate": 0.01, **kwargs})
    opt.build(params)
    for t, g in enumerate(grads, start=1):
        opt.apply(g)
        if t in goldens["manifest"]["steps"]:
            for name, p in params.items():
                theirs = goldens[f"case{case}/{t}/{name}"]
                assert_trajectory(p, theirs, start[name], where=f"step {t}, {name}")
