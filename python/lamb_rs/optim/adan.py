"""Adan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Adan(Rule):
    """Adan is Adam with a moving average of the change of the gradient, as in Nesterov's method.

    It anticipates the next gradient from the difference of the last two. According to its authors
    it needs fewer updates than AdamW for vision and language models; its state is twice as large.

    For an array p with gradient g, in update t = 1, 2, ..., with moments m, n and v, which are 0
    before the first update::

        d = if(t == 1, 0, g - g_old)
        g_old = g
        m = beta_1 m + (1 - beta_1) g
        n = beta_2 n + (1 - beta_2) d
        v = beta_3 v + (1 - beta_3) (g + beta_2 d)^2
        u = (m / (1 - beta_1^t) + beta_2 n / (1 - beta_2^t)) / (sqrt(v / (1 - beta_3^t)) + epsilon)
        p = p - learning_rate u

    With weight decay, ``p = (p - learning_rate u) / (1 + learning_rate weight_decay)``.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.98
        Decay rate of the first moment m, in [0, 1). The paper writes 1 - beta for all three rates.
    beta_2 : float, Schedule or callable, default 0.92
        Decay rate of the moment n of the differences, and its weight; in [0, 1).
    beta_3 : float, Schedule or callable, default 0.99
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    form : {"proximal", "decoupled"}, default "proximal"
        Formula of the weight decay for ``weight_decay_mode="decoupled"``: the division above as in
        the paper ("proximal"), or ``p - learning_rate u - learning_rate weight_decay p``
        ("decoupled").
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no Adan; the defaults are those of the code of the authors.

    State: 16 bytes per parameter in float32, 10 in bfloat16, 7 in float8. The previous gradient is
    always in float32.

    References
    ----------
    Xie et al. 2022, "Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models",
    arXiv 2208.06677, algorithm 1.

    Examples
    --------
    The first gradient stays at -1; the second shrinks, and its element slows down at once:

    >>> import numpy as np
    >>> from lamb_rs import Adan
    >>> p = np.zeros(2, np.float32)
    >>> optimizer = Adan(0.1)
    >>> optimizer.build(p)
    >>> for gradient in (-1, -0.5, -0.25):
    ...     old = p.copy()
    ...     _ = optimizer.apply(np.array([-1, gradient], np.float32))
    ...     print((p - old).round(3))
    [0.1 0.1]
    [0.1   0.072]
    [0.1  0.06]
    """

    __slots__ = ()
    _algorithm = "adan"

    beta_1 = Moving()
    beta_2 = Moving()
    beta_3 = Moving()
    epsilon = Number()
    form: Choice[Literal["proximal", "decoupled"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.98,
        beta_2: Source = 0.92,
        beta_3: Source = 0.99,
        epsilon: float = 1e-8,
        *,
        form: Literal["proximal", "decoupled"] = "proximal",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            beta_3=beta_3,
            epsilon=epsilon,
            form=form,
            **shared,
        )
