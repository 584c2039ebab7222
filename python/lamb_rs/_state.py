"""The state of an optimizer."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from lamb_rs._checkpoint import Checkpoints
from lamb_rs._readings import Readings
from lamb_rs._remembered import remembered, restore
from lamb_rs.schedules._stateful import remembering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamb_rs._hyper import Driver


class Stateful(Checkpoints, Readings):
    """Saving, restoring and clearing state."""

    __slots__ = ("_pending", "_sources")

    _pending: tuple[dict[str, Any], bool] | None
    # What drives hyperparameters.
    _sources: dict[str, Driver]

    def state_dict(self) -> dict[str, Any]:
        """Copy the state: ``"<parameter>/<slot>"`` to array, ``"optimizer/..."`` to number.

        Parameters and hyperparameters are not in it.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        return self._bound().state_dict() | remembered(self._sources)

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
            native = self._native
            restore(self._sources, d, strict, lambda rest: native.load_state_dict(rest, strict))
        else:
            self._pending = (copy.deepcopy(dict(d)), strict)  # the caller may change its arrays

    def _bind(self, params: object, settings: list[dict[str, object]] | None) -> None:
        """Build the native optimizer, with the state that waits; on an error nothing is built."""
        if self._pending is None:
            self._native.build(params, settings, None)
            return
        state, strict = self._pending

        def bind(rest: dict[str, Any]) -> None:
            self._native.build(params, settings, rest if strict else None)
            if not strict:
                try:
                    self._native.load_state_dict(rest, strict)
                except BaseException:
                    self._unbind()
                    raise

        restore(self._sources, state, strict, bind)
        self._pending = None

    def _unbind(self) -> None:
        """Go back to before `build`."""
        raise NotImplementedError

    def reset(self) -> None:
        """Start again: state and counters as after `build`, parameters as they are.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        self._bound().reset()
        for hyper, source in self._sources.items():
            for _, schedule in remembering(source, hyper):
                schedule.reset()

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
