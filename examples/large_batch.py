"""Large batches: how the learning rate follows the batch size.

Larger batches of the same examples mean fewer updates, so each update has to move further. The
learning rate of a small batch is too small for them. It is multiplied by the square root of the
ratio of the batch sizes, or by the ratio itself, and it warms up before it decays to zero.
"""

import numpy as np

import lamb_rs
from lamb_rs.schedules import CosineDecay, Warmup

EXAMPLES, EPOCHS, INPUTS, CLASSES, SMALL = 16_384, 2, 16, 8, 64
rng = np.random.default_rng(0)


def layers(seed, hidden):
    """Return the parameters of a network with one hidden layer."""
    draw = np.random.default_rng(seed).normal
    return {
        "hidden": (draw(size=(INPUTS, hidden)) * np.sqrt(2 / INPUTS)).astype(np.float32),
        "bias": np.zeros(hidden, np.float32),
        "output": (draw(size=(hidden, CLASSES)) * np.sqrt(2 / hidden)).astype(np.float32),
    }


def forward(params, x):
    """Return the hidden layer and the logits."""
    hidden = np.maximum(x @ params["hidden"] + params["bias"], 0)
    return hidden, hidden @ params["output"]


# A network with random parameters draws the labels that the other networks learn.
teacher = layers(seed=1, hidden=24)
inputs = rng.normal(size=(EXAMPLES + 4096, INPUTS)).astype(np.float32)
labels = forward(teacher, inputs)[1].argmax(axis=1)
test_inputs, test_labels = inputs[EXAMPLES:], labels[EXAMPLES:]


def accuracy(make, rate, batch):
    """Train from the start, and return the test accuracy in percent."""
    params = layers(seed=2, hidden=64)
    steps = EPOCHS * EXAMPLES // batch
    warmup = max(1, steps // 10)
    optimizer = make(Warmup(CosineDecay(rate, steps - warmup), warmup, rate / (warmup + 1)))
    optimizer.exclude_from_layer_adaptation(var_names=["bias"])
    optimizer.build(params)
    order = np.random.default_rng(3).permuted(np.tile(np.arange(EXAMPLES), (EPOCHS, 1)), axis=1)
    for chosen in order.reshape(steps, batch):
        x = inputs[chosen]
        hidden, logits = forward(params, x)
        delta = np.exp(logits - logits.max(axis=1, keepdims=True))
        delta /= delta.sum(axis=1, keepdims=True)
        delta[np.arange(batch), labels[chosen]] -= 1
        delta /= batch
        below = (delta @ params["output"].T) * (hidden > 0)
        gradients = {"hidden": x.T @ below, "bias": below.sum(axis=0), "output": hidden.T @ delta}
        optimizer.apply(gradients)
    return 100 * np.mean(forward(params, test_inputs)[1].argmax(axis=1) == test_labels)


def momentum(rate):
    """Return SGD with momentum."""
    return lamb_rs.SGD(rate, momentum=0.9)


CONTENDERS = {"SGD": (momentum, 0.1), "Adam": (lamb_rs.Adam, 0.02), "LAMB": (lamb_rs.Lamb, 0.02)}
SCALINGS = {"the same rate": 0.0, "square root": 0.5, "linear": 1.0}

print(f"Test accuracy in percent after {EPOCHS} epochs of {EXAMPLES} examples")
print(f"{'optimizer':10}{'batch':>6}{'steps':>6}" + "".join(f"{name:>15}" for name in SCALINGS))
for name, (make, rate) in CONTENDERS.items():
    for batch in (SMALL, 512, 4096):
        rates = [rate * (batch / SMALL) ** power for power in SCALINGS.values()]
        cells = "".join(f"{accuracy(make, scaled, batch):15.1f}" for scaled in rates)
        print(f"{name:10}{batch:6}{EPOCHS * EXAMPLES // batch:6}{cells}")
