"""The state of an optimizer, and the averages that are part of it."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from lamb_rs._errors import HyperparameterError
from lamb_rs._evaluation import Frozen, averaged
from lamb_rs._readings import Readings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lamb_rs import _core


class Stateful(Readings):
    """Saving, restoring and clearing state; averages in the place of parameters."""

    __slots__ = ("_pending",)

    _pending: tuple[dict[str, Any], bool] | None

    def state_dict(self) -> dict[str, Any]:
        """Copy the state: ``"<parameter>/<slot>"`` to array, ``"optimizer/..."`` to number.

        Parameters and hyperparameters are not in it.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        return self._bound().state_dict()

    def load_state_dict(self, d: Mapping[str, Any], strict: bool = True) -> None:
        """Restore state and counters; before `build` they are kept until then.

        Parameters
        ----------
        d : mapping
            From `state_dict`.
        strict : bool, default True
            Whether a missing or unknown entry is an error.

        Raises
        ------
        StateMismatchError
            For a state of other parameters or of another algorithm; it lists all differences.
        """
        if self._native.built:
            self._native.load_state_dict(dict(d), strict)
        else:
            self._pending = (copy.deepcopy(dict(d)), strict)  # the caller may change its arrays

    def reset(self) -> None:
        """Start again: state and counters as after `build`, parameters as they are.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        self._bound().reset()

    def finalize_variable_values(self, params: object = None) -> None:
        """Give the parameters the values of their averages, with ``use_ema=True``; else nothing.

        Parameters
        ----------
        params : array, sequence or nested mapping of arrays, optional
            Must name the memory that was built.

        Raises
        ------
        NotBuiltError
            Before `build`.
        ParameterSetError
            For other parameters.
        """
        native = self._bound()
        if params is not None:
            native.check_params(params)
        native.finalize()

    @contextmanager
    def evaluation_weights(self) -> Iterator[None]:
        """Put the averages into the parameters inside a with block; the old bits come back.

        Raises
        ------
        HyperparameterError
            Without ``use_ema=True``.
        NotBuiltError
            Before `build`.
        ConcurrentStepError
            For anything inside the block that would change parameters or state.
        """
        if not self._native.get("use_ema"):
            raise HyperparameterError("evaluation_weights() needs averages: set use_ema=True")
        native = self._bound()
        with averaged(native):
            # Swapped, so that `apply` need not ask on every step whether it may.
            self._native = cast("_core.Optimizer", Frozen(native))
            try:
                yield
            finally:
                self._native = native
