"""Schedule-Free AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Integer, Moving, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class ScheduleFreeAdamW(Optimizer):
    """AdamW whose average of iterates replaces a schedule.

    With ``e = learning_rate min(1, t / warmup_steps)`` in update t,
    ``w = t^r (largest e so far)^P`` with P the `weight_lr_power`, and c the share of w in the sum
    of all w, ``c2 = 1 - beta_2^t``::

        v = beta_2 v + (1 - beta_2) g^2
        d = g / (sqrt(v / c2) + epsilon) + weight_decay y
        y = (1 - c) y + c z + e (beta_1 (1 - c) - 1) d
        z = z - e d

    State: 8 bytes per parameter and two numbers; 6 in bfloat16, 5 in float8, as z stays float32.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.0025
        Step size.
    beta_1 : float, Schedule or callable, default 0.9
        Share of the average in y, in (0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-8
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    warmup_steps : int, default 0
        Updates in which the step size grows linearly.
    r : float, default 0.0
        Power of the update's number in its weight.
    weight_lr_power : float, default 2.0
        Power of the largest step size in the weight of an update.
    **shared
        Arguments of every optimizer: see `Optimizer`. `weight_decay_mode` is "update" by default.

    Notes
    -----
    The parameters hold y, where gradients belong; evaluate inside `evaluation_weights`, which puts
    ``x = y + (1 - 1 / beta_1) (z - y)`` in their place. Statistics of batch normalisation belong to
    y.

    The defaults are Keras's, which are the authors'. The weights are the authors' too: in Keras c
    is 1 / t.

    References
    ----------
    Defazio et al. 2024, arXiv 2405.15682.
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
