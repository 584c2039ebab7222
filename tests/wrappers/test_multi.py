"""Several optimizers for one set of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    SGD,
    Adam,
    AdamW,
    HyperparameterError,
    Lamb,
    Lookahead,
    LossScaleOptimizer,
    MultiOptimizer,
    NonFiniteError,
    ParameterSetError,
    ShapeError,
    StateMismatchError,
)
from support.trees import leaves

if TYPE_CHECKING:
    from collections.abc import Callable


def tree(value: float = 1.0) -> Any:
    def of(*shape: int) -> Any:
        return np.full(shape, value, np.float32)

    return {"a": [{"kernel": of(4, 3), "bias": of(3)}, {"kernel": of(3, 2)}], "norm": (of(5),)}


def routed() -> MultiOptimizer:
    return MultiOptimizer([("*/kernel", Lamb(0.1)), ("norm/*", SGD(0.5))], default=Adam(0.2))


def test_each_parameter_goes_to_its_optimizer() -> None:
    opt, params = routed(), tree()
    opt.build(params)
    assert [part.parameter_names for part in opt.optimizers] == [
        ["a/0/kernel", "a/1/kernel"],
        ["norm/0"],
        ["a/0/bias"],
    ]
    assert opt.parameter_names == ["a/0/kernel", "a/0/bias", "a/1/kernel", "norm/0"]
    assert opt.apply(tree())
    alone = [Lamb(0.1), Adam(0.2), Lamb(0.1), SGD(0.5)]
    for one, p in zip(alone, leaves(params), strict=True):
        one.apply(np.ones_like(p), q := np.ones_like(p))
        assert (p == q).all()


@pytest.mark.parametrize(
    "params",
    [lambda: np.ones(3, np.float32), lambda: [np.ones(3, np.float32), np.ones(2, np.float32)]],
    ids=["array", "sequence"],
)
def test_structures(params: Callable[[], Any]) -> None:
    opt = MultiOptimizer([("0", SGD(0.5))], default=SGD(0.25))
    p = params()
    assert opt.apply(params(), p)
    first = p if isinstance(p, np.ndarray) else p[0]
    assert first.tolist() == [0.5] * 3


def test_narrow_gradients_and_none() -> None:
    opt, params = routed(), tree()
    opt.build(params)
    grads = tree()
    grads["a"][0]["kernel"] = grads["a"][0]["kernel"].astype(ml_dtypes.bfloat16)
    grads["a"][0]["bias"] = None
    assert opt.apply(grads)
    assert (params["a"][0]["bias"] == 1).all()
    assert [part.iterations for part in opt.optimizers] == [1, 1, 0]
    assert opt.iterations == 1
    nothing = {"a": [{"kernel": None, "bias": None}, {"kernel": None}], "norm": (None,)}
    with pytest.raises(ParameterSetError, match="None"):
        opt.apply(nothing)


WRONG: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "no structure": (lambda _: 3, ParameterSetError, "gradients must be a mapping"),
    "missing": (lambda g: {"a": g["a"]}, ParameterSetError, "missing: 'norm'.*pass None"),
    "unknown": (
        lambda g: {**g, "nrm": 1},
        ParameterSetError,
        "unknown: 'nrm'; did you mean 'norm'",
    ),
    "too few": (
        lambda g: {**g, "a": g["a"][:1]},
        ParameterSetError,
        "gradients under 'a' must be a sequence of 2.*got 1 item",
    ),
    "a shape": (lambda g: {**g, "norm": [np.ones(4, np.float32)]}, ShapeError, "norm/0"),
    "the last is wrong": (
        lambda g: {**g, "a": [{**g["a"][0], "bias": np.ones(9, np.float32)}, g["a"][1]]},
        ShapeError,
        "a/0/bias",
    ),
}


@pytest.mark.parametrize(("change", "error", "message"), WRONG.values(), ids=WRONG)
def test_a_refused_step_changes_no_part(
    change: Callable[[Any], Any], error: type[Exception], message: str
) -> None:
    opt, params = routed(), tree()
    opt.build(params)
    with pytest.raises(error, match=message):
        opt.apply(change(tree()))
    assert all((p == 1).all() for p in leaves(params))
    assert [part.calls for part in opt.optimizers] == [0, 0, 0]
    assert opt.apply(tree())


@pytest.mark.parametrize("bad", ["kernel", "bias"])
def test_a_nan_in_one_part_stops_all(bad: str) -> None:
    opt = MultiOptimizer([("*/kernel", SGD(nonfinite="raise"))], default=SGD(nonfinite="raise"))
    params = {"x": {"kernel": np.ones(3, np.float32), "bias": np.ones(3, np.float32)}}
    opt.build(params)
    grads = {"x": {"kernel": np.ones(3, np.float32), "bias": np.ones(3, np.float32)}}
    grads["x"][bad][1] = np.nan
    with pytest.raises(NonFiniteError, match=f"x/{bad}"):
        opt.apply(grads)
    assert all((p == 1).all() for p in leaves(params))


def test_a_function_that_raises_stops_all() -> None:
    def fails() -> float:
        raise RuntimeError("no rate today")

    opt = MultiOptimizer([("0", SGD(0.5)), ("1", SGD(fails))])
    params = [np.ones(3, np.float32), np.ones(2, np.float32)]
    opt.build(params)
    with pytest.raises(RuntimeError, match="no rate today"):
        opt.apply([np.ones(3, np.float32), np.ones(2, np.float32)])
    assert all((p == 1).all() for p in params)


ROUTES: dict[str, tuple[Callable[[], MultiOptimizer], str]] = {
    "two": (
        lambda: MultiOptimizer([("a/*", SGD()), ("*/kernel", Adam())], default=SGD()),
        r"'a/0/kernel' matches 'a/\*' and '\*/kernel'",
    ),
    "none": (
        lambda: MultiOptimizer([("a/*", SGD())]),
        "'norm/0' matches no pattern; add one, or a default",
    ),
    "nothing": (
        lambda: MultiOptimizer([("b/*", SGD())], default=SGD()),
        r"'b/\*' matches none of the 4 parameters \('a/0/kernel'",
    ),
}


@pytest.mark.parametrize(("make", "message"), ROUTES.values(), ids=ROUTES)
def test_patterns_that_do_not_divide(make: Callable[[], MultiOptimizer], message: str) -> None:
    opt = make()
    with pytest.raises(ParameterSetError, match=message):
        opt.build(tree())
    assert not opt.built
    assert not any(part.built for part in opt.optimizers)


SAME = SGD()
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing": (lambda: MultiOptimizer([]), "needs optimizers"),
    "a mapping": (lambda: MultiOptimizer({"*": SGD()}), "list of .pattern, optimizer"),  # type: ignore[arg-type]
    "no pattern": (lambda: MultiOptimizer([SGD()]), "list of .pattern, optimizer"),  # type: ignore[list-item]
    "no optimizer": (lambda: MultiOptimizer([("*", 3)]), "goes around an optimizer.*got 3"),  # type: ignore[list-item]
    "same pattern": (
        lambda: MultiOptimizer([("*", SGD()), ("*", SGD())]),
        "pattern is given",
    ),
    "same optimizer": (lambda: MultiOptimizer([("a", SAME), ("b", SAME)]), "is given twice"),
    "multi": (
        lambda: MultiOptimizer([("*", Lookahead(MultiOptimizer([], SGD())))]),
        "cannot be inside MultiOptimizer: give its parts to the outer one",
    ),
    "loss scale": (
        lambda: MultiOptimizer([("*", Lookahead(LossScaleOptimizer(SGD())))]),
        "LossScaleOptimizer cannot be inside.*put it around",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(HyperparameterError, match=message):
        make()


def test_a_default_that_gets_nothing_is_left_alone() -> None:
    opt = MultiOptimizer([("*", SGD(0.5))], default=Adam())
    params = [np.ones(3, np.float32)]
    assert opt.apply([np.ones(3, np.float32)], params)
    assert [part.built for part in opt.optimizers] == [True, False]
    assert "optimizer/1/iterations" not in opt.state_dict()
    opt.load_state_dict(opt.state_dict())
    assert opt.summary()
    assert opt.explain()


def test_overrides_go_where_they_match() -> None:
    opt = routed()
    opt.build(
        tree(),
        {
            "*/kernel": {"layer_adaptation": False},
            "*": {"learning_rate_multiplier": 0.5},
            (lambda _, p: p.ndim == 1): {"weight_decay": 0.5},
        },
    )
    settings = {one.name: one.settings for one in opt.describe().parameters}
    assert [one["learning_rate"].value for one in settings.values()] == [0.05, 0.1, 0.05, 0.25]
    assert [one["weight_decay"].value for one in settings.values()] == [None, 0.5, None, 0.5]
    assert settings["a/0/kernel"]["layer_adaptation"].value is False


def test_exclusions_go_where_they_match() -> None:
    opt = MultiOptimizer([("*/kernel", AdamW(weight_decay=0.1))], SGD(weight_decay=0.1))
    opt.exclude_from_weight_decay(var_names=["a/0", "norm"])
    params = tree()
    opt.build(params)
    decays = [one.settings["weight_decay"].value for one in opt.describe().parameters]
    assert decays == [None, None, 0.1, None]
    wrong = MultiOptimizer([("*/kernel", AdamW())], SGD())
    wrong.exclude_from_weight_decay(var_names=["embedding"])
    with pytest.raises(ParameterSetError, match="'embedding' is found in none of the 4"):
        wrong.build(params)


def test_hyperparameters_belong_to_the_parts() -> None:
    opt = routed()
    assert opt.seed == 0
    with pytest.raises(HyperparameterError, match=r"different values of learning_rate \(0.1, 0.5"):
        _ = opt.learning_rate
    with pytest.raises(HyperparameterError, match=r"such as \.optimizers\[0\]\.learning_rate = 1"):
        opt.learning_rate = 1.0
    opt.optimizers[2].learning_rate = 0.3
    assert opt.optimizers[2].learning_rate == 0.3


def test_ratios_and_norms_are_in_order() -> None:
    opt, params = routed(), tree()
    opt.build(params)
    assert opt.trust_ratios is None
    opt.apply(tree())
    assert opt.trust_ratios is not None
    assert np.isnan(opt.trust_ratios).tolist() == [False, True, False, True]
    assert opt.gradient_norm is None
    clipped = MultiOptimizer([("0", SGD(clipnorm=9.0))], default=SGD(global_clipnorm=9.0))
    params = [np.zeros(1, np.float32), np.zeros(1, np.float32)]
    clipped.apply([np.full(1, 3.0, np.float32), np.full(1, 4.0, np.float32)], params)
    assert clipped.gradient_norm == 5.0


def test_averages_and_evaluation_weights() -> None:
    opt = MultiOptimizer([("0", SGD(0.5, use_ema=True, ema_momentum=0.5))], default=SGD(0.5))
    params = [np.ones(2, np.float32), np.ones(2, np.float32)]
    opt.build(params)
    for _ in range(2):
        opt.apply([np.ones(2, np.float32)] * 2)
    assert list(opt.averages) == ["0"]
    with opt.evaluation_weights():
        assert [p[0] for p in params] == [0.25, 0.0]
        with pytest.raises(lamb_rs.ConcurrentStepError, match="leave the with block"):
            opt.apply([np.ones(2, np.float32)] * 2)
    assert [p[0] for p in params] == [0.0, 0.0]
    opt.finalize_variable_values()
    assert [p[0] for p in params] == [0.25, 0.0]


def test_a_state_names_the_parts() -> None:
    opt, params = routed(), tree()
    opt.apply(tree(), params)
    state = opt.state_dict()
    assert [state[f"optimizer/{k}/iterations"] for k in range(3)] == [1, 1, 1]
    assert "a/0/kernel/momentum" in state
    del (
        state["optimizer/1/iterations"],
        state["a/0/bias/velocity"],
        state["optimizer/skipped_steps"],
    )
    state["optimizer/7/iterations"] = 3
    with pytest.raises(StateMismatchError) as caught:
        opt.load_state_dict(state)
    for line in (
        "'optimizer/1/iterations' is missing",
        "'a/0/bias/velocity' is missing",
        "'optimizer/7/iterations' is unknown",
        "'optimizer/skipped_steps' is missing",
    ):
        assert line in str(caught.value)
