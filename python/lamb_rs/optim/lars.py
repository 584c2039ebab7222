"""LARS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number, OptionalPair, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Lars(Rule):
    """LARS gives each array a step size in proportion to its norm, for SGD with momentum.

    It is made for training convolutional networks with large batches. The trust ratio contains
    `trust_coefficient`, so learning rates are larger than those of `SGD`: 1 to 10 is usual. Exclude
    biases and the scales of normalization layers from the trust ratio and from weight decay.

    For an array p with gradient g, with velocity m, which is 0 before the first update, norms over
    the array, and the trust ratio q::

        q = if(norm(p) norm(g) == 0, 1, trust_coefficient norm(p) / norm(g))
        m = momentum m + learning_rate q g
        p = p - m

    With weight decay, ``g + weight_decay p`` replaces g in the second line, and the denominator of
    q is ``norm(g) + weight_decay norm(p) + epsilon``.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 1.0
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    momentum : float, Schedule or callable, default 0.9
        Decay rate of the velocity, in [0, 1).
    trust_coefficient : float, default 1e-3
        Factor of the trust ratio, at least 0.
    nesterov : bool, default False
        Whether to use Nesterov's momentum. It needs one of the first three values of `form`.
    epsilon : float, default 0.0
        Constant that is added to the denominator of the trust ratio, at least 0.
    form : str, default "lr_inside"
        The order of the operations and the norm in the trust ratio. With
        ``d = g + weight_decay p``:

        * "lr_inside", the paper's: ``m = momentum m + learning_rate q d``, ``p = p - m``.
        * "lr_outside", timm's: ``m = momentum m + q d``, ``p = p - learning_rate m``.
        * "joint_norm", optax's: as "lr_inside", where the denominator of q is
          ``norm(d) + epsilon``.
        * "momentum_norm", that of the LAMB paper: ``m = momentum m + (1 - momentum) d``,
          ``p = p - learning_rate q m``, where the denominator of q is ``norm(m) + epsilon``.
        * "ratio_outside": as "momentum_norm", with the q of "lr_inside".
    trust_clip : (low, high) or None, default None
        If set, ``clip(q / learning_rate, low, high)`` replaces q, as in timm; ``0 <= low <= high``.
        With (0, 1) no step is longer than that of `SGD` with the same learning rate and momentum.
    always_adapt : bool, default True
        Whether arrays without weight decay get a trust ratio too; if not, their ratio is 1.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`. `weight_decay_mode` is "l2" by default.

    Notes
    -----
    Keras and torch have no LARS; the defaults are those of the paper. An array whose norm or
    gradient norm is 0 gets the trust ratio 1, so a bias that starts at 0 makes a first step about
    1000 times larger, relative to its gradient, than other arrays.

    State: 4 bytes per parameter in float32, 2 in bfloat16, 1 in float8.

    References
    ----------
    You et al. 2017, "Large Batch Training of Convolutional Networks", arXiv 1708.03888, algorithm
    1. "momentum_norm": You et al. 2019, arXiv 1904.00962, algorithm 1.

    Examples
    --------
    The kernel moves by ``trust_coefficient`` times its norm; the excluded bias by its gradient:

    >>> import numpy as np
    >>> from lamb_rs import Lars
    >>> params = {"kernel": np.array([3, 4], np.float32), "bias": np.ones(2, np.float32)}
    >>> grads = {"kernel": np.array([60, 80], np.float32), "bias": np.full(2, 0.25, np.float32)}
    >>> optimizer = Lars(1.0, trust_coefficient=0.01)
    >>> optimizer.exclude_from_layer_adaptation(var_names=["bias"])
    >>> optimizer.apply(grads, params)
    True
    >>> print(optimizer.trust_ratios)
    [0.0005    nan]
    >>> print(params["kernel"], params["bias"])
    [2.97 3.96] [0.75 0.75]
    """

    __slots__ = ()
    _algorithm = "lars"

    momentum = Moving()
    trust_coefficient = Number()
    nesterov = Switch()
    epsilon = Number()
    form: Choice[
        Literal["lr_inside", "lr_outside", "joint_norm", "momentum_norm", "ratio_outside"]
    ] = Choice()
    trust_clip = OptionalPair()
    always_adapt = Switch()

    def __init__(
        self,
        learning_rate: Source = 1.0,
        momentum: Source = 0.9,
        trust_coefficient: float = 1e-3,
        nesterov: bool = False,
        *,
        epsilon: float = 0.0,
        form: Literal[
            "lr_inside", "lr_outside", "joint_norm", "momentum_norm", "ratio_outside"
        ] = "lr_inside",
        trust_clip: tuple[float, float] | None = None,
        always_adapt: bool = True,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            momentum=momentum,
            trust_coefficient=trust_coefficient,
            nesterov=nesterov,
            epsilon=epsilon,
            form=form,
            trust_clip=trust_clip,
            always_adapt=always_adapt,
            **shared,
        )
