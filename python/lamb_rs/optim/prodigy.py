"""Prodigy."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Moving, Number, OptionalNumber, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Prodigy(Rule):
    """Prodigy is Adam that estimates its own learning rate from the distance to the start.

    The estimate d of the distance to the solution only grows, from `initial_distance` on, and
    scales the steps. Leave the learning rate at 1, or use a schedule with a peak of 1. The first
    updates hardly move the parameters, until d has grown.

    For an array p with gradient g, in update t = 1, 2, ..., where m, v, s and n are 0 before the
    first update, and where total is the sum over all arrays::

        p_0 = if(t == 1, p, p_0)
        d = if(t == 1, initial_distance, d)
        rate = d learning_rate
        m = beta_1 m + d (1 - beta_1) g
        v = beta_2 v + d^2 (1 - beta_2) g^2
        s = sqrt(beta_2) s + d / initial_distance rate g
        n = sqrt(beta_2) n + d / initial_distance rate total(g (p_0 - p))
        d = max(d, n / total(abs(s)))
        u = m / (sqrt(v) + d epsilon)
        p = p - rate u

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 1.0
        Factor of the estimated step size, at least 0. It may also be a schedule, or a function
        without arguments: see `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    beta_3 : float or None, default None
        Decay rate of the sums s and n, in [0, 1). None means ``sqrt(beta_2)``.
    initial_distance : float, default 1e-6
        First estimate d of the distance; positive. A value that is too small costs a few updates;
        one that is too large makes the steps too long.
    distance_coefficient : float, default 1.0
        Factor of the estimate, at least 0. With 2 all steps become about twice as long.
    growth_rate : float or None, default None
        Largest factor by which d grows in one update; positive. None sets no limit.
    bias_correction : bool, default False
        Whether rate is multiplied by ``sqrt(1 - beta_2^t) / (1 - beta_1^t)``.
    safeguard_warmup : bool, default False
        Whether s takes d in place of rate. Use it with a warm-up from a learning rate near 0.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no Prodigy; the defaults are those of the code of the authors.

    State: 16 bytes per parameter in float32, 10 in bfloat16, 7 in float8, and three numbers for all
    of them. The start p_0 is always in float32.

    References
    ----------
    Mishchenko and Defazio 2023, "Prodigy: An Expeditiously Adaptive Parameter-Free Learner",
    arXiv 2306.06101.

    Examples
    --------
    The minimum is at distance 3 from the start; the estimate grows from 1e-6 to about 1:

    >>> import numpy as np
    >>> from lamb_rs import Prodigy
    >>> p = np.zeros(1, np.float32)
    >>> optimizer = Prodigy()
    >>> optimizer.build(p)
    >>> for t in range(1, 101):
    ...     _ = optimizer.apply(p - 3)
    ...     if t in (1, 10, 100):
    ...         print(optimizer.state_dict()["optimizer/distance"].round(6), p.round(2))
    [1.e-06] [0.]
    [0.003874] [0.01]
    [1.091397] [3.04]
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
