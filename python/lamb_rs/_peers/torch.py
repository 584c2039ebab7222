"""torch.optim."""

from __future__ import annotations

from lamb_rs._peers._arguments import (
    RefusedError,
    betas,
    choice,
    decay,
    free,
    only,
    several,
    switch,
    to,
)
from lamb_rs._peers._peer import Draft, Peer

# What torch takes for `eps[0]` where it is None: the spacing of float32 at 1.
FLOAT32_EPSILON = 2.0**-23
KELLER = (3.4445, -4.775, 2.0315)
L2 = {"weight_decay_mode": "l2"}
DECOUPLED = {"weight_decay_mode": "decoupled"}
OUT = {"epsilon_mode": "out"}
MAXIMIZE = to("maximize", False)
FOREACH = {"foreach": free(None)}
SPEED = {
    **FOREACH,
    "differentiable": only(False, "a step is not recorded for automatic differentiation here"),
}
CAPTURABLE = {"capturable": free(False), **SPEED}
FUSED = {"fused": free(None)}


def nesterov_like_torch(draft: Draft) -> None:
    """Refuse what torch refuses: Nesterov's form without momentum, or with dampening."""
    given = draft.given
    if given["nesterov"] and (not given["momentum"] or given.get("dampening", 0)):
        raise RefusedError("nesterov needs a momentum and no dampening there, too")


def scaled(draft: Draft) -> None:
    """Leave steps that are not finite to the optimizer that scales the loss."""
    if draft.settings.get("loss_scale_factor") is not None:
        raise RefusedError("loss_scale_factor of the inner optimizer must be None, as there")
    draft.settings["nonfinite"] = "auto"


def _adafactor(draft: Draft) -> None:
    first, second = draft.given["eps"]
    draft.settings["epsilon_1"] = FLOAT32_EPSILON if first is None else first
    draft.settings["epsilon_2"] = second


