"""What an optimizer lets be seen of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamb_rs._errors import NotBuiltError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lamb_rs import _core


class Readings:
    """Counters, norms and averages of the native optimizer."""

    __slots__ = ("_native",)

    _native: _core.Optimizer

    def _bound(self) -> _core.Optimizer:
        """Return the native optimizer, if it has parameters."""
        if not self._native.built:
            raise NotBuiltError(
                f"this {type(self).__name__} is not built; "
                "call build(params) first, or apply(grads, params)"
            )
        return self._native

    @property
    def built(self) -> bool:
        """Whether parameters are bound."""
        return self._native.built

    @property
    def iterations(self) -> int:
        """Updates done."""
        return self._native.iterations

    @property
    def calls(self) -> int:
        """Calls of `apply` done, those that accumulate included, skipped ones not."""
        return self._native.calls

    @property
    def skipped_steps(self) -> int:
        """Calls skipped for a gradient that was not finite."""
        return self._native.skipped_steps

    @property
    def last_skip(self) -> str | None:
        """Why the last skipped call was skipped."""
        return self._native.last_skip

    @property
    def parameter_names(self) -> list[str]:
        """Names of the parameters."""
        return self._native.parameter_names

    @property
    def trust_ratios(self) -> NDArray[np.float64] | None:
        """Trust ratio of each parameter in the last step, NaN where it is not adapted.

        None before the first step and for rules without a ratio.
        """
        return self._native.trust_ratios

    @property
    def weight_norms(self) -> NDArray[np.float64] | None:
        """L2 norm of each parameter as the last trust ratio saw it; NaN and None as there."""
        return self._native.weight_norms

    @property
    def update_norms(self) -> NDArray[np.float64] | None:
        """L2 norm of each direction as the last trust ratio saw it; NaN and None as there."""
        return self._native.update_norms

    @property
    def last_learning_rate(self) -> float:
        """Learning rate of the last update, before overrides; NaN before the first update."""
        return self._native.last_learning_rate

    @property
    def gradient_norm(self) -> float | None:
        """L2 norm of all gradients of the last step, where a norm clip computed it."""
        return self._native.gradient_norm

    @property
    def averages(self) -> dict[str, NDArray[np.float32]]:
        """Read-only views of the averages by name; none without ``use_ema=True``."""
        return self._bound().averages()

    @property
    def state_bytes(self) -> int:
        """Bytes of state."""
        return self._native.state_bytes
