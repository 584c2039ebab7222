"""What other packages call the same rule, from `lamb_rs.peers`."""

from __future__ import annotations

from typing import Any

import lamb_rs


def entries() -> dict[str, Any]:
    """Every peer that `from_peer` knows."""
    return dict(lamb_rs.peers()) if hasattr(lamb_rs, "peers") else {}


def of_class(class_name: str) -> list[str]:
    """The section of an optimizer's page."""
    return []


def pages() -> dict[str, str]:
    """The table of all peers."""
    return {"reference/peers.md": "# Peers\n\n"}
