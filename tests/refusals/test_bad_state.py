"""States that do not fit, and states of every layout that do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    Adam,
    Lamb,
    LambError,
    StateMismatchError,
)
from support.bad_input import (
    F,
    Plain,
    changed,
    misaligned,
    snapshot,
    tensors,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Array = np.ndarray


SPOILED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "missing": (lambda s: s.pop("last/momentum"), "'last/momentum' is missing"),
    "unknown": (lambda s: s.update({"lost/momentum": np.ones(3, F)}), "'lost/momentum'"),
    "shape": (
        lambda s: s.update({"first/momentum": np.ones((7, 5), F)}),
        "'first/momentum' must be float32 .*5.*7.*7, 5",
    ),
    "dtype": (
        lambda s: s.update({"first/velocity": np.ones((5, 7))}),
        "'first/velocity' must be float32.*float64",
    ),
    "type": (lambda s: s.update({"middle/momentum": [1.0]}), "'middle/momentum'.*list"),
    "masked": (
        lambda s: s.update({"middle/velocity": np.ma.masked_array(s["middle/velocity"])}),
        "'middle/velocity'.*MaskedArray",
    ),
    "algorithm": (lambda s: s.update({"optimizer/algorithm": "adam"}), "'adam'.*'lamb'"),
    "format": (lambda s: s.update({"optimizer/format_version": 99}), "format_version.*99"),
    "numerics": (lambda s: s.update({"optimizer/numerics_version": 99}), "numerics_version.*99"),
    "iterations": (lambda s: s.update({"optimizer/iterations": -1}), "iterations'"),
    "calls": (lambda s: s.update({"optimizer/calls": 1.5}), "calls'"),
    "skipped": (lambda s: s.pop("optimizer/skipped_steps"), "skipped_steps'"),
    "first rate": (
        lambda s: s.update({"optimizer/first_learning_rate": "x"}),
        "first_learning_rate'",
    ),
    "first rate nan": (
        lambda s: s.update({"optimizer/first_learning_rate": np.nan}),
        "first_learning_rate'",
    ),
    "first rate negative": (
        lambda s: s.update({"optimizer/first_learning_rate": -1.0}),
        "first_learning_rate'",
    ),
    "largest rate": (
        lambda s: s.update({"optimizer/largest_learning_rate": None}),
        "largest_learning_rate'",
    ),
    "largest rate missing": (
        lambda s: s.pop("optimizer/largest_learning_rate"),
        "largest_learning_rate'",
    ),
}


def trained() -> tuple[Lamb, dict[str, Array]]:
    params = tensors()
    opt = Lamb(0.1)
    opt.build(params)
    for t in range(3):
        opt.apply(tensors(t))
    return opt, params


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize(("spoil", "message"), SPOILED.values(), ids=SPOILED)
def test_spoiled_state(spoil: Callable[..., Any], message: str, waiting: bool) -> None:
    opt, params = trained()
    state = opt.state_dict()
    spoil(state)
    if waiting:
        fresh = Lamb(0.1)
        fresh.load_state_dict(state)
        with pytest.raises(StateMismatchError, match=message):
            fresh.build(tensors())
        assert not fresh.built
        return
    before = snapshot(opt, params)
    with pytest.raises(StateMismatchError, match=message) as caught:
        opt.load_state_dict(state)
    assert isinstance(caught.value, ValueError)
    assert not changed(before, snapshot(opt, params))


def test_all_differences_are_listed_at_once() -> None:
    opt, params = trained()
    state = opt.state_dict()
    rows = {name: row for name, row in SPOILED.items() if not name.startswith("first rate ")}
    rows.pop("largest rate missing")
    for spoil, _ in rows.values():
        spoil(state)
    before = snapshot(opt, params)
    with pytest.raises(StateMismatchError) as caught:
        opt.load_state_dict(state)
    lines = str(caught.value).splitlines()
    for _, message in rows.values():
        assert any(re.search(message, line) for line in lines), (message, lines)
    assert not changed(before, snapshot(opt, params))


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "misaligned": misaligned,
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    "subclass": lambda x: x.view(Plain),
}


def packed(x: Array) -> Array:
    records = np.zeros(x.shape, [("a", "u1"), ("x", x.dtype)])
    records["x"] = x
    return records["x"]


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
@pytest.mark.parametrize("make", [*LAYOUTS.values(), packed], ids=[*LAYOUTS, "packed field"])
def test_state_of_any_layout_is_read_right_or_refused(
    make: Callable[[Array], Array], storage: Any
) -> None:
    params = tensors()
    opt = Lamb(0.1, state_dtype=storage)
    opt.build(params)
    opt.apply(tensors(1))
    state = opt.state_dict()
    good = snapshot(opt, params)
    opt.apply(tensors(2))
    state["middle/momentum"] = make(state["middle/momentum"])
    before = snapshot(opt)
    try:
        opt.load_state_dict(state)
    except StateMismatchError as error:
        assert "'middle/momentum'" in str(error)  # noqa: PT017
        assert not changed(before, snapshot(opt))
        return
    now = snapshot(opt)
    assert not [name for name in changed(good, now) if name.startswith("state")]


@pytest.mark.parametrize("nonsense", [5, None, "x", [1], object()])
def test_nonsense_instead_of_a_state(nonsense: Any) -> None:
    for opt in (Lamb(), trained()[0]):
        with pytest.raises((LambError, TypeError, ValueError)):
            opt.load_state_dict(nonsense)


def test_state_of_another_optimizer() -> None:
    opt, _ = trained()
    adam = Adam()
    adam.build(params := tensors())
    before = snapshot(adam, params)
    with pytest.raises(StateMismatchError, match="it is of 'lamb', this optimizer is 'adam'"):
        adam.load_state_dict(opt.state_dict())
    assert not changed(before, snapshot(adam, params))


def test_a_state_that_waits_is_a_copy() -> None:
    opt, _ = trained()
    state = opt.state_dict()
    fresh = Lamb(0.1)
    fresh.load_state_dict(state)
    state["first/momentum"][...] = 7
    fresh.build(params := tensors())
    assert not (fresh.state_dict()["first/momentum"] == 7).any()
    assert params["first"].shape == (5, 7)


def test_the_counter_ends_with_an_error() -> None:
    opt, params = trained()
    state = opt.state_dict()
    state["optimizer/iterations"] = state["optimizer/calls"] = 2**63 - 1
    opt.load_state_dict(state)
    before = snapshot(opt, params)
    with pytest.raises(OverflowError, match="counter"):
        opt.apply(tensors(1))
    assert not changed(before, snapshot(opt, params))


@pytest.mark.parametrize("cls", [getattr(lamb_rs, n) for n in lamb_rs.optim.__all__])
@pytest.mark.parametrize("t", [2**24, 2**53, 2**63 - 2])
def test_late_steps_are_finite(cls: Any, t: int) -> None:
    opt = cls()
    opt.build(params := tensors())
    state = opt.state_dict()
    state["optimizer/iterations"] = state["optimizer/calls"] = t
    opt.load_state_dict(state)
    assert opt.apply(tensors(1))
    assert opt.iterations == t + 1
    assert all(np.isfinite(p).all() for p in params.values())
