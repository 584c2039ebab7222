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
    """Slow weights that follow an optimizer and call it back.

    After every `sync_period` updates of the optimizer inside, in the same pass as the last one::

        slow = slow + slow_step_size (p - slow)
        p = slow

    State: 4 bytes per parameter, always float32, in addition to the state of the optimizer inside.

    Parameters
    ----------
    inner : Optimizer
        Not built yet: an optimizer, or a wrapper. `Ranger` and `RangerLars` synchronize by
        themselves.
    sync_period : int, default 6
        Updates between synchronizations.
    slow_step_size : float, default 0.5
        Step of the slow weights, in [0, 1]; 1 is the optimizer inside, bit for bit.
    pullback_momentum : {"none", "reset", "pullback"}, default "none"
        What a synchronization does to the momentum: nothing; zero it; or interpolate it with that
        of the last synchronization by `slow_step_size`, which takes 4 bytes per parameter more and
        needs ``state_dtype="float32"``.
    slow_start : {"build", "first_sync"}, default "build"
        When the slow weights are copied. "first_sync" is timm's: the first synchronization then
        changes nothing.
    sync_phase : int, default 0
        Synchronizations are after the updates t, from 1, with ``t % sync_period`` equal to
        ``sync_phase % sync_period``.
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
    Between synchronizations, the slow weights are those to evaluate: see `evaluation_weights`.
    A parameter whose gradient is None in a synchronizing update is not synchronized.

    References
    ----------
    Zhang et al. 2019, arXiv 1907.08610.
    """

    __slots__ = ()

    _summary = "slow weights that follow the optimizer inside and call it back"
    _formula = (
        "every sync_period updates:",
        "slow = slow + slow_step_size (p - slow)",
        "p = slow",
    )
    _source = "Zhang et al. 2019, arXiv 1907.08610"
    _meanings: ClassVar[dict[str, str]] = {
        "sync_period": "updates between synchronizations",
        "slow_step_size": "step of the slow weights",
        "pullback_momentum": "what a synchronization does to the momentum",
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
                "it averages its iterates already, and pulling the parameters back would tear "
                "them from it"
            )
        if leaf._native.get("sync_period") is not None:
            return "it synchronizes with slow weights already; set its sync_period"
        return None
