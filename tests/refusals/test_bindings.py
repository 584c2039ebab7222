"""Gradients and parameters that are not those that were bound, and calls at the wrong time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lamb_rs import (
    SGD,
    Lamb,
    LambError,
    NotBuiltError,
    ParameterSetError,
)
from support.bad_input import (
    F,
    changed,
    snapshot,
    tensors,
)
from support.children import run
from support.trees import leaves

if TYPE_CHECKING:
    from collections.abc import Callable

Array = np.ndarray


# The set of gradients

WRONG_SETS: dict[str, tuple[Callable[[dict[str, Array]], Any], tuple[str, ...]]] = {
    "missing": (lambda g: {"first": g["first"], "last": g["last"]}, ("'middle'", "missing")),
    "two missing": (lambda g: {"first": g["first"]}, ("'middle'", "'last'", "missing")),
    "unknown": (
        lambda g: g | {"lost": g["first"]},
        ("'lost'", "unknown", "did you mean 'last'"),
    ),
    "renamed": (
        lambda g: {"first": g["first"], "midle": g["middle"], "last": g["last"]},
        ("'midle'", "missing: 'middle'", "did you mean 'middle'"),
    ),
    "none at all": (lambda _: {}, ("'first'", "'middle'", "'last'")),
    "a list": (lambda g: list(g.values()), ("mapping", "list")),
    "one array": (lambda g: g["first"], ("mapping", "ndarray")),
    "None": (lambda _: None, ("mapping", "NoneType")),
    "all None": (dict.fromkeys, ("None", "at least one")),
}


@pytest.mark.parametrize(("make", "words"), WRONG_SETS.values(), ids=WRONG_SETS)
def test_wrong_set_of_gradients(make: Callable[..., Any], words: tuple[str, ...]) -> None:
    params = tensors()
    opt = Lamb(0.1)
    opt.build(params)
    opt.apply(tensors(1))
    before = snapshot(opt, params)
    with pytest.raises(ParameterSetError) as caught:
        opt.apply(make(tensors(2)))
    assert isinstance(caught.value, ValueError)
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert not changed(before, snapshot(opt, params))


WRONG_LISTS: dict[str, tuple[Callable[[list[Array]], Any], tuple[str, ...]]] = {
    "short": (lambda g: g[:2], ("3", "2 items")),
    "long": (lambda g: [*g, g[0]], ("3", "4 items")),
    "empty": (lambda _: [], ("3", "0 items")),
    "a dict": (lambda g: {str(i): x for i, x in enumerate(g)}, ("sequence", "dict")),
    "a generator": (lambda g: (x for x in g), ("sequence", "generator")),
    "one array": (lambda g: g[0], ("sequence", "ndarray")),
    "all None": (lambda _: [None] * 3, ("None",)),
}


@pytest.mark.parametrize(("make", "words"), WRONG_LISTS.values(), ids=WRONG_LISTS)
def test_wrong_number_of_gradients(make: Callable[..., Any], words: tuple[str, ...]) -> None:
    params = list(tensors().values())
    opt = Lamb(0.1)
    opt.build(params)
    with pytest.raises(ParameterSetError) as caught:
        opt.apply(make(list(tensors(2).values())))
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert opt.calls == 0


WRONG_PARAMETERS: dict[str, tuple[Any, type[Exception], str]] = {
    "nothing": ([], ParameterSetError, "no parameters"),
    "empty mappings": ({"a": {}, "b": []}, ParameterSetError, "no parameters"),
    "None": (None, TypeError, "NoneType"),
    "text": ("weights", TypeError, "str"),
    "slash": ({"a/b": np.ones(3, F)}, ParameterSetError, "'a/b'.*without '/'"),
    "number as a key": ({1.5: np.ones(3, F)}, ParameterSetError, "1.5"),
    "same name": ({1: np.ones(3, F), "1": np.ones(3, F)}, ParameterSetError, "two .*'1'"),
}


@pytest.mark.parametrize(
    ("params", "error", "message"), WRONG_PARAMETERS.values(), ids=WRONG_PARAMETERS
)
def test_wrong_structure(params: Any, error: type[Exception], message: str) -> None:
    opt = Lamb()
    with pytest.raises(error, match=message) as caught:
        opt.build(params)
    assert isinstance(caught.value, LambError)
    assert not opt.built


def test_a_structure_that_holds_itself() -> None:
    params: list[Any] = [np.ones(3, F)]
    params.append(params)
    with pytest.raises(ParameterSetError, match=r"64 levels"):
        Lamb().build(params)


# Parameters that are not the bound ones any more


def rebound_in_dict() -> tuple[Any, Callable[[], Any]]:
    params = tensors()
    return params, lambda: params.update(middle=params["middle"] - 1)


def rebound_in_list() -> tuple[Any, Callable[[], Any]]:
    params = list(tensors().values())

    def rebind() -> None:
        params[1] = params[1] - 1

    return params, rebind


def rebound_inside() -> tuple[Any, Callable[[], Any]]:
    params = {"layers": [tensors(), tensors(1)]}
    return params, lambda: params["layers"].__setitem__(1, tensors(2))


def resized() -> tuple[Any, Callable[[], Any]]:
    params = tensors()
    return params, lambda: params["middle"].resize((600, 800), refcheck=False)


def emptied() -> tuple[Any, Callable[[], Any]]:
    params = tensors()
    return params, lambda: params["middle"].resize((0, 0), refcheck=False)


def grown() -> tuple[Any, Callable[[], Any]]:
    params = tensors()
    return params, lambda: params.update(more=np.ones(3, F))


def shrunk() -> tuple[Any, Callable[[], Any]]:
    params = tensors()
    return params, lambda: params.pop("middle")


MOVED = {
    "dict": rebound_in_dict,
    "list": rebound_in_list,
    "nested": rebound_inside,
    "resized": resized,
    "emptied": emptied,
    "one more key": grown,
    "one key less": shrunk,
}


def like(params: Any, seed: int) -> Any:
    if isinstance(params, dict):
        return {key: like(value, seed) for key, value in params.items()}
    if isinstance(params, list):
        return [like(value, seed) for value in params]
    return np.random.default_rng(seed).normal(size=params.shape).astype(F)


@pytest.mark.parametrize("make", MOVED.values(), ids=MOVED)
def test_moved_parameters(make: Callable[[], tuple[Any, Callable[[], Any]]]) -> None:
    params, move = make()
    grads = like(params, 5)
    opt = Lamb(0.1)
    opt.build(params)
    assert opt.apply(grads)
    arrays = leaves(params)
    move()
    before = [array.tobytes() for array in arrays], opt.iterations, opt.calls
    with pytest.raises(ParameterSetError) as caught:
        opt.apply(grads)
    assert ([array.tobytes() for array in arrays], opt.iterations, opt.calls) == before
    message = str(caught.value)
    if make not in {grown, shrunk}:
        assert "'middle'" in message or "'1'" in message or "'layers/1/first'" in message
        assert "in place" in message
    else:
        assert "'more'" in message or "'middle'" in message


def test_rebound_local_variable() -> None:
    w = np.ones(3, F)
    opt = SGD(0.5)
    opt.build(w)
    assert opt.apply(np.ones(3, F))
    w = w - np.ones(3, F)
    with pytest.raises(ParameterSetError, match=r"only the optimizer holds.*'0'.*in place"):
        opt.apply(np.ones(3, F))


def test_rebound_local_variable_in_a_list_made_for_the_call() -> None:
    w, b = np.ones(3, F), np.ones(2, F)
    opt = SGD(0.5)
    opt.build([w, b])
    assert opt.apply([np.ones(3, F), np.ones(2, F)])
    b = b * 2
    with pytest.raises(ParameterSetError, match=r"only the optimizer holds.*'1'"):
        opt.apply([np.ones(3, F), np.ones(2, F)])
    assert (w == 0.5).all()


def test_in_place_updates_are_no_rebinding() -> None:
    params = tensors()
    opt = SGD(0.5)
    opt.build(params)
    for _ in range(2):
        params["first"] -= 1
        params["middle"][...] = 0
        np.multiply(params["last"], 2, out=params["last"])
        params["first"].shape = params["first"].shape
        assert opt.apply(tensors(1))


def test_other_parameters_in_a_later_call() -> None:
    params, grads = tensors(), tensors(1)
    opt = SGD(0.5)
    opt.build(params)
    views = {name: p[:] for name, p in params.items()}
    assert opt.apply(grads, views)
    before = snapshot(opt, params)
    for other, error in (
        (tensors(), ParameterSetError),
        (params | {"last": params["last"].copy()}, ParameterSetError),
        (list(params.values()), ParameterSetError),
        ({"first": params["first"]}, ParameterSetError),
        (params | {"last": params["last"][:2]}, ParameterSetError),
        (params | {"last": params["last"].T}, LambError),
        (params | {"first": params["last"], "last": params["first"]}, ParameterSetError),
    ):
        with pytest.raises(error):
            opt.apply(grads, other)
        with pytest.raises(error):
            opt.finalize_variable_values(other)
    assert not changed(before, snapshot(opt, params))


# In an interpreter of its own: a step on the old address would write to memory of others.
ACTING = """
from collections.abc import Mapping

