"""The printed formula of every rule and mode, evaluated, moves parameters as the library does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import _core
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
ROWS: dict[str, Any] = {row["name"]: row for row in _core.algorithms()}
each_row = pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row["name"])


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


def follows_the_other_rule(opt: Any, array: Array) -> bool:
    """Whether an array follows the rule of `formula(routed=True)`."""
    if isinstance(opt, lamb_rs.Muon):
        return array.ndim != 2
    if isinstance(opt, lamb_rs.Mars):
        return array.ndim < 2 and not opt.optimize_1d
    whole = array.ndim < 2 or min(array.shape[-2:]) < getattr(opt, "min_dim_size_to_factor", 0)
    return whole and opt._native.formula(routed=True) is not None


def hyperparameters(opt: Any) -> dict[str, Any]:
    """The values of all hyperparameters that are numbers."""
    names = [one["name"] for one in ROWS[opt._algorithm]["hyper"]]
    values = {name: opt._native.get(name) for name in names}
    return {name: x for name, x in values.items() if isinstance(x, int | float)}


def shown(case: Case) -> bool:
    """Whether a row changes something that a formula tells."""
    return not ELSEWHERE & case.kwargs.keys() and case.algorithm != "muon"


def assert_same_steps(opt: Any, formulas: dict[str, str]) -> None:
    """An optimizer that is not built moves each parameter as its formula does."""
    (leaf,) = opt._leaves()
    params, gradients = problem()
    start = {name: p.copy() for name, p in params.items()}
    evaluation = Evaluation(formulas, start, hyperparameters(leaf))
    rate, scale = opt.learning_rate, np.float32(leaf.loss_scale_factor or 1.0)
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
    opt = case.make()
    (leaf,) = opt._leaves()
    params, _ = problem()
    formulas = {
        name: leaf._native.formula(routed=follows_the_other_rule(leaf, p))
        for name, p in params.items()
    }
    assert_same_steps(opt, formulas)


@pytest.mark.parametrize("case", [case for case in cases() if case.own], ids=lambda case: case.id)
def test_every_symbol_is_defined(case: Case) -> None:
    opt = case.make()
    known = {"p", "g", "t"} | {one["name"] for one in ROWS[case.algorithm]["hyper"]}
    for routed in (False, True):
        formula = opt._native.formula(routed=routed)
        if formula is not None:
            assert free_names(formula) <= known, formula
            assert parse(formula)[-1][0] in ("p", "m"), formula


@each_row
def test_the_row_has_the_formula_of_the_defaults(row: Any) -> None:
    opt = getattr(lamb_rs, row["class_name"])()
    assert row["formula"] == opt._native.formula()
    assert row["routed_formula"] == opt._native.formula(routed=True)


def test_another_formula_is_found_out() -> None:
    """The two positions of epsilon differ by more than the bound."""
    opt = lamb_rs.Adam(epsilon=0.1, epsilon_mode="hat")
    other = lamb_rs.Adam(epsilon=0.1, epsilon_mode="out")
    with pytest.raises(AssertionError, match="vector: m = "):
        assert_same_steps(opt, dict.fromkeys(SHAPES, other._native.formula()))
