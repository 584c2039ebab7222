"""The registry: one row for each algorithm, read from the native module."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, NamedTuple

from lamb_rs import _core


class Hyperparameter(NamedTuple):
    """A hyperparameter of an algorithm.

    Attributes
    ----------
    name : str
        Name of the argument of the constructor.
    kind : {"number", "integer", "bool", "choice", "pair"}
        Type of its values.
    range : str
        Legal values, in words.
    choices : tuple of bool or str
        The legal values of a choice.
    default : object
        Value if none is given.
    meaning : str
        One line.
    dynamic : bool
        Whether it may change between steps.
    per_parameter : bool
        Whether an override may set it for some parameters: see `Optimizer.build`.
    shared : bool
        Whether every algorithm has it.
    """

    name: str
    kind: Literal["number", "integer", "bool", "choice", "pair"]
    range: str
    choices: tuple[bool | str, ...]
    default: Any
    meaning: str
    dynamic: bool
    per_parameter: bool
    shared: bool


class Algorithm(NamedTuple):
    """An algorithm of the registry.

    Attributes
    ----------
    name : str
        Name in the registry and in states: "adamw".
    class_name : str
        Name of the class: "AdamW".
    summary : str
        One line.
    formula : str
        The update at the defaults: assignments ``name = expression``, separated by "; ". A name has
        the value of the latest assignment to it, 0 before the first. ``p`` is the parameter array,
        ``g`` its gradient, ``t`` the number of the update, from 1; ``m`` and ``v`` are the states
        "momentum" and "velocity"; other names are those of hyperparameters. A space is a product.
    routed : str or None
        The parameters that follow another rule, if any: "arrays with fewer than two axes".
    routed_formula : str or None
        The update of these parameters.
    source : str
        Where it was published.
    hyperparameters : tuple of Hyperparameter
        Arguments of the class, the learning rate first, the shared ones last.
    slots : tuple of str
        Names of the state arrays of each parameter at the defaults.
    scalars : tuple of str
        Names of the numbers that are kept from step to step.
    scope : {"group", "parameter", "all"}
        Whether each of these numbers exists for each group of parameters with the same settings,
        for each parameter, or once for all parameters.
    layerwise : bool
        Whether steps are scaled by a trust ratio.
    matrix : bool
        Whether it multiplies matrices.
    """

    name: str
    class_name: str
    summary: str
    formula: str
    routed: str | None
    routed_formula: str | None
    source: str
    hyperparameters: tuple[Hyperparameter, ...]
    slots: tuple[str, ...]
    scalars: tuple[str, ...]
    scope: Literal["group", "parameter", "all"]
    layerwise: bool
    matrix: bool


def registry() -> tuple[Algorithm, ...]:
    """List the algorithms with their hyperparameters, state, formula and source.

    Returns
    -------
    tuple of Algorithm
        One for each class of `lamb_rs.optim`, as named tuples.

    Examples
    --------
    >>> import lamb_rs
    >>> lamb = next(row for row in lamb_rs.registry() if row.class_name == "Lamb")
    >>> lamb.slots
    ('momentum', 'velocity')
    >>> beta_1 = next(one for one in lamb.hyperparameters if one.name == "beta_1")
    >>> beta_1.default, beta_1.range
    (0.9, 'a number in the range [0, 1)')
    """
    return _registry()


@cache
def _registry() -> tuple[Algorithm, ...]:
    return tuple(
        Algorithm(
            one["name"],
            one["class_name"],
            one["summary"],
            one["formula"],
            one["routed"],
            one["routed_formula"],
            one["source"],
            tuple(_hyperparameter(hyper) for hyper in one["hyper"] if hyper["wrapper"] is None),
            tuple(one["slots"]),
            tuple(one["scalars"]),
            one["scope"],
            one["layerwise"],
            one["matrix"],
        )
        for one in _core.algorithms()
    )


def _hyperparameter(hyper: _core._Hyper) -> Hyperparameter:
    return Hyperparameter(
        hyper["name"],
        hyper["kind"],
        hyper["domain"],
        hyper["choices"],
        hyper["default"],
        hyper["doc"],
        hyper["dynamic"],
        hyper["per_parameter"],
        hyper["shared"],
    )


@cache
def row(algorithm: str) -> _core._Algorithm:
    """Return the row of an algorithm in the native registry."""
    return next(one for one in _core.algorithms() if one["name"] == algorithm)
