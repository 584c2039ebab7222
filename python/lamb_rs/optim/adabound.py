"""AdaBound and AMSBound."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Moving, Number, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class AdaBound(Optimizer):
    """Adam whose step sizes are clamped between bounds that close around one value.

    With ``c1 = 1 - beta_1^t`` and ``c2 = 1 - beta_2^t`` in update t, m and v as in Adam,
    ``f = final_learning_rate learning_rate / (first learning rate)``::

        low = f (1 - 1 / (gamma t + 1));  high = f (1 + 1 / (gamma t))
        s = learning_rate (sqrt(c2) / c1) / (sqrt(v) + epsilon)
        p = p - min(max(s, low), high) m

    State: 8 bytes per parameter, 12 with AMSBound; 4 in bfloat16, 2 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-8
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    final_learning_rate : float, default 0.1
        Where the bounds meet: the rate of the gradient descent that it ends as.
    gamma : float, default 0.001
        Speed at which the bounds close.
    amsgrad : bool, default False
        Running maximum in place of v; that is AMSBound.
    **shared
        Arguments of every optimizer: see `Optimizer`. `weight_decay_mode` is "l2" by default.

    Notes
    -----
    Keras has no AdaBound. Formula and defaults are those of the authors' code; the algorithm as
    printed has no bias correction and divides by sqrt(t).

    References
    ----------
    Luo et al. 2019, arXiv 1902.09843.
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
