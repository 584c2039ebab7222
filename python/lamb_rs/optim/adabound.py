"""AdaBound and AMSBound."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Moving, Number, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class AdaBound(Rule):
    """AdaBound is Adam with step sizes that are limited by bounds that converge to one value.

    It starts as Adam and ends as SGD with momentum and the rate `final_learning_rate`. It is meant
    to combine the fast early progress of Adam with the final accuracy of SGD. The final
    rate has to be tuned like that of `SGD`.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        first_rate = if(t == 1, learning_rate, first_rate)
        rate = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)
        end = final_learning_rate learning_rate / first_rate
        low = end (1 - 1 / (gamma t + 1))
        high = end (1 + 1 / (gamma t))
        u = clip(rate / (sqrt(v) + epsilon), low, high) m
        p = p - u

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    final_learning_rate : float, default 0.1
        Step size that both bounds converge to, at least 0. It is scaled by a schedule of the
        learning rate in the same way as the learning rate.
    gamma : float, default 0.001
        Speed at which the bounds converge, at least 0: after ``1 / gamma`` updates they are half
        and twice the final step size.
    amsgrad : bool, default False
        Whether to take the maximum of v over all updates in place of v, which is AMSBound.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`. `weight_decay_mode` is "l2" by default.

    Notes
    -----
    Keras and torch have no AdaBound. Formula and defaults are those of the code of the authors; the
    algorithm in the paper has no bias correction and divides the step by ``sqrt(t)``.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8. With `amsgrad`, 4 bytes
    more, always in float32.

    References
    ----------
    Luo et al. 2019, "Adaptive Gradient Methods with Dynamic Bound of Learning Rate",
    arXiv 1902.09843.

    Examples
    --------
    The gradients are -1 and -0.01. Early steps have about the same size, late ones are proportional
    to the gradient:

    >>> import numpy as np
    >>> from lamb_rs import AdaBound
    >>> p, g = np.zeros(2, np.float32), np.array([-1, -0.01], np.float32)
    >>> optimizer = AdaBound(0.1, final_learning_rate=1.0, gamma=0.01)
    >>> optimizer.build(p)
    >>> for t in range(1, 1001):
    ...     old = p.copy()
    ...     _ = optimizer.apply(g)
    ...     if t in (1, 1000):
    ...         print((p - old).round(3))
    [0.1 0.1]
    [0.909 0.011]
    """

    __slots__ = ()
    _algorithm = "adabound"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    final_learning_rate = Number()
    gamma = Number()
    amsgrad = Switch()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-8,
        *,
        final_learning_rate: float = 0.1,
        gamma: float = 0.001,
        amsgrad: bool = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            final_learning_rate=final_learning_rate,
            gamma=gamma,
            amsgrad=amsgrad,
            **shared,
        )
