"""CAME."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Integer, Moving, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Came(Rule):
    """CAME is Adafactor with a momentum that takes small steps where the updates are unstable.

    The momentum m is divided by the root of a second moment of ``u - m``, so that elements whose
    updates differ from their average move less. Both second moments of a matrix are stored as one
    number per row and per column. According to its authors it trains BERT, GPT-2 and T5 as well as
    Adam and better than Adafactor.

    For a matrix p with gradient g, in update t = 1, 2, ..., with a momentum and with row and column
    means that are 0 before the first update::

        row = beta_2 row + (1 - beta_2) row_mean(g^2 + epsilon_1)
        column = beta_2 column + (1 - beta_2) column_mean(g^2 + epsilon_1)
        u = g / sqrt(row column / column_mean(row))
        u = u / max(1, sqrt(mean(u^2)) / clip_threshold)
        m = beta_1 m + (1 - beta_1) u
        d = (u - m)^2 + epsilon_2
        row_d = beta_3 row_d + (1 - beta_3) row_mean(d)
        column_d = beta_3 column_d + (1 - beta_3) column_mean(d)
        u = m / sqrt(row_d column_d / column_mean(row_d))
        p = p - learning_rate u

    In an array with more axes, the last two are rows and columns. An array with fewer axes keeps
    the whole second moment, ``v = beta_2 v + (1 - beta_2) (g^2 + epsilon_1)``, and moves by
    ``learning_rate m``; an override ``{"own_rule": False}`` in `build` makes any array do so.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.0002
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the momentum m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment of the gradient, in [0, 1).
    beta_3 : float, Schedule or callable, default 0.9999
        Decay rate of the second moment of ``u - m``, in [0, 1).
    epsilon_1 : float, default 1e-30
        Constant that is added to the squared gradient, at least 0.
    epsilon_2 : float, default 1e-16
        Constant that is added to the square of ``u - m``, at least 0.
    clip_threshold : float, default 1.0
        Largest root mean square of the update u before the momentum; positive.
    min_dim_size_to_factor : int, default 0
        Matrices with fewer rows or columns than this keep the whole second moment. At least 0.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no CAME; the defaults are those of the code of the authors. As in that
    code, no moment is corrected for its bias.

    State: for the momentum, 4 bytes per parameter in float32, 2 in bfloat16, 1 in float8; and 8
    bytes per row and per column of a matrix, always in float32. An array that keeps the whole
    second moment: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8.

    References
    ----------
    Luo et al. 2023, "CAME: Confidence-guided Adaptive Memory Efficient Optimization",
    arXiv 2307.02047, algorithm 2.

    Examples
    --------
    The state of a large matrix is little more than half that of Adam:

    >>> import numpy as np
    >>> from lamb_rs import Adam, Came
    >>> params = {"kernel": np.zeros((1000, 2000), np.float32)}
    >>> for optimizer in (Came(), Adam()):
    ...     optimizer.build(params)
    ...     print(type(optimizer).__name__, optimizer.state_bytes)
    Came 8024000
    Adam 16000000
    """

    __slots__ = ()
    _routes = True
    _algorithm = "came"

    beta_1 = Moving()
    beta_2 = Moving()
    beta_3 = Moving()
    epsilon_1 = Number()
    epsilon_2 = Number()
    clip_threshold = Number()
    min_dim_size_to_factor = Integer()

    def __init__(
        self,
        learning_rate: Source = 0.0002,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        beta_3: Source = 0.9999,
        *,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-16,
        clip_threshold: float = 1.0,
        min_dim_size_to_factor: int = 0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            beta_3=beta_3,
            epsilon_1=epsilon_1,
            epsilon_2=epsilon_2,
            clip_threshold=clip_threshold,
            min_dim_size_to_factor=min_dim_size_to_factor,
            **shared,
        )
