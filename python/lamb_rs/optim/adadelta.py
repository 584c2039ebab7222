"""Adadelta."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Adadelta(Optimizer):
    """Step sizes from the ratio of two moving averages: squared steps over squared gradients.

    ::

        v = rho v + (1 - rho) g^2
        s = g sqrt(x + epsilon) / sqrt(v + epsilon)
        x = rho x + (1 - rho) s^2
        p = p - learning_rate s

    State: 8 bytes per parameter; 4 in bfloat16, 2 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 1.0
        Factor of the step, which has the right size by itself.
    rho : float, default 0.95
        Decay rate of both averages, in [0, 1).
    epsilon : float, default 1e-7
        Small constant in both roots; the first steps are about its root.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The defaults are Keras's, but for ``learning_rate=1.0``, the paper's: Keras has 0.001, with
    which the parameters hardly move.

    References
    ----------
    Zeiler 2012, arXiv 1212.5701.
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