class Lazy(Mapping):
    def __init__(self, act): self.act = act
    def __getitem__(self, key):
        self.act()
        return np.ones(1000, F)
    def __iter__(self): return iter(['w'])
    def __len__(self): return 1

params = {'w': np.ones(1000, F)}
opt = SGD(0.5)
opt.build(params)
old, others = params['w'], []
def rebind():
    params['w'] = params['w'].copy()
def move():
    # There and back: the old address now belongs to somebody else.
    old.resize(1_000_000, refcheck=False)
    others.append(np.ones(1000, F))
    old.resize(1000, refcheck=False)
try: opt.apply(Lazy(ACT))
except ParameterSetError as error: print('refused', "'w'" in str(error))
else: print('stepped')
print(all((x == 1).all() for x in [old, params['w'], *others]), opt.calls)
"""


@pytest.mark.parametrize("act", ["rebind", "move"])
def test_gradients_that_act_while_they_are_looked_at(act: str) -> None:
    """Python code of a mapping runs before the parameters are checked, not after."""
    assert run(ACTING.replace("ACT)", f"{act})")).split() == ["refused", "True", "True", "0"]


# Before and after build


def test_use_before_build_says_what_to_do() -> None:
    for act in (
        lambda opt: opt.apply(tensors()),
        lambda opt: opt.state_dict(),
        lambda opt: opt.reset(),
        lambda opt: opt.averages,
        lambda opt: opt.finalize_variable_values(),
    ):
        opt = Lamb()
        with pytest.raises(NotBuiltError, match=r"build") as caught:
            act(opt)
        assert isinstance(caught.value, LambError)
        assert isinstance(caught.value, RuntimeError)
        assert not opt.built


def test_second_build_changes_nothing() -> None:
    params = tensors()
    opt = Lamb(0.1)
    opt.build(params)
    opt.apply(tensors(1))
    before = snapshot(opt, params)
    for other in (params, tensors(3), {"w": np.ones(3, F)}):
        with pytest.raises(ParameterSetError, match=r"built already.*make a new"):
            opt.build(other)
    assert not changed(before, snapshot(opt, params))
    assert opt.apply(tensors(2))


def test_a_build_that_fails_may_be_repeated() -> None:
    params = tensors()
    opt, fresh = Lamb(0.1), Lamb(0.1)
    for bad in (params | {"last": params["first"]}, {"first": np.ones(3)}, []):
        with pytest.raises(LambError):
            opt.build(bad)
    opt.build(params)
    other = tensors()
    fresh.build(other)
    for one in (opt, fresh):
        one.apply(tensors(1))
    assert not changed(snapshot(opt, params), snapshot(fresh, other))
