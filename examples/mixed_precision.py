"""Gradients in half precision, with loss scaling and gradient accumulation.

float16 represents no number below 6e-8, except zero. Small gradients become zero, and the network
does not learn. `LossScaleOptimizer` multiplies the loss, and with it all gradients, by a factor
that it keeps as large as possible. It skips an update whose gradients overflow. Four batches are
accumulated for each update, which needs no memory for a larger batch.
"""

import numpy as np

import lamb_rs
from lamb_rs.schedules import CosineDecay

STEPS, BATCH, ACCUMULATED = 400, 32, 4
SIZE, RATE = 1e-8, 5e-9  # small targets imitate the small gradients of a deep network


def train(optimizer, gradient_dtype):
    """Train a regression network with small targets; print how it went."""
    rng = np.random.default_rng(0)
    params = {
        "hidden": rng.normal(0, 1, (2, 32)).astype(np.float32),
        "output": np.zeros((32, 1), np.float32),
    }
    optimizer.build(params)
    zeros = []
    for _ in range(STEPS * ACCUMULATED):
        x = rng.uniform(-1, 1, (BATCH, 2)).astype(np.float32)
        target = SIZE * np.sin(3 * x.sum(axis=1, keepdims=True))
        hidden = np.tanh(x @ params["hidden"])
        error = hidden @ params["output"] - target
        # A framework would compute this in half precision; here it is rounded at the end.
        delta = optimizer.scale_loss(2 / BATCH) * error
        exact = {
            "hidden": x.T @ ((delta @ params["output"].T) * (1 - hidden**2)),
            "output": hidden.T @ delta,
        }
        with np.errstate(over="ignore"):
            gradients = {name: value.astype(gradient_dtype) for name, value in exact.items()}
        zeros.append(np.mean([np.mean(gradients[name] == 0) for name in params]))
        optimizer.apply(gradients)
    left = np.mean(error**2) / np.mean(target**2)
    print(f"  gradients that are zero  {100 * np.mean(zeros[ACCUMULATED:]):3.0f} %")
    print(f"  error that is left       {100 * left:3.0f} %")
    print(f"  updates skipped          {optimizer.skipped_steps:3}")


def adam():
    """Return a new optimizer that accumulates the gradients of four batches."""
    schedule = CosineDecay(RATE, STEPS)
    return lamb_rs.Adam(schedule, epsilon=0.0, gradient_accumulation_steps=ACCUMULATED)


print("float32 gradients")
train(adam(), np.float32)

print("float16 gradients")
train(adam(), np.float16)

print("float16 gradients, loss scaled")
scaled = lamb_rs.LossScaleOptimizer(adam(), initial_scale=2.0**30, dynamic_growth_steps=100)
train(scaled, np.float16)
print(f"  last loss scale           2^{np.log2(scaled.scale_loss(1.0)):.0f}")
