"""Translated peers against what the packages compute: see `support.recorded`."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import lamb_rs
from support.harness import assert_trajectory
from support.peer_cases import CASES, LEFT_OUT
from support.peer_runs import (
    MODULES,
    PROBLEM,
    ask,
    by_peer,
    by_reference,
    keras_in_float64,
    keras_steps,
)
from support.recorded import need, recorded

PEERS = {one.name: one for one in lamb_rs.peers()}
ROWS = [
    pytest.param(name, kwargs, f"{name} {i}", id=f"{name}-{i}")
    for name, rows in CASES.items()
    for i, kwargs in enumerate(rows)
]
# Packages that compute in float32, some of their scalars at least, or round otherwise: NovoGrad's
# norm of torch_optimizer and timm, global norms, RAdam's parameters in the copies of its code,
# Adafactor of Keras and optax, 1e-15 under AdaBound's root, AdEMAMix's warm-up in closed form.
FLOAT32 = ("bitsandbytes.", "pytorch_ranger.", "torch_optimizer.Ranger")
ROUGH = {
    "keras.Adafactor",
    "keras.Muon",
    "optax.adafactor",
    "pytorch_optimizer.Adan",
    "pytorch_optimizer.AdEMAMix",
    "pytorch_optimizer.AdaBound",
    "pytorch_optimizer.Lamb",
    "pytorch_optimizer.Prodigy",
    "timm.NvNovoGrad",
    "timm.RAdamLegacy",
    "torch.NAdam",
    "torch_optimizer.NovoGrad",
    "torch_optimizer.RAdam",
}
# Entries of a signature that are not arguments: parameters, and the optimizer that is wrapped.
NO_ARGUMENTS = {
    "params",
    "model",
    "optimizer",
    "base_optimizer",
    "inner_optimizer",
    "fast_optimizer",
    "inner",
    "opt",
    "kwargs",
}
# Where the peer's default is written otherwise here: a function, a dtype, the name of a group.
OTHER_DEFAULTS = {
    ("optax.contrib.adopt", "clip_value_fn"),
    ("optax.MultiSteps", "accumulator_dtype"),
    ("optax.adafactor", "dtype_momentum"),
    ("pytorch_optimizer.ADOPT", "clip_lambda"),
    ("pytorch_optimizer.AdaFactor", "momentum_dtype"),
}


def problem(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    left_out = LEFT_OUT.get(name, set())
    params = {key: p for key, p in PROBLEM.params.items() if key not in left_out}
    return params, [{key: g[key] for key in params} for g in PROBLEM.grads]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "kwargs", "row"), ROWS)
def test_translation_follows_the_package(name: str, kwargs: dict[str, Any], row: str) -> None:
    """What a peer becomes is its rule to float64's accuracy, and the library follows."""
    params, grads = problem(name)
    theirs = by_peer(name, kwargs, params, grads, row)
    rough = name in ROUGH or name.startswith(FLOAT32)
    for key, ours in by_reference(lamb_rs.from_peer(name, **kwargs), params, grads).items():
        movement = np.abs(theirs[key] - params[key]).max()
        error = np.abs(ours - theirs[key]).max()
        assert error <= (2e-5 if rough else 1e-9) * movement, key
    ours = {key: p.copy() for key, p in params.items()}
    opt = lamb_rs.from_peer(name, **kwargs)
    opt.build(ours)
    for g in grads:
        opt.apply(g)
    for key, p in ours.items():
        assert_trajectory(p, theirs[key], params[key], key)


