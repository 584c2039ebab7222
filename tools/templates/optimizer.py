"""NewRule."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Moving
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class NewRule(Rule):
    """SENTENCE.

    For an array p with gradient g and first moment m, which is 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        p = p - learning_rate m

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.01
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    State: 4 bytes per parameter in float32, 2 in bfloat16, 1 in float8.

    References
    ----------
    SOURCE.

    Examples
    --------
    >>> import numpy as np
    >>> from lamb_rs import NewRule
    >>> p, g = np.zeros(3, np.float32), np.array([1, -1, 0], np.float32)
    >>> optimizer = NewRule(0.1)
    >>> optimizer.build(p)
    >>> optimizer.apply(g)
    True
    >>> print(p)
    [-0.01  0.01  0.  ]
    """

    __slots__ = ()
    _algorithm = "new_rule"

    beta_1 = Moving()

    def __init__(
        self,
        learning_rate: Source = 0.01,
        beta_1: Source = 0.9,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate=learning_rate, beta_1=beta_1, **shared)
