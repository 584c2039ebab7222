"""The tables of the benchmark page, as Markdown, from a file of results.

In a column, either more is better or less is better, and the header says which, with the unit.
"""

from __future__ import annotations

from typing import Any

OURS = {"lamb_rs", "LAMB", "AdamW"}
NAMES = {
    "torch fused": "torch, fused",
    "torch foreach": "torch, foreach",
    "optax jitted": "optax, jit",
    "Keras jitted": "Keras on JAX, jit",
    "bitsandbytes": "bitsandbytes, 8 bit",
}
SIZES = {
    "64 Mi": "64 Mi elements",
    "BERT-base, 110 M": "BERT-base (110 M)",
    "MLP, 235 k": "MLP (235 k)",
    "BERT layer, 7 M": "a BERT layer (7 M)",
    "4 tiny, 212": "four arrays (212 elements)",
}
Row = dict[str, Any]


def tables(report: dict[str, Any]) -> str:
    """The tables of a SIMD level, each with a title and a sentence about how to read it."""
    rows: list[Row] = report["results"]
    parts = [
        *provenance(report, "Results at the level {}"),
        *packages(rows),
        *floors(rows),
        *storages(rows),
        *within(rows),
        *small(rows),
    ]
    return "\n".join(parts) + "\n"


def peer_tables(report: dict[str, Any]) -> str:
    """A table for each rule: how much faster this library is than each other package."""
    pairs: list[Row] = report["pairs"]
    sizes = list(dict.fromkeys(pair["size"] for pair in pairs))
    lines = [
        *provenance(report, "Every rule and every package at the level {}"),
        "Each cell is the time of the other package divided by the time of lamb_rs: above 1,",
        "lamb_rs is faster. Memory is the growth of the process in the first step, parameters and",
        "gradients included, in bytes per parameter, for 64 Mi parameters.",
        "",
        *head(
            "rule",
            "other package",
            *(f"{SIZES[size]} (ratio, more is better)" for size in sizes),
            "memory of the other package (bytes, less is better)",
            "memory of lamb_rs (bytes, less is better)",
        ),
    ]
    for rule, peer in dict.fromkeys((pair["rule"], pair["peer"]) for pair in pairs):
        found = {
            pair["size"]: pair for pair in pairs if (pair["rule"], pair["peer"]) == (rule, peer)
        }
        large = found.get("64 Mi")
        cells = [
            *(f"{found[size]['speedup'][1]:.2f}" if size in found else "" for size in sizes),
            *(f"{large[who]:.0f}" if large else "" for who in ("peer_bytes", "ours_bytes")),
        ]
        lines.append(f"| {rule} | {NAMES.get(peer, peer)} | {' | '.join(cells)} |")
    slower = sorted(
        {
            f"{pair['rule']} in {NAMES.get(pair['peer'], pair['peer'])} ({SIZES[pair['size']]})"
            for pair in pairs
            if pair["speedup"][1] < 1
        }
    )
    if slower:
        lines += ["", f"Faster than lamb_rs in this run: {'; '.join(slower)}."]
    return "\n".join([*lines, ""]) + "\n"


def level(report: dict[str, Any]) -> str:
    """The SIMD level of a report, as it is written in text."""
    name: str = report["header"]["SIMD"]
    return {"sse2": "SSE2", "avx2": "AVX2", "avx512": "AVX-512", "neon": "NEON"}.get(name, name)


def provenance(report: dict[str, Any], title: str) -> list[str]:
    """A heading, and where, when and with what the numbers were measured."""
    where = report["header"]
    return [
        f"## {title.format(level(report))}",
        "",
        f"Machine: {where['machine']}. SIMD level: {level(report)}. Threads: {where['threads']}.",
        f"Date: {where['date']}. Versions: {where['versions']}. Command: `{where['command']}`.",
        "",
    ]


def head(*columns: str) -> list[str]:
    """The first two lines of a table."""
    return [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]


def packages(rows: list[Row]) -> list[str]:
    """The same step in another package."""
    lines = [
        "### Other packages",
        "",
        "A speed-up above 1 means that lamb_rs is faster.",
        "",
        *head(
            "step",
            "lamb_rs (ms, less is better)",
            "other package",
            "speed-up (ratio, more is better)",
        ),
    ]
    for row in rows:
        if row["unit"] != "ratio" or row["to"] == "floor" or not is_peer(row):
            continue
        ours_first = row["who"] in OURS
        peer = row["to"] if ours_first else row["who"]
        factor = inverted(row["quartiles"]) if ours_first else row["quartiles"]
        own = row["best"] if ours_first else best_of_ours(rows, row["case"])
        what = f"{step_name(row['case'])}, {SIZES[row['size']]}"
        lines.append(f"| {what} | {number(own)} | {NAMES.get(peer, peer)} | {spread(factor)} |")
    return [*lines, ""]