MATRICES = [
    ("keras.Muon", {}, 1e-4),
    ("keras.Muon", {"adam_lr_ratio": 0.1, "weight_decay": None, "nesterov": False}, 1e-4),
    ("optax.contrib.muon", {"learning_rate": 0.02}, 1e-4),
    ("optax.contrib.muon", {"learning_rate": 0.02, "nesterov": False, "weight_decay": 0.1}, 1e-4),
    (
        "optax.contrib.muon",
        {
            "learning_rate": 0.02,
            "adam_learning_rate": 0.01,
            "adam_weight_decay": 0.1,
            "nesterov": False,
        },
        1e-4,
    ),
    # torch iterates in bfloat16.
    ("torch.Muon", {}, 0.1),
    ("torch.Muon", {"adjust_lr_fn": "match_rms_adamw", "nesterov": False}, 0.1),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", range(len(MATRICES)))
def test_matrices(row: int) -> None:
    """Five steps of Muon."""
    name, kwargs, bound = MATRICES[row]
    rng = np.random.default_rng(8)
    shapes = {"tall": (24, 6), "wide": (5, 40), "square": (12, 12)}
    if name == "keras.Muon" or (name.startswith("optax") and not kwargs.get("nesterov", True)):
        shapes |= {"embedding": (4, 3), "bias": (7,)}
    params = {key: np.float32(0.05 * rng.normal(size=s)) for key, s in shapes.items()}
    grads = [
        {key: rng.normal(size=s).astype(np.float32) for key, s in shapes.items()} for _ in range(5)
    ]
    theirs = by_peer(name, kwargs, params, grads, f"matrices {row}")
    ours = {key: p.copy() for key, p in params.items()}
    opt = lamb_rs.from_peer(name, **kwargs)
    opt.build(ours)
    for g in grads:
        opt.apply(g)
    for key, p in ours.items():
        movement = np.abs(theirs[key] - params[key]).max()
        assert np.abs(p - theirs[key]).max() <= bound * movement, key


def installed() -> list[Any]:
    """Peers whose package can give their signature."""
    return [
        pytest.param(name, id=name)
        for name, peer in PEERS.items()
        if name.partition(".")[0] in MODULES and peer.checked != "refused"
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", installed())
def test_every_argument_is_known(name: str) -> None:
    """Every argument of the installed class, with its default, is translated or refused."""
    if name in {"torch.GradScaler", "torch.AveragedModel"}:
        need("torch")
        import torch  # noqa: PLC0415 - only here after it is known to be there

        found = {
            "torch.GradScaler": torch.amp.GradScaler,
            "torch.AveragedModel": torch.optim.swa_utils.AveragedModel,
        }[name]
    else:
        found = ask(name)
    theirs = {
        key: one.default
        for key, one in inspect.signature(found).parameters.items()
        if key not in NO_ARGUMENTS
    }
    ours = PEERS[name].arguments
    extra = {"cautious", "use_gc"} if name.startswith("pytorch_optimizer.") else set()
    assert set(ours) - (extra - set(theirs)) == set(theirs)
    for key, default in theirs.items():
        if (name, key) in OTHER_DEFAULTS or key == "name":
            continue
        assert ours[key] is default or ours[key] == default, key


@pytest.mark.parametrize("name", list(CASES))
def test_what_is_compared_says_so(name: str) -> None:
    assert PEERS[name].checked == "compared"


def test_what_says_so_is_compared() -> None:
    also = {name for name, _, _ in MATRICES} | {
        "keras.LossScaleOptimizer",
        "torch.AveragedModel",
        "torch.GradScaler",
    }
    assert {name for name, peer in PEERS.items() if peer.checked == "compared"} - set(CASES) == also


def spoiled(scale: float, g: dict[str, Any], *, bad: bool) -> dict[str, Any]:
    """Gradients of a scaled loss, one of them infinite in a bad step."""
    scaled = {key: np.asarray(x * np.float32(scale)) for key, x in g.items()}
    if bad:
        scaled["matrix"][0, 0] = np.inf
    return scaled


def test_loss_scale_follows_keras() -> None:
    """Infinities at two steps: both are skipped, and the scale is halved."""
    kwargs: dict[str, Any] = {"initial_scale": 64.0, "dynamic_growth_steps": 5}
    grads = [spoiled(64, g, bad=t in {3, 8}) for t, g in enumerate(PROBLEM.grads[:20])]

    def by_keras() -> dict[str, Any]:
        with keras_in_float64() as keras:
            theirs = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(), **kwargs)
            *_, (values, _) = keras_steps(theirs, PROBLEM.params, grads)
        return dict(zip(PROBLEM.params, values, strict=True))

    theirs = recorded("keras", "from_peer loss scale", by_keras)
    params = PROBLEM.fresh()
    ours = lamb_rs.from_peer("keras.LossScaleOptimizer", base="keras.Adam", **kwargs)
    ours.build(params)
    for g in grads:
        ours.apply(g)
    for key, p in params.items():
        assert_trajectory(p, theirs[key], PROBLEM.params[key], key)
    assert ours.skipped_steps == 2


def torch_model() -> tuple[Any, Any]:
    """A module of torch whose parameters are those of the problem, and its optimizer."""
    import torch  # noqa: PLC0415 - where it runs

    module = torch.nn.ParameterList([torch.tensor(p) for p in PROBLEM.params.values()])
    return module, torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)


