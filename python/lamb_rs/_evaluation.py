"""Averages in the place of the parameters, for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from lamb_rs._errors import ConcurrentStepError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamb_rs import _core


@contextmanager
def averaged(native: _core.Optimizer) -> Iterator[None]:
    """Put the averages into the parameters, and the old bits back at the end."""
    averages = native.averages()
    parameters = dict(zip(native.parameter_names, native.parameters, strict=True))
    kept = {name: parameters[name].copy() for name in averages}
    try:
        # Before the first update there is nothing to average.
        if native.iterations:
            for name, average in averages.items():
                parameters[name][...] = average
        yield
    finally:
        for name, values in kept.items():
            parameters[name][...] = values


class Frozen:
    """Stands in for a native optimizer while its parameters hold something else."""

    def __init__(self, native: _core.Optimizer) -> None:
        self._native = native

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def _refuse(self, *_: object) -> NoReturn:
        raise ConcurrentStepError(
            "the parameters hold their averages inside evaluation_weights(); "
            "leave the with block before changing parameters or state"
        )

    apply = build = finalize = load_state_dict = reset = _refuse