def floors(rows: list[Row]) -> list[str]:
    """Each rule against the time that its memory traffic takes."""
    lines = [
        "### The speed of memory",
        "",
        "One array of 64 Mi elements (Adafactor: a matrix of 8192 x 8192). The floor is the time",
        "to stream the same arrays through memory without any arithmetic.",
        "",
        *head(
            "rule",
            "step (ms, less is better)",
            "step / floor (ratio, less is better)",
            "goal, at most",
        ),
    ]
    for row in rows:
        if row["to"] == "floor":
            name = step_name(row["case"])
            goal = row["goal"].removeprefix("<= ")
            cells = (name, number(row["best"]), spread(row["quartiles"]), goal)
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def storages(rows: list[Row]) -> list[str]:
    """Narrow state against float32 state."""
    lines = [
        "### Narrow state",
        "",
        "A speed-up above 1 means that the step is faster with narrow state than with float32",
        "state.",
        "",
        *head(
            "rule",
            "parameters",
            "state",
            "speed-up over float32 (ratio, more is better)",
            "goal, at least",
        ),
    ]
    for row in rows:
        if "narrow" in row["case"]:
            rule = row["case"].partition(",")[0]
            goal = row["goal"].removeprefix(">= ")
            cells = (rule, SIZES[row["size"]], row["to"], spread(row["quartiles"]), goal)
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def within(rows: list[Row]) -> list[str]:
    """Two cases of this library."""
    lines = [
        "### Cases of this library compared with each other",
        "",
        *head("step", "compared with", "time / time (ratio, less is better)", "goal, at most"),
    ]
    for row in rows:
        own = row["unit"] == "ratio" and row["to"] != "floor" and "narrow" not in row["case"]
        if own and not is_peer(row):
            what, against = compared(row)
            goal = row["goal"].removeprefix("<= ")
            lines.append(f"| {what} | {against} | {spread(row['quartiles'])} | {goal} |")
    return [*lines, ""]


def small(rows: list[Row]) -> list[str]:
    """Steps that are short, and what the package costs before the first one."""
    lines = [
        "### Small models",
        "",
        *head("step", "time per step (us, less is better)", "goal, at most"),
    ]
    for row in rows:
        if row["unit"] == "us":
            rule = "LAMB" if row["case"].startswith("LAMB") else row["who"]
            goal = row["goal"].removeprefix("<= ")
            lines.append(f"| {rule}, {SIZES[row['size']]} | {middle(row):.3g} | {goal} |")
    (imported,) = [row for row in rows if row["case"] == "Import"]
    (size,) = [row for row in rows if row["unit"] == "MB" and row["who"].startswith("package")]
    return [
        *lines,
        "",
        f"`import lamb_rs` takes {middle(imported):.0f} ms more than `import numpy` alone. The",
        f"package is {middle(size):.1f} MB when compressed.",
        "",
    ]


def is_peer(row: Row) -> bool:
    """Whether one of the two that are compared is another package."""
    known = {"torch fused", "optax jitted", "timm", "pytorch_optimizer", "torch", "Keras", "optax"}
    return row["who"] in known or row["to"] in known


def best_of_ours(rows: list[Row], case: str) -> float:
    """Milliseconds of this library in a case."""
    return next(row["best"] for row in rows if row["case"] == case and row["who"] in OURS)


def step_name(case: str) -> str:
    """The name of a case without the words that are true of the whole table."""
    for ending in (", one tensor", ", one matrix", " and peers", " and torch", ", BERT", ", MLP"):
        case = case.removesuffix(ending)
    return case


def compared(row: Row) -> tuple[str, str]:
    """What a row compares, in words."""
    rule = row["case"].partition(",")[0]
    if "many" in row["case"]:
        return f"{rule}, 2000 arrays of 2000 elements", "one array of 4 million elements"
    if "subnormal" in row["case"]:
        return f"{rule}, second moment near 1e-40", "ordinary moments"
    return f"{row['who']}, {SIZES[row['size']]}", row["to"]


def inverted(quartiles: list[float | None]) -> list[float | None]:
    """Quartiles of the quotient the other way round."""
    return [None if one is None else 1 / one for one in reversed(quartiles)]


def middle(row: Row) -> float:
    """The median of what a row reports."""
    return float(row["quartiles"][1])


def number(milliseconds: float | None) -> str:
    """A time in milliseconds."""
    return "" if milliseconds is None else f"{milliseconds:.3g}"


def spread(quartiles: list[float | None]) -> str:
    """The median with the quartiles, where they were kept."""
    low, median, high = quartiles
    if low is None or high is None:
        return f"{median:.2f}"
    return f"{median:.2f} ({low:.2f} to {high:.2f})"