def numbers(module: Any) -> dict[str, Any]:
    """The parameters of a module by their names here, in float64."""
    pairs = zip(PROBLEM.params, module, strict=True)
    return {key: p.detach().double().numpy() for key, p in pairs}


def averaged_by_torch() -> dict[str, Any]:
    module, theirs = torch_model()
    import torch  # noqa: PLC0415 - where it runs

    averaged = torch.optim.swa_utils.AveragedModel(module)
    for g in PROBLEM.grads[:20]:
        for p, x in zip(module, g.values(), strict=True):
            p.grad = torch.tensor(x)
        theirs.step()
        averaged.update_parameters(module)
    return numbers(averaged.module)


def test_averages_follow_torch() -> None:
    theirs = recorded("torch", "AveragedModel", averaged_by_torch)
    params = PROBLEM.fresh()
    base = {"lr": 0.1, "momentum": 0.9}
    ours = lamb_rs.from_peer("torch.AveragedModel", base="torch.SGD", base_kwargs=base)
    ours.build(params)
    for g in PROBLEM.grads[:20]:
        ours.apply(g)
    for key, start in PROBLEM.params.items():
        assert_trajectory(ours.averages[key], theirs[key], start, key)


def scaled_by_torch() -> dict[str, Any]:
    """The parameters at the end, and the scale before each step."""
    module, theirs = torch_model()
    import torch  # noqa: PLC0415 - where it runs

    scaler = torch.amp.GradScaler("cpu", init_scale=64.0, growth_interval=5)
    scales = []
    for t, g in enumerate(PROBLEM.grads[:20]):
        scales.append(float(scaler.scale(torch.ones(()))))
        for p, x in zip(module, spoiled(scales[-1], g, bad=t in {3, 8}).values(), strict=True):
            p.grad = torch.tensor(x)
        scaler.step(theirs)
        scaler.update()
    return {**numbers(module), "scales": scales}


def test_scaling_follows_torch() -> None:
    """Infinities at two steps: both are skipped, and the scale is halved."""
    theirs = recorded("torch", "GradScaler", scaled_by_torch)
    params = PROBLEM.fresh()
    ours = lamb_rs.from_peer(
        "torch.GradScaler",
        base="torch.SGD",
        base_kwargs={"lr": 0.1, "momentum": 0.9},
        init_scale=64.0,
        growth_interval=5,
    )
    ours.build(params)
    for t, g in enumerate(PROBLEM.grads[:20]):
        scale = ours.scale_loss(1.0)
        assert scale == theirs["scales"][t]
        ours.apply(spoiled(scale, g, bad=t in {3, 8}))
    for key, p in params.items():
        assert_trajectory(p, theirs[key], PROBLEM.params[key], key)
    assert ours.skipped_steps == 2
