"""tensorflow_addons.optimizers."""

from __future__ import annotations

from lamb_rs._peers._arguments import REQUIRED, Argument, decay, free, only, to
from lamb_rs._peers._peer import Draft, Peer

NAME = {"name": to("name", None)}
CLIPS = {
    "clipnorm": to("clipnorm", None),
    "clipvalue": to("clipvalue", None),
    "global_clipnorm": to("global_clipnorm", None),
}
OUT = {"epsilon_mode": "out"}
FIXED = {"weight_decay_mode": "fixed"}
NOT_BY_RATE = "weight decay is not multiplied by the learning rate there"


def _rates(epsilon: float) -> dict[str, Argument]:
    return {
        "learning_rate": to("learning_rate", 0.001),
        "beta_1": to("beta_1", 0.9),
        "beta_2": to("beta_2", 0.999),
        "epsilon": to("epsilon", epsilon),
    }


def _lamb(draft: Draft) -> None:
    given = draft.given
    decayed = given["exclude_from_weight_decay"]
    adapted = given["exclude_from_layer_adaptation"] or decayed
    for method, patterns in {
        "exclude_from_weight_decay": decayed,
        "exclude_from_layer_adaptation": adapted,
    }.items():
        if patterns:
            draft.excluded[method] = list(patterns)


PEERS = [
    Peer(
        "tfa.LAMB",
        "Lamb",
        {
            **_rates(1e-6),
            "weight_decay": decay(0.0),
            "exclude_from_weight_decay": free(None),
            "exclude_from_layer_adaptation": free(None),
            **NAME,
            **CLIPS,
        },
        {**OUT, "weight_decay_mode": "update", "always_adapt": True},
        _lamb,
        note="a pattern that matches nothing raises here",
    ),
    Peer(
        "tfa.RectifiedAdam",
        "RAdam",
        {
            **_rates(1e-7),
            "weight_decay": decay(0.0),
            "amsgrad": only(False, "RAdam has no running maximum here"),
            "sma_threshold": to("threshold", 5.0),
            "total_steps": only(0, "a warm-up is a schedule here: lamb_rs.schedules.Warmup"),
            "warmup_proportion": free(0.1),
            "min_lr": free(0.0),
            **NAME,
            **CLIPS,
        },
        {**OUT, "degenerate": "momentum", "weight_decay_mode": "update"},
    ),
    Peer(
        "tfa.AdamW",
        "AdamW",
        {
            "weight_decay": decay(REQUIRED),
            **_rates(1e-7),
            "amsgrad": to("amsgrad", False),
            **NAME,
            **CLIPS,
        },
        {"epsilon_mode": "hat", **FIXED},
        note=NOT_BY_RATE,
    ),
    Peer(
        "tfa.SGDW",
        "SGD",
        {
            "weight_decay": decay(REQUIRED),
            "learning_rate": to("learning_rate", 0.001),
            "momentum": to("momentum", 0.0),
            "nesterov": to("nesterov", False),
            **NAME,
            **CLIPS,
        },
        {"form": "lr_inside", **FIXED},
        note=NOT_BY_RATE,
    ),
    Peer(
        "tfa.Lookahead",
        "Lookahead",
        {
            "sync_period": to("sync_period", 6),
            "slow_step_size": to("slow_step_size", 0.5),
            "name": free("Lookahead"),
        },
        wraps=True,
    ),
    Peer("tfa.LazyAdam", refused="Adam for sparse gradients is not in this library"),
]
