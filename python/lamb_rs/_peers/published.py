"""Forms that were published without a package: papers, gists, and introductions on the web.

Their arguments have this library's names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamb_rs._peers._arguments import Argument, betas, decay, free, only, to
from lamb_rs._peers._peer import Draft, Peer

if TYPE_CHECKING:
    from lamb_rs._peers._arguments import Settings

UPDATE = {"weight_decay_mode": "update"}
L2 = {"weight_decay_mode": "l2"}
DECOUPLED = {"weight_decay_mode": "decoupled"}
OUT = {"epsilon_mode": "out"}
HAT = {"epsilon_mode": "hat"}


def _own(**defaults: Any) -> dict[str, Argument]:
    return {
        name: decay(default) if name == "weight_decay" else to(name, default)
        for name, default in defaults.items()
    }


def _adam(epsilon: float, **more: Any) -> dict[str, Argument]:
    return _own(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=epsilon, **more)


def _named(
    origin: str, rows: dict[str, tuple[str, dict[str, Argument], Settings, str]]
) -> list[Peer]:
    return [
        Peer(f"{origin}.{name}", rule, arguments, sets, note=note)
        for name, (rule, arguments, sets, note) in rows.items()
    ]


def _first_sync(draft: Draft) -> None:
    settings = draft.settings
    lookahead = {name: settings.pop(name) for name in ("sync_period", "slow_step_size")}
    draft.layers.append(("Lookahead", {**lookahead, "slow_start": "first_sync"}))


def _ranger(draft: Draft) -> None:
    given = draft.given
    conv: bool | str = "conv_only" if given["gc_conv_only"] else True
    draft.settings["gradient_centralization"] = conv


_LAMB = _adam(1e-6, weight_decay=0.01)
_RALAMB_CODE = {**HAT, "form": "new_weights", "phi": (0.0, 10.0), **DECOUPLED}
_PERIOD = _own(sync_period=6, slow_step_size=0.5)
_TORCH = {"lr": to("learning_rate", 0.001), "weight_decay": decay(0.0)}

_PAPERS = _named(
    "paper",
    {
        "LambV1": ("Lamb", _LAMB, {**OUT, **UPDATE}, "arXiv 1904.00962v1, April 2019"),
        "LambV3": (
            "Lamb",
            {**_LAMB, **_own(phi=None)},
            {**OUT, **UPDATE, "bias_correction": False},
            "arXiv 1904.00962v3, June 2019; code of that time has phi=(0, 10)",
        ),
        "LambV5": (
            "Lamb",
            {**_LAMB, **_own(phi=None)},
            {**OUT, **UPDATE},
            "arXiv 1904.00962v5, January 2020",
        ),
        "LarsV5": (
            "Lars",
            _own(learning_rate=0.01, momentum=0.9, weight_decay=0.01),
            {"form": "momentum_norm", "trust_coefficient": 1.0, **L2},
            "arXiv 1904.00962v5, algorithm 1",
        ),
        "Lars": (
            "Lars",
            _own(learning_rate=1.0, momentum=0.9, trust_coefficient=0.001, weight_decay=5e-4),
            {"form": "lr_inside", "epsilon": 0.0, **L2},
            "arXiv 1708.03888, algorithm 1",
        ),
        "Ranger": (
            "Ranger",
            _own(learning_rate=0.001, beta_1=0.95, beta_2=0.999, epsilon=1e-5, weight_decay=0.0)
            | _PERIOD,
            {**HAT, "threshold": 5.0, **DECOUPLED},
            "the code of Ranger (2019), with working switches",
        ),
    },
)
_INTUITIVE_GUIDE = _named(
    "intuitive_guide",
    {
        "AdamW": (
            "AdamW",
            _adam(1e-8, weight_decay=0.01),
            {**OUT, "weight_decay_mode": "after"},
            "in two stages: the decay applies to the parameters after the step",
        ),
    },
)
_RADAM_PAPER: Settings = {**OUT, "threshold": 4.0, "degenerate": "momentum"}
_SOME_OPTIMIZERS = _named(
    "some_optimizers",
    {
        "Adagrad": (
            "Adagrad",
            _own(learning_rate=0.01),
            {"epsilon": 0.0, "epsilon_mode": "in", "initial_accumulator_value": 0.0},
            "",
        ),
        "RMSprop": (
            "RMSprop",
            _own(learning_rate=0.001, rho=0.9),
            {"epsilon": 0.0, "epsilon_mode": "in", "initial_accumulator_value": "gradient"},
            "its first step is the sign of the gradient",
        ),
        "Momentum": ("SGD", _own(learning_rate=0.01, momentum=0.9), {"form": "lr_inside"}, ""),
        "Nesterov": (
            "SGD",
            _own(learning_rate=0.01, momentum=0.9),
            {"form": "lr_inside", "nesterov": True},
            "the parameters are u; lookahead_point() is for the other form",
        ),
        "Adam": (
            "Adam",
            _own(learning_rate=0.001, beta_1=0.9, beta_2=0.999),
            {**OUT, "epsilon": 0.0},
            "",
        ),
        "RAdam": (
            "RAdam",
            _own(learning_rate=0.001, beta_1=0.9, beta_2=0.999),
            {**_RADAM_PAPER, "epsilon": 0.0},
            "with beta_2^t in place of the printed beta_2^2",
        ),
        "Lars": (
            "Lars",
            _own(learning_rate=0.01, momentum=0.9, trust_coefficient=1.0, weight_decay=0.01),
            {"form": "ratio_outside", "epsilon": 0.0, **L2},
            "the text does not give the factor of the ratio, trust_coefficient",
        ),
        "Lamb": (
            "Lamb",
            _own(learning_rate=0.001, beta_1=0.9, beta_2=0.999, weight_decay=0.01),
            {**OUT, "epsilon": 0.0, "form": "sum", **UPDATE},
            "the ratio divides by a sum of two norms",
        ),
        "RangerLars": (
            "RangerLars",
            _own(learning_rate=0.001, beta_1=0.9, beta_2=0.999, weight_decay=0.0) | _PERIOD,
            {
                **OUT,
                "epsilon": 0.0,
                "threshold": 4.0,
                "form": "step",
                "trust_clip": (0.0, 10.0),
                **UPDATE,
            },
            "the learning rate is outside of the norm, so that it does not cancel",
        ),
        "Paratrooper": (
            "RangerLars",
            _adam(1e-8, weight_decay=0.001) | _own(beta_1=0.95) | _PERIOD,
            {**OUT, "form": "step", "trust_clip": "paratrooper", **UPDATE},
            "",
        ),
    },
)
_OPTIMIZERS_PAGE = _named(
    "optimizers_page",
    {
        "SGD": ("SGD", _own(learning_rate=0.01), {"momentum": 0.0}, ""),
        "Momentum": ("SGD", _own(learning_rate=0.01, momentum=0.9), {"form": "lr_inside"}, ""),
        "NAG": (
            "SGD",
            _own(learning_rate=0.01, momentum=0.9),
            {"form": "lr_inside", "nesterov": True},
            "gradients at lookahead_point() of momentum without nesterov are its printed form",
        ),
        "Adagrad": (
            "Adagrad",
            _own(learning_rate=0.01, epsilon=1e-8),
            {"epsilon_mode": "in", "initial_accumulator_value": 0.0},
            "",
        ),
        "RMSprop": (
            "RMSprop",
            _own(learning_rate=0.001, rho=0.9, epsilon=1e-8),
            {"epsilon_mode": "in", "initial_accumulator_value": 0.0},
            "",
        ),
        "Adadelta": ("Adadelta", _own(rho=0.95, epsilon=1e-6), {"learning_rate": 1.0}, ""),
        "Adam": ("Adam", _adam(1e-8), OUT, ""),
        "AdaMax": (
            "Adamax",
            _own(learning_rate=0.002, beta_1=0.9, beta_2=0.999),
            {"epsilon": 0.0, "epsilon_mode": "out"},
            "",
        ),
        "Nadam": ("Nadam", _adam(1e-8), {"form": "ruder"}, "the same as NAdamW"),
        "AMSGrad": ("Adam", _adam(1e-8), {**OUT, "amsgrad": "paper"}, ""),
        "AdamW": ("AdamW", _adam(1e-8, weight_decay=0.01), {**OUT, **UPDATE}, ""),
        "RAdam": ("RAdam", _adam(1e-8), _RADAM_PAPER, ""),
        "AdaBound": (
            "AdaBound",
            _adam(1e-8, final_learning_rate=0.1, gamma=0.001),
            {"amsgrad": False},
            "",
        ),
        "AMSBound": (
            "AdaBound",
            _adam(1e-8, final_learning_rate=0.1, gamma=0.001),
            {"amsgrad": True},
            "",
        ),
        "Lars": (
            "Lars",
            _own(learning_rate=0.01, momentum=0.9, weight_decay=0.01),
            {"form": "momentum_norm", "trust_coefficient": 1.0, **L2},
            "",
        ),
        "Lamb": ("Lamb", _adam(1e-8, weight_decay=0.01, phi=None), {**OUT, **UPDATE}, ""),
        "Ranger": (
            "Ranger",
            _adam(1e-8) | _PERIOD,
            {**_RADAM_PAPER, "gradient_centralization": False},
            "",
        ),
        "Ralamb": (
            "Ralamb",
            _adam(1e-8, weight_decay=0.0),
            {**OUT, "threshold": 4.0, "form": "step", **UPDATE},
            "as described; the gist's code is over9000.Ralamb",
        ),
    },
)
_CODE = [
    Peer(
        "over9000.Lamb",
        "Lamb",
        {**_TORCH, "betas": betas(0.9, 0.999), "eps": to("epsilon", 1e-6)},
        {**OUT, **UPDATE, "bias_correction": False, "phi": (0.0, 10.0)},
    ),
    Peer(
        "over9000.Ralamb",
        "Ralamb",
        {**_TORCH, "betas": betas(0.9, 0.999), "eps": to("epsilon", 1e-8)},
        _RALAMB_CODE,
        note="the ratio takes the norm of the new weights, so it is near 1 for small ones",
    ),
    Peer(
        "over9000.RangerLars",
        "Ralamb",
        {
            **_TORCH,
            "alpha": to("slow_step_size", 0.5),
            "k": to("sync_period", 6),
            "betas": betas(0.9, 0.999),
            "eps": to("epsilon", 1e-8),
        },
        _RALAMB_CODE,
        _first_sync,
        note="the first synchronization changes nothing",
    ),
    Peer(
        "ranger.Ranger",
        "Ranger",
        {
            **_TORCH,
            "alpha": to("slow_step_size", 0.5),
            "k": to("sync_period", 6),
            "N_sma_threshhold": to("threshold", 5.0),
            "betas": betas(0.95, 0.999),
            "eps": to("epsilon", 1e-5),
            "use_gc": only(True, "it is ignored there; use lamb_rs.Ranger for a switch that works"),
            "gc_conv_only": free(False),
        },
        {**HAT, "degenerate": "momentum", **DECOUPLED},
        _ranger,
    ),
    Peer(
        "radam.RAdam",
        "RAdam",
        {
            **_TORCH,
            "betas": betas(0.9, 0.999),
            "eps": to("epsilon", 1e-8),
            "degenerated_to_sgd": Argument(
                False, lambda value: {"degenerate": "momentum" if value else "skip"}
            ),
        },
        {**HAT, "threshold": 5.0, **DECOUPLED},
        note="by default its first five steps do nothing",
    ),
]
_LOOKAHEADS = [
    Peer(
        f"{origin}.Lookahead",
        "Lookahead",
        _own(sync_period=5, slow_step_size=0.5),
        wraps=True,
        note=note,
    )
    for origin, note in {
        "paper": "arXiv 1907.08610",
        "some_optimizers": "",
        "optimizers_page": "with the sign that moves toward the fast weights",
    }.items()
]
PEERS = [*_PAPERS, *_INTUITIVE_GUIDE, *_SOME_OPTIMIZERS, *_OPTIMIZERS_PAGE, *_CODE, *_LOOKAHEADS]
