"""Averages of the parameters: EMA, Lookahead and a schedule-free optimizer.

With small batches and a constant learning rate the parameters keep moving around the minimum.
Their average is much closer to it. `evaluation_weights` swaps the average into the parameters for
as long as its block runs, so the code that evaluates needs no change.
"""

from contextlib import nullcontext

import numpy as np

import lamb_rs

STEPS, BATCH, INPUTS = 3000, 4, 20
rng = np.random.default_rng(0)
true_weights = rng.normal(size=INPUTS).astype(np.float32)


def batch(count):
    """Return inputs, and targets that are linear in them except for noise."""
    x = rng.normal(size=(count, INPUTS)).astype(np.float32)
    return x, x @ true_weights + rng.normal(size=count).astype(np.float32)


def train(optimizer, *, averaged=True):
    """Return the excess loss after a tenth of the steps, a third, and all of them."""
    weights = np.zeros(INPUTS, np.float32)
    optimizer.build(weights)
    found = []
    for step in range(1, STEPS + 1):
        x, target = batch(BATCH)
        optimizer.apply(2 / BATCH * x.T @ (x @ weights - target))
        if step in {STEPS // 10, STEPS // 3, STEPS}:
            with optimizer.evaluation_weights() if averaged else nullcontext():
                # The expected loss, less that of the true weights, which is all noise.
                found.append(float(np.sum((weights - true_weights) ** 2)))
    return found


OPTIMIZERS = {
    "SGD": lamb_rs.SGD(0.02),
    "SGD with EMA": lamb_rs.SGD(0.02, use_ema=True, ema_momentum=0.995),
    "Lookahead(SGD)": lamb_rs.Lookahead(lamb_rs.SGD(0.02), sync_period=6, slow_step_size=0.2),
    "ScheduleFreeSGD": lamb_rs.ScheduleFreeSGD(0.02),
}

print(f"Excess loss after {STEPS // 10:5} {STEPS // 3:10} {STEPS:10} steps")
for name, optimizer in OPTIMIZERS.items():
    losses = train(optimizer, averaged=name != "SGD")
    print(f"{name:17} " + " ".join(f"{loss:10.4f}" for loss in losses))

print("\nInside the block the parameters hold the average, after it they are back:")
weights = np.full(3, 4.0, np.float32)
optimizer = lamb_rs.SGD(0.1, use_ema=True, ema_momentum=0.9)
optimizer.build(weights)
for _ in range(10):
    optimizer.apply(weights.copy())
print("  training  ", weights)
with optimizer.evaluation_weights():
    print("  evaluation", weights)
print("  training  ", weights)
