"""`load_peer_state`: a running training of torch or Keras moves over without a jump."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import lamb_rs
from support.harness import Tensors, assert_trajectory, model
from support.peer_runs import keras_in_float64, keras_steps, make_torch, peer_class
from support.recorded import recorded

PROBLEM = model((7, 255), 40, 6)
MOVED = 13
DECAY = {"lr": 0.01, "weight_decay": 0.05}
TORCH: list[tuple[str, dict[str, Any]]] = [
    ("torch.SGD", DECAY),
    ("torch.SGD", {**DECAY, "momentum": 0.9, "dampening": 0.3}),
    ("torch.Adagrad", {**DECAY, "lr_decay": 0.1}),
    ("torch.RMSprop", DECAY),
    ("torch.RMSprop", {"lr": 0.001, "momentum": 0.9, "centered": True}),
    ("torch.Adadelta", {"lr": 1.0}),
    ("torch.Adam", {**DECAY, "amsgrad": True}),
    ("torch.AdamW", DECAY),
    ("torch.Adamax", DECAY),
    ("torch.NAdam", DECAY),
    ("torch.RAdam", {**DECAY, "betas": (0.9, 0.99)}),
    ("torch.Adafactor", {"lr": 0.02}),
]
TORCH_RULES = [
    one.name
    for one in lamb_rs.peers()
    if one.name.startswith("torch.") and one.optimizer in lamb_rs.optim.__all__
]
NEEDED = {"torch.SGD": {"momentum": 0.9}, "torch.RMSprop": {"momentum": 0.9}}
# Keys by which the state of a class is known.
GROUPS: dict[str, dict[str, Any]] = {
    "torch.Adam": {"amsgrad": False},
    "torch.AdamW": {"amsgrad": False},
    "torch.NAdam": {"momentum_decay": 0.004},
}
KERAS: list[tuple[str, dict[str, Any]]] = [
    ("keras.SGD", {"momentum": 0.9, "nesterov": True}),
    ("keras.Adagrad", {}),
    ("keras.RMSprop", {"momentum": 0.9, "centered": True}),
    ("keras.Adadelta", {"learning_rate": 1.0}),
    ("keras.Adam", {"amsgrad": True}),
    ("keras.AdamW", {"global_clipnorm": 0.5}),
    ("keras.Adamax", {}),
    ("keras.Nadam", {}),
    ("keras.Adafactor", {"learning_rate": 0.01}),
    ("keras.Ftrl", {"learning_rate": 0.1}),
    ("keras.Lion", {}),
    ("keras.Lamb", {"weight_decay": 0.05}),
    ("keras.Muon", {}),
    (
        "keras.Lamb",
        {"use_ema": True, "ema_momentum": 0.8, "gradient_accumulation_steps": 3},
    ),
]


def ids(rows: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [f"{name}-{'-'.join(kwargs)}" for name, kwargs in rows]


def go_on(name: str, kwargs: dict[str, Any], framework: str, state: Any, start: Tensors) -> Tensors:
    """Parameters after the rest of the steps, from the peer's parameters and state."""
    params = {key: np.array(p, dtype=np.float32) for key, p in start.items()}
    opt = lamb_rs.from_peer(name, **kwargs)
    opt.build(params)
    opt.load_peer_state(framework, state)
    for g in PROBLEM.grads[MOVED:]:
        opt.apply(g)
    return params


def assert_same_end(params: Tensors, theirs: Tensors, start: Tensors) -> None:
    for key, p in params.items():
        if np.abs(theirs[key] - start[key]).max() > 0:
            assert_trajectory(p, theirs[key], np.float32(start[key]), key)


