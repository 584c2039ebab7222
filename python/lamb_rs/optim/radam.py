"""Rectified Adam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class RAdam(Optimizer):
    """Adam with the variance of its step rectified.

    With ``c1 = 1 - beta_1^t``, ``c2 = 1 - beta_2^t``, ``rho = 2 / (1 - beta_2) - 1`` and
    ``rho_t = rho - 2 t beta_2^t / c2`` in update t, m and v as in Adam::

        r = sqrt((rho_t - 4) (rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t))
        p = p - learning_rate r (sqrt(c2) / c1) m / (sqrt(v) + epsilon)     where rho_t > threshold
        p = p - learning_rate m / c1                                        before that

    State: 8 bytes per parameter; 4 in bfloat16, 2 in float8.

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
    epsilon_mode : {"hat", "out"}, default "hat"
        Beside the raw root as in torch, or beside the corrected one as in optax.
    threshold : float, default 5.0
        The step is rectified where rho_t is greater; at least 4, which is the paper's.
    degenerate : {"momentum", "skip"}, default "momentum"
        What happens before that: a step along the momentum, or none.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    Keras has no RAdam; the defaults are torch's. Weight decay is decoupled unless
    `weight_decay_mode` says otherwise.

    References
    ----------
    Liu et al. 2019, arXiv 1908.03265.
    """

    __slots__ = ()
    _algorithm = "radam"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    epsilon_mode: Choice[Literal["hat", "out"]] = Choice()
    threshold = Number()
    degenerate: Choice[Literal["momentum", "skip"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-8,
        *,
        epsilon_mode: Literal["hat", "out"] = "hat",
        threshold: float = 5.0,
        degenerate: Literal["momentum", "skip"] = "momentum",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            epsilon_mode=epsilon_mode,
            threshold=threshold,
            degenerate=degenerate,
            **shared,
        )
