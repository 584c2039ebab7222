"""Optimizers by the names and arguments of other packages."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from lamb_rs._errors import HyperparameterError
from lamb_rs._peers._table import find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamb_rs._optimizer.base import Optimizer
    from lamb_rs._peers._peer import Draft

_BASE = ("base", "base_kwargs")


def draft(name: str, given: Mapping[str, Any]) -> Draft:
    """Translate the name and arguments of a peer: see `from_peer`."""
    peer = find(name)
    own = dict(given)
    if not peer.wraps or peer.refused:
        return peer.draft(own)
    base, kwargs = (own.pop(key, None) for key in _BASE)
    if not isinstance(base, str):
        raise HyperparameterError(
            f"{peer.name} wraps an optimizer: base='torch.AdamW', base_kwargs={{'lr': ...}}"
            + ("" if base is None else f"; base is {base!r}")
        )
    inner = draft(base, {} if kwargs is None else dict(kwargs))
    return peer.draft(own, inner)


def make(name: str, given: Mapping[str, Any]) -> Optimizer:
    """Make an optimizer from a peer's name and arguments."""
    translated = draft(name, given)
    made = translated.make()
    for words in translated.told:
        warnings.warn(words, UserWarning, stacklevel=3)
    return made
