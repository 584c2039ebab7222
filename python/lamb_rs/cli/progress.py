"""A progress bar on a terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Self

from lamb_rs.cli.extras import require

if TYPE_CHECKING:
    from types import TracebackType


class Progress:
    """A progress bar on standard error, removed at the end.

    Parameters
    ----------
    name : str
        What is in progress.
    total : int
        Amount of work.
    unit : str
        Unit of the work.

    Attributes
    ----------
    shown : bool
        Whether there is a bar: standard error is a terminal, and not that of a CI job.
    """

    def __init__(self, name: str, total: int, unit: str) -> None:
        (tqdm,) = require("tqdm")
        self.shown = sys.stderr.isatty() and not os.environ.get("CI")
        self._bar = tqdm.tqdm(
            desc=name,
            total=total,
            unit=unit,
            unit_scale=unit == "B",
            disable=not self.shown,
            leave=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def name(self, text: str) -> None:
        """Say what is in progress now."""
        self._bar.set_description(text)

    def add(self, work: int) -> None:
        """Add to the amount of work."""
        self._bar.total += work

    def tick(self) -> None:
        """Count one more piece of work as done."""
        self._bar.update()

    def reach(self, done: int) -> None:
        """Set how much of the work is done."""
        self._bar.update(done - self._bar.n)
