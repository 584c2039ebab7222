"""Dynamic scaling of the loss."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from lamb_rs._errors import HyperparameterError
from lamb_rs.wrappers.base import blamed, check_inner
from lamb_rs.wrappers.multi import MultiOptimizer
from lamb_rs.wrappers.single import Around

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamb_rs._arrays import Gradients
    from lamb_rs._optimizer.base import Optimizer
    from lamb_rs._optimizer.rule import Rule

# Doubled once more, it would be infinite in float32.
_LARGEST = 2.0**127

# Step counts are less.
_COUNTS = 2**63

_SCALE = "optimizer/dynamic_scale"
_COUNTER = "optimizer/dynamic_growth_counter"


@final
class LossScaleOptimizer(Around):
    """Scales the loss by an adaptive factor, for gradients in half precision.

    `scale_loss` multiplies the loss by the scale, and `apply` divides the gradients by it. If a
    gradient is not finite, nothing is updated and the scale is halved. After `dynamic_growth_steps`
    consecutive steps with finite gradients, the scale is doubled.

    State: two numbers in addition to the state of the optimizer inside.

    Parameters
    ----------
    inner : Optimizer
        An optimizer or a wrapper, not built yet. Its `loss_scale_factor` and `nonfinite` must be at
        their defaults, because this wrapper sets them.
    initial_scale : float, default 32768.0
        Scale before the first step.
    dynamic_growth_steps : int, default 2000
        Number of consecutive finite steps after which the scale is doubled.
    minimum_scale : float, default 1.0
        Lower limit of the scale.
    name : str or None, default None
        For your own use; the lower-cased name of the class by default.

    Raises
    ------
    HyperparameterError
        For a value out of range, and for an optimizer whose loss is scaled already.
    ParameterSetError
        For an optimizer that is built.

    Notes
    -----
    Arguments and defaults are those of Keras, except for `minimum_scale`: in Keras, the scale may
    reach 0. The scale is a Python number of at most 2^127 that changes by factors of two. The
    division by it is exact if `initial_scale` is a power of two.

    References
    ----------
    Micikevicius et al. 2017, arXiv 1710.03740.
    """

    __slots__ = ("_counter", "_growth_steps", "_initial", "_minimum", "_scale")

    _summary = "the loss scaled by an adaptive factor"
    _formula = (
        "g = g / scale",
        "after a gradient that is not finite: no update; scale = max(scale / 2, minimum_scale)",
        "after dynamic_growth_steps consecutive finite steps: scale = 2 scale",
    )
    _source = "Micikevicius et al. 2017, arXiv 1710.03740"
    _meanings: ClassVar[dict[str, str]] = {
        "initial_scale": "first scale",
        "dynamic_growth_steps": "consecutive finite steps before the scale is doubled",
        "minimum_scale": "least scale",
    }

    def __init__(
        self,
        inner: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        *,
        minimum_scale: float = 1.0,
        name: str | None = None,
    ) -> None:
        self._initial = _number("initial_scale", initial_scale)
        self._minimum = _number("minimum_scale", minimum_scale)
        self._growth_steps = _steps(dynamic_growth_steps)
        if self._initial < self._minimum:
            raise HyperparameterError(
                f"LossScaleOptimizer: initial_scale {initial_scale!r} is less than "
                f"minimum_scale {minimum_scale!r}; lower minimum_scale"
            )
        self.inner = check_inner("LossScaleOptimizer", inner)
        leaves = self._leaves()
        for leaf in leaves:
            why = self._refuses(leaf)
            if why:
                found = blamed(inner, "LossScaleOptimizer")
                raise HyperparameterError(f"LossScaleOptimizer cannot go around {found}: {why}")
        # If one of several parts skips a step, all have to skip it.
        several = _parted(inner)
        if several is not None:
            several._joined.skips_together = True
        for leaf in leaves:
            leaf._held = {"loss_scale_factor": None, "nonfinite": leaf.nonfinite}
            leaf._native.set("nonfinite", "skip" if several is None else "raise")
        self._scale, self._counter = self._initial, 0
        self._set_scale()
        self._adopt(name)

    def _refuses(self, leaf: Rule) -> str | None:
        if leaf._held:
            return "it scales the loss already"
        if leaf.loss_scale_factor is not None:
            return (
                f"its loss_scale_factor is {leaf.loss_scale_factor:g}, and the scale is set from "
                "outside; leave it None"
            )
        if leaf.nonfinite not in {"auto", "skip"}:
            return (
                f"it has nonfinite={leaf.nonfinite!r}, but steps that are not finite are skipped; "
                "leave it 'auto'"
            )
        return None

    @property
    def initial_scale(self) -> float:
        """First scale."""
        return self._initial

    @property
    def dynamic_growth_steps(self) -> int:
        """Finite steps in a row before the scale is doubled."""
        return self._growth_steps

    @property
    def minimum_scale(self) -> float:
        """Least scale."""
        return self._minimum

    @property
    def dynamic_scale(self) -> float:
        """What `scale_loss` multiplies by."""
        return self._scale

    @property
    def dynamic_growth_counter(self) -> int:
        """Finite steps since the scale last changed."""
        return self._counter

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times `dynamic_scale`."""
        return loss * self._scale

    def _step(self, grads: Gradients) -> bool:
        skipped = self.skipped_steps
        changed = self.inner.apply(grads)
        if self.skipped_steps != skipped:
            self._scale = max(self._scale / 2, self._minimum)
            self._counter = 0
        elif self._counter + 1 < self._growth_steps:
            self._counter += 1
        else:
            self._scale = min(self._scale * 2, max(self._scale, _LARGEST))
            self._counter = 0
        self._set_scale()
        return changed

    def _set_scale(self) -> None:
        for leaf in self._leaves():
            leaf._native.set("loss_scale_factor", self._scale)

    # State

    def reset(self) -> None:
        """Reset state, counters and scale to those after `build`; the parameters are unchanged.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        super().reset()
        self._accept_own((self._initial, 0))

    def _own_state(self) -> dict[str, Any]:
        return {_SCALE: self._scale, _COUNTER: self._counter}

    def _read_own(self, state: Mapping[str, Any], strict: bool) -> tuple[Any, list[str]]:
        values, wrong = self._own_state(), []
        for key in values:
            if key in state:
                try:
                    values[key] = _kept(state[key], key)
                except ValueError:
                    wanted = "a scale > 0" if key == _SCALE else "a step count"
                    wrong.append(f"'{key}' is not {wanted}")
            elif strict:
                wrong.append(f"'{key}' is missing")
        return tuple(values.values()), wrong

    def _accept_own(self, values: Any) -> None:
        self._scale, self._counter = values
        self._set_scale()

    def _hyper_rows(self) -> list[list[str]]:
        now = ["dynamic_scale", repr(self._scale), "current scale"]
        return [*super()._hyper_rows(), now]


def _parted(inner: Optimizer) -> MultiOptimizer | None:
    """Return the MultiOptimizer inside some wrappers, if there is one."""
    while isinstance(inner, Around):
        inner = inner.inner
    return inner if isinstance(inner, MultiOptimizer) else None


def _kept(value: Any, key: str) -> float | int:
    held = np.asarray(value)
    number = held.item() if held.dtype.kind in "iuf" and held.size == 1 else math.nan
    if key == _SCALE and 0 < number <= _LARGEST:
        return float(number)
    count = _whole(number)
    if key == _SCALE or count is None or not 0 <= count < _COUNTS:
        raise ValueError(number)
    return count


def _number(name: str, value: object) -> float:
    number = _real(value)
    if not 0 < number <= _LARGEST:
        raise HyperparameterError(
            f"LossScaleOptimizer: {name} must be a number > 0, at most 2.0**127; got {value!r}"
        )
    return number


def _steps(value: object) -> int:
    count = _whole(value)
    if count is None or not 1 <= count < _COUNTS:
        limit = "" if count is None or count < 1 else ", at most 2**63 - 1"
        raise HyperparameterError(
            f"LossScaleOptimizer: dynamic_growth_steps must be an integer >= 1{limit}; "
            f"got {value!r}"
        )
    return count


def _whole(value: object) -> int | None:
    """Return a whole number as an integer, and None for anything else."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    number = _real(value)
    return int(number) if number.is_integer() else None


def _real(value: object) -> float:
    """Return a number as a float, and NaN for any other object."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
