"""The whole family at sensible rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._errors import HyperparameterError, nearest
from lamb_rs._lookup import get
from lamb_rs._registry import registry
from lamb_rs.plots.descent import descend
from lamb_rs.plots.functions import rosenbrock
from lamb_rs.plots.rates import RATES, Rates
from lamb_rs.schedules import CosineDecay, Schedule, Warmup

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamb_rs.plots.descent import Trajectory

PLANE_STEPS = 1000
"""Updates of a descent of the family."""

# As many as can be told apart in one picture, each of another kind.
SUBSET = ("SGD", "Momentum", "Adagrad", "RMSprop", "Adam", "Lion", "Lamb", "Ranger")


def members() -> list[str]:
    """Return the names of all classes of optimizers that exist.

    Returns
    -------
    list of str
    """
    return [row.class_name for row in registry()]


def rates(name: str) -> Rates:
    """Return the row of an optimizer in the table of rates.

    Parameters
    ----------
    name : str
        As `lamb_rs.get` knows it. A published name without a row of its own has its class's.

    Returns
    -------
    Rates

    Raises
    ------
    HyperparameterError
        If neither has a row, or `lamb_rs.get` does not know the name.
    """
    if name in RATES:
        return RATES[name]
    made: Any = get(name)
    class_name = type(made).__name__
    if class_name not in RATES:
        hint = nearest(class_name, RATES)
        raise HyperparameterError(f"no learning rate is known for {class_name}{hint}")
    # Momentum of 0.9 makes a step ten times as long in the end.
    return RATES["Momentum" if class_name == "SGD" and made.momentum else class_name]


def make(name: str, rate: float, steps: int, *, warmup: int = 0, **arguments: Any) -> Any:
    """Make an optimizer whose rate warms up, then decays to zero along half a cosine.

    Parameters
    ----------
    name : str
        As `lamb_rs.get` knows it.
    rate : float
        Peak learning rate; rules that take the place of a schedule keep it.
    steps : int
        Updates until the rate is zero.
    warmup : int, default 0
        Updates of linear warm-up among them.
    **arguments
        Of the constructor; they go before those of the table.

    Returns
    -------
    Optimizer
    """
    row = rates(name)
    learning_rate = decaying(rate, steps, warmup) if row.scheduled else rate
    return get(name, learning_rate=learning_rate, **{**row.arguments, **arguments})


def decaying(rate: float, steps: int, warmup: int = 0) -> Schedule:
    """Return linear warm-up to a rate, then half a cosine to zero."""
    cosine = CosineDecay(rate, decay_steps=steps - warmup)
    # Not from zero: a first step at rate zero would be a step lost.
    return Warmup(cosine, warmup, initial_learning_rate=rate / (warmup + 1)) if warmup else cosine


def descend_family(
    names: Sequence[str] | None = None, *, steps: int = PLANE_STEPS
) -> list[Trajectory]:
    """Descend Rosenbrock's function with each optimizer at its rate.

    Parameters
    ----------
    names : sequence of str or None, default None
        As `lamb_rs.get` knows them; by default a few of different kinds.
    steps : int, default 1000
        Updates; the rates decay to zero over them.

    Returns
    -------
    list of Trajectory

    Raises
    ------
    HyperparameterError
        For a name that `lamb_rs.get` does not know, or without a known rate.
    """
    return [on_plane(name, steps) for name in (SUBSET if names is None else names)]


def on_plane(
    name: str,
    steps: int = PLANE_STEPS,
    *,
    label: str | None = None,
    wrap: Callable[[Any], Any] = lambda optimizer: optimizer,
) -> Trajectory:
    """Descend Rosenbrock's function with one optimizer, or with a wrapper around it."""
    row = rates(name)
    optimizer = wrap(make(name, row.plane, steps, **row.on_plane))
    start = np.array(rosenbrock.start).reshape((1, 2) if row.matrix else (2,))
    return descend(rosenbrock, optimizer, start, steps, label or name)
