"""Adafactor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Integer, Number, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Adafactor(Optimizer):
    """Adam with a second moment factored into rows and columns.

    With ``w = t^beta_2_decay`` in update t, rms(x) the root of the mean of x^2 over one parameter
    array, and means over the last axis and the last but one of arrays with two axes or more::

        row = (1 - w) row + w mean_columns(g^2);  column = (1 - w) column + w mean_rows(g^2)
        v = row column / mean(row)                                  (factored)
        v = (1 - w) v + w g^2                                       (all other arrays)
        u = g / sqrt(v);  u = u / max(1, rms(u) / clip_threshold)
        alpha = max(epsilon_2, rms(p)) min(learning_rate, 1 / sqrt(t))
        m = beta_1 m + (1 - beta_1) alpha u;  p = p - m

    An override ``{"own_rule": False}`` keeps the second moment of an array whole.

    State: 4 bytes per row and per column of a factored array, always float32; 4 bytes per parameter
    of all others, and 4 more with `beta_1`: a half of these in bfloat16, a quarter in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, or its upper limit with `relative_step`.
    beta_2_decay : float, default -0.8
        Exponent of w, at most 0: the decay rate of the second moment goes to 1.
    epsilon_1 : float, default 1e-30
        Keeps the second moment from zero: see `epsilon_mode`.
    epsilon_2 : float, default 0.001
        Smallest size of the parameters that the step is relative to.
    clip_threshold : float, default 1.0
        Largest rms of the direction.
    relative_step : bool, default True
        Whether the learning rate is at most ``1 / sqrt(t)``.
    scale_parameter : bool, default True
        Whether the step is relative to the size of the parameters; without, alpha is the rate.
    epsilon_mode : {"clamp", "add"}, default "clamp"
        Whether, as in torch, mean(row) is at least `epsilon_1` and v at least its square; or
        whether, as in the paper and Keras, it is added to g^2.
    beta_1 : float, default 0.0
        Decay rate of a momentum of the steps, in [0, 1); 0 is none and needs no memory.
    min_dim_size_to_factor : int, default 0
        Arrays with one of the two axes shorter than this are not factored.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The values are Keras's, but for ``epsilon_mode="clamp"``, torch's: Keras adds `epsilon_1` to
    g^2. The second moment of factored arrays is stored nowhere in full; Keras keeps it.

    References
    ----------
    Shazeer and Stern 2018, arXiv 1804.04235.
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
