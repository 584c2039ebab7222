"""Configuration, state, pickles and copies: content, and training that continues exactly."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import HyperparameterError, Lamb, NotBuiltError, StateMismatchError, optim, schedules

if TYPE_CHECKING:
    from collections.abc import Callable

ARGUMENTS = {
    row.class_name: [one.name for one in row.hyperparameters] for row in lamb_rs.registry()
}
CLASSES = [getattr(optim, name) for name in optim.__all__]
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def parameters() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"w": rng.normal(size=(70, 70)).astype("f"), "b": rng.normal(size=9).astype("f")}


def gradients(t: int) -> dict[str, Any]:
    rng = np.random.default_rng(t + 1)
    return {"w": rng.normal(size=(70, 70)).astype("f"), "b": rng.normal(size=9).astype("f")}


def run(opt: lamb_rs.Optimizer, steps: range) -> None:
    for t in steps:
        opt.apply(gradients(t))


def trained(opt: lamb_rs.Optimizer) -> dict[str, Any]:
    """The state after three steps."""
    params = parameters()
    opt.build(params)
    run(opt, range(3))
    return opt.state_dict()


def rate() -> schedules.Schedule:
    return schedules.Warmup(schedules.CosineDecay(0.01, 20), 3)


def through_config(opt: Any) -> Any:
    again = type(opt).from_config(json.loads(json.dumps(opt.get_config())))
    again.load_state_dict(opt.state_dict())
    return again


WAYS: dict[str, Callable[[Any], Any]] = {
    "config and state": through_config,
    "pickle": lambda opt: pickle.loads(pickle.dumps(opt)),
    "deepcopy": copy.deepcopy,
}


@each_class
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_training_goes_on_alike(cls: Any, way: Callable[[Any], Any]) -> None:
    """Stopped in the middle of a window, with everything that has state."""
    opt = cls(
        rate(),
        weight_decay=0.01,
        weight_decay_mode="corrected",
        use_ema=True,
        gradient_accumulation_steps=2,
        state_dtype="float8",
        seed=5,
    )
    opt.exclude_from_weight_decay(var_names=["b"])
    params = parameters()
    opt.build(params)
    run(opt, range(7))
    again = way(opt)
    assert not again.built
    copies = {name: p.copy() for name, p in params.items()}
    again.build(copies)
    assert (again.iterations, again.calls) == (3, 7)
    run(opt, range(7, 14))
    run(again, range(7, 14))
    for name, p in params.items():
        assert copies[name].tobytes() == p.tobytes()
        assert again.averages[name].tobytes() == opt.averages[name].tobytes()
    assert again.get_config() == opt.get_config()
    assert again.explain().partition("why")[0] == opt.explain().partition("why")[0]


@each_class
def test_config_is_what_the_constructor_takes(cls: Any) -> None:
    opt = cls(0.5, clipnorm=2.0, name="mine")
    config = opt.get_config()
    assert config == json.loads(json.dumps(config))
    assert list(config) == [*ARGUMENTS[cls.__name__], "name"]
    assert repr(cls.from_config(config)) == repr(opt)
    assert repr(cls(**config)) == repr(opt)


def test_config_holds_the_numbers_of_now() -> None:
    opt = Lamb(rate(), trust_clip=(0.0, 1.0), gradient_accumulation_steps=4, seed=2**40)
    config = json.loads(json.dumps(opt.get_config()))
    assert config["learning_rate"]["class_name"] == "Warmup"
    assert config["gradient_accumulation_steps"] == 4
    assert config["seed"] == 2**40
    assert Lamb.from_config(config).trust_clip == (0.0, 1.0)
    opt.learning_rate = 0.25
    assert opt.get_config()["learning_rate"] == 0.25


def test_config_holds_exclusions() -> None:
    params = parameters()
    opt = Lamb(weight_decay=0.1)
    opt.exclude_from_weight_decay(var_list=[params["b"]])
    opt.exclude_from_layer_adaptation(var_names=["w"])
    with pytest.raises(HyperparameterError, match=r"exclude_from_weight_decay .*var_list.* build"):
        opt.get_config()
    opt.build(params)
    assert opt.get_config()["exclude_from_weight_decay"] == ["^b$"]
    assert opt.get_config()["exclude_from_layer_adaptation"] == ["w"]
    again = copy.deepcopy(opt)
    again.build(parameters())
    assert [one.settings["weight_decay"].value for one in again.describe().parameters] == [
        0.1,
        None,
    ]


@pytest.mark.parametrize(
    "save",
    [lambda opt: opt.get_config(), pickle.dumps, copy.deepcopy],
    ids=["config", "pickle", "copy"],
)
def test_functions_cannot_be_saved(save: Callable[[Any], Any]) -> None:
    opt = Lamb(beta_1=lambda: 0.9)
    with pytest.raises(
        HyperparameterError, match=r"beta_1 is the function .* cannot be saved.*Sched"
    ):
        save(opt)
    opt.beta_1 = 0.9
    save(opt)


def test_config_of_another_class() -> None:
    with pytest.raises(TypeError, match=r"SGD\(\) has no argument 'beta_1'"):
        lamb_rs.SGD.from_config(Lamb().get_config())


class Own(schedules.Schedule):
    """A user's own, which only its class can describe."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, step: int) -> float:
        return self.rate

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate}


