"""One page per optimizer: formula, source, arguments, state, other names, other packages."""

from __future__ import annotations

import inspect
import re
from typing import Any

import formula
import numpy as np
import peer_tables

import lamb_rs
from lamb_rs import _core

STORAGES = ("float32", "bfloat16", "float8")
SHAPES = {"matrix": (256, 256), "vector": (65536,)}
ELEMENTS = 65536

SYMBOLS = """\
| symbol | meaning |
| --- | --- |
| $p$, $g$ | a parameter array and its gradient, after clipping and the other stages |
| $t$ | number of the update, from 1 |
| $\\eta$ | the learning rate of this update |
| $\\lambda$ | weight decay |
| $m$, $v$ | first and second moment |
| $\\beta_1, \\beta_2, \\mu, \\rho$ | decay rates of moments |
| $c_1, c_2$ | $1 - \\beta_1^t$ and $1 - \\beta_2^t$, the corrections of the bias |
| $\\epsilon$ | small constant of a denominator |
| $\\phi$ | the slow weights of Lookahead |
| $\\lVert x \\rVert$ | L2 norm over one parameter array |
| $\\lvert x \\rvert$ | magnitude of each element |
"""


def rows() -> list[Any]:
    """Every algorithm of the registry, by name."""
    return sorted(_core.algorithms(), key=lambda row: row["class_name"].lower())


def usual_row() -> Any:
    """The row whose shared arguments have the defaults that most others have."""
    return next(row for row in rows() if row["class_name"] == "SGD")


def pages() -> dict[str, str]:
    """The index, and a page for each algorithm."""
    names = published()
    found = {f"optimizers/{row['name']}.md": page(row, names) for row in rows()}
    return {"optimizers/index.md": index(), **found}


