"""Grams."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Moving, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Grams(Optimizer):
    """The size of Adam's step in the direction of the gradient.

    With ``c1 = 1 - beta_1^t`` and ``c2 = 1 - beta_2^t`` in update t, m and v as in Adam::

        p = p - learning_rate |(m / c1) / (sqrt(v / c2) + epsilon)| sign(g)

    State: 8 bytes per parameter; 4 in bfloat16, 2 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-6
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    Keras has no Grams; the defaults are those of the authors' code.

    References
    ----------
    Cao et al. 2024, arXiv 2412.17107.
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
