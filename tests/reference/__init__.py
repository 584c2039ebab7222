"""Float64 references, one small file per algorithm, written from the papers.

They know nothing of the library: no storage, no threads, no float32. A registered algorithm
without a row in ``RULES`` makes a test fail.
"""

from __future__ import annotations

from typing import Any

from .adagrad import Adagrad
from .adam import Adam, AdamW
from .base import SHARED, Reference, Rule
from .lamb import Lamb
from .lars import Lars
from .lion import Lion
from .radam import RAdam
from .sgd import Sgd

__all__ = ["RULES", "SHARED", "Reference", "reference"]

RULES: dict[str, Rule] = {
    "sgd": Sgd,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "radam": RAdam,
    "lion": Lion,
    "lars": Lars,
    "lamb": Lamb,
}


def reference(algorithm: str, **hyper: Any) -> Reference:
    """The reference of a registered algorithm."""
    return Reference(RULES[algorithm], **hyper)
