"""Fifty steps equal those of Keras 3 (JAX backend, float64).

"Equal to Keras" means ``weight_decay_mode="decoupled"`` and ``ema_every="call"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import schedules
from reference import reference
from support.harness import STEPS, Tensors, assert_trajectory, model
from support.peer_runs import keras_in_float64
from support.recorded import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Hyper = dict[str, Any]
PROBLEM = model((255,), STEPS, 2)
KERAS_WAY: Hyper = {"weight_decay_mode": "decoupled", "ema_every": "call"}
# Steps at which schedules are compared.
POINTS = (*range(STEPS + 11), 1000)


class Schedule:
    """A Keras schedule, and the same one of this library, made when they are wanted."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        self.name, self.args, self.kwargs = name, args, kwargs

    def __repr__(self) -> str:
        return f"{self.name}{self.args}{self.kwargs}"

    def keras(self) -> Any:
        """Keras's own."""
        import keras  # noqa: PLC0415 - where it runs

        return getattr(keras.optimizers.schedules, self.name)(*self.args, **self.kwargs)

    def values(self) -> dict[str, Any]:
        """Keras's values at `POINTS`."""
        import jax  # noqa: PLC0415 - where it runs

        with keras_in_float64():
            theirs = jax.jit(self.keras())
            return {"values": [float(theirs(n)) for n in POINTS]}

    def plain(self) -> Callable[[int], float]:
        """Keras's values as a function of the step."""
        found = recorded("keras", f"schedule {self!r}".replace("/", "_"), self.values)["values"]
        values = dict(zip(POINTS, found.tolist(), strict=True))
        return lambda n: values[n]

    def ours(self) -> Any:
        return getattr(schedules, self.name)(*self.args, **self.kwargs)


def convert(kwargs: Hyper, form: str) -> Hyper:
    """The arguments with schedules in the form that is wanted."""
    return {
        name: getattr(value, form)() if isinstance(value, Schedule) else value
        for name, value in kwargs.items()
    }


