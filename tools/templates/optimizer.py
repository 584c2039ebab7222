"""NewRule."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Moving
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class NewRule(Optimizer):
    """SENTENCE.

    ::

        m = beta_1 m + (1 - beta_1) g
        p = p - learning_rate m

    State: 4 bytes per parameter; 2 in bfloat16, 1 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.01
        Step size.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    **shared
        Arguments of every optimizer: see `Optimizer`.

    References
    ----------
    SOURCE.
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
