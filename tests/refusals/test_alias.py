"""Memory that would be written twice, or written and read."""

from __future__ import annotations

import ctypes
import mmap
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lamb_rs import (
    SGD,
    AliasError,
    Lamb,
    ReadOnlyError,
)
from support.bad_input import (
    SHAPES,
    F,
    Plain,
    changed,
    snapshot,
    tensors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = np.ndarray


def overlapping() -> Iterator[Any]:
    w = np.ones(16, F)
    yield pytest.param({"a": w, "b": w}, "64 bytes", id="same array")
    yield pytest.param({"a": w, "b": w[:]}, "64 bytes", id="view of the same")
    yield pytest.param({"a": w[:9], "b": w[8:]}, "4 bytes", id="slices")
    yield pytest.param({"a": w, "b": w[3:5]}, "8 bytes", id="one inside the other")
    yield pytest.param({"b": w[3:5], "a": w}, "8 bytes", id="one around the other")
    square = w.reshape(4, 4)
    yield pytest.param({"a": w, "b": square[1:2]}, "16 bytes", id="other shape")
    memory = bytearray(64)
    first, second = (np.frombuffer(memory, F) for _ in range(2))
    yield pytest.param({"a": first, "b": second}, "64 bytes", id="two frombuffer")
    half = np.frombuffer(memory, F, offset=32)
    yield pytest.param({"a": first, "b": half}, "32 bytes", id="frombuffer with an offset")
    block = (ctypes.c_float * 16)()
    one, two = (np.ctypeslib.as_array(block) for _ in range(2))
    yield pytest.param({"a": one, "b": two}, "64 bytes", id="ctypes")
    pages = mmap.mmap(-1, 64)
    left, right = (np.frombuffer(pages, F) for _ in range(2))
    yield pytest.param({"a": left, "b": right}, "64 bytes", id="mmap")
    yield pytest.param({"a": w.view(Plain), "b": w}, "64 bytes", id="subclass")
    zero = np.array(1, F)
    yield pytest.param({"a": zero, "b": zero}, "4 bytes", id="0-d")


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize(("params", "size"), list(overlapping()))
def test_parameters_that_overlap(params: dict[str, Array], size: str, between: bool) -> None:
    if between:
        others = {f"other{i}": np.ones(3, F) for i in range(3)}
        names = list(params)
        params = {names[0]: params[names[0]], **others, names[1]: params[names[1]]}
    opt = Lamb()
    with pytest.raises(AliasError, match=rf"'[ab]' and '[ab]' share {size}") as caught:
        opt.build(params)
    assert isinstance(caught.value, ValueError)
    assert "'a'" in str(caught.value)
    assert "'b'" in str(caught.value)
    assert not opt.built


def test_neighbours_are_no_overlap() -> None:
    memory = np.ones(64, F)
    params = {str(i): memory[4 * i : 4 * i + 4] for i in range(8)}
    # Gradients in the gaps and between, and empty arrays anywhere.
    grads = {str(i): memory[32 + 4 * i : 36 + 4 * i] for i in range(8)}
    params["empty"] = memory[2:2]
    grads["empty"] = memory[3:3]
    assert SGD(0.5).apply(grads, params)
    assert (memory[:32] == 0.5).all()
    assert (memory[32:] == 1).all()


@pytest.mark.parametrize("order", [1, -1])
def test_gradient_in_the_memory_of_a_parameter(order: int) -> None:
    memory = np.ones(40, F)
    params = dict(list({"a": memory[:8], "b": memory[8:16], "c": memory[24:32]}.items())[::order])
    opt = SGD(0.5)
    opt.build(params)
    good = {name: np.ones(8, F) for name in params}
    rows = {
        ("a", "a"): (memory[:8], 32),
        ("a", "b"): (memory[8:16], 32),
        ("b", "a"): (memory[7:15], 4),
        ("c", "b"): (memory[15:23], 4),
        ("b", "c"): (memory[17:25], 4),
        ("a", "c"): (memory[31:39], 4),
    }
    for (name, owner), (gradient, size) in rows.items():
        with pytest.raises(AliasError) as caught:
            opt.apply(good | {name: gradient})
        message = str(caught.value)
        assert f"gradient of '{name}'" in message
        assert f"{size} bytes" in message
        assert "copy" in message
        assert f"'{owner}'" in message or (name, owner) == ("b", "a")
    half = memory[4:8].view(np.float16)
    with pytest.raises(AliasError, match=r"gradient of 'c' shares 16 bytes.*parameter 'a'"):
        opt.apply(good | {"c": half})
    assert (memory == 1).all()
    opt.apply(good | {"a": memory[16:24], "b": memory[32:40]})
    assert (memory[:16] == 0.5).all()


def test_the_parameters_are_no_gradients() -> None:
    params = tensors()
    opt = Lamb()
    opt.build(params)
    with pytest.raises(AliasError, match=r"'first' shares 140 bytes.*parameter 'first'.*copy"):
        opt.apply(params)


def test_an_average_is_no_gradient() -> None:
    params = tensors()
    opt = Lamb(use_ema=True)
    opt.build(params)
    opt.apply(tensors(1))
    before = snapshot(opt, params)
    for name in SHAPES:
        with pytest.raises(AliasError, match=rf"gradient of '{name}' shares.*the state.*copy"):
            opt.apply(tensors(1) | {name: opt.averages[name]})
    assert not changed(before, snapshot(opt, params))
    assert opt.apply({name: average.copy() for name, average in opt.averages.items()})


def test_averages_cannot_be_made_writeable() -> None:
    params = tensors()
    opt = Lamb(use_ema=True)
    opt.build(params)
    opt.apply(tensors(1))
    average = opt.averages["first"]
    with pytest.raises(ValueError, match=r"WRITEABLE"):
        average.setflags(write=True)
    with pytest.raises(ReadOnlyError):
        Lamb().build({"a": average})
    # They outlive the optimizer.
    del opt
    assert average.shape == params["first"].shape
    assert np.isfinite(average).all()
