"""Random calls with random objects: only honest exceptions, and no byte changed by a refusal."""

from __future__ import annotations

import contextlib
import copy
import math
import pickle
import random
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    InternalError,
    LambError,
    Larc,
    Lookahead,
    LossScaleOptimizer,
    MultiOptimizer,
    schedules,
)
from support.bad_input import GRADIENTS, PARAMETERS, SHAPES, F, tensors

ROWS = lamb_rs.registry()
SEQUENCES = 60
CALLS = 25
# What Python itself raises for a wrong type, a wrong value or a number that is too large.
HONEST = (LambError, TypeError, ValueError, OverflowError, RecursionError)


class Odd(Mapping):  # type: ignore[type-arg]
    """A mapping whose length, keys and values do not agree."""

    def __init__(self, rng: random.Random) -> None:
        self.length = rng.randrange(4)
        self.keys_told = rng.sample([*SHAPES, "", "a/b", 3], rng.randrange(4))
        self.held = {key: weird(rng, 1) for key in SHAPES if rng.random() < 0.7}

    def __getitem__(self, key: Any) -> Any:
        if key not in self.held:
            raise ValueError(key)
        return self.held[key]

    def __iter__(self) -> Any:
        return iter(self.keys_told)

    def __len__(self) -> int:
        return self.length


class Unwilling:
    """Raises whatever is done with it."""

    def __getattr__(self, name: str) -> Any:
        raise ValueError(name)

    def __float__(self) -> float:
        raise ValueError("no number")

    def __index__(self) -> int:
        raise ValueError("no index")

    def __repr__(self) -> str:
        raise ValueError("no text")

    __str__ = __repr__


class Rate(schedules.Schedule):
    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, step: int) -> Any:
        return self.value


def array(rng: random.Random) -> Any:
    good = tensors(rng.randrange(9))[rng.choice(list(SHAPES))]
    choice = rng.random()
    if choice < 0.4:
        return good
    if choice < 0.5:
        return np.ones((rng.randrange(3),) + (1,) * rng.choice((0, 1, 31, 33, 60)), F)
    return rng.choice(GRADIENTS + PARAMETERS).make(good)


def weird(rng: random.Random, depth: int = 0) -> Any:
    """Any object at all."""
    if depth < 3 and rng.random() < 0.3:
        parts = [weird(rng, depth + 1) for _ in range(rng.randrange(4))]
        keys: list[Any] = [*SHAPES, "", "a/b", 1, "1", 1.5, None, ("t",), "\ud800"]
        together = dict(zip(rng.sample(keys, len(parts)), parts, strict=True))
        return rng.choice([parts, tuple(parts), together, MappingProxyType(together), Odd(rng)])
    if rng.random() < 0.4:
        return array(rng)
    pool: list[Any] = [
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        2**31,
        2**63,
        2**70,
        10**400,
        0.5,
        1e300,
        5e-324,
    ]
    pool += [math.nan, math.inf, "", "x", "\ud800", b"x", 1j, object(), Unwilling(), int, len]
    pool += [lambda: 0.1, lambda: "x", lambda x: x, Rate(0.1), Rate(None), Rate(-1), np.float32(1)]
    pool += [np.int64(3), np.ma.masked, (0.0, 1.0), (1.0, 0.0), range(3), slice(2), ..., {1, 2}]
    return rng.choice(pool)


def value_of(rng: random.Random, hyper: Any) -> Any:
    """A value of a hyperparameter, often a legal one."""
    choice = rng.random()
    if choice < 0.3:
        return weird(rng)
    if hyper.choices:
        return rng.choice(hyper.choices)
    legal: dict[str, list[Any]] = {
        "bool": [True, False],
        "integer": [2, 3],
        "pair": [(0.0, 1.0), None],
        "number": [0.5, 0.0, 0.9, 1e-3, np.float32(0.5)],
    }
    return rng.choice([*legal[hyper.kind], hyper.default])


def spoil(rng: random.Random, state: dict[str, Any]) -> dict[str, Any]:
    for _ in range(rng.randrange(3)):
        key = rng.choice(list(state))
        if rng.random() < 0.5 and isinstance(state[key], np.ndarray) and state[key].size:
            # Any bytes are a state, be it of nonsense.
            flat = state[key].reshape(-1).view(np.uint8)
            flat[:] = np.frombuffer(rng.randbytes(flat.size), np.uint8)
        else:
            state[key] = weird(rng)
    if rng.random() < 0.2:
        state.pop(rng.choice(list(state)))
    return state


