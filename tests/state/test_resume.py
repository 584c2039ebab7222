"""Stopped, saved and resumed is the same, to the bit, as not stopped; and no state is subnormal.

Over every registered algorithm, storage and stage. The state travels as a dictionary, pickled, or
inside a pickled or copied optimizer, and training goes on with another number of threads.
"""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import schedules
from support.cases import make, refused, rows_of
from support.harness import decode

if TYPE_CHECKING:
    from collections.abc import Callable

Arrays = dict[str, np.ndarray]
Hyper = dict[str, Any]

STEPS = 9
# Enough for two threads, and for 8-bit blocks that end in the middle.
SHAPES = {"small": (33,), "block": (4099,), "matrix": (65, 80), "chunks": (70_001,)}
DTYPES = ("float32", "bfloat16", "float8")
STAGES: dict[str, Hyper] = {
    "none": {},
    "accumulate": {"gradient_accumulation_steps": 3, "clipnorm": 0.5, "weight_decay": 0.01},
    "everything": {
        "gradient_accumulation_steps": 2,
        "global_clipnorm": 1.0,
        "loss_scale_factor": 8.0,
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 2,
        "ema_every": "call",
        "weight_decay": 0.02,
        "weight_decay_mode": "corrected",
        "seed": 5,
        "nonfinite": "skip",
    },
    "slow": {
        "sync_period": 2,
        "gradient_centralization": True,
        "clip_epsilon": 0.1,
        "global_clipnorm": 1.0,
        "use_ema": True,
        "ema_form": "uniform",
        "ema_start": 2,
    },
}
ALGORITHMS = lamb_rs.registry()


def rate() -> schedules.Schedule:
    """Rises, then falls: what remembers the first or the largest rate must remember it."""
    return schedules.Warmup(schedules.CosineDecay(0.01, 12), 3)


def parameters() -> Arrays:
    rng = np.random.default_rng(0)
    return {k: (0.05 * rng.standard_normal(n)).astype(np.float32) for k, n in SHAPES.items()}


def gradients() -> list[Arrays]:
    rng = np.random.default_rng(1)
    return [
        {k: rng.standard_normal(n, dtype=np.float32) for k, n in SHAPES.items()}
        for _ in range(STEPS)
    ]


GRADIENTS = gradients()


def train(opt: Any, calls: range, threads: int) -> None:
    with lamb_rs.threads(threads):
        for t in calls:
            if t == 2:
                opt.apply(GRADIENTS[t] | {"small": None})
                continue
            if t == 4 and opt.nonfinite == "skip":
                opt.apply(GRADIENTS[t] | {"small": np.full(SHAPES["small"], np.nan, np.float32)})
            opt.apply(GRADIENTS[t])


def everything(opt: Any, params: Arrays) -> dict[str, Any]:
    """All that a user can see of parameters and state, as bytes and numbers."""
    state = {
        k: x.tobytes() if isinstance(x, np.ndarray) else x for k, x in opt.state_dict().items()
    }
    return state | {f"parameter {name}": p.tobytes() for name, p in params.items()}


def through_dictionary(opt: Any) -> Any:
    again = type(opt).from_config(opt.get_config())
    again.load_state_dict(pickle.loads(pickle.dumps(opt.state_dict())))
    return again


WAYS: dict[str, Callable[[Any], Any]] = {
    "dictionary": through_dictionary,
    "pickle": lambda opt: pickle.loads(pickle.dumps(opt)),
    "deepcopy": copy.deepcopy,
}


def build_then_load(opt: Any, params: Arrays) -> tuple[Any, Arrays]:
    """The other order: the state comes to an optimizer that is built and has a past of its own."""
    again = type(opt).from_config(opt.get_config())
    strangers = parameters()
    again.build(strangers)
    train(again, range(4, 7), 1)
    for name, p in params.items():
        strangers[name][...] = p
    again.load_state_dict(opt.state_dict())
    return again, strangers


