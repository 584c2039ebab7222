"""Every hyperparameter of every rule as an override of one tensor, and of no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import HyperparameterError
from reference import reference
from support.cases import own_options
from support.harness import Model, lockstep, model
from support.options import BESIDES

ROWS = lamb_rs.registry()
PROBLEM = model((17,), 6)
# A vector, which is the first tensor, and a matrix.
TENSORS = ("size17", "matrix")
# Without a momentum these rules keep no state for one.
BASES = {("sgd", "momentum"): {"momentum": 0.5}, ("rmsprop", "momentum"): {"momentum": 0.5}}
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def overridable(row: Any) -> list[tuple[str, dict[str, Any], Any]]:
    """Own numbers of a rule that may differ between tensors: name, needed arguments, a value."""
    found = {}
    for kwargs in own_options(row).values():
        name, value = list(kwargs.items())[-1]
        if name in own_numbers(row) and name not in found:
            needed = {key: x for key, x in kwargs.items() if key != name}
            needed |= BASES.get((row.name, name), {}) | BESIDES.get(row.name, {})
            found[name] = (name, needed, 0.9 if (row.name, name) in BASES else value)
    return list(found.values())


def own_numbers(row: Any) -> set[str]:
    return {h.name for h in row.hyperparameters if h.per_parameter and not h.shared}


def trained(row: Any, arguments: dict[str, Any], overrides: Any, problem: Model) -> Any:
    params = problem.fresh()
    opt = getattr(lamb_rs, row.class_name)(**arguments)
    opt.build(params, overrides)
    for g in problem.grads:
        opt.apply(g)
    return {name: p.tobytes() for name, p in params.items()}


@each_row
def test_as_an_override_of_one_tensor(row: Any) -> None:
    for name, needed, value in overridable(row):
        effects = []
        plain = trained(row, needed, None, PROBLEM)
        for tensor in TENSORS:
            overrides = {tensor: {name: value}}
            opt = getattr(lamb_rs, row.class_name)(**needed)
            lockstep(opt, reference(row.name, **needed), PROBLEM, overrides=overrides)
            ends = trained(row, needed, overrides, PROBLEM)
            changed = {key for key in ends if ends[key] != plain[key]}
            # A rule that adds up sums over all tensors moves the others, too.
            assert changed <= {tensor} or row.scope == "all", (name, tensor, changed)
            effects += changed
        assert effects, f"{name} has no effect as an override"


@each_row
def test_what_cannot_differ_between_tensors_is_refused(row: Any) -> None:
    for hyper in row.hyperparameters:
        if hyper.per_parameter:
            continue
        opt = getattr(lamb_rs, row.class_name)()
        message = f"'w'.*{hyper.name} .*cannot differ between parameters"
        with pytest.raises(HyperparameterError, match=message):
            opt.build({"w": np.ones(3, np.float32)}, {"w": {hyper.name: hyper.default}})


@pytest.mark.parametrize("name", ["SGD", "RMSprop"])
def test_an_override_cannot_add_state(name: str) -> None:
    params = {"a": np.ones(3, np.float32), "b": np.ones(3, np.float32)}
    opt = getattr(lamb_rs, name)()
    with pytest.raises(HyperparameterError, match=r"'b': momentum needs a state.*constructor"):
        opt.build(params, {"b": {"momentum": 0.9}})
    getattr(lamb_rs, name)(momentum=0.9).build(params, {"b": {"momentum": 0.0}})


def test_every_own_number_has_a_value_here() -> None:
    """A rule that comes later needs a value in `support.options.VALUES`."""
    for row in ROWS:
        tried = {name for name, _, _ in overridable(row)}
        assert own_numbers(row) - tried <= {"learning_rate"}, row.name
