"""Schedule-Free SGD."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Integer, Moving, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class ScheduleFreeSGD(Optimizer):
    """Gradient descent whose average of iterates replaces a schedule.

    With ``e = learning_rate min(1, t / warmup_steps)`` in update t,
    ``w = t^r (largest e so far)^P`` with P the `weight_lr_power`, and c the share of w in the sum
    of all w::

        y = (1 - c) y + c z + e (momentum (1 - c) - 1) g
        z = z - e g

    State: 4 bytes per parameter, always float32, and two numbers.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 1.0
        Step size.
    momentum : float, Schedule or callable, default 0.9
        Share of the average in y, in (0, 1).
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
    ``x = y + (1 - 1 / momentum) (z - y)`` in their place. Statistics of batch normalisation belong
    to y.

    Keras has no Schedule-Free SGD; the defaults are those of the authors' code.

    References
    ----------
    Defazio et al. 2024, arXiv 2405.15682.
    """

    __slots__ = ()
    _averages = True
    _algorithm = "schedulefreesgd"

    momentum = Moving()
    warmup_steps = Integer()
    r = Number()
    weight_lr_power = Number()

    def __init__(
        self,
        learning_rate: Source = 1.0,
        momentum: Source = 0.9,
        *,
        warmup_steps: int = 0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            momentum=momentum,
            warmup_steps=warmup_steps,
            r=r,
            weight_lr_power=weight_lr_power,
            **shared,
        )
