"""AdamP."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Moving, Number, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class AdamP(Rule):
    """AdamP is Adam without the part of each step that only makes normalized weights longer.

    The output of a layer with batch or layer normalization does not depend on the length of its
    weights. Steps with momentum make these weights longer nevertheless, which makes later steps
    less effective. AdamP finds such weights by their gradient, which is orthogonal to them.

    For an array p with two axes or more and gradient g, in update t = 1, 2, ..., with moments m and
    v, which are 0 before the first update::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
        c = abs(channel_sum(g p)) / max(sqrt(channel_sum(g^2) channel_sum(p^2)), epsilon)
        channels = largest(c) < delta / sqrt(channel_size(p))
        layer = abs(sum(g p)) / max(norm(g) norm(p), epsilon) < delta / sqrt(size(p))
        length = if(channels, sqrt(channel_sum(p^2)), norm(p))
        n = p / (length + epsilon)
        u = u - if(channels, channel_sum(n u), if(layer, sum(n u), 0)) n
        p = p - learning_rate u

    A channel is a slice of the first axis. If the gradient is nearly orthogonal to the weights of
    every channel, the part of u along the weights of each channel is removed; otherwise, if it is
    nearly orthogonal to the whole array, the part along the whole array is removed. In both cases,
    weight decay is multiplied by `weight_decay_ratio`. An array with fewer axes moves as
    with Adam; an override ``{"own_rule": False}`` in `build` makes any array do so.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-8
        Constant that is added to the denominators, at least 0.
    delta : float, default 0.1
        Limit of the cosine between gradient and weights, times the root of their number; at least
        0. With 0, no step is changed.
    weight_decay_ratio : float, default 0.1
        Factor of the weight decay of arrays whose step is changed, at least 0. It does not apply to
        ``weight_decay_mode="l2"``, which adds the decay to the gradient. The authors call it
        wd_ratio.
    nesterov : bool, default False
        Whether u is computed from ``beta_1 m + (1 - beta_1) g`` instead of m.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no AdamP; the defaults are those of the code of the authors.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8.

    References
    ----------
    Heo et al. 2020, "AdamP: Slowing Down the Slowdown for Momentum Optimizers on Scale-invariant
    Weights", arXiv 2006.08217, algorithm 2.

    Examples
    --------
    The first step of Adam makes these weights longer; that of AdamP is orthogonal to them:

    >>> import numpy as np
    >>> from lamb_rs import Adam, AdamP
    >>> for cls in (Adam, AdamP):
    ...     weights = np.array([[3.0, 4.0]], np.float32)
    ...     optimizer = cls(learning_rate=0.1)
    ...     _ = optimizer.apply(np.array([[4.0, -3.0]], np.float32), weights)
    ...     print(weights, np.linalg.norm(weights).round(4))
    [[2.9 4.1]] 5.022
    [[2.888 4.084]] 5.002
    """

    __slots__ = ()
    _routes = True
    _algorithm = "adamp"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    delta = Number()
    weight_decay_ratio = Number()
    nesterov = Switch()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-8,
        *,
        delta: float = 0.1,
        weight_decay_ratio: float = 0.1,
        nesterov: bool = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            delta=delta,
            weight_decay_ratio=weight_decay_ratio,
            nesterov=nesterov,
            **shared,
        )
