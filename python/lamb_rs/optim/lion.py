"""Lion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Lion(Optimizer):
    """The sign of an interpolated momentum.

    ::

        p = p - learning_rate sign(beta_1 m + (1 - beta_1) g)
        m = beta_2 m + (1 - beta_2) g

    State: 4 bytes per parameter; 2 in bfloat16, 1 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size; every element moves by it.
    beta_1 : float, Schedule or callable, default 0.9
        Weight of the momentum in the direction, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.99
        Decay rate of the momentum, in [0, 1).
    cautious : bool or "sum1", default False
        Whether elements move only where the direction, before decay, and the gradient have the
        same sign. Their steps are multiplied by ``1 / max(share, 1e-3)``, with the share of
        elements that move; or, with "sum1", by the paper's ``size / (moving + 1)``.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The defaults are Keras's.

    References
    ----------
    Chen et al. 2023, arXiv 2302.06675; cautious: Liang et al. 2024, arXiv 2411.16085.
    """

    __slots__ = ()
    _algorithm = "lion"

    beta_1 = Moving()
    beta_2 = Moving()
    cautious: Choice[bool | Literal["sum1"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.99,
        *,
        cautious: bool | Literal["sum1"] = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            cautious=cautious,
            **shared,
        )
