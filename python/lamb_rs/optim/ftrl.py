"""FTRL-Proximal."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._hyper import Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Ftrl(Optimizer):
    """Follow the regularised leader: sparse parameters by an L1 penalty.

    With ``k = -learning_rate_power`` and s, l1, l2 the strengths below::

        n' = n + g^2
        z = z + g + 2 s p - (n'^k - n^k) / learning_rate p
        p = (clamp(z, -l1, l1) - z) / (n'^k / learning_rate + 2 (l2 + beta / (2 learning_rate)))

    State: 8 bytes per parameter, always float32.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    learning_rate_power : float, default -0.5
        How the step size falls with the sum of squared gradients; at most 0.
    initial_accumulator_value : float, default 0.1
        First value of n.
    l1_regularization_strength : float, default 0.0
        L1 penalty; parameters with z inside it are exactly 0.
    l2_regularization_strength : float, default 0.0
        L2 penalty.
    l2_shrinkage_regularization_strength : float, default 0.0
        L2 penalty on the gradient: it shrinks a parameter only where there is data.
    beta : float, default 0.0
        Added to the root of n, as in the paper.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The defaults are Keras's. The first values of the parameters matter through the gradients only:
    one whose first gradient is 0 becomes 0.

    References
    ----------
    McMahan et al. 2013, "Ad click prediction: a view from the trenches", KDD, doi
    10.1145/2487575.2488200.
    """

    __slots__ = ()
    _algorithm = "ftrl"

    learning_rate_power = Number()
    initial_accumulator_value = Number()
    l1_regularization_strength = Number()
    l2_regularization_strength = Number()
    l2_shrinkage_regularization_strength = Number()
    beta = Number()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            learning_rate_power=learning_rate_power,
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
            beta=beta,
            **shared,
        )
