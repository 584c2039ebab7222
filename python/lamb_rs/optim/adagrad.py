"""Adagrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Adagrad(Optimizer):
    """Step sizes from the sum of all squared gradients.

    ::

        G = G + g^2
        p = p - learning_rate g / sqrt(G + epsilon)    (epsilon_mode="out": sqrt(G) + epsilon)

    State: 4 bytes per parameter, always float32.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    initial_accumulator_value : float, default 0.1
        First value of G.
    epsilon : float, default 1e-7
        Small constant of the denominator.
    epsilon_mode : {"in", "out"}, default "in"
        Inside the root as in Keras, or outside as in torch.
    learning_rate_decay : float, default 0.0
        The learning rate is divided by ``1 + (t - 1) learning_rate_decay`` in update t, as in
        torch.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The defaults are Keras's.

    References
    ----------
    Duchi et al. 2011, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12:2121.
    """

    __slots__ = ()
    _algorithm = "adagrad"

    initial_accumulator_value = Number()
    epsilon = Number()
    epsilon_mode: Choice[Literal["in", "out"]] = Choice()
    learning_rate_decay = Number()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *,
        epsilon_mode: Literal["in", "out"] = "in",
        learning_rate_decay: float = 0.0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=epsilon,
            epsilon_mode=epsilon_mode,
            learning_rate_decay=learning_rate_decay,
            **shared,
        )