_DECOUPLED = switch(L2, DECOUPLED)
PEERS = [
    Peer(
        "torch.SGD",
        "SGD",
        {
            "lr": to("learning_rate", 0.001),
            "momentum": to("momentum", 0.0),
            "dampening": to("dampening", 0.0),
            "weight_decay": decay(0.0),
            "nesterov": to("nesterov", False),
            "maximize": MAXIMIZE,
            **SPEED,
            **FUSED,
        },
        {"form": "lr_outside", **L2},
        nesterov_like_torch,
        compared=True,
    ),
    Peer(
        "torch.Adagrad",
        "Adagrad",
        {
            "lr": to("learning_rate", 0.01),
            "lr_decay": to("learning_rate_decay", 0.0),
            "weight_decay": decay(0.0),
            "initial_accumulator_value": to("initial_accumulator_value", 0.0),
            "eps": to("epsilon", 1e-10),
            "maximize": MAXIMIZE,
            **SPEED,
            **FUSED,
        },
        {**OUT, **L2},
        compared=True,
    ),
    Peer(
        "torch.RMSprop",
        "RMSprop",
        {
            "lr": to("learning_rate", 0.01),
            "alpha": to("rho", 0.99),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "momentum": to("momentum", 0.0),
            "centered": to("centered", False),
            "maximize": MAXIMIZE,
            **CAPTURABLE,
        },
        {"form": "lr_outside", **OUT, **L2},
        compared=True,
    ),
    Peer(
        "torch.Adadelta",
        "Adadelta",
        {
            "lr": to("learning_rate", 1.0),
            "rho": to("rho", 0.9),
            "eps": to("epsilon", 1e-6),
            "weight_decay": decay(0.0),
            "maximize": MAXIMIZE,
            **CAPTURABLE,
        },
        L2,
        compared=True,
    ),
    Peer(
        "torch.Adam",
        "Adam",
        {
            "lr": to("learning_rate", 0.001),
            "betas": betas(0.9, 0.999),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "amsgrad": switch({"amsgrad": False}, {"amsgrad": True}),
            "decoupled_weight_decay": _DECOUPLED,
            "maximize": MAXIMIZE,
            **CAPTURABLE,
            **FUSED,
        },
        OUT,
        compared=True,
    ),
    Peer(
        "torch.AdamW",
        "AdamW",
        {
            "lr": to("learning_rate", 0.001),
            "betas": betas(0.9, 0.999),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.01),
            "amsgrad": switch({"amsgrad": False}, {"amsgrad": True}),
            "maximize": MAXIMIZE,
            **CAPTURABLE,
            **FUSED,
        },
        {**OUT, **DECOUPLED},
        compared=True,
    ),
    Peer(
        "torch.Adamax",
        "Adamax",
        {
            "lr": to("learning_rate", 0.002),
            "betas": betas(0.9, 0.999),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "maximize": MAXIMIZE,
            **CAPTURABLE,
        },
        {"epsilon_mode": "in", **L2},
        compared=True,
    ),
    Peer(
        "torch.NAdam",
        "Nadam",
        {
            "lr": to("learning_rate", 0.002),
            "betas": betas(0.9, 0.999),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "momentum_decay": to("momentum_decay", 0.004),
            "decoupled_weight_decay": _DECOUPLED,
            "maximize": MAXIMIZE,
            **CAPTURABLE,
        },
        {"form": "dozat"},
        compared=True,
    ),
    Peer(
        "torch.RAdam",
        "RAdam",
        {
            "lr": to("learning_rate", 0.001),
            "betas": betas(0.9, 0.999),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "decoupled_weight_decay": _DECOUPLED,
            "maximize": MAXIMIZE,
            **CAPTURABLE,
        },
        {"epsilon_mode": "hat", "threshold": 5.0, "degenerate": "momentum"},
        compared=True,
    ),
    Peer(
        "torch.Adafactor",
        "Adafactor",
        {
            "lr": to("learning_rate", 0.01),
            "beta2_decay": to("beta_2_decay", -0.8),
            "eps": several(("epsilon_1", "epsilon_2"), (None, 0.001)),
            "d": to("clip_threshold", 1.0),
            "weight_decay": decay(0.0),
            **FOREACH,
            "maximize": MAXIMIZE,
        },
        {"epsilon_mode": "clamp", "relative_step": True, "scale_parameter": True, **DECOUPLED},
        _adafactor,
        compared=True,
    ),
    Peer(
        "torch.Muon",
        "Muon",
        {
            "lr": to("learning_rate", 0.001),
            "weight_decay": decay(0.1),
            "momentum": to("momentum", 0.95),
            "nesterov": to("nesterov", True),
            "ns_coefficients": choice(
                KELLER, {KELLER: {"coefficients": "keller"}}, "only Jordan's coefficients are here"
            ),
            "eps": only(1e-7, "the norm before the iteration takes 1e-7 here"),
            "ns_steps": to("ns_steps", 5),
            "adjust_lr_fn": choice(
                None,
                {
                    None: {"scale": "original"},
                    "original": {"scale": "original"},
                    "match_rms_adamw": {"scale": "match_rms", "rms_rate": 0.2},
                },
            ),
        },
        {"form": "ema", "exclude_embeddings": False, **DECOUPLED},
        compared=True,
        note="torch iterates in bfloat16, which moves a step by some percent, and refuses "
        "parameters that are not matrices; they follow AdamW here",
    ),
    Peer(
        "torch.GradScaler",
        "LossScaleOptimizer",
        {
            "device": free("cuda"),
            "init_scale": to("initial_scale", 65536.0),
            "growth_factor": only(2.0, "the scale doubles here"),
            "backoff_factor": only(0.5, "the scale halves here"),
            "growth_interval": to("dynamic_growth_steps", 2000),
            "enabled": only(True, "leave the wrapper out instead"),
        },
        {"minimum_scale": 2.0**-126},
        scaled,
        compared=True,
        wraps=True,
    ),
    Peer(
        "torch.AveragedModel",
        "",
        {
            "device": free(None),
            "avg_fn": only(
                None, "pass use_ema=True and ema_momentum to the optimizer for an exponential one"
            ),
            "multi_avg_fn": only(
                None, "pass use_ema=True and ema_momentum to the optimizer for an exponential one"
            ),
            "use_buffers": only(False, "an optimizer knows parameters only"),
        },
        {"use_ema": True, "ema_form": "uniform"},
        compared=True,
        wraps=True,
        note="the average contains every update from ema_start on",
    ),
    *(
        Peer(f"torch.{name}", refused=f"{what} is not in this library")
        for name, what in {
            "ASGD": "averaged SGD with its own schedule",
            "LBFGS": "L-BFGS, which evaluates the loss itself,",
            "Rprop": "resilient propagation",
            "SparseAdam": "Adam for sparse gradients",
        }.items()
    ),
]
