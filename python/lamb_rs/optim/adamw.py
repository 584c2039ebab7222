"""AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import CommonArguments, Source


@final
class AdamW(Rule):
    """AdamW is Adam with weight decay that is decoupled from the gradient.

    It is the usual first choice for transformers and for most other models. Weight decay shrinks
    every parameter at the same relative rate, whatever its gradients. Most recipes exclude biases
    and the scales of normalization layers from it.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        u = sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)
        p = p - learning_rate u - learning_rate weight_decay p

    With ``epsilon_mode="out"``, ``u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)``.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    weight_decay : float or None, default 0.004
        Weight decay, at least 0. None switches it off.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-7
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    amsgrad : bool, "corrected" or "paper", default False
        Whether to divide by the largest v so far: see `Adam`.
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
        Arguments that every optimizer has, such as `weight_decay_mode`, `clipnorm` and `use_ema`:
        see `Optimizer`.

    Notes
    -----
    The defaults are those of Keras, where ``weight_decay=None`` is an error. torch has
    ``weight_decay=0.01``, ``epsilon=1e-8`` and ``epsilon_mode="out"``.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8. With `amsgrad`, 4 bytes
    more, always in float32.

    References
    ----------
    Loshchilov and Hutter 2017, "Decoupled Weight Decay Regularization", arXiv 1711.05101, algorithm
    2. Cautious updates: Liang et al. 2024, arXiv 2411.16085.

    Examples
    --------
    Without a gradient only weight decay acts, here on the kernel but not on the bias:

    >>> import numpy as np
    >>> from lamb_rs import AdamW
    >>> params = {"kernel": np.ones(2, np.float32), "bias": np.ones(2, np.float32)}
    >>> optimizer = AdamW(0.1, weight_decay=0.5)
    >>> optimizer.exclude_from_weight_decay(var_names=["bias"])
    >>> optimizer.build(params)
    >>> optimizer.apply({"kernel": np.zeros(2, np.float32), "bias": np.zeros(2, np.float32)})
    True
    >>> print(params["kernel"], params["bias"])
    [0.95 0.95] [1. 1.]
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
