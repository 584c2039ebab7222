"""Those pictures of the gallery for which a network is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamb_rs
from lamb_rs import plots
from lamb_rs.cli.network import Network
from lamb_rs.cli.small import BATCH, EPOCHS, WARMUP, SmallTask
from lamb_rs.plots.family import SUBSET, make, rates

if TYPE_CHECKING:
    from lamb_rs.cli.gallery_setting import Pictures, Setting
    from lamb_rs.cli.network import Layers

# Enough of them for a smooth landscape.
_IMAGES = 500
# More layers than the small network has, so that there is something to compare.
_DEEP = (40, 32, 28, 24, 20)


def draw_landscape(setting: Setting) -> Pictures:
    """Draw the loss around a trained network."""
    task = setting.task
    trained = task.train(make("Adam", rates("Adam").network, task.steps, warmup=WARMUP))
    layers: Layers = lamb_rs.aligned(trained.layers)
    images, labels = task.images[:_IMAGES], task.labels[:_IMAGES]
    network = Network(layers, lamb_rs.aligned(layers), BATCH)
    landscape = plots.loss_landscape(
        lambda: network.loss(images, labels),
        layers,
        points=setting.points,
        tick=setting.tick,
    )
    setting.save(plots.landscape_contour(landscape), "landscape_contour.png")
    setting.save(plots.landscape_surface(landscape), "landscape_surface.png")
    what = f"network {'-'.join(map(str, task.sizes))} on {setting.data.name}"
    return {
        "landscape_contour.png": (
            f"Mean loss of {len(images)} training images around a trained {what}, along two random "
            "directions whose filters have the norms of the network's own (Li and others 2018, "
            "arXiv 1712.09913). The scale is logarithmic."
        ),
        "landscape_surface.png": "The same as a surface.",
    }


def draw_trust_ratios(setting: Setting) -> Pictures:
    """Draw what LAMB does to each layer of a deeper network."""
    task = SmallTask(setting.data, epochs=1 if setting.quick else EPOCHS, hidden=_DEEP)
    rate = rates("Lamb").network
    optimizer = make("Lamb", rate, task.steps, warmup=WARMUP, weight_decay=0.01)
    # As customary: a bias is neither decayed nor given a trust ratio of its own.
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.exclude_from_layer_adaptation(var_names=["bias"])
    history = plots.History(optimizer)
    task.train(optimizer, history.record)
    title = f"Trust ratio per layer, LAMB at rate {rate:g}"
    setting.save(plots.trust_ratios(history, title=title), "trust_ratios.png")
    return {
        "trust_ratios.png": (
            f"LAMB training a network {'-'.join(map(str, task.sizes))}: the factor by which each "
            "layer's step differs from Adam's. Layers with larger weights take larger steps."
        ),
    }


def draw_rates(setting: Setting) -> Pictures:
    """Draw the loss at the end of the training over learning rates."""
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
            f"Loss after {task.steps} updates, the same training for all; rates warm up to the one "
            "on the axis and decay to zero. The dashed line is the loss before the training; more "
            "than twice as much is drawn at the top. Wide is forgiving; where along the axis a "
            "minimum lies says nothing about the optimizer."
        ),
        "learning_rates_family.png": (
            "Every optimizer alone; a square marks the best of the rates that were tried."
        ),
    }
