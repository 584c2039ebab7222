"""optax: functions in place of classes."""

from __future__ import annotations

from typing import Any

from lamb_rs._peers._arguments import (
    REQUIRED,
    Argument,
    RefusedError,
    Settings,
    choice,
    decay,
    free,
    only,
    switch,
    to,
)
from lamb_rs._peers._peer import Draft, Peer

UPDATE = {"weight_decay_mode": "update"}
OUT = {"epsilon_mode": "out"}
NO_MASK = "masks are build(params, overrides=...) here"
NO_ROOT = "this rule has no constant under the root here"
NO_NESTEROV = "this rule has no such form here"

RATE = to("learning_rate", REQUIRED)
MASK = only(None, NO_MASK)
MU_DTYPE = only(None, "narrow moments are state_dtype here")
BETAS = {"b1": to("beta_1", 0.9), "b2": to("beta_2", 0.999)}
ADAM = {
    "learning_rate": RATE,
    **BETAS,
    "eps": to("epsilon", 1e-8),
    "eps_root": to("epsilon_root", 0.0),
    "mu_dtype": MU_DTYPE,
}


def _adam(draft: Draft) -> None:
    if not draft.given["nesterov"]:
        return
    if draft.settings.pop("epsilon_root"):
        raise RefusedError(f"eps_root: {NO_ROOT} with nesterov=True")
    del draft.settings["epsilon_mode"]
    draft.rule = "Nadam"
    draft.settings |= {"form": "optax", **UPDATE}


def _unless_none(rate: Any) -> Settings:
    if rate is None:
        raise RefusedError("without a rate its steps go up the gradient; pass 1.0")
    return {"learning_rate": rate}


def _amsgrad(draft: Draft) -> None:
    first, second = draft.given["bias_correction_mu"], draft.given["bias_correction_nu"]
    if bool(first) != bool(second):
        raise RefusedError("both moments are corrected here, or neither")
    draft.settings["amsgrad"] = "corrected" if first else "paper"


def _adabelief(draft: Draft) -> None:
    if draft.given["eps"] != draft.given["eps_root"]:
        raise RefusedError(
            "the constant that the variance takes in each step (eps_root) and the one added to the "
            "root (eps) are one here; pass both alike"
        )


def _adafactor(draft: Draft) -> None:
    given, settings = draft.given, draft.settings
    if given["learning_rate"] is None:
        settings["learning_rate"] = 1.0
    settings["beta_2_decay"] = -given["decay_rate"]
    settings["beta_1"] = given["momentum"] or 0.0
    if not given["factored"]:
        settings["min_dim_size_to_factor"] = 2**31
    if given["clipping_threshold"] is None:
        raise RefusedError("clipping_threshold=None: pass a number too large to matter")


