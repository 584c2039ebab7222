"""AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import CommonArguments, Source


@final
class AdamW(Optimizer):
    """Adam with decoupled weight decay.

    With ``c1 = 1 - beta_1^t`` and ``c2 = 1 - beta_2^t`` in update t::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        u = (sqrt(c2) / c1) m / (sqrt(v) + epsilon)       (epsilon_mode="hat")
        u = (m / c1) / (sqrt(v / c2) + epsilon)           (epsilon_mode="out")
        p = p - learning_rate (weight_decay p + u)

    State: 8 bytes per parameter, 12 with AMSGrad; 4 in bfloat16, 2 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    weight_decay : float or None, default 0.004
        Weight decay; None is none.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-7
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    amsgrad : bool, "corrected" or "paper", default False
        Running maximum in place of v: see `Adam`.
    epsilon_mode : {"hat", "out"}, default "hat"
        Beside the raw root as in Keras, or beside the corrected one as in torch.
    epsilon_root : float, default 0.0
        Small constant under the root.
    cautious : bool or "sum1", default False
        Whether elements move only where the direction, before decay, and the gradient have the
        same sign. Their steps are multiplied by ``1 / max(share, 1e-3)``, with the share of
        elements that move; or, with "sum1", by the paper's ``size / (moving + 1)``.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The defaults are Keras's; there, ``weight_decay=None`` is an error.

    References
    ----------
    Loshchilov and Hutter 2017, arXiv 1711.05101; cautious: Liang et al. 2024, arXiv 2411.16085.
    """

    __slots__ = ()
    _algorithm = "adamw"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    amsgrad: Choice[bool | Literal["corrected", "paper"]] = Choice()
    epsilon_mode: Choice[Literal["hat", "out"]] = Choice()
    epsilon_root = Number()
    cautious: Choice[bool | Literal["sum1"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool | Literal["corrected", "paper"] = False,
        *,
        epsilon_mode: Literal["hat", "out"] = "hat",
        epsilon_root: float = 0.0,
        cautious: bool | Literal["sum1"] = False,
        **shared: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            epsilon_mode=epsilon_mode,
            epsilon_root=epsilon_root,
            cautious=cautious,
            **shared,
        )
