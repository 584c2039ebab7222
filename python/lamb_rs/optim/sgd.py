"""Gradient descent with momentum."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from lamb_rs._errors import HyperparameterError
from lamb_rs._hyper import Choice, Moving, Number, Switch
from lamb_rs._narrow import widened
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from numpy.typing import NDArray

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
    form: Choice[Literal["lr_inside", "lr_outside"]] = Choice()
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

    @contextmanager
    def lookahead_point(self) -> Iterator[None]:
        """Put the parameters at the look-ahead point inside a with block; the old bits come back.

        That is where Nesterov's method takes its gradient: ``p + momentum v``, or
        ``p - learning_rate momentum b`` with ``form="lr_outside"``. A step with a gradient from
        there, taken after the block, is his; the parameters stay the iterates themselves, which
        with ``nesterov=True`` they are not.

        Raises
        ------
        HyperparameterError
            With ``nesterov=True``, where the parameters are the look-ahead point already.
        NotBuiltError
            Before `build`.
        ConcurrentStepError
            For anything inside the block that would change parameters or state, and inside
            another such block.

        Examples
        --------
        >>> import numpy as np
        >>> p, g = np.ones(1, np.float32), np.ones(1, np.float32)
        >>> optimizer = SGD(0.25, momentum=0.5)
        >>> optimizer.apply(g, p)
        True
        >>> with optimizer.lookahead_point():
        ...     print(p)
        [0.625]
        >>> print(p)
        [0.75]
        """
        if self.nesterov:
            raise HyperparameterError(
                "lookahead_point() is for nesterov=False: with nesterov=True, the parameters are "
                "the look-ahead point already"
            )
        self._bound()
        with self._moved(self._ahead(), "look-ahead point", "lookahead_point()"):
            yield

    def _ahead(self) -> dict[str, NDArray[np.float32]]:
        """Where the velocity will take each parameter that has one."""
        native = self._native
        state = native.state_dict()
        now = {"learning_rate": self.learning_rate, "momentum": self.momentum}
        points = {}
        for name, parameter, settings in zip(
            native.parameter_names, native.parameters, self._settings, strict=True
        ):
            if f"{name}/momentum" not in state:
                continue
            own: dict[str, Any] = {**now, **settings}
            factor = own["momentum"]
            if self.form == "lr_outside":
                factor *= -own["learning_rate"] * own.get("learning_rate_multiplier", 1.0)
            points[name] = parameter + np.float32(factor) * widened(state, f"{name}/momentum")
        return points
