"""Lion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Lion(Rule):
    """Lion moves every element by the learning rate, in the direction of the sign of a momentum.

    It keeps half the state of Adam. Because all steps have the same size, it needs a smaller
    learning rate, about a tenth of that of `AdamW`, and about ten times the weight decay.

    For an array p with gradient g and momentum m, which is 0 before the first update::

        u = sign(beta_1 m + (1 - beta_1) g)
        m = beta_2 m + (1 - beta_2) g
        p = p - learning_rate u

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Size of the step of every element, at least 0. It may also be a schedule, or a function
        without arguments: see `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Weight of the momentum in the direction u, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.99
        Decay rate of the momentum, in [0, 1).
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
    The defaults are those of Keras. The authors and timm have ``learning_rate=1e-4``.

    State: 4 bytes per parameter in float32, 2 in bfloat16, 1 in float8.

    References
    ----------
    Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", arXiv 2302.06675, algorithm
    2. Cautious updates: Liang et al. 2024, arXiv 2411.16085.

    Examples
    --------
    Every element with a gradient moves by 0.01, whatever the size of its gradient:

    >>> import numpy as np
    >>> from lamb_rs import Lion
    >>> p, g = np.zeros(3, np.float32), np.array([-1000, 0.001, 0], np.float32)
    >>> optimizer = Lion(0.01)
    >>> optimizer.build(p)
    >>> optimizer.apply(g)
    True
    >>> print(p)
    [ 0.01 -0.01  0.  ]
    """

    __slots__ = ()
    _algorithm = "lion"

    beta_1 = Moving()
    beta_2 = Moving()
    cautious: Choice[bool | Literal["sum1"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.99,
        *,
        cautious: bool | Literal["sum1"] = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            cautious=cautious,
            **shared,
        )