@pytest.mark.parametrize("stages", STAGES)
@pytest.mark.parametrize("state_dtype", DTYPES)
@pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.name)
def test_resumed_is_as_if_never_stopped(row: Any, state_dtype: str, stages: str) -> None:
    arguments = {"learning_rate": rate(), "state_dtype": state_dtype, **STAGES[stages]}
    if refused(row, arguments):
        del arguments["sync_period"]
    opt = make(row.class_name, arguments)
    params = parameters()
    opt.build(params)
    saved = []
    for t in range(STEPS):
        if t in {0, 1, 2, 5}:  # in the middle of windows, and before and after special steps
            pair = [(way(opt), {k: p.copy() for k, p in params.items()}) for way in WAYS.values()]
            saved.append((t, pair))
        if t == 5:
            saved.append((t, [build_then_load(opt, params)]))
        train(opt, range(t, t + 1), 1)
    wanted = everything(opt, params)
    for t, copies in saved:
        for i, (again, own) in enumerate(copies):
            if not again.built:
                again.build(own)
            assert again.calls == t
            train(again, range(t, STEPS), 2 + i % 2)
            assert everything(again, own) == wanted, (t, i)


@pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.name)
def test_resumed_with_every_option(row: Any) -> None:
    for case in rows_of(row):
        opt = case.make()
        params = parameters()
        del params["chunks"]
        opt.build(params)
        steps = [{name: g[name] for name in params} for g in GRADIENTS]
        for g in steps[:5]:
            opt.apply(g)
        again, own = copy.deepcopy(opt), {k: p.copy() for k, p in params.items()}
        again.build(own)
        for g in steps[5:]:
            opt.apply(g)
            again.apply(g)
        assert everything(again, own) == everything(opt, params), case.id


def assert_nothing_subnormal(opt: Any, where: str) -> list[np.ndarray]:
    """Returns the arrays of the state as numbers."""
    state = opt.state_dict()
    found = []
    for key in state:
        if key.startswith("optimizer/") or key.endswith("_scale"):
            continue
        x = decode(state, key)
        bad = x[(x != 0) & (np.abs(x) < np.finfo(np.float32).tiny)]
        assert not bad.size, f"{where}: {bad.size} elements of {key}, {bad[:3]} ..."
        found.append(x)
    return found


@pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.name)
def test_state_is_never_subnormal(row: Any) -> None:
    """Moments that shrink through 1e-38 to 1e-40 and below become 0 at once."""
    n = 4099
    scale = np.exp2(-np.linspace(0, 149, n)).astype(np.float32)
    flushed = False
    for case in rows_of(row):
        opt = case.make()
        params = [np.float32(0.05) * scale, np.full((5, 8), 1e-40, np.float32)]
        opt.build(params)
        for t in range(60):
            # Gradients of every size down to the least subnormal, then none: all moments decay.
            factor = np.float32(0.1 if t < 10 else 0.0)
            opt.apply([factor * scale, np.full((5, 8), factor * 1e-39, np.float32)])
            if t in {0, 1, 2, 5, 8, 59} or t % 12 == 0:
                arrays = assert_nothing_subnormal(opt, f"{case.id}, call {t}")
                largest = [x for x in arrays if x.size == n]
                flushed |= t == 8 and any((x[scale > 0] == 0).any() for x in largest)
    assert flushed, "no element was small enough to show anything"


@pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.name)
def test_state_does_not_start_subnormal(row: Any) -> None:
    starts = [
        {hyper.name: 1e-40}
        for hyper in row.hyperparameters
        if hyper.kind == "number" and not hyper.shared and not hyper.dynamic
    ]
    for kwargs in [{"use_ema": True}, *starts]:
        opt = getattr(lamb_rs, row.class_name)(**kwargs)
        params = [np.full(40, 1e-40, np.float32)]
        opt.build(params)
        assert_nothing_subnormal(opt, f"{kwargs}")
        opt.reset()
        assert_nothing_subnormal(opt, f"{kwargs}, after reset")
