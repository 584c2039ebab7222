"""Grams."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Moving, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Grams(Rule):
    """Grams takes the size of a step from Adam and its direction from the current gradient.

    Momentum then never moves an element against its gradient, as it can in Adam. An element whose
    gradient is 0 does not move.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        u = abs(m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)) sign(g)
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
    epsilon : float, default 1e-6
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no Grams; the defaults are those of the code of the authors.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8.

    References
    ----------
    Cao et al. 2024, "Grams: Gradient Descent with Adaptive Momentum Scaling", arXiv 2412.17107.

    Examples
    --------
    When the gradient changes its sign, Grams turns at once, while Adam follows its momentum:

    >>> import numpy as np
    >>> from lamb_rs import Adam, Grams
    >>> for optimizer in (Grams(0.1), Adam(0.1)):
    ...     p = np.zeros(1, np.float32)
    ...     optimizer.build(p)
    ...     for gradient in (1, 1, 1, -1):
    ...         old = p.copy()
    ...         _ = optimizer.apply(np.full(1, gradient, np.float32))
    ...     print(type(optimizer).__name__, (p - old).round(3))
    Grams [0.042]
    Adam [-0.042]
    """

    __slots__ = ()
    _algorithm = "grams"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-6,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            **shared,
        )