def by_torch(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The parameters and the state where the training moves, and the parameters at the end."""
    import torch  # noqa: PLC0415 - where it runs

    tensors = {key: torch.tensor(p, dtype=torch.float64) for key, p in PROBLEM.params.items()}
    for tensor in tensors.values():
        tensor.requires_grad_()
    theirs = make_torch(name, kwargs, list(tensors.values()))
    found: dict[str, Any] = {}
    for t, g in enumerate(PROBLEM.grads):
        if t == MOVED:
            state = theirs.state_dict()
            for number, own in state["state"].items():
                found |= {f"state {number} {key}": as_array(x) for key, x in own.items()}
            groups = json.dumps(state["param_groups"]).encode()
            found["groups"] = np.frombuffer(groups, np.uint8)
            found |= {f"start {key}": p.detach().numpy().copy() for key, p in tensors.items()}
        for key, tensor in tensors.items():
            tensor.grad = torch.tensor(g[key], dtype=tensor.dtype)
        theirs.step()
    return found | {f"end {key}": p.detach().numpy() for key, p in tensors.items()}


def as_array(x: Any) -> np.ndarray:
    return np.array(x.detach().numpy() if hasattr(x, "detach") else x)


def parameters(found: Tensors, when: str) -> Tensors:
    """The parameters where the training moves ("start") or at the end, in their order."""
    return {key: found[f"{when} {key}"] for key in PROBLEM.params}


@pytest.mark.parametrize("row", range(len(TORCH)), ids=ids(TORCH))
def test_torch_goes_on(row: int) -> None:
    name, kwargs = TORCH[row]
    found = recorded("torch", f"state {row} {name}", lambda: by_torch(name, kwargs))
    slots: dict[int, dict[str, Any]] = {}
    for key, x in found.items():
        kind, *rest = key.split(" ")
        if kind == "state":
            number, slot = rest
            slots.setdefault(int(number), {})[slot] = x
    state = {"state": slots, "param_groups": json.loads(found["groups"].tobytes())}
    own = {**kwargs, "eps": (2.0**-52, 1e-3)} if name == "torch.Adafactor" else kwargs
    start, end = parameters(found, "start"), parameters(found, "end")
    assert_same_end(go_on(name, own, "torch", state, start), end, start)


def by_keras(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The parameters and the variables where the training moves, and the parameters at the end."""
    with keras_in_float64():
        theirs = peer_class(name)(**kwargs)
        runs = list(keras_steps(theirs, PROBLEM.params, PROBLEM.grads))
        paths = [v.path for v in theirs.variables]
    values, own = runs[MOVED]
    return {
        "paths": np.frombuffer(json.dumps(paths).encode(), np.uint8),
        **{f"variable {i}": np.array(x) for i, x in enumerate(own)},
        **{f"start {key}": np.array(x) for key, x in zip(PROBLEM.params, values, strict=True)},
        **{f"end {key}": np.array(x) for key, x in zip(PROBLEM.params, runs[-1][0], strict=True)},
    }


@pytest.mark.parametrize(
    ("row", "form"),
    [
        pytest.param(row, form, id=f"{name}-{form}")
        for row, name in enumerate(ids(KERAS))
        for form in ("dict", "list", "arrays")
        # Its variables share names.
        if (KERAS[row][0], form) != ("keras.Adafactor", "dict")
    ],
)
def test_keras_goes_on(row: int, form: str) -> None:
    name, kwargs = KERAS[row]
    found = recorded("keras", f"state {row} {name}", lambda: by_keras(name, kwargs))
    paths = json.loads(found["paths"].tobytes())
    arrays = [found[f"variable {i}"] for i in range(len(paths))]
    state: Any = arrays
    if form == "dict":
        state = dict(zip(paths, arrays, strict=True))
    elif form == "list":
        state = [Named(path, array) for path, array in zip(paths, arrays, strict=True)]
    start, end = parameters(found, "start"), parameters(found, "end")
    assert_same_end(go_on(name, kwargs, "keras", state, start), end, start)


class Named:
    """A variable as Keras has it: a path, and values that NumPy can read."""

    def __init__(self, path: str, array: Any) -> None:
        self.path, self.array = path, array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.array


def small() -> tuple[lamb_rs.Optimizer, dict[str, np.ndarray]]:
    params = {"kernel": np.ones((2, 3), np.float32), "bias": np.ones(3, np.float32)}
    opt = lamb_rs.from_peer("torch.AdamW")
    opt.build(params)
    return opt, params


def torch_state(**changes: Any) -> dict[str, Any]:
    """A state of torch's AdamW for `small`, as arrays."""
    own = {
        i: {"step": np.float32(4), "exp_avg": np.full(s, 0.1), "exp_avg_sq": np.full(s, 0.2)}
        for i, s in enumerate([(2, 3), (3,)])
    }
    own[1] |= changes
    return {"state": own, "param_groups": [{"amsgrad": False, "params": [0, 1]}]}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[key], other[key], equal_nan=np.asarray(one[key]).dtype.kind == "f")
        for key in one
    )


