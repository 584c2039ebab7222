"""Gradient descent with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's acceleration.

    With ``form="lr_inside"``, as in Keras::

        v = momentum v - learning_rate g
        p = p + v                                   (nesterov: p + momentum v - learning_rate g)

    With ``form="lr_outside"``, as in torch, where the first step sets b to g::

        b = momentum b + (1 - dampening) g
        p = p - learning_rate b                     (nesterov: p - learning_rate (g + momentum b))

    State: 4 bytes per parameter; none without momentum.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.01
        Step size.
    momentum : float, Schedule or callable, default 0.0
        Decay rate of the velocity, in [0, 1).
    nesterov : bool, default False
        Whether to look ahead along the velocity.
    form : {"lr_inside", "lr_outside"}, default "lr_inside"
        Whether the velocity holds steps or gradients; the two differ once the learning rate moves.
    dampening : float, default 0.0
        Share of the gradient that is kept out of the velocity, for ``form="lr_outside"``.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Notes
    -----
    The defaults are Keras's.

    References
    ----------
    Polyak 1964, doi 10.1016/0041-5553(64)90137-5; Nesterov 1983; Sutskever et al. 2013, "On the
    importance of initialization and momentum in deep learning".
    """

    __slots__ = ()
    _algorithm = "sgd"

    momentum = Moving()
    nesterov = Switch()
    form = Choice()
    dampening = Number()

    def __init__(
        self,
        learning_rate: Source = 0.01,
        momentum: Source = 0.0,
        nesterov: bool = False,
        *,
        form: Literal["lr_inside", "lr_outside"] = "lr_inside",
        dampening: float = 0.0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            momentum=momentum,
            nesterov=nesterov,
            form=form,
            dampening=dampening,
            **shared,
        )
