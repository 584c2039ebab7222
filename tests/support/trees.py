"""What is inside of structures: arrays in trees, rules in wrappers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def leaves(tree: Any) -> list[np.ndarray]:
    """The arrays of a structure, in the order of `parameter_names`."""
    if isinstance(tree, np.ndarray):
        return [tree]
    inside = tree.values() if isinstance(tree, Mapping) else tree
    return [leaf for one in inside for leaf in leaves(one)]


def rules(opt: Any) -> list[Any]:
    """The optimizers that have a rule of their own: this one, or those inside a wrapper."""
    inside = getattr(opt, "optimizers", None) or [getattr(opt, "inner", None)]
    return [opt] if inside == [None] else [rule for one in inside for rule in rules(one)]
