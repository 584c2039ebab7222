"""RMSprop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class RMSprop(Optimizer):
    """Step sizes from a moving average of squared gradients.

    ::

        v = rho v + (1 - rho) g^2;  d = v
        a = rho a + (1 - rho) g;    d = max(v - a^2, 0)                              (centered)
        s = g / sqrt(d + epsilon)                     (epsilon_mode="out": sqrt(d) + epsilon)
        b = momentum b + learning_rate s;  p = p - b  (form="lr_inside")
        b = momentum b + s;  p = p - learning_rate b  (form="lr_outside")

    State: 4 bytes per parameter, 4 more with `centered` and 4 with momentum; a half of each in
    bfloat16, a quarter in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    rho : float, default 0.9
        Decay rate of both averages, in [0, 1).
    momentum : float, Schedule or callable, default 0.0
        Decay rate of the velocity, in [0, 1).
    epsilon : float, default 1e-7
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    centered : bool, default False
        Whether the squared mean of the gradients is subtracted.
    epsilon_mode : {"in", "out"}, default "in"
        Inside the root as in Keras, or outside as in torch.
    initial_accumulator_value : float or "gradient", default 0.0
        First value of v: a number >= 0, of which TensorFlow 1 has 1; or the square of the first
        gradient, so that the first step is its sign.
    form : {"lr_inside", "lr_outside"}, default "lr_inside"
        Whether the velocity holds steps as in Keras, or directions as in torch; the two differ once
        the learning rate moves.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The defaults are Keras's.

    References
    ----------
    Tieleman and Hinton 2012, "Neural networks for machine learning", lecture 6.5; centered: Graves
    2013, arXiv 1308.0850.
    """

    __slots__ = ()
    _algorithm = "rmsprop"

    rho = Number()
    momentum = Moving()
    epsilon = Number()
    centered = Switch()
    epsilon_mode: Choice[Literal["in", "out"]] = Choice()
    initial_accumulator_value: Choice[float | Literal["gradient"]] = Choice()
    form: Choice[Literal["lr_inside", "lr_outside"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        rho: float = 0.9,
        momentum: Source = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *,
        epsilon_mode: Literal["in", "out"] = "in",
        initial_accumulator_value: float | Literal["gradient"] = 0.0,
        form: Literal["lr_inside", "lr_outside"] = "lr_inside",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
            epsilon_mode=epsilon_mode,
            initial_accumulator_value=initial_accumulator_value,
            form=form,
            **shared,
        )