class TestTorchStates:
    def test_arrays(self) -> None:
        opt, _ = small()
        opt.load_peer_state("torch", torch_state())
        state = opt.state_dict()
        assert opt.iterations == opt.calls == 4
        assert state["bias/velocity"].dtype == np.float32
        np.testing.assert_array_equal(state["bias/velocity"], np.full(3, np.float32(0.2)))

    def test_all_differences_at_once_and_nothing_changed(self) -> None:
        opt, params = small()
        opt.apply({"kernel": np.ones((2, 3), np.float32), "bias": np.ones(3, np.float32)})
        before, values = opt.state_dict(), {key: p.copy() for key, p in params.items()}
        broken = torch_state(step=7.0, exp_avg=np.zeros(4), max_exp_avg_sq=np.zeros(3), more=1.0)
        del broken["state"][1]["exp_avg_sq"]
        with pytest.raises(lamb_rs.StateMismatchError) as raised:
            opt.load_peer_state("torch", broken)
        for words in (
            "bias/momentum is 4, not 3",
            "bias/velocity is not in it",
            "max_exp_avg_sq of 'bias'",
            "more of 'bias' is unknown here",
            "at different steps",
            "nothing was changed",
        ):
            assert words in str(raised.value)
        assert same(opt.state_dict(), before)
        assert all(np.array_equal(params[key], values[key]) for key in params)

    def test_another_rule(self) -> None:
        params = [np.ones(3, np.float32)]
        radam = lamb_rs.from_peer("torch.RAdam")
        radam.build(params)
        state = torch_state()
        state["param_groups"] = [{"amsgrad": False, "params": [1]}]
        with pytest.raises(lamb_rs.StateMismatchError, match="not of torch's RAdam"):
            radam.load_peer_state("torch", state)
        lamb = lamb_rs.Lamb()
        lamb.build(params)
        with pytest.raises(lamb_rs.StateMismatchError, match=r"torch\.optim has no Lamb"):
            lamb.load_peer_state("torch", state)

    def test_another_form(self) -> None:
        opt = lamb_rs.SGD(momentum=0.9)
        opt.build([np.ones(3, np.float32)])
        state = {"state": {0: {"momentum_buffer": np.ones(3)}}, "param_groups": [{"params": [0]}]}
        with pytest.raises(lamb_rs.StateMismatchError, match="form is 'lr_inside' here"):
            opt.load_peer_state("torch", state)

    def test_number_of_parameters(self) -> None:
        opt, _ = small()
        state = torch_state()
        state["param_groups"][0]["params"] = [0]
        with pytest.raises(lamb_rs.StateMismatchError, match="it has 1 parameters, not 2"):
            opt.load_peer_state("torch", state)
        with pytest.raises(lamb_rs.StateMismatchError, match="param_groups"):
            opt.load_peer_state("torch", {"optimizer": 1})

    def test_sgd_does_not_count(self) -> None:
        state = {"state": {0: {"momentum_buffer": np.ones(3)}}, "param_groups": [{"params": [0]}]}
        rate = lamb_rs.schedules.ExponentialDecay(0.1, 10, 0.5)
        opt = lamb_rs.from_peer("torch.SGD", lr=rate, momentum=0.9)
        opt.build([np.ones(3, np.float32)])
        with pytest.raises(lamb_rs.StateMismatchError, match="pass iterations="):
            opt.load_peer_state("torch", state)
        opt.load_peer_state("torch", state, iterations=20)
        assert opt.iterations == 20
        with pytest.raises(lamb_rs.HyperparameterError, match="iterations"):
            opt.load_peer_state("torch", state, iterations=-1)

    def test_counts_that_disagree(self) -> None:
        opt, _ = small()
        with pytest.raises(lamb_rs.StateMismatchError, match="iterations=5 was given"):
            opt.load_peer_state("torch", torch_state(), iterations=5)

    def test_before_the_first_step(self) -> None:
        opt, _ = small()
        opt.apply({"kernel": np.ones((2, 3), np.float32), "bias": np.ones(3, np.float32)})
        opt.load_peer_state("torch", {**torch_state(), "state": {}})
        assert opt.iterations == 0
        assert not opt.state_dict()["bias/momentum"].any()

    def test_frozen_parameters_need_no_state(self) -> None:
        params = {"kernel": np.ones((2, 3), np.float32), "bias": np.ones(3, np.float32)}
        opt = lamb_rs.from_peer("torch.AdamW")
        opt.build(params, overrides={"bias": {"trainable": False}})
        state = torch_state()
        del state["state"][1]
        opt.load_peer_state("torch", state)
        assert opt.iterations == 4

    def test_bfloat16_arrays(self) -> None:
        ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
        opt, _ = small()
        opt.load_peer_state("torch", torch_state(exp_avg=np.ones(3, ml_dtypes.bfloat16)))
        assert opt.state_dict()["bias/momentum"].tolist() == [1.0, 1.0, 1.0]

    def test_averages_and_slow_weights_start_from_the_parameters(self) -> None:
        inner = lamb_rs.from_peer("torch.AdamW")
        inner.use_ema = True
        opt = lamb_rs.Lookahead(inner)
        params = {"kernel": np.ones((2, 3), np.float32), "bias": np.ones(3, np.float32)}
        opt.build(params)
        params["bias"][...] = 2.0
        opt.load_peer_state("torch", torch_state())
        state = opt.state_dict()
        for slot in ("average", "slow"):
            np.testing.assert_array_equal(state[f"bias/{slot}"], params["bias"])

    @pytest.mark.parametrize("pullback", ["none", "reset", "pullback"])
    def test_slow_weights_and_slow_momentum(self, pullback: Any) -> None:
        inner = lamb_rs.from_peer("torch.AdamW")
        opt = lamb_rs.Lookahead(inner, 2, pullback_momentum=pullback)
        params = {"kernel": np.ones((2, 3), np.float32), "bias": np.ones(3, np.float32)}
        opt.build(params)
        opt.load_peer_state("torch", torch_state())
        state = opt.state_dict()
        assert ("bias/slow_momentum" in state) == (pullback == "pullback")
        if pullback == "pullback":
            # As if it had been synchronized just now.
            np.testing.assert_array_equal(state["bias/slow_momentum"], state["bias/momentum"])
        assert opt.apply({name: np.ones_like(p) for name, p in params.items()})

    @pytest.mark.parametrize("name", TORCH_RULES)
    @pytest.mark.parametrize("stages", [{}, {"use_ema": True, "gradient_accumulation_steps": 2}])
    @pytest.mark.parametrize("pullback", [None, "none", "reset", "pullback"])
    def test_every_rule_with_every_slot_of_the_engine(
        self, name: str, stages: dict[str, Any], pullback: Any
    ) -> None:
        inner = lamb_rs.from_peer(name, **NEEDED.get(name, {}))
        config = {**inner.get_config(), **stages}
        opt: lamb_rs.Optimizer = type(inner).from_config(config)
        if pullback is not None:
            opt = lamb_rs.Lookahead(opt, pullback_momentum=pullback)
        params = [np.ones((4, 3), np.float32), np.ones(3, np.float32)]
        opt.build(params)
        group = {"params": [0, 1], **GROUPS.get(name, {})}
        opt.load_peer_state("torch", {"state": {}, "param_groups": [group]}, iterations=0)
        assert opt.iterations == 0


