"""MARS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Mars(Rule):
    """MARS is AdamW or Lion on gradients whose variance is reduced by the change of the gradient.

    It is made for training large models, where noise in the gradient limits progress. The corrected
    gradient of each array is clipped to a norm of 1. Arrays with fewer than two axes, such as
    biases, follow `AdamW` with ``epsilon_mode="out"`` and the arguments whose names contain ``1d``.

    For an array p with gradient g, in update t = 1, 2, ..., where m, v and g_old are 0 before the
    first update, and with the norm over the array::

        c = g + gamma beta_1 / (1 - beta_1) (g - g_old)
        g_old = g
        c = c / max(norm(c), 1)
        m = beta_1 m + (1 - beta_1) c
        v = beta_2 v + (1 - beta_2) c^2
        u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
        p = p - learning_rate u

    With ``form="lion"``, ``u = sign(m)``. An override ``{"own_rule": False}`` in `build` makes any
    array follow AdamW.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.003
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.95
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.99
        Decay rate of the second moment v, in [0, 1).
    gamma : float, default 0.025
        Strength of the correction of the gradient, at least 0.
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    form : {"adamw", "lion"}, default "adamw"
        The rule that the corrected gradient is given to.
    correct_first_step : bool, default True
        Whether the first update corrects the gradient too, with 0 as the previous gradient, as in
        the code of the authors; timm does not.
    optimize_1d : bool, default False
        Whether arrays with fewer than two axes follow MARS instead of AdamW.
    learning_rate_1d_factor : float, default 1.0
        Factor of the learning rate for arrays that follow AdamW, at least 0.
    beta_1_1d : float, default 0.9
        Decay rate of their first moment, in [0, 1).
    beta_2_1d : float, default 0.95
        Decay rate of their second moment, in [0, 1).
    weight_decay_1d : float, default 0.1
        Their weight decay, at least 0.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no MARS; the defaults are those of the code of the authors. timm has
    ``beta_1=0.9``.

    State: 12 bytes per parameter in float32, 8 in bfloat16, 6 in float8. The previous gradient is
    always in float32. ``form="lion"`` does not keep v. Arrays that follow AdamW have no previous
    gradient.

    References
    ----------
    Yuan et al. 2024, "MARS: Unleashing the Power of Variance Reduction for Training Large Models",
    arXiv 2411.10438.

    Examples
    --------
    The matrix follows MARS and keeps its previous gradient, the vector follows AdamW:

    >>> import numpy as np
    >>> from lamb_rs import Mars
    >>> params = {"kernel": np.ones((2, 2), np.float32), "bias": np.ones(2, np.float32)}
    >>> optimizer = Mars()
    >>> optimizer.build(params)
    >>> [name for name in sorted(optimizer.state_dict()) if not name.startswith("optimizer/")]
    ['bias/momentum', 'bias/velocity', 'kernel/gradient', 'kernel/momentum', 'kernel/velocity']
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
