"""Rectified Adam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class RAdam(Rule):
    """RAdam is Adam with a step that is rectified while the second moment is still uncertain.

    The first updates follow the first moment alone; then a factor r, which grows to 1, scales the
    adaptive step. This works like a learning rate warm-up, and helps where Adam is unstable at the
    start.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        rho_inf = 2 / (1 - beta_2) - 1
        rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        u = if(rho > threshold,
               r sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon),
               m / (1 - beta_1^t))
        p = p - learning_rate u

    With the default `beta_2`, the step is rectified from update 6 on.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1). If it is 0.6 or less, no step is rectified.
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    epsilon_mode : {"hat", "out"}, default "hat"
        Where epsilon is added: to the root of v as in torch ("hat"), or to the root of the
        corrected v as in optax ("out").
    threshold : float, default 5.0
        The step is rectified where rho is greater; at least 4. The paper has 4.
    degenerate : {"momentum", "skip"}, default "momentum"
        What happens in the updates that are not rectified: a step along the corrected first moment
        ("momentum"), or no step and no weight decay ("skip").
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of torch, except that weight decay is decoupled; torch couples it with
    the gradient, which is ``weight_decay_mode="l2"``. Keras has no RAdam. The code of the authors
    skips the first updates, which is ``degenerate="skip"``.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8.

    References
    ----------
    Liu et al. 2019, "On the Variance of the Adaptive Learning Rate and Beyond", arXiv 1908.03265,
    algorithm 2.

    Examples
    --------
    Update 5 follows the gradients, of -1 and -0.01; update 6 is the first one that adapts to their
    sizes:

    >>> import numpy as np
    >>> from lamb_rs import RAdam
    >>> p, g = np.zeros(2, np.float32), np.array([-1, -0.01], np.float32)
    >>> optimizer = RAdam(0.1)
    >>> optimizer.build(p)
    >>> for t in range(1, 8):
    ...     old = p.copy()
    ...     _ = optimizer.apply(g)
    ...     if t >= 5:
    ...         print((p - old).round(4))
    [0.1   0.001]
    [0.0026 0.0026]
    [0.0033 0.0033]
    """

    __slots__ = ()
    _algorithm = "radam"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    epsilon_mode: Choice[Literal["hat", "out"]] = Choice()
    threshold = Number()
    degenerate: Choice[Literal["momentum", "skip"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-8,
        *,
        epsilon_mode: Literal["hat", "out"] = "hat",
        threshold: float = 5.0,
        degenerate: Literal["momentum", "skip"] = "momentum",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            epsilon_mode=epsilon_mode,
            threshold=threshold,
            degenerate=degenerate,
            **shared,
        )
