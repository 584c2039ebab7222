"""Tables of learning rates to start from, from the sweeps in `docs/_data/starting_rates.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from markdown import table

DATA = Path(__file__).resolve().parents[1] / "_data" / "starting_rates.json"
STEPS = ("100", "1000", "10000")
TITLES = {"100": "100 steps", "1000": "1000 steps", "10000": "10 000 steps"}


def tables() -> str:
    """A description of the sweeps and one table for each problem."""
    if not DATA.exists():
        return "The sweeps have not been run yet.\n"
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    parts = [
        f"Batch: {found['batch']}. Seeds: {len(found['seeds'])}. Schedule: {found['schedule']}.",
        f"A rate is good if its loss is small: {found['good']}. Command: `{found['command']}`.",
        "",
    ]
    for name, problem in found["problems"].items():
        parts += [f"### {name.capitalize()}", ""]
        parts += [f"Network {problem['network']}. {problem['about']}.", ""]
        lines = [
            (link(title, rule), settings(rule), *cells(rule["results"][name]))
            for title, rule in found["rules"].items()
            if name in rule["results"]
        ]
        head = ("optimizer", "settings", *(TITLES[steps] for steps in STEPS))
        parts += table(head, lines)
    return "\n".join(parts)


def link(title: str, rule: dict[str, Any]) -> str:
    """The name of a row, with a link to the page of its class."""
    return f"[{title}](/api/{rule['class']}.md)"


def settings(rule: dict[str, Any]) -> str:
    """Arguments other than the learning rate."""
    return ", ".join(f"`{name}={value!r}`" for name, value in rule["arguments"].items()) or "-"


def cells(results: dict[str, Any]) -> list[str]:
    """The best rate for each number of steps, and the range of good ones."""
    return [cell(results[steps]) if steps in results else "" for steps in STEPS]


def cell(found: dict[str, Any]) -> str:
    """The best rate, and the lowest and highest good one."""
    low, high = found["good"]
    return f"**{found['best']:g}** ({low:g} to {high:g})"
