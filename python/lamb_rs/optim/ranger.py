"""Ranger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number, OptionalInteger
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Ranger(Optimizer):
    """Rectified Adam, Lookahead and gradient centralization.

    With ``c1 = 1 - beta_1^t``, ``c2 = 1 - beta_2^t``, r the rectification and rho_t its length as
    in `RAdam`, m and v as in Adam; the mean of each gradient over all axes but the first is
    subtracted from it::

        p = p - learning_rate r (sqrt(c2) / c1) m / (sqrt(v) + epsilon)   where rho_t > threshold
        p = p - learning_rate m / c1                                      before that
        slow = slow + slow_step_size (p - slow);  p = slow                every sync_period updates

    State: 12 bytes per parameter; 8 in bfloat16, 6 in float8, as the slow weights stay float32.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    beta_1 : float, Schedule or callable, default 0.95
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-5
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    sync_period : int or None, default 6
        Updates between synchronisations with the slow weights; None is never.
    slow_step_size : float, default 0.5
        Step of the slow weights towards the parameters, in [0, 1].
    epsilon_mode : {"hat", "out"}, default "hat"
        Beside the raw root, or beside the corrected one.
    threshold : float, default 5.0
        The step is rectified where rho_t is greater; at least 4.
    degenerate : {"momentum", "skip"}, default "momentum"
        What happens before that: a step along the momentum, or none.
    **shared
        Arguments of every optimizer: see `Optimizer`. `gradient_centralization` is True by default.

    Notes
    -----
    Keras has no Ranger. The defaults are those of the author's code, whose switch of the
    centralization has no effect; here it has.

    References
    ----------
    Wright 2019, "Ranger", https://github.com/lessw2020/Ranger-Deep-Learning-Optimizer; Liu et al.
    2019, arXiv 1908.03265; Zhang et al. 2019, arXiv 1907.08610; Yong et al. 2020, arXiv 2004.01461.
    """

    __slots__ = ()
    _algorithm = "ranger"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    sync_period = OptionalInteger()
    slow_step_size = Number()
    epsilon_mode: Choice[Literal["hat", "out"]] = Choice()
    threshold = Number()
    degenerate: Choice[Literal["momentum", "skip"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.95,
        beta_2: Source = 0.999,
        epsilon: float = 1e-5,
        sync_period: int | None = 6,
        slow_step_size: float = 0.5,
        *,
        epsilon_mode: Literal["hat", "out"] = "hat",
        threshold: float = 5.0,
        degenerate: Literal["momentum", "skip"] = "momentum",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            sync_period=sync_period,
            slow_step_size=slow_step_size,
            epsilon_mode=epsilon_mode,
            threshold=threshold,
            degenerate=degenerate,
            **shared,
        )
