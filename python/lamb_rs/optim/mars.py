"""MARS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Mars(Optimizer):
    """AdamW or Lion on gradients whose variance is reduced.

    With ``c1 = 1 - beta_1^t`` and ``c2 = 1 - beta_2^t`` in update t, |c| the norm over one
    parameter array::

        c = g + gamma beta_1 / (1 - beta_1) (g - (previous g));  c = c / max(1, |c|)
        m = beta_1 m + (1 - beta_1) c;  v = beta_2 v + (1 - beta_2) c^2
        p = p - learning_rate (m / c1) / (sqrt(v / c2) + epsilon)                     (form="adamw")
        p = p - learning_rate sign(m)                                                  (form="lion")

    Arrays with fewer than two axes, and those with an override ``{"own_rule": False}``, follow
    `AdamW` with ``epsilon_mode="out"`` and the values that are named after them.

    State: 12 bytes per parameter; 8 in bfloat16, 6 in float8, as the gradient stays float32.
    ``form="lion"`` has no v.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.003
        Step size.
    beta_1 : float, Schedule or callable, default 0.95
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.99
        Decay rate of the second moment, in [0, 1).
    gamma : float, default 0.025
        Strength of the correction.
    epsilon : float, default 1e-8
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    form : {"adamw", "lion"}, default "adamw"
        What the corrected gradients are given to.
    correct_first_step : bool, default True
        Whether the first update corrects with a previous gradient of 0, as the authors' code does,
        or not at all, as in timm.
    optimize_1d : bool, default False
        Whether arrays with fewer than two axes follow the rule too.
    learning_rate_1d_factor : float, default 1.0
        Their learning rate over that of the others.
    beta_1_1d : float, default 0.9
        Decay rate of their first moment, in [0, 1).
    beta_2_1d : float, default 0.95
        Decay rate of their second moment, in [0, 1).
    weight_decay_1d : float, default 0.1
        Their weight decay.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    Keras has no MARS; the defaults are those of the authors' code.

    References
    ----------
    Yuan et al. 2024, arXiv 2411.10438.
    """

    __slots__ = ()
    _routes = True
    _algorithm = "mars"

    beta_1 = Moving()
    beta_2 = Moving()
    gamma = Number()
    epsilon = Number()
    form: Choice[Literal["adamw", "lion"]] = Choice()
    correct_first_step = Switch()
    optimize_1d = Switch()
    learning_rate_1d_factor = Number()
    beta_1_1d = Number()
    beta_2_1d = Number()
    weight_decay_1d = Number()

    def __init__(
        self,
        learning_rate: Source = 0.003,
        beta_1: Source = 0.95,
        beta_2: Source = 0.99,
        gamma: float = 0.025,
        epsilon: float = 1e-8,
        *,
        form: Literal["adamw", "lion"] = "adamw",
        correct_first_step: bool = True,
        optimize_1d: bool = False,
        learning_rate_1d_factor: float = 1.0,
        beta_1_1d: float = 0.9,
        beta_2_1d: float = 0.95,
        weight_decay_1d: float = 0.1,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            gamma=gamma,
            epsilon=epsilon,
            form=form,
            correct_first_step=correct_first_step,
            optimize_1d=optimize_1d,
            learning_rate_1d_factor=learning_rate_1d_factor,
            beta_1_1d=beta_1_1d,
            beta_2_1d=beta_2_1d,
            weight_decay_1d=weight_decay_1d,
            **shared,
        )
