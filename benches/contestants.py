"""Who competes: this library, the memory itself, and other packages if they are installed.

Each function returns a contestant: a function from the shapes of the parameters to one step on
arrays of its own.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs
from lamb_rs.cli.extras import load
from lamb_rs.cli.peers import compiled, optax_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Contestant, Shapes
    from lamb_rs.cli.peers import Arrays, Step

RATE = 1e-3
PARAMETER, GRADIENT = 0.1, 0.01
# Arrays that start at the same place of a page wait for each other's stores: the floor has none.
STAGGER = 21 * 16


def ours(
    name: str, gradient: float = GRADIENT, lookahead: int | None = None, **arguments: Any
) -> Contestant:
    """This library's optimizer of that name, in a Lookahead of that period if it is given."""

    def contestant(shapes: Shapes) -> Step:
        parameters = _filled(shapes, PARAMETER)
        optimizer = lamb_rs.get(name, learning_rate=RATE, **arguments)
        if lookahead is not None:
            optimizer = lamb_rs.Lookahead(optimizer, sync_period=lookahead)
        optimizer.build(parameters)
        return partial(optimizer.apply, _filled(shapes, gradient))

    return contestant


def floor(*passes: tuple[int, int]) -> Contestant:
    """Streams through memory: for each pass, how many arrays change and how many are only read."""

    def contestant(shapes: Shapes) -> Step:
        size = sum(int(np.prod(shape)) for shape in shapes)
        count = max(map(sum, passes))
        arrays = [
            lamb_rs.aligned([np.ones(size + i * STAGGER, np.float32)])[0][i * STAGGER :]
            for i in range(count)
        ]

        def step() -> None:
            for changed, read in passes:
                lamb_rs.stream_floor(arrays[: changed + read], read)

        return step

    return contestant


def torch_class(package: str, name: str, **arguments: Any) -> Contestant:
    """An optimizer with torch's interface."""

    def contestant(shapes: Shapes) -> Step | None:
        torch, module = load("torch"), load(package)
        if torch is None or module is None:
            return None
        torch.set_num_threads(lamb_rs.get_num_threads())
        parameters = [torch.nn.Parameter(torch.full(shape, PARAMETER)) for shape in shapes]
        for parameter in parameters:
            parameter.grad = torch.full(parameter.shape, GRADIENT)
        step: Step = getattr(module, name)(parameters, lr=RATE, **arguments).step
        return step

    return contestant


def torch_fused(name: str, **arguments: Any) -> Contestant:
    """torch's own optimizer, in its fastest form on a CPU."""
    return torch_class("torch.optim", name, fused=True, **arguments)


def optax_jitted(rule: str) -> Contestant:
    """optax under jax.jit, updating in place."""
    return partial(optax_step, rule)


def optax_made(make: Callable[[Any], Any]) -> Contestant:
    """An optimizer that a function makes from optax, under jax.jit."""

    def contestant(shapes: Shapes) -> Step | None:
        optax = load("optax")
        return None if optax is None else compiled(make(optax), shapes)

    return contestant


def keras_jitted(name: str) -> Contestant:
    """Keras's optimizer on JAX, its stateless form compiled with donated buffers."""

    def contestant(shapes: Shapes) -> Step | None:
        os.environ.setdefault("KERAS_BACKEND", "jax")
        keras, jax = load("keras"), load("jax")
        if keras is None or jax is None or keras.backend.backend() != "jax":
            return None
        values = [jax.numpy.full(shape, PARAMETER, dtype="float32") for shape in shapes]
        gradients = [jax.numpy.full(shape, GRADIENT, dtype="float32") for shape in shapes]
        optimizer = getattr(keras.optimizers, name)(learning_rate=RATE)
        optimizer.build([keras.Variable(value) for value in values])
        jitted = jax.jit(optimizer.stateless_apply, donate_argnums=(0, 2))
        held = [values, [variable.value for variable in optimizer.variables]]

        def step() -> None:
            held[:] = jitted(held[1], gradients, held[0])
            jax.block_until_ready(held)

        return step

    return contestant


def _filled(shapes: Shapes, value: float) -> Arrays:
    arrays: Arrays = lamb_rs.aligned([np.full(shape, value, np.float32) for shape in shapes])
    return arrays