DECAY: Hyper = {"learning_rate": 0.01, "weight_decay": 0.05}
# Every argument of the Keras page alone, then all that may be combined.
ARGUMENTS: dict[str, Hyper] = {
    "defaults": {},
    "learning_rate": {"learning_rate": 0.02},
    "learning_rate-callable": {"learning_rate": lambda: 0.02},
    "polynomial": {"learning_rate": Schedule("PolynomialDecay", 0.02, 40, 1e-3, 2.0)},
    "polynomial-cycle": {"learning_rate": Schedule("PolynomialDecay", 0.02, 20, cycle=True)},
    "cosine-warmup": {
        "learning_rate": Schedule(
            "CosineDecay", 0.001, 30, alpha=0.1, warmup_target=0.02, warmup_steps=10
        )
    },
    "exponential": {"learning_rate": Schedule("ExponentialDecay", 0.02, 10, 0.7)},
    "staircase": {"learning_rate": Schedule("ExponentialDecay", 0.02, 10, 0.7, staircase=True)},
    "piecewise": {
        "learning_rate": Schedule("PiecewiseConstantDecay", [10, 30], [0.02, 0.01, 0.005])
    },
    "weight_decay": {"weight_decay": 0.05},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.05},
    "global_clipnorm": {"global_clipnorm": 1.0},
    "use_ema": {"use_ema": True},
    "ema_momentum": {"use_ema": True, "ema_momentum": 0.7},
    "ema_overwrite_frequency": {
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 4,
    },
    "loss_scale_factor": {"loss_scale_factor": 8.0},
    "gradient_accumulation_steps": {"gradient_accumulation_steps": 3},
    "name": {"name": "another"},
    "all-clipnorm": {
        **DECAY,
        "clipnorm": 0.5,
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 2,
        "loss_scale_factor": 8.0,
        "gradient_accumulation_steps": 2,
    },
    "all-global": {
        **DECAY,
        "learning_rate": Schedule("PolynomialDecay", 0.02, 40, 1e-3),
        "global_clipnorm": 1.0,
        "use_ema": True,
        "ema_momentum": 0.5,
        "ema_overwrite_frequency": 5,
        "gradient_accumulation_steps": 3,
    },
    "all-clipvalue": {
        **DECAY,
        "clipvalue": 0.05,
        "use_ema": True,
        "ema_momentum": 0.9,
        "loss_scale_factor": 4.0,
        "gradient_accumulation_steps": 2,
    },
}
BETAS: dict[str, Hyper] = {
    "beta_1": {"beta_1": 0.8},
    "beta_2": {"beta_2": 0.95},
    "epsilon": {"epsilon": 1e-3},
    "own-all": {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3, **ARGUMENTS["all-global"]},
}
BASE = ("weight_decay", "all-clipnorm", "all-global", "gradient_accumulation_steps")
OTHERS: dict[str, dict[str, Hyper]] = {
    "SGD": {
        "momentum": {"momentum": 0.9},
        "nesterov": {"momentum": 0.9, "nesterov": True},
        "nesterov-all": {"momentum": 0.9, "nesterov": True, **ARGUMENTS["all-global"]},
    },
    "Adagrad": {"own": {"initial_accumulator_value": 0.0, "epsilon": 1e-3}},
    "Adam": {"amsgrad": {"amsgrad": True}, "own": {"beta_1": 0.8, "epsilon": 1e-3}},
    "AdamW": {"amsgrad": {"amsgrad": True}},
    "Lion": {"own": {"beta_1": 0.8, "beta_2": 0.9}},
    "RMSprop": {
        "momentum": {"momentum": 0.9},
        "centered": {"centered": True, "rho": 0.8},
        "centered-all": {"centered": True, "momentum": 0.9, **ARGUMENTS["all-global"]},
    },
    # The default rate is too low to tell its steps from rounding.
    "Adadelta": {
        "defaults": {"learning_rate": 1.0},
        "own": {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-5},
    },
    "Adamax": {"own": {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}},
    "Nadam": {"own": {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}},
    "Adafactor": {
        "own": {"beta_2_decay": -0.5, "epsilon_2": 0.1, "clip_threshold": 0.5},
        "constant": {"relative_step": False, "learning_rate": 0.01},
    },
    "Ftrl": {
        "power": {"learning_rate": 0.1, "learning_rate_power": -0.7},
        "own": {
            "learning_rate": 0.1,
            "initial_accumulator_value": 0.5,
            "l1_regularization_strength": 0.01,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 1.0,
        },
    },
    "Muon": {
        "own": {"learning_rate": 0.01, "momentum": 0.9, "nesterov": False, "rms_rate": 0.5},
        "routed": {"adam_beta_1": 0.8, "adam_lr_ratio": 0.5, "adam_weight_decay": 0.5},
        "excluded": {"exclude_layers": ["matr"], "weight_decay": 0.5},
    },
    "ScheduleFreeAdamW": {"own": {"beta_1": 0.8, "beta_2": 0.9, "warmup_steps": 5}},
}
# Arguments that make a class equal to that of Keras, in addition to the arguments of Keras.
OURS: dict[str, Hyper] = {
    "Nadam": {"momentum_decay": 1.0},
    "Adafactor": {"epsilon_mode": "add"},
    "ScheduleFreeAdamW": {"weight_lr_power": 0.0},
}
# Keras computes some scalars in float32, and norms too.
BOUNDS = {"Adafactor": 1e-5, "Muon": 1e-6}
ROWS: list[tuple[str, str]] = [("Lamb", option) for option in {**ARGUMENTS, **BETAS}]
ROWS += [(name, option) for name, own in OTHERS.items() for option in {"defaults": {}, **own}]
ROWS += [(name, option) for name in ("SGD", "Adam", "RMSprop") for option in BASE]
# Adafactor of torch, and of ours, measures the parameter before it decays.
ALL = [name for name in OTHERS if name != "Adafactor" and (name, "all-global") not in ROWS]
ROWS += [(name, "all-global") for name in ALL]


def arguments(name: str, option: str) -> Hyper:
    return {**ARGUMENTS, **BETAS, **OTHERS.get(name, {})}[option]


def like_keras(name: str, option: str, form: str) -> Hyper:
    """Our arguments of a row."""
    given = convert(arguments(name, option), form)
    ours = {**given, **OURS.get(name, {}), **KERAS_WAY}
    return ours if ours.get("use_ema") else {**ours, "ema_every": "update"}


def train(opt: Any, steps: Sequence[Tensors] = PROBLEM.grads) -> Tensors:
    """Parameters after all steps, and after ``finalize_variable_values`` where that differs."""
    import jax  # noqa: PLC0415 - where it runs
    import keras  # noqa: PLC0415

    names = list(PROBLEM.params)
    variables = [
        keras.Variable(p.astype(np.float64), dtype="float64", name=name)
        for name, p in PROBLEM.params.items()
    ]
    opt.build(variables)
    # As in a Keras training loop on JAX, where one step is one compiled function.
    apply = jax.jit(opt.stateless_apply)
    values, state = [v.value for v in variables], [v.value for v in opt.variables]
    for g in steps:
        grads = [jax.numpy.asarray(x, dtype="float64") for x in g.values()]
        values, state = apply(state, grads, values)
    for v, x in zip([*variables, *opt.variables], [*values, *state], strict=True):
        v.assign(x)
    last = {f"last {n}": np.array(v.value) for n, v in zip(names, variables, strict=True)}
    if not getattr(opt, "use_ema", False):
        return last
    opt.finalize_variable_values(variables)
    return last | {f"final {n}": np.array(v.value) for n, v in zip(names, variables, strict=True)}


