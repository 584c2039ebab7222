"""Texts about an optimizer: `explain`, `summary` and its representation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._optimizer.hyperparameters import hypers
from lamb_rs._registry import row
from lamb_rs._text import counted, size, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamb_rs import _core

NOTHING = "-"


def representation(optimizer: Any) -> str:
    """Return the call that makes this optimizer, and a comment about its parameters."""
    made = optimizer._call()
    return f"{made}  # {bound(optimizer)}" if optimizer.built else made


def call(optimizer: Any, more: Mapping[str, object] | None = None) -> str:
    """Return the call that makes a rule with these hyperparameters.

    Parameters
    ----------
    optimizer : Any
    more : mapping, optional
        Arguments that are not hyperparameters, with their defaults.
    """
    parts = [
        f"{name}={getattr(optimizer, name)!r}"
        for name, default in (more or {}).items()
        if getattr(optimizer, name) != default
    ]
    for hyper in hypers(type(optimizer)):
        name = hyper["name"]
        value = optimizer._held.get(name, optimizer._sources.get(name))
        if value is None and name not in optimizer._held:
            value = getattr(optimizer, name)
        if value != hyper["default"]:
            parts.append(f"{name}={value!r}")
    return written(optimizer, parts)


def written(optimizer: Any, parts: list[str]) -> str:
    """Return a call of the class with these arguments, and the name if it has one."""
    class_name = type(optimizer).__name__
    if optimizer.name != class_name.lower():
        parts = [*parts, f"name={optimizer.name!r}"]
    return f"{class_name}({', '.join(parts)})"


def _formula(text: str | None) -> list[str]:
    """Return the assignments of a formula, one in a line."""
    return [f"    {line}" for line in text.split("; ")] if text else []


def explain(optimizer: Any) -> str:
    """Return the rule, its hyperparameters, and a table with a row per parameter."""
    known = row(optimizer._algorithm)
    lines = [f"{type(optimizer).__name__}: {known['summary']} ({known['source']})", ""]
    lines += _formula(optimizer._native.formula())
    if known["routed"]:
        lines += ["", f"{known['routed'].capitalize()}:", ""]
        lines += _formula(optimizer._native.formula(routed=True))
    lines += ["", *table(_hyper_rows(optimizer))]
    if not optimizer.built:
        lines += [
            "",
            "Not built: build(params) adds a table of the parameters.",
            *_excluded(optimizer),
        ]
        return "\n".join(lines)
    lines += ["", bound(optimizer), ""]
    header = ["parameter", "shape", "learning rate", "weight decay", "adapted", "state", "why"]
    rows = [header]
    for i, one in enumerate(optimizer._native.describe()):
        shape = " x ".join(map(str, one["shape"])) or "scalar"
        why = "; ".join(_reasons(optimizer, one, i)) or NOTHING
        rows.append([one["name"], shape, *_treatment(one), _state(one), why])
    lines += table(_without_adaptation(rows, 4, known["layerwise"]), right=(2, 3))
    return "\n".join(lines)


def summary(optimizer: Any) -> str:
    """Return counters, memory, and a table with a row per group treated alike."""
    lines = [optimizer._call()]
    if not optimizer.built:
        return "\n".join([*lines, "Not built: call build(params).", *_excluded(optimizer)])
    skipped = f", {optimizer.skipped_steps:,} skipped" if optimizer.skipped_steps else ""
    rows = optimizer._native.describe()
    slots: dict[str, list[str]] = {}
    for slot, dtype in sorted({slot for one in rows for slot in one["slots"]}):
        slots.setdefault(slot, []).append(dtype)
    state = ", ".join(f"{slot} {'/'.join(dtypes)}" for slot, dtypes in slots.items()) or "none"
    steps = f"{counted(optimizer.iterations, 'update')} in {counted(optimizer.calls, 'call')}"
    lines += table(
        [
            ["bound to", _tensors(rows)],
            ["state", f"{size(optimizer.state_bytes)} ({state})"],
            ["steps", steps + skipped],
            ["learning rate", _rates(optimizer)],
        ]
    )
    ratios = optimizer.trust_ratios
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, one in enumerate(rows):
        groups.setdefault(tuple(_treatment(one)), []).append(i)
    header = ["tensors", "parameters", "learning rate", "weight decay", "adapted", "trust ratio"]
    body = [
        [
            f"{len(members):,}",
            f"{sum(rows[i]['size'] for i in members):,}",
            *treatment,
            _span(ratios, members),
        ]
        for treatment, members in groups.items()
    ]
    layerwise = any(row(leaf._algorithm)["layerwise"] for leaf in optimizer._leaves())
    columns = _without_adaptation([header, *body], 4, layerwise)
    if not layerwise:
        columns = [line[:-1] for line in columns]
    lines += ["", *table(columns, right=(0, 1, 2, 3))]
    return "\n".join(lines)


def bound(optimizer: Any) -> str:
    """Return a text about the parameters of an optimizer and its progress."""
    return f"{_tensors(optimizer._native.describe())}, step {optimizer.iterations:,}"


def _tensors(rows: list[_core._Parameter]) -> str:
    parameters = counted(sum(one["size"] for one in rows), "parameter")
    return f"{counted(len(rows), 'tensor')}, {parameters}"


def _hyper_rows(optimizer: Any) -> list[list[str]]:
    """Own hyperparameters, and those of the shared ones that are not at their defaults."""
    rows = []
    for hyper in hypers(type(optimizer)):
        name = hyper["name"]
        shown = not hyper["shared"] or name.startswith("weight_decay")
        if shown or getattr(optimizer, name) != hyper["default"]:
            source = optimizer._sources.get(name)
            meaning = hyper["doc"] if source is None else f"{hyper['doc']}, from {source!r}"
            if name in optimizer._held:
                meaning += ", from LossScaleOptimizer"
            rows.append([name, text(getattr(optimizer, name)), meaning])
    return rows


def _rates(optimizer: Any) -> str:
    """Say the learning rates, of which the parts of a wrapper may have different ones."""
    rates = [
        leaf.learning_rate if math.isnan(leaf.last_learning_rate) else leaf.last_learning_rate
        for leaf in optimizer._leaves()
    ]
    return ", ".join(dict.fromkeys(map(text, rates)))


def text(value: object) -> str:
    """Return a number in at most six digits, and anything else as Python writes it."""
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _treatment(one: _core._Parameter) -> list[str]:
    """Learning rate, weight decay, adaptation."""
    if not one["trainable"]:
        return ["frozen", NOTHING, NOTHING]
    decay = one["weight_decay"]
    return [
        f"{one['learning_rate']:.6g}",
        f"{decay:.6g}" if decay else NOTHING,
        "yes" if one["layer_adaptation"] else "no",
    ]


def _state(one: _core._Parameter) -> str:
    dtypes = sorted({dtype for _, dtype in one["slots"]})
    return f"{size(one['state_bytes'])} {', '.join(dtypes)}" if dtypes else "none"


def _reasons(optimizer: Any, one: _core._Parameter, i: int) -> list[str]:
    if not one["trainable"]:
        return [f"frozen by {optimizer._reasons[i]['trainable'].by}"]
    by: dict[str, list[str]] = {}
    for setting, (what, cause, _) in optimizer._reasons[i].items():
        if setting == "layer_adaptation" and one["layer_adaptation"] is None:
            continue
        by.setdefault(cause, []).append(what)
    reasons = [f"{', '.join(what)} by {cause}" for cause, what in by.items()]
    if one["rule"] != optimizer._algorithm:
        reasons.insert(0, f"follows {one['rule']}")
    narrow = optimizer.state_dtype == "float8"
    if narrow and one["slots"] and not any("8" in dtype for _, dtype in one["slots"]):
        reasons.append("too small for float8 state")
    return reasons


def _excluded(optimizer: Any) -> list[str]:
    """Return a text about the exclusions that the next `build` applies."""
    return [
        f"To be excluded from {exclusion.feature}: "
        + ", ".join([*map(repr, exclusion.patterns), *["an array"] * len(exclusion.arrays)])
        for one in {id(one): one for one in (optimizer, *optimizer._leaves())}.values()
        for exclusion in one._exclusions.values()
        if exclusion.patterns or exclusion.arrays
    ]


def _span(ratios: Any, members: list[int]) -> str:
    if ratios is None:
        return NOTHING
    known = [ratios[i] for i in members if not np.isnan(ratios[i])]
    if not known:
        return NOTHING
    low, high = f"{min(known):.3g}", f"{max(known):.3g}"
    return low if low == high else f"{low} to {high}"


def _without_adaptation(rows: list[list[str]], column: int, layerwise: bool) -> list[list[str]]:
    """Drop a column that means nothing for rules without a trust ratio."""
    return rows if layerwise else [line[:column] + line[column + 1 :] for line in rows]
