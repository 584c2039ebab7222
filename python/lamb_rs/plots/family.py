"""Every optimizer at the learning rate that `lamb_rs.plots.RATES` lists for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._errors import HyperparameterError
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
"""Updates of one descent."""

# Optimizers of different kinds, for pictures that cannot show all of them.
SUBSET = ("SGD", "Momentum", "Adagrad", "RMSprop", "Adam", "Lion", "Lamb", "Ranger")


def members() -> list[str]:
    """Return the names of all optimizer classes.

    Returns
    -------
    list of str
    """
    return [row.class_name for row in registry()]


def rates(name: str) -> Rates:
    """Return the row of an optimizer in `RATES`.

    Parameters
    ----------
    name : str
        A name that `lamb_rs.get` accepts. A published name without a row of its own has the row of
        its class.

    Returns
    -------
    Rates

    Raises
    ------
    HyperparameterError
        If `lamb_rs.get` does not know the name, or neither it nor its class has a row.
    """
    if name in RATES:
        return RATES[name]
    made: Any = get(name)
    class_name = type(made).__name__
    if class_name not in RATES:
        raise HyperparameterError(
            f"lamb_rs.plots.RATES has no row for {class_name}; pass trajectories of your own"
        )
    # With momentum 0.9, steps become up to ten times as long.
    return RATES["Momentum" if class_name == "SGD" and made.momentum else class_name]


def make(name: str, rate: float, steps: int, *, warmup: int = 0, **arguments: Any) -> Any:
    """Return an optimizer whose rate warms up and then decays to zero along half a cosine.

    Parameters
    ----------
    name : str
        A name that `lamb_rs.get` accepts.
    rate : float
        Peak learning rate. Rules that replace the schedule use it as a constant rate.
    steps : int
        Updates until the rate is zero.
    warmup : int, default 0
        Number of these updates that are linear warm-up.
    **arguments
        Further arguments of the constructor. They override those in `RATES`.

    Returns
    -------
    Optimizer
    """
    row = rates(name)
    learning_rate = decaying(rate, steps, warmup) if row.scheduled else rate
    return get(name, learning_rate=learning_rate, **{**row.arguments, **arguments})


def decaying(rate: float, steps: int, warmup: int = 0) -> Schedule:
    """Return linear warm-up to a rate, followed by half a cosine to zero."""
    cosine = CosineDecay(rate, decay_steps=steps - warmup)
    # The warm-up does not start at zero: a step at rate zero would change nothing.
    return Warmup(cosine, warmup, initial_learning_rate=rate / (warmup + 1)) if warmup else cosine


def descend_family(
    names: Sequence[str] | None = None, *, steps: int = PLANE_STEPS
) -> list[Trajectory]:
    """Minimize Rosenbrock's function with several optimizers, each at its own rate.

    Parameters
    ----------
    names : sequence of str or None, default None
        Names that `lamb_rs.get` accepts. None means eight optimizers of different kinds.
    steps : int, default 1000
        Number of updates. The rates decay to zero over them.

    Returns
    -------
    list of Trajectory

    Raises
    ------
    HyperparameterError
        If `lamb_rs.get` does not know a name, or `RATES` has no row for it.
    """
    return [on_plane(name, steps) for name in (SUBSET if names is None else names)]


def on_plane(
    name: str,
    steps: int = PLANE_STEPS,
    *,
    label: str | None = None,
    wrap: Callable[[Any], Any] = lambda optimizer: optimizer,
) -> Trajectory:
    """Minimize Rosenbrock's function with one optimizer, or with a wrapper around it."""
    row = rates(name)
    optimizer = wrap(make(name, row.plane, steps, **row.on_plane))
    start = np.array(rosenbrock.start).reshape((1, 2) if row.matrix else (2,))
    return descend(rosenbrock, optimizer, start, steps, label or name)
