"""Optimizers for training on CPUs: LAMB, LARS and their family.

They update contiguous float32 arrays in place, whoever owns them, at the speed of memory, with the
same bits on every CPU and for every number of threads.

Examples
--------
>>> import numpy as np
>>> import lamb_rs
>>> params = {"kernel": np.ones((4, 3), np.float32), "bias": np.zeros(3, np.float32)}
>>> optimizer = lamb_rs.Lamb(learning_rate=0.01, weight_decay=0.01)
>>> optimizer.build(params)
>>> optimizer.apply({"kernel": np.ones((4, 3), np.float32), "bias": np.ones(3, np.float32)})
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lamb_rs import _core, optim, schedules, wrappers
from lamb_rs._arrays import aligned
from lamb_rs._errors import (
    AliasError,
    CheckpointError,
    ConcurrentStepError,
    ConfigurationWarning,
    DTypeError,
    HyperparameterError,
    InternalError,
    LambError,
    LayoutError,
    NonFiniteError,
    NotBuiltError,
    ParameterSetError,
    ReadOnlyError,
    ShapeError,
    StateMismatchError,
)
from lamb_rs._files import load, read_checkpoint
from lamb_rs._lookup import get, optimizers
from lamb_rs._optimizer.base import Optimizer
from lamb_rs._peers import from_peer, peers
from lamb_rs._registry import registry
from lamb_rs._threads import get_num_threads, info, set_num_threads, stream_floor, threads

if TYPE_CHECKING:
    from lamb_rs import plots as plots
    from lamb_rs import typing as typing
    from lamb_rs.optim import (
        SGD,
        SGDP,
        AdaBelief,
        AdaBound,
        Adadelta,
        Adafactor,
        Adagrad,
        Adam,
        Adamax,
        AdamP,
        AdamW,
        Adan,
        AdEMAMix,
        Adopt,
        Came,
        Ftrl,
        Grams,
        Lamb,
        Lars,
        Lion,
        Mars,
        Muon,
        Nadam,
        NovoGrad,
        Prodigy,
        RAdam,
        Ralamb,
        Ranger,
        RangerLars,
        RMSprop,
        ScheduleFreeAdamW,
        ScheduleFreeSGD,
    )
    from lamb_rs.wrappers import Larc, Lookahead, LossScaleOptimizer, MultiOptimizer

__all__ = [
    "SGD",
    "SGDP",
    "AdEMAMix",
    "AdaBelief",
    "AdaBound",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamP",
    "AdamW",
    "Adamax",
    "Adan",
    "Adopt",
    "AliasError",
    "Came",
    "CheckpointError",
    "ConcurrentStepError",
    "ConfigurationWarning",
    "DTypeError",
    "Ftrl",
    "Grams",
    "HyperparameterError",
    "InternalError",
    "Lamb",
    "LambError",
    "Larc",
    "Lars",
    "LayoutError",
    "Lion",
    "Lookahead",
    "LossScaleOptimizer",
    "Mars",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "NonFiniteError",
    "NotBuiltError",
    "NovoGrad",
    "Optimizer",
    "ParameterSetError",
    "Prodigy",
    "RAdam",
    "RMSprop",
    "Ralamb",
    "Ranger",
    "RangerLars",
    "ReadOnlyError",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "ShapeError",
    "StateMismatchError",
    "__version__",
    "aligned",
    "from_peer",
    "get",
    "get_num_threads",
    "info",
    "load",
    "optimizers",
    "peers",
    "read_checkpoint",
    "registry",
    "schedules",
    "set_num_threads",
    "stream_floor",
    "threads",
]

__version__ = _core.__version__


if not TYPE_CHECKING:  # else every misspelt name would be an attribute

    def __getattr__(name: str) -> object:
        # The module of a class is imported when the class is used: most programs use one or two.
        for package in (optim, wrappers):
            if name in package.__all__:
                found = getattr(package, name)
                globals()[name] = found
                return found
        if name in {"plots", "typing"}:
            return import_module(f"lamb_rs.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _warn_if_slow() -> None:
    import warnings  # noqa: PLC0415

    if info()["build_profile"] == "debug":
        warnings.warn(
            "lamb_rs was built without optimization and is many times slower; "
            "build it with maturin develop --release",
            RuntimeWarning,
            stacklevel=3,
        )


_warn_if_slow()
