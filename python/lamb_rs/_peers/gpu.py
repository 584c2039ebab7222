"""apex.optimizers and deepspeed.ops."""

from __future__ import annotations

from lamb_rs._peers._arguments import REQUIRED, Argument, betas, decay, free, only, switch, to
from lamb_rs._peers._peer import Peer
from lamb_rs._peers.torch import DECOUPLED, L2, OUT, nesterov_like_torch

NO_AMSGRAD = {"amsgrad": only(False, "it is an error there")}
CORRECTED = {"bias_correction": only(True, "Adam without bias correction is not here")}
LR = {"lr": to("learning_rate", 0.001)}
BETAS = {"betas": betas(0.9, 0.999)}
EPS = {"eps": to("epsilon", 1e-8)}
UPDATE = {"weight_decay_mode": "update"}
NONE_GRADS = {"set_grad_none": free(True)}


def _fused_adam(package: str, more: dict[str, Argument]) -> Peer:
    return Peer(
        f"{package}.FusedAdam",
        "Adam",
        {
            **LR,
            **CORRECTED,
            **BETAS,
            **EPS,
            "adam_w_mode": switch(L2, UPDATE, default=True),
            "weight_decay": decay(0.0),
            **NO_AMSGRAD,
            **NONE_GRADS,
            **more,
        },
        OUT,
    )


def _limits(low: str, high: str) -> dict[str, Argument]:
    return {high: free(10.0), low: free(0.01)}


PEERS = [
    Peer(
        "apex.FusedLAMB",
        "Lamb",
        {
            **LR,
            "bias_correction": to("bias_correction", True),
            **BETAS,
            "eps": to("epsilon", 1e-6),
            "weight_decay": decay(0.01),
            **NO_AMSGRAD,
            "adam_w_mode": switch(L2, UPDATE, default=True),
            "grad_averaging": to("gradient_averaging", True),
            **NONE_GRADS,
            "max_grad_norm": to("global_clipnorm", 1.0),
            "use_nvlamb": to("always_adapt", False),
        },
        OUT,
    ),
    _fused_adam(
        "apex",
        {
            "capturable": free(False),
            "master_weights": only(False, "parameters are float32 here"),
        },
    ),
    Peer(
        "apex.FusedSGD",
        "SGD",
        {
            "lr": to("learning_rate", REQUIRED),
            "momentum": to("momentum", 0.0),
            "dampening": to("dampening", 0.0),
            "weight_decay": decay(0.0),
            "nesterov": to("nesterov", False),
            "wd_after_momentum": only(False, "weight decay is before the momentum here"),
            "materialize_master_grads": free(True),
            "set_grad_none": free(False),
        },
        {"form": "lr_outside", **L2},
        nesterov_like_torch,
    ),
    Peer(
        "apex.FusedAdagrad",
        "Adagrad",
        {
            "lr": to("learning_rate", 0.01),
            "eps": to("epsilon", 1e-10),
            "weight_decay": decay(0.0),
            **NONE_GRADS,
            "adagrad_w_mode": switch(L2, UPDATE),
        },
        {**OUT, "initial_accumulator_value": 0.0},
    ),
    Peer(
        "apex.LARC",
        "Larc",
        {
            "trust_coefficient": to("trust_coefficient", 0.02),
            "clip": to("clip", True),
            "eps": to("epsilon", 1e-8),
        },
        wraps=True,
    ),
    Peer(
        "apex.FusedNovoGrad",
        refused="it corrects moments and decays outside them, unlike the paper's; use "
        "from_peer('timm.NvNovoGrad')",
    ),
    Peer(
        "deepspeed.FusedLamb",
        "Lamb",
        {
            **LR,
            "bias_correction": switch(
                {"bias_correction": False}, {"bias_correction": "rate"}, default=True
            ),
            **BETAS,
            **EPS,
            "eps_inside_sqrt": switch(OUT, {"epsilon_mode": "in"}),
            "weight_decay": decay(0.0),
            "max_grad_norm": only(
                0.0, "it clips by norms that its step is given there; use global_clipnorm"
            ),
            **_limits("min_coeff", "max_coeff"),
            **NO_AMSGRAD,
        },
        {**UPDATE, "always_adapt": True},
        lambda draft: draft.settings.update(
            trust_clip=(draft.given["min_coeff"], draft.given["max_coeff"])
        ),
    ),
    _fused_adam("deepspeed", {}),
    Peer(
        "deepspeed.DeepSpeedCPUAdam",
        "Adam",
        {
            **LR,
            **CORRECTED,
            **BETAS,
            **EPS,
            "weight_decay": decay(0.0),
            **NO_AMSGRAD,
            "adamw_mode": switch(L2, DECOUPLED, default=True),
            "fp32_optimizer_states": only(True, "narrow moments are state_dtype here"),
        },
        OUT,
    ),
    Peer(
        "deepspeed.DeepSpeedCPUAdagrad",
        "Adagrad",
        {
            "lr": to("learning_rate", 0.01),
            "eps": to("epsilon", 1e-10),
            "weight_decay": decay(0.0),
            **NO_AMSGRAD,
            "fp32_optimizer_states": only(True, "the accumulator is float32 here"),
        },
        {**OUT, "initial_accumulator_value": 0.0, **L2},
    ),
    Peer(
        "deepspeed.DeepSpeedCPULion",
        "Lion",
        {
            **LR,
            "betas": betas(0.9, 0.99),
            "weight_decay": decay(0.0),
            "fp32_optimizer_states": only(True, "narrow moments are state_dtype here"),
        },
        DECOUPLED,
    ),
]
