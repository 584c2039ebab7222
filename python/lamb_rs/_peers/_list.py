"""The table of peers as people see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from lamb_rs import _core
from lamb_rs._errors import HyperparameterError
from lamb_rs._peers._arguments import REQUIRED
from lamb_rs._peers._table import table as peer_table
from lamb_rs._text import table

if TYPE_CHECKING:
    from lamb_rs._peers._peer import Peer

# Settings that are the same for all peers.
_OURS = {"nonfinite", "name"}


@dataclass(frozen=True, slots=True)
class Variant:
    """An optimizer of another package.

    Parameters
    ----------
    name : str
        Name for `from_peer`.
    optimizer : str or None
        Class of this library. None if it is refused, and for a wrapper that only sets arguments of
        its base.
    switches : dict
        Arguments of that class that differ from its defaults, at the peer's defaults.
    checked : {"compared", "read", "refused"}
        Whether trajectories were compared with the running package, or its code or paper was read.
    note : str
        Remaining differences, or why it is refused and what to use instead.
    arguments : dict
        Arguments that `from_peer` takes, with the defaults of the peer, or
        `inspect.Parameter.empty` for an argument without a default.
    wraps : bool
        Whether it wraps another peer, which is passed as ``base`` and ``base_kwargs``.
    """

    name: str
    optimizer: str | None
    switches: dict[str, Any]
    checked: str
    note: str
    arguments: dict[str, Any] = field(default_factory=dict)
    wraps: bool = False


class Variants(list[Variant]):
    """A list of variants that prints as a table."""

    def __str__(self) -> str:
        """Return one line per variant, then notes and refusals."""
        usable = [one for one in self if one.checked != "refused"]
        rows = [["peer", "optimizer", "checked", "switches"]]
        for one in usable:
            switches = ", ".join(f"{name}={value!r}" for name, value in one.switches.items())
            rows.append([one.name, one.optimizer or "(its base)", one.checked, switches or "-"])
        lines = table(rows)
        for title, found in {
            "Notes": [one for one in usable if one.note],
            "Refused": [one for one in self if one.checked == "refused"],
        }.items():
            if found:
                lines += ["", title, *table([[one.name, one.note] for one in found])]
        return "\n".join(lines)

    __repr__ = __str__


def listed() -> Variants:
    """List all peers, with the refused ones at the end."""
    defaults = {
        row["class_name"]: {one["name"]: one["default"] for one in row["hyper"]}
        for row in _core.algorithms()
    }
    everyone = [_variant(peer, defaults) for peer in peer_table().values()]
    return Variants(sorted(everyone, key=lambda one: one.checked == "refused"))


def _variant(peer: Peer, defaults: dict[str, dict[str, Any]]) -> Variant:
    arguments = {
        name: Parameter.empty if one.default is REQUIRED else one.default
        for name, one in peer.arguments.items()
    }
    if peer.refused:
        return Variant(peer.name, None, {}, "refused", peer.refused, arguments, peer.wraps)
    checked = "compared" if peer.compared else "read"
    notes = [peer.note, peer.shapes]
    required = {name: 1.0 for name, one in peer.arguments.items() if one.default is REQUIRED}
    try:
        rule, settings, wrappers = _at_defaults(peer, required)
    except HyperparameterError as refusal:
        rule, settings, wrappers = peer.rule, peer.sets, []
        notes.append(f"refused at its own defaults: {str(refusal).partition(': ')[2]}")
    given = {name for one in required for name in peer.arguments[one].settings(1.0)}
    known = defaults.get(rule, {})
    found = {
        name: value
        for name, value in settings.items()
        if name not in given | _OURS and (name not in known or value != known[name])
    }
    for wrapper in wrappers:
        rule = f"{wrapper}({rule})"
    note = "; ".join(filter(None, notes))
    return Variant(peer.name, rule or None, found, checked, note, arguments, peer.wraps)


def _at_defaults(peer: Peer, required: dict[str, Any]) -> tuple[str, dict[str, Any], list[str]]:
    """Return class, settings and wrappers of a peer at its defaults."""
    if not peer.wraps:
        draft = peer.draft(dict(required))
        return draft.rule, draft.settings, [wrapper for wrapper, _ in draft.layers]
    settings = dict(peer.sets)
    for name, one in peer.arguments.items():
        settings |= one.settings(required.get(name, one.default))
    return peer.rule, settings, []
