"""FTRL-Proximal."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Ftrl(Rule):
    """FTRL-Proximal, with an L1 penalty, sets the weights of rare features to exactly 0.

    It is made for linear models with many sparse features, such as click prediction, and is rarely
    used for deep networks. The parameters should start at 0: an element whose first gradient is 0
    becomes 0.

    For an array p with gradient g, in update t = 1, 2, ..., where z is 0 before the first update::

        n = if(t == 1, initial_accumulator_value, n)
        s = sqrt(n)
        n = n + g^2
        s_new = sqrt(n)
        z = z + g - (s_new - s) p / learning_rate
        x = -z / (s_new / learning_rate)
        p = x

    With an L1 penalty, ``clip(z, -l1, l1) - z`` replaces -z. With an L2 penalty, the denominator is
    ``s_new / learning_rate + 2 l2``. ``n^(-learning_rate_power)`` replaces the root for other
    powers.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    learning_rate_power : float, default -0.5
        Power of n by which the step size falls, at most 0. With 0 it is constant.
    initial_accumulator_value : float, default 0.1
        Value of n before the first update, at least 0. Larger values make the first steps smaller.
    l1_regularization_strength : float, default 0.0
        Strength l1 of the L1 penalty, at least 0. Where z is at most l1 in size, p is exactly 0.
    l2_regularization_strength : float, default 0.0
        Strength l2 of the L2 penalty, at least 0.
    l2_shrinkage_regularization_strength : float, default 0.0
        Strength of an L2 penalty on the current parameters, at least 0: twice the strength times p
        is added to the gradient in the formula of z.
    beta : float, default 0.0
        Constant that is added to the root of n in the denominator, at least 0, as in the paper.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of Keras. torch and optax have no FTRL.

    State: 8 bytes per parameter, always in float32.

    References
    ----------
    McMahan et al. 2013, "Ad Click Prediction: a View from the Trenches", KDD,
    doi 10.1145/2487575.2488200, algorithm 1.

    Examples
    --------
    The sum of the small gradients stays below the L1 penalty, so the second weight stays 0:

    >>> import numpy as np
    >>> from lamb_rs import Ftrl
    >>> p, g = np.zeros(2, np.float32), np.array([-1, -0.1], np.float32)
    >>> optimizer = Ftrl(0.1, l1_regularization_strength=1.0)
    >>> optimizer.build(p)
    >>> for _ in range(5):
    ...     _ = optimizer.apply(g)
    >>> print(p.round(3))
    [0.219 0.   ]
    """

    __slots__ = ()
    _algorithm = "ftrl"

    learning_rate_power = Number()
    initial_accumulator_value = Number()
    l1_regularization_strength = Number()
    l2_regularization_strength = Number()
    l2_shrinkage_regularization_strength = Number()
    beta = Number()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            learning_rate_power=learning_rate_power,
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
            beta=beta,
            **shared,
        )
