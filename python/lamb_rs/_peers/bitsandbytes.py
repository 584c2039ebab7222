"""bitsandbytes.optim, in 32 bits."""

from __future__ import annotations

from lamb_rs._peers._arguments import REQUIRED, Argument, betas, decay, free, only, to
from lamb_rs._peers._peer import Peer
from lamb_rs._peers.torch import DECOUPLED, L2, OUT

EIGHT = (
    "it decodes 8-bit states with a table; lamb_rs has another 8-bit format, state_dtype='float8'"
)
IGNORED = "it is accepted and ignored there"
STATE = {
    "optim_bits": only(32, EIGHT),
    "args": only(None, "such overrides of 8-bit states do not exist here"),
    "min_8bit_size": free(4096),
}
PAGED = {"is_paged": free(False)}


def _adam(name: str, rule: str, lam: float) -> Peer:
    return Peer(
        f"bitsandbytes.{name}",
        rule,
        {
            "lr": to("learning_rate", 0.001),
            "betas": betas(0.9, 0.999),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(lam),
            "amsgrad": only(False, IGNORED),
            **STATE,
            **PAGED,
        },
        {**OUT, **DECOUPLED},
        compared=True,
        note="" if rule == "AdamW" else "its Adam decouples weight decay, too",
    )


def _torchlike(name: str, rule: str, arguments: dict[str, Argument], **sets: object) -> Peer:
    return Peer(f"bitsandbytes.{name}", rule, {**arguments, **STATE}, {**sets, **L2}, compared=True)


PEERS = [
    _adam("Adam", "Adam", 0.0),
    _adam("AdamW", "AdamW", 0.01),
    Peer(
        "bitsandbytes.AdEMAMix",
        "AdEMAMix",
        {
            "lr": to("learning_rate", 0.001),
            "betas": betas(0.9, 0.999, 0.9999),
            "alpha": to("alpha", 5.0),
            "t_alpha": to("alpha_warmup_steps", None),
            "t_beta3": to("beta_3_warmup_steps", None),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.01),
            "optim_bits": STATE["optim_bits"],
            "min_8bit_size": STATE["min_8bit_size"],
            **PAGED,
        },
        DECOUPLED,
        compared=True,
    ),
    Peer(
        "bitsandbytes.Lion",
        "Lion",
        {
            "lr": to("learning_rate", 1e-4),
            "betas": betas(0.9, 0.99),
            "weight_decay": decay(0.0),
            **STATE,
            **PAGED,
        },
        DECOUPLED,
        compared=True,
    ),
    _torchlike(
        "SGD",
        "SGD",
        {
            "lr": to("learning_rate", REQUIRED),
            "momentum": to("momentum", 0.0),
            "dampening": only(0, IGNORED),
            "weight_decay": decay(0.0),
            "nesterov": only(False, IGNORED),
        },
        form="lr_outside",
    ),
    _torchlike(
        "RMSprop",
        "RMSprop",
        {
            "lr": to("learning_rate", 0.01),
            "alpha": to("rho", 0.99),
            "eps": to("epsilon", 1e-8),
            "weight_decay": decay(0.0),
            "momentum": only(0, IGNORED),
            "centered": only(False, "it is an error there"),
        },
        epsilon_mode="out",
    ),
    _torchlike(
        "Adagrad",
        "Adagrad",
        {
            "lr": to("learning_rate", 0.01),
            "lr_decay": only(0, "it is an error there"),
            "weight_decay": decay(0.0),
            "initial_accumulator_value": to("initial_accumulator_value", 0.0),
            "eps": to("epsilon", 1e-10),
        },
        epsilon_mode="out",
    ),
    Peer(
        "bitsandbytes.LAMB",
        refused="it has no trust ratio: its steps are those of Adam, limited to the length of the "
        "weights; use lamb_rs.Lamb",
    ),
    Peer(
        "bitsandbytes.LARS",
        refused="it has no trust ratio: its steps are those of SGD with momentum, limited to "
        "2 % of the length of the weights; use lamb_rs.Lars",
    ),
    *(
        Peer(f"bitsandbytes.{name}8bit", refused=EIGHT)
        for name in ("Adam", "AdamW", "AdEMAMix", "Lion", "SGD", "RMSprop", "Adagrad")
    ),
]
# Other names of the same classes.
SAME = {
    f"{paged}{name}{bits}": name
    for name in ("Adam", "AdamW", "AdEMAMix", "Lion", "SGD", "RMSprop", "Adagrad")
    for paged in ("", "Paged")
    for bits in ("", "32bit")
    if paged + bits
} | {"LAMB32bit": "LAMB", "LAMB8bit": "LAMB", "LARS32bit": "LARS", "LARS8bit": "LARS"}
