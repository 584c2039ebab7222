"""LARS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number, OptionalPair, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Lars(Optimizer):
    """Layer-wise adaptive rates for momentum.

    With ``d = g + weight_decay p`` and norms over one parameter array::

        q = trust_coefficient |p| / (|g| + weight_decay |p| + epsilon)
        v = momentum v + learning_rate q d;  p = p - v      (form="lr_inside", the paper's)
        b = momentum b + q d;  p = p - learning_rate b      (form="lr_outside", timm's)
        m = momentum m + (1 - momentum) d;  p = p - learning_rate q m    (form="ratio_outside")

    ``form="joint_norm"`` is optax's: as "lr_inside" with ``|d| + epsilon`` below the line.
    ``form="momentum_norm"`` is the LAMB paper's: as "ratio_outside" with
    ``q = trust_coefficient |p| / |m|``. Where a norm is zero, q is 1.

    State: 4 bytes per parameter; 2 in bfloat16, 1 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 1.0
        Step size.
    momentum : float, Schedule or callable, default 0.9
        Decay rate of the velocity, in [0, 1).
    trust_coefficient : float, default 1e-3
        Factor of the ratio q.
    nesterov : bool, default False
        Whether to look ahead along the velocity.
    epsilon : float, default 0.0
        Small constant of the ratio's denominator.
    form : str, default "lr_inside"
        Where learning rate and ratio enter, and which norm the ratio takes: "lr_inside",
        "lr_outside", "joint_norm", "ratio_outside" or "momentum_norm", as above.
    trust_clip : (low, high) or None, default None
        Limits of ``q / learning_rate``, as in timm: (0, 1) never steps further than plain momentum
        would.
    always_adapt : bool, default True
        Whether parameters without weight decay are adapted too.
    **shared
        Arguments of every optimizer: see `Optimizer`. `weight_decay_mode` is "l2" by default.

    Notes
    -----
    Keras has no LARS; the defaults are the paper's.

    References
    ----------
    You et al. 2017, arXiv 1708.03888; You et al. 2019, arXiv 1904.00962, algorithm 1.
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
