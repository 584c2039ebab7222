"""optax.contrib, and optax's wrappers."""

from __future__ import annotations

from lamb_rs._peers._arguments import (
    REQUIRED,
    Argument,
    RefusedError,
    choice,
    decay,
    free,
    only,
    same,
    several,
    switch,
    to,
)
from lamb_rs._peers._peer import Draft, Peer
from lamb_rs._peers.optax import BETAS, MASK, MU_DTYPE, NO_NESTEROV, NO_ROOT, RATE, UPDATE
from lamb_rs._peers.torch import KELLER
from lamb_rs.schedules import Schedule


def _muon(draft: Draft) -> None:
    rate, own = draft.given["learning_rate"], draft.given["adam_learning_rate"]
    if own is None:
        draft.settings["adam_lr_ratio"] = 1.0
    elif callable(rate) or callable(own) or not rate:
        raise RefusedError("adam_learning_rate is a ratio of learning_rate here: numbers only")
    else:
        draft.settings["adam_lr_ratio"] = own / rate
        # Its decay there takes its own rate, here that of the matrices.
        draft.settings["adam_weight_decay"] *= own / rate
    if draft.given["nesterov"]:
        draft.told.append(
            "optax.contrib.muon: with nesterov=True, arrays that are not matrices follow Nadam "
            "there and AdamW here; lamb_rs.MultiOptimizer can send it to from_peer('optax.nadamw')"
        )
    # Decay of the rest happens even where the matrices have none.
    if draft.settings["weight_decay"] is None:
        draft.settings["weight_decay"] = 0.0


def _constant(draft: Draft) -> None:
    if callable(draft.given["learning_rate"]):
        raise RefusedError(
            "with a moving learning_rate its weights take the rate of the next step; "
            "use from_peer('schedulefree.AdamWScheduleFree') or SGDScheduleFree"
        )


def _clips_before(draft: Draft) -> None:
    if draft.settings.get("gradient_accumulation_steps") is not None:
        raise RefusedError("gradients are clipped after they are accumulated here")


def _accumulates(draft: Draft) -> None:
    if isinstance(draft.settings.get("learning_rate"), Schedule):
        raise RefusedError("a schedule sees the number of calls here, of updates there")


