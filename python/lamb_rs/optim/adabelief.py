"""AdaBelief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class AdaBelief(Optimizer):
    """Adam with the variance of the gradient around its mean as second moment.

    With ``c1 = 1 - beta_1^t`` and ``c2 = 1 - beta_2^t`` in update t, r and rho_t as in `RAdam`::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) (g - m)^2 + epsilon
        p = p - learning_rate r (sqrt(c2) / c1) m / (sqrt(v) + epsilon)     where rho_t > threshold
        p = p - learning_rate m / c1                                        before that
        p = p - learning_rate (m / c1) / (sqrt(v / c2) + epsilon)           (rectify=False)

    State: 8 bytes per parameter; 4 in bfloat16, 2 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-16
        Small constant of the denominator; it accumulates in v too.
    rectify : bool, default True
        Whether the step is rectified as in `RAdam`.
    epsilon_root : float, default 0.0
        Small constant under the root.
    threshold : float, default 5.0
        The step is rectified where rho_t is greater; at least 4.
    degenerate : {"momentum", "skip"}, default "momentum"
        What happens before that: a step along the momentum, or none.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    Keras has no AdaBelief; the defaults are those of the authors' code.

    References
    ----------
    Zhuang et al. 2020, arXiv 2010.07468.
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
