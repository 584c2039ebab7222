"""AdEMAMix."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Moving, Number, OptionalInteger
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class AdEMAMix(Rule):
    """AdEMAMix is Adam with a second, much slower moving average of the gradient.

    The slow average uses gradients of thousands of earlier updates, so it pays off in long training
    runs. In its first thousands of updates the steps may be too large without a warm-up of `alpha`
    and `beta_3`; the paper warms both up over the whole run.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m, second moment v
    and slow moment m_slow, which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        m_slow = beta_3 m_slow + (1 - beta_3) g
        v = beta_2 v + (1 - beta_2) g^2
        u = (m / (1 - beta_1^t) + alpha m_slow) / (sqrt(v / (1 - beta_2^t)) + epsilon)
        p = p - learning_rate u

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    beta_3 : float, Schedule or callable, default 0.9999
        Decay rate of the slow moment, in [0, 1).
    alpha : float, default 5.0
        Weight of the slow moment in the direction, at least 0.
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    alpha_warmup_steps : int or None, default None
        Number of updates in which the weight grows linearly from 0 to `alpha`, at least 1. None
        means no warm-up.
    beta_3_warmup_steps : int or None, default None
        Number of updates in which the half-life of the slow moment grows linearly from that of
        `beta_1` to that of `beta_3`, at least 1. None means no warm-up.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no AdEMAMix; the defaults are those of the paper. The code of the authors
    has ``alpha=2``.

    State: 12 bytes per parameter in float32, 6 in bfloat16, 3 in float8.

    References
    ----------
    Pagliardini et al. 2024, "The AdEMAMix Optimizer: Better, Faster, Older", arXiv 2409.03137.

    Examples
    --------
    After 50 gradients of -1, and then 100 of 0, only the slow moment still moves the parameter:

    >>> import numpy as np
    >>> from lamb_rs import Adam, AdEMAMix
    >>> for optimizer in (AdEMAMix(0.01), Adam(0.01)):
    ...     p = np.zeros(1, np.float32)
    ...     optimizer.build(p)
    ...     for t in range(150):
    ...         old = p.copy()
    ...         _ = optimizer.apply(np.full(1, -1 if t < 50 else 0, np.float32))
    ...     print(type(optimizer).__name__, (p - old).round(5))
    AdEMAMix [0.00044]
    Adam [0.]
    """

    __slots__ = ()
    _algorithm = "ademamix"

    beta_1 = Moving()
    beta_2 = Moving()
    beta_3 = Moving()
    alpha = Number()
    epsilon = Number()
    alpha_warmup_steps = OptionalInteger()
    beta_3_warmup_steps = OptionalInteger()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        beta_3: Source = 0.9999,
        alpha: float = 5.0,
        epsilon: float = 1e-8,
        *,
        alpha_warmup_steps: int | None = None,
        beta_3_warmup_steps: int | None = None,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            beta_3=beta_3,
            alpha=alpha,
            epsilon=epsilon,
            alpha_warmup_steps=alpha_warmup_steps,
            beta_3_warmup_steps=beta_3_warmup_steps,
            **shared,
        )
