"""Lookahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, final

from lamb_rs._errors import HyperparameterError
from lamb_rs._optimizer.hyperparameters import Choice, Integer, Number
from lamb_rs.wrappers.single import Around

if TYPE_CHECKING:
    from lamb_rs._optimizer.base import Optimizer
    from lamb_rs._optimizer.rule import Rule


@final
class Lookahead(Around):
    """Slow weights that follow the parameters, which are regularly reset to them.

    After every `sync_period` updates of the optimizer inside, in the same pass over memory::

        slow = slow + slow_step_size (p - slow)
        p = slow

    State: 4 bytes per parameter, always float32, in addition to the state of the optimizer inside.

    Parameters
    ----------
    inner : Optimizer
        An optimizer or a wrapper, not built yet. `Ranger` and `RangerLars` are refused, since they
        have slow weights of their own.
    sync_period : int, default 6
        Updates between synchronizations.
    slow_step_size : float, default 0.5
        Step size of the slow weights, in [0, 1]. With 1, the results are the bits of the optimizer
        inside.
    pullback_momentum : {"none", "reset", "pullback"}, default "none"
        How a synchronization changes the momentum: not at all ("none"), to zero ("reset"), or by
        interpolation with that of the last synchronization with `slow_step_size` ("pullback"),
        which needs ``state_dtype="float32"`` and 4 more bytes per parameter.
    slow_start : {"build", "first_sync"}, default "build"
        When the slow weights are copied from the parameters. With "first_sync", as in timm, the
        first synchronization changes nothing.
    sync_phase : int, default 0
        Update t = 1, 2, ... is followed by a synchronization if
        ``t % sync_period == sync_phase % sync_period``.
    name : str or None, default None
        For your own use; the lower-cased name of the class by default.

    Raises
    ------
    HyperparameterError
        For a value out of range, and for an optimizer that averages or synchronizes by itself.
    ParameterSetError
        For an optimizer that is built.

    Notes
    -----
    Evaluate the slow weights, inside `evaluation_weights`. A parameter is not synchronized in an
    update in which its gradient is None.

    References
    ----------
    Zhang et al. 2019, arXiv 1907.08610.
    """

    __slots__ = ()

    _summary = "slow weights that follow the parameters, which are regularly reset to them"
    _formula = (
        "every sync_period updates:",
        "slow = slow + slow_step_size (p - slow)",
        "p = slow",
    )
    _source = "Zhang et al. 2019, arXiv 1907.08610"
    _meanings: ClassVar[dict[str, str]] = {
        "sync_period": "updates between synchronizations",
        "slow_step_size": "step size of the slow weights",
        "pullback_momentum": "how a synchronization changes the momentum",
        "slow_start": "when the slow weights are copied",
        "sync_phase": "first synchronizing update, modulo the period",
    }
    _natives: ClassVar[dict[str, str]] = {name: name for name in _meanings}

    sync_period = Integer()
    slow_step_size = Number()
    pullback_momentum: Choice[Literal["none", "reset", "pullback"]] = Choice()
    slow_start: Choice[Literal["build", "first_sync"]] = Choice()
    sync_phase = Integer()

    def __init__(
        self,
        inner: Optimizer,
        sync_period: int = 6,
        slow_step_size: float = 0.5,
        *,
        pullback_momentum: Literal["none", "reset", "pullback"] = "none",
        slow_start: Literal["build", "first_sync"] = "build",
        sync_phase: int = 0,
        name: str | None = None,
    ) -> None:
        if sync_period is None:
            raise HyperparameterError(
                "Lookahead: sync_period must be an integer >= 1; got None: "
                "use the optimizer without Lookahead"
            )
        self._wrap(
            inner,
            name,
            sync_period=sync_period,
            slow_step_size=slow_step_size,
            pullback_momentum=pullback_momentum,
            slow_start=slow_start,
            sync_phase=sync_phase,
        )

    def _refuses(self, leaf: Rule) -> str | None:
        if leaf._averages:
            return (
                "it averages its iterates already, and resetting the parameters would separate "
                "them from the average"
            )
        if leaf._native.get("sync_period") is not None:
            return "it synchronizes with slow weights already; set its sync_period"
        return None
