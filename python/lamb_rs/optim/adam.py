"""Adam and AMSGrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Adam(Optimizer):
    """Adaptive moments; AMSGrad by a switch.

    With ``c1 = 1 - beta_1^t`` and ``c2 = 1 - beta_2^t`` in update t::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        p = p - learning_rate (sqrt(c2) / c1) m / (sqrt(v) + epsilon)       (epsilon_mode="hat")
        p = p - learning_rate (m / c1) / (sqrt(v / c2) + epsilon)           (epsilon_mode="out")

    State: 8 bytes per parameter, 12 with AMSGrad; 4 in bfloat16, 2 in float8.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-7
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    amsgrad : bool, "corrected" or "paper", default False
        Running maximum in place of v: of v (True, as in Keras and torch), of ``v / c2``
        ("corrected", as in optax), or of v with no bias correction at all ("paper").
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
    The defaults are Keras's.

    References
    ----------
    Kingma and Ba 2014, arXiv 1412.6980; AMSGrad: Reddi et al. 2018, arXiv 1904.09237; cautious:
    Liang et al. 2024, arXiv 2411.16085.
    """

    __slots__ = ()
    _algorithm = "adam"

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
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool | Literal["corrected", "paper"] = False,
        *,
        epsilon_mode: Literal["hat", "out"] = "hat",
        epsilon_root: float = 0.0,
        cautious: bool | Literal["sum1"] = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            epsilon_mode=epsilon_mode,
            epsilon_root=epsilon_root,
            cautious=cautious,
            **shared,
        )
