"""Gradient descent with momentum."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from lamb_rs._errors import HyperparameterError
from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number, Switch
from lamb_rs._optimizer.rule import Rule
from lamb_rs._widen import widened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from numpy.typing import NDArray

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class SGD(Rule):
    """SGD moves the parameters against the gradient, optionally with momentum.

    With momentum and a tuned learning rate it often reaches the best final accuracy of image
    models, and it keeps less state than any other optimizer. One learning rate has to suit all
    parameters, so it needs more tuning than Adam; divide the rate by 10 if the loss grows.

    For an array p with gradient g::

        p = p - learning_rate g

    With `momentum`, the velocity m is updated first; it is 0 before the first update::

        m = momentum m - learning_rate g;  p = p + m              (form="lr_inside", as in Keras)
        m = momentum m + g;  p = p - learning_rate m              (form="lr_outside", as in torch)

    With `nesterov`, p changes by ``momentum m - learning_rate g`` in the first form, and by
    ``-learning_rate (g + momentum m)`` in the second.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.01
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    momentum : float, Schedule or callable, default 0.0
        Decay rate of the velocity, in [0, 1). With 0 there is no velocity and no state.
    nesterov : bool, default False
        Whether to use Nesterov's momentum. It needs a `momentum`.
    form : {"lr_inside", "lr_outside"}, default "lr_inside"
        Whether the velocity is a sum of steps or of gradients. The results differ only if the
        learning rate changes during training.
    dampening : float, default 0.0
        Share of each gradient, except the first, that is left out of the velocity; in [0, 1] and
        for ``form="lr_outside"`` only.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`.

    Notes
    -----
    The defaults are those of Keras. torch has ``learning_rate=0.001`` and couples weight decay with
    the gradient, which is ``weight_decay_mode="l2"`` here.

    State: 0 bytes per parameter. With momentum: 4 bytes in float32, 2 in bfloat16, 1 in float8.

    References
    ----------
    Polyak 1964, "Some methods of speeding up the convergence of iteration methods",
    doi 10.1016/0041-5553(64)90137-5. Nesterov 1983. Sutskever et al. 2013, "On the importance of
    initialization and momentum in deep learning", ICML.

    Examples
    --------
    With a constant gradient, momentum makes each step longer than the one before:

    >>> import numpy as np
    >>> from lamb_rs import SGD
    >>> p, g = np.ones(1, np.float32), np.ones(1, np.float32)
    >>> optimizer = SGD(0.1, momentum=0.9)
    >>> optimizer.build(p)
    >>> for _ in range(3):
    ...     _ = optimizer.apply(g)
    ...     print(p.round(3))
    [0.9]
    [0.71]
    [0.439]
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
        """Move the parameters to the look-ahead point for the duration of a ``with`` block.

        Nesterov's method computes the gradient at this point, which is ``p + momentum m``, or
        ``p - learning_rate momentum m`` with ``form="lr_outside"``. Compute the gradient inside the
        block and call `apply` after it. The parameters are then the iterates of the method; with
        ``nesterov=True`` they are the look-ahead points instead. At the end of the block the
        parameters have the same bits as before.

        Raises
        ------
        HyperparameterError
            If ``nesterov=True``.
        NotBuiltError
            If `build` was not called before.
        ConcurrentStepError
            If the block is inside another one, or if anything inside it would change parameters or
            state.

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
                "lookahead_point() needs nesterov=False: with nesterov=True, the parameters are "
                "the look-ahead point already"
            )
        self._bound()
        with self._moved(self._ahead(), "look-ahead point", "lookahead_point()"):
            yield

    def _ahead(self) -> dict[str, NDArray[np.float32]]:
        """Return the look-ahead point of each parameter that has a velocity."""
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
