"""Optimizers of other packages as they run, and the float64 reference of their translations.

The packages are imported only where they are to run: see `support.recorded`.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Read when keras is first imported.
os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest

from lamb_rs.schedules import deserialize
from reference import Reference, reference
from support.harness import STEPS, Tensors, model
from support.options import LARC
from support.recorded import need, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    import lamb_rs

Hyper = dict[str, Any]

PROBLEM = model((7, 255), STEPS, 5)
# Modules of the classes, by the package in a peer's name.
MODULES = {
    "adabound": "adabound",
    "bitsandbytes": "bitsandbytes.optim",
    "keras": "keras.optimizers",
    "lion_pytorch": "lion_pytorch",
    "optax": "optax",
    "prodigyopt": "prodigyopt",
    "pytorch_optimizer": "pytorch_optimizer",
    "pytorch_ranger": "pytorch_ranger",
    "schedulefree": "schedulefree",
    "timm": "timm.optim",
    "torch": "torch.optim",
    "torch_optimizer": "torch_optimizer",
}
RULES = {"SGD": "sgd"}


def package(name: str) -> Any:
    """The module that holds a peer's class."""
    return import_module(MODULES[name.partition(".")[0]])


def ask(name: str) -> Any:
    """The peer's class itself; the test is skipped where it is not to be called."""
    need(name.partition(".")[0])
    return peer_class(name)


def peer_class(name: str) -> Any:
    """The peer's class or function."""
    made = package(name)
    for part in name.split(".")[1:]:
        made = getattr(made, part)
    return made


def by_reference(opt: lamb_rs.Optimizer, params: Tensors, grads: list[Tensors]) -> Tensors:
    """Parameters after all steps, by the float64 reference of a translated peer."""
    ref = as_reference(opt)
    ref.build(params)
    for g in grads:
        ref.apply(g)
    return ref.params


def as_reference(opt: Any) -> Reference:
    """The reference with an optimizer's settings, those of its wrappers included."""
    hyper: Hyper = {}
    while hasattr(opt, "inner"):
        own = {name: x for name, x in opt.get_config().items() if name not in {"inner", "name"}}
        called = {own_name: name for name, own_name in LARC.items()}
        if type(opt).__name__ == "Larc":
            own = {called[name]: x for name, x in own.items()}
        elif type(opt).__name__ != "Lookahead":
            raise ValueError(f"the reference has no {type(opt).__name__}")
        hyper |= own
        opt = opt.inner
    own = opt.get_config()
    for name in ("name", "exclude_from_weight_decay", "exclude_from_layer_adaptation"):
        own.pop(name, None)
    hyper |= {name: deserialize(x) if isinstance(x, dict) else x for name, x in own.items()}
    return reference(type(opt).__name__.lower(), **hyper)


def make_torch(name: str, kwargs: Hyper, tensors: list[Any]) -> Any:
    """A torch-like optimizer of some tensors."""
    own = dict(kwargs)
    base = own.pop("base", None)
    inner = own.pop("base_kwargs", {})
    cls = peer_class(name)
    return cls(tensors if base is None else make_torch(base, inner, tensors), **own)


def by_torch(
    name: str, kwargs: Hyper, params: Tensors, grads: list[Tensors], dtype: str = "float64"
) -> Tensors:
    """Parameters after all steps of a torch-like peer."""
    torch = import_module("torch")
    tensors = {key: torch.tensor(p, dtype=getattr(torch, dtype)) for key, p in params.items()}
    for tensor in tensors.values():
        tensor.requires_grad_()
    optimizer = make_torch(name, kwargs, list(tensors.values()))
    if hasattr(optimizer, "train"):
        optimizer.train()
    for g in grads:
        for key, tensor in tensors.items():
            tensor.grad = torch.tensor(g[key], dtype=tensor.dtype)
        optimizer.step()
    return {key: tensor.detach().numpy().astype(np.float64) for key, tensor in tensors.items()}


def make_optax(name: str, kwargs: Hyper) -> Any:
    """An optax transformation; clips come before their base."""
    import optax  # noqa: PLC0415 - the caller has made sure that it is there

    own = dict(kwargs)
    base = own.pop("base", None)
    if base is None:
        return peer_class(name)(**own)
    inner = make_optax(base, own.pop("base_kwargs", {}))
    if name.startswith("optax.clip"):
        return optax.chain(peer_class(name)(**own), inner)
    made = peer_class(name)(inner, **own)
    return made.gradient_transformation() if name == "optax.MultiSteps" else made


def by_optax(name: str, kwargs: Hyper, params: Tensors, grads: list[Tensors]) -> Tensors:
    """Parameters after all steps of an optax transformation."""
    return run_optax(make_optax(name, kwargs), params, grads, look=name == "optax.lookahead")


def run_optax(
    transformation: Any, params: Tensors, grads: list[Tensors], *, look: bool = False
) -> Tensors:
    """Parameters after all steps; `look` if there are slow weights."""
    jax, optax = import_module("jax"), import_module("optax")
    jax.config.update("jax_enable_x64", True)
    now = {key: jax.numpy.asarray(p, dtype="float64") for key, p in params.items()}
    if look:
        now = optax.LookaheadParams.init_synced(now)
    state = transformation.init(now)

    @jax.jit
    def step(now: Any, state: Any, g: Any) -> Any:
        updates, state = transformation.update(g, state, now)
        return optax.apply_updates(now, updates), state

    for g in grads:
        now, state = step(now, state, {k: jax.numpy.asarray(x, "float64") for k, x in g.items()})
    return {key: np.array(p) for key, p in (now.fast if look else now).items()}


def keras_steps(
    optimizer: Any, params: Tensors, grads: list[Tensors]
) -> Iterator[tuple[list[Any], list[Any]]]:
    """Variables and values of the parameters, before the first and after each step."""
    import jax  # noqa: PLC0415 - the caller has made sure that they are there
    import keras  # noqa: PLC0415

    variables = [
        keras.Variable(p.astype(np.float64), dtype="float64", name=key) for key, p in params.items()
    ]
    optimizer.build(variables)
    apply = jax.jit(optimizer.stateless_apply)
    values, state = [v.value for v in variables], [v.value for v in optimizer.variables]
    yield values, state
    for g in grads:
        arrays = [jax.numpy.asarray(x, dtype="float64") for x in g.values()]
        values, state = apply(state, arrays, values)
        yield values, state


@contextmanager
def keras_in_float64() -> Iterator[Any]:
    """Keras on JAX, computing in float64."""
    keras, jax = import_module("keras"), import_module("jax")
    if keras.backend.backend() != "jax":
        pytest.skip("keras was imported with another backend")
    jax.config.update("jax_enable_x64", True)
    keras.config.set_floatx("float64")
    try:
        yield keras
    finally:
        keras.config.set_floatx("float32")


def by_keras(name: str, kwargs: Hyper, params: Tensors, grads: list[Tensors]) -> Tensors:
    """Parameters after all steps of a Keras optimizer on JAX."""
    with keras_in_float64():
        *_, (values, _) = keras_steps(peer_class(name)(**kwargs), params, grads)
    return {key: np.array(x) for key, x in zip(params, values, strict=True)}


def by_peer(name: str, kwargs: Hyper, params: Tensors, grads: list[Tensors], key: str) -> Tensors:
    """Parameters after all steps of any peer, recorded as `key`."""
    found = name.partition(".")[0]
    run = {"optax": by_optax, "keras": by_keras}.get(found, by_torch)
    return recorded(found, key, lambda: run(name, kwargs, params, grads))
