"""Keras's schedules and its callback for plateaus, step by step, in float64 (JAX backend)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lamb_rs import schedules
from support.peer_runs import keras_in_float64
from support.recorded import need, recorded

STEPS = [*range(100), 127, 500, 1023, 4000, 10**5]
ROWS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("ExponentialDecay", (0.1, 10, 0.7), {}),
    ("ExponentialDecay", (0.1, 10, 0.7), {"staircase": True}),
    ("InverseTimeDecay", (0.1, 10, 0.7), {}),
    ("InverseTimeDecay", (0.1, 10, 0.7), {"staircase": True}),
    ("PiecewiseConstantDecay", ([10, 30], [0.1, 0.05, 0.01]), {}),
    ("PiecewiseConstantDecay", ([10.5, 30.5, 60.0], [0.1, 0.05, 0.01, 0.5]), {}),
    ("PolynomialDecay", (0.1, 40), {}),
    # Whole powers: what XLA has left at the end may be -1e-17.
    ("PolynomialDecay", (0.1, 40, 0.01, 2.0), {}),
    ("PolynomialDecay", (0.1, 20, 0.01, 3.0), {"cycle": True}),
    ("CosineDecay", (0.1, 40), {}),
    ("CosineDecay", (0.1, 40, 0.2), {"warmup_steps": 7}),
    ("CosineDecay", (0.01, 40, 0.1), {"warmup_target": 0.5, "warmup_steps": 20}),
    ("CosineDecayRestarts", (0.1, 10), {}),
    ("CosineDecayRestarts", (0.1, 8, 2.0, 0.5, 0.1), {}),
    ("CosineDecayRestarts", (0.1, 10, 1.0, 0.9), {}),
    ("CosineDecayRestarts", (0.1, 10.3, 1.5, 0.9), {}),
]


@pytest.mark.parametrize("row", range(len(ROWS)), ids=[f"{i}-{r[0]}" for i, r in enumerate(ROWS)])
def test_follows_keras(row: int) -> None:
    name, args, kwargs = ROWS[row]

    def theirs() -> dict[str, Any]:
        import jax  # noqa: PLC0415 - where it runs

        with keras_in_float64() as keras:
            value = jax.jit(getattr(keras.optimizers.schedules, name)(*args, **kwargs))
            return {"values": [float(value(np.float64(n))) for n in STEPS]}

    ours = getattr(schedules, name)(*args, **kwargs)
    wanted = recorded("keras", f"{name} {row}", theirs)["values"]
    # keras.ops.cos returns float32 whatever it is given.
    close = {"rtol": 1e-6, "atol": 1e-7} if "Cosine" in name else {"rtol": 1e-11, "atol": 1e-15}
    np.testing.assert_allclose([ours(n) for n in STEPS], wanted, **close)


@pytest.mark.parametrize("name", [row[0] for row in ROWS])
def test_has_the_arguments_of_keras(name: str) -> None:
    need("keras")
    import keras  # noqa: PLC0415 - only here after it is known to be there

    _, args, kwargs = next(row for row in ROWS if row[0] == name)
    theirs = getattr(keras.optimizers.schedules, name)(*args, **kwargs).get_config()
    ours = getattr(schedules, name)(*args, **kwargs).get_config()
    assert set(ours) == set(theirs)
    assert ours["name"] == theirs["name"]


PLATEAUS: list[dict[str, Any]] = [
    {"factor": 0.5, "patience": 2},
    {"factor": 0.5, "patience": 2, "cooldown": 3},
    {"factor": 0.1, "patience": 1, "min_delta": 0.2, "cooldown": 1},
    {"factor": 0.5, "patience": 1, "minimum_learning_rate": 0.02},
    {"factor": 0.3, "patience": 3, "mode": "max", "min_delta": 0.0},
]


METRICS = [
    math.cos(epoch / 30) + 0.3 * noise
    for epoch, noise in enumerate(np.random.default_rng(0).normal(size=200))
]


def by_callback(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The rate after each epoch of Keras's callback."""
    with keras_in_float64() as keras:
        names = {"minimum_learning_rate": "min_lr"}
        theirs = keras.callbacks.ReduceLROnPlateau(
            monitor="loss",
            **{"mode": "min", **{names.get(name, name): value for name, value in kwargs.items()}},
        )

        class Model:
            class optimizer:  # noqa: N801
                learning_rate = np.float64(0.125)

        theirs.set_model(Model)
        theirs.on_train_begin()
        rates = []
        for epoch, metric in enumerate(METRICS):
            theirs.on_epoch_end(epoch, {"loss": metric})
            rates.append(float(Model.optimizer.learning_rate))
    return {"rates": rates}


@pytest.mark.parametrize("row", range(len(PLATEAUS)))
def test_plateau_follows_the_callback(row: int) -> None:
    kwargs = PLATEAUS[row]
    rate = schedules.ReduceOnPlateau(0.125, **kwargs)
    theirs = recorded("keras", f"ReduceLROnPlateau {row}", lambda: by_callback(kwargs))["rates"]
    reductions = 0
    for epoch, metric in enumerate(METRICS):
        before = rate(0)
        reduced = rate.update(metric)
        reductions += reduced
        assert reduced == (rate(0) != before)
        assert rate(epoch) == pytest.approx(theirs[epoch], rel=1e-12)
    assert reductions >= 2
