"""Ranger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number, OptionalInteger
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Ranger(Rule):
    """Ranger combines RAdam, Lookahead and gradient centralization.

    It was tuned with a constant learning rate that is annealed at the end: see `FlatAndAnneal`.
    Evaluate the slow weights inside `evaluation_weights`.

    For an array p with gradient g, in update t = 1, 2, ..., where m and v are 0 before the first
    update::

        slow = if(t == 1, p, slow)
        g = g - if(axes(g) >= 2, channel_mean(g), 0)
        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        rho_inf = 2 / (1 - beta_2) - 1
        rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        u = if(rho > threshold,
               r sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon),
               m / (1 - beta_1^t))
        p = p - learning_rate u
        slow = if(mod(t, sync_period) == 0, slow + slow_step_size (p - slow), slow)
        p = if(mod(t, sync_period) == 0, slow, p)

    ``channel_mean(g)`` is the mean over all axes but the first.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.95
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-5
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    sync_period : int or None, default 6
        Number of updates between synchronizations with the slow weights, at least 1. None switches
        them off.
    slow_step_size : float, default 0.5
        Share of the way that the slow weights move toward the parameters in a synchronization, in
        [0, 1].
    epsilon_mode : {"hat", "out"}, default "hat"
        Where epsilon is added: to the root of v ("hat"), or to the root of the corrected v ("out").
    threshold : float, default 5.0
        The step is rectified where rho is greater; at least 4.
    degenerate : {"momentum", "skip"}, default "momentum"
        What happens in the updates that are not rectified: a step along the corrected first moment
        ("momentum"), or no step and no weight decay ("skip").
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`. `gradient_centralization` is True by default.

    Notes
    -----
    Keras, torch and optax have no Ranger. The defaults are those of the code of its author, in
    which the switch for gradient centralization has no effect.

    State: 12 bytes per parameter in float32, 8 in bfloat16, 6 in float8. The slow weights are
    always in float32.

    References
    ----------
    Wright 2019, "Ranger", https://github.com/lessw2020/Ranger-Deep-Learning-Optimizer. RAdam: Liu
    et al. 2019, arXiv 1908.03265. Lookahead: Zhang et al. 2019, arXiv 1907.08610. Gradient
    centralization: Yong et al. 2020, arXiv 2004.01461.

    Examples
    --------
    Every third update moves the parameter back, half of the way to the slow weight:

    >>> import numpy as np
    >>> from lamb_rs import Ranger
    >>> p, g = np.zeros(1, np.float32), np.full(1, -1, np.float32)
    >>> optimizer = Ranger(0.1, sync_period=3)
    >>> optimizer.build(p)
    >>> for _ in range(4):
    ...     _ = optimizer.apply(g)
    ...     print(p.round(3))
    [0.1]
    [0.2]
    [0.15]
    [0.25]
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
