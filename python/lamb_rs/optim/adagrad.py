"""Adagrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Adagrad(Rule):
    """Adagrad divides each gradient by the root of the sum of all squared gradients so far.

    It suits sparse features, because an element with few or small gradients keeps a large step
    size. The step sizes only shrink, so in long training runs the updates may become too small.

    For an array p with gradient g, in update t = 1, 2, ...::

        a = if(t == 1, initial_accumulator_value, a) + g^2
        u = g / sqrt(a + epsilon)
        p = p - learning_rate u

    With ``epsilon_mode="out"`` the denominator is ``sqrt(a) + epsilon``.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    initial_accumulator_value : float, default 0.1
        Value of the sum before the first update, at least 0. Larger values make the first steps
        smaller.
    epsilon : float, default 1e-7
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    epsilon_mode : {"in", "out"}, default "in"
        Where epsilon is added: under the root as in Keras ("in"), or to the root as in torch
        ("out").
    learning_rate_decay : float, default 0.0
        The learning rate of update t is divided by ``1 + (t - 1) learning_rate_decay``, as in
        torch; at least 0.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of Keras. torch has ``learning_rate=0.01``, ``epsilon=1e-10``,
    ``epsilon_mode="out"`` and ``initial_accumulator_value=0``.

    State: 4 bytes per parameter, always in float32.

    References
    ----------
    Duchi et al. 2011, "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization", JMLR 12:2121.

    Examples
    --------
    The size of the gradient does not matter, and the step in update t is ``1 / sqrt(t)`` of the
    first:

    >>> import numpy as np
    >>> from lamb_rs import Adagrad
    >>> p, g = np.zeros(2, np.float32), np.array([-100, -0.01], np.float32)
    >>> optimizer = Adagrad(0.1, initial_accumulator_value=0.0)
    >>> optimizer.build(p)
    >>> for _ in range(3):
    ...     old = p.copy()
    ...     _ = optimizer.apply(g)
    ...     print((p - old).round(4))
    [0.1 0.1]
    [0.0707 0.0707]
    [0.0577 0.0577]
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
