"""RMSprop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class RMSprop(Rule):
    """RMSprop divides each gradient by the root of a moving average of its square.

    It was made for mini-batches and recurrent networks; Adam adds momentum and a bias correction.
    Because v starts at 0, the first step is about ``1 / sqrt(1 - rho)`` times the learning rate.

    For an array p with gradient g and average v, which is 0 before the first update::

        v = rho v + (1 - rho) g^2
        u = g / sqrt(v + epsilon)
        p = p - learning_rate u

    With `centered`, ``a = rho a + (1 - rho) g`` is averaged too, and ``max(v - a^2, 0)`` replaces v
    in the second line. With `momentum`, the velocity m is updated before p::

        m = momentum m + learning_rate u;  p = p - m              (form="lr_inside", as in Keras)
        m = momentum m + u;  p = p - learning_rate m              (form="lr_outside", as in torch)

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    rho : float, default 0.9
        Decay rate of the averages, in [0, 1).
    momentum : float, Schedule or callable, default 0.0
        Decay rate of the velocity, in [0, 1). With 0 there is no velocity.
    epsilon : float, default 1e-7
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    centered : bool, default False
        Whether to subtract the square of the mean gradient, which leaves an estimate of the
        variance.
    epsilon_mode : {"in", "out"}, default "in"
        Where epsilon is added: under the root as in Keras ("in"), or to the root as in torch
        ("out").
    initial_accumulator_value : float or "gradient", default 0.0
        Value of v before the first update: a number of at least 0, which is 1 in TensorFlow 1; or
        the square of the first gradient ("gradient"), so that the first step is as long as the
        others.
    form : {"lr_inside", "lr_outside"}, default "lr_inside"
        Whether the velocity is a sum of steps or of directions. The results differ only if the
        learning rate changes during training.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of Keras. torch has ``learning_rate=0.01``, ``rho=0.99``,
    ``epsilon=1e-8``, ``epsilon_mode="out"`` and ``form="lr_outside"``.

    State: 4 bytes per parameter in float32, 2 in bfloat16, 1 in float8, and as much again for each
    of `centered` and `momentum`.

    References
    ----------
    Tieleman and Hinton 2012, "Neural Networks for Machine Learning", lecture 6.5. Centered: Graves
    2013, "Generating Sequences With Recurrent Neural Networks", arXiv 1308.0850.

    Examples
    --------
    The size of the first step depends on the first value of v:

    >>> import numpy as np
    >>> from lamb_rs import RMSprop
    >>> g = np.array([-100, 1], np.float32)
    >>> for first in (0.0, 1.0, "gradient"):
    ...     p = np.zeros(2, np.float32)
    ...     optimizer = RMSprop(0.1, initial_accumulator_value=first)
    ...     _ = optimizer.apply(g, p)
    ...     print(first, p.round(3))
    0.0 [ 0.316 -0.316]
    1.0 [ 0.316 -0.1  ]
    gradient [ 0.1 -0.1]
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
