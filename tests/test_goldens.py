"""Trajectories of torch, timm and torch_optimizer, by the reference and by the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import assert_trajectory
from reference import reference

FILE = Path(__file__).parent / "goldens" / "torch_family.npz"

TORCH_EPSILON = {"epsilon": 1e-8, "epsilon_mode": "out"}
# Row of the manifest, the peer (to notice if the file changes), algorithm, our arguments.
ROWS: list[tuple[int, str, str, str, dict[str, Any]]] = [
    (0, "torch.SGD", "sgd", "SGD", {"learning_rate": 0.01, "momentum": 0.9, "form": "lr_outside"}),
    (
        1,
        "torch.SGD",
        "sgd",
        "SGD",
        {
            "learning_rate": 0.01,
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
        "adagrad",
        "Adagrad",
        {
            "learning_rate": 0.02,
            "initial_accumulator_value": 0.0,
            "epsilon": 1e-10,
            "epsilon_mode": "out",
        },
    ),
    (5, "torch.Adam", "adam", "Adam", {"learning_rate": 0.01, **TORCH_EPSILON}),
    (6, "torch.Adam", "adam", "Adam", {"learning_rate": 0.01, "amsgrad": True, **TORCH_EPSILON}),
    (
        7,
        "torch.AdamW",
        "adamw",
        "AdamW",
        {"learning_rate": 0.01, "weight_decay": 0.1, **TORCH_EPSILON},
    ),
    (10, "torch.RAdam", "radam", "RAdam", {"learning_rate": 0.01}),
    (
        12,
        "timm.Lamb",
        "lamb",
        "Lamb",
        {"learning_rate": 0.01, "weight_decay": 0.01, "epsilon": 1e-6},
    ),
    (
        13,
        "timm.Lamb",
        "lamb",
        "Lamb",
        {
            "learning_rate": 0.02,
            "weight_decay": 0.05,
            "epsilon": 1e-6,
            "global_clipnorm": 1.0,
            "always_adapt": False,
        },
    ),
    (
        14,
        "timm.Lars",
        "lars",
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
    (15, "timm.Lion", "lion", "Lion", {"learning_rate": 0.003, "weight_decay": 0.1}),
    (
        24,
        "torch_optimizer.Lamb",
        "lamb",
        "Lamb",
        {
            "learning_rate": 0.01,
            "weight_decay": 0.01,
            "epsilon": 1e-6,
            "bias_correction": False,
            "phi": (0.0, 10.0),
        },
    ),
]
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
    case, peer, algorithm, _, kwargs = row
    assert goldens["manifest"]["cases"][case]["peer"] == peer
    params, grads = problem(goldens)
    ref = reference(algorithm, **kwargs)
    ref.build(params)
    for t, g in enumerate(grads, start=1):
        ref.apply(g)
        if t in goldens["manifest"]["steps"]:
            for name in params:
                theirs = goldens[f"case{case}/{t}/{name}"]
                error = np.abs(ref.params[name] - theirs) / np.maximum(np.abs(theirs), 1e-3)
                assert error.max() <= 1e-9, (t, name)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_library_follows_the_peer(row: Any, goldens: dict[str, Any]) -> None:
    lamb_rs = pytest.importorskip("lamb_rs", reason="the library is not installed")
    case, _, _, class_name, kwargs = row
    start, grads = problem(goldens)
    params = {name: p.copy() for name, p in start.items()}
    opt = getattr(lamb_rs, class_name)(**kwargs)
    opt.build(params)
    for t, g in enumerate(grads, start=1):
        opt.apply(g)
        if t in goldens["manifest"]["steps"]:
            for name, p in params.items():
                theirs = goldens[f"case{case}/{t}/{name}"]
                assert_trajectory(p, theirs, start[name], where=f"step {t}, {name}")
