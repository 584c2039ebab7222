"""RangerLars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import (
    Choice,
    Moving,
    Number,
    OptionalInteger,
    OptionalPair,
    Switch,
)
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class RangerLars(Rule):
    """RangerLars combines Ralamb and Lookahead; it is also known as Over9000.

    It was tuned with a constant learning rate that is annealed at the end: see `FlatAndAnneal`.
    Evaluate the slow weights inside `evaluation_weights`.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update, with norms over the array and the trust ratio q::

        slow = if(t == 1, p, slow)
        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        rho_inf = 2 / (1 - beta_2) - 1
        rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        u = if(rho > threshold,
               r m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon),
               m / (1 - beta_1^t))
        q = if(norm(p) norm(u) == 0, 1, norm(p) / norm(u))
        p = p - learning_rate q u
        slow = if(mod(t, sync_period) == 0, slow + slow_step_size (p - slow), slow)
        p = if(mod(t, sync_period) == 0, slow, p)

    With weight decay, ``u = u + weight_decay p`` comes before the trust ratio.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size relative to the norm of the array, at least 0. It may also be a schedule, or a
        function without arguments: see `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    sync_period : int or None, default 6
        Number of updates between synchronizations with the slow weights, at least 1. None switches
        them off.
    slow_step_size : float, default 0.5
        Share of the way that the slow weights move toward the parameters in a synchronization, in
        [0, 1].
    epsilon_mode : {"out", "hat"}, default "out"
        Where epsilon is added: to the root of the corrected v ("out"), or to the root of v ("hat").
    threshold : float, default 5.0
        The step is rectified where rho is greater; at least 4.
    form : {"step", "new_weights"}, default "step"
        Denominator of the trust ratio: the norm of u ("step"), or the norm of
        ``p - learning_rate u``, as in the code of the author ("new_weights").
    phi : (low, high) or None, default None
        Limits for the norm of the parameters in the trust ratio, with ``0 <= low <= high``; None
        sets no limits.
    trust_clip : (low, high), "paratrooper" or None, default None
        Limits for the trust ratio, with ``0 <= low <= high``. "paratrooper" sets the limits 1 and
        ``(1 - beta_1^t) / (r sqrt(1 - beta_2^t))``, or 1 and 10 where the step is not rectified;
        the ratio tends to 1 with t.
    always_adapt : bool, default True
        Whether arrays without weight decay get a trust ratio too; if not, their ratio is 1.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`. `weight_decay_mode` is "update" by default.

    Notes
    -----
    Keras, torch and optax have no RangerLars. ``lamb_rs.get("over9000")`` has the settings of the
    code of its author: other values of `epsilon_mode`, `form`, `phi` and `weight_decay_mode`.

    State: 12 bytes per parameter in float32, 8 in bfloat16, 6 in float8. The slow weights are
    always in float32.

    References
    ----------
    Grankin 2019, "over9000", https://github.com/mgrankin/over9000. RAdam: Liu et al. 2019,
    arXiv 1908.03265. LAMB: You et al. 2019, arXiv 1904.00962. Lookahead: Zhang et al. 2019,
    arXiv 1907.08610.

    Examples
    --------
    The trust ratio scales each step to the norm; every second update synchronizes the slow weights:

    >>> import numpy as np
    >>> from lamb_rs import RangerLars
    >>> p, g = np.array([3, 4], np.float32), np.array([1, 1], np.float32)
    >>> optimizer = RangerLars(0.01, sync_period=2)
    >>> optimizer.build(p)
    >>> for _ in range(2):
    ...     _ = optimizer.apply(g)
    ...     slow = optimizer.state_dict()["0/slow"]
    ...     print(optimizer.trust_ratios.round(2), p.round(3), slow.round(3))
    [3.54] [2.965 3.965] [3. 4.]
    [3.5] [2.965 3.965] [2.965 3.965]
    """

    __slots__ = ()
    _algorithm = "rangerlars"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    sync_period = OptionalInteger()
    slow_step_size = Number()
    epsilon_mode: Choice[Literal["out", "hat"]] = Choice()
    threshold = Number()
    form: Choice[Literal["step", "new_weights"]] = Choice()
    phi = OptionalPair()
    trust_clip: Choice[tuple[float, float] | Literal["paratrooper"] | None] = Choice()
    always_adapt = Switch()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-8,
        sync_period: int | None = 6,
        slow_step_size: float = 0.5,
        *,
        epsilon_mode: Literal["out", "hat"] = "out",
        threshold: float = 5.0,
        form: Literal["step", "new_weights"] = "step",
        phi: tuple[float, float] | None = None,
        trust_clip: tuple[float, float] | Literal["paratrooper"] | None = None,
        always_adapt: bool = True,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            sync_period=sync_period,
            slow_step_size=slow_step_size,
            epsilon_mode=epsilon_mode,
            threshold=threshold,
            form=form,
            phi=phi,
            trust_clip=trust_clip,
            always_adapt=always_adapt,
            **shared,
        )