class Session:
    """One optimizer and the random calls it gets; `open` has what is to be closed at the end."""

    def __init__(self, seed: int, open_: contextlib.ExitStack) -> None:
        self.open = open_
        self.rng = rng = random.Random(seed)  # noqa: S311 - seeded, to be repeated
        self.log: list[str] = []
        self.row = rng.choice(ROWS)
        self.cls = getattr(lamb_rs, self.row.class_name)
        self.hypers = list(self.row.hyperparameters)
        self.params = tensors(0)
        self.opt: Any = None
        self.attempt("construct", self.construct)
        if self.opt is None:
            self.opt = self.cls()
        if rng.random() < 0.4:
            self.attempt("wrap", self.wrap)

    def construct(self) -> None:
        hypers = self.rng.sample(self.hypers, self.rng.randrange(5))
        self.opt = self.cls(**{hyper.name: value_of(self.rng, hyper) for hyper in hypers})

    def wrap(self) -> None:
        """Put a wrapper around it, which has only what all optimizers share."""
        rng, opt = self.rng, self.opt
        self.opt = rng.choice(
            [
                lambda: Lookahead(opt, rng.choice([1, 2, weird(rng)])),
                lambda: Larc(opt, clip=rng.choice([True, False, weird(rng)])),
                lambda: LossScaleOptimizer(opt, rng.choice([2.0, weird(rng)]), 2),
                lambda: MultiOptimizer([("first", lamb_rs.SGD())], default=opt),
                lambda: LossScaleOptimizer(MultiOptimizer([("*st", opt)], default=lamb_rs.Lion())),
                lambda: MultiOptimizer(weird(rng), weird(rng)),
            ]
        )()
        self.hypers = [one for one in self.hypers if one.shared]

    def bytes(self) -> Any:
        if not self.opt.built:
            return None
        state = self.opt.state_dict()
        return (
            {k: v.tobytes() if isinstance(v, np.ndarray) else repr(v) for k, v in state.items()},
            {name: p.tobytes() for name, p in self.params.items()},
            {name: a.tobytes() for name, a in self.opt.averages.items()},
        )

    def attempt(self, name: str, act: Callable[[], Any]) -> None:
        """Only documented exceptions, after which every byte is unchanged."""
        self.log.append(name)
        before = self.bytes() if self.opt is not None else None
        try:
            act()
        except InternalError as error:
            raise AssertionError(f"a defect reached Python after {self.log}") from error
        except HONEST:
            if before is not None:
                assert self.bytes() == before, self.log
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error} after {self.log}") from error
        except BaseException as error:
            raise AssertionError(f"panic after {self.log}: {error}") from error

    def grads(self) -> Any:
        rng = self.rng
        choice = rng.random()
        grads: Any = tensors(rng.randrange(99))
        if choice < 0.5:
            return grads
        if choice < 0.9:
            name = rng.choice(list(SHAPES))
            bad = rng.choice(GRADIENTS).make(grads[name]) if choice < 0.7 else weird(rng)
            return grads | {name: bad}
        return weird(rng)

    def overrides(self) -> Any:
        rng = self.rng
        if rng.random() < 0.7:
            return None
        names = [hyper.name for hyper in self.hypers]
        names += ["learning_rate_multiplier", "trainable", "layer_adaptation", "nothing"]
        keys: list[Any] = ["*", "first", "*/first", "none", 3, lambda *_: True, lambda *_: False]
        return {rng.choice(keys): {rng.choice(names): weird(rng)} for _ in range(2)}

    def calls(self) -> dict[str, Callable[[], Any]]:
        rng, opt = self.rng, self.opt
        hyper = rng.choice(self.hypers)
        return {
            "build": lambda: opt.build(self.params, self.overrides()),
            "build weird": lambda: self.cls().build(weird(rng), self.overrides()),
            "apply": lambda: opt.apply(self.grads()),
            "apply again": lambda: opt.apply(self.grads()),
            "apply more": lambda: opt.apply(self.grads()),
            "apply params": lambda: opt.apply(self.grads(), self.params),
            "apply other params": lambda: self.cls().apply(self.grads(), weird(rng)),
            f"set {hyper.name}": lambda: setattr(opt, hyper.name, value_of(rng, hyper)),
            "read": lambda: [getattr(opt, one.name) for one in self.hypers],
            "readings": lambda: (opt.trust_ratios, opt.gradient_norm, opt.averages, opt.last_skip),
            "load": lambda: opt.load_state_dict(spoil(rng, opt.state_dict())),
            "load loosely": lambda: opt.load_state_dict(spoil(rng, opt.state_dict()), strict=False),
            "load weird": lambda: opt.load_state_dict(weird(rng)),
            "reset": opt.reset,
            "finalize": opt.finalize_variable_values,
            "finalize other": lambda: opt.finalize_variable_values(weird(rng)),
            "exclude": lambda: opt.exclude_from_weight_decay(var_names=weird(rng)),
            "exclude arrays": lambda: opt.exclude_from_layer_adaptation(var_list=weird(rng)),
            "config": lambda: type(opt).from_config(opt.get_config()),
            "config weird": lambda: type(opt).from_config(weird(rng)),
            "pickle": self.pickled,
            "copy": lambda: copy.deepcopy(opt).build(tensors(0)),
            "tell": lambda: (repr(opt), opt.summary(), opt.explain()),
            "evaluation": self.evaluation,
            "scale": lambda: opt.scale_loss(weird(rng)),
            "aligned": lambda: lamb_rs.aligned(weird(rng)),
            "threads": lambda: self.open.enter_context(lamb_rs.threads(weird(rng))),
            "get": lambda: lamb_rs.get(weird(rng)),
        }

    def pickled(self) -> None:
        # A state that waits may hold what cannot be pickled; that is Python's to say.
        with contextlib.suppress(AttributeError, pickle.PicklingError):
            data = pickle.dumps(self.opt)
            pickle.loads(data).build(tensors(0))

    def evaluation(self) -> None:
        with self.opt.evaluation_weights():
            self.opt.apply(self.grads())

    def run(self) -> None:
        if self.rng.random() < 0.7:
            self.attempt("build", lambda: self.opt.build(self.params))
        for _ in range(CALLS):
            name, act = self.rng.choice(list(self.calls().items()))
            self.attempt(name, act)


@pytest.mark.parametrize("part", range(8))
def test_random_calls(part: int) -> None:
    before = lamb_rs.get_num_threads()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Some of the conversions make NumPy warn.
        warnings.simplefilter("ignore")
        for seed in range(part * SEQUENCES, (part + 1) * SEQUENCES):
            with contextlib.ExitStack() as open_:
                Session(seed, open_).run()
    assert lamb_rs.get_num_threads() == before