def parts(found: Tensors) -> tuple[Tensors, Tensors]:
    """The parameters after all steps, and the final ones."""
    last = {key.removeprefix("last "): x for key, x in found.items() if key.startswith("last ")}
    return last, {key: found.get(f"final {key}", x) for key, x in last.items()}


def by_keras(name: str, option: str) -> tuple[Tensors, Tensors]:
    """What Keras makes of a row."""

    def run() -> Tensors:
        with keras_in_float64() as keras:
            made = getattr(keras.optimizers, name)
            return train(made(**convert(arguments(name, option), "keras")))

    return parts(recorded("keras", f"{name} {option}", run))


@pytest.mark.parametrize(("name", "option"), ROWS)
def test_reference_follows_keras(name: str, option: str) -> None:
    """The reference itself is right: both are float64."""
    ref = reference(name.lower(), **like_keras(name, option, "plain"))
    ref.build(PROBLEM.params)
    for g in PROBLEM.grads:
        ref.apply(g)
    last, final = by_keras(name, option)
    bound = {"rtol": 1e-9, "atol": 1e-12}
    if name in BOUNDS:
        bound = {"rtol": BOUNDS[name], "atol": BOUNDS[name]}
    for key, p in ref.params.items():
        np.testing.assert_allclose(p, last[key], **bound, err_msg=key)
    ref.finalize_variable_values()
    for key, p in ref.params.items():
        np.testing.assert_allclose(p, final[key], **bound, err_msg=key)


@pytest.mark.parametrize(("name", "option"), ROWS)
def test_library_follows_keras(name: str, option: str) -> None:
    opt = getattr(lamb_rs, name)(**like_keras(name, option, "ours"))
    params = PROBLEM.fresh()
    opt.build(params)
    for g in PROBLEM.grads:
        opt.apply(g)
    last, final = by_keras(name, option)
    for key, p in params.items():
        assert_trajectory(p, last[key], PROBLEM.params[key], f"last, {key}")
    opt.finalize_variable_values()
    for key, p in params.items():
        assert_trajectory(p, final[key], PROBLEM.params[key], f"final, {key}")


def test_loss_scale() -> None:
    """Steps with an infinity are skipped, and halve the scale; five good ones double it."""
    more: Hyper = {"initial_scale": 64.0, "dynamic_growth_steps": 5}
    steps = [{key: np.asarray(64 * g) for key, g in step.items()} for step in PROBLEM.grads[:20]]
    for t in (3, 8, 9):
        steps[t]["zeros"] = np.full(33, np.inf, np.float32)

    def by_theirs() -> Tensors:
        with keras_in_float64() as keras:
            inner = keras.optimizers.Adam(learning_rate=0.01)
            theirs = keras.optimizers.LossScaleOptimizer(inner, **more)
            found = train(theirs, steps)
        return {**found, "scale": np.array(float(theirs.dynamic_scale.value))}

    found = recorded("keras", "loss scale", by_theirs)
    last, _ = parts(found)
    opt = lamb_rs.LossScaleOptimizer(lamb_rs.Adam(learning_rate=0.01), **more)
    params = PROBLEM.fresh()
    opt.build(params)
    moved = [opt.apply(step) for step in steps]
    assert [t for t, done in enumerate(moved) if not done] == [3, 8, 9]
    assert opt.scale_loss(1.0) == found["scale"]
    for key, p in params.items():
        assert_trajectory(p, last[key], PROBLEM.params[key], key)


def test_exclude_from_weight_decay() -> None:
    """Patterns are searched in names, as in Keras."""
    patterns = ["^size2", "matrix"]

    def by_theirs() -> Tensors:
        with keras_in_float64() as keras:
            theirs = keras.optimizers.Lamb(learning_rate=0.02, weight_decay=0.5)
            theirs.exclude_from_weight_decay(var_names=patterns)
            return train(theirs)

    last, _ = parts(recorded("keras", "exclusions", by_theirs))
    opt = lamb_rs.Lamb(learning_rate=0.02, weight_decay=0.5, weight_decay_mode="decoupled")
    opt.exclude_from_weight_decay(var_names=patterns)
    params = PROBLEM.fresh()
    opt.build(params)
    for g in PROBLEM.grads:
        opt.apply(g)
    for key, p in params.items():
        assert_trajectory(p, last[key], PROBLEM.params[key], key)


@pytest.mark.parametrize(
    "schedule",
    [value for row in ARGUMENTS.values() for value in row.values() if isinstance(value, Schedule)],
    ids=lambda schedule: f"{schedule.name}-{len(schedule.kwargs)}",
)
def test_schedules(schedule: Schedule) -> None:
    theirs, ours = schedule.plain(), schedule.ours()
    for n in POINTS:
        np.testing.assert_allclose(ours(n), theirs(n), rtol=2e-6, atol=1e-9, err_msg=str(n))
