"""LAMB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number, OptionalPair, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Lamb(Optimizer):
    """Layer-wise adaptive moments for large batches.

    With ``c1 = 1 - beta_1^t`` and ``c2 = 1 - beta_2^t`` in update t, norms over one parameter
    array::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        u = (m / c1) / (sqrt(v / c2) + epsilon) + weight_decay p
        p = p - learning_rate (|p| / |u|) u

    Where a norm is zero, the ratio is 1.

    State: 8 bytes per parameter; 4 in bfloat16, 2 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, relative to the norm of the parameter.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-7
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    epsilon_mode : {"out", "hat", "in"}, default "out"
        Beside the corrected root as in the paper, beside the raw one, or under the corrected one.
    bias_correction : bool, "rate" or "first_moment", default True
        Of both moments; of none; of none, but ``sqrt(c2) / c1`` in the learning rate; or of the
        first moment only.
    form : {"joint", "sum"}, default "joint"
        Denominator of the ratio: the norm of u, or the sum of the norms of its two parts.
    phi : (low, high) or None, default None
        Limits of the norm of the parameter in the ratio.
    trust_clip : (low, high) or None, default None
        Limits of the ratio; (0, 1) is LAMBC.
    always_adapt : bool, default True
        Whether parameters without weight decay are adapted too.
    gradient_averaging : bool, default True
        Whether the first moment takes ``(1 - beta_1) g``, or g.
    trust_epsilon : float, default 0.0
        Small constant of the ratio's denominator.
    cautious : bool or "sum1", default False
        Whether elements move only where the direction, before decay, and the gradient have the
        same sign. Their steps are multiplied by ``1 / max(share, 1e-3)``, with the share of
        elements that move; or, with "sum1", by the paper's ``size / (moving + 1)``.
    **shared
        Arguments of every optimizer: see `Optimizer`. `weight_decay_mode` is "update" by default.

    Notes
    -----
    Weight decay is inside the ratio, as in the paper. Keras has it outside; that is
    ``weight_decay_mode="decoupled"``. Without weight decay, both are the same.

    References
    ----------
    You et al. 2019, arXiv 1904.00962; cautious: Liang et al. 2024, arXiv 2411.16085.
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
