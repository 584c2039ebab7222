"""AdaBelief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class AdaBelief(Rule):
    """AdaBelief is Adam with a second moment that measures how far gradients are from their mean.

    The steps are long for elements whose gradient is close to the first moment, and short for the
    others. With the default epsilon, an element whose gradient is constant can take very long
    steps; a larger epsilon, such as 1e-8, limits them.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) (g - m)^2 + epsilon
        rho_inf = 2 / (1 - beta_2) - 1
        rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        u = if(rho > threshold,
               r sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon),
               m / (1 - beta_1^t))
        p = p - learning_rate u

    With ``rectify=False``, ``u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)``.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-16
        Constant that is added to v in every update, and to the denominator; at least 0.
    rectify : bool, default True
        Whether to rectify the step as `RAdam` does.
    epsilon_root : float, default 0.0
        Constant that is added under the root, at least 0.
    threshold : float, default 5.0
        The step is rectified where rho is greater; at least 4.
    degenerate : {"momentum", "skip"}, default "momentum"
        What happens in the updates that are not rectified: a step along the corrected first moment
        ("momentum"), or no step and no weight decay ("skip").
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no AdaBelief; the defaults are those of the code of the authors. optax has
    ``rectify=False``, ``epsilon=1e-16`` and ``epsilon_root=1e-16``.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8.

    References
    ----------
    Zhuang et al. 2020, "AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed
    Gradients", arXiv 2010.07468, algorithm 2.

    Examples
    --------
    Both elements have the mean gradient -2, but that of the second alternates between -1 and -3:

    >>> import numpy as np
    >>> from lamb_rs import AdaBelief
    >>> p = np.zeros(2, np.float32)
    >>> optimizer = AdaBelief(0.001, epsilon=1e-8)
    >>> optimizer.build(p)
    >>> for t in range(500):
    ...     _ = optimizer.apply(np.array([-2, -1 - 2 * (t % 2)], np.float32))
    >>> print(p.round(1))
    [1.4 0.3]
    """

    __slots__ = ()
    _algorithm = "adabelief"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    rectify = Switch()
    epsilon_root = Number()
    threshold = Number()
    degenerate: Choice[Literal["momentum", "skip"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-16,
        rectify: bool = True,
        *,
        epsilon_root: float = 0.0,
        threshold: float = 5.0,
        degenerate: Literal["momentum", "skip"] = "momentum",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            rectify=rectify,
            epsilon_root=epsilon_root,
            threshold=threshold,
            degenerate=degenerate,
            **shared,
        )
