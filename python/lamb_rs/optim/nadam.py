"""Nadam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Nadam(Optimizer):
    """Adam with Nesterov's acceleration, in its three published forms.

    With ``c1 = 1 - beta_1^t`` and ``c2 = 1 - beta_2^t`` in update t, m and v as in Adam,
    ``mu_t = beta_1 (1 - 0.96^(t momentum_decay) / 2)`` and M_t the product of mu_1 to mu_t::

        n = mu_(t+1) m / (1 - M_(t+1)) + (1 - mu_t) g / (1 - M_t)           (form="dozat")
        n = (beta_1 m + (1 - beta_1) g) / c1                                (form="ruder")
        n = beta_1 m / (1 - beta_1^(t+1)) + (1 - beta_1) g / c1             (form="optax")
        p = p - learning_rate n / (sqrt(v / c2) + epsilon)

    State: 8 bytes per parameter and one product; 4 in bfloat16, 2 in float8.

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
    form : {"dozat", "ruder", "optax"}, default "dozat"
        With a warm-up of the momentum as in the paper, torch and Keras; with a constant one, which
        is AlgoPerf's and timm's NAdamW; or optax's.
    momentum_decay : float, default 0.004
        Speed of that warm-up, for ``form="dozat"``.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The defaults are Keras's, but for ``momentum_decay=0.004``, the paper's and torch's: Keras has
    ``momentum_decay=1``, with which the warm-up is over after a few updates.

    References
    ----------
    Dozat 2016, "Incorporating Nesterov momentum into Adam", ICLR workshop; Ruder 2016,
    arXiv 1609.04747.
    """

    __slots__ = ()
    _algorithm = "nadam"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    form: Choice[Literal["dozat", "ruder", "optax"]] = Choice()
    momentum_decay = Number()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-7,
        *,
        form: Literal["dozat", "ruder", "optax"] = "dozat",
        momentum_decay: float = 0.004,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            form=form,
            momentum_decay=momentum_decay,
            **shared,
        )
