"""NovoGrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Moving, Number, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class NovoGrad(Rule):
    """NovoGrad divides the gradient of each array by its norm, and adds momentum.

    According to its authors it suits large batches. It keeps half the state of Adam, as the second
    moment is one number per array. The scale of the loss does not matter.

    For an array p with gradient g, with first moment m and second moment v, which are 0 before the
    first update, and with norms over the array::

        v = if(v == 0, norm(g)^2, beta_2 v + (1 - beta_2) norm(g)^2)
        d = g / (sqrt(v) + epsilon)
        m = beta_1 m + d
        p = p - learning_rate m

    With weight decay, ``d = g / (sqrt(v) + epsilon) + weight_decay p``.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.95
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.98
        Decay rate of the second moment v, the squared norm; in [0, 1).
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of arrays with
        small gradients. With 0, the quotient 0/0 is 0.
    gradient_averaging : bool, default False
        Whether d enters the first moment with the factor ``1 - beta_1``, or with 1.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`. `weight_decay_mode` is "l2" by default, which adds the decay to the normalized
        gradient.

    Notes
    -----
    Keras and torch have no NovoGrad; the defaults are those of timm and of the paper. optax has
    ``beta_1=0.9``, ``beta_2=0.25`` and ``epsilon=1e-6``.

    State: 4 bytes per parameter in float32, 2 in bfloat16, 1 in float8, and one number per array.

    References
    ----------
    Ginsburg et al. 2019, "Stochastic Gradient Methods with Layer-wise Adaptive Moments for Training
    of Deep Networks", arXiv 1905.11286, algorithm 1.

    Examples
    --------
    The gradients of the two arrays differ by a factor of 100 000, their steps do not:

    >>> import numpy as np
    >>> from lamb_rs import NovoGrad
    >>> params = {"small": np.zeros(2, np.float32), "large": np.zeros(2, np.float32)}
    >>> g = np.array([-3, 4], np.float32)
    >>> optimizer = NovoGrad(0.1)
    >>> optimizer.apply({"small": g / 1000, "large": g * 100}, params)
    True
    >>> print(params["small"].round(3), params["large"].round(3))
    [ 0.06 -0.08] [ 0.06 -0.08]
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
