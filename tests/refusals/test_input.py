"""Every class of bad array: the named exception, with a message that helps, or acceptance."""

from __future__ import annotations

import ctypes
import mmap
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    SGD,
    Lamb,
    LambError,
    ParameterSetError,
    ReadOnlyError,
)
from support.bad_input import (
    GRADIENTS,
    PARAMETERS,
    SHAPES,
    Bad,
    F,
    Plain,
    changed,
    snapshot,
    tensors,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Array = np.ndarray


def check(caught: pytest.ExceptionInfo[BaseException], bad: Bad, name: str, remedy: str) -> None:
    assert isinstance(caught.value, LambError)
    assert isinstance(caught.value, bad.builtin)
    message = str(caught.value)
    for word in (f"'{name}'", *bad.words, remedy):
        assert word in message, f"{word!r} is not in: {message}"


@pytest.mark.parametrize("position", SHAPES)
@pytest.mark.parametrize("bad", GRADIENTS, ids=lambda bad: bad.id)
def test_gradient_is_refused(bad: Bad, position: str) -> None:
    params, grads = tensors(), tensors(1)
    opt = Lamb(0.1)
    opt.build(params)
    opt.apply(grads)
    grads[position] = bad.make(grads[position])
    before = snapshot(opt, params)
    with pytest.raises(bad.error) as caught:
        opt.apply(grads)
    check(caught, bad, position, bad.remedy)
    if bad.error is lamb_rs.ShapeError:
        assert str(SHAPES[position]) in str(caught.value)
        assert str(grads[position].shape) in str(caught.value)
    assert not changed(before, snapshot(opt, params))


@pytest.mark.parametrize("position", SHAPES)
@pytest.mark.parametrize("bad", PARAMETERS, ids=lambda bad: bad.id)
def test_parameter_is_refused(bad: Bad, position: str) -> None:
    params = tensors()
    params[position] = bad.make(params[position])
    before = {name: repr(p) for name, p in params.items()}
    for act in (lambda opt: opt.build(params), lambda opt: opt.apply(tensors(1), params)):
        opt = Lamb()
        with pytest.raises(bad.error) as caught:
            act(opt)
        check(caught, bad, position, bad.remedy if bad.id == "read-only" else "")
        assert not opt.built
    assert {name: repr(p) for name, p in params.items()} == before


def test_names_of_nested_tensors_are_whole() -> None:
    params = {"encoder": [{"kernel": np.ones((2, 3), F)}, {"bias": np.ones(3, F)}]}
    opt = Lamb()
    opt.build(params)
    grads = {"encoder": [{"kernel": np.ones((2, 3), F)}, {"bias": np.ones(3)}]}
    with pytest.raises(lamb_rs.DTypeError, match=r"gradient of 'encoder/1/bias'.*float64"):
        opt.apply(grads)
    with pytest.raises(lamb_rs.DTypeError, match=r"parameter 'encoder/1/bias'.*float64"):
        Lamb().build({"encoder": [{"kernel": np.ones(3, F)}, {"bias": np.ones(3)}]})
    with pytest.raises(ParameterSetError, match=r"encoder/0.*kernel") as caught:
        opt.apply({"encoder": [{"kernal": np.ones((2, 3), F)}, {"bias": np.ones(3, F)}]})
    assert "did you mean 'kernel'" in str(caught.value)


# What is accepted


def mapped() -> Array:
    """In pages of its own."""
    pages = np.frombuffer(mmap.mmap(-1, 48), F)
    pages[:] = 1
    return pages.reshape(3, 4)


def stale(good: Array) -> Array:
    """Empty, contiguous, at an odd address."""
    return np.zeros(9, np.uint8)[1:1].view(F).reshape(0, *good.shape[1:])


ACCEPTED: dict[str, Callable[[Array], Array]] = {
    "subclass": lambda g: g.view(Plain),
    "matrix of one row": lambda g: g.reshape(1, -1),
    "0-d": lambda _: np.array(2, F),
    "empty": lambda _: np.zeros(0, F),
    "empty with axes": lambda _: np.zeros((3, 0, 2), F),
    "empty and strided": lambda _: np.zeros((4, 0, 6), F)[:, :, ::2].T,
    "stale and misaligned": stale,
    "one element, odd strides": lambda _: np.ones((4, 4), F)[1:2, 3:4].T,
    "32 axes": lambda _: np.ones((2,) + (1,) * 31, F),
    "ctypes": lambda _: np.ctypeslib.as_array((ctypes.c_float * 12)(1.0, 2.0)).reshape(3, 4),
    "anonymous map": lambda _: mapped(),
    "a slice": lambda g: np.concatenate([g, g])[1:3],
}


@pytest.mark.parametrize("make", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(make: Callable[[Array], Array]) -> None:
    """Each of them steps as the plain array of its values does."""
    params, plain = tensors(), tensors()
    params["middle"] = make(params["middle"])
    plain["middle"] = np.array(params["middle"], order="C")
    grads = tensors(1)
    grads["middle"] = make(grads["middle"])
    run = []
    for own in (params, plain):
        opt = Lamb(0.1, use_ema=True)
        opt.build(own)
        for _ in range(2):
            assert opt.apply(grads)
        run.append(snapshot(opt, {name: np.asarray(p) for name, p in own.items()}))
    assert not changed(*run)
    assert params["middle"].size == 0 or (params["middle"] != make(tensors()["middle"])).any()


def test_more_axes_than_rust_knows() -> None:
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("NumPy 1 has at most 32 axes")
    shape = (2,) + (1,) * 40
    params = {"deep": np.ones(shape, F)}
    opt = Lamb(0.1, use_ema=True)
    opt.build(params)
    assert opt.apply({"deep": np.ones(shape, F)})
    assert opt.averages["deep"].shape == shape
    opt.load_state_dict(opt.state_dict())
    assert opt.iterations == 1


@pytest.mark.parametrize("mode", ["r+", "c", "w+"])
def test_memmap(tmp_path: Path, mode: Any) -> None:
    file = tmp_path / "w"
    np.ones(12, F).tofile(file)
    w = np.memmap(file, F, mode, shape=(3, 4))
    w[...] = 1
    opt = SGD(0.5)
    opt.build({"w": w})
    assert opt.apply({"w": np.ones((3, 4), F)})
    assert (w == 0.5).all()


def test_read_only_memmap(tmp_path: Path) -> None:
    file = tmp_path / "w"
    np.ones(12, F).tofile(file)
    w = np.memmap(file, F, "r", shape=(3, 4))
    with pytest.raises(ReadOnlyError, match=r"parameter 'w'"):
        SGD().build({"w": w})
    # As a gradient it is as good as any.
    p = np.ones((3, 4), F)
    SGD(0.5).apply({"w": w}, {"w": p})
    assert (p == 0.5).all()


def test_gradients_may_be_read_only_overlap_and_be_the_same() -> None:
    shared = np.arange(8, dtype=F)
    shared.setflags(write=False)
    params = {"a": np.zeros(8, F), "b": np.zeros(8, F), "c": np.zeros(4, F)}
    SGD(1.0).apply({"a": shared, "b": shared, "c": shared[2:6]}, params)
    assert (params["a"] == -shared).all()
    assert (params["b"] == -shared).all()
    assert (params["c"] == -shared[2:6]).all()


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32])
def test_narrow_gradients(dtype: Any) -> None:
    grads = {name: g.astype(dtype) for name, g in tensors(1).items()}
    params, wide = tensors(), tensors()
    Lamb(0.1).apply(grads, params)
    Lamb(0.1).apply({name: g.astype(F) for name, g in grads.items()}, wide)
    for name, p in params.items():
        assert p.tobytes() == wide[name].tobytes()


def test_a_parameter_that_becomes_read_only() -> None:
    params = tensors()
    opt = Lamb()
    opt.build(params)
    params["middle"].setflags(write=False)
    before = snapshot(opt, params)
    with pytest.raises(ReadOnlyError, match=r"parameter 'middle' is read-only"):
        opt.apply(tensors(1))
    assert not changed(before, snapshot(opt, params))
    params["middle"].setflags(write=True)
    assert opt.apply(tensors(1))
