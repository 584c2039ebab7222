"""timm.optim; its other names are torch's own classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamb_rs._peers._arguments import (
    REQUIRED,
    RefusedError,
    betas,
    decay,
    free,
    only,
    several,
    switch,
    to,
)
from lamb_rs._peers._peer import Draft, Peer
from lamb_rs._peers._relative import relative_rate
from lamb_rs._peers.torch import (
    CAPTURABLE,
    DECOUPLED,
    FOREACH,
    L2,
    MAXIMIZE,
    OUT,
    SPEED,
    nesterov_like_torch,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NO_CAUTION = "this rule has no cautious form here"
# timm divides by the rate at construction, here it is the largest so far.
CORRECTED = switch({}, {"weight_decay_mode": "corrected"})
CORRECTED_NOTE = (
    "corrected_weight_decay divides by the largest learning rate so far here, by the first there"
)
NO_CLIP = only(None, "this rule has no clipped denominator here")
CAUTION = to("cautious", False)
_PROJECTION = {"delta": to("delta", 0.1), "wd_ratio": to("weight_decay_ratio", 0.1)}
CAPTURE_ONLY = {"capturable": free(False), **FOREACH}


def _lamb(draft: Draft) -> None:
    given = draft.given
    if given["corrected_weight_decay"]:
        if not given["decoupled_decay"]:
            raise RefusedError("corrected_weight_decay has no effect there without decoupled_decay")
        draft.settings["weight_decay_mode"] = "corrected"


def _sgdp(draft: Draft) -> None:
    """Divide weight decay by ``1 - momentum``, as it does."""
    settings = draft.settings
    if settings["weight_decay"] is not None:
        settings["weight_decay"] /= 1.0 - settings["momentum"]


def _decoupled(
    name: str, corrected: str | None = "corrected_weight_decay"
) -> Callable[[Draft], None]:
    """Make the adjustment of what decays coupled unless `name` is set."""

    def adjust(draft: Draft) -> None:
        given, settings = draft.given, draft.settings
        settings["weight_decay_mode"] = "decoupled" if given[name] else "l2"
        if corrected and given[corrected]:
            if not given[name]:
                raise RefusedError(f"{corrected} has no effect there without {name}")
            settings["weight_decay_mode"] = "corrected"

    return adjust


def _adabelief(draft: Draft) -> None:
    given, settings = draft.given, draft.settings
    if given["decoupled_decay"]:
        settings["weight_decay_mode"] = "fixed" if given["fixed_decay"] else "decoupled"
    elif given["fixed_decay"]:
        raise RefusedError("fixed_decay has no effect there without decoupled_decay")
    else:
        settings["weight_decay_mode"] = "l2"
    skips = given["rectify"] and not given["degenerated_to_sgd"]
    if skips and settings["weight_decay"] is not None:
        raise RefusedError("the steps that are skipped decay there, and do nothing here")


def _adafactor(draft: Draft) -> None:
    given, settings = draft.given, draft.settings
    rate = given["lr"]
    if given["warmup_init"] and rate is not None:
        raise RefusedError("warmup_init needs lr=None there, too")
    settings["relative_step"] = rate is None
    if rate is not None:
        settings["scale_parameter"] = False
    else:
        settings["learning_rate"] = relative_rate(given["warmup_init"])
    settings["beta_1"] = given["betas"][0] if given["betas"] is not None else 0.0
    settings["min_dim_size_to_factor"] = given["min_dim_size_to_factor"] + 1


def _mars(draft: Draft) -> None:
    given, settings = draft.given, draft.settings
    own = given["betas"] if given["betas_1d"] is None else given["betas_1d"]
    settings["beta_1_1d"], settings["beta_2_1d"] = own
    settings["weight_decay_1d"] = settings["weight_decay"] or 0.0


_BETAS = betas(0.9, 0.999)
_ADAM = {"lr": to("learning_rate", 0.001), "betas": _BETAS, "eps": to("epsilon", 1e-8)}
PEERS = [
    Peer(
        "timm.Lamb",
        "Lamb",
        {
            "lr": to("learning_rate", 0.001),
            "bias_correction": switch(
                {"bias_correction": False}, {"bias_correction": True}, default=True
            ),
            "betas": _BETAS,
            "eps": to("epsilon", 1e-6),
            "weight_decay": decay(0.01),
            "grad_averaging": to("gradient_averaging", True),
            "max_grad_norm": to("global_clipnorm", 1.0),
            "trust_clip": switch({}, {"trust_clip": (0.0, 1.0)}),
            "always_adapt": to("always_adapt", False),
            "caution": CAUTION,
            "decoupled_decay": switch({"weight_decay_mode": "update"}, DECOUPLED),
            "corrected_weight_decay": free(False),
            **FOREACH,
        },
        OUT,
        _lamb,
        compared=True,
        note=CORRECTED_NOTE,
    ),
    Peer(
        "timm.Lars",
        "Lars",
        {
            "lr": to("learning_rate", 1.0),
            "momentum": to("momentum", 0.0),
            "dampening": only(0, "Lars has no dampening here"),
            "weight_decay": decay(0.0),
            "nesterov": to("nesterov", False),
            "trust_coeff": to("trust_coefficient", 0.001),
            "eps": to("epsilon", 1e-8),
            "trust_clip": switch({}, {"trust_clip": (0.0, 1.0)}),
            "always_adapt": to("always_adapt", False),
            **FOREACH,
        },
        {"form": "lr_outside", **L2},
        nesterov_like_torch,
        compared=True,
    ),
    Peer(
        "timm.Lion",
        "Lion",
        {
            "lr": to("learning_rate", 1e-4),
            "betas": betas(0.9, 0.99),
            "weight_decay": decay(0.0),
            "caution": CAUTION,
            "corrected_weight_decay": CORRECTED,
            "maximize": MAXIMIZE,
            **FOREACH,
        },
        DECOUPLED,
        compared=True,
        note=CORRECTED_NOTE,
    ),
    Peer(
        "timm.Adan",
        "Adan",
        {
            "lr": to("learning_rate", 0.001),
            "betas": betas(0.98, 0.92, 0.99),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "no_prox": switch({"form": "proximal"}, {"form": "decoupled"}),
            "caution": only(False, NO_CAUTION),
            **FOREACH,
        },
        DECOUPLED,
        compared=True,
    ),
    Peer(
        "timm.AdamP",
        "AdamP",
        {**_ADAM, "weight_decay": decay(0.0), **_PROJECTION, "nesterov": to("nesterov", False)},
        DECOUPLED,
    ),
    Peer(
        "timm.SGDP",
        "SGDP",
        {
            "lr": to("learning_rate", REQUIRED),
            "momentum": to("momentum", 0.0),
            "dampening": to("dampening", 0.0),
            "weight_decay": decay(0.0),
            "nesterov": to("nesterov", False),
            "eps": to("epsilon", 1e-8),
            **_PROJECTION,
        },
        DECOUPLED,
        _sgdp,
    ),
    Peer(
        "timm.NAdamW",
        "Nadam",
        {
            **_ADAM,
            "weight_decay": decay(0.01),
            "caution": only(False, NO_CAUTION),
            "corrected_weight_decay": CORRECTED,
            "maximize": MAXIMIZE,
            **CAPTURE_ONLY,
            "clipping_threshold": NO_CLIP,
        },
        {"form": "ruder", **DECOUPLED},
        compared=True,
        note=CORRECTED_NOTE,
    ),
    Peer(
        "timm.AdamWLegacy",
        "AdamW",
        {
            **_ADAM,
            "weight_decay": decay(0.01),
            "amsgrad": switch({"amsgrad": False}, {"amsgrad": True}),
            "caution": CAUTION,
            "corrected_weight_decay": CORRECTED,
            "maximize": MAXIMIZE,
            **CAPTURE_ONLY,
            "clipping_threshold": NO_CLIP,
        },
        {**OUT, **DECOUPLED},
        compared=True,
        note=CORRECTED_NOTE,
    ),
    Peer(
        "timm.RAdamLegacy",
        "RAdam",
        {**_ADAM, "weight_decay": decay(0.0)},
        {"epsilon_mode": "hat", "threshold": 5.0, "degenerate": "momentum", **DECOUPLED},
        compared=True,
    ),
    Peer(
        "timm.RMSpropTF",
        "RMSprop",
        {
            "lr": to("learning_rate", 0.01),
            "alpha": to("rho", 0.9),
            "eps": to("epsilon", 1e-10),
            "weight_decay": decay(0.0),
            "momentum": to("momentum", 0.0),
            "centered": to("centered", False),
            "decoupled_decay": free(False),
            "corrected_weight_decay": free(False),
            "lr_in_momentum": switch({"form": "lr_outside"}, {"form": "lr_inside"}, default=True),
            "caution": only(False, NO_CAUTION),
            **FOREACH,
        },
        {"epsilon_mode": "in", "initial_accumulator_value": 1.0},
        _decoupled("decoupled_decay"),
        compared=True,
        note=CORRECTED_NOTE,
    ),
    Peer(
        "timm.SGDW",
        "SGD",
        {
            "lr": to("learning_rate", 0.001),
            "momentum": to("momentum", 0.0),
            "dampening": to("dampening", 0.0),
            "weight_decay": decay(0.0),
            "nesterov": to("nesterov", False),
            "caution": only(False, NO_CAUTION),
            "corrected_weight_decay": CORRECTED,
            "maximize": MAXIMIZE,
            **SPEED,
        },
        {"form": "lr_outside", **DECOUPLED},
        nesterov_like_torch,
        compared=True,
        note=CORRECTED_NOTE,
    ),
    Peer(
        "timm.AdaBelief",
        "AdaBelief",
        {
            "lr": to("learning_rate", 0.001),
            "betas": _BETAS,
            "eps": to("epsilon", 1e-16),
            "weight_decay": decay(0.0),
            "amsgrad": only(False, "AdaBelief has no running maximum here"),
            "decoupled_decay": free(True),
            "fixed_decay": free(False),
            "rectify": to("rectify", True),
            "degenerated_to_sgd": switch(
                {"degenerate": "skip"}, {"degenerate": "momentum"}, default=True
            ),
            **FOREACH,
        },
        {"threshold": 5.0},
        _adabelief,
        compared=True,
    ),
    Peer(
        "timm.NvNovoGrad",
        "NovoGrad",
        {
            "lr": to("learning_rate", 0.001),
            "betas": betas(0.95, 0.98),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "grad_averaging": to("gradient_averaging", False),
            "amsgrad": only(False, "NovoGrad has no running maximum here"),
            "decoupled_decay": free(False),
            "corrected_weight_decay": free(False),
        },
        {},
        _decoupled("decoupled_decay"),
        compared=True,
        note=CORRECTED_NOTE,
    ),
    Peer(
        "timm.Adopt",
        "Adopt",
        {
            "lr": to("learning_rate", 0.001),
            "betas": betas(0.9, 0.9999),
            "eps": to("epsilon", 1e-6),
            "clip_exp": to("clip_exponent", 0.333),
            "weight_decay": decay(0.0),
            "decoupled": free(False),
            "corrected_weight_decay": free(False),
            "caution": only(False, NO_CAUTION),
            "maximize": MAXIMIZE,
            **CAPTURABLE,
        },
        {},
        _decoupled("decoupled"),
        compared=True,
        note=CORRECTED_NOTE,
    ),
    Peer(
        "timm.Mars",
        "Mars",
        {
            "lr": to("learning_rate", 0.003),
            "betas": several(("beta_1", "beta_2"), (0.9, 0.99)),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "gamma": to("gamma", 0.025),
            "mars_type": to("form", "adamw"),
            "optimize_1d": to("optimize_1d", False),
            "lr_1d_factor": to("learning_rate_1d_factor", 1.0),
            "betas_1d": free(None),
            "caution": only(False, NO_CAUTION),
        },
        {"correct_first_step": False, "weight_decay_mode": "update"},
        _mars,
        compared=True,
    ),
    Peer(
        "timm.Adafactor",
        "Adafactor",
        {
            "lr": to("learning_rate", None),
            "eps": to("epsilon_1", 1e-30),
            "eps_scale": to("epsilon_2", 0.001),
            "clip_threshold": to("clip_threshold", 1.0),
            "decay_rate": to("beta_2_decay", -0.8),
            "betas": free(None),
            "weight_decay": only(0.0, "it is multiplied by the scaled rate there, not so here"),
            "scale_parameter": to("scale_parameter", True),
            "warmup_init": free(False),
            "min_dim_size_to_factor": free(16),
            "caution": only(False, NO_CAUTION),
        },
        {"epsilon_mode": "add"},
        _adafactor,
        compared=True,
        shapes="tensors of three or more axes are factored along their first two there where "
        "those are large enough, along their last two here",
    ),
    Peer(
        "timm.Lookahead",
        "Lookahead",
        {"alpha": to("slow_step_size", 0.5), "k": to("sync_period", 6)},
        {"slow_start": "first_sync"},
        compared=True,
        wraps=True,
    ),
    Peer(
        "timm.Muon",
        refused="it sends matrices with a side below 4 or an aspect above 128 to AdamW, flattens "
        "convolutions, and iterates in bfloat16; use lamb_rs.Muon(form='ema', nesterov=False, "
        "coefficients='quintic') and exclude_layers for the matrices that should follow AdamW",
    ),
    *(
        Peer(f"timm.{name}", refused=f"{what} is not in this library")
        for name, what in {
            "AdafactorBigVision": "big_vision's Adafactor",
            "Adahessian": "a method with second derivatives",
            "LaProp": "LaProp",
            "MADGRAD": "MADGRAD",
            "NAdamLegacy": "an older NAdam (use torch.NAdam)",
        }.items()
    ),
]
TORCH_CLASSES = (
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "RMSprop",
    "SGD",
)
