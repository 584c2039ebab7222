"""Fifty steps equal those of optax in float64, where the formulas are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reference import reference
from support.cases import make
from support.harness import STEPS, Tensors, assert_trajectory, model
from support.peer_runs import run_optax
from support.recorded import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

PROBLEM = model((255,), STEPS, 3)
OUT: dict[str, Any] = {"epsilon_mode": "out", "epsilon": 1e-8}
BETAS: dict[str, Any] = {"beta_1": 0.9, "beta_2": 0.95}

# Ours: class and arguments; theirs: a function of the package that makes the transformation.
ROWS: dict[str, tuple[str, dict[str, Any], Callable[[Any], Any]]] = {
    "sgd": ("SGD", {"learning_rate": 0.02}, lambda optax: optax.sgd(0.02)),
    "sgd-momentum": (
        "SGD",
        {"learning_rate": 0.02, "momentum": 0.9, "form": "lr_outside"},
        lambda optax: optax.sgd(0.02, momentum=0.9),
    ),
    "sgd-nesterov": (
        "SGD",
        {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True, "form": "lr_outside"},
        lambda optax: optax.sgd(0.02, momentum=0.9, nesterov=True),
    ),
    "sgd-clip": (
        "SGD",
        {"learning_rate": 0.02, "global_clipnorm": 1.0},
        lambda optax: optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.02)),
    ),
    "adagrad": ("Adagrad", {"learning_rate": 0.02}, lambda optax: optax.adagrad(0.02)),
    "adam": (
        "Adam",
        {"learning_rate": 0.02, **BETAS, **OUT},
        lambda optax: optax.adam(0.02, b2=0.95),
    ),
    "adam-root": (
        "Adam",
        {"learning_rate": 0.02, **BETAS, **OUT, "epsilon_root": 1e-4},
        lambda optax: optax.adam(0.02, b2=0.95, eps_root=1e-4),
    ),
    "amsgrad-corrected": (
        "Adam",
        {"learning_rate": 0.02, **BETAS, **OUT, "amsgrad": "corrected"},
        lambda optax: optax.amsgrad(0.02, b2=0.95),
    ),
    "amsgrad-paper": (
        "Adam",
        {"learning_rate": 0.002, **BETAS, **OUT, "amsgrad": "paper"},
        lambda optax: optax.chain(
            optax.scale_by_amsgrad(b2=0.95, bias_correction_mu=False, bias_correction_nu=False),
            optax.scale_by_learning_rate(0.002),
        ),
    ),
    "adamw": (
        "AdamW",
        {
            "learning_rate": 0.02,
            **BETAS,
            **OUT,
            "weight_decay": 0.1,
            "weight_decay_mode": "update",
        },
        lambda optax: optax.adamw(0.02, b2=0.95, weight_decay=0.1),
    ),
    "radam-seed": (
        "RAdam",
        {"learning_rate": 0.02, "threshold": 4.0, "epsilon_mode": "out"},
        lambda optax: optax.radam(0.02, threshold=4.0),
    ),
    "radam": (
        "RAdam",
        {"learning_rate": 0.02, "epsilon_mode": "out"},
        lambda optax: optax.radam(0.02),
    ),
    "lion": (
        "Lion",
        {"learning_rate": 0.002, "weight_decay": 0.1, "weight_decay_mode": "update"},
        lambda optax: optax.lion(0.002, weight_decay=0.1),
    ),
    "lars": (
        "Lars",
        {"learning_rate": 1.0, "weight_decay": 0.01, "form": "joint_norm"},
        lambda optax: optax.lars(1.0, weight_decay=0.01),
    ),
    "lars-nesterov": (
        "Lars",
        {
            "learning_rate": 1.0,
            "weight_decay": 0.01,
            "form": "joint_norm",
            "nesterov": True,
            "epsilon": 1e-6,
        },
        lambda optax: optax.lars(1.0, weight_decay=0.01, nesterov=True, eps=1e-6),
    ),
    "lamb": (
        "Lamb",
        {"learning_rate": 0.01, "weight_decay": 0.05, "epsilon": 1e-6},
        lambda optax: optax.lamb(0.01, weight_decay=0.05),
    ),
    "lamb-plain": (
        "Lamb",
        {"learning_rate": 0.01, **BETAS, "epsilon": 1e-6},
        lambda optax: optax.lamb(0.01, b2=0.95),
    ),
    "rmsprop": ("RMSprop", {"epsilon": 1e-8}, lambda optax: optax.rmsprop(0.001)),
    "rmsprop-out": (
        "RMSprop",
        {"learning_rate": 0.01, "rho": 0.8, "initial_accumulator_value": 1.0, **OUT},
        lambda optax: optax.rmsprop(0.01, decay=0.8, initial_scale=1.0, eps_in_sqrt=False),
    ),
    "rmsprop-momentum": (
        "RMSprop",
        {"momentum": 0.9, "centered": True, "epsilon": 1e-6},
        lambda optax: optax.rmsprop(0.001, momentum=0.9, centered=True, eps=1e-6),
    ),
    "adadelta": (
        "Adadelta",
        {"rho": 0.9, "epsilon": 1e-6, "weight_decay": 0.01, "weight_decay_mode": "l2"},
        lambda optax: optax.adadelta(1.0, weight_decay=0.01),
    ),
    "adamax": (
        "Adamax",
        {"learning_rate": 0.01, "epsilon": 1e-8, "epsilon_mode": "in"},
        lambda optax: optax.adamax(0.01),
    ),
    "adamaxw": (
        "Adamax",
        {
            "learning_rate": 0.01,
            "epsilon": 1e-8,
            "epsilon_mode": "in",
            "weight_decay": 0.1,
            "weight_decay_mode": "update",
        },
        lambda optax: optax.adamaxw(0.01, weight_decay=0.1),
    ),
    "nadam": (
        "Nadam",
        {"learning_rate": 0.01, "epsilon": 1e-8, "form": "optax"},
        lambda optax: optax.nadam(0.01),
    ),
    "nadamw": (
        "Nadam",
        {"learning_rate": 0.01, "epsilon": 1e-8, "form": "optax", "weight_decay": 0.1},
        lambda optax: optax.nadamw(0.01, weight_decay=0.1),
    ),
    "adafactor": (
        "Adafactor",
        {
            "relative_step": False,
            "learning_rate": 0.1,
            "epsilon_mode": "add",
            "min_dim_size_to_factor": 5,
        },
        lambda optax: optax.adafactor(0.1, min_dim_size_to_factor=5),
    ),
    "adafactor-plain": (
        "Adafactor",
        {
            "relative_step": False,
            "scale_parameter": False,
            "learning_rate": 0.01,
            "epsilon_mode": "add",
            "min_dim_size_to_factor": 1000,
            "beta_1": 0.9,
        },
        lambda optax: optax.adafactor(
            0.01, multiply_by_parameter_scale=False, momentum=0.9, dtype_momentum="float64"
        ),
    ),
    "adabelief": (
        "AdaBelief",
        {"learning_rate": 0.01, "rectify": False},
        lambda optax: optax.adabelief(0.01),
    ),
    "novograd": (
        "NovoGrad",
        {
            "learning_rate": 0.01,
            "beta_1": 0.9,
            "beta_2": 0.25,
            "epsilon": 1e-6,
            "weight_decay": 0.01,
        },
        lambda optax: optax.novograd(0.01, weight_decay=0.01),
    ),
    "ademamix": (
        "AdEMAMix",
        {"learning_rate": 0.01, "weight_decay": 0.1},
        lambda optax: optax.contrib.ademamix(0.01, weight_decay=0.1),
    ),
    "adopt": ("Adopt", {"learning_rate": 0.01}, lambda optax: optax.contrib.adopt(0.01)),
    "prodigy": (
        "Prodigy",
        {"initial_distance": 1e-3, "bias_correction": True},
        lambda optax: optax.contrib.prodigy(1.0, estim_lr0=1e-3),
    ),
    "schedule-free-sgd": (
        "ScheduleFreeSGD",
        {"learning_rate": 0.1},
        lambda optax: optax.contrib.schedule_free_sgd(0.1, b1=0.9),
    ),
    "schedule-free-adamw": (
        "ScheduleFreeAdamW",
        {"learning_rate": 0.01},
        lambda optax: optax.contrib.schedule_free_adamw(0.01),
    ),
    "lookahead": (
        "SGD",
        {"learning_rate": 0.02, "momentum": 0.9, "form": "lr_outside", "sync_period": 5},
        lambda optax: optax.lookahead(optax.sgd(0.02, momentum=0.9), 5, 0.5),
    ),
    "centralized": (
        "SGD",
        {"learning_rate": 0.02, "gradient_centralization": True},
        lambda optax: optax.chain(optax.centralize(), optax.sgd(0.02)),
    ),
    "ranger": (
        "Ranger",
        {"learning_rate": 0.02, "epsilon_mode": "out"},
        lambda optax: optax.lookahead(
            optax.chain(optax.centralize(), optax.radam(0.02, b1=0.95, eps=1e-5)), 6, 0.5
        ),
    ),
    "accumulate": (
        "Adam",
        {"learning_rate": 0.01, **OUT, "gradient_accumulation_steps": 3},
        lambda optax: optax.MultiSteps(optax.adam(0.01), 3),
    ),
    "muon": (
        "Muon",
        {"learning_rate": 0.01, "form": "debiased", "scale": "columns", "weight_decay": 0.1},
        lambda optax: optax.contrib.muon(0.01, weight_decay=0.1),
    ),
    "muon-plain": (
        "Muon",
        {
            "learning_rate": 0.01,
            "form": "debiased",
            "scale": "columns",
            "nesterov": False,
            "weight_decay": None,
        },
        lambda optax: optax.contrib.muon(0.01, nesterov=False),
    ),
}
# optax keeps some scalars and accumulated gradients in float32; it adds another epsilon to a norm.
BOUNDS = {
    "adafactor": 1e-5,
    "adafactor-plain": 1e-5,
    "accumulate": 1e-6,
    "muon": 1e-6,
    "muon-plain": 1e-6,
}
LOOKAHEAD = ("lookahead", "ranger")


def by_optax(row: str) -> Tensors:
    """Parameters after all steps."""

    def run() -> Tensors:
        import optax  # noqa: PLC0415 - where it runs

        look = row in LOOKAHEAD
        return run_optax(ROWS[row][2](optax), PROBLEM.params, PROBLEM.grads, look=look)

    found = recorded("optax", row, run)
    # Arrays that are not matrices follow an AdamW with another epsilon there.
    return {"matrix": found["matrix"]} if row.startswith("muon") else found


@pytest.mark.parametrize("row", ROWS)
def test_reference_follows_optax(row: str) -> None:
    """The reference itself is right: both are float64."""
    name, kwargs, _ = ROWS[row]
    ref = reference(name.lower(), **kwargs)
    ref.build(PROBLEM.params)
    for g in PROBLEM.grads:
        ref.apply(g)
    bound = {"rtol": BOUNDS.get(row, 1e-9), "atol": BOUNDS.get(row, 1e-12)}
    for key, theirs in by_optax(row).items():
        np.testing.assert_allclose(ref.params[key], theirs, **bound, err_msg=key)


@pytest.mark.parametrize("row", ROWS)
def test_library_follows_optax(row: str) -> None:
    name, kwargs, _ = ROWS[row]
    opt = make(name, kwargs)
    params = PROBLEM.fresh()
    opt.build(params)
    for g in PROBLEM.grads:
        opt.apply(g)
    for key, theirs in by_optax(row).items():
        assert_trajectory(params[key], theirs, PROBLEM.params[key], key)
