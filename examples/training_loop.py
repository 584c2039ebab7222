"""A training loop in NumPy with LAMB.

A small network learns to tell three spirals apart. The network, its gradients and the loop are
plain NumPy; lamb_rs updates the parameters in place, so the arrays of the network are the arrays
that the optimizer changes.
"""

import numpy as np

import lamb_rs
from lamb_rs.schedules import CosineDecay, Warmup

STEPS, BATCH, WIDTH = 300, 256, 64
rng = np.random.default_rng(0)


def spirals(count):
    """Return points on three noisy spirals, and the number of the spiral of each."""
    labels = rng.integers(0, 3, count)
    radius = np.sqrt(rng.uniform(0.02, 1, count))
    angle = 5 * radius + 2 * np.pi / 3 * labels + rng.normal(0, 0.1, count)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points.astype(np.float32), labels


def kernel(inputs, outputs):
    """Draw the weights of a layer, with the variance that ReLU preserves."""
    return (rng.normal(size=(inputs, outputs)) * np.sqrt(2 / inputs)).astype(np.float32)


params = {
    "hidden_1": {"kernel": kernel(2, WIDTH), "bias": np.zeros(WIDTH, np.float32)},
    "hidden_2": {"kernel": kernel(WIDTH, WIDTH), "bias": np.zeros(WIDTH, np.float32)},
    "output": {"kernel": kernel(WIDTH, 3), "bias": np.zeros(3, np.float32)},
}


def forward(x):
    """Return the input and the output of every layer."""
    outputs = [x]
    for name, layer in params.items():
        x = x @ layer["kernel"] + layer["bias"]
        if name != "output":
            x = np.maximum(x, 0)
        outputs.append(x)
    return outputs


def loss_and_gradients(x, labels):
    """Return the mean cross-entropy of a batch, and its gradients."""
    outputs = forward(x)
    logits = outputs[-1] - outputs[-1].max(axis=1, keepdims=True)
    exponentials = np.exp(logits)
    sums = exponentials.sum(axis=1, keepdims=True)
    one_hot = np.eye(3, dtype=np.float32)[labels]
    loss = np.mean(np.log(sums) - (logits * one_hot).sum(axis=1, keepdims=True))
    delta = (exponentials / sums - one_hot) / len(x)
    gradients = {}
    for name, below in reversed(list(zip(params, outputs, strict=False))):
        gradients[name] = {"kernel": below.T @ delta, "bias": delta.sum(axis=0)}
        delta = (delta @ params[name]["kernel"].T) * (below > 0)
    return loss, gradients


# The rate rises for 50 steps, then falls to zero. Biases have no weight decay and no trust ratio.
schedule = Warmup(CosineDecay(0.03, decay_steps=STEPS - 50), warmup_steps=50)
optimizer = lamb_rs.Lamb(schedule, weight_decay=0.01)
optimizer.exclude_from_weight_decay(var_names=["bias"])
optimizer.exclude_from_layer_adaptation(var_names=["bias"])
optimizer.build(params)

test_points, test_labels = spirals(2000)
for step in range(1, STEPS + 1):
    loss, gradients = loss_and_gradients(*spirals(BATCH))
    optimizer.apply(gradients)
    if step in {1, 10, 30, 100, STEPS}:
        correct = np.mean(forward(test_points)[-1].argmax(axis=1) == test_labels)
        print(
            f"step {step:4}: loss {loss:.3f}, test accuracy {100 * correct:4.1f} %, "
            f"learning rate {optimizer.last_learning_rate:.4f}"
        )

print("\nTrust ratios of the last step: the step of each layer, as a multiple of a step of Adam")
for name, ratio in zip(optimizer.parameter_names, optimizer.trust_ratios, strict=True):
    print(f"  {name:16} {'not adapted' if np.isnan(ratio) else f'{ratio:.2f}'}")