def published() -> dict[str, list[tuple[str, str]]]:
    """Per class, the names of the literature that are switches of it, each with the call."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in lamb_rs.optimizers():
        if hasattr(lamb_rs, name):
            continue
        made = lamb_rs.get(name)
        found.setdefault(type(made).__name__, []).append((name, repr(made)))
    return found


def index() -> str:
    """All optimizers in a table."""
    lines = [
        "# Optimizers",
        "",
        "State is in bytes per parameter, of a matrix of 256 x 256, measured while this page was",
        "built (`opt.state_bytes` divided by the number of parameters). Which of them fits a",
        "problem: [Choosing an optimizer](../choosing.md). What goes with what:",
        "[Combinations](combinations.md).",
        "",
        "| optimizer | what it is | float32 | bfloat16 | float8 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows():
        cells = [number(state(class_of(row), {}, SHAPES["matrix"], one)) for one in STORAGES]
        link = f"[{row['class_name']}]({row['name']}.md)"
        lines.append(f"| {link} | {row['summary']} | {' | '.join(cells)} |")
    lines += ["", "```{toctree}", ":hidden:", ""]
    lines += [f"{row['class_name']} <{row['name']}>" for row in rows()]
    lines += ["combinations", "```", "", "## Reading the formulas", "", SYMBOLS]
    return "\n".join(lines)


def page(row: Any, names: dict[str, list[tuple[str, str]]]) -> str:
    """The page of one algorithm."""
    cls = class_of(row)
    text = inspect.getdoc(cls) or ""
    parts = [
        f"# {row['class_name']}",
        "",
        sentence(row["summary"]),
        "",
        f"Source: {linked(row['source'])}.",
        "",
        *shown_formula(row),
        *kind(row),
        "## Class",
        "",
        "```{eval-rst}",
        f".. autoclass:: lamb_rs.{row['class_name']}",
        *methods(cls),
        "```",
        "",
        "## Arguments",
        "",
        "Those of every optimizer, clipping and the like, are explained under",
        "[`Optimizer`](../reference/index.md).",
        "",
        *arguments(row),
        "## State",
        "",
        *state_table(row),
        *names_table(names.get(row["class_name"], [])),
        *peer_tables.of_class(row["class_name"]),
    ]
    assert text, f"{row['class_name']} has no docstring"
    return "\n".join(parts) + "\n"


def class_of(row: Any) -> Any:
    """The Python class of an algorithm."""
    return getattr(lamb_rs, row["class_name"])


def sentence(text: str) -> str:
    """A summary of the registry as a sentence."""
    return text[0].upper() + text[1:] + "."


def linked(source: str) -> str:
    """A source with links to what it names."""
    source = re.sub(r"arXiv (\d{4}\.\d{4,5})", r"[arXiv \1](https://arxiv.org/abs/\1)", source)
    return re.sub(r"doi (10\.\S+\w)", r"[doi \1](https://doi.org/\1)", source)


def shown_formula(row: Any) -> list[str]:
    """The formula as mathematics, or as it is written where it is prose."""
    text = formula.tex(row["formula"])
    lines = ["$$", text, "$$"] if text else ["```text", *row["formula"].split("; "), "```"]
    return [*lines, "", "Symbols: [Reading the formulas](index.md#reading-the-formulas).", ""]


def kind(row: Any) -> list[str]:
    """What sets an algorithm apart from one that goes over each element once."""
    lines = []
    if row["layerwise"]:
        lines.append("Layer-wise: the step of each array is scaled by a trust ratio of its norms.")
    if row["matrix"]:
        lines.append(
            "It multiplies matrices, so the bits are the same on one machine only: "
            "[Numerics](../numerics.md#the-same-bits)."
        )
    return [line for pair in zip(lines, [""] * len(lines), strict=True) for line in pair]


def methods(cls: Any) -> list[str]:
    """Public methods that the class does not inherit."""
    own = [
        name
        for name, value in vars(cls).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    ]
    return [f"   :members: {', '.join(own)}"] if own else []


def arguments(row: Any) -> list[str]:
    """Own arguments, and those of the shared ones that start elsewhere than in most classes."""
    cls = class_of(row)
    usual = {one["name"]: one["default"] for one in usual_row()["hyper"] if one["shared"]}
    known = {one["name"]: one for one in row["hyper"]}
    own = [name for name in inspect.signature(cls.__init__).parameters if name in known]
    moved = [
        name
        for name in inspect.signature(cls).parameters
        if name in usual and name not in own and known[name]["default"] != usual[name]
    ]
    shown = [known[name] for name in own + moved]
    return [*ranges(cls, shown), "", "`driven`: takes a schedule or a function too.", ""]


def ranges(cls: Any, shown: list[Any]) -> list[str]:
    """A table of defaults and allowed values."""
    lines = ["| argument | default | allowed | driven |", "| --- | --- | --- | --- |"]
    for one in shown:
        driven = "yes" if is_driven(cls, one["name"]) else ""
        allowed = one["domain"].replace("|", "\\|")
        lines.append(f"| `{one['name']}` | `{default(one)}` | {allowed} | {driven} |")
    return lines


def is_driven(cls: Any, name: str) -> bool:
    """Whether an argument takes a function: tried."""
    try:
        cls(**{name: lambda: 0.5})
    except (lamb_rs.HyperparameterError, TypeError):
        return False
    return True


def default(one: Any) -> str:
    """A default as it is written in Python."""
    value = one["default"]
    whole = one["kind"] == "integer" and isinstance(value, float)
    return repr(int(value) if whole else value)


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
    """Measured bytes per parameter, of the defaults and of each switch that changes them."""
    cls = class_of(row)
    lines = [
        "Bytes per parameter, measured while this page was built. Arrays of fewer than 4096",
        "elements stay float32 under `float8`.",
        "",
    ]
    cases = [("the defaults", {}, shape) for shape in SHAPES]
    plain = {shape: measured(cls, {}, SHAPES[shape]) for shape in SHAPES}
    if plain["matrix"] == plain["vector"]:
        cases = [("the defaults", {}, "matrix")]
    for one in row["hyper"]:
        if one["shared"] or one["name"] not in inspect.signature(cls).parameters:
            continue
        for value in others(one):
            changed = {one["name"]: value}
            try:
                found = measured(cls, changed, SHAPES["matrix"])
            except lamb_rs.LambError:
                continue
            if found != plain["matrix"]:
                cases.append((f"`{one['name']}={value!r}`", changed, "matrix"))
    for title, changed in (
        ("`use_ema=True`", {"use_ema": True}),
        ("`gradient_accumulation_steps=2`", {"gradient_accumulation_steps": 2}),
    ):
        cases.append((title, changed, "matrix"))
    head = "| with | array | " + " | ".join(STORAGES) + " |"
    lines += [head, "| --- " * (2 + len(STORAGES)) + "|"]
    for title, changed, shape in cases:
        size = " x ".join(map(str, SHAPES[shape]))
        cells = " | ".join(number(one) for one in measured(cls, changed, SHAPES[shape]))
        lines.append(f"| {title} | {size} | {cells} |")
    slots = slots_of(cls)
    scalars = ", ".join(f"`{name}`" for name in row["scalars"])
    beside = f" Numbers beside them: {scalars}." if scalars else ""
    return [*lines, "", f"Arrays of the state: {slots}.{beside}", ""]


def measured(cls: Any, changed: dict[str, Any], shape: tuple[int, ...]) -> list[float | str]:
    """Bytes per parameter for each storage."""
    return [state(cls, changed, shape, dtype) for dtype in STORAGES]


def others(one: Any) -> list[Any]:
    """Other values of a switch; of a number that is 0 or nothing, one that is not."""
    if one["kind"] in {"bool", "choice"}:
        values = one["choices"] if one["kind"] == "choice" else (True, False)
        return [value for value in values if value != one["default"]]
    return [0.5] if one["kind"] == "number" and one["default"] == 0.0 else []


def slots_of(cls: Any) -> str:
    """Names of the arrays of the state, with their storage by default."""
    opt = cls()
    opt.build({"matrix": np.zeros((64, 64), np.float32)})
    found = {slot: dtype for one in opt._native.describe() for slot, dtype in one["slots"]}
    return ", ".join(f"`{slot}`" for slot in found) or "none"


def names_table(names: list[tuple[str, str]]) -> list[str]:
    """Names of the literature that `lamb_rs.get` makes with this class."""
    if not names:
        return []
    lines = ["## Other names", "", "`lamb_rs.get(name)` knows them too.", ""]
    lines += ["| name | what it makes |", "| --- | --- |"]
    return [*lines, *(f"| {name} | `{call}` |" for name, call in names), ""]
