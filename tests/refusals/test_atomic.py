"""A call that raises has changed no byte, and the next good one does not notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    AliasError,
    HyperparameterError,
    LambError,
    NonFiniteError,
    ParameterSetError,
    ReadOnlyError,
    ShapeError,
    StateMismatchError,
    schedules,
)
from support.bad_input import GRADIENTS, READ_ONLY, changed, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamb_rs import Optimizer

Array = np.ndarray
Tensors = dict[str, Array]
F = np.float32

# The middle one is large enough for every storage.
SHAPES = {"first": (5, 7), "middle": (64, 65), "last": (17, 3)}
STORAGES = ("float32", "bfloat16", "float8")
# Everything with state of its own.
FEATURES: dict[str, Any] = {
    "weight_decay": 0.01,
    "weight_decay_mode": "schedule",
    "use_ema": True,
    "ema_momentum": 0.9,
    "ema_overwrite_frequency": 3,
    "ema_every": "call",
    "gradient_accumulation_steps": 2,
    "global_clipnorm": 0.5,
    "loss_scale_factor": 4.0,
}


def tensors(seed: int) -> Tensors:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(F) for name, shape in SHAPES.items()}


def non_finite(value: float) -> Callable[[Array], Array]:
    def make(good: Array) -> Array:
        bad = good.copy()
        bad[-1, -1] = value
        return bad

    return make


Act = tuple["Callable[[Array], Any]", type[BaseException]]
BAD: dict[str, Act] = {bad.id: (bad.make, bad.error) for bad in GRADIENTS}
BAD |= {
    name: (non_finite(value), NonFiniteError)
    for name, value in {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}.items()
}


class Run:
    """An optimizer, and a copy that never gets bad input."""

    def __init__(self, row: Any, storage: str, **more: Any) -> None:
        cls = getattr(lamb_rs, row.class_name)
        rate = schedules.PolynomialDecay(0.05, 1000, 0.001)
        arguments = {**FEATURES, "state_dtype": storage, **more}
        self.pair: list[Optimizer] = [cls(rate, **arguments) for _ in range(2)]
        self.params = [tensors(0), tensors(0)]
        for opt, params in zip(self.pair, self.params, strict=True):
            opt.build(params)
        self.opt, self.t = self.pair[0], 0

    def grads(self) -> Tensors:
        return tensors(self.t + 1)

    def step(self) -> None:
        """A good step for both; they must agree in every byte."""
        grads = self.grads()
        self.t += 1
        before = {name: g.tobytes() for name, g in grads.items()}
        done = [opt.apply(grads) for opt in self.pair]
        assert done[0] is done[1]
        assert before == {name: g.tobytes() for name, g in grads.items()}
        first, second = (snapshot(*each) for each in zip(self.pair, self.params, strict=True))
        assert not changed(first, second)

    def refuses(
        self, error: type[BaseException], act: Callable[[], Any], grads: Tensors, where: str
    ) -> None:
        """The act raises, and every byte stays."""
        arrays = {name: g for name, g in grads.items() if type(g) is np.ndarray}
        before = snapshot(self.opt, self.params[0], arrays)
        try:
            act()
        except error:
            pass
        else:
            raise AssertionError(f"{where}: nothing was raised")
        assert not changed(before, snapshot(self.opt, self.params[0], arrays)), where


each_row = pytest.mark.parametrize("row", lamb_rs.registry(), ids=lambda row: row.name)
each_storage = pytest.mark.parametrize("storage", STORAGES)


@each_storage
@each_row
def test_bad_gradients(row: Any, storage: str) -> None:
    """Every class of bad array, at every position, in both halves of a window."""
    run = Run(row, storage)
    run.step()
    for name, (make, error) in BAD.items():
        for position in SHAPES:
            grads = run.grads()
            grads[position] = make(grads[position])
            where = f"{name} at {position}, call {run.opt.calls}"
            run.refuses(error, lambda g=grads: run.opt.apply(g), grads, where)
        run.step()
    assert run.opt.iterations > 10


@each_row
def test_bad_gradients_without_the_rest(row: Any) -> None:
    """The same where nothing but the check itself reads the gradients first."""
    off = dict.fromkeys(FEATURES) | {
        "weight_decay_mode": "decoupled",
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_every": "update",
    }
    run = Run(row, "float32", **{**off, "nonfinite": "raise"})
    for name, (make, error) in BAD.items():
        for position in SHAPES:
            grads = run.grads()
            grads[position] = make(grads[position])
            run.refuses(error, lambda g=grads: run.opt.apply(g), grads, name)
        run.step()


def wrong_sets(run: Run) -> dict[str, tuple[type[BaseException], Any]]:
    grads, params = run.grads(), run.params[0]
    return {
        "nothing": (ParameterSetError, {}),
        "missing": (ParameterSetError, {k: grads[k] for k in ("first", "last")}),
        "unknown": (ParameterSetError, grads | {"more": grads["last"]}),
        "all None": (ParameterSetError, dict.fromkeys(grads)),
        "a list": (ParameterSetError, list(grads.values())),
        "the parameters": (AliasError, params),
        "one parameter": (AliasError, grads | {"last": params["last"]}),
        "another parameter": (
            AliasError,
            grads | {"last": params["middle"].ravel()[:51].reshape(17, 3)},
        ),
        "an average": (AliasError, grads | {"last": run.opt.averages["last"]}),
        "swapped": (ShapeError, grads | {"last": grads["first"], "first": grads["last"]}),
    }


@each_storage
@each_row
def test_bad_sets(row: Any, storage: str) -> None:
    run = Run(row, storage)
    run.step()
    for name in wrong_sets(run):
        error, grads = wrong_sets(run)[name]
        seen = grads if isinstance(grads, dict) else {}
        run.refuses(error, lambda g=grads: run.opt.apply(g), seen, name)
        run.step()


@each_row
def test_bad_parameters(row: Any) -> None:
    """Parameters that may not be written to now, or are not where they were."""
    run = Run(row, "float32")
    run.step()
    params = run.params[0]
    for name in SHAPES:
        grads, good = run.grads(), params[name]

        good.setflags(write=False)
        run.refuses(ReadOnlyError, lambda g=grads: run.opt.apply(g), grads, "read-only")
        good.setflags(write=True)
        run.step()

        for bad in (good.copy(), READ_ONLY.make(good), good.astype(np.float64), good[:1], None):
            params[name] = bad
            before = good.tobytes(), snapshot(run.opt)
            with pytest.raises(LambError):
                run.opt.apply(grads)
            params[name] = good
            assert before == (good.tobytes(), snapshot(run.opt))
        run.step()

        others = params | {name: good.copy()}
        run.refuses(
            ParameterSetError,
            lambda g=grads, p=others: run.opt.apply(g, p),
            grads,
            "other parameters",
        )
        run.step()


class Unsteady(schedules.Schedule):
    """Fails when it is told to."""

    def __init__(self) -> None:
        self.value: Any = 0.01

    def __call__(self, step: int) -> float:
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value if self.value is None else self.value / (step + 1)


@each_row
def test_bad_schedules(row: Any) -> None:
    """Whether the first or the second of two schedules fails."""
    moving = {hyper.name for hyper in row.hyperparameters if hyper.dynamic}
    names = moving & {"learning_rate", "beta_1", "momentum"}
    pair, all_params = [], []
    drivers = {name: Unsteady() for name in sorted(names)}
    for _ in range(2):
        cls = getattr(lamb_rs, row.class_name)
        opt = cls(**drivers, use_ema=True, gradient_accumulation_steps=2)
        params = tensors(0)
        opt.build(params)
        pair.append(opt)
        all_params.append(params)
    for t in range(8):
        grads = tensors(t + 1)
        for name, driver in drivers.items():
            for value, error in (
                (-1.0, HyperparameterError),
                (np.nan, HyperparameterError),
                (None, (HyperparameterError, TypeError)),
                (RuntimeError("no rate today"), RuntimeError),
                (KeyboardInterrupt(), KeyboardInterrupt),
            ):
                before = snapshot(pair[0], all_params[0], grads)
                driver.value = value
                if t < 2:
                    # Set anew: a value that was read before the first update is kept for it.
                    setattr(pair[0], name, driver)
                if t % 2 == 1:
                    with pytest.raises(error):
                        pair[0].apply(grads)
                driver.value = 0.01
                after = snapshot(pair[0], all_params[0], grads)
                assert not changed(before, after), (name, value)
        assert pair[0].apply(grads) is pair[1].apply(grads)
        first, second = (snapshot(*each) for each in zip(pair, all_params, strict=True))
        assert not changed(first, second)
    assert pair[0].iterations == 4


@each_row
def test_bad_settings(row: Any) -> None:
    """Refused numbers, refused second builds, states that do not fit."""
    run = Run(row, "bfloat16")
    run.step()
    opt = run.opt
    state = opt.state_dict()
    last = next(key for key in reversed(state) if not key.startswith("optimizer/"))
    acts: dict[str, tuple[type[BaseException], Callable[[], Any]]] = {
        "rate": (HyperparameterError, lambda: setattr(opt, "learning_rate", -1)),
        "two clips": (HyperparameterError, lambda: setattr(opt, "clipnorm", 1.0)),
        "switch": (HyperparameterError, lambda: setattr(opt, "state_dtype", "float32")),
        "decay": (HyperparameterError, lambda: setattr(opt, "weight_decay", np.nan)),
        "rebuilt": (ParameterSetError, lambda: opt.build(tensors(3))),
        "no state": (StateMismatchError, lambda: opt.load_state_dict({})),
        "last missing": (
            StateMismatchError,
            lambda: opt.load_state_dict({k: v for k, v in state.items() if k != last}),
        ),
        "last of another shape": (
            StateMismatchError,
            lambda: opt.load_state_dict(state | {last: np.zeros((3, 1, 2), F)}),
        ),
        "one more": (StateMismatchError, lambda: opt.load_state_dict(state | {"more/x": 1})),
        "excluded late": (
            HyperparameterError,
            lambda: opt.exclude_from_weight_decay(var_names=["first"]),
        ),
        "other parameters": (
            ParameterSetError,
            lambda: opt.finalize_variable_values(tensors(0)),
        ),
    }
    for name, (error, act) in acts.items():
        run.refuses(error, act, {}, name)
        run.step()


@each_row
def test_skipped_steps_change_nothing_but_their_count(row: Any) -> None:
    run = Run(row, "float8", nonfinite="skip")
    for position in SHAPES:
        for value in (np.nan, np.inf):
            grads = run.grads()
            grads[position] = non_finite(value)(grads[position])
            before = snapshot(run.opt, run.params[0], grads)
            skipped = run.opt.skipped_steps
            assert run.opt.apply(grads) is False
            assert run.opt.skipped_steps == skipped + 1
            assert f"'{position}'" in (run.opt.last_skip or "")
            counted = {"skipped_steps", "last_skip", "state optimizer/skipped_steps"}
            after = snapshot(run.opt, run.params[0], grads)
            assert set(changed(before, after)) == counted
        grads = run.grads()
        run.t += 1
        for opt in run.pair:
            opt.apply(grads)
        first, second = (snapshot(*each) for each in zip(run.pair, run.params, strict=True))
        assert set(changed(first, second)) == counted