class TestRefused:
    def test_framework(self) -> None:
        opt, _ = small()
        with pytest.raises(lamb_rs.HyperparameterError, match="did you mean 'keras'"):
            opt.load_peer_state("Keras3", {})

    def test_before_build(self) -> None:
        with pytest.raises(lamb_rs.NotBuiltError):
            lamb_rs.AdamW().load_peer_state("torch", {})

    def test_narrow_state(self) -> None:
        opt = lamb_rs.AdamW(state_dtype="bfloat16")
        opt.build([np.ones(3, np.float32)])
        with pytest.raises(lamb_rs.HyperparameterError, match="float32 only"):
            opt.load_peer_state("torch", torch_state())

    def test_several_optimizers(self) -> None:
        opt = lamb_rs.MultiOptimizer([("0", lamb_rs.SGD())], default=lamb_rs.Adam())
        opt.build([np.ones(3, np.float32), np.ones(2, np.float32)])
        with pytest.raises(lamb_rs.HyperparameterError, match="holds 2 optimizers"):
            opt.load_peer_state("torch", torch_state())


class TestKerasStates:
    def test_names_are_checked(self) -> None:
        opt = lamb_rs.from_peer("keras.SGD", momentum=0.9)
        opt.build([np.ones(3, np.float32)])
        state = {"sgd/iteration": 3, "sgd/learning_rate": 0.1, "sgd/w_velocity": np.ones(3)}
        with pytest.raises(lamb_rs.StateMismatchError, match="ends in '_momentum'"):
            opt.load_peer_state("keras", state)
        state["sgd/w_momentum"] = state.pop("sgd/w_velocity")
        opt.load_peer_state("keras", state)
        assert opt.iterations == 3
        # The learning rate of a schedule is not a variable.
        del state["sgd/learning_rate"]
        opt.load_peer_state("keras", state)

    def test_adafactor_needs_a_list(self) -> None:
        opt = lamb_rs.from_peer("keras.Adafactor")
        opt.build([np.ones((2, 3), np.float32)])
        state = {"iteration": 3, "learning_rate": 0.1, "w": np.ones(3), "w_velocity": np.ones(3)}
        with pytest.raises(lamb_rs.StateMismatchError, match="pass a list"):
            opt.load_peer_state("keras", state)

    def test_neither_mapping_nor_list(self) -> None:
        opt = lamb_rs.from_peer("keras.SGD")
        opt.build([np.ones(3, np.float32)])
        with pytest.raises(lamb_rs.StateMismatchError, match="neither a mapping"):
            opt.load_peer_state("keras", 3)