PEERS = [
    Peer(
        "optax.contrib.muon",
        "Muon",
        {
            "learning_rate": RATE,
            "ns_coeffs": choice(
                KELLER, {KELLER: {"coefficients": "keller"}}, "only Jordan's coefficients are here"
            ),
            "ns_steps": to("ns_steps", 5),
            "beta": to("momentum", 0.95),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "weight_decay_mask": MASK,
            "mu_dtype": MU_DTYPE,
            "nesterov": to("nesterov", True),
            "adaptive": only(False, "this rule has no such form here"),
            "preconditioning": only("frobenius", "the Frobenius norm is the only one here"),
            "adam_b1": to("adam_beta_1", 0.9),
            "adam_b2": to("adam_beta_2", 0.999),
            "adam_eps_root": only(0.0, NO_ROOT),
            "adam_weight_decay": to("adam_weight_decay", 0.0),
            "adam_learning_rate": free(None),
            "muon_weight_dimension_numbers": only(
                None, "which parameters are matrices is exclude_layers here"
            ),
            "consistent_rms": choice(
                None, {None: {"scale": "columns"}}, "the scale is sqrt(max(1, columns / rows)) here"
            ),
        },
        {"form": "debiased", "exclude_embeddings": False, **UPDATE},
        _muon,
        compared=True,
        note="with nesterov=True, arrays that are not matrices follow Nadam there; Adam adds its "
        "epsilon to the raw root here, to the corrected one there; the norm before the iteration "
        "takes 1e-7 here, eps there",
    ),
    Peer(
        "optax.contrib.ademamix",
        "AdEMAMix",
        {
            "learning_rate": RATE,
            **BETAS,
            "b3": to("beta_3", 0.9999),
            "alpha": to("alpha", 5.0),
            "eps": to("epsilon", 1e-8),
            "eps_root": only(0.0, NO_ROOT),
            "mu_dtype": MU_DTYPE,
            "weight_decay": decay(0.0),
            "mask": MASK,
        },
        UPDATE,
        compared=True,
    ),
    Peer(
        "optax.contrib.adopt",
        "Adopt",
        {
            "learning_rate": RATE,
            "b1": to("beta_1", 0.9),
            "b2": to("beta_2", 0.9999),
            "eps": to("epsilon", 1e-6),
            "mu_dtype": MU_DTYPE,
            "nesterov": only(False, NO_NESTEROV),
            "use_clipping": switch({"clip_exponent": None}, {"clip_exponent": 0.25}, default=True),
            "clip_value_fn": only(None, "the limit is a power of the step, clip_exponent, here"),
        },
        compared=True,
    ),
    Peer(
        "optax.contrib.prodigy",
        "Prodigy",
        {
            "learning_rate": to("learning_rate", 1.0),
            "betas": several(("beta_1", "beta_2"), (0.9, 0.999)),
            "beta3": to("beta_3", None),
            "eps": to("epsilon", 1e-8),
            "estim_lr0": to("initial_distance", 1e-6),
            "estim_lr_coef": to("distance_coefficient", 1.0),
            "weight_decay": decay(0.0),
            "safeguard_warmup": to("safeguard_warmup", False),
        },
        {"bias_correction": True, "weight_decay_mode": "decoupled"},
        compared=True,
    ),
    Peer(
        "optax.contrib.schedule_free_adamw",
        "ScheduleFreeAdamW",
        {
            "learning_rate": to("learning_rate", 0.0025),
            "warmup_steps": only(None, "use from_peer('schedulefree.AdamWScheduleFree')"),
            "b1": to("beta_1", 0.9),
            "b2": to("beta_2", 0.999),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "weight_lr_power": to("weight_lr_power", 2.0),
            "state_dtype": MU_DTYPE,
        },
        {},
        _constant,
        compared=True,
    ),
    Peer(
        "optax.contrib.schedule_free_sgd",
        "ScheduleFreeSGD",
        {
            "learning_rate": to("learning_rate", 1.0),
            "warmup_steps": only(None, "use from_peer('schedulefree.SGDScheduleFree')"),
            "b1": to("momentum", 0.9),
            "weight_decay": decay(None),
            "weight_lr_power": to("weight_lr_power", 2.0),
            "state_dtype": MU_DTYPE,
        },
        {},
        _constant,
        compared=True,
    ),
    Peer(
        "optax.lookahead",
        "Lookahead",
        {
            "sync_period": to("sync_period", REQUIRED),
            "slow_step_size": to("slow_step_size", REQUIRED),
            "reset_state": only(False, "the state is kept at synchronizations here"),
        },
        compared=True,
        wraps=True,
    ),
    Peer(
        "optax.MultiSteps",
        "",
        {
            "every_k_schedule": Argument(
                REQUIRED, lambda k: {"gradient_accumulation_steps": None if same(k, 1) else k}
            ),
            "use_grad_mean": only(True, "the mean of the gradients is taken here"),
            "should_skip_update_fn": only(None, "skipping is nonfinite='skip' here"),
            "accumulator_dtype": free(None),
        },
        {},
        _accumulates,
        compared=True,
        wraps=True,
    ),
    Peer(
        "optax.clip_by_global_norm",
        "",
        {"max_norm": to("global_clipnorm", REQUIRED)},
        {},
        _clips_before,
        compared=True,
        wraps=True,
    ),
    Peer(
        "optax.clip",
        "",
        {"max_delta": to("clipvalue", REQUIRED)},
        {},
        _clips_before,
        compared=True,
        wraps=True,
    ),
    Peer(
        "optax.adan",
        refused="it takes 1 - b2 where the paper has b2, so its steps are not Adan's; use "
        "lamb_rs.Adan or from_peer('timm.Adan')",
    ),
    Peer(
        "optax.apply_if_finite",
        refused="after several errors in a row it applies the update; nonfinite='skip' never does",
    ),
    *(
        Peer(f"optax.{name}", refused=f"{what} is not in this library")
        for name, what in {
            "noisy_sgd": "noise on gradients",
            "yogi": "Yogi",
            "sm3": "SM3",
            "rprop": "resilient propagation",
            "contrib.dadapt_adamw": "D-Adaptation (Prodigy replaced it)",
            "contrib.sophia": "Sophia",
        }.items()
    ),
]
