"""Every rule with every storage and stage: against the reference, or refused with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import lamb_rs
from lamb_rs import HyperparameterError
from reference import RULES, reference
from support.cases import make, refused, stepped_as_stored
from support.harness import lockstep, model

if TYPE_CHECKING:
    from support.options import Hyper

STORAGES = ("float32", "bfloat16", "float8")
STAGES: dict[str, Hyper] = {
    "none": {},
    "clipping": {"global_clipnorm": 1.0},
    "accumulation": {"gradient_accumulation_steps": 2},
    "average": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    "uniform average": {"use_ema": True, "ema_form": "uniform", "ema_start": 1},
    "centralization": {"gradient_centralization": True},
    "lookahead": {"sync_period": 2},
    "pullback": {"sync_period": 2, "pullback_momentum": "pullback"},
    "larc": {"larc_coefficient": 0.02},
    "larc in lookahead": {"sync_period": 2, "larc_coefficient": 0.02},
}
ROWS = lamb_rs.registry()
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@each_row
@pytest.mark.parametrize("storage", STORAGES)
def test_combination(row: Any, storage: str) -> None:
    problem = model((17, 4096), 5).without("tall")
    steady = {"epsilon": 1e-3} if "epsilon" in RULES[row.name].DEFAULTS else {}
    for stage, kwargs in STAGES.items():
        arguments = {**steady, **kwargs, "state_dtype": storage}
        reason = refused(row, arguments)
        if reason is not None:
            with pytest.raises(HyperparameterError, match=reason):
                make(row.class_name, arguments)
            continue
        opt, ref = make(row.class_name, arguments), reference(row.name, **arguments)
        stored = storage != "float32" and stepped_as_stored(row, arguments)
        try:
            lockstep(opt, ref, problem, stored=stored, trajectory=False)
        except AssertionError as error:
            raise AssertionError(f"{stage}: {error}") from error


@each_row
def test_what_is_refused_is_refused_for_a_reason(row: Any) -> None:
    """Nothing is left out of the table above in silence: most of it works."""
    works = [
        (storage, stage)
        for storage in STORAGES
        for stage, kwargs in STAGES.items()
        if refused(row, {**kwargs, "state_dtype": storage}) is None
    ]
    assert len(works) >= 12
    assert {storage for storage, _ in works} == set(STORAGES)


@pytest.mark.parametrize("storage", STORAGES)
def test_wrappers_nest(storage: str) -> None:
    """Lookahead, LARC, a scaled loss and routing around one rule, in one step."""
    inner = lamb_rs.SGD(0.1, momentum=0.9, weight_decay=0.01, state_dtype=storage)
    opt = lamb_rs.Lookahead(lamb_rs.Larc(inner, 0.02), sync_period=2)
    own = {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01, "state_dtype": storage}
    ref = reference("sgd", **own, sync_period=2, larc_coefficient=0.02, loss_scale_factor=8.0)
    scaled = lamb_rs.LossScaleOptimizer(opt, initial_scale=8.0, dynamic_growth_steps=1000)
    lockstep(scaled, ref, model((17, 4096), 6).without("tall"), trajectory=False, scale=8.0)
