"""SGDP."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from lamb_rs._optimizer.hyperparameters import Moving, Number, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class SGDP(Rule):
    """SGDP is SGD with momentum, without the part of each step that only makes weights longer.

    The output of a layer with batch or layer normalization does not depend on the length of its
    weights. Momentum makes these weights longer nevertheless, which makes later steps less
    effective. SGDP finds such weights by their gradient, which is orthogonal to them.

    For an array p with two axes or more and gradient g, with a momentum m, which is 0 before the
    first update::

        m = momentum m + g
        u = m
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
    weight decay is multiplied by `weight_decay_ratio`. An array with fewer axes moves by
    ``learning_rate m``; an override ``{"own_rule": False}`` in `build` makes any array do so.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.1
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    momentum : float, Schedule or callable, default 0.9
        Decay rate of the momentum m, in [0, 1).
    dampening : float, default 0.0
        Share of each gradient, the first included, that is left out of the momentum; in [0, 1].
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
        Whether to use Nesterov's momentum, ``u = g + momentum m``. It needs a `momentum`.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    Keras and torch have no SGDP. `epsilon`, `delta` and `weight_decay_ratio` have the values of the
    code of the authors, which has no default for the learning rate and 0 for `momentum`. That code
    divides weight decay by ``1 - momentum``; pass ``weight_decay / (1 - momentum)`` for the same
    decay here.

    State: 4 bytes per parameter in float32, 2 in bfloat16, 1 in float8.

    References
    ----------
    Heo et al. 2020, "AdamP: Slowing Down the Slowdown for Momentum Optimizers on Scale-invariant
    Weights", arXiv 2006.08217, algorithm 1.

    Examples
    --------
    The second step of SGD keeps a part along the weights; that of SGDP does not:

    >>> import numpy as np
    >>> from lamb_rs import SGD, SGDP
    >>> for optimizer in (SGD(0.1, momentum=0.9), SGDP(0.1, momentum=0.9)):
    ...     weights = np.array([[1.0, 0.0]], np.float32)
    ...     for _ in range(2):
    ...         orthogonal = np.array([[-weights[0, 1], weights[0, 0]]], np.float32)
    ...         _ = optimizer.apply(orthogonal, weights)
    ...     print(weights.round(3), np.linalg.norm(weights).round(4))
    [[ 0.99 -0.29]] 1.0316
    [[ 0.981 -0.289]] 1.0228
    """

    __slots__ = ()
    _routes = True
    _algorithm = "sgdp"

    momentum = Moving()
    dampening = Number()
    epsilon = Number()
    delta = Number()
    weight_decay_ratio = Number()
    nesterov = Switch()

    def __init__(
        self,
        learning_rate: Source = 0.1,
        momentum: Source = 0.9,
        dampening: float = 0.0,
        *,
        epsilon: float = 1e-8,
        delta: float = 0.1,
        weight_decay_ratio: float = 0.1,
        nesterov: bool = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            momentum=momentum,
            dampening=dampening,
            epsilon=epsilon,
            delta=delta,
            weight_decay_ratio=weight_decay_ratio,
            nesterov=nesterov,
            **shared,
        )
