"""Classes that users derive from optimizers, and the base class itself."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import Adam, Larc, Lookahead, LossScaleOptimizer, MultiOptimizer, Optimizer

F = np.float32


class Tagged(Adam):  # type: ignore[misc]
    """A subclass with attributes in a dict."""


class Slotted(Adam):  # type: ignore[misc]
    """A subclass with attributes in slots."""

    __slots__ = ("empty", "notes", "tag")


class Own(Optimizer):
    """What somebody writes who looks for a place for a rule of their own."""


COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda opt: pickle.loads(pickle.dumps(opt)),
}
WRAPS: dict[str, Any] = {
    "alone": lambda opt: opt,
    "lookahead": Lookahead,
    "larc": Larc,
    "loss scale": LossScaleOptimizer,
    "multi": lambda opt: MultiOptimizer([("*", opt)]),
}


def leaf(opt: Any) -> Any:
    while not isinstance(opt, Adam):
        opt = opt.inner if hasattr(opt, "inner") else opt.optimizers[0]
    return opt


@pytest.mark.parametrize("cls", [Tagged, Slotted])
@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("built", [False, True])
def test_attributes_of_subclasses_are_copied(cls: Any, wrap: Any, copied: Any, built: bool) -> None:
    inner = cls(0.125)
    inner.tag, inner.notes = "mine", [1, 2]
    opt = wrap(inner)
    params = [np.ones(3, F)]
    if built:
        opt.build(params)
        opt.apply([np.ones(3, F)])
    again = leaf(copied(opt))
    assert type(again) is cls
    assert (again.tag, again.notes, again.learning_rate) == ("mine", [1, 2], 0.125)
    assert not hasattr(again, "empty")
    if copied is not copy.copy:
        assert again.notes is not inner.notes


def test_the_base_class_has_no_rule() -> None:
    for arguments in ((), (0.1,)):
        with pytest.raises(TypeError, match=r"Optimizer is the base class.*lamb_rs\.AdamW\(\)"):
            Optimizer(*arguments)
        with pytest.raises(TypeError, match=r"Own subclasses Optimizer itself.*lamb_rs\.AdamW"):
            Own(*arguments)


TWICE = {
    "Lookahead": (Lookahead, "sync_period"),
    "Larc": (Larc, "trust_coefficient"),
    "LossScaleOptimizer": (LossScaleOptimizer, "scales the loss already"),
}


@pytest.mark.parametrize(("wrap", "way_out"), TWICE.values(), ids=TWICE)
def test_a_wrapper_twice_blames_the_wrapper(wrap: Any, way_out: str) -> None:
    name = wrap.__name__
    nests: list[Any] = [wrap(Adam()), MultiOptimizer([("*", Lookahead(Adam()))])]
    nests[1] = wrap(MultiOptimizer([("*", Adam())]))
    for inner in nests:
        with pytest.raises(
            lamb_rs.HyperparameterError, match=f"{name} cannot go around {name}: it .*{way_out}"
        ):
            wrap(inner)


def test_a_held_hyperparameter_names_the_wrapper_that_holds_it() -> None:
    inner = Adam()
    outer = LossScaleOptimizer(Lookahead(inner))
    with pytest.raises(lamb_rs.HyperparameterError, match="set by the LossScaleOptimizer around"):
        inner.nonfinite = "raise"
    assert outer.inner.inner is inner
    with pytest.raises(lamb_rs.HyperparameterError, match="go around LossScaleOptimizer: it"):
        LossScaleOptimizer(Lookahead(LossScaleOptimizer(Adam())))
