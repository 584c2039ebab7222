"""Adan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Adan(Optimizer):
    """Adaptive Nesterov momentum: moments of the gradient and of its change.

    With ``d = g - (previous g)``, 0 in the first update, and ``ck = 1 - beta_k^t`` in update t::

        m = beta_1 m + (1 - beta_1) g
        n = beta_2 n + (1 - beta_2) d
        v = beta_3 v + (1 - beta_3) (g + beta_2 d)^2
        u = (m / c1 + beta_2 n / c2) / (sqrt(v / c3) + epsilon)
        p = (p - learning_rate u) / (1 + learning_rate weight_decay)              (form="proximal")
        p = p - learning_rate (weight_decay p + u)                                (form="decoupled")

    State: 16 bytes per parameter; 10 in bfloat16, 7 in float8, as the gradient stays float32.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    beta_1 : float, Schedule or callable, default 0.98
        Decay rate of the first moment, in [0, 1); 1 less the paper's.
    beta_2 : float, Schedule or callable, default 0.92
        Decay rate of the moment of the differences, in [0, 1).
    beta_3 : float, Schedule or callable, default 0.99
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-8
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    form : {"proximal", "decoupled"}, default "proximal"
        How weight decay acts, where `weight_decay_mode` is "decoupled".
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    Keras has no Adan; the defaults are those of the authors' code.

    References
    ----------
    Xie et al. 2022, arXiv 2208.06677.
    """

    __slots__ = ()
    _algorithm = "adan"

    beta_1 = Moving()
    beta_2 = Moving()
    beta_3 = Moving()
    epsilon = Number()
    form: Choice[Literal["proximal", "decoupled"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.98,
        beta_2: Source = 0.92,
        beta_3: Source = 0.99,
        epsilon: float = 1e-8,
        *,
        form: Literal["proximal", "decoupled"] = "proximal",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            beta_3=beta_3,
            epsilon=epsilon,
            form=form,
            **shared,
        )
