"""Every optimizer gets somewhere: on Rosenbrock's function, and in a small real training."""

from __future__ import annotations

import importlib.util
import math

import pytest

import lamb_rs
from lamb_rs.cli.gallery.convergence import Contestant, contestants
from lamb_rs.cli.images.sources import load
from lamb_rs.cli.training.small import WARMUP, SmallTask
from lamb_rs.plots.family import make, rates
from lamb_rs.plots.rates import RATES

# Of the value at the start, what may be left.
PLANE = 0.03
NETWORK = 0.12
ACCURACY = 0.85

# Names that are switches of a class.
PUBLISHED = [name for name in lamb_rs.optimizers() if not hasattr(lamb_rs, name)]

each = pytest.mark.parametrize("contestant", contestants(), ids=lambda one: one.label)


def test_every_optimizer_has_rates() -> None:
    classes = {row.class_name for row in lamb_rs.registry()}
    assert classes <= set(RATES)
    assert {one.label for one in contestants()} >= classes


@each
def test_rosenbrock(contestant: Contestant) -> None:
    way = contestant.on_plane()
    assert not way.diverged
    assert way.loss < PLANE * way.values[0], f"{way.loss} after {way.values[0]}"


@pytest.fixture(scope="module")
def task() -> SmallTask:
    return SmallTask(load("digits"))


@pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None,
    reason='the demo extra is not installed: pip install "lamb_rs[demo]"',
)
@each
def test_real_training(contestant: Contestant, task: SmallTask) -> None:
    ending = contestant.on_images(task)
    assert math.isfinite(ending.loss)
    assert ending.loss < NETWORK * ending.initial_loss
    assert ending.accuracy > ACCURACY
    assert contestant.on_images(task).loss == ending.loss


@pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None,
    reason='the demo extra is not installed: pip install "lamb_rs[demo]"',
)
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_names(name: str, task: SmallTask) -> None:
    """A switch of an optimizer converges at the optimizer's rate."""
    ending = task.train(make(name, rates(name).network, task.steps, warmup=WARMUP))
    assert ending.loss < NETWORK * ending.initial_loss
