"""torch_optimizer."""

from __future__ import annotations

from lamb_rs._peers._arguments import (
    Argument,
    RefusedError,
    betas,
    decay,
    free,
    only,
    switch,
    to,
)
from lamb_rs._peers._peer import Draft, Peer
from lamb_rs._peers._relative import relative_rate
from lamb_rs._peers.torch import DECOUPLED, L2, OUT, nesterov_like_torch

HAT = {"epsilon_mode": "hat"}


def _lars(draft: Draft) -> None:
    nesterov_like_torch(draft)
    given = draft.given
    if draft.settings["weight_decay"] is not None:
        # Without weight decay it is plain SGD there.
        larc = {
            "trust_coefficient": given["trust_coefficient"],
            "clip": False,
            "epsilon": given["eps"],
        }
        draft.layers.append(("Larc", larc))


def _adabelief(draft: Draft) -> None:
    given, settings = draft.given, draft.settings
    settings["weight_decay_mode"] = "l2"
    if given["weight_decouple"]:
        settings["weight_decay_mode"] = "fixed" if given["fixed_decay"] else "decoupled"
    elif given["fixed_decay"]:
        raise RefusedError("fixed_decay has no effect there without weight_decouple")


def _adafactor(draft: Draft) -> None:
    given, settings = draft.given, draft.settings
    settings["epsilon_1"], settings["epsilon_2"] = given["eps2"]
    settings["beta_1"] = given["beta1"] or 0.0
    if not given["relative_step"]:
        if given["lr"] is None:
            raise RefusedError("without relative_step it needs lr")
    elif given["lr"] is not None:
        raise RefusedError("lr has no effect there with relative_step=True")
    else:
        settings["learning_rate"] = relative_rate(given["warmup_init"])


_LR = to("learning_rate", 0.001)
_BETAS = betas(0.9, 0.999)
_EPS = to("epsilon", 1e-8)
PEERS = [
    Peer(
        "torch_optimizer.Lamb",
        "Lamb",
        {
            "lr": _LR,
            "betas": _BETAS,
            "eps": to("epsilon", 1e-6),
            "weight_decay": decay(0.0),
            "clamp_value": Argument(10.0, lambda value: {"phi": (0.0, value)}),
            "adam": only(False, "without a trust ratio it is no LAMB; use torch.AdamW"),
            "debias": switch({"bias_correction": False}, {"bias_correction": "rate"}),
        },
        {**OUT, "weight_decay_mode": "update", "always_adapt": True},
        compared=True,
    ),
    Peer(
        "torch_optimizer.LARS",
        "SGD",
        {
            "lr": to("learning_rate", 0.01),
            "momentum": to("momentum", 0.0),
            "dampening": to("dampening", 0.0),
            "weight_decay": decay(0.0),
            "nesterov": to("nesterov", False),
            "trust_coefficient": free(0.01),
            "eps": free(1e-8),
        },
        {"form": "lr_outside", **L2},
        _lars,
        compared=True,
        note="this is LARC without its clip around SGD, and SGD without weight decay",
    ),
    Peer(
        "torch_optimizer.RAdam",
        "RAdam",
        {"lr": _LR, "betas": _BETAS, "eps": _EPS, "weight_decay": decay(0.0)},
        {**HAT, "threshold": 5.0, "degenerate": "momentum", **DECOUPLED},
        compared=True,
    ),
    Peer(
        "torch_optimizer.AdaBound",
        "AdaBound",
        {
            "lr": _LR,
            "betas": _BETAS,
            "final_lr": to("final_learning_rate", 0.1),
            "gamma": to("gamma", 0.001),
            "eps": _EPS,
            "weight_decay": decay(0.0),
            "amsbound": to("amsgrad", False),
        },
        L2,
        compared=True,
    ),
    Peer(
        "torch_optimizer.AdaBelief",
        "AdaBelief",
        {
            "lr": _LR,
            "betas": _BETAS,
            "eps": _EPS,
            "weight_decay": decay(0.0),
            "amsgrad": only(False, "AdaBelief has no running maximum here"),
            "weight_decouple": free(False),
            "fixed_decay": free(False),
            "rectify": only(False, "it corrects its rectified denominator once more there"),
        },
        {"rectify": False},
        _adabelief,
        compared=True,
    ),
    Peer(
        "torch_optimizer.NovoGrad",
        "NovoGrad",
        {
            "lr": _LR,
            "betas": betas(0.95, 0.0),
            "eps": _EPS,
            "weight_decay": decay(0.0),
            "grad_averaging": to("gradient_averaging", False),
            "amsgrad": only(False, "NovoGrad has no running maximum here"),
        },
        L2,
        compared=True,
    ),
    Peer(
        "torch_optimizer.SGDW",
        "SGD",
        {
            "lr": _LR,
            "momentum": to("momentum", 0.0),
            "dampening": to("dampening", 0.0),
            "weight_decay": only(
                0.0,
                "it subtracts a constant from every weight there, whatever the weight; use "
                "from_peer('timm.SGDW')",
            ),
            "nesterov": to("nesterov", False),
        },
        {"form": "lr_outside"},
        nesterov_like_torch,
        compared=True,
    ),
    Peer(
        "torch_optimizer.Adafactor",
        "Adafactor",
        {
            "lr": to("learning_rate", None),
            "eps2": free((1e-30, 0.001)),
            "clip_threshold": to("clip_threshold", 1.0),
            "decay_rate": to("beta_2_decay", -0.8),
            "beta1": free(None),
            "weight_decay": only(0.0, "it is multiplied by the scaled rate there, not so here"),
            "scale_parameter": to("scale_parameter", True),
            "relative_step": to("relative_step", True),
            "warmup_init": free(False),
        },
        {"epsilon_mode": "add"},
        _adafactor,
        compared=True,
        note="tensors of three or more axes raise there",
    ),
    Peer(
        "torch_optimizer.Ranger",
        "Ranger",
        {
            "lr": _LR,
            "alpha": to("slow_step_size", 0.5),
            "k": to("sync_period", 6),
            "N_sma_threshhold": to("threshold", 5.0),
            "betas": betas(0.95, 0.999),
            "eps": to("epsilon", 1e-5),
            "weight_decay": decay(0.0),
        },
        {
            **HAT,
            "gradient_centralization": False,
            "degenerate": "momentum",
            **DECOUPLED,
        },
        compared=True,
    ),
    Peer(
        "torch_optimizer.AdamP",
        "AdamP",
        {
            "lr": _LR,
            "betas": _BETAS,
            "eps": _EPS,
            "weight_decay": decay(0.0),
            "delta": to("delta", 0.1),
            "wd_ratio": to("weight_decay_ratio", 0.1),
            "nesterov": to("nesterov", False),
        },
        DECOUPLED,
    ),
    Peer(
        "torch_optimizer.Lookahead",
        "Lookahead",
        {"k": to("sync_period", 5), "alpha": to("slow_step_size", 0.5)},
        {"slow_start": "first_sync", "sync_phase": 1},
        compared=True,
        wraps=True,
        note="it synchronizes after updates 1, k + 1, 2 k + 1, ...",
    ),
    *(
        Peer(f"torch_optimizer.{name}", refused=f"{what} is not in this library")
        for name, what in {
            "AccSGD": "AccSGD",
            "Shampoo": "Shampoo",
            "Yogi": "Yogi",
            "RangerQH": "quasi-hyperbolic Ranger",
            "RangerVA": "Ranger with softplus denominators",
        }.items()
    ),
]
