"""A wrapper around one optimizer."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from lamb_rs._errors import HyperparameterError, StateMismatchError
from lamb_rs.schedules._saved import as_state
from lamb_rs.wrappers.base import (
    Wrapper,
    blamed,
    check_inner,
    differences,
    hold,
    load_together,
    mismatch,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lamb_rs._arrays import Arrays, Gradients
    from lamb_rs._optimizer.base import Optimizer
    from lamb_rs._optimizer.hyperparameters import Overrides
    from lamb_rs._optimizer.native import Native
    from lamb_rs._optimizer.rule import Rule


class Around(Wrapper):
    """Base class of wrappers around one optimizer, which share its native optimizer and state."""

    __slots__ = ("inner",)

    inner: Optimizer

    # The wrapper's arguments that are hyperparameters of the rules inside, with their names there.
    _natives: ClassVar[Mapping[str, str]] = {}

    def _wrap(self, inner: Optimizer, name: str | None, **arguments: object) -> None:
        """Wrap an optimizer, and set its native hyperparameters."""
        kind = type(self).__name__
        self.inner = check_inner(kind, inner)
        for leaf in self._leaves():
            why = self._refuses(leaf)
            if why:
                raise HyperparameterError(f"{kind} cannot go around {blamed(inner, kind)}: {why}")
        settings = {self._natives[own]: value for own, value in arguments.items()}
        hold(kind, self._leaves(), settings)
        self._adopt(name)

    @abstractmethod
    def _refuses(self, leaf: Rule) -> str | None:
        """Return the reason why this cannot go around a rule, or None."""

    def _inside(self) -> Sequence[Optimizer]:
        return (self.inner,)

    def _optimizers(self, form: Any) -> dict[str, Any]:
        return {"inner": form(self.inner)}

    @property
    def _native(self) -> Native:
        return self.inner._native

    @_native.setter
    def _native(self, native: Native) -> None:
        self.inner._native = native

    def _set(self, name: str, value: object) -> None:
        if name in self._natives.values():
            hold(type(self).__name__, self._leaves(), {name: value})
        else:
            self.inner._set(name, value)

    def _exclude(self, method: str, var_list: Any, var_names: Any) -> None:
        self.inner._exclude(method, var_list, var_names)

    def build(self, params: Arrays, overrides: Overrides | None = None) -> None:
        """Bind the parameters and allocate the state: see `Optimizer.build`."""
        if self._pending is None or self.built:
            self.inner.build(params, overrides)
            return
        state, strict = self._pending
        values, wrong = self._read_own(state, strict)
        self.inner.load_state_dict(self._rest(state), strict)
        try:
            self.inner.build(params, overrides)
        except StateMismatchError as error:
            raise mismatch([*wrong, *differences(error)]) from None
        if wrong:
            self._unbind()
            raise mismatch(wrong)
        self._accept_own(values)
        self._pending = None

    def apply(self, grads: Gradients, params: Arrays | None = None) -> bool:
        """Update the parameters in place, by one step: see `Optimizer.apply`."""
        if params is not None:
            if self.built:
                self._native.check_params(params)
            else:
                self.build(params)
        return self._step(grads)

    def _step(self, grads: Gradients) -> bool:
        return self.inner.apply(grads)

    def _unbind(self) -> None:
        self.inner._unbind()

    # State

    def state_dict(self) -> dict[str, Any]:
        """Copy the state of the optimizer inside, and this one's: see `Optimizer.state_dict`."""
        return {**self.inner.state_dict(), **self._own_state()}

    def load_state_dict(self, d: Mapping[str, Any], strict: bool = True) -> None:
        """Restore state and counters: see `Optimizer.load_state_dict`."""
        if not self.built:
            super().load_state_dict(d, strict)
            return
        state = as_state(d)
        values, wrong = self._read_own(state, strict)
        load_together([(self.inner, self._rest(state), "optimizer/")], strict, wrong)
        self._accept_own(values)

    def reset(self) -> None:
        """Reset state and counters to those after `build`; the parameters are unchanged.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        self.inner.reset()

    def _own_state(self) -> dict[str, Any]:
        """Return the state of the wrapper, without that of the optimizer inside."""
        return {}

    def _read_own(
        self,
        state: Mapping[str, Any],  # noqa: ARG002 - for those that have some
        strict: bool,  # noqa: ARG002
    ) -> tuple[Any, list[str]]:
        """Return this wrapper's values in a state, and what is wrong with them, a line each."""
        return None, []

    def _accept_own(self, values: Any) -> None:
        """Take over what `_read_own` returned."""

    def _rest(self, state: Mapping[str, Any]) -> dict[str, Any]:
        own = self._own_state()
        return {key: value for key, value in state.items() if key not in own}

    # Telling

    def _explain_inside(self) -> str:
        return f"around\n\n{self.inner.explain()}"

    def _call(self) -> str:
        return self._written([self.inner._call()])
