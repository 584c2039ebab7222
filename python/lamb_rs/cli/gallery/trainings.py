"""Figures of trainings of small networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamb_rs
from lamb_rs import plots
from lamb_rs.cli.training.network import Network
from lamb_rs.cli.training.small import BATCH, EPOCHS, WARMUP, SmallTask
from lamb_rs.plots.family import SUBSET, make, rates

if TYPE_CHECKING:
    from lamb_rs.cli.gallery.setting import Pictures, Setting
    from lamb_rs.cli.training.network import Layers

# Enough images for a smooth landscape.
_IMAGES = 500
# More layers than in the small network, to compare their trust ratios.
_DEEP = (40, 32, 28, 24, 20)


def draw_landscapes(setting: Setting) -> Pictures:
    """Draw the loss around the path of a training, and around its end."""
    task = setting.task
    rate = rates("Adam").network
    paths: list[plots.ParameterPath] = []

    def before(layers: Layers) -> None:
        paths.append(plots.ParameterPath(layers))

    def after() -> None:
        paths[0].record()

    trained = task.train(make("Adam", rate, task.steps, warmup=WARMUP), after, before)
    layers: Layers = lamb_rs.aligned(trained.layers)
    images, labels = task.images[:_IMAGES], task.labels[:_IMAGES]
    network = Network(layers, lamb_rs.aligned(layers), BATCH)

    def loss() -> float:
        return network.loss(images, labels)

    points, tick = setting.points, setting.tick
    around_path = plots.path_landscape(loss, layers, paths[0], points=points, tick=tick)
    around_end = plots.loss_landscape(loss, layers, points=points, tick=tick)
    title = f"Loss around {{}} of Adam, {task.steps} updates at peak rate {rate:g}"
    of_path, of_end = title.format("the path"), title.format("the end")
    setting.save(plots.landscape_contour(around_path, title=of_path), "landscape_contour.png")
    setting.save(plots.landscape_surface(around_path, title=of_path), "landscape_surface.png")
    setting.save(plots.landscape_contour(around_end, title=of_end), "landscape_random.png")
    what = f"network {'-'.join(map(str, task.sizes))} on {setting.data.name}"
    return {
        "landscape_contour.png": (
            f"Mean loss of {len(images)} training images of a {what}, in the plane that shows most "
            "of the path of its training: the first two principal components of the parameters "
            "after each update. The colors are logarithmic."
        ),
        "landscape_surface.png": "The same loss as a surface, with the path drawn on it.",
        "landscape_random.png": (
            "The loss around the trained parameters along two random directions, whose filters "
            "have the norms of the network's filters (Li and others 2018, arXiv 1712.09913)."
        ),
    }


def draw_trust_ratios(setting: Setting) -> Pictures:
    """Draw the trust ratios of LAMB for each layer of a deeper network."""
    task = SmallTask(setting.data, epochs=1 if setting.quick else EPOCHS, hidden=_DEEP)
    rate = rates("Lamb").network
    optimizer = make("Lamb", rate, task.steps, warmup=WARMUP, weight_decay=0.01)
    # Biases have neither weight decay nor a trust ratio, as is customary.
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.exclude_from_layer_adaptation(var_names=["bias"])
    history = plots.History(optimizer)
    task.train(optimizer, history.record)
    title = f"Trust ratio per layer, LAMB at peak rate {rate:g}"
    setting.save(plots.trust_ratios(history, title=title), "trust_ratios.png")
    return {
        "trust_ratios.png": (
            f"LAMB trains a network {'-'.join(map(str, task.sizes))}. The trust ratio is the "
            "factor by which the step of a layer differs from a step of Adam. Layers with larger "
            "parameters take larger steps."
        ),
    }


def draw_rates(setting: Setting) -> Pictures:
    """Draw the final loss of the training against the learning rate."""
    task = setting.task
    scans = {}
    for name in setting.scanned:
        tried = [rates(name).network * factor for factor in setting.factors]
        scans[name] = plots.scan_rates(
            lambda rate, name=name: (
                task.train(  # type: ignore[misc]
                    make(name, rate, task.steps, warmup=WARMUP)
                ).loss
            ),
            tried,
            name,
        )
        setting.tick()
    initial = setting.lines[0].images.initial_loss
    few = [scans[name] for name in SUBSET]
    setting.save(plots.learning_rates(few, initial_loss=initial), "learning_rates.png")
    everyone = list(scans.values())
    figure = plots.learning_rate_panels(everyone, initial_loss=initial)
    setting.save(figure, "learning_rates_family.png")
    return {
        "learning_rates.png": (
            f"Loss after {task.steps} updates of the same training. The learning rate warms up to "
            "the rate on the horizontal axis and decays to zero. The dashed line is the loss "
            "before the training; losses above twice that value are drawn at the upper edge. A "
            "wide minimum tolerates an inexact rate. The position of the minimum says nothing "
            "about the quality of an optimizer."
        ),
        "learning_rates_family.png": (
            "Every optimizer separately; a square marks the best of the tried rates, which is in "
            "the title."
        ),
    }
