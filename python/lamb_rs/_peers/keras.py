"""keras.optimizers of Keras 3."""

from __future__ import annotations

from lamb_rs._peers._arguments import (
    Argument,
    RefusedError,
    free,
    only,
    switch,
    to,
    unless_negative,
)
from lamb_rs._peers._peer import Draft, Peer
from lamb_rs._peers.torch import scaled

WAY = {"weight_decay_mode": "decoupled", "ema_every": "call"}
SMALLEST = 2.0**-126
COMMON = {
    "weight_decay": to("weight_decay", None),
    "clipnorm": unless_negative("clipnorm", None),
    "clipvalue": unless_negative("clipvalue", None),
    "global_clipnorm": unless_negative("global_clipnorm", None),
    "use_ema": to("use_ema", False),
    "ema_momentum": to("ema_momentum", 0.99),
    "ema_overwrite_frequency": to("ema_overwrite_frequency", None),
    "loss_scale_factor": to("loss_scale_factor", None),
    "gradient_accumulation_steps": to("gradient_accumulation_steps", None),
    "name": to("name", None),
}
ADAMS = {
    "beta_1": to("beta_1", 0.9),
    "beta_2": to("beta_2", 0.999),
    "epsilon": to("epsilon", 1e-7),
}
AMSGRAD = switch({"amsgrad": False}, {"amsgrad": True})


def _rate(default: float) -> dict[str, Argument]:
    return {"learning_rate": to("learning_rate", default)}


def _needs_decay(draft: Draft) -> None:
    if draft.given["weight_decay"] is None:
        raise RefusedError("weight_decay=None is an error there; Adam is AdamW without it")


def _muon(draft: Draft) -> None:
    given, settings = draft.given, draft.settings
    if given["exclude_layers"]:
        settings["exclude_layers"] = tuple(given["exclude_layers"])
    settings["adam_weight_decay"] = given["adam_weight_decay"] or 0.0
    # Parameters that follow AdamW have decay even if the matrices have none.
    if given["weight_decay"] is None:
        settings["weight_decay"] = 0.0


