"""One page per optimizer: formula, source, arguments, state, other names, other packages."""

from __future__ import annotations

import inspect
import re
from typing import Any

import class_page
import formula
import numpy as np
import peer_tables
from markdown import contents, sentence, table
from rows import class_of, own_arguments, rows, shared_arguments

import lamb_rs

STORAGES = ("float32", "bfloat16", "float8")
SHAPES = {"matrix": (256, 256), "vector": (65536,)}
ELEMENTS = 65536


def pages() -> dict[str, str]:
    """A page for each algorithm."""
    names = published()
    return {f"api/{row.class_name}.md": page(row, names) for row in rows()}


def published() -> dict[str, list[tuple[str, str]]]:
    """Per class, the published names that are settings of it, each with the call that makes it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in lamb_rs.optimizers():
        if hasattr(lamb_rs, name):
            continue
        made = lamb_rs.get(name)
        found.setdefault(type(made).__name__, []).append((name, repr(made)))
    return found


def overview() -> str:
    """The table of all optimizers."""
    lines = []
    for row in rows():
        cells = [number(state(class_of(row), {}, SHAPES["matrix"], one)) for one in STORAGES]
        link = f"[{row.class_name}](/api/{row.class_name}.md)"
        lines.append((link, row.summary, *cells))
    names = [row.class_name for row in rows()]
    shown = table(("optimizer", "description", *STORAGES), lines)
    return "\n".join([*shown, *contents(f"api/{name}" for name in names)])


def page(row: Any, names: dict[str, list[tuple[str, str]]]) -> str:
    """The page of one algorithm."""
    cls = class_of(row)
    name = row.class_name
    assert inspect.getdoc(cls), f"{name} has no docstring"
    parts = [
        f"# {name}",
        "",
        sentence(row.summary),
        "",
        f"Source: {linked(row.source)}.",
        "",
        *shown_formula(row),
        *kind(row),
        "## Class",
        "",
        *class_page.described(f"lamb_rs.{name}", class_page.own_members(cls)),
        "## Allowed values",
        "",
        *class_page.values_table(cls, own_arguments(row)),
        "## Arguments of every optimizer",
        "",
        "The defaults are those of this class. [`Optimizer`](Optimizer.md) describes each in full.",
        "",
        *class_page.arguments_table(cls, shared_arguments(row)),
        "## Methods and attributes",
        "",
        "Every optimizer has these:",
        "",
        *class_page.inherited(cls),
        "## Memory",
        "",
        *state_table(row),
        *names_table(names.get(name, [])),
        *peer_tables.of_class(name),
    ]
    return "\n".join(parts) + "\n"


def linked(source: str) -> str:
    """A source with links."""
    source = re.sub(r"arXiv (\d{4}\.\d{4,5})", r"[arXiv \1](https://arxiv.org/abs/\1)", source)
    return re.sub(r"doi (10\.\S+\w)", r"[doi \1](https://doi.org/\1)", source)


def shown_formula(row: Any) -> list[str]:
    """The formula at the defaults, and that of the parameters that follow another rule."""
    lines = ["$$", formula.tex(row.formula), "$$", ""]
    if row.routed:
        lines += [f"{row.routed[0].upper()}{row.routed[1:]}:", ""]
        lines += ["$$", formula.tex(row.routed_formula), "$$", ""]
    return [*lines, "[Meaning of the symbols](../optimizers.md#symbols)", ""]


def kind(row: Any) -> list[str]:
    """What distinguishes an algorithm from one that updates each element alone."""
    lines = []
    if row.layerwise:
        lines += [
            "This rule is layer-wise: a trust ratio, computed from norms over the array, scales",
            "the step of each parameter array.",
            "",
        ]
    if row.matrix:
        lines += [
            "This rule multiplies matrices. It gives the same bits on one machine only:",
            "[Numerics](../numerics.md#the-same-bits).",
            "",
        ]
    return lines


def state(cls: Any, arguments: dict[str, Any], shape: tuple[int, ...], dtype: str) -> float | str:
    """Bytes per parameter, or why this is refused."""
    try:
        opt = cls(state_dtype=dtype, **arguments)
        opt.build({"matrix": np.zeros(shape, np.float32)})
    except lamb_rs.HyperparameterError as refusal:
        return str(refusal)
    return float(opt.state_bytes / ELEMENTS)


def number(value: float | str) -> str:
    """A cell of a table of bytes."""
    return "refused" if isinstance(value, str) else f"{value:.3f}".rstrip("0").rstrip(".")


def state_table(row: Any) -> list[str]:
    """Bytes per parameter, with the default arguments and with each setting that changes them."""
    cls = class_of(row)
    cases = [("the defaults", {}, shape) for shape in SHAPES]
    plain = {shape: measured(cls, {}, SHAPES[shape]) for shape in SHAPES}
    if plain["matrix"] == plain["vector"]:
        cases = [("the defaults", {}, "matrix")]
    for one in row.hyperparameters:
        if one.shared or one.name not in inspect.signature(cls).parameters:
            continue
        for value in others(one):
            changed = {one.name: value}
            try:
                found = measured(cls, changed, SHAPES["matrix"])
            except lamb_rs.LambError:
                continue
            if found != plain["matrix"]:
                cases.append((f"`{one.name}={value!r}`", changed, "matrix"))
    for title, changed in (
        ("`use_ema=True`", {"use_ema": True}),
        ("`gradient_accumulation_steps=2`", {"gradient_accumulation_steps": 2}),
    ):
        cases.append((title, changed, "matrix"))
    lines = [
        (
            title,
            " x ".join(map(str, SHAPES[shape])),
            *map(number, measured(cls, changed, SHAPES[shape])),
        )
        for title, changed, shape in cases
    ]
    slots = ", ".join(f"`{slot}`" for slot in row.slots) or "none"
    scalars = ", ".join(f"`{name}`" for name in row.scalars)
    return [
        "Bytes of state per parameter, for each `state_dtype`. They were measured when this page",
        "was built. With `float8`, arrays of fewer than 4096 elements stay float32.",
        "",
        *table(("settings", "shape", *STORAGES), lines),
        f"State arrays of a parameter: {slots}." + (f" Scalars: {scalars}." if scalars else ""),
        "",
    ]


def measured(cls: Any, changed: dict[str, Any], shape: tuple[int, ...]) -> list[float | str]:
    """Bytes per parameter for each storage."""
    return [state(cls, changed, shape, dtype) for dtype in STORAGES]


def others(one: Any) -> list[Any]:
    """Other values of a switch; for a number that is 0 by default, one that is not."""
    if one.kind in {"bool", "choice"}:
        values = one.choices if one.kind == "choice" else (True, False)
        return [value for value in values if value != one.default]
    return [0.5] if one.kind == "number" and one.default == 0.0 else []


def names_table(names: list[tuple[str, str]]) -> list[str]:
    """Published names that `lamb_rs.get` makes with this class."""
    if not names:
        return []
    lines = [(name, f"`{call}`") for name, call in names]
    return [
        "## Other names",
        "",
        "`lamb_rs.get(name)` also accepts these published names:",
        "",
        *table(("name", "the same as"), lines),
    ]