PEERS = [
    Peer(
        "optax.sgd",
        "SGD",
        {
            "learning_rate": RATE,
            "momentum": to("momentum", None),
            "nesterov": to("nesterov", False),
            "accumulator_dtype": MU_DTYPE,
        },
        {"form": "lr_outside"},
        lambda draft: draft.settings.update(momentum=draft.given["momentum"] or 0.0),
        compared=True,
    ),
    Peer(
        "optax.adagrad",
        "Adagrad",
        {
            "learning_rate": RATE,
            "initial_accumulator_value": to("initial_accumulator_value", 0.1),
            "eps": to("epsilon", 1e-7),
        },
        {"epsilon_mode": "in"},
        compared=True,
    ),
    Peer(
        "optax.rmsprop",
        "RMSprop",
        {
            "learning_rate": RATE,
            "decay": to("rho", 0.9),
            "eps": to("epsilon", 1e-8),
            "initial_scale": to("initial_accumulator_value", 0.0),
            "eps_in_sqrt": switch(OUT, {"epsilon_mode": "in"}, default=True),
            "centered": to("centered", False),
            "momentum": to("momentum", None),
            "nesterov": only(False, NO_NESTEROV),
            "bias_correction": only(False, "this rule has no bias correction here"),
        },
        {"form": "lr_inside"},
        lambda draft: draft.settings.update(momentum=draft.given["momentum"] or 0.0),
        compared=True,
    ),
    Peer(
        "optax.adadelta",
        "Adadelta",
        {
            "learning_rate": Argument(None, _unless_none),
            "rho": to("rho", 0.9),
            "eps": to("epsilon", 1e-6),
            "weight_decay": decay(0.0),
            "weight_decay_mask": MASK,
        },
        {"weight_decay_mode": "l2"},
        compared=True,
    ),
    Peer(
        "optax.adam",
        "Adam",
        {**ADAM, "nesterov": free(False)},
        OUT,
        _adam,
        compared=True,
    ),
    Peer(
        "optax.adamw",
        "AdamW",
        {**ADAM, "weight_decay": decay(1e-4), "mask": MASK, "nesterov": free(False)},
        {**OUT, **UPDATE},
        _adam,
        compared=True,
    ),
    Peer(
        "optax.nadam",
        "Adam",
        {**ADAM, "nesterov": free(True)},
        OUT,
        _adam,
        compared=True,
    ),
    Peer(
        "optax.nadamw",
        "AdamW",
        {**ADAM, "weight_decay": decay(1e-4), "mask": MASK, "nesterov": free(True)},
        {**OUT, **UPDATE},
        _adam,
        compared=True,
    ),
    Peer(
        "optax.amsgrad",
        "Adam",
        {**ADAM, "bias_correction_mu": free(True), "bias_correction_nu": free(True)},
        OUT,
        _amsgrad,
        compared=True,
    ),
    Peer(
        "optax.adamax",
        "Adamax",
        {"learning_rate": RATE, **BETAS, "eps": to("epsilon", 1e-8)},
        {"epsilon_mode": "in"},
        compared=True,
    ),
    Peer(
        "optax.adamaxw",
        "Adamax",
        {
            "learning_rate": RATE,
            **BETAS,
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(1e-4),
            "mask": MASK,
        },
        {"epsilon_mode": "in", **UPDATE},
        compared=True,
    ),
    Peer(
        "optax.radam",
        "RAdam",
        {
            "learning_rate": RATE,
            **BETAS,
            "eps": to("epsilon", 1e-8),
            "eps_root": only(0.0, NO_ROOT),
            "threshold": to("threshold", 5.0),
            "nesterov": only(False, NO_NESTEROV),
        },
        {**OUT, "degenerate": "momentum"},
        compared=True,
    ),
    Peer(
        "optax.lars",
        "Lars",
        {
            "learning_rate": RATE,
            "weight_decay": decay(0.0),
            "weight_decay_mask": only(True, NO_MASK),
            "trust_coefficient": to("trust_coefficient", 0.001),
            "eps": to("epsilon", 0.0),
            "trust_ratio_mask": only(True, NO_MASK),
            "momentum": to("momentum", 0.9),
            "nesterov": to("nesterov", False),
        },
        {"form": "joint_norm", "weight_decay_mode": "l2", "always_adapt": True},
        compared=True,
    ),
    Peer(
        "optax.lamb",
        "Lamb",
        {
            "learning_rate": RATE,
            **BETAS,
            "eps": to("epsilon", 1e-6),
            "eps_root": only(0.0, NO_ROOT),
            "weight_decay": decay(0.0),
            "mask": MASK,
        },
        {**OUT, **UPDATE},
        compared=True,
    ),
    Peer(
        "optax.lion",
        "Lion",
        {
            "learning_rate": RATE,
            "b1": to("beta_1", 0.9),
            "b2": to("beta_2", 0.99),
            "mu_dtype": MU_DTYPE,
            "weight_decay": decay(0.001),
            "mask": MASK,
        },
        UPDATE,
        compared=True,
    ),
    Peer(
        "optax.adafactor",
        "Adafactor",
        {
            "learning_rate": to("learning_rate", None),
            "min_dim_size_to_factor": to("min_dim_size_to_factor", 128),
            "decay_rate": free(0.8),
            "decay_offset": only(0, "counting starts at the first update here"),
            "multiply_by_parameter_scale": to("scale_parameter", True),
            "clipping_threshold": to("clip_threshold", 1.0),
            "momentum": free(None),
            "dtype_momentum": free(None),
            "weight_decay_rate": choice(
                None, {None: {}, 0.0: {}}, "it is not multiplied by the rate there; not so here"
            ),
            "eps": to("epsilon_1", 1e-30),
            "factored": switch({}, {}, default=True),
            "weight_decay_mask": MASK,
        },
        {"epsilon_mode": "add", "relative_step": False, "epsilon_2": 0.001},
        _adafactor,
        compared=True,
        shapes="tensors of three or more axes are factored along their two largest there, along "
        "their last two here",
    ),
    Peer(
        "optax.novograd",
        "NovoGrad",
        {
            "learning_rate": RATE,
            "b1": to("beta_1", 0.9),
            "b2": to("beta_2", 0.25),
            "eps": to("epsilon", 1e-6),
            "eps_root": only(0.0, NO_ROOT),
            "weight_decay": decay(0.0),
        },
        {"gradient_averaging": False, "weight_decay_mode": "l2"},
        compared=True,
    ),
    Peer(
        "optax.adabelief",
        "AdaBelief",
        {
            "learning_rate": RATE,
            **BETAS,
            "eps": to("epsilon", 1e-16),
            "eps_root": free(1e-16),
            "nesterov": only(False, NO_NESTEROV),
        },
        {"rectify": False},
        _adabelief,
        compared=True,
    ),
]
