"""The network and the training of the demo."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lamb_rs.cli.demo import training
from lamb_rs.cli.demo.results import Results
from lamb_rs.cli.images.dataset import Data
from lamb_rs.cli.images.sources import load
from lamb_rs.cli.table import finite, text_table
from lamb_rs.cli.training.network import Network, initial_layers
from support.idx_files import write_set


@pytest.fixture
def tiny(tmp_path: Path) -> Data:
    return load(str(write_set(tmp_path / "tiny")))


def test_gradients_match_finite_differences() -> None:
    rng = np.random.default_rng(1)
    layers = initial_layers([6, 5, 4, 3], rng, np.float64)
    for layer in layers.values():
        layer["bias"] += rng.standard_normal(layer["bias"].shape) / 3
    gradients = {
        name: {part: np.full_like(values, np.nan) for part, values in layer.items()}
        for name, layer in layers.items()
    }
    network = Network(layers, gradients, batch=9)
    images, labels = rng.standard_normal((7, 6)), rng.integers(0, 3, 7)
    network.loss_and_gradients(images, labels)
    exact = {name: {part: v.copy() for part, v in g.items()} for name, g in gradients.items()}
    width = 1e-6
    for name, layer in layers.items():
        for part, values in layer.items():
            for at in np.ndindex(values.shape):
                kept = values[at]
                values[at] = kept + width
                above = network.loss_and_gradients(images, labels)
                values[at] = kept - width
                below = network.loss_and_gradients(images, labels)
                values[at] = kept
                slope = (above - below) / (2 * width)
                assert exact[name][part][at] == pytest.approx(slope, abs=1e-8, rel=1e-6)


def test_accuracy_counts_every_image() -> None:
    layers = {"output": {"kernel": np.eye(4), "bias": np.zeros(4)}}
    network = Network(layers, layers, batch=3)
    images = np.eye(4)[[0, 1, 2, 3, 0, 1, 2, 3]]
    assert network.accuracy(images, np.array([0, 1, 2, 3, 0, 1, 0, 0])) == 6 / 8


def test_the_rate_warms_up_and_decays() -> None:
    plan = training.Plan(
        [4, 2], batch=8, steps_per_epoch=7, epochs=8, seed=0, state_dtype="float32"
    )
    schedule = plan.schedule(0.7)
    rates = [schedule(step) for step in range(plan.steps)]
    assert (plan.steps, plan.warmup) == (56, 6)
    assert rates[:7] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert rates[6:] == sorted(rates[6:], reverse=True)
    assert 0 < rates[-1] < 0.01


@pytest.mark.parametrize(
    ("images", "batch", "per_epoch", "epochs"),
    [(60_000, 8192, 7, 8), (57_344, 8192, 7, 8), (4000, 2000, 2, 28), (1, 1, 2, 28)],
)
def test_every_data_set_gets_56_steps(
    tiny: Data, images: int, batch: int, per_epoch: int, epochs: int
) -> None:
    rows = np.broadcast_to(tiny.train_images[0], (images, 20))
    plan = training.plan_for(Data("", "", rows, tiny.train_labels, rows, tiny.test_labels, ""))
    assert (plan.batch, plan.steps_per_epoch, plan.epochs) == (batch, per_epoch, epochs)
    assert plan.steps == 56


@pytest.mark.parametrize("batch", [training.LARGEST_BATCH, 2000])
def test_the_grids_are_equally_wide(batch: int) -> None:
    plan = training.Plan([4, 2], batch, steps_per_epoch=7, epochs=8, seed=0, state_dtype="float32")
    for contender in training.CONTENDERS:
        low, middle, high = contender.rates(plan)
        assert (middle / low, high / middle) == pytest.approx((4, 4))


@pytest.mark.parametrize("contender", training.CONTENDERS, ids=lambda item: item.name)
def test_training_repeats_and_learns(tiny: Data, contender: training.Contender) -> None:
    plan = training.plan_for(tiny, seed=3)
    assert plan.batch == 35
    ticks: list[int] = []
    first, second = (
        training.train(tiny, plan, contender, contender.rate, lambda: ticks.append(1))
        for _ in range(2)
    )
    assert len(ticks) == 2 * plan.steps
    assert first.losses == second.losses
    assert first.accuracies == second.accuracies
    assert first.losses[-1] < first.losses[0]
    assert 0 < first.share < 1
    if contender.name == "LAMB":
        assert first.trust_names == ["hidden_1/kernel", "hidden_2/kernel", "output/kernel"]
        assert first.trust_ratios.shape == (plan.steps, 3)
        assert np.isfinite(first.trust_ratios).all()


def test_the_best_rate_is_marked_and_divergence_named(tiny: Data) -> None:
    runs = [
        training.Run("SGD", 0.1, [2.0, 1.0], [0.1, 0.8], seconds=2.0, optimizer_seconds=0.5),
        training.Run("SGD", 0.4, [2.0, float("nan")], [0.1, 0.1], seconds=2.0),
    ]
    results = Results(tiny, training.plan_for(tiny), runs, "picture.png")
    _, _, good, bad, meaning, machine = results.table().splitlines()
    assert "80.0 % *" in good
    assert "25.0 %" in good
    assert "diverged" in bad
    assert "*" not in bad
    assert meaning.startswith("* best rate")
    assert results.at_an_edge == ["SGD"]
    assert "SIMD" in machine
    text = json.dumps(results.as_json(), allow_nan=False)
    assert json.loads(text)["runs"][1]["losses"] == [2.0, None]


def test_tables_and_json_values() -> None:
    assert text_table(["a", "bb"], [["x", "1"], [], ["yy", "22"]]).splitlines() == [
        "a   bb",
        "--  --",
        "x    1",
        "--  --",
        "yy  22",
    ]
    assert finite({"a": (1, float("inf")), "b": Path("c")}) == {"a": [1, None], "b": "c"}
