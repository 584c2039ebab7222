"""Packages that hold one optimizer or two."""

from __future__ import annotations

import math

from lamb_rs._peers._arguments import Argument, betas, decay, free, only, same, switch, to
from lamb_rs._peers._peer import Peer
from lamb_rs._peers.torch import DECOUPLED, L2

_FREE_AVERAGE = {
    "r": to("r", 0.0),
    "weight_lr_power": to("weight_lr_power", 2.0),
}
PEERS = [
    Peer(
        "schedulefree.AdamWScheduleFree",
        "ScheduleFreeAdamW",
        {
            "lr": to("learning_rate", 0.0025),
            "betas": betas(0.9, 0.999),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "warmup_steps": to("warmup_steps", 0),
            **_FREE_AVERAGE,
            "foreach": free(True),
        },
        compared=True,
    ),
    Peer(
        "schedulefree.SGDScheduleFree",
        "ScheduleFreeSGD",
        {
            "lr": to("learning_rate", 1.0),
            "momentum": to("momentum", 0.9),
            "weight_decay": decay(0.0),
            "warmup_steps": to("warmup_steps", 0),
            **_FREE_AVERAGE,
            "foreach": free(True),
        },
        compared=True,
    ),
    Peer(
        "schedulefree.RAdamScheduleFree",
        refused="Schedule-Free RAdam is not in this library; use "
        "from_peer('schedulefree.AdamWScheduleFree', warmup_steps=...)",
    ),
    Peer(
        "prodigyopt.Prodigy",
        "Prodigy",
        {
            "lr": to("learning_rate", 1.0),
            "betas": betas(0.9, 0.999),
            "beta3": to("beta_3", None),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "decouple": switch(L2, DECOUPLED, default=True),
            "use_bias_correction": to("bias_correction", False),
            "safeguard_warmup": to("safeguard_warmup", False),
            "d0": to("initial_distance", 1e-6),
            "d_coef": to("distance_coefficient", 1.0),
            "growth_rate": Argument(
                math.inf, lambda value: {"growth_rate": None if same(value, math.inf) else value}
            ),
            "fsdp_in_use": only(False, "there is one process here"),
            "slice_p": only(1, "every element takes part in the estimate here"),
        },
        compared=True,
    ),
    Peer(
        "adabound.AdaBound",
        "AdaBound",
        {
            "lr": to("learning_rate", 0.001),
            "betas": betas(0.9, 0.999),
            "final_lr": to("final_learning_rate", 0.1),
            "gamma": to("gamma", 0.001),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "amsbound": to("amsgrad", False),
        },
        L2,
        compared=True,
    ),
    Peer(
        "lion_pytorch.Lion",
        "Lion",
        {
            "lr": to("learning_rate", 1e-4),
            "betas": betas(0.9, 0.99),
            "weight_decay": decay(0.0),
            "use_triton": free(False),
            # Its decay is divided by the first rate.
            "decoupled_weight_decay": switch(DECOUPLED, {"weight_decay_mode": "schedule"}),
        },
        compared=True,
    ),
    Peer(
        "pytorch_ranger.Ranger",
        "Ranger",
        {
            "lr": to("learning_rate", 0.001),
            "alpha": to("slow_step_size", 0.5),
            "k": to("sync_period", 6),
            "N_sma_threshhold": to("threshold", 5.0),
            "betas": betas(0.95, 0.999),
            "eps": to("epsilon", 1e-5),
            "weight_decay": decay(0.0),
        },
        {
            "epsilon_mode": "hat",
            "gradient_centralization": False,
            "degenerate": "momentum",
            **DECOUPLED,
        },
        compared=True,
    ),
]
