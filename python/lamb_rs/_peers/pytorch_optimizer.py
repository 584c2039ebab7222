"""pytorch_optimizer; its other names are torch's own classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lamb_rs._peers import _pytorch_optimizer as adjust
from lamb_rs._peers._arguments import (
    Argument,
    betas,
    choice,
    decay,
    free,
    only,
    same,
    switch,
    to,
)
from lamb_rs._peers._peer import Draft, Peer
from lamb_rs._peers.torch import FOREACH, MAXIMIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamb_rs._peers._arguments import Settings

HAT = {"epsilon_mode": "hat"}
NO_BOUND = only(False, "this rule has no running maximum here")
MORE = {"maximize": MAXIMIZE, **FOREACH}
GROWTH = Argument(math.inf, lambda value: {"growth_rate": None if same(value, math.inf) else value})
UNDER_ROOT = "there, 1e-15 is added under the root as well"


def _coupling(decoupled: bool, fixed: bool | None = False) -> dict[str, Argument]:
    """Make the arguments that say how weight decay enters."""
    found = {"weight_decay": decay(0.0), "weight_decouple": free(decoupled)}
    return found if fixed is None else {**found, "fixed_decay": free(fixed)}


_CAUTIOUS = switch({"cautious": False}, {"cautious": "sum1"})
_CENTRED = switch({}, {"gradient_centralization": True})


def _row(
    name: str,
    rule: str,
    arguments: dict[str, Argument],
    sets: Settings,
    adjusted: Callable[[Draft], None] | None = adjust.decays,
    note: str = "",
) -> Peer:
    full = {"lr": to("learning_rate", 0.001), **arguments}
    return Peer(f"pytorch_optimizer.{name}", rule, full, sets, adjusted, compared=True, note=note)


def _lr(default: float) -> dict[str, Argument]:
    return {"lr": to("learning_rate", default)}


def _eps(default: float) -> dict[str, Argument]:
    return {"eps": to("epsilon", default)}


_BETAS = {"betas": betas(0.9, 0.999)}
_THRESHOLD = {"n_sma_threshold": to("threshold", 5.0)}
PEERS = [
    _row(
        "SGDW",
        "SGD",
        {
            **_lr(1e-4),
            "momentum": to("momentum", 0.0),
            **_coupling(decoupled=True, fixed=None),
            "dampening": to("dampening", 0.0),
            "nesterov": to("nesterov", False),
            **MORE,
        },
        {"form": "lr_outside"},
    ),
    _row(
        "Lion",
        "Lion",
        {
            **_lr(1e-4),
            "betas": betas(0.9, 0.99),
            **_coupling(decoupled=True),
            **MORE,
            "cautious": _CAUTIOUS,
            "use_gc": _CENTRED,
        },
        {},
    ),
    _row(
        "AdaMax",
        "Adamax",
        {**_BETAS, **_coupling(decoupled=False), **_eps(1e-8), **MORE},
        {"epsilon_mode": "in"},
    ),
    _row(
        "AdamC",
        "AdamW",
        {
            **_BETAS,
            **_coupling(decoupled=True),
            "ams_bound": to("amsgrad", False),
            **_eps(1e-8),
            **MORE,
        },
        {**HAT, "epsilon_root": 1e-15},
        note="groups with normalized=True are an optimizer of their own here, with "
        "weight_decay_mode='corrected'",
    ),
    _row(
        "RAdam",
        "RAdam",
        {
            **_BETAS,
            **_coupling(decoupled=True),
            **_THRESHOLD,
            "degenerated_to_sgd": free(False),
            **_eps(1e-8),
            **MORE,
        },
        HAT,
        adjust.radam,
    ),
    _row(
        "Ranger",
        "Ranger",
        {
            "betas": betas(0.95, 0.999),
            "alpha": to("slow_step_size", 0.5),
            "k": to("sync_period", 6),
            **_THRESHOLD,
            "degenerated_to_sgd": free(False),
            **_coupling(decoupled=True),
            "use_gc": free(True),
            "gc_conv_only": free(False),
            **_eps(1e-5),
            **MORE,
        },
        {**HAT, "degenerate": "momentum"},
        adjust.ranger,
    ),
    _row(
        "AdaBelief",
        "AdaBelief",
        {
            **_BETAS,
            **_coupling(decoupled=True),
            "rectify": to("rectify", False),
            **_THRESHOLD,
            "degenerated_to_sgd": free(True),
            "ams_bound": NO_BOUND,
            **_eps(1e-16),
            **MORE,
        },
        {},
        adjust.adabelief,
    ),
    _row(
        "AdaBound",
        "AdaBound",
        {
            "final_lr": to("final_learning_rate", 0.1),
            **_BETAS,
            "gamma": to("gamma", 0.001),
            **_coupling(decoupled=True),
            "ams_bound": to("amsgrad", False),
            **_eps(1e-8),
            **MORE,
        },
        {},
        note=f"{UNDER_ROOT}, which has an effect only for a very small final_lr",
    ),
    _row(
        "Adan",
        "Adan",
        {
            "betas": betas(0.98, 0.92, 0.99),
            **_coupling(decoupled=False, fixed=None),
            "max_grad_norm": free(0.0),
            **_eps(1e-8),
            **FOREACH,
            "maximize": only(False, "its first difference of gradients is wrong there"),
            "use_gc": only(False, "its first difference of gradients is wrong there"),
        },
        {},
        adjust.adan,
    ),
    _row(
        "AdEMAMix",
        "AdEMAMix",
        {
            "betas": betas(0.9, 0.999, 0.9999),
            **_coupling(decoupled=False),
            "alpha": to("alpha", 5.0),
            "t_alpha_beta3": Argument(
                None, lambda t: {"alpha_warmup_steps": t, "beta_3_warmup_steps": t}
            ),
            **_eps(1e-8),
            **MORE,
        },
        {},
    ),
    _row(
        "ADOPT",
        "Adopt",
        {
            "betas": betas(0.9, 0.9999),
            "clip_lambda": choice(
                "step ** 0.25",
                {None: {"clip_exponent": None}},
                "its limit takes the step counted from 1, one ahead of the paper's; pass "
                "clip_lambda=None, or use from_peer('timm.Adopt', clip_exp=0.25)",
            ),
            **_coupling(decoupled=False),
            **_eps(1e-6),
            **MORE,
        },
        {},
        adjust.adopt,
    ),
    _row(
        "Grams",
        "Grams",
        {
            **_BETAS,
            **_coupling(decoupled=True, fixed=None),
            **_eps(1e-6),
            "maximize": MAXIMIZE,
            "foreach": free(False),
        },
        {},
        adjust.decays_apart,
    ),
    _row(
        "NovoGrad",
        "NovoGrad",
        {
            "betas": betas(0.95, 0.98),
            **_coupling(decoupled=False),
            "grad_averaging": free(False),
            **_eps(1e-8),
            **MORE,
        },
        {"gradient_averaging": False},
        adjust.novograd,
        note="if the first gradients of a tensor are zero, its norm starts from 0 there, and from "
        "the first other gradient here",
    ),
    _row(
        "Prodigy",
        "Prodigy",
        {
            **_lr(1.0),
            **_BETAS,
            "beta3": to("beta_3", None),
            "d0": to("initial_distance", 1e-6),
            "d_coef": to("distance_coefficient", 1.0),
            "growth_rate": GROWTH,
            **_coupling(decoupled=True),
            "bias_correction": to("bias_correction", False),
            "safeguard_warmup": to("safeguard_warmup", False),
            **_eps(1e-8),
            **MORE,
        },
        {},
        adjust.decays_apart,
    ),
    _row(
        "FTRL",
        "Ftrl",
        {
            "lr_power": only(-0.5, "its denominator is a square root whatever the power there"),
            "beta": to("beta", 0.0),
            "lambda_1": to("l1_regularization_strength", 0.0),
            "lambda_2": Argument(0.0, adjust.ftrl),
            **MORE,
        },
        {"initial_accumulator_value": 0.0, "learning_rate_power": -0.5},
        None,
        note="with beta=0 and lambda_2=0 an element that has had no gradient yet becomes 0 there, "
        "and keeps its value here",
    ),
    _row(
        "Lamb",
        "Lamb",
        {
            **_BETAS,
            **_coupling(decoupled=True),
            "rectify": only(
                False,
                "use lamb_rs.Ralamb(form='new_weights', phi=(0, 10)), which steps from the "
                "first update on and has no epsilon in its ratio",
            ),
            "degenerated_to_sgd": free(False),
            "n_sma_threshold": free(5),
            "grad_averaging": to("gradient_averaging", True),
            "max_grad_norm": free(1.0),
            "adam": only(False, "without a trust ratio it is no LAMB; use torch.AdamW"),
            "pre_norm": free(False),
            **_eps(1e-6),
            **MORE,
        },
        {
            "bias_correction": "first_moment",
            "phi": (0.0, 10.0),
            "always_adapt": True,
        },
        adjust.lamb,
    ),
    _row(
        "AdaFactor",
        "Adafactor",
        {
            "betas": Argument((0.9, 0.999), lambda _: {}),
            "decay_rate": to("beta_2_decay", -0.8),
            "weight_decay": only(0.0, "it is multiplied by the scaled rate there, not so here"),
            "weight_decouple": free(True),
            "fixed_decay": free(False),
            "clip_threshold": to("clip_threshold", 1.0),
            "ams_bound": NO_BOUND,
            "scale_parameter": to("scale_parameter", True),
            "relative_step": to("relative_step", True),
            "warmup_init": free(False),
            "eps1": to("epsilon_1", 1e-30),
            "eps2": to("epsilon_2", 0.001),
            "momentum_dtype": free("torch.bfloat16"),
            **MORE,
        },
        {"epsilon_mode": "add"},
        adjust.adafactor,
    ),
    _row(
        "ScheduleFreeSGD",
        "ScheduleFreeSGD",
        {
            **_lr(1.0),
            "momentum": to("momentum", 0.9),
            "weight_decay": decay(0.0),
            "r": to("r", 0.0),
            "weight_lr_power": to("weight_lr_power", 2.0),
            "warmup_steps": to("warmup_steps", 0),
            "eps": free(1e-8),
            **MORE,
        },
        {},
        None,
    ),
    Peer(
        "pytorch_optimizer.Lookahead",
        "Lookahead",
        {
            "k": to("sync_period", 5),
            "alpha": to("slow_step_size", 0.5),
            "pullback_momentum": to("pullback_momentum", "none"),
        },
        adjust=adjust.pullback,
        compared=True,
        wraps=True,
    ),
    Peer(
        "pytorch_optimizer.ScheduleFreeAdamW",
        refused=f"{UNDER_ROOT}; use from_peer('schedulefree.AdamWScheduleFree')",
    ),
    Peer(
        "pytorch_optimizer.MARS",
        refused=f"{UNDER_ROOT}, and epsilon is added to the root of the uncorrected moment; use "
        "from_peer('timm.Mars') or lamb_rs.Mars",
    ),
    Peer(
        "pytorch_optimizer.LARS",
        refused="it neither adapts nor decays parameters with fewer than two axes, and the number "
        "of axes is known only in build; use lamb_rs.Lars(form='lr_outside') with "
        "overrides={lambda name, p: p.ndim < 2: {'layer_adaptation': False, 'weight_decay': None}}",
    ),
    Peer(
        "pytorch_optimizer.Muon",
        refused="an attribute of each parameter decides whether it follows Muon, and the others "
        "follow a separate AdamW; use lamb_rs.MultiOptimizer with "
        "lamb_rs.Muon(form='ema', scale='original') and lamb_rs.AdamW",
    ),
]


TORCH_CLASSES = ("Adam", "AdamW", "Adadelta", "Adagrad", "NAdam", "RMSprop", "SGD")
