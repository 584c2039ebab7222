"""ADOPT."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Moving, Number, OptionalNumber
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Adopt(Optimizer):
    """Adam that normalises by the second moment before this gradient, then averages.

    The first update sets ``v = g^2`` and moves nothing; in update t, later::

        n = g / max(sqrt(v), epsilon);  n = clamp(n, -c, c)       c = (t - 1)^clip_exponent
        m = beta_1 m + (1 - beta_1) n
        p = p - learning_rate m
        v = beta_2 v + (1 - beta_2) g^2

    State: 8 bytes per parameter; 4 in bfloat16, 2 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.9999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-6
        Smallest denominator.
    clip_exponent : float or None, default 0.25
        Growth of the limit of the normalised gradient; None is no limit.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    Keras has no ADOPT; the defaults are those of the authors' code.

    References
    ----------
    Taniguchi et al. 2024, arXiv 2411.02853.
    """

    __slots__ = ()
    _algorithm = "adopt"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    clip_exponent = OptionalNumber()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.9999,
        epsilon: float = 1e-6,
        *,
        clip_exponent: float | None = 0.25,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            clip_exponent=clip_exponent,
            **shared,
        )