def test_own_schedules_are_saved() -> None:
    opt = Lamb(Own(0.125))
    for again in (Lamb.from_config(opt.get_config()), pickle.loads(pickle.dumps(opt))):
        assert again.learning_rate == 0.125
        assert again.get_config() == opt.get_config()


def test_state_has_names() -> None:
    opt = Lamb(use_ema=True)
    state = trained(opt)
    arrays = {key for key in state if not key.startswith("optimizer/")}
    assert arrays == {
        f"{name}/{slot}" for name in "wb" for slot in ("momentum", "velocity", "average")
    }
    assert state["w/momentum"].shape == (70, 70)
    assert state["optimizer/iterations"] == state["optimizer/calls"] == 3
    state["w/momentum"][:] = 7
    assert not (opt.state_dict()["w/momentum"] == 7).any()


def test_state_waits_for_build() -> None:
    state = trained(Lamb())
    again = Lamb()
    again.load_state_dict(state)
    with pytest.raises(NotBuiltError):
        again.state_dict()
    # A copy of what waits waits too.
    copied = pickle.loads(pickle.dumps(copy.deepcopy(again)))
    for one in (again, copied):
        one.build(parameters())
        assert one.iterations == 3
        assert one.state_dict()["w/velocity"].tobytes() == state["w/velocity"].tobytes()


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "missing": (lambda state: state.pop("b/momentum"), "'b/momentum'"),
    "unknown": (lambda state: state.update({"c/momentum": np.ones(3, "f")}), "'c/momentum'"),
    "shape": (lambda state: state.update({"b/momentum": np.ones(3, "f")}), "'b/momentum'"),
    "algorithm": (lambda state: state.update({"optimizer/algorithm": "adam"}), "'adam'.*'lamb'"),
}


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize(("spoil", "message"), WRONG.values(), ids=WRONG)
def test_state_that_does_not_fit(
    spoil: Callable[[dict[str, Any]], Any], message: str, waiting: bool
) -> None:
    state = trained(Lamb())
    spoil(state)
    again = Lamb()
    if waiting:
        again.load_state_dict(state)
    else:
        again.build(parameters())
    before = None if waiting else again.state_dict()
    with pytest.raises(StateMismatchError, match=message):
        again.build(parameters()) if waiting else again.load_state_dict(state)
    assert again.built is not waiting
    if before is not None:
        after = again.state_dict()
        assert {key: np.asarray(x).tobytes() for key, x in after.items()} == {
            key: np.asarray(x).tobytes() for key, x in before.items()
        }


def test_scalars_need_not_be_there_either() -> None:
    state = trained(lamb_rs.Nadam())
    kept = trained(lamb_rs.Nadam())["optimizer/momentum_product"]
    del state["optimizer/momentum_product"]
    again = lamb_rs.Nadam()
    again.build(parameters())
    with pytest.raises(StateMismatchError, match="'optimizer/momentum_product' is missing"):
        again.load_state_dict(state)
    again.load_state_dict(state, strict=False)
    assert again.iterations == 3
    state["optimizer/momentum_product"] = np.ones((2, 2))
    with pytest.raises(StateMismatchError, match="must hold 1 finite numbers"):
        again.load_state_dict(state, strict=False)
    state["optimizer/momentum_product"] = kept
    again.load_state_dict(state)


@pytest.mark.parametrize("waiting", [False, True])
def test_state_that_need_not_fit(waiting: bool) -> None:
    state = trained(Lamb())
    del state["b/momentum"]
    state["c/momentum"] = np.ones(3, "f")
    again = Lamb()
    if waiting:
        again.load_state_dict(state, strict=False)
        again.build(parameters())
    else:
        again.build(parameters())
        again.load_state_dict(state, strict=False)
    assert again.iterations == 3
    state["w/momentum"] = np.ones(3, "f")
    again = Lamb(rate())
    again.load_state_dict(state, strict=False)
    with pytest.raises(StateMismatchError, match="'w/momentum'"):
        again.build(parameters())
    assert not again.built
    assert repr(again) == repr(Lamb(rate()))


@each_class
def test_reset(cls: Any) -> None:
    params = parameters()
    opt = cls(rate(), use_ema=True)
    opt.build(params)
    fresh = opt.state_dict()
    run(opt, range(3))
    for name, p in parameters().items():
        params[name][...] = p
    opt.reset()
    assert opt.iterations == opt.calls == 0
    assert opt.trust_ratios is None
    state = opt.state_dict()
    assert {key: np.asarray(x).tobytes() for key, x in state.items()} == {
        key: np.asarray(x).tobytes() for key, x in fresh.items()
    }


def test_differences_are_data() -> None:
    state = trained(Lamb())
    del state["w/momentum"]
    state["more"] = 1
    opt = Lamb()
    trained(opt)
    with pytest.raises(StateMismatchError) as raised:
        opt.load_state_dict(state)
    error = raised.value
    assert set(error.differences) == {"'w/momentum' is missing", "'more' is unknown"}
    assert str(error) == "\n  - ".join([error.summary, *error.differences])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.differences) == (str(error), error.differences)
