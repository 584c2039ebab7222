"""AdaMax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Adamax(Optimizer):
    """Adam with the infinity norm in place of the second moment.

    With ``c1 = 1 - beta_1^t`` in update t::

        m = beta_1 m + (1 - beta_1) g
        u = max(beta_2 u, |g|);            s = m / (u + epsilon)            (epsilon_mode="out")
        u = max(beta_2 u, |g| + epsilon);  s = m / u                        (epsilon_mode="in")
        p = p - (learning_rate / c1) s

    State: 8 bytes per parameter; 6 in bfloat16, 5 in float8, as u stays float32.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the maximum, in [0, 1).
    epsilon : float, default 1e-7
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    epsilon_mode : {"out", "in"}, default "out"
        Beside the maximum as in Keras, or inside it as in torch and optax.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The defaults are Keras's.

    References
    ----------
    Kingma and Ba 2014, arXiv 1412.6980, section 7.1.
    """

    __slots__ = ()
    _algorithm = "adamax"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    epsilon_mode: Choice[Literal["out", "in"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-7,
        *,
        epsilon_mode: Literal["out", "in"] = "out",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            epsilon_mode=epsilon_mode,
            **shared,
        )
