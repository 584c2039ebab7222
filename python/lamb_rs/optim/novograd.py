"""NovoGrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Moving, Number, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class NovoGrad(Optimizer):
    """Momentum of gradients that are normalised layer by layer.

    With |g| the norm over one parameter array, and the first v that is not 0 set to |g|^2::

        v = beta_2 v + (1 - beta_2) |g|^2
        d = g / (sqrt(v) + epsilon) + weight_decay p
        m = beta_1 m + d                                  (gradient_averaging: (1 - beta_1) d)
        p = p - learning_rate m

    State: 4 bytes per parameter and one number per array; 2 in bfloat16, 1 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    beta_1 : float, Schedule or callable, default 0.95
        Decay rate of the momentum, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.98
        Decay rate of the squared norm, in [0, 1).
    epsilon : float, default 1e-8
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    gradient_averaging : bool, default False
        Whether the momentum takes ``(1 - beta_1) d``, or d.
    **shared
        Arguments of every optimizer: see `Optimizer`. `weight_decay_mode` is "l2" by default, and
        adds the decay to the normalised gradient.

    Notes
    -----
    Keras has no NovoGrad; the defaults are timm's and the paper's.

    References
    ----------
    Ginsburg et al. 2019, arXiv 1905.11286.
    """

    __slots__ = ()
    _algorithm = "novograd"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    gradient_averaging = Switch()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.95,
        beta_2: Source = 0.98,
        epsilon: float = 1e-8,
        *,
        gradient_averaging: bool = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            gradient_averaging=gradient_averaging,
            **shared,
        )
