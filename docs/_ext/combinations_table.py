"""Which rules go with which storage and stages: tried, not written down."""

from __future__ import annotations

from typing import Any

import numpy as np
import optimizer_pages

import lamb_rs

STAGES: dict[str, dict[str, Any]] = {
    "clip by norm": {"clipnorm": 1.0},
    "clip by value": {"clipvalue": 1.0},
    "clip by global norm": {"global_clipnorm": 1.0},
    "centralised gradient": {"gradient_centralization": True},
    "accumulation": {"gradient_accumulation_steps": 2},
    "EMA": {"use_ema": True},
    "SWA": {"use_ema": True, "ema_form": "uniform"},
}
DECAYS = ("decoupled", "update", "l2", "after", "fixed", "corrected", "schedule", "cautious")
WRAPPERS = ("Lookahead", "Larc", "LossScaleOptimizer")


def page() -> str:
    """Two tables and the reasons for what is refused."""
    reasons: dict[str, int] = {}
    stages = [*WRAPPERS, *STAGES]
    lines = [
        "# Combinations",
        "",
        "While this page was built, every optimizer was made with each stage and each mode of",
        "weight decay, in each of the three storages of state, and took a step. *yes*: it works in",
        "float32, bfloat16 and float8. A number is a reason below, for which it is refused at",
        "construction, with the storages that it concerns where others work.",
        "",
        "## Stages and wrappers",
        "",
        *table(stages, reasons, stage_arguments),
        "",
        "## Weight decay",
        "",
        "What the modes mean: [Numerics](../numerics.md#weight-decay).",
        "",
        *table(list(DECAYS), reasons, decay_arguments),
        "",
        "## Reasons",
        "",
        *(f"{number}. {reason}" for reason, number in reasons.items()),
        *([] if reasons else ["None: every combination works."]),
    ]
    return "\n".join(lines) + "\n"


def stage_arguments(stage: str) -> tuple[dict[str, Any], Any]:
    """Arguments of the optimizer, and what wraps it."""
    if stage in STAGES:
        return STAGES[stage], None
    return {}, getattr(lamb_rs, stage)


def decay_arguments(mode: str) -> tuple[dict[str, Any], Any]:
    """Arguments of the optimizer."""
    return {"weight_decay": 0.01, "weight_decay_mode": mode}, None


def table(columns: list[str], reasons: dict[str, int], arguments: Any) -> list[str]:
    """A table with a row per optimizer."""
    lines = ["| | " + " | ".join(columns) + " |", "| --- " * (1 + len(columns)) + "|"]
    for row in optimizer_pages.rows():
        cls = optimizer_pages.class_of(row)
        cells = [cell(cls, *arguments(column), reasons) for column in columns]
        lines.append(f"| [{row['class_name']}]({row['name']}.md) | {' | '.join(cells)} |")
    return lines


def cell(cls: Any, arguments: dict[str, Any], wrapper: Any, reasons: dict[str, int]) -> str:
    """Yes, or the numbers of the reasons."""
    refused: dict[int, list[str]] = {}
    for dtype in optimizer_pages.STORAGES:
        reason = refusal(cls, {**arguments, "state_dtype": dtype}, wrapper)
        if reason:
            reason = reason.replace(cls.__name__, "this rule")
            refused.setdefault(reasons.setdefault(reason, len(reasons) + 1), []).append(dtype)
    if not refused:
        return "yes"
    everywhere = len(optimizer_pages.STORAGES)
    return ", ".join(
        str(number) if len(dtypes) == everywhere else f"{number} ({', '.join(dtypes)})"
        for number, dtypes in refused.items()
    )


def refusal(cls: Any, arguments: dict[str, Any], wrapper: Any) -> str | None:
    """Why a combination is refused, if it is."""
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
