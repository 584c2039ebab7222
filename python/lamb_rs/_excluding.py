"""Parameters that are left out of weight decay or of the trust ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamb_rs._errors import HyperparameterError
from lamb_rs._evaluation import Evaluating
from lamb_rs._groups import Exclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

EXCLUSIONS = ("exclude_from_weight_decay", "exclude_from_layer_adaptation")


def exclusions() -> dict[str, Exclusion]:
    """Make the exclusions of a new optimizer, which name nothing."""
    decay, adaptation = EXCLUSIONS
    return {
        decay: Exclusion(decay, "weight_decay", None, "weight decay"),
        adaptation: Exclusion(adaptation, "layer_adaptation", False, "layer adaptation"),
    }


class Excluding(Evaluating):
    """Exclusion from weight decay and from layer adaptation."""

    __slots__ = ("_exclusions",)

    _exclusions: dict[str, Exclusion]

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Exclude parameters from weight decay; before `build` only.

        Parameters
        ----------
        var_list : sequence of arrays, optional
            The very arrays that `build` gets.
        var_names : sequence of str, optional
            Regular expressions that are searched in the names.

        Raises
        ------
        HyperparameterError
            After `build`, and for something that is no pattern. What matches nothing raises in
            `build`.
        """
        self._exclude("exclude_from_weight_decay", var_list, var_names)

    def exclude_from_layer_adaptation(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Exclude parameters from the trust ratio; before `build` only.

        Parameters
        ----------
        var_list : sequence of arrays, optional
            The very arrays that `build` gets.
        var_names : sequence of str, optional
            Regular expressions that are searched in the names.

        Raises
        ------
        HyperparameterError
            After `build`, and for something that is no pattern. What matches nothing raises in
            `build`.
        """
        self._exclude("exclude_from_layer_adaptation", var_list, var_names)

    def _exclude(
        self, method: str, var_list: Sequence[Any] | None, var_names: Sequence[str] | None
    ) -> None:
        if self._native.built:
            raise HyperparameterError(
                f"{method} has no effect after build; call it before, or make a new optimizer"
            )
        self._exclusions[method].add(var_list, var_names)
