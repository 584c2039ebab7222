"""Which optimizers accept which storage, options and wrappers: every combination is tried."""

from __future__ import annotations

from typing import Any

import numpy as np
from markdown import cell, table
from optimizer_pages import STORAGES
from rows import class_of, rows

import lamb_rs

OPTIONS: list[dict[str, Any]] = [
    {"clipnorm": 1.0},
    {"clipvalue": 1.0},
    {"global_clipnorm": 1.0},
    {"gradient_centralization": True},
    {"gradient_accumulation_steps": 2},
    {"use_ema": True},
    {"use_ema": True, "ema_form": "uniform"},
]
DECAYS = ("decoupled", "update", "l2", "after", "fixed", "corrected", "schedule", "cautious")
WRAPPERS = ("Lookahead", "Larc", "LossScaleOptimizer")


def tables() -> str:
    """How many combinations work, and a table of those that are refused."""
    tried = 0
    refused: list[tuple[str, str, str, str]] = []
    for row in rows():
        cls = class_of(row)
        for option, (arguments, wrapper) in options().items():
            reasons: dict[str, list[str]] = {}
            for dtype in STORAGES:
                tried += 1
                reason = refusal(cls, {**arguments, "state_dtype": dtype}, wrapper)
                if reason:
                    reasons.setdefault(reason, []).append(dtype)
            refused += [
                (
                    f"[{cls.__name__}](/api/{cls.__name__}.md)",
                    option,
                    storages(dtypes),
                    cell(reason),
                )
                for reason, dtypes in reasons.items()
            ]
    lines = [
        f"{tried} combinations were tried. All of them work, apart from these:",
        "",
        *table(("optimizer", "refused option", "storage of state", "message"), refused),
    ]
    return "\n".join(lines)


def options() -> dict[str, tuple[dict[str, Any], Any]]:
    """Each option with its arguments and, where it is one, the class of the wrapper."""
    wrappers = {f"`{name}`": ({}, getattr(lamb_rs, name)) for name in WRAPPERS}
    plain = {f"`{written(one)}`": (one, None) for one in OPTIONS}
    decays = {
        f"`weight_decay_mode={mode!r}`": ({"weight_decay": 0.01, "weight_decay_mode": mode}, None)
        for mode in DECAYS
    }
    return {**wrappers, **plain, **decays}


def written(arguments: dict[str, Any]) -> str:
    """Arguments as they are written in Python."""
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def storages(dtypes: list[str]) -> str:
    """The storages for which a combination is refused."""
    return "all" if len(dtypes) == len(STORAGES) else ", ".join(dtypes)


def refusal(cls: Any, arguments: dict[str, Any], wrapper: Any) -> str | None:
    """Why a combination is refused, or None if it takes a step."""
    try:
        opt = cls(**arguments)
        if wrapper is not None:
            opt = wrapper(opt)
    except lamb_rs.HyperparameterError as error:
        return str(error)
    params = {"kernel": np.ones((64, 80), np.float32), "bias": np.ones(5, np.float32)}
    opt.build(params)
    opt.apply({name: 0.5 * p for name, p in params.items()})
    return None
