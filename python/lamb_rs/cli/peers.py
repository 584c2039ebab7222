"""The same rules in other packages, if they are installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lamb_rs
from lamb_rs.cli.extras import load

Arrays = list[NDArray[np.float32]]
Step = Callable[[], object]


def peers(rule: str, shapes: list[tuple[int, ...]]) -> dict[str, Step]:
    """Return a step of every installed package that has the rule.

    Parameters
    ----------
    rule : str
        ``"AdamW"``, ``"LAMB"``, ``"SGD"`` or ``"Lion"``.
    shapes : list of tuple
        Of the parameters.

    Returns
    -------
    dict
        Names, each with a function that makes one complete step on its own arrays.
    """
    made = {"torch fused": _torch(rule, shapes), "optax jitted": optax_step(rule, shapes)}
    return {name: step for name, step in made.items() if step is not None}


def _torch(rule: str, shapes: list[tuple[int, ...]]) -> Step | None:
    torch = load("torch") if rule in ("AdamW", "SGD") else None
    if torch is None:
        return None
    torch.set_num_threads(lamb_rs.get_num_threads())
    parameters = [torch.nn.Parameter(torch.full(shape, 0.1)) for shape in shapes]
    for parameter in parameters:
        parameter.grad = torch.full(parameter.shape, 0.01)
    arguments: dict[str, Any] = {"momentum": 0.9} if rule == "SGD" else {}
    make = getattr(torch.optim, rule)
    optimizer = make(parameters, lr=1e-3, weight_decay=0.01, fused=True, **arguments)
    step: Step = optimizer.step
    return step


def optax_step(rule: str, shapes: list[tuple[int, ...]]) -> Step | None:
    """Return a step of optax's optimizer of a rule; see `peers`."""
    optax = load("optax")
    if optax is None:
        return None
    if rule == "SGD":
        optimizer = optax.chain(optax.add_decayed_weights(0.01), optax.sgd(1e-3, momentum=0.9))
    else:
        optimizer = getattr(optax, rule.lower())(1e-3, weight_decay=0.01)
    return compiled(optimizer, shapes)


def compiled(optimizer: Any, shapes: list[tuple[int, ...]]) -> Step | None:
    """Return a step of an optimizer of optax, compiled by ``jax.jit``."""
    optax, jax = load("optax"), load("jax")
    if optax is None or jax is None:
        return None
    parameters = [jax.numpy.full(shape, 0.1, dtype="float32") for shape in shapes]
    gradients = [jax.numpy.full(shape, 0.01, dtype="float32") for shape in shapes]

    def update(values: Any, state: Any, given: Any) -> Any:
        changes, state = optimizer.update(given, state, values)
        return optax.apply_updates(values, changes), state

    # With donated buffers XLA works in place, as the other libraries do.
    jitted = jax.jit(update, donate_argnums=(0, 1))
    held = [parameters, optimizer.init(parameters)]

    def step() -> None:
        held[:] = jitted(held[0], held[1], gradients)
        jax.block_until_ready(held)

    return step
