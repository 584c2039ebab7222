"""Adadelta."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Adadelta(Rule):
    """Adadelta takes its step sizes from the sizes of earlier steps and gradients.

    It needs no tuned learning rate: a step has the unit of the parameter, not that of the gradient.
    The first steps are about ``sqrt(epsilon)`` long and grow slowly, so it needs many updates.

    For an array p with gradient g, with moving averages v of squared gradients and x of squared
    steps, which are 0 before the first update::

        v = rho v + (1 - rho) g^2
        u = g sqrt(x + epsilon) / sqrt(v + epsilon)
        x = rho x + (1 - rho) u^2
        p = p - learning_rate u

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 1.0
        Factor of the step, at least 0. It may also be a schedule, or a function without arguments:
        see `Optimizer`.
    rho : float, default 0.95
        Decay rate of both averages, in [0, 1).
    epsilon : float, default 1e-7
        Constant that is added under both roots, at least 0. It sets the size of the first steps.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of Keras, except ``learning_rate=1.0``, which is that of the paper and of
    torch. With the rate of Keras, 0.001, the parameters hardly change. torch has ``rho=0.9`` and
    ``epsilon=1e-6``.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8.

    References
    ----------
    Zeiler 2012, "ADADELTA: An Adaptive Learning Rate Method", arXiv 1212.5701, algorithm 1.

    Examples
    --------
    The size of the step comes from epsilon at first, and grows while the gradient keeps its sign:

    >>> import numpy as np
    >>> from lamb_rs import Adadelta
    >>> p, g = np.zeros(1, np.float32), np.full(1, -1, np.float32)
    >>> optimizer = Adadelta()
    >>> optimizer.build(p)
    >>> for t in range(1, 1001):
    ...     old = p.copy()
    ...     _ = optimizer.apply(g)
    ...     if t in (1, 100, 1000):
    ...         print((p - old).round(5))
    [0.00141]
    [0.00166]
    [0.00269]
    """

    __slots__ = ()
    _algorithm = "adadelta"

    rho = Number()
    epsilon = Number()

    def __init__(
        self,
        learning_rate: Source = 1.0,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            rho=rho,
            epsilon=epsilon,
            **shared,
        )
