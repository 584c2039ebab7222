"""Every rule and option against float64 references written from the papers."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import lamb_rs
from lamb_rs import schedules
from reference import RULES, SHARED, WRAPPERS, reference
from support.cases import Case, cases, make, refused
from support.harness import (
    FEW,
    MORE,
    SMALL,
    STEPS,
    Model,
    assert_one_step,
    lockstep,
    model,
    small,
)
from support.options import BESIDES, LARC, LOOKAHEAD

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = cases()


def rate(case: Case) -> float:
    """Ten times the default, for steps far above the rounding of the parameters."""
    default = float(RULES[case.algorithm].DEFAULTS["learning_rate"])
    return default if case.algorithm == "prodigy" else 10 * default


def defaults() -> list[Case]:
    """A row for each algorithm."""
    found = [case for case in ROWS if case.id.endswith("-defaults")]
    return [replace(case, kwargs=BESIDES.get(case.algorithm, {})) for case in found]


def test_every_algorithm_has_a_reference() -> None:
    assert {row.name for row in lamb_rs.registry()} == set(RULES)


@pytest.mark.parametrize("row", lamb_rs.registry(), ids=lambda row: row.name)
def test_options_and_defaults_agree(row: Any) -> None:
    theirs = {hyper.name: hyper.default for hyper in row.hyperparameters}
    ours = {**SHARED, **RULES[row.name].DEFAULTS}
    del ours["name"]
    assert theirs == ours


def test_options_and_defaults_of_wrappers_agree() -> None:
    lookahead, larc = (
        {name: one.default for name, one in inspect.signature(cls).parameters.items()}
        for cls in (lamb_rs.Lookahead, lamb_rs.Larc)
    )
    theirs = {name: lookahead[name] for name in LOOKAHEAD}
    theirs |= {name: larc[called] for name, called in LARC.items()}
    # Without a wrapper they are off.
    assert theirs | {"sync_period": None, "larc_coefficient": None} == WRAPPERS


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.id)
def test_case(case: Case) -> None:
    """Each rule once at sizes 0 to 65537 and over 50 steps, its options at fewer of both."""
    scale = case.kwargs.get("loss_scale_factor", 1.0)
    # Twelve steps are far above the rounding of the parameters, too.
    more = {} if case.own else {"learning_rate": rate(case)}
    ref = reference(case.algorithm, **{**case.kwargs, **more})
    narrow = case.narrow
    if case.id.endswith("-defaults"):
        problem = model()
    else:
        # The first steps of Prodigy are near the rounding of the parameters.
        own = STEPS if case.algorithm == "prodigy" else MORE
        problem = small(FEW if narrow or not case.own else own)
    lockstep(
        case.make(**more), ref, problem, stored=case.stored, trajectory=not narrow, scale=scale
    )


@pytest.mark.parametrize("case", defaults(), ids=lambda case: case.id)
@pytest.mark.parametrize(
    "schedule",
    [
        lambda rate: schedules.PolynomialDecay(rate, 40, rate / 100, 2.0),
        lambda rate: schedules.Warmup(schedules.CosineDecay(rate, 40), 10),
        lambda rate: schedules.ExponentialDecay(rate, 10, 0.5, staircase=True),
        lambda rate: schedules.PiecewiseConstantDecay([10, 20], [rate, 0.3 * rate, 0.1 * rate]),
    ],
    ids=["polynomial", "warmup-cosine", "exponential", "piecewise"],
)
def test_schedule_sees_the_call_count(case: Case, schedule: Callable[[float], Any]) -> None:
    more = {
        "gradient_accumulation_steps": 3,
        "learning_rate": schedule(rate(case)),
        "weight_decay": 0.01,
    }
    ref = reference(case.algorithm, **{**case.kwargs, **more})
    lockstep(case.make(**more), ref, small())


@pytest.mark.parametrize("case", defaults(), ids=lambda case: case.id)
@pytest.mark.parametrize("mode", ["corrected", "schedule"])
def test_decay_follows_the_rate(case: Case, mode: str) -> None:
    """The largest and the first rate are those of updates so far."""
    eta = rate(case)
    moving = schedules.PiecewiseConstantDecay([10, 30], [0.5 * eta, 2 * eta, 0.1 * eta])
    more = {"learning_rate": moving, "weight_decay": 0.05, "weight_decay_mode": mode}
    ref = reference(case.algorithm, **{**case.kwargs, **more})
    lockstep(case.make(**more), ref, small())


def moving_betas() -> list[tuple[Case, str]]:
    moves = {
        (row.name, hyper.name)
        for row in lamb_rs.registry()
        for hyper in row.hyperparameters
        if hyper.dynamic
    }
    betas = ("beta_1", "beta_2", "beta_3")
    return [
        (case, beta) for case in defaults() for beta in betas if (case.algorithm, beta) in moves
    ]


@pytest.mark.parametrize(("case", "beta"), moving_betas(), ids=lambda one: getattr(one, "id", one))
def test_moving_beta(case: Case, beta: str) -> None:
    """The correction is ``1 - beta_now**t``."""

    class Moving:
        """A function without arguments that counts its calls."""

        def __init__(self) -> None:
            self.calls = 0

        def __call__(self) -> float:
            self.calls += 1
            return 0.5 + 0.4 * min(1.0, self.calls / 20)

    ref = reference(case.algorithm, **{**case.kwargs, beta: Moving()})
    lockstep(case.make(**{beta: Moving()}), ref, small(20))


@pytest.mark.parametrize("case", defaults(), ids=lambda case: case.id)
def test_overrides(case: Case) -> None:
    """Each tensor may have numbers of its own."""
    own: dict[str, dict[str, Any]] = {
        "size17": {"weight_decay": None},
        "size255": {"learning_rate": 3 * rate(case)},
        "size4096": {"learning_rate_multiplier": 0.1, "weight_decay": 0.1},
        "matrix": {"trainable": False},
        "zeros": {"layer_adaptation": False},
    }
    problem = small()
    more = {"learning_rate": rate(case), "weight_decay": 0.01}
    opt, ref = case.make(**more), reference(case.algorithm, **{**case.kwargs, **more})
    lockstep(opt, ref, problem, overrides=own)


def test_the_constant_of_a_factored_moment_is_each_parameters_own() -> None:
    own = {"matrix": {"epsilon_1": 1e-2}, "filters": {"epsilon_1": 1e-4}}
    more = {"epsilon_mode": "add", "epsilon_1": 1e-30, "learning_rate": 0.1}
    opt, ref = lamb_rs.Adafactor(**more), reference("adafactor", **more)
    lockstep(opt, ref, small(), overrides=own)


def test_exclusions_are_overrides() -> None:
    more = {"weight_decay": 0.05, "weight_decay_mode": "decoupled"}
    opt, ref = lamb_rs.Lamb(**more), reference("lamb", **more)
    opt.exclude_from_weight_decay(var_names=["size1", "matrix"])
    opt.exclude_from_layer_adaptation(var_names=["^size25", "scalar"])
    names = small().params
    own: dict[str, dict[str, Any]] = {
        name: {
            **({"weight_decay": None} if "size1" in name or name == "matrix" else {}),
            **({"layer_adaptation": False} if name in ("size255", "scalar") else {}),
        }
        for name in names
    }
    build = ref.build
    ref.build = lambda params, _: build(params, own)  # type: ignore[method-assign]
    lockstep(opt, ref, small())


@pytest.mark.parametrize("case", defaults(), ids=lambda case: case.id)
@pytest.mark.parametrize("window", [None, 3])
def test_missing_gradients(case: Case, window: int | None) -> None:
    """None leaves a parameter alone; inside a window it counts as zero."""
    base = small(12)
    grads: list[dict[str, Any]] = [dict(g) for g in base.grads]
    for t, g in enumerate(grads):
        if t % 3 != 1:
            g["size17"] = None
        if t % 4 == 0:
            g["matrix"] = None
    more: dict[str, Any] = {
        "learning_rate": rate(case),
        "gradient_accumulation_steps": window,
        "use_ema": True,
        "weight_decay": 0.1,
        "global_clipnorm": 5.0,
    }
    ref = reference(case.algorithm, **{**case.kwargs, **more})
    lockstep(case.make(**more), ref, Model(base.params, grads))


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16], ids=["bfloat16", "float16"])
@pytest.mark.parametrize("case", defaults(), ids=lambda case: case.id)
@pytest.mark.parametrize("window", [None, 2])
def test_gradient_dtypes(case: Case, dtype: Any, window: int | None) -> None:
    """Narrow gradients are widened exactly: each of them is a float32 number."""
    base = small(12)
    narrow = [{name: g.astype(dtype) for name, g in step.items()} for step in base.grads]
    more = {"learning_rate": rate(case), "gradient_accumulation_steps": window}
    ref = reference(case.algorithm, **{**case.kwargs, **more})
    lockstep(case.make(**more), ref, Model(base.params, narrow))


@pytest.mark.parametrize("case", defaults(), ids=lambda case: case.id)
def test_numbers_change_between_steps(case: Case) -> None:
    more = {"learning_rate": rate(case), "weight_decay": 0.01}
    opt, ref = case.make(**more), reference(case.algorithm, **{**case.kwargs, **more})

    def change(t: int) -> None:
        if t == 6:
            opt.learning_rate = ref.hyper["learning_rate"] = 1.3 * rate(case)
            opt.weight_decay = ref.hyper["weight_decay"] = 0.2

    lockstep(opt, ref, small(), before_step=change)


def test_muon_by_names() -> None:
    """Matrices whose names say so follow AdamW; an override leaves them their decay."""
    base = model(SMALL, FEW)
    names = {"matrix": "Word_Embedding", "tall": "tall"}

    def renamed(step: Any) -> Any:
        return {names[name]: x for name, x in step.items() if name in names}

    problem = Model(renamed(base.params), [renamed(g) for g in base.grads])
    for kwargs in (
        {},
        {"exclude_embeddings": False},
        {"exclude_layers": ["^ta", "never|^Word"], "exclude_embeddings": False},
    ):
        opt, ref = lamb_rs.Muon(**kwargs), reference("muon", **kwargs)
        lockstep(opt, ref, problem)


@pytest.mark.parametrize("row", lamb_rs.registry(), ids=lambda row: row.name)
@pytest.mark.parametrize("scale", [1e-44, 1e-40, 0.0])
def test_gradients_near_zero(row: Any, scale: float) -> None:
    """Weights over the norm of a gradient may be beyond float32; parameters stay finite."""
    larc = {"larc_coefficient": 1.0, "larc_clip": False}
    for kwargs in ({}, larc):
        if refused(row, kwargs):
            continue
        rng = np.random.default_rng(0)
        params = [rng.normal(size=n).astype(np.float32) for n in ((40,), (5, 8))]
        opt = make(row.class_name, kwargs)
        opt.build(params)
        for t in range(4):
            grads = [np.asarray(scale * rng.normal(size=p.shape), np.float32) for p in params]
            grads[t % 2][0] = 0.0
            opt.apply(grads)
            assert all(np.isfinite(p).all() for p in params), (kwargs, t)


def test_one_step_bound_can_fail() -> None:
    old = np.ones(3, np.float32)
    exact = np.array([0.5, 0.25, 0.0])
    skip = np.zeros(3, dtype=bool)
    assert_one_step(exact.astype(np.float32), old, exact, skip, "exact")
    with pytest.raises(AssertionError):
        assert_one_step(exact.astype(np.float32) * np.float32(1.00001), old, exact, skip, "off")
