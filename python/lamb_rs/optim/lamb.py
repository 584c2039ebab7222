"""LAMB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number, OptionalPair, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Lamb(Rule):
    """LAMB scales Adam's update of each array to the norm of the parameters in it.

    It is made for training with large batches: the step of each layer is a fixed fraction of its
    weights, so the learning rate stays useful as the batch grows. Most recipes exclude biases and
    the scales of normalization layers from weight decay and from the trust ratio.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update, norms over the array, and the trust ratio q::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
        q = if(norm(p) norm(u) == 0, 1, norm(p) / norm(u))
        p = p - learning_rate q u

    With weight decay, ``u = u + weight_decay p`` comes before the trust ratio.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size relative to the norm of the array, at least 0. It may also be a schedule, or a
        function without arguments: see `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-7
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    epsilon_mode : {"out", "hat", "in"}, default "out"
        Where epsilon is added: to the root of the corrected v as in the paper ("out"), to the root
        of v ("hat"), or to the corrected v under the root ("in").
    bias_correction : bool, "rate" or "first_moment", default True
        Which bias corrections apply: True corrects both moments, False none. "rate" multiplies the
        learning rate by ``sqrt(1 - beta_2^t) / (1 - beta_1^t)``, and "first_moment" divides it by
        ``1 - beta_1^t``, outside of the trust ratio.
    form : {"joint", "sum"}, default "joint"
        Denominator of the trust ratio: the norm of u with its weight decay ("joint"), or the sum of
        the norms of the two parts ("sum").
    phi : (low, high) or None, default None
        Limits for the norm of the parameters in the trust ratio, with ``0 <= low <= high``; None
        sets no limits.
    trust_clip : (low, high) or None, default None
        Limits for the trust ratio, with ``0 <= low <= high``. (0, 1) is LAMBC.
    always_adapt : bool, default True
        Whether arrays without weight decay get a trust ratio too; if not, their ratio is 1.
    gradient_averaging : bool, default True
        Whether the gradient enters the first moment with the factor ``1 - beta_1``, or with 1.
    trust_epsilon : float, default 0.0
        Constant that is added to the denominator of the trust ratio, at least 0.
    cautious : bool or "sum1", default False
        Whether to update only the elements whose direction u, before weight decay, has the same
        sign as the gradient. Their steps are multiplied by ``1 / max(s, 1e-3)``, where s is the
        share of these elements in the array. With "sum1" the factor is ``n / (k + 1)`` as in the
        paper, where k of the n elements are updated.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`. `weight_decay_mode` is "update" by default.

    Notes
    -----
    Weight decay is part of the update that the trust ratio scales, as in the paper. In Keras it is
    not: use ``weight_decay_mode="decoupled"`` for the same results. Without weight decay the two
    agree. optax and timm have ``epsilon=1e-6``.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8.

    References
    ----------
    You et al. 2019, "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes",
    arXiv 1904.00962, algorithm 2. Cautious updates: Liang et al. 2024, arXiv 2411.16085.

    Examples
    --------
    Both arrays move by a tenth of their norm, although the gradients are equal:

    >>> import numpy as np
    >>> from lamb_rs import Lamb
    >>> small, g = np.array([0.3, 0.4], np.float32), np.array([1, -1], np.float32)
    >>> params = {"small": small, "large": 100 * small}
    >>> optimizer = Lamb(0.1)
    >>> optimizer.apply({"small": g, "large": g}, params)
    True
    >>> print(optimizer.trust_ratios.round(3))
    [ 0.354 35.355]
    >>> print(params["small"].round(3), params["large"].round(1))
    [0.265 0.435] [26.5 43.5]
    """

    __slots__ = ()
    _algorithm = "lamb"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    epsilon_mode: Choice[Literal["out", "hat", "in"]] = Choice()
    bias_correction: Choice[bool | Literal["rate", "first_moment"]] = Choice()
    form: Choice[Literal["joint", "sum"]] = Choice()
    phi = OptionalPair()
    trust_clip = OptionalPair()
    always_adapt = Switch()
    gradient_averaging = Switch()
    trust_epsilon = Number()
    cautious: Choice[bool | Literal["sum1"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-7,
        *,
        epsilon_mode: Literal["out", "hat", "in"] = "out",
        bias_correction: bool | Literal["rate", "first_moment"] = True,
        form: Literal["joint", "sum"] = "joint",
        phi: tuple[float, float] | None = None,
        trust_clip: tuple[float, float] | None = None,
        always_adapt: bool = True,
        gradient_averaging: bool = True,
        trust_epsilon: float = 0.0,
        cautious: bool | Literal["sum1"] = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            epsilon_mode=epsilon_mode,
            bias_correction=bias_correction,
            form=form,
            phi=phi,
            trust_clip=trust_clip,
            always_adapt=always_adapt,
            gradient_averaging=gradient_averaging,
            trust_epsilon=trust_epsilon,
            cautious=cautious,
            **shared,
        )
