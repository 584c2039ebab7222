"""AdaMax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Adamax(Rule):
    """Adamax is Adam with a decaying maximum of the gradient in place of the second moment.

    No element moves by more than about the learning rate in one update, even after a gradient that
    is much larger than the others. Such a gradient keeps the steps of its element small for about
    ``1 / (1 - beta_2)`` updates.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and maximum w,
    which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        w = max(beta_2 w, abs(g))
        u = m / (1 - beta_1^t) / (w + epsilon)
        p = p - learning_rate u

    With ``epsilon_mode="in"``, ``w = max(beta_2 w, abs(g) + epsilon)`` and the denominator is w.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the maximum w, in [0, 1).
    epsilon : float, default 1e-7
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    epsilon_mode : {"out", "in"}, default "out"
        Where epsilon is added: to the maximum as in Keras ("out"), or to the size of each gradient
        as in torch and optax ("in").
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of Keras. torch and the paper have ``learning_rate=0.002``; torch has
    ``epsilon=1e-8`` and ``epsilon_mode="in"``.

    State: 8 bytes per parameter in float32, 6 in bfloat16, 5 in float8. The maximum is always in
    float32.

    References
    ----------
    Kingma and Ba 2014, "Adam: A Method for Stochastic Optimization", arXiv 1412.6980, section 7.1,
    algorithm 2.

    Examples
    --------
    A gradient that is 100 times larger than the others stays in the maximum, and decays there:

    >>> import numpy as np
    >>> from lamb_rs import Adamax
    >>> p = np.zeros(1, np.float32)
    >>> optimizer = Adamax(0.1, beta_2=0.5)
    >>> optimizer.build(p)
    >>> for gradient in (-1, -100, -1, -1):
    ...     _ = optimizer.apply(np.full(1, gradient, np.float32))
    ...     print(optimizer.state_dict()["0/maximum"])
    [1.]
    [100.]
    [50.]
    [25.]
    """

    __slots__ = ()
    _algorithm = "adamax"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    epsilon_mode: Choice[Literal["out", "in"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-7,
        *,
        epsilon_mode: Literal["out", "in"] = "out",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            epsilon_mode=epsilon_mode,
            **shared,
        )
