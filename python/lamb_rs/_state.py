"""The state of an optimizer."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

from lamb_rs._checkpoint import Checkpoints
from lamb_rs._readings import Readings
from lamb_rs._remembered import as_state, remembered, restore
from lamb_rs.schedules._stateful import remembering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamb_rs._hyper import Driver
    from lamb_rs._optimizer import Optimizer


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
            self._pending = (copy.deepcopy(as_state(d)), strict)  # the caller may change its arrays

    def load_peer_state(self, framework: str, state: Any, *, iterations: int | None = None) -> None:
        """Take over the state of a running optimizer of torch or Keras.

        Training goes on as it would have there. Make the optimizer by `from_peer` with the peer's
        arguments, build it on the parameters as they are now, then load.

        Parameters
        ----------
        framework : {"torch", "keras"}
            Where the state is from.
        state : mapping or sequence
            "torch": what ``state_dict()`` of a torch.optim class returned, its tensors as they are
            or as arrays. "keras": ``optimizer.variables``, or a dict of their paths and values in
            that order.
        iterations : int, optional
            Updates done so far, where the state does not say: torch's SGD and Muon do not count.

        Raises
        ------
        StateMismatchError
            For a state of another rule, form or number of parameters, or of other shapes. It lists
            all differences, and nothing was changed.
        HyperparameterError
            For another framework, and for state narrower than float32.
        NotBuiltError
            Before `build`.

        Notes
        -----
        Parameters are matched in order. Hyperparameters are not read. Averages and slow weights
        start from the parameters, unless Keras's averages are there.
        """
        from lamb_rs._peers._state import load  # noqa: PLC0415 - wanted once in a program, if ever

        self._bound()
        load(cast("Optimizer", self), framework, state, iterations)

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
