"""JAX computes the gradients, lamb_rs updates the parameters.

The parameters are NumPy arrays. JAX compiles the loss and its gradients and reads the arrays;
lamb_rs updates them in place on the CPU. Nothing is copied between the two: on a CPU, the gradients
of JAX are NumPy arrays without a copy, and lamb_rs only reads them.
"""

import jax
import jax.numpy as jnp
import numpy as np

import lamb_rs
from lamb_rs.schedules import CosineDecay

STEPS = 600
rng = np.random.default_rng(0)


def kernel(inputs, outputs):
    """Draw the weights of a layer."""
    return (rng.normal(size=(inputs, outputs)) / np.sqrt(inputs)).astype(np.float32)


def predict(params, x):
    """Return the outputs of the network."""
    hidden = jnp.tanh(x @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    return hidden @ params["output"]["kernel"]


def loss(params, x, target):
    """Return the mean squared error."""
    return jnp.mean((predict(params, x) - target) ** 2)


params = lamb_rs.aligned(
    {
        "hidden": {"kernel": 4 * kernel(1, 64), "bias": np.zeros(64, np.float32)},
        "output": {"kernel": kernel(64, 1)},
    }
)
loss_and_gradients = jax.jit(jax.value_and_grad(loss))
optimizer = lamb_rs.Muon(CosineDecay(0.02, decay_steps=STEPS))
optimizer.build(params)

for step in range(1, STEPS + 1):
    x = rng.uniform(-1, 1, (128, 1)).astype(np.float32)
    value, gradients = loss_and_gradients(params, x, np.sin(5 * x))
    # np.asarray waits until the gradients are computed. Only then may the parameters change.
    optimizer.apply(jax.tree.map(np.asarray, gradients))
    if step in {1, 10, 100, STEPS}:
        print(f"step {step:3}: loss {float(value):.6f}")

print("\nMuon updates matrices by its own rule, and all other arrays by AdamW:")
print(optimizer.explain().split("\n\n")[-1])
