"""The printed formula of every rule and mode, evaluated, moves parameters as the library does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from support.cases import Case, cases
from support.formulas import Evaluation, free_names, parse

if TYPE_CHECKING:
    from reference.base import Array

STEPS = 9
SHAPES: dict[str, tuple[int, ...]] = {
    "vector": (40,),
    "matrix": (21, 30),
    "filters": (4, 3, 2, 2),
}
# A formula has nothing to say of these.
ELSEWHERE = {"use_ema", "gradient_accumulation_steps", "state_dtype", "nonfinite"}
each_row = pytest.mark.parametrize("row", lamb_rs.registry(), ids=lambda row: row.name)


def problem() -> tuple[dict[str, Array], list[dict[str, Array]]]:
    """Parameters and gradients whose signs are clear."""
    rng = np.random.default_rng(0)
    params = {name: 0.05 * rng.normal(size=shape) for name, shape in SHAPES.items()}
    means = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    grads = [
        {name: means[name] + 0.3 * rng.normal(size=shape) for name, shape in SHAPES.items()}
        for _ in range(STEPS)
    ]
    single = lambda arrays: {name: x.astype(np.float32) for name, x in arrays.items()}  # noqa: E731
    return single(params), [single(g) for g in grads]


def described(make: Any) -> dict[str, Any]:
    """What a new optimizer says of each parameter."""
    opt = make()
    opt.build(problem()[0])
    return {one.name: one for one in opt.describe().parameters}


def numbers(parameter: Any) -> dict[str, Any]:
    """The values of all settings that are numbers."""
    values = {name: setting.value for name, setting in parameter.settings.items()}
    return {name: x for name, x in values.items() if isinstance(x, int | float)}


def shown(case: Case) -> bool:
    """Whether a row changes something that a formula tells."""
    return not ELSEWHERE & case.kwargs.keys() and case.algorithm != "muon"


def assert_same_steps(make: Any, formulas: dict[str, str]) -> None:
    """A new optimizer moves each parameter as its formula does."""
    opt = make()
    params, gradients = problem()
    start = {name: p.copy() for name, p in params.items()}
    hyper = numbers(described(make)["matrix"])
    evaluation = Evaluation(formulas, start, hyper)
    rate, scale = opt.learning_rate, np.float32(hyper.get("loss_scale_factor", 1.0))
    opt.build(params)
    for t, unscaled in enumerate(gradients):
        grads = {name: scale * g for name, g in unscaled.items()}
        opt.learning_rate = rate * (1 if t < STEPS // 2 else 0.5)
        opt.apply(grads)
        evaluation.update(grads, learning_rate=opt.learning_rate)
    for name, p in params.items():
        expected = evaluation[name]
        moved = np.abs(expected - start[name]).max()
        rounding = STEPS * np.spacing(np.abs(start[name]).max())
        error = np.abs(p - expected).max()
        assert moved > 20 * rounding, "the steps are too small for this test"
        assert error <= 1e-3 * moved + rounding, f"{name}: {formulas[name]}"


@pytest.mark.parametrize(
    "case", [case for case in cases() if shown(case)], ids=lambda case: case.id
)
def test_the_formula_is_what_is_computed(case: Case) -> None:
    formulas = {name: one.formula for name, one in described(case.make).items()}
    assert_same_steps(case.make, formulas)


@pytest.mark.parametrize("case", [case for case in cases() if case.own], ids=lambda case: case.id)
def test_every_symbol_is_defined(case: Case) -> None:
    for one in described(case.make).values():
        assert free_names(one.formula) <= {"p", "g", "t"} | one.settings.keys(), one.formula
        assert parse(one.formula)[-1][0] in ("p", "m"), one.formula


@each_row
def test_the_row_has_the_formula_of_the_defaults(row: Any) -> None:
    found = {one.formula for one in described(getattr(lamb_rs, row.class_name)).values()}
    assert found <= {row.formula, row.routed_formula}
    assert row.formula in found


def test_a_formula_follows_the_settings_of_its_parameter() -> None:
    opt = lamb_rs.AdamW(weight_decay=0.1)
    opt.build(problem()[0], {"vector": {"weight_decay": None}, "filters": {"trainable": False}})
    vector, matrix, filters = (one.formula for one in opt.describe().parameters)
    assert "weight_decay" in matrix
    assert "weight_decay" not in vector
    assert filters == "p = p"


def test_a_formula_has_no_trust_ratio_where_the_parameter_has_none() -> None:
    opt = lamb_rs.Lamb(weight_decay=0.1)
    opt.build(problem()[0], {"vector": {"layer_adaptation": False}})
    vector, matrix, _ = (one.formula for one in opt.describe().parameters)
    assert "q = 1;" in vector
    assert "q = if(" in matrix


def test_another_formula_is_found_out() -> None:
    """The two positions of epsilon differ by more than the bound."""
    modes = {mode: partial(lamb_rs.Adam, epsilon=0.1, epsilon_mode=mode) for mode in ("hat", "out")}
    formulas = {name: one.formula for name, one in described(modes["out"]).items()}
    with pytest.raises(AssertionError, match="vector: m = "):
        assert_same_steps(modes["hat"], formulas)
