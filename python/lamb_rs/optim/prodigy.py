"""Prodigy."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Moving, Number, OptionalNumber, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Prodigy(Optimizer):
    """Adam that finds its learning rate from the distance to the start.

    With ``e = d learning_rate``, sums over all parameters, and d the estimate of the distance, from
    `initial_distance` on::

        n = beta_3 n + (d / initial_distance) e sum(g (start - p))
        s = beta_3 s + (d / initial_distance) e g
        m = beta_1 m + d (1 - beta_1) g;  v = beta_2 v + d^2 (1 - beta_2) g^2
        d' = max(d, distance_coefficient n / sum(|s|)), at most growth_rate d
        p = p - e (weight_decay p + m / (sqrt(v) + d' epsilon))

    State: 16 bytes per parameter and three numbers; 10 in bfloat16, 7 in float8, as the start stays
    float32.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 1.0
        Factor of the step size that is found; a schedule goes here.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-8
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    beta_3 : float or None, default None
        Decay rate of the sums, in [0, 1); None is the root of `beta_2`.
    initial_distance : float, default 1e-6
        First estimate of the distance; too small does no harm.
    distance_coefficient : float, default 1.0
        Factor of the estimate.
    growth_rate : float or None, default None
        Largest growth of the estimate in one update; None is no limit.
    bias_correction : bool, default False
        Whether e has the factor ``sqrt(1 - beta_2^t) / (1 - beta_1^t)``.
    safeguard_warmup : bool, default False
        Whether s takes d in place of e, for learning rates that start near 0.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    Keras has no Prodigy; the defaults are those of the authors' code.

    References
    ----------
    Mishchenko and Defazio 2023, arXiv 2306.06101.
    """

    __slots__ = ()
    _algorithm = "prodigy"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    beta_3 = OptionalNumber()
    initial_distance = Number()
    distance_coefficient = Number()
    growth_rate = OptionalNumber()
    bias_correction = Switch()
    safeguard_warmup = Switch()

    def __init__(
        self,
        learning_rate: Source = 1.0,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-8,
        *,
        beta_3: float | None = None,
        initial_distance: float = 1e-6,
        distance_coefficient: float = 1.0,
        growth_rate: float | None = None,
        bias_correction: bool = False,
        safeguard_warmup: bool = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            beta_3=beta_3,
            initial_distance=initial_distance,
            distance_coefficient=distance_coefficient,
            growth_rate=growth_rate,
            bias_correction=bias_correction,
            safeguard_warmup=safeguard_warmup,
            **shared,
        )
