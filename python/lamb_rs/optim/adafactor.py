"""Adafactor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Integer, Number, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Adafactor(Rule):
    """Adafactor is Adam with a second moment that stores one number per row and per column.

    Its state for a matrix is negligible, so it suits large models with little memory. The step is
    relative to the size of the parameters, and a limit of the direction keeps the first steps
    stable.

    For a matrix p with gradient g, in update t = 1, 2, ..., with row and column means of the
    squared gradient, which are 0 before the first update::

        w = t^beta_2_decay
        row = (1 - w) row + w row_mean(g^2)
        column = (1 - w) column + w column_mean(g^2)
        v = row column / max(column_mean(row), epsilon_1)
        u = g / sqrt(max(v, epsilon_1^2))
        u = u / max(1, sqrt(mean(u^2)) / clip_threshold)
        alpha = max(epsilon_2, sqrt(mean(p^2))) min(learning_rate, 1 / sqrt(t))
        p = p - alpha u

    In an array with more axes, the last two are rows and columns. An array with fewer axes keeps
    the whole second moment, ``v = (1 - w) v + w g^2``; an override ``{"own_rule": False}`` in
    `build` makes any array do so. With `beta_1`, ``m = beta_1 m + (1 - beta_1) alpha u`` and
    ``p = p - m``.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size relative to the size of the parameters, at least 0; with `relative_step` its upper
        limit. It may also be a schedule, or a function without arguments: see `Optimizer`.
    beta_2_decay : float, default -0.8
        Exponent of the weight w of a new gradient, at most 0.
    epsilon_1 : float, default 1e-30
        Constant that keeps the second moment from 0: see `epsilon_mode`. At least 0.
    epsilon_2 : float, default 0.001
        Smallest size of the parameters that a step is relative to, at least 0. It lets parameters
        leave 0.
    clip_threshold : float, default 1.0
        Largest root mean square of the direction u; positive.
    relative_step : bool, default True
        Whether the learning rate is at most ``1 / sqrt(t)``.
    scale_parameter : bool, default True
        Whether a step is relative to the root mean square of the parameters; if not, alpha is the
        learning rate.
    epsilon_mode : {"clamp", "add"}, default "clamp"
        How `epsilon_1` keeps the second moment from 0: as a lower limit, as in torch ("clamp"), or
        as a term that is added to the squared gradient, as in the paper and Keras ("add").
    beta_1 : float, default 0.0
        Decay rate of a momentum of the steps, in [0, 1). With 0 there is no momentum and no memory
        for it.
    min_dim_size_to_factor : int, default 0
        Matrices with fewer rows or columns than this keep the whole second moment. At least 0.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of Keras, except ``epsilon_mode="clamp"``, which is that of torch. Keras
    stores the whole second moment too, which this class does not.

    State: 4 bytes per row and per column of a matrix, always in float32. For an array that keeps
    the whole second moment: 4 bytes per parameter in float32, 2 in bfloat16, 1 in float8. With
    `beta_1`, every array has a momentum as well: 4 bytes per parameter in float32, 2 in bfloat16, 1
    in float8.

    References
    ----------
    Shazeer and Stern 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost",
    arXiv 1804.04235, algorithms 4 and 5.

    Examples
    --------
    The state of a large matrix takes kilobytes, not megabytes:

    >>> import numpy as np
    >>> from lamb_rs import Adafactor, Adam
    >>> params = {"kernel": np.zeros((1000, 2000), np.float32)}
    >>> for optimizer in (Adafactor(), Adam()):
    ...     optimizer.build(params)
    ...     print(type(optimizer).__name__, optimizer.state_bytes)
    Adafactor 12000
    Adam 16000000
    """

    __slots__ = ()
    _routes = True
    _algorithm = "adafactor"

    beta_2_decay = Number()
    epsilon_1 = Number()
    epsilon_2 = Number()
    clip_threshold = Number()
    relative_step = Switch()
    scale_parameter = Switch()
    epsilon_mode: Choice[Literal["clamp", "add"]] = Choice()
    beta_1 = Number()
    min_dim_size_to_factor = Integer()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 0.001,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *,
        scale_parameter: bool = True,
        epsilon_mode: Literal["clamp", "add"] = "clamp",
        beta_1: float = 0.0,
        min_dim_size_to_factor: int = 0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_2_decay=beta_2_decay,
            epsilon_1=epsilon_1,
            epsilon_2=epsilon_2,
            clip_threshold=clip_threshold,
            relative_step=relative_step,
            scale_parameter=scale_parameter,
            epsilon_mode=epsilon_mode,
            beta_1=beta_1,
            min_dim_size_to_factor=min_dim_size_to_factor,
            **shared,
        )