PEERS = [
    Peer(
        "keras.SGD",
        "SGD",
        {
            **_rate(0.01),
            "momentum": to("momentum", 0.0),
            "nesterov": to("nesterov", False),
            **COMMON,
        },
        {"form": "lr_inside", **WAY},
        compared=True,
    ),
    Peer(
        "keras.Adagrad",
        "Adagrad",
        {
            **_rate(0.001),
            "initial_accumulator_value": to("initial_accumulator_value", 0.1),
            "epsilon": to("epsilon", 1e-7),
            **COMMON,
        },
        {"epsilon_mode": "in", **WAY},
        compared=True,
    ),
    Peer(
        "keras.RMSprop",
        "RMSprop",
        {
            **_rate(0.001),
            "rho": to("rho", 0.9),
            "momentum": to("momentum", 0.0),
            "epsilon": to("epsilon", 1e-7),
            "centered": to("centered", False),
            **COMMON,
        },
        {"form": "lr_inside", "epsilon_mode": "in", **WAY},
        compared=True,
    ),
    Peer(
        "keras.Adadelta",
        "Adadelta",
        {**_rate(0.001), "rho": to("rho", 0.95), "epsilon": to("epsilon", 1e-7), **COMMON},
        WAY,
        compared=True,
    ),
    Peer(
        "keras.Adam",
        "Adam",
        {**_rate(0.001), **ADAMS, "amsgrad": AMSGRAD, **COMMON},
        {"epsilon_mode": "hat", **WAY},
        compared=True,
    ),
    Peer(
        "keras.AdamW",
        "AdamW",
        {
            **_rate(0.001),
            **ADAMS,
            "amsgrad": AMSGRAD,
            **COMMON,
            "weight_decay": to("weight_decay", 0.004),
        },
        {"epsilon_mode": "hat", **WAY},
        _needs_decay,
        compared=True,
    ),
    Peer(
        "keras.Adamax",
        "Adamax",
        {**_rate(0.001), **ADAMS, **COMMON},
        {"epsilon_mode": "out", **WAY},
        compared=True,
    ),
    Peer(
        "keras.Nadam",
        "Nadam",
        {**_rate(0.001), **ADAMS, **COMMON},
        # 0.96^t where Dozat has 0.96^(0.004 t): the schedule saturates 250 times sooner.
        {"form": "dozat", "momentum_decay": 1.0, **WAY},
        compared=True,
    ),
    Peer(
        "keras.Adafactor",
        "Adafactor",
        {
            **_rate(0.001),
            "beta_2_decay": to("beta_2_decay", -0.8),
            "epsilon_1": to("epsilon_1", 1e-30),
            "epsilon_2": to("epsilon_2", 0.001),
            "clip_threshold": to("clip_threshold", 1.0),
            # Keras takes the smaller of the rate and 1 / sqrt(t) at either value.
            "relative_step": free(True),
            **COMMON,
        },
        {"epsilon_mode": "add", "scale_parameter": True, "relative_step": True, **WAY},
        compared=True,
        note="steps are scaled by the parameter before weight decay here, after it there",
    ),
    Peer(
        "keras.Ftrl",
        "Ftrl",
        {
            **_rate(0.001),
            "learning_rate_power": to("learning_rate_power", -0.5),
            "initial_accumulator_value": to("initial_accumulator_value", 0.1),
            "l1_regularization_strength": to("l1_regularization_strength", 0.0),
            "l2_regularization_strength": to("l2_regularization_strength", 0.0),
            "l2_shrinkage_regularization_strength": to("l2_shrinkage_regularization_strength", 0.0),
            "beta": to("beta", 0.0),
            **COMMON,
        },
        WAY,
        compared=True,
    ),
    Peer(
        "keras.Lion",
        "Lion",
        {**_rate(0.001), "beta_1": to("beta_1", 0.9), "beta_2": to("beta_2", 0.99), **COMMON},
        WAY,
        compared=True,
    ),
    Peer(
        "keras.Lamb",
        "Lamb",
        {**_rate(0.001), **ADAMS, **COMMON},
        {"epsilon_mode": "out", **WAY},
        compared=True,
    ),
    Peer(
        "keras.Muon",
        "Muon",
        {
            **_rate(0.001),
            "adam_beta_1": to("adam_beta_1", 0.9),
            "adam_beta_2": to("adam_beta_2", 0.999),
            "adam_weight_decay": to("adam_weight_decay", 0.004),
            "epsilon": to("epsilon", 1e-7),
            **COMMON,
            "weight_decay": to("weight_decay", 0.004),
            "exclude_layers": free(None),
            "exclude_embeddings": to("exclude_embeddings", True),
            "muon_a": only(3.4445, "the coefficients are Jordan's here"),
            "muon_b": only(-4.775, "the coefficients are Jordan's here"),
            "muon_c": only(2.0315, "the coefficients are Jordan's here"),
            "adam_lr_ratio": to("adam_lr_ratio", 1.0),
            "momentum": to("momentum", 0.95),
            "ns_steps": to("ns_steps", 5),
            "nesterov": to("nesterov", True),
            "rms_rate": to("rms_rate", 0.2),
        },
        {"form": "sum", "scale": "match_rms", "coefficients": "keller", **WAY},
        _muon,
        compared=True,
    ),
    Peer(
        "keras.LossScaleOptimizer",
        "LossScaleOptimizer",
        {
            "initial_scale": to("initial_scale", 2.0**15),
            "dynamic_growth_steps": to("dynamic_growth_steps", 2000),
            "name": free(None),
        },
        # Keras has no lower limit.
        {"minimum_scale": SMALLEST},
        scaled,
        compared=True,
        note="the scale is always greater than 2^-127 here; it may reach 0 there",
        wraps=True,
    ),
    Peer(
        "keras.MultiOptimizer",
        refused="its map holds optimizers, not names; use lamb_rs.MultiOptimizer([(pattern, "
        "lamb_rs.from_peer(...)), ...], default=...)",
    ),
    Peer(
        "keras.ScheduleFreeAdamW",
        refused="it averages with the weights 1/t for any learning rate, which differs from the "
        "average of the paper during a warm-up; use "
        "from_peer('schedulefree.AdamWScheduleFree')",
    ),
]
