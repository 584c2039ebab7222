"""Text tables, and values for JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table for a terminal.

    Parameters
    ----------
    header : sequence of str
        Titles of the columns.
    rows : sequence of sequence of str
        One string per column; an empty row is a horizontal line.
    left : int, default 1
        Number of columns, from the left, that are left-aligned. The others are right-aligned.

    Returns
    -------
    str
        Without a newline at the end.
    """
    widths = [
        max(len(row[column]) for row in (header, *rows) if row) for column in range(len(header))
    ]
    rule = "  ".join("-" * width for width in widths)
    lines = []
    for row in (header, [], *rows):
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  ".join(cells).rstrip() if row else rule)
    return "\n".join(lines)


def finite(value: object) -> object:
    """Replace numbers that JSON cannot represent (NaN, infinities) by None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if value is None or isinstance(value, str | int):
        return value
    return str(value)
