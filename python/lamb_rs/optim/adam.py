"""Adam and AMSGrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Adam(Rule):
    """Adam divides an average of the gradient by the root of an average of its square.

    It trains most models with little tuning, as the size of a step depends on the learning rate and
    not on the size of the gradient. Where weight decay matters, use `AdamW`.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        u = sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)
        p = p - learning_rate u

    With ``epsilon_mode="out"``, ``u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)``.

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
    amsgrad : bool, "corrected" or "paper", default False
        Whether to divide by the largest v so far: True takes the maximum of v as in Keras and
        torch; "corrected" the maximum of ``v / (1 - beta_2^t)`` as in optax; "paper" the maximum of
        v, without any bias correction.
    epsilon_mode : {"hat", "out"}, default "hat"
        Where epsilon is added: to the root of v as in Keras ("hat"), or to the root of the
        corrected v as in torch and optax ("out").
    epsilon_root : float, default 0.0
        Constant that is added under the root, at least 0.
    cautious : bool or "sum1", default False
        Whether to update only the elements whose direction u, before weight decay, has the same
        sign as the gradient. Their steps are multiplied by ``1 / max(s, 1e-3)``, where s is the
        share of these elements in the array. With "sum1" the factor is ``n / (k + 1)`` as in the
        paper, where k of the n elements are updated.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of Keras. torch and optax have ``epsilon=1e-8`` and
    ``epsilon_mode="out"``. With "hat" the same epsilon has more effect in the first updates: 31.6
    times as much in update 1 with the default `beta_2`.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8. With `amsgrad`, 4 bytes
    more, always in float32.

    References
    ----------
    Kingma and Ba 2014, "Adam: A Method for Stochastic Optimization", arXiv 1412.6980, algorithm 1;
    "hat" is the variant at the end of section 2. AMSGrad: Reddi et al. 2018, "On the Convergence of
    Adam and Beyond", arXiv 1904.09237, algorithm 2. Cautious updates: Liang et al. 2024,
    arXiv 2411.16085.

    Examples
    --------
    The first step has the size of the learning rate, whatever the size of the gradient:

    >>> import numpy as np
    >>> from lamb_rs import Adam
    >>> p, g = np.zeros(3, np.float32), np.array([-1000, -1, 0.001], np.float32)
    >>> optimizer = Adam(0.1)
    >>> optimizer.build(p)
    >>> optimizer.apply(g)
    True
    >>> print(p.round(3))
    [ 0.1  0.1 -0.1]
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
