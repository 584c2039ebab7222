"""ADOPT."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Moving, Number, OptionalNumber
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Adopt(Rule):
    """ADOPT is Adam that divides each gradient by the second moment of the earlier gradients only.

    It normalizes the gradient first and averages afterwards. Its authors prove that it converges
    for any `beta_2`, which Adam does not. The first update sets the second moment and does
    not change the parameters.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update::

        u = g / max(sqrt(v), epsilon)
        u = clip(u, -(t - 1)^clip_exponent, (t - 1)^clip_exponent)
        m = if(t == 1, m, beta_1 m + (1 - beta_1) u)
        v = if(t == 1, g^2, beta_2 v + (1 - beta_2) g^2)
        p = if(t > 1, p - learning_rate m, p)

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the moment m of the normalized gradients, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.9999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-6
        Smallest denominator, at least 0.
    clip_exponent : float or None, default 0.25
        Exponent of the limit of the normalized gradient, at least 0; the limit in update t is
        ``(t - 1)^clip_exponent``. None sets no limit.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no ADOPT; the defaults are those of the code of the authors. timm has
    ``clip_exponent=0.333``.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8.

    References
    ----------
    Taniguchi et al. 2024, "ADOPT: Modified Adam Can Converge with Any beta_2 with the Optimal
    Rate", arXiv 2411.02853.

    Examples
    --------
    The first update changes only the state, the later ones the parameters:

    >>> import numpy as np
    >>> from lamb_rs import Adopt
    >>> p, g = np.zeros(1, np.float32), np.full(1, -2, np.float32)
    >>> optimizer = Adopt(0.1)
    >>> optimizer.build(p)
    >>> for _ in range(3):
    ...     _ = optimizer.apply(g)
    ...     print(p.round(3), optimizer.state_dict()["0/velocity"].round(3))
    [0.] [4.]
    [0.01] [4.]
    [0.029] [4.]
    """

    __slots__ = ()
    _algorithm = "adopt"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    clip_exponent = OptionalNumber()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.9999,
        epsilon: float = 1e-6,
        *,
        clip_exponent: float | None = 0.25,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            clip_exponent=clip_exponent,
            **shared,
        )
