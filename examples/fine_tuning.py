"""Fine-tuning: frozen layers, and other settings for single parameters.

A trained network learns a second task. Its first layer is frozen, its second layer takes small
steps, and the new output layer takes large ones. One call of `build` says so; `explain` shows what
applies to each parameter, and why.
"""

import numpy as np

import lamb_rs

rng = np.random.default_rng(0)


def forward(params, x):
    """Return the outputs of the three layers."""
    first = np.tanh(x @ params["encoder"]["first"])
    second = np.tanh(first @ params["encoder"]["second"])
    return first, second, second @ params["head"]["kernel"] + params["head"]["bias"]


def train(params, optimizer, task, steps):
    """Train on a task, and return the mean squared error of the last 50 batches."""
    losses = []
    for _ in range(steps):
        x = rng.uniform(-1, 1, (64, 3)).astype(np.float32)
        x[:, 2] = 1
        first, second, output = forward(params, x)
        delta = 2 / len(x) * (output - task(x))
        below = (delta @ params["head"]["kernel"].T) * (1 - second**2)
        lowest = (below @ params["encoder"]["second"].T) * (1 - first**2)
        optimizer.apply(
            {
                "encoder": {"first": x.T @ lowest, "second": first.T @ below},
                "head": {"kernel": second.T @ delta, "bias": delta.sum(axis=0)},
            }
        )
        losses.append(np.mean((output - task(x)) ** 2))
    return np.mean(losses[-50:])


def rings(x):
    """Return the targets of the first task."""
    return np.sin(6 * np.hypot(x[:, :1], x[:, 1:2]))


def shifted_rings(x):
    """Return the targets of the second task, which the features of the first fit well."""
    return np.cos(6 * np.hypot(x[:, :1], x[:, 1:2])) + x[:, :1]


def normal(*shape):
    """Draw the weights of a layer."""
    return (rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32)


params = {
    "encoder": {"first": 3 * normal(3, 64), "second": normal(64, 64)},
    "head": {"kernel": normal(64, 1), "bias": np.zeros(1, np.float32)},
}
optimizer = lamb_rs.AdamW(3e-3, weight_decay=0.01)
optimizer.build(params)
print(f"first task, 2000 steps:  error {train(params, optimizer, rings, 2000):.4f}")

params["head"]["kernel"][...] = normal(64, 1)  # a new head, in the same array
before = {name: array.copy() for name, array in params["encoder"].items()}
optimizer = lamb_rs.AdamW(3e-3, weight_decay=0.01)
optimizer.build(
    params,
    overrides={
        "encoder/first": {"trainable": False},
        "encoder/second": {"learning_rate_multiplier": 0.1},
        "*/bias": {"weight_decay": None},
    },
)
print(f"second task, 300 steps:  error {train(params, optimizer, shifted_rings, 300):.4f}")
for name, array in params["encoder"].items():
    moved = np.linalg.norm(array - before[name]) / np.linalg.norm(before[name])
    print(f"  {name:6} layer changed by {100 * moved:.2f} %")
print()
print(optimizer.explain().split("\n\n")[-1])
