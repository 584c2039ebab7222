"""Schedule-Free AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Integer, Moving, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class ScheduleFreeAdamW(Rule):
    """Schedule-Free AdamW averages the parameters in place of a learning rate schedule.

    It needs neither a decay of the learning rate nor the length of the run; a warm-up helps.
    Evaluate and save the model inside `evaluation_weights`, as the parameters are not the averages.

    For an array p with gradient g, in update t = 1, 2, ..., where v, rate_max and w_sum are 0
    before the first update::

        z = if(t == 1, p, z)
        v = beta_2 v + (1 - beta_2) g^2
        u = g / (sqrt(v / (1 - beta_2^t)) + epsilon)
        rate_max = max(rate_max, learning_rate)
        w = rate_max^weight_lr_power
        w_sum = w_sum + w
        c = w / w_sum
        d = c (p - z) + learning_rate (1 - beta_1 (1 - c)) u
        z = z - learning_rate u
        p = p - d

    With weight decay, ``u = u + weight_decay p``. With `warmup_steps`, ``min(1, t / warmup_steps)``
    multiplies the learning rate; with `r`, ``t^r`` multiplies w.

    The parameters p are the points at which gradients are computed. The averages are the weights to
    evaluate; inside a block ``with optimizer.evaluation_weights():``, p holds the averages. Compute
    the statistics of batch normalization again inside the block.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.0025
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Share of the average in the parameters, in (0, 1); it takes the place of momentum.
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    warmup_steps : int, default 0
        Number of updates in which the learning rate grows linearly from 0, at least 0.
    r : float, default 0.0
        Exponent of t in the weight of an update in the average, at least 0.
    weight_lr_power : float, default 2.0
        Exponent of the largest learning rate in the weight of an update, at least 0.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`. `weight_decay_mode` is "update" by default.

    Notes
    -----
    The defaults are those of the authors and of Keras. The weights of the average are those of the
    authors; in Keras ``c = 1 / t``, which agrees while the learning rate is constant.

    State: 8 bytes per parameter in float32, 6 in bfloat16, 5 in float8, and two numbers for all of
    them. z is always in float32.

    References
    ----------
    Defazio et al. 2024, "The Road Less Scheduled", arXiv 2405.15682, algorithm 1.

    Examples
    --------
    The gradient is that of ``p^2 / 2``. The average is in place inside of the block only:

    >>> import numpy as np
    >>> from lamb_rs import ScheduleFreeAdamW
    >>> p = np.ones(1, np.float32)
    >>> optimizer = ScheduleFreeAdamW(0.1)
    >>> optimizer.build(p)
    >>> for _ in range(20):
    ...     _ = optimizer.apply(p.copy())
    >>> with optimizer.evaluation_weights():
    ...     print(p.round(3))
    [0.186]
    >>> print(p.round(3))
    [0.136]
    """

    __slots__ = ()
    _averages = True
    _algorithm = "schedulefreeadamw"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    warmup_steps = Integer()
    r = Number()
    weight_lr_power = Number()

    def __init__(
        self,
        learning_rate: Source = 0.0025,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-8,
        *,
        warmup_steps: int = 0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            warmup_steps=warmup_steps,
            r=r,
            weight_lr_power=weight_lr_power,
            **shared,
        )
