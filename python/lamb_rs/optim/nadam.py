"""Nadam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Nadam(Rule):
    """Nadam is Adam with Nesterov's momentum.

    The direction contains the current gradient twice: in the first moment, and once more as a
    look-ahead step. It can learn faster than Adam, at the same cost. Three published formulas share
    the name; `form` chooses among them.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        mu = beta_1 (1 - 0.96^(t momentum_decay) / 2)
        mu_next = beta_1 (1 - 0.96^((t + 1) momentum_decay) / 2)
        product = if(t == 1, 1, product) mu
        n = mu_next m / (1 - product mu_next) + (1 - mu) g / (1 - product)
        u = n / (sqrt(v / (1 - beta_2^t)) + epsilon)
        p = p - learning_rate u

    The other forms have a constant momentum::

        n = (beta_1 m + (1 - beta_1) g) / (1 - beta_1^t)                        (form="ruder")
        n = beta_1 m / (1 - beta_1^(t + 1)) + (1 - beta_1) g / (1 - beta_1^t)   (form="optax")

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-7
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    form : {"dozat", "ruder", "optax"}, default "dozat"
        The formula of n: that of the paper, torch and Keras, whose momentum mu grows from
        ``beta_1 / 2`` to `beta_1` ("dozat"); that of the NAdamW of AlgoPerf and timm ("ruder"); or
        that of optax ("optax").
    momentum_decay : float, default 0.004
        Rate at which the momentum grows, for ``form="dozat"``; at least 0.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of Keras, except ``momentum_decay=0.004``, which is the value of the
    paper and of torch. Keras has 1, with which the momentum reaches `beta_1` within about 100
    updates.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8, and one number for all of
    them.

    References
    ----------
    Dozat 2016, "Incorporating Nesterov Momentum into Adam", ICLR workshop. "ruder": Ruder 2016, "An
    overview of gradient descent optimization algorithms", arXiv 1609.04747.

    Examples
    --------
    The three forms differ most in the first updates:

    >>> import numpy as np
    >>> from lamb_rs import Nadam
    >>> for form in ("dozat", "ruder", "optax"):
    ...     p, g = np.zeros(1, np.float32), np.full(1, -1, np.float32)
    ...     optimizer = Nadam(0.1, form=form)
    ...     optimizer.build(p)
    ...     _ = optimizer.apply(g)
    ...     print(form, p.round(3))
    dozat [0.106]
    ruder [0.19]
    optax [0.147]
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
